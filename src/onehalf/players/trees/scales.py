"""The values of a column, in bins of several widths."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.data.tables.normal_scores import NormalScores

__all__ = ["MISSING", "ColumnFacts", "Scales"]

MISSING = -1
"""The code of a missing value."""

POPULAR = 10
"""A value of fewer training rows is never drawn for its own sake: it shares its bin with others."""

BINS = (1024, 256, 64, 16)
"""Bins of about equal mass at the coarser scales of numbers."""

ROWS_PER_BIN = 4
"""Rows of a bin, at least, at each of those scales."""

ATOM_SHARE = 0.05
"""A number that this share of the rows have, and `ATOM_ROWS` of them, is alone in its bin at every scale."""

ATOM_ROWS = 20

Values = Float[np.ndarray, " _"]
Codes = Int[np.ndarray, " _"]
Flags = Bool[np.ndarray, " _"]


@dataclass(frozen=True)
class ColumnFacts:
    """What has to be known of a column beside its cells."""

    is_word: bool
    """Whether its cells are places of words, which have no order."""
    decimals: int | None = 0
    """The decimals of its numbers; None if they have all that their type can hold."""


@dataclass(frozen=True, eq=False)
class Scales:
    """The distinct values of a column of training rows, and the bin of each at every scale, from fine to coarse.

    A value's code is its place among `values`; a missing one has the code -1. Bins are runs of values. The finest
    scale has each value of at least 10 rows alone, and the rarer ones together; the coarser ones, of numbers only,
    have 1024 to 16 bins of about equal mass.
    """

    values: Values
    """Distinct values: numbers in their order, words from frequent to rare."""
    counts: Codes
    """Training rows of each."""
    missing: int
    """Training rows without a value."""
    bins: Int[np.ndarray, "scales values"]
    is_word: bool
    repeats: bool
    """Whether only the values of the data are drawn; otherwise numbers between them are too."""
    step: float = 0.0
    """The spacing of the lattice that numbers lie on; 0 if they lie on none."""
    decimals: int = 0
    """The decimals that numbers are rounded to, if they lie on a lattice."""

    @classmethod
    def fit(cls, cells: Values, facts: ColumnFacts) -> "Scales":
        """Find the values and bins of the cells of training rows."""
        known = cells[~np.isnan(cells)]
        values, counts = np.unique(known, return_counts=True)
        missing = len(cells) - len(known)
        if facts.is_word:
            order = np.argsort(-counts, kind="stable")
            values, counts = values[order], counts[order]
            finest = np.minimum(np.arange(len(values)), (counts >= POPULAR).sum())
            return cls(values, counts, missing, finest[None], is_word=True, repeats=True)
        scores = NormalScores.fit(known, facts.decimals) if len(known) else None
        repeats = scores is None or scores.repeat
        step = scores.step if scores else 0.0
        bins = [np.arange(len(values)) if repeats else _pool_rare(counts)]
        for wanted in BINS:
            coarser = _bins_of_mass(counts, wanted)
            is_coarser = len(values) and coarser[-1] + 1 <= 0.75 * (bins[-1][-1] + 1)
            if is_coarser and len(known) >= ROWS_PER_BIN * wanted:
                bins.append(coarser)
        decimals = facts.decimals or 0
        return cls(
            values,
            counts,
            missing,
            np.stack(bins),
            is_word=False,
            repeats=repeats,
            step=step,
            decimals=decimals,
        )

    @property
    def rows(self) -> int:
        """Training rows."""
        return int(self.counts.sum()) + self.missing

    def encode(self, cells: Values) -> Codes:
        """The code of each cell; a new number has that of the nearest value below, a new word that of the rarest."""
        if not len(self.values):
            return np.full(len(cells), MISSING)
        if self.is_word:
            order = np.argsort(self.values)
            near = np.searchsorted(self.values[order], cells).clip(0, len(order) - 1)
            found = self.values[order[near]] == cells
            codes = np.where(found, order[near], len(order) - 1)
        else:
            codes = np.searchsorted(self.values, cells, side="right") - 1
        return np.where(np.isnan(cells), MISSING, codes.clip(0, len(self.values) - 1))

    def snap(self, cells: Values) -> Values:
        """The nearest value to each number, such as one that float32 has rounded; words are whole numbers already."""
        if self.is_word or not len(self.values):
            return cells
        middle = (self.values[1:] + self.values[:-1]) / 2
        nearest = self.values[np.searchsorted(middle, cells).clip(0, len(middle))]
        return np.where(np.isnan(cells), np.nan, nearest)

    def features(self, cells: Values) -> Float[np.ndarray, " _"]:
        """Each cell as trees see it: the rank of a number among the training rows, the code of a word."""
        if self.is_word:
            return self.encode(cells).astype(np.float32)
        known = np.flatnonzero(~np.isnan(cells))
        place = np.searchsorted(self.values, cells[known])
        rank = self.rows_below[place].astype(np.float64)
        if len(self.values):
            near = np.minimum(place, len(self.values) - 1)
            rank += np.where(self.values[near] == cells[known], self.counts[near] / 2, 0.0)
        ranks = np.full(len(cells), -0.1 * self.rows_below[-1] - 1, np.float32)
        ranks[known] = rank
        return ranks

    def bin_of(self, codes: Codes, scale: int) -> Codes:
        """The bin of each code: 0 is missing, those of values begin at 1."""
        if not len(self.values):
            return np.zeros(len(codes), np.int64)
        return np.where(codes < 0, 0, self.bins[scale][codes] + 1)

    def count_bins(self, scale: int) -> int:
        """How many bins there are, with that of missing values."""
        return len(self.edges[scale][0]) + 1

    def mass(self, bins: Codes, scale: int) -> Codes:
        """Training rows in each of these bins, at least 1."""
        inside = np.bincount(self.bins[scale], self.counts).astype(np.int64)
        return np.maximum(np.concatenate([[self.missing], inside])[bins], 1)

    def draw(self, codes: Codes, scales: Codes, u: Values) -> Values:
        """Draw a cell from the bin of each code at its scale, by a uniform number.

        Of values that repeat, and of words, those of the bin as often as they occur; otherwise a number on the lattice
        between two of its neighbours in order.
        """
        cells = np.full(len(codes), np.nan)
        known = np.flatnonzero(codes >= 0)
        for scale in np.flatnonzero(np.bincount(scales[known])).tolist():
            rows = known[scales[known] == scale]
            first, last = self.edges[scale]
            inside = self.bins[scale][codes[rows]]
            start, end = first[inside], last[inside]
            place = start + u[rows] * (end - start)
            is_value = self.is_value[scale][inside]
            cells[rows] = np.where(
                is_value, self.sorted_rows[place.astype(int)], self.between(place)
            )
        return cells

    def between(self, place: Values) -> Values:
        """The number at a place among the sorted rows, linear between two of them, on the lattice."""
        place = (place - 0.5).clip(0, len(self.sorted_rows) - 1)
        below = place.astype(int).clip(0, max(len(self.sorted_rows) - 2, 0))
        above = np.minimum(below + 1, len(self.sorted_rows) - 1)
        low = self.sorted_rows[below]
        numbers = low + (place - below) * (self.sorted_rows[above] - low)
        if self.step:
            whole = np.rint((numbers - self.values[0]) / self.step)
            numbers = np.round(self.values[0] + whole * self.step, self.decimals)
            numbers = self.shorten(numbers, self.digits[below])
        return numbers.clip(self.values[0], self.values[-1])

    def shorten(self, numbers: Values, digits: Codes) -> Values:
        """Numbers with as many decimals as are asked for, where the lattice is that of decimals."""
        for fewer in range(self.decimals):
            short = digits == fewer
            numbers[short] = np.round(numbers[short], fewer)
        return numbers

    @cached_property
    def digits(self) -> Codes:
        """How many decimals each of `sorted_rows` has, so that short numbers come as often as in the data."""
        digits = np.full(len(self.values), self.decimals)
        if np.isclose(self.step, 10.0**-self.decimals):
            for fewer in range(self.decimals - 1, -1, -1):
                short = np.abs(np.round(self.values, fewer) - self.values) < self.step / 100
                digits[short] = fewer
        return np.repeat(digits, self.counts)

    @cached_property
    def sorted_rows(self) -> Values:
        """The values of all training rows that have one, in the order of `values`."""
        return np.repeat(self.values, self.counts)

    @cached_property
    def rows_below(self) -> Codes:
        """How many of `sorted_rows` come before each value, and how many there are."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def code_of_rows(self) -> Codes:
        """The code of each of `sorted_rows`."""
        return np.repeat(np.arange(len(self.values)), self.counts)

    @cached_property
    def edges(self) -> list[tuple[Codes, Codes]]:
        """At each scale where among the sorted rows each bin begins and ends."""
        edges = []
        for scale in range(len(self.bins)):
            end = np.cumsum(np.bincount(self.bins[scale], self.counts)).astype(np.int64)
            edges.append((np.concatenate([[0], end[:-1]]), end))
        return edges

    @cached_property
    def is_value(self) -> list[Flags]:
        """At each scale of which bins only values of the data are drawn, and no numbers between them."""
        found = []
        for bins, (start, end) in zip(self.bins, self.edges, strict=True):
            is_alone = (np.bincount(bins) == 1) & (end - start >= POPULAR)
            found.append(self.repeats | is_alone)
        return found

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        names = [field.name for field in dataclasses.fields(self)]
        return {name: np.asarray(getattr(self, name)) for name in names}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Scales":
        """What `to_arrays` gave."""
        fields: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            value = arrays[field.name]
            fields[field.name] = value if value.ndim else value.item()
        return cls(**fields)


def _pool_rare(counts: Codes) -> Codes:
    """Bins of about `POPULAR` rows, those of popular values with one value alone."""
    popular = counts >= POPULAR
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    begins = popular | np.concatenate([[False], popular[:-1]])
    # rows since the last popular value
    since = before - np.maximum.accumulate(np.where(begins, before, 0))
    part = since // POPULAR
    begins |= np.concatenate([[True], part[1:] != part[:-1]])
    return np.cumsum(begins) - 1


def _bins_of_mass(counts: Codes, wanted: int) -> Codes:
    """About this number of bins of equal mass; atoms are alone."""
    total = counts.sum()
    middle = np.cumsum(counts) - counts / 2
    bins = np.floor(middle / max(total, 1) * wanted)
    atom = counts >= max(ATOM_SHARE * total, ATOM_ROWS)
    begins = atom | np.concatenate([[False], atom[:-1]])
    begins |= np.concatenate([[True], bins[1:] != bins[:-1]])
    return np.cumsum(begins) - 1
