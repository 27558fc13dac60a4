"""Arrays in standard units: scaled for training, and back to the units and dtype of the user."""

import math
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from onehalf._blocks import blocks
from onehalf.data.arrays.validation import Rows
from onehalf.distributions.empirical import Empirical

__all__ = ["ArrayScaler", "limits"]

BLOCK_ENTRIES = 2**24
"""Numbers that are converted at a time; 128 MiB in float64."""


class ArrayScaler(eqx.Module):
    """The user's units and dtype: the location and scale of the rows, and which columns are whole numbers.

    Networks see (rows - offset) / scale, of mean 0 and variance 1: column by column for
    vectors, with one offset and one scale for all the entries of anything larger (an image's
    pixels share their unit). On the way back whole numbers are rounded and kept inside the
    range that the rows had; everything gets its dtype again.

    >>> units = ArrayScaler.fit(np.array([[0, 1.5], [4, 2.5]]))
    >>> units.inverse_transform(units.transform(np.array([[2, 2.25]])) + 0.01)
    array([[2.   , 2.255]])
    """

    offset: np.ndarray = eqx.field(converter=np.asarray)
    scale: np.ndarray = eqx.field(converter=np.asarray)
    whole: np.ndarray = eqx.field(converter=np.asarray)
    low: np.ndarray = eqx.field(converter=np.asarray)
    high: np.ndarray = eqx.field(converter=np.asarray)
    dtype: str = eqx.field(static=True)

    @classmethod
    def fit(cls, rows: Rows) -> "ArrayScaler":
        """Measure the units of these rows; a constant column keeps scale 1."""
        over = 0 if rows.ndim == 2 else None
        mean = np.mean(rows, axis=over, dtype=np.float64)
        squares = sum(np.sum((rows[block] - mean) ** 2, axis=over) for block in _blocks(rows))
        std = np.sqrt(squares * (mean.size / rows.size))
        return cls(
            offset=mean,
            scale=np.where(std > 0, std, 1.0),
            whole=np.all(rows == np.rint(rows), axis=over)
            if rows.dtype.kind == "f"
            else np.ones_like(std, dtype=bool),
            low=np.min(rows, axis=over).astype(np.float64),
            high=np.max(rows, axis=over).astype(np.float64),
            dtype=rows.dtype.str,
        )

    @property
    def step(self) -> Float[Array, "..."] | None:
        """The lattice spacing of whole numbers in plain units, 0 where the numbers are not whole; None if none are."""
        on_lattice = self.whole & (self.high > self.low)
        return (
            jnp.asarray(np.where(on_lattice, 1 / self.scale, 0.0), jnp.float32)
            if on_lattice.any()
            else None
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """List the arrays of this scaler by name."""
        return {name: value for name, value in vars(self).items() if name != "dtype"}

    def distribution(self, rows: Rows) -> Empirical:
        """The empirical distribution of these rows, in plain units; those of 8 bits and one unit stay as they are."""
        if rows.dtype == np.uint8 and not self.scale.ndim:
            levels = self.transform(np.arange(256, dtype=np.uint8))
            return Empirical(jnp.asarray(rows), self.step, jnp.asarray(levels))
        return Empirical(jnp.asarray(self.transform(rows)), self.step)

    def transform(self, rows: Rows) -> Float[np.ndarray, "n ..."]:
        """(rows - offset) / scale, in float32."""
        x = np.empty(rows.shape, np.float32)
        for block in _blocks(rows):
            x[block] = (rows[block].astype(np.float64) - self.offset) / self.scale
        return x

    def inverse_transform(self, x: Float[Any, "n ..."]) -> Rows:
        """Convert back to the user's units and dtype."""
        rows = np.asarray(x, dtype=np.float64) * self.scale + self.offset
        rows = np.where(self.whole, np.clip(np.rint(rows), self.low, self.high), rows)
        return np.clip(rows, *limits(self.dtype)).astype(self.dtype)


def _blocks(rows: Rows) -> Iterator[slice]:
    """Cut rows into blocks whose float64s take no more than 128 MiB."""
    return blocks(len(rows), BLOCK_ENTRIES // math.prod(rows.shape[1:]))


def limits(dtype: str) -> tuple[float, float]:
    """The least and the greatest float64 that the dtype can hold: float(2**63 - 1) is 2**63, which int64 can't."""
    if np.dtype(dtype).kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    if np.dtype(dtype).kind == "b":
        return 0.0, 1.0
    whole = np.iinfo(dtype)
    most = float(whole.max)
    return float(whole.min), most if int(most) <= whole.max else float(np.nextafter(most, 0))
