"""What columns are taken for: hard cases, real tables, what is warned of, and the file that a person corrects."""

import datetime
import json
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from helpers import SIZED_FLOATS
from onehalf import Refusal
from onehalf.data.tables.column import Column
from onehalf.data.tables.frames import to_table
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.schema import Schema

N = 200
rng = np.random.default_rng(0)
days = (np.datetime64("2020-01-31") + rng.integers(0, 900, N)).astype(str)
yyyymmdd = np.array([int(day.replace("-", "")) for day in days])
noon = [f"{day} 12:30:00" for day in days]
uuids = [str(uuid.UUID(int=int(bits))) for bits in rng.integers(2**62, size=N)]
sentences = [
    " ".join(rng.choice(["the", "screen", "broke", "after", "two", "days"], 9))
    for _ in range(N)
]
whole = rng.poisson(40, N)


def described(values, name="x", **table):
    return Schema.infer(to_table(pa.table({name: values, **table}))).columns[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (days, "date"),
        (noon, "date"),
        ([day.replace("-", "/") for day in days], "date"),
        ([datetime.date.fromisoformat(day) for day in days], "date"),
        ([datetime.datetime.fromisoformat(day) for day in noon], "date"),
        (yyyymmdd, "date"),
        (np.where(whole > 40, yyyymmdd, np.nan), "date"),
        (np.append(yyyymmdd, 20230230), "integer"),  # no such day
        (["2023-02-30", *days], "date"),  # one cell is no day
        ([f"{day.replace('-', '/')[2:]}" for day in days], "date"),
        (np.arange(1850, 2030), "id"),
        (rng.permutation(N), "id"),
        (np.repeat(np.arange(1900, 2000), 2), "integer"),
        (rng.choice([14, 15, 17], N), "integer"),
        (rng.choice([0, 1], N), "boolean"),
        (rng.choice([0.0, 1.0, np.nan], N), "boolean"),
        (rng.choice([1, 2], N), "integer"),
        (rng.choice([True, False], N), "boolean"),
        (rng.choice(["yes", "no"], N), "boolean"),
        (rng.choice(["True", "False"], N), "boolean"),
        (rng.choice(["F", "M"], N), "category"),
        (np.where(whole > 40, whole, np.nan), "integer"),
        (rng.normal(size=N), "continuous"),
        (rng.normal(size=N).astype(np.float32), "continuous"),
        (pa.array(range(N)).cast(pa.decimal128(21, 2)), "id"),
        (rng.integers(0, 2**63, N), "id"),
        (rng.integers(10**17, 10**18, N // 4).repeat(4), "key"),
        (rng.integers(10**17, 10**18, 3).repeat(N // 3), "category"),
        (np.full(N, 7), "constant"),
        (["a", None] * 100, "constant"),
        ([f"{code:05}" for code in rng.integers(0, 99_999, N // 4).repeat(4)], "category"),
        (uuids, "id"),
        ([f"user {row}" for row in range(N)], "id"),
        (sentences, "text"),
        (sentences[:10], "category"),  # too few to tell
        (pa.array(uuids).dictionary_encode(), "category"),
        (pa.array(rng.choice([3, 5], N)).dictionary_encode(), "category"),
    ],
)
def test_a_column_gets_its_kind(values, kind):
    assert described(values).kind == kind


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "PassengerId", "rowID", "Index", "order no"]
)
def test_unique_numbers_are_ids_if_the_name_says_so(name):
    values = rng.choice(10**6, N, replace=False)
    assert described(values, name).kind == "id"
    assert described(np.append(values, values[0]), name).kind == "integer"
    for other in ("paid", "Madrid", "grid", "piano", "income"):
        assert described(values, other).kind == "integer"


def test_numbers_keep_their_decimals_range_few_values_and_atoms():
    price = np.round(rng.lognormal(3, 1, 1000), 2)
    price[:300] = 0
    column = described(price)
    assert (column.kind, column.decimals, column.low, column.high) == (
        "continuous",
        2,
        0,
        price.max(),
    )
    assert column.atoms == ((0, 0.3),)
    assert described(price.astype(np.float32)).decimals == 2
    assert described(rng.normal(size=N)).decimals is None
    screen = described(rng.choice([14.0, 15.6, 17.3], N))
    assert (screen.values, screen.decimals, screen.atoms) == ((14.0, 15.6, 17.3), 1, ())
    assert (
        described([14, 15, 17] * 5).values == ()
    )  # fifteen rows do not say that there is no other
    hours = np.append(rng.integers(1, 100, 700), np.full(300, 40))
    assert [atom for atom, _ in described(hours).atoms] == [40]
    assert described(rng.poisson(10, 1000)).atoms == ()
    assert described(rng.geometric(0.2, 1000)).atoms == ()


def test_missing_values_are_counted_and_not_taken_for_a_value():
    column = described(np.where(whole > 40, whole, np.nan))
    assert column.missing == np.mean(whole <= 40)
    assert column.distinct == len(set(whole[whole > 40].tolist()))
    assert (column.low, column.high) == (41, whole.max())


def test_a_share_is_never_shown_as_none():
    assert described([None, *range(5000)], "id").cells[2] == "< 0.1 %"
    assert described([None, *range(9)]).cells[2] == "10.0 %"
    assert described(["a"] * 896 + ["b"] * 4).cells[-1] == "a > 99 %, b < 1 %"
    assert described([1, 2]).cells[2] == ""


def test_dates_keep_range_and_format():
    for values, written in (
        (yyyymmdd, "%Y%m%d"),
        (days, "%Y-%m-%d"),
        (pa.array(days).cast(pa.date32()), None),
    ):
        column = described(values)
        assert (column.low, column.high, column.format) == (min(days), max(days), written)
    assert described(noon).low == f"{min(days)} 12:30:00"
    fine = pa.array(
        [datetime.datetime(2024, 3, 20, 12, 30, 0, 250_000)] * 3
        + [datetime.datetime(2024, 3, 21)] * 3
    )
    assert (described(fine).low, described(fine).high) == (
        "2024-03-20 12:30:00.250000",
        "2024-03-21",
    )
    spike = [*(["1900-01-01"] * 100), *days]
    assert [atom for atom, _ in described(spike).atoms] == ["1900-01-01"]


def test_many_categories_do_not_fill_the_schema():
    words = [f"town {town}" for town in rng.zipf(1.3, 20_000) % 100_000]
    column = described(words)
    assert column.kind == "category"
    assert len(column.categories) == 100
    assert sum(column.categories.values()) + column.rare == 20_000
    assert list(column.categories.values()) == sorted(column.categories.values(), reverse=True)
    assert (
        f"'x' has {column.distinct:,} categories: the 100 most frequent keep their names"
        in column.warnings[0]
    )


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        (
            ["1", "2", "3", "NA"] * 3 + ["n/a?", "x", "x"],
            "'x' holds 9 numbers and 3 words (the first word: 'n/a?' in row 13)",
        ),
        (
            ["$1,234.50", "€9.50", "NA"],
            "'x' holds numbers with signs (the first: '$1,234.50' in row 1)",
        ),
        (["5", "10 %", "7"], "'x' holds numbers with signs (the first: '10 %' in row 2)"),
        (
            yyyymmdd,
            f"'x' holds dates written as numbers, such as {yyyymmdd.min()} for {min(days)}.",
        ),
        (np.arange(N), "'x' looks like IDs (200 different in 200 rows)"),
        (sentences, "'x' looks like free text"),
        (["a"] * N, "'x' is constant: its only value is a."),
        ([1.5, 2.5] + [None] * N, "'x' is nearly all missing: 2 of 202 rows have a value."),
        (np.append(rng.normal(size=N), 1e6), "'x' has a heavy tail: 1e+06 is"),
    ],
)
def test_what_will_hurt_is_said(values, warning):
    table = to_table(pa.table({"x": values}))
    assert any(said.startswith(warning) for said in Schema.infer(table).warnings), Schema.infer(
        table
    ).warnings


@pytest.mark.parametrize(
    "values", [[f"{z:05}" for z in range(0, 9000, 90)], ["a", "b", "7"], rng.normal(size=2000)]
)
def test_what_does_not_hurt_is_not(values):
    assert not [said for said in described(values).warnings if "IDs" not in said]


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_diabetes])
def test_real_tables(load, tmp_path):
    frame = load(as_frame=True).frame
    frame.to_csv(tmp_path / "real.csv", index=False)
    schema = Schema.infer(read_table(tmp_path / "real.csv"))
    assert schema.rows == len(frame)
    for column in schema.columns:
        values = frame[column.name]
        assert column.distinct == values.nunique()
        if column.kind in ("continuous", "integer"):
            assert (column.low, column.high) == (values.min(), values.max())
            assert column.kind == "continuous" or (values % 1 == 0).all()
        if column.decimals is not None:
            assert np.mean(values == values.round(column.decimals)) > 0.98
    kinds = {column.name: column.kind for column in schema.columns}
    assert (
        kinds["target"]
        == {load_wine: "integer", load_breast_cancer: "boolean", load_diabetes: "integer"}[load]
    )
    assert not [said for said in schema.warnings if "heavy tail" not in said]
    assert (
        Schema.infer(to_table(frame))
        == Schema.infer(to_table(pl.from_pandas(frame)))
        == Schema.infer(to_table(pa.Table.from_pandas(frame)))
    )


@pytest.fixture(scope="module")
def people():
    frame = pd.DataFrame(
        {
            "id": np.arange(N),
            "age": np.where(whole > 30, whole, np.nan),
            "sex": rng.choice(["F", "M"], N),
            "member": rng.choice([True, False], N),
            "joined": yyyymmdd,
            "price": np.where(whole > 40, 0, np.round(rng.lognormal(3, 1, N), 2)),
            "zip": [f"{code:05}" for code in rng.integers(0, 99, N)],
            "note": sentences,
            "country": "DE",
        }
    )
    return to_table(pa.Table.from_pandas(frame))


def test_the_file_is_small_and_read_back_the_same(people):
    schema = Schema.infer(people)
    text = schema.to_json()
    assert Schema.from_json(text) == schema
    assert Schema.from_json(text).check(people) == schema
    lines = text.splitlines()
    assert len(lines) == len(schema.columns) + 6
    assert lines[7].startswith(
        '    {"name": "member", "kind": "boolean", "missing": 0.0, "distinct": 2, "categories"'
    )
    assert len(str(schema).splitlines()) == len(schema.columns) + 1


def test_a_corrected_kind_is_kept_and_the_rest_is_measured_again(people):
    corrected = Schema.from_json(
        Schema.infer(people)
        .to_json()
        .replace('"joined", "kind": "date"', '"joined", "kind": "integer"')
    )
    joined = corrected.check(people).columns[4]
    assert (joined.kind, joined.low, joined.high, joined.format) == (
        "integer",
        yyyymmdd.min(),
        yyyymmdd.max(),
        None,
    )
    assert not joined.warnings
    kinds = {
        "age": "category",
        "sex": "id",
        "zip": "text",
        "id": "continuous",
        "member": "category",
        "joined": "id",
    }
    schema = Schema.infer(people, kinds)
    assert {
        column.name: column.kind for column in schema.columns if column.name in kinds
    } == kinds
    assert Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        (
            {"sex": "integer"},
            "column 'sex': expected numbers, as its kind is integer; got '.' in row 1.",
        ),
        (
            {"member": "continuous"},
            "column 'member': expected numbers, as its kind is continuous; got bool.",
        ),
        (
            {"zip": "integer"},
            "column 'zip': expected numbers, as its kind is integer; got '000.*' in row 1.",
        ),
        (
            {"price": "integer"},
            "column 'price': expected whole numbers, as its kind is integer; got .* among them.",
        ),
        (
            {"sex": "date"},
            "column 'sex': expected dates in one format, as its kind is date; got '.' in row 1.",
        ),
        (
            {"age": "boolean"},
            "column 'age': expected at most 2 values, as its kind is boolean; got",
        ),
        (
            {"age": "constant"},
            "column 'age': expected at most 1 value, as its kind is constant; got",
        ),
        (
            {"age": "interger"},
            "column 'age': expected one of .*; got 'interger'. Did you mean integer?",
        ),
        (
            {"agge": "integer"},
            "the kinds: expected columns that the table has; got 'agge'. Did you mean age?",
        ),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(people, kinds, sentence):
    with pytest.raises(Refusal, match=sentence):
        Schema.infer(people, kinds)


def test_a_schema_of_another_table_is_refused(people):
    schema = Schema.infer(people)
    with pytest.raises(
        Refusal,
        match=r"the schema: expected columns that the table has; got 'zip'. Did you mean zip_?",
    ):
        schema.check(
            people.rename_columns(
                [{"zip": "zip_"}.get(name, name) for name in people.column_names]
            )
        )
    with pytest.raises(
        Refusal, match=r"the schema: expected all columns of the table; got none called 'new'."
    ):
        schema.check(people.append_column("new", people["age"]))


def test_files_that_are_no_schema_are_refused():
    for text, sentence in (
        ("{", "expected JSON"),
        (b"\xff\xff", "expected JSON"),
        ("[1]", "expected an object with a list called 'columns'; got none."),
        (
            '{"columns": [{"name": "a"}]}',
            "expected a name and a kind for each column; got column 1 without.",
        ),
        (
            '{"columns": [{"name": "a", "kind": "number"}]}',
            "column 'a': expected one of continuous, .*; got 'number'",
        ),
        (
            '{"columns": [{"name": "a", "kind": "id", "mising": 0}]}',
            "got 'mising'. Did you mean missing?",
        ),
        (
            '{"columns": [{"name": "a", "kind": "id", "missing": "no"}]}',
            "expected facts such as",
        ),
        (
            '{"columns": [{"name": "a", "kind": "integer", "atoms": [0]}]}',
            "expected facts such as",
        ),
        (
            '{"columns": [{"name": "a", "kind": "id"}, {"name": "a", "kind": "id"}]}',
            "expected each column once; got 'a'",
        ),
        ('{"rows": "many", "columns": []}', "expected a whole number of rows"),
    ):
        with pytest.raises(Refusal, match=sentence):
            Schema.from_json(text)
    assert Schema.from_json('{"columns": [{"name": "a", "kind": "id"}]}').columns == (
        Column("a", "id", 0.0, 0),
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["name", "kind", "atoms", "categories", "columns", "rows", "values"]
            ),
            inner,
        )
    ),
)


@settings(max_examples=200)
@given(anything)
def test_any_file_is_a_schema_or_refused(told):
    text = json.dumps(
        {
            "rows": 3,
            "columns": [
                {"name": "a", "kind": "integer", **(told if isinstance(told, dict) else {})}
            ],
        }
    )
    try:
        schema = Schema.from_json(text)
    except Refusal:
        return
    assert str(schema)
    assert Schema.from_json(schema.to_json()) == schema


@example([None, 2**53])
@settings(max_examples=100)
@given(
    st.one_of(
        *(
            st.lists(st.none() | values, min_size=2, max_size=60).filter(
                lambda values: any(v is not None for v in values)
            )
            for values in (
                st.integers(-(2**63), 2**63 - 1),
                st.integers(0, 3),
                SIZED_FLOATS,
                st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
                st.booleans(),
                st.datetimes(),
                st.dates(),
            )
        )
    )
)
def test_any_column_has_a_schema_that_survives_the_file(values):
    table = to_table(pa.table({"x": values}))
    schema = Schema.infer(table)
    assert Schema.from_json(schema.to_json()) == schema
    assert schema.check(table) == schema
    column = schema.columns[0]
    assert column.distinct == len({value for value in values if value is not None})
    assert column.missing == pytest.approx(values.count(None) / len(values), rel=1e-3)
    assert "x" in str(schema)


def test_words_of_one_or_two_rows_are_not_printed():
    (column,) = Schema.infer(pa.table({"city": ["Rome"] * 9 + ["Oslo", "Bern"]})).columns
    assert column.cells[-1] == "Rome 82 %; 2 of fewer than 3 rows"
    assert column.categories == {"Rome": 9, "Bern": 1, "Oslo": 1}


SIZES = pa.table({"size": ["M", "L", "S", "M", None] * 20, "n": [3, 1, 4, 1, 5] * 20})


def give_order(order, kind="category"):
    columns = [{"name": "size", "kind": kind, "order": order}, {"name": "n", "kind": "integer"}]
    return Schema.from_json(json.dumps({"columns": columns})).check(SIZES)


def test_a_schema_may_give_the_order_of_words():
    schema = give_order(["S", "M", "L", "XL"])
    assert schema.columns[0].order == ("S", "M", "L", "XL")
    assert Schema.from_json(schema.to_json()).check(SIZES) == schema
    assert Schema.infer(SIZES).changes(schema) == ["size: order is S < M < L < XL"]
    assert schema.hide_words({"size": ["S", "L"]}).columns[0].order == ("S", "L")


def test_ordered_categories_of_frames_have_their_order():
    frame = pd.DataFrame(
        {"size": pd.Categorical(["M", "S"] * 9, ["S", "M", "L"], ordered=True)}
    )
    assert Schema.infer(to_table(frame)).columns[0].order == ("S", "M", "L")
    frame["size"] = pd.Categorical(["M", "S"] * 9, ["S", "M", "L"])
    assert Schema.infer(to_table(frame)).columns[0].order == ()


@pytest.mark.parametrize(
    ("order", "kind", "sentence"),
    [
        (
            ["S", "M"],
            "category",
            "expected an order with each word of the column once; got an order without 'L'",
        ),
        (["S", "M", "L", "S"], "category", "got a word twice"),
        (["S", "M", "L"], "id", "expected an order of a category only; got one of kind id"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(order, kind, sentence):
    with pytest.raises(Refusal, match=sentence):
        give_order(order, kind)
