"""The one face of p_data, p_z and p_g."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from onehalf._typing import PRNGKey, Sample, Samples, Scalar

__all__ = [
    "AbstractData",
    "AbstractDensity",
    "AbstractRows",
    "Batch",
    "BatchMap",
    "Condition",
    "Conditions",
    "Edges",
    "Latent",
    "Masses",
    "Pushforward",
]

Edges = Sequence[Float[np.ndarray, " _"]]
"""Increasing numbers along each axis, the ends of the cells."""

Masses = Float[np.ndarray, "..."]
"""The probability of each cell, in as many dimensions as the plane or the line has."""


Condition = Float[Array, " width"]
"""The condition of one example, such as a one-hot class; of width 0 where there are none."""

Conditions = Float[Array, "n width"]
"""Those of n examples."""


class Batch(NamedTuple):
    """n examples, each with its condition."""

    x: Samples
    c: Conditions

    @classmethod
    def without_conditions(cls, x: Samples) -> "Batch":
        """Examples whose conditions have width 0.

        >>> Batch.without_conditions(jnp.ones((5, 2))).c.shape
        (5, 0)
        """
        return cls(x, jnp.zeros((len(x), 0)))


class AbstractData(eqx.Module):
    """A distribution that can be sampled. To add one, give it a `shape` and a `sample`.

    One with conditions has a `condition_size` and a `batch` of its own too.
    The first line of the docstring is what `onehalf data` prints of it.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (2,) for points in the plane, (8, 8) for a small image."""

    @property
    def condition_size(self) -> int:
        """The width of a condition."""
        return 0

    @abstractmethod
    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n independent examples; shape (n, *self.shape)."""

    def batch(self, key: PRNGKey, n: int) -> Batch:
        """Draw n examples with their conditions; the examples are those of `sample`."""
        return Batch.without_conditions(self.sample(key, n))


class AbstractRows(AbstractData):
    """The empirical distribution of n rows: one of them at random, each as likely as the next.

    To add one, give it a `shape`, a length, `at` and `map_rows`.
    """

    @abstractmethod
    def __len__(self) -> int:
        """The number of rows, n."""

    @abstractmethod
    def at(self, key: PRNGKey, row: Int[Array, " m"]) -> Samples:
        """Draw an example from each of these rows; shape (m, *self.shape)."""

    @abstractmethod
    def map_rows(self, change: Callable[[Array], Array]) -> "AbstractRows":
        """The same kind of rows, with a function applied to each array that has the rows along its first axis."""

    def batch_at(self, key: PRNGKey, row: Int[Array, " m"]) -> Batch:
        """Draw an example from each of these rows, with its condition."""
        return Batch.without_conditions(self.at(key, row))

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n rows, with replacement."""
        return self.batch(key, n).x

    def batch(self, key: PRNGKey, n: int) -> Batch:
        """Draw n rows, with replacement, and their conditions."""
        key_row, key_cell = jr.split(key)
        return self.batch_at(key_cell, jr.randint(key_row, (n,), 0, len(self)))


class AbstractDensity(AbstractData):
    """A distribution whose density is known as well."""

    @abstractmethod
    def log_p(self, x: Sample) -> Scalar:
        """The logarithm of the density at one example, in nats; -inf outside the support."""

    @abstractmethod
    def masses(self, edges: Edges) -> Masses:
        """The probability of each cell between these edges, exactly; the outer ones may be infinite."""


class BatchMap(ABC):
    """A player that takes many examples at once, outside JAX, such as one made of trees."""

    @property
    @abstractmethod
    def out_shape(self) -> tuple[int, ...]:
        """The shape of what comes of one example."""

    @abstractmethod
    def push(self, x: Any, c: Any) -> np.ndarray:
        """Map each of these examples, under its condition."""


class Pushforward(AbstractData):
    """p_g, the law of G(z) for z ~ p_z: E_{x~p_g}[h(x)] = E_{z~p_z}[h(G(z))] for every h.

    Where p_z has conditions, G is a function of z and c, else of z. It need not be invertible,
    and p_g need not have a density (Goodfellow et al. 2014, section 4).

    >>> p_g = Pushforward(lambda z: z**2, Latent(normal=1))
    >>> p_g.shape, bool(p_g.sample(jr.key(0), 1000).min() >= 0)
    ((1,), True)
    """

    G: Callable[..., Sample] | BatchMap
    p_z: AbstractData

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one generated example."""
        if isinstance(self.G, BatchMap):
            return self.G.out_shape
        z, c = (1, *self.p_z.shape), (1, self.condition_size)
        latent = tuple(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (z, c))
        return eqx.filter_eval_shape(self.push, latent).x.shape[1:]

    @property
    def condition_size(self) -> int:
        """That of p_z."""
        return self.p_z.condition_size

    def sample(self, key: PRNGKey, n: int) -> Any:
        """Draw n examples G(z), as arrays of JAX; those of a `BatchMap` are NumPy's."""
        return self.batch(key, n).x

    def batch(self, key: PRNGKey, n: int) -> Batch:
        """Draw n examples G(z, c), and their conditions c."""
        return self.push(self.p_z.batch(key, n))

    def batch_given(self, key: PRNGKey, c: Conditions) -> Batch:
        """Draw G(z, c) for each of these conditions; p_z must be a `ConditionalLatent`."""
        p_z: Any = self.p_z
        return self.push(p_z.batch_given(key, c))

    def push(self, latent: Any) -> Any:
        """Apply G to each z, and to its c if there are conditions."""
        z, c = latent
        if isinstance(self.G, BatchMap):
            x: Any = self.G.push(z, c)
            return Batch(x, c)
        return Batch(jax.vmap(self.G)(z, c) if self.condition_size else jax.vmap(self.G)(z), c)


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
    def laws(self) -> tuple[tuple[str, int], ...]:
        """The law of each part, and its size."""
        return (
            ("normal", self.normal),
            ("uniform", self.uniform),
            ("signs", self.bits),
            ("one-hot", self.choices),
        )

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
