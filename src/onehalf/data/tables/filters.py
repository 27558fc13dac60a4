"""What `sample --where 'sex=F,age>40'` means: which rows of a table hold all of the conditions that a person wrote."""

import contextlib
import functools
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.encoding import NOT_CODED, Cells, TableEncoder
from onehalf.data.tables.profile import short
from onehalf.data.tables.schema import Column

__all__ = ["RowFilter", "find_column", "seconds_per_tick"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

QUOTED = r'"(?:[^"]|"")*"' + r"|'(?:[^']|'')*'"
NAME = rf"{QUOTED}|[^\s=<>,\"'][^=<>,]*?"
VALUE = rf"{QUOTED}|[^\s,|\"'][^,|]*?"
CONDITION = re.compile(
    rf"\s*({NAME})\s*(!=|<=|>=|==|=|<|>)\s*((?:{VALUE})\s*(?:\|\s*(?:{VALUE})\s*)*)(?:,|$)"
)
VALUES = re.compile(rf"(?:{VALUE})(?=\s*(?:\||$))")
ISO_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?)?)?")
ZONE = re.compile(r"(?<=:\d\d)([.]\d+)?(Z|[+-]\d\d:?\d\d)$")
UNITS = {"%S": "s", "%M": "m", "%H": "h", "%d": "D", "%m": "M"}
"""By how a date is written the unit that it names all of, the finest first."""

MISSING = "missing"
LISTED = 10
"""Words or values of a column that a refusal lists."""

Spans = Sequence[tuple[float, float]]
"""Closed intervals of cells that do not overlap."""

INFINITE = math.inf
ALL: Spans = ((-INFINITE, INFINITE),)
ORDERS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Condition:
    """One column, one sign, and what stands behind it."""

    name: str
    sign: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return (
            _quoted(self.name, "=<>,!")
            + self.sign
            + "|".join(_quoted(value, ",|") for value in self.values)
        )


@dataclass(frozen=True)
class Allowed:
    """What all conditions on one column leave: the cells in these spans, and perhaps a missing one."""

    spans: Spans
    missing: bool

    def both(self, other: "Allowed") -> "Allowed":
        """What this and another leave."""
        return Allowed(tuple(_both(self.spans, other.spans)), self.missing and other.missing)

    @property
    def empty(self) -> bool:
        """Whether no cell is left."""
        return not self.spans and not self.missing


@dataclass(frozen=True)
class RowFilter:
    """Conditions on the columns of a table, all of which are to hold.

    One condition is a column's name, a sign (= != < <= > >=) and a value, or several for = and != (`sex=F|M`: one of
    these; `sex!=F|M`: none of them). Commas lie between conditions. A name or a value with a comma, a sign or a | in it
    stands in quotes, and a quote of that kind in there is doubled.

    Words have = and != only, and capitals do not matter where they do not tell two words apart. Dates are written as in
    the data or 2024-03-20 12:30:00, and less of it means all of it: `day=2024-03` is any day of that March, and
    `day>2024` begins in 2025. `age=missing` holds where nothing is known, unless the column has that word.

    `!=` is the opposite of `=`, as in pandas and not as in SQL: a row whose sex is missing has `sex!=F`, and no order
    (`age<40` or `age>=40`) holds of a missing age.

    >>> people = pa.table({"age": [31, None, 54], "sex": ["F", "M", "F"]})
    >>> coding = TableEncoder.fit(people)
    >>> wanted = RowFilter.parse("sex = f, age>40", coding)
    >>> wanted.mask(coding.encode(people)), wanted.fixed, str(wanted)
    (array([False, False,  True]), {'sex': 0.0}, 'sex=F,age>40')
    """

    conditions: tuple[Condition, ...]
    coding: TableEncoder
    allowed: Mapping[str, Allowed]
    """By column what its conditions leave."""

    @classmethod
    def parse(cls, text: str, coding: TableEncoder) -> "RowFilter":
        """Read what a person wrote; refuse what no row of such data can hold.

        >>> RowFilter.parse("sex=W", TableEncoder.fit(pa.table({"age": [31, 54], "sex": ["F", "M"]})))
        Traceback (most recent call last):
        onehalf._errors.Refusal: sex=W: expected one of F, M; got 'W'.
        """
        conditions, allowed = [], {}
        for written in _split(text):
            index = find_column("the conditions", written.name, coding)
            column = coding.columns[index]
            condition, left = _meaning(written, column, coding)
            possible = _possible(column, coding)
            if left.both(possible).empty:
                _refuse_empty(str(condition), column, coding.words.get(column.name, ()))
            allowed[column.name] = left.both(allowed.get(column.name, left))
            conditions.append(condition)
            if allowed[column.name].both(possible).empty:
                got = " and ".join(str(each) for each in conditions if each.name == column.name)
                refuse(
                    "the conditions",
                    expected="what one row can hold",
                    got=f"{got}, which none can",
                )
        return cls(tuple(conditions), coding, allowed)

    def mask(self, rows: Cells) -> Bool[np.ndarray, " rows"]:
        """Which rows of the coded table hold all conditions."""
        holds = np.ones(len(rows), bool)
        for name, left in self.allowed.items():
            cells = rows[:, self.coding.names.index(name)]
            within = [(cells >= low) & (cells <= high) for low, high in left.spans]
            holds &= functools.reduce(np.logical_or, within, np.isnan(cells) & left.missing)
        return holds

    def on(self, names: Collection[str]) -> "RowFilter":
        """Those on these columns alone."""
        kept = tuple(condition for condition in self.conditions if condition.name in names)
        return RowFilter(
            kept,
            self.coding,
            {name: left for name, left in self.allowed.items() if name in names},
        )

    @property
    def fixed(self) -> dict[str, float]:
        """The columns that are left only one cell, and this cell: NaN where it is to be missing."""
        return {
            name: left.spans[0][0] if left.spans else math.nan
            for name, left in self.allowed.items()
            if not left.spans
            or (
                len(left.spans) == 1
                and left.spans[0][0] == left.spans[0][1]
                and not left.missing
            )
        }

    def __str__(self) -> str:
        return ",".join(map(str, self.conditions))


def find_column(what: str, name: str, coding: TableEncoder) -> int:
    """Find the place of a column among the cells of a row; refuse a name that is none, ids and free text.

    >>> find_column("the target", "agee", TableEncoder.fit(pa.table({"age": [31, 54]})))
    Traceback (most recent call last):
    onehalf._errors.Refusal: the target: expected a column of the table; got 'agee'. Did you mean age?
    """
    kinds = {column.name: column.kind for column in coding.schema.columns}
    if kinds.get(name) in NOT_CODED:
        got = f"{name!r}, which holds {'ids' if kinds[name] == 'id' else 'free text'}"
        refuse(what, expected="a column that can be learned", got=got)
    if name not in kinds:
        hint = did_you_mean(name, coding.names) or f"The table has {_some(coding.names)}."
        refuse(what, expected="a column of the table", got=repr(name), hint=hint)
    return coding.names.index(name)


def seconds_per_tick(name: str, coding: TableEncoder) -> Fraction:
    """Count the seconds in a tick of a column of dates.

    >>> seconds_per_tick("day", TableEncoder.fit(pa.table({"day": ["2024-03-20", "2024-03-21"]})))
    Fraction(86400, 1)
    """
    kind = coding.types.field(name).type
    per_second = (
        np.timedelta64(1, "s") // np.timedelta64(1, kind.unit)
        if pa.types.is_timestamp(kind)
        else 1
    )
    return Fraction(coding.ticks[name], int(per_second))


def _split(text: str) -> list[Condition]:
    """The conditions as they are written."""
    if not text.strip():
        refuse("the conditions", expected="such as sex=F,age>40", got="nothing")
    found, position, more = [], 0, True
    while more:
        match = CONDITION.match(text, position)
        if match is None:
            rest = text[position:].strip()
            hint = "A name or a value with a comma, a sign or a | in it needs quotes."
            hint = "What is not known is called missing." if rest.endswith("=") else hint
            got = repr(rest) if rest else "nothing after the last comma"
            refuse(
                "the conditions",
                expected="a column, one of = != < <= > >= and a value",
                got=got,
                hint=hint,
            )
        values = tuple(_bare(value) for value in VALUES.findall(match[3].strip()))
        found.append(Condition(_bare(match[1]), "=" if match[2] == "==" else match[2], values))
        position, more = match.end(), match[0].endswith(",")
    return found


def _meaning(
    written: Condition, column: Column, coding: TableEncoder
) -> tuple[Condition, Allowed]:
    """The condition with the column's own words in it, and which cells hold it."""
    words, sign = coding.words.get(column.name), written.sign
    if sign in ORDERS and words is not None:
        refuse(str(written), expected=f"= or !=, since {column.name!r} holds words", got=sign)
    values = tuple(
        _word(str(written), value, words) if words else value for value in written.values
    )
    unknown = MISSING in values and MISSING not in (words or ())
    if sign in ORDERS and (unknown or len(values) > 1):
        refuse(
            str(written),
            expected=f"one value after {sign}",
            got=" and ".join(map(repr, values)),
        )
    spans = [
        _span(str(written), value, column, coding)
        for value in values
        if not (unknown and value == MISSING)
    ]
    if sign in ORDERS:
        ((low, high),) = spans
        left = {
            "<": (-INFINITE, _before(low)),
            "<=": (-INFINITE, high),
            ">": (_after(high), INFINITE),
        }
        spans = [left.get(sign, (low, INFINITE))]
    elif sign == "!=":
        outside = (((-INFINITE, _before(low)), (_after(high), INFINITE)) for low, high in spans)
        spans = functools.reduce(_both, outside, ALL)
    if column.kind != "continuous":
        spans = [(float(np.ceil(low)), float(np.floor(high))) for low, high in spans]
    missing = unknown == (sign == "=") and sign not in ORDERS
    within = ((0.0, len(words) - 1.0),) if words else ALL
    return Condition(written.name, sign, values), Allowed(tuple(_both(within, spans)), missing)


def _word(what: str, value: str, words: tuple[str, ...]) -> str:
    """The word of the column that is meant; capitals, and how a number is written, may differ if one word only fits."""
    plain = value.casefold()
    alike = [
        word
        for word in words
        if word.casefold() == plain or _number(word) == _number(value) is not None
    ]
    if value in words or (value == MISSING and not alike):
        return value
    if len(alike) != 1:
        hint = did_you_mean(value, words) if len(words) > LISTED else ""
        refuse(what, expected=f"one of {_some(words)}", got=repr(value), hint=hint)
    return alike[0]


def _span(what: str, value: str, column: Column, coding: TableEncoder) -> tuple[float, float]:
    """The cells that a value names: one for a word or a number, all within a day, a month or a year for dates."""
    if column.name in coding.words:
        place = coding.words[column.name].index(value)
        return float(place), float(place)
    if column.kind == "date":
        return _dates(what, value, column, coding)
    number, kind = _number(value), coding.types.field(column.name).type
    if number is None:
        refuse(what, expected=f"a number, since {column.name!r} holds numbers", got=repr(value))
    # 0.1 in float32 is not 0.1, and is what a person means by it
    cell = (
        pa.scalar(number).cast(kind).cast(pa.float64()).as_py()
        if pa.types.is_floating(kind)
        else number
    )
    return cell, cell


def _dates(what: str, value: str, column: Column, coding: TableEncoder) -> tuple[float, float]:
    """The ticks within a date, which is a moment or all of a day, a month or a year."""
    begin = None
    with contextlib.suppress(ValueError):
        begin = np.datetime64(value.replace(" ", "T")) if ISO_DATE.fullmatch(value) else None
    if begin is None and column.format:
        unit = next(unit for part, unit in UNITS.items() if part in column.format)
        with contextlib.suppress(ValueError):
            begin = np.datetime64(datetime.strptime(value, column.format), unit)
    if begin is None:
        written = f" or {column.format}" if column.format else ""
        refuse(
            what, expected=f"a date such as {str(column.low)[:10]}{written}", got=repr(value)
        )
    ends = [
        _ticks(moment.astype("datetime64[us]"), column, coding) for moment in (begin, begin + 1)
    ]
    return ends[0], _before(ends[1])


def _ticks(moment: np.datetime64, column: Column, coding: TableEncoder) -> float:
    """A moment in ticks, by the clock of the column's time zone."""
    kind, at = coding.types.field(column.name).type, pa.scalar(moment, pa.timestamp("us"))
    if pa.types.is_timestamp(kind) and kind.tz:
        at = pc.assume_timezone(at, kind.tz, ambiguous="earliest", nonexistent="earliest")
    return float(Fraction(at.value, 10**6) / seconds_per_tick(column.name, coding))


def _possible(column: Column, coding: TableEncoder) -> Allowed:
    """What the column of the data holds: its words, its few values, or whatever lies in its range."""
    if column.name in coding.words:
        cells = [(0.0, len(coding.words[column.name]) - 1.0)]
    elif column.low is None or column.high is None:
        cells = ALL
    else:
        listed = column.values or (column.low, column.high)
        each = [
            _span("the schema", ZONE.sub("", str(value)), column, coding) for value in listed
        ]
        cells = each if column.values else [(each[0][0], each[1][1])]
    return Allowed(tuple(cells), column.missing > 0)


def _refuse_empty(what: str, column: Column, words: Iterable[str]) -> NoReturn:
    """No cell of the data holds this condition."""
    whole = "whole numbers from " if column.kind == "integer" else ""
    held = words or [short(value) for value in column.values]
    span = _some(held) if held else f"{whole}{short(column.low)} to {short(column.high)}"
    missing = "" if column.missing else ", and nothing missing"
    refuse(
        what,
        expected=f"something that {column.name!r} holds in the data ({span}{missing})",
        got="nothing of it",
    )


def _both(spans: Spans, others: Spans) -> Spans:
    """What lies in one of these and in one of those."""
    each = ((max(a, c), min(b, d)) for a, b in spans for c, d in others)
    return [(low, high) for low, high in each if low <= high]


def _before(number: float) -> float:
    return float(np.nextafter(number, -INFINITE))


def _after(number: float) -> float:
    return float(np.nextafter(number, INFINITE))


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        return number if math.isfinite(number := float(text)) else None
    except ValueError:
        return None


def _bare(text: str) -> str:
    """Without the quotes around it."""
    return text[1:-1].replace(text[0] * 2, text[0]) if text[0] in "\"'" else text


def _quoted(text: str, signs: str) -> str:
    """In quotes, if it would be read as something else without."""
    plain = (
        text
        and text == text.strip()
        and text[0] not in "\"'"
        and not any(sign in text for sign in signs)
    )
    return text if plain else '"' + text.replace('"', '""') + '"'


def _some(words: Iterable[str]) -> str:
    """The first few, and how many more."""
    listed = list(words)
    return ", ".join(listed[:LISTED]) + (
        f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    )
