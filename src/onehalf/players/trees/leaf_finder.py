"""The leaves of rows in many small trees, found without a descent: each split rules out the leaves on its other side.

Of the leaves of a tree, as bits of a number, those below the other child of a split are cleared; one bit is left in
the end (Lucchese et al. 2015, "QuickScorer"). All rows take the same steps, so that NumPy does them in a few
operations.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from onehalf.players.trees.nodes import LEAF, Nodes

__all__ = ["LeafFinder"]

KINDS = (np.uint8, np.uint16, np.uint32, np.uint64)
LEAVES = (8, 16, 32, 64)
"""Numbers that the leaves of a tree fit in, and how many these are at most."""

Masks = UInt[np.ndarray, "splits trees"]
Bits = UInt[np.ndarray, " nodes"]


@dataclass(frozen=True, eq=False)
class LeafFinder:
    """The splits of each tree, in as many places for all; those that a tree lacks rule out nothing."""

    feature: Int[np.ndarray, "splits trees"]
    threshold: Float[np.ndarray, "splits trees"]
    below_left: Masks
    """The leaves below the left child of each split."""
    below_right: Masks
    all_leaves: UInt[np.ndarray, " trees"]
    """The leaves of each tree."""
    leaves: Int[np.ndarray, "trees most"]
    """Where each leaf of each tree is among the nodes."""

    @classmethod
    def of(cls, nodes: Nodes, roots: Int[np.ndarray, " trees"]) -> "LeafFinder":
        """That of the trees that start at these roots, one after the other."""
        tree = np.searchsorted(roots, np.arange(len(nodes)), side="right") - 1
        is_leaf = nodes.left == LEAF
        place = np.where(is_leaf, _count_within(tree, is_leaf), _count_within(tree, ~is_leaf))
        most = int(place[is_leaf].max()) + 1
        bits = np.where(is_leaf, np.left_shift(np.uint64(1), place.astype(np.uint64)), 0)
        kind = KINDS[int(np.searchsorted(LEAVES, most))]
        splits = np.flatnonzero(~is_leaf)
        shape = (int(place[splits].max(initial=-1)) + 1, len(roots))

        def spread(values: np.ndarray) -> np.ndarray:
            filled = np.zeros(shape, values.dtype)
            filled[place[splits], tree[splits]] = values[splits]
            return filled

        left, right = (spread(below.astype(kind)) for below in _list_below(nodes, bits))
        all_leaves = np.bitwise_or.reduceat(bits, roots).astype(kind)
        leaves = np.zeros((len(roots), most), np.int64)
        leaves[tree[is_leaf], place[is_leaf]] = np.flatnonzero(is_leaf)
        features, thresholds = spread(nodes.feature), spread(nodes.threshold)
        return cls(features, thresholds, left, right, all_leaves, leaves)

    def find(self, features: Float[np.ndarray, "n _"]) -> Int[np.ndarray, "trees n"]:
        """Find the node of the leaf that each row reaches in each tree."""
        columns = np.ascontiguousarray(features.T)
        trees, most = self.leaves.shape
        left = np.repeat(self.all_leaves[:, None], len(features), axis=1)
        for feature, threshold, below_left, below_right in zip(
            self.feature, self.threshold, ~self.below_left, ~self.below_right, strict=True
        ):
            is_left = columns[feature] <= threshold[:, None]
            left &= np.where(is_left, below_right[:, None], below_left[:, None])
        # the exponent of a power of two, less 1, is its place
        _, place = np.frexp(left.astype(np.float64))
        return self.leaves.ravel()[place + (np.arange(trees) * most - 1)[:, None]]


def _count_within(
    tree: Int[np.ndarray, " nodes"], which: Bool[np.ndarray, " nodes"]
) -> Int[np.ndarray, " nodes"]:
    """The number of such nodes before each node in its tree."""
    count = np.cumsum(which) - which
    first = np.searchsorted(tree, np.arange(tree[-1] + 1))
    return count - count[first][tree]


def _list_below(nodes: Nodes, bits: Bits) -> tuple[Bits, Bits]:
    """The bits of the leaves below the left child of each node, and below the right one."""
    left, right = np.zeros_like(bits), np.zeros_like(bits)
    parent = nodes.parents()
    leaf = np.flatnonzero(nodes.left == LEAF)
    at = leaf
    while len(at):
        leaf, at = leaf[parent[at] != LEAF], at[parent[at] != LEAF]
        up = parent[at]
        is_left = nodes.left[up] == at
        np.bitwise_or.at(left, up[is_left], bits[leaf[is_left]])
        np.bitwise_or.at(right, up[~is_left], bits[leaf[~is_left]])
        at = up
    return left, right
