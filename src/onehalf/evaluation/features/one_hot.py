"""Words as flags, one for each of the frequent ones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Real

__all__ = ["OneHot"]

MOST_WORDS = 100
"""The most words of a column that have flags of their own, the most frequent ones."""

LEAST_ROWS = 5
"""The least rows that hold a word with a flag of its own."""


@dataclass(frozen=True)
class OneHot:
    """A flag for each frequent word of a column, and one for all others; NaN, a missing word, is a word like any other.

    Words are given by their places. Of two flags that always differ only one is kept.

    >>> OneHot.fit(np.repeat([0.0, 1.0, 2.0], [9, 6, 2]))(np.array([0.0, 1.0, 2.0, 7.0]))
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.],
           [0., 0., 1.]])
    """

    kept: Int[np.ndarray, " kept"]
    others: bool

    @classmethod
    def fit(cls, column: Real[np.ndarray, " rows"]) -> "OneHot":
        """Choose the words that have flags from these rows."""
        words, counts = np.unique(_places(column), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        kept = order[counts[order] >= LEAST_ROWS][:MOST_WORDS]
        # were there no other words, a flag for them would be constant
        return cls(words[kept], len(kept) < len(words))

    @property
    def width(self) -> int:
        """The number of flags."""
        groups = len(self.kept) + self.others
        return groups - (groups == 2)

    def __call__(self, column: Real[np.ndarray, " rows"]) -> Float[np.ndarray, "rows width"]:
        """The flags of each row."""
        flags = _places(column)[:, None] == self.kept
        if self.others:
            flags = np.concatenate([flags, ~flags.any(axis=1, keepdims=True)], axis=1)
        return flags[:, -self.width :].astype(np.float64)


def _places(column: Real[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    return np.where(np.isnan(column), -1, column).astype(np.int64)
