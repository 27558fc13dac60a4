"""Conditions: what a net is given beside noise, and what it passes on."""

import math

import equinox as eqx
import jax.numpy as jnp

from onehalf._typing import PRNGKey, Sample
from onehalf.nets.base import AbstractNet

__all__ = ["Given"]


class Given(AbstractNet):
    """(z, c) -> (net(z, c), c): what a net makes of noise and conditions, and the conditions beside it, for D to see.

    >>> import jax.random as jr
    >>> from onehalf.nets import MLP
    >>> G = Given(MLP(jr.key(0), (5,), (4, 4)), 2)
    >>> G(jnp.array([0.1, 0.2, 0.3, 0.0, 1.0]))[-2:]
    Array([0., 1.], dtype=float32)
    """

    net: AbstractNet
    conditions: int = eqx.field(static=True)
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, net: AbstractNet, conditions: int) -> None:
        self.net, self.conditions, self.in_shape = net, conditions, net.in_shape
        self.out_shape = (math.prod(net.out_shape) + conditions,)

    def __call__(self, z: Sample, *, key: PRNGKey | None = None) -> Sample:
        """The example, flat, and its conditions."""
        return jnp.concatenate([self.net(z, key=key).ravel(), z[-self.conditions :]])
