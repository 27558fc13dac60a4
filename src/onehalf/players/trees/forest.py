"""Honest trees of one column given others, whose nodes are slices of the rows that they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from onehalf.players.trees.nodes import LEAF, Nodes
from onehalf.players.trees.scales import Scales

__all__ = ["Forest"]

MOST_ROWS = 40_000
"""Training rows that a tree uses, at most."""

MOST_CLASSES = 32
"""Splits tell values apart as classes up to this many; then by several outputs of a regression."""

FEW_NUMBERS = 20
"""The same of numbers, which have an order to go by."""

PROJECTIONS = 6
"""Random projections that stand for words that are not classes."""

WAVES = (2, 3, 4)
"""A number's rank r is a target of splits, and cos(pi k r) for these k: so that they see shape as well as the mean."""

MISSING_RANK = -0.2
"""The rank of a missing number, as a target."""

Features = Float[np.ndarray, "_ _"]
Places = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Forest:
    """Honest trees: one random half of the rows chose the splits, the other is in the leaves (Athey & Imbens 2016).

    The rows that a tree holds are in the order of its leaves, depth first, so that those of any node, inner ones too,
    are one slice. What is kept of a row is its code alone, in order of size within a leaf.
    """

    nodes: Nodes
    roots: Places
    start: Places
    """Where each node's slice begins, among the rows of all trees."""
    end: Places
    codes: Places

    @classmethod
    def grow(
        cls,
        features: Features,
        codes: Places,
        scales: Scales,
        *,
        trees: int,
        least: int,
        rng: np.random.Generator,
    ) -> "tuple[Forest, Places]":
        """Grow trees; returns the rows that hold each place of them too.

        Args:
            features: The earlier columns, as trees see them; without any there is one tree of one node.
            codes: The codes of the column.
            scales: Its values.
            trees: How many.
            least: Rows of a leaf, about, of both halves together.
            rng: Chooses the halves.
        """
        if not features.shape[1]:
            order = np.argsort(codes, kind="stable")
            root = np.zeros(1, np.int32)
            leaf = np.full(1, LEAF, np.int32)
            nodes = Nodes(leaf, leaf, root, np.zeros(1))
            return cls(nodes, root, root, root + len(codes), codes[order]), order
        # imported here, as samples are drawn without it
        import sklearn
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        targets, is_class = _targets(codes, scales, rng)
        n = min(len(codes), MOST_ROWS)
        make = DecisionTreeClassifier if is_class else DecisionTreeRegressor
        grown, slices, held = [], [], []
        for _ in range(trees):
            chosen = rng.permutation(len(codes))[:n]
            split, keep = chosen[: n // 2], chosen[n // 2 :]
            seed = int(rng.integers(2**31 - 1))
            tree = make(min_samples_leaf=max(1, least // 2), random_state=seed)
            # what is known to be right takes longer to check than a small tree takes to grow
            with sklearn.config_context(skip_parameter_validation=True):
                tree.fit(features[split], targets[split], check_input=False)
            leaves = tree.tree_.apply(features[keep]).astype(np.int32)
            order = np.lexsort((codes[keep], leaves))
            grown.append(_nodes_of(tree.tree_))
            slices.append(_slices(grown[-1], leaves[order]))
            held.append(keep[order])
        offsets = np.cumsum([0, *(len(rows) for rows in held)])[:-1]
        starts, ends = (
            np.concatenate([pair[side] + at for pair, at in zip(slices, offsets, strict=True)])
            for side in (0, 1)
        )
        roots = np.cumsum([0, *(len(nodes) for nodes in grown)])[:-1]
        rows = np.concatenate(held)
        arrays = [each.astype(np.int32) for each in (roots, starts, ends, codes[rows])]
        return cls(Nodes.stack(grown), *arrays), rows

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.roots)

    @cached_property
    def sizes(self) -> Places:
        """Rows of each node."""
        return self.end - self.start

    @cached_property
    def _parents(self) -> Places:
        return self.nodes.parents()

    def descend(self, trees: Places, features: Features) -> Places:
        """Find the leaf of each row in its tree."""
        return self.nodes.descend(self.roots[trees], features)

    def ancestors(self, least: int) -> Places:
        """For each node the nearest ancestor, or itself, that has at least this number of rows; else its root."""
        every = np.arange(len(self.nodes))
        stays = (self.sizes >= least) | (self._parents == LEAF)
        at = np.where(stays, every, self._parents)
        while True:
            # twice as far at each step
            further = at[at]
            if (further == at).all():
                return at
            at = further

    def tree_nodes(self, tree: int) -> slice:
        """The nodes of one tree."""
        end = self.roots[tree + 1] if tree + 1 < self.trees else len(self.nodes)
        return slice(int(self.roots[tree]), int(end))

    def tree_rows(self, tree: int) -> slice:
        """The places of the rows that one tree holds."""
        root = self.roots[tree]
        return slice(int(self.start[root]), int(self.end[root]))

    def leaf_of_rows(self, tree: int) -> Places:
        """The leaf of each row that one tree holds, in their order."""
        nodes = self.tree_nodes(tree)
        leaves = nodes.start + np.flatnonzero(self.nodes.left[nodes] == LEAF)
        return np.repeat(leaves, self.sizes[leaves])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        nodes = {f"nodes.{name}": value for name, value in self.nodes.to_arrays().items()}
        own = {name: getattr(self, name) for name in ("roots", "start", "end", "codes")}
        return nodes | own

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Forest":
        """What `to_arrays` gave."""
        nodes = {
            name.removeprefix("nodes."): value
            for name, value in arrays.items()
            if name.startswith("nodes.")
        }
        own = {name: arrays[name] for name in ("roots", "start", "end", "codes")}
        return cls(Nodes.from_arrays(nodes), **own)


def _targets(
    codes: Places, scales: Scales, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """What splits are to explain, and whether these are classes."""
    most = MOST_CLASSES if scales.is_word else FEW_NUMBERS
    if len(scales.values) <= most:
        return codes, True
    if scales.is_word:
        projections = rng.normal(size=(len(scales.values) + 1, PROJECTIONS))
        return projections[codes], False
    middle = (np.cumsum(scales.counts) - scales.counts / 2) / scales.counts.sum()
    rank = np.where(codes < 0, MISSING_RANK, middle[codes])
    waves = [np.cos(np.pi * wave * rank) / (3 * wave) for wave in WAVES]
    return np.column_stack([rank, *waves]), False


def _nodes_of(tree: Any) -> Nodes:
    """The nodes of a tree of scikit-learn, which it numbers depth first."""
    left, right, feature = (
        each.astype(np.int32)
        for each in (tree.children_left, tree.children_right, tree.feature)
    )
    return Nodes(left, right, feature, tree.threshold)


def _slices(nodes: Nodes, leaves: Places) -> tuple[Places, Places]:
    """Where each node's rows begin and end among rows in the order of their leaves."""
    every = np.arange(len(nodes))
    start = np.searchsorted(leaves, every, side="left")
    return start, np.searchsorted(leaves, nodes.last_leaves(), side="right")
