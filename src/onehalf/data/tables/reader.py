"""CSV and Parquet files, read into a `pyarrow.Table` and checked.

Each column keeps its own type, and a missing value is missing, not a number or a word in its
place.

From CSV a column comes as whole numbers, as numbers, or as the words of the file. What words
mean (dates, yes and no) is for `profile.py` to say, so that they can be written again as they
were.
"""

import codecs
import csv
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from onehalf._errors import refuse
from onehalf.data.tables.validation import FIRST_LINE, check_names, check_table, count_of

__all__ = ["MISSING", "SUFFIXES", "read_table"]

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
        return check_table(
            str(path), _parquet(path) if kind == ".parquet" else _text(path, kind)
        )
    except OSError as error:
        refuse(str(path), expected="a file that can be read", got=error.strerror or error)


def _text(path: Path, kind: str) -> pa.Table:
    """A CSV file: all of it read as words, and those turned into numbers column by column where they are numbers."""
    what, (lines, quotes) = str(path), _lines_and_quotes(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next((line for line in file if line.strip()), None)
    if first is None:
        refuse(what, expected="a header and rows", got="an empty file")
    delimiter = "\t" if kind == ".tsv" else ";" if first.count(";") > first.count(",") else ","
    names = next(_rows(path, delimiter))[1]
    check_names(what, names)
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
                expected = f"{count_of(len(names), 'value')} in every line, as in the header"
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


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
