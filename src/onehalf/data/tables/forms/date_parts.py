"""The parts of dates: directives of formats, numbers of days, names of months."""

import calendar
import functools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

__all__ = [
    "DIRECTIVES",
    "FRACTION",
    "TOKEN",
    "count_days",
    "full_year",
    "make_pattern",
    "make_template",
    "read_hour",
    "read_month",
    "read_offset",
    "spell",
    "to_numbers",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

MONTHS = tuple(month.lower() for month in calendar.month_abbr[1:])
"""The English names of months, short."""

LONG_MONTHS = tuple(month.lower() for month in calendar.month_name[1:])
"""And long."""

DIRECTIVES: Mapping[str, str] = {
    "%Y": "(?P<Y>[0-9]{4})",
    "%y": "(?P<y>[0-9]{2})",
    "%m": "(?P<m>[0-9]{2})",
    "%-m": "(?P<m>[0-9]{1,2})",
    "%b": "(?P<b>[A-Za-z]{3})",
    "%^b": "(?P<b>[A-Za-z]{3})",
    "%B": "(?P<B>[A-Za-z]{3,9})",
    "%d": "(?P<d>[0-9]{2})",
    "%-d": "(?P<d>[0-9]{1,2})",
    "%H": "(?P<H>[0-9]{2})",
    "%-H": "(?P<H>[0-9]{1,2})",
    "%I": "(?P<I>[0-9]{2})",
    "%-I": "(?P<I>[0-9]{1,2})",
    "%M": "(?P<M>[0-9]{2})",
    "%S": "(?P<S>[0-9]{2})",
    "%p": "(?P<p>[AaPp][Mm])",
    "%P": "(?P<p>[AaPp][Mm])",
    "%z": "(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%:z": "(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
}
"""What a format may hold, as in strftime (`%-d` without a leading zero, `%^b` in capitals, `%:z`
with a colon), and the words that it stands for. `%3f` is a fraction of three digits."""

TOKEN = re.compile(r"%[1-9]?f|%[-^:]?[A-Za-z]|%%|[^%]+|%")
"""The pieces of a format."""

FRACTION = re.compile(r"%([1-9]?)f")
"""A fraction of a second with that number of digits, 6 if the format does not say."""


@functools.cache
def make_pattern(written: str) -> str:
    """A format as a regular expression; the fraction may be left out, with its mark."""
    pattern = ""
    for token in TOKEN.findall(written):
        if FRACTION.fullmatch(token):
            mark = pattern[-2:] if pattern.endswith("\\.") else pattern[-1:]
            pattern = f"{pattern.removesuffix(mark)}(?:{mark}(?P<f>[0-9]{{1,9}}))?"
        elif token.startswith("%"):
            pattern += DIRECTIVES.get(token, re.escape(token))
        else:
            pattern += re.escape(token)
    return rf"^\s*{pattern}\s*$"


@functools.cache
def make_template(written: str) -> tuple[str, tuple[str, ...]]:
    """A format for the % operator, and the directives in it."""
    template, names = "", []
    for token in TOKEN.findall(written):
        if token.startswith("%") and token != "%%":
            template += "%s"
            names.append(token)
        else:
            template += token.replace("%", "%%") if token != "%%" else token
    return template, tuple(names)


def spell(directive: str, numbers: np.ndarray, per_second: int) -> list[str]:
    """The words of one part of dates."""
    kind = directive[-1]
    if kind in "bB":
        names = calendar.month_abbr[1:] if kind == "b" else calendar.month_name[1:]
        spelled = [name.upper() if "^" in directive else name for name in names]
        return [spelled[number] for number in numbers.tolist()]
    if kind in "pP":
        halves = ("AM", "PM") if kind == "p" else ("am", "pm")
        return [halves[number] for number in numbers.tolist()]
    if kind == "z":
        colon = ":" if ":" in directive else ""
        return [
            f"{'-' if number < 0 else '+'}{abs(number) // 60:02}{colon}{abs(number) % 60:02}"
            for number in numbers.tolist()
        ]
    if kind == "f":
        digits = int(FRACTION.fullmatch(directive)[1] or 6)  # type: ignore[index]
        most = len(str(per_second)) - 1
        return [f"{number:0{most}}"[:digits] for number in numbers.tolist()]
    if "-" in directive:
        return [str(number) for number in numbers.tolist()]
    width = 4 if kind == "Y" else 2
    return [f"{number:0{width}}" for number in numbers.tolist()]


def to_numbers(part: pa.Array) -> np.ndarray:
    """Digits as numbers; 0 where there are none."""
    filled = pc.if_else(pc.equal(part, ""), "0", part)
    return pc.cast(pc.fill_null(filled, "0"), pa.int64()).to_numpy(zero_copy_only=False)


def read_month(
    parts: Mapping[str, pa.Array], numbers: Mapping[str, np.ndarray], zero: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The months from 1 to 12, and where there is one."""
    month = numbers.get("m", zero + 1)
    for name, names in (("b", MONTHS), ("B", LONG_MONTHS)):
        if name in parts:
            places = pc.index_in(pc.utf8_lower(parts[name]), value_set=pa.array(names))
            month = pc.fill_null(places, -1).to_numpy(zero_copy_only=False) + 1
    is_month = (month >= 1) & (month <= 12)
    return np.where(is_month, month, 1).astype(np.int64), is_month


def read_hour(
    parts: Mapping[str, pa.Array], numbers: Mapping[str, np.ndarray], zero: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The hours from 0 to 23, and where there is one."""
    if "I" not in numbers:
        hour = numbers.get("H", zero)
        return hour, hour < 24
    hour = numbers["I"]
    is_late = zero.astype(bool)
    if "p" in parts:
        late = pc.equal(pc.utf8_lower(pc.fill_null(parts["p"], "")), "pm")
        is_late = late.to_numpy(zero_copy_only=False)
    return hour % 12 + 12 * is_late, (hour >= 1) & (hour <= 12)


def full_year(year: np.ndarray) -> np.ndarray:
    """Years of two digits: 69 to 99 are 1969 to 1999, as in POSIX."""
    return np.where(year < 69, 2000, 1900) + year


def count_days(year: np.ndarray, month: np.ndarray) -> np.ndarray:
    """The days from 1970 to the first of a month."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def read_offset(text: str) -> int:
    """The seconds of an offset such as +02:00."""
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds
