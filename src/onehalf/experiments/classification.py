"""D is a classifier: cross-entropy and accuracy of the best D, by quadrature and on draws."""

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.special import expit, ndtr
from sklearn.metrics import accuracy_score, log_loss

from onehalf._typing import PRNGKey, Sample, Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import SIGMAS, AbstractExperiment, Claim
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG, add_legend, hide_spines
from onehalf.losses import value
from onehalf.theory import V, d_star, tv

__all__ = ["Classification"]

JSD = {
    0.0: 0.0,
    0.5: 0.03031130052083898,
    1.0: 0.11142148218473618,
    2.0: 0.33683082034683161,
    4.0: 0.63272019373686698,
}
"""Of N(0, 1) and N(mu, 1) by mu, by quadrature to 30 digits; in nats."""
ACCURACY = {1.0: 0.691462461274013, 4.0: 0.977249868051821}
"""Phi(mu/2)."""
SHIFTS = np.arange(0.0, 4.1, 0.25)
BATCHES = 200
"""Batches at each mu."""
M = 500
"""Data, and as many samples, in a batch."""


class Quadrature(NamedTuple):
    """By quadrature, over SHIFTS."""

    best: Float[np.ndarray, " shifts"]
    """Mean cross-entropy of D_star, -V/2, in nats."""
    too_sure: Float[np.ndarray, " shifts"]
    """The same of the D with twice its logit."""
    accuracy: Float[np.ndarray, " shifts"]
    """1/2 + TV/2."""


class Draws(NamedTuple):
    """The loss of D_star on each batch by scikit-learn; and -V~/2 of the first."""

    cross_entropy: Float[np.ndarray, " batches"]
    accuracy: Float[np.ndarray, " batches"]
    half: float


class Classification(AbstractExperiment):
    """D is a classifier: its mean cross-entropy is -V/2, at best log 2 - JSD; Goodfellow et al. 2014, section 4.

    Data are N(0, 1) and samples N(mu, 1). The trap is the factor 2: -V adds two means where
    cross-entropy takes one over all 2 m examples, so that D = 1/2 shows as log 4 by the one and
    as log 2 by the other. The best guess at an example's side is right with probability 1/2 +
    TV/2. A D with twice the logit guesses alike, and has more cross-entropy.
    """

    formulas = (6, 40)

    @cached_property
    def by_quadrature(self) -> Quadrature:
        """Compute at each shift."""
        with jax.enable_x64():
            return Quadrature(*np.transpose([_compute(mu) for mu in SHIFTS]))

    @cached_property
    def by_draws(self) -> dict[float, Draws]:
        """Draw at each tabulated mu."""
        keys = jr.split(jr.key(self.seed), len(JSD))
        return {mu: _draw(key, mu) for mu, key in zip(JSD, keys, strict=True)}

    def claims(self) -> Iterator[Claim]:
        """Cross-entropy, then accuracy: by quadrature and on draws."""
        tabulated = np.searchsorted(SHIFTS, list(JSD))
        best = math.log(2) - np.array(list(JSD.values()))
        off = np.abs(self.by_quadrature.best[tabulated] - best).max()
        off_accuracy = np.abs(self.by_quadrature.accuracy - ndtr(SHIFTS / 2)).max()
        one, four = self.by_draws[1.0], self.by_draws[4.0]
        batch = float(one.cross_entropy[0])
        yield Claim(
            "mu = 1, one batch: scikit-learn's log_loss, -V~/2, nats", one.half, batch, 1e-6
        )
        yield Claim.from_mean(
            "mu = 1, draws: cross-entropy, log 2 - JSD, nats", best[2], one.cross_entropy
        )
        yield Claim.from_mean(
            "mu = 4, draws: cross-entropy, log 2 - JSD, nats", best[4], four.cross_entropy
        )
        yield Claim("5 shifts: greatest |-V/2 - (log 2 - JSD)|, nats", 0.0, float(off), 1e-9)
        yield Claim.from_mean(
            "mu = 1, draws: accuracy, 1/2 + TV/2", ACCURACY[1.0], one.accuracy
        )
        yield Claim.from_mean(
            "mu = 4, draws: accuracy, 1/2 + TV/2", ACCURACY[4.0], four.accuracy
        )
        yield Claim(
            "17 shifts: greatest |1/2 + TV/2 - Phi(mu/2)|", 0.0, float(off_accuracy), 1e-9
        )
        too_sure = float(self.by_quadrature.too_sure[SHIFTS == 1].item())
        yield Claim(
            "mu = 1, twice the logit: cross-entropy, nats", best[2], too_sure, 0.0, ">="
        )

    def figure(self) -> Figure:
        """Both over mu: by quadrature, and on draws."""
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(
            SHIFTS,
            self.by_quadrature.best,
            color=DATA,
            linewidth=STRONG,
            label="D_star: log 2 - JSD, 1/2 + TV/2",
        )
        left.plot(
            SHIFTS,
            self.by_quadrature.too_sure,
            color=SAMPLES,
            linewidth=STRONG,
            label="twice its logit",
        )
        right.plot(SHIFTS, self.by_quadrature.accuracy, color=DATA, linewidth=STRONG)
        label = f"D_star on {2 * M * BATCHES:,} draws: scikit-learn"
        for axes, column in ((left, "cross_entropy"), (right, "accuracy")):
            values = np.array([getattr(draws, column) for draws in self.by_draws.values()])
            error = SIGMAS * values.std(axis=1, ddof=1) / math.sqrt(BATCHES)
            axes.errorbar(
                list(JSD),
                values.mean(axis=1),
                error,
                fmt="o",
                markersize=4,
                color=DATA,
                label=label,
            )
            hide_spines(axes)
        left.axhline(math.log(2), label="D = 1/2", **GOAL)
        right.axhline(0.5, **GOAL)
        left.set(
            xlabel="shift mu of p_g = N(mu, 1)",
            ylabel="mean cross-entropy, nats",
            ylim=(0, None),
        )
        right.set(xlabel="shift mu of p_g = N(mu, 1)", ylabel="accuracy", ylim=(0.45, 1))
        add_legend(figure)
        return figure


def _compute(mu: float) -> tuple[float, float, float]:
    p_data, p_g, over = Normal(), Normal(jnp.asarray(mu)), mu / 2 + np.arange(-10, 11)
    best = d_star(p_data, p_g)
    half, too_sure = (-V(d, p_data, p_g, over) / 2 for d in (best, Partial(_twice, best)))
    return float(half), float(too_sure), float(0.5 + tv(p_data, p_g, over) / 2)


def _twice(d: Callable[[Sample], Scalar], x: Sample) -> Scalar:
    return 2 * d(x)


def _draw(key: PRNGKey, mu: float) -> Draws:
    p_data, p_g = Normal(), Normal(mu)
    x, Gz = (
        p.sample(k, BATCHES * M) for p, k in zip((p_data, p_g), jr.split(key), strict=True)
    )
    d_x, d_Gz = (jax.vmap(d_star(p_data, p_g))(side).reshape(BATCHES, M) for side in (x, Gz))
    D = expit(np.hstack([d_x, d_Gz]).astype(np.float64))
    is_data = np.repeat([True, False], M)
    cross_entropy = np.array([log_loss(is_data, row) for row in D])
    accuracy = np.array([accuracy_score(is_data, row > 0.5) for row in D])
    return Draws(cross_entropy, accuracy, -float(value(d_x[0], d_Gz[0])) / 2)
