"""Process many rows in blocks that fit into memory."""

from collections.abc import Iterator

__all__ = ["blocks"]


def blocks(n: int, size: int) -> Iterator[slice]:
    """Cut n rows into consecutive slices of at most `size` rows.

    >>> list(blocks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, n, max(1, size)):
        yield slice(start, min(start + max(1, size), n))
