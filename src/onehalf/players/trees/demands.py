"""What is known of the cells of one column in some rows only: a set that they are in, or that others settle them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.data.tables.constraints.known_cells import Tie
from onehalf.data.tables.encoding import Cells
from onehalf.players.trees.conditional import ColumnLaw, EventLaw
from onehalf.players.trees.events import Points
from onehalf.players.trees.scales import Scales

__all__ = ["LEAST_RATIO", "TREES_PER_CELL", "Choice", "Demand", "Solution"]

LEAST_RATIO = 1e-12
"""A cell is taken to be at least so likely, relative to how frequent it is: no row loses all of its particles."""

TREES_PER_CELL = 4
"""Trees by whose mean a particle judges a cell, chosen anew each time: without bias, and fast."""

MOST_SOLUTIONS = 16
"""Where more values than these solve, and more than `MOST_SHARE` of all, one is drawn by the column's law."""

MOST_SHARE = 0.1

FINEST = 2**60
"""The places that are told apart between the ends of a column without a lattice."""

Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]
Features = Float[np.ndarray, "_ _"]


class Demand(ABC):
    """What is known of the cells of one column in some rows."""

    rows: Places
    """The rows that are asked for."""

    @abstractmethod
    def give(
        self, rng: np.random.Generator, law: ColumnLaw, cells: Cells, features: Features
    ) -> tuple[Values, Values]:
        """Return a cell for each particle, and the logarithm of its weight.

        Args:
            rng: Draws.
            law: The law of the column.
            cells: The particles of these rows, row after row.
            features: The same, as trees see them.
        """


@dataclass(frozen=True, eq=False)
class Choice(Demand):
    """A cell is one of a set."""

    rows: Places
    event: EventLaw

    def give(
        self, rng: np.random.Generator, law: ColumnLaw, cells: Cells, features: Features
    ) -> tuple[Values, Values]:
        """One that is drawn from the set; the weight is the probability of the set."""
        leaves = law.leaves(features, law.choose_trees(rng, len(cells), TREES_PER_CELL))
        drawn, likely = self.event.draw(rng, leaves)
        with np.errstate(divide="ignore"):
            return drawn, np.log(likely)


@dataclass(frozen=True, eq=False)
class Solution(Demand):
    """A cell is such that other cells, which are known, are restored from it and from those before it."""

    rows: Places
    column: int
    ties: Sequence[Tie]
    """By what it is solved, first of all by the first; the column is the last source of each."""
    known: Cells
    """The known cells of the rows."""

    def give(
        self, rng: np.random.Generator, law: ColumnLaw, cells: Cells, features: Features
    ) -> tuple[Values, Values]:
        """One of the values that solve, each as likely as the next.

        The weight is the probability of the value, or its density, times the number of values, or the length that
        they take: an unbiased estimate of the probability that the cell solves.
        """
        known = np.repeat(self.known, len(cells) // len(self.known), axis=0)
        parts = [_Part.of(tie, cells, known) for tie in self.ties]
        grid = _Grid.of(law.scales)
        first, last = grid.bracket(self.column, parts[0])
        count = np.maximum(last - first + 1, 0)
        u = rng.random(len(cells)) if not parts[0].tolerance.any() else np.full(len(cells), 0.5)
        values = grid.value(np.minimum(first + (u * count).astype(np.int64), grid.count - 1))
        log_weights = np.full(len(cells), -np.inf)
        is_wide = count > max(MOST_SOLUTIONS, MOST_SHARE * grid.count)
        solved = np.flatnonzero((count > 0) & ~is_wide)
        likely = _likelihood(rng, law, values[solved], features[solved])
        likely = np.maximum(likely, LEAST_RATIO / law.scales.rows)
        log_weights[solved] = np.log(likely * count[solved] * grid.length)
        wide = np.flatnonzero(is_wide)
        if len(wide):
            values[wide] = law.draw(rng, features[wide])
            log_weights[wide] = 0.0
        for part in parts:
            log_weights[~part.solves(self.column, values)] = -np.inf
        return values, log_weights


@dataclass(frozen=True, eq=False)
class _Part:
    """A tie on particles: what is restored, and what it must be."""

    restore: Callable[..., Values]
    target: Values
    tolerance: Values

    @classmethod
    def of(cls, tie: Tie, cells: Cells, known: Cells) -> "_Part":
        target = known[:, tie.place]
        return cls(tie.restorer(cells, known), target, tie.tolerance * np.abs(target))

    def miss(self, column: int, values: Values) -> Values:
        """How far off the restored cells are."""
        return self.restore(column, values) - self.target

    def solves(self, column: int, values: Values) -> Bool[np.ndarray, " _"]:
        """Whether values solve."""
        return np.abs(self.miss(column, values)) <= self.tolerance


@dataclass(frozen=True, eq=False)
class _Grid:
    """The values that a column may have, in their order: those of the data, or a lattice."""

    scales: Scales
    count: int
    step: float

    @classmethod
    def of(cls, scales: Scales) -> "_Grid":
        if scales.repeats:
            return cls(scales, len(scales.values), 0.0)
        width = float(scales.values[-1] - scales.values[0])
        if scales.step:
            return cls(scales, round(width / scales.step) + 1, scales.step)
        return cls(scales, FINEST, width / FINEST)

    @property
    def length(self) -> float:
        """Of what one of the values stands for: 1 where they are counted."""
        return 1.0 if self.scales.repeats or self.scales.step else self.step

    def value(self, places: Places) -> Values:
        """The values at these places."""
        if self.scales.repeats:
            return self.scales.values[places]
        values = self.scales.values[0] + places * self.step
        return np.round(values, self.scales.decimals) if self.scales.step else values

    def bracket(self, column: int, part: _Part) -> tuple[Places, Places]:
        """The first and the last place that solve for each particle, if what is restored rises or falls throughout."""
        n = len(part.target)
        ends = [np.zeros(n, np.int64), np.full(n, self.count - 1)]
        low, high = (part.miss(column, self.value(each)) for each in ends)
        # a quotient has no value at 0
        second = part.miss(column, self.value(np.minimum(ends[0] + 1, self.count - 1)))
        sign = np.sign(high - np.where(np.isnan(low), second, low))
        sign = np.where(sign == 0, 1.0, sign)
        first = self._find(column, part, lambda miss: sign * miss >= -part.tolerance)
        last = self._find(column, part, lambda miss: sign * miss > part.tolerance) - 1
        return first, last

    def _find(
        self,
        column: int,
        part: _Part,
        is_beyond: Callable[[Values], Bool[np.ndarray, " _"]],
    ) -> Places:
        """The first place of each particle that is beyond, by bisection; `count` if none is."""
        low = np.zeros(len(part.target), np.int64)
        high = np.full(len(low), self.count)
        for _ in range(self.count.bit_length()):
            middle = (low + high) // 2
            inside = np.minimum(middle, self.count - 1)
            beyond = is_beyond(part.miss(column, self.value(inside))) | (middle >= self.count)
            high = np.where(beyond, middle, high)
            low = np.where(beyond, low, np.minimum(middle + 1, high))
        return low


def _likelihood(
    rng: np.random.Generator, law: ColumnLaw, cells: Values, features: Features
) -> Values:
    """The probability or density of the cell of each particle."""
    values, which = np.unique(cells, return_inverse=True)
    leaves = law.leaves(features, law.choose_trees(rng, len(cells), TREES_PER_CELL))
    return law.likelihood(leaves, Points.of(law.scales, values), which).mean(axis=1)
