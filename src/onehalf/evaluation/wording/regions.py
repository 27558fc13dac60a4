"""Where two samples differ, in words: a region, and its rule."""

import itertools
import math
from collections.abc import Sequence

from onehalf.evaluation.result import Condition, Region, Share

__all__ = ["describe_region", "describe_rule"]


def describe_region(region: Region) -> str:
    """One region in a sentence, the shares in percent; the intervals are rounded outwards.

    >>> real = Share(share=0.04, low=0.0291, high=0.054)
    >>> other = Share(share=0.0, low=0.0, high=0.0036)
    >>> rule = (Condition("x", ">", 2.0),)
    >>> describe_region(
    ...     Region(real=real, other=other, jsd_lower=0.01, certain=True, rule="x > 2", conditions=rule)
    ... )
    'x > 2: 4.0 % [2.9, 5.4] of the data, 0 % [0, 0.4] of the other sample.'
    """
    shares = f"{_share(region.real)} of the data, {_share(region.other)} of the other sample."
    return f"{region.rule}: {shares}" + ("" if region.certain else " This may be chance.")


def describe_rule(conditions: Sequence[Condition]) -> str:
    """Say the conditions in words: two on the same column are joined as '1 < x <= 2'.

    >>> describe_rule([Condition("age", ">", 18), Condition("age", "<=", 65), Condition("sex", "=", "F")])
    '18 < age <= 65 and sex = F'
    """
    parts = []
    for name, same in itertools.groupby(conditions, lambda condition: condition.column):
        (_, op, value), *upper = same
        if upper:
            parts.append(
                f"{_show(value)} {'<' if op == '>' else '<='} {name} <= {_show(upper[0].value)}"
            )
        elif isinstance(value, tuple):
            *words, last = [
                "missing" if word is None else word
                for word in sorted(value, key=lambda word: word is None)
            ]
            parts.append(f"{name} is {', '.join(words)} or {last}")
        else:
            parts.append(f"{name} {op}" + ("" if value is None else f" {_show(value)}"))
    return " and ".join(parts)


def _show(value: object) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


def _share(share: Share) -> str:
    """'4.0 % [2.9, 5.4]': with as many decimals as the interval has use for."""
    width = 100 * (share.high - share.low)
    decimals = max(1, -math.floor(math.log10(width))) if width > 0 else 1
    unit = 10.0**decimals
    low, high = (
        math.floor(100 * share.low * unit) / unit,
        math.ceil(100 * share.high * unit) / unit,
    )
    value = (
        f"{100 * share.share:.{decimals}f}"
        if 0 < share.share < 1
        else f"{100 * share.share:.0f}"
    )
    return f"{value} % [{low:.15g}, {high:.15g}]"
