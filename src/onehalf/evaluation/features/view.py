"""Rows as critics see them: of tables a flag for each word, of pictures a smaller copy and the grain of the pixels."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.data.tables.encoding import Cells, TableEncoder

__all__ = ["Entries", "Grain", "View", "flags"]

Column = Float[np.ndarray, " rows"]
Features = Float[np.ndarray, "rows _"]
Pictures = Float[np.ndarray, "rows h w colours"]

LEAST_SIDE = 8
"""Pixels: what has a shorter side is taken for a matrix of numbers."""

SMALL = 256
"""A picture's smaller copy has at most so many entries."""

PATCH, PATCHES, FAINTEST = 5, 10_000, 1e-6
"""The side of a patch; patches that patterns are learned from; the least variance of one, if the greatest is 1."""

ENTRIES = 2**24
"""Of patches, that are in memory at a time."""

WORDS, ROWS_EACH = 100, 5
"""At most so many words of a column, the most frequent ones, have flags of their own, if so many rows hold them."""

ATOM, ATOM_ROWS = 0.05, 20
"""A number that more than this share of the rows hold, and so many of them, has a flag of its own."""


@dataclass(frozen=True)
class Entries:
    """What the entries of a row are: those of an array of this shape, then its features, then its class, from 0.

    >>> Entries((28, 28)).are_pixels, Entries((32, 32, 3)).are_pixels, Entries((28,)).are_pixels
    (True, True, False)
    """

    shape: tuple[int, ...]
    features: int = 0
    labelled: bool = False

    @property
    def are_pixels(self) -> bool:
        """Whether the array is a picture: (h, w), or (h, w, c) of 1, 3 or 4 colours, of 8 pixels a side or more."""
        is_one = len(self.shape) == 2 or (len(self.shape) == 3 and self.shape[2] in (1, 3, 4))
        return is_one and min(self.shape[:2]) >= LEAST_SIDE

    def array(self, rows: Features) -> Features:
        """The entries of the array alone."""
        return rows[:, : math.prod(self.shape)]

    def pictures(self, rows: Features) -> Pictures:
        """The same as pictures."""
        return self.array(rows).reshape(len(rows), *self.shape[:2], -1)

    def features_of(self, rows: Features) -> Features:
        """The features alone."""
        return rows[:, math.prod(self.shape) :][:, : self.features]

    def classes_of(self, rows: Features) -> Column:
        """The classes alone."""
        return rows[:, -1]

    def small(self, rows: Features) -> Features:
        """The pictures in at most SMALL entries, or one a colour: the means of squares of pixels.

        >>> Entries((28, 28)).small(np.ones((1, 784))).shape
        (1, 196)
        """
        height, width, colours = *self.shape[:2], math.prod(self.shape[2:])
        longest = max(height, width)
        sides = (
            side
            for side in range(1, longest)
            if -(-height // side) * -(-width // side) * colours <= SMALL
        )
        return self.means(rows, next(sides, longest)).reshape(len(rows), -1)

    def means(self, rows: Features, side: int) -> Pictures:
        """The pictures' means over squares of so many pixels a side."""
        pictures = self.pictures(rows)
        for axis in (1, 2) if side > 1 else ():
            starts = np.arange(0, pictures.shape[axis], side)
            counts = (
                np.diff([*starts, pictures.shape[axis]])
                .astype(rows.dtype)
                .reshape(-1, *[1] * (3 - axis))
            )
            pictures = np.add.reduceat(pictures, starts, axis=axis) / counts
        return pictures


@dataclass(frozen=True)
class Grain:
    """How strong each local pattern of pixels is in each quarter of a picture: the mean |w . patch| over its patches.

    The patterns w are the principal components of patches from the rows that it is learned from, in units of their
    standard deviations. So noise, blur and edges have patterns of their own, and the faint ones count as much.
    """

    entries: Entries
    patterns: Float[np.ndarray, "pixels patterns"]

    @classmethod
    def of(cls, rng: np.random.Generator, rows: Features, entries: Entries) -> "Grain":
        """The patterns of these rows, none if all their patches are equal."""
        windows = _windows(entries.pictures(rows))
        places = tuple(rng.integers(0, length, PATCHES) for length in windows.shape[:3])
        variance, patterns = np.linalg.eigh(np.cov(windows[places].reshape(PATCHES, -1).T))
        kept = variance > max(FAINTEST * variance[-1], 0)
        return cls(entries, (patterns[:, kept] / np.sqrt(variance[kept])).astype(rows.dtype))

    def __call__(self, rows: Features) -> Features:
        """The strengths, a block of rows at a time."""
        size = max(1, ENTRIES // (math.prod(self.entries.shape) * PATCH**2))
        blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
        return np.concatenate(
            [self._strengths(self.entries.pictures(block)) for block in blocks]
        )

    def _strengths(self, pictures: Pictures) -> Features:
        windows = _windows(pictures)
        strengths = np.abs(windows.reshape(-1, len(self.patterns)) @ self.patterns).reshape(
            *windows.shape[:3], -1
        )
        halves = np.array_split(strengths, 2, axis=1)
        quarters = [quarter for half in halves for quarter in np.array_split(half, 2, axis=2)]
        return np.concatenate([quarter.mean(axis=(1, 2)) for quarter in quarters], axis=1)


def _windows(pictures: Pictures) -> Float[np.ndarray, "rows down across colours side side"]:
    return np.lib.stride_tricks.sliding_window_view(pictures, (PATCH, PATCH), axis=(1, 2))


@dataclass(frozen=True)
class View:
    """A map from cells to finite numbers, learned from some rows alone: whatever is judged on others stays as it was.

    - A number or a date: itself, or the median where it is missing; a flag for 'missing', if some were; and one for
      each value that many rows share, since 14.6 lies near 14 and 15, and is neither.
    - A word: a flag for each of the frequent ones, and one for all others, those unheard of among them. Missing is a
      word like any other. Of two flags that always differ, only one is kept.

    Without a coding it changes nothing. Of `Entries` only the features are left, or where there are none the array.

    >>> import pyarrow as pa
    >>> people = pa.table({"age": [31, None, 54, 7] * 20, "sex": ["F", "M", "F", "F"] * 20})
    >>> coding = TableEncoder.of(people)
    >>> View.of(coding.rows(people), coding)(coding.rows(people)[:3])    # age, missing, 7, 31, 54, M
    array([[31.,  0.,  0.,  1.,  0.,  0.],
           [31.,  1.,  0.,  0.,  0.,  1.],
           [54.,  0.,  0.,  0.,  1.,  0.]])
    """

    columns: "tuple[_Numbers | _Words, ...] | None"
    scale: Float[np.ndarray, " _"]
    """The standard deviations of the numbers; 1 for a flag, so that two words lie as far apart as numbers do."""
    entries: Entries | None = None

    @classmethod
    def of(cls, learn: Cells, coding: TableEncoder | Entries | None = None) -> "View":
        """The view that these rows teach."""
        if isinstance(coding, Entries):
            seen = cls(None, np.ones(1), coding)(learn)
            # pixels share one unit: if each had its own, a speck in a corner that is black as a rule would count most
            std = seen.std(
                axis=None if coding.are_pixels and not coding.features else 0, keepdims=True
            )[0]
            return cls(None, np.where(std > 0, std, 1).astype(learn.dtype), coding)
        if coding is None:
            std = learn.std(axis=0)
            return cls(None, np.where(std > 0, std, 1.0))
        parts = zip(coding.columns, learn.T, strict=True)
        seen = tuple(
            (_Words if about.name in coding.words else _Numbers).of(column)
            for about, column in parts
        )
        return cls(seen, np.concatenate([each.scale for each in seen]))

    def __call__(self, cells: Cells) -> Features:
        """The rows as features."""
        if self.entries is not None:
            return (
                self.entries.features_of(cells)
                if self.entries.features
                else self.entries.array(cells)
            )
        if self.columns is None:
            return cells
        return np.concatenate(
            [seen(column) for seen, column in zip(self.columns, cells.T, strict=True)], axis=1
        )

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
        return cls(
            float(np.median(known)),
            float(known.std()) or 1.0,
            bool(np.isnan(column).any()),
            atoms,
        )

    @property
    def scale(self) -> Float[np.ndarray, " _"]:
        return np.array([self.std] + [1.0] * (self.missing + len(self.atoms)))

    def __call__(self, column: Column) -> Features:
        missing = np.isnan(column)
        some = [missing] if self.missing else []
        return np.stack(
            [
                np.where(missing, self.median, column),
                *some,
                *(column == atom for atom in self.atoms),
            ],
            1,
        )


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


def flags(column: Column) -> _Words:
    """A flag for each frequent class."""
    return _Words.of(column)


def _places(column: Column) -> Int[np.ndarray, " rows"]:
    return np.where(np.isnan(column), -1, column).astype(np.int64)
