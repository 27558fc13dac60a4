"""The rules, one class a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from onehalf.data.tables.constraints.arithmetic import ROUNDINGS, Expression
from onehalf.data.tables.constraints.base import Mask, Rule, Unit, Values
from onehalf.data.tables.encoding import Cells

__all__ = ["Bound", "Combination", "Equation", "Fixed", "Order", "Unique", "row_codes"]

RELATIVE = 1e-9
"""How near, relative to the larger terms, a column with all its decimals must be to what it is computed as."""


@dataclass(frozen=True)
class Order(Rule):
    """low <= high, or low < high."""

    text: str
    low: Unit
    high: Unit
    strict: bool = False

    @property
    def units(self) -> tuple[Unit, ...]:
        """Both."""
        return self.low, self.high

    def holds(self, cells: Cells) -> Mask:
        """Whether each row keeps it."""
        low, high = self.low.values(cells), self.high.values(cells)
        return ~(low >= high if self.strict else low > high)


@dataclass(frozen=True)
class Equation(Rule):
    """target = an expression of other columns, rounded as the target is."""

    text: str
    target: Unit
    expression: Expression
    inputs: tuple[Unit, ...]
    rounding: str = "half up"
    """One of `ROUNDINGS`."""

    @classmethod
    def fit(
        cls,
        text: str,
        target: Unit,
        expression: Expression,
        units: Mapping[str, Unit],
        cells: Cells,
    ) -> "Equation":
        """The equation with the rounding that most of these rows have."""
        inputs = tuple(units[name] for name in expression.names)
        each = [cls(text, target, expression, inputs, rounding) for rounding in ROUNDINGS]
        return max(each, key=lambda equation: int(equation.holds(cells).sum()))

    @property
    def units(self) -> tuple[Unit, ...]:
        """The target, and what it is computed from."""
        return self.target, *self.inputs

    def compute(self, cells: Cells) -> Values:
        """The target's cells as they are computed; NaN where an input is missing."""
        exact = self.compute_exactly(cells)
        if self.target.kind == "date":
            exact = exact * self.target.scale
        if self.target.decimals is None:
            return exact
        step = 10.0**self.target.decimals
        return np.round(ROUNDINGS[self.rounding](exact * step) / step, self.target.decimals)

    def holds(self, cells: Cells) -> Mask:
        """Whether each row keeps it: exactly where the target has few decimals, else up to 1e-9 of its terms."""
        target, computed = cells[:, self.target.place], self.compute(cells)
        is_missing = np.isnan(target) | np.isnan(computed)
        if self.target.decimals is not None:
            return is_missing | (target == computed)
        terms = np.stack(
            [np.abs(target), *(np.abs(each.values(cells)) for each in self.inputs)]
        )
        scale = np.where(is_missing, 0.0, np.nan_to_num(terms).max(axis=0))
        near = np.abs(target - computed) <= RELATIVE * np.maximum(np.abs(computed), scale)
        return is_missing | near

    def compute_exactly(self, cells: Cells) -> Values:
        """The target in its unit, before it is rounded."""
        if not self.inputs:
            return self.expression.compute({"": np.zeros(len(cells))})
        return self.expression.compute({unit.name: unit.values(cells) for unit in self.inputs})


@dataclass(frozen=True)
class Combination(Rule):
    """Words of several columns that occur together."""

    text: str
    columns: tuple[Unit, ...]
    allowed: Float[np.ndarray, "_ _"]
    """A row of codes for each combination; NaN is missing."""

    @classmethod
    def fit(cls, text: str, columns: Sequence[Unit], cells: Cells) -> "Combination":
        """The combinations of these rows."""
        own = cells[:, [unit.place for unit in columns]]
        first = {key: row for row, key in reversed(list(enumerate(row_codes(own))))}
        return cls(text, tuple(columns), own[sorted(first.values())])

    @property
    def units(self) -> tuple[Unit, ...]:
        """The columns."""
        return self.columns

    @cached_property
    def codes(self) -> dict[bytes, int]:
        """The place of each combination."""
        return {key: place for place, key in enumerate(row_codes(self.allowed))}

    def find(self, cells: Cells) -> np.ndarray:
        """The place of each row's combination; -1 of another one."""
        own = cells[:, [unit.place for unit in self.columns]]
        return np.array([self.codes.get(key, -1) for key in row_codes(own)], int)

    def holds(self, cells: Cells) -> Mask:
        """Whether each row's combination is one that occurs."""
        return self.find(cells) >= 0

    def match(self, words: Values) -> Mask:
        """Whether each combination has these words, where they are known."""
        return ((self.allowed == words) | np.isnan(words)).all(axis=1)


@dataclass(frozen=True)
class Bound(Rule):
    """A column is at least, at most, above or below a constant."""

    text: str
    column: Unit
    sign: str
    """'<', '<=', '>' or '>='."""
    limit: float

    @property
    def units(self) -> tuple[Unit, ...]:
        """The column."""
        return (self.column,)

    def holds(self, cells: Cells) -> Mask:
        """Whether each row keeps it."""
        values = self.column.values(cells)
        breaks = {
            "<": values >= self.limit,
            "<=": values > self.limit,
            ">": values <= self.limit,
            ">=": values < self.limit,
        }
        return ~breaks[self.sign]


@dataclass(frozen=True)
class Fixed(Rule):
    """A column has one value, where it has one."""

    text: str
    column: Unit
    cell: float

    @property
    def units(self) -> tuple[Unit, ...]:
        """The column."""
        return (self.column,)

    def holds(self, cells: Cells) -> Mask:
        """Whether each row keeps it."""
        own = cells[:, self.column.place]
        return np.isnan(own) | (own == self.cell)


@dataclass(frozen=True)
class Unique(Rule):
    """No two rows have the same values in all of these columns."""

    text: str
    columns: tuple[Unit, ...]
    """Those that are learned."""
    names: tuple[str, ...]
    """Of all: IDs, keys and personal data, which samples have new values of, among them."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """The columns."""
        return self.columns

    @property
    def may_repeat(self) -> bool:
        """Whether samples may break the rule: new values, where it has such a column, never repeat."""
        return len(self.names) == len(self.columns)

    def holds(self, cells: Cells) -> Mask:
        """Whether each row differs from all rows before it; one with a missing value does."""
        own = cells[:, [unit.place for unit in self.columns]]
        if not self.may_repeat or not len(cells):
            return np.ones(len(cells), bool)
        first = np.zeros(len(cells), bool)
        first[np.unique(own, axis=0, return_index=True)[1]] = True
        return first | np.isnan(own).any(axis=1)


def row_codes(rows: Float[np.ndarray, "_ _"]) -> list[bytes]:
    """Return a key for each row; NaN equals NaN, and 0 equals -0."""
    plain = np.where(np.isnan(rows), np.inf, rows) + 0.0
    return [row.tobytes() for row in np.ascontiguousarray(plain)]
