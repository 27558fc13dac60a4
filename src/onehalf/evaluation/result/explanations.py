"""Where two samples differ: regions, marginals, classes and single rows."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from onehalf.evaluation.result.bounds import Divergence, Proportion, Share
from onehalf.evaluation.serialization import OMIT_NONE

__all__ = [
    "ClassResult",
    "Condition",
    "Examples",
    "Label",
    "Marginal",
    "Operator",
    "Region",
    "RowExample",
]

Label = bool | int | float | str
"""A class, as the user's labels have it."""

Operator = Literal[">", ">=", "<=", "=", "in", "missing", "known"]
"""What a condition asks of a value."""


class Condition(NamedTuple):
    """What a region says of one column: its name, an operator, and a value."""

    column: str
    op: Operator
    value: int | float | str | tuple[str | None, ...] | None
    """A number, a word or a date; words for `in`, None among them for a missing one; None for missing and known."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rule about one to three columns, and the share of each sample that it holds for."""

    real: Share
    """Of the data."""
    other: Share
    """Of the other sample."""
    jsd_lower: float
    """Certified lower bound on JSD that the two shares give; 0 unless the region is certain."""
    certain: bool
    """Whether the two intervals lie apart; all regions' intervals hold at once."""
    rule: str
    """The conditions in words."""
    conditions: tuple[Condition, ...]
    """The rule as conditions that must all hold, each [column, operator, value]."""


@dataclass(frozen=True, kw_only=True)
class Marginal:
    """How much of the JSD a few columns show without the others."""

    columns: tuple[str, ...]
    """One column, or a pair."""
    jsd_lower: float
    """Certified lower bound."""
    jsd_estimate: float
    """The mean on test rows."""


@dataclass(frozen=True, kw_only=True)
class RowExample:
    """A single row that the critics judged with confidence."""

    row: int
    """Its number in the user's rows, from 0."""
    log_ratio: float
    """Its log ratio p(real) / p(other), in nats."""
    cells: dict[str, str] | None = field(default=None, metadata=OMIT_NONE)
    """The row of a table, as it is written; absent for arrays."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """The rows that tell most about the difference, the most telling first."""

    missing: tuple[RowExample, ...] = ()
    """Real rows least like the other sample."""
    unexpected: tuple[RowExample, ...] = ()
    """Rows of the other sample least like the data."""
    convincing: tuple[RowExample, ...] = ()
    """Rows of the other sample most like the data."""


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """One class: its share in both samples, and the JSD of its rows alone; all classes hold at once."""

    label: Label = field(metadata={"json": "class"})
    real: Proportion
    """Its share of the data."""
    other: Proportion
    """Its share of the other sample."""
    jsd_lower: float
    """Certified lower bound on JSD between the rows of the class."""
    jsd_estimate: float | None
    """Estimate from below; null with too few rows."""
    jsd_se: float | None
    """Its standard error; null with too few rows."""
    baseline: Divergence = field(metadata={"json": "null"})
    """The same for data against data."""
