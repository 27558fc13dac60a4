"""V~, the value on a minibatch: unbiased for a fixed D, too high for one chosen on it."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.special import log_expit
from scipy.stats import norm

from onehalf._typing import Logits, Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import SIGMAS, AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, add_legend, hide_spines
from onehalf.losses import value
from onehalf.theory import V

__all__ = ["Minibatch"]

SIZES = (32, 128, 512)
"""m: data, and as many samples, in a minibatch."""
REPEATS = 2000
"""Minibatches of each size."""
FIXED_W = 2.0
"""The w of the D that does not depend on the minibatch."""

Each = Float[np.ndarray, " minibatches"]
"""A number for each minibatch, in nats."""


class Values(NamedTuple):
    """V~ on many minibatches."""

    fixed: Each
    """Of the D that does not depend on the minibatch."""
    best: Each
    """Of the D that is best on this minibatch, less that of D_star."""
    fresh: Each
    """Of the same D, less that of D_star, both on another minibatch."""


class Minibatch(AbstractExperiment):
    """E[V~] = V(D, G) for a given D, with error ~ 1/sqrt(m); E[max V~] > max V; Goodfellow et al. 2014, algorithm 1.

    Data are N(0, 1), samples N(1, 1), and D's logit is w (1/2 - x); w = 1 makes it D_star. For
    a w that was there before the minibatch V~ is right on average. The w that is best on the
    minibatch has gained 1/(2 m) nats on it, as Wilks's theorem has it for one parameter, and
    loses as much on a fresh one. The other trap is log(1 - sigmoid(d)), which in float32 is
    -inf from a logit of 17: V~ is computed from logits, by softplus.
    """

    formulas = (1, 39)

    @cached_property
    def values(self) -> dict[int, Values]:
        """By size of the minibatch."""
        rng = np.random.default_rng(self.seed)
        return {m: _draw_values(rng, m) for m in SIZES}

    @cached_property
    def truth(self) -> tuple[float, float]:
        """V of the fixed D, and m Var V~: the variance of log D(x) + log(1 - D(G(z)))."""
        with jax.enable_x64():
            mean = float(
                V(lambda x: FIXED_W * (0.5 - x[0]), Normal(), Normal(1.0), range(-9, 11))
            )
        return mean, 2 * float(norm.expect(lambda x: (_log_D(x) - mean / 2) ** 2))

    def claims(self) -> Iterator[Claim]:
        """Yield mean and variance for a fixed D, the gain of a chosen one, and great logits."""
        mean, variance = self.truth
        for m in (32, 512):
            fixed = self.values[m].fixed
            yield Claim.from_mean(f"m = {m}, given D: mean of V~ is V, nats", mean, fixed)
            squares = m * (fixed - fixed.mean()) ** 2 * REPEATS / (REPEATS - 1)
            yield Claim.from_mean(
                f"m = {m}, given D: m Var V~, squared nats", variance, squares
            )
        yield Claim.from_mean(
            "m = 512, best D on it: V~ less D_star's, nats", 1 / 1024, self.values[512].best
        )
        yield Claim.from_mean(
            "m = 512, that D on a fresh one: V~ less D_star's, nats",
            -1 / 1024,
            self.values[512].fresh,
        )
        logits = jnp.arange(30.0)
        infinite = jnp.isneginf(jnp.log(1 - jax.nn.sigmoid(logits)))
        yield Claim(
            "float32: first logit where log(1 - D) is -inf",
            17.0,
            float(logits[infinite][0]),
            0.0,
        )
        sure = jnp.full(1, 90.0)
        yield Claim(
            "V~ at logits -90 on data, 90 on samples, nats",
            -180.0,
            float(value(-sure, sure)),
            1e-4,
        )

    def figure(self) -> Figure:
        """Draw the spread of V~, and what choosing D on the minibatch gains and loses."""
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        (mean, variance), m = self.truth, np.geomspace(SIZES[0] / 1.5, SIZES[-1] * 1.5, 50)
        fixed, best, fresh = np.array(list(self.values.values())).transpose(1, 0, 2)
        deviation = np.sqrt(variance / m)
        left.axhline(mean, label="theory", **GOAL)
        left.fill_between(m, mean - deviation, mean + deviation, color=BAND, alpha=0.2)
        left.errorbar(
            SIZES,
            fixed.mean(axis=1),
            fixed.std(axis=1),
            fmt="o",
            color=BAND,
            label="a given D, and deviation",
        )
        panels = (
            (best, 1, SAMPLES, "the best D on the minibatch"),
            (fresh, -1, DATA, "the same D on a fresh one"),
        )
        for values, sign, colour, label in panels:
            right.plot(m, sign / (2 * m), **GOAL)
            error = SIGMAS * values.std(axis=1) / math.sqrt(REPEATS)
            right.errorbar(SIZES, values.mean(axis=1), error, fmt="o", color=colour)
            left.plot([], [], "o", color=colour, label=label)
        left.set(ylabel="V~, nats")
        right.set(ylabel="V~ less that of D_star, nats")
        for axes in (left, right):
            axes.set(xscale="log", xlabel="m, examples a side")
            hide_spines(axes)
            axes.set_xticks(SIZES, map(str, SIZES))
            axes.minorticks_off()
        add_legend(figure)
        return figure


def _log_D(x: Any) -> Any:
    """Of the D that is given; log(1 - D(G(z))) has the same law."""
    return log_expit(FIXED_W * (0.5 - x))


def _draw_values(rng: np.random.Generator, m: int) -> Values:
    x, Gz, fresh_x, fresh_Gz = (
        0.5 - rng.normal(mean, size=(REPEATS, m)).astype(np.float32) for mean in (0, 1, 0, 1)
    )
    return Values(*map(np.asarray, _evaluate(x, Gz, fresh_x, fresh_Gz)))


@jax.jit
@jax.vmap
def _evaluate(
    x: Logits, Gz: Logits, fresh_x: Logits, fresh_Gz: Logits
) -> tuple[Scalar, Scalar, Scalar]:
    """One minibatch and a fresh one, as logits of D_star."""

    def value_at(w: Scalar) -> Scalar:
        return value(w * x, w * Gz)

    def newton(_: Any, w: Scalar) -> Scalar:
        return w - jax.grad(value_at)(w) / jax.grad(jax.grad(value_at))(w)

    w = jax.lax.fori_loop(0, 6, newton, jnp.float32(1))
    gain, fresh_gain = (
        value_at(w) - value(x, Gz),
        value(w * fresh_x, w * fresh_Gz) - value(fresh_x, fresh_Gz),
    )
    return value_at(jnp.float32(FIXED_W)), gain, fresh_gain
