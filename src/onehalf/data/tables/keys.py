"""Find columns of keys: numbers so long that they name something rather than count it."""

import re
from collections.abc import Sequence

from onehalf.data.tables.personal.detector import split_name

__all__ = ["are_keys", "is_time_name"]

LEAST_DIGITS = 16
"""The least digits of a key; float64 holds all numbers of 15."""

MOST_OF = 0.95
"""Values are keys if at least this share of them are."""

KEY = re.compile(r"-?[0-9]([ -]?[0-9]){15,}", re.ASCII)

TIMES = frozenset(
    ["time", "timestamp", "ts", "epoch", "date", "datetime", "ns", "us", "nanos", "micros"]
)
"""Columns of such names count time since 1970, if they hold long numbers."""


def are_keys(name: str, values: Sequence[str]) -> bool:
    """Judge whether a column holds keys of 16 digits or more.

    Args:
        name: The column's name.
        values: Its different values as words.

    >>> are_keys("account", ["100020003000400050", "100020003000400068"])
    True
    >>> are_keys("timestamp_ns", ["1594630539000000000", "1594630541000000000"])
    False
    """
    if not values or is_time_name(name):
        return False
    return sum(map(_is_key, values)) >= MOST_OF * len(values)


def is_time_name(name: str) -> bool:
    """Whether a column's name says that its numbers count time."""
    return bool(split_name(name) & TIMES)


def _is_key(value: str) -> bool:
    return bool(KEY.fullmatch(value.strip()))
