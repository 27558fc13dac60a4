"""Binary trees as arrays, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

__all__ = ["Nodes"]

LEAF = -1
"""What a leaf has in place of its children, and a root in place of its parent."""

Places = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of several trees, one tree after the other; each tree's root is its first node."""

    left: Places
    """The child of rows whose feature is at most the threshold; -1 at a leaf."""
    right: Places
    feature: Places
    threshold: Float[np.ndarray, " _"]

    @classmethod
    def stack(cls, trees: "Sequence[Nodes]") -> "Nodes":
        """Put these trees side by side."""
        starts = np.cumsum([0, *(len(tree) for tree in trees)])[:-1]

        def shift(children: Places, start: int) -> Places:
            return np.where(children == LEAF, LEAF, children + start)

        pairs = list(zip(trees, starts.tolist(), strict=True))
        return cls(
            np.concatenate([shift(tree.left, start) for tree, start in pairs]).astype(np.int32),
            np.concatenate([shift(tree.right, start) for tree, start in pairs]).astype(
                np.int32
            ),
            np.concatenate([tree.feature for tree in trees]).astype(np.int32),
            np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        )

    def __len__(self) -> int:
        return len(self.left)

    def descend(
        self, roots: Places, features: Float[np.ndarray, "_ _"], rows: Places | None = None
    ) -> Places:
        """Find the leaf of rows in the trees that start at these roots.

        Args:
            roots: The root of each.
            features: What splits see of rows.
            rows: Which row each of them is; by default the i-th root is that of row i.
        """
        at = np.array(roots, np.int64)
        # those that are not at a leaf yet
        inner = np.flatnonzero(self.left[at] != LEAF)
        node = at[inner]
        by_feature = np.ravel(features.T)
        size = np.int64(len(features))
        while len(inner):
            row = inner if rows is None else rows[inner]
            cells = by_feature.take(self.feature.take(node) * size + row)
            is_left = cells <= self.threshold.take(node)
            node = self._children.take(2 * node + is_left)
            at[inner] = node
            further = np.flatnonzero(self.left.take(node) != LEAF)
            inner, node = inner.take(further), node.take(further)
        return at

    @cached_property
    def _children(self) -> Places:
        """The right child of each node, then its left one."""
        return np.column_stack([self.right, self.left]).astype(np.int64).ravel()

    def parents(self) -> Places:
        """The parent of each node; -1 of a root."""
        parent = np.full(len(self), LEAF, np.int32)
        inner = np.flatnonzero(self.left != LEAF)
        parent[self.left[inner]] = inner
        parent[self.right[inner]] = inner
        return parent

    def last_leaves(self) -> Places:
        """The rightmost leaf below each node: its last descendant, where nodes are numbered depth first."""
        last = np.where(self.right == LEAF, np.arange(len(self)), self.right)
        while True:
            further = last[last]
            if (further == last).all():
                return last
            last = further

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        return {name: getattr(self, name) for name in ("left", "right", "feature", "threshold")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Nodes":
        """What `to_arrays` gave."""
        return cls(**arrays)
