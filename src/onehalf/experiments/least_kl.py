"""One normal law fitted to two modes: likelihood covers both, the other KL takes one."""

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure
from scipy.optimize import minimize
from scipy.stats import norm

from onehalf._typing import Scalar
from onehalf.distributions import Mixture, Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, SAMPLES, STRONG, new_figure
from onehalf.theory import d_star, kl

__all__ = ["LeastKL"]

ROWS = 10_000
"""Draws of p_data, for the likelihood."""

STD = 0.25
"""Of each mode."""

WEIGHTS = (0.625, 0.375)
"""Of the modes at -2 and 2, not equal, so that one is the greater; like STD exact in binary."""

MEAN = -0.5
"""Of p_data: 2 (3/8 - 5/8)."""

VARIANCE = 61 / 16
"""Of p_data: STD^2 + 2^2 - MEAN^2."""

LINE = np.linspace(-40, 40, 257)
"""The ends of the quadrature's panels."""


class Fit(NamedTuple):
    """A normal law at the minimum of something, and the minimum."""

    mean: float
    std: float
    least: float


class LeastKL(AbstractExperiment):
    """Most likely p_g = least KL(p_data || p_g); Goodfellow, Bengio & Courville 2016, section 5.5.

    The normal law under which rows are most likely has their moments, and the one with least
    KL(p_data || q) those of p_data: it covers both modes, and puts more than half of its mass
    between them. The least KL(q || p_data) is that of one mode alone. The rows' own law has no
    density, and its KL is infinite: only the part with q in it, the likelihood, means anything.
    """

    formulas = (14, 15, 16)

    @cached_property
    def p_data(self) -> Mixture:
        """Two narrow normal laws at -2 and 2, built outside of traced functions."""
        means, stds, weights = (
            jnp.array(numbers, jnp.float32) for numbers in ([[-2], [2]], [STD, STD], WEIGHTS)
        )
        return Mixture(means, stds, weights)

    @cached_property
    def rows(self) -> Float[np.ndarray, "rows 1"]:
        """Draws of p_data."""
        p_data = self.p_data
        return np.asarray(
            jax.jit(lambda key: p_data.sample(key, ROWS))(jr.key(self.seed)), np.float64
        )

    @cached_property
    def fit_by_likelihood(self) -> Fit:
        """The normal law under which the rows are most likely."""
        rows = self.rows
        return _minimise(
            lambda q: -jax.vmap(q.log_p)(jnp.asarray(rows)).mean(), start=(0.0, 1.0)
        )

    @cached_property
    def fit_by_forward_kl(self) -> Fit:
        """Of least KL(p_data || q)."""
        p_data = self.p_data
        return _minimise(lambda q: kl(p_data, q, LINE), start=(0.0, 1.0))

    @cached_property
    def fit_by_reverse_kl(self) -> Fit:
        """Of least KL(q || p_data), from near the greater mode."""
        p_data = self.p_data
        return _minimise(lambda q: kl(q, p_data, LINE), start=(-1.5, 0.5))

    @cached_property
    def gains(self) -> Float[np.ndarray, " rows"]:
        """How much more likely N(0, 4) makes each row than N(0, 1) does, in nats."""
        gain = d_star(Normal(0.0, 2.0), Normal(0.0, 1.0))
        return np.asarray(jax.jit(jax.vmap(gain))(self.rows.astype(np.float32)))

    def claims(self) -> Iterator[Claim]:
        """Moments of the three fits, and what likelihood has to do with KL."""
        p_data = self.p_data
        each_kl = jax.jit(jax.vmap(lambda std: kl(p_data, Normal(0.0, std), LINE)))
        with jax.enable_x64():
            narrow, wide = each_kl(np.array([1.0, 2.0])).tolist()
        yield Claim(
            "Likeliest mean for the rows: that of the rows",
            self.rows.mean().item(),
            self.fit_by_likelihood.mean,
            1e-6,
        )
        yield Claim(
            "Likeliest deviation: that of the rows",
            self.rows.std().item(),
            self.fit_by_likelihood.std,
            1e-6,
        )
        yield Claim.from_mean(
            "Nats a row that N(0, 4) gains on N(0, 1): the fall of KL",
            narrow - wide,
            self.gains,
        )
        yield Claim(
            "Least KL(p_data || q): mean of p_data", MEAN, self.fit_by_forward_kl.mean, 1e-6
        )
        yield Claim(
            "Least KL(p_data || q): deviation of p_data",
            math.sqrt(VARIANCE),
            self.fit_by_forward_kl.std,
            1e-6,
        )
        yield Claim(
            "Least KL(q || p_data) near -2: mean of that mode",
            -2.0,
            self.fit_by_reverse_kl.mean,
            1e-6,
        )
        yield Claim(
            "Least KL(q || p_data): deviation of that mode",
            STD,
            self.fit_by_reverse_kl.std,
            1e-6,
        )
        yield Claim(
            "Least KL(q || p_data): log 8/5 nats, its share 5/8",
            math.log(8 / 5),
            self.fit_by_reverse_kl.least,
            1e-9,
        )

    def figure(self) -> Figure:
        """The two modes with both fits."""
        figure, axes = new_figure("x", "density")
        x = np.linspace(-5, 8, 1000)
        p_data = np.dot(norm.pdf(x[:, None], [-2, 2], STD), WEIGHTS)
        axes.fill_between(x, p_data, color=DATA, alpha=0.6, linewidth=0, label="p_data")
        for name, fit, colour in (
            ("least KL(p_data || q), also the likeliest", self.fit_by_forward_kl, SAMPLES),
            ("least KL(q || p_data), near -2", self.fit_by_reverse_kl, BAND),
        ):
            law = f"q = N({fit.mean:.2f}, {fit.std:.2f}$^2$):\n{name}"
            axes.plot(
                x, norm.pdf(x, fit.mean, fit.std), color=colour, linewidth=STRONG, label=law
            )
        axes.legend(frameon=False, loc="upper right", fontsize="small")
        return figure


def _minimise(loss: Callable[[Normal], Scalar], start: tuple[float, float]) -> Fit:
    """Find the mean and the standard deviation with the least loss."""

    @jax.jit
    @jax.value_and_grad
    def loss_at(place: Float[Array, " 2"]) -> Scalar:
        return loss(Normal(place[0], jnp.exp(place[1])))

    # Bounds keep q within reach of the quadrature, and wide enough for its panels.
    bounds = [(-4.0, 4.0), (math.log(0.1), math.log(4.0))]
    with jax.enable_x64():
        start_at = np.array([start[0], math.log(start[1])])
        optimum = minimize(
            loss_at,
            start_at,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 0, "gtol": 1e-10},
        )
    return Fit(float(optimum.x[0]), math.exp(optimum.x[1]), float(optimum.fun))
