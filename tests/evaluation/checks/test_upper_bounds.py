"""What is bounded from above: known answers, and how often a bound lies below the truth."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import onehalf as oh
from helpers import is_rare, over_seeds
from onehalf.evaluation.checks import upper_bounds
from onehalf.evaluation.checks.upper_bounds import bound_differences, margin
from onehalf.evaluation.features.base import PlainColumns

ALPHA = 0.05


@dataclass(frozen=True)
class Kinds(PlainColumns):
    """Columns of which these are words."""

    words: tuple[int, ...] = ()

    def is_category(self, column):
        return column in self.words


NUMBER = Kinds(("x",))
WORD = Kinds(("w",), (0,))
BOTH = Kinds(("w", "x"), (0,))


def column(*cells):
    return np.array(cells, float)[:, None]


def bound(real, other, columns=NUMBER, **options):
    return bound_differences(real, other, columns, ALPHA, **options)


# ----------------------------------------------------------------- known answers


@pytest.mark.parametrize(("most", "claims"), [(3, True), (2, False)])
def test_of_too_many_pairs_nothing_is_claimed(monkeypatch, most, claims):
    monkeypatch.setattr(upper_bounds, "MOST_PAIRS", most)
    cells = np.random.default_rng(0).integers(0, 2, (1000, 3)).astype(float)
    found = bound(cells, cells, Kinds(("v", "w", "x"), (0, 1)))  # (v, w), (v, x) and (w, x)
    assert (found.pairs_at_most < 1) == claims


@pytest.mark.parametrize(
    ("columns", "distance"), [(NUMBER, 0.75), (WORD, 0.5)], ids=["number", "word"]
)
def test_numbers_are_compared_by_the_rows_up_to_a_value_and_words_by_their_shares(
    columns, distance
):
    # shares of 1, 2, 3: 1/2, 1/2, 0 and 0, 1/4, 3/4; a word differs by 1/2 and, for 3, by 3/4
    found = bound(column(1, 1, 2, 2), column(2, 3, 3, 3), columns)
    assert found.columns[0].distance == pytest.approx(0.75 if columns is WORD else distance)


@pytest.mark.parametrize("columns", [NUMBER, WORD], ids=["number", "word"])
def test_a_missing_cell_is_a_word_or_lies_beyond_all_numbers(columns):
    nan = math.nan
    found = bound(column(1, 1, 1, nan), column(1, 1, nan, nan), columns)
    assert found.columns[0].distance == pytest.approx(0.25)
    assert bound(column(nan, nan), column(nan, nan), columns).columns[
        0
    ].distance == pytest.approx(0)


def test_the_bound_is_the_greatest_distance_and_the_margin():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(500, 2)), rng.normal([0, 0.5], 1, (700, 2))
    found = bound(real, other, Kinds(("a", "b")))
    distances = [stats.ks_2samp(real[:, j], other[:, j]).statistic for j in (0, 1)]
    assert found.worst_column == "b"
    assert [each.column for each in found.columns] == ["b", "a"]
    assert [each.distance for each in found.columns] == pytest.approx(distances[::-1])
    assert found.columns_at_most == pytest.approx(distances[1] + margin(500, 700, ALPHA / 2))
    single = distances[0] + margin(500, 700, ALPHA / 12)
    assert found.columns[1].at_most == pytest.approx(single)
    assert found.words_at_most is found.pairs_at_most is None


def test_a_broken_pair_is_seen_where_no_column_is_off():
    rng = np.random.default_rng(0)
    w, x = rng.integers(2, size=2000), rng.normal(size=2000)
    real, other = np.stack([w, x], axis=1), np.stack([w, np.sort(x)[w.argsort().argsort()]], 1)
    found = bound(real, other, BOTH)
    assert found.columns[0].distance < 1e-9
    assert found.pairs_at_most == pytest.approx(0.25 + margin(2000, 2000, ALPHA / 6), abs=0.02)


def test_each_word_of_a_pair_is_compared_by_itself():
    # four words, of which two have a tenth too much and two a tenth too little, beside a number that is always 0
    real, other = np.repeat([0, 1, 2, 3], [3, 3, 2, 2]), np.repeat([0, 1, 2, 3], [2, 2, 3, 3])
    sides = (np.stack([np.tile(w, 100), np.zeros(1000)], axis=1) for w in (real, other))
    found = bound(*sides, BOTH)
    assert found.pairs_at_most == pytest.approx(0.1 + margin(1000, 1000, ALPHA / 6))


@pytest.mark.parametrize("most", [2**23, 1000])
def test_pairs_of_words_are_compared_cell_by_cell(monkeypatch, most):
    monkeypatch.setattr("onehalf.evaluation.checks.upper_bounds.MOST_PAIRED", most)
    rows = np.array([[0, 0], [1, 1]] * 500, float)
    crossed = np.array([[0, 1], [1, 0]] * 500, float)
    found = bound(rows, crossed, Kinds(("a", "b"), (0, 1)))
    assert found.columns_at_most == pytest.approx(margin(1000, 1000, ALPHA / 2))
    kept = min(1000, most // 2)
    assert found.pairs_at_most == pytest.approx(0.5 + margin(kept, kept, ALPHA / 6))


def test_which_sample_is_called_real_does_not_matter():
    rng = np.random.default_rng(0)
    real = np.stack([rng.integers(3, size=300), rng.normal(size=300)], axis=1)
    other = np.stack([rng.integers(4, size=500), rng.exponential(size=500)], axis=1)
    here, there = bound(real, other, BOTH), bound(other, real, BOTH)
    same = replace(there, baseline_at_most=here.baseline_at_most)
    assert [each.column for each in same.columns] == [each.column for each in here.columns]
    for name in ("columns_at_most", "words_at_most", "pairs_at_most"):
        assert getattr(here, name) == pytest.approx(getattr(there, name), rel=1e-12)


def test_data_against_data_is_about_what_a_perfect_generator_gets():
    rng = np.random.default_rng(0)
    found = [
        bound(rng.normal(size=(400, 3)), rng.normal(size=(900, 3)), Kinds(("a", "b", "c")))
        for _ in range(30)
    ]
    at_most = np.mean([each.columns_at_most for each in found])
    assert np.mean([each.baseline_at_most for each in found]) == pytest.approx(
        at_most, abs=0.01
    )


# ----------------------------------------------------------------- the guarantee


@pytest.mark.parametrize("n", [2, 3, 20, 101])
def test_a_binomial_is_dominated_as_the_proof_says(n):
    # Zubkov & Serov 2013 with Pinsker's inequality: P(X <= k) <= Phi(-2 sqrt(n) (p - (k + 1)/n))
    p, k = np.linspace(0, 1, 401)[:, None], np.arange(n)
    below = (k + 1) / n <= p
    limit = stats.norm.cdf(-2 * math.sqrt(n) * (p - (k + 1) / n))
    assert (stats.binom.cdf(k, n, p) <= limit + 1e-12)[below].all()


@pytest.mark.parametrize("matched", [False, True])
@pytest.mark.parametrize(("n", "m"), [(25, 25), (25, 60)])
def test_the_margin_holds_for_any_two_coins(n, m, matched):
    m = n if matched else m
    e = margin(n, m, ALPHA, matched=matched)
    x, y = np.arange(n + 1)[:, None] / n, np.arange(m + 1) / m
    chances = np.linspace(0, 1, 41)
    for p in chances:
        laws = stats.binom.pmf(np.arange(n + 1), n, p)[:, None] * stats.binom.pmf(
            np.arange(m + 1), m, chances[:, None, None]
        )
        off = (p - x) + (y - chances[:, None, None]) > e
        assert (laws * off).sum(axis=(1, 2)).max() <= ALPHA


def coins(rng, n, m):
    real, other = (rng.random(size) < p for size, p in ((n, 0.6), (m, 0.4)))
    truth = {"columns": 0.2, "words": 0.2}
    return real[:, None].astype(float), other[:, None].astype(float), WORD, truth


def shifted(rng, n, m):
    real, other = rng.normal(size=(n, 3)), rng.normal([0.6, 0.5, 0], 1, (m, 3))
    return real, other, Kinds(("a", "b", "c")), {"columns": 2 * stats.norm.cdf(0.3) - 1}


def counted(rng, n, m):
    """Few values, of which some are missing."""
    real, other = rng.poisson(3, (n, 1)).astype(float), rng.poisson(3.5, (m, 1)).astype(float)
    real[rng.random(n) < 0.1], other[rng.random(m) < 0.2] = math.nan, math.nan
    k = np.arange(60)
    off = 0.9 * stats.poisson.cdf(k, 3) - 0.8 * stats.poisson.cdf(k, 3.5)
    return real, other, NUMBER, {"columns": np.abs(off).max()}


def related(rng, n, m):
    """A word that says something about a number, in the other sample alone."""
    w, v = rng.integers(2, size=n), rng.integers(2, size=m)
    real = np.stack([w, rng.normal(size=n)], axis=1)
    other = np.stack([v, rng.normal(size=m) + 2 * v - 1], axis=1)
    return real, other, BOTH, {"pairs": (2 * stats.norm.cdf(0.5) - 1) / 2}


@over_seeds(300, 3000)
@pytest.mark.parametrize("law", [coins, shifted, counted, related])
@pytest.mark.parametrize(("n", "m"), [(60, 60), (40, 400)])
def test_no_bound_lies_below_the_truth_too_often(law, n, m, seeds):
    missed = []
    for seed in range(seeds):
        real, other, columns, truth = law(np.random.default_rng(seed), n, m)
        found = bound(real, other, columns)
        missed.append(
            any(getattr(found, f"{what}_at_most") < value for what, value in truth.items())
            or ("columns" in truth and _misses_a_column(found, truth["columns"]))
        )
    assert is_rare(missed, ALPHA)


def _misses_a_column(found, truth):
    """Whether the first column's own bound, that of the furthest one, lies below the truth."""
    first = next(each for each in found.columns if each.column in ("a", "w", "x"))
    return first.at_most < truth


def test_the_level_of_the_furthest_column_is_used():
    # of a fair coin against a slightly loaded one hardly any of the level is wasted
    n, m, p, q = 400, 4000, 0.52, 0.48
    e = margin(n, m, ALPHA / 2)
    rng = np.random.default_rng(0)
    off = p - rng.binomial(n, p, 200_000) / n + rng.binomial(m, q, 200_000) / m - q
    assert 0.3 * ALPHA / 2 < np.mean(off > e) <= ALPHA / 2


@over_seeds(200, 2000)
def test_samples_that_share_labels_with_the_data_are_bounded_as_well(seeds):
    """The label decides both cells, so that both shares err in the same direction."""
    missed = []
    for seed in range(seeds):
        labels = np.random.default_rng(seed).random(2000) < 0.6
        found = bound(column(*labels), column(*~labels), WORD, matched=True)
        missed.append(found.columns_at_most < 0.2)
    assert is_rare(missed, ALPHA)


# ----------------------------------------------------------------- in a measurement


def tables(n, m):
    rng = np.random.default_rng(0)
    return [
        pa.table({"plan": rng.choice(["basic", "pro"], k), "months": rng.normal(size=k)})
        for k in (n, m)
    ]


def test_a_measurement_of_tables_says_how_far_a_column_is_off_at_most():
    real, other = tables(200, 300)
    found = oh.measure(real=real, other=other)
    upper = found.upper
    assert upper is not None
    assert None not in (upper.words_at_most, upper.pairs_at_most)
    most, data = (
        f"{math.ceil(1000 * each) / 10:.1f}"
        for each in (upper.columns_at_most, upper.baseline_at_most)
    )
    assert (
        f"No column is further off than {most} percentage points (95 % confidence; data against "
        f"data: {data})." in found.sentences
    )
    assert found.to_dict()["upper"]["columns_at_most"] == upper.columns_at_most


def test_of_images_their_properties_are_bounded():
    rng = np.random.default_rng(0)
    real, other = rng.integers(0, 255, size=(2, 40, 8, 8), dtype=np.uint8)
    found = oh.measure(real=real, other=other)
    assert found.upper is not None
    assert "brightness" in [each.column for each in found.upper.columns]
    assert any(
        each.startswith("No property of an image is further off") for each in found.sentences
    )


class Labelled:
    """A sampler with a label, which draws the rest at random."""

    labels_ = ("plan",)

    def sample(self, n=None, given=None, random_state=None):
        rng = np.random.default_rng(random_state)
        if given is None:
            given = pa.table({"plan": rng.choice(["basic", "pro"], n)})
        return given.append_column("months", pa.array(rng.normal(size=len(given))))


def test_of_a_sampler_with_labels_one_sample_for_each_real_row_is_used():
    real, _ = tables(200, 1)
    found = oh.measure(real=real, sampler=Labelled()).upper
    assert found is not None
    by_name = {each.column: each for each in found.columns}
    assert by_name["plan"].distance == pytest.approx(0)
    most = found.columns[0].distance + margin(200, 200, ALPHA / 2, matched=True)
    assert found.columns_at_most == pytest.approx(most)
