"""What the values of a condition mean in a column: words, numbers and dates as cells."""

import contextlib
import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.cells import encode_large
from onehalf.data.tables.column import Column
from onehalf.data.tables.condition_parser import Condition
from onehalf.data.tables.encoding import HIDDEN, TableEncoder
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.spans import ALL, Allowed, Spans, before, unite

__all__ = [
    "MISSING",
    "find_possible",
    "find_spans",
    "find_words",
    "list_some",
    "seconds_per_tick",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

ISO_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?)?)?")

ZONE = re.compile(r"(?<=:\d\d)([.]\d+)?(Z|[+-]\d\d:?\d\d)$")

UNITS = {
    "f": "us",
    "%S": "s",
    "%M": "m",
    "%H": "h",
    "%-H": "h",
    "%I": "h",
    "%-I": "h",
    "%d": "D",
    "%-d": "D",
    "%Y": "M",
}
"""The unit of time that a date of some format covers, by the format's directive, the finest
first."""

MISSING = "missing"
"""The word for a missing value in a condition."""

MOST_LISTED = 10
"""The most words or values of a column that a message lists."""


def seconds_per_tick(name: str, coding: TableEncoder) -> Fraction:
    """Count the seconds in a tick, the unit of time of a column of dates.

    >>> seconds_per_tick("day", TableEncoder.fit(pa.table({"day": ["2024-03-20", "2024-03-21"]})))
    Fraction(86400, 1)
    """
    return Fraction(coding.ticks[name], coding.units_per_second(name))


def find_words(written: Condition, words: tuple[str, ...]) -> tuple[str, ...]:
    """Find the words of the column that are meant.

    Case and the format of a number may differ if only one word fits.
    """
    similar: dict[str | float, dict[str, None]] = {}
    for word in words:
        for trait in _traits(word):
            similar.setdefault(trait, {})[word] = None
    own = set(words)
    found = {}
    for value in written.values:
        alike = {word for trait in _traits(value) for word in similar.get(trait, ())}
        if value in own or (value == MISSING and not alike):
            found[value] = None
        elif len(alike) == 1:
            found |= dict.fromkeys(alike)
        else:
            expected = f"one of {list_some(words)}"
            hint = did_you_mean(value, words) if len(words) > MOST_LISTED else ""
            refuse(str(written), expected=expected, got=repr(value), hint=hint)
    return tuple(found)


def _traits(word: str) -> list[str | float]:
    """What words that mean the same share: capitals aside, or the number that they are."""
    number = _number(word)
    return [word.casefold()] if number is None else [word.casefold(), number]


def find_spans(what: str, values: Sequence[str], column: Column, coding: TableEncoder) -> Spans:
    """The cells that each value means: one for a word or a number, a range for a day, a month or a year."""
    if column.name in coding.words:
        place = {word: float(place) for place, word in enumerate(coding.words[column.name])}
        return [(place[value], place[value]) for value in values]
    if column.kind == "date":
        return [_dates(what, value, column, coding) for value in values]
    large = coding.large.get(column.name, ())
    exact = dict(zip(map(str, large), encode_large(large).tolist(), strict=True))
    numbers = [
        exact.get(value, number)
        for value, number in zip(values, _read_numbers(values, column), strict=True)
    ]
    for value, number in zip(values, numbers, strict=True):
        if number is None:
            expected = f"a number, since {column.name!r} holds numbers"
            refuse(what, expected=expected, got=repr(value))
    kind = coding.types.field(column.name).type
    if pa.types.is_floating(kind):
        # 0.1 in float32 is not 0.1, and is what a person means by it
        numbers = pa.array(numbers, pa.float64()).cast(kind).cast(pa.float64()).to_pylist()
    return [(number, number) for number in numbers]


def _read_numbers(values: Sequence[str], column: Column) -> list[float | None]:
    """Finite numbers, written as usual or as in the data; None where there is none."""
    usual = [_number(value) for value in values]
    if not isinstance(column.form, NumberForm):
        return usual
    own = column.form.parse(pa.array(values, pa.string())).to_pylist()
    return [number if mine is None else mine for number, mine in zip(usual, own, strict=True)]


def _dates(what: str, value: str, column: Column, coding: TableEncoder) -> tuple[float, float]:
    """The ticks of a date, which is a moment or a whole day, month or year."""
    begin = None
    with contextlib.suppress(ValueError):
        begin = np.datetime64(value.replace(" ", "T")) if ISO_DATE.fullmatch(value) else None
    if begin is None and isinstance(column.form, DateForm):
        unit = next(unit for part, unit in UNITS.items() if part in column.form.format)
        (moment,) = column.form.parse(pa.array([value])).to_pylist()
        begin = np.datetime64(moment, unit) if moment is not None else None
    if begin is None:
        refuse(what, expected=f"a date such as {_show_date(column)}", got=repr(value))
    ends = [
        _ticks(moment.astype("datetime64[us]"), column, coding) for moment in (begin, begin + 1)
    ]
    return ends[0], before(ends[1])


def _show_date(column: Column) -> str:
    """The first date of a column, in full and as its file writes it."""
    plain = str(column.low)[:10]
    if not isinstance(column.form, DateForm):
        return plain
    (written,) = column.form.to_words(pa.array([np.datetime64(plain, "us")])).to_pylist()
    return plain if written == plain else f"{plain} or {written}"


def _ticks(moment: np.datetime64, column: Column, coding: TableEncoder) -> float:
    """Convert a moment to ticks, in the column's time zone."""
    kind, at = coding.types.field(column.name).type, pa.scalar(moment, pa.timestamp("us"))
    if pa.types.is_timestamp(kind) and kind.tz:
        at = pc.assume_timezone(at, kind.tz, ambiguous="earliest", nonexistent="earliest")
    return float(Fraction(at.value, 10**6) / seconds_per_tick(column.name, coding))


def find_possible(column: Column, coding: TableEncoder) -> Allowed:
    """The cells that the column of the data can hold: its words, its listed values, or its range."""
    if column.name in coding.words:
        cells = [(0.0, len(coding.words[column.name]) - 1.0)]
    elif column.low is None or column.high is None:
        cells = ALL
    else:
        listed = column.values or (column.low, column.high)
        words = [ZONE.sub("", str(value)) for value in listed]
        each = find_spans("the schema", words, column, coding)
        cells = each if column.values else [(each[0][0], each[1][1])]
    return Allowed(tuple(unite(cells)), column.missing > 0)


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        return number if math.isfinite(number := float(text)) else None
    except ValueError:
        return None


def list_some(words: Iterable[str]) -> str:
    """List the first words, and count the rest."""
    listed = [word for word in words if word != HIDDEN]
    return ", ".join(listed[:MOST_LISTED]) + (
        f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    )
