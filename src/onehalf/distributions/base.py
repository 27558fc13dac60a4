"""The one face of p_data, p_z and p_g."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from onehalf._typing import PRNGKey, Sample, Samples, Scalar

__all__ = ["AbstractData", "AbstractDensity", "Edges", "Latent", "Masses", "Pushforward"]

Edges = Sequence[Float[np.ndarray, " _"]]
"""Increasing numbers along each axis, the ends of the cells."""

Masses = Float[np.ndarray, "..."]
"""The probability of each cell, in as many dimensions as the plane or the line has."""


class AbstractData(eqx.Module):
    """A distribution that can be sampled. To add one, give it a `shape` and a `sample`.

    The first line of the docstring is what `onehalf data` prints of it.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (2,) for points in the plane, (8, 8) for a small image."""

    @abstractmethod
    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n independent examples; shape (n, *self.shape)."""


class AbstractDensity(AbstractData):
    """A distribution whose density is known as well."""

    @abstractmethod
    def log_p(self, x: Sample) -> Scalar:
        """The logarithm of the density at one example, in nats; -inf outside the support."""

    @abstractmethod
    def masses(self, edges: Edges) -> Masses:
        """The probability of each cell between these edges, exactly; the outer ones may be infinite."""


class Pushforward(AbstractData):
    """p_g, the law of G(z) for z ~ p_z: E_{x~p_g}[h(x)] = E_{z~p_z}[h(G(z))] for every h.

    G need not be invertible, and p_g need not have a density (Goodfellow et al. 2014, section 4).

    >>> p_g = Pushforward(lambda z: z**2, Latent(normal=1))
    >>> p_g.shape, bool(p_g.sample(jr.key(0), 1000).min() >= 0)
    ((1,), True)
    """

    G: Callable[[Sample], Sample]
    p_z: AbstractData

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one generated example."""
        z = jax.ShapeDtypeStruct(self.p_z.shape, jnp.float32)
        return eqx.filter_eval_shape(self.G, z).shape

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n examples G(z)."""
        return jax.vmap(self.G)(self.p_z.sample(key, n))


class Latent(AbstractData):
    """Noise for a generator: independent parts, side by side.

    Continuous parts are `normal` N(0, 1) and `uniform` U(-sqrt 3, sqrt 3), which has variance 1 too (the prior of the
    2014 MNIST code); discrete parts are `bits`, fair signs -1 or +1, and `choices`, one of that many, as a vector with
    a single `hot` entry. A continuous generator of continuous noise has to bridge modes that lie apart; with discrete
    parts it can jump.

    >>> Latent(normal=2, choices=4).sample(jr.key(0), 5).shape
    (5, 6)
    """

    normal: int = 0
    uniform: int = 0
    bits: int = 0
    choices: int = 0
    hot: float = 3.0

    @property
    def shape(self) -> tuple[int]:
        """All parts, end to end."""
        return (self.normal + self.uniform + self.bits + self.choices,)

    @property
    def first_std(self) -> Float[Array, " entries"]:
        """Standard deviations for a net's first weights: continuous and discrete parts start with equal say."""
        entries = self.normal + self.uniform + self.bits
        return jnp.concatenate(
            [jnp.full(entries, max(entries, 1) ** -0.5), jnp.full(self.choices, 1 / self.hot)]
        )

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n latents; shape (n, normal + uniform + bits + choices)."""
        key_normal, key_uniform, key_bits, key_choices = jr.split(key, 4)
        half_width = 3.0**0.5
        parts = [
            jr.normal(key_normal, (n, self.normal)),
            jr.uniform(key_uniform, (n, self.uniform), minval=-half_width, maxval=half_width),
            jr.rademacher(key_bits, (n, self.bits), dtype=jnp.float32),
        ]
        if self.choices:
            parts.append(
                self.hot
                * jax.nn.one_hot(jr.randint(key_choices, (n,), 0, self.choices), self.choices)
            )
        return jnp.concatenate(parts, axis=1)
