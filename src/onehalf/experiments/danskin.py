"""The gradient of a maximum: against D_star, G's step descends C for the minimax loss only."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Float
from matplotlib.figure import Figure

from onehalf._typing import Sample, Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, SAMPLES, STRONG, hide_spines
from onehalf.losses import AbstractLoss, Minimax, NonSaturating
from onehalf.theory import C, V, d_star
from onehalf.theory.divergences import nodes

__all__ = ["Danskin", "gradient_of_G"]

GRADIENT = 0.39797286718325
"""dC/dmu at mu = 1, by quadrature to 30 digits."""
LINE = np.arange(-12.0, 17.0)
"""Breakpoints that hold N(0, 1) and N(mu, 1)."""
SHIFTS = np.linspace(0, 4, 41)
ONE = 10
"""The place of mu = 1 among them."""
DELTAS = 0.1 * 0.5 ** np.arange(8)
"""How much steeper than D_star a discriminator is: by a tenth, a twentieth, and so on."""
WRONG = {
    "gradient": "minimax gradient, of the order delta",
    "value": "C - V(D, G), of the order delta squared",
}


def gradient_of_G(loss: AbstractLoss, mu: Scalar) -> Scalar:
    """Differentiate G's loss by mu with D_star held fixed; p_data = N(0, 1), p_g = N(mu, 1)."""
    return jax.grad(lambda moved: _loss_of_G(loss, d_star(Normal(), Normal(mu)), moved))(mu)


class Danskin(AbstractExperiment):
    """dC/dmu = the derivative of V by mu with D_star held fixed, for it is at its maximum; Danskin 1966.

    Data are N(0, 1) and samples N(mu, 1). G descends its loss and so moves mu towards 0: all
    gradients are positive. The part of V that G moves is its minimax loss E[log(1 - D(G(z)))];
    E[log D(x)] does not see G while D is fixed. A D that is wrong by delta gives a gradient
    that is wrong by the order of delta, and loses delta squared in value.

    The trap: D_star does not maximise the non-saturating loss -E[log D(G(z))]. Holding D fixed,
    as training does, gives mu - C'(mu) (see Saturation); differentiating through D_star as well
    gives another gradient, mu - C'(mu)/2, as the loss at D_star is KL(p_g || p_data) - E[log(1
    - D_star(G(z)))] = mu^2/2 - C(mu)/2, the last term by symmetry.
    """

    formulas = (37,)

    @cached_property
    def gradients(self) -> dict[str, Float[np.ndarray, " shifts"]]:
        """Compute both losses' gradients by mu, with D_star fixed and differentiated."""

        def minimax(mu: Scalar) -> Scalar:
            return C(Normal(), Normal(mu), LINE)

        def non_saturating(mu: Scalar) -> Scalar:
            return _loss_of_G(NonSaturating(), d_star(Normal(), Normal(mu)), mu)

        gradients = {
            "minimax, D_star moves": jax.grad(minimax),
            "minimax, D_star held fixed": partial(gradient_of_G, Minimax()),
            "non-saturating, D_star moves": jax.grad(non_saturating),
            "non-saturating, D_star held fixed": partial(gradient_of_G, NonSaturating()),
        }
        with jax.enable_x64():
            shifts = jnp.asarray(SHIFTS)
            return {
                name: np.asarray(jax.jit(jax.vmap(gradient))(shifts))
                for name, gradient in gradients.items()
            }

    @cached_property
    def errors(self) -> dict[str, Float[np.ndarray, " deltas"]]:
        """Measure what a D too steep by DELTAS costs at mu = 1, in gradient and in value."""

        def wrong(delta: Scalar) -> tuple[Scalar, Scalar]:
            p_data, p_g, best = Normal(), Normal(1.0), d_star(Normal(), Normal(1.0))

            def d(x: Sample) -> Scalar:
                return (1 + delta) * best(x)

            gradient = jax.grad(lambda mu: _loss_of_G(Minimax(), d, mu))(jnp.asarray(1.0))
            return jnp.abs(gradient - GRADIENT), C(p_data, p_g, LINE) - V(d, p_data, p_g, LINE)

        with jax.enable_x64():
            gradient, value = jax.jit(jax.vmap(wrong))(jnp.asarray(DELTAS))
            return {"gradient": np.asarray(gradient), "value": np.asarray(value)}

    def claims(self) -> Iterator[Claim]:
        """At mu = 1; the worst over all shifts; and what a wrong D costs."""
        along, fixed, ns_along, ns_fixed = self.gradients.values()
        worst = float(np.abs(along - fixed).max())
        slower, flatter = (float(errors[-2] / errors[-1]) for errors in self.errors.values())
        yield Claim(
            "mu = 1: dC/dmu, D_star moves with G, nats", GRADIENT, float(along[ONE]), 1e-9
        )
        yield Claim(
            "mu = 1: minimax, D_star held fixed, nats", GRADIENT, float(fixed[ONE]), 1e-9
        )
        yield Claim("mu from 0 to 4: greatest difference of the two", 0.0, worst, 1e-9, "<=")
        yield Claim("halving delta divides the gradient's error by", 2.0, slower, 1e-3)
        yield Claim("halving delta divides C - V(D, G) by", 4.0, flatter, 2e-3)
        yield Claim(
            "mu = 1: non-saturating, D_star held fixed, nats",
            1 - GRADIENT,
            float(ns_fixed[ONE]),
            1e-9,
        )
        yield Claim(
            "mu = 1: non-saturating, D_star moves, nats",
            1 - GRADIENT / 2,
            float(ns_along[ONE]),
            1e-9,
        )

    def figure(self) -> Figure:
        """The gradients over mu, and the errors of a wrong D."""
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.set(xlabel="shift mu of p_g = N(mu, 1)", ylabel="gradient of G's loss by mu, nats")
        for (name, gradient), colour in zip(
            self.gradients.items(), (DATA, DATA, SAMPLES, SAMPLES), strict=True
        ):
            style = (
                {"linestyle": "", "marker": "o", "markersize": 4}
                if name.endswith("fixed")
                else {"linestyle": "-"}
            )
            left.plot(SHIFTS, gradient, color=colour, linewidth=STRONG, label=name, **style)
        right.set(
            xlabel="delta: D has the logit (1 + delta) d_star", ylabel="error at mu = 1, nats"
        )
        for (name, label), colour in zip(WRONG.items(), (SAMPLES, DATA), strict=True):
            right.loglog(
                DELTAS,
                self.errors[name],
                color=colour,
                linewidth=STRONG,
                marker="o",
                label=label,
            )
        for axes in (left, right):
            hide_spines(axes)
            axes.legend(frameon=False, fontsize="small")
        return figure


def _loss_of_G(loss: AbstractLoss, d: Callable[[Sample], Scalar], mu: Scalar) -> Scalar:
    """The expectation of G's loss against the logit d, by quadrature over z."""
    z, log_w = nodes(np.arange(-24.0, 13.0, 0.5))
    each = jax.vmap(lambda d_Gz: loss.loss_G(jnp.zeros(1), d_Gz[None]))(
        jax.vmap(d)(jnp.asarray(z) + mu)
    )
    return jnp.sum(jnp.exp(norm.logpdf(z[:, 0]) + log_w) * each)
