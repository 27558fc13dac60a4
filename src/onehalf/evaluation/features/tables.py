"""Cells of tables as critics see them: numbers and dates as they are, a flag for each frequent word."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, Shaped

from onehalf._typing import PRNGKey
from onehalf.data.tables.condition_values import seconds_per_tick
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.filters import find_column
from onehalf.evaluation.features.arrays import encode_format, wrap_with_labels
from onehalf.evaluation.features.base import (
    PLAIN,
    Columns,
    ColumnSpace,
    Description,
    FeatureEncoder,
    FeatureMap,
    Harmonized,
    RowMap,
)
from onehalf.evaluation.features.one_hot import OneHot
from onehalf.evaluation.features.precision import harmonize
from onehalf.evaluation.features.relations import relation_maps
from onehalf.evaluation.rows import EvaluationRows, Features, concatenate

__all__ = ["CellFeatures", "TableColumns", "TableFeatureEncoder"]

Column = Float[np.ndarray, " rows"]

NUMBERS = ("integer", "continuous")
"""The kinds of columns whose cells say what they are."""

ATOM_SHARE = 0.05
"""A value that more than this share of the rows hold has a flag of its own, if at least `ATOM_ROWS` hold it."""

ATOM_ROWS = 20
"""The least rows that hold a value with a flag of its own."""

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class TableColumns:
    """The columns of an encoded table.

    >>> import pyarrow as pa
    >>> columns = TableColumns(TableEncoder.fit(pa.table({"inches": [14, 15], "sex": ["F", "M"]})))
    >>> columns.show(0, 14.6), columns.show(1, 1.0), columns.is_number(1), columns.category_count(1)
    ('14.6', 'M', False, 2)
    """

    encoder: TableEncoder

    @property
    def have_kinds(self) -> bool:
        """They have."""
        return True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have cells."""
        return self.encoder.names

    def kind(self, column: int) -> str:
        """The kind of a column."""
        return self.encoder.columns[column].kind

    def is_number(self, column: int) -> bool:
        """Whether cells are numbers that say what they are: no dates and no words."""
        return self.kind(column) in NUMBERS

    def is_category(self, column: int) -> bool:
        """Whether cells are places of words."""
        return self.names[column] in self.encoder.words

    def category_count(self, column: int) -> int:
        """The number of words that occur in a column; 0 of numbers and dates."""
        return len(self.encoder.words.get(self.names[column], ()))

    def has_few_values(self, column: int) -> bool:
        """Whether a column of numbers takes few values only."""
        return bool(self.encoder.columns[column].values) and self.kind(column) != "date"

    def days_per_unit(self, column: int) -> float:
        """The days in a difference of 1 in a column of dates."""
        return float(seconds_per_tick(self.names[column], self.encoder)) / SECONDS_PER_DAY

    def show(self, column: int, cell: Any) -> str:
        """A cell as a person reads it: the word, the date, or the number to nine digits."""
        if self.is_number(column) and not np.isnan(cell):
            return f"{cell + 0.0:.9g}"
        return self.encoder.show(column, cell)

    def show_row(self, cells: Shaped[np.ndarray, "..."]) -> dict[str, str]:
        """The cells of a row by name, as a person reads them."""
        return {
            name: self.show(column, cells[column]) for column, name in enumerate(self.names)
        }

    def find(self, what: str, name: str) -> int:
        """The place of the column of this name; refuse an unknown name."""
        return find_column(what, name, self.encoder)


@dataclass(frozen=True)
class TableFeatureEncoder(FeatureEncoder):
    """Cells of tables, columns of different kinds, some of them missing."""

    columns: Columns
    classes: Shaped[np.ndarray, " classes"] = field(default_factory=lambda: np.empty(0, int))
    # networks took half of the time, and saw nothing that trees, pairs and relations did not
    plain_members: ClassVar[frozenset[str]] = PLAIN - {"nets"}

    def content_map(self, rows: EvaluationRows) -> RowMap:
        """Every cell as finite numbers."""
        features = CellFeatures.fit(rows.entries(), self.columns)
        return lambda new: features(new.entries())

    def further_maps(
        self, key: PRNGKey, x: EvaluationRows, y: EvaluationRows, kinds: Collection[str]
    ) -> Iterator[FeatureMap]:
        """Relations between columns."""
        words = np.array(
            [self.columns.is_category(column) for column in range(len(self.columns.names))],
            dtype=bool,
        )
        content = self.content_map(concatenate([x, y]))
        yield from relation_maps(x, y, content, words, kinds)

    def content_space(self, rows: EvaluationRows) -> RowMap:
        """The same, each number by its standard deviation, so that two words lie as far apart as numbers do."""
        features = CellFeatures.fit(rows.entries(), self.columns)
        return lambda new: features(new.entries()) / features.scale

    def column_space(self, rows: EvaluationRows) -> ColumnSpace:
        """The same, some numbers for each column."""
        features = CellFeatures.fit(rows.entries(), self.columns)
        return ColumnSpace(
            lambda new: features(new.entries()) / features.scale, features.owners
        )

    def describe(self, real: EvaluationRows, other: EvaluationRows) -> Description:
        """The cells themselves."""
        return Description(self.columns, real.entries(), other.entries(), [])

    def harmonize(
        self, real: EvaluationRows, other: EvaluationRows, learned: int
    ) -> Harmonized:
        """Each column of numbers alike; dates and words are written in one way anyway."""
        numbers = [
            column
            for column in range(len(self.columns.names))
            if self.columns.is_number(column)
        ]
        alike = harmonize(real.x, other.x, learned, numbers)
        return Harmonized(
            wrap_with_labels(alike[0], real),
            wrap_with_labels(alike[1], other),
            *(encode_format(np.nan_to_num(cells.x[:, numbers])) for cells in (real, other)),
        )


@dataclass(frozen=True)
class CellFeatures:
    """A map from cells to finite numbers, learned from some rows alone: whatever is judged on others stays as it was.

    - A number or a date: itself, or the median where it is missing; a flag for 'missing', if some were; and one for
      each value that many rows share, since 14.6 lies near 14 and 15, and is neither.
    - A word: a flag for each of the frequent ones, and one for all others, those unheard of among them (`OneHot`).

    >>> import pyarrow as pa
    >>> people = pa.table({"age": [31, None, 54, 7] * 20, "sex": ["F", "M", "F", "F"] * 20})
    >>> encoder = TableEncoder.fit(people)
    >>> cells = encoder.encode(people)
    >>> CellFeatures.fit(cells, TableColumns(encoder))(cells[:3])       # age, missing, 7, 31, 54, M
    array([[31.,  0.,  0.,  1.,  0.,  0.],
           [31.,  1.,  0.,  0.,  0.,  1.],
           [54.,  0.,  0.,  0.,  1.,  0.]])
    """

    columns: "Sequence[_Number | OneHot]"
    scale: Float[np.ndarray, " width"]
    """The standard deviations of the numbers; 1 for a flag."""
    owners: Int[np.ndarray, " width"]
    """The column that each number comes from."""

    @classmethod
    def fit(cls, cells: Cells, columns: Columns) -> "CellFeatures":
        """Learn medians, frequent words and values that many rows share."""
        fitted = [
            OneHot.fit(cells_of_one)
            if columns.is_category(column)
            else _Number.fit(cells_of_one)
            for column, cells_of_one in enumerate(cells.T)
        ]
        scales = [
            np.ones(each.width) if isinstance(each, OneHot) else each.scale for each in fitted
        ]
        owners = np.repeat(np.arange(len(scales)), [len(scale) for scale in scales])
        return cls(fitted, np.concatenate(scales), owners)

    def __call__(self, cells: Cells) -> Features:
        """The rows as features."""
        columns = zip(self.columns, cells.T, strict=True)
        return np.concatenate([encode(column) for encode, column in columns], axis=1)


@dataclass(frozen=True)
class _Number:
    """A column of numbers or dates."""

    median: float
    std: float
    missing: bool
    atoms: Float[np.ndarray, " atoms"]

    @classmethod
    def fit(cls, column: Column) -> "_Number":
        known = column[~np.isnan(column)]
        values, counts = np.unique(known, return_counts=True)
        often = (counts > ATOM_SHARE * len(column)) & (counts >= ATOM_ROWS)
        # of the two values of a column that has no others, one says what the other does: the number itself
        atoms = values[often] if len(values) > 2 else values[:0]
        known = known if len(known) else np.zeros(1)
        return cls(
            float(np.median(known)),
            float(known.std()) or 1.0,
            bool(np.isnan(column).any()),
            atoms,
        )

    @property
    def scale(self) -> Float[np.ndarray, " width"]:
        return np.array([self.std] + [1.0] * (self.missing + len(self.atoms)))

    def __call__(self, column: Column) -> Features:
        missing = np.isnan(column)
        flags = [missing] if self.missing else []
        flags += [column == atom for atom in self.atoms]
        return np.stack([np.where(missing, self.median, column), *flags], axis=1)
