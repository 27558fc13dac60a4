"""The cells of a table as critics see them: numbers where more means more, and a flag for each word."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.data.coding import Cells, Coding

__all__ = ["View"]

Column = Float[np.ndarray, " rows"]
Features = Float[np.ndarray, "rows features"]

WORDS, ROWS_EACH = 100, 5
"""At most so many words of a column, the most frequent ones, have flags of their own, if so many rows hold them."""

ATOM, ATOM_ROWS = 0.05, 20
"""A number that more than this share of the rows hold, and so many of them, has a flag of its own."""


@dataclass(frozen=True)
class View:
    """A map from cells to finite numbers, learned from some rows alone: whatever is judged on others stays as it was.

    - A number or a date: itself, or the median where it is missing; a flag for 'missing', if some were; and one for
      each value that many rows share, since 14.6 lies near 14 and 15, and is neither.
    - A word: a flag for each of the frequent ones, and one for all others, those unheard of among them. Missing is a
      word like any other. Of two flags that always differ, only one is kept.

    Without a coding it changes nothing.

    >>> import pyarrow as pa
    >>> people = pa.table({"age": [31, None, 54, 7] * 20, "sex": ["F", "M", "F", "F"] * 20})
    >>> coding = Coding.of(people)
    >>> View.of(coding.rows(people), coding)(coding.rows(people)[:3])    # age, missing, 7, 31, 54, M
    array([[31.,  0.,  0.,  1.,  0.,  0.],
           [31.,  1.,  0.,  0.,  0.,  1.],
           [54.,  0.,  0.,  0.,  1.,  0.]])
    """

    columns: "tuple[_Numbers | _Words, ...] | None"
    scale: Float[np.ndarray, " features"]
    """The standard deviations of the numbers; 1 for a flag, so that two words lie as far apart as numbers do."""

    @classmethod
    def of(cls, learn: Cells, coding: Coding | None = None) -> "View":
        """The view that these rows teach."""
        if coding is None:
            std = learn.std(axis=0)
            return cls(None, np.where(std > 0, std, 1.0))
        parts = zip(coding.columns, learn.T, strict=True)
        seen = tuple((_Words if about.name in coding.words else _Numbers).of(column) for about, column in parts)
        return cls(seen, np.concatenate([each.scale for each in seen]))

    def __call__(self, cells: Cells) -> Features:
        """The rows as features."""
        if self.columns is None:
            return cells
        return np.concatenate([seen(column) for seen, column in zip(self.columns, cells.T, strict=True)], axis=1)

    def scaled(self, cells: Cells) -> Features:
        """The rows where distances mean something."""
        return self(cells) / self.scale


@dataclass(frozen=True)
class _Numbers:
    """A column of numbers."""

    median: float
    std: float
    missing: bool
    atoms: Float[np.ndarray, " atoms"]

    @classmethod
    def of(cls, column: Column) -> "_Numbers":
        known = column[~np.isnan(column)]
        values, counts = np.unique(known, return_counts=True)
        often = (counts > ATOM * len(column)) & (counts >= ATOM_ROWS)
        # of the two values of a column that has no others, one says what the other does: the number itself
        atoms = values[often] if len(values) > 2 else values[:0]
        known = known if len(known) else np.zeros(1)
        return cls(float(np.median(known)), float(known.std()) or 1.0, bool(np.isnan(column).any()), atoms)

    @property
    def scale(self) -> Float[np.ndarray, " _"]:
        return np.array([self.std] + [1.0] * (self.missing + len(self.atoms)))

    def __call__(self, column: Column) -> Features:
        missing = np.isnan(column)
        some = [missing] if self.missing else []
        return np.stack([np.where(missing, self.median, column), *some, *(column == atom for atom in self.atoms)], 1)


@dataclass(frozen=True)
class _Words:
    """A column of words: their places, -1 where it is missing."""

    kept: Int[np.ndarray, " kept"]
    others: bool

    @classmethod
    def of(cls, column: Column) -> "_Words":
        words, counts = np.unique(_places(column), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        kept = order[counts[order] >= ROWS_EACH][:WORDS]
        # were there no other words, a flag would be constant
        return cls(words[kept], len(kept) < len(words))

    @property
    def scale(self) -> Float[np.ndarray, " _"]:
        groups = len(self.kept) + self.others
        return np.ones(groups - (groups == 2))

    def __call__(self, column: Column) -> Features:
        flags = _places(column)[:, None] == self.kept
        if self.others:
            flags = np.concatenate([flags, ~flags.any(axis=1, keepdims=True)], axis=1)
        return flags[:, -len(self.scale) :].astype(np.float64)


def _places(column: Column) -> Int[np.ndarray, " rows"]:
    return np.where(np.isnan(column), -1, column).astype(np.int64)
