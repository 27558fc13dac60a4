"""A learned D against D_star: a line that can be D_star, and nets that approach it."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Float
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

from onehalf._typing import Keys, PRNGKey, Samples
from onehalf.distributions import Mixture, Normal
from onehalf.experiments.base import SIGMAS, AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, add_legend, hide_spines
from onehalf.losses import Minimax
from onehalf.nets import MLP, AbstractNet
from onehalf.theory import C, D_star, V

__all__ = ["LearnedD"]

N = 20_000
"""Draws of each side for the fitted line; three times as many data where 3 in 4 are data."""
C_NORMALS = -1.163451396750418
"""C(G) of N(0, 1) and N(1, 1), in nats."""
ACCURACY = 0.691462461274013
"""The best accuracy in telling draws of the two apart."""

WIDTHS = (1, 4, 32)
"""Widths of the nets."""
REPEATS = 4
"""Nets of each width."""
M = 256
"""Data, and as many samples, in a minibatch."""
STEPS = 2000
"""Steps of training."""
EVERY = 100
"""Steps between evaluations."""
P_DATA = Mixture()
P_G = Normal(0.0, 2.0)
OVER = np.linspace(-14, 14, 113)
"""Breakpoints that hold both."""


class Line(NamedTuple):
    """The fitted logit, slope x + intercept, with standard errors."""

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float

    def __call__(self, x: Any) -> Any:
        """The logit at each x."""
        return self.slope * x + self.intercept


class LearnedD(AbstractExperiment):
    """argmax_D V(D, G) is learned: logit log p_data - log p_g, gap C - V(D) >= 0; Goodfellow et al. 2014, prop. 1.

    Between N(0, 1) and N(1, 1) the logit of D_star is the line 1/2 - x, and logistic regression
    recovers it. Between three modes and N(0, 4) a net learns it as well as its width and its
    steps allow. The traps: a family of nets reaches C only if D_star is in it, so that what a D
    has reached bounds the JSD from below and no more; and where a share pi of the draws is
    data, the logit is moved by log(pi/(1 - pi)).
    """

    formulas = (7, 8, 24, 25)

    @cached_property
    def lines(self) -> tuple[Line, Line]:
        """Fitted to as many data as samples, and to three times as many."""
        rng = np.random.default_rng(self.seed)
        return _fit(rng, N, N), _fit(rng, 3 * N, N)

    @cached_property
    def nets(self) -> list[AbstractNet]:
        """Of each width; the first axes of every array are the repeat and the evaluation."""
        return _learn(jr.split(jr.key(self.seed), REPEATS))

    @cached_property
    def gaps(self) -> Float[np.ndarray, "widths repeats evaluations"]:
        """C(G) - V(D, G) of the nets, in nats."""
        nets = self.nets
        with jax.enable_x64():
            reached = [
                eqx.filter_vmap(eqx.filter_vmap(lambda D: V(D, P_DATA, P_G, OVER)))(D)
                for D in nets
            ]
            return np.asarray(C(P_DATA, P_G, OVER) - jnp.array(reached))

    def claims(self) -> Iterator[Claim]:
        """The line within its standard errors, and what it is worth; then the nets."""
        balanced, moved = self.lines
        normals = Normal(), Normal(1.0)
        with jax.enable_x64():
            reached = float(V(lambda x: balanced(x[0]), *normals, range(-9, 11)))
        rng = np.random.default_rng([self.seed, 1])
        right = (balanced(rng.normal(0, 1, N)) > 0).astype(int) + (
            balanced(rng.normal(1, 1, N)) < 0
        )
        beyond = max(reached - C_NORMALS, -self.gaps.min())
        mean = self.gaps.mean(axis=1)
        growth = max(*np.diff(mean[:, -1]), mean[-1, -1] - mean[-1, 0])
        yield Claim(
            "N(0, 1), N(1, 1): slope of the fitted line",
            -1.0,
            balanced.slope,
            SIGMAS * balanced.slope_error,
        )
        yield Claim(
            "N(0, 1), N(1, 1): intercept of the fitted line",
            0.5,
            balanced.intercept,
            SIGMAS * balanced.intercept_error,
        )
        shifted = 0.5 + math.log(3)
        yield Claim(
            "3 in 4 are data: intercept of the fitted line",
            shifted,
            moved.intercept,
            SIGMAS * moved.intercept_error,
        )
        yield Claim("fitted line: V(D), nats", C_NORMALS, reached, 10 / N)
        yield Claim.from_mean(
            "fitted line: accuracy on fresh draws, 1/2 + TV/2", ACCURACY, right / 2
        )
        yield Claim(
            "fitted line and nets: greatest V(D) - C, nats", 0.0, float(beyond), 1e-9, "<="
        )
        yield Claim(
            "width 32, 2000 steps: mean C - V(D), nats", 0.005, float(mean[-1, -1]), 0.0, "<="
        )
        yield Claim(
            "growth of that by width, or by steps at width 32, nats",
            0.0,
            float(growth),
            0.0,
            "<=",
        )

    def figure(self) -> Figure:
        """What was learned, and how far it was from the best."""
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        x = jnp.linspace(-6.0, 6.0, 601)[:, None]
        left.plot(x, jax.vmap(D_star(P_DATA, P_G))(x), label="D_star", **GOAL)
        steps = EVERY * np.arange(1, STEPS // EVERY + 1)
        for width, nets, gaps, colour in zip(
            WIDTHS, self.nets, self.gaps, (BAND, SAMPLES, DATA), strict=True
        ):
            last = jax.tree.map(lambda leaf: leaf[0, -1], nets)
            left.plot(
                x,
                jax.nn.sigmoid(jax.vmap(last)(x)),
                color=colour,
                linewidth=STRONG,
                label=f"width {width}",
            )
            right.semilogy(steps, gaps.T, color=colour, alpha=0.3, linewidth=0.8)
            right.semilogy(steps, gaps.mean(axis=0), color=colour, linewidth=STRONG)
        left.set(xlabel="x", ylabel="D(x) of one net after 2000 steps", ylim=(0, 1))
        right.set(
            xlabel="steps of D: 4 nets of each width, and their mean", ylabel="C - V(D), nats"
        )
        for axes in (left, right):
            hide_spines(axes)
        add_legend(figure)
        return figure


def _fit(rng: np.random.Generator, n_data: int, n_g: int) -> Line:
    x = np.concatenate([rng.normal(0, 1, n_data), rng.normal(1, 1, n_g)])[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-9, solver="newton-cholesky").fit(
        x, np.repeat([1, 0], [n_data, n_g])
    )
    D = fitted.predict_proba(x)[:, 1:]
    entries = np.hstack([x, np.ones_like(x)])
    variance = np.diag(np.linalg.inv(entries.T @ (D * (1 - D) * entries)))
    # How many are data was not drawn, so that the intercept varies by so much less (Prentice &
    # Pyke 1979).
    errors = np.sqrt(variance - [0, 1 / n_data + 1 / n_g])
    return Line(fitted.coef_.item(), fitted.intercept_.item(), *errors.tolist())


@jax.jit
@jax.vmap
def _learn(key: PRNGKey) -> list[AbstractNet]:
    """Nets of all widths, trained on the same minibatches, at every evaluation."""
    key_D, key = jr.split(key)
    nets = [MLP(key_D, (1,), (), width=width, activation="silu") for width in WIDTHS]
    start, rest = eqx.partition(nets, eqx.is_inexact_array)
    # Smaller and smaller steps: the last D is at rest.
    adam = optax.adam(lambda t: 5e-3 * (1 + jnp.cos(t / STEPS * math.pi)))

    def loss(arrays: Any, x: Samples, Gz: Samples) -> Any:
        return sum(
            Minimax().loss_D(jax.vmap(D)(x), jax.vmap(D)(Gz)) for D in eqx.combine(arrays, rest)
        )

    def step(carry: Any, key: PRNGKey) -> Any:
        arrays, state = carry
        key_x, key_Gz = jr.split(key)
        gradient = jax.grad(loss)(arrays, P_DATA.sample(key_x, M), P_G.sample(key_Gz, M))
        updates, state = adam.update(gradient, state)
        return (eqx.apply_updates(arrays, updates), state), None

    def run_steps(carry: Any, keys: Keys) -> Any:
        carry, _ = jax.lax.scan(step, carry, keys)
        return carry, carry[0]

    _, evaluated = jax.lax.scan(
        run_steps, (start, adam.init(start)), jr.split(key, (STEPS // EVERY, EVERY))
    )
    return eqx.combine(evaluated, rest)
