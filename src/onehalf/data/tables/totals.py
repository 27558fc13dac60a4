"""What all rows of a long file say of its columns, counted batch by batch: what rows drawn from it can't tell.

Of each column: how many cells are missing, and all different values with their rows if they are few; of numbers and
dates otherwise the least and the greatest. Memory does not grow with the rows.
"""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf.data.tables.column import Column
from onehalf.data.tables.forms.base import AnyArray, is_text, tally
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.kinds import KINDS_OF_WORDS, Kind
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.statistics import (
    Value,
    describe_order,
    float_as_written,
    format_time,
    rank_words,
    round_share,
)

__all__ = ["MOST_WORDS", "TableTotals"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

MOST_WORDS = 20_000
"""Words are counted if a column has at most this many different ones."""

MOST_NUMBERS = 1_000
"""Numbers and dates are counted if a column has at most this many different ones."""

MOST_BYTES = 2**24
"""Words are counted if all different ones of a column take at most this many bytes."""


class ColumnTotals:
    """What all rows say of one column.

    >>> totals = ColumnTotals(pa.int64())
    >>> for batch in ([3, 1, None], [3, 3]):
    ...     totals.add(pa.array(batch, pa.int64()))
    >>> totals.missing, totals.values.to_pylist(), totals.counts.to_pylist()
    (1, [3, 1], [3, 1])
    """

    def __init__(self, type_: pa.DataType) -> None:
        self.type = type_.value_type if pa.types.is_dictionary(type_) else type_
        self.is_ordered = not (is_text(self.type) or pa.types.is_boolean(self.type))
        self.missing = 0
        self.values = pa.array([], self.type)
        """The different values, while they are counted."""
        self.counts = pa.array([], pa.int64())
        """The rows that hold each of them."""
        self.is_counted = True
        self.ends = self.values
        """The least and the greatest value, of numbers and dates."""
        self.is_whole = True
        """Whether all numbers are whole."""

    def add(self, cells: AnyArray) -> None:
        """Add the cells of further rows."""
        plain = cells.cast(self.type)
        self.missing += plain.null_count
        present = plain.drop_null()
        if not len(present):
            return
        if self.is_ordered:
            self._widen(present)
        if self.is_counted:
            self._count(present)

    def _widen(self, present: AnyArray) -> None:
        """Take numbers or dates into the ends."""
        ends = pc.min_max(present)
        batch = pa.concat_arrays([pa.repeat(ends[name], 1) for name in ("min", "max")])
        both = pc.min_max(pa.concat_arrays([self.ends, batch]))
        self.ends = pa.concat_arrays([pa.repeat(both[name], 1) for name in ("min", "max")])
        if self.is_whole and pa.types.is_floating(self.type):
            self.is_whole = pc.all(pc.equal(present, pc.round(present))).as_py()

    def _count(self, present: AnyArray) -> None:
        """Add to the rows of each value, until there are too many values."""
        values, counts = tally(present)
        both = pa.table(
            {
                "value": pa.concat_arrays([self.values, values]),
                "rows": pa.concat_arrays([self.counts, counts]),
            }
        )
        summed = both.group_by("value", use_threads=False).aggregate([("rows", "sum")])
        self.values = summed["value"].combine_chunks()
        self.counts = summed["rows_sum"].combine_chunks()
        most = MOST_NUMBERS if self.is_ordered else MOST_WORDS
        if len(self.values) > most or self.values.nbytes > MOST_BYTES:
            self.is_counted = False
            self.values = self.values.slice(0, 0)
            self.counts = self.counts.slice(0, 0)


class TableTotals:
    """What all rows of a table say of its columns: `add` each batch of them once."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns: dict[str, ColumnTotals] = {}

    def add(self, batch: pa.Table) -> None:
        """Add further rows, which have been checked."""
        self.rows += len(batch)
        for name, cells in zip(batch.column_names, batch.columns, strict=True):
            if name not in self.columns:
                self.columns[name] = ColumnTotals(cells.type)
            self.columns[name].add(cells)

    def find_kinds(self, schema: Schema) -> dict[str, Kind]:
        """Find the kinds of columns that seem constant, boolean or whole in rows that were drawn, and are not."""
        kinds: dict[str, Kind] = {}
        for column in schema.columns:
            kind = _find_kind(column, self.columns[column.name])
            if kind is not None:
                kinds[column.name] = kind
        return kinds

    @property
    def greatest(self) -> dict[str, int]:
        """The greatest number of each column of whole numbers."""
        return {
            name: int(column.ends[1].as_py())
            for name, column in self.columns.items()
            if len(column.ends) and column.is_whole and _is_plain_number(column.type)
        }

    def complete(self, schema: Schema) -> Schema:
        """Return the schema of rows that were drawn with what all rows say.

        These are the rows, the shares of missing cells, the least and greatest numbers and dates, and, of values that
        are counted, how many there are and the rows of each.
        """
        columns = tuple(
            dataclasses.replace(
                column, **_describe(column, self.columns[column.name], self.rows)
            )
            for column in schema.columns
        )
        return dataclasses.replace(schema, rows=self.rows, columns=columns)


def _is_plain_number(type_: pa.DataType) -> bool:
    return pa.types.is_integer(type_) or pa.types.is_floating(type_)


def _find_kind(column: Column, totals: ColumnTotals) -> Kind | None:
    """The kind that all values of a column need; None if it is the kind that it has."""
    most = {"constant": 1, "boolean": 2}.get(column.kind)
    is_fraction = column.kind == "integer" and not totals.is_whole
    if is_fraction:
        return "continuous"
    if most is None or (totals.is_counted and len(totals.values) <= most):
        return None
    if pa.types.is_boolean(totals.type):
        return "boolean"
    if not totals.is_ordered:
        return "category"
    if pa.types.is_temporal(totals.type):
        return "date"
    return (
        "integer" if totals.is_whole and not pa.types.is_decimal(totals.type) else "continuous"
    )


def _describe(column: Column, totals: ColumnTotals, rows: int) -> dict[str, Any]:
    """The facts of a column that all rows settle."""
    missing = {"missing": round_share(totals.missing, rows)}
    if column.kind in KINDS_OF_WORDS:
        return missing | (_describe_words(column, totals) if totals.is_counted else {})
    if totals.is_counted:
        return _describe_counted(column, totals, rows)
    if not totals.is_ordered:
        return {}
    ends = _show(column, _read(column, totals.ends))
    return missing | {"low": ends[0], "high": ends[-1], "values": ()}


def _describe_words(column: Column, totals: ColumnTotals) -> dict[str, Any]:
    """The facts of a column of words, or of one that is not learned, whose values are counted."""
    facts = {"distinct": len(totals.values)}
    if column.kind in ("category", "boolean"):
        words = totals.values.cast(pa.string())
        return facts | rank_words(words, totals.counts.to_numpy())
    return facts


def _describe_counted(column: Column, totals: ColumnTotals, rows: int) -> dict[str, Any]:
    """The facts of a column of numbers or dates that are counted."""
    known = _read(column, totals.values)
    pairs = pa.table([known, totals.counts], names=["value", "rows"])
    held = pairs.filter(pc.is_valid(pairs["value"])).group_by("value", use_threads=False)
    summed = held.aggregate([("rows", "sum")]).sort_by("value")
    counts = summed["rows_sum"].to_numpy()
    if not len(counts):
        return {}
    values = summed["value"].combine_chunks()
    order = describe_order(
        np.arange(len(values)),
        counts,
        rows,
        lambda place: _show(column, values[place : place + 1])[0],
    )
    return {
        "values": (),
        "atoms": (),
        **order,
        "distinct": len(values),
        "missing": round_share(rows - counts.sum(), rows),
    }


def _show(column: Column, values: AnyArray) -> list[Value]:
    """Numbers or times as a schema has them."""
    if pa.types.is_temporal(values.type):
        ticks = values.cast(pa.int64()).to_pylist()
        return [format_time(tick, values.type) for tick in ticks]
    numbers = values.to_numpy(zero_copy_only=False)
    return list(map(int if column.kind == "integer" else float_as_written, numbers))


def _read(column: Column, values: pa.Array) -> AnyArray:
    """Values as numbers or times, null where they are none."""
    form = column.form
    if is_text(values.type):
        return (form or NumberForm()).parse(values)
    if column.kind != "date":
        return values.cast(pa.float64()) if pa.types.is_decimal(values.type) else values
    if isinstance(form, DateForm) and not pa.types.is_temporal(values.type):
        return form.parse(values.cast(pa.int64()).cast(pa.string()))
    return values.cast(pa.timestamp("s")) if pa.types.is_date(values.type) else values
