"""NumPy's random numbers from JAX's keys."""

import jax.random as jr
import numpy as np

from onehalf._typing import PRNGKey

__all__ = ["numpy_generator"]


def numpy_generator(key: PRNGKey) -> np.random.Generator:
    """A generator that is settled by the key: the same key, the same numbers."""
    return np.random.default_rng(np.asarray(jr.key_data(key)))
