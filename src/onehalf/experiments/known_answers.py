"""JSD of normal laws, against numbers known to 14 digits and more."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from onehalf._typing import Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure
from onehalf.theory import C, jsd

__all__ = ["KnownAnswers"]

KNOWN_JSD = {
    (0.5, 1.0): 0.03031130052083898,
    (1.0, 1.0): 0.11142148218473618,
    (2.0, 1.0): 0.33683082034683161,
    (4.0, 1.0): 0.63272019373686698,
    (10.0, 1.0): 0.69314631739398,
    (0.0, 2.0): 0.09273338166642,
    (1.0, 2.0): 0.12817497305440,
    (0.0, 0.1): 0.43331071876819,
}
"""JSD in nats of N(0, 1) and p_g, by the mean and standard deviation of p_g; to 30 digits."""

MEANS = np.linspace(0, 10, 101)
"""Of the p_g in the figure."""

LINE = np.linspace(-20, 24, 177)
"""The ends of the quadrature's panels, close enough for a standard deviation of 1/10."""


class KnownAnswers(AbstractExperiment):
    """JSD of normal laws to 14 digits, and C(G) = -log 4 + 2 JSD; Goodfellow et al. 2014, equation 6.

    Two normal laws always overlap: their JSD comes near log 2, and never reaches it. JSD is not
    its square root, the metric that some libraries return.
    """

    formulas = (28, 35, 36)

    @cached_property
    def divergences(self) -> dict[str, Float[np.ndarray, " laws"]]:
        """JSD and C(G) of every law in KNOWN_JSD."""
        return _compute(*np.array(list(KNOWN_JSD)).T)

    def claims(self) -> Iterator[Claim]:
        """The numbers, one by one, and then all."""
        JSD, value = self.divergences["JSD"], self.divergences["C(G)"]
        by_law = dict(zip(KNOWN_JSD, JSD.tolist(), strict=True))
        for law, name in {
            (1.0, 1.0): "N(1, 1)",
            (4.0, 1.0): "N(4, 1)",
            (10.0, 1.0): "N(10, 1), all but log 2",
            (0.0, 2.0): "N(0, 4)",
            (1.0, 2.0): "N(1, 4)",
            (0.0, 0.1): "N(0, 1/100)",
        }.items():
            yield Claim(f"JSD of N(0, 1) and {name}, nats", KNOWN_JSD[law], by_law[law], 1e-9)
        known = np.array(list(KNOWN_JSD.values()))
        yield Claim(
            "C(G) at N(1, 1), nats",
            -1.163451396750418,
            value[list(KNOWN_JSD).index((1.0, 1.0))].item(),
            1e-9,
        )
        apart = abs(value - (2 * known - math.log(4)))
        yield Claim(
            "C(G) less 2 JSD - log 4: greatest of 8 laws, nats", 0.0, float(apart.max()), 1e-9
        )

    def figure(self) -> Figure:
        """JSD over the mean of p_g, through the known numbers."""
        figure, axes = new_figure("mean mu of p_g; p_data = N(0, 1)", "JSD(p_data, p_g), nats")
        for std, colour in ((1.0, DATA), (2.0, SAMPLES), (0.1, BAND)):
            curve = _compute(MEANS, np.full_like(MEANS, std))["JSD"]
            axes.plot(
                MEANS, curve, color=colour, linewidth=STRONG, label=f"p_g = N(mu, {std**2:g})"
            )
            known = [
                (mean, JSD) for (mean, known_std), JSD in KNOWN_JSD.items() if known_std == std
            ]
            axes.plot(*zip(*known, strict=True), color=colour, linestyle="none", marker="o")
        axes.plot(
            [], [], color="black", linestyle="none", marker="o", label="known to 14 digits"
        )
        axes.axhline(math.log(2), label="log 2", **GOAL)
        add_legend(figure)
        return figure


@jax.jit
@jax.vmap
def _divergences(mean: Scalar, std: Scalar) -> tuple[Scalar, Scalar]:
    p_data, p_g = Normal(), Normal(mean, std)
    return jsd(p_data, p_g, LINE), C(p_data, p_g, LINE)


def _compute(
    means: Float[np.ndarray, " laws"], stds: Float[np.ndarray, " laws"]
) -> dict[str, Float[np.ndarray, " laws"]]:
    with jax.enable_x64():
        JSD, value = map(np.asarray, _divergences(means, stds))
    return {"JSD": JSD, "C(G)": value}
