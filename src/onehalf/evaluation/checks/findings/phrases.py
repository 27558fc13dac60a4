"""Words that findings share: shares, values and lists of names."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from onehalf.evaluation.features.precision import MOST_DECIMALS
from onehalf.evaluation.wording import SIDES

__all__ = [
    "APART",
    "MOST_NAMED",
    "SAMPLES",
    "Show",
    "as_value",
    "describe_decimals",
    "in_each",
    "is_implausible",
    "name_columns",
    "name_some",
    "of_each",
    "percent",
    "show_number",
]

SAMPLES = {side: SIDES[side] for side in ("real", "other")}
"""What the two samples are called."""

APART = "that alone tells them apart"

MOST_NAMED = 3
"""The most columns or values that a sentence names."""

RARITY = 14
"""Minus the log of the probability, one in a million, below which chance does not explain rows on one side only."""

Show = Callable[[Any], str]
"""Formats a value as a person reads it."""


def is_implausible(count: Any, here: int, there: int) -> Any:
    """Return whether chance would hardly put `count` pooled rows all into `here`: (here/(here + there))^count."""
    return count * math.log1p(there / here) > RARITY


def name_some(words: Sequence[str]) -> str:
    """Up to MOST_NAMED of these, and how many others there are: 'a, b or c', 'a, b, c or 9 others'."""
    named, others = list(words[:MOST_NAMED]), len(words) - MOST_NAMED
    named += [f"{others} other{'s' * (others > 1)}"] if others > 0 else []
    return " or ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)


def in_each(real: str, other: str) -> str:
    """Say something of each sample."""
    return f"{real} in {SAMPLES['real']} and {other} in {SAMPLES['other']}"


def of_each(real: float, other: float) -> str:
    """Say a share of each sample."""
    return f"{percent(real)} of {SAMPLES['real']} and {percent(other)} of {SAMPLES['other']}"


def as_number(value: Any) -> float:
    """As Python's own; 0.1 in float32 is 0.1, and -0.0 is 0."""
    return float(str(value)) + 0.0 if value.dtype.kind == "f" else int(value)


def as_value(value: Any, show: Show) -> float | str:
    """A number as it is, and a date as it is written."""
    return as_number(value) if show(value) == show_number(value) else show(value)


def show_number(value: Any) -> str:
    """Show a number to nine digits."""
    return f"{as_number(value):.9g}"


def percent(portion: float) -> str:
    """Show a share in percent, to three digits."""
    return f"{100 * portion:.3g} %"


def describe_decimals(decimals: int) -> str:
    """Say how many decimals numbers have."""
    if decimals == 0:
        return "whole numbers only"
    more = " or more" if decimals == MOST_DECIMALS else ""
    return f"{decimals}{more} decimal{'s' * (decimals > 1)}"


def name_columns(names: Sequence[str], columns: Sequence[int]) -> str:
    """Up to MOST_NAMED of these columns by name, and how many others there are."""
    named, others = (
        ", ".join(names[column] for column in columns[:MOST_NAMED]),
        len(columns) - MOST_NAMED,
    )
    return named if others <= 0 else f"{named} and {others} other{'s' * (others > 1)}"
