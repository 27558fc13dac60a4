"""How a text file holds a table: separator, quotes, line ends, what comes before the header."""

import codecs
import csv
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from onehalf._errors import refuse
from onehalf._text import join_names
from onehalf.data.tables.forms.base import MISSING, changed_fields
from onehalf.data.tables.forms.numbers import NUMBER

__all__ = ["DIALECT", "SEPARATORS", "SEPARATOR_NAMES", "Dialect"]

DIALECT = b"onehalf.dialect"
"""The key of a table's metadata that has the dialect of its file."""

SEPARATORS = (",", ";", "\t", "|")
"""What may stand between values; a blank may, too, if nothing else does."""

SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|", " ": "blanks"}

NEWLINES = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}

SAMPLE_BYTES = 2**18
"""The bytes at the beginning of a file from which its dialect is found."""

SAMPLE_ROWS = 200
"""The rows among them that are looked at, at most."""

LEAST_SHARE = 0.5
"""A separator must give this share of the rows the same number of values."""

NUMBERS_SHARE = 0.8
"""A column is one of numbers if at least this share of its values are."""

SEP_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""The first line of some files for spreadsheets."""

IS_NUMBER = re.compile(
    NUMBER
    + r"|^\s*[-+(]?[$€£]?[0-9][0-9.,' ]*(?:\s?[%$€£])?\)?\s*$|^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}"
)
"""A cell that is a number or a date rather than a name."""

YEARS = range(1900, 2101)


@dataclass(frozen=True)
class Dialect:
    r"""The dialect of a text file; samples are written in it.

    >>> Dialect(separator=";", newline="\r\n").to_dict()
    {'separator': ';', 'newline': '\r\n'}
    """

    separator: str = ","
    decimal: str = "."
    """The decimal mark where 1,234 could mean either."""
    newline: str = "\n"
    last_newline: bool = True
    """Whether the last line ends with a line end."""
    bom: bool = False
    """Whether a byte order mark comes first."""
    prelude: tuple[str, ...] = ()
    """The lines before the header: titles, comments, `sep=;`, empty lines."""
    header: bool = True
    trailing: str = ""
    """Whether a separator ends each line ('all'), or each but the header ('rows')."""
    quoted_header: bool = False
    quoted: tuple[str, ...] = ()
    """The columns whose values are all in quotes."""
    quoted_missing: bool = False
    """Whether empty values are in quotes, too."""
    suffix: str = ".csv"
    """The ending of the file's name."""

    @classmethod
    def detect(cls, path: Path, suffix: str) -> "tuple[Dialect, tuple[str, ...]]":
        """Find the dialect of a file in UTF-8, and the names of its columns.

        Raises:
            Refusal: The file is empty, or several blanks are between its values.
        """
        raw = _read_sample(path)
        bom = raw.startswith(codecs.BOM_UTF8)
        text = codecs.getincrementaldecoder("utf-8")().decode(raw.removeprefix(codecs.BOM_UTF8))
        if not text.strip():
            refuse(str(path), expected="a header and rows", got="an empty file")
        newline = next((end for end in ("\r\n", "\n", "\r") if end in text), "\n")
        lines = text.split(newline)
        separator = _find_separator(lines, suffix, str(path))
        rows = list(_split(lines, separator))
        if not rows:
            got, hint = "a first line that can't be read", "Are all of its line ends alike?"
            refuse(str(path), expected="a CSV file", got=got, hint=hint)
        start = _count_prelude(rows, separator)
        header = rows[start][1]
        trailing = _find_trailing(header, [row for _, row in rows[start + 1 :]])
        names = tuple(header[:-1] if trailing == "all" else header)
        body = [row[: len(names)] for _, row in rows[start:]]
        has_header = not _is_data(body[0], body[1:])
        if not has_header:
            names = tuple(f"x{number}" for number in range(1, len(names) + 1))
        first = rows[start][0]
        dialect = cls(
            separator=separator,
            newline=newline,
            last_newline=_ends_with_newline(path),
            bom=bom,
            prelude=tuple(lines[:first]),
            header=has_header,
            trailing=trailing,
            suffix=suffix,
        )
        return dialect._add_quotes(lines[first:], names), names

    def _add_quotes(self, lines: Sequence[str], names: Sequence[str]) -> "Dialect":
        """Find which columns are in quotes, from lines that begin with the header."""
        lines = [line for line in lines if line.strip()][:SAMPLE_ROWS]
        mark = re.escape(self.separator)
        field = re.compile(rf'("(?:[^"]|"")*"|[^{mark}"]*)(?:{mark}|$)')
        tokens = [field.findall(line)[: len(names)] for line in lines]
        whole = [row for row in tokens[self.header :] if len(row) == len(names)]
        columns = list(zip(*whole, strict=True)) or [()] * len(names)
        quoted = tuple(
            name
            for name, cells in zip(names, columns, strict=True)
            if any(cells) and all(cell.startswith('"') for cell in cells if cell)
        )
        top = tokens[0] if self.header and tokens else []
        return dataclasses.replace(
            self,
            quoted=quoted,
            quoted_header=bool(top) and all(cell.startswith('"') for cell in top if cell),
            quoted_missing=any(cell == '""' for row in whole for cell in row),
        )

    @classmethod
    def of(cls, schema: pa.Schema) -> "Dialect | None":
        """The dialect of the text file that a table came from; None of any other table."""
        saved = (schema.metadata or {}).get(DIALECT)
        return cls.from_dict(json.loads(saved)) if saved else None

    def to_metadata(self) -> dict[bytes, bytes]:
        """For the metadata of a table; `of` is the way back."""
        return {DIALECT: json.dumps(self.to_dict()).encode()}

    def to_dict(self) -> dict[str, Any]:
        """What differs from a file of commas with a header, by name."""
        return changed_fields(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "Dialect":
        """Restore what `to_dict` gave."""
        plain: dict[str, Any] = {
            name: tuple(fact) if isinstance(fact, list) else fact
            for name, fact in facts.items()
        }
        return cls(**plain)

    def describe(self) -> str:
        """What is unusual about the file, in a sentence; empty if nothing is."""
        parts = []
        if self.separator != ("\t" if self.suffix == ".tsv" else ","):
            parts.append(f"{SEPARATOR_NAMES[self.separator]} between values")
        if self.decimal != ".":
            parts.append("decimal commas")
        if self.bom:
            parts.append("a byte order mark")
        if self.newline != "\n":
            parts.append(f"{NEWLINES[self.newline]} line ends")
        if self.trailing:
            parts.append("a separator at the end of each line")
        if count := len(self.prelude):
            parts.append(f"{count} line{'s' * (count > 1)} before the header")
        if not self.header:
            parts.append("no header (the columns are called x1, x2, ...)")
        if not parts:
            return ""
        return f"The file has {join_names(parts, None)}; samples are written in the same form."


def _read_sample(path: Path) -> bytes:
    """The first bytes of a file, as far as its last whole line."""
    with path.open("rb") as file:
        raw = file.read(SAMPLE_BYTES)
    if len(raw) < SAMPLE_BYTES:
        return raw
    end = max(raw.rfind(b"\n"), raw.rfind(b"\r"))
    return raw[: end + 1] if end >= 0 else raw[: raw.rfind(b" ")]


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) in b"\r\n"


def _split(lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the index of the line that it begins in."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=separator)
    begin = 0
    try:
        for row in reader:
            if row:
                yield begin, row
            begin = reader.line_num
    except csv.Error:
        return


def _find_separator(lines: Sequence[str], suffix: str, what: str) -> str:
    """The separator that gives most rows the same number of values."""
    if suffix == ".tsv":
        return "\t"
    if match := SEP_LINE.fullmatch(lines[0]):
        return match[1]
    scores = {mark: _score(lines, mark) for mark in SEPARATORS}
    best = max(SEPARATORS, key=scores.__getitem__)
    if scores[best][0]:
        return best
    head = [line for line in lines if line.strip()][:SAMPLE_ROWS]
    if _has_blanks([line.split(" ") for line in head]):
        return " "
    if _has_blanks([line.split() for line in head]):
        expected = "commas, semicolons, tabs, | or single blanks between values"
        hint = "Save it as a CSV file with commas."
        refuse(what, expected=expected, got="several blanks", hint=hint)
    return ","


def _score(lines: Sequence[str], separator: str) -> tuple[float, int]:
    """The share of the rows that have the most usual number of values, and this number."""
    rows = [row for _, row in _split(lines, separator)][:SAMPLE_ROWS]
    (size, count), *_ = Counter(map(len, rows)).most_common(1) or [(1, 0)]
    share = count / max(len(rows), 1)
    return (share, size) if size > 1 and share >= LEAST_SHARE else (0.0, 0)


def _has_blanks(rows: Sequence[list[str]]) -> bool:
    """Whether blanks separate values: as many in each row, some column of them numbers."""
    sizes = {len(row) for row in rows}
    if len(rows) < 2 or len(sizes) != 1 or sizes == {1}:
        return False
    columns = zip(*rows[1:], strict=True)
    return any(_are_numbers(cells) for cells in columns)


def _count_prelude(rows: Sequence[tuple[int, list[str]]], separator: str) -> int:
    """How many rows come before the header: titles, comments and `sep=;`."""
    sizes = Counter(len(row) for _, row in rows[:SAMPLE_ROWS])
    usual = sizes.most_common(1)[0][0]
    for count, (_, row) in enumerate(rows[:-1]):
        cells = [cell for cell in row if cell.strip()]
        is_sep = bool(SEP_LINE.fullmatch(separator.join(row))) and count == 0
        is_comment = row[0].startswith(("# ", "//")) or (
            row[0].startswith("#") and len(row) != usual
        )
        is_title = len(cells) <= 1 < usual and (len(row) != usual or usual > 2)
        if not (is_sep or is_comment or is_title):
            return count
    return 0


def _find_trailing(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Whether lines end with a separator that is followed by nothing."""
    longer = len(header) + 1
    if len(header) > 1 and not header[-1].strip():
        ends = all(not row[-1].strip() for row in rows if len(row) == len(header))
        return "all" if ends and rows else ""
    is_longer = rows and all(len(row) == longer and not row[-1].strip() for row in rows)
    return "rows" if is_longer else ""


def _is_data(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds data rather than names.

    It does if there is a number on top of each column of numbers, unless these are years or
    are numbered, as the columns of a data frame are.
    """
    rows = [row for row in rows if len(row) == len(first)][:SAMPLE_ROWS]
    if not rows:
        return False
    columns = list(zip(*rows, strict=True))
    are_numbers = [_are_numbers(cells) for cells in columns]
    tops = [cell for cell, is_one in zip(first, are_numbers, strict=True) if is_one]
    if not tops or not all(IS_NUMBER.match(cell) for cell in tops):
        return False
    names_words = any(
        cell.strip() not in cells and cell.strip() not in MISSING
        for cell, cells, is_one in zip(first, columns, are_numbers, strict=True)
        if not is_one
    )
    whole = [int(cell) if cell.strip().isdigit() else -1 for cell in tops]
    is_numbered = len(whole) > 1 and whole == list(range(whole[0], whole[0] + len(whole)))
    are_years = all(year in YEARS for year in whole)
    return not is_numbered and not (are_years and (names_words or len(set(whole)) > 1))


def _are_numbers(cells: Sequence[str]) -> bool:
    """Whether nearly all cells are numbers or dates, where there is one."""
    known = [cell for cell in cells if cell.strip() not in MISSING]
    numbers = sum(bool(IS_NUMBER.match(cell)) for cell in known)
    return bool(known) and numbers >= NUMBERS_SHARE * len(known)
