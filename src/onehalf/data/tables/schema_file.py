"""A schema as a file: written to be read and corrected by a person, and read again."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf.data.tables.column import Column
from onehalf.data.tables.forms.base import Form
from onehalf.data.tables.forms.booleans import BooleanForm
from onehalf.data.tables.forms.columns import FORMS
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.kinds import Kind
from onehalf.data.tables.statistics import shorten

__all__ = ["SchemaFile", "read_schema_file", "write_schema_file"]

ABOUT = (
    "A kind may be corrected, to one of "
    + ", ".join(get_args(Kind))
    + ". So may the form of the cells: format (of dates, as in strftime), zone, decimal, thousands, "
    "prefix, suffix, minus, plus, least_decimals, fixed (of numbers), true, false, and null (the word "
    "for a missing value), and the order of categories, from the least to the greatest. "
    "constraints is a list of rules that samples keep: 'login >= signup', 'total = price * months', "
    "'0 <= age <= 120', 'combinations(city, country)', 'unique(order)'. The rest describes the data."
)

FORM_OF: Mapping[str, type[Form]] = {
    "continuous": NumberForm,
    "integer": NumberForm,
    "date": DateForm,
    "boolean": BooleanForm,
}
"""The form that the cells of a kind may have."""

FORM_KEYS = tuple(
    dict.fromkeys(field.name for form in FORMS.values() for field in dataclasses.fields(form))
)
"""What a column in a file may say about its form."""


class SchemaFile(NamedTuple):
    """What a file says."""

    rows: int
    columns: tuple[Column, ...]
    constraints: tuple[str, ...]


def write_schema_file(rows: int, columns: Iterable[Column], constraints: Sequence[str]) -> str:
    """Write one line a column, and one a constraint."""
    listed = _to_lines(column.to_dict() for column in columns)
    rules = f'  "constraints": [\n{_to_lines(constraints)}\n  ],\n'
    return (
        f'{{\n  "about": {json.dumps(ABOUT)},\n  "rows": {rows},\n'
        f'{rules if constraints else ""}  "columns": [\n{listed}\n  ]\n}}\n'
    )


def read_schema_file(text: str | bytes, what: str) -> SchemaFile:
    """Read what `write_schema_file` wrote, or a person: of a column, name and kind are enough."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        refuse(what, expected="JSON", got=f"text that can't be read as such ({error})")
    listed = content.get("columns") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        refuse(what, expected="an object with a list called 'columns'", got="none")
    columns = tuple(
        _read_column(what, number, column) for number, column in enumerate(listed, 1)
    )
    names = [column.name for column in columns]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        refuse(what, expected="each column once", got=f"{twice[0]!r} more than once")
    rows = content.get("rows", 0)
    if type(rows) is not int:
        refuse(what, expected="a whole number of rows", got=json.dumps(rows))
    return SchemaFile(rows, columns, _read_constraints(what, content.get("constraints", [])))


def _to_lines(values: Iterable[Any]) -> str:
    """Values as lines of a JSON list."""
    return ",\n".join(f"    {json.dumps(value, ensure_ascii=False)}" for value in values)


def _read_constraints(what: str, content: Any) -> tuple[str, ...]:
    """Read the list of rules, which are parsed once the columns are known."""
    if not isinstance(content, list) or not all(isinstance(rule, str) for rule in content):
        expected = 'a list of rules in words, such as ["login >= signup"]'
        refuse(f"{what}, constraints", expected=expected, got=shorten(json.dumps(content), 60))
    return tuple(dict.fromkeys(content))


def _read_column(what: str, number: int, content: Any) -> Column:
    """Read a column from a file; facts that can't be shown are dropped."""
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("name"), str)
        or not isinstance(content.get("kind"), str)
    ):
        got = f"column {number} without"
        refuse(what, expected="a name and a kind for each column", got=got)
    what = f"{what}, column {content['name']!r}"
    fields = (field.name for field in dataclasses.fields(Column))
    keys = (*(name for name in fields if name != "form"), *FORM_KEYS)
    facts: dict[str, Any] = {"missing": 0.0, "distinct": 0}
    for key, fact in content.items():
        facts[choose(what, key, keys)] = tuple(fact) if isinstance(fact, list) else fact
    facts["kind"] = choose(what, content["kind"], get_args(Kind))
    form = _read_form(what, facts)
    try:
        atoms = tuple((value, share) for value, share in facts.pop("atoms", ()))
        column = Column(**facts, atoms=atoms, form=form)
        can_be_shown = len(column.cells) > 0
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        column = None
        can_be_shown = False
    if column is None or not can_be_shown:
        got = shorten(json.dumps(facts), 100)
        refuse(what, expected="facts such as `onehalf data` writes", got=got)
    return column


def _read_form(what: str, facts: dict[str, Any]) -> Form | None:
    """Take the form out of a column's facts; what does not belong to its kind is dropped."""
    written = {key: facts.pop(key) for key in FORM_KEYS if key in facts}
    form = FORM_OF.get(facts["kind"])
    if form is None:
        return None
    own = [field.name for field in dataclasses.fields(form)]
    known = {key: fact for key, fact in written.items() if key in own}
    return form.from_dict(what, known) if known else None
