"""Rows without what rules determine, and back: a gap for an order, nothing for a sum, one word for a combination.

So samples keep these rules whatever the players make of the rest.
"""

import dataclasses
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from onehalf.data.tables.column import Column
from onehalf.data.tables.constraints.arithmetic import quote_name
from onehalf.data.tables.constraints.base import Mask, Rule, Unit, Values, round_to
from onehalf.data.tables.constraints.rules import Combination, Equation, Order
from onehalf.data.tables.encoding import Cells

__all__ = ["Computed", "Gap", "Joint", "Step", "steps_of"]

NEAR = 1e-4
"""How near to the lattice of its column a number counts as on it, in its steps: days are not exact fractions."""


class Step(ABC):
    """One column that the others determine, in whole or in part."""

    @property
    @abstractmethod
    def place(self) -> int:
        """The column's, in a row of cells."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[int]:
        """The columns that must be restored before."""

    @property
    @abstractmethod
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it keeps."""

    @property
    def places(self) -> tuple[int, ...]:
        """The columns that it restores."""
        return (self.place,)

    @property
    def sources(self) -> frozenset[int]:
        """The columns of reduced rows that it restores these from, beside those that it needs."""
        return frozenset({self.place})

    @abstractmethod
    def reduce(self, cells: Cells, reduced: Cells) -> None:
        """Write what is left of the column of `cells` into `reduced`."""

    @abstractmethod
    def restore(self, cells: Cells) -> None:
        """Compute the column in place from what is left of it."""

    @abstractmethod
    def describe(self, column: Column) -> Column:
        """What players have to know of what is left of the column."""


@dataclass(frozen=True)
class Gap(Step):
    """A number or date as its distance from the highest of some columns below it, or the lowest of some above it."""

    column: Unit
    others: tuple[Unit, ...]
    is_above: bool
    strict: bool
    fill: float
    """Stands for the others where all of them are missing; no value of the column is beyond it."""

    @classmethod
    def fit(cls, column: Unit, orders: Sequence[Order], cells: Cells) -> "Gap":
        """The gap of a column to the others of these orders."""
        is_above = orders[0].high == column
        others = tuple(order.low if is_above else order.high for order in orders)
        own = cells[:, column.place]
        known = own[~np.isnan(own)]
        fill = 0.0 if not len(known) else float(known.min() if is_above else known.max())
        return cls(column, others, is_above, orders[0].strict, fill)

    @property
    def place(self) -> int:
        """The column's."""
        return self.column.place

    @property
    def needs(self) -> frozenset[int]:
        """The others."""
        return frozenset(unit.place for unit in self.others)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The orders."""
        sign = "<" if self.strict else "<="
        found = []
        for other in self.others:
            low, high = (other, self.column) if self.is_above else (self.column, other)
            text = f"{quote_name(low.name)} {sign} {quote_name(high.name)}"
            found.append(Order(text, low, high, self.strict))
        return tuple(found)

    @property
    def step(self) -> float:
        """The distance of neighbours on the lattice of the column; 0 if it is on none."""
        return 0.0 if self.column.decimals is None else 10.0**-self.column.decimals

    def reduce(self, cells: Cells, reduced: Cells) -> None:
        """Write the distance, 0 or more."""
        base, _ = self._base(cells)
        gap = (cells[:, self.place] - base) * (1 if self.is_above else -1)
        reduced[:, self.place] = round_to(gap, self.column.decimals)

    def restore(self, cells: Cells) -> None:
        """Add the distance to the others."""
        base, is_known = self._base(cells)
        sign = 1 if self.is_above else -1
        gap = cells[:, self.place]
        least = self.step if self.strict else 0.0
        gap = np.where(is_known, np.maximum(gap, least), gap)
        moved = round_to(base + sign * gap, self.column.decimals)
        cells[:, self.place] = np.where(is_known, self._beyond(moved, base), moved)

    def describe(self, column: Column) -> Column:
        """A number, 0 or more."""
        decimals = self.column.decimals
        kind = "integer" if decimals == 0 else "continuous"
        return dataclasses.replace(column, kind=kind, decimals=decimals, form=None)

    def _base(self, cells: Cells) -> tuple[Values, np.ndarray]:
        """The nearest of the others, in cells of the column, and where there is one."""
        scale = self.column.scale if self.column.kind == "date" else 1.0
        each = np.stack([unit.values(cells) * scale for unit in self.others])
        base = (np.fmax if self.is_above else np.fmin).reduce(each, axis=0)
        if self.step:
            nearest = round_to(base, self.column.decimals)
            base = np.where(np.abs(base - nearest) < NEAR * self.step, nearest, base)
        is_known = ~np.isnan(base)
        return np.where(is_known, base, self.fill), is_known

    def _beyond(self, moved: Values, base: Values) -> Values:
        """The values, moved to the next one on the lattice where rounding took them to the other side."""
        sign = 1 if self.is_above else -1
        at_fault = (sign * (moved - base) <= 0) if self.strict else (sign * (moved - base) < 0)
        if self.step:
            one_on = round_to(moved + sign * self.step, self.column.decimals)
        else:
            one_on = np.nextafter(base, sign * np.inf) if self.strict else base
        return np.where(at_fault, one_on, moved)


@dataclass(frozen=True)
class Computed(Step):
    """A column that is computed from others; what is left of it is whether it is missing."""

    equation: Equation
    code: float
    """Stands for 'as computed'; no cell of the column has it."""

    @classmethod
    def fit(cls, equation: Equation, cells: Cells) -> "Computed":
        """The step of an equation that these rows keep."""
        own = cells[:, equation.target.place]
        known = own[~np.isnan(own)]
        return cls(equation, float(np.floor(known.min()) - 1) if len(known) else 0.0)

    @property
    def place(self) -> int:
        """The target's."""
        return self.equation.target.place

    @property
    def needs(self) -> frozenset[int]:
        """The inputs."""
        return frozenset(unit.place for unit in self.equation.inputs)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The equation."""
        return (self.equation,)

    def reduce(self, cells: Cells, reduced: Cells) -> None:
        """Write the code, unless the column or an input is missing."""
        own = cells[:, self.place]
        can_compute = ~np.isnan(self.equation.compute(cells))
        reduced[:, self.place] = np.where(can_compute & ~np.isnan(own), self.code, own)

    def restore(self, cells: Cells) -> None:
        """Compute the column, but where it is missing."""
        own, computed = cells[:, self.place], self.equation.compute(cells)
        is_missing = np.isnan(own) | (np.isnan(computed) & (own == self.code))
        known = np.where(np.isnan(computed), own, computed)
        cells[:, self.place] = np.where(is_missing, np.nan, known)

    def describe(self, column: Column) -> Column:
        """A number, mostly the same."""
        kind = "integer" if column.kind == "date" else column.kind
        return dataclasses.replace(column, kind=kind, form=None)


@dataclass(frozen=True)
class Joint(Step):
    """Columns of words as one word, where they occur in few combinations; labels stay as they are."""

    combination: Combination
    main: int
    """The column that has the number of the combination."""
    labels: tuple[int, ...]
    """Which of the columns, by their order in the combination, are labels."""
    shares: Float[np.ndarray, " _"]
    """Of the training rows that have each combination."""

    @classmethod
    def fit(cls, rule: Combination, labels: Sequence[int], cells: Cells) -> "Joint | None":
        """The step of a combination; None if all of its columns are labels.

        Args:
            rule: The combinations; those that no training row has are left out.
            labels: The places of labels.
            cells: Training rows.
        """
        free = [unit.place for unit in rule.columns if unit.place not in labels]
        if not free:
            return None
        rule = Combination.fit(rule.text, rule.columns, cells)
        shares = np.bincount(rule.find(cells), minlength=len(rule.allowed)) / len(cells)
        own = tuple(at for at, unit in enumerate(rule.columns) if unit.place in labels)
        main = max(free, key=lambda each: len(np.unique(cells[:, each])))
        return cls(rule, main, own, shares)

    @property
    def place(self) -> int:
        """Of the column that has the number."""
        return self.main

    @property
    def needs(self) -> frozenset[int]:
        """Nothing: labels are never reduced."""
        return frozenset()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The combinations that training rows have."""
        return (self.combination,)

    @property
    def free(self) -> list[int]:
        """The columns, by their order in the combination, that are no labels."""
        return [at for at in range(len(self.combination.columns)) if at not in self.labels]

    @property
    def places(self) -> tuple[int, ...]:
        """The columns that are no labels."""
        return tuple(self.combination.columns[at].place for at in self.free)

    @property
    def sources(self) -> frozenset[int]:
        """The number of the combination, and the labels."""
        labels = (self.combination.columns[at].place for at in self.labels)
        return frozenset({self.main, *labels})

    def agrees(self, reduced: Cells) -> Mask:
        """Whether the number of the combination goes together with the row's labels."""
        at = list(self.labels)
        own = reduced[:, [self.combination.columns[each].place for each in at]]
        same = _same(self.combination.allowed[self._code(reduced)][:, at], own)
        return np.asarray(same.all(axis=1))

    def reduce(self, cells: Cells, reduced: Cells) -> None:
        """Write the combination's number into one column, and 0 into the others."""
        columns = self.combination.columns
        for at in self.free:
            reduced[:, columns[at].place] = 0.0
        reduced[:, self.place] = self.combination.find(cells)

    def restore(self, cells: Cells) -> None:
        """Write the words of the combination, or of another one under the row's labels if they do not go together."""
        columns = self.combination.columns
        code = self._code(cells)
        if self.labels:
            code = self._fit_labels(cells, code)
        for at in self.free:
            cells[:, columns[at].place] = self.combination.allowed[code, at]

    def describe(self, column: Column) -> Column:
        """Words."""
        return dataclasses.replace(column, kind="category", form=None)

    def _code(self, reduced: Cells) -> np.ndarray:
        code = np.rint(np.nan_to_num(reduced[:, self.place]))
        return np.clip(code, 0, len(self.shares) - 1).astype(int)

    def _fit_labels(self, cells: Cells, code: np.ndarray) -> np.ndarray:
        """The combinations, drawn anew by how often the data have them where the labels are others."""
        at = list(self.labels)
        given = cells[:, [self.combination.columns[each].place for each in at]]
        allowed = self.combination.allowed[:, at]
        rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(cells).tobytes()))
        drawn = rng.random(len(cells))
        differs = ~(_same(allowed[code], given).all(axis=1))
        for labels in np.unique(np.nan_to_num(given[differs], nan=np.inf), axis=0):
            labels = np.where(np.isinf(labels), np.nan, labels)
            weights = self.shares * _same(allowed, labels).all(axis=1)
            if not weights.any():
                continue
            rows = differs & _same(given, labels).all(axis=1)
            ends = np.cumsum(weights / weights.sum())
            code[rows] = np.searchsorted(ends, drawn[rows] * ends[-1], side="right")
        return code


def _same(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where cells are equal; NaN equals NaN."""
    return (first == second) | (np.isnan(first) & np.isnan(second))


def steps_of(
    rules: Sequence[Rule], labels: Sequence[int], cells: Cells
) -> tuple[tuple[Step, ...], tuple[Rule, ...]]:
    """Choose what is computed from what, in the order in which it can be restored; and the rules that are left.

    Args:
        rules: Rules that the rows keep.
        labels: The places of labels, which are given and so never computed.
        cells: Training rows.
    """
    steps: dict[int, Step] = {}
    left: list[Rule] = []
    for rule in rules:
        if isinstance(rule, Equation):
            step = Computed.fit(rule, cells)
            if step.place in labels or step.place in steps or _is_circular(steps, step):
                left.append(rule)
            else:
                steps[step.place] = step
    gaps: dict[int, list[Order]] = {}
    orders = [rule for rule in rules if isinstance(rule, Order)]
    while orders:
        fixed = {*labels, *steps} - {place for place in gaps if _is_above(gaps[place], place)}
        order = min(orders, key=lambda each: each.high.place not in fixed)
        orders.remove(order)
        for unit in _sides(order):
            own = [*gaps.get(unit.place, ()), order]
            is_taken = unit.place in labels or (unit.place in steps and unit.place not in gaps)
            if is_taken or len({(each.high == unit, each.strict) for each in own}) > 1:
                continue
            step = Gap.fit(unit, own, cells)
            if not _is_circular(steps, step):
                gaps[unit.place] = own
                steps[unit.place] = step
                break
        else:
            left.append(order)
    for rule in _merge([rule for rule in rules if isinstance(rule, Combination)], cells):
        joint = Joint.fit(rule, labels, cells)
        if joint is not None:
            steps[joint.place] = joint
    others = [each for each in rules if not isinstance(each, Equation | Order | Combination)]
    return tuple(_sort(steps)), (*left, *others)


def _is_above(orders: Sequence[Order], place: int) -> bool:
    return orders[0].high.place == place


def _sides(order: Order) -> tuple[Unit, Unit]:
    """The columns of an order, the one that should become a gap first: the later one, unless it is coarser."""
    low, high = order.low, order.high
    fineness = [
        (unit.scale, np.inf if unit.decimals is None else unit.decimals) for unit in (low, high)
    ]
    return (high, low) if fineness[1] >= fineness[0] else (low, high)


def _is_circular(steps: dict[int, Step], step: Step) -> bool:
    """Whether the columns that a step needs are computed from its own."""
    seen: set[int] = set()
    ahead = set(step.needs)
    while ahead:
        place = ahead.pop()
        if place == step.place:
            return True
        seen.add(place)
        ahead |= (steps[place].needs if place in steps else frozenset()) - seen
    return False


def _sort(steps: dict[int, Step]) -> list[Step]:
    """The steps, each after those of the columns that it needs."""
    done: list[Step] = []
    waiting = dict(steps)
    while waiting:
        place = next(
            place
            for place, step in waiting.items()
            if not step.needs & (waiting.keys() - {place})
        )
        done.append(waiting.pop(place))
    return done


def _merge(rules: Sequence[Combination], cells: Cells) -> list[Combination]:
    """Combinations without common columns: those with one are made one."""
    merged: list[Combination] = []
    for rule in rules:
        shared = [each for each in merged if set(each.columns) & set(rule.columns)]
        columns = dict.fromkeys(unit for each in (*shared, rule) for unit in each.columns)
        merged = [each for each in merged if each not in shared]
        merged.append(Combination.fit(rule.text, list(columns), cells) if shared else rule)
    return merged
