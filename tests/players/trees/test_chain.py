"""The law of the chain: what it draws is what it says, and what it learned from a row can be taken out again."""

import itertools

import numpy as np
import pytest
from scipy import stats

from onehalf.players.trees.backoff import BackOff
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.forest import Forest
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import ColumnFacts, Scales

WORD, NUMBER = ColumnFacts(is_word=True), ColumnFacts(is_word=False)


def make_table(n: int, seed: int = 0) -> np.ndarray:
    """A word of 3, a word of 4 that depends on it, a number of 25 values and gaps that depends on both."""
    rng = np.random.default_rng(seed)
    a = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    b = np.where(rng.random(n) < 0.7, a, rng.integers(0, 4, n))
    c = np.rint(4 * a + b + 3 * rng.random(n)) * 2.0
    c[rng.random(n) < 0.1] = np.nan
    return np.column_stack([a, b, c]).astype(np.float64)


def draw(chain: Chain, n: int, seed: int = 0, fixed=None) -> np.ndarray:
    z = np.random.default_rng(seed).random((n, 3), np.float32)
    return chain.sample(Digits.read(z), 0, fixed or {})


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain.fit(make_table(1500), [WORD, WORD, NUMBER], floor=10, seed=0)


def log_p(chain: Chain, cells: np.ndarray) -> np.ndarray:
    """log_ratio, and the logarithms of the shares of the cells among the training rows."""
    total = chain.log_ratio(cells)
    for scales, column in zip(chain.scales, cells.T, strict=True):
        codes = scales.encode(column)
        counts = np.append(scales.counts, scales.missing)
        total = total + np.log(counts[codes] / scales.rows)
    return total


def test_what_is_drawn_has_the_probability_that_is_said(chain):
    values = [[*each.values, *[np.nan] * bool(each.missing)] for each in chain.scales]
    rows = np.array(list(itertools.product(*values)))
    p = np.exp(log_p(chain, rows))
    assert p.sum() == pytest.approx(1, abs=1e-6)
    n = 200_000
    names = {tuple(row): place for place, row in enumerate(np.nan_to_num(rows, nan=-1))}
    drawn = np.nan_to_num(draw(chain, n), nan=-1)
    counts = np.bincount([names[tuple(row)] for row in drawn], minlength=len(rows))
    often = p * n >= 10
    rest = counts[~often].sum(), p[~often].sum() * n
    observed, expected = np.append(counts[often], rest[0]), np.append(p[often] * n, rest[1])
    assert stats.chisquare(observed, expected * n / expected.sum()).pvalue > 1e-3


def test_a_given_column_is_kept_and_the_others_follow(chain):
    given = Chain.fit(make_table(1500), [WORD, WORD, NUMBER], given=[1], floor=10, seed=0)
    assert next(iter(given.links)) == 1
    rows = draw(given, 4000, fixed={1: np.full(4000, 2.0)})
    data = make_table(1500)
    assert set(rows[:, 1]) == {2.0}
    for word in range(3):
        share = (data[data[:, 1] == 2, 0] == word).mean()
        assert (rows[:, 0] == word).mean() == pytest.approx(share, abs=0.05)


def test_a_row_that_is_left_out_counts_as_if_the_trees_had_never_held_it():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 2)).astype(np.float32)
    scales = Scales.fit(np.rint(features[:, 0] * 2 + rng.normal(size=300)), NUMBER)
    codes = scales.encode(np.repeat(scales.values, scales.counts))
    forest, rows = Forest.grow(features, codes, scales, trees=1, least=8, rng=rng)
    sizes = np.repeat([3, 6, 9], len(scales.bins))
    at_scale = np.tile(np.arange(len(scales.bins)), 3)
    backoff = BackOff(sizes, at_scale, np.full(len(sizes), 1 / len(sizes)))
    (left_out,) = backoff.ratios_of_rows(forest, rows, scales, rng, leave_out=(True,))
    held = np.sort(rows)
    for place in range(len(rows)):
        leaf = forest.leaf_of_rows(0)[[place]]
        without = remove(forest, place)
        again = backoff.ratios(without, [(leaf, forest.codes[[place]])], scales)
        expected = {component: ratio for _, _, component, (ratio,) in again}
        found = left_out[np.searchsorted(held, rows[place])]
        np.testing.assert_allclose(found[list(expected)], list(expected.values()), atol=1e-12)


def test_of_many_rows_those_that_are_chosen_are_as_likely_as_among_all(monkeypatch):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 2)).astype(np.float32)
    scales = Scales.fit(np.rint(features[:, 0] * 2 + rng.normal(size=300)), NUMBER)
    codes = scales.encode(np.repeat(scales.values, scales.counts))
    forest, rows = Forest.grow(features, codes, scales, trees=5, least=8, rng=rng)
    backoff = BackOff.even(scales, 10)
    (every,) = backoff.ratios_of_rows(forest, rows, scales, rng, leave_out=(True,))
    monkeypatch.setattr("onehalf.players.trees.backoff.MOST_ROWS", 50)
    again = np.random.default_rng(1)
    held, left_out = backoff.ratios_of_rows(
        forest, rows, scales, again, leave_out=(False, True)
    )
    chosen = np.random.default_rng(1).choice(len(every), 50, replace=False)
    np.testing.assert_array_equal(left_out, every[chosen])
    # the first component is of the smallest ancestors, which a row takes part in itself
    assert (held[:, 0] > left_out[:, 0]).mean() > 0.9


def remove(forest: Forest, place: int) -> Forest:
    """The forest without the row at this place."""
    start = forest.start - (forest.start > place)
    end = forest.end - (forest.end > place)
    return Forest(forest.nodes, forest.roots, start, end, np.delete(forest.codes, place))


def test_trees_hold_the_rows_that_their_splits_were_not_chosen_on():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 400)
    # each row can be told from all others, so trees that held what they split by would know its code
    features = np.arange(400, dtype=np.float32)[:, None]
    scales = Scales.fit(codes.astype(float), WORD)
    codes = scales.encode(codes.astype(float))
    forest, rows = Forest.grow(features, codes, scales, trees=20, least=2, rng=rng)
    component = BackOff(np.array([1]), np.array([0]), np.ones(1))
    (ratios,) = component.ratios_of_rows(forest, rows, scales, rng, leave_out=(True,))
    assert np.log(np.maximum(ratios, 1e-3)).mean() < 0


def test_a_loaded_chain_draws_the_same_rows(chain):
    loaded = Chain.from_arrays(chain.to_arrays())
    np.testing.assert_array_equal(draw(loaded, 500), draw(chain, 500))


def test_each_row_depends_on_its_own_latent_alone(chain):
    digits = Digits.read(np.random.default_rng(1).random((200, 3), np.float32))
    every = chain.sample(digits, 0, {})
    np.testing.assert_array_equal(every[50:70], chain.sample(digits[np.arange(50, 70)], 0, {}))


def test_digits_are_uniform_and_those_of_two_indices_are_independent():
    digits = Digits.read(np.random.default_rng(0).random((20_000, 3), np.float32))
    first, second = digits.uniform(0), digits.uniform(1)
    assert stats.kstest(first, "uniform").pvalue > 1e-3
    assert stats.kstest(second, "uniform").pvalue > 1e-3
    assert stats.spearmanr(first, second).pvalue > 1e-3


def test_numbers_between_those_of_the_data_are_drawn_on_their_lattice():
    rng = np.random.default_rng(0)
    x = np.round(rng.lognormal(size=(800, 2)) * 50, 1)
    chain = Chain.fit(x, [ColumnFacts(is_word=False, decimals=1)] * 2, floor=10, seed=0)
    rows = draw(chain, 4000)
    np.testing.assert_array_equal(rows, np.round(rows, 1))
    assert np.isin(rows[:, 0], x[:, 0]).mean() < 0.95
    assert rows.min() >= x.min()
    assert rows.max() <= x.max()
    assert stats.ks_2samp(rows[:, 1], x[:, 1]).pvalue > 1e-3


@pytest.mark.parametrize(
    "column",
    [np.full(60, np.nan), np.full(60, 4.0), np.arange(60.0), np.r_[np.nan, np.arange(59.0)]],
)
def test_any_column_can_be_learned(column):
    cells = np.column_stack([np.arange(60) % 2, column]).astype(float)
    rows = draw(Chain.fit(cells, [WORD, NUMBER], floor=10, seed=0), 50)
    known = rows[~np.isnan(rows[:, 1]), 1]
    assert len(known) == (0 if np.isnan(column).all() else pytest.approx(50, abs=8))
    assert np.isin(rows[:, 0], [0, 1]).all()


def test_the_price_of_optimism_leaves_small_groups_to_columns_that_others_determine():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 40, 800).astype(float)
    noisy = x + 20 * rng.normal(size=800).round(2)
    cells = np.column_stack([x, 7 * x + 1, noisy])
    facts = [NUMBER, NUMBER, ColumnFacts(is_word=False, decimals=2)]
    free, dear = (Chain.fit(cells, facts, price=price, seed=0) for price in (0.0, 2.0))
    assert free.floors == (10, 10)
    assert dear.floors[0] == 10 < 100 <= dear.floors[1]
    # its trees are grown again, with as many rows in their leaves
    assert len(dear.links[2].forest.nodes) < len(free.links[2].forest.nodes) / 5
