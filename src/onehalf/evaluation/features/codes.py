"""Columns as small whole numbers: a code for each frequent word, and for each bin of a column of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["ColumnCodes"]

MOST_WORDS = 60
"""The most words of a column that have codes of their own, the most frequent ones."""

BINS = 16
"""The bins of a column of numbers; of fewer values each has a code of its own."""


@dataclass(frozen=True)
class ColumnCodes:
    """A map from cells to codes, learned from some rows alone; code 0 is for what is missing or unheard of.

    >>> cells = np.array([[0.5, 0.0], [1.5, 1.0], [2.5, 1.0], [np.nan, 1.0]])
    >>> ColumnCodes.fit(cells, [False, True])(np.array([[0.4, 1.0], [9.0, 7.0], [np.nan, 0.0]]))
    array([[1., 1.],
           [3., 0.],
           [0., 2.]])
    """

    words: Sequence[bool] | Bool[np.ndarray, " columns"]
    """Whether each column holds words."""
    levels: tuple[Float[np.ndarray, " _"], ...]
    """The words with codes, or the upper edges of all bins but the last."""

    @classmethod
    def fit(
        cls,
        cells: Float[np.ndarray, "rows columns"],
        words: Sequence[bool] | Bool[np.ndarray, " columns"],
    ) -> "ColumnCodes":
        """Learn the frequent words and the edges of the bins."""
        levels = (
            _frequent_words(column) if is_word else _find_edges(column)
            for column, is_word in zip(cells.T, words, strict=True)
        )
        return cls(words, tuple(levels))

    def __call__(
        self, cells: Float[np.ndarray, "rows columns"]
    ) -> Float[np.ndarray, "rows columns"]:
        """The codes of each row."""
        codes = np.zeros(cells.shape)
        for place, (column, is_word, levels) in enumerate(
            zip(cells.T, self.words, self.levels, strict=True)
        ):
            if is_word:
                order = np.argsort(levels)
                at = order[
                    np.searchsorted(levels, column, sorter=order).clip(max=len(levels) - 1)
                ]
                codes[:, place] = np.where(levels[at] == column, at + 1, 0)
            else:
                bins = np.searchsorted(levels, column) + 1
                codes[:, place] = np.where(np.isnan(column), 0, bins)
        return codes


def _frequent_words(column: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " words"]:
    words, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    chosen = words[np.argsort(-counts, kind="stable")][:MOST_WORDS]
    return chosen if len(chosen) else np.zeros(1)


def _find_edges(column: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " edges"]:
    known = column[~np.isnan(column)]
    values = np.unique(known)
    if len(values) <= BINS:
        return values[:-1]
    return np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf"))
