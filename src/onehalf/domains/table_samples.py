"""Tables to be compared: parsed once, checked against each other, and encoded."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf.data.arrays.validation import Rows
from onehalf.data.tables.encoding import NOT_CODED, TableEncoder
from onehalf.data.tables.frames import is_data_frame, to_table
from onehalf.data.tables.schema import Schema
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.rows import wrap
from onehalf.evaluation.samples import (
    MOST_INDEPENDENT,
    KeyColumn,
    Samples,
    TypePair,
    check_count,
    choose_past,
    choose_samples_per_row,
    draw,
    settle_past,
)

__all__ = ["encode_table_samples"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

TYPES_OF_KINDS = {
    "integer": "whole numbers",
    "continuous": "numbers with decimals",
    "date": "dates",
}
"""What the words are that are encoded by a column of this kind."""

LEAST_ROWS = 2
"""The rows from which the kinds of columns can be inferred."""


def encode_table_samples(
    sides: dict[str, Any], sampler: Any, schema: Schema | None, seed: int
) -> Samples:
    """Parse tables, check them against each other, and encode them.

    Args:
        sides: Data frames: 'real', and perhaps 'other' and 'train'.
        sampler: What makes the other sample, if it is not there.
        schema: The kinds of the columns, where they were corrected by hand.
        seed: Settles what the sampler makes.

    Raises:
        Refusal: They can't be compared.
    """
    real = to_table(sides["real"], allow_empty=True)
    if schema is None and len(real) < LEAST_ROWS:
        refuse("real", expected=f"at least {LEAST_ROWS} rows", got=len(real) or "none")
    others = {side: rows for side, rows in sides.items() if side != "real"}
    for side, rows in others.items():
        if not is_data_frame(rows):
            refuse(side, expected="a table, as the data are", got="an array")
    tables = {
        side: to_table(rows, allow_empty=True, what=side) for side, rows in others.items()
    }
    each = choose_samples_per_row(len(real))
    given = ()
    past = choose_past(seed, len(tables.get("train", ())))
    if sampler is not None:
        given = tuple(getattr(sampler, "labels_", ()))
        tables |= _draw_tables(sampler, real, given, each, seed)
        if len(past):
            labels = tables["train"].select(given).take(past) if given else None
            tables["past"] = _draw_table(sampler, len(past), seed + 2, labels)
    extra = [
        name
        for side, table in tables.items()
        for name in _check_columns(side, table, real, schema)
    ]
    real, tables = _drop_unknown(real, tables)
    real, schema = _borrow_types(real, tables, schema)
    encoder = TableEncoder.fit(real, *tables.values(), schema=schema)
    tables = {"real": real, **tables}
    types = [table.schema for table in tables.values()]

    def encode(side: str, table: pa.Table, *, is_known: bool = False) -> Rows:
        cells = encoder.encode(table, side, is_known=is_known)
        _harmonize_precision(cells, types, encoder)
        cells[np.isnan(cells)] = np.nan  # of one sign, so that equal rows have equal hashes
        return cells

    cells = {side: encode(side, table, is_known=True) for side, table in tables.items()}
    places = [encoder.names.index(name) for name in given if name in encoder.names]
    if given and not np.array_equal(
        np.repeat(cells["real"][:, places], each, axis=0),
        cells["other"][:, places],
        equal_nan=True,
    ):
        refuse("sampler", expected="rows of the labels that it was given", got="others")
    encoded = {side: wrap(rows) for side, rows in cells.items()}
    return Samples(
        real=encoded["real"],
        other=encoded["other"],
        train=encoded.get("train"),
        free=encoded.get("free"),
        past=settle_past(encoded.get("train"), past, encoded.get("past"), given),
        encoder=TableFeatureEncoder(TableColumns(encoder)),
        given=given,
        left_out=tuple(dict.fromkeys([*encoder.left_out, *extra])),
        types=tuple(_compare_types(real, tables["other"], encoder)),
        keys=tuple(_count_repeats(real, tables["other"], encoder)),
        encode=lambda side, table: wrap(encode(side, table)),
    )


def _draw_tables(
    sampler: Any, real: pa.Table, given: tuple[str, ...], each: int, seed: int
) -> dict[str, pa.Table]:
    """Draw the other sample, for the labels of the real rows if the sampler has labels."""
    n = len(real)
    if not given:
        return {"other": _draw_table(sampler, n * each, seed)}
    labels = real.select(given).take(np.repeat(np.arange(n), each))
    return {
        "other": _draw_table(sampler, n * each, seed, labels),
        "free": _draw_table(sampler, min(n * each, MOST_INDEPENDENT), seed + 1),
    }


def _draw_table(sampler: Any, n: int, seed: int, given: pa.Table | None = None) -> pa.Table:
    """N rows of a sampler of tables, or one for each row of labels; without what it makes up."""
    made_up = getattr(sampler, "made_up_", ())
    rows = draw(sampler, n, seed, given)
    if not is_data_frame(rows):
        refuse("sampler", expected="a table, as the data are", got=type(rows).__name__)
    table = to_table(rows, allow_empty=True, what="sampler")
    check_count("sampler", table, n)
    return table.drop_columns([name for name in made_up if name in table.column_names])


def _check_columns(
    what: str, table: pa.Table, real: pa.Table, schema: Schema | None
) -> list[str]:
    """Refuse a table that lacks a column of the data, or has another one; ids and free text do not matter.

    The other ones that do not matter are given back.
    """
    own, of_data = set(table.column_names), set(real.column_names)
    lacking = [name for name in real.column_names if name not in own]
    kinds = (
        {
            column.name: column.kind
            for column in (schema or Schema.infer(real.select(lacking))).columns
        }
        if lacking
        else {}
    )
    for name in lacking:
        if kinds.get(name) not in NOT_CODED:
            nearest = difflib.get_close_matches(name, table.column_names, n=1, cutoff=0.5)
            hint = f"Is it {nearest[0]!r}?" if nearest else ""
            refuse(what, expected=f"a column {name!r}, as the data have", got="none", hint=hint)
    extra = [name for name in table.column_names if name not in of_data]
    for column in Schema.infer(table.select(extra)).columns if extra else ():
        if column.kind not in NOT_CODED:
            hint = "Remove it, or add it to the data."
            refuse(
                what,
                expected="the columns of the data",
                got=f"{column.name!r} besides",
                hint=hint,
            )
    return extra


def _drop_unknown(
    real: pa.Table, tables: dict[str, pa.Table]
) -> tuple[pa.Table, dict[str, pa.Table]]:
    """Drop the columns of which no table knows a value."""
    known = {
        name
        for table in (real, *tables.values())
        for name, column in zip(table.column_names, table.columns, strict=True)
        if column.null_count < len(table)
    }
    unknown = set(real.column_names) - known

    def drop(table: pa.Table) -> pa.Table:
        return table.select([name for name in table.column_names if name not in unknown])

    return drop(real), {side: drop(table) for side, table in tables.items()}


def _borrow_types(
    real: pa.Table, tables: dict[str, pa.Table], schema: Schema | None
) -> tuple[pa.Table, Schema | None]:
    """Give a column of which the data know no value the type and the kind that it has elsewhere."""
    kinds = {}
    for name in real.column_names:
        if real[name].null_count < len(real):
            continue
        known = next(
            (each for each in tables.values() if each[name].null_count < len(each)), real
        )
        kinds[name] = Schema.infer(known.select([name])).columns[0].kind
        place = real.column_names.index(name)
        real = real.set_column(place, name, pa.nulls(len(real), known.schema.field(name).type))
    return real, Schema.infer(real, kinds) if kinds and schema is None else schema


def _compare_types(
    real: pa.Table, other: pa.Table, encoder: TableEncoder
) -> Iterator[TypePair]:
    """The types of the columns that both have, where any value is known.

    Words that are numbers, dates or truth values count as such.
    """
    kinds = {column.name: column.kind for column in encoder.schema.columns}
    shared = set(other.column_names)
    for name in real.column_names:
        if name in shared:
            sides = [_name_type(table[name], kinds[name]) for table in (real, other)]
            if all(sides):
                yield TypePair(name, *sides)


def _name_type(column: pa.ChunkedArray, kind: str) -> str:
    """A type in words; nothing if no value is known."""
    type_ = column.type
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    if column.null_count == len(column):
        return ""
    if kind == "boolean":
        return "truth values"
    is_words = not (pa.types.is_primitive(plain) or pa.types.is_decimal(plain))
    if kind == "date" or (is_words and kind in TYPES_OF_KINDS):
        return TYPES_OF_KINDS[kind]
    if pa.types.is_boolean(plain):
        return "truth values"
    if pa.types.is_integer(plain):
        return "whole numbers"
    if pa.types.is_floating(plain) or pa.types.is_decimal(plain):
        return "numbers with decimals"
    return "dates" if pa.types.is_temporal(plain) else "words"


def _count_repeats(
    real: pa.Table, other: pa.Table, encoder: TableEncoder
) -> Iterator[KeyColumn]:
    """The ids of the other table that are missing or repeated, where those of the data are all different."""
    shared = set(other.column_names)
    for name in encoder.ids:
        if name in shared and _count_distinct(real[name]) == len(real):
            repeats = len(other) - _count_distinct(other[name])
            yield KeyColumn(name, len(other), repeats)


def _count_distinct(column: pa.ChunkedArray) -> int:
    """The different values, without missing ones."""
    return pc.count_distinct(column, mode="only_valid").as_py()


def _harmonize_precision(
    rows: Rows, tables: Sequence[pa.Schema], encoder: TableEncoder
) -> None:
    """What is float32 in one table becomes in all of them the number that is written: 0.1, and not 0.10000000149."""
    for place, about in enumerate(encoder.columns):
        if about.kind not in ("integer", "continuous"):
            continue
        types = [table.field(about.name).type for table in tables]
        if not any(
            is_coarse(each)
            for each in types
            for is_coarse in (pa.types.is_float16, pa.types.is_float32)
        ):
            continue
        coarser = np.float16 if any(map(pa.types.is_float16, types)) else np.float32
        low, high = float(np.finfo(coarser).min), float(np.finfo(coarser).max)
        values, where = np.unique(
            np.clip(rows[:, place], low, high).astype(coarser), return_inverse=True
        )
        rows[:, place] = np.array([float(str(value)) for value in values])[where]
