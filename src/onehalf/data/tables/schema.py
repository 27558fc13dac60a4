"""What the columns of a table are: a kind for each, the facts that a sample has to keep, and what will hurt."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pyarrow as pa

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf._text import did_you_mean, join_names
from onehalf.data.tables.column import Column
from onehalf.data.tables.forms.base import Form
from onehalf.data.tables.kinds import Kind
from onehalf.data.tables.profile import ColumnProfile
from onehalf.data.tables.schema_file import read_schema_file, write_schema_file

__all__ = ["Schema"]


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
        return write_schema_file(self.rows, self.columns, self.constraints)

    @classmethod
    def from_json(cls, text: str | bytes, what: str = "the schema") -> "Schema":
        """Read a schema that `to_json` wrote, or a person: of a column, name and kind are enough.

        >>> Schema.from_json('{"columns": [{"name": "age", "kind": "interger"}]}')
        Traceback (most recent call last):
        onehalf._errors.Refusal: the schema, column 'age': expected one of continuous, integer, category, boolean, date,
        constant, id, key, personal, text; got 'interger'. Did you mean integer?
        """
        return cls(*read_schema_file(text, what))

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
