"""What every rule is: columns in units that can be compared, and rows that keep it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from onehalf._errors import refuse
from onehalf._text import did_you_mean, join_names
from onehalf.data.tables.choices import NUMBERS
from onehalf.data.tables.encoding import NOT_CODED, Cells, TableEncoder

__all__ = ["Rule", "Unit", "Values", "find_units", "require_unit", "round_to"]

Values = Float[np.ndarray, " _"]
Mask = Bool[np.ndarray, " _"]

SECONDS_PER_DAY = 86_400

MOST_DECIMALS = 8
"""Numbers with more decimals than this are not rounded."""


@dataclass(frozen=True)
class Unit:
    """A column as rules compute with it: numbers as they are, dates in days since 1970, words by their code."""

    name: str
    place: int
    """Of its cells in a row."""
    kind: str
    """'number', 'date' or 'word'."""
    scale: float = 1.0
    """Cells in a day, for dates."""
    decimals: int | None = None
    """Decimals that all of its cells make do with; None if that is more than 8. Dates: 0."""

    def values(self, cells: Cells) -> Values:
        """The column's values in its unit; NaN is missing."""
        own = cells[:, self.place]
        return own / self.scale if self.kind == "date" else own

    def to_cells(self, values: Values) -> Values:
        """Return the cells of values, rounded as the column's are."""
        scaled = values * self.scale if self.kind == "date" else values
        return round_to(scaled, self.decimals)


def round_to(values: Values, decimals: int | None) -> Values:
    """Round to this number of decimals; not at all, if None."""
    return values if decimals is None else np.round(values, decimals)


class Rule(ABC):
    """A rule about the columns of each row, or of all rows."""

    text: str
    """As a person writes it."""

    @property
    @abstractmethod
    def units(self) -> tuple[Unit, ...]:
        """The columns that it is about."""

    @abstractmethod
    def holds(self, cells: Cells) -> Mask:
        """Whether each row keeps it. A row in which a column is missing does."""

    def applies(self, cells: Cells) -> Mask:
        """Whether the rule says anything of each row: no column is missing."""
        values = np.stack([unit.values(cells) for unit in self.units])
        return np.asarray(~np.isnan(values).any(axis=0))


def find_units(encoder: TableEncoder, cells: Cells) -> dict[str, Unit]:
    """The columns that were encoded, by name, with the decimals that these rows have."""
    units = {}
    for place, column in enumerate(encoder.columns):
        kind = "word"
        scale = 1.0
        decimals: int | None = 0
        if column.kind == "date":
            kind = "date"
            per_second = encoder.units_per_second(column.name)
            scale = SECONDS_PER_DAY * per_second / encoder.ticks[column.name]
        elif column.kind in NUMBERS:
            kind = "number"
            decimals = _count_decimals(cells[:, place])
        units[column.name] = Unit(column.name, place, kind, scale, decimals)
    return units


def require_unit(what: str, name: str, units: Any, encoder: TableEncoder) -> Unit:
    """Return the column of that name.

    Raises:
        Refusal: The table has none, or it is not learned.
    """
    kinds = {column.name: column.kind for column in encoder.schema.columns}
    if name not in kinds:
        expected = "columns that the table has"
        refuse(what, expected=expected, got=repr(name), hint=did_you_mean(name, kinds))
    if name not in units:
        expected = f"columns that are learned ({join_names(units)})"
        refuse(what, expected=expected, got=f"{name!r}, which is {NOT_CODED[kinds[name]]}")
    return units[name]


def _count_decimals(cells: Values) -> int | None:
    """The least number of decimals of all known cells; None if that is more than 8.

    >>> _count_decimals(np.array([1.0, 2.25, np.nan])), _count_decimals(np.array([1 / 3]))
    (2, None)
    """
    known = np.unique(cells[~np.isnan(cells)])
    for decimals in range(MOST_DECIMALS + 1):
        if (np.round(known, decimals) == known).all():
            return decimals
    return None
