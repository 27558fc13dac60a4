"""Tables as the bytes of a file, in the dialect of the file that they came from."""

import codecs
import io
import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from onehalf.data.tables.dialect import Dialect
from onehalf.data.tables.forms.base import is_text
from onehalf.data.tables.forms.columns import form_of_field, write_column

__all__ = ["FORMULA", "disarm_formulas", "pack_table"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""The beginning of words that spreadsheets execute, in full width too (OWASP, CSV injection)."""


def pack_table(table: pa.Table, suffix: str) -> bytes:
    """The bytes of a .csv, .tsv or .parquet file."""
    if suffix == ".parquet":
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(_without_forms(table), buffer)
        return buffer.getvalue()
    dialect = Dialect.of(table.schema) or Dialect(suffix="")
    if suffix != dialect.suffix:
        separator = "\t" if suffix == ".tsv" else ","
        dialect = replace(dialect, separator=separator, prelude=(), trailing="")
    return _pack_text(table, dialect)


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


def _pack_text(table: pa.Table, dialect: Dialect) -> bytes:
    """The bytes of a text file."""
    lines = list(dialect.prelude)
    if dialect.header:
        names = pa.array(table.column_names, pa.large_string())
        header = dialect.separator.join(
            _quote(names, dialect, always=dialect.quoted_header).to_pylist()
        )
        lines.append(header + dialect.separator * (dialect.trailing == "all"))
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
    lines += [line + end for line in rows.to_pylist()]
    text = dialect.newline.join(lines) + dialect.newline * dialect.last_newline
    return (codecs.BOM_UTF8 if dialect.bom else b"") + text.encode()


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
