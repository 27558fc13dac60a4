"""The verdict on two samples: one of three outcomes."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Outcome", "Verdict", "VerdictTest"]

Outcome = Literal["they differ", "too few rows to tell", "no difference found"]
"""What a verdict can be; there is no fourth."""

VerdictTest = Literal["permutation test", "e-value"]
"""The test that decides."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One of three outcomes: 'they differ' with probability alpha at most where both have one distribution."""

    outcome: Outcome
    """They differ, too few rows to tell, or no difference found."""
    sentence: str
    """The outcome in words, with its numbers."""
    test: VerdictTest
    """The test that decides, chosen by alpha alone: the permutation test, or the e-value where alpha is below 0.001."""
    jsd_lower: float
    """Lower bound on JSD that holds together with the outcome at 1 - alpha; 0 unless they differ."""
    can_be_missed: float | None
    """With too few rows: a share of the rows whose loss can go unnoticed; otherwise null."""
