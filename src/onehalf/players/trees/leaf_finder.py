"""The leaves of rows in many small trees, found without a descent: each split rules out the leaves on its other side.

Of the leaves of a tree, as bits of a number, those below the other child of a split are cleared; one bit is left in
the end (Lucchese et al. 2015, "QuickScorer"). What all splits of a column leave depends only on the place of its value
among their thresholds, so it is looked up for all trees at once: one search and one row of a table per column.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from onehalf.players.trees.nodes import LEAF, Nodes

__all__ = ["LeafFinder"]

KINDS = (np.uint8, np.uint16, np.uint32, np.uint64)
LEAVES = (8, 16, 32, 64)
"""Numbers that the leaves of a tree fit in, and how many these are at most."""

Masks = UInt[np.ndarray, "places trees"]
Bits = UInt[np.ndarray, " nodes"]


class Lookup(NamedTuple):
    """The leaves that the splits of one column leave."""

    column: int
    thresholds: Float[np.ndarray, " _"]
    left: Masks
    """For each number of thresholds below a value, the leaves of each tree that it can reach."""


@dataclass(frozen=True, eq=False)
class LeafFinder:
    """The leaves of each tree, and what the splits of each column leave of them."""

    lookups: tuple[Lookup, ...]
    all_leaves: UInt[np.ndarray, " trees"]
    """The leaves of each tree."""
    leaves: Int[np.ndarray, "trees most"]
    """Where each leaf of each tree is among the nodes."""

    @classmethod
    def of(cls, nodes: Nodes, roots: Int[np.ndarray, " trees"]) -> "LeafFinder":
        """That of the trees that start at these roots, one after the other."""
        tree = np.searchsorted(roots, np.arange(len(nodes)), side="right") - 1
        is_leaf = nodes.left == LEAF
        place = _count_within(tree, is_leaf)
        most = int(place[is_leaf].max()) + 1
        bits = np.where(is_leaf, np.left_shift(np.uint64(1), place.astype(np.uint64)), 0)
        kind = KINDS[int(np.searchsorted(LEAVES, most))]
        all_leaves = np.bitwise_or.reduceat(bits, roots).astype(kind)
        leaves = np.zeros((len(roots), most), np.int64)
        leaves[tree[is_leaf], place[is_leaf]] = np.flatnonzero(is_leaf)
        below = tuple(~each.astype(kind) for each in _list_below(nodes, bits))
        lookups = []
        for column in np.unique(nodes.feature[~is_leaf]).tolist():
            splits = np.flatnonzero(~is_leaf & (nodes.feature == column))
            thresholds, at = np.unique(nodes.threshold[splits], return_inverse=True)
            left = np.repeat(all_leaves[None], len(thresholds) + 1, axis=0)
            for split, level in zip(splits.tolist(), at.tolist(), strict=True):
                # a value with `level` thresholds below it, or fewer, is at most this one
                left[: level + 1, tree[split]] &= below[1][split]
                left[level + 1 :, tree[split]] &= below[0][split]
            lookups.append(Lookup(column, thresholds, left))
        return cls(tuple(lookups), all_leaves, leaves)

    def find(self, features: Float[np.ndarray, "n _"]) -> Int[np.ndarray, "n trees"]:
        """Find the node of the leaf that each row reaches in each tree."""
        trees, most = self.leaves.shape
        left = np.repeat(self.all_leaves[None], len(features), axis=0)
        for column, thresholds, masks in self.lookups:
            left &= masks[np.searchsorted(thresholds, features[:, column])]
        # the exponent of a power of two, less 1, is its place
        _, place = np.frexp(left.astype(np.float64))
        return self.leaves.ravel()[place + (np.arange(trees) * most - 1)]


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
