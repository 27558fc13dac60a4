"""Rules as people write them: 'login >= signup', 'total = price * months', 'combinations(city, country)'."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NoReturn

import numpy as np

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.constraints.arithmetic import (
    Expression,
    Token,
    quote_name,
    tokenize,
)
from onehalf.data.tables.constraints.base import Rule, Unit, require_unit
from onehalf.data.tables.constraints.rules import (
    Bound,
    Combination,
    Equation,
    Fixed,
    Order,
    Unique,
)
from onehalf.data.tables.encoding import Cells, TableEncoder

__all__ = ["FORMS", "parse_rule"]

FORMS = (
    "'a <= b', 'a < 10', 'a = b + c', 'a = b * 1.2', 'a = \"word\"', "
    "'combinations(a, b)' and 'unique(a)'"
)
"""The rules that there are, by example."""

FUNCTION = re.compile(r"\s*(combinations|unique)\s*\((.*)\)\s*$", re.DOTALL)

ORDERS = ("<", "<=", ">", ">=")
EQUALS = ("=", "==")

SECONDS_PER_DAY = 86_400


def parse_rule(
    text: str, encoder: TableEncoder, units: Mapping[str, Unit], cells: Cells
) -> Iterator[Rule]:
    """Parse a rule; a chain such as '0 <= age <= 120' is several.

    Args:
        text: What a person wrote.
        encoder: The columns.
        units: Those that are learned.
        cells: Rows, which decide what combinations occur and how a computed column is rounded.

    Raises:
        Refusal: It is malformed, names a column that is not there or not learned, or compares
            words by size.
    """
    what = f"constraint {text!r}"
    function = FUNCTION.match(text)
    if function:
        yield _parse_function(what, text, function[1], function[2], encoder, units, cells)
        return
    tokens = tokenize(what, text, [column.name for column in encoder.schema.columns])
    sides, signs = _split(tokens)
    if not signs or any(not side for side in sides):
        refuse(what, expected=f"a rule such as {FORMS}", got=repr(text))
    if signs[0] in EQUALS:
        if len(signs) > 1:
            refuse(what, expected="one = sign", got=len(signs))
        yield _parse_equation(what, text, sides, encoder, units, cells)
        return
    for left, sign, right in zip(sides, signs, sides[1:], strict=False):
        if sign not in ORDERS:
            refuse(what, expected="signs of one kind", got=f"{sign!r} beside {signs[0]!r}")
        yield _parse_order(what, left, sign, right, encoder, units)


def _split(tokens: Sequence[Token]) -> tuple[list[list[Token]], list[str]]:
    """The sides of a comparison, and the signs between them."""
    sides: list[list[Token]] = [[]]
    signs: list[str] = []
    for token in tokens:
        if token.kind == "sign" and token.text in (*ORDERS, *EQUALS):
            signs.append(token.text)
            sides.append([])
        else:
            sides[-1].append(token)
    return sides, signs


def _parse_function(
    what: str,
    text: str,
    function: str,
    inside: str,
    encoder: TableEncoder,
    units: Mapping[str, Unit],
    cells: Cells,
) -> Rule:
    """combinations(a, b) or unique(a, b)."""
    tokens = tokenize(what, inside, [column.name for column in encoder.schema.columns])
    names = [token.text for token in tokens if token.text != ","]
    if len(set(names)) < len(names) or len(names) < (2 if function == "combinations" else 1):
        refuse(what, expected="different columns, separated by commas", got=repr(inside))
    left_out = {name for name in names if name in encoder.left_out}
    if function == "unique" and left_out:
        learned = tuple(units[name] for name in names if name in units)
        return Unique(text, learned, tuple(names))
    found = [require_unit(what, name, units, encoder) for name in names]
    if function == "unique":
        return Unique(text, tuple(found), tuple(names))
    numbers = [unit.name for unit in found if unit.kind != "word"]
    if numbers:
        hint = "Give it the kind category in the schema."
        refuse(what, expected="columns of words", got=repr(numbers[0]), hint=hint)
    return Combination.fit(text, found, cells)


def _parse_equation(
    what: str,
    text: str,
    sides: Sequence[Sequence[Token]],
    encoder: TableEncoder,
    units: Mapping[str, Unit],
    cells: Cells,
) -> Rule:
    """A column = an expression, or a constant."""
    left, right = sides
    if len(left) != 1 or left[0].kind not in ("name", "quoted"):
        refuse(what, expected="one column before the = sign", got=repr(text))
    target = require_unit(what, left[0].text, units, encoder)
    names = [column.name for column in encoder.schema.columns]
    is_value = len(right) == 1 and right[0].text not in names
    if is_value and (target.kind != "number" or right[0].kind != "number"):
        return Fixed(text, target, _read_cell(what, right[0], target, encoder))
    for token in right:
        if token.kind in ("name", "quoted"):
            unit = require_unit(what, token.text, units, encoder)
            _require_number(what, unit)
    _require_number(what, target)
    expression = Expression.parse(what, right, {name: name for name in units})
    if target.name in expression.names:
        refuse(
            what, expected="a column computed from others", got=f"{target.name!r} on both sides"
        )
    return Equation.fit(text, target, expression, units, cells)


def _parse_order(
    what: str,
    left: Sequence[Token],
    sign: str,
    right: Sequence[Token],
    encoder: TableEncoder,
    units: Mapping[str, Unit],
) -> Rule:
    """One of <, <=, > and >= between two columns, or a column and a constant."""
    names = [column.name for column in encoder.schema.columns]
    first, second = (_read_side(what, side, names) for side in (left, right))
    if first.text not in names:
        first, second = second, first
        sign = sign.translate(str.maketrans("<>", "><"))
    if first.text not in names:
        hint = did_you_mean(first.text, names)
        refuse(what, expected="a column that the table has", got=repr(first.text), hint=hint)
    unit = require_unit(what, first.text, units, encoder)
    _require_number(what, unit)
    shown = f"{quote_name(unit.name)} {sign} "
    if second.text not in names:
        limit = _read_limit(what, second, unit, names)
        return Bound(shown + second.text, unit, sign, limit)
    other = require_unit(what, second.text, units, encoder)
    _require_number(what, other)
    if unit.kind != other.kind:
        got = f"a {unit.kind} and a {other.kind}"
        refuse(what, expected="two numbers, or two dates", got=got)
    if unit == other:
        refuse(what, expected="two different columns", got=f"{unit.name!r} twice")
    low, high = (unit, other) if sign[0] == "<" else (other, unit)
    text = f"{quote_name(low.name)} {sign.replace('>', '<')} {quote_name(high.name)}"
    return Order(text, low, high, sign in ("<", ">"))


def _read_side(what: str, side: Sequence[Token], names: Sequence[str]) -> Token:
    """The one column, number or date on a side of an order."""
    if len(side) == 2 and side[0].text == "-" and side[1].kind == "number":
        return Token("number", f"-{side[1].text}")
    if len(side) != 1:
        hint = "Add the sum or the product as a column first."
        refuse(what, expected="a column or a constant on each side", got="more", hint=hint)
    return side[0]


def _read_limit(what: str, token: Token, unit: Unit, names: Sequence[str]) -> float:
    """The constant of a bound, in the unit of its column."""
    kinds = ("date", "quoted") if unit.kind == "date" else ("number",)
    if token.kind not in kinds:
        hint = did_you_mean(token.text, names)
        refuse(what, expected=f"a column or a {unit.kind}", got=repr(token.text), hint=hint)
    return _read_days(what, token) if unit.kind == "date" else float(token.text)


def _read_days(what: str, token: Token) -> float:
    """A date, in days since 1970."""
    try:
        moment = datetime.fromisoformat(token.text)
    except ValueError:
        refuse(what, expected="a date such as 2024-03-20", got=repr(token.text))
    return (moment - datetime(1970, 1, 1)).total_seconds() / SECONDS_PER_DAY


def _read_cell(what: str, token: Token, unit: Unit, encoder: TableEncoder) -> float:
    """The cell of a constant."""
    if unit.kind == "date":
        return float(unit.to_cells(np.array([_read_days(what, token)]))[0])
    if unit.name not in encoder.words:
        return float(token.text) if token.kind == "number" else 0.0
    words = encoder.words[unit.name]
    if token.text not in words:
        _refuse_word(what, token, unit, words)
    return float(words.index(token.text))


def _refuse_word(what: str, token: Token, unit: Unit, words: Sequence[str]) -> NoReturn:
    hint = did_you_mean(token.text, words)
    expected = f"a value that {unit.name!r} has, or a column"
    refuse(what, expected=expected, got=repr(token.text), hint=hint)


def _require_number(what: str, unit: Unit) -> None:
    if unit.kind == "word":
        hint = "Words have no order and no sum. Is its kind right in the schema?"
        refuse(what, expected="columns of numbers or dates", got=repr(unit.name), hint=hint)
