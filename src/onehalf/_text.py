"""Small pieces of sentences: percentages, lists of names, and the nearest option to a misspelled word.

Nothing here imports JAX, so that `onehalf --help` answers at once.
"""

import difflib
from collections.abc import Iterable

__all__ = ["count_rows", "did_you_mean", "format_duration", "join_names", "percent"]

CUTOFF = 0.5
"""Similarity, from 0 to 1, from which an option is suggested in place of a misspelled word."""

MOST_SIGNS = 100
"""As much of a word is compared with the options."""


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Suggest the option that is most like `word`; an empty string if none is.

    >>> did_you_mean("wieght", ["height", "weight"])
    'Did you mean weight?'
    >>> did_you_mean("x", ["height", "weight"])
    ''
    """
    near = difflib.get_close_matches(word[:MOST_SIGNS], list(options), n=1, cutoff=CUTOFF)
    return f"Did you mean {near[0]}?" if near else ""


def join_names(names: Iterable[str], most: int | None = 3) -> str:
    """List names in a sentence: the first `most` of them (all, if None), and how many more there are.

    >>> join_names(["a"]), join_names(["a", "b"]), join_names(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    listed = list(names)
    shown = listed if most is None or len(listed) <= most else listed[:most]
    rest = len(listed) - len(shown)
    *first, last = [*shown, f"{rest} more"] if rest else shown or [""]
    return f"{', '.join(first)} and {last}" if first else last


def count_rows(n: int) -> str:
    """Say how many rows there are.

    >>> count_rows(1), count_rows(2500)
    ('1 row', '2,500 rows')
    """
    return f"{n:,} row{'s' * (n != 1)}"


def percent(share: float, decimals: int = 1) -> str:
    """Format a share as a percentage.

    >>> percent(0.5149), percent(0.07, decimals=0)
    ('51.5 %', '7 %')
    """
    return f"{100 * share:.{decimals}f} %"


def format_duration(seconds: float) -> str:
    """Format a time in words.

    >>> format_duration(7.4), format_duration(200.0), format_duration(7500.0)
    ('7 s', '3 min 20 s', '2 h 5 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
