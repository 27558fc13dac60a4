"""Statistics of the values of a column: range, atoms, decimals, heavy tails."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from onehalf.data.arrays.decimals import has_decimals

__all__ = [
    "CATEGORIES",
    "EXACT",
    "Value",
    "count_decimals",
    "describe_order",
    "describe_tail",
    "find_sentinels",
    "float_as_written",
    "format_time",
    "format_value",
    "is_atom",
    "rank_words",
    "round_share",
    "shorten",
]

Value = float | int | str
"""A number, a word, or a date as ISO 8601 writes it."""

EXACT = 2**53
"""Whole numbers below it are exact as float64."""

CATEGORIES = 100
"""The most frequent categories that are kept by name; the others are rare."""

MOST_LISTED_VALUES = 20
"""The values of a column of numbers are listed if there are at most this many."""

LEAST_ROWS_PER_VALUE = 10
"""They are listed only if each has at least this many rows on average."""

ATOM_SHARE = 0.05
"""The least share of the rows that hold an atom, which is a number that many rows share."""

ATOM_ROWS = 20
"""The least rows that hold an atom."""

ATOM_PEAK = 5
"""An atom has at least this many times as many rows as the next smaller and the next larger
number."""

FINER_SHARE = 0.01
"""The share of the numbers that may have more decimals than its column."""

MOST_COUNTED = 5000
"""The most numbers whose decimals are counted."""

MOST_DECIMALS = 8
"""The most decimals that are counted."""

TAIL_WARNING = 20
"""Numbers are warned about if one is more than this many interquartile ranges from the
median."""


def describe_order(
    values: np.ndarray, counts: np.ndarray, rows: int, show: Callable[[Any], Value]
) -> dict[str, Any]:
    """The range, and either the listed values or the atoms, of different values in order."""
    facts: dict[str, Any] = {"low": show(values[0]), "high": show(values[-1])}
    if len(values) <= MOST_LISTED_VALUES and counts.sum() >= LEAST_ROWS_PER_VALUE * len(values):
        return facts | {"values": tuple(map(show, values))}
    atoms = np.flatnonzero(is_atom(counts, rows))
    return facts | {
        "atoms": tuple((show(values[i]), round_share(counts[i], rows)) for i in atoms)
    }


def rank_words(words: pa.Array, counts: np.ndarray) -> dict[str, Any]:
    """The most frequent words with the rows that hold each, and the rows that hold any other.

    >>> rank_words(pa.array(["b", "a", "c"]), np.array([2, 2, 5]))
    {'categories': {'c': 5, 'a': 2, 'b': 2}, 'rare': 0}
    """
    ranked = pa.table([words, counts], names=["word", "rows"]).sort_by(
        [("rows", "descending"), ("word", "ascending")]
    )
    kept = ranked.slice(0, CATEGORIES).to_pydict()
    return {
        "categories": dict(zip(kept["word"], kept["rows"], strict=True)),
        "rare": int(counts.sum()) - sum(kept["rows"]),
    }


def is_atom(counts: np.ndarray, rows: int) -> np.ndarray:
    """Find the atoms: numbers that many rows share, and far more than share the next smaller or larger one.

    Args:
        counts: The rows that hold each number, in order of size of the numbers.
        rows: The rows of the whole table.
    """
    neighbours = np.maximum(np.append(counts[1:], 0), np.append(0, counts[:-1]))
    return (counts >= max(ATOM_SHARE * rows, ATOM_ROWS)) & (counts >= ATOM_PEAK * neighbours)


def round_share(part: Any, rows: int) -> float:
    """Round a share to four digits."""
    return float(f"{part / rows:.4g}")


def count_decimals(values: np.ndarray) -> int | None:
    """The least number of decimals, up to 8, with which all but 1 % of the numbers are the nearest of their type."""
    picked = values
    if len(values) > MOST_COUNTED:
        picked = np.random.default_rng(0).choice(values, MOST_COUNTED)
    for decimals in range(MOST_DECIMALS + 1):
        if np.mean(has_decimals(picked, decimals)) >= 1 - FINER_SHARE:
            return decimals
    return None


def describe_tail(
    name: str, values: np.ndarray, counts: np.ndarray, atoms: list[Value]
) -> Iterator[str]:
    """Warn if a number is too many interquartile ranges from the median; atoms are left out."""
    rest = ~np.isin(values, atoms)
    values, below = values[rest].astype(np.float64), np.cumsum(counts[rest])
    if len(values):
        low, median, high = values[
            np.searchsorted(below, np.array([0.25, 0.5, 0.75]) * below[-1])
        ]
        furthest = values[np.argmax(np.abs(values - median))]
        if high > low and abs(furthest / TAIL_WARNING - median / TAIL_WARNING) > high - low:
            apart = f"{abs(furthest - median) / (high - low):,.0f} interquartile ranges from the median {median:g}"
            yield f"{name} has a heavy tail: {furthest:g} is {apart}."


def format_time(tick: int, kind: pa.DataType) -> str:
    """Format a time as in ISO 8601, without a fraction or a time of day of zero.

    >>> format_time(86_400, pa.timestamp("s"))
    '1970-01-02'
    """
    text = pa.scalar(tick, kind).cast(pa.string()).as_py()
    return re.sub(r"( 00:00:00)?(\.0+)?$", "", text)


def format_value(value: Value | None) -> str:
    """Format a value for people."""
    return (
        shorten(value, 20)
        if isinstance(value, str)
        else f"{value:,}"
        if isinstance(value, int)
        else f"{value:.6g}"
    )


def shorten(text: str, most: int) -> str:
    """Put a text on one line of at most `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def find_sentinels(values: np.ndarray) -> np.ndarray:
    """The whole numbers that float64 can't tell from their neighbours.

    >>> find_sentinels(np.array([1, 2**62 + 1]))
    array([4611686018427387905])
    """
    if not len(values) or values.dtype.kind not in "iu":
        return values[:0]
    return values[(values >= EXACT) | (values <= -min(EXACT, np.iinfo(values.dtype).max))]


def float_as_written(number: Any) -> float:
    """The float64 that is written as the number is: 0.1 for the float32 next to it."""
    return float(str(number))
