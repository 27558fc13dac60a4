"""A table as numbers, one float64 a cell, and the way back to the same columns, types and words."""

import base64
import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Float

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.cells import (
    LARGEST,
    decode_dates,
    decode_numbers,
    find_large,
    plain_column,
    read_dates,
    read_numbers,
    read_words,
    recode_large,
    units_per_second,
)
from onehalf.data.tables.column import Column
from onehalf.data.tables.dialect import Dialect
from onehalf.data.tables.forms.base import Form
from onehalf.data.tables.forms.columns import form_of_field, to_field
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.statistics import shorten
from onehalf.data.tables.validation import locate_row

__all__ = ["HIDDEN", "NOT_CODED", "Cells", "TableEncoder"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

Cells = Float[np.ndarray, "rows columns"]
"""The cells of a table as numbers; NaN is missing."""

NOT_CODED = {
    "id": "IDs",
    "key": "keys",
    "personal": "personal data",
    "text": "free text",
}
"""Kinds that are not encoded, in words: they are neither learned nor measured."""

HIDDEN = "[not in training rows]"
"""Stands for each word of the data that no training row has: samples never hold it, and no file of a run has it."""

UNITS = (604_800, 86_400, 3_600, 60, 1)
"""Seconds in a tick of a date column: the most in which all of its dates are whole."""


@dataclass(frozen=True)
class TableEncoder:
    """What each cell of a table is as a float64.

    - integer, continuous: the number itself; whole ones beyond 2^53 have a number of their own
      (`large`).
    - date: ticks since 1970, in the coarsest unit in which all dates of the column are whole.
    - category, boolean, constant: the place of its word in `words`, from 0; of a number or a
      truth value that is one of these, how it is written.
    - id, key, personal, text: not at all.

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
    large: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    """For each column of whole numbers those beyond 2^53, in order."""

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
            refuse(
                "the table",
                expected="a column to learn from",
                got="IDs, personal data and free text only",
            )
        types = _types(table)
        words, ticks, large = {}, {}, {}
        for column in columns:
            field = types.field(column.name)
            sides = [table, *others]
            if column.kind == "date":
                ticks[column.name] = _find_tick(column, field.type, sides)
            elif column.kind in ("integer", "continuous"):
                found = find_large(
                    [plain_column(each, column, "the other table") for each in sides]
                )
                large |= {column.name: found} if found else {}
            else:
                words[column.name] = _find_words(column, sides)
        return cls(schema, types, words, ticks, large)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that have numbers, in the order of the table."""
        return tuple(column for column in self.schema.columns if column.kind not in NOT_CODED)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have numbers."""
        return tuple(column.name for column in self.columns)

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the columns of IDs."""
        return tuple(column.name for column in self.schema.columns if column.kind == "id")

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of the columns that have none."""
        return tuple(column.name for column in self.schema.columns if column.kind in NOT_CODED)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual about the file, and what will hurt, in sentences."""
        dialect = Dialect.of(self.types)
        about = dialect.describe() if dialect else ""
        return (*([about] if about else []), *self.schema.warnings)

    def encode(
        self,
        table: pa.Table,
        what: str = "the table",
        names: Collection[str] | None = None,
        *,
        is_known: bool = True,
    ) -> Cells:
        """Encode a checked table with these columns, in any order.

        Args:
            table: The table. It may have further columns.
            what: Its name in error messages.
            names: The columns to encode; the table need not have the others, whose cells are
                missing.
            is_known: Whether all words must be among `words`; others are missing if not.

        Raises:
            Refusal: A column is missing, or a word is not among `words`.
        """
        cells = np.full((len(table), len(self.columns)), np.nan)
        for index, column in enumerate(self.columns):
            if names is None or column.name in names:
                cells[:, index] = self._encode_column(table, column, what, is_known=is_known)
        return cells

    def decode(self, cells: Cells) -> pa.Table:
        """Decode cells: the encoded columns, in the order and of the types of the table that was fitted."""
        fields = [self.types.field(column.name) for column in self.columns]
        arrays = [
            self._array(column, numbers, field.type)
            for column, field, numbers in zip(
                self.columns, fields, np.asarray(cells).T, strict=True
            )
        ]
        written = [
            to_field(field.name, array, self._form_in_file(column, field))
            for column, field, array in zip(self.columns, fields, arrays, strict=True)
        ]
        return pa.table(arrays, schema=pa.schema(written, metadata=self.types.metadata))

    def _form_in_file(self, column: Column, field: pa.Field) -> Form | None:
        """How a text file has the values of a column that are not words."""
        form, _ = form_of_field(field)
        return column.form if column.form and column.kind in ("integer", "continuous") else form

    def units_per_second(self, name: str) -> int:
        """The units that make a second in a column of dates, of which a tick is several."""
        column = next(column for column in self.columns if column.name == name)
        return units_per_second(column, self.types.field(name).type)

    def hide_words(self, cells: Cells, keep: Collection[str] = ()) -> "TableEncoder":
        """Return the encoder that does not say which words there are beside those in these cells.

        The words have the same places, so that rows are encoded alike (`reveal_words`).

        Args:
            cells: Cells whose words may be known.
            keep: Columns whose words may all be known.
        """
        words = dict(self.words)
        for place, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            if column.kind == "category" and name not in keep:
                held = set(np.unique(cells[:, place]))
                words[name] = tuple(
                    word if code in held else HIDDEN for code, word in enumerate(words[name])
                )
        return dataclasses.replace(self, words=words, schema=self.schema.hide_words(words))

    def reveal_words(self, table: pa.Table) -> "TableEncoder":
        """Return the encoder with its hidden words, from the table that it was fitted to.

        Another table leaves the words hidden.
        """
        words = dict(self.words)
        for column in self.columns:
            own = words.get(column.name, ())
            if HIDDEN in own:
                found = _find_words(column, [table])
                if len(found) == len(own) and all(
                    a in (b, HIDDEN) for a, b in zip(own, found, strict=True)
                ):
                    words[column.name] = found
        return dataclasses.replace(self, words=words)

    def show(self, column: int, cell: float) -> str:
        """Format a cell for people: the word, the date, or the number.

        >>> TableEncoder.fit(pa.table({"sex": ["F", "M"]})).show(0, 1.0)
        'M'
        """
        about = self.columns[column]
        words = self.words.get(about.name, ())
        if words and not np.isnan(cell) and words[int(cell)] == HIDDEN:
            return HIDDEN
        type_ = self.types.field(about.name).type
        try:
            value = self._array(about, np.array([cell]), type_)[0].as_py()
        except pa.ArrowInvalid:
            # a word of another table, which has another type
            return words[int(cell)]
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
        rest = {name: dict(getattr(self, name)) for name in ("words", "ticks", "large")}
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
            {name: tuple(each) for name, each in fields.get("large", {}).items()},
        )

    def _encode_column(
        self, table: pa.Table, column: Column, what: str, *, is_known: bool
    ) -> np.ndarray:
        """One column's cells."""
        field = self.types.field(column.name)
        if plain_column(table, column, what).null_count == len(table):
            return np.full(len(table), np.nan)
        if column.kind == "date":
            units = read_dates(table, column, field.type, what).cast(pa.float64(), safe=False)
            return units.to_numpy(zero_copy_only=False) / self.ticks[column.name]
        if column.kind in ("integer", "continuous"):
            return self._encode_numbers(read_numbers(table, column, field, what), column)
        words = read_words(table, column, what, self.words[column.name])
        places = pc.index_in(words, value_set=pa.array(self.words[column.name], words.type))
        strange = pc.and_(pc.is_null(places), pc.is_valid(words))
        if HIDDEN in self.words[column.name]:
            hidden = self.words[column.name].index(HIDDEN)
            return pc.if_else(strange, hidden, places).cast(pa.float64()).to_numpy()
        if is_known and pc.any(strange).as_py():
            row = pc.index(strange, value=True).as_py()
            word, at = words[row].as_py(), locate_row(table, row)
            hint = did_you_mean(word, self.words[column.name])
            refuse(
                f"{what}, column {column.name!r}",
                expected="values of the data",
                got=f"{shorten(word, 40)!r} in {at}",
                hint=hint,
            )
        return pc.if_else(pc.is_null(words), None, places).cast(pa.float64()).to_numpy()

    def _encode_numbers(self, known: pa.ChunkedArray | pa.Array, column: Column) -> np.ndarray:
        """Numbers as float64, the large ones by their own."""
        cells = known.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        large = self.large.get(column.name, ())
        if not large or not pa.types.is_integer(known.type):
            return cells
        whole = pc.fill_null(known, 0).to_numpy(zero_copy_only=False)
        is_large, codes = recode_large(whole, large)
        return np.where(is_large, codes, cells)

    def _array(self, column: Column, cells: np.ndarray, type_: pa.DataType) -> pa.Array:
        """One column of a table, from its cells."""
        missing = np.isnan(cells)
        plain = type_.value_type if pa.types.is_dictionary(type_) else type_
        if column.kind == "date":
            tick = self.ticks[column.name]
            most = LARGEST // tick
            ticks = np.clip(np.rint(np.where(missing, 0, cells)), -most, most).astype(np.int64)
            units = pa.array(ticks * tick, mask=missing)
            return decode_dates(units, column, plain)
        if column.kind in ("integer", "continuous"):
            return decode_numbers(cells, column, plain, self.large.get(column.name, ()))
        places = pa.array(np.where(missing, 0, cells).astype(np.int64), mask=missing)
        words = pa.array(self.words[column.name], pa.large_string()).take(places)
        back = words.cast(plain)
        return back.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else back


def _types(table: pa.Table) -> pa.Schema:
    """The types of the columns, with the forms and the dialect of their file."""
    fields = [
        to_field(field.name, pa.nulls(0, field.type), form_of_field(field)[0])
        for field in table.schema
    ]
    dialect = Dialect.of(table.schema)
    return pa.schema(fields, metadata=dialect.to_metadata() if dialect else None)


def _find_tick(column: Column, type_: pa.DataType, tables: Sequence[pa.Table]) -> int:
    """The coarsest unit in which all dates of these tables are whole."""
    per = units_per_second(column, type_)
    each = [
        read_dates(table, column, type_, "the other table")
        .drop_null()
        .to_numpy(zero_copy_only=False)
        for table in tables
        if not _is_empty(table, column)
    ]
    both = np.concatenate([np.zeros(0, np.int64), *each])
    tick = next(per * unit for unit in UNITS if not (both % (per * unit)).any() or unit == 1)
    if tick == per and per > 1:
        return int(np.gcd(np.gcd.reduce(both), per))
    return tick


def _find_words(column: Column, tables: Sequence[pa.Table]) -> tuple[str, ...]:
    """All words of these tables, in the order of the alphabet."""
    own = [str(value) for value in (*column.categories, *column.values)]
    parts = [
        read_words(table, column, "the other table", own).unique()
        for table in tables
        if not _is_empty(table, column)
    ]
    held = {word for part in parts for word in part.drop_null().to_pylist()}
    return tuple(sorted(held))


def _is_empty(table: pa.Table, column: Column) -> bool:
    """Whether a table has no value in a column."""
    return plain_column(table, column, "the other table").null_count == len(table)
