"""The audit: it finds what was planted and nothing else, and its laws: sides swap, rows shuffle, names rename."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onehalf._errors import Refusal
from onehalf.evaluation.checks.audit import audit_samples
from onehalf.evaluation.features.base import PlainColumns
from onehalf.evaluation.features.precision import extract_format, harmonize
from onehalf.evaluation.result import (
    Atom,
    Audit,
    DuplicateCounts,
    FlagPair,
    IntegerPair,
    NumberPair,
)
from onehalf.evaluation.serialization import from_json, to_json

TYPES = (np.bool_, np.int8, np.uint8, np.int64, np.float16, np.float32, np.float64)
BANNED = ("identical", "indistinguishable", "passes", "passed", "1.0 ")


def normal(seed, n=2000, d=3):
    return np.random.default_rng(seed).normal(size=(n, d))


def look(real, other):
    return audit_samples(real, other, named("x{}", np.prod(real.shape[1:], dtype=int)))


def named(name, n):
    return PlainColumns(tuple(name.format(column) for column in range(n)))


def kinds(result, severe=None):
    return [f.kind for f in result.findings if severe is None or f.severe == severe]


def sentences(result):
    return " ".join(finding.sentence for finding in result.findings)


def without_order(result):
    others = tuple(finding for finding in result.findings if finding.kind != "order")
    return dataclasses.replace(result, findings=others)


def with_column(rows, values, column=1):
    rows = rows.copy()
    rows[:, column] = values
    return rows


@st.composite
def samples(draw):
    """Two samples of awkward numbers, few rows, any two types, with some rows of the one in the other."""
    d = draw(st.integers(1, 3))
    pool = st.sampled_from(
        [0, 1, -1, 0.5, -0.0, 0.25, -999, 99, 3.14159, 1 / 3, 1e-30, 6e4, -7, 12.5]
    )
    both = []
    for _ in range(2):
        n, dtype = draw(st.integers(1, 40)), draw(st.sampled_from(TYPES))
        values = draw(hnp.arrays(np.float64, (n, d), elements=pool))
        kind = np.dtype(dtype).kind
        if kind in "iu":
            values = np.clip(np.trunc(values), np.iinfo(dtype).min, np.iinfo(dtype).max)
        both.append(values.astype(dtype))
    return both


# ---------------------------------------------------------------------------------------------------- laws


@given(both=samples(), random=st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_sides_swap_rows_shuffle_and_names_rename(both, random):
    real, other = both
    result = look(real, other)
    assert from_json(Audit, json.loads(json.dumps(to_json(result)))) == result

    swapped = look(other, real)
    for was, now in zip(result.columns, swapped.columns, strict=True):
        for key in ("decimals", "whole", "constant"):
            pair = getattr(was, key)
            swapped_pair = dataclasses.replace(pair, real=pair.other, other=pair.real)
            assert getattr(now, key) == swapped_pair
        assert now.atoms == tuple(
            Atom(value=atom.value, real=atom.other, other=atom.real) for atom in was.atoms
        )
    assert swapped.duplicates == dataclasses.replace(
        result.duplicates, real=result.duplicates.other, other=result.duplicates.real
    )
    assert sorted((f.kind, f.severe) for f in swapped.findings) == sorted(
        (f.kind, f.severe) for f in result.findings
    )
    assert (swapped.same_rows, swapped.format_differs) == (
        result.same_rows,
        result.format_differs,
    )

    orders = [random.sample(range(len(rows)), len(rows)) for rows in both]
    shuffled = look(real[orders[0]], other[orders[1]])
    assert without_order(shuffled) == without_order(result)

    renamed = audit_samples(real, other, named("<{}>", real.shape[1]))
    text = json.dumps(to_json(renamed))
    assert text.count("<") >= len(renamed.columns)
    renamed = from_json(Audit, json.loads(text.replace("<", "x").replace(">", "")))
    assert without_order(renamed) == without_order(result)


@given(both=samples())
@settings(max_examples=60)
def test_harmonising_is_one_map_for_both(both):
    real, other = both
    x, y = harmonize(real, other)
    assert x.dtype == y.dtype == np.float64
    assert (x.shape, y.shape) == (real.shape, other.shape)
    assert np.isfinite(x).all()
    assert not (np.signbit(x) & (x == 0)).any()
    for column in range(real.shape[1]):
        image = {}
        values = np.r_[real[:, column].astype(np.float64), other[:, column].astype(np.float64)]
        for before, after in zip(values, np.r_[x[:, column], y[:, column]], strict=True):
            assert image.setdefault(before, after) == after
    back = harmonize(other, real)
    np.testing.assert_array_equal(back[0], y)
    np.testing.assert_array_equal(back[1], x)


@given(
    values=hnp.arrays(
        st.sampled_from((np.float16, np.float32, np.float64)),
        (6, 2),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
@settings(max_examples=100)
def test_no_size_of_numbers_is_too_much(values):
    sizes = np.abs(values.astype(float)).max(axis=0)
    assume((sizes < 1e99).all() and ((sizes == 0) | (sizes > 1e-99)).all())
    look(values, values[::-1] / 2)
    assert np.isfinite(harmonize(values, np.trunc(values))[0]).all()
    decimals = extract_format(values)[:, ::2]
    assert ((decimals >= 0) & (decimals <= 9)).all()
    np.testing.assert_array_equal(decimals == 0, values == np.rint(values))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0, 1e5])
def test_in_what_differs_by_its_values_alone_the_format_does_not(dtype, scale):
    real, other = normal(1).astype(dtype), (scale * (normal(2) + 0.3)).astype(dtype)
    gap = np.abs(extract_format(real).mean(axis=0) - extract_format(other).mean(axis=0)).max()
    assert gap < 0.3
    assert not look(real, other).format_differs
    assert "decimals" not in kinds(look(real, other))


def test_it_has_nothing_to_say_of_two_clean_samples():
    for seed in range(20):
        assert look(normal(2 * seed), normal(2 * seed + 1)).findings == ()


def test_a_value_that_is_an_atom_of_the_larger_sample_alone_is_no_format():
    """Of 150 rows a value must have 13 % to be an atom, of 1,500 rows 5 %."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        price = rng.choice([9.99, 19.5, 49.0], 1650, p=[0.6, 0.3, 0.1]) + rng.integers(
            0, 4, 1650
        )
        price = price.round(2)[:, None]
        assert "decimals" not in kinds(look(price[:150], price[150:]))


# ------------------------------------------------------------------------------------------- known answers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decimals", range(7))
def test_decimals_are_counted(decimals, dtype):
    rows = np.random.default_rng(0).uniform(0, 1, size=(500, 1)) * (1 if decimals > 3 else 10)
    rows = rows.round(decimals).astype(dtype)
    expected = (
        decimals if dtype == np.float64 or decimals <= 5 else 9
    )  # it may be by chance in float32
    assert look(rows, rows[::2]).columns[0].decimals == IntegerPair(
        real=expected, other=expected
    )


def test_a_tenth_in_float32_has_one_decimal():
    np.testing.assert_array_equal(
        extract_format(np.float32([[0.1, 2.5, 1 / 3, 7]]))[0, ::2], [1, 1, 9, 0]
    )


def test_a_lattice_is_not_overlooked_where_its_values_come_evenly():
    grid = (
        np.arange(100_000)[:, None] / 1000
    )  # each twentieth value would have 2 decimals or fewer
    assert look(grid, grid + 0.0001 * np.sqrt(2)).columns[0].decimals == IntegerPair(
        real=3, other=9
    )


def test_rounding_tells_two_samples_apart_and_harmonising_undoes_it():
    real, other = normal(1).round(2), normal(2)
    result = look(real, other)
    assert kinds(result) == ["decimals"] * 3
    assert all(finding.severe for finding in result.findings)
    expected = "x1 has 2 decimals in the data and 9 or more decimals in the other sample: that alone tells them apart."
    assert result.findings[1].sentence == expected
    assert result.format_differs
    x, y = harmonize(real, other)
    np.testing.assert_array_equal(x, real + 0.0)
    np.testing.assert_array_equal(y, other.round(2) + 0.0)
    assert not look(x, y).findings


def test_many_zeros_hide_no_decimals():
    rng = np.random.default_rng(0)
    real, other = (
        rng.exponential(size=(4000, 1)) * (rng.uniform(size=(4000, 1)) < 0.005)
        for _ in range(2)
    )
    result = look(real, other)
    assert result.columns[0].decimals == IntegerPair(real=9, other=9)
    np.testing.assert_array_equal(harmonize(real, other)[0], real)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_that_are_no_decimals_are_noticed(dtype):
    rng = np.random.default_rng(0)
    pixels = (rng.integers(0, 256, size=(2, 3000, 2)) / 255).astype(dtype)
    result = look(pixels[0], rng.uniform(size=(3000, 2)).astype(dtype))
    assert kinds(result, severe=True) == ["steps"] * 2
    assert "x0 takes 256 different values in the data" in sentences(result)
    assert "steps" not in kinds(look(pixels[0], pixels[1]))


def test_a_few_exceptions_are_not_severe():
    whole = np.random.default_rng(0).integers(0, 1000, size=(2000, 1)).astype(float)
    other = whole[::-1].copy()
    other[:60] += 0.123456789012
    (finding,) = (
        finding for finding in look(whole, other).findings if finding.kind == "decimals"
    )
    assert not finding.severe
    assert "3 % of the other sample" in finding.sentence


def test_partly_rounded_numbers_are_noticed():
    real = with_column(
        normal(1), np.where(np.arange(2000) % 3 == 0, normal(3)[:, 0].round(1), normal(3)[:, 0])
    )
    result = look(real, normal(2))
    assert result.format_differs
    assert "numbers of 1 decimal or fewer" in sentences(result)


def test_whole_numbers_of_another_type_are_harmless():
    whole = np.random.default_rng(0).integers(0, 1000, size=(2, 3000, 2))
    result = look(whole[0], whole[1].astype(np.float64))
    assert kinds(result, severe=True) == []
    assert kinds(result) == ["type"]
    assert result.columns[0].whole == NumberPair(real=1.0, other=1.0)
    assert not look(normal(1).astype(np.float32), normal(2)).format_differs


def test_single_and_double_precision_meet():
    money = np.random.default_rng(0).uniform(0, 1000, size=(3000, 1)).round(2)
    x, y = harmonize(money, money.astype(np.float32))
    np.testing.assert_array_equal(x, money)
    np.testing.assert_array_equal(y, money)
    assert look(money, money.astype(np.float32)).same_rows


def test_a_number_beyond_the_coarser_type_takes_its_last():
    x, _ = harmonize(np.array([[1e30], [-1e30], [1.0]]), np.float16([[1], [2]]))
    np.testing.assert_array_equal(x[:, 0], [65504, -65504, 1])


def test_decimals_are_read_off_the_first_rows_alone():
    real, other = normal(1), normal(2)
    real[:1000] = real[:1000].round(
        3
    )  # as the rest is not, all the rows together have all decimals
    for x, y in (
        harmonize(real, other, learned=1000),
        harmonize(other, real, learned=1000)[::-1],
    ):
        np.testing.assert_array_equal(x, real.round(3) + 0.0)
        np.testing.assert_array_equal(y, other.round(3) + 0.0)


def test_negative_zeros():
    real = with_column(normal(1), np.where(np.arange(2000) % 50 == 0, -0.0, normal(3)[:, 0]))
    result = look(
        real, with_column(normal(2), np.where(np.arange(2000) % 50 == 0, 0.0, normal(4)[:, 0]))
    )
    assert kinds(result) == ["negative zero"]
    assert result.format_differs
    assert "x1 is -0.0 in 2 % of the data and 0 % of the other sample" in sentences(result)


def test_atoms_that_one_side_lacks():
    rng = np.random.default_rng(0)
    real = with_column(normal(1), np.where(rng.uniform(size=2000) < 0.2, 1.5, normal(3)[:, 0]))
    result = look(real, normal(2))
    assert kinds(result) == ["atom"]
    ((atom,),) = (column.atoms for column in result.columns if column.atoms)
    assert atom.value == 1.5
    assert atom.real == np.mean(real[:, 1] == 1.5)
    assert atom.other == 0
    assert look(real, real[:1500]).columns[1].atoms == ()


@pytest.mark.parametrize("code", [-1, -9, -99, -999, 9999])
def test_codes_for_missing_values(code):
    ages = np.random.default_rng(0).integers(18, 90, size=(2, 3000, 1))
    real = np.where(np.arange(3000)[:, None] % 100 == 7, code, ages[0])
    assert "missing code" in kinds(look(real, ages[1]))
    assert "missing code" not in kinds(look(ages[0], ages[1]))


def test_what_lies_among_other_values_is_no_code():
    whole = np.random.default_rng(0).integers(-3, 100, size=(2, 3000, 1))
    pixels = np.maximum(normal(1), -1)
    labels = np.random.default_rng(0).choice([-1, 1], size=(2, 3000, 1))
    for real, other in ((whole[0] * 10 - 9, whole[1]), (pixels, pixels[:900]), labels):
        assert "missing code" not in kinds(look(real, other))


def test_constant_columns():
    one, two = with_column(normal(1), 5.0), with_column(normal(2), 5.0)
    harmless = look(one, two)
    assert [(f.kind, f.severe) for f in harmless.findings] == [("constant", False)]
    assert harmless.columns[1].constant == FlagPair(real=True, other=True)
    for real, other in ((one, normal(2)), (normal(1), two), (one, with_column(normal(2), 4.0))):
        assert kinds(look(real, other), severe=True) == ["constant"]
    mostly = with_column(normal(2), np.where(np.arange(2000) % 10 == 0, 1.0, 5.0))
    assert "constant" in kinds(look(one, mostly), severe=False)
    np.testing.assert_array_equal(harmonize(one, normal(2))[1], normal(2))


def test_copies_are_counted():
    x, y = normal(1), normal(2)
    real, other = np.concatenate([x, x[:600], x[:600]]), np.concatenate([y, x[:10], x[:10]])
    result = look(real, other)
    assert result.duplicates == DuplicateCounts(real=1200, other=10, across=10)
    assert kinds(result, severe=True) == ["duplicates"]
    assert kinds(look(x, np.concatenate([y, x[:600]])), severe=True) == ["shared rows"]


def test_copies_are_usual_where_values_are_few():
    bits = np.random.default_rng(0).integers(0, 2, size=(2, 500, 4))
    result = look(bits[0], bits[1])
    counted = [500 - len(np.unique(rows, axis=0)) for rows in bits]
    assert result.duplicates == DuplicateCounts(real=counted[0], other=counted[1], across=16)
    assert kinds(result, severe=True) == []


def test_rows_are_told_from_each_other_by_their_hash():
    grid = np.stack(np.meshgrid(*[np.arange(12.0)] * 4), axis=-1).reshape(
        -1, 4
    )  # 20,736 short bit patterns
    result = look(grid, -grid - 1)
    assert result.duplicates == DuplicateCounts(real=0, other=0, across=0)


def test_one_file_twice():
    x = normal(1)
    result = look(x, np.random.default_rng(0).permutation(x))
    assert result.same_rows
    assert kinds(result, severe=True) == ["same rows"]
    changed = x.copy()
    changed[0] = x[1]
    assert not look(x, changed).same_rows


def test_all_rows_equal():
    result = look(np.ones((50, 2)), normal(1, d=2))
    assert "equal rows" in kinds(result, severe=True)
    assert "All 50 rows of the data are equal" in sentences(result)


def test_other_units():
    metres = normal(1) + 3
    result = look(1e6 * metres, with_column(1e6 * metres[:1900], metres[:1900, 1]))
    assert set(kinds(result, severe=True)) & {"scale", "apart"}
    assert "x1" in sentences(result)
    assert kinds(look(normal(1), 2000 * normal(2)), severe=True) == ["scale"] * 3
    assert kinds(look(normal(1), normal(2) + 100), severe=True) == ["apart"] * 3


def planted_orders():
    x = normal(1, n=4000)
    chain = np.cumsum(normal(2, n=4000), axis=0)
    chain[:, 1:] = x[:, 1:]
    label = np.repeat(np.random.default_rng(0).permutation(40), 100)
    drift = np.linspace(-0.3, 0.3, 4000)
    pairs = np.repeat(x[:2000], 2, axis=0) + 0.01 * x
    return {
        "sorted": (x[np.argsort(x[:, 0])], "in order of x0"),
        "backwards": (x[np.argsort(-x[:, 0])], "in order of x0"),
        "chain": (chain, "x0"),
        "labels": (x + 3 * (label % 2 == 0)[:, None], "x0"),
        "drift": (x + drift[:, None], "x"),
        "pairs": (pairs, "x"),
    }


@pytest.mark.parametrize("case", planted_orders())
def test_order_is_noticed_and_gone_when_shuffled(case):
    rows, named = planted_orders()[case]
    result = look(normal(3), rows)
    (finding,) = (finding for finding in result.findings if finding.kind == "order")
    assert not finding.severe
    assert finding.sentence.startswith("The rows of the other sample")
    assert named in finding.sentence
    assert "order" not in kinds(look(normal(3), np.random.default_rng(0).permutation(rows)))


def test_random_order_is_seldom_called_an_order():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(25):
        n = int(rng.integers(15, 300))
        rare = (rng.uniform(size=(n, 5)) < 0.01).astype(float)
        found += "order" in kinds(
            look(np.c_[rng.normal(size=(n, 5)), rare], rng.integers(0, 3, size=(n, 10)))
        )
    assert found <= 1


def test_images_are_summed_up():
    rng = np.random.default_rng(0)
    real = rng.integers(0, 17, size=(400, 8, 8))
    real[:, 0, :7] = 0
    other = np.abs(rng.normal(8, 4, size=(500, 8, 8)))
    result = look(real, other)
    (decimals,) = (
        finding.sentence for finding in result.findings if finding.kind == "decimals"
    )
    assert decimals.startswith("In 57 of 64 columns (x7, x8, x9 and 54 others)")
    assert result.columns_listed == len(result.columns) == 64
    assert len(result.findings) < 8
    assert harmonize(real, other)[1].shape == other.shape
    assert extract_format(other).shape == (500, 128)
    assert look(np.zeros((5, 150)), np.ones((5, 150))).columns_listed == 100


def test_sentences_are_whole_and_promise_nothing():
    for real, other in (
        (normal(1).round(1), normal(2).astype(np.float32)),
        (with_column(normal(1), 1.0), normal(2) + 50),
        (np.sort(normal(1), axis=0), np.sort(normal(1), axis=0)),
        (np.ones((9, 1)), np.ones((9, 1))),
    ):
        for finding in look(real, other).findings:
            assert finding.sentence.endswith((".", "?"))
            assert not any(word in finding.sentence.lower() for word in BANNED)


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("real", "other", "names", "message"),
    [
        (
            np.zeros((3, 2)),
            np.zeros((3, 3)),
            ("a", "b"),
            "the other sample: expected rows of the data's shape",
        ),
        (np.zeros((3, 2)), np.zeros((3, 2)), ("a",), "names: expected 2 of them"),
        (
            np.zeros((3, 2)),
            np.full((3, 2), np.nan),
            ("a", "b"),
            "the other sample: expected finite numbers",
        ),
        (np.zeros(3), np.zeros(3), ("a",), "the data: expected one row an example"),
    ],
)
def test_it_refuses(real, other, names, message):
    with pytest.raises(Refusal, match=message):
        audit_samples(real, other, PlainColumns(names))
