"""C is convex in p_g but not in G's parameters, so the convergence proof excludes networks."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import root_scalar

from onehalf._typing import Scalar
from onehalf.distributions import Mixture, Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure
from onehalf.theory import C, V, tv

__all__ = ["Convexity"]

POINTS = 10
"""Points of the finite set."""
RANDOM = 1000
"""Random pairs of distributions on it."""
LINE = np.arange(-10.0, 17.0)
"""Breakpoints that hold N(0, 1) and N(mu, 1)."""
INFLECTION = 1.636255721480972
"""Where the second derivative of C by mu is 0, by quadrature to 30 digits."""
FAR = 6.0
"""Where both paths of the figure end: p_g = N(6, 1)."""
SHARES = np.linspace(0, 1, 61)
"""How far along the path."""


class Convexity(AbstractExperiment):
    """C = sup over D of V(p_g, D), each linear in p_g, is convex in p_g; Goodfellow et al. 2014, proposition 2.

    Its only minimum is p_data: C + log 4 is at least TV(p_data, p_g)^2, by Pinsker's inequality
    for both halves of the JSD. So small steps of p_g itself arrive. The trap: G's parameters
    move p_g along curves, and along those C need not be convex: shift N(mu, 1) away from N(0,
    1), and C bends over at mu = 1.636 and flattens out.
    """

    formulas = (44,)

    @cached_property
    def violations(self) -> dict[str, float]:
        """By how much random p_g break each law at worst; at most 0 where they keep it."""
        rng = np.random.default_rng(self.seed)
        p_data, p, q = rng.dirichlet(np.ones(POINTS), (3, RANDOM))
        d, share = rng.normal(0, 2, (RANDOM, POINTS)), rng.uniform(size=RANDOM)
        mixed = share[:, None] * p + (1 - share[:, None]) * q
        best, value = jax.jit(jax.vmap(C)), jax.jit(jax.vmap(V))
        with jax.enable_x64():
            chord = share * best(p_data, p) + (1 - share) * best(p_data, q)
            line = share * value(d, p_data, p) + (1 - share) * value(d, p_data, q)
            pinsker = jax.jit(jax.vmap(tv))(p_data, p) ** 2 - math.log(4)
            return {
                "linear": float(abs(value(d, p_data, mixed) - line).max()),
                "convex": float((best(p_data, mixed) - chord).max()),
                "unique": float((pinsker - best(p_data, p)).max()),
            }

    @cached_property
    def bends(self) -> dict[str, float]:
        """Compute the second derivative of C by mu: at 0, its extremes, its root."""
        with jax.enable_x64():
            second = jax.jit(jax.grad(jax.grad(_C_at_shift)))
            inside, beyond = (
                jax.vmap(second)(jnp.linspace(0, 1.6, 17)),
                jax.vmap(second)(jnp.linspace(1.7, 6, 17)),
            )
            return {
                "at 0": float(second(0.0)),
                "inside": float(inside.min()),
                "beyond": float(beyond.max()),
                "root": root_scalar(
                    lambda mu: float(second(mu)), bracket=(1.0, 3.0), xtol=1e-12
                ).root,
            }

    def claims(self) -> Iterator[Claim]:
        """What holds for p_g, and what does not for mu."""
        broken, bends = self.violations, self.bends
        yield Claim(
            "V on the line from p to q: greatest |V - line|, nats",
            0.0,
            broken["linear"],
            1e-9,
            "<=",
        )
        yield Claim(
            "C on the line from p to q: greatest C - chord, nats",
            0.0,
            broken["convex"],
            1e-9,
            "<=",
        )
        yield Claim(
            "random p_g: greatest TV^2 - (C + log 4), nats", 0.0, broken["unique"], 1e-9, "<="
        )
        yield Claim("N(mu, 1): C'' at mu = 0, nats", 0.5, bends["at 0"], 1e-9)
        yield Claim("C'' = 0 at mu", INFLECTION, bends["root"], 1e-9)
        yield Claim("mu from 0 to 1.6: least C'', nats", 0.0, bends["inside"], 1e-9, ">=")
        yield Claim("mu from 1.7 to 6: greatest C'', nats", 0.0, bends["beyond"], 1e-9, "<=")

    def figure(self) -> Figure:
        """C along two paths from p_data to the same p_g."""
        figure, axes = new_figure(
            f"share of the way from p_data = N(0, 1) to N({FAR:g}, 1)", "C in nats"
        )
        with jax.enable_x64():
            paths = {
                "p_g mixed": (_C_at_mixture, DATA),
                "p_g shifted": (lambda share: _C_at_shift(FAR * share), SAMPLES),
            }
            for name, (path, colour) in paths.items():
                values = jax.jit(jax.vmap(path))(jnp.asarray(SHARES))
                axes.plot(SHARES, values, color=colour, linewidth=STRONG, label=name)
            bend, end = float(_C_at_shift(INFLECTION)), float(_C_at_shift(FAR))
        axes.plot([0, 1], [-math.log(4), end], color=BAND, linewidth=1, label="chord")
        axes.plot(INFLECTION / FAR, bend, "o", color=SAMPLES, label="mu = 1.636: C'' = 0")
        axes.axhline(-math.log(4), label="-log 4", **GOAL)
        add_legend(figure)
        return figure


def _C_at_shift(mu: Scalar | float) -> Scalar:
    """C where p_g is N(mu, 1)."""
    return C(Normal(), Normal(mu), LINE)


def _C_at_mixture(share: Scalar) -> Scalar:
    """C where p_g is N(0, 1) but for a share of N(FAR, 1)."""
    p_g = Mixture(jnp.array([[0.0], [FAR]]), jnp.ones(2), jnp.stack([1 - share, share]))
    return C(Normal(), p_g, LINE)
