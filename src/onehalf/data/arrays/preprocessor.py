"""Encode rows of an array, with or without labels, for training, and decode them."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from onehalf.data.arrays.scaler import ArrayScaler
from onehalf.data.conditions import Conditions
from onehalf.data.rows import EncodedRows
from onehalf.distributions.base import AbstractData, Batch, Latent
from onehalf.distributions.conditional import Conditional, ConditionalLatent

__all__ = ["ArrayPreprocessor"]

Labels = Float[np.ndarray, "n labels"]
"""Places of labels among their values, as cells."""


@dataclass(frozen=True, eq=False)
class ArrayPreprocessor:
    """Entries in standard units, and one-hot labels."""

    scaler: ArrayScaler
    shape: tuple[int, ...]
    """Of one row."""
    conditions: Conditions

    @classmethod
    def fit(
        cls, train: EncodedRows, scaler: ArrayScaler, names: tuple[str, ...], classes: int
    ) -> "ArrayPreprocessor":
        """Learn the shares of the labels from training rows.

        Args:
            train: Training rows.
            scaler: What was learned from their entries.
            names: What the labels are called; none without labels.
            classes: How many values a label has.
        """
        conditions = Conditions()
        if names:
            shares = np.bincount(train.labels[:, 0], minlength=classes) / len(train)
            conditions = Conditions(
                names, np.arange(classes, dtype=np.float64)[:, None], shares
            )
        return cls(scaler, train.x.shape[1:], conditions)

    @property
    def condition_size(self) -> int:
        """Entries of c."""
        return len(self.conditions.shares) if self.conditions.names else 0

    def distribution(self, rows: EncodedRows) -> AbstractData:
        """The empirical distribution of these rows."""
        empirical = self.scaler.distribution(rows.x)
        if not self.conditions.names:
            return empirical
        codes = jnp.asarray(rows.labels, jnp.int32)
        return Conditional(empirical, codes, (self.condition_size,))

    def latent(self, noise: Latent) -> AbstractData:
        """The distribution of z, with labels as often as in the training rows."""
        if not self.conditions.names:
            return noise
        shares = jnp.asarray(self.conditions.shares, jnp.float32)
        return ConditionalLatent(noise, jnp.eye(self.condition_size), shares)

    def transform(self, rows: EncodedRows) -> Batch:
        """Encode rows for training."""
        c = self.encode_conditions(rows.labels.astype(np.float64))
        return Batch(jnp.asarray(self.scaler.transform(rows.x)), jnp.asarray(c))

    def inverse_transform(self, batch: Batch) -> EncodedRows:
        """Decode the examples of the networks to rows."""
        x = self.scaler.inverse_transform(np.asarray(batch.x))
        if not self.conditions.names:
            return EncodedRows.unlabelled(x)
        return EncodedRows(x, np.asarray(batch.c).argmax(axis=1)[:, None])

    def encode_conditions(self, cells: Labels) -> Float[np.ndarray, "n entries"]:
        """Labels, given as cells, one-hot."""
        if not self.conditions.names:
            return np.zeros((len(cells), 0), np.float32)
        return np.eye(self.condition_size, dtype=np.float32)[cells[:, 0].astype(int)]

    def label_cells(self, rows: EncodedRows) -> Labels:
        """The labels of rows as cells."""
        return rows.labels.astype(np.float64)

    def relabel(self, rows: EncodedRows, cells: Labels) -> EncodedRows:
        """The rows with the labels of these cells."""
        return EncodedRows(rows.x, cells.astype(np.int64)) if self.conditions.names else rows

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, by name."""
        return {**self.scaler.to_arrays(), "shares": self.conditions.shares}

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, np.ndarray],
        shape: tuple[int, ...],
        dtype: str,
        names: tuple[str, ...],
    ) -> "ArrayPreprocessor":
        """What `to_arrays` gave."""
        scale = {name: value for name, value in arrays.items() if name != "shares"}
        conditions = Conditions()
        if names:
            cells = np.arange(len(arrays["shares"]), dtype=np.float64)[:, None]
            conditions = Conditions(names, cells, arrays["shares"])
        return cls(ArrayScaler(**scale, dtype=dtype), shape, conditions)
