"""Examples with conditions: rows with their labels, and noise beside conditions as the rows have them."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from onehalf._typing import PRNGKey, Samples
from onehalf.distributions.base import AbstractData, AbstractRows, Batch, Conditions

__all__ = ["Conditional", "ConditionalLatent", "one_hot"]


class Conditional(AbstractRows):
    """One of n rows at random, each as likely as the next; its labels, one-hot, are its condition.

    >>> from onehalf.distributions.empirical import Empirical
    >>> rows, codes = Empirical(jnp.ones((4, 2))), jnp.array([[0], [1], [0], [1]])
    >>> Conditional(rows, codes, (2,)).batch(jr.key(0), 3).c.shape
    (3, 2)
    """

    rows: AbstractRows
    codes: Int[Array, "n labels"]
    """For each row the place of each of its labels among the label's values."""
    sizes: tuple[int, ...] = eqx.field(static=True)
    """How many values each label has."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row, without its labels."""
        return self.rows.shape

    @property
    def condition_size(self) -> int:
        """The values of all labels, end to end."""
        return sum(self.sizes)

    def at(self, key: PRNGKey, row: Int[Array, " m"]) -> Samples:
        """Draw an example from each of these rows."""
        return self.rows.at(key, row)

    def batch_at(self, key: PRNGKey, row: Int[Array, " m"]) -> Batch:
        """Draw an example from each of these rows, with its labels."""
        return Batch(self.at(key, row), one_hot(self.codes[row], self.sizes))

    def map_rows(self, change: Callable[[Array], Array]) -> "Conditional":
        """Other rows and their labels."""
        return dataclasses.replace(
            self, rows=self.rows.map_rows(change), codes=change(self.codes)
        )


class ConditionalLatent(AbstractData):
    """Noise, and a condition of one of the training rows at random, independent of it."""

    noise: AbstractData
    distinct: Float[Array, "distinct width"]
    """The conditions that occur, one-hot."""
    shares: Float[Array, " distinct"]
    """The share of the rows that each has."""

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the noise."""
        return self.noise.shape

    @property
    def condition_size(self) -> int:
        """The width of a condition."""
        return self.distinct.shape[1]

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n latents, without their conditions."""
        return self.batch(key, n).x

    def batch(self, key: PRNGKey, n: int) -> Batch:
        """Draw n latents, and a condition for each by the shares."""
        key_condition, key_noise = jr.split(key)
        at = jr.uniform(key_condition, (n,)) * self.shares.sum()
        place = jnp.searchsorted(jnp.cumsum(self.shares), at)
        return self.batch_given(
            key_noise, self.distinct[jnp.minimum(place, len(self.shares) - 1)]
        )

    def batch_given(self, key: PRNGKey, c: Conditions) -> Batch:
        """Draw a latent for each of these conditions."""
        return Batch(self.noise.sample(key, len(c)), c)


def one_hot(places: Int[Array, "n choices"], sizes: tuple[int, ...]) -> Float[Array, "n width"]:
    """Encode choices among `sizes` values as vectors with a single 1, end to end; all 0 for a place of -1.

    >>> one_hot(jnp.array([[1, 0], [0, -1]]), (2, 3))
    Array([[0., 1., 1., 0., 0.],
           [1., 0., 0., 0., 0.]], dtype=float32)
    """
    blocks = [
        jax.nn.one_hot(places[:, index], size, dtype=jnp.float32)
        for index, size in enumerate(sizes)
    ]
    return jnp.concatenate([jnp.zeros((len(places), 0)), *blocks], axis=1)
