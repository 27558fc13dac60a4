"""Outputs that stay inside the range of the data."""

import equinox as eqx
import jax
from jax.scipy.special import logit
from jaxtyping import Array, Float

from onehalf._typing import PRNGKey, Sample
from onehalf.distributions.base import Condition
from onehalf.nets.base import AbstractNet

__all__ = ["Bounded"]


class Bounded(AbstractNet):
    """low + (high - low) sigmoid(net(x, c) + b), with b such that a net of 0 gives the mean.

    The sigmoid output of the 2014 MNIST generator and its first bias, the logit of each pixel's
    mean, for entries that lie between `low` and `high`. These are fixed. Atoms at the ends,
    such as an image's background, are within reach of a smooth net then.

    >>> import jax.numpy as jnp, jax.random as jr
    >>> from onehalf.nets import MLP
    >>> G = Bounded(MLP(jr.key(0), (2,), (3,)), low=-jnp.ones(3), high=2 * jnp.ones(3), mean=jnp.zeros(3))
    >>> bool((G(100 * jnp.ones(2)) <= 2).all())
    True
    """

    net: AbstractNet
    low: Float[Array, "..."]
    width: Float[Array, "..."]
    start: Float[Array, "..."]
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    condition_size: int = eqx.field(static=True)

    def __init__(
        self,
        net: AbstractNet,
        low: Float[Array, "..."],
        high: Float[Array, "..."],
        mean: Float[Array, "..."],
    ) -> None:
        self.net = net
        self.in_shape, self.out_shape = net.in_shape, net.out_shape
        self.condition_size = net.condition_size
        self.low = low
        self.width = high - low
        self.start = logit((mean - low) / (high - low))

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the output for one example, between low and high."""
        low, width, start = jax.lax.stop_gradient((self.low, self.width, self.start))
        return low + width * jax.nn.sigmoid(self.net(x, c, key=key) + start)
