"""The cells of one column as float64, and back to its type and its words."""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.column import Column
from onehalf.data.tables.forms.base import MISSING, ODD_SHARE, AnyArray, is_text
from onehalf.data.tables.forms.booleans import BooleanForm, find_truth
from onehalf.data.tables.forms.columns import form_of_field, means_same, to_words
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.statistics import find_sentinels, shorten
from onehalf.data.tables.validation import locate_row

__all__ = [
    "LARGEST",
    "decode_dates",
    "decode_numbers",
    "encode_large",
    "find_large",
    "plain_column",
    "read_dates",
    "read_numbers",
    "read_words",
    "recode_large",
    "type_of_moments",
    "units_per_second",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

LARGEST = float(2**63 - 1024)
"""The largest float64 that is an int64."""

LARGEST_UNSIGNED = float(2**64 - 2048)
"""The largest float64 that is a uint64."""


def plain_column(table: pa.Table, column: Column, what: str) -> pa.ChunkedArray:
    """The column of that name, of its plain type.

    Raises:
        Refusal: There is none.
    """
    place = table.schema.get_field_index(column.name)
    if place < 0:
        hint = did_you_mean(column.name, table.column_names)
        refuse(
            what, expected=f"a column {column.name!r}, as the data has", got="none", hint=hint
        )
    known = table.column(place)
    return known.cast(known.type.value_type) if pa.types.is_dictionary(known.type) else known


def read_numbers(table: pa.Table, column: Column, field: pa.Field, what: str) -> AnyArray:
    """The cells of a column of numbers: numbers as they are, words by their form.

    Args:
        table: A checked table.
        column: The column of the data.
        field: The field of the data.
        what: The table's name in error messages.

    Raises:
        Refusal: More than a few of its cells are not numbers; of data that are numbers in a frame, one is not.
    """
    known = plain_column(table, column, what)
    written, _ = form_of_field(table.schema.field(column.name))
    if is_text(known.type):
        own = column.form if isinstance(column.form, NumberForm) else None
        form = own or NumberForm.infer(known) or NumberForm()
        if not own and form.null.strip() not in MISSING:
            form = dataclasses.replace(form, null="")
        reading = form.read(known)
        if own and len(reading.find_lost(known)) > ODD_SHARE * len(known):
            reading = (NumberForm.infer(known) or own).read(known)
        lost = reading.find_lost(known)
        if len(lost) > (ODD_SHARE * len(known) if own else 0):
            _refuse_cell(table, known, lost[0], column, what, "numbers, as in the data")
        return reading.values
    if pa.types.is_temporal(known.type):
        first = known.drop_null()[0].cast(pa.string())
        _refuse_cell(
            table, known.cast(pa.string()), first, column, what, "numbers, as in the data"
        )
    before, _ = form_of_field(field)
    form = column.form
    if form is None or written is None or not means_same(before, written):
        return known
    return known if means_same(form, before) else form.parse(to_words(known, written))


def read_dates(table: pa.Table, column: Column, type_: pa.DataType, what: str) -> AnyArray:
    """The cells of a column of dates as int64, in the unit of `type_of_moments`.

    Raises:
        Refusal: More than a few of its cells are not dates, or not in the format of the data.
    """
    known = plain_column(table, column, what)
    target = type_of_moments(column, type_)
    form = column.form if isinstance(column.form, DateForm) else None
    if pa.types.is_temporal(known.type):
        moments = known.cast(pa.timestamp("s")) if pa.types.is_date(known.type) else known
        has_zone = pa.types.is_timestamp(known.type) and known.type.tz is not None
        units = moments.cast(target, safe=False).cast(pa.int64())
        offset = form.offset * units_per_second(column, type_) if form and has_zone else 0
        return pc.add(units, offset)
    written, _ = form_of_field(table.schema.field(column.name))
    words = to_words(known, written)
    used = form or DateForm.infer(words)
    expected = (
        f"dates written {form.format}, as in the data" if form else "dates, as in the data"
    )
    if used is None:
        _refuse_cell(table, words, words.drop_null()[0], column, what, expected)
    reading = used.read(words)
    _check_lost(table, words, reading.find_lost(words), column, what, expected)
    units = reading.values.cast(target, safe=False).cast(pa.int64())
    shift = used.offset if not form and pa.types.is_timestamp(type_) and type_.tz else 0
    return pc.subtract(units, shift * units_per_second(column, type_))


def read_words(
    table: pa.Table, column: Column, what: str, own: Collection[str]
) -> pa.ChunkedArray:
    """The cells of a column of words; those of a boolean as the data write true and false.

    3.0 is written as 3, so that types of numbers do not matter.

    Args:
        table: A checked table.
        column: The column of the data.
        what: The table's name in error messages.
        own: The words of the data.
    """
    known = plain_column(table, column, what)
    words = known if pa.types.is_large_string(known.type) else known.cast(pa.large_string())
    if column.kind not in ("boolean", "constant"):
        return words
    truth: dict[bool | None, str] = {find_truth(word): word for word in own}
    if isinstance(column.form, BooleanForm):
        truth = {True: column.form.true, False: column.form.false}
    others = [word for word in words.unique().drop_null().to_pylist() if word not in own]
    for word in others:
        meant = find_truth(word)
        if meant is not None and meant in truth:
            same = pa.scalar(truth[meant], words.type)
            words = pc.if_else(pc.equal(words, word), same, words)
    return words


def type_of_moments(column: Column, type_: pa.DataType) -> pa.DataType:
    """The type in which the dates of a column are whole numbers: its own, or that of its form."""
    if pa.types.is_timestamp(type_):
        return type_
    form = column.form
    return pa.timestamp(form.unit if isinstance(form, DateForm) else "s")


def units_per_second(column: Column, type_: pa.DataType) -> int:
    """The units of `type_of_moments` that make a second."""
    unit = type_of_moments(column, type_).unit
    return {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]


def decode_dates(units: pa.Array, column: Column, type_: pa.DataType) -> pa.Array:
    """Dates of the column's type, from int64."""
    moments = units.cast(type_of_moments(column, type_))
    if pa.types.is_timestamp(type_):
        return moments
    if pa.types.is_date(type_):
        return moments.cast(type_)
    form: Any = column.form
    if is_text(type_):
        return form.write(moments).cast(type_)
    return form.to_words(moments).cast(pa.int64()).cast(type_)


def decode_numbers(
    cells: np.ndarray, column: Column, type_: pa.DataType, large: Sequence[int]
) -> pa.Array:
    """Numbers of the column's type, or as the words that it has for them."""
    missing = np.isnan(cells)
    if pa.types.is_floating(type_):
        return pa.array(cells.astype(np.float64), mask=missing).cast(type_, safe=False)
    if pa.types.is_decimal(type_):
        most = np.nextafter(10.0 ** (type_.precision - type_.scale), 0)
        numbers = np.clip(np.where(missing, 0.0, cells), -most, most)
        return pa.array(numbers, mask=missing).cast(type_, safe=False)
    if is_text(type_):
        form = column.form or NumberForm()
        is_whole = column.kind == "integer"
        values = np.rint(np.where(missing, 0, cells)).astype(np.int64) if is_whole else cells
        return form.write(pa.array(values, mask=missing)).cast(type_)
    return pa.array(_to_whole(cells, type_, large), mask=missing).cast(type_, safe=False)


def _to_whole(cells: np.ndarray, type_: pa.DataType, large: Sequence[int]) -> np.ndarray:
    """Whole numbers, the large ones exactly."""
    unsigned = type_ == pa.uint64()
    kind = np.uint64 if unsigned else np.int64
    ends = (0.0, LARGEST_UNSIGNED) if unsigned else (-(2.0**63), LARGEST)
    whole = np.clip(np.rint(np.where(np.isnan(cells), 0, cells)), *ends).astype(kind)
    if large:
        codes = encode_large(large)
        limits = np.iinfo(kind)
        known = np.array(large, object).clip(limits.min, limits.max).astype(kind)
        places = np.searchsorted(codes, cells).clip(max=len(codes) - 1)
        whole = np.where(codes[places] == cells, known[places], whole)
    return whole


def find_large(columns: Sequence[AnyArray]) -> tuple[int, ...]:
    """The whole numbers of some columns that float64 can't tell from their neighbours."""
    found: set[int] = set()
    for column in columns:
        if pa.types.is_integer(column.type):
            values = column.drop_null().to_numpy(zero_copy_only=False)
            found |= set(np.unique(find_sentinels(values)).tolist())
    return tuple(sorted(found))


def encode_large(large: Sequence[int]) -> np.ndarray:
    """A float64 of its own for each of these numbers, in their order.

    >>> encode_large([2**63 - 2, 2**63 - 1]).tolist()
    [9.223372036854776e+18, 9.223372036854778e+18]
    """
    codes = np.array(large, np.float64)
    for place in range(1, len(codes)):
        codes[place] = max(codes[place], np.nextafter(codes[place - 1], np.inf))
    return codes


def recode_large(whole: np.ndarray, large: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Find which whole numbers are large ones, and the float64 of each of these."""
    ends = np.iinfo(whole.dtype)
    codes = encode_large(large)
    inside = [place for place, number in enumerate(large) if ends.min <= number <= ends.max]
    if not inside:
        return np.zeros(len(whole), bool), np.zeros(len(whole))
    known = np.array([large[place] for place in inside], whole.dtype)
    places = np.searchsorted(known, whole).clip(max=len(known) - 1)
    return known[places] == whole, codes[inside][places]


def _check_lost(
    table: pa.Table, words: AnyArray, lost: AnyArray, column: Column, what: str, expected: str
) -> None:
    """Refuse words that can't be read, if they are more than a few."""
    if len(lost) > ODD_SHARE * len(words):
        _refuse_cell(table, words, lost[0], column, what, expected)


def _refuse_cell(
    table: pa.Table, words: AnyArray, word: pa.Scalar, column: Column, what: str, expected: str
) -> NoReturn:
    """Refuse a cell, and say where it is."""
    at = locate_row(table, pc.index(words, word).as_py())
    got = f"{shorten(word.as_py(), 40)!r} in {at}"
    refuse(f"{what}, column {column.name!r}", expected=expected, got=got)
