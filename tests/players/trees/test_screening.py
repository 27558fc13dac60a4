"""Which columns the law of a column sees, where there are many."""

import numpy as np
import pytest

from onehalf.players.trees import screening
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import ColumnFacts, Scales
from onehalf.players.trees.screening import choose_parents

NUMBER = ColumnFacts(is_word=False, decimals=None)

WORD = ColumnFacts(is_word=True)


def make_cells(columns: int, rows: int = 300) -> np.ndarray:
    """Independent numbers, but the last three columns depend on the first."""
    cells = np.random.default_rng(0).normal(size=(rows, columns))
    cells[:, -3] = cells[:, 0] ** 2
    cells[:, -2] = cells[:, 0] > 0.5
    cells[:, -1] = np.where(cells[:, 0] > 1, np.nan, cells[:, -1])
    return cells


def choose(cells: np.ndarray, given: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """The columns that each column sees, in the table's order."""
    word = cells.shape[1] - 2
    facts = [WORD if j == word else NUMBER for j in range(cells.shape[1])]
    scales = [Scales.fit(x, each) for x, each in zip(cells.T, facts, strict=True)]
    codes = np.column_stack([each.encode(x) for each, x in zip(scales, cells.T, strict=True)])
    return choose_parents(codes, scales, range(cells.shape[1]), given)


def test_few_columns_see_all_before_them():
    assert choose(make_cells(5)) == [(), (0,), (0, 1), (0, 1, 2), (0, 1, 2, 3)]


def test_each_of_many_columns_sees_those_that_it_depends_on(monkeypatch):
    monkeypatch.setattr(screening, "MOST_PARENTS", 3)
    cells = make_cells(200)
    seen = choose(cells)
    assert [len(each) for each in seen[:5]] == [0, 1, 2, 3, 3]
    assert all(list(each) == sorted(each) for each in seen)
    assert all(0 in each for each in seen[-3:])
    assert all({0, 1} <= set(each) for each in choose(cells, given=(0, 1))[2:])


def test_a_screened_chain_is_saved_and_draws_the_same(monkeypatch):
    monkeypatch.setattr(screening, "MOST_PARENTS", 1)
    cells = make_cells(4)[:, [0, 2, 1]]
    chain = Chain.fit(cells, [NUMBER, WORD, NUMBER], floor=25, seed=0)
    assert max(len(link.given) for link in chain.links.values()) == 1
    loaded = Chain.from_arrays(chain.to_arrays())
    digits = Digits.read(np.random.default_rng(0).random((50, 3)))
    np.testing.assert_array_equal(loaded.sample(digits, 0, {}), chain.sample(digits, 0, {}))
    assert chain.log_ratio(cells) == pytest.approx(loaded.log_ratio(cells))
