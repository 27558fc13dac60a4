"""What a table must be: columns with names of their own, in types that are known, with some finite values in each."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf._text import join_names
from onehalf.data.arrays.validation import LARGEST, SIZES, SMALLEST

__all__ = [
    "FIRST_LINE",
    "FIRST_ROW",
    "check_names",
    "check_table",
    "count_of",
    "drop_row_labels",
    "locate_row",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

LEAVE_MISSING = "Leave missing what is not known."

FIRST_SECOND = -62_135_596_800
"""The first second of year 1, since 1970."""

LAST_SECOND = 253_402_300_799
"""The last second of year 9999, since 1970."""

FIRST_LINE = b"the line of the first row"
"""The key of a table's metadata that has the line of its first row in a CSV file."""

FIRST_ROW = b"onehalf.the number of the first row"
"""The key of a batch's metadata that has the number of its first row in the whole table, from 0."""


def check_table(what: str, table: pa.Table, *, allow_empty: bool = False) -> pa.Table:
    """Check a table, and set NaN to missing."""
    check_names(what, table.column_names)
    if not table.num_columns:
        refuse(what, expected="at least one column", got="none")
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
        got, hint = f"none in {join_names(map(repr, empty))}", "Remove what is all missing."
        refuse(what, expected="some values in every column", got=got, hint=hint)
    fields = [
        pa.field(field.name, column.type, metadata=_own(field.metadata))
        for field, column in zip(table.schema, columns, strict=True)
    ]
    plain = pa.table(columns, schema=pa.schema(fields, metadata=_own(table.schema.metadata)))
    for name, column in zip(plain.column_names, plain.columns, strict=True):
        if pa.types.is_floating(column.type):
            _check_floats(what, name, plain, column)
        elif pa.types.is_temporal(column.type):
            _check_dates(what, name, plain, column)
    return plain


def _check_floats(what: str, name: str, table: pa.Table, column: pa.ChunkedArray) -> None:
    """Refuse infinity, and numbers of a size that float64 can't compute with."""
    infinite = pc.is_inf(column)
    if pc.any(infinite).as_py():
        count = count_of(pc.sum(infinite).as_py(), "infinite one")
        got = f"{count} in {name!r}, the first in {_locate_first(table, infinite)}"
        refuse(what, expected="finite numbers", got=got, hint=LEAVE_MISSING)
    sizes = pc.abs(column)
    largest = pc.max(sizes).as_py() or SMALLEST
    if not SMALLEST <= largest <= LARGEST:
        at = _locate_first(table, pc.equal(sizes, largest))
        hint = "Use other units." if largest < SMALLEST else LEAVE_MISSING
        refuse(what, expected=SIZES, got=f"{largest:g} in {name!r}, {at}", hint=hint)


def _check_dates(what: str, name: str, table: pa.Table, column: pa.ChunkedArray) -> None:
    """Refuse dates that the calendar has no year of four digits for, and unknown time zones."""
    moments = column.cast(pa.timestamp("s"), safe=False)
    zone = getattr(column.type, "tz", None)
    try:
        pc.assume_timezone(pa.scalar(0, pa.timestamp("s")), zone or "UTC")
    except pa.ArrowException:
        refuse(what, expected="a known time zone", got=f"{zone!r} in {name!r}")
    seconds = moments.cast(pa.int64())
    outside = pc.or_(pc.less(seconds, FIRST_SECOND), pc.greater(seconds, LAST_SECOND))
    if pc.any(outside).as_py():
        at = _locate_first(table, outside)
        got = f"another in {name!r}, {at}"
        refuse(what, expected="dates of the years 1 to 9999", got=got, hint=LEAVE_MISSING)


def _locate_first(table: pa.Table, which: pa.ChunkedArray) -> str:
    """Name the first row that a mask has."""
    return locate_row(table, pc.index(which, value=True).as_py())


def _own(metadata: Any) -> dict[bytes, bytes]:
    """What this package itself keeps beside a table or a column."""
    kept = (metadata or {}).items()
    return {
        key: value for key, value in kept if key == FIRST_LINE or key.startswith(b"onehalf.")
    }


def drop_row_labels(table: pa.Table) -> pa.Table:
    """Drop the row labels that pandas stored beside the columns."""
    stored = (table.schema.pandas_metadata or {}).get("index_columns", ())
    labels = [name for name in stored if isinstance(name, str) and name in table.column_names]
    return table.drop_columns(labels) if len(labels) < table.num_columns else table


def check_names(what: str, names: list[str]) -> None:
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
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        refuse(
            what,
            expected="a name of its own for every column",
            got=f"more than one {join_names(map(repr, twice))}",
        )


def locate_row(table: pa.Table, row: int) -> str:
    """Name a row: its line in the CSV file, counted from 1, or else its number, the first row being 1.

    >>> locate_row(pa.table({"age": [31, 54]}), 1)
    'row 2'
    """
    known = table.schema.metadata or {}
    if FIRST_LINE in known:
        return f"line {row + int(known[FIRST_LINE])}"
    return f"row {row + 1 + int(known.get(FIRST_ROW, 0))}"


def count_of(count: int, what: str) -> str:
    """Return a count and what is counted, in the plural if need be: '1 value', '2,000 values'."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _plain(what: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a type that everything here can work with."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_one = pa.types
    if is_one.is_floating(kind) and kind == column.type:
        wide = column.cast(pa.float32()) if is_one.is_float16(kind) else column
        return pc.if_else(pc.is_nan(wide), pa.scalar(None, wide.type), wide)
    if is_one.is_decimal32(kind) or is_one.is_decimal64(kind):
        return column.cast(pa.decimal128(kind.precision, kind.scale))
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
