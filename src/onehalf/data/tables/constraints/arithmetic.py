"""Arithmetic with columns: price * months + 2.5, and how a computed column was rounded."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from onehalf._errors import refuse
from onehalf.data.tables.constraints.base import Values

__all__ = ["ROUNDINGS", "Expression", "Token", "quote_name", "tokenize"]

NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
DATE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?"
QUOTED = r'"[^"]*"|' + r"'[^']*'|`[^`]*`"
SIGN = r"<=|>=|==|[-+*/()<>=,]"
TOKEN = re.compile(
    rf"\s*(?:({QUOTED})|({DATE})|({NUMBER})(?![\w.])|({SIGN})|([^\s+*/()<>=,-]+))"
)

PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}

NEAR_TIE = 1e-6
"""How near to half a unit, in units of the last decimal, counts as half: products of decimals are not exact."""


@dataclass(frozen=True)
class Token:
    """A piece of a rule."""

    kind: str
    """'name', 'quoted', 'number', 'date' or 'sign'."""
    text: str


def tokenize(what: str, text: str, names: Collection[str]) -> tuple[Token, ...]:
    """Split a rule into its pieces; columns' names are recognised first, blanks and signs in them included.

    >>> [token.text for token in tokenize("rule", "net pay = gross-tax", ["net pay", "gross", "tax"])]
    ['net pay', '=', 'gross', '-', 'tax']
    """
    return tuple(_tokens(what, text, sorted(names, key=len, reverse=True)))


def _tokens(what: str, text: str, names: list[str]) -> Iterator[Token]:
    at = 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        name = next((each for each in names if _starts(text, at, each)), None)
        if name is not None:
            yield Token("name", name)
            at += len(name)
            continue
        match = TOKEN.match(text, at)
        if match is None:
            refuse(what, expected="columns, numbers and signs", got=repr(text[at:].strip()))
        at = match.end()
        kinds = ("quoted", "date", "number", "sign", "name")
        kind, found = next(
            (kind, part) for kind, part in zip(kinds, match.groups(), strict=True) if part
        )
        yield Token(kind, found[1:-1] if kind == "quoted" else found)


def _starts(text: str, at: int, name: str) -> bool:
    """Whether a name stands at a place of a text, and ends there as well."""
    end = at + len(name)
    if text[at:end] != name:
        return False
    return not (name[-1].isalnum() and text[end : end + 1].isalnum()) and text[end:][:1] != "_"


def quote_name(name: str) -> str:
    """Write a column's name so that it can be read again.

    >>> quote_name("price"), quote_name("net pay")
    ('price', '"net pay"')
    """
    return name if re.fullmatch(r"[^\W\d]\w*", name) else f'"{name}"'


@dataclass(frozen=True)
class Expression:
    """Sums, differences, products and quotients, in reverse Polish notation.

    >>> price_plus = Expression.parse("rule", tokenize("rule", "2 * (a + 1)", ["a"]), {"a": "a"})
    >>> price_plus.names, price_plus.compute({"a": np.array([1.0, 4.0])})
    (('a',), array([ 4., 10.]))
    """

    steps: tuple[tuple[str, str | float], ...]
    """Each a 'name', a 'number' or a 'sign'."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, each once."""
        return tuple(dict.fromkeys(str(step) for kind, step in self.steps if kind == "name"))

    @classmethod
    def parse(
        cls, what: str, tokens: Collection[Token], names: Mapping[str, str]
    ) -> "Expression":
        """Parse tokens by operator precedence (Dijkstra 1961).

        Args:
            what: The rule, in error messages.
            tokens: What stands on one side of a rule.
            names: The names of columns.
        """
        steps: list[tuple[str, str | float]] = []
        signs: list[str] = []
        wants_value = True
        for token in tokens:
            if token.kind == "number" and wants_value:
                steps.append(("number", float(token.text)))
                wants_value = False
            elif token.kind in ("name", "quoted") and token.text in names and wants_value:
                steps.append(("name", token.text))
                wants_value = False
            elif token.text == "(" and wants_value:
                signs.append("(")
            elif token.text == ")" and not wants_value and "(" in signs:
                while (sign := signs.pop()) != "(":
                    steps.append(("sign", sign))
            elif token.text in PRECEDENCE and not wants_value:
                while signs and PRECEDENCE.get(signs[-1], 0) >= PRECEDENCE[token.text]:
                    steps.append(("sign", signs.pop()))
                signs.append(token.text)
                wants_value = True
            else:
                refuse(what, expected="columns and numbers with + - * /", got=repr(token.text))
        if wants_value or "(" in signs:
            refuse(what, expected="columns and numbers with + - * /", got="a part of it")
        return cls((*steps, *(("sign", sign) for sign in reversed(signs))))

    def compute(self, values: Mapping[str, Values]) -> Values:
        """Compute it in each row; NaN where a column is missing, or the divisor is 0."""
        stack: list[Values] = []
        one = np.ones(len(next(iter(values.values()))))
        for kind, step in self.steps:
            if kind == "name":
                stack.append(values[str(step)])
            elif kind == "number":
                stack.append(one * float(step))
            else:
                second, first = stack.pop(), stack.pop()
                stack.append(_apply(str(step), first, second))
        return stack[0]


def _apply(sign: str, first: Values, second: Values) -> Values:
    if sign == "+":
        return first + second
    if sign == "-":
        return first - second
    if sign == "*":
        return first * second
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = first / second
    return np.where(np.isfinite(quotient), quotient, np.nan)


def _half_up(units: Values) -> Values:
    """The nearest whole number, halves away from 0."""
    return np.copysign(np.floor(np.abs(units) + 0.5 + NEAR_TIE), units)


def _half_even(units: Values) -> Values:
    """The nearest whole number, halves to the even one."""
    is_tie = np.abs(np.abs(units - np.floor(units)) - 0.5) < NEAR_TIE
    return np.where(is_tie, 2 * np.rint(units / 2), np.rint(units))


def _down(units: Values) -> Values:
    return np.floor(units + NEAR_TIE)


def _up(units: Values) -> Values:
    return np.ceil(units - NEAR_TIE)


ROUNDINGS: dict[str, Callable[[Values], Values]] = {
    "half up": _half_up,
    "half even": _half_even,
    "down": _down,
    "up": _up,
}
"""How a computed number may have been rounded, by units of its last decimal."""
