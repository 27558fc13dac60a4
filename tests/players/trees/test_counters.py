"""Both ways to count rows give what counting one by one gives."""

import numpy as np
import pytest

from onehalf.players.trees.counters import LeafTable, SortedRows, choose_counter
from onehalf.players.trees.forest import Forest
from onehalf.players.trees.nodes import LEAF, Nodes

FIRST = 7
SIZES = np.array([3, 1, 4, 2])
"""Rows of each leaf."""

LEAVES = np.repeat([2, 4, 5, 9], SIZES)
BINS = np.array([0, 2, 2, 1, 0, 0, 2, 0, 1, 1])


@pytest.mark.parametrize("queries", [0, 1000])
def test_rows_of_each_bin_are_counted_between_any_two_leaves(queries):
    counter = choose_counter(BINS, FIRST, LEAVES, width=4, queries=queries)
    assert isinstance(counter, LeafTable if queries == 1000 else SortedRows)
    edges = np.concatenate([[0], np.cumsum(SIZES)])
    start, end, bins = (
        each.ravel() for each in np.meshgrid(edges, edges, np.arange(4), indexing="ij")
    )
    start, end, bins = (each[start <= end] for each in (start, end, bins))
    expected = [
        (BINS[first:last] == wanted).sum()
        for first, last, wanted in zip(start, end, bins, strict=True)
    ]
    found = counter.between(bins, start + FIRST, end + FIRST)
    np.testing.assert_array_equal(found, expected)


def test_an_ancestor_is_the_nearest_with_as_many_rows_and_at_last_the_root():
    # two trees: (0: 1, (2: 3, 4)) with 2, 1 and 5 rows in their leaves, and one node with 4 rows
    left = np.array([1, LEAF, 3, LEAF, LEAF, LEAF])
    right = np.array([2, LEAF, 4, LEAF, LEAF, LEAF])
    nodes = Nodes(left, right, np.zeros(6, int), np.zeros(6))
    start, end = np.array([0, 0, 2, 2, 3, 8]), np.array([8, 2, 8, 3, 8, 12])
    forest = Forest(nodes, np.array([0, 5]), start, end, np.zeros(12, int))
    assert forest.ancestors(1).tolist() == [0, 1, 2, 3, 4, 5]
    assert forest.ancestors(2).tolist() == [0, 1, 2, 2, 4, 5]
    assert forest.ancestors(6).tolist() == [0, 0, 2, 2, 2, 5]
    assert forest.ancestors(100).tolist() == [0, 0, 0, 0, 0, 5]
