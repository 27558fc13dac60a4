"""What a quick check found: distances of columns and pairs beside their ceilings, and rules that are broken."""

from dataclasses import dataclass
from typing import Any

from onehalf.evaluation.result.provenance import FORMAT
from onehalf.evaluation.serialization import from_json, to_json

__all__ = ["QuickColumn", "QuickPair", "QuickTable", "RuleCheck", "Violation"]


@dataclass(frozen=True, kw_only=True)
class QuickColumn:
    """How far one column is off, and what data against data gives."""

    column: str
    distance: float
    """Of numbers and dates the greatest difference of the shares of rows up to a value; of words the total
    variation."""
    ceiling: float
    """The greatest distance of 19 pairs of samples of the same sizes that were drawn from the data."""

    @property
    def is_above(self) -> bool:
        """Whether it is further off than data from data; by chance this happens to one column in twenty."""
        return self.distance > self.ceiling


@dataclass(frozen=True, kw_only=True)
class QuickPair:
    """How far the relation of two columns is off, and what data against data gives."""

    columns: tuple[str, str]
    distance: float
    """Half the sum over cells of |(p_ab - p_a p_b) - (q_ab - q_a q_b)|, of columns in up to ten bins each."""
    ceiling: float
    """As that of a column."""

    @property
    def is_above(self) -> bool:
        """Whether it is further off than data from data; by chance this happens to one pair in twenty."""
        return self.distance > self.ceiling


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that every row of the data keeps, and that some rows of the other sample break."""

    columns: tuple[str, ...]
    rows: int | None
    """The rows that break it; null if the rule is one about the whole column."""
    share: float | None
    """Their share of the other sample; null likewise."""
    rule: str
    """What is so in the data, in words."""


@dataclass(frozen=True, kw_only=True)
class RuleCheck:
    """All rules of one kind."""

    kind: str
    """types, ranges, words, missing, keys, whole numbers, decimals, constants or orders."""
    checked: int
    """How many of these the data have."""
    broken: tuple[Violation, ...]
    """Those that are broken, the most often broken first; ranges and orders only if chance does not explain it."""


@dataclass(frozen=True, kw_only=True)
class QuickTable:
    """What `quick_table` found, without any guarantee; `print` shows it, `to_dict` gives it for JSON."""

    n_real: int
    """Rows of data."""
    n_other: int
    """Rows of the other sample."""
    columns: tuple[QuickColumn, ...]
    """The furthest above its ceiling first."""
    pairs: tuple[QuickPair, ...]
    """Likewise, at most 100 of them."""
    paired_columns: int
    """The columns of which all pairs were compared: the first ones, 40 at most."""
    n_pairs: int
    """Pairs that were compared."""
    pairs_above: int
    """Pairs that are above their ceilings."""
    rules: tuple[RuleCheck, ...]
    """Rules that the data keep."""
    left_out: tuple[str, ...] = ()
    """Columns that are not compared: IDs, keys, personal data and free text."""

    @property
    def columns_above(self) -> int:
        """Columns that are above their ceilings."""
        return sum(column.is_above for column in self.columns)

    @property
    def broken(self) -> tuple[Violation, ...]:
        """The rules that are broken, of all kinds: those about whole columns first, then the most often broken."""
        broken = [each for check in self.rules for each in check.broken]
        return tuple(sorted(broken, key=lambda each: -1 if each.share is None else -each.share))

    def __str__(self) -> str:
        """The table, and what was not done."""
        # wording describes the types of this module
        from onehalf.evaluation import quick_wording

        return quick_wording.describe(self)

    @property
    def summary(self) -> str:
        """The most important in at most three lines."""
        from onehalf.evaluation import quick_wording

        return quick_wording.summarize(self)

    @classmethod
    def from_dict(cls, named: dict[str, Any]) -> "QuickTable":
        """Read what `to_dict` gave."""
        return from_json(cls, named)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it for JSON, marked as a quick check, with the number of its format."""
        return {"kind": "quick", "format": FORMAT, **to_json(self)}
