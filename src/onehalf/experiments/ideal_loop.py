"""Steps of G against the best D: where they end if G is p_g, and if it has parameters."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure
from scipy.stats import norm

from onehalf._typing import Scalar
from onehalf.distributions import Mixture
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
from onehalf.theory import C, D_star, V, d_star, ideal_loop, kl

__all__ = ["IdealLoop"]

POINTS = 50
"""Points of the finite set."""
STEPS = 200
"""Steps of p_g itself."""
RATE = 0.5
"""eta, their size."""
LINE = np.arange(-12.0, 13.0)
"""Breakpoints that hold all the mixtures."""
MODES = (-3.0, 3.0)
"""The two means of the data."""
GOOD = (-1.0, 1.0)
"""Two means of G at the start, from which it finds both modes."""
BAD = (2.0, 4.0)
"""Two means of G at the start, from which it finds one mode."""
DROPPED = 0.4
"""The least C + log 4, in nats, of a G with 1/200 of its samples or fewer on half the data.

By the data processing inequality.
"""


class IdealLoop(AbstractExperiment):
    """p_g <- p_g exp(-eta log(1 - D_star)): C falls to -log 4 at every step; Goodfellow et al. 2014, proposition 2.

    D_star -> G -> D_star -> G ..., each step of G down V(G, D) at the best D. With p_g as the
    parameter, on 50 points, C never rises and is within KL(p_data || p_g at the start) / (eta
    t) of -log 4 after t steps. The trap: with a network's parameters nothing of this is
    promised. G here is two normals, data are two normals, and G started with both means near
    one mode stays there, at a strict local minimum of C, although D is perfect all the time.

    Errata in the derivation's source: against G_1 it has V(G_1, D_0_star) for the maximum of
    V(G_1, D) over D, and then D_0_star for D_1_star; what V attains is -log 4 + 2 JSD and no
    "max JSD", so that the two differ by a constant and the factor 2; and of G's step it says
    "minimise, that is, maximise", where G minimises.
    """

    formulas = (38,)

    @cached_property
    def p_g_itself(self) -> dict[str, Float[np.ndarray, "..."]]:
        """Run the loop of p_g itself, from a random p_g: every p_g and its C."""
        p_data, start = np.random.default_rng(self.seed).dirichlet(np.ones(POINTS), 2)
        with jax.enable_x64():
            p_g, value = ideal_loop(p_data, start, STEPS, RATE)
            return {"p_data": p_data, "p_g": np.asarray(p_g), "C": np.asarray(value)}

    @cached_property
    def two_means(self) -> dict[tuple[float, float], dict[str, Float[np.ndarray, "..."]]]:
        """The loop of two means, from a good start and from a bad one."""
        with jax.enable_x64():
            return {
                start: jax.tree.map(np.asarray, _play(jnp.asarray(start)))
                for start in (GOOD, BAD)
            }

    def claims(self) -> Iterator[Claim]:
        """Both arms."""
        p_data, p_g, value = self.p_g_itself.values()
        with jax.enable_x64():
            from_half = float(np.abs(np.asarray(D_star(p_data, p_g[-1])) - 0.5).max())
            bound = float(kl(p_data, p_g[0])) / (RATE * np.arange(1, STEPS + 1))
        beyond = float(np.max(value[1:] + math.log(4) - bound))
        yield Claim(
            "p_g itself: C after 200 steps, nats", -math.log(4), float(value[-1]), 1e-12
        )
        yield Claim("p_g itself: greatest |D_star - 1/2| by then", 0.0, from_half, 1e-9, "<=")
        yield Claim(
            "p_g itself: greatest rise of C in a step, nats",
            0.0,
            float(np.diff(value).max()),
            1e-12,
            "<=",
        )
        yield Claim(
            "p_g itself: greatest C + log 4 - KL/(eta t), nats", 0.0, beyond, 1e-12, "<="
        )
        good, bad = self.two_means[GOOD], self.two_means[BAD]
        least, slope = float(bad["C"].min()) + math.log(4), float(np.abs(bad["slope"]).max())
        curvature = float(np.linalg.eigvalsh(bad["curvature"])[0])
        yield Claim(
            "two means, good start: C in the end, nats",
            -math.log(4),
            float(good["C"][-1]),
            1e-9,
        )
        yield Claim("two means, bad start: least C + log 4, nats", DROPPED, least, 1e-9, ">=")
        yield Claim("bad start: greatest slope of C in the end, nats", 0.0, slope, 1e-9, "<=")
        yield Claim("bad start: least curvature of C there, nats", 0.0, curvature, 0.0, ">=")

    def figure(self) -> Figure:
        """C over the steps, and where the bad start ends."""
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        curves = {
            "p_g itself": (self.p_g_itself["C"], DATA),
            "two means, good start": (self.two_means[GOOD]["C"], BAND),
            "two means, bad start": (self.two_means[BAD]["C"], SAMPLES),
        }
        for name, (values, colour) in curves.items():
            left.plot(values[:61], color=colour, linewidth=STRONG, label=name)
        left.axhline(-math.log(4), label="-log 4", **GOAL)
        left.set(xlabel="step", ylabel="C(G) in nats")
        x = np.linspace(-7, 7, 281)
        densities = {
            "p_data": (MODES, DATA),
            "p_g, bad start, in the end": (self.two_means[BAD]["means"], SAMPLES),
        }
        for name, (means, colour) in densities.items():
            right.plot(
                x,
                norm.pdf(x[:, None], means).mean(axis=1),
                color=colour,
                linewidth=STRONG,
                label=name,
            )
        right.set(xlabel="x", ylabel="density")
        for axes in (left, right):
            hide_spines(axes)
            put_legend_above(axes, 2)
        return figure


@jax.jit
def _play(start: Float[Array, " 2"]) -> dict[str, Array]:
    """Move two means: C before each step, their end, and C's two derivatives there."""
    p_data = _mix(jnp.asarray(MODES))

    def slope(means: Float[Array, " 2"]) -> Float[Array, " 2"]:
        d = d_star(p_data, _mix(means))
        return jax.grad(lambda moved: V(d, p_data, _mix(moved), LINE))(means)

    def one(means: Float[Array, " 2"], _: None) -> tuple[Float[Array, " 2"], Scalar]:
        return means - 2.0 * slope(means), C(p_data, _mix(means), LINE)

    means, values = jax.lax.scan(one, start, length=600)
    return {
        "C": values,
        "means": means,
        "slope": slope(means),
        "curvature": jax.jacfwd(slope)(means),
    }


def _mix(means: Float[Array, " 2"]) -> Mixture:
    """N(mean, 1) for each of two means, in equal parts."""
    return Mixture(means[:, None], jnp.ones(2), jnp.full(2, 0.5))
