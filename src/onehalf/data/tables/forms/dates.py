"""Dates and times in words: which format, and the same words again."""

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf.data.tables.forms.base import (
    ODD_SHARE,
    AnyArray,
    Form,
    find_null,
    is_missing,
    tally,
)
from onehalf.data.tables.forms.date_parts import (
    DIRECTIVES,
    FRACTION,
    TOKEN,
    count_days,
    full_year,
    make_pattern,
    make_template,
    read_hour,
    read_month,
    read_offset,
    spell,
    to_numbers,
)
from onehalf.data.tables.forms.date_shapes import find_shapes

__all__ = ["DateForm", "find_formats"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

OFFSET = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
"""An offset from UTC that is the same in all rows."""

UNITS = {0: "s", 3: "ms", 6: "us", 9: "ns"}
"""The unit of time of fractions, by their number of digits."""

ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Australia/Sydney"),
)
"""Time zones that are tried where offsets from UTC differ from row to row: daylight saving."""

SOME = 24
"""Words whose shapes are looked at."""


@dataclass(frozen=True)
class DateForm(Form):
    """How the dates of a column are written.

    >>> form = DateForm(format="%-m/%-d/%Y %I:%M %p")
    >>> form.parse(pa.array(["7/13/2020 03:55 PM", "13/13/2020 03:55 PM"])).to_pylist()
    [datetime.datetime(2020, 7, 13, 15, 55), None]
    >>> form.to_words(form.parse(pa.array(["7/13/2020 03:55 PM"]))).to_pylist()
    ['7/13/2020 03:55 PM']
    """

    format: str = ""
    """As in strftime: it can't be left out."""
    zone: str = ""
    """The time zone that gives the offsets of `%z`; UTC if it is empty."""

    name: ClassVar[str] = "date"

    @classmethod
    def infer(cls, words: AnyArray) -> "DateForm | None":
        """The form of words, if at least 95 % of them are dates of one format.

        >>> DateForm.infer(pa.array(["13.07.2020", "01.02.2021"])).format
        '%d.%m.%Y'
        """
        missing = is_missing(words)
        held, counts = tally(words.filter(pc.invert(missing)))
        found = _rank_formats(held, counts, 1 - ODD_SHARE)
        if not found:
            return None
        form = cls(format=found[0])
        null = find_null(words, missing)
        wrong = pc.is_null(form.parse(held))
        if not null and pc.any(wrong).as_py():
            odd = counts.filter(wrong)
            if pc.max(odd).as_py() >= pc.sum(missing).as_py():
                null = held.filter(wrong)[pc.index(odd, pc.max(odd)).as_py()].as_py()
        return replace(form, null=null, zone=_find_zone(form, held))

    @classmethod
    def guess(cls, words: AnyArray) -> "DateForm":
        """The form of most of the words that are dates; of ISO dates, if none is one."""
        found = find_formats(words)
        return cls(format=max(found, key=lambda each: each[1])[0] if found else "%Y-%m-%d")

    @property
    def unit(self) -> str:
        """The unit of time in which all dates are whole: s, ms, us or ns."""
        match = FRACTION.search(self.format)
        digits = int(match[1] or 6) if match else 0
        return UNITS[-(-digits // 3) * 3]

    @property
    def per_second(self) -> int:
        """How many units a second has."""
        return {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[self.unit]

    @property
    def offset(self) -> int:
        """The seconds from UTC of all rows, where the format has them as a fixed text."""
        match = OFFSET.search(self.format)
        return read_offset(match[0]) if match else 0

    def parse(self, words: AnyArray) -> AnyArray:
        """Times in this form's unit; an offset that differs from row to row is taken off."""
        encoded = words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
        encoded = encoded.dictionary_encode()
        return self._parse(encoded.dictionary).take(encoded.indices)

    def _parse(self, words: pa.Array) -> pa.Array:
        match = pc.extract_regex(words, make_pattern(self.format))
        names = [field.name for field in match.type]
        is_date = match.is_valid().to_numpy(zero_copy_only=False)
        parts = {name: pc.struct_field(match, [name]) for name in names}
        numbers = {
            name: to_numbers(part) for name, part in parts.items() if name in "YymdHIMSf"
        }
        zero = np.zeros(len(words), np.int64)
        month, is_month = read_month(parts, numbers, zero)
        hour, is_hour = read_hour(parts, numbers, zero)
        year = numbers["Y"] if "Y" in numbers else full_year(numbers.get("y", zero))
        day = numbers.get("d", zero + 1)
        minute, second = numbers.get("M", zero), numbers.get("S", zero)
        first = count_days(year, month)
        length = count_days(year + month // 12, month % 12 + 1) - first
        is_date &= is_month & is_hour & (minute < 60) & (second < 60)
        is_date &= (day >= 1) & (day <= length) & (year >= 1)
        seconds = (first + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second
        if "z" in parts:
            seconds -= np.array(
                [read_offset(word or "Z") for word in parts["z"].to_pylist()], int
            )
        ticks = seconds * self.per_second + self._read_fraction(parts, zero)
        return pa.array(ticks, mask=~is_date).cast(pa.timestamp(self.unit))

    def _read_fraction(self, parts: Mapping[str, AnyArray], zero: np.ndarray) -> np.ndarray:
        """The fractions of seconds in this form's unit."""
        if "f" not in parts:
            return zero
        digits = len(str(self.per_second)) - 1
        padded = pc.utf8_slice_codeunits(
            pc.utf8_rpad(pc.fill_null(parts["f"], ""), digits, "0"), 0, digits
        )
        return pc.cast(padded, pa.int64()).to_numpy(zero_copy_only=False)

    def to_words(self, values: AnyArray) -> pa.Array:
        """Times, in any unit, as words."""
        encoded = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        encoded = encoded.dictionary_encode()
        times = encoded.dictionary.cast(pa.timestamp(self.unit), safe=False)
        ticks = times.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return pa.array(self._write(ticks), pa.string()).take(encoded.indices)

    def _write(self, ticks: np.ndarray) -> list[str]:
        """Times, in this form's unit since 1970, as words."""
        seconds, part = np.divmod(ticks, self.per_second)
        offsets = _offsets(seconds, self.zone)
        seconds = seconds + offsets
        days, clock = np.divmod(seconds, 86_400)
        moment = days.astype("datetime64[D]")
        months = moment.astype("datetime64[M]")
        month = months.astype(np.int64) % 12
        year = months.astype("datetime64[Y]").astype(np.int64) + 1970
        hour = clock // 3_600
        numbers = {
            "Y": year,
            "y": year % 100,
            "m": month + 1,
            "b": month,
            "B": month,
            "d": (moment - months.astype("datetime64[D]")).astype(np.int64) + 1,
            "H": hour,
            "I": (hour - 1) % 12 + 1,
            "p": hour // 12,
            "P": hour // 12,
            "M": clock // 60 % 60,
            "S": clock % 60,
            "f": part,
            "z": offsets // 60,
        }
        template, names = make_template(self.format)
        columns = [spell(name, numbers[name[-1]], self.per_second) for name in names]
        if not columns:
            return [template % ()] * len(ticks)
        return [template % each for each in zip(*columns, strict=True)]

    def check(self, what: str) -> None:
        """A format has directives that are known, each part once, and at least a year and a month."""
        if self.zone and self.zone not in zoneinfo.available_timezones():
            refuse(f"{what}, zone", expected="a time zone such as Europe/Berlin", got=self.zone)
        names = [token[-1] for token in TOKEN.findall(self.format) if token.startswith("%")]
        for token in TOKEN.findall(self.format):
            if (
                token.startswith("%")
                and token not in DIRECTIVES
                and not FRACTION.fullmatch(token)
            ):
                expected = f"directives such as {', '.join([*DIRECTIVES, '%3f'])}"
                refuse(f"{what}, format", expected=expected, got=repr(token))
        parts = [{"y": "Y", "b": "m", "B": "m", "I": "H", "P": "p"}.get(n, n) for n in names]
        if len(set(parts)) < len(parts):
            refuse(f"{what}, format", expected="each part of a date once", got=self.format)
        if "Y" not in parts or "m" not in parts or ("d" not in parts and "H" in parts):
            expected = "a year, a month and a day, such as %d.%m.%Y"
            refuse(f"{what}, format", expected=expected, got=repr(self.format))

    def describe(self) -> str:
        """The format."""
        return f"written {self.format}"


def find_formats(words: AnyArray) -> list[tuple[str, int, pa.Array]]:
    """The formats that some words have: each with how many rows, and which of the words are of no format yet.

    For a column in which no format is that of 95 % of the rows.
    """
    held, counts = tally(words.filter(pc.invert(is_missing(words))))
    found = []
    while ranked := _rank_formats(held, counts, 0.0):
        is_date = pc.is_valid(DateForm(format=ranked[0]).parse(held))
        rows = pc.sum(counts.filter(is_date)).as_py()
        held, counts = held.filter(pc.invert(is_date)), counts.filter(pc.invert(is_date))
        found.append((ranked[0], rows, held))
    return found


def _rank_formats(held: pa.Array, counts: pa.Array, share: float) -> list[str]:
    """The formats of at least this share of the rows, the best first.

    Of formats that fit the same rows, the one is better that gives back the same words; of
    years of two digits, the one whose dates are nearest to each other.
    """
    total = pc.sum(counts).as_py() or 0
    step = max(len(held) // SOME, 1)
    some = held.take(pa.array(np.arange(0, len(held), step))) if len(held) else held
    shapes = dict.fromkeys(f for word in some.to_pylist() for f in find_shapes(word.strip()))
    ranked = []
    for order, written in enumerate(shapes):
        form = DateForm(format=written)
        if share and not form.parse(some).is_valid().true_count >= len(some) / 2:
            continue
        times = form.parse(held)
        rows = pc.sum(counts.filter(pc.is_valid(times))).as_py() or 0
        if not rows or rows < share * total:
            continue
        same = pc.sum(counts.filter(pc.equal(form.to_words(times), held))).as_py() or 0
        ends = pc.min_max(times.cast(pa.int64())).as_py()
        span = (ends["max"] - ends["min"]) / form.per_second if "%y" in written else 0
        ranked.append((-rows, -same, span, order, written))
    return [written for *_, written in sorted(ranked)]


def _find_zone(form: DateForm, held: pa.Array) -> str:
    """The first time zone that gives the offsets of these words; empty if none does."""
    if not re.search("%:?z", form.format):
        return ""
    times = form.parse(held)
    for zone in ("", *ZONES):
        back = replace(form, zone=zone).to_words(times)
        if pc.all(pc.or_(pc.equal(back, held), pc.is_null(times)), min_count=0).as_py():
            return zone
    return ""


def _offsets(seconds: np.ndarray, zone: str) -> np.ndarray:
    """The seconds from UTC of a time zone at these times; 0 without one."""
    if not zone:
        return np.zeros_like(seconds)
    times = pa.array(seconds).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("s", zone))
    local = pc.local_timestamp(times).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return local - seconds
