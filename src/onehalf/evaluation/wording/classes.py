"""Of rows with labels: which classes differ, in words."""

import math
from collections.abc import Iterator, Sequence

from onehalf.evaluation.result import Measurement, Proportion
from onehalf.evaluation.wording.formats import at_least, confidence, digits

__all__ = ["describe_classes"]

MOST_LISTED = 3
"""Classes that are listed; the rest are in the JSON."""


def describe_classes(found: Measurement) -> Iterator[str]:
    """Name the classes whose shares differ, and those whose samples differ from their data."""
    if not (classes := found.classes):
        return
    at_once = f"{confidence(found.alpha)} confidence for all statements on classes together"
    apart = [each for each in classes if _apart_in(each.real, each.other)]
    apart.sort(key=lambda each: -abs(each.real.share - each.other.share))
    shares = [
        f"{each.label} ({_interval(each.real)} and {_interval(each.other)})" for each in apart
    ]
    if shares:
        yield f"Classes whose shares differ, in the data and in the other sample ({at_once}): {_some(shares)}."
    else:
        yield f"No class was shown to be too rare or too frequent ({at_once})."
    differ = sorted(
        (each for each in classes if each.jsd_lower > 0), key=lambda each: -each.jsd_lower
    )
    worst = [
        f"{each.label} (at least {at_least(each.jsd_lower)} nats, estimate "
        f"{digits(each.jsd_estimate, each.jsd_se)}; data against data: at least "
        f"{at_least(each.baseline.jsd_lower)}, estimate {digits(each.baseline.jsd_estimate)})"
        for each in differ
    ]
    if worst:
        yield f"Classes whose own rows differ: {len(differ)} of {len(classes)}, the most {_some(worst)}."
    else:
        few = sum(each.jsd_estimate is None for each in classes)
        judged = f"; {few} of {len(classes)} classes had too few rows for this" if few else ""
        yield f"Class by class no difference between the rows was certified{judged}."


def _apart_in(real: Proportion, other: Proportion) -> bool:
    """Whether two intervals of shares lie apart."""
    (real_low, real_high), (other_low, other_high) = real.interval, other.interval
    return max(real_low, other_low) > min(real_high, other_high)


def _interval(share: Proportion) -> str:
    low, high = share.interval
    return f"{math.floor(1000 * low) / 10:.1f} to {math.ceil(1000 * high) / 10:.1f} %"


def _some(sentence: Sequence[str]) -> str:
    return "; ".join(sentence[:MOST_LISTED]) + (
        f"; and {len(sentence) - MOST_LISTED} more" if len(sentence) > MOST_LISTED else ""
    )
