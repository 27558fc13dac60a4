"""Rows of a table for players that take cells as they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Samples
from onehalf.data.conditions import Conditions
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.distributions.base import AbstractData, AbstractRows, Batch
from onehalf.distributions.conditional import ConditionalLatent

__all__ = ["CellPreprocessor", "CellRows"]


class CellRows(AbstractRows):
    """One of n rows of cells at random, each as likely as the next."""

    cells: Cells

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> tuple[int]:
        """The columns."""
        return (self.cells.shape[1],)

    def at(self, key: PRNGKey, row: Int[Array, " m"]) -> Samples:
        """These rows, in float32."""
        return jnp.asarray(self.cells[np.asarray(row)], jnp.float32)

    def map_rows(self, change: Callable[[Any], Any]) -> "CellRows":
        """Other cells."""
        return CellRows(change(self.cells))


@dataclass(frozen=True, eq=False)
class CellPreprocessor:
    """The cells of a table as they are, in float64; conditions are the cells of the labels, in float32."""

    n_columns: int
    label_columns: tuple[int, ...]
    conditions: Conditions

    @classmethod
    def fit(
        cls, rows: Cells, encoder: TableEncoder, labels: Sequence[str] = ()
    ) -> "CellPreprocessor":
        """Find the labels that occur.

        Raises:
            Refusal: A label is a column of many numbers, or of numbers that conditions do not tell apart.
        """
        conditions = Conditions()
        if labels:
            conditions = TablePreprocessor.fit(rows, encoder, labels).conditions
        places = _places(encoder, labels)
        for place in places:
            _check_distinct(encoder.names[place], conditions.cells[:, place])
        return cls(rows.shape[1], places, conditions)

    @property
    def shape(self) -> tuple[int]:
        """The columns, labels among them."""
        return (self.n_columns,)

    @property
    def condition_size(self) -> int:
        """The labels."""
        return len(self.label_columns)

    def distribution(self, rows: EncodedRows) -> CellRows:
        """The empirical distribution of these rows."""
        return CellRows(rows.x)

    def latent(self, noise: AbstractData) -> AbstractData:
        """The distribution of z, with labels as often as in the training rows."""
        if not self.label_columns:
            return noise
        distinct = jnp.asarray(self.encode_conditions(self.conditions.cells))
        return ConditionalLatent(
            noise, distinct, jnp.asarray(self.conditions.shares, jnp.float32)
        )

    def transform(self, rows: EncodedRows) -> Batch:
        """The cells, and those of the labels."""
        x: Any = rows.x
        c: Any = self.encode_conditions(rows.x)
        return Batch(x, c)

    def inverse_transform(self, batch: Batch) -> EncodedRows:
        """The cells."""
        return EncodedRows.unlabelled(np.asarray(batch.x, np.float64))

    def encode_conditions(self, cells: Cells) -> Float[np.ndarray, "n labels"]:
        """The cells of the labels."""
        return cells[:, list(self.label_columns)].astype(np.float32)

    def label_cells(self, rows: EncodedRows) -> Cells:
        """The cells of rows, their labels among them."""
        return rows.x

    def relabel(self, rows: EncodedRows, cells: Cells) -> EncodedRows:
        """The rows with the labels of these cells."""
        relabelled = rows.x.copy()
        columns = list(self.label_columns)
        relabelled[:, columns] = cells[:, columns]
        return EncodedRows.unlabelled(relabelled)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, by name; `from_arrays` is the way back."""
        return {"label_cells": self.conditions.cells, "label_shares": self.conditions.shares}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], encoder: TableEncoder, labels: Sequence[str]
    ) -> "CellPreprocessor":
        """What `to_arrays` gave."""
        conditions = Conditions(tuple(labels), arrays["label_cells"], arrays["label_shares"])
        return cls(len(encoder.columns), _places(encoder, labels), conditions)


def _check_distinct(name: str, cells: Float[np.ndarray, " _"]) -> None:
    """Refuse a label whose numbers are equal in float32, in which conditions are given to G."""
    values = np.unique(cells[~np.isnan(cells)])
    if len(np.unique(values.astype(np.float32))) < len(values):
        hint = f"Give {name!r} the kind 'category' in the schema file."
        got = f"numbers of {name!r} that differ after the seventh digit only"
        refuse("label", expected="labels that can be told apart", got=got, hint=hint)


def _places(encoder: TableEncoder, names: Sequence[str]) -> tuple[int, ...]:
    """The places of these columns."""
    return tuple(encoder.names.index(name) for name in encoder.names if name in names)
