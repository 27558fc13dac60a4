"""The decimals of numbers."""

import numpy as np
from jaxtyping import Bool, Shaped

__all__ = ["has_decimals"]

CHANCE = 1 / 32
"""A number counts as one with few decimals only if chance, given its type, would make it so
more rarely than this."""


def has_decimals(values: Shaped[np.ndarray, "..."], decimals: int) -> Bool[np.ndarray, "..."]:
    """Whether each number is the nearest of its type to one with at most this many decimals.

    Large floats are excluded: 123456.78 in float32 is one of the few numbers around, and would
    be near some number of two decimals by chance.

    >>> has_decimals(np.array([0.25, 0.2500000012, 7.0]), 2)
    array([ True, False,  True])
    >>> has_decimals(np.array([0.1, 123456.78], np.float32), 2)
    array([ True, False])
    """
    dtype = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    wide = values.astype(np.float64)
    is_fine = np.abs(wide) <= CHANCE / float(np.finfo(dtype).eps) / 10**decimals
    is_fine[is_fine] = np.round(wide[is_fine], decimals).astype(dtype) == values[is_fine]
    return is_fine
