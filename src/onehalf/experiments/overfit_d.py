"""An overfitted D: its estimate of the JSD on its training draws, and on fresh ones."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, Real
from matplotlib.figure import Figure
from scipy.stats import binom

from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure
from onehalf.losses import value

__all__ = ["OverfitD"]

N = 1000
"""Draws on each side."""
EPSILON = 1e-3
"""What is added to every count."""
REPEATS = 200
"""Independent repeats."""
BINS = (4, 64, 1024, 16_384, 10_000_000)
"""Numbers of bins of the histogram D."""


Bins = Int[np.ndarray, "repeats draws"]
"""The bin of each draw."""


class Estimates(NamedTuple):
    """(V + log 4)/2 of one D on its training draws, and on as many fresh ones; in nats."""

    training: Any
    fresh: Any


class OverfitD(AbstractExperiment):
    """JSD >= (V(D, G) + log 4)/2 on fresh draws, not on D's own; a consequence of Goodfellow et al. 2014, theorem 1.

    Both sides have one law, U[0, 1], so that the JSD is 0. D is a histogram: of each of equal
    bins it believes what it counted among 1000 draws a side. With far more bins than draws it
    knows each draw's side, and its training estimate goes to log 2, the most that there is. On
    fresh draws it stays at or below the truth: a D that is sure of noise pays for it. Show both
    numbers: the one on training rows alone is no evidence about the distributions.
    """

    formulas = (25,)

    @cached_property
    def estimates(self) -> dict[int, Estimates]:
        """By number of bins, in each repeat."""
        rng = np.random.default_rng(self.seed)
        return {bins: _estimate(rng, bins) for bins in BINS}

    def claims(self) -> Iterator[Claim]:
        """Yield both estimates with their expectations, a limit and a bound."""
        for bins in (64, 1024, 16_384):
            expected, measured = expected_estimates(bins), self.estimates[bins]
            yield Claim.from_mean(
                f"{bins} bins, training draws: estimate, nats",
                expected.training,
                measured.training,
            )
            yield Claim.from_mean(
                f"{bins} bins, fresh draws: estimate, nats", expected.fresh, measured.fresh
            )
        most = float(self.estimates[10_000_000].training.mean())
        yield Claim("10^7 bins, training draws: log 2, nats", math.log(2), most, 2 * EPSILON)
        yield Claim.from_mean(
            "4 bins, fresh draws: at most the JSD, nats", 0.0, self.estimates[4].fresh, "<="
        )

    def figure(self) -> Figure:
        """Draw both estimates over the number of bins, with their expectations and spread."""
        figure, axes = new_figure(
            "bins of D, fitted to 1000 draws a side", "estimate of the JSD, nats"
        )
        bins = np.unique(np.geomspace(2, BINS[-1], 60).astype(int)).tolist()
        curves = Estimates(*np.transpose([expected_estimates(b) for b in bins]))
        measured = np.array([self.estimates[b] for b in BINS])
        names = ("on D's training draws", "on fresh draws")
        for name, colour, curve, side in zip(
            names, (SAMPLES, DATA), curves, (0, 1), strict=True
        ):
            axes.semilogx(bins, curve, color=colour, linewidth=STRONG, label=name)
            axes.errorbar(
                BINS,
                measured[:, side].mean(axis=1),
                measured[:, side].std(axis=1),
                fmt="o",
                markersize=4,
                color=colour,
            )
        axes.plot([], [], "o", markersize=4, color="grey", label=f"mean of {REPEATS} runs")
        axes.axhline(0, label="the JSD, 0", **GOAL)
        axes.axhline(math.log(2), label="log 2", color="black", linestyle=":")
        add_legend(figure)
        return figure


def expected_estimates(bins: int) -> Estimates:
    """Of both estimates: the counts of a bin are two independent binomials."""
    counts = np.arange(N + 1.0)
    weights = binom.pmf(counts, N, 1 / bins)
    counts, weights = counts[weights > 1e-16], weights[weights > 1e-16]
    together, d = np.multiply.outer(weights, weights), _logit(counts[:, None], counts)
    log_D, log_not_D = -np.logaddexp(0, -d), -np.logaddexp(0, d)
    training = np.sum(together * (counts[:, None] * log_D + counts * log_not_D)) * bins / N
    fresh = np.sum(together * (log_D + log_not_D))
    return Estimates((training + math.log(4)) / 2, (fresh + math.log(4)) / 2)


def _estimate(rng: np.random.Generator, bins: int) -> Estimates:
    x, Gz, fresh_x, fresh_Gz = rng.integers(bins, size=(4, REPEATS, N))
    sorted_x, sorted_Gz = np.sort(x), np.sort(Gz)

    def V(*sides: Bins) -> Float[np.ndarray, " repeats"]:
        d_x, d_Gz = (
            _logit(_count(sorted_x, side), _count(sorted_Gz, side)).astype(np.float32)
            for side in sides
        )
        return np.asarray(_values(d_x, d_Gz))

    return Estimates((V(x, Gz) + math.log(4)) / 2, (V(fresh_x, fresh_Gz) + math.log(4)) / 2)


_values = jax.jit(jax.vmap(value))


def _count(draws: Bins, bins: Bins) -> Bins:
    """How many of each repeat's sorted draws lie in each of these bins."""
    rows = zip(draws, bins, strict=True)
    return np.array(
        [
            np.searchsorted(row, wanted, "right") - np.searchsorted(row, wanted)
            for row, wanted in rows
        ]
    )


def _logit(
    counts_x: Real[np.ndarray, "..."], counts_Gz: Real[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """D's, from what it counted."""
    return np.log((counts_x + EPSILON) / (counts_Gz + EPSILON))
