"""What every kind of data must offer for its rows to be played with: encoded, and decoded again."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from onehalf.data.conditions import Conditions
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.distributions.base import AbstractData, Batch, Latent

__all__ = ["Preprocessor"]


@runtime_checkable
class Preprocessor(Protocol):
    """Rows as the players see them, and back; learned from training rows alone."""

    @property
    def conditions(self) -> Conditions:
        """The labels that samples can be asked for."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example, without its labels."""
        ...

    @property
    def condition_size(self) -> int:
        """Entries of c; 0 without labels."""
        ...

    def distribution(self, rows: EncodedRows) -> AbstractData:
        """The empirical distribution of these rows: p_data."""
        ...

    def latent(self, noise: Latent) -> AbstractData:
        """The distribution of what G is given: p_z."""
        ...

    def transform(self, rows: EncodedRows) -> Batch:
        """Rows as the players see them."""
        ...

    def inverse_transform(self, batch: Batch) -> EncodedRows:
        """Return the rows that were transformed into these examples."""
        ...

    def encode_conditions(self, cells: Cells) -> Float[np.ndarray, "n entries"]:
        """Labels, given as cells, as c."""
        ...

    def label_cells(self, rows: EncodedRows) -> Cells:
        """The labels of rows as cells."""
        ...

    def relabel(self, rows: EncodedRows, cells: Cells) -> EncodedRows:
        """The rows with the labels of these cells."""
        ...

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, by name."""
        ...
