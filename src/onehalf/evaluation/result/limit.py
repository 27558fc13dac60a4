"""A limit on the certified distance, for pipelines."""

from dataclasses import dataclass
from typing import Literal

from onehalf._errors import refuse
from onehalf.evaluation.result.verdict import Verdict

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
    """'above': jsd_lower > limit. 'too few rows': it is not, and the verdict is that there are too few rows to tell.
    'not above': it is not, and they differ, or no difference was found where one would have been."""
    exit_code: int
    """Of `onehalf measure --fail-above`: 1, 3 and 0, in this order."""
    sentence: str


def check_limit(limit: float) -> float:
    """Return a limit in nats; refuses one that no JSD can be above."""
    if not 0 <= limit < LOG_2:
        refuse("fail-above", expected=f"nats, from 0 to below {LOG_2}", got=limit)
    return limit


def compare_with_limit(jsd_lower: float, verdict: Verdict, limit: float) -> LimitCheck:
    """Compare a certified distance with a limit.

    Args:
        jsd_lower: The certified distance in nats.
        verdict: Whether they differ; its rule decides whether there are too few rows.
        limit: In nats.
    """
    certified = f"The certified distance (JSD at least {jsd_lower:.4f} nats)"
    limit_text = f"above the limit of {limit:g} nats"
    if jsd_lower > limit:
        sentence = f"{certified} is {limit_text}."
        return LimitCheck(limit=limit, outcome="above", exit_code=1, sentence=sentence)
    sentence = f"{certified} is not {limit_text}. {verdict.sentence}"
    if verdict.outcome == "too few rows to tell":
        return LimitCheck(limit=limit, outcome="too few rows", exit_code=3, sentence=sentence)
    return LimitCheck(limit=limit, outcome="not above", exit_code=0, sentence=sentence)
