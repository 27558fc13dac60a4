"""Two uniform densities that slide apart: divergences in closed form, and a flat C(G)."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import wasserstein_distance

from onehalf.distributions import Uniform
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure
from onehalf.theory import C, jsd, tv

__all__ = ["UniformShift"]

SHIFTS = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
"""How far p_g = U[a, 1 + a] is moved from p_data = U[0, 1]."""


class UniformShift(AbstractExperiment):
    """JSD(U[0, 1], U[a, 1 + a]) = min(a, 1) log 2: once the two part, C(G) = 0 is flat; Arjovsky & Bottou 2017."""

    formulas = (35, 36)

    @cached_property
    def distances(self) -> dict[float, dict[str, float]]:
        """Measure every distance at each shift."""
        return {a: _measure(a) for a in SHIFTS}

    def claims(self) -> Iterator[Claim]:
        """The closed forms, one by one."""
        quarter, far = self.distances[0.25], self.distances[5.0]
        yield Claim("a = 1/4: JSD = a log 2, nats", math.log(2) / 4, quarter["JSD"], 1e-9)
        yield Claim(
            "a = 1/4: C(G) = 2 a log 2 - log 4, nats",
            math.log(2) / 2 - math.log(4),
            quarter["C(G)"],
            1e-9,
        )
        yield Claim("a = 1/4: TV = a", 0.25, quarter["TV"], 1e-9)
        yield Claim("a = 5, disjoint: C(G) = 0 nats", 0.0, far["C(G)"], 1e-9)
        yield Claim(
            "a = 5: no pull, as C(5) - C(2) = 0 nats",
            0.0,
            far["C(G)"] - self.distances[2.0]["C(G)"],
            1e-9,
        )
        yield Claim("a = 5: W1 = a still measures how far", 5.0, far["W1"], 1e-9)

    def figure(self) -> Figure:
        """C(G) and W1 over the shift."""
        figure, axes = new_figure(
            "shift a of p_g = U[a, 1 + a]", "C(G) in nats; W1 in units of x"
        )
        for name, colour in (("C(G)", SAMPLES), ("W1", DATA)):
            values = [self.distances[a][name] for a in SHIFTS]
            axes.plot(SHIFTS, values, color=colour, linewidth=STRONG, marker="o", label=name)
        axes.axvline(1.0, label="p_data and p_g part", **GOAL)
        add_legend(figure)
        return figure


def _measure(a: float) -> dict[str, float]:
    p_data, p_g, over = Uniform(), Uniform(a, 1 + a), sorted({0.0, 1.0, a, 1 + a})
    middles = (np.arange(1000) + 0.5) / 1000
    with jax.enable_x64():
        return {
            "JSD": float(jsd(p_data, p_g, over)),
            "C(G)": float(C(p_data, p_g, over)),
            "TV": float(tv(p_data, p_g, over)),
            "W1": float(wasserstein_distance(middles, middles + a)),
        }
