"""Sets of cells of one column, and single cells: how likely each place of a bin is to give them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.data.tables.spans import Allowed
from onehalf.players.trees.places import Halves
from onehalf.players.trees.scales import MISSING, Scales

__all__ = ["Event", "Points"]

Values = Float[np.ndarray, " _"]
Codes = Int[np.ndarray, " _"]
Flags = Bool[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Event:
    """That the cell of a column is among those that are allowed.

    >>> from onehalf.players.trees.scales import ColumnFacts
    >>> ages = Scales.fit(np.repeat([20.0, 30.0, 40.0], 20), ColumnFacts(is_word=False))
    >>> Event(ages, Allowed(((25.0, 50.0),), missing=False)).share(0)
    array([0., 0., 1., 1.])
    """

    scales: Scales
    allowed: Allowed

    def share(self, scale: int) -> Values:
        """The share of each bin of a scale that is allowed; the first is that of missing cells."""
        shares = [float(self.allowed.missing and self.scales.missing > 0)]
        if len(self.scales.values):
            first, last = self.scales.edges[scale]
            both = [each[last] - each[first] for each in self._totals]
            inside = np.where(self.scales.is_value[scale], *both)
            shares += (inside / (last - first)).tolist()
        return np.array(shares)

    def draw(self, codes: Codes, at_scale: Codes, u: Values) -> Values:
        """Draw an allowed cell from the bin of each code at its scale, by a uniform number."""
        cells = np.full(len(codes), np.nan)
        known = np.flatnonzero(codes != MISSING)
        for scale in np.unique(at_scale[known]).tolist():
            rows = known[at_scale[known] == scale]
            first, last = self.scales.edges[scale]
            inside = self.scales.bins[scale][codes[rows]]
            is_value = self.scales.is_value[scale][inside]
            for flag in (True, False):
                here = rows[is_value == flag]
                if len(here):
                    ends = first[inside[is_value == flag]], last[inside[is_value == flag]]
                    cells[here] = self._draw_between(*ends, u[here], is_value=flag)
        return cells

    def _draw_between(self, first: Codes, last: Codes, u: Values, *, is_value: bool) -> Values:
        """Draw an allowed cell between these places of the sorted rows."""
        total = self._totals[0 if is_value else 1]
        target = total[first] + u * (total[last] - total[first])
        row = np.searchsorted(total, target, side="right") - 1
        row = row.clip(first, last - 1)
        if is_value:
            return self.scales.sorted_rows[row]
        rest = (target - total[row]).clip(0, None)
        return self.scales.between(self._find_place(row, rest))

    def _find_place(self, row: Codes, rest: Values) -> Values:
        """The place in a row before which so much of it is allowed."""
        low, high = self._pieces
        starts = [low[:, 2 * row + half] / 2 + half / 2 for half in (0, 1)]
        sizes = [(high - low)[:, 2 * row + half] / 2 for half in (0, 1)]
        start, size = np.concatenate(starts), np.concatenate(sizes)
        before = np.cumsum(size, axis=0)
        # the last piece that has a size takes what rounding leaves
        piece = np.minimum((before <= rest).sum(axis=0), len(size) - 1)
        empty = np.take_along_axis(size, piece[None], 0)[0] <= 0
        piece = np.where(empty, size.argmax(axis=0), piece)
        begin, width, until = (
            np.take_along_axis(each, piece[None], 0)[0] for each in (start, size, before)
        )
        inside = (rest - (until - width)).clip(1e-6 * width, (1 - 1e-6) * width)
        return row + begin + inside

    @cached_property
    def _totals(self) -> tuple[Values, Values]:
        """How much of all places up to each row is allowed: of values of the data, and of numbers between them."""
        values = self.scales.values
        found = np.zeros(len(values), bool)
        for low, high in self.allowed.spans:
            found |= (values >= low) & (values <= high)
        rows = np.repeat(found, self.scales.counts).astype(np.float64)
        between = rows
        if not self.scales.repeats:
            low, high = self._pieces
            between = (high - low).sum(axis=0).reshape(-1, 2).sum(axis=1) / 2
        both = (np.concatenate([[0.0], np.cumsum(each)]) for each in (rows, between))
        return next(both), next(both)

    @cached_property
    def _pieces(self) -> tuple[Float[np.ndarray, "_ _"], Float[np.ndarray, "_ _"]]:
        """For each span and half from where to where it is allowed."""
        halves = Halves.of(self.scales)
        every = np.arange(len(halves.start))
        spans: Sequence[tuple[float, float]] = self.allowed.spans or ((np.inf, -np.inf),)
        low, high = [], []
        for least, most in spans:
            low.append(halves.share_below(np.full(len(every), least), every))
            above = np.full(len(every), np.nextafter(most, np.inf))
            high.append(np.maximum(halves.share_below(above, every), low[-1]))
        return np.stack(low), np.stack(high)


@dataclass(frozen=True, eq=False)
class Points:
    """Single cells of a column: the places that give each of them.

    The probability of a cell is `rows` times the likelihood of its code, as a value of the data, plus the sum of
    `lengths` times the likelihoods of `codes`, for numbers between them; divided by the training rows. Of a number
    that is not on a lattice, nor has more than one place, it is the density: `lengths` are per unit then.
    """

    own: Codes
    """The code of each cell; that of the value below if it is none of the data."""
    rows: Values
    """How many training rows hold it."""
    codes: Int[np.ndarray, "_ _"]
    lengths: Float[np.ndarray, "_ _"]

    @classmethod
    def of(cls, scales: Scales, cells: Values) -> "Points":
        """The places of these cells."""
        own = scales.encode(cells)
        counts = np.append(scales.counts, scales.missing)
        values = np.append(scales.values, np.nan)
        same = (values[own] == cells) | (own == MISSING)
        rows = np.where(same, counts[own], 0).astype(np.float64)
        none = np.zeros((len(cells), 0))
        if scales.repeats or not len(scales.values):
            return cls(own, rows, none.astype(np.int64), none)
        known = _snap(scales, np.where(np.isnan(cells), scales.values[0], cells))
        halves = Halves.of(scales)
        found = np.sort(halves.candidates(known), axis=1)
        is_new = np.diff(found, axis=1, prepend=-1) > 0
        every, beside = found.ravel(), np.repeat(known, found.shape[1])
        above = np.nextafter(beside, np.inf)
        low, high = (halves.share_below(each, every) for each in (beside, above))
        lengths = ((high - low) / 2).reshape(found.shape) * is_new
        # all halves inside a run of equal rows give the number; none of them is a candidate
        first, last = (np.searchsorted(scales.sorted_rows, known, side) for side in SIDES)
        lengths = np.column_stack([lengths, np.maximum(last - first - 1, 0)])
        if not scales.step:
            density = _density(halves, known, found) * is_new
            is_atom = lengths.sum(axis=1) > ATOM
            lengths[~is_atom] = np.column_stack([density, np.zeros(len(known))])[~is_atom]
        lengths[np.isnan(cells)] = 0
        codes = np.column_stack([scales.code_of_rows[found // 2], own])
        return cls(own, rows, codes, lengths)

    def or_nearest(self) -> "Points":
        """The same, with the value below in place of each cell that is impossible."""
        rows = np.where(self.is_possible, self.rows, 1.0)
        codes = np.column_stack([self.codes, self.own])
        instead = np.where(self.is_possible, 0.0, 1.0)
        return Points(self.own, rows, codes, np.column_stack([self.lengths, instead]))

    @property
    def size(self) -> Values:
        """About how many places give each cell."""
        return self.rows + self.lengths.sum(axis=1)

    @property
    def is_possible(self) -> Flags:
        """Whether any place gives the cell."""
        return self.size > 0


SIDES = ("left", "right")

SLACK = 1e-6
"""How far from the lattice rounding may bring a number, as a part of its step."""

ATOM = 1e-9
"""A number without a lattice that takes this much of a row has a probability of its own, not a density."""


def _snap(scales: Scales, numbers: Values) -> Values:
    """The number of the lattice as it is drawn, where one differs from it by rounding alone."""
    if not scales.step:
        return numbers
    whole = np.rint((numbers - scales.values[0]) / scales.step)
    drawn = np.round(scales.values[0] + whole * scales.step, scales.decimals)
    return np.where(np.abs(drawn - numbers) < SLACK * scales.step, drawn, numbers)


def _density(
    halves: Halves, numbers: Values, found: Int[np.ndarray, "_ _"]
) -> Float[np.ndarray, "_ _"]:
    """Places per unit at each number on each of these halves."""
    start, end = halves.start[found], halves.end[found]
    is_inside = (start <= numbers[:, None]) & (numbers[:, None] < end)
    return np.where(is_inside, 0.5 / np.where(is_inside, end - start, 1.0), 0.0)
