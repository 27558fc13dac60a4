"""The law of G: its density sums to 1, and conditional rows have the law that the density says."""

import itertools

import numpy as np
import pytest

from onehalf.data.tables.spans import Allowed
from onehalf.players.trees import discriminator
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.discriminator import BoostedTrees
from onehalf.players.trees.generator import TreeGenerator
from onehalf.players.trees.law import TreeLaw
from onehalf.players.trees.scales import ColumnFacts

WORD, NUMBER = ColumnFacts(is_word=True), ColumnFacts(is_word=False)
ANY_DECIMALS = ColumnFacts(is_word=False, decimals=None)
NO_LABELS = np.zeros((1, 0)), np.ones(1)


def make_table(n: int = 260) -> np.ndarray:
    """A word of 2, a number of 5 values and gaps, and one with all decimals, that depend on each other."""
    rng = np.random.default_rng(0)
    a = rng.choice(2, n, p=[0.7, 0.3])
    b = np.rint(2 * a + 2 * rng.random(n))
    z = rng.normal(size=n) + a - b / 2
    z[: n // 10] = 0.0
    b[rng.random(n) < 0.15] = np.nan
    return np.column_stack([a, b, z]).astype(np.float64)


def tilt(G: TreeGenerator, labels: np.ndarray) -> TreeGenerator:
    """G, corrected by a D that has met samples with shuffled columns."""
    rng = np.random.default_rng(1)
    rows = G.push(
        rng.random((3000, 3), np.float32), labels[rng.integers(len(labels), size=3000)]
    )
    shuffled = np.column_stack([rng.permutation(column) for column in rows.T])
    D = BoostedTrees.fit(G.chain.features(rows), G.chain.features(shuffled), 0)
    return G.tilt(D, G.chain.features(rows))


@pytest.fixture(scope="module")
def laws() -> dict[str, TreeLaw]:
    cells = make_table()
    facts = [WORD, NUMBER, ANY_DECIMALS]
    values, counts = np.unique(cells[:, 0], return_counts=True)
    labels = values[:, None], counts / counts.sum()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discriminator, "TREES", 10)
        patch.setattr(discriminator, "LEARNING_RATE", 0.3)
        plain = TreeGenerator(Chain.fit(cells, facts, floor=10, seed=0))
        given = TreeGenerator(Chain.fit(cells, facts, given=[0], floor=10, seed=0), (0,))
        return {
            "plain": TreeLaw(plain, *NO_LABELS),
            "tilted": TreeLaw(tilt(plain, np.zeros((1, 0))), *NO_LABELS),
            "labelled": TreeLaw(tilt(given, cells[:, :1]), *labels),
        }


def list_rows(law: TreeLaw) -> tuple[np.ndarray, np.ndarray]:
    """Rows such that the density is constant around each, and the measure of what is around it."""
    scales = law.G.chain.scales
    numbers = scales[2].values
    atoms = np.unique([*numbers[scales[2].counts > 1], numbers[0], numbers[-1]])
    ends = np.unique([*numbers, *(numbers[1:] + numbers[:-1]) / 2])
    middles = (ends[1:] + ends[:-1]) / 2
    measure = np.concatenate([np.ones(len(atoms)), np.diff(ends)])
    each = [scales[0].values, np.append(scales[1].values, np.nan), [*atoms, *middles]]
    rows = np.array(list(itertools.product(*each)))
    return rows, np.tile(measure, len(rows) // len(measure))


@pytest.fixture(scope="module")
def exact(laws):
    """Of each law rows and their probabilities."""
    found = {}
    for name, law in laws.items():
        rows, measure = list_rows(law)
        found[name] = rows, np.exp(law.log_prob(rows)) * measure
    return found


LAWS = pytest.mark.parametrize("name", ["plain", "tilted", "labelled"])


@LAWS
def test_the_density_sums_over_words_and_integrates_over_numbers_to_1(laws, exact, name):
    law = laws[name]
    _, p = exact[name]
    assert p.sum() == pytest.approx(1, abs=1e-9 + 5 * law.constant_error)
    assert (law.constant_error > 0) == (name != "plain")
    assert law.constant_error < 0.02


@LAWS
def test_samples_have_the_probabilities_that_the_density_says(laws, exact, name):
    law = laws[name]
    rng = np.random.default_rng(5)
    labels = law.label_cells[rng.choice(len(law.label_cells), 6000, p=law.label_shares)]
    drawn = law.G.push(rng.random((6000, 3), np.float32), labels)
    assert_same_shares(drawn, *exact[name])


WHERE = {
    "interval of the last column": {2: Allowed(((0.2, 1.1),), missing=False)},
    "gap and a point": {1: Allowed((), missing=True), 2: Allowed(((0.0, 0.0),), missing=False)},
    "two that are rare together": {
        1: Allowed(((4.0, 4.0),), missing=False),
        2: Allowed(((-9.0, -0.3),), missing=False),
    },
    "two intervals": {
        0: Allowed(((1.0, 1.0),), missing=False),
        1: Allowed(((0.0, 1.0), (3.0, 4.0)), missing=True),
        2: Allowed(((-1.0, 0.5),), missing=False),
    },
}


@LAWS
@pytest.mark.parametrize("where", WHERE)
def test_rows_under_conditions_have_the_conditional_law(laws, exact, name, where):
    allowed = WHERE[where]
    rows, p = exact[name]
    kept = p * holds(rows, allowed)
    found = laws[name].draw_where(np.random.default_rng(2), 2000, allowed, 10**6)
    assert holds(found.cells, allowed).all()
    assert found.probability == pytest.approx(kept.sum(), rel=0.1)
    assert_same_shares(found.cells, rows, kept / kept.sum())


@LAWS
@pytest.mark.parametrize(
    "row", [[np.nan, 3.0, 0.31], [np.nan, np.nan, -1.3], [1.0, np.nan, np.nan], [np.nan] * 3]
)
def test_gaps_are_filled_by_the_law_given_the_cells_that_are_there(laws, exact, name, row):
    rows, p = exact[name]
    known = np.repeat([row], 600, axis=0)
    if not np.isnan(row[2]):
        values = [scales.values for scales in laws[name].G.chain.scales[:2]]
        rows = np.array(list(itertools.product(*values, [row[2]])))
        p = np.exp(laws[name].log_prob(rows))
    at = [place for place in range(3) if not np.isnan(row[place])]
    kept = p * (rows[:, at] == known[0, at]).all(axis=1) * ~np.isnan(rows).any(axis=1)
    rng = np.random.default_rng(3)
    blocks = laws[name].complete(
        rng, known, ~np.isnan(known), may_be_missing=False, particles=100
    )
    filled = np.concatenate([each.draw(rng, 1)[:, 0] for each in blocks])
    np.testing.assert_array_equal(filled[:, at], known[:, at])
    assert not np.isnan(filled).any()
    assert_same_shares(filled, rows, kept / kept.sum())


def holds(rows: np.ndarray, allowed: dict[int, Allowed]) -> np.ndarray:
    """Whether each row holds all conditions."""
    found = np.ones(len(rows), bool)
    for column, each in allowed.items():
        cells = rows[:, column]
        inside = np.isnan(cells) & each.missing
        for low, high in each.spans:
            inside |= (cells >= low) & (cells <= high)
        found &= inside
    return found


def assert_same_shares(drawn: np.ndarray, rows: np.ndarray, p: np.ndarray) -> None:
    """Words, numbers and parts of the range of the last column are as frequent as they should be."""
    edges = [-1.0, -1e-9, 1e-9, 0.6, 1.2]

    def codes(cells: np.ndarray) -> np.ndarray:
        parts = np.searchsorted(edges, cells[:, 2])
        return (cells[:, 0] * 10 + np.nan_to_num(cells[:, 1], nan=9)) * 10 + parts

    for code in np.unique(codes(rows)):
        expected = p[codes(rows) == code].sum()
        error = np.sqrt(expected * (1 - expected) / len(drawn)) + 0.002
        assert (codes(drawn) == code).mean() == pytest.approx(expected, abs=4.5 * error)


def test_given_cells_stay_and_the_same_seed_gives_the_same_rows(laws):
    law = laws["tilted"]
    cells = make_table(60)
    is_given = np.random.default_rng(0).random(cells.shape) < 0.6
    is_given &= ~np.isnan(cells)

    def complete() -> np.ndarray:
        rng = np.random.default_rng(7)
        blocks = law.complete(rng, cells, is_given, may_be_missing=True)
        return np.concatenate([each.draw(rng, 3) for each in blocks])

    filled = complete()
    for draw in range(3):
        np.testing.assert_array_equal(filled[:, draw][is_given], cells[is_given])
    np.testing.assert_array_equal(filled, complete())


def test_a_value_that_the_model_never_makes_is_kept_said_and_unlikely(laws):
    law = laws["plain"]
    cells = np.array([[0.0, 2.0, 99.0], [0.0, 77.0, 0.1], [0.0, 2.0, 0.1]])
    assert np.isneginf(law.log_prob(cells)).tolist() == [True, True, False]
    given = np.array([[False, True, True]] * 3)
    (found,) = law.complete(np.random.default_rng(0), cells, given, may_be_missing=False)
    assert found.is_possible.tolist() == [False, False, True]
    np.testing.assert_array_equal(found.cells[:, 0, 1:], cells[:, 1:])


def test_impossible_conditions_end_the_search(laws):
    allowed = {2: Allowed(((98.0, 99.0),), missing=False)}
    found = laws["plain"].draw_where(np.random.default_rng(0), 10, allowed, 10**8)
    assert len(found.cells) == 0
    assert found.probability == 0
    assert found.n_drawn <= 300_000


def test_means_modes_and_medians_are_those_of_the_law(laws, exact):
    law = laws["plain"]
    rows, p = exact["plain"]
    p = p * (rows[:, 0] == 1) * ~np.isnan(rows).any(axis=1)
    p /= p.sum()
    cells = np.array([[1.0, np.nan, np.nan]])
    (found,) = law.complete(
        np.random.default_rng(0),
        cells,
        ~np.isnan(cells),
        may_be_missing=False,
        particles=20_000,
    )
    mean, mode = (law.summarize(found, how)[0] for how in ("mean", "mode"))
    assert mean[2] == pytest.approx((p * rows[:, 2]).sum(), abs=0.05)
    shares = {value: p[rows[:, 1] == value].sum() for value in np.unique(rows[:, 1])}
    assert mode[1] == max(shares, key=shares.get)
    assert p[rows[:, 2] < mode[2] - 0.05].sum() < 0.5 < p[rows[:, 2] < mode[2] + 0.05].sum()


def test_balanced_labels_have_equal_shares(laws):
    allowed = {2: Allowed(((-9.0, 9.0),), missing=False)}
    found = (
        laws["labelled"].balance().draw_where(np.random.default_rng(0), 3000, allowed, 10**6)
    )
    assert found.cells[:, 0].mean() == pytest.approx(0.5, abs=0.05)
