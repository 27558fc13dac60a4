"""What evaluation may know of encoded rows: maps for critics, a space for distances, and columns to talk about."""

import abc
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.arrays.validation import numbered
from onehalf.evaluation.features.one_hot import OneHot
from onehalf.evaluation.rows import EvaluationRows, Features, concatenate

__all__ = [
    "AS_THEY_ARE",
    "CONVOLUTIONS",
    "PAIRS",
    "PLAIN",
    "TREES",
    "UNNAMED",
    "ColumnSpace",
    "Columns",
    "DensitySpace",
    "Description",
    "FeatureEncoder",
    "FeatureMap",
    "Harmonized",
    "PlainColumns",
    "RowMap",
]

PLAIN = frozenset({"linear", "quadratic", "cubic", "waves", "ripples", "cells", "nets"})
"""The members of an ensemble of critics that see any numbers."""

TREES = frozenset({"trees"})
"""The members that see relations beside the columns."""

PAIRS = frozenset({"pairs"})
"""The members that see columns in bins."""

CONVOLUTIONS = frozenset({"conv"})
"""The members that see pixels in their places."""

AS_THEY_ARE = PAIRS | CONVOLUTIONS
"""The members that see features as they are, not standardised."""

RowMap = Callable[[EvaluationRows], Float[np.ndarray, "rows ..."]]
"""A map from rows to numbers, row by row."""


@runtime_checkable
class Columns(Protocol):
    """The columns of encoded rows, as far as explanations and checks may know them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names, one a column."""
        ...

    @property
    def have_kinds(self) -> bool:
        """Whether columns have kinds, and cells may be missing (NaN), as in tables."""
        ...

    def kind(self, column: int) -> str:
        """The kind of a column: 'continuous', 'integer', 'date', 'category', 'boolean' or 'constant'."""
        ...

    def is_number(self, column: int) -> bool:
        """Whether cells are numbers that say what they are: no dates and no words."""
        ...

    def is_category(self, column: int) -> bool:
        """Whether cells are places of words."""
        ...

    def category_count(self, column: int) -> int:
        """The number of words that occur in a column; 0 of numbers and dates."""
        ...

    def has_few_values(self, column: int) -> bool:
        """Whether a column of numbers takes few values only."""
        ...

    def days_per_unit(self, column: int) -> float:
        """The days in a difference of 1 in a column of dates."""
        ...

    def show(self, column: int, cell: Any) -> str:
        """A cell as a person reads it: the word, the date, or the number to nine digits."""
        ...

    def show_row(self, cells: Shaped[np.ndarray, "..."]) -> dict[str, str]:
        """The cells of a row by name, as a person reads them; nothing of a plain array."""
        ...

    def find(self, what: str, name: str) -> int:
        """The place of the column of this name; refuse an unknown name."""
        ...


@dataclass(frozen=True)
class PlainColumns:
    """The columns of a plain array: finite numbers without kinds.

    >>> PlainColumns(("x1", "x2")).show(0, np.float32(0.1))
    '0.1'
    """

    names: tuple[str, ...] = ()

    @property
    def have_kinds(self) -> bool:
        """They have none."""
        return False

    @classmethod
    def number(cls, shape: tuple[int, ...]) -> "PlainColumns":
        """Columns with numbers for names, for rows of this shape."""
        return cls(numbered(shape))

    def kind(self, column: int) -> str:
        """All are numbers."""
        return "continuous"

    def is_number(self, column: int) -> bool:
        """All are numbers."""
        return True

    def is_category(self, column: int) -> bool:
        """There are no words."""
        return False

    def category_count(self, column: int) -> int:
        """There are no words."""
        return 0

    def has_few_values(self, column: int) -> bool:
        """Nothing is known of the values."""
        return False

    def days_per_unit(self, column: int) -> float:
        """There are no dates."""
        return 1.0

    def show(self, column: int, cell: Any) -> str:
        """The number, to nine digits; 0.1 in float32 is 0.1, and -0.0 is 0."""
        number = float(str(cell)) + 0.0 if np.asarray(cell).dtype.kind == "f" else int(cell)
        return f"{number:.9g}"

    def show_row(self, cells: Shaped[np.ndarray, "..."]) -> dict[str, str]:
        """Nothing: the user has the row."""
        return {}

    def find(self, what: str, name: str) -> int:
        """Refused: there is no column to ask for by name."""
        refuse(what, expected="a table to have it", got="an array")


UNNAMED = PlainColumns()
"""The columns of rows that nobody speaks of."""


class FeatureMap(NamedTuple):
    """What some members of an ensemble see of a row."""

    encode: RowMap
    members: frozenset[str]


class Description(NamedTuple):
    """Both samples as columns that a person can speak of, row by row."""

    columns: Columns
    real: Float[np.ndarray, "real columns"]
    other: Float[np.ndarray, "other columns"]
    properties: list[str]
    """What the columns are, if they are no entries of a row but properties of it; else nothing."""


class Harmonized(NamedTuple):
    """Both samples written alike, and the format of their numbers alone."""

    real: EvaluationRows
    other: EvaluationRows
    real_format: Features
    other_format: Features


class ColumnSpace(NamedTuple):
    """Where distances mean something, and which column each number there comes from."""

    encode: RowMap
    owners: Int[np.ndarray, " numbers"]


class DensitySpace(NamedTuple):
    """Where a density is estimated, and its unit in words."""

    encode: RowMap
    unit: str


class FeatureEncoder(abc.ABC):
    """What critics, distances and people see of encoded rows; one subclass for each kind of data.

    Extra features and labels are handled here. A subclass says what is seen of the entries: it implements
    `content_map`, `content_space`, `describe` and `harmonize`, and may yield `further_maps`.
    """

    columns: Columns
    """The columns of the entries."""
    classes: Shaped[np.ndarray, " classes"]
    """The values of the labels, in the order of their places; empty without labels."""
    plain_members: ClassVar[frozenset[str]] = PLAIN
    """The members that see the entries."""

    def feature_maps(
        self, key: PRNGKey, x: EvaluationRows, y: EvaluationRows, kinds: Collection[str]
    ) -> Iterator[FeatureMap]:
        """What members of these kinds see, as maps that are learned from these rows of two samples alone.

        First the entries, then extra features, if there are any, then `further_maps`; labels go with all of them but
        those of bins and convolutions.
        """
        rows = concatenate([x, y])
        labels = [OneHot.fit(column) for column in rows.labels.T]

        def with_labels(encode: RowMap) -> RowMap:
            if not labels:
                return encode
            return lambda new: np.concatenate(
                [
                    encode(new),
                    *(f(column) for f, column in zip(labels, new.labels.T, strict=True)),
                ],
                axis=1,
            )

        plain = self.plain_members.intersection(kinds)
        yield FeatureMap(with_labels(self.content_map(rows)), plain)
        if rows.features.shape[1]:
            yield FeatureMap(with_labels(lambda new: new.features), plain)
        for encode, members in self.further_maps(key, x, y, kinds):
            yield FeatureMap(encode if members & AS_THEY_ARE else with_labels(encode), members)

    def distance_space(self, rows: EvaluationRows) -> RowMap:
        """A map to where distances mean something, learned from these rows: the features, if there are any."""
        if not rows.features.shape[1]:
            return self.content_space(rows)
        std = rows.features.std(axis=0)
        scale = np.where(std > 0, std, 1.0)
        return lambda new: new.features / scale

    def column_space(self, rows: EvaluationRows) -> ColumnSpace | None:
        """The same for entries alone, column by column; None if single entries mean nothing, as pixels do."""
        return None

    def frechet_map(self, rows: EvaluationRows) -> RowMap | None:
        """What the Fréchet distance is computed from: the features in the user's unit, if there are any."""
        return (lambda new: new.features) if rows.features.shape[1] else None

    def density_space(self, rows: EvaluationRows) -> DensitySpace:
        """A map to where densities are estimated, in a unit that all entries share."""
        return DensitySpace(self.distance_space(rows), "as given")

    @abc.abstractmethod
    def content_map(self, rows: EvaluationRows) -> RowMap:
        """The entries as plain members see them."""

    def further_maps(
        self, key: PRNGKey, x: EvaluationRows, y: EvaluationRows, kinds: Collection[str]
    ) -> Iterator[FeatureMap]:
        """What else is seen of the entries: nothing, if not overridden."""
        yield from ()

    @abc.abstractmethod
    def content_space(self, rows: EvaluationRows) -> RowMap:
        """The entries where distances mean something."""

    @abc.abstractmethod
    def describe(self, real: EvaluationRows, other: EvaluationRows) -> Description:
        """What regions, marginals and the audit may talk about."""

    @abc.abstractmethod
    def harmonize(
        self, real: EvaluationRows, other: EvaluationRows, learned: int
    ) -> Harmonized:
        """Write both samples alike, by one map that is learned from the first rows of each; without features."""
