"""Conditions on rows of a table, as in `sample --where 'sex=F,age>40'`: parse them, and select the rows."""

import contextlib
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool, Float

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.cells import encode_large
from onehalf.data.tables.column import Column
from onehalf.data.tables.encoding import HIDDEN, NOT_CODED, Cells, TableEncoder
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.statistics import format_value

__all__ = ["Allowed", "RowFilter", "find_column", "seconds_per_tick"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

# a sign is read once: *+ gives nothing back, so that reading takes time in proportion to the text
QUOTED = r'(?:"(?:[^"]|"")*+"|' + r"'(?:[^']|'')*+')\s*+"
NAME = rf"{QUOTED}|[^\s=<>,\"'](?:[^=<>,!]|!(?!=))*+"
VALUE = rf"(?:{QUOTED}|[^\s,|\"'][^,|]*+)"
CONDITION = re.compile(
    rf"\s*+({NAME})(!=|<=|>=|==|=|<|>)\s*+({VALUE}(?:\|\s*+{VALUE})*+)(?:,|\Z)"
)
BOUND = r"""(?:"(?:[^"]|"")*+"|'(?:[^']|'')*+'|[^\s=<>,|"'][^=<>,|"']*+)"""
CHAINED = re.compile(
    rf"\s*+(?P<first>{BOUND})\s*+(?P<sign>[<>])(?P<equal>=?)\s*+(?P<name>{BOUND})"
    rf"\s*+(?P=sign)(?P<equal_too>=?)\s*+(?P<last>{BOUND})\s*+(?:,|\Z)"
)
MIRRORED = {"<": ">", ">": "<"}
"""Each order as read from the other side."""

VALUES = re.compile(VALUE)
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

Values = Float[np.ndarray, " _"]

Spans = Sequence[tuple[float, float]]
"""Closed intervals of cells, in order, that do not overlap."""

ALL: Spans = ((-math.inf, math.inf),)
"""Every number."""

ORDERS = ("<", "<=", ">", ">=")
"""The signs that need an order."""


@dataclass(frozen=True)
class Condition:
    """One column, one sign, and one or more values."""

    name: str
    sign: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return (
            _quote(self.name, "=<>,!")
            + self.sign
            + "|".join(_quote(value, ",|") for value in self.values)
        )


@dataclass(frozen=True)
class Allowed:
    """The cells that all conditions on one column allow: those in these spans, and perhaps missing ones."""

    spans: Spans
    missing: bool

    def intersect(self, other: "Allowed") -> "Allowed":
        """The cells that both allow."""
        return Allowed(
            tuple(_intersect(self.spans, other.spans)), self.missing and other.missing
        )

    def holds(self, cells: Values) -> Bool[np.ndarray, " _"]:
        """Whether each cell is allowed."""
        within = np.zeros(len(cells), bool)
        if self.spans:
            lows, highs = np.array(self.spans).T
            place = np.searchsorted(lows, cells, side="right") - 1
            within = (place >= 0) & (cells <= highs[place])
        return within | (np.isnan(cells) & self.missing)

    @property
    def is_empty(self) -> bool:
        """Whether no cell is allowed."""
        return not self.spans and not self.missing


@dataclass(frozen=True)
class RowFilter:
    """Conditions on the columns of a table, all of which must hold.

    One condition is a column's name, a sign (= != < <= > >=) and a value, or several for = and
    != (`sex=F|M`: one of these; `sex!=F|M`: none of them). Commas separate conditions. A name
    or a value that contains a comma, a sign or a | is put in quotes, and a quote of that kind
    inside is doubled. `30<=age<40` is short for `age>=30,age<40`.

    Words take = and != only, and case is ignored unless two words differ in nothing else. Dates
    are written as in the data or as 2024-03-20 12:30:00, and may be shorter: `day=2024-03` is
    any day of that March, and `day>2024` begins in
    2025. `age=missing` matches missing values, unless the column has that word.

    `!=` is the opposite of `=`, as in pandas and not as in SQL: a row whose sex is missing has
    `sex!=F`, and no order (`age<40` or `age>=40`) holds of a missing age.

    >>> people = pa.table({"age": [31, None, 54], "sex": ["F", "M", "F"]})
    >>> coding = TableEncoder.fit(people)
    >>> wanted = RowFilter.parse("sex = f, age>40", coding)
    >>> wanted.mask(coding.encode(people)), wanted.fixed, str(wanted)
    (array([False, False,  True]), {'sex': 0.0}, 'sex=F,age>40')
    """

    conditions: tuple[Condition, ...]
    coding: TableEncoder
    allowed: Mapping[str, Allowed]
    """The cells that the conditions allow, by column."""

    @classmethod
    def parse(cls, text: Any, coding: TableEncoder) -> "RowFilter":
        """Parse what a user typed.

        Raises:
            Refusal: The conditions are no text, one is malformed, or no row of such data can satisfy it.

        >>> RowFilter.parse("sex=W", TableEncoder.fit(pa.table({"age": [31, 54], "sex": ["F", "M"]})))
        Traceback (most recent call last):
        onehalf._errors.Refusal: sex=W: expected one of F, M; got 'W'.
        """
        if not isinstance(text, str):
            got = type(text).__name__
            refuse("where", expected="a text such as 'sex=F,age>40'", got=f"a {got}")
        conditions, allowed = [], {}
        for written in _split(text):
            index = find_column("the conditions", written.name, coding)
            column = coding.columns[index]
            condition, left = _interpret(written, column, coding)
            possible = _possible(column, coding)
            if left.intersect(possible).is_empty:
                _refuse_empty(str(condition), column, coding.words.get(column.name, ()))
            allowed[column.name] = left.intersect(allowed.get(column.name, left))
            conditions.append(condition)
            if allowed[column.name].intersect(possible).is_empty:
                got = " and ".join(str(each) for each in conditions if each.name == column.name)
                refuse(
                    "the conditions",
                    expected="conditions that one row can satisfy",
                    got=f"{got}, which exclude each other",
                )
        return cls(tuple(conditions), coding, allowed)

    def mask(self, rows: Cells) -> Bool[np.ndarray, " rows"]:
        """Which rows of the encoded table satisfy all conditions."""
        holds = np.ones(len(rows), bool)
        for name, left in self.allowed.items():
            holds &= left.holds(rows[:, self.coding.names.index(name)])
        return holds

    def on(self, names: Collection[str]) -> "RowFilter":
        """Select the conditions on these columns."""
        kept = tuple(condition for condition in self.conditions if condition.name in names)
        return RowFilter(
            kept,
            self.coding,
            {name: left for name, left in self.allowed.items() if name in names},
        )

    @property
    def fixed(self) -> dict[str, float]:
        """The columns for which a single cell is allowed, and this cell: NaN where it must be missing."""
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
    """Find the index of a column among the cells of a row.

    Raises:
        Refusal: The name is unknown, or the column is not learned.

    >>> find_column("the target", "agee", TableEncoder.fit(pa.table({"age": [31, 54]})))
    Traceback (most recent call last):
    onehalf._errors.Refusal: the target: expected a column of the table; got 'agee'. Did you mean age?
    """
    kinds = {column.name: column.kind for column in coding.schema.columns}
    if kinds.get(name) in NOT_CODED:
        got = f"{name!r}, which holds {NOT_CODED[kinds[name]]}"
        refuse(what, expected="a column that can be learned", got=got)
    if name not in kinds:
        hint = did_you_mean(name, coding.names) or f"The table has {_list_some(coding.names)}."
        refuse(what, expected="a column of the table", got=repr(name), hint=hint)
    return coding.names.index(name)


def seconds_per_tick(name: str, coding: TableEncoder) -> Fraction:
    """Count the seconds in a tick, the unit of time of a column of dates.

    >>> seconds_per_tick("day", TableEncoder.fit(pa.table({"day": ["2024-03-20", "2024-03-21"]})))
    Fraction(86400, 1)
    """
    return Fraction(coding.ticks[name], coding.units_per_second(name))


def _split(text: str) -> list[Condition]:
    """Split a text into conditions, values as typed."""
    if not text.strip():
        refuse("the conditions", expected="conditions such as sex=F,age>40", got="nothing")
    conditions = []
    position = 0
    more = True
    while more:
        chained = CHAINED.match(text, position)
        if chained:
            conditions += _split_chain(chained)
            position, more = chained.end(), chained[0].endswith(",")
            continue
        match = CONDITION.match(text, position)
        if match is None:
            rest = text[position:].strip()
            hint = "A name or a value with a comma, a sign or a | in it needs quotes."
            hint = "Write missing for a missing value." if rest.endswith("=") else hint
            got = repr(rest) if rest else "nothing after the last comma"
            refuse(
                "the conditions",
                expected="a column, one of = != < <= > >= and a value",
                got=got,
                hint=hint,
            )
        values = dict.fromkeys(_unquote(value.strip()) for value in VALUES.findall(match[3]))
        sign = "=" if match[2] == "==" else match[2]
        conditions.append(Condition(_unquote(match[1].strip()), sign, tuple(values)))
        position, more = match.end(), match[0].endswith(",")
    return conditions


def _split_chain(chained: re.Match[str]) -> list[Condition]:
    """Both conditions of a text such as 30<=age<40."""
    first, name, last = (_unquote(chained[each].strip()) for each in ("first", "name", "last"))
    before = MIRRORED[chained["sign"]] + chained["equal"]
    after = chained["sign"] + chained["equal_too"]
    return [Condition(name, before, (first,)), Condition(name, after, (last,))]


def _interpret(
    written: Condition, column: Column, coding: TableEncoder
) -> tuple[Condition, Allowed]:
    """The condition with the column's own words in it, and the cells that satisfy it."""
    words, sign = coding.words.get(column.name), written.sign
    if sign in ORDERS and words is not None:
        refuse(str(written), expected=f"= or !=, since {column.name!r} holds words", got=sign)
    values = _find_words(written, words) if words else written.values
    unknown = MISSING in values and MISSING not in (words or ())
    if sign in ORDERS and (unknown or len(values) > 1):
        refuse(
            str(written),
            expected=f"one value after {sign}",
            got=" and ".join(map(repr, values)),
        )
    known = [value for value in values if not (unknown and value == MISSING)]
    spans = _spans(str(written), known, column, coding)
    if sign in ORDERS:
        ((low, high),) = spans
        left = {
            "<": (-math.inf, _before(low)),
            "<=": (-math.inf, high),
            ">": (_after(high), math.inf),
        }
        spans = [left.get(sign, (low, math.inf))]
    elif sign == "!=":
        spans = _complement(_unite(spans))
    if column.kind != "continuous":
        spans = [(float(np.ceil(low)), float(np.floor(high))) for low, high in spans]
    spans = _unite(spans)
    missing = unknown == (sign == "=") and sign not in ORDERS
    within = ((0.0, len(words) - 1.0),) if words else ALL
    return Condition(written.name, sign, values), Allowed(
        tuple(_intersect(within, spans)), missing
    )


def _find_words(written: Condition, words: tuple[str, ...]) -> tuple[str, ...]:
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
            expected = f"one of {_list_some(words)}"
            hint = did_you_mean(value, words) if len(words) > MOST_LISTED else ""
            refuse(str(written), expected=expected, got=repr(value), hint=hint)
    return tuple(found)


def _traits(word: str) -> list[str | float]:
    """What words that mean the same share: capitals aside, or the number that they are."""
    number = _number(word)
    return [word.casefold()] if number is None else [word.casefold(), number]


def _spans(what: str, values: Sequence[str], column: Column, coding: TableEncoder) -> Spans:
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
    return ends[0], _before(ends[1])


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


def _possible(column: Column, coding: TableEncoder) -> Allowed:
    """The cells that the column of the data can hold: its words, its listed values, or its range."""
    if column.name in coding.words:
        cells = [(0.0, len(coding.words[column.name]) - 1.0)]
    elif column.low is None or column.high is None:
        cells = ALL
    else:
        listed = column.values or (column.low, column.high)
        words = [ZONE.sub("", str(value)) for value in listed]
        each = _spans("the schema", words, column, coding)
        cells = each if column.values else [(each[0][0], each[1][1])]
    return Allowed(tuple(_unite(cells)), column.missing > 0)


def _refuse_empty(what: str, column: Column, words: Iterable[str]) -> NoReturn:
    """Refuse a condition that no cell of the data satisfies."""
    whole = "whole numbers from " if column.kind == "integer" else ""
    held = words or [format_value(value) for value in column.values]
    span = (
        _list_some(held)
        if held
        else f"{whole}{format_value(column.low)} to {format_value(column.high)}"
    )
    missing = "" if column.missing else ", none missing"
    refuse(
        what,
        expected=f"a condition that holds for some value of {column.name!r} in the data ({span}{missing})",
        got="one that holds for none",
    )


def _intersect(spans: Spans, others: Spans) -> Spans:
    """Intersect two unions of intervals: of two that end, the first to end meets no further one."""
    shared = []
    i = j = 0
    while i < len(spans) and j < len(others):
        low = max(spans[i][0], others[j][0])
        high = min(spans[i][1], others[j][1])
        if low <= high:
            shared.append((low, high))
        if spans[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return shared


def _unite(spans: Spans) -> Spans:
    """Put intervals in order, those that overlap as one, without those that end before they begin."""
    united: list[tuple[float, float]] = []
    for low, high in sorted(span for span in spans if span[0] <= span[1]):
        if united and low <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], high)
        else:
            united.append((low, high))
    return united


def _complement(spans: Spans) -> Spans:
    """All that lies outside of intervals that are in order."""
    lows = [-math.inf, *(_after(high) for _, high in spans)]
    highs = [*(_before(low) for low, _ in spans), math.inf]
    return list(zip(lows, highs, strict=True))


def _before(number: float) -> float:
    return float(np.nextafter(number, -math.inf))


def _after(number: float) -> float:
    return float(np.nextafter(number, math.inf))


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        return number if math.isfinite(number := float(text)) else None
    except ValueError:
        return None


def _unquote(text: str) -> str:
    """Remove the quotes around a text."""
    return text[1:-1].replace(text[0] * 2, text[0]) if text[0] in "\"'" else text


def _quote(text: str, signs: str) -> str:
    """Put a text in quotes, if it would be parsed differently without."""
    plain = (
        text
        and text == text.strip()
        and text[0] not in "\"'"
        and not any(sign in text for sign in signs)
    )
    return text if plain else '"' + text.replace('"', '""') + '"'


def _list_some(words: Iterable[str]) -> str:
    """List the first words, and count the rest."""
    listed = [word for word in words if word != HIDDEN]
    return ", ".join(listed[:MOST_LISTED]) + (
        f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    )
