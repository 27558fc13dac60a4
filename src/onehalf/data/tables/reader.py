"""Tables of the user's own: CSV and Parquet files and data frames, read into one form and checked.

The one form is a `pyarrow.Table`. It is what both readers give and what every data frame turns
into; each column keeps its own type, and a missing value is missing, not a number or a word in
its place.

From CSV a column comes as whole numbers, as numbers, or as the words of the file. What words
mean (dates, yes and no) is for `columns.py` to say, so that they can be written again as they
were.
"""

import codecs
import csv
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import narwhals as nw
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from onehalf._errors import refuse

__all__ = [
    "MISSING",
    "SUFFIXES",
    "empty_frame",
    "is_data_frame",
    "locate_row",
    "read_table",
    "to_frame",
    "to_table",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

SUFFIXES = (".csv", ".tsv", ".parquet")
"""The kinds of file that hold a table."""

MISSING = (
    "",
    "?",
    "-",
    ".",
    "NA",
    "N/A",
    "na",
    "n/a",
    "#N/A",
    "<NA>",
    "NaN",
    "nan",
    "NaT",
    "NULL",
    "Null",
    "null",
    "None",
)
"""Words that mean a missing value among numbers. Among words only an empty one does: NA may be
Namibia."""

FIRST_LINE = b"the line of the first row"
BLOCK = 2**24
OPEN_QUOTE = "Is a quotation mark left open?"


def read_table(path: str | Path) -> pa.Table:
    """The table of a .csv, .tsv or .parquet file: two rows or more, each column with a name of its own and some values.

    CSV: UTF-8, a header, commas (semicolons, if the header has more of these). A column is one
    of

    - whole numbers (int64) or numbers (float64), if every value is one. Spaces around them and
      the words of `MISSING` do not matter;
    - words (string) otherwise. Numbers with leading zeros (01234) and whole numbers of 19
      digits or more stay words, since as numbers they would not be the same again. An empty
      word is missing.

    Parquet: the types of the file; NaN is missing. Nested columns, bytes, durations and times
    of day are refused.
    """
    path = Path(path)
    if not path.is_file():
        refuse(
            str(path), expected="a file", got="a folder" if path.exists() else "nothing there"
        )
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        hint = "Save it as .csv or .parquet."
        refuse(
            str(path),
            expected=f"a file that ends in {', '.join(SUFFIXES)}",
            got=kind or "no suffix",
            hint=hint,
        )
    try:
        return _checked(str(path), _parquet(path) if kind == ".parquet" else _text(path, kind))
    except OSError as error:
        refuse(str(path), expected="a file that can be read", got=error.strerror or error)


def to_table(frame: Any, *, allow_empty: bool = False) -> pa.Table:
    """Convert a data frame of pandas, polars, pyarrow, or another that narwhals knows, and check it.

    Row labels are dropped. Call this where data come in, and nowhere else.

    Args:
        frame: The data frame.
        allow_empty: Accept fewer than two rows and columns without values: there is nothing to
            learn from them, but they can be encoded.

    >>> to_table(pa.table({"age": [31.0, float("nan"), 54.0]}))["age"].null_count
    1
    """
    what = "the table"
    try:
        named = nw.from_native(frame, eager_only=True)
        table = nw.maybe_reset_index(named).to_arrow()
    except TypeError as error:
        got, hint = (
            type(frame).__name__,
            "Call .collect() on a lazy one." if "Lazy" in type(frame).__name__ else "",
        )
        if isinstance(error, pa.ArrowException):
            _refuse_mixed(what, error)
        refuse(what, expected="a data frame of pandas, polars or pyarrow", got=got, hint=hint)
    except pa.ArrowException as error:
        _refuse_mixed(what, error)
    except nw.exceptions.DuplicateError:
        _check_names(what, [str(name) for name in frame.columns])
        raise
    return _checked(what, table, allow_empty=allow_empty)


def is_data_frame(rows: Any) -> bool:
    """Whether the rows are a data frame of a library that narwhals knows, rather than an array.

    >>> is_data_frame(pa.table({"age": [31]})), is_data_frame([[31]])
    (True, False)
    """
    return isinstance(nw.from_native(rows, pass_through=True), nw.DataFrame | nw.LazyFrame)


def empty_frame(frame: Any) -> Any:
    """Drop all rows of a data frame.

    What is left has its library, its columns and their types.
    """
    return nw.from_native(frame, eager_only=True).head(0).to_native()


def to_frame(table: pa.Table, frame: Any) -> Any:
    """Convert a table to a data frame of the library and the types of another.

    None means a table.

    The table has some of the columns of the other frame.

    >>> to_frame(pa.table({"age": [31]}), pa.table({"age": pa.array([], pa.int8())})).schema.field("age").type
    DataType(int8)
    """
    if frame is None:
        return table
    kind = nw.from_native(frame, eager_only=True).implementation
    if kind.is_pandas():
        return table.to_pandas().astype(frame.dtypes[table.column_names])
    made = nw.from_arrow(table, backend=kind).to_native()
    if kind.is_pyarrow():
        return made.cast(pa.schema([frame.schema.field(name) for name in table.column_names]))
    if kind.is_polars():
        return made.cast({name: frame.schema[name] for name in table.column_names})
    return made


def locate_row(table: pa.Table, row: int) -> str:
    """Name a row: its line in the CSV file, counted from 1, or else its number, the first row being 1.

    >>> locate_row(pa.table({"age": [31, 54]}), 1)
    'row 2'
    """
    first = (table.schema.metadata or {}).get(FIRST_LINE)
    return f"line {row + int(first)}" if first else f"row {row + 1}"


def _text(path: Path, kind: str) -> pa.Table:
    """A CSV file: all of it read as words, and those turned into numbers column by column where they are numbers."""
    what, (lines, quotes) = str(path), _lines_and_quotes(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next((line for line in file if line.strip()), None)
    if first is None:
        refuse(what, expected="a header and rows", got="an empty file")
    delimiter = "\t" if kind == ".tsv" else ";" if first.count(";") > first.count(",") else ","
    names = next(_rows(path, delimiter))[1]
    _check_names(what, names)
    try:
        table = pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string())
            ),
        )
    except pa.ArrowInvalid as error:
        for line, row in _rows(path, delimiter):
            if len(row) != len(names):
                expected = f"{_counted(len(names), 'value')} in every line, as in the header"
                hint = (
                    OPEN_QUOTE
                    if "\n" in "".join(row)
                    else f"A value with {delimiter!r} in it needs quotes."
                )
                refuse(what, expected=expected, got=f"{len(row)} in line {line}", hint=hint)
        refuse(
            what, expected="a CSV file", got=f"one that can't be read ({_first_line(error)})"
        )
    if not len(table):
        refuse(what, expected="at least 2 rows", got="a header only")
    last = table[-1][-1].as_py().rstrip("\n")
    if quotes % 2 and "\n" in last:
        got = f"one from line {lines - last.count(chr(10))} to the end of the file"
        refuse(what, expected="values that end", got=got, hint=OPEN_QUOTE)
    with ThreadPoolExecutor() as pool:
        columns = list(pool.map(_numbers_or_words, table.columns))
    # where lines and rows are as many, no value has a line break and no line is empty: row i is
    # in line i + 2
    known = {FIRST_LINE: b"2"} if lines == len(table) + 1 else None
    return pa.table(columns, names=names, metadata=known)


def _parquet(path: Path) -> pa.Table:
    try:
        return pyarrow.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        refuse(
            str(path),
            expected="a whole Parquet file",
            got=f"one that can't be read ({_first_line(error)})",
        )


def _rows(path: Path, delimiter: str) -> Any:
    """Each row of a CSV file, the header too, with the line that it begins in.

    Empty lines are passed over.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader, begin = csv.reader(file, delimiter=delimiter), 1
        try:
            for row in reader:
                if row:
                    yield begin, row
                begin = reader.line_num + 1
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


def _numbers_or_words(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """int64 or float64, if nothing is lost by it.

    Else the words, with None for those that are empty.
    """
    none = pa.scalar(None, pa.string())
    if (numbers := _numbers(words)) is not None:
        return numbers
    bare = pc.utf8_trim_whitespace(words)
    if (numbers := _numbers(bare)) is not None:
        return numbers
    return pc.if_else(pc.equal(bare, ""), none, words)


def _numbers(words: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The words as numbers; None if one of them is no number, or would be another word when written again."""
    known = pc.if_else(
        pc.is_in(words, value_set=pa.array(MISSING)), pa.scalar(None, pa.string()), words
    )
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = pc.cast(known, kind)
        except pa.ArrowInvalid:
            continue
        begin_with_0 = known.filter(pc.starts_with(known, "0"))
        size = pc.max(pc.abs(numbers)).as_py() if kind == pa.float64() else 0
        too_long = (size or 0) >= 1e18 and pc.any(
            pc.match_substring_regex(known, "^[+-]?[0-9]{19,}$")
        ).as_py()
        return (
            None
            if too_long or pc.any(pc.match_substring_regex(begin_with_0, "^0[0-9x]")).as_py()
            else numbers
        )
    return None


def _checked(what: str, table: pa.Table, *, allow_empty: bool = False) -> pa.Table:
    """Check a table, and set NaN to missing."""
    _check_names(what, table.column_names)
    if not allow_empty and len(table) < 2:
        refuse(what, expected="at least 2 rows", got=len(table) or "none")
    columns = [
        _plain(what, name, column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    empty = [
        name
        for name, column in zip(table.column_names, columns, strict=True)
        if not _any_known(column)
    ]
    if not allow_empty and empty:
        got, hint = f"none in {_listed(empty)}", "Remove what is all missing."
        refuse(what, expected="some values in every column", got=got, hint=hint)
    kept = {
        key: value for key, value in (table.schema.metadata or {}).items() if key == FIRST_LINE
    }
    plain = pa.table(columns, names=table.column_names, metadata=kept)
    for name, column in zip(plain.column_names, plain.columns, strict=True):
        if pa.types.is_floating(column.type) and pc.any(infinite := pc.is_inf(column)).as_py():
            count, first = (
                pc.sum(infinite).as_py(),
                locate_row(plain, pc.index(infinite, value=True).as_py()),
            )
            got = f"{_counted(count, 'infinite one')} in {name!r}, the first in {first}"
            refuse(
                what,
                expected="finite numbers",
                got=got,
                hint="Leave missing what is not known.",
            )
    return plain


def _plain(what: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a type that everything here can work with."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_one = pa.types
    if is_one.is_floating(kind) and kind == column.type:
        wide = column.cast(pa.float32()) if is_one.is_float16(kind) else column
        return pc.if_else(pc.is_nan(wide), pa.scalar(None, wide.type), wide)
    if is_one.is_string_view(kind):
        return column.cast(pa.large_string())
    known = (
        is_one.is_integer,
        is_one.is_floating,
        is_one.is_decimal,
        is_one.is_boolean,
        is_one.is_string,
    )
    known = (
        *known,
        is_one.is_large_string,
        is_one.is_date,
        is_one.is_timestamp,
        is_one.is_null,
    )
    if not any(is_kind(kind) for is_kind in known):
        hint = (
            "Give each part a column of its own."
            if is_one.is_nested(kind)
            else "Write it as numbers or words."
        )
        refuse(
            what,
            expected="numbers, words, booleans or dates",
            got=f"{kind} in column {name!r}",
            hint=hint,
        )
    return column


def _any_known(column: pa.ChunkedArray) -> bool:
    return column.null_count < len(column)


def _check_names(what: str, names: list[str]) -> None:
    """Every column has a name, and no two have the same."""
    for number, name in enumerate(names, 1):
        if not name.strip():
            hint = "Row numbers of pandas? Save with index=False."
            refuse(
                what,
                expected="a name for every column",
                got=f"none for column {number}",
                hint=hint,
            )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        refuse(
            what,
            expected="a name of its own for every column",
            got=f"more than one {_listed(twice)}",
        )


def _refuse_mixed(what: str, error: pa.ArrowException) -> NoReturn:
    """A column of Python objects that are of several types."""
    hint = "Make each column numbers only or words only."
    refuse(
        what,
        expected="one type in a column",
        got=": ".join(map(str, error.args[::-1])),
        hint=hint,
    )


def _listed(names: list[str]) -> str:
    """The first three, quoted, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
