"""A table as numbers and back: every kind of column, every library's frames, dates in their units, and refusals."""

import datetime
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import SIZED_FLOATS
from onehalf import Refusal
from onehalf.data.tables.encoding import HIDDEN, TableEncoder
from onehalf.data.tables.frames import empty_frame, to_frame, to_table
from onehalf.data.tables.schema import Schema

N = 120
rng = np.random.default_rng(0)
days = (np.datetime64("2020-01-31") + rng.integers(0, 900, N)).astype(str)
PEOPLE = pd.DataFrame(
    {
        "age": np.where(rng.random(N) < 0.2, np.nan, rng.integers(18, 90, N)),
        "income": rng.lognormal(10, 1, N).round(2),
        "score": rng.normal(size=N).astype("float32"),
        "sex": rng.choice(["F", "M", None], N),
        "born": days,
        "seen": [int(day.replace("-", "")) for day in days],
        "at": pd.to_datetime(days),
        "club": pd.Categorical(
            rng.choice(["red", "blue"], N), categories=["red", "blue", "green"]
        ),
        "children": pd.array(
            np.where(rng.random(N) < 0.2, None, rng.integers(0, 4, N)), dtype="Int64"
        ),
        "member": rng.random(N) < 0.5,
        "smokes": rng.choice(["yes", "no"], N),
        "planet": ["Earth"] * N,
        "id": [f"u{i}" for i in range(N)],
    }
)


TABLE = to_table(PEOPLE)


def test_the_way_back_is_exact_for_every_kind_of_column():
    table, coding = TABLE, TableEncoder.fit(TABLE)
    back = coding.decode(coding.encode(TABLE))
    assert coding.left_out == ("id",)
    for name in coding.names:
        assert back[name].to_pylist() == table[name].to_pylist()
        assert back[name].type == table[name].type
    assert back.column_names == [name for name in PEOPLE.columns if name != "id"]


def test_a_coding_survives_json():
    coding = TableEncoder.fit(TABLE)
    told = TableEncoder.from_dict(json.loads(json.dumps(coding.to_dict())))
    rows = coding.encode(TABLE)
    assert told.names == coding.names
    assert told.decode(rows).equals(coding.decode(rows))


@pytest.mark.parametrize(
    "frame",
    [PEOPLE, pl.from_pandas(PEOPLE), TABLE],
    ids=["pandas", "polars", "pyarrow"],
)
def test_the_same_kind_of_frame_comes_back(frame):
    table = to_table(frame)
    coding = TableEncoder.fit(table)
    back = to_frame(coding.decode(coding.encode(table)), empty_frame(frame))
    assert type(back) is type(frame)
    if isinstance(frame, pd.DataFrame):
        pd.testing.assert_frame_equal(back, frame[list(coding.names)])
    elif isinstance(frame, pl.DataFrame):
        assert back.equals(frame[list(coding.names)])
        assert back.schema == frame[list(coding.names)].schema
    else:
        assert back.to_pylist() == frame.select(coding.names).to_pylist()
        assert back.schema.types == frame.select(coding.names).schema.types


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**52), 2**52)),
            st.one_of(st.none(), SIZED_FLOATS),
            st.one_of(st.none(), st.text(max_size=6)),
            st.one_of(
                st.none(),
                st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
            ),
            st.one_of(st.none(), st.booleans()),
        ),
        min_size=3,
        max_size=40,
    )
)
def test_any_table_comes_back(rows):
    types = [pa.int64(), pa.float64(), pa.string(), pa.timestamp("us"), pa.bool_()]
    columns = [
        pa.array(column, type_)
        for column, type_ in zip(zip(*rows, strict=True), types, strict=True)
    ]
    table = pa.table(
        {f"x{i}": column for i, column in enumerate(columns) if column.null_count < len(rows)}
    )
    if not table.num_columns:
        return
    coding = TableEncoder.fit(table, schema=None)
    back = coding.decode(coding.encode(table))
    assert all(back[name].equals(table[name]) for name in coding.names)


def test_dates_are_whole_ticks_of_the_coarsest_unit():
    ticks = TableEncoder.fit(TABLE).ticks
    assert ticks["born"] == 86_400  # words: seconds in a day
    assert ticks["at"] == 86_400 * 10**6  # of pandas: microseconds in a day
    hours = pa.table(
        {"at": pa.array([3_600_000 * hour for hour in (1, 5, 7, 30)], pa.timestamp("ms"))}
    )
    assert TableEncoder.fit(hours).ticks["at"] == 3_600_000


def test_words_of_another_table_are_known_if_it_was_shown():
    one, other = pa.table({"sex": ["F", "M", "F"]}), pa.table({"sex": ["M", "D", "M"]})
    assert TableEncoder.fit(one, other).encode(other)[:, 0].tolist() == [2.0, 0.0, 2.0]
    with pytest.raises(
        Refusal, match="the table, column 'sex': expected values of the data; got 'D' in row 2"
    ):
        TableEncoder.fit(one).encode(other)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"agee": [1, 2, 3]},
            "expected a column 'age', as the data has; got none. Did you mean agee?",
        ),
        (
            {"age": ["1", "two", "3"]},
            "column 'age': expected numbers, as in the data; got 'two' in row 2",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused(other, message):
    with pytest.raises(Refusal, match=message.replace("?", r"\?")):
        TableEncoder.fit(pa.table({"age": [31, 40, 54]})).encode(pa.table(other))


def test_dates_written_otherwise_are_refused():
    coding = TableEncoder.fit(pa.table({"day": ["2024-03-20", "2024-03-21", "2024-04-01"]}))
    with pytest.raises(
        Refusal, match=r"expected dates written %Y-%m-%d, as in the data; got '20\.03\.2024'"
    ):
        coding.encode(pa.table({"day": ["20.03.2024", "21.03.2024", "22.03.2024"]}))


def test_nothing_but_ids_is_refused():
    with pytest.raises(
        Refusal,
        match="expected a column to learn from; got IDs, personal data and free text only",
    ):
        TableEncoder.fit(pa.table({"id": range(60)}))


def test_no_decimal_or_large_integer_changes():
    table = pa.table(
        {
            "price": pa.array(["1.50", "2.25", "9.99"]).cast(pa.decimal128(10, 2)),
            "n": pa.array([2**40, 5, 7], pa.uint64()),
        }
    )
    coding = TableEncoder.fit(table)
    assert coding.decode(coding.encode(table)).equals(table)


def test_words_that_are_hidden_have_their_places_and_come_back():
    table = pa.table({"city": pa.array(["Rome", "Oslo", "Bern", "Rome"]), "n": [3, 1, 4, 1]})
    keys = pa.table({"city": pa.array([7, 5, 6, 7]).dictionary_encode(), "n": [3, 1, 4, 1]})
    for each in (table, keys):
        encoder = TableEncoder.fit(each, schema=Schema.infer(each, {"city": "category"}))
        cells = encoder.encode(each)
        hidden = TableEncoder.from_dict(encoder.hide_words(cells[:2]).to_dict())
        words = each["city"].cast(pa.string()).to_pylist()
        assert set(hidden.words["city"]) == {*words[:2], HIDDEN}
        assert f'"{words[2]}"' not in json.dumps(hidden.to_dict())
        assert hidden.show(0, cells[2, 0]) == HIDDEN
        assert np.array_equal(hidden.encode(each), cells)
        assert hidden.reveal_words(each).words == encoder.words
        assert hidden.reveal_words(each.slice(0, 2)).words == hidden.words
        assert encoder.hide_words(cells[:2], ["city"]).words == encoder.words


def test_a_word_of_another_table_is_shown_though_the_first_has_another_type():
    first, other = pa.table({"n": [70, 70, 70]}), pa.table({"n": [70.0, 48.3]})
    encoder = TableEncoder.fit(first, other)
    cells = encoder.encode(other)
    assert {encoder.show(0, cell) for cell in cells[:, 0]} == {"70", "48.3"}
