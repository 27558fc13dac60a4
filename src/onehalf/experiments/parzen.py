"""Parzen windows where the likelihood is known: a generator of one point beats the truth."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from onehalf.evaluation.checks.parzen import log_likelihood
from onehalf.experiments.base import SIGMAS, AbstractExperiment, Claim
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure

__all__ = ["Parzen"]

DIMENSIONS = (36, 100, 784)
"""Pixels of images of 6 x 6, of 10 x 10, and of the 28 x 28 of MNIST."""

N_SAMPLES = 10_000
"""Samples of the true law, one window on each."""

N_VALIDATION = 100
"""Rows that choose the width of the windows."""

N_TEST = 2_000
"""Rows that are scored."""


class Scores(NamedTuple):
    """Parzen log-likelihoods of test rows from N(0, I), in nats, with standard errors."""

    true: float
    """Of samples from N(0, I) itself."""
    true_se: float
    collapsed: float
    """Of G(z) = 0."""
    collapsed_se: float


class Parzen(AbstractExperiment):
    """A G(z) = 0 scores E_p[log p] = -d/2 log(2 pi e) on p = N(0, I), and p's own samples less; Theis et al. 2016.

    The protocol is that of 2014: normals of one width sigma around 10,000 samples, sigma from a
    grid that ends at 1, the score that of 2,000 test rows; for speed 100 rows, not 1,000,
    choose sigma, and it is 1 each time. One normal of width 1 around one point is p itself.
    Around samples of p they are p blurred: log(2)/2 - 1/4 nats less for each dimension if there
    were infinitely many, and far less with 10,000. The trap: a higher score is no better G.
    """

    @cached_property
    def scores(self) -> dict[int, Scores]:
        """Both generators in each dimension."""
        return {d: _measure(np.random.default_rng(self.seed), d) for d in DIMENSIONS}

    def claims(self) -> Iterator[Claim]:
        """What the collapsed generator scores, and by how much the true law scores less."""
        for d, scores in self.scores.items():
            error = SIGMAS * scores.collapsed_se
            yield Claim(
                f"d = {d}: score of G(z) = 0, nats",
                d * _entropy_score(),
                scores.collapsed,
                error,
            )
        for d, scores in self.scores.items():
            text = f"d = {d}: G(z) = 0 above 10,000 true samples, nats"
            error = SIGMAS * (scores.collapsed_se + scores.true_se)
            least = d * (_entropy_score() - _blurred_score())
            yield Claim(text, least, scores.collapsed - scores.true, error, ">=")

    def figure(self) -> Figure:
        """Both scores for each dimension."""
        figure, axes = new_figure(
            "dimension d of p = N(0, I)", "score, nats for each dimension"
        )
        for name, colour, label in (
            ("collapsed", SAMPLES, "G(z) = 0"),
            ("true", DATA, "10,000 samples of p"),
        ):
            scores = [getattr(pair, name) / d for d, pair in self.scores.items()]
            axes.plot(
                DIMENSIONS, scores, color=colour, linewidth=STRONG, marker="o", label=label
            )
        axes.axhline(_entropy_score(), label="p itself", **GOAL)
        axes.axhline(
            _blurred_score(), color="black", linestyle=":", label="infinitely many of p"
        )
        axes.set(xscale="log", xticks=DIMENSIONS, xticklabels=DIMENSIONS)
        axes.minorticks_off()
        add_legend(figure)
        return figure


def _measure(rng: np.random.Generator, d: int) -> Scores:
    samples, validation, test = (
        rng.normal(size=(rows, d)) for rows in (N_SAMPLES, N_VALIDATION, N_TEST)
    )
    true = log_likelihood(samples, validation, test)
    # one point has the mean of 10,000 equal terms
    collapsed = log_likelihood(np.zeros((1, d)), validation, test)
    return Scores(true.log_likelihood, true.se, collapsed.log_likelihood, collapsed.se)


def _entropy_score() -> float:
    """E_p[log p] for each dimension, p = N(0, I)."""
    return -math.log(2 * math.pi * math.e) / 2


def _blurred_score() -> float:
    """E_p[log q] for each dimension, q = N(0, 2 I): a normal of width 1 on infinitely many samples.

    With n samples the expected score is less, by Jensen's inequality.
    """
    return -math.log(4 * math.pi) / 2 - 1 / 4
