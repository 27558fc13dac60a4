"""The quick check: distances beside their ceilings, and the rules that the data keep."""

import json
import time

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import onehalf as oh
from helpers import is_rare, over_seeds
from onehalf.evaluation.checks import quick
from onehalf.evaluation.checks.validity import is_beyond_chance


def contracts(seed, n=400, **columns):
    """Contracts: the price goes with the plan, and none ends before it starts."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus", "pro"], n, p=[0.5, 0.3, 0.2])
    start = rng.integers(0, 1000, n)
    made = {
        "id": np.arange(n) + 1000,
        "plan": plan,
        "price": np.round(np.where(plan == "pro", 40.0, 10.0) + rng.normal(0, 2, n), 2),
        "start": start,
        "end": start + rng.integers(1, 400, n),
        "country": ["DE"] * n,
    }
    return pa.table(made | columns)


def check(real, other, **options):
    return oh.quick_table(real=real, other=other, **options)


def by_column(found):
    return {each.column: each for each in found.columns}


def broken(found):
    return {each.kind: [rule.columns for rule in each.broken] for each in found.rules}


def replaced(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


# --------------------------------------------------------------------- distances


def test_numbers_are_compared_by_their_distribution_functions_and_words_by_total_variation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), rng.normal(0.5, 1, 200)
    found = check(
        pa.table({"x": x, "w": ["a"] * 150 + ["b"] * 150}),
        pa.table({"x": y, "w": ["a"] * 20 + ["c"] * 180}),
    )
    assert by_column(found)["x"].distance == pytest.approx(stats.ks_2samp(x, y).statistic)
    assert by_column(found)["w"].distance == pytest.approx(0.9)
    assert found.columns[0].column == "w"
    assert found.columns_above == 2


def test_a_broken_relation_is_found_where_no_column_is_off():
    real = contracts(0)
    prices = np.random.default_rng(1).permutation(real["price"].to_numpy())
    found = check(real, replaced(real, "price", prices))
    assert found.columns_above == 0
    assert found.pairs[0].columns == ("plan", "price")
    assert found.pairs[0].distance > 2 * found.pairs[0].ceiling
    assert found.n_pairs == 10


def test_a_column_that_is_off_does_not_put_all_its_pairs_off():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 2000, 8))
    other[:, 0] += 0.5
    found = check(real, other)
    assert found.columns[0].column == "x1"
    assert found.columns[0].distance > 3 * found.columns[0].ceiling
    assert sum("x1" in pair.columns for pair in found.pairs if pair.is_above) <= 3


@over_seeds(60, 600)
def test_a_perfect_generator_is_above_a_ceiling_one_time_in_twenty(seeds):
    columns, pairs = [], []
    for seed in range(seeds):
        found = check(contracts(2 * seed, 200), contracts(2 * seed + 1, 300))
        columns += [each.is_above for each in found.columns if each.column != "country"]
        pairs += [each.is_above for each in found.pairs if "country" not in each.columns]
    assert is_rare(columns, 0.07)  # of draws from the data, not from their distribution
    assert is_rare(pairs, 0.07)
    assert np.mean(columns) > 0.01
    assert np.mean(pairs) > 0.01


def test_the_result_depends_on_the_seed_alone():
    real, other = contracts(0), contracts(1)
    assert check(real, other) == check(real, other)
    assert check(real, other) != check(real, other, seed=1)


@pytest.mark.parametrize(("n", "m"), [(2, 3), (12, 15)])
def test_few_rows_are_enough(n, m):
    found = check(contracts(0, n), contracts(1, m))
    assert (found.n_real, found.n_other) == (n, m)
    assert f"Quick check of {n} rows of data against {m}" in str(found)


def test_a_refusal_of_few_rows_names_the_quick_check():
    with pytest.raises(oh.Refusal, match="quick"):
        oh.measure(real=contracts(0, 12), other=contracts(1, 15))


def test_missing_cells_are_compared_too():
    real, other = contracts(0), contracts(1)
    prices = [None if i % 4 else price for i, price in enumerate(other["price"].to_pylist())]
    found = check(real, replaced(other, "price", prices))
    assert by_column(found)["price"].distance == pytest.approx(0.75)
    assert broken(found)["missing"] == [("price",)]


@pytest.mark.parametrize(
    "shape", [(40, 8, 8), (40, 8, 8, 3), (40, 70)], ids=["grey", "colours", "many columns"]
)
def test_images_and_wide_arrays_are_checked(shape):
    real, other = np.random.default_rng(0).integers(0, 255, (2, *shape), dtype=np.uint8)
    found = check(real, other)
    if len(shape) > 2:
        assert "brightness" in by_column(found)
        assert [each.kind for each in found.rules] == ["ranges"]
    else:
        assert "relation of two of the first 40 columns" in str(found)
        assert len(found.pairs) == 100 < found.n_pairs == 780


class Labelled:
    labels_ = ("plan",)

    def sample(self, n=None, given=None, random_state=None):
        made = contracts(random_state, len(given) if given else n)
        return replaced(made, "plan", given["plan"]) if given else made


def test_of_a_sampler_with_labels_one_sample_for_each_real_row_is_used():
    found = oh.quick_table(real=contracts(0), sampler=Labelled())
    assert found.n_other == 400
    assert by_column(found)["plan"].distance == pytest.approx(0)
    assert found.pairs[0].columns == ("plan", "price")


# ------------------------------------------------------------------------- rules


def test_rules_that_fresh_data_keep_are_kept():
    found = check(contracts(0), contracts(1))
    assert found.broken == ()
    assert "the other sample breaks" not in str(found)
    assert {each.kind: each.checked for each in found.rules} == {
        "types": 6,
        "ranges": 3,
        "words": 2,
        "missing": 5,
        "keys": 1,
        "whole numbers": 2,
        "decimals": 1,
        "constants": 1,
        "orders": 1,
    }


@pytest.mark.parametrize(
    ("column", "change", "kind", "rule"),
    [
        ("start", lambda x: x + 0.5, "types", "start has whole numbers in the data"),
        ("start", lambda x: x + 0.5, "whole numbers", "start is whole: broken in 100 % of"),
        ("price", lambda x: x + 0.001, "decimals", "price has at most 2 decimals: broken in"),
        ("price", lambda x: x + 20, "ranges", "price is between "),
        (
            "plan",
            lambda x: ["new"] * len(x),
            "words",
            "plan has no word that is new, such as new",
        ),
        (
            "country",
            lambda x: ["FR"] * len(x),
            "constants",
            "country is always DE: broken in 100",
        ),
        ("id", lambda x: x // 2, "keys", "id is different in each row: broken in 50.0 %"),
        ("end", lambda x: x[::-1], "orders", "start <= end: broken in "),
    ],
)
def test_a_broken_rule_is_found_and_said(column, change, kind, rule):
    real, other = contracts(0), contracts(1)
    found = check(
        real, replaced(other, column, change(other[column].to_numpy(zero_copy_only=False)))
    )
    names = broken(found)[kind]
    assert any(column in each for each in names)
    lines = [line.strip() for line in str(found).splitlines()]
    assert any(line.startswith(rule) for line in lines)


def test_an_order_that_follows_from_the_ranges_is_no_rule():
    rng = np.random.default_rng(0)
    real, other = (pa.table({"a": rng.random(90), "b": 2 + rng.random(90)}) for _ in range(2))
    assert "orders" not in broken(check(real, other))


@over_seeds(60, 600)
def test_fresh_data_break_a_range_or_an_order_in_one_time_of_twenty(seeds):
    """Of normals all values beyond one end are a matter of chance."""
    found = [
        check(*(np.random.default_rng([seed, side]).normal(size=(50, 1)) for side in (0, 1)))
        for seed in range(seeds)
    ]
    assert is_rare([bool(each.broken) for each in found], 0.05)


def test_words_that_hardly_repeat_are_no_difference():
    above, new = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        real, other = (
            pa.table(
                {"zip": [f"{code:05d}" for code in rng.integers(9000, size=300)] + ["0"] * 100}
            )
            for _ in range(2)
        )
        found = check(real, other)
        above.append(found.columns[0].is_above)
        new += broken(found)["words"]
    assert is_rare(above)
    assert new == []


def test_words_of_training_rows_are_not_new():
    known = pa.table({"plan": ["a", "b"] * 100})
    trained = pa.table({"plan": ["a", "b", "c", "c"] * 50})
    assert broken(check(known, trained))["words"] == [("plan",)]
    seen = []
    oh.measure(real=known, other=trained, train=trained, on_quick=seen.append)
    assert broken(seen[0])["words"] == []


@pytest.mark.parametrize(("gaps", "found"), [(1, []), (9, [("price",)])])
def test_a_few_gaps_in_a_full_column_are_chance(gaps, found):
    real, other = contracts(0), contracts(1)
    prices = [None] * gaps + other["price"].to_pylist()[gaps:]
    assert broken(check(real, replaced(other, "price", prices)))["missing"] == found


def test_a_rule_is_broken_beyond_chance_by_enough_rows():
    # 5 rows of 200, all of them in one half of these
    exact = stats.hypergeom.pmf(5, 200, 5, 100)
    assert exact < 0.05 < stats.hypergeom.pmf(4, 200, 4, 100)
    assert is_beyond_chance(5, 100, 100)
    assert not is_beyond_chance(4, 100, 100)
    assert not is_beyond_chance(0, 100, 100)


# ------------------------------------------------------------------------ saying


def test_it_reads_back_from_json_and_is_marked_as_quick():
    found = check(contracts(0), contracts(1, end=np.arange(400)))
    named = json.loads(json.dumps(found.to_dict()))
    assert named["kind"] == "quick"
    assert oh.QuickTable.from_dict(named) == found


def test_it_says_what_was_not_done():
    said = str(check(contracts(0), contracts(1)))
    for words in ("no guarantee", "no critics", "no test for copies", "id"):
        assert words in said


def test_many_columns_are_shown_the_furthest_off_first():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 100, 20))
    other[:, 7] += 3
    lines = str(check(real, other)).splitlines()
    assert lines[2].startswith("x8 ")
    assert lines[2].endswith("*")
    assert lines[17] == "and 5 more"


def test_the_summary_has_three_lines_at_most_and_names_the_worst():
    found = check(contracts(0), contracts(1, end=np.arange(400) + 0.5, country=["FR"] * 400))
    first, worst, rules = found.summary.splitlines()
    assert first.startswith("Quick check (no guarantee): 2 of 5 columns and ")
    assert "country 100 % (ceiling 0 %)" in worst
    assert rules.startswith("  Broken: ")
    assert rules.endswith(" more.")
    assert check(contracts(0), contracts(0)).summary.count("\n") == 0


def test_a_measurement_gives_it_before_anything_else():
    real, other, given = contracts(0, 40), contracts(1, 40), []
    oh.measure(real=real, other=other, on_quick=given.append)
    assert given == [check(real, other)]


def test_ten_thousand_rows_take_less_than_two_seconds():
    real, other = np.random.default_rng(0).normal(size=(2, 10_000, 20))
    check(real[:100], other[:100])
    start = time.process_time()
    check(real, other)
    assert time.process_time() - start < 2


def test_of_many_rows_pairs_see_some_and_the_ceiling_is_that_of_as_many(monkeypatch):
    monkeypatch.setattr(quick, "MOST_ROWS", 100)
    real, above = contracts(0), []
    prices = np.random.default_rng(1).permutation(real["price"].to_numpy())
    assert check(real, replaced(real, "price", prices)).pairs[0].columns == ("plan", "price")
    for seed in range(60):
        x, y = (np.random.default_rng([seed, n]).normal(size=(n, 2)) for n in (100, 5000))
        above.append(check(x, y).pairs_above > 0)
    assert is_rare(above, 0.07)
