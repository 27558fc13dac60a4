"""The empirical distribution of rows: each of them as likely as the next."""

import dataclasses
import math
from collections.abc import Callable

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from onehalf._blocks import blocks
from onehalf._typing import PRNGKey, Sample, Samples
from onehalf.distributions.base import AbstractRows

__all__ = ["Empirical"]

BLOCK = 2**26
"""Entries that a mean is computed of at a time; 256 MiB in float32."""

Bounds = tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]


class Empirical(AbstractRows):
    """The empirical distribution of n rows: one of them at random, each as likely as the next.

    With a `step` the rows lie on a lattice of that spacing: whole numbers, after scaling (0 where they do not). Then a
    sample is spread evenly over its cell, so that D cannot tell data from samples by the lattice alone (Theis et al.
    2016).

    Rows of 8 bits may stay as they are, with the `levels` that their numbers stand for: a quarter of the memory. A
    batch has the same floats as if these had been stored.

    >>> Empirical(jnp.eye(3)).sample(jr.key(0), 2).shape
    (2, 3)
    >>> Empirical(jnp.ones((3, 2), jnp.uint8), levels=jnp.linspace(0, 51, 256)).sample(jr.key(0), 1)
    Array([[0.2, 0.2]], dtype=float32)
    """

    x: Samples
    step: Float[Array, "..."] | None = None
    levels: Float[Array, " 256"] | None = None
    """What the numbers in `x` stand for, in increasing order; None if they stand for themselves."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.x.shape[1:]

    @property
    def bounds(self) -> Bounds | None:
        """The least, the greatest and the mean of each entry of a sample, if all lie on a lattice; else None.

        Without rows they are 0.
        """
        if self.step is None or not bool(jnp.all(self.step > 0)):
            return None
        if not len(self):
            nothing = jnp.zeros(self.shape)
            return nothing, nothing, nothing
        return (
            self._decode(self.x.min(axis=0)) - self.step / 2,
            self._decode(self.x.max(axis=0)) + self.step / 2,
            self.mean,
        )

    @property
    def mean(self) -> Sample:
        """The mean of each entry; without rows 0."""
        total = jnp.zeros(self.shape)
        for block in blocks(len(self), BLOCK // math.prod(self.shape)):
            rows = self._decode(self.x[block])
            total += len(rows) / len(self) * rows.mean(axis=0)
        return total

    def __len__(self) -> int:
        return len(self.x)

    def at(self, key: PRNGKey, row: Int[Array, " n"]) -> Samples:
        """Draw a sample in the cell of each of these rows."""
        x = self._decode(self.x[row])
        if self.step is None:
            return x
        cell = jr.uniform(key, x.shape, minval=-0.5, maxval=0.5)
        return x + jnp.broadcast_to(self.step, x.shape) * cell

    def map_rows(self, change: Callable[[Array], Array]) -> "Empirical":
        """Other rows in the same units."""
        return dataclasses.replace(self, x=change(self.x))

    def _decode(self, x: Samples) -> Samples:
        """The floats that these numbers stand for."""
        return x.astype(jnp.float32) if self.levels is None else self.levels[x]
