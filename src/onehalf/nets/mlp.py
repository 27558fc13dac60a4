"""The multilayer perceptron, with what the 2014 paper used and what the field uses now."""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf._typing import PRNGKey, Sample
from onehalf.distributions.base import Condition
from onehalf.nets.base import AbstractNet, with_condition

__all__ = ["ACTIVATIONS", "MLP", "waves", "with_waves"]

Vector = Float[Array, " width"]

ACTIVATIONS: dict[str, Callable[[Vector], Vector]] = {
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2),
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "maxout": lambda x: x,
    "linear": lambda x: x,
}
"""By name. `maxout` is the greatest of `pieces` linear maps (Goodfellow et al. 2013), and needs
nothing more."""


class MLP(AbstractNet):
    """x -> W_L a(... a(W_1 x + b_1) ...) + b_L, entries flattened on the way in and shaped again on the way out.

    Hidden weights are drawn from N(0, 2/fan_in) (He et al. 2015), the last ones from N(0,
    1/fan_in), biases are 0; `first_std` gives the first weights another standard deviation for
    each entry of the input, and with `init=u` all weights come from U(-u, u), as in the 2014
    code. With `dropout=(p, q)` an input entry is dropped with probability p and an input entry
    of any later layer with probability q, and the rest is scaled up to keep the mean; the
    paper's D has (0.2, 0.5). With `features=n` the input gains sin and cos of n fixed `waves`:
    modes far narrower than the data lie within reach of a smooth net then. The condition comes
    after the input and its waves, and none of it is dropped.

    >>> D = MLP(jr.key(0), (2,), ())
    >>> D(jnp.ones(2)).shape
    ()
    """

    weights: tuple[Float[Array, "fan_in fan_out"], ...]
    biases: tuple[Float[Array, " fan_out"], ...]
    waves: Float[Array, "features entries"]
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    condition_size: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)
    out_activation: str = eqx.field(static=True)
    pieces: int = eqx.field(static=True)
    dropout: tuple[float, float] = eqx.field(static=True)

    def __init__(
        self,
        key: PRNGKey,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        width: int = 128,
        depth: int = 2,
        activation: str = "leaky_relu",
        out_activation: str = "linear",
        pieces: int = 5,
        dropout: tuple[float, float] = (0.0, 0.0),
        init: float | None = None,
        first_std: Float[Array, " entries"] | None = None,
        features: int = 0,
        condition_size: int = 0,
    ) -> None:
        if min(width, depth, pieces) < 1:
            refuse(
                "MLP",
                expected="width, depth and pieces of 1 or more",
                got=(width, depth, pieces),
            )
        if not all(0 <= share < 1 for share in dropout):
            refuse("dropout", expected="two probabilities from 0 to below 1", got=dropout)
        self.in_shape, self.out_shape = in_shape, out_shape
        self.condition_size = condition_size
        self.activation = choose("activation", activation, tuple(ACTIVATIONS))
        self.out_activation = choose("activation", out_activation, tuple(ACTIVATIONS))
        self.pieces = pieces if self.activation == "maxout" else 1
        self.dropout = dropout

        self.waves = waves(features, math.prod(in_shape))
        fan_ins = [math.prod(in_shape) + 2 * features + condition_size, *[width] * depth]
        fan_outs = [*[width * self.pieces] * depth, math.prod(out_shape)]
        gains = [*[2.0] * depth, 1.0]
        self.weights = tuple(
            jr.uniform(key_layer, (fan_in, fan_out), minval=-init, maxval=init)
            if init
            else jr.normal(key_layer, (fan_in, fan_out)) * math.sqrt(gain / fan_in)
            for key_layer, fan_in, fan_out, gain in zip(
                jr.split(key, depth + 1), fan_ins, fan_outs, gains, strict=True
            )
        )
        if first_std is not None:
            rescale = first_std * math.sqrt(fan_ins[0] / 2)
            self.weights = (rescale[:, None] * self.weights[0], *self.weights[1:])
        self.biases = tuple(jnp.zeros(fan_out) for fan_out in fan_outs)

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the output for one example; `key` switches dropout on."""
        depth = len(self.weights) - 1
        keys = [None] * (depth + 1) if key is None else list(jr.split(key, depth + 1))
        h = _drop(keys[0], self.dropout[0], with_waves(self.waves, x.ravel()))
        h = with_condition(h, c, self.condition_size)
        for layer in range(depth):
            h = h @ self.weights[layer] + self.biases[layer]
            if self.pieces > 1:
                h = h.reshape(-1, self.pieces).max(axis=1)
            h = _drop(keys[layer + 1], self.dropout[1], ACTIVATIONS[self.activation](h))
        out = ACTIVATIONS[self.out_activation](h @ self.weights[-1] + self.biases[-1])
        return out.reshape(self.out_shape)


def waves(n: int, entries: int, finest: float = 64.0) -> Float[Array, "n entries"]:
    """Wave vectors along each entry in turn, of lengths from 1 to `finest` radians a unit, evenly spaced in the log.

    Fourier features (Tancik et al. 2020) at all scales at once, from the width of standardised
    data down to 1/64 of it.
    """
    return jnp.geomspace(1.0, finest, n)[:, None] * jnp.eye(entries)[jnp.arange(n) % entries]


def with_waves(vectors: Float[Array, "n entries"], x: Float[Array, " entries"]) -> Vector:
    """x, then sqrt 2 sin and sqrt 2 cos of its phase in each wave: of variance 1, as standardised x has."""
    if not len(vectors):
        return x
    phases = jax.lax.stop_gradient(vectors) @ x
    return jnp.concatenate([x, math.sqrt(2) * jnp.sin(phases), math.sqrt(2) * jnp.cos(phases)])


def _drop(key: PRNGKey | None, share: float, x: Vector) -> Vector:
    """Dropout: entries to 0 with this probability, the rest scaled up to keep the mean."""
    if key is None or not share:
        return x
    return jnp.where(jr.bernoulli(key, 1 - share, x.shape), x / (1 - share), 0.0)
