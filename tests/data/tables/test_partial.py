"""Tables with gaps: known cells are never changed, whatever type they have."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf import Refusal
from onehalf.data.loading import load
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.partial import PartialTable
from onehalf.data.tables.writer import pack_table

DATA = pa.table(
    {
        "age": [31, 54, 20, None],
        "sex": pa.array(["F", "M", "F", "M"]).dictionary_encode(),
        "price": [1.25, 2.0, 3.5, 4.0],
        "day": pd.to_datetime(["2024-01-01", "2024-03-05", "2024-05-06", "2025-01-01"]),
        "id": ["u1", "u2", "u3", "u4"],
    }
)
KINDS = {"id": "id", "sex": "category", "price": "continuous", "age": "integer"}


@pytest.fixture(scope="module")
def encoder() -> TableEncoder:
    from onehalf.data.tables.schema import Schema

    return TableEncoder.fit(DATA, schema=Schema.infer(DATA, KINDS))


@settings(max_examples=30)
@given(gaps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=20))
def test_known_cells_stay_and_gaps_are_filled(encoder, gaps):
    columns = DATA.to_pydict()
    for row, column in gaps:
        columns[DATA.column_names[column]][row] = None
    table = pa.table(columns, schema=DATA.schema)
    drawn = encoder.decode(encoder.encode(DATA)[::-1])
    filled = PartialTable.parse(table, encoder).fill(drawn)
    assert filled.column_names == table.column_names
    for name in table.column_names:
        known = table[name].to_pylist()
        instead = drawn[name].to_pylist() if name in drawn.column_names else known
        expected = [b if a is None else a for a, b in zip(known, instead, strict=True)]
        assert filled[name].to_pylist() == expected
        if any(each is not None for each in known):
            assert filled[name].type == table[name].type


def test_a_file_comes_back_in_its_own_dialect(tmp_path, encoder):
    text = "\ufeffid;sex;price;age\r\nu9;F;1,25;\r\n;M;;40\r\n"
    (tmp_path / "gaps.csv").write_bytes(text.encode())
    partial = PartialTable.parse(
        load(str(tmp_path / "gaps.csv"), allow_empty=True).table, encoder
    )
    drawn = encoder.decode(encoder.encode(DATA)[1:3])
    written = pack_table(partial.fill(drawn), ".csv").decode()
    assert written == "\ufeffid;sex;price;age\r\nu9;F;1,25;54\r\n;M;3,50;40\r\n"
    assert partial.gaps_left(("id",)) == ["id"]
    assert partial.n_missing == 4


def test_given_cells_are_written_in_the_dialect_of_the_run(tmp_path, encoder):
    (tmp_path / "known.csv").write_text("price;sex\n1,25;F\n99,5;M\n")
    table = load(str(tmp_path / "known.csv"), allow_empty=True).table
    partial = PartialTable.parse(table, encoder)
    drawn = encoder.encode(DATA)[:2]
    drawn[partial.is_given] = partial.cells[partial.is_given]
    both = partial.fill_columns(encoder.decode(drawn).select(["sex", "price"]), encoder)
    assert pack_table(both, ".csv").decode().splitlines() == ["sex,price", "F,1.25", "M,99.5"]


def test_words_that_no_training_row_has_are_refused_where_the_others_are_hidden():
    words = pa.table({"city": ["Rome", "Paris", "Bonn"], "age": [1, 2, 3]})
    encoder = TableEncoder.fit(words)
    hidden = encoder.hide_words(encoder.encode(words)[:2])
    with pytest.raises(Refusal) as refusal:
        PartialTable.parse(pa.table({"city": [None, "Rone"]}), hidden)
    assert str(refusal.value) == (
        "given, column 'city': expected values of the training rows; got 'Rone' in row 2. Did you mean Rome?"
    )
    assert PartialTable.parse(words, hidden, "impute", hidden.names).is_given.all()


def test_numbers_of_a_finer_type_are_not_rounded_to_a_coarser_one(encoder):
    partial = PartialTable.parse(pa.table({"age": [30.5, None]}), encoder)
    drawn = encoder.decode(encoder.encode(DATA)[:2])
    assert partial.fill(drawn)["age"].to_pylist() == [30.5, 54]
    whole = PartialTable.parse(pa.table({"price": pa.array([30, None])}), encoder)
    assert whole.fill(encoder.decode(encoder.encode(DATA)[2:]))["price"].to_pylist() == [
        30,
        4.0,
    ]
    half = encoder.decode(encoder.encode(DATA)[1:3])
    assert whole.fill(half)["price"].to_pylist() == [30, 3.5]


def test_columns_that_only_the_given_table_has_are_kept(encoder):
    partial = PartialTable.parse(pa.table({"id": ["x", None], "age": [30, None]}), encoder)
    both = partial.fill_columns(encoder.decode(encoder.encode(DATA)[:2]), encoder)
    assert both["id"].to_pylist() == ["x", None]
    assert both["age"].to_pylist() == [30, 54]
    assert both["price"].to_pylist() == [1.25, 2.0]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"agee": [1]}, "Did you mean age"),
        ({"sex": ["W"]}, "column 'sex'"),
        ({"id": ["u1"]}, "a column that was learned"),
        ({"age": pa.array([], pa.int64())}, "at least 1 row"),
    ],
)
def test_other_tables_are_refused(encoder, table, sentence):
    with pytest.raises(Refusal, match=sentence):
        PartialTable.parse(pa.table(table), encoder, "given")


def test_required_columns_must_be_there(encoder):
    with pytest.raises(Refusal, match="expected a column 'sex'"):
        PartialTable.parse(pa.table({"age": [1]}), encoder, "impute", encoder.names)
