"""The base class of all networks."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Sample
from onehalf.distributions.base import Condition

__all__ = ["AbstractNet", "with_condition"]


class AbstractNet(eqx.Module):
    """A function of one example and its condition, with parameters: G(z, c), D(x, c).

    As D its output is one logit, of shape (). To add one, take `key, in_shape, out_shape`
    first, and `condition_size` by name, so that every member can be built alike (the law tests
    do).
    """

    in_shape: eqx.AbstractVar[tuple[int, ...]]
    out_shape: eqx.AbstractVar[tuple[int, ...]]
    condition_size: eqx.AbstractVar[int]
    """The width of a condition; 0 without conditions."""

    @abstractmethod
    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the output for one example of shape in_shape.

        Args:
            x: the example.
            c: its condition; None is the condition of width 0.
            key: for dropout; None switches dropout off.
        """


def with_condition(
    x: Float[Array, " entries"], c: Condition | None, size: int
) -> Float[Array, " joined"]:
    """Join entries and the condition that belongs to them, which must have this size.

    >>> with_condition(jnp.zeros(2), jnp.ones(1), 1)
    Array([0., 0., 1.], dtype=float32)
    """
    width = 0 if c is None else len(c)
    if width != size:
        refuse("c", expected=f"a condition of {size} numbers", got=width)
    return x if c is None or not width else jnp.concatenate([x, c])
