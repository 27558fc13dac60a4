"""Strict arithmetic in every test and doctest: no silent promotion of dtypes or ranks, and two devices to share out.

Hypothesis tries the same examples each time: what fails once fails again.
"""

import functools

import hypothesis
import jax
import optax.tree

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_num_cpu_devices", 2)

hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


def _with_standard_promotion(function):
    """Optax 0.2.8 raises a float to an integer power; what it does inside is not ours to be strict about."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        with jax.numpy_dtype_promotion("standard"):
            return function(*args, **kwargs)

    return run


optax.tree.bias_correction = _with_standard_promotion(optax.tree.bias_correction)
