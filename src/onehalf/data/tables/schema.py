"""What the columns of a table are: a kind for each, the facts that a sample has to keep, and what will hurt."""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pyarrow as pa

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf._text import did_you_mean, join_names
from onehalf.data.tables.forms.base import Form
from onehalf.data.tables.forms.booleans import BooleanForm
from onehalf.data.tables.forms.columns import FORMS
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.profile import ColumnProfile, Kind, Value, format_value, shorten

__all__ = ["Column", "Kind", "Schema"]

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


LEAST_NAMED = 3
"""A word that fewer rows hold is not printed."""

QUOTES_CELL = re.compile(r" in (line|row) [0-9]")
"""In warnings that say what a cell holds."""


@dataclass(frozen=True)
class Column:
    """One column: what it is, and what a sample of it has to keep.

    A fact that its kind has not is None or empty.
    """

    name: str
    kind: Kind
    missing: float
    """The share of the rows that hold nothing, to four digits, as all shares."""
    distinct: int
    """How many different values there are."""
    low: Value | None = None
    high: Value | None = None
    decimals: int | None = None
    """The decimals that 99 % of the numbers make do with; None if they have all that their type
    can hold."""
    form: Form | None = None
    """How the cells are written, where they are words, or come from a text file; None if as
    usual."""
    values: tuple[Value, ...] = ()
    """All of the values, where a number or a date takes only few, or a constant its one."""
    atoms: tuple[tuple[Value, float], ...] = ()
    """Values that many rows share in an otherwise continuous column, each with its share of the
    rows."""
    categories: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The most frequent words, at most 100, and how many rows each has."""
    rare: int | None = None
    """The rows that hold any other word."""
    order: tuple[str, ...] = ()
    """The words from the least to the greatest, where they have an order, such as S, M, L."""
    personal: str | None = None
    """Why the column looks like personal data, whatever its kind."""
    note: str = ""
    """What was seen, in a few words: the type, the form of the cells, the word for missing ones."""
    warnings: tuple[str, ...] = ()
    """What will hurt, in sentences."""

    @property
    def format(self) -> str | None:
        """How dates are written, where they are words or numbers."""
        return self.form.format if isinstance(self.form, DateForm) else None

    def to_dict(self) -> dict[str, Any]:
        """The facts that the column has, those of its form among them."""
        facts = {
            key: fact
            for key, fact in vars(self).items()
            if key != "form" and fact is not None and fact not in ((), {}, "")
        }
        return facts | (self.form.to_dict() if self.form else {})

    def hide_words(self, words: Collection[str]) -> "Column":
        """Return the column without categories but these words, and without warnings that quote a cell."""
        kept = {word: rows for word, rows in self.categories.items() if word in words}
        hidden = sum(self.categories.values()) - sum(kept.values())
        rare = self.rare if self.rare is None else self.rare + hidden
        warnings = tuple(each for each in self.warnings if not QUOTES_CELL.search(each))
        order = tuple(word for word in self.order if word in words)
        return dataclasses.replace(
            self, categories=kept, rare=rare, warnings=warnings, order=order
        )

    @property
    def cells(self) -> tuple[str, ...]:
        """The column in words: name, kind, missing, distinct, range, and what else there is."""
        share = (
            f"{100 * self.missing:.1f} %"
            if self.missing >= 0.001
            else "< 0.1 %"
            if self.missing
            else ""
        )
        span = (
            f"{format_value(self.low)} to {format_value(self.high)}"
            if self.low is not None
            else ""
        )
        return (
            shorten(self.name, 30),
            self.kind,
            share,
            f"{self.distinct:,}",
            span,
            "; ".join(self._details()),
        )

    def _details(self) -> Iterator[str]:
        if self.personal:
            yield self.personal
        if self.decimals:
            yield f"{self.decimals} decimal{'s' * (self.decimals > 1)}"
        if self.form and (written := self.form.describe()):
            yield written
        if self.values:
            yield ("only " if len(self.values) > 1 else "") + _some(
                map(format_value, self.values)
            )
        yield from (
            f"{format_value(atom)} in {100 * share:.0f} %" for atom, share in self.atoms
        )
        if self.categories:
            total = sum(self.categories.values()) + (self.rare or 0)
            named = {w: rows for w, rows in self.categories.items() if rows >= LEAST_NAMED}
            unnamed = len(self.categories) - len(named)
            if named:
                yield _some(
                    f"{shorten(word, 20)} {100 * rows / total:.0f} %"
                    for word, rows in named.items()
                )
            if unnamed:
                yield f"{unnamed:,} of fewer than {LEAST_NAMED} rows"
        if self.rare:
            yield f"{self.rare:,} rows rare"
        if self.order:
            yield "in order"


@dataclass(frozen=True)
class Schema:
    """The columns of a table and its rows. The rules for a column's kind, the first that fits:

    - constant: one value, wherever there is one.
    - boolean: booleans; 0 and 1 and no other number, since nothing lies between them; two words
      that are true and false, yes and no, y and n, or t and f, in any capitals.
    - personal: what looks like people's names, e-mail addresses, phone numbers, street
      addresses or account numbers (`onehalf.data.tables.personal`).
    - category: what the data frame declares as one.
    - date: dates and times; words of which 95 % or more are dates in one format (`DateForm`);
      numbers that are all dates yyyymmdd from 1900 to 2100, four different ones at least.
    - key: numbers or words of 16 digits or more, 20 values at least; id, if 95 % of them are
      different; category, if they are fewer.
    - id: whole numbers, 20 or more, each of them once, if the name suggests it (id, key, index,
      number, ...); or, 50 or more, if they are consecutive.
    - integer: numbers that are all whole, whatever their type: 3.0 counts.
    - continuous: other numbers, also words that are numbers with units or marks (`NumberForm`).
      Whole numbers of more than 15 digits are words, unless at most 3 of them are among smaller
      ones.
    - text: words, 20 values or more, 4 words or more in each on average, with at least half of
      the values different.
    - id: words, 20 values or more, of which 95 % or more are different.
    - category: other words; numbers with leading zeros are such.

    Few values (`values`): at most 20, with 10 rows or more each on average. Atoms: at least 5 %
    of the rows, 20 of them, and 5 times as many as the next smaller and the next greater value
    have.

    >>> print(Schema.infer(pa.table({"inches": [14, 15, 17] * 30, "price": [9.5, 12.25, 20.0] * 30})))
    column  kind        missing  distinct  range
    inches  integer                     3  14 to 17   only 14, 15, 17
    price   continuous                  3  9.5 to 20  2 decimals; only 9.5, 12.25, 20
    """

    rows: int
    columns: tuple[Column, ...]
    constraints: tuple[str, ...] = ()
    """Rules that samples keep, as a person writes them (docs/reference/schema.md)."""

    @classmethod
    def infer(
        cls,
        table: pa.Table,
        kinds: Mapping[str, str] | None = None,
        forms: Mapping[str, Form | None] | None = None,
    ) -> "Schema":
        """Infer the schema of a table that has been checked (`onehalf.data.dataset`).

        Args:
            table: The table.
            kinds: The kinds of columns where they are known.
            forms: How their cells are written, where that is known.

        Raises:
            Refusal: A known kind or form does not fit the values: words are not continuous, 0.5
                is no integer.
        """
        kinds, forms = kinds or {}, forms or {}
        _check_known("the kinds", kinds, table)
        return cls(
            len(table),
            tuple(
                _describe(name, table, kinds.get(name), forms.get(name))
                for name in table.column_names
            ),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will hurt, in sentences, each with its column's name."""
        return tuple(warning for column in self.columns for warning in column.warnings)

    def check(self, table: pa.Table) -> "Schema":
        """Infer the schema of another table under the kinds of this one.

        Columns or kinds that do not fit are refused.
        """
        mine = {column.name for column in self.columns}
        _check_known("the schema", mine, table)
        for name in table.column_names:
            if name not in mine:
                refuse(
                    "the schema",
                    expected="all columns of the table",
                    got=f"none called {name!r}",
                )
        kinds = {column.name: column.kind for column in self.columns}
        forms = {column.name: column.form for column in self.columns}
        orders = {column.name: column.order for column in self.columns}
        found = Schema.infer(table, kinds, forms)
        columns = tuple(_set_order(each, orders[each.name], table) for each in found.columns)
        return Schema(found.rows, columns, self.constraints)

    def changes(self, other: "Schema") -> list[str]:
        """What differs in another schema of the same table, a line for each fact that a person may write.

        >>> one = Schema(3, (Column("age", "integer", 0.0, 3),))
        >>> one.changes(Schema(3, (Column("age", "category", 0.0, 3),)))
        ['age: kind is category, not integer']
        """
        before = {column.name: column for column in self.columns}
        columns = [
            f"{column.name}: {difference}"
            for column in other.columns
            for difference in _compare(before[column.name], column)
        ]
        new = [rule for rule in other.constraints if rule not in self.constraints]
        return [*columns, *(f"constraint {rule}" for rule in new)]

    def keep_personal(self, names: Sequence[str]) -> "Schema":
        """Return the schema in which these columns of personal data are categories, to be learned.

        Raises:
            Refusal: There is no such column, or it does not look like personal data.
        """
        looks = [column.name for column in self.columns if column.personal]
        for name in names:
            if name not in looks:
                expected = f"a column that looks like personal data ({join_names(looks) or 'none does'})"
                refuse("keep-personal", expected=expected, got=repr(name))
        columns = (
            dataclasses.replace(column, kind="category") if column.name in names else column
            for column in self.columns
        )
        return dataclasses.replace(self, columns=tuple(columns))

    def hide_words(self, words: Mapping[str, Collection[str]]) -> "Schema":
        """Return the schema without words but these, and without warnings that quote a cell.

        Args:
            words: For each column of words those that may be known.
        """
        columns = (column.hide_words(words.get(column.name, ())) for column in self.columns)
        return dataclasses.replace(self, columns=tuple(columns))

    def without_values(self) -> "Schema":
        """Return what a person can ask for: the kinds and forms of columns, without values."""
        facts: dict[str, Any] = {
            "low": None,
            "high": None,
            "values": (),
            "atoms": (),
            "categories": {},
            "rare": None,
            "order": (),
            "warnings": (),
        }
        columns = (dataclasses.replace(column, **facts) for column in self.columns)
        return dataclasses.replace(self, columns=tuple(columns))

    def to_dict(self) -> dict[str, Any]:
        """The rows and the columns, of each column the facts that it has; and constraints, if there are some."""
        facts = {"rows": self.rows, "columns": [column.to_dict() for column in self.columns]}
        return facts | ({"constraints": list(self.constraints)} if self.constraints else {})

    def to_json(self) -> str:
        """The schema as a file to be read and corrected: one line a column.

        `from_json` is the inverse.
        """
        columns = _to_lines(column.to_dict() for column in self.columns)
        rules = f'  "constraints": [\n{_to_lines(self.constraints)}\n  ],\n'
        return (
            f'{{\n  "about": {json.dumps(ABOUT)},\n  "rows": {self.rows},\n'
            f'{rules if self.constraints else ""}  "columns": [\n{columns}\n  ]\n}}\n'
        )

    @classmethod
    def from_json(cls, text: str | bytes, what: str = "the schema") -> "Schema":
        """Read a schema that `to_json` wrote, or a person: of a column, name and kind are enough.

        >>> Schema.from_json('{"columns": [{"name": "age", "kind": "interger"}]}')
        Traceback (most recent call last):
        onehalf._errors.Refusal: the schema, column 'age': expected one of continuous, integer, category, boolean, date,
        constant, id, key, personal, text; got 'interger'. Did you mean integer?
        """
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
        return cls(rows, columns, _read_constraints(what, content.get("constraints", [])))

    def __str__(self) -> str:
        lines = [
            ("column", "kind", "missing", "distinct", "range", ""),
            *(column.cells for column in self.columns),
        ]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        sides = ("<", "<", ">", ">", "<", "<")
        aligned = (
            [f"{c:{side}{w}}" for c, side, w in zip(line, sides, widths, strict=True)]
            for line in lines
        )
        return "\n".join("  ".join(cells).rstrip() for cells in aligned)


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


def _describe(name: str, table: pa.Table, kind: str | None, form: Form | None) -> Column:
    """The column of that name."""
    requested: Any = choose(f"column {name!r}", kind, get_args(Kind)) if kind else None
    return Column(**ColumnProfile(name, table, requested, form).facts())


def _compare(before: Column, after: Column) -> Iterator[str]:
    """What a person may have changed of a column."""
    if before.kind != after.kind:
        yield f"kind is {after.kind}, not {before.kind}"
    old, new = (column.form.to_dict() if column.form else {} for column in (before, after))
    if before.order != after.order:
        yield f"order is {' < '.join(after.order) or 'none'}"
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            was = f", not {old[key]!r}" if key in old else ""
            yield f"{key} is {new[key]!r}{was}" if key in new else f"{key} is not {old[key]!r}"


def _set_order(column: Column, order: tuple[str, ...], table: pa.Table) -> Column:
    """The column with its words in an order; one that does not have them all is refused."""
    if not order:
        return column
    what = f"the schema, column {column.name!r}"
    if column.kind != "category":
        refuse(what, expected="an order of a category only", got=f"one of kind {column.kind}")
    words = table[column.name].cast(pa.string()).unique().drop_null().to_pylist()
    lost = sorted(set(words) - set(order))
    if lost or len(set(order)) < len(order):
        got = f"an order without {lost[0]!r}" if lost else "a word twice"
        refuse(what, expected="an order with each word of the column once", got=got)
    return dataclasses.replace(column, order=order)


def _check_known(what: str, names: Iterable[str], table: pa.Table) -> None:
    """Refuse a column that the table has not, and offer the one whose name is nearest."""
    present = set(table.column_names)
    for name in names:
        if name not in present:
            hint = did_you_mean(name, table.column_names)
            refuse(what, expected="columns that the table has", got=repr(name), hint=hint)


def _some(words: Iterable[str], most: int = 5) -> str:
    """The first few, and how many more."""
    listed = list(words)
    return ", ".join(listed[:most]) + (
        f" and {len(listed) - most} more" if len(listed) > most else ""
    )
