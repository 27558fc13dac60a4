"""Find the rules that all rows of a table keep, and that chance alone would break.

A rule is said only where it would not survive if the columns were shuffled independently: with a share s of shuffled
rows that keep it, n rows keep it by chance with probability s^n, which must be below `CHANCE` over all rules tried.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from onehalf.data.tables.constraints.arithmetic import Expression, quote_name
from onehalf.data.tables.constraints.base import Rule, Unit, Values, find_units
from onehalf.data.tables.constraints.rules import Combination, Equation, Order
from onehalf.data.tables.encoding import Cells, TableEncoder

__all__ = ["Found", "find_equations", "find_rules"]

LEAST_ROWS = 100
"""Rows that must speak for a rule."""

CHANCE = 1e-6
"""The probability, at most, that some rule is found by chance."""

SHUFFLES = 20

SCREENED_ROWS = 64
"""Rows by which most equations are dismissed."""

MOST_COLUMNS = 32
"""With more columns of numbers, or of words, than this no rules about them are sought."""

LEAST_VALUES = 3
"""Different values that a computed column has, at least."""

MOST_SINGLE = 0.005
"""Combinations that occur in one row only make up at most this share of the rows: an estimate of how often the next row
has a new one (Good 1953)."""

FEWER = 0.7
"""Combinations that occur are at most this share of those that shuffled columns have."""

DIGITS = 6
"""Significant digits of a constant factor."""

TIMES = "*"


@dataclass(frozen=True)
class Found:
    """A rule that all rows keep."""

    rule: Rule
    rows: int
    """Rows that speak for it: no column of it is missing."""

    def __str__(self) -> str:
        return f"{self.rule.text}   ({self.rows:,} rows)"


def find_rules(encoder: TableEncoder, cells: Cells) -> list[Found]:
    """Find equations, orders and combinations of words, in this order."""
    equations = find_equations(encoder, cells)
    computed = [each.rule for each in equations if isinstance(each.rule, Equation)]
    units = find_units(encoder, cells)
    orders = _find_orders(units, cells, computed)
    return [*equations, *orders, *_find_combinations(units, cells)]


def find_equations(encoder: TableEncoder, cells: Cells) -> list[Found]:
    """Find columns that are computed from one or two others, each once, and none in circles."""
    units = [unit for unit in find_units(encoder, cells).values() if unit.kind != "word"]
    if not 1 < len(units) <= MOST_COLUMNS or len(cells) < LEAST_ROWS:
        return []
    found: list[Found] = []
    computed: dict[str, frozenset[str]] = {}
    rng = np.random.default_rng(0)
    candidates = 4 * len(units) ** 3
    for target in sorted(units, key=lambda unit: -_spread(unit.values(cells))):
        for equation in _candidates(target, units, cells):
            inputs = frozenset(unit.name for unit in equation.inputs)
            if any(
                target.name in computed.get(name, ()) or name in computed for name in inputs
            ):
                continue
            rows = _count_if_no_chance(rng, equation, cells, candidates)
            if rows:
                found.append(Found(equation, rows))
                computed[target.name] = inputs
                break
    return found


def _spread(values: Values) -> float:
    """How large a column's numbers are: sums and products are sought before what they are made of."""
    known = values[~np.isnan(values)]
    return float(np.abs(known).mean()) if len(known) else 0.0


def _candidates(target: Unit, units: Sequence[Unit], cells: Cells) -> Iterator[Equation]:
    """The equations that some rows keep: t = k a, t = a + k, t = k a b, t = k a / b and t = a + b."""
    values = target.values(cells)
    by_name = {unit.name: unit for unit in units}
    others = [unit for unit in units if unit.name != target.name]
    if len(np.unique(values[~np.isnan(values)])) < LEAST_VALUES:
        return
    screened = _choose_rows(cells, values)
    few = {unit.name: unit.values(cells[screened]) for unit in others}
    for names, sign in _forms([unit.name for unit in others]):
        if target.kind == "date" and sign in "*/":
            continue
        expression = _guess(values[screened], [few[name] for name in names], names, sign)
        if expression is None:
            continue
        rule = Equation.fit("", target, expression, by_name, cells[screened])
        if rule.applies(cells[screened]).any() and rule.holds(cells[screened]).all():
            text = f"{quote_name(target.name)} = {_write(expression)}"
            yield Equation.fit(text, target, expression, by_name, cells)


def _choose_rows(cells: Cells, values: Values) -> np.ndarray:
    """Rows by which most equations are dismissed: some at random among those with a value."""
    known = np.flatnonzero(~np.isnan(values))
    return np.random.default_rng(0).permutation(known)[:SCREENED_ROWS]


def _forms(names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Columns, and the sign between them, simple forms first."""
    for name in names:
        yield (name,), "*"
        yield (name,), "+"
    for pair in itertools.combinations(names, 2):
        yield pair, "+"
        yield pair, "*"
        yield pair, "/"
        yield pair[::-1], "/"


def _guess(
    target: Values, parts: Sequence[Values], names: Sequence[str], sign: str
) -> Expression | None:
    """The expression of this form that comes nearest to some rows; None if none comes near."""
    with np.errstate(all="ignore"):
        base = parts[0]
        for part in parts[1:]:
            base = base + part if sign == "+" else base * part if sign == "*" else base / part
        constants = target - base if sign == "+" else target / base
    known = constants[np.isfinite(constants)]
    if not len(known):
        return None
    middle = float(np.median(known))
    spread = float(np.abs(known - middle).mean())
    scale = abs(middle) if sign != "+" else float(np.nanmean(np.abs(target)))
    if spread > 0.05 * max(scale, 1e-9):
        return None
    steps: list[tuple[str, str | float]] = [("name", names[0])]
    if len(names) > 1:
        steps += [("name", names[1]), ("sign", sign)]
    constant = _simplify(middle, known)
    neutral = 0.0 if sign == "+" else 1.0
    if constant == neutral:
        return Expression(tuple(steps))
    if constant == 0 or (sign == "+" and len(names) > 1):
        return None
    if constant < 0 and sign == "+":
        return Expression((*steps, ("number", -constant), ("sign", "-")))
    return Expression((*steps, ("number", constant), ("sign", "+" if sign == "+" else TIMES)))


def _simplify(middle: float, known: Values) -> float:
    """The shortest number among those that are as near as rounding allows."""
    spread = float(np.quantile(np.abs(known - middle), 0.5)) + 1e-9 * abs(middle)
    for digits in range(1, DIGITS + 1):
        short = float(f"{middle:.{digits}g}")
        if abs(short - middle) <= spread:
            return short
    return float(f"{middle:.{DIGITS}g}")


def _write(expression: Expression) -> str:
    """The expression as a person writes it."""
    stack: list[str] = []
    for kind, step in expression.steps:
        if kind == "sign":
            second, first = stack.pop(), stack.pop()
            stack.append(f"{first} {step} {second}")
        else:
            stack.append(quote_name(str(step)) if kind == "name" else f"{step:g}")
    return stack[0]


def _find_orders(
    units: dict[str, Unit], cells: Cells, equations: Sequence[Equation]
) -> list[Found]:
    """Pairs of numbers or of dates in one order, without those that follow from others."""
    ordered = [unit for unit in units.values() if unit.kind != "word"]
    if len(ordered) > MOST_COLUMNS:
        return []
    related = _join_related(equations)
    rng = np.random.default_rng(0)
    found: dict[tuple[str, str], Found] = {}
    for low, high in itertools.permutations(ordered, 2):
        if low.kind != high.kind or any({low.name, high.name} <= each for each in related):
            continue
        text = f"{quote_name(low.name)} <= {quote_name(high.name)}"
        rule = Order(text, low, high)
        rows = _count_if_no_chance(rng, rule, cells, len(ordered) ** 2)
        if rows and not np.array_equal(low.values(cells), high.values(cells), equal_nan=True):
            found[low.name, high.name] = Found(rule, rows)
    follows = {
        (low, high)
        for (low, middle), (other, high) in itertools.permutations(found, 2)
        if middle == other
    }
    return [each for pair, each in found.items() if pair not in follows]


def _join_related(equations: Sequence[Equation]) -> list[set[str]]:
    """Columns that equations tie together, whose orders follow from these."""
    related: list[set[str]] = []
    for equation in equations:
        own = {unit.name for unit in equation.units}
        tied = [each for each in related if each & own]
        related = [each for each in related if not each & own] + [own.union(*tied)]
    return related


def _count_if_no_chance(
    rng: np.random.Generator, rule: Rule, cells: Cells, candidates: int
) -> int:
    """The rows that speak for a rule, if all keep it and shuffled columns would not; else 0."""
    screened = cells[:SCREENED_ROWS]
    if not rule.holds(screened).all():
        return 0
    applies = np.flatnonzero(rule.applies(cells))
    if len(applies) < LEAST_ROWS or not rule.holds(cells).all():
        return 0
    own = cells[applies]
    kept = total = 0
    for _ in range(SHUFFLES):
        shuffled = own[rng.permutation(len(own))[:1000]]
        for unit in rule.units:
            shuffled[:, unit.place] = rng.permutation(own[:, unit.place])[: len(shuffled)]
        kept += int(rule.holds(shuffled).sum())
        total += len(shuffled)
    share = (kept + 1) / (total + 1)
    by_chance = len(own) * math.log(share)
    return len(own) if by_chance < math.log(CHANCE / candidates) else 0


def _find_combinations(units: dict[str, Unit], cells: Cells) -> Iterator[Found]:
    """Pairs of columns of words that occur in few of the combinations that shuffled columns have."""
    words = [unit for unit in units.values() if unit.kind == "word"]
    if len(words) > MOST_COLUMNS or len(cells) < LEAST_ROWS:
        return
    rng = np.random.default_rng(0)
    for pair in itertools.combinations(words, 2):
        own = cells[:, [unit.place for unit in pair]]
        if any(len(np.unique(column)) < 2 for column in own.T):
            continue
        counts = _count_combinations(own)
        if (counts == 1).sum() > MOST_SINGLE * len(cells):
            continue
        shuffled = np.mean(
            [
                len(_count_combinations(np.stack([rng.permutation(c) for c in own.T], axis=1)))
                for _ in range(2)
            ]
        )
        if len(counts) <= FEWER * shuffled:
            text = f"combinations({', '.join(quote_name(unit.name) for unit in pair)})"
            rule = Combination.fit(text, pair, cells)
            yield Found(rule, int(rule.applies(cells).sum()))


def _count_combinations(own: Cells) -> np.ndarray:
    """The rows of each combination of two columns."""
    first, second = (np.unique(column, return_inverse=True)[1] for column in own.T)
    return np.unique(first * (second.max() + 1) + second, return_counts=True)[1]
