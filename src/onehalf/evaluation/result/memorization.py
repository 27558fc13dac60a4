"""What was copied from the training rows."""

from dataclasses import dataclass, field

from onehalf.evaluation.result.bounds import Proportion

__all__ = [
    "Collisions",
    "Duplicates",
    "MembershipGuesses",
    "Memorization",
    "NearerTrain",
    "Repeats",
]


@dataclass(frozen=True, kw_only=True)
class NearerTrain:
    """The share of samples that lie nearer to a training row than to any held-out row, and its exact p-value."""

    share: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Samples that equal a row in every entry."""

    n_rows: int
    """Rows of each kind that were searched."""
    train: Proportion
    """Samples that equal a training row."""
    held_out: Proportion
    """Samples that equal a held-out row."""


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """How often two rows of one kind are equal."""

    n_rows: int
    rate: float
    """The share of pairs that are equal."""
    support: float | None
    """The effective number of distinct rows, 1/rate; null without a repeat."""
    interval: tuple[float, float | None] | None
    """Its confidence interval, whose upper end may be unknown; null without a repeat."""
    at_least: int
    """Lower limit on the number of distinct rows."""


@dataclass(frozen=True, kw_only=True)
class Collisions:
    """Repeats among the samples, and among the real rows."""

    samples: Repeats = field(metadata={"json": "fakes"})
    real: Repeats


@dataclass(frozen=True, kw_only=True)
class MembershipGuesses:
    """Guesses which row of a pair was trained on: the one nearer to a sample."""

    n_pairs: int
    """Pairs that a guess was made on: those whose distances differ most."""
    n_right: int
    """Right guesses; half of them without copying."""
    epsilon_lower: float
    """Certified: pure differential privacy (one row replaced) holds for no smaller epsilon."""


@dataclass(frozen=True, kw_only=True)
class Memorization:
    """What was copied from the training rows."""

    n_pairs: int
    """Training rows that were compared with as many held-out rows."""
    n_samples: int = field(metadata={"json": "n_fakes"})
    """Samples among which nearest neighbours were sought."""
    log_e: float
    """Log e-value against 'the samples do not depend on which rows were trained on'."""
    p_value: float
    """Exact p-value of the same."""
    advantage_lower: float
    """Certified lower bound on the advantage of guessing membership by the nearest sample (0 to 1)."""
    nearer_train: NearerTrain
    duplicates: Duplicates
    collisions: Collisions
    shown: bool
    """Whether p_value refutes at level alpha that nothing was copied; log_e, where alpha is below 0.001."""
    guesses: MembershipGuesses | None = None
    """Guesses which row of a pair was trained on; null of measurements made before there were any."""
    sentences: tuple[str, ...] = ()
    """All of it in words."""
