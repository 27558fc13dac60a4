"""CSV and Parquet files, read into a `pyarrow.Table` and checked.

Each column keeps its own type, and a missing value is missing, not a number or a word in its
place.

From CSV a column comes as whole numbers, as numbers, or as the words of the file. The form in
which its numbers are written, and the dialect of the file, are in the table's metadata. What
words mean (dates, yes and no) is for `profile.py` to say, so that they can be written again as
they were.
"""

import codecs
import csv
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from onehalf._errors import refuse
from onehalf.data.files import PARQUET, check_file, is_parquet_folder
from onehalf.data.tables.dialect import SEPARATOR_NAMES, SEPARATORS, Dialect
from onehalf.data.tables.forms.columns import read_column, to_field
from onehalf.data.tables.forms.numbers import find_decimal_mark
from onehalf.data.tables.parquet import ParquetFiles
from onehalf.data.tables.validation import FIRST_LINE, check_names, check_table, count_of

__all__ = ["SUFFIXES", "count_cells", "read_table"]

SUFFIXES = (".csv", ".tsv", ".parquet")
"""The kinds of file that hold a table."""

BLOCK = 2**24

NO_NAME = "\0"
"""The column behind a separator that ends each line: no file has a zero byte."""

OPEN_QUOTE = "Is a quotation mark left open?"


def read_table(path: str | Path, *, allow_empty: bool = False) -> pa.Table:
    """The table of a .csv, .tsv or .parquet file, or of a folder of Parquet files.

    It has two rows or more, and each column has a name of its own and some values.

    CSV: UTF-8; `Dialect` says what else is found. A column is one of

    - whole numbers (int64) or numbers (float64), if every value is one: `NumberForm` says how
      they may be written. Spaces around them and the words of `MISSING` do not matter;
    - words (string) otherwise. Numbers with leading zeros (01234) and whole numbers of 19
      digits or more stay words, since as numbers they would not be the same again. An empty
      word is missing.

    Parquet: the types of the file, at most 3 GiB of cells of 8 bytes; NaN is missing, and row
    labels that pandas stored are left out. Nested columns, bytes, durations and times of day
    are refused. Of a folder all Parquet files are read as one table (`ParquetFiles`).

    Args:
        path: The file, or the folder.
        allow_empty: Accept fewer than two rows and columns without values.
    """
    path = Path(path)
    kind = PARQUET if is_parquet_folder(path, ()) else path.suffix.lower()
    if not path.is_dir() or kind != PARQUET:
        check_file(path)
    if kind not in SUFFIXES:
        hint = "Save it as .csv or .parquet."
        refuse(
            str(path),
            expected=f"a file that ends in {', '.join(SUFFIXES)}",
            got=kind or "no suffix",
            hint=hint,
        )
    try:
        return check_table(
            str(path),
            ParquetFiles(path).read()
            if kind == PARQUET
            else _text(path, kind, allow_empty=allow_empty),
            allow_empty=allow_empty,
        )
    except OSError as error:
        refuse(str(path), expected="a file that can be read", got=error.strerror or error)


def count_cells(path: Path) -> tuple[int, int]:
    """Count the rows of a CSV file by its lines, and its columns by the first of them, without reading the cells.

    A value with line breaks counts as several rows.
    """
    check_file(path)
    lines, _ = _lines_and_quotes(path)
    dialect, names = Dialect.detect(path, path.suffix.lower())
    return max(0, lines - len(dialect.prelude) - dialect.header), len(names)


def _text(path: Path, kind: str, *, allow_empty: bool) -> pa.Table:
    """A CSV file: all of it read as words, and those turned into numbers column by column where they are numbers."""
    what, (lines, quotes) = str(path), _lines_and_quotes(path)
    dialect, names = Dialect.detect(path, kind)
    check_names(what, list(names))
    table = _words(path, dialect, names)
    if not len(table) and not allow_empty:
        refuse(what, expected="at least 2 rows", got="a header only")
    last = table[-1][-1].as_py().rstrip("\n") if len(table) else ""
    if quotes % 2 and "\n" in last:
        got = f"one from line {lines - last.count(chr(10))} to the end of the file"
        refuse(what, expected="values that end", got=got, hint=OPEN_QUOTE)
    dialect = replace(dialect, decimal=find_decimal_mark(table.columns))
    with ThreadPoolExecutor() as pool:
        read = list(
            pool.map(lambda column: read_column(column, dialect.decimal), table.columns)
        )
    # where lines and rows are as many, no value has a line break and no line is empty: row i is
    # in line i + 2, if the header is in line 1
    before = len(dialect.prelude) + dialect.header
    known = {FIRST_LINE: str(before + 1).encode()} if lines == len(table) + before else {}
    fields = [to_field(name, *each) for name, each in zip(names, read, strict=True)]
    schema = pa.schema(fields, metadata=known | dialect.to_metadata())
    return pa.table([values for values, *_ in read], schema=schema)


def _words(path: Path, dialect: Dialect, names: Sequence[str]) -> pa.Table:
    """All cells as words."""
    listed = [*names, *([NO_NAME] if dialect.trailing else [])]
    skipped = len(dialect.prelude) + dialect.header
    if dialect.header:
        header = next(_rows(path, dialect))[1]
        skipped += "".join(header).count("\n")
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(column_names=listed, skip_rows=skipped),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.separator, newlines_in_values=True
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(listed, pa.string())
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in names})
        _refuse_lines(path, dialect, len(listed))
        got = f"one that can't be read ({_first_line(error)})"
        refuse(str(path), expected="a CSV file", got=got)
    return table.select(list(names))


def _refuse_lines(path: Path, dialect: Dialect, width: int) -> None:
    """Refuse the first line that has not as many values as the others."""
    for line, row in _rows(path, dialect):
        is_header = dialect.trailing == "rows" and len(row) == width - 1
        if len(row) == width or is_header:
            continue
        expected = f"{count_of(width, 'value')} in every line, as in the header"
        hint = f"A value with {dialect.separator!r} in it needs quotes."
        text = "".join(row)
        other = max(SEPARATORS, key=text.count)
        if "\n" in text:
            hint = OPEN_QUOTE
        elif len(row) == 1 and text.count(other) == width - 1:
            hint = f"This line has {SEPARATOR_NAMES[other]} between values, the lines before it"
            hint += f" {SEPARATOR_NAMES[dialect.separator]}."
        refuse(str(path), expected=expected, got=f"{len(row)} in line {line}", hint=hint)


def _rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Each row of a CSV file, the header too, with the line that it begins in.

    Empty lines are passed over.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        before = len(dialect.prelude)
        rest = itertools.islice(file, before, None)
        reader, begin = csv.reader(rest, delimiter=dialect.separator), before + 1
        try:
            for row in reader:
                if row:
                    yield begin, row
                begin = before + reader.line_num + 1
        except csv.Error as error:
            refuse(
                str(path),
                expected="a CSV file",
                got=f"a {error} in line {begin}",
                hint=OPEN_QUOTE,
            )


def _lines_and_quotes(path: Path) -> tuple[int, int]:
    """How many lines and quotation marks a text file has.

    Whatever is not UTF-8 is refused by its line.
    """
    lines, quotes, last, decoder = 0, 0, b"\n", codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        for block in itertools.chain(iter(lambda: file.read(BLOCK), b""), [b""]):
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = lines + error.object.count(b"\n", 0, error.start) + 1
                encoding = (
                    "utf-16"
                    if error.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
                    else "latin1"
                )
                hint = (
                    f"If it is {encoding}: iconv -f {encoding} -t utf-8 {path.name} > new.csv"
                )
                got = f"the byte 0x{error.object[error.start]:02x} in line {line}"
                refuse(str(path), expected="UTF-8", got=got, hint=hint)
            if b"\0" in block:
                line = lines + block.count(b"\n", 0, block.index(b"\0")) + 1
                refuse(str(path), expected="text in UTF-8", got=f"a zero byte in line {line}")
            lines, quotes, last = (
                lines + block.count(b"\n"),
                quotes + block.count(b'"'),
                block[-1:] or last,
            )
    return lines + (last != b"\n"), quotes


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
