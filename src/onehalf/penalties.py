"""What D pays for being steep.

All act on the gradient of the logit d with respect to one example (not its condition), squared
and summed over the example's entries, averaged over the minibatch. With `every=n` a penalty is
paid in every n-th round only and counts n times (Karras et al. 2020, appendix B), which costs
less time for nearly the same force.
"""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from onehalf._typing import Logits, PRNGKey, Sample, Scalar
from onehalf.distributions.base import Batch, Condition

__all__ = ["R1", "R2", "AbstractPenalty", "GradientPenalty"]

Discriminator = Callable[[Sample, Condition], Scalar]
"""d(x, c), a logit."""


class AbstractPenalty(eqx.Module):
    """A penalty on D. To add one, write `penalty` and its line in `__all__`."""

    gamma: eqx.AbstractVar[float]
    """The weight; 0 switches the penalty off."""

    every: eqx.AbstractVar[int]
    """Paid in the rounds t that this divides."""

    @abstractmethod
    def penalty(self, key: PRNGKey, D: Discriminator, real: Batch, generated: Batch) -> Scalar:
        """What D pays on m data and m samples, each with its condition; at least 0."""


class R1(AbstractPenalty):
    """gamma/2 E_data ||grad d(x)||^2; Mescheder et al. 2018, equation 9.

    >>> ones = Batch.without_conditions(jnp.ones((4, 2)))
    >>> R1(gamma=1.0).penalty(jr.key(0), lambda x, c: 3 * x.sum(), ones, ones)    # 1/2 (9 + 9)
    Array(9., dtype=float32)
    """

    gamma: float = 0.1
    every: int = 1

    def penalty(self, key: PRNGKey, D: Discriminator, real: Batch, generated: Batch) -> Scalar:
        """On the data."""
        return self.gamma / 2 * jnp.mean(_squared_gradients(D, real))


class R2(AbstractPenalty):
    """gamma/2 E_samples ||grad d(G(z))||^2; Mescheder et al. 2018, equation 10.

    >>> ones = Batch.without_conditions(jnp.ones((4, 2)))
    >>> R2(gamma=1.0).penalty(jr.key(0), lambda x, c: 3 * x.sum(), ones, ones)
    Array(9., dtype=float32)
    """

    gamma: float = 0.1
    every: int = 1

    def penalty(self, key: PRNGKey, D: Discriminator, real: Batch, generated: Batch) -> Scalar:
        """On the samples."""
        return self.gamma / 2 * jnp.mean(_squared_gradients(D, generated))


class GradientPenalty(AbstractPenalty):
    """gamma E (||grad d|| - 1)^2 between data and samples; Gulrajani et al. 2017, equation 3, whose gamma is 10.

    The points lie on the segments between paired data and samples, evenly at random; so do
    their conditions.

    >>> ones = Batch.without_conditions(jnp.ones((4, 2)))
    >>> GradientPenalty().penalty(jr.key(0), lambda x, c: x[0], ones, ones)        # slope 1
    Array(0., dtype=float32)
    """

    gamma: float = 10.0
    every: int = 1

    def penalty(self, key: PRNGKey, D: Discriminator, real: Batch, generated: Batch) -> Scalar:
        """On points between the two."""
        share = jr.uniform(key, (len(real.x),) + (1,) * (real.x.ndim - 1))
        of_c = share.reshape(-1, 1)
        between = Batch(
            share * real.x + (1 - share) * generated.x,
            of_c * real.c + (1 - of_c) * generated.c,
        )
        squares = _squared_gradients(D, between)
        # the gradient of a norm at 0 is not a number: sqrt of 0 is replaced by the constant 0,
        # whose gradient is 0
        norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
        return self.gamma * jnp.mean((norms - 1) ** 2)


def _squared_gradients(D: Discriminator, batch: Batch) -> Logits:
    """||grad_x d(x, c)||^2 of each example, summed over its entries; shape (m,)."""
    gradients = jax.vmap(jax.grad(D))(batch.x, batch.c)
    return jnp.sum(gradients**2, axis=tuple(range(1, gradients.ndim)))
