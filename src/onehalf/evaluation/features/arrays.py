"""Rows of plain numbers as critics see them: as they are."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped

from onehalf._typing import PRNGKey
from onehalf.evaluation.features.base import (
    UNNAMED,
    Columns,
    ColumnSpace,
    DensitySpace,
    Description,
    FeatureEncoder,
    FeatureMap,
    Harmonized,
    RowMap,
)
from onehalf.evaluation.features.precision import extract_format, harmonize, match_precision
from onehalf.evaluation.features.relations import relation_maps
from onehalf.evaluation.rows import EvaluationRows, Features, concatenate, wrap

__all__ = ["ArrayEncoder"]


@dataclass(frozen=True)
class ArrayEncoder(FeatureEncoder):
    """Arrays of numbers, each column in a unit of its own."""

    columns: Columns = UNNAMED
    classes: Shaped[np.ndarray, " classes"] = field(default_factory=lambda: np.empty(0, int))

    def content_map(self, rows: EvaluationRows) -> RowMap:
        """The entries themselves."""
        return EvaluationRows.entries

    def further_maps(
        self, key: PRNGKey, x: EvaluationRows, y: EvaluationRows, kinds: Collection[str]
    ) -> Iterator[FeatureMap]:
        """Relations between columns."""
        words = np.zeros(x.entries().shape[1], dtype=bool)
        content = self.content_map(concatenate([x, y]))
        yield from relation_maps(x, y, content, words, kinds)

    def content_space(self, rows: EvaluationRows) -> RowMap:
        """Each column by its standard deviation."""
        std = rows.entries().std(axis=0)
        scale = np.where(std > 0, std, 1.0)
        return lambda new: new.entries() / scale

    def column_space(self, rows: EvaluationRows) -> ColumnSpace:
        """The same, a number for each column."""
        return ColumnSpace(self.content_space(rows), np.arange(rows.entries().shape[1]))

    def frechet_map(self, rows: EvaluationRows) -> RowMap:
        """The features, or else the entries, in the user's unit."""
        return super().frechet_map(rows) or EvaluationRows.entries

    def density_space(self, rows: EvaluationRows) -> DensitySpace:
        """The entries in the user's unit."""
        return DensitySpace(EvaluationRows.entries, "as given")

    def describe(self, real: EvaluationRows, other: EvaluationRows) -> Description:
        """The entries themselves."""
        return Description(self.columns, real.entries(), other.entries(), [])

    def harmonize(
        self, real: EvaluationRows, other: EvaluationRows, learned: int
    ) -> Harmonized:
        """Column by column, at the coarser precision of the two."""
        alike = harmonize(real.x, other.x, learned)
        return Harmonized(
            wrap_with_labels(alike[0], real),
            wrap_with_labels(alike[1], other),
            *(encode_format(rows) for rows in match_precision(real.x, other.x)),
        )


def wrap_with_labels(x: Shaped[np.ndarray, "n ..."], rows: EvaluationRows) -> EvaluationRows:
    """New entries with the labels of these rows, and without features, which could show how numbers were written."""
    return EvaluationRows(x, rows.labels, wrap(x).features)


def encode_format(x: Shaped[np.ndarray, "n ..."]) -> Features:
    """How each number is written, as float64."""
    return extract_format(x).astype(np.float64)
