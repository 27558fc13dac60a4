"""The mixture that G draws a value from: ancestors of a leaf of several sizes, at several scales of the values.

p(y | leaf) = sum_c w_c p(bin_c(y) | ancestor_c) p(y | bin_c(y)), where c runs over pairs of a size and a scale. The
weights maximise the likelihood of each row under the counts of all others: deleted interpolation (Jelinek & Mercer
1980). A component that can only repeat what it has seen is of no use for a row that is left out, and gets no weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.players.trees.forest import Forest
from onehalf.players.trees.scales import Scales

__all__ = ["LEAST_RATIO", "SIZES", "BackOff", "Counter", "choose_floor"]

SIZES = (10, 25, 60, 100, 180, 600, 2000)
"""Rows that an ancestor has, at least: the sizes to choose from."""

FLOORS = SIZES[:-1]
"""The least rows that a value is drawn from, to choose from for each column."""

STEPS = 60
"""Steps of EM."""

MOST_ROWS = 20_000
"""Rows that the weights are fitted to, at most."""

LEAST_RATIO = 1e-12
"""A likelihood below this, relative to the columns' own laws, counts as this."""

LEAST_WEIGHT = 1e-6
"""A component of less weight is left out."""

Places = Int[np.ndarray, " _"]
Values = Float[np.ndarray, " _"]
Ratios = Float[np.ndarray, "_ _"]


@dataclass(frozen=True, eq=False)
class BackOff:
    """The components of one column's mixture and their weights."""

    sizes: Places
    """For each component the rows that its ancestor has, at least."""
    scales: Places
    """For each component the scale of the values."""
    weights: Values

    @classmethod
    def fit(
        cls, forest: Forest, rows: Places, scales: Scales, floor: int, rng: np.random.Generator
    ) -> "BackOff":
        """Fit the weights by EM on the leave-one-out likelihood of the training rows.

        Args:
            forest: The trees.
            rows: The training row at each place of them.
            scales: The values of the column.
            floor: The least size of an ancestor: the smaller ones of `SIZES` are left out.
            rng: Chooses among many rows.
        """
        even = cls.even(scales, floor)
        ratios = even.ratios_of_rows(forest, rows, scales, leave_out=True)
        if len(ratios) > MOST_ROWS:
            ratios = ratios[rng.choice(len(ratios), MOST_ROWS, replace=False)]
        weights = maximize_likelihood(ratios)
        kept = weights >= LEAST_WEIGHT
        return cls(even.sizes[kept], even.scales[kept], weights[kept] / weights[kept].sum())

    @classmethod
    def even(cls, scales: Scales, floor: int) -> "BackOff":
        """All components whose ancestors have at least `floor` rows, of the same weight."""
        sizes = [size for size in SIZES if size >= floor]
        pairs = [(size, scale) for size in sizes for scale in range(len(scales.bins))]
        of_size, of_scale = np.array(pairs).T
        return cls(of_size, of_scale, np.full(len(pairs), 1 / len(pairs)))

    def ratios_of_rows(
        self, forest: Forest, rows: Places, scales: Scales, *, leave_out: bool
    ) -> Ratios:
        """The likelihood of each row under each component; see `ratios`.

        The mean over the trees that hold the row. With `leave_out` it is as if they did not: a component's ancestor has
        the least size without the row.
        """
        total = np.zeros((scales.rows, len(self.sizes)))
        held_by = np.zeros(scales.rows)
        end = 0
        for tree in range(forest.trees):
            leaves = forest.leaf_of_rows(tree)
            here = slice(end, end + len(leaves))
            end += len(leaves)
            codes = forest.codes[here]
            # a tree holds a row once
            total[rows[here]] += self.ratios(
                forest, tree, leaves, codes, scales, leave_out=leave_out
            )
            held_by[rows[here]] += 1
        held = held_by > 0
        return total[held] / held_by[held, None]

    def ratios(
        self,
        forest: Forest,
        tree: int,
        leaves: Places,
        codes: Places,
        scales: Scales,
        *,
        leave_out: bool = False,
    ) -> Ratios:
        """The likelihood of each code under each component, relative to the column's own law.

        Args:
            forest: The trees.
            tree: Which of them.
            leaves: The leaf of each row in it.
            codes: The code of each row.
            scales: The values of the column.
            leave_out: Whether each row is held by its leaf, and is to be left out of all counts.
        """
        ratios = np.empty((len(codes), len(self.sizes)))
        first = int(forest.start[forest.roots[tree]])
        last = int(forest.end[forest.roots[tree]])
        ancestors = {}
        nodes = leaves
        for size in np.unique(self.sizes).tolist():
            nodes = forest.climb(nodes, np.full(len(nodes), size + leave_out))
            ancestors[size] = nodes
        for scale in np.unique(self.scales).tolist():
            count = Counter(scales.bin_of(forest.codes[first:last], scale), first)
            bins = scales.bin_of(codes, scale)
            # in the order of what is counted, searches are several times as fast
            order = np.argsort(bins * len(forest.nodes) + leaves)
            bins = bins[order]
            own = scales.mass(bins, scale) / scales.rows
            for component in np.flatnonzero(self.scales == scale):
                nodes = ancestors[self.sizes[component]][order]
                start, end = forest.start[nodes], forest.end[nodes]
                found = count.between(bins, start, end) - leave_out
                among = np.maximum(end - start - leave_out, 1)
                ratios[order, component] = found / among / own
        return ratios

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "BackOff":
        """What `to_arrays` gave."""
        return cls(**arrays)


class Counter:
    """Counts the rows of a slice that have a given bin, by two binary searches."""

    def __init__(self, bins: Places, first: int) -> None:
        self.first = first
        self.n = len(bins)
        self.keys = np.sort(bins.astype(np.int64) * self.n + np.arange(self.n))

    def between(self, bins: Places, start: Places, end: Places) -> Places:
        """Count the rows with each of these bins between these places."""
        base = bins.astype(np.int64) * self.n - self.first
        before = np.searchsorted(self.keys, base + start)
        return np.searchsorted(self.keys, base + end) - before


def choose_floor(
    forest: Forest, rows: Places, scales: Scales, price: float, rng: np.random.Generator
) -> int:
    """Choose the least rows of an ancestor by likelihood - price * optimism.

    Small ancestors repeat single rows. A row is therefore more likely under the mixture than it is under the same
    mixture of all other rows: the difference of the mean log-likelihoods is the optimism (Efron 1986).

    Args:
        forest: The trees, grown to the least of `SIZES`.
        rows: The training row at each place of them.
        scales: The values of the column.
        price: Nats of likelihood that a nat of optimism costs.
        rng: Chooses among many rows.
    """
    even = BackOff.even(scales, SIZES[0])
    left_out, held = (
        even.ratios_of_rows(forest, rows, scales, leave_out=leave_out)
        for leave_out in (True, False)
    )
    if len(held) > MOST_ROWS:
        chosen = rng.choice(len(held), MOST_ROWS, replace=False)
        left_out, held = left_out[chosen], held[chosen]
    worths = []
    for floor in FLOORS:
        used = even.sizes >= floor
        weights = maximize_likelihood(left_out[:, used])
        unseen, seen = (
            np.log(np.maximum(ratios[:, used] @ weights, LEAST_RATIO)).mean()
            for ratios in (left_out, held)
        )
        # at a root all sizes are the same to the last digits, and the first is chosen
        worths.append(round(float(unseen - price * (seen - unseen)), 9))
    return FLOORS[int(np.argmax(worths))]


def maximize_likelihood(ratios: Ratios, steps: int = STEPS) -> Values:
    """The weights w of a mixture that maximise sum_i log sum_c w_c ratios[i, c], by EM from even ones.

    Rows of which no component knows anything do not count.

    >>> maximize_likelihood(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])).round(3)
    array([0.667, 0.333])
    """
    ratios = ratios[ratios.sum(axis=1) > 0]
    weights = np.full(ratios.shape[1], 1 / ratios.shape[1])
    for _ in range(steps if len(ratios) else 0):
        total = ratios @ weights
        # a row whose components have all lost their weight counts no more
        weights = weights * (ratios.T @ (1 / np.where(total > 0, total, 1)))
        weights /= weights.sum()
    return weights
