"""How many rows of a slice have a given bin."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

__all__ = ["Counter", "LeafTable", "SortedRows", "choose_counter"]

ENTRIES_PER_QUERY = 100
"""Numbers of a table of counts for each slice that is asked for, at most: to fill a larger one takes longer than
to search."""

Places = Int[np.ndarray, " _"]


@runtime_checkable
class Counter(Protocol):
    """Counts the rows of slices."""

    def between(self, bins: Places, start: Places, end: Places) -> Places:
        """Count the rows with each of these bins between these places."""
        ...


class SortedRows:
    """Counts by two binary searches among the rows in the order of their bins."""

    def __init__(self, bins: Places, first: int) -> None:
        self.first = first
        self.n = len(bins)
        self.keys = np.sort(bins.astype(np.int64) * self.n + np.arange(self.n))

    def between(self, bins: Places, start: Places, end: Places) -> Places:
        """Count the rows with each of these bins between these places."""
        base = bins.astype(np.int64) * self.n - self.first
        before = np.searchsorted(self.keys, base + start)
        return np.searchsorted(self.keys, base + end) - before


class LeafTable:
    """Counts by a table of the rows of each bin in the first leaves: for slices that begin and end with a leaf."""

    def __init__(self, bins: Places, first: int, leaves: Places, width: int) -> None:
        """Fill the table.

        Args:
            bins: The bin of each row.
            first: The place of the first one.
            leaves: The leaf of each row.
            width: How many bins there are.
        """
        self.first = first
        self.width = width
        begins = np.concatenate([[True], leaves[1:] != leaves[:-1]])
        self.leaves_before = np.concatenate([[0], np.cumsum(begins)])
        self.counts = np.zeros((self.leaves_before[-1] + 1, width), np.int32)
        np.add.at(self.counts.ravel(), self.leaves_before[1:] * width + bins, 1)
        for before, here in zip(self.counts[:-1], self.counts[1:], strict=True):
            here += before

    def between(self, bins: Places, start: Places, end: Places) -> Places:
        """Count the rows with each of these bins between these places."""
        before, up_to = (
            self.counts.take(self.leaves_before[places - self.first] * self.width + bins)
            for places in (start, end)
        )
        return up_to - before


def choose_counter(
    bins: Places, first: int, leaves: Places, *, width: int, queries: int
) -> Counter:
    """Choose what counts the rows of `queries` slices fastest; see `LeafTable`."""
    if (np.diff(leaves) != 0).sum() * width <= ENTRIES_PER_QUERY * queries:
        return LeafTable(bins, first, leaves, width)
    return SortedRows(bins, first)
