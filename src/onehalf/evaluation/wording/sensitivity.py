"""What differences a test would have noticed, in words."""

from collections.abc import Iterator, Sequence

from onehalf._text import join_names
from onehalf.evaluation.result import Measurement, PlantedEffect
from onehalf.evaluation.wording.formats import digits

__all__ = ["describe_missed", "describe_planted"]


def describe_missed(found: Measurement) -> Iterator[str]:
    """Say what dropped groups and other differences trials noticed, and with which critics."""
    yield _missed(found)
    yield from _planted(found)


def _missed(found: Measurement) -> str:
    """What a difference the test would have noticed."""
    limit = found.detectable
    if limit is None:
        return (
            "What could have been missed: in trials on these data, even the loss of a third of the "
            "rows was missed more than one time in ten."
        )
    return (
        f"What could have been missed: in trials on these data, {limit.rows:,} rows against {limit.rows:,}"
        f"{_name_critics(limit.critics)}, the loss of a group of {100 * limit.mass:.1f} % of the rows "
        f"({digits(limit.jsd)} nats) was noticed {limit.noticed} times in {limit.trials}; smaller groups, and "
        "differences of other kinds, can go unnoticed."
    )


def describe_planted(planted: PlantedEffect) -> str:
    """Say what was planted, as what is noticed or not.

    >>> effect = {"is_noticed": True, "rows": 500, "trials": 10, "noticed": 10}
    >>> describe_planted(PlantedEffect(kind="shifted column", size=0.3, **effect))
    'a column shifted by 0.3 standard deviations'
    """
    if planted.kind == "broken pair":
        return f"a column shuffled in {100 * planted.size:g} % of the rows"
    if planted.kind == "repeated rows":
        return f"copies of other rows in the places of {100 * planted.size:g} % of them"
    size = f"{planted.size:g} standard deviation{'s' * (planted.size != 1)}"
    if planted.kind == "shifted column":
        return f"a column shifted by {size}"
    return f"noise of {size} in all numbers"


def _planted(found: Measurement) -> Iterator[str]:
    """What other differences trials noticed, and which they missed."""
    for noticed in (True, False):
        listed = [each for each in found.planted if each.is_noticed == noticed]
        if not listed:
            continue
        critics = tuple(dict.fromkeys(name for each in listed for name in each.critics))
        what = join_names([describe_planted(each) for each in listed], most=None)
        trials = f"{listed[0].rows:,} rows against {listed[0].rows:,}{_name_critics(critics)}"
        if noticed:
            often = min(each.noticed for each in listed)
            yield f"Noticed in at least {often} of {listed[0].trials} trials ({trials}): {what}."
        else:
            yield f"Not noticed in 9 of {listed[0].trials} trials ({trials}): {what}."


def _name_critics(critics: Sequence[str]) -> str:
    """Say which critics were asked in trials, which is part of what they have noticed."""
    if not critics:
        return ""
    return f", with some of the critics alone ({join_names(critics, most=None)})"
