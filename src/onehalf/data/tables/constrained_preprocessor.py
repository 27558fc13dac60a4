"""Rows for players without what rules determine, and samples with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from onehalf.data.conditions import Conditions
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.constraints.constraints import Reduction
from onehalf.data.tables.encoding import Cells
from onehalf.distributions.base import AbstractData, Batch

__all__ = ["ConstrainedPreprocessor", "strip", "unwrap"]

KEY = "constraints"
"""Of the array that has the rules."""


@dataclass(frozen=True, eq=False)
class ConstrainedPreprocessor:
    """Any preprocessor of a table, on rows that are reduced by rules; its samples are restored."""

    inner: Any
    """The preprocessor of reduced rows."""
    reduction: Reduction

    @property
    def conditions(self) -> Conditions:
        """The labels that samples can be asked for, which no rule changes."""
        return self.inner.conditions

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example."""
        return self.inner.shape

    @property
    def condition_size(self) -> int:
        """Entries of c."""
        return self.inner.condition_size

    def distribution(self, rows: EncodedRows) -> AbstractData:
        """The empirical distribution of these rows."""
        return self.inner.distribution(self._reduce(rows))

    def latent(self, noise: Any) -> AbstractData:
        """The distribution of what G is given."""
        return self.inner.latent(noise)

    def transform(self, rows: EncodedRows) -> Batch:
        """Rows as the players see them."""
        return self.inner.transform(self._reduce(rows))

    def inverse_transform(self, batch: Batch) -> EncodedRows:
        """Return rows that keep the rules."""
        rows = self.inner.inverse_transform(batch)
        return EncodedRows.unlabelled(self.reduction.restore(rows.x))

    def encode_conditions(self, cells: Cells) -> Float[np.ndarray, "n entries"]:
        """Labels, given as cells, as c."""
        return self.inner.encode_conditions(cells)

    def label_cells(self, rows: EncodedRows) -> Cells:
        """The labels of rows as cells."""
        return self.inner.label_cells(rows)

    def relabel(self, rows: EncodedRows, cells: Cells) -> EncodedRows:
        """The rows with the labels of these cells, and what follows from them."""
        labelled = self.inner.relabel(self._reduce(rows), cells)
        return EncodedRows.unlabelled(self.reduction.restore(labelled.x))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, by name; `strip` is the way back."""
        return {**self.inner.to_arrays(), KEY: self.reduction.to_array()}

    def _reduce(self, rows: EncodedRows) -> EncodedRows:
        return EncodedRows.unlabelled(self.reduction.reduce(rows.x))


def strip(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], Reduction | None]:
    """The arrays of the inner preprocessor, and the rules, if there are some."""
    inner = {name: array for name, array in arrays.items() if name != KEY}
    return inner, Reduction.from_array(arrays[KEY]) if KEY in arrays else None


def unwrap(preprocessor: Any) -> Any:
    """The preprocessor of reduced rows, or the one that needs no rules."""
    return getattr(preprocessor, "inner", preprocessor)
