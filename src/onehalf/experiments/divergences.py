"""Entropy and KL where both are known; an estimate of KL may be negative."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import jax.random as jr
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.stats import norm

from onehalf._typing import Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import (
    BAND,
    DATA,
    GOAL,
    SAMPLES,
    STRONG,
    hide_spines,
    put_legend_above,
)
from onehalf.theory import d_star, entropy, jsd, kl

__all__ = ["Divergences"]

SHIFTS = np.linspace(0, 6, 25)
"""The means mu of q = N(mu, 4), for p = N(0, 1)."""

LINE = np.linspace(-20, 26, 93)
"""The ends of the quadrature's panels: ten standard deviations and more on either side."""

PAIRS = 10_000
"""Pairs of random probability vectors on three points."""

ESTIMATES = 10_000
"""Monte Carlo estimates of KL."""

DRAWS = 100
"""Draws for each estimate."""

NEAR = 0.1
"""The mean of the q that is estimated: KL(N(0, 1) || N(NEAR, 1)) = NEAR^2 / 2."""


class Divergences(AbstractExperiment):
    """KL(p || q) = E_p[log p - log q] is at least 0, and not symmetric; Kullback & Leibler 1951.

    Entropy is -E_p[log p] (Shannon 1948): that of a narrow density is negative. KL is not, but
    a Monte Carlo estimate of it may be. KL has no greatest value, while JSD ends at log 2.
    """

    formulas = (11, 12, 13)

    @cached_property
    def entropies(self) -> tuple[float, float]:
        """Of the vector (1/2, 1/4, 1/4, 0), and of N(0, 1/100)."""
        with jax.enable_x64():
            return float(entropy(np.array([0.5, 0.25, 0.25, 0.0]))), float(
                entropy(Normal(0.0, 0.1), LINE)
            )

    @cached_property
    def by_shift(self) -> dict[str, Float[np.ndarray, " shifts"]]:
        """KL both ways and JSD of p = N(0, 1) and q = N(mu, 4), at each mu of SHIFTS."""
        p = Normal()

        @jax.jit
        @jax.vmap
        def divergences(mean: Scalar) -> tuple[Scalar, Scalar, Scalar]:
            q = Normal(mean, 2.0)
            return kl(p, q, LINE), kl(q, p, LINE), jsd(p, q, LINE)

        with jax.enable_x64():
            forth, back, both = map(np.asarray, divergences(SHIFTS))
        return {"KL(p || q)": forth, "KL(q || p)": back, "JSD(p, q)": both}

    @cached_property
    def of_vectors(self) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
        """KL(p || q) and KL(p || p) of random p and q."""
        p, q = np.random.default_rng(self.seed).dirichlet(np.ones(3), (2, PAIRS))
        each_kl = jax.jit(jax.vmap(kl))
        with jax.enable_x64():
            return np.asarray(each_kl(p, q)), np.asarray(each_kl(p, p))

    @cached_property
    def estimates(self) -> Float[np.ndarray, " estimates"]:
        """Means of log p - log q over few draws of p = N(0, 1), for q = N(NEAR, 1)."""
        p, q = Normal(), Normal(NEAR)
        x = p.sample(jr.key(self.seed), ESTIMATES * DRAWS)
        return (
            np.asarray(jax.jit(jax.vmap(d_star(p, q)))(x))
            .reshape(ESTIMATES, DRAWS)
            .mean(axis=1)
        )

    def claims(self) -> Iterator[Claim]:
        """Entropy, KL and what is estimated of it."""
        of_vector, of_normal = self.entropies
        forth, back = (
            self.by_shift[name][SHIFTS == 1].item() for name in ("KL(p || q)", "KL(q || p)")
        )
        different, same = self.of_vectors
        below = float(norm.cdf(-NEAR * math.sqrt(DRAWS) / 2))
        yield Claim(
            "Entropy of (1/2, 1/4, 1/4, 0): 3/2 log 2 nats", 1.5 * math.log(2), of_vector, 1e-9
        )
        yield Claim(
            "Entropy of N(0, s^2), s = 1/10, nats",
            math.log(2 * math.pi * math.e / 100) / 2,
            of_normal,
            1e-9,
        )
        yield Claim(
            "KL(N(0, 1) || N(1, 4)) = log 2 - 1/4, nats", math.log(2) - 0.25, forth, 1e-9
        )
        yield Claim("KL(N(1, 4) || N(0, 1)) = 2 - log 2, nats", 2 - math.log(2), back, 1e-9)
        yield Claim(
            "Least KL of 10,000 pairs of random vectors, nats",
            0.0,
            float(different.min()),
            1e-9,
            ">=",
        )
        yield Claim(
            "Greatest KL of a random vector to itself, nats", 0.0, float(abs(same).max()), 1e-9
        )
        yield Claim.from_mean(
            "Mean estimate of KL(N(0, 1) || N(0.1, 1)), nats", NEAR**2 / 2, self.estimates
        )
        yield Claim.from_mean("Share of these estimates below 0", below, self.estimates < 0)

    def figure(self) -> Figure:
        """The divergences over the shift, and the histogram of the estimates."""
        figure = Figure(figsize=(8.4, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, values), colour in zip(
            self.by_shift.items(), (DATA, SAMPLES, BAND), strict=True
        ):
            left.plot(SHIFTS, values, color=colour, linewidth=STRONG, label=name)
            left.plot(1, values[SHIFTS == 1], color=colour, marker="o")
        left.axhline(math.log(2), label="log 2", **GOAL)
        left.set(xlabel="mean mu of q = N(mu, 4); p = N(0, 1)", ylabel="nats", ylim=(0, 5))
        bins = np.arange(-0.045, 0.055, 0.0025)
        below = self.estimates < 0
        named = f"{below.mean():.0%} of them are below 0"
        right.hist(
            self.estimates,
            bins,
            color=DATA,
            alpha=0.6,
            label=f"{ESTIMATES:,} estimates, {DRAWS} draws each",
        )
        right.hist(self.estimates[below], bins, color=SAMPLES, label=named)
        right.axvline(NEAR**2 / 2, label=f"KL = {NEAR**2 / 2:g}", **GOAL)
        right.set(
            xlabel=f"estimate of KL(N(0, 1) || N({NEAR:g}, 1)), nats",
            ylabel="how many estimates",
        )
        for axes, ncols in ((left, 2), (right, 1)):
            hide_spines(axes)
            put_legend_above(axes, ncols)
        return figure
