"""The empirical distribution of rows: each of them as likely as the next."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from onehalf._typing import PRNGKey, Samples
from onehalf.distributions.base import AbstractRows

__all__ = ["Empirical"]

Bounds = tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]


class Empirical(AbstractRows):
    """The empirical distribution of n rows: one of them at random, each as likely as the next.

    With a `step` the rows lie on a lattice of that spacing: whole numbers, after scaling (0 where they do not). Then a
    sample is spread evenly over its cell, so that D cannot tell data from samples by the lattice alone (Theis et al.
    2016).

    >>> Empirical(jnp.eye(3)).sample(jr.key(0), 2).shape
    (2, 3)
    """

    x: Samples
    step: Float[Array, "..."] | None = None

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
            self.x.min(axis=0) - self.step / 2,
            self.x.max(axis=0) + self.step / 2,
            self.x.mean(axis=0),
        )

    def __len__(self) -> int:
        return len(self.x)

    def at(self, key: PRNGKey, row: Int[Array, " n"]) -> Samples:
        """Draw a sample in the cell of each of these rows."""
        x = self.x[row].astype(jnp.float32)
        if self.step is None:
            return x
        cell = jr.uniform(key, x.shape, minval=-0.5, maxval=0.5)
        return x + jnp.broadcast_to(self.step, x.shape) * cell
