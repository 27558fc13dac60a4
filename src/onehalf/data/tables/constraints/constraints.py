"""The rules of a table as one value: rows without what rules determine, and samples that keep them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from onehalf._errors import refuse
from onehalf._text import join_names
from onehalf.data.tables.constraints.arithmetic import Expression
from onehalf.data.tables.constraints.base import Mask, Rule, Unit, find_units
from onehalf.data.tables.constraints.parsing import parse_rule
from onehalf.data.tables.constraints.rules import (
    Bound,
    Combination,
    Equation,
    Fixed,
    Order,
    Unique,
)
from onehalf.data.tables.constraints.steps import Computed, Gap, Joint, Step, steps_of
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.validation import count_of, locate_row

__all__ = ["Limits", "Reduction", "check_rules", "parse_rules"]

KINDS: dict[str, Any] = {
    each.__name__: each
    for each in (Bound, Combination, Equation, Fixed, Order, Unique, Computed, Gap, Joint)
} | {"Expression": Expression, "Unit": Unit}
"""What a saved reduction is made of, by name."""


def parse_rules(texts: Sequence[str], encoder: TableEncoder, cells: Cells) -> tuple[Rule, ...]:
    """Parse the rules of a schema, on the rows of its table.

    Raises:
        Refusal: A rule is malformed, names a column that is not there, or goes in circles.
    """
    units = find_units(encoder, cells)
    return tuple(rule for text in texts for rule in parse_rule(text, encoder, units, cells))


def check_rules(rules: Sequence[Rule], cells: Cells, table: pa.Table, hint: str) -> None:
    """Refuse rules that rows break, and say which row is the first.

    Args:
        rules: The rules.
        cells: All rows.
        table: The table that they are from.
        hint: What to do.
    """
    for rule in rules:
        breaks = np.flatnonzero(~rule.holds(cells))
        if len(breaks):
            others = f", and {count_of(len(breaks) - 1, 'more row')}" if len(breaks) > 1 else ""
            got = f"one that breaks it in {locate_row(table, int(breaks[0]))}{others}"
            refuse(
                f"constraint {rule.text!r}", expected="rows that keep it", got=got, hint=hint
            )


@dataclass(frozen=True)
class Limits:
    """The cells that a computed column may have: those that its type can hold, or, of gaps, that the data have."""

    place: int
    low: float
    high: float


KINDS["Limits"] = Limits


@dataclass(frozen=True)
class Reduction:
    """What players see of rows with rules, and the way back; learned from training rows."""

    steps: tuple[Step, ...] = ()
    """What is computed, in the order in which it can be restored."""
    checks: tuple[Rule, ...] = ()
    """Rules that no step keeps: samples that break one are drawn again."""
    limits: tuple[Limits, ...] = ()

    @classmethod
    def fit(
        cls, rules: Sequence[Rule], encoder: TableEncoder, labels: Sequence[str], cells: Cells
    ) -> "Reduction":
        """Choose the steps for some rules, on training rows.

        Raises:
            Refusal: A computed column is a label, is computed twice, or goes in circles.
        """
        places = [encoder.names.index(name) for name in labels]
        steps, checks = steps_of(rules, places, cells)
        for rule in checks:
            if isinstance(rule, Equation):
                _refuse_equation(rule, labels)
        _refuse_circles([rule for rule in rules if isinstance(rule, Order)])
        limits = [_find_limits(step, encoder, cells) for step in steps]
        return cls(steps, checks, tuple(each for each in limits if each is not None))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules: those that the steps keep, and the others."""
        return (*(rule for step in self.steps for rule in step.rules), *self.checks)

    def reduce(self, cells: Cells) -> Cells:
        """Return rows without what the rules determine."""
        if not self.steps:
            return cells
        reduced = np.array(cells, np.float64)
        for step in self.steps:
            step.reduce(cells, reduced)
        return reduced

    def restore(self, reduced: Cells) -> Cells:
        """Return the rows that were reduced to these, or that keep the rules and are like them."""
        if not self.steps:
            return reduced
        cells = np.array(reduced, np.float64)
        for step in self.steps:
            step.restore(cells)
        return cells

    def keeps(self, cells: Cells) -> Mask:
        """Whether each row keeps the rules that are not kept by the steps alone."""
        kept = np.ones(len(cells), bool)
        for rule in self.checks:
            if not isinstance(rule, Unique):
                kept &= rule.holds(cells)
        for limit in self.limits:
            own = cells[:, limit.place]
            kept &= ~((own < limit.low) | (own > limit.high))
        return kept

    @property
    def has_keys(self) -> bool:
        """Whether samples may repeat a key of columns that are learned."""
        return any(isinstance(rule, Unique) and rule.may_repeat for rule in self.checks)

    def repeats(self, cells: Cells) -> Mask:
        """Whether each row repeats the key of an earlier one that must be unique."""
        wrong = np.zeros(len(cells), bool)
        for rule in self.checks:
            if isinstance(rule, Unique):
                wrong |= ~rule.holds(cells)
        return wrong

    def describe(self, encoder: TableEncoder) -> TableEncoder:
        """Return the encoder with the columns as players see them."""
        columns = {column.name: column for column in encoder.schema.columns}
        for step in self.steps:
            name = encoder.names[step.place]
            columns[name] = step.describe(columns[name])
        schema = dataclasses.replace(encoder.schema, columns=tuple(columns.values()))
        return dataclasses.replace(encoder, schema=schema)

    def to_array(self) -> np.ndarray:
        """All of it as bytes; `from_array` is the way back."""
        return np.frombuffer(json.dumps(_to_json(vars(self))).encode(), np.uint8)

    @classmethod
    def from_array(cls, array: np.ndarray) -> "Reduction":
        """What `to_array` gave."""
        return cls(**_from_json(json.loads(array.tobytes())))


def _find_limits(step: Step, encoder: TableEncoder, cells: Cells) -> Limits | None:
    """What a computed cell may be: no row of the data is further off than a gap takes it."""
    known = cells[:, step.place][~np.isnan(cells[:, step.place])]
    if isinstance(step, Gap) and len(known):
        return Limits(step.place, float(known.min()), float(known.max()))
    column = encoder.columns[step.place]
    type_ = encoder.types.field(column.name).type
    if isinstance(step, Computed) and pa.types.is_integer(type_) and column.kind != "date":
        held = np.iinfo(type_.to_pandas_dtype())
        return Limits(step.place, float(held.min), float(np.nextafter(float(held.max), 0)))
    return None


def _refuse_equation(rule: Equation, labels: Sequence[str]) -> None:
    name = rule.target.name
    if name in labels:
        got = f"{name!r}, a label, which samples are asked for by"
        refuse(f"constraint {rule.text!r}", expected="a column to compute", got=got)
    hint = "Write one of the constraints for another column, or leave one out."
    got = f"{name!r} computed twice or from itself"
    refuse(f"constraint {rule.text!r}", expected="no circle", got=got, hint=hint)


def _refuse_circles(orders: Sequence[Order]) -> None:
    """Refuse orders that make columns equal: a <= b and b <= a."""
    above: dict[str, set[str]] = {}
    for order in orders:
        above.setdefault(order.low.name, set()).add(order.high.name)
    for order in orders:
        ahead = {order.high.name}
        seen: set[str] = set()
        while ahead:
            name = ahead.pop()
            seen.add(name)
            ahead |= above.get(name, set()) - seen
        if order.low.name in seen:
            names = join_names(sorted(seen), most=None)
            hint = "Columns that are equal are written 'a = b'."
            got = f"a circle of {names}"
            refuse(f"constraint {order.text!r}", expected="an order", got=got, hint=hint)


def _to_json(value: Any) -> Any:
    """A value of dataclasses, arrays and tuples as JSON has it."""
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"is": type(value).__name__, **_to_json(fields)}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {key: _to_json(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_to_json(each) for each in value]
    return value


def _from_json(value: Any) -> Any:
    """The value that `_to_json` wrote."""
    if isinstance(value, list):
        return tuple(_from_json(each) for each in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], np.float64).reshape(value["shape"])
    fields = {key: _from_json(each) for key, each in value.items() if key != "is"}
    return KINDS[value["is"]](**fields) if "is" in value else fields
