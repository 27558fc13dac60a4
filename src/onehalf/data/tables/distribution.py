"""Rows of a table and the noise that makes them, as distributions."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from onehalf._typing import PRNGKey, Samples
from onehalf.data.tables.layout import Layout
from onehalf.distributions.base import AbstractData, AbstractRows, Latent
from onehalf.distributions.conditional import one_hot

__all__ = ["TableLatent", "TableRows"]


class TableRows(AbstractRows):
    """One of n rows at random, each as likely as the next: a number's score is Phi^-1(U), U even in `low` to `high`.

    So D cannot tell data from samples by a lattice alone, or by the scores of repeated numbers.
    """

    low: Float[Array, "n scores"]
    high: Float[Array, "n scores"]
    places: Int[Array, "n choices"]
    layout: Layout = eqx.field(static=True)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int]:
        """The entries of a row."""
        return (self.layout.entries,)

    @property
    def scores(self) -> Float[Array, "n scores"]:
        """The score in the middle of each interval; 0 where there is no interval."""
        return jax.scipy.special.ndtri((self.low + self.high) / 2)

    def at(self, key: PRNGKey, row: Int[Array, " m"]) -> Samples:
        """Draw a sample in the intervals of each of these rows."""
        low, high = self.low[row], self.high[row]
        scores = jax.scipy.special.ndtri(low + (high - low) * jr.uniform(key, low.shape))
        return jnp.concatenate([scores, one_hot(self.places[row], self.layout.sizes)], axis=1)

    def map_rows(self, change: Callable[[Array], Array]) -> "TableRows":
        """Other rows of the same layout."""
        ends = change(self.low), change(self.high)
        return TableRows(*ends, change(self.places), self.layout)


class TableLatent(AbstractData):
    """What G of a table is given: noise, and a Gumbel number for each value of each choice."""

    noise: Latent
    gumbels: int

    @property
    def shape(self) -> tuple[int]:
        """Both parts, end to end."""
        return (self.noise.shape[0] + self.gumbels,)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n latents."""
        # the first half of the key, once for conditions, is left alone: a seed gives the table
        # that it always gave
        _, key_both = jr.split(key)
        key_noise, key_gumbels = jr.split(key_both)
        gumbels = jr.gumbel(key_gumbels, (n, self.gumbels))
        return jnp.concatenate([self.noise.sample(key_noise, n), gumbels], axis=1)
