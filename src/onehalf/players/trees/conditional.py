"""The law of one column given those before it, under what is known of its cell."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from onehalf.players.trees.chain import Link
from onehalf.players.trees.counters import SortedRows
from onehalf.players.trees.events import Event, Points
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import Scales

__all__ = ["ColumnLaw", "EventLaw"]

Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]
Leaves = Int[np.ndarray, "_ _"]
Features = Float[np.ndarray, "_ _"]

LEAST_INSIDE = 1e-9
"""Allowed rows of a node: what is less comes from rounding."""


@dataclass(frozen=True, eq=False)
class ColumnLaw:
    """One link of the chain, with what is needed to evaluate it often."""

    link: Link
    scales: Scales

    def choose_trees(self, rng: np.random.Generator, n: int, most: int) -> Leaves:
        """Choose trees for each of n rows, all if they are at most `most`; each is as likely as the next."""
        trees = self.link.forest.trees
        count = min(trees, most)
        spread = np.arange(count) * trees // count
        return (rng.integers(trees, size=(n, 1)) + spread) % trees

    def leaves(self, features: Features, trees: Leaves) -> Leaves:
        """The leaf of each row in each of its trees."""
        forest = self.link.forest
        rows = np.repeat(np.arange(len(trees)), trees.shape[1])
        roots = forest.roots[trees.ravel()]
        found = forest.nodes.descend(roots, self.link.features(features), rows)
        return found.reshape(trees.shape)

    def draw(self, rng: np.random.Generator, features: Features) -> Values:
        """Draw a cell for each row."""
        digits = Digits.read(rng.random((len(features), 3)))
        codes, at_scale = self.link.draw(self.link.features(features), digits, 0)
        return self.scales.draw(codes, at_scale, digits.uniform(3))

    def likelihood(
        self, leaves: Leaves, points: Points, which: Places
    ) -> Float[np.ndarray, "_ _"]:
        """The probability or density in each leaf of the cell of its row.

        Args:
            leaves: The leaves of each row.
            points: Single cells.
            which: The place among them of each row's cell.
        """
        pairs = leaves * np.int64(len(points.own)) + which[:, None]
        distinct, where = np.unique(pairs, return_inverse=True)
        leaf, cell = np.divmod(distinct, len(points.own))
        total = points.rows[cell] * self._ratios(leaf, points.own[cell])[0]
        for piece in range(points.codes.shape[1]):
            length = points.lengths[cell, piece]
            used = np.flatnonzero(length)
            codes = points.codes[cell[used], piece]
            total[used] += length[used] * self._ratios(leaf[used], codes)[1]
        return (total / self.scales.rows)[where.reshape(leaves.shape)]

    def _ratios(self, leaf: Places, codes: Places) -> tuple[Values, Values]:
        """The likelihood of each code in its leaf, relative to the column's own law, in two parts.

        That of scales at which the code's bin gives values of the data, and of scales at which it gives numbers
        between them.
        """
        forest, backoff = self.link.forest, self.link.backoff
        as_value, between = np.zeros(len(codes)), np.zeros(len(codes))
        for scale in np.unique(backoff.scales).tolist() if len(codes) else []:
            bins = self.scales.bin_of(codes, scale)
            own = self.scales.mass(bins, scale) / self.scales.rows
            ratios = np.zeros(len(codes))
            for component in np.flatnonzero(backoff.scales == scale).tolist():
                node = self.ancestors[int(backoff.sizes[component])][leaf]
                found = self._counters[scale].between(
                    bins, forest.start[node], forest.end[node]
                )
                ratios += backoff.weights[component] * found / forest.sizes[node]
            is_value = np.concatenate([[True], self.scales.is_value[scale]])[bins]
            as_value += np.where(is_value, ratios / own, 0.0)
            between += np.where(is_value, 0.0, ratios / own)
        return as_value, between

    @cached_property
    def ancestors(self) -> dict[int, Places]:
        """For each size of the back-off the nearest ancestor of each node with at least as many rows."""
        sizes = np.unique(self.link.backoff.sizes).tolist()
        return {size: self.link.forest.ancestors(size) for size in sizes}

    @cached_property
    def _counters(self) -> dict[int, SortedRows]:
        """For each scale what counts the rows of a slice that are in a bin."""
        codes = self.link.forest.codes
        scales = np.unique(self.link.backoff.scales).tolist()
        return {scale: SortedRows(self.scales.bin_of(codes, scale), 0) for scale in scales}


@dataclass(frozen=True, eq=False)
class EventLaw:
    """The law of a column given that an event holds, and how likely the event is."""

    law: ColumnLaw
    event: Event
    totals: dict[int, Values] = field(init=False)
    """For each scale how much of the rows up to each place of the forest is allowed."""

    def __post_init__(self) -> None:
        """Add up what is allowed, once."""
        codes = self.law.link.forest.codes
        totals = {}
        for scale in np.unique(self.law.link.backoff.scales).tolist():
            shares = self.event.share(scale)[self.event.scales.bin_of(codes, scale)]
            totals[scale] = np.concatenate([[0.0], np.cumsum(shares)])
        object.__setattr__(self, "totals", totals)

    def draw(self, rng: np.random.Generator, leaves: Leaves) -> tuple[Values, Values]:
        """Draw an allowed cell in one of the leaves of each row, and say how likely one is, on average over them."""
        backoff, forest = self.law.link.backoff, self.law.link.forest
        u = rng.random((4, len(leaves)))
        each = self._probabilities[leaves]
        leaf = np.take_along_axis(leaves, choose(each, u[0])[:, None], axis=1)[:, 0]
        parts = np.column_stack(
            [self._component(component, leaf) for component in range(len(backoff.weights))]
        )
        component = choose(parts, u[1])
        cells = np.full(len(leaf), np.nan)
        scales = backoff.scales[component]
        for size, scale in {*zip(backoff.sizes.tolist(), backoff.scales.tolist(), strict=True)}:
            rows = np.flatnonzero((backoff.sizes[component] == size) & (scales == scale))
            node = self.law.ancestors[size][leaf[rows]]
            total = self.totals[scale]
            start, end = total[forest.start[node]], total[forest.end[node]]
            place = np.searchsorted(total, start + u[2][rows] * (end - start), side="right") - 1
            place = place.clip(forest.start[node], forest.end[node] - 1)
            cells[rows] = self.event.draw(forest.codes[place], scales[rows], u[3][rows])
        return cells, each.mean(axis=1)

    @cached_property
    def _probabilities(self) -> Values:
        """The probability of the event in each leaf."""
        nodes = np.arange(len(self.law.link.forest.nodes))
        backoff = self.law.link.backoff
        return sum(
            (self._component(each, nodes) for each in range(len(backoff.weights))),
            np.zeros(len(nodes)),
        )

    def _component(self, component: int, leaf: Places) -> Values:
        """The probability of one component and the event, in each of these leaves."""
        backoff, forest = self.law.link.backoff, self.law.link.forest
        node = self.law.ancestors[int(backoff.sizes[component])][leaf]
        total = self.totals[int(backoff.scales[component])]
        inside = total[forest.end[node]] - total[forest.start[node]]
        inside = np.where(inside > LEAST_INSIDE, inside, 0.0)
        return backoff.weights[component] * inside / forest.sizes[node]


def choose(weights: Float[np.ndarray, "_ _"], u: Values) -> Places:
    """Choose a column of each row, as often as its weight says, by a uniform number.

    >>> choose(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([0.3, 0.3]))
    array([1, 0])
    """
    totals = np.cumsum(weights, axis=1)
    target = u * totals[:, -1]
    return (totals <= target[:, None])[:, :-1].sum(axis=1) * (totals[:, -1] > 0)
