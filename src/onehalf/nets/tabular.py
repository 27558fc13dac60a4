"""Outputs that are rows of a table: scores, and choices that are made one way or another."""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Float

from onehalf._typing import PRNGKey, Sample
from onehalf.data.tables.layout import Layout
from onehalf.distributions.base import Batch, Condition
from onehalf.nets.base import AbstractNet, with_condition

__all__ = ["Copula", "Tabular"]

KNOTS = np.linspace(-3.0, 3.0, 61, dtype=np.float32)
"""Normal scores at which the distribution of a score is set right; beyond them it is moved as
far as at the last."""

SCALING_STEPS = 100
"""The most steps of iterative scaling of the logits."""

SCALING_TOLERANCE = 1e-3
"""Iterative scaling ends when no logit changes by this much."""

LEAST_SHARE = 1e-6
"""Smaller shares are raised to this, so that their logarithm is finite."""


class Tabular(AbstractNet):
    """Scores u and one-hot choices of a row: argmax(logits + Gumbel noise), softmax's gradient.

    Jang et al. 2017.

    The input is noise for the net, and a Gumbel number for each value of the choices. The net
    sees the noise and the condition; its output has the scores, then the logits. A score whose
    number is missing (by its choice) is 0.

    `bias` is added to the logits, and each score goes through an increasing map from `knots` to
    KNOTS: both are fixed in a game, and set after it by `calibrate`.
    """

    net: AbstractNet
    bias: Float[Array, " logits"]
    knots: Float[Array, "scores knots"]
    layout: Layout = eqx.field(static=True)
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    condition_size: int = eqx.field(static=True)

    def __init__(self, net: AbstractNet, layout: Layout, noise: int) -> None:
        self.net, self.layout = net, layout
        self.in_shape, self.out_shape = (noise + layout.logits,), (layout.entries,)
        self.condition_size = net.condition_size
        self.bias = jnp.zeros(layout.logits)
        self.knots = jnp.tile(jnp.asarray(KNOTS), (layout.scores, 1))

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the row for one input."""
        scores, logits, gumbels = self._parts(x, c)
        bias, knots = jax.lax.stop_gradient((self.bias, self.knots))
        choices = jnp.concatenate(
            [jnp.zeros(0), *map(_made, self._blocks(logits + bias + gumbels))]
        )
        beyond = scores - jnp.clip(scores, knots[:, 0], knots[:, -1])
        scores = (
            jax.vmap(jnp.interp, in_axes=(0, 0, None))(scores, knots, jnp.asarray(KNOTS))
            + beyond
        )
        gates = np.array(self.layout.gates, int) - self.layout.scores
        if len(choices):
            scores = scores * jnp.where(gates >= 0, choices[np.maximum(gates, 0)], 1.0)
        return jnp.concatenate([scores, choices])

    def calibrate(self, latent: Batch, shares: Float[np.ndarray, " logits"]) -> "Tabular":
        """Set each column right: these shares of the choices, N(0, 1) for scores.

        On these latents, the bias makes the mean probability of each value its share (iterative
        scaling; Deming & Stephan 1940), and the maps take each score's own quantiles to those
        of N(0, 1). What goes with what is left as it was.
        """
        scores, logits, _ = jax.tree.map(
            lambda part: np.asarray(part, np.float64), jax.vmap(self._parts)(*latent)
        )
        bias, chances = np.zeros(len(self.bias)), np.zeros_like(logits)
        for start, size in self._places():
            block, share = (
                logits[:, start : start + size],
                np.maximum(shares[start : start + size], LEAST_SHARE),
            )
            added = np.zeros(size)
            for _ in range(SCALING_STEPS):
                chance = scipy.special.softmax(block + added, axis=1).mean(axis=0)
                step = np.log(share / np.maximum(chance, LEAST_SHARE))
                added += step
                if np.abs(step).max() < SCALING_TOLERANCE:
                    break
            bias[start : start + size] = added
            chances[:, start : start + size] = scipy.special.softmax(block + added, axis=1)
        knots = np.empty((self.layout.scores, len(KNOTS)))
        for score, gate in enumerate(self.layout.gates):
            weights = (
                np.ones(len(scores)) if gate < 0 else chances[:, gate - self.layout.scores]
            )
            order = np.argsort(scores[:, score])
            below = np.cumsum(weights[order])
            at = np.interp(
                scipy.special.ndtr(KNOTS),
                (below - weights[order] / 2) / below[-1],
                scores[order, score],
            )
            # the map is to be increasing where many inputs give one score, too
            knots[score] = np.maximum.accumulate(at) + 1e-5 * np.arange(len(KNOTS))
        arrays = jnp.asarray(bias, jnp.float32), jnp.asarray(knots, jnp.float32)
        return eqx.tree_at(lambda net: (net.bias, net.knots), self, arrays)

    def _parts(self, x: Sample, c: Condition | None) -> tuple[Sample, Sample, Sample]:
        """Compute the net's scores and logits for one input; the Gumbel numbers come third."""
        noise = len(x) - self.layout.logits
        out = self.net(x[:noise], c)
        return out[: self.layout.scores], out[self.layout.scores :], x[noise:]

    def _blocks(self, logits: Sample) -> Iterator[Float[Array, "blocks size"]]:
        """The logits of the choices of each size."""
        for start, blocks, size in self.layout.groups:
            first = start - self.layout.scores
            yield logits[first : first + blocks * size].reshape(blocks, size)

    def _places(self) -> Iterator[tuple[int, int]]:
        """Where the logits of each choice begin, and how many there are."""
        start = 0
        for size in self.layout.sizes:
            yield start, size
            start += size


def _made(logits: Float[Array, "blocks size"]) -> Float[Array, " _"]:
    """The greatest of each block as 1, with the gradient of softmax."""
    soft = jax.nn.softmax(logits)
    hard = jax.nn.one_hot(jnp.argmax(logits, axis=1), logits.shape[1], dtype=soft.dtype)
    return (soft + jax.lax.stop_gradient(hard - soft)).ravel()


class Copula(AbstractNet):
    """(z, c) A + b + net(z, c): a net plus a linear map, which starts as a Gaussian copula.

    Both learn.
    """

    net: AbstractNet
    A: Float[Array, "entries out"]
    b: Float[Array, " out"]
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    condition_size: int = eqx.field(static=True)

    def __init__(
        self, net: AbstractNet, A: Float[Array, "entries out"], b: Float[Array, " out"]
    ) -> None:
        self.net = net
        self.A = A
        self.b = b
        self.in_shape, self.out_shape = net.in_shape, net.out_shape
        self.condition_size = net.condition_size

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """Compute the output for one input."""
        joined = with_condition(x, c, self.condition_size)
        return joined @ self.A + self.b + self.net(x, c, key=key)
