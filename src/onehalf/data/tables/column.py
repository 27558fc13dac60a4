"""One column of a table: what it is, what a sample of it has to keep, and how it is shown."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onehalf._text import percent
from onehalf.data.tables.forms.base import Form
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.kinds import Kind
from onehalf.data.tables.statistics import Value, format_value, shorten

__all__ = ["Column"]

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
        span = (
            f"{format_value(self.low)} to {format_value(self.high)}"
            if self.low is not None
            else ""
        )
        return (
            shorten(self.name, 30),
            self.kind,
            _share(self.missing, 1) if self.missing else "",
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
            f"{format_value(atom)} in {_share(atom_share)}" for atom, atom_share in self.atoms
        )
        yield from self._list_categories()
        if self.rare:
            yield f"{self.rare:,} rows rare"
        if self.order:
            yield "in order"

    def _list_categories(self) -> Iterator[str]:
        """The most frequent categories with their shares, and how many there are of too few rows to be named."""
        total = sum(self.categories.values()) + (self.rare or 0)
        named = {w: rows for w, rows in self.categories.items() if rows >= LEAST_NAMED}
        unnamed = len(self.categories) - len(named)
        if named:
            yield _some(f"{shorten(w, 20)} {_share(rows / total)}" for w, rows in named.items())
        if unnamed:
            yield f"{unnamed:,} of fewer than {LEAST_NAMED} rows"


def _share(share: float, decimals: int = 0) -> str:
    """A share above 0 as a percentage: never 0 %, and 100 % only for all.

    >>> _share(0.0151, 1), _share(0.004), _share(0.996), _share(1.0)
    ('1.5 %', '< 1 %', '> 99 %', '100 %')
    """
    least = 10.0 ** -(decimals + 2)
    if share < least:
        return f"< {percent(least, decimals)}"
    if 1 - least < share < 1:
        return f"> {percent(1 - least, decimals)}"
    return percent(share, decimals)


def _some(words: Iterable[str], most: int = 5) -> str:
    """The first few, and how many more."""
    listed = list(words)
    return ", ".join(listed[:most]) + (
        f" and {len(listed) - most} more" if len(listed) > most else ""
    )
