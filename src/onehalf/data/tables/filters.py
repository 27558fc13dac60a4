"""Conditions on rows of a table, as in `sample --where 'sex=F,age>40'`: parse them, and select the rows."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf._text import did_you_mean
from onehalf.data.tables.column import Column
from onehalf.data.tables.condition_parser import Condition, split_conditions
from onehalf.data.tables.condition_values import (
    MISSING,
    find_possible,
    find_spans,
    find_words,
    list_some,
)
from onehalf.data.tables.encoding import NOT_CODED, Cells, TableEncoder
from onehalf.data.tables.spans import ALL, Allowed, after, before, complement, intersect, unite
from onehalf.data.tables.statistics import format_value

__all__ = ["RowFilter", "find_column"]

ORDERS = ("<", "<=", ">", ">=")
"""The signs that need an order."""


@dataclass(frozen=True)
class RowFilter:
    """Conditions on the columns of a table, all of which must hold.

    One condition is a column's name, a sign (= != < <= > >=) and a value, or several for = and
    != (`sex=F|M`: one of these; `sex!=F|M`: none of them). Commas separate conditions. A name
    or a value that contains a comma, a sign or a | is put in quotes, and a quote of that kind
    inside is doubled. `30<=age<40` is short for `age>=30,age<40`.

    Words take = and != only, and case is ignored unless two words differ in nothing else. Dates
    are written as in the data or as 2024-03-20 12:30:00, and may be shorter: `day=2024-03` is
    any day of that March, and `day>2024` begins in
    2025. `age=missing` matches missing values, unless the column has that word.

    `!=` is the opposite of `=`, as in pandas and not as in SQL: a row whose sex is missing has
    `sex!=F`, and no order (`age<40` or `age>=40`) holds of a missing age.

    >>> import pyarrow as pa
    >>> people = pa.table({"age": [31, None, 54], "sex": ["F", "M", "F"]})
    >>> coding = TableEncoder.fit(people)
    >>> wanted = RowFilter.parse("sex = f, age>40", coding)
    >>> wanted.mask(coding.encode(people)), wanted.fixed, str(wanted)
    (array([False, False,  True]), {'sex': 0.0}, 'sex=F,age>40')
    """

    conditions: tuple[Condition, ...]
    coding: TableEncoder
    allowed: Mapping[str, Allowed]
    """The cells that the conditions allow, by column."""

    @classmethod
    def parse(cls, text: Any, coding: TableEncoder) -> "RowFilter":
        """Parse what a user typed.

        Raises:
            Refusal: The conditions are no text, one is malformed, or no row of such data can satisfy it.

        >>> import pyarrow as pa
        >>> RowFilter.parse("sex=W", TableEncoder.fit(pa.table({"age": [31, 54], "sex": ["F", "M"]})))
        Traceback (most recent call last):
        onehalf._errors.Refusal: sex=W: expected one of F, M; got 'W'.
        """
        if not isinstance(text, str):
            got = type(text).__name__
            refuse("where", expected="a text such as 'sex=F,age>40'", got=f"a {got}")
        conditions, allowed = [], {}
        for written in split_conditions(text):
            index = find_column("the conditions", written.name, coding)
            column = coding.columns[index]
            condition, left = _interpret(written, column, coding)
            possible = find_possible(column, coding)
            if left.intersect(possible).is_empty:
                _refuse_empty(str(condition), column, coding.words.get(column.name, ()))
            allowed[column.name] = left.intersect(allowed.get(column.name, left))
            conditions.append(condition)
            if allowed[column.name].intersect(possible).is_empty:
                got = " and ".join(str(each) for each in conditions if each.name == column.name)
                refuse(
                    "the conditions",
                    expected="conditions that one row can satisfy",
                    got=f"{got}, which exclude each other",
                )
        return cls(tuple(conditions), coding, allowed)

    def mask(self, rows: Cells) -> Bool[np.ndarray, " rows"]:
        """Which rows of the encoded table satisfy all conditions."""
        holds = np.ones(len(rows), bool)
        for name, left in self.allowed.items():
            holds &= left.holds(rows[:, self.coding.names.index(name)])
        return holds

    def on(self, names: Collection[str]) -> "RowFilter":
        """Select the conditions on these columns."""
        kept = tuple(condition for condition in self.conditions if condition.name in names)
        return RowFilter(
            kept,
            self.coding,
            {name: left for name, left in self.allowed.items() if name in names},
        )

    @property
    def fixed(self) -> dict[str, float]:
        """The columns for which a single cell is allowed, and this cell: NaN where it must be missing."""
        return {
            name: left.spans[0][0] if left.spans else math.nan
            for name, left in self.allowed.items()
            if not left.spans
            or (
                len(left.spans) == 1
                and left.spans[0][0] == left.spans[0][1]
                and not left.missing
            )
        }

    def __str__(self) -> str:
        return ",".join(map(str, self.conditions))


def find_column(what: str, name: str, coding: TableEncoder) -> int:
    """Find the index of a column among the cells of a row.

    Raises:
        Refusal: The name is unknown, or the column is not learned.

    >>> import pyarrow as pa
    >>> find_column("the target", "agee", TableEncoder.fit(pa.table({"age": [31, 54]})))
    Traceback (most recent call last):
    onehalf._errors.Refusal: the target: expected a column of the table; got 'agee'. Did you mean age?
    """
    kinds = {column.name: column.kind for column in coding.schema.columns}
    if kinds.get(name) in NOT_CODED:
        got = f"{name!r}, which holds {NOT_CODED[kinds[name]]}"
        refuse(what, expected="a column that can be learned", got=got)
    if name not in kinds:
        hint = did_you_mean(name, coding.names) or f"The table has {list_some(coding.names)}."
        refuse(what, expected="a column of the table", got=repr(name), hint=hint)
    return coding.names.index(name)


def _interpret(
    written: Condition, column: Column, coding: TableEncoder
) -> tuple[Condition, Allowed]:
    """The condition with the column's own words in it, and the cells that satisfy it."""
    words, sign = coding.words.get(column.name), written.sign
    if sign in ORDERS and words is not None:
        refuse(str(written), expected=f"= or !=, since {column.name!r} holds words", got=sign)
    values = find_words(written, words) if words else written.values
    unknown = MISSING in values and MISSING not in (words or ())
    if sign in ORDERS and (unknown or len(values) > 1):
        refuse(
            str(written),
            expected=f"one value after {sign}",
            got=" and ".join(map(repr, values)),
        )
    known = [value for value in values if not (unknown and value == MISSING)]
    spans = find_spans(str(written), known, column, coding)
    if sign in ORDERS:
        ((low, high),) = spans
        left = {
            "<": (-math.inf, before(low)),
            "<=": (-math.inf, high),
            ">": (after(high), math.inf),
        }
        spans = [left.get(sign, (low, math.inf))]
    elif sign == "!=":
        spans = complement(unite(spans))
    if column.kind != "continuous":
        spans = [(float(np.ceil(low)), float(np.floor(high))) for low, high in spans]
    spans = unite(spans)
    missing = unknown == (sign == "=") and sign not in ORDERS
    within = ((0.0, len(words) - 1.0),) if words else ALL
    return Condition(written.name, sign, values), Allowed(
        tuple(intersect(within, spans)), missing
    )


def _refuse_empty(what: str, column: Column, words: Iterable[str]) -> NoReturn:
    """Refuse a condition that no cell of the data satisfies."""
    whole = "whole numbers from " if column.kind == "integer" else ""
    held = words or [format_value(value) for value in column.values]
    span = (
        list_some(held)
        if held
        else f"{whole}{format_value(column.low)} to {format_value(column.high)}"
    )
    missing = "" if column.missing else ", none missing"
    refuse(
        what,
        expected=f"a condition that holds for some value of {column.name!r} in the data ({span}{missing})",
        got="one that holds for none",
    )
