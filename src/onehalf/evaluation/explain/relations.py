"""Relations between columns as columns of their own, which rules can speak of: checkout - checkin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.features.relations import (
    LEAST_ROWS,
    MOST_COLUMNS,
    Combination,
    choose_pairs,
    explain_columns,
)

__all__ = ["RelatedColumns", "relate"]

Rows = Float[np.ndarray, "_ _"]
Values = Float[np.ndarray, " _"]

MOST_PAIRS = 6
"""The most differences and ratios of pairs that become columns."""

LEAST_EXPLAINED = 0.9
"""The least share of a column's variance that others must explain where their sum or product is named."""

LEAST_EFFECT = 0.03
"""A column with less effect than this, in standard deviations of the sum, is no part of it."""

NEAR = 0.03
"""How near to 1 a coefficient must be."""


@dataclass(frozen=True)
class Relation:
    """A sum or product of columns: first - others, or first / others."""

    ratio: bool
    terms: tuple[tuple[int, int], ...]
    """Columns, each with +1 or -1: the sign, or the exponent."""

    def compute(self, rows: Rows) -> Values:
        """Its value in each row; missing where a column is."""
        columns = np.array([column for column, _ in self.terms])
        signs = np.array([sign for _, sign in self.terms])
        if not self.ratio:
            return (rows[:, columns] * signs).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.prod(np.power(rows[:, columns], signs), axis=1)
        return np.where(np.isfinite(value), value, np.nan)

    def name(self, names: Sequence[str]) -> str:
        """The relation as a person writes it.

        >>> Relation(True, ((2, 1), (0, -1), (1, -1))).name(["price", "nights", "total"])
        'total / (price * nights)'
        """
        above = [names[column] for column, sign in self.terms if sign > 0]
        below = [names[column] for column, sign in self.terms if sign < 0]
        if not self.ratio:
            return " - ".join([" + ".join(above), *below])
        shown = below[0] if len(below) == 1 else f"({' * '.join(below)})"
        return f"{' * '.join(above)} / {shown}" if below else " * ".join(above)


@dataclass(frozen=True)
class RelatedColumns:
    """The columns of rows, and relations between them as columns of numbers after these."""

    columns: Columns
    relations: tuple[Relation, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of both."""
        names = self.columns.names
        return (*names, *(self._name(relation) for relation in self.relations))

    def _name(self, relation: Relation) -> str:
        days = " (days)" if self._kind(relation) == "date" else ""
        return relation.name(self.columns.names) + days

    def _kind(self, relation: Relation) -> str:
        return self.columns.kind(relation.terms[0][0])

    @property
    def have_kinds(self) -> bool:
        """Whether the columns have kinds."""
        return self.columns.have_kinds

    def _own(self, column: int) -> bool:
        return column < len(self.columns.names)

    def kind(self, column: int) -> str:
        """The kind of a column; relations are numbers."""
        return self.columns.kind(column) if self._own(column) else "continuous"

    def is_number(self, column: int) -> bool:
        """Relations are."""
        return not self._own(column) or self.columns.is_number(column)

    def is_category(self, column: int) -> bool:
        """Relations are not."""
        return self._own(column) and self.columns.is_category(column)

    def category_count(self, column: int) -> int:
        """The words of a column; 0 of relations."""
        return self.columns.category_count(column) if self._own(column) else 0

    def has_few_values(self, column: int) -> bool:
        """Nothing is known of a relation's values."""
        return self._own(column) and self.columns.has_few_values(column)

    def days_per_unit(self, column: int) -> float:
        """The days in a difference of 1."""
        return self.columns.days_per_unit(column) if self._own(column) else 1.0

    def show(self, column: int, cell: Any) -> str:
        """A cell as a person reads it."""
        return self.columns.show(column, cell) if self._own(column) else f"{cell + 0.0:.9g}"

    def show_row(self, cells: Shaped[np.ndarray, "..."]) -> dict[str, str]:
        """The cells of the columns themselves."""
        return self.columns.show_row(cells[: len(self.columns.names)])

    def find(self, what: str, name: str) -> int:
        """The place of a column itself."""
        return self.columns.find(what, name)

    def pair(self, column: int) -> tuple[str, str] | None:
        """The names of the two columns of a plain difference, whose sign is their order; None of other columns."""
        if self._own(column):
            return None
        relation = self.relations[column - len(self.columns.names)]
        signs = [sign for _, sign in relation.terms]
        if relation.ratio or signs != [1, -1]:
            return None
        first, second = (self.columns.names[place] for place, _ in relation.terms)
        return first, second

    def extend(self, rows: Rows) -> Rows:
        """Rows with the relations' values after their own."""
        values = [relation.compute(rows) * self._unit(relation) for relation in self.relations]
        return np.column_stack([rows, *values])

    def _unit(self, relation: Relation) -> float:
        is_date = self._kind(relation) == "date" and not relation.ratio
        return self.columns.days_per_unit(relation.terms[0][0]) if is_date else 1.0


def relate(columns: Columns, learn_real: Rows, learn_other: Rows) -> RelatedColumns:
    """Find the relations that hold in a sample, and the differences and ratios that separate the two.

    Only the rows that regions are chosen by may be given.

    >>> from onehalf.evaluation.features.base import PlainColumns
    >>> rng = np.random.default_rng(0)
    >>> a, b, noise = rng.integers(1, 50, size=(3, 1000)).astype(float)
    >>> real, other = np.column_stack([a, b, a + b]), np.column_stack([a, b, a + b + noise])
    >>> relate(PlainColumns(("net", "tax", "total")), real, other).names[3]
    'total - net - tax'
    """
    numbers = np.array([columns.is_number(place) for place in range(len(columns.names))])
    dates = np.array([columns.kind(place) == "date" for place in range(len(columns.names))])
    found: list[Relation] = []
    for kind, ratios in ((numbers, True), (dates, False)):
        places = np.flatnonzero(kind)
        if 2 <= len(places) <= MOST_COLUMNS:
            x, y = (_known(rows[:, places]) for rows in (learn_real, learn_other))
            if min(len(x), len(y)) >= LEAST_ROWS:
                for relation in _find(x, y, ratios=ratios):
                    terms = tuple(
                        (int(places[column]), sign) for column, sign in relation.terms
                    )
                    found.append(Relation(relation.ratio, terms))
    return RelatedColumns(columns, tuple(dict.fromkeys(found)))


def _known(rows: Rows) -> Rows:
    """The rows in which nothing is missing."""
    return rows[~np.isnan(rows).any(axis=1)]


def _find(x: Rows, y: Rows, *, ratios: bool) -> Iterator[Relation]:
    """Sums and products that hold in either sample, then pairs that separate the two."""
    positive = np.concatenate([x, y]).min(axis=0) > 0
    for rows in (x, y):
        yield from _sums(rows, np.ones(rows.shape[1], dtype=bool), ratio=False)
        if ratios and positive.sum() > 1:
            yield from _sums(rows, positive, ratio=True)
    pairs = [pair for pair in choose_pairs(x, y, positive & ratios) if pair.op in "-/"]
    yield from map(_relation, pairs[:MOST_PAIRS])


def _relation(pair: Combination) -> Relation:
    return Relation(pair.op == "/", ((pair.first, 1), (pair.second, -1)))


def _sums(rows: Rows, used: Bool[np.ndarray, " _"], *, ratio: bool) -> Iterator[Relation]:
    """Columns that are the sum or product of others, nearly, with coefficients of 1 or -1."""
    places = np.flatnonzero(used)
    values = np.log(rows[:, places]) if ratio else rows[:, places]
    std = values.std(axis=0)
    varying = std > 0
    places, values, std = places[varying], values[:, varying], std[varying]
    if len(places) < 3:
        return
    precision, explained = explain_columns((values - values.mean(axis=0)) / std)
    for target in np.flatnonzero(explained > LEAST_EXPLAINED):
        effects = -precision[target] / precision[target, target]
        parts = np.flatnonzero(
            (np.abs(effects) > LEAST_EFFECT) & (np.arange(len(places)) != target)
        )
        coefficients = effects[parts] * std[target] / std[parts]
        if len(parts) < 2 or np.abs(np.abs(coefficients) - 1).max() > NEAR:
            continue
        terms = [(int(places[target]), 1)]
        terms += [
            (int(places[part]), -int(np.sign(each)))
            for part, each in zip(parts, coefficients, strict=True)
        ]
        yield _oriented(terms, ratio=ratio)


def _oriented(terms: list[tuple[int, int]], *, ratio: bool) -> Relation:
    """One form of relations that say the same: the column that is alone on its side comes first, with a plus."""
    above = [column for column, sign in terms if sign > 0]
    below = [column for column, sign in terms if sign < 0]
    if (len(below), below) < (len(above), above):
        above, below = below, above
    return Relation(
        ratio,
        (
            *((column, 1) for column in sorted(above)),
            *((column, -1) for column in sorted(below)),
        ),
    )
