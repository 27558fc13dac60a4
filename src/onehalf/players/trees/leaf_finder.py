"""The values of the leaves that rows reach in many small trees, found without a descent.

Each split rules out the leaves on its other side: of the leaves of a tree, as bits of a number, those below the other
child of a split are cleared; one bit is left in the end (Lucchese et al. 2015, "QuickScorer"). What all splits of a
column leave depends only on the place of its value among their thresholds, so it is looked up for all trees at once:
one search and one row of a table per column.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt, UInt8

from onehalf.players.trees.nodes import LEAF, Nodes

__all__ = ["LeafFinder"]

KINDS = (np.uint8, np.uint16, np.uint32, np.uint64)
"""Numbers that the leaves of a tree fit in."""

DE_BRUIJN = (0x1D, 0x0F65, 0x077CB531, 0x03F79D71B4CB0A89)
"""For each of them a number that has all others at its top when it is shifted by each number of bits: so that of a
product with a power of two the first bits say which power it was (Leiserson, Prokop & Randall 1998)."""

Masks = UInt[np.ndarray, "places trees"]
Bits = UInt[np.ndarray, " nodes"]


class Hash(NamedTuple):
    """Tells the powers of two of one kind of number apart."""

    kind: type[np.unsignedinteger]
    bits: int
    factor: int

    @classmethod
    def of(cls, leaves: int) -> "Hash":
        """That of the least numbers with a bit for each leaf."""
        sizes = [8 * np.dtype(kind).itemsize for kind in KINDS]
        at = int(np.searchsorted(sizes, leaves))
        return cls(KINDS[at], sizes[at], DE_BRUIJN[at])

    def __call__(self, powers: UInt[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n"]:
        """The place of each power of two, from 0 on.

        >>> sorted(Hash.of(8)(np.uint8(1) << np.arange(8, dtype=np.uint8)).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7]
        """
        first_bits = self.bits.bit_length() - 1
        first = powers * self.kind(self.factor) >> self.kind(self.bits - first_bits)
        return first.astype(np.uint8)


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
    hash: Hash
    values: Float[np.ndarray, "trees bits"]
    """The value of each leaf of each tree, at the place that its bit has by the hash."""

    @classmethod
    def of(
        cls,
        nodes: Nodes,
        roots: Int[np.ndarray, " trees"],
        values: Float[np.ndarray, " nodes"],
    ) -> "LeafFinder":
        """That of the trees that start at these roots, one after the other, whose leaves have these values."""
        tree = np.searchsorted(roots, np.arange(len(nodes)), side="right") - 1
        is_leaf = nodes.left == LEAF
        place = _count_within(tree, is_leaf)
        hash = Hash.of(int(place[is_leaf].max()) + 1)
        bits = np.where(is_leaf, np.left_shift(np.uint64(1), place.astype(np.uint64)), 0)
        all_leaves = np.bitwise_or.reduceat(bits, roots).astype(hash.kind)
        of_leaves = np.zeros((len(roots), hash.bits))
        of_leaves[tree[is_leaf], hash(bits[is_leaf].astype(hash.kind))] = values[is_leaf]
        below = tuple(~each.astype(hash.kind) for each in _list_below(nodes, bits))
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
        return cls(tuple(lookups), all_leaves, hash, of_leaves)

    def find(self, features: Float[np.ndarray, "n _"]) -> Float[np.ndarray, "n trees"]:
        """Find the value of the leaf that each row reaches in each tree."""
        left = np.repeat(self.all_leaves[None], len(features), axis=0)
        for column, thresholds, masks in self.lookups:
            left &= masks.take(np.searchsorted(thresholds, features[:, column]), axis=0)
        trees, bits = self.values.shape
        return self.values.take(self.hash(left) + np.arange(trees) * bits)


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
