"""Leaves that are found by ruling out others are those that a descent reaches."""

import numpy as np
import pytest

from onehalf.players.trees.discriminator import BoostedTrees
from onehalf.players.trees.leaf_finder import LeafFinder
from onehalf.players.trees.nodes import LEAF, Nodes


def grow(rng, splits):
    """A tree with so many splits at random, numbered as they come."""
    left, right = [LEAF], [LEAF]
    for _ in range(splits):
        at = rng.choice(np.flatnonzero(np.array(left) == LEAF))
        left[at], right[at] = len(left), len(left) + 1
        left += [LEAF, LEAF]
        right += [LEAF, LEAF]
    feature = rng.integers(0, 3, len(left))
    return Nodes(np.array(left), np.array(right), feature, rng.normal(size=len(left)))


@pytest.mark.parametrize("most", [1, 8, 40])
def test_leaves_are_those_of_a_descent(most):
    rng = np.random.default_rng(most)
    trees = [grow(rng, splits) for splits in [0, *rng.integers(0, most, 20)]]
    nodes = Nodes.stack(trees)
    roots = np.cumsum([0, *map(len, trees)])[:-1]
    features = rng.normal(size=(50, 3))
    features[:5, 1] = -1e30
    features[5:, 0] = rng.choice(nodes.threshold, 45)
    rows = np.repeat(np.arange(50), len(roots))
    expected = nodes.descend(np.tile(roots, 50), features, rows).reshape(50, -1)
    finder = LeafFinder.of(nodes, roots, np.arange(len(nodes), dtype=float))
    np.testing.assert_array_equal(finder.find(features), expected)


def test_a_d_without_splits_says_nothing():
    assert BoostedTrees.blank().logits(np.zeros((3, 2))).tolist() == [0.0, 0.0, 0.0]
