"""The greatest difference of shares between two samples, column by column."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.evaluation.features.base import Columns

__all__ = ["RankedColumn", "count_draws", "rank_columns", "weigh"]

Cells = Float[np.ndarray, "_ columns"]
Places = Int[np.ndarray, " _"]
Counts = Int[np.ndarray, "rows draws"]
Weights = Float[np.ndarray, "_ draws"]

EXACT = 12
"""Decimals of a distance that sums of shares do not blur."""


@dataclass(frozen=True, eq=False)
class RankedColumn:
    """The rows of all samples, one after the other, in order of one column; what is missing comes last.

    >>> column = RankedColumn.fit(np.array([3.0, 1.0, np.nan, 1.0]), is_words=False)
    >>> column.ranks, column.ends
    (array([1, 0, 2, 0]), array([1, 2, 3]))
    """

    is_words: bool
    ranks: Places
    """The rank of each row's value; equal values share it."""
    order: Places
    """The rows in order of their ranks."""
    ends: Places
    """The last place of each value in this order."""

    @classmethod
    def fit(cls, cells: Float[np.ndarray, " _"], *, is_words: bool) -> "RankedColumn":
        """Rank the cells."""
        _, ranks, counts = np.unique(cells, return_inverse=True, return_counts=True)
        order = np.argsort(ranks, kind="stable")
        return cls(is_words, ranks, order, np.cumsum(counts) - 1)

    @property
    def size(self) -> int:
        """The number of different values, a missing one among them."""
        return len(self.ends)

    def distances(self, weights: Weights) -> Float[np.ndarray, " draws"]:
        """The greatest difference, of the shares of rows up to a value or of a single word.

        Args:
            weights: 1/n for a row of the one sample, -1/m for one of the other; several draws.
        """
        return np.abs(self._differences(weights)).max(axis=0).round(EXACT)

    def quick_distances(self, weights: Weights) -> Float[np.ndarray, " draws"]:
        """The same of numbers and dates; of words the total variation, half the sum of all differences of shares."""
        differences = np.abs(self._differences(weights))
        found = differences.sum(axis=0) / 2 if self.is_words else differences.max(axis=0)
        return found.round(EXACT)

    def _differences(self, weights: Weights) -> Weights:
        """The difference of shares for each value: of the rows up to it, or of a word alone."""
        shares = np.cumsum(weights[self.order], axis=0)[self.ends]
        return np.diff(shares, axis=0, prepend=0) if self.is_words else shares


def rank_columns(cells: Cells, columns: Columns) -> list[RankedColumn]:
    """Rank each column of these rows."""
    return [
        RankedColumn.fit(column, is_words=columns.is_category(place))
        for place, column in enumerate(cells.T)
    ]


def weigh(n: int, m: int) -> Weights:
    """The weights of n rows of the one sample followed by m rows of the other, as one draw.

    >>> weigh(1, 2).T
    array([[ 1. , -0.5, -0.5]])
    """
    return np.repeat([1 / n, -1 / m], [n, m])[:, None]


def count_draws(rng: np.random.Generator, rows: int, size: int, draws: int) -> Counts:
    """How often each of these rows is drawn into samples of this size, with replacement."""
    drawn = (rng.integers(rows, size=size) for _ in range(draws))
    return np.stack([np.bincount(places, minlength=rows) for places in drawn], axis=1)
