"""Regions, columns and rows where samples differ: known answers, and every interval as a frequency."""

import dataclasses
import json
import math

import numpy as np
import pytest

from helpers import is_rare, over_seeds
from onehalf._errors import Refusal
from onehalf.evaluation.explain.marginals import rank_marginals
from onehalf.evaluation.explain.regions import (
    binary_jsd,
    find_regions,
    jsd_of_dropped,
    most_telling,
)
from onehalf.evaluation.features.base import PlainColumns
from onehalf.evaluation.result import Condition, Region, Share
from onehalf.evaluation.serialization import from_json, to_json
from onehalf.evaluation.wording import describe_region

ALPHA = 0.05
AB = PlainColumns(("a", "b"))


def grid(rng, n, without=None):
    """The 25 modes of `onehalf.data.Grid`, less one."""
    means = np.array(
        [(i, j) for i in (-4, -2, 0, 2, 4) for j in (-4, -2, 0, 2, 4) if (i, j) != without],
        dtype=float,
    )
    return means[rng.integers(len(means), size=n)] + 0.05 * rng.normal(size=(n, 2))


def people(rng, n):
    age = rng.integers(18, 95, size=n)
    income = np.where(rng.random(n) < 0.3, 0, rng.lognormal(10, 1, size=n))
    return np.stack([age, income, rng.integers(2, size=n)], axis=1).astype(float)


def share(region, side=1.0):
    """The true share of U[0, side]^2 in a region."""
    ends = {"a": [0.0, side], "b": [0.0, side]}
    for name, op, value in region.conditions:
        ends[name][0 if op == ">" else 1] = min(value, side)
    return math.prod((stop - start) / side for start, stop in ends.values())


def halves(x):
    return x[::2], x[1::2]


def both(find, x, y, names, **more):
    (learn_x, test_x), (learn_y, test_y) = halves(x), halves(y)
    columns = PlainColumns(tuple(names))
    return find(learn_x, learn_y, test_x, test_y, columns, ALPHA, **more)


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.2), (0.1, 0.3), (0.0, 1.0), (0.04, 0.0)])
def test_binary_jsd_is_symmetric_in_piles_and_in_yes_and_no(a, b):
    middle = (a + b) / 2
    entropy = [-sum(p * math.log(p) for p in (q, 1 - q) if p > 0) for q in (middle, a, b)]
    assert binary_jsd(a, b) == pytest.approx(
        entropy[0] - entropy[1] / 2 - entropy[2] / 2, abs=1e-12
    )
    assert (
        binary_jsd(a, b)
        == pytest.approx(binary_jsd(b, a))
        == pytest.approx(binary_jsd(1 - a, 1 - b))
    )


def test_all_of_it_dropped_is_as_far_as_two_samples_can_be():
    assert jsd_of_dropped(0.0) == 0.0
    assert jsd_of_dropped(1.0) == pytest.approx(math.log(2))


@pytest.mark.parametrize("mode", [(4, 4), (4, 0), (0, 0)], ids=["corner", "edge", "middle"])
@pytest.mark.parametrize(("n", "least"), [(1000, 0.003), (5000, 0.009)])
def test_a_dropped_mode_is_found_and_nothing_else(mode, n, least):
    # 0.0056 and 0.0107 are certified for a region that is known beforehand; the truth is 0.0141
    found = [
        find_regions(
            grid(rng, n),
            grid(rng, n, mode),
            grid(rng, n),
            grid(rng, n, mode),
            PlainColumns(("x", "y")),
            ALPHA,
        )
        for rng in map(np.random.default_rng, range(10))
    ]
    # a box that is a little too small leaves rows for a second one, about once in thirty
    assert all(found)
    assert sum(len(each) for each in found) <= 11
    tight = [each[0].real.share < 0.06 and each[0].other.share < 0.005 for each in found]
    assert sum(tight) >= 9
    lower = [each[0].jsd_lower for each in found]
    assert np.mean(lower) > least
    assert sum(value > jsd_of_dropped(0.04) for value in lower) <= 2
    names = {name for each in found for name, _, _ in each[0].conditions}
    assert names == {"x", "y"}


@over_seeds(40, 200)
def test_all_intervals_hold_at_once_and_the_jsd_is_never_overstated(seeds):
    # real is U[0, 1]^2; a quarter of other is moved into [0, 0.4] x [0, 0.4]: JSD from the two densities
    rng = np.random.default_rng(0)

    def other(n):
        y = rng.random((n, 2))
        return np.where(rng.random((n, 1)) < 0.25, 0.4 * y, y)

    inside = 0.75 + 0.25 / 0.16
    kl_real = 0.16 * math.log(2 / (1 + inside)) + 0.84 * math.log(2 / 1.75)
    kl_other = 0.16 * inside * math.log(2 * inside / (1 + inside)) + 0.84 * 0.75 * math.log(
        1.5 / 1.75
    )
    truth = (kl_real + kl_other) / 2

    found, missed, overstated = 0, [], []
    for _ in range(seeds):
        each = find_regions(
            rng.random((400, 2)), other(400), rng.random((150, 2)), other(150), AB, 0.2
        )
        found += len(each)
        wrong = [not r.real.low <= share(r) <= r.real.high for r in each]
        wrong += [
            not r.other.low <= 0.75 * share(r) + 0.25 * share(r, 0.4) <= r.other.high
            for r in each
        ]
        missed.append(any(wrong))
        overstated.append(any(r.jsd_lower > truth for r in each))
    assert found > 0.75 * seeds
    assert is_rare(missed, 0.2)
    assert any(missed)  # at this level some are expected
    assert is_rare(overstated, 0.2)


@over_seeds(40, 200)
def test_what_the_learning_rows_show_is_not_believed_of_test_rows_of_one_law(seeds):
    rng = np.random.default_rng(1)
    certain, found = [], 0
    for _ in range(seeds):
        learn_y = rng.random((300, 2)) ** 2
        each = find_regions(
            rng.random((300, 2)),
            learn_y,
            rng.random((200, 2)),
            rng.random((200, 2)),
            AB,
            ALPHA,
        )
        found += bool(each)
        certain.append(any(region.certain for region in each))
        assert all((region.jsd_lower > 0) == region.certain for region in each)
    assert found == seeds
    assert is_rare(certain)


@over_seeds(20, 100)
def test_one_law_yields_hardly_any_region(seeds):
    rng = np.random.default_rng(2)
    found = [
        both(find_regions, *rng.normal(size=(2, 400, 3)), ["a", "b", "c"]) for _ in range(seeds)
    ]
    assert is_rare([bool(each) for each in found])
    assert is_rare([any(region.certain for region in each) for each in found], 0.01)


def test_swapping_the_piles_swaps_the_shares_and_nothing_else():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 3000, 3))
    y[:, 1] = y[:, 1] * 1.5 + 0.3
    there, back = (
        both(find_regions, x, y, ["a", "b", "c"]),
        both(find_regions, y, x, ["a", "b", "c"]),
    )
    assert there
    assert tuple(dataclasses.replace(r, real=r.other, other=r.real) for r in back) == there
    steps = zip(
        both(rank_marginals, x, y, ["a", "b", "c"]),
        both(rank_marginals, y, x, ["a", "b", "c"]),
        strict=True,
    )
    for one, other in steps:
        assert one.columns == other.columns
        assert one.jsd_lower == pytest.approx(other.jsd_lower)
        assert one.jsd_estimate == pytest.approx(other.jsd_estimate)


def test_a_rule_names_columns_and_speaks_of_whole_numbers_as_such():
    rng = np.random.default_rng(4)
    x, y = people(rng, 10_000), people(rng, 10_000)
    y = y[~((y[:, 0] >= 65) & (y[:, 1] == 0) & (y[:, 2] == 1))]
    (region,) = both(find_regions, x, y, ["age", "income", "sex"])
    assert region.rule == "age >= 65 and income = 0 and sex = 1"
    assert region.conditions == (("age", ">=", 65), ("income", "=", 0.0), ("sex", "=", 1))
    assert region.other.share == 0
    assert region.certain
    # the true share is 0.3 * 30/77 / 2
    assert 0.01 < region.jsd_lower < jsd_of_dropped(0.3 * 30 / 77 / 2)
    said = describe_region(region)
    assert said.startswith("age >= 65 and income = 0 and sex = 1: ")
    assert said.endswith("0 % [0, 0.1] of the other sample.")
    assert from_json(Region, json.loads(json.dumps(to_json(region)))) == region


def test_a_whole_number_that_one_sample_lacks():
    rng = np.random.default_rng(5)
    x = rng.integers(7, size=(4000, 2)).astype(float)
    y = x[::-1][x[::-1, 0] != 3]
    (region,) = both(find_regions, x, y, ["x", "y"])
    assert region.rule == "x = 3"


def test_a_spike_and_a_tail():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(6000, 2))
    y = rng.normal(size=(6000, 2))
    y[:200, 1] = 9.0
    (region,) = both(find_regions, rng.permutation(x), rng.permutation(y), ["a", "b"])
    assert region.rule == "b = 9"
    assert region.real.share == 0
    y[:200, 1] = rng.normal(40, 2, size=200)
    (region,) = both(find_regions, rng.permutation(x), rng.permutation(y), ["a", "b"])
    assert region.rule.startswith("b > ")
    assert region.jsd_lower > 0.005


def rule(share_real, share_other, *, certain):
    real, other = (
        Share(share=share, low=low, high=high) for share, low, high in (share_real, share_other)
    )
    conditions = (Condition("x", ">", 2.0),)
    return Region(
        real=real,
        other=other,
        jsd_lower=0.0,
        certain=certain,
        rule="x > 2",
        conditions=conditions,
    )


def test_doubt_is_said():
    same = 0.04, 0.03, 0.05
    said = describe_region(rule(same, same, certain=False))
    assert said.endswith("This may be chance.")


def test_intervals_are_rounded_outwards_and_kept_fine_where_they_are_narrow():
    few, whole = (0.00051, 0.000467, 0.000556), (1.0, 0.9999, 1.0)
    said = describe_region(rule(few, whole, certain=True))
    assert (
        said
        == "x > 2: 0.051 % [0.046, 0.056] of the data, 100 % [99.99, 100] of the other sample."
    )


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("find", [find_regions, rank_marginals])
def test_constants_and_equal_rows_show_nothing(find, columns):
    names = PlainColumns(("a", "b", "c")[:columns])
    ties = np.random.default_rng(7).integers(3, size=(400, columns)).astype(float)
    for rows in (np.zeros((50, columns)), np.full((1, columns), 3.5), ties):
        found = find(rows, rows, rows, rows, names, ALPHA)
        assert sum(each.jsd_lower for each in found) == 0


@pytest.mark.parametrize("find", [find_regions, rank_marginals])
def test_apart_in_one_column(find):
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(1000, 1)), 50 + rng.normal(size=(1000, 1))
    found = both(find, x, y, ["a"])
    assert len(found) == 1
    assert found[0].jsd_lower == pytest.approx(math.log(2), abs=0.06)


def test_far_values_and_tiny_ones_are_no_trouble():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(2, 2000, 2)) * [1e-90, 1e-5]
    x[::7, 1] = 1e90
    found = both(find_regions, x, y, ["a", "b"])
    assert found[0].conditions[0][0] == "b"
    assert found[0].certain


@over_seeds(10, 40)
def test_a_critic_shows_where_to_look_and_cannot_mislead(seeds):
    rng = np.random.default_rng(10)
    n, names = 400, AB
    seen, alone, misled = 0, 0, []
    for _ in range(seeds):
        rows = grid(rng, n), grid(rng, n, (0, 0)), grid(rng, n), grid(rng, n, (0, 0))
        l_x, l_y = (np.where(np.abs(each).max(axis=1) < 1, 4.0, -0.04) for each in rows[:2])
        seen += bool(find_regions(*rows, names, ALPHA, log_ratio=(l_x, l_y)))
        alone += bool(find_regions(*rows, names, ALPHA))
        noise = 3 * rng.normal(size=n), 3 * rng.normal(size=n)
        found = find_regions(
            grid(rng, n),
            grid(rng, n),
            grid(rng, n),
            grid(rng, n),
            names,
            ALPHA,
            log_ratio=noise,
        )
        misled.append(any(region.certain for region in found))
    assert alone < seen
    assert seen >= 0.9 * seeds
    assert is_rare(misled)


def test_a_difference_in_how_columns_go_together_shows_in_the_pair_alone():
    # a Gaussian copula of correlation 1/2: JSD 0.0364
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, 6000, 3))
    y[:, 2] = 0.5 * y[:, 0] + math.sqrt(0.75) * y[:, 2]
    single, pair = both(rank_marginals, x, y, ["a", "b", "c"])
    assert len(single.columns) == 1
    assert single.jsd_lower == 0
    assert pair.columns == ("a", "c")
    assert 0.018 < pair.jsd_lower < pair.jsd_estimate < 0.0364


@over_seeds(40, 150)
def test_a_marginal_stays_below_the_truth(seeds):
    # N(0, 1) against N(1/2, 1): JSD 0.030311
    rng = np.random.default_rng(12)
    steps = [
        both(
            rank_marginals, rng.normal(size=(600, 1)), rng.normal(0.5, 1, size=(600, 1)), ["a"]
        )[0]
        for _ in range(seeds)
    ]
    lower = [step.jsd_lower for step in steps]
    assert is_rare([value > 0.030311 for value in lower])
    assert np.median(lower) > 0.003
    assert np.mean([step.jsd_estimate for step in steps]) < 0.030311


def test_a_pair_shows_no_less_than_its_column_and_piles_may_differ_in_size():
    rng = np.random.default_rng(13)
    x, y = rng.normal(size=(9000, 2)), rng.normal(size=(2000, 2))
    y[:, 0] += 0.5
    there, back = both(rank_marginals, x, y, ["a", "b"]), both(rank_marginals, y, x, ["a", "b"])
    for single, pair in (there, back):
        assert single.columns == ("a",)
        assert 0.01 < single.jsd_lower <= pair.jsd_lower < 0.0303
    assert there[0].jsd_estimate == pytest.approx(back[0].jsd_estimate)


def test_of_many_columns_those_that_differ_are_found():
    rng = np.random.default_rng(14)
    x, y = rng.normal(size=(2, 2000, 40))
    y[:, 33] += 0.8
    names = [f"c{i}" for i in range(40)]
    assert both(find_regions, x, y, names)[0].rule.startswith("c33 ")
    assert both(rank_marginals, x, y, names)[0].columns == ("c33",)


def test_rows_that_tell():
    rng = np.random.default_rng(15)
    l_real, l_other = rng.normal(size=(2, 200))
    found = most_telling(l_real, l_other, most=5)
    assert found["missing"] == sorted(range(200), key=lambda row: -l_real[row])[:5]
    assert found["unexpected"] == sorted(range(200), key=lambda row: l_other[row])[:5]
    assert found["convincing"] == sorted(range(200), key=lambda row: -l_other[row])[:5]
    assert most_telling(np.zeros(9), np.zeros(9)) == {
        "missing": [],
        "unexpected": [],
        "convincing": [],
    }


@pytest.mark.parametrize("find", [find_regions, rank_marginals])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"columns": PlainColumns(("a",))}, "learn_real"),
        ({"columns": PlainColumns(("a", "a"))}, "names"),
        ({"test_other": np.full((5, 2), np.nan)}, "test_other"),
        ({"learn_other": np.zeros((0, 2))}, "learn_other"),
    ],
)
def test_bad_input_is_refused(find, change, what):
    rows = np.random.default_rng(16).normal(size=(5, 2))
    good = {"learn_real": rows, "learn_other": rows, "test_real": rows, "test_other": rows}
    with pytest.raises(Refusal, match=f"^{what}: expected"):
        find(**{**good, "columns": AB, "alpha": ALPHA, **change})


def test_logits_of_other_rows_are_refused():
    rows = np.zeros((5, 1))
    with pytest.raises(Refusal, match=r"^log_ratio: expected 5 and 5 logits"):
        find_regions(
            rows,
            rows,
            rows,
            rows,
            PlainColumns(("a",)),
            ALPHA,
            log_ratio=(np.zeros(5), np.zeros(4)),
        )
