"""Rows given what is known of them, by sequential importance resampling over the chain.

Each row that is asked for has particles. Column by column, a particle takes the cell that is given and is weighted by
how likely that cell is after the particle's own cells before; or it draws the cell, among those that are allowed, and
is weighted by how likely an allowed one was. Where weights become uneven the particles of a row are drawn anew by
them (Gordon et al. 1993; Doucet & Johansen 2011). The mean weight estimates the probability of what is known without
bias, and the weighted particles have the conditional law as their number grows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.data.tables.encoding import Cells
from onehalf.players.trees.conditional import ColumnLaw, EventLaw
from onehalf.players.trees.demands import LEAST_RATIO, TREES_PER_CELL, Demand
from onehalf.players.trees.events import Points

__all__ = ["Known", "Particles", "find_medians", "find_modes", "propagate"]

LEAST_EFFECTIVE = 0.5
"""Particles are drawn anew where their effective number falls below this share."""

Grid = Float[np.ndarray, "_ _"]
Correction = Callable[[Cells], Float[np.ndarray, " _"]]
"""The logarithm of a factor of the density of rows."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of each row that is asked for."""

    cells: Cells
    is_given: Bool[np.ndarray, "rows columns"]
    """Which of these cells are known; the others do not count."""
    events: Mapping[int, EventLaw] = field(default_factory=dict)
    """What cells that are drawn must be, by column."""
    demands: Mapping[int, Sequence[Demand]] = field(default_factory=dict)
    """What is known of cells of some rows that are not given, by column."""


@dataclass(frozen=True, eq=False)
class Particles:
    """Weighted rows for each row that was asked for."""

    cells: Float[np.ndarray, "rows particles columns"]
    log_weights: Grid
    log_evidence: Float[np.ndarray, " rows"]
    """The logarithm of the estimated probability of what is known."""
    is_possible: Bool[np.ndarray, " rows"]
    """Whether what is known can come of the model at all."""
    least_effective: Float[np.ndarray, " rows"]
    """The least effective number that a row's particles had when they were drawn anew; infinity if they never were."""

    @property
    def weights(self) -> Grid:
        """The weights of each row's particles, of sum 1; even ones where all are 0."""
        return _normalize(self.log_weights)

    @property
    def effective(self) -> Float[np.ndarray, " rows"]:
        """The effective number of each row's particles: 1 / sum of squares of the weights (Kong et al. 1994).

        Particles that are drawn anew have common ancestors: they count as what they were drawn from, at most.
        """
        return np.minimum(1 / (self.weights**2).sum(axis=1), self.least_effective)

    def draw(
        self, rng: np.random.Generator, draws: int
    ) -> Float[np.ndarray, "rows draws columns"]:
        """Draw particles of each row by their weights, systematically."""
        chosen = rng.permuted(_resample(rng, self.weights, draws), axis=1)
        return np.take_along_axis(self.cells, chosen[:, :, None], axis=1)


def find_modes(cells: Grid, weights: Grid) -> Float[np.ndarray, " rows"]:
    """The value of most weight in each row.

    >>> find_modes(np.array([[7.0, 8.0, 8.0]]), np.array([[0.4, 0.3, 0.3]]))
    array([8.])
    """
    order = np.argsort(cells, axis=1)
    cells, weights = (np.take_along_axis(each, order, axis=1) for each in (cells, weights))
    begins = np.diff(cells, axis=1, prepend=np.nan) != 0
    totals = np.zeros(cells.size)
    np.add.at(totals, np.cumsum(begins.ravel()) - 1, weights.ravel())
    each = totals[np.cumsum(begins.ravel()) - 1].reshape(cells.shape)
    return np.take_along_axis(cells, each.argmax(axis=1)[:, None], axis=1)[:, 0]


def find_medians(cells: Grid, weights: Grid) -> Float[np.ndarray, " rows"]:
    """The weighted median of each row.

    >>> find_medians(np.array([[9.0, 1.0, 2.0]]), np.array([[0.2, 0.3, 0.5]]))
    array([2.])
    """
    order = np.argsort(cells, axis=1)
    totals = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    middle = (totals < totals[:, -1:] / 2).sum(axis=1)
    place = np.take_along_axis(order, middle[:, None], axis=1)
    return np.take_along_axis(cells, place, axis=1)[:, 0]


def propagate(
    laws: Mapping[int, ColumnLaw],
    rng: np.random.Generator,
    known: Known,
    particles: int,
    corrections: Mapping[int, Correction],
) -> Particles:
    """Move particles through all columns.

    Args:
        laws: The law of each column, in the order of the chain.
        rng: Draws.
        known: What is known of the rows.
        particles: How many there are for each row.
        corrections: After a column, a further factor of the density; after the last one, D's odds.
    """
    state = _State.start(known, particles, len(laws))
    for column, law in laws.items():
        state.step(rng, column, law)
        if column in corrections:
            state.weigh(corrections[column](state.cells), slice(None))
        if column != next(reversed(laws)):
            state.resample(rng)
    shape = (len(known.cells), particles)
    return Particles(
        state.cells.reshape(*shape, -1),
        state.log_weights,
        state.log_evidence + _mean(state.log_weights),
        state.is_possible,
        state.least_effective,
    )


@dataclass(eq=False)
class _State:
    """Particles on their way; those of a row are beside each other."""

    known: Known
    particles: int
    cells: Cells
    features: Float[np.ndarray, "_ _"]
    log_weights: Grid
    log_evidence: Float[np.ndarray, " _"]
    """What the weights were when particles were drawn anew."""
    has_drawn: Bool[np.ndarray, " _"]
    """For each row whether its particles may differ."""
    is_possible: Bool[np.ndarray, " _"]
    least_effective: Float[np.ndarray, " _"]

    @classmethod
    def start(cls, known: Known, particles: int, columns: int) -> "_State":
        """No column has a cell yet."""
        rows = len(known.cells)
        return cls(
            known,
            particles,
            np.empty((rows * particles, columns)),
            np.empty((rows * particles, columns), np.float32),
            np.zeros((rows, particles)),
            np.zeros(rows),
            np.zeros(rows, bool),
            np.ones(rows, bool),
            np.full(rows, np.inf),
        )

    def step(self, rng: np.random.Generator, column: int, law: ColumnLaw) -> None:
        """Give each particle its cell of a column."""
        given = self.known.is_given[:, column]
        self._take(rng, column, law, np.flatnonzero(given))
        is_free = ~given
        for demand in self.known.demands.get(column, ()):
            self._meet(rng, column, law, demand)
            is_free[demand.rows] = False
        free = self._of_rows(np.flatnonzero(is_free))
        if len(free):
            event = self.known.events.get(column)
            if event is None:
                self.cells[free, column] = law.draw(rng, self.features[free])
            else:
                leaves = law.leaves(
                    self.features[free], law.choose_trees(rng, len(free), TREES_PER_CELL)
                )
                self.cells[free, column], likely = event.draw(rng, leaves)
                with np.errstate(divide="ignore"):
                    self.weigh(np.log(likely), is_free)
        self.has_drawn |= ~given
        self.features[:, column] = law.scales.features(self.cells[:, column])

    def weigh(self, log_factors: Float[np.ndarray, " _"], rows: slice | np.ndarray) -> None:
        """Multiply the weights of the particles of these rows."""
        self.log_weights[rows] += log_factors.reshape(-1, self.particles)

    def resample(self, rng: np.random.Generator) -> None:
        """Draw the particles of a row anew where their weights are uneven."""
        weights = _normalize(self.log_weights)
        effective = 1 / (weights**2).sum(axis=1)
        rows = np.flatnonzero(effective < LEAST_EFFECTIVE * self.particles)
        if not len(rows):
            return
        self.least_effective[rows] = np.minimum(self.least_effective[rows], effective[rows])
        chosen = _resample(rng, weights[rows], self.particles)
        source = (rows[:, None] * self.particles + chosen).ravel()
        here = self._of_rows(rows)
        self.cells[here] = self.cells[source]
        self.features[here] = self.features[source]
        self.log_evidence[rows] += _mean(self.log_weights[rows])
        self.log_weights[rows] = 0.0

    def _meet(
        self, rng: np.random.Generator, column: int, law: ColumnLaw, demand: Demand
    ) -> None:
        """Give particles the cells that a demand leaves, and weigh them."""
        particles = self._of_rows(demand.rows)
        cells, log_weights = demand.give(
            rng, law, self.cells[particles], self.features[particles]
        )
        self.cells[particles, column] = cells
        self.weigh(log_weights, demand.rows)

    def _take(
        self, rng: np.random.Generator, column: int, law: ColumnLaw, rows: Int[np.ndarray, " _"]
    ) -> None:
        """Give particles of these rows the cell that is known, and weigh it where they differ."""
        if not len(rows):
            return
        values, which = np.unique(self.known.cells[rows, column], return_inverse=True)
        points = Points.of(law.scales, values)
        self.is_possible[rows] &= points.is_possible[which]
        self.cells[self._of_rows(rows), column] = np.repeat(values[which], self.particles)
        is_weighed = self.has_drawn[rows]
        rows, which = rows[is_weighed], which[is_weighed]
        particles = self._of_rows(rows)
        if not len(particles):
            return
        leaves = law.leaves(
            self.features[particles],
            law.choose_trees(rng, len(particles), TREES_PER_CELL),
        )
        points = points.or_nearest()
        beside = np.repeat(which, self.particles)
        likely = law.likelihood(leaves, points, beside).mean(axis=1)
        least = LEAST_RATIO * points.size[beside] / law.scales.rows
        self.weigh(np.log(np.maximum(likely, least)), rows)

    def _of_rows(self, rows: Int[np.ndarray, " _"]) -> Int[np.ndarray, " _"]:
        """The particles of these rows."""
        return (rows[:, None] * self.particles + np.arange(self.particles)).ravel()


def _normalize(log_weights: Grid) -> Grid:
    """Weights of sum 1 in each row; even ones where all are 0."""
    most = log_weights.max(axis=1, keepdims=True)
    weights = np.exp(log_weights - np.where(np.isfinite(most), most, 0.0))
    weights = np.where(np.isfinite(most), weights, 1.0)
    return weights / weights.sum(axis=1, keepdims=True)


def _mean(log_weights: Grid) -> Float[np.ndarray, " _"]:
    """The logarithm of the mean weight of each row."""
    most = log_weights.max(axis=1)
    scaled = np.exp(log_weights - np.where(np.isfinite(most), most, 0.0)[:, None])
    with np.errstate(divide="ignore"):
        return np.log(scaled.mean(axis=1)) + np.where(np.isfinite(most), most, 0.0)


def _resample(rng: np.random.Generator, weights: Grid, draws: int) -> Int[np.ndarray, "_ _"]:
    """Choose this number of particles of each row by their weights, at equal steps from one random start."""
    totals = np.cumsum(weights, axis=1)
    rows = np.arange(len(weights))[:, None]
    steps = (rng.random((len(weights), 1)) + np.arange(draws)) / draws
    flat = (totals / totals[:, -1:] + rows).ravel()
    # a step of one row lies among the totals of that row
    found = np.searchsorted(flat, (steps * (1 - 1e-12) + rows).ravel(), side="right")
    chosen = found.reshape(steps.shape) - rows * weights.shape[1]
    return chosen.clip(0, weights.shape[1] - 1)
