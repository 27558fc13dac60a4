"""Every line from C(G) to -log 4 + 2 JSD, along a path of generators that ends at p_data."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.stats import norm

from onehalf._typing import Scalar
from onehalf.distributions import Mixture, Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, hide_spines
from onehalf.theory import C, jsd, kl, tv
from onehalf.theory.divergences import nodes

__all__ = ["GeneratorPath"]

T = np.linspace(0, 1, 41)
"""The place on the path: p_g is N(10, 1) at 0, N(0, 9) at 1/2, p_data = N(0, 1) at 1."""

MEANS = np.interp(T, [0, 0.5, 1], [10, 0, 0])
"""The mean of p_g at each T."""

STDS = np.interp(T, [0, 0.5, 1], [1, 3, 1])
"""The standard deviation of p_g at each T."""

LINE = np.linspace(-32, 42, 149)
"""The ends of the quadrature's panels."""


class GeneratorPath(AbstractExperiment):
    """C(G) = -log 4 + KL(p_data || M) + KL(p_g || M), M = (p_data + p_g)/2; Goodfellow et al. 2014, equation 5.

    Each line of the proof is computed at each G of a path to p_data: the integrals with the
    densities of scipy, the divergences by the theory's own functions. C(G) = -log 4 at p_data
    only, since C(G) + log 4 is TV^2 or more (Pinsker). Neither KL to M exceeds log 2, however
    large KL(p_data || p_g).
    """

    formulas = (28, 29, 30, 31, 32, 33, 34, 36)

    @cached_property
    def by_theory(self) -> dict[str, Float[np.ndarray, " path"]]:
        """The divergences at each G of the path."""
        with jax.enable_x64():
            return {
                name: np.asarray(values) for name, values in _divergences(MEANS, STDS).items()
            }

    @cached_property
    def by_integrals(self) -> dict[int, Float[np.ndarray, " path"]]:
        """The lines of the proof that are integrals, by the numbers of their formulas."""
        x, log_w = nodes(LINE)
        log_data, log_g = norm.logpdf(x.T), norm.logpdf(x.T, MEANS[:, None], STDS[:, None])
        log_sum = np.logaddexp(log_data, log_g)
        log_D, log_1_D = log_data - log_sum, log_g - log_sum
        log_M = log_sum - math.log(2)

        def integral(of_data: Any, of_g: Any) -> Float[np.ndarray, " path"]:
            return (np.exp(log_data + log_w) * of_data + np.exp(log_g + log_w) * of_g).sum(
                axis=1
            )

        return {
            28: integral(log_D, log_1_D),
            30: -math.log(2) * integral(1, 1)
            + integral(math.log(2) + log_D, math.log(2) + log_1_D),
            33: -math.log(4) + integral(log_data - log_M, log_g - log_M),
        }

    def claims(self) -> Iterator[Claim]:
        """Line after line is C(G), which is least at p_data alone."""
        divergences = self.by_theory
        lines = self.by_integrals
        to_M = np.array([divergences["KL(p_data || M)"], divergences["KL(p_g || M)"]])
        for claim, line in {
            "(28, 30) integrals, log 2 added in, less C(G), nats": np.array(
                [lines[28], lines[30]]
            ),
            "(33) -log 4 and integrals of log p/M, less C(G), nats": lines[33],
            "(34) -log 4 + KL(p_data || M) + KL(p_g || M), less C(G)": to_M.sum(axis=0)
            - math.log(4),
            "(36) -log 4 + 2 JSD, less C(G): greatest, nats": 2 * divergences["JSD"]
            - math.log(4),
        }.items():
            yield Claim(claim, 0.0, float(abs(line - divergences["C(G)"]).max()), 1e-9)
        least = float(divergences["C(G)"].min())
        yield Claim(
            "Least C(G) on the path, at its end: -log 4 nats", -math.log(4), least, 1e-9
        )
        above = float((divergences["C(G)"] + math.log(4) - divergences["TV"] ** 2).min())
        yield Claim("-log 4 at p_data only: C(G) + log 4 - TV^2, least", 0.0, above, 1e-9, ">=")
        yield Claim(
            "Greatest KL to M: log 2 nats at most", math.log(2), float(to_M.max()), 1e-9, "<="
        )
        straight = divergences["KL(p_data || p_g)"][0].item()
        yield Claim("KL(p_data || p_g) at p_g = N(10, 1), nats", 50.0, straight, 1e-9)

    def figure(self) -> Figure:
        """Three laws of the path, and the two KLs one on the other over -log 4."""
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axes = figure.subplot_mosaic(
            [["far", "wide", "end"], ["path"] * 3], height_ratios=[1, 2.4]
        )
        x = np.linspace(-9, 14, 500)
        for name, at in (("far", 0), ("wide", len(T) // 2), ("end", -1)):
            law = axes[name]
            law.fill_between(x, norm.pdf(x), color=DATA, alpha=0.6, linewidth=0, label="p_data")
            law.plot(
                x,
                norm.pdf(x, MEANS[at], STDS[at]),
                color=SAMPLES,
                linewidth=STRONG,
                label="p_g",
            )
            law.set(xlabel="x", yticks=[], title=f"p_g = N({MEANS[at]:g}, {STDS[at] ** 2:g})")
            law.spines[["top", "right", "left"]].set_visible(False)
        axes["end"].legend(frameon=False, fontsize="small", loc="upper right")
        path, floor, top = axes["path"], np.full_like(T, -math.log(4)), self.by_theory["C(G)"]
        middle = floor + self.by_theory["KL(p_data || M)"]
        for low, high, colour, name in (
            (floor, middle, DATA, "p_data"),
            (middle, top, SAMPLES, "p_g"),
        ):
            path.fill_between(
                T, low, high, color=colour, alpha=0.6, linewidth=0, label=f"KL({name} || M)"
            )
        path.plot(T, top, color=BAND, linewidth=STRONG, label="C(G)")
        path.axhline(-math.log(4), label="-log 4", **GOAL)
        path.set(xlabel="the path of G", ylabel="nats")
        path.set_xticks([0, 0.5, 1], ["too far", "too wide", "p_g = p_data"])
        hide_spines(path)
        path.legend(frameon=False, ncols=2)
        return figure


@jax.jit
@jax.vmap
def _divergences(mean: Scalar, std: Scalar) -> dict[str, Scalar]:
    p_data, p_g = Normal(), Normal(mean, std)
    M = Mixture(jnp.array([[0.0], [mean]]), jnp.array([1.0, std]), jnp.array([0.5, 0.5]))
    return {
        "C(G)": C(p_data, p_g, LINE),
        "KL(p_data || M)": kl(p_data, M, LINE),
        "KL(p_g || M)": kl(p_g, M, LINE),
        "KL(p_data || p_g)": kl(p_data, p_g, LINE),
        "JSD": jsd(p_data, p_g, LINE),
        "TV": tv(p_data, p_g, LINE),
    }
