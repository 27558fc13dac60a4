"""Tables as they come: files and data frames, messy ones too, and what each refusal says."""

import datetime
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import SIZED_FLOATS
from onehalf import Refusal
from onehalf.data.tables.frames import to_table
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.validation import locate_row


def written(folder, text, name="people.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        (["1", " 2", "NA"], "int64", [1, 2, None]),
        (["1", "2.50", "1e3"], "double", [1.0, 2.5, 1000.0]),
        (["1", "?", "."], "int64", [1, None, None]),
        (["01234", "98101", ""], "string", ["01234", "98101", None]),
        (["0", "0.5", "-0.5"], "double", [0.0, 0.5, -0.5]),
        (["12345678901234567890", "1", "2"], "string", ["12345678901234567890", "1", "2"]),
        (["0x1F", "0x20", "0x21"], "string", ["0x1F", "0x20", "0x21"]),
        (["NA", "DE", "None"], "string", ["NA", "DE", "None"]),
        (["yes", "no", " "], "string", ["yes", "no", None]),
        (["true", "True", "false"], "string", ["true", "True", "false"]),
        (["2024-03-20", "2024-03-21", ""], "string", ["2024-03-20", "2024-03-21", None]),
        (["$1,234.50", "é", "two\nlines"], "string", ["$1,234.50", "é", "two\nlines"]),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, list) else "",
)
def test_a_column_is_numbers_only_if_nothing_is_lost(tmp_path, values, kind, read):
    text = "row,x\n" + "".join(f'{row},"{value}"\n' for row, value in enumerate(values))
    column = read_table(written(tmp_path, text))["x"]
    assert str(column.type) == kind
    assert column.to_pylist() == read


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a;b\n1;x\n2;y\n", "p.csv"),
        ("a\tb\r\n1\tx\r\n2\ty", "p.tsv"),
        ("\ufeffa,b\n1,x\n\n2,y\n\n", "P.CSV"),
    ],
)
def test_semicolons_tabs_byte_order_marks_and_empty_lines(tmp_path, text, name):
    assert read_table(str(written(tmp_path, text, name))).to_pydict() == {
        "a": [1, 2],
        "b": ["x", "y"],
    }


def test_a_row_is_known_by_its_line_only_where_that_is_sure(tmp_path):
    assert locate_row(read_table(written(tmp_path, "a\n1\n2\n3")), 2) == "line 4"
    assert locate_row(read_table(written(tmp_path, "a\n1\n\n2\n")), 1) == "row 2"
    assert locate_row(read_table(written(tmp_path, 'a\n"x\ny"\nz\n')), 1) == "row 2"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'a,b\n1,"x\ny"\n\n3,4,5\n1,2\n',
            "expected 2 values in every line, as in the header; got 3 in line 5. A value",
        ),
        ('a,b\n1,2\n"3,4\n5,6\n', "got 1 in line 3. Is a quotation mark left open?"),
        (
            'a,b\n1,2\n3,"x\n5,6\n7,8',
            "got one from line 3 to the end of the file. Is a quotation mark left open?",
        ),
        (
            "a,b\n1,2\n" + "x" * 200_000 + ",1,2\n",
            r"got a field larger than field limit \(131072\) in line 3.",
        ),
        (
            b"a,b\n" + b"1,2\n" * 5_000_000 + b"3,\xe9\n4,5\n",
            "got the byte 0xe9 in line 5000002. If it is latin1: iconv",
        ),
        (b"a,b\n1,2\n3,\xe9", "got the byte 0xe9 in line 3"),
        ("a,b\n1,2\n".encode("utf-16"), "If it is utf-16: iconv -f utf-16"),
        ("a,b\n1,2\n\0,3\n", "expected text in UTF-8; got a zero byte in line 3."),
        (
            "a,b,c,b,a\n1,2,3,4,5\n",
            "expected a name of its own for every column; got more than one 'a' and 'b'.",
        ),
        (
            "a,b,c\n1,,NA\n2,,?\n",
            "expected some values in every column; got none in 'b' and 'c'.",
        ),
        (
            "a,b\n1,2\n3,-inf\n",
            "expected finite numbers; got 1 infinite one in 'b', the first in line 3.",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_its_line(tmp_path, text, sentence):
    with pytest.raises(Refusal, match=sentence):
        read_table(written(tmp_path, text))


people = {
    "age": [31, 54, None],
    "height": [1.75, math.nan, 1.62],
    "name": ["Ann", None, "Zoë"],
    "born": [datetime.date(1993, 5, 1), datetime.date(1970, 2, 28), None],
    "member": [True, False, None],
}
plain = people | {"height": [1.75, None, 1.62]}


def test_parquet_and_data_frames_are_one_form(tmp_path):
    table = pa.table(people)
    pyarrow.parquet.write_table(table, tmp_path / "people.parquet")
    assert read_table(tmp_path / "people.parquet").to_pydict() == plain
    shuffled = table.to_pandas(types_mapper=pd.ArrowDtype).set_index(
        pd.Index([5, 3, 9], name="label")
    )
    for frame in (table, pl.DataFrame(people), shuffled):
        assert to_table(frame).to_pydict() == plain


def test_types_that_have_no_place_in_a_table_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    for value, kind in (
        ([1], "list<element: int64>"),
        ({"x": 1}, "struct<x: int64>"),
        (b"x", "binary"),
    ):
        pyarrow.parquet.write_table(pa.table({"a": [value, value]}), path)
        with pytest.raises(Refusal, match=f"dates; got {kind} in column 'a'"):
            read_table(path)
    pyarrow.parquet.write_table(pa.table({"a": pa.nulls(2), "b": [1, 2]}), path)
    with pytest.raises(Refusal, match="got none in 'a'"):
        read_table(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Refusal, match="expected a whole Parquet file"):
        read_table(path)


def test_what_is_no_data_frame_is_refused():
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    for frame, sentence in (
        ([1, 2], "expected a data frame of pandas, polars or pyarrow; got list."),
        (pl.LazyFrame({"a": [1]}), "got LazyFrame. Call .collect"),
        (twice, "got more than one 'a'"),
        (pd.DataFrame({"a": [1, "x"]}), "expected one type in a column; got .* column a"),
        (pd.DataFrame({"a": ["x", 1]}), "expected one type in a column; got .* column a"),
        (pd.DataFrame({"a": [1]}), "expected at least 2 rows; got 1."),
        (pd.DataFrame({"a": []}), "expected at least 2 rows; got none."),
    ):
        with pytest.raises(Refusal, match=sentence):
            to_table(frame)


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    str.strip
)
columns = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(SIZED_FLOATS, min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), words.map(lambda word: f"w{word}")), min_size=3, max_size=3),
)


@settings(max_examples=60)
@given(table=st.dictionaries(words, columns, min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    frame = pa.table(table | {"row": [1, 2, 3]})
    pyarrow.csv.write_csv(frame, path)
    empty = [name for name, values in table.items() if values == [None] * 3]
    if empty:
        with pytest.raises(Refusal, match="expected some values in every column"):
            read_table(path)
    else:
        # 1.0 is written as 1, which is a whole number
        assert read_table(path).to_pydict() == frame.to_pydict()


def test_many_columns_and_long_values(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        rng.normal(size=(50, 300)), columns=[f"x{i}" for i in range(300)]
    ).assign(note="long " * 50_000)
    frame.to_csv(tmp_path / "wide.csv", index=False)
    table = read_table(tmp_path / "wide.csv")
    assert table.shape == (50, 301)
    np.testing.assert_array_equal(
        table.drop_columns("note").to_pandas().to_numpy(), frame.drop(columns="note").to_numpy()
    )
