"""What makes two samples trivially different, column by column."""

from dataclasses import dataclass, field

from onehalf.evaluation.serialization import OMIT_NONE

__all__ = [
    "Atom",
    "Audit",
    "ColumnFacts",
    "DuplicateCounts",
    "Finding",
    "FlagPair",
    "IntegerPair",
    "NumberPair",
    "WordShare",
]


@dataclass(frozen=True)
class Finding:
    """One thing that the audit found, in a sentence."""

    kind: str
    """What it is about, such as 'decimals' or 'missing'."""
    sentence: str
    severe: bool = False
    """Whether any distance is trivial with it, or its guarantee void."""


@dataclass(frozen=True, kw_only=True)
class NumberPair:
    """A number for the data, and one for the other sample."""

    real: float
    other: float


@dataclass(frozen=True, kw_only=True)
class IntegerPair:
    """A whole number for the data, and one for the other sample."""

    real: int
    other: int


@dataclass(frozen=True, kw_only=True)
class FlagPair:
    """Yes or no for the data, and for the other sample."""

    real: bool
    other: bool


@dataclass(frozen=True, kw_only=True)
class WordShare:
    """A word that one sample alone has, and the share of its rows."""

    value: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Atom:
    """A value that many rows of one sample share and few of the other: its share of either."""

    value: int | float | str
    """The number, or the date as it is written."""
    real: float
    other: float


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """How one column is written, and what one side lacks; facts that do not apply are absent."""

    name: str
    kind: str | None = field(default=None, metadata=OMIT_NONE)
    """The kind of a table's column."""
    missing: NumberPair | None = field(default=None, metadata=OMIT_NONE)
    """The share of missing cells of a table's column."""
    dropped: tuple[WordShare, ...] | None = field(default=None, metadata=OMIT_NONE)
    """Words of the data that the other sample never has, the most frequent first."""
    invented: tuple[WordShare, ...] | None = field(default=None, metadata=OMIT_NONE)
    """Words of the other sample that the data never have."""
    decimals: IntegerPair | None = field(default=None, metadata=OMIT_NONE)
    """Decimals, from 0 to 9; 9 means 9 or more."""
    whole: NumberPair | None = field(default=None, metadata=OMIT_NONE)
    """The share of whole numbers."""
    atoms: tuple[Atom, ...] | None = field(default=None, metadata=OMIT_NONE)
    """Values that many rows of one side share, and the other lacks."""
    constant: FlagPair | None = field(default=None, metadata=OMIT_NONE)
    """Whether all rows have one value."""


@dataclass(frozen=True, kw_only=True)
class DuplicateCounts:
    """Rows that repeat others."""

    real: int
    """Rows of the data that repeat an earlier one."""
    other: int
    """Rows of the other sample that repeat an earlier one."""
    across: int
    """Different rows that occur in both."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What makes two samples trivially different, or their rows no independent draws."""

    columns: tuple[ColumnFacts, ...]
    """The first hundred columns."""
    columns_listed: int
    """How many that is."""
    duplicates: DuplicateCounts
    same_rows: bool
    """Whether both samples hold the same rows, as often."""
    findings: tuple[Finding, ...]
    """The severe ones first."""
    format_differs: bool
    """Whether decimals or signs of zero differ, so that a comparison with the same decimals is due."""
