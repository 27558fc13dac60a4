"""Tables that users of such tools stumble over: each comes back as it was, or a sentence says what does not."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

import onehalf as oh
from helpers import run_cli
from onehalf import Refusal
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.frames import empty_frame, to_frame, to_table
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.writer import pack_table

N = 120
rng = np.random.default_rng(0)


def write(folder, text, name="data.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(header, rows, separator=",", newline="\n"):
    cells = [*([header] if header else []), *rows]
    return newline.join(separator.join(map(str, row)) for row in cells) + newline


def go_and_return(path):
    """What is written for the rows of a file after they were encoded, and its schema."""
    table = read_table(path)
    encoder = TableEncoder.fit(table)
    assert encoder.left_out == ()
    back = encoder.decode(encoder.encode(table))
    return pack_table(back, path.suffix), encoder.schema


def kinds(schema):
    return [column.kind for column in schema.columns]


ROWS = [
    (age, sex, f"{pay:.2f}")
    for age, sex, pay in zip(
        rng.integers(20, 60, N), rng.choice(["F", "M"], N), rng.normal(1000, 99, N), strict=True
    )
]
HEADER = ("age", "sex", "pay")
KINDS = ["integer", "category", "continuous"]

# ------------------------------------------------------------------ T1 names


@pytest.mark.parametrize(
    "names",
    [
        pd.RangeIndex(2),
        [1, "a"],
        pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]),
        [None, "a"],
        pd.to_datetime(["2020-01-01", "2020-01-02"]),
    ],
)
def test_names_that_are_no_words_come_back(names):
    frame = pd.DataFrame(rng.normal(size=(N, 2)), columns=names)
    table = to_table(frame)
    back = to_frame(table.select(table.column_names[::-1]), empty_frame(frame))
    pd.testing.assert_frame_equal(back, frame.iloc[:, ::-1])


@pytest.mark.filterwarnings("ignore:.*mixed type")
@pytest.mark.parametrize("names", [["a", "a"], ["1", 1], [1, 1]])
def test_two_columns_of_one_name_are_one_sentence(names):
    twice = pd.DataFrame(rng.normal(size=(N, 2)), columns=names)
    with pytest.raises(Refusal, match="expected a name of its own for every column"):
        oh.GAN(rounds=100).fit(twice)
    with pytest.raises(Refusal, match="expected a name of its own for every column"):
        oh.quick_table(real=twice, other=twice)


# --------------------------------------------------------- T2 large numbers


def test_long_numbers_are_never_other_numbers(tmp_path):
    accounts = rng.integers(10**17, 10**18, 40)[rng.integers(0, 40, 400)]
    path = write(tmp_path, lines(("account", "x"), zip(accounts, range(400), strict=True)))
    assert Schema.infer(read_table(path)).columns[0].kind in ("key", "personal", "category")


@pytest.mark.parametrize("sentinel", [2**63 - 1, -(2**63), 2**53 + 1])
def test_a_sentinel_comes_back_exactly(sentinel):
    values = np.where(rng.random(N) < 1 / 3, sentinel, rng.integers(0, 9, N))
    table = to_table(pa.table({"x": values}))
    encoder = TableEncoder.fit(table)
    assert encoder.schema.columns[0].kind == "integer"
    assert encoder.decode(encoder.encode(table)).equals(table)
    saved = TableEncoder.from_dict(encoder.to_dict())
    assert saved.decode(saved.encode(table)).equals(table)


def test_unsigned_numbers_near_the_end_come_back():
    values = np.where(rng.random(N) < 1 / 3, np.uint64(2**64 - 1), np.uint64(7))
    table = to_table(pa.table({"x": values}))
    encoder = TableEncoder.fit(table)
    assert encoder.decode(encoder.encode(table)).equals(table)


def test_sentinels_that_differ_by_one_are_different():
    one = np.where(np.arange(N) % 3 == 0, 2**63 - 1, 5)
    other = np.where(np.arange(N) % 3 == 0, 2**63 - 2, 5)
    tables = [to_table(pa.table({"x": values})) for values in (one, other)]
    encoder = TableEncoder.fit(*tables)
    cells = [encoder.encode(table) for table in tables]
    assert (cells[0] != cells[1]).sum() == N // 3
    assert encoder.decode(cells[1])["x"].to_pylist() == other.tolist()


@pytest.mark.parametrize("scale", [1, 10**24])
def test_decimals_come_back(scale):
    values = [Decimal(int(cents) * scale) / 100 for cents in rng.integers(0, 10**6, 10)] * 12
    table = to_table(pa.table({"x": pa.array(values, pa.decimal128(38, 2))}))
    encoder = TableEncoder.fit(table)
    assert encoder.decode(encoder.encode(table)).equals(table)


# ---------------------------------------------- T3, T6, T7 one value, two types

DAYS = np.datetime64("2020-01-31") + rng.integers(0, 900, N)
TRUE = rng.random(N) < 0.5
PRICES = rng.normal(50, 9, N).round(2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array(DAYS), DAYS.astype(str)),
        (DAYS.astype(str), pa.array(DAYS)),
        (pa.array(DAYS).cast(pa.timestamp("us")), [f"{day} 00:00:00" for day in DAYS]),
        (TRUE, np.where(TRUE, "True", "False")),
        (np.where(TRUE, "True", "False"), TRUE),
        (TRUE, TRUE.astype(int)),
        (TRUE.astype(float), TRUE),
        (np.where(TRUE, "yes", "no"), np.where(TRUE, "t", "f")),
        ([f"{price} €" for price in PRICES], PRICES),
        (PRICES, [str(price) for price in PRICES]),
    ],
)
def test_values_are_compared_and_not_their_words(one, other):
    tables = [to_table(pa.table({"x": values})) for values in (one, other)]
    encoder = TableEncoder.fit(*tables)
    np.testing.assert_array_equal(encoder.encode(tables[0]), encoder.encode(tables[1]))


def test_booleans_of_two_types_are_no_difference():
    other = rng.permutation(np.where(TRUE, "True", "False"))
    found = oh.quick_table(real=pd.DataFrame({"x": TRUE}), other=pd.DataFrame({"x": other}))
    assert not found.broken


@pytest.mark.parametrize("none", [[None] * N, pa.nulls(N)], ids=["None", "null"])
@pytest.mark.parametrize("known", [rng.normal(50, 9, N), pa.array(DAYS), DAYS.astype(str)])
def test_a_column_that_is_all_missing_is_a_difference(known, none):
    sides = [pa.table({"x": values, "y": rng.integers(0, 9, N)}) for values in (known, none)]
    found = oh.quick_table(real=sides[0], other=sides[1])
    assert "x is never missing" in [str(each.rule) for each in found.broken]
    assert oh.quick_table(real=sides[1], other=sides[0]).columns


def test_the_command_line_takes_a_column_that_is_all_missing(tmp_path):
    write(
        tmp_path, lines(("a", "b"), zip(range(N), rng.integers(0, 9, N), strict=True)), "a.csv"
    )
    write(tmp_path, lines(("a", "b"), [(number, "") for number in range(N)]), "b.csv")
    done = run_cli("measure", "a.csv", "b.csv", "--quick", cwd=tmp_path)
    assert done.code == 0, done.stderr


# ------------------------------------------------------------- T4 timestamps


@pytest.mark.parametrize(
    "form",
    [
        "2020-07-{:02} 10:55:39+02:00",
        "2020-07-{:02} 10:55:39.490",
        "2020-07-{:02}T10:55:39.446Z",
        "2020-07-{:02}T10:55",
        "07/{:02}/2020 10:55",
        "7/{}/2020",
        "{:02}.07.2020 10:55",
        "{:02}-Jul-2020",
        "{:02}/07/20",
        "07/{:02}/2020 03:10 PM",
        "202007{:02}T105539",
    ],
)
def test_usual_timestamps_are_dates_and_are_written_as_they_were(tmp_path, form):
    rows = [(form.format(day), day % 3) for day in rng.integers(1, 29, N)]
    path = write(tmp_path, lines(("day", "x"), rows))
    written, schema = go_and_return(path)
    assert kinds(schema) == ["date", "integer"]
    assert written == path.read_bytes()


def test_a_bad_cell_among_dates_is_named(tmp_path):
    rows = [(f"2020-01-{day:02}", day % 3) for day in rng.integers(1, 29, 300)]
    rows[17] = ("0000-00-00", 1)
    path = write(tmp_path, lines(("day", "x"), rows))
    written, schema = go_and_return(path)
    assert written == path.read_bytes()
    assert schema.warnings == (
        "'day' holds 299 dates and 1 word, '0000-00-00' in line 19, which is read as missing and"
        " written again.",
    )


def test_a_schema_that_calls_words_dates_names_the_first_that_is_none(tmp_path):
    rows = [
        (f"2020-01-{day:02}", word)
        for day, word in zip(range(10, 20), "ababababab", strict=True)
    ]
    table = read_table(write(tmp_path, lines(("day", "x"), rows)))
    text = '{"columns": [{"name": "day", "kind": "date", "format": "%d.%m.%Y"}, {"name": "x", "kind": "category"}]}'
    with pytest.raises(
        Refusal,
        match=r"dates written %d\.%m\.%Y, as its kind is date; got '2020-01-10' in line 2",
    ):
        Schema.from_json(text).check(table)


def test_two_formats_in_a_column_are_said(tmp_path):
    rows = [(f"2020-01-{day}" if day % 2 else f"{day}.01.2020", 1) for day in range(10, 28)] * 5
    schema = Schema.infer(read_table(write(tmp_path, lines(("day", "x"), rows))))
    assert schema.columns[0].kind == "category"
    assert schema.warnings[0].startswith("'day' holds dates in several forms: 45 written")


# ------------------------------------------------------------ T5, T8 dialects

GERMAN = [
    (f"{price:.2f}".replace(".", ","), f"{off:.1f}%".replace(".", ","), f"{day:02}.01.2023", kind)
    for price, off, day, kind in zip(
        rng.uniform(1, 2000, N), rng.uniform(1, 20, N), rng.integers(1, 29, N),
        rng.choice(["a", "b"], N), strict=True,
    )
]  # fmt: skip


def test_a_german_spreadsheet_comes_back_byte_for_byte(tmp_path):
    text = "\ufeff" + lines(("Preis", "Rabatt", "Tag", "Art"), GERMAN, ";", "\r\n")
    path = write(tmp_path, text)
    written, schema = go_and_return(path)
    assert kinds(schema) == ["continuous", "continuous", "date", "category"]
    assert written == path.read_bytes()


quoted = [[f'"{cell}"' for cell in row] for row in (HEADER, *ROWS)]


@pytest.mark.parametrize(
    "text",
    [
        lines(HEADER, ROWS, "|"),
        lines(HEADER, ROWS, "\t"),
        lines(HEADER, ROWS, " "),
        lines(HEADER, ROWS, ",", "\r"),
        lines(HEADER, ROWS)[:-1],
        "sep=;\n" + lines(HEADER, ROWS, ";"),
        "Sales of 2024\n\n" + lines(HEADER, ROWS),
        "Sales of 2024,,\n" + lines(HEADER, ROWS),
        "# exported, on 2024-01-01\n" + lines(HEADER, ROWS),
        lines((*HEADER, ""), [(*row, "") for row in ROWS]),
        lines(HEADER, [(*row, "") for row in ROWS]),
        lines(None, ROWS),
        lines(None, quoted),
        lines(HEADER, [(age, f'"{sex}"', pay) for age, sex, pay in ROWS]),
    ],
    ids=[
        *(
            "pipe",
            "tab",
            "blank",
            "cr",
            "no-last-end",
            "sep",
            "title",
            "padded-title",
            "comment",
        ),
        *("trailing", "trailing-rows", "no-header", "quoted", "quoted-words"),
    ],
)
def test_the_dialect_of_a_file_comes_back(tmp_path, text):
    path = write(tmp_path, text)
    written, schema = go_and_return(path)
    assert kinds(schema) == KINDS
    assert written.decode() == text


def test_years_as_names_are_a_header(tmp_path):
    rows = [(word, 1.5 + row, 2.25 + row) for row, word in enumerate("ab" * 20)]
    table = read_table(write(tmp_path, lines(("country", "2019", "2020"), rows)))
    assert table.column_names == ["country", "2019", "2020"]


def test_a_file_of_two_dialects_names_the_line(tmp_path):
    text = lines(HEADER, ROWS[:9]) + lines(None, ROWS[9:13], ";")
    with pytest.raises(
        Refusal, match=r"got 1 in line 11\. This line has semicolons between values"
    ):
        read_table(write(tmp_path, text))


def test_several_blanks_are_named(tmp_path):
    text = "".join(f"{age:<8}{sex:<4}{pay}\n" for age, sex, pay in (HEADER, *ROWS))
    with pytest.raises(Refusal, match="got several blanks"):
        read_table(write(tmp_path, text))


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["$1,200", "$99", "$5,000"], "integer"),
        (["12.50", "9.90", "7.00"], "continuous"),
        (["(5.00)", "7.25", "1.00"], "continuous"),
        (["\u22125", "3", "8"], "integer"),
        (["1.10", "1.9", "1.2"], "category"),
        (["01234", "98101", "10001"], "category"),
        (["true", "false", "true"], "boolean"),
        (["NA", "5", "7"], "integer"),
    ],
)
def test_cells_are_written_as_they_were(tmp_path, cells, kind):
    rows = [(f'"{cells[row % 3]}"', row % 7) for row in range(N)]
    path = write(tmp_path, lines(("x", "y"), rows))
    written, schema = go_and_return(path)
    assert schema.columns[0].kind == kind
    assert written == path.read_bytes()


def test_row_labels_of_pandas_are_no_column(tmp_path):
    frame = pd.DataFrame({"x": range(N)}, index=[f"r{row}" for row in range(N)])
    frame.to_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").column_names == ["x"]


# --------------------------------------------------------- the schema and T10


def test_the_schema_says_what_the_guess_says_and_what_was_changed(tmp_path):
    path = write(tmp_path, lines(("Preis", "Rabatt", "Tag", "Art"), GERMAN, ";"))
    table = read_table(path)
    guess = Schema.infer(table)
    assert Schema.from_json(guess.to_json()).check(table) == guess
    assert guess.changes(guess) == []
    text = guess.to_json().replace('"kind": "date"', '"kind": "category"')
    changed = Schema.from_json(text).check(table)
    assert guess.changes(changed) == [
        "Tag: kind is category, not date",
        "Tag: format is not '%d.%m.%Y'",
    ]
    (tmp_path / "s.json").write_text(text)
    done = run_cli("data", "data.csv", "--schema", "s.json", cwd=tmp_path)
    assert "Tag: kind is category, not date" in done.stdout
    assert "semicolons between values and decimal commas" in done.stdout


def test_the_schema_settles_what_is_ambiguous(tmp_path):
    rows = [(f"{pay:.3f}", "ab"[int(pay > 2)]) for pay in rng.uniform(1, 3, N)]
    table = read_table(write(tmp_path, lines(("x", "y"), rows, ";")))
    text = '{"columns": [{"name": "x", "kind": "integer", "decimal": ",", "thousands": "."},'
    text += ' {"name": "y", "kind": "category"}]}'
    encoder = TableEncoder.fit(table, schema=Schema.from_json(text))
    cells = encoder.encode(table)
    assert cells[0, 0] == 1000 * float(rows[0][0])
    assert pack_table(encoder.decode(cells), ".csv") == (tmp_path / "data.csv").read_bytes()


def test_a_word_can_be_called_missing(tmp_path):
    rows = [("n/k" if row % 5 == 0 else row, 1) for row in range(N)]
    table = read_table(write(tmp_path, lines(("x", "y"), rows)))
    assert (
        '"kind": "continuous", "null": "n/k" in the schema' in Schema.infer(table).warnings[0]
    )
    text = '{"columns": [{"name": "x", "kind": "integer", "null": "n/k"}, {"name": "y", "kind": "constant"}]}'
    encoder = TableEncoder.fit(table, schema=Schema.from_json(text))
    assert np.isnan(encoder.encode(table)[:, 0]).sum() == N / 5
    back = encoder.decode(encoder.encode(table))
    assert back["x"].to_pylist() == table["x"].to_pylist()


def test_conditions_take_the_forms_of_the_data():
    prices = [f"{number}.50 €" for number in range(N)]
    table = to_table(
        pa.table({"x": prices, "day": [f"{1 + n % 28:02}.01.2023" for n in range(N)]})
    )
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    assert RowFilter.parse("x>99.50 €", encoder).mask(cells).sum() == N - 100
    assert RowFilter.parse("day=02.01.2023", encoder).mask(cells).sum() == 5


def test_sparse_columns_are_read_and_come_back():
    frame = pd.DataFrame({"x": pd.arrays.SparseArray([0, 0, 1, 2] * 9), "y": range(36)})
    table = to_table(frame)
    pd.testing.assert_frame_equal(to_frame(table, empty_frame(frame)), frame)


@pytest.mark.parametrize(
    ("frame", "got"),
    [
        (pl.DataFrame({"x": pl.Series([1, 2], dtype=pl.Int128)}), "got Int128 in column 'x'"),
        (pd.DataFrame({"x": [1j, 2j]}), "got complex128 in column 'x'"),
        (pd.DataFrame(index=range(5)), "expected at least one column; got none"),
    ],
)
def test_types_without_a_place_are_named_with_their_column(frame, got):
    with pytest.raises(Refusal, match=got):
        to_table(frame)


def test_infinity_in_the_other_sample_is_named():
    with pytest.raises(
        Refusal, match="other: expected finite numbers; got 1 infinite one in 'x'"
    ):
        oh.quick_table(
            real=pd.DataFrame({"x": [1.0, 2]}), other=pd.DataFrame({"x": [1, np.inf]})
        )


def test_conditions_that_are_no_text_are_one_sentence():
    encoder = TableEncoder.fit(pa.table({"sex": ["F", "M"]}))
    with pytest.raises(
        Refusal, match="where: expected a text such as 'sex=F,age>40'; got a dict"
    ):
        RowFilter.parse({"sex": "F"}, encoder)


def test_a_refusal_never_has_a_long_word_whole():
    encoder = TableEncoder.fit(pa.table({"sex": ["F", "M"] * 20}))
    with pytest.raises(Refusal, match=r"values of the data; got 'x{39}…' in row 1") as refused:
        encoder.encode(pa.table({"sex": ["x" * 12_000]}))
    assert len(str(refused.value)) < 200


def test_a_description_goes_to_stdout(tmp_path):
    write(tmp_path, lines(HEADER, ROWS))
    assert "120 rows, 3 columns" in run_cli("data", "data.csv", cwd=tmp_path).stdout


def test_an_encoding_of_an_earlier_version_is_still_read():
    table = to_table(pa.table({"day": DAYS.astype(str), "x": rng.integers(0, 9, N)}))
    encoder = TableEncoder.fit(table)
    saved = encoder.to_dict() | {"ids": {}}
    del saved["large"]
    for column in saved["schema"]["columns"]:
        del column["note"]
    again = TableEncoder.from_dict(saved)
    assert again.decode(encoder.encode(table)).equals(table)
