"""A table as numbers, one float64 a cell, and the way back to the same columns, types and words."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Float

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.schema import Column, Schema
from onehalf.data.tables.validation import locate_row

__all__ = ["NOT_CODED", "Cells", "TableEncoder"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

Cells = Float[np.ndarray, "rows columns"]
"""The cells of a table as numbers; NaN is missing."""

NOT_CODED = ("id", "text")
"""Kinds that are not encoded: they are neither learned nor measured."""

UNITS = (604_800, 86_400, 3_600, 60, 1)
"""Seconds in a tick of a date column: the most in which all of its dates are whole."""


@dataclass(frozen=True)
class TableEncoder:
    """What each cell of a table is as a float64.

    - integer, continuous: the number itself, exact up to 2^53 in size.
    - date: ticks since 1970, in the coarsest unit in which all dates of the column are whole.
    - category, boolean, constant: the place of its word in `words`, from 0; of a number or a
      truth value that is one of these, how it is written.
    - id, text: not at all.

    NaN is missing. So one row of a table is one vector, whatever it held, and the way back is
    exact.

    >>> people = pa.table({"age": [31, None, 54], "sex": ["F", "M", "F"]})
    >>> coding = TableEncoder.fit(people)
    >>> coding.encode(people)
    array([[31.,  0.],
           [nan,  1.],
           [54.,  0.]])
    >>> coding.decode(coding.encode(people)).equals(people)
    True
    """

    schema: Schema
    types: pa.Schema
    """The columns' types in the table."""
    words: Mapping[str, tuple[str, ...]]
    """For each column of words all that occur, in the order of the alphabet."""
    ticks: Mapping[str, int]
    """For each column of dates how many of its type's units a tick is."""
    ids: Mapping[str, int]
    """For each column of ids the greatest of them; 0 of words."""

    @classmethod
    def fit(
        cls, table: pa.Table, *others: pa.Table, schema: Schema | None = None
    ) -> "TableEncoder":
        """Fit the encoding of a table that has been checked (`onehalf.data.dataset`).

        Args:
            table: The table whose columns are encoded.
            others: Checked tables that are encoded too: their words are added, and their dates
                are whole ticks. The kinds are those of the first table.
            schema: The kinds of the columns, if they are not to be inferred.

        Raises:
            Refusal: There is no column to learn from; or another table lacks a column, or has
                words where the first has numbers.
        """
        schema = Schema.infer(table) if schema is None else schema.check(table)
        columns = [column for column in schema.columns if column.kind not in NOT_CODED]
        if not columns:
            refuse("the table", expected="a column to learn from", got="ids and free text only")
        words, ticks = {}, {}
        for column in columns:
            parts = [_known(each, column, "the other table") for each in (table, *others)]
            if column.kind == "date":
                units = [
                    _units(part, column, table.schema.field(column.name).type) for part in parts
                ]
                per = _per_second(table.schema.field(column.name).type)
                both = np.concatenate([unit.drop_null().to_numpy() for unit in units])
                ticks[column.name] = next(
                    per * unit for unit in UNITS if not (both % (per * unit)).any() or unit == 1
                )
                if ticks[column.name] == per and per > 1:
                    ticks[column.name] = int(np.gcd(np.gcd.reduce(both), per))
            elif column.kind not in ("integer", "continuous"):
                distinct = pa.concat_arrays([_words(part).unique() for part in parts]).unique()
                words[column.name] = tuple(sorted(distinct.drop_null().to_pylist()))
        ids = {
            column.name: pc.max(table[column.name]).as_py()
            if pa.types.is_integer(table[column.name].type)
            else 0
            for column in schema.columns
            if column.kind == "id"
        }
        return cls(schema, pa.schema(table.schema, metadata=None), words, ticks, ids)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that have numbers, in the order of the table."""
        return tuple(column for column in self.schema.columns if column.kind not in NOT_CODED)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have numbers."""
        return tuple(column.name for column in self.columns)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of the columns that have none."""
        return tuple(column.name for column in self.schema.columns if column.kind in NOT_CODED)

    def encode(
        self, table: pa.Table, what: str = "the table", names: Collection[str] | None = None
    ) -> Cells:
        """Encode a checked table with these columns, in any order.

        Args:
            table: The table. It may have further columns.
            what: Its name in error messages.
            names: The columns to encode; the table need not have the others, whose cells are
                missing.

        Raises:
            Refusal: A column is missing, or a word is not among `words`.
        """
        cells = np.full((len(table), len(self.columns)), np.nan)
        for index, column in enumerate(self.columns):
            if names is None or column.name in names:
                cells[:, index] = self._numbers(
                    _known(table, column, what), column, table, what
                )
        return cells

    def decode(self, cells: Cells) -> pa.Table:
        """Decode cells: the encoded columns, in the order and of the types of the table that was fitted."""
        types = {column.name: self.types.field(column.name).type for column in self.columns}
        arrays = {
            column.name: self._array(column, numbers, types[column.name])
            for column, numbers in zip(self.columns, np.asarray(cells).T, strict=True)
        }
        return pa.table(arrays, schema=pa.schema(types.items()))

    def add_fresh_ids(self, table: pa.Table) -> pa.Table:
        """Add the columns of ids, with new values: numbers above the greatest, or new-1, new-2, ...

        >>> people = pa.table({"id": range(100, 160), "sex": ["F", "M"] * 30})
        >>> coding = TableEncoder.fit(people)
        >>> coding.add_fresh_ids(coding.decode(coding.encode(people)[:2])).to_pylist()
        [{'id': 160, 'sex': 'F'}, {'id': 161, 'sex': 'M'}]
        """
        arrays = {}
        for name in self.types.names:
            if name in table.column_names:
                arrays[name] = table[name]
            elif name in self.ids:
                type_, first = self.types.field(name).type, self.ids[name] + 1
                numbers = range(first, first + len(table))
                whole = pa.types.is_integer(type_) or pa.types.is_floating(type_)
                arrays[name] = pa.array(
                    numbers if whole else [f"new-{number}" for number in numbers]
                ).cast(type_)
        return pa.table(arrays)

    def show(self, column: int, cell: float) -> str:
        """Format a cell for people: the word, the date, or the number.

        >>> TableEncoder.fit(pa.table({"sex": ["F", "M"]})).show(0, 1.0)
        'M'
        """
        about = self.columns[column]
        value = self._array(about, np.array([cell]), self.types.field(about.name).type)[
            0
        ].as_py()
        return (
            "missing"
            if value is None
            else f"{value:.6g}"
            if isinstance(value, float)
            else str(value)
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert to what JSON can hold; `from_dict` is the inverse."""
        types = base64.b64encode(self.types.serialize().to_pybytes()).decode()
        rest = {name: dict(getattr(self, name)) for name in ("words", "ticks", "ids")}
        return {"schema": self.schema.to_dict(), "types": types, **rest}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "TableEncoder":
        """Restore the encoder that `to_dict` converted."""
        types = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(fields["types"])))
        words = {name: tuple(each) for name, each in fields["words"].items()}
        return cls(
            Schema.from_json(json.dumps(fields["schema"])),
            types,
            words,
            fields["ticks"],
            fields["ids"],
        )

    def _numbers(
        self, known: pa.ChunkedArray, column: Column, table: pa.Table, what: str
    ) -> np.ndarray:
        """One column's cells."""
        if column.kind == "date":
            units = _units(known, column, self.types.field(column.name).type)
            return units.cast(pa.float64(), safe=False).to_numpy() / self.ticks[column.name]
        if column.kind in ("integer", "continuous"):
            return known.cast(pa.float64(), safe=False).to_numpy()
        words = _words(known)
        places = pc.index_in(words, value_set=pa.array(self.words[column.name], words.type))
        strange = pc.and_(pc.is_null(places), pc.is_valid(words))
        if pc.any(strange).as_py():
            row = pc.index(strange, value=True).as_py()
            word, at = words[row].as_py(), locate_row(table, row)
            hint = did_you_mean(word, self.words[column.name])
            refuse(
                f"{what}, column {column.name!r}",
                expected="values of the data",
                got=f"{word!r} in {at}",
                hint=hint,
            )
        return pc.if_else(pc.is_null(words), None, places).cast(pa.float64()).to_numpy()

    def _array(self, column: Column, cells: np.ndarray, type_: pa.DataType) -> pa.Array:
        """One column of a table, from its cells."""
        missing = np.isnan(cells)
        plain = type_.value_type if pa.types.is_dictionary(type_) else type_
        if column.kind == "date":
            units = pa.array(
                np.rint(np.where(missing, 0, cells)).astype(np.int64) * self.ticks[column.name]
            )
            return _dates(pc.if_else(pa.array(missing), None, units), column, plain)
        if column.kind in ("integer", "continuous"):
            if pa.types.is_floating(plain):
                values = pa.array(cells.astype(np.float64), mask=missing)
            elif pa.types.is_decimal(plain):
                return pa.array(np.where(missing, 0.0, cells), mask=missing).cast(
                    plain, safe=False
                )
            else:
                whole = np.uint64 if plain == pa.uint64() else np.int64
                values = pa.array(
                    np.rint(np.where(missing, 0, cells)).astype(whole), mask=missing
                )
            return values.cast(plain, safe=False)
        places = pa.array(np.where(missing, 0, cells).astype(np.int64), mask=missing)
        words = pa.array(self.words[column.name], pa.large_string()).take(places)
        back = words.cast(plain)
        return back.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else back


def _known(table: pa.Table, column: Column, what: str) -> pa.ChunkedArray:
    """The column of that name, of its plain type."""
    if column.name not in table.column_names:
        hint = did_you_mean(column.name, table.column_names)
        refuse(
            what, expected=f"a column {column.name!r}, as the data has", got="none", hint=hint
        )
    known = table[column.name]
    known = known.cast(known.type.value_type) if pa.types.is_dictionary(known.type) else known
    numbers = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_boolean,
    )
    if column.kind in ("integer", "continuous") and not any(
        is_one(known.type) for is_one in numbers
    ):
        words = known.drop_null().cast(pa.string())
        got = f"{words[0].as_py()!r} in {locate_row(table, pc.index(pc.is_valid(known), value=True).as_py())}"
        refuse(f"{what}, column {column.name!r}", expected="numbers, as in the data", got=got)
    return known


def _words(known: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells as words; 3.0 is written as 3, so that types of numbers do not matter."""
    return known if pa.types.is_large_string(known.type) else known.cast(pa.large_string())


def _per_second(type_: pa.DataType) -> int:
    """The units of a type of dates that make a second."""
    return (
        {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[type_.unit]
        if pa.types.is_timestamp(type_)
        else 1
    )


def _units(known: pa.ChunkedArray, column: Column, type_: pa.DataType) -> pa.ChunkedArray:
    """Dates as int64, in the unit of their type.

    The unit is a second where they are words, numbers or whole days.
    """
    kind = known.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        target = type_ if pa.types.is_timestamp(type_) else pa.timestamp("s")
        return known.cast(target, safe=False).cast(pa.int64())
    words = (
        known
        if pa.types.is_string(kind) or pa.types.is_large_string(kind)
        else known.cast(pa.int64(), safe=False)
    )
    words = words.cast(pa.string())
    times = pc.strptime(words, format=column.format, unit="s", error_is_null=True)
    wrong = pc.and_(pc.is_null(times), pc.is_valid(words))
    if pc.any(wrong).as_py():
        got = repr(words.filter(wrong)[0].as_py())
        refuse(
            f"column {column.name!r}",
            expected=f"dates written {column.format}, as in the data",
            got=got,
        )
    return times.cast(pa.int64())


def _dates(units: pa.Array, column: Column, type_: pa.DataType) -> pa.Array:
    """The way back."""
    if pa.types.is_timestamp(type_):
        return units.cast(type_)
    times = units.cast(pa.timestamp("s"))
    if pa.types.is_date(type_):
        return times.cast(type_)
    written = pc.strftime(times, format=column.format)
    return (
        written.cast(type_)
        if pa.types.is_string(type_) or pa.types.is_large_string(type_)
        else written.cast(pa.int64()).cast(type_)
    )
