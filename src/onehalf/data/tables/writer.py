"""Tables as the bytes of a file, in the dialect of the file that they came from."""

import codecs
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from onehalf.data.tables.dialect import Dialect
from onehalf.data.tables.forms.base import is_text
from onehalf.data.tables.forms.columns import form_of_field, write_column

__all__ = ["FORMULA", "disarm_formulas", "pack_table", "write_table"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

ROWS_OF_GROUP = 1 << 17
"""Rows that a Parquet file holds together."""

FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""The beginning of words that spreadsheets execute, in full width too (OWASP, CSV injection)."""


def pack_table(table: pa.Table, suffix: str) -> bytes:
    """The bytes of a .csv, .tsv or .parquet file."""
    buffer = io.BytesIO()
    write_table(buffer, [table], suffix)
    return buffer.getvalue()


def write_table(file: Any, pieces: Iterable[pa.Table], suffix: str) -> None:
    """Write tables, at least one, one below the other as one .csv, .tsv or .parquet file, open for bytes."""
    rest = iter(pieces)
    first = next(rest)
    pieces = itertools.chain([first], rest)
    if suffix == ".parquet":
        with pyarrow.parquet.ParquetWriter(file, _without_forms(first).schema) as writer:
            for group in _regroup(map(_without_forms, pieces)):
                writer.write_table(group, row_group_size=ROWS_OF_GROUP)
        return
    dialect = Dialect.of(first.schema) or Dialect(suffix="")
    if suffix != dialect.suffix:
        separator = "\t" if suffix == ".tsv" else ","
        dialect = replace(dialect, separator=separator, prelude=(), trailing="")
    _write_text(file, first.column_names, pieces, dialect)


def disarm_formulas(table: pa.Table) -> pa.Table:
    """Put an apostrophe before words and names of columns that spreadsheets would execute.

    Numbers and dates stay as they are.

    >>> disarm_formulas(pa.table({"@x": ["=1+1", "a"], "n": [-1, 2]})).to_pydict()
    {"'@x": ["'=1+1", 'a'], 'n': [-1, 2]}
    """
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        is_words = pa.types.is_dictionary(field.type) or is_text(field.type)
        words = column.cast(pa.large_string()) if is_words else column
        columns.append(
            pc.replace_substring_regex(words, FORMULA, r"'\0") if is_words else column
        )
        name = f"'{field.name}" if re.match(FORMULA, field.name) else field.name
        fields.append(field.with_name(name).with_type(columns[-1].type))
    return pa.table(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _regroup(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Tables of `ROWS_OF_GROUP` rows and one of the rest, whatever the pieces; an only piece stays as it is."""
    waiting: list[pa.Table] = []
    for table in pieces:
        waiting.append(table)
        while sum(map(len, waiting)) > ROWS_OF_GROUP:
            joined = pa.concat_tables(waiting)
            yield _unify(joined.slice(0, ROWS_OF_GROUP))
            waiting = [joined.slice(ROWS_OF_GROUP)]
    yield _unify(pa.concat_tables(waiting))


def _unify(table: pa.Table) -> pa.Table:
    """The table with each column in one piece, and words without an order in that of their appearance."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        is_coded = pa.types.is_dictionary(field.type)
        if is_coded and not (field.type.ordered and column.num_chunks == 1):
            words = column.cast(field.type.value_type)
            column = words.combine_chunks().dictionary_encode().cast(field.type)
        columns.append(column)
    return pa.table(columns, schema=table.schema).combine_chunks()


def _write_text(
    file: Any, names: Sequence[str], pieces: Iterable[pa.Table], dialect: Dialect
) -> None:
    """Write a text file."""
    file.write(codecs.BOM_UTF8 if dialect.bom else b"")
    head = _write_head(names, dialect)
    is_begun = False
    for lines in itertools.chain([head], (_write_rows(table, dialect) for table in pieces)):
        if lines:
            text = dialect.newline * is_begun + dialect.newline.join(lines)
            file.write(text.encode())
            is_begun = True
    file.write((dialect.newline * dialect.last_newline).encode())


def _write_head(columns: Sequence[str], dialect: Dialect) -> list[str]:
    """The lines before the rows."""
    lines = list(dialect.prelude)
    if dialect.header:
        names = pa.array(columns, pa.large_string())
        header = dialect.separator.join(
            _quote(names, dialect, always=dialect.quoted_header).to_pylist()
        )
        lines.append(header + dialect.separator * (dialect.trailing == "all"))
    return lines


def _write_rows(table: pa.Table, dialect: Dialect) -> list[str]:
    """The lines of rows."""
    columns = [
        _quote(
            write_column(table[field.name], form_of_field(field)[0]),
            dialect,
            always=field.name in dialect.quoted,
        )
        for field in table.schema
    ]
    if len(columns) == 1:  # an empty line would be no row
        columns = [pc.if_else(pc.equal(columns[0], ""), '""', columns[0])]
    rows = pc.binary_join_element_wise(
        *columns, pa.scalar(dialect.separator, pa.large_string())
    )
    end = dialect.separator * bool(dialect.trailing)
    return [line + end for line in rows.to_pylist()]


def _quote(words: pa.Array, dialect: Dialect, *, always: bool) -> pa.Array:
    """Words in quotes, where they need them or their column has them; missing ones as empty words."""
    special = "" if always else rf'[{_escape(dialect.separator)}"\r\n]'
    needs = pc.match_substring_regex(words, special)
    doubled = pc.replace_substring(words, '"', '""')
    mark, nothing = pa.scalar('"', pa.large_string()), pa.scalar("", pa.large_string())
    inside = pc.binary_join_element_wise(mark, doubled, mark, nothing)
    quoted = pc.if_else(needs, inside, words)
    empty = '""' if always and dialect.quoted_missing else ""
    return pc.fill_null(quoted, empty)


def _escape(separator: str) -> str:
    return "\\" + separator if separator in "|^]\\-" else separator


def _without_forms(table: pa.Table) -> pa.Table:
    """The table without what only text files have."""
    plain = pa.schema([field.remove_metadata() for field in table.schema])
    return table.cast(plain).replace_schema_metadata(None)
