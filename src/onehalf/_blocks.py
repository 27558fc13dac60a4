"""Process many rows in blocks that fit into memory, or a few of them."""

from collections.abc import Iterator

import numpy as np

__all__ = ["blocks", "take_evenly"]


def blocks(n: int, size: int) -> Iterator[slice]:
    """Cut n rows into consecutive slices of at most `size` rows.

    >>> list(blocks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, n, max(1, size)):
        yield slice(start, min(start + max(1, size), n))


def take_evenly(rows: np.ndarray, n: int) -> np.ndarray:
    """Take at most n rows, evenly spaced, so that the end of a sorted file is shown as well.

    >>> take_evenly(np.arange(10), 4)
    array([0, 3, 6, 9])
    """
    return rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(int)]
