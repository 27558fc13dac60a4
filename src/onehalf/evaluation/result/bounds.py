"""Bounds on divergences, and shares with their intervals."""

from dataclasses import dataclass, fields
from typing import Literal

__all__ = [
    "Baseline",
    "Bounds",
    "DetectableEffect",
    "Divergence",
    "Harmonized",
    "Interval",
    "LearnedFrom",
    "PlantedEffect",
    "PlantedKind",
    "Proportion",
    "Share",
]

Interval = tuple[float, float]
"""A confidence interval: its lower and its upper end."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The result of bets on two samples; each bound alone holds at confidence 1 - alpha."""

    jsd_lower: float
    """Certified lower bound on the Jensen-Shannon divergence: P(jsd_lower > JSD) <= alpha, at any n."""
    jsd_estimate: float
    """The mean gain, (V + log 4)/2 of critics on rows they had not seen: at most JSD in expectation. No guarantee."""
    jsd_se: float
    """Its standard error over pairs."""
    log_e: float
    """Log e-value of the (k+1)-way bet against 'both have one law': log(1/alpha) or more refutes it at level alpha."""
    p_value: float
    """Of 'both have one law': twice the smaller one of two permutation tests, of the critics and of all rows together.
    Valid at any n."""
    tv_lower: float
    """Certified lower bound on the total variation distance (0 to 1)."""
    accuracy: float
    """Certified lower bound on the accuracy of the best classifier between a row of each; (1 + tv_lower)/2."""

    def bounds(self) -> "Bounds":
        """Give the bounds alone."""
        return Bounds(**{each.name: getattr(self, each.name) for each in fields(Bounds)})


@dataclass(frozen=True, kw_only=True)
class Baseline(Bounds):
    """The same bounds for data against data: against training rows, or half of the data against the other half."""

    n_real: int
    """Rows on the one side."""
    n_other: int
    """Rows on the other side."""


@dataclass(frozen=True, kw_only=True)
class Harmonized(Bounds):
    """The same bounds once both samples are written with the same decimals."""

    format: Bounds
    """The bounds of how the numbers are written alone: decimals and signs of zeros."""


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """A bound and an estimate of one JSD, in nats; too few rows give the bound 0 and no estimate."""

    jsd_lower: float
    """Certified lower bound."""
    jsd_estimate: float | None
    """Estimate from below; null with too few rows."""
    jsd_se: float | None
    """Its standard error; null with too few rows."""


@dataclass(frozen=True, kw_only=True)
class LearnedFrom:
    """What critics learned from before the test rows were bet on, and how many of these were bet on."""

    real: int
    """Rows of data that are not among the test rows: training rows, and validation rows of a fit."""
    other: int
    """Samples that are not bet on."""
    pairs: int
    """Pairs of a test row and samples that were bet on."""


@dataclass(frozen=True, kw_only=True)
class DetectableEffect:
    """The smallest dropped group that was noticed in nine of ten trials on the user's own data."""

    mass: float
    """The share of the rows that was dropped."""
    jsd: float
    """The JSD that this makes, exactly."""
    rows: int
    """Rows of each sample in a trial."""
    trials: int
    """Groups that were dropped."""
    noticed: int
    """Trials in which the permutation test noticed the loss."""
    critics: tuple[str, ...] = ()
    """The members of the ensemble that were asked in the trials; the verdict asks all of them. None of them in results
    of earlier versions."""


PlantedKind = Literal[
    "dropped group", "broken pair", "shifted column", "jitter", "repeated rows"
]
"""A difference that was planted in the data, to see whether it would be noticed."""


@dataclass(frozen=True, kw_only=True)
class PlantedEffect:
    """The smallest difference of a kind that was noticed in nine of ten trials on the user's own data."""

    kind: PlantedKind
    size: float
    """Of a broken pair the share of rows in which a column was shuffled; of repeated rows their share; else a part of
    the standard deviation. The greatest size that was tried, if none was noticed."""
    is_noticed: bool
    """Whether it was noticed in nine of ten trials."""
    rows: int
    """Rows of each sample in a trial."""
    trials: int
    noticed: int
    """Trials in which the permutation test noticed it; 0 if no size was noticed in nine of ten."""
    critics: tuple[str, ...] = ()
    """As those of `DetectableEffect`."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The share of one sample's test rows in a region, with its confidence interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """A count, its share, and the exact confidence interval of the share (Clopper-Pearson)."""

    count: int
    share: float
    interval: Interval
