"""The law of rows that keep rules: its density, conditions and completed rows, against all rows that there are."""

import itertools
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from onehalf.data.tables.choices import NUMBERS
from onehalf.data.tables.constraints.constraints import Reduction, parse_rules
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.spans import Allowed
from onehalf.players.law import Filled, Wish
from onehalf.players.trees import discriminator
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.constrained_law import ConstrainedLaw
from onehalf.players.trees.discriminator import BoostedTrees
from onehalf.players.trees.generator import TreeGenerator
from onehalf.players.trees.law import TreeLaw
from onehalf.players.trees.scales import ColumnFacts

NAMES = ["price", "months", "total", "low", "high", "city", "country"]
RULES = ["total = price * months / 2 + 1", "low <= high", "combinations(city, country)"]
COUNTRIES = [1, 1, 0, 2]
"""Of the cities 0 to 3."""


class World(NamedTuple):
    """A law, all rows that it may give, and their probabilities."""

    law: ConstrainedLaw
    rows: Cells
    p: np.ndarray


def compute_total(price: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Rounded, so that several prices may have one total."""
    return np.floor(price * months / 2 + 1.5)


def make_shop(n: int) -> Cells:
    """Rows that keep the rules; every column depends on others."""
    rng = np.random.default_rng(0)
    city = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    price = rng.choice([2, 3, 4], n) + (city == 0)
    months = np.where(rng.random(n) < 0.5, 1, rng.choice([1, 2, 3], n))
    low = rng.choice(4, n)
    high = np.minimum(low + rng.poisson(0.5 * months), 5)
    country = np.array(COUNTRIES)[city]
    columns = [price, months, compute_total(price, months), low, high, city, country]
    return np.column_stack(columns).astype(float)


def list_rows(cells: Cells) -> Cells:
    """Every row that keeps the rules, of the values of these."""
    values = [np.unique(cells[:, place]) for place in (0, 1, 3, 4, 5)]
    every = np.array(list(itertools.product(*values)))
    price, months, low, high, city = every[every[:, 2] <= every[:, 3]].T
    country = np.array(COUNTRIES)[city.astype(int)]
    total = compute_total(price, months)
    return np.column_stack([price, months, total, low, high, city, country])


def make_world(cells: Cells, labels: tuple[str, ...], *, is_tilted: bool) -> World:
    table = pa.table(
        {
            name: [f"w{each:.0f}" for each in column] if name[0] == "c" else column
            for name, column in zip(NAMES, cells.T, strict=True)
        }
    )
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    reduction = Reduction.fit(parse_rules(RULES, encoder, cells), encoder, labels, cells)
    reduced = reduction.reduce(cells)
    facts = [
        ColumnFacts(is_word=column.kind not in NUMBERS)
        for column in reduction.describe(encoder).columns
    ]
    given = tuple(NAMES.index(name) for name in labels)
    G = TreeGenerator(Chain.fit(reduced, facts, given=given, floor=10, seed=0), given)
    if is_tilted:
        rng = np.random.default_rng(1)
        shuffled = np.column_stack([rng.permutation(column) for column in reduced.T])
        D = BoostedTrees.fit(G.chain.features(reduced), G.chain.features(shuffled), 0)
        G = G.tilt(D, G.chain.features(reduced))
    values, counts = np.unique(cells[:, list(given)], axis=0, return_counts=True)
    law = ConstrainedLaw.of(TreeLaw(G, values, counts / counts.sum()), reduction)
    rows = list_rows(cells)
    return World(law, rows, np.exp(law.log_prob(rows)))


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discriminator, "TREES", 10)
        patch.setattr(discriminator, "LEARNING_RATE", 0.3)
        return {
            "plain": make_world(make_shop(500), (), is_tilted=False),
            "labelled": make_world(make_shop(500), ("country",), is_tilted=True),
        }


WORLDS = pytest.mark.parametrize("name", ["plain", "labelled"])


@WORLDS
def test_the_density_sums_to_1_over_the_rows_that_keep_the_rules(worlds, name):
    law, rows, p = worlds[name]
    assert p.sum() == pytest.approx(1, abs=1e-9 + 5 * law.constant_error)
    assert 0 < law.constant_error < 0.02
    broken = np.repeat(rows[:1], 3, axis=0)
    broken[0, 2] += 1
    broken[1, 3] = broken[1, 4] + 1
    broken[2, 6] = 2
    assert np.isneginf(law.log_prob(broken)).all()


def fill(world: World, row: list[float], n: int, how: str = "draw") -> Filled:
    known = np.repeat([row], n, axis=0)
    wish = Wish(may_be_missing=False, how=how)
    return world.law.fill(np.random.default_rng(3), known, ~np.isnan(known), wish)


_ = np.nan
KNOWN = {
    "a product": [_, _, 7, _, _, _, _],
    "a product of one pair": [_, _, 9, _, _, _, _],
    "a rounded product": [_, _, 3, _, _, _, _],
    "a rounded product and a factor": [_, 1, 3, _, _, _, _],
    "the upper side": [_, _, _, _, 3, _, _],
    "the lower side": [_, _, _, 2, _, _, _],
    "both sides": [_, _, _, 1, 3, _, _],
    "the first word": [_, _, _, _, _, 0, _],
    "the second word": [_, 1, _, _, _, _, 1],
    "some of each": [_, _, 3, _, 4, _, 1],
}


@WORLDS
@pytest.mark.parametrize("known", KNOWN)
def test_completed_rows_have_the_conditional_law(worlds, name, known):
    world = worlds[name]
    row = np.array(KNOWN[known])
    at = ~np.isnan(row)
    p = world.p * (world.rows[:, at] == row[at]).all(axis=1)
    found = fill(world, KNOWN[known], 800)
    assert not found.failed
    assert found.is_possible.all()
    (filled,) = found.cells
    assert (filled[:, at] == row[at]).all()
    assert_same_shares(filled, world.rows, p / p.sum())


def assert_same_shares(drawn: Cells, rows: Cells, p: np.ndarray) -> None:
    """Each value of each column, and each sum of two, is as frequent as it should be."""
    assert len(np.unique(np.vstack([rows, drawn]), axis=0)) == len(rows)
    pairs = list(itertools.combinations(range(rows.shape[1]), 2))
    for first, second in pairs:
        own, other = (each[:, first] * 10 + each[:, second] for each in (rows, drawn))
        for value in np.unique(own):
            expected = p[own == value].sum()
            error = np.sqrt(max(expected * (1 - expected), 0) / len(drawn)) + 0.003
            assert (other == value).mean() == pytest.approx(expected, abs=5 * error)


WHERE = {
    "a product": {2: Allowed(((6.0, 9.0),), missing=False)},
    "the upper side and a word": {
        4: Allowed(((3.0, 9.0),), missing=False),
        5: Allowed(((0.0, 0.0), (2.0, 2.0)), missing=False),
    },
    "both words": {
        5: Allowed(((0.0, 0.0), (2.0, 2.0)), missing=False),
        6: Allowed(((1.0, 1.0),), missing=False),
    },
    "a word and a factor": {
        6: Allowed(((1.0, 1.0),), missing=False),
        0: Allowed(((0.0, 3.0),), missing=False),
    },
}


@WORLDS
@pytest.mark.parametrize("where", WHERE)
def test_rows_under_conditions_have_the_conditional_law(worlds, name, where):
    world = worlds[name]
    kept = [each.holds(world.rows[:, place]) for place, each in WHERE[where].items()]
    p = world.p * np.all(kept, axis=0)
    found = world.law.draw_where(np.random.default_rng(2), 800, WHERE[where], 10**6)
    assert found.probability == pytest.approx(p.sum(), rel=0.1)
    assert_same_shares(found.cells, world.rows, p / p.sum())


@pytest.mark.parametrize("how", ["mean", "mode"])
def test_means_and_modes_keep_the_rules(worlds, how):
    world = worlds["labelled"]
    for row in [*KNOWN.values(), [_, _, 6, _, _, _, _]]:
        (filled,) = fill(world, row, 1, how).cells
        at = ~np.isnan(row)
        assert (filled[0, at] == np.array(row)[at]).all()
        is_same = filled[0, [0, 1, 2, 5, 6]] == world.rows[:, [0, 1, 2, 5, 6]]
        assert is_same.all(axis=1).any()
        assert filled[0, 3] <= filled[0, 4]


def test_values_beyond_the_model_are_solved_for_or_bound_only(worlds):
    world = worlds["plain"]
    row = [_, 3, 301, _, 40, 0, _]
    found = fill(world, row, 20)
    assert not found.failed
    (filled,) = found.cells
    assert (filled[:, [0, 1, 2, 4]] == [200, 3, 301, 40]).all()
    assert not found.is_possible.any()
    assert (filled[:, 3] <= 3).all()


def test_rows_that_break_rules_are_found_and_those_that_have_no_completion_keep_their_gaps(
    worlds,
):
    world = worlds["plain"]
    broken = [[2, 2, 9, _, _, _, _], [_, _, _, 2, 1, _, _], [_, _, _, _, _, 0, 2]]
    rules = ["total = price * months / 2 + 1", "low <= high", "combinations(city, country)"]
    for row, rule in zip(broken, rules, strict=True):
        found = world.law.find_broken(np.array([[_] * 7, row]))
        assert (found.row, found.rule) == (1, rule)
    known = np.array([KNOWN["a product"], [_, _, 14, _, _, _, _]])
    assert world.law.find_broken(known) is None
    wish = Wish(may_be_missing=False)
    found = world.law.fill(np.random.default_rng(0), known, ~np.isnan(known), wish)
    assert found.failed == (1,)
    np.testing.assert_array_equal(found.cells[0, 1], known[1])
    assert not np.isnan(found.cells[0, 0]).any()
