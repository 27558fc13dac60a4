"""A limit on the certified distance, for pipelines."""

from dataclasses import dataclass
from typing import Literal

from onehalf._errors import refuse

__all__ = ["LOG_2", "LimitCheck", "check_limit", "compare_with_limit"]

LOG_2 = 0.693
"""A JSD is below log 2 = 0.6931... nats, so a limit is below this."""

Outcome = Literal["above", "not above", "too few rows"]


@dataclass(frozen=True, kw_only=True)
class LimitCheck:
    """Whether a certified distance is above a limit."""

    limit: float
    """A JSD in nats."""
    outcome: Outcome
    """'above': jsd_lower > limit. 'too few rows': it is not, and no dropped group of a JSD of at most the limit was
    noticed in trials (`detectable`). 'not above': it is not, and such a group was noticed."""
    exit_code: int
    """Of `onehalf measure --fail-above`: 1, 3 and 0, in this order."""
    sentence: str


def check_limit(limit: float) -> float:
    """Return a limit in nats; refuses one that no JSD can be above."""
    if not 0 <= limit < LOG_2:
        refuse("fail-above", expected=f"nats, from 0 to below {LOG_2}", got=limit)
    return limit


def compare_with_limit(
    jsd_lower: float, detectable_jsd: float | None, limit: float
) -> LimitCheck:
    """Compare a certified distance with a limit.

    Args:
        jsd_lower: The certified distance in nats.
        detectable_jsd: The JSD of the smallest dropped group that trials noticed; None if there was none.
        limit: In nats.

    >>> compare_with_limit(0.0, 0.0286, 0.05).outcome, compare_with_limit(0.0, 0.0286, 0.02).outcome
    ('not above', 'too few rows')
    """
    certified = f"the certified distance (JSD at least {jsd_lower:.4f} nats)"
    limit_text = f"above the limit of {limit:g} nats"
    if jsd_lower > limit:
        sentence = f"T{certified[1:]} is {limit_text}."
        return LimitCheck(limit=limit, outcome="above", exit_code=1, sentence=sentence)
    if detectable_jsd is None or detectable_jsd > limit:
        noticed = "none" if detectable_jsd is None else f"only one of {detectable_jsd:.4f} nats"
        sentence = (
            f"Too few rows to tell: {certified} is not {limit_text}, but of the differences that were tried on these "
            f"rows, {noticed} was noticed reliably."
        )
        return LimitCheck(limit=limit, outcome="too few rows", exit_code=3, sentence=sentence)
    sentence = (
        f"T{certified[1:]} is not {limit_text}, and of the differences that were tried on these rows, one of "
        f"{detectable_jsd:.4f} nats was noticed reliably."
    )
    return LimitCheck(limit=limit, outcome="not above", exit_code=0, sentence=sentence)
