"""The mixture that G draws a value from: ancestors of a leaf of several sizes, at several scales of the values.

p(y | leaf) = sum_c w_c p(bin_c(y) | ancestor_c) p(y | bin_c(y)), where c runs over pairs of a size and a scale. The
weights maximise the likelihood of each row under the counts of all others: deleted interpolation (Jelinek & Mercer
1980). A component that can only repeat what it has seen is of no use for a row that is left out, and gets no weight.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.players.trees.counters import choose_counter
from onehalf.players.trees.forest import Forest
from onehalf.players.trees.nodes import LEAF
from onehalf.players.trees.scales import Scales

__all__ = ["LEAST_RATIO", "SIZES", "BackOff", "choose_floor"]

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
        (ratios,) = even.ratios_of_rows(forest, rows, scales, rng, leave_out=(True,))
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
        self,
        forest: Forest,
        rows: Places,
        scales: Scales,
        rng: np.random.Generator,
        *,
        leave_out: tuple[bool, ...],
    ) -> list[Ratios]:
        """The likelihood of each row under each component, the mean over the trees that hold the row; see `ratios`.

        Of many rows those of some are computed, which `rng` chooses.
        """
        held_by = np.bincount(rows, minlength=scales.rows)
        held = np.flatnonzero(held_by)
        if len(held) > MOST_ROWS:
            held = held[rng.choice(len(held), MOST_ROWS, replace=False)]
        place = np.full(scales.rows, -1)
        place[held] = np.arange(len(held))
        known = [
            each.start + np.flatnonzero(place[rows[each]] >= 0)
            for each in map(forest.tree_rows, range(forest.trees))
        ]
        at = [place[rows[places]] for places in known]
        queries = (
            (
                forest.leaf_of_rows(tree)[places - forest.tree_rows(tree).start],
                forest.codes[places],
            )
            for tree, places in enumerate(known)
        )
        total = np.zeros((len(leave_out), len(self.sizes), len(held)))
        for tree, case, component, ratios in self.ratios(forest, queries, scales, leave_out):
            # a tree holds a row once
            total[case, component, at[tree]] += ratios
        return [np.ascontiguousarray((each / held_by[held]).T) for each in total]

    def ratios(
        self,
        forest: Forest,
        queries: Iterable[tuple[Places, Places]],
        scales: Scales,
        leave_out: tuple[bool, ...] = (False,),
    ) -> Iterator[tuple[int, int, int, Values]]:
        """The likelihood of codes under each component, relative to the column's own law.

        Args:
            forest: The trees.
            queries: For each tree the leaves of rows, and their codes.
            scales: The values of the column.
            leave_out: Cases, False before True: whether each row is held by its leaf, and is to be left out of all
                counts. A component's ancestor has the least size without the row.

        Yields:
            The tree, the case, the component, and the likelihood of each row.
        """
        every = np.unique(self.sizes).tolist()
        ancestors = {
            size + out: forest.ancestors(size + out) for size in every for out in leave_out
        }
        for tree, (leaves, codes) in enumerate(queries):
            in_tree = forest.tree_rows(tree)
            leaves_held = forest.leaf_of_rows(tree)
            for scale in np.unique(self.scales).tolist():
                counter = choose_counter(
                    scales.bin_of(forest.codes[in_tree], scale),
                    in_tree.start,
                    leaves_held,
                    width=scales.count_bins(scale),
                    queries=len(codes),
                )
                bins = scales.bin_of(codes, scale)
                own = scales.mass(bins, scale) / scales.rows
                nodes = np.full(len(bins), LEAF)
                found = np.zeros(len(bins), np.int64)
                for component in np.flatnonzero(self.scales == scale).tolist():
                    for case, out in enumerate(leave_out):
                        below, nodes = nodes, ancestors[self.sizes[component] + out][leaves]
                        # most ancestors of a size are those of the size before as well
                        new = np.flatnonzero(nodes != below)
                        start, end = forest.start[nodes[new]], forest.end[nodes[new]]
                        found[new] = counter.between(bins[new], start, end)
                        among = np.maximum(forest.sizes[nodes] - out, 1)
                        yield tree, case, component, (found - out) / among / own

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "BackOff":
        """What `to_arrays` gave."""
        return cls(**arrays)


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
    held, left_out = even.ratios_of_rows(forest, rows, scales, rng, leave_out=(False, True))
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
