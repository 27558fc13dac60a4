"""Which formats a date in words may have, from the shape of one word."""

import re
from collections.abc import Iterator

__all__ = ["find_shapes"]

TIME = re.compile(
    r"(?P<gap>T|,? )(?P<hour>[0-9]{1,2}):[0-9]{2}(?P<second>:[0-9]{2})?(?P<fraction>[.,][0-9]{1,9})?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
)
"""A time of day behind a date."""

COMPACT = re.compile(r"[0-9]{8}(?P<gap>[T _-]?)(?P<time>[0-9]{6}|[0-9]{4})?(?P<zone>Z?)")
"""A date and a time without marks."""


def find_shapes(word: str) -> Iterator[str]:
    """The formats that a word may have, the most usual first."""
    if match := COMPACT.fullmatch(word):
        clock = {None: "", 4: "%H%M", 6: "%H%M%S"}[match["time"] and len(match["time"])]
        yield f"%Y%m%d{match['gap']}{clock}{match['zone']}"
        return
    for day, rest in _dates(word):
        if not rest:
            yield day
        elif "%d" in day or "%-d" in day:
            yield from (day + clock for clock in _clocks(rest))


def _dates(word: str) -> Iterator[tuple[str, str]]:
    """The formats of the date that a word begins with, each with the rest of the word."""
    if match := re.match(r"[0-9]{4}([-/.])([0-9]{1,2})\1[0-9]{1,2}(?![0-9])", word):
        mark = match[1]
        yield f"%Y{mark}%m{mark}%d", word[match.end() :]
        yield f"%Y{mark}%-m{mark}%-d", word[match.end() :]
    elif match := re.match(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1([0-9]{4}|[0-9]{2})(?![0-9])", word):
        year = "%Y" if len(match[2]) == 4 else "%y"
        orders = ("{d}{k}{m}{k}{Y}", *(("{m}{k}{d}{k}{Y}",) if match[1] != "." else ()))
        for pad in ("", "-") if year == "%Y" or match[1] == "/" else ("",):
            for order in orders:
                day = order.format(d=f"%{pad}d", m=f"%{pad}m", k=match[1], Y=year)
                yield day, word[match.end() :]
        if year == "%y" and match[1] != ".":
            yield f"%y{match[1]}%m{match[1]}%d", word[match.end() :]
    elif match := re.match(
        r"[0-9]{1,2}([- /.]?)([A-Za-z]{3,9})\1([0-9]{4}|[0-9]{2})(?![0-9])", word
    ):
        name = _month_directive(match[2])
        year = "%Y" if len(match[3]) == 4 else "%y"
        for pad in ("", "-"):
            yield f"%{pad}d{match[1]}{name}{match[1]}{year}", word[match.end() :]
    elif match := re.match(r"([A-Za-z]{3,9}) [0-9]{1,2}, [0-9]{4}(?![0-9])", word):
        for pad in ("", "-"):
            yield f"{_month_directive(match[1])} %{pad}d, %Y", word[match.end() :]
    elif re.fullmatch(r"[0-9]{4}-[0-9]{2}", word):
        yield "%Y-%m", ""
    elif re.fullmatch(r"[0-9]{2}/[0-9]{4}", word):
        yield "%m/%Y", ""


def _month_directive(name: str) -> str:
    """How the name of a month is written."""
    return "%B" if len(name) > 3 else "%^b" if name.isupper() else "%b"


def _clocks(rest: str) -> Iterator[str]:
    """The formats of the time of day behind a date."""
    match = TIME.fullmatch(rest)
    if not match:
        return
    half = match["half"] or ""
    marker = "" if not half else half[:-2] + ("%P" if half.strip().islower() else "%p")
    second = "" if not match["second"] else ":%S"
    fraction = match["fraction"]
    part = f"{fraction[0]}%{len(fraction) - 1}f" if fraction and second else ""
    zone = match["zone"] or ""
    for pad in ("", "-"):
        clock = f"{match['gap']}%{pad}{'I' if half else 'H'}:%M{second}{part}{marker}"
        yield clock + zone
        if zone.strip() not in ("", "UTC"):
            yield clock + (" " if zone[0] == " " else "") + ("%:z" if ":" in zone else "%z")
