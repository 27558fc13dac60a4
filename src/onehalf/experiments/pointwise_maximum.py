"""The pointwise step of proposition 1: the y where a log y + b log(1 - y) is greatest."""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid, sigmoid
from matplotlib.figure import Figure
from scipy.optimize import brentq
from scipy.special import expit, xlog1py, xlogy

from onehalf._typing import Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, SAMPLES, STRONG, add_legend, new_figure
from onehalf.theory import D_star, V, d_star

__all__ = ["PointwiseMaximum"]

DENSITIES = (1e-3, 0.25, 1.0, 3.0, 3.99, 1e3)
"""Values of p_data(x) = a and of p_g(x) = b, on both sides of 1."""
NARROW = Normal(0.0, 0.1)
"""A p_data whose density at 0 is 3.99."""
WIDE = Normal()
"""A p_g whose density at 0 is 0.399."""
OVER = np.concatenate([np.arange(-9.0, -0.9), np.linspace(-0.8, 0.8, 17), np.arange(1.0, 9.1)])
"""Breakpoints close enough for both."""


class PointwiseMaximum(AbstractExperiment):
    """a log y + b log(1 - y) is greatest at y = a/(a + b), a, b >= 0; Goodfellow et al. 2014, proposition 1.

    Only a = b = 0 is left out: there every y is as good. The traps: many tellings ask for a and
    b in (0, 1), but they are densities, and N(0, 0.1^2) has 3.99 at its peak; some print the
    integrand as a y + b log(1 - y), which is greatest elsewhere; where a or b is 0, no finite
    logit reaches the maximum.
    """

    formulas = (19, 20, 21, 22, 23)

    @cached_property
    def argmaxima(self) -> dict[tuple[float, float], float]:
        """The best y for each pair of densities, found by maximising over its logit."""
        with jax.enable_x64():
            return {
                (a, b): _argmax(_slope, a, b)
                for a, b in itertools.product(DENSITIES, DENSITIES)
            }

    def claims(self) -> Iterator[Claim]:
        """Where the maximum is, how high and how curved; then the traps."""
        with jax.enable_x64():
            best = jnp.float64(self.argmaxima[3.0, 1.0])
            height = float(_of_probability(best, 3.0, 1.0))
            curvature = float(jax.grad(jax.grad(_of_probability))(best, 3.0, 1.0))
            elsewhere = _argmax(_slope_without_log, 3.0, 1.0)
            at_peak = float(D_star(NARROW, WIDE)(jnp.zeros(1)))
            whole = float(V(d_star(NARROW, WIDE), NARROW, WIDE, OVER))
            no_data = float(D_star(np.array([0.0, 1.0]), np.array([0.5, 0.5]))[0])
            slope = float(_slope(-40.0, 0.0, 1.0)) * math.exp(40)
        farthest = max(abs(y - a / (a + b)) for (a, b), y in self.argmaxima.items())
        yield Claim("36 pairs a, b up to 1000: farthest from a/(a + b)", 0.0, farthest, 1e-9)
        yield Claim(
            "a = 3, b = 1: maximum, 3 log 3 - 4 log 4",
            3 * math.log(3) - 4 * math.log(4),
            height,
            1e-9,
        )
        yield Claim(
            "a = 3, b = 1: second derivative, -(a + b)^3/(a b)", -64 / 3, curvature, 1e-9
        )
        yield Claim("a = 3, b = 1, a y for a log y: best y, 1 - b/a", 2 / 3, elsewhere, 1e-9)
        yield Claim(
            "a = 3.99, b = 0.399, N(0, 0.1^2) at its peak: D_star", 10 / 11, at_peak, 1e-9
        )
        yield Claim(
            "N(0, 0.1^2), N(0, 1): integral of the maxima, nats", -0.51967292358351, whole, 1e-9
        )
        yield Claim("a = 0, b = 1/2: D_star", 0.0, no_data, 0.0)
        yield Claim("a = 0, b = 1: slope over the logit at -40, in e^-40", -1.0, slope, 1e-9)

    def figure(self) -> Figure:
        """The integrand over y, and its maxima."""
        figure, axes = new_figure(
            "y, the probability that D gives to data", "a log y + b log(1 - y), nats"
        )
        y = expit(np.linspace(-20, 20, 2001))
        for a, b, colour, style in (
            (3.99, 0.4, DATA, "-"),
            (1, 1, SAMPLES, "-"),
            (1, 3, BAND, "-"),
            (0, 1, BAND, ":"),
        ):
            values, best = xlogy(a, y) + xlog1py(b, -y), a / (a + b)
            axes.plot(
                y, values, style, color=colour, linewidth=STRONG, label=f"a = {a:g}, b = {b:g}"
            )
            height = xlogy(a, best) + xlog1py(b, -best)
            axes.plot(
                best,
                height,
                "o",
                color=colour,
                fillstyle="full" if a else "none",
                clip_on=False,
            )
        axes.plot([], [], "o", color="grey", label="best y = a/(a + b)")
        axes.plot([], [], "o", color="grey", fillstyle="none", label="at no finite logit")
        axes.set(xlim=(0, 1), ylim=(-6, 0.3))
        add_legend(figure)
        return figure


def _of_probability(y: Scalar, a: float, b: float) -> Scalar:
    """The integrand of V at a point with densities a and b."""
    return a * jnp.log(y) + b * jnp.log1p(-y)


@jax.jit
@jax.grad
def _slope(d: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """Of the same over the logit d of y."""
    return a * log_sigmoid(d) + b * log_sigmoid(-d)


@jax.jit
@jax.grad
def _slope_without_log(d: Scalar, a: Scalar, b: Scalar) -> Scalar:
    return a * sigmoid(d) + b * log_sigmoid(-d)


def _argmax(slope: Callable[..., Scalar], a: float, b: float) -> float:
    """The y at whose logit the slope is 0: both integrands rise before it and fall after it."""
    return float(expit(brentq(slope, -50.0, 50.0, args=(a, b))))
