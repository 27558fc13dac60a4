"""Rows under rules of which some cells are known: what follows from these, and what contradicts them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool

from onehalf.data.tables.constraints.base import Mask, Rule, Unit, Values
from onehalf.data.tables.constraints.constraints import Reduction
from onehalf.data.tables.constraints.rules import (
    RELATIVE,
    Combination,
    Equation,
    Unique,
    row_codes,
)
from onehalf.data.tables.constraints.steps import Computed, Step
from onehalf.data.tables.encoding import Cells

__all__ = ["Broken", "Tie", "can_keep", "deduce", "find_broken", "find_step", "keeps_known"]


@dataclass(frozen=True)
class Broken:
    """A row whose known cells break a rule."""

    row: int
    rule: str


def find_broken(reduction: Reduction, cells: Cells) -> Broken | None:
    """Find the first rule that known cells break, and the first row of them that does; NaN is not known."""
    for rule in reduction.rules:
        kept = _is_kept(rule, cells)
        if not kept.all():
            return Broken(int(np.argmin(kept)), rule.text)
    return None


def can_keep(reduction: Reduction, cells: Cells) -> Mask:
    """Whether the known cells of each row break no rule; NaN is not known."""
    return np.logical_and.reduce([_is_kept(rule, cells) for rule in reduction.rules])


def _is_kept(rule: Rule, cells: Cells) -> Mask:
    return _occur(rule, cells) if isinstance(rule, Combination) else rule.holds(cells)


def _occur(rule: Combination, cells: Cells) -> Mask:
    """Whether the known words of each row occur together."""
    own = cells[:, [unit.place for unit in rule.columns]]
    keys = row_codes(own)
    found = {key: bool(rule.match(row).any()) for key, row in zip(keys, own, strict=True)}
    return np.array([found[key] for key in keys], bool)


def keeps_known(reduction: Reduction, cells: Cells, is_known: Bool[np.ndarray, "_ _"]) -> Mask:
    """Whether complete rows keep all rules but those of unique keys, and computed cells are such as samples may have.

    Args:
        reduction: The rules.
        cells: The rows.
        is_known: Which of their cells were known, and so may be any.
    """
    kept = np.ones(len(cells), bool)
    for rule in reduction.rules:
        if not isinstance(rule, Unique):
            kept &= rule.holds(cells)
    for limit in reduction.limits:
        own = cells[:, limit.place]
        is_outside = (own < limit.low) | (own > limit.high)
        kept &= is_known[:, limit.place] | ~is_outside
    return kept


def deduce(reduction: Reduction, cells: Cells) -> Cells:
    """Return the rows with what is missing in an equation, where all else is known and one value alone solves it."""
    known = np.array(cells)
    equations = [step.equation for step in reduction.steps if isinstance(step, Computed)]
    for _ in equations:
        for equation in equations:
            for unit in equation.inputs:
                _solve(equation, unit, known)
    return known


def _solve(equation: Equation, unit: Unit, cells: Cells) -> None:
    """Write the input of an equation into rows where all else in it is known, if that leaves no choice.

    Every form that is found, and most that are written, is a straight line in each input, or its reciprocal is: two
    of its points give the solution.
    """
    others = [each.place for each in equation.units if each.place != unit.place]
    known = ~np.isnan(cells[:, others]).any(axis=1)
    rows = np.flatnonzero(np.isnan(cells[:, unit.place]) & known)
    if not len(rows):
        return
    own = cells[rows]
    target = equation.target.values(own)
    scale = unit.scale if unit.kind == "date" else 1.0
    first, second = (
        equation.compute_exactly(_put(own, unit, np.full(len(rows), each * scale)))
        for each in (1.0, 2.0)
    )
    with np.errstate(all="ignore"):
        straight = 1 + (target - first) / (second - first)
        bent = 1 + (1 / target - 1 / first) / (1 / second - 1 / first)
    for values in (straight, bent):
        cell = unit.to_cells(np.where(np.isfinite(values), values, np.nan))
        solves = _solves(equation, _put(own, unit, cell))
        if unit.decimals is not None:
            for step in (-1, 1):
                beside = cell + step * 10.0**-unit.decimals
                solves &= ~_solves(equation, _put(own, unit, beside))
        cells[rows[solves], unit.place] = cell[solves]


def _put(cells: Cells, unit: Unit, values: Values) -> Cells:
    """The rows with other cells in a column."""
    changed = cells.copy()
    changed[:, unit.place] = values
    return changed


def _solves(equation: Equation, cells: Cells) -> Mask:
    """Whether rows have all that an equation needs, and keep it."""
    return equation.applies(cells) & ~np.isnan(equation.compute(cells)) & equation.holds(cells)


def find_step(reduction: Reduction, place: int) -> Step | None:
    """The step that restores a column, if one does."""
    return next((step for step in reduction.steps if place in step.places), None)


@dataclass(frozen=True, eq=False)
class Tie:
    """A cell that is restored from columns of the reduced row: if it is known, so is what they come to together."""

    reduction: Reduction
    place: int
    """The cell's column."""
    known: frozenset[int] = frozenset()
    """Columns of rows, not reduced ones, whose cells are known."""

    @cached_property
    def sources(self) -> frozenset[int]:
        """The columns of the reduced row that it is restored from, where the known cells do not say what they are."""
        found: set[int] = set()
        for place in self._ahead:
            step = find_step(self.reduction, place)
            if place == self.place or place not in self.known:
                found |= step.sources if step else {place}
        step = find_step(self.reduction, self.place)
        is_computed = isinstance(step, Computed) and self.place in self.known
        return frozenset(found - {self.place} if is_computed else found)

    @cached_property
    def tolerance(self) -> float:
        """How near, relative to it, a restored cell must come; 0 where it has few decimals."""
        step = find_step(self.reduction, self.place)
        units = {unit.place: unit for rule in step.rules for unit in rule.units} if step else {}
        return RELATIVE / 2 if units and units[self.place].decimals is None else 0.0

    def restore(self, reduced: Cells, known: Cells | None = None) -> Values:
        """Restore the cell in each row."""
        return self.restorer(reduced, known)()

    def restorer(self, reduced: Cells, known: Cells | None = None) -> Callable[..., Values]:
        """Return what restores the cell in each row, on request with other cells in one column of the reduced row.

        Args:
            reduced: The reduced rows; cells of columns that are no sources do not count.
            known: The known cells of the rows.
        """
        cells = np.empty(reduced.shape, order="F")
        own: dict[int, Values] = {}
        for place in (*self._ahead, *self.sources):
            own[place] = reduced[:, place].copy()
            if known is not None and place in self.known and place != self.place:
                own[place] = known[:, place].copy()
        step = find_step(self.reduction, self.place)
        if isinstance(step, Computed) and self.place in self.known:
            own[self.place] = np.full(len(cells), step.code)
        steps = [each for each in self.reduction.steps if self._is_restored(each)]

        def restore(place: int | None = None, values: Values | None = None) -> Values:
            for each, column in own.items():
                cells[:, each] = column
            if place is not None:
                cells[:, place] = values
            for step in steps:
                step.restore(cells)
            return cells[:, self.place].copy()

        return restore

    @cached_property
    def _ahead(self) -> tuple[int, ...]:
        """The columns that must be restored, or be known, for this one; itself first."""
        found = [self.place]
        for place in found:
            step = find_step(self.reduction, place)
            if step is not None and (place == self.place or place not in self.known):
                found += [each for each in step.needs if each not in found]
        return tuple(found)

    def _is_restored(self, step: Step) -> bool:
        return any(
            place in self._ahead and (place == self.place or place not in self.known)
            for place in step.places
        )
