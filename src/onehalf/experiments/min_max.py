"""Who moves last: min max and max min of V, and what G does against a D that stays."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import linprog, minimize
from scipy.special import expit, log_expit

from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import (
    BAND,
    DATA,
    GOAL,
    SAMPLES,
    STRONG,
    hide_spines,
    put_legend_above,
)
from onehalf.theory import C, V, exponentiated_gradient, ideal_loop

__all__ = ["MinMax"]

POINTS = 8
"""The size of the finite set."""
RANDOM = 1000
"""How many D, and how many p_g, are drawn."""
COIN = np.full(2, 0.5)
SLOPES = (-1.5, -0.5, 0.0, 0.5, 1.5)
"""The logits at heads, and with the other sign at tails, of the D in the figure."""


class MinMax(AbstractExperiment):
    """min over p_g of max over D of V = max over D of min over p_g = -log 4; Goodfellow et al. 2014, equation 1.

    On a finite set G may be any p_g. V is linear in p_g and concave in D, so that the order
    does not matter. The trap: against a D that stays, G's best answer is all mass where D is
    greatest. That is mode collapse, and no optimiser is to blame for it. And where G has
    parameters, its p_g are no convex set and the two orders differ: data are a fair coin, and G
    is a single face. Whoever moves last wins log(8/sqrt(27)) nats, and they chase each other
    for ever; Farnia & Ozdaglar 2020 show that GANs may have no equilibrium.
    """

    formulas = (9, 10)

    @cached_property
    def random_games(self) -> dict[str, Float[np.ndarray, "..."]]:
        """Data, and many D and p_g, at random."""
        rng = np.random.default_rng(self.seed)
        return {
            "p_data": rng.dirichlet(np.ones(POINTS)),
            "d": rng.normal(0, 2, (RANDOM, POINTS)),
            "p_g": rng.dirichlet(np.ones(POINTS), RANDOM),
        }

    @cached_property
    def best_answers(self) -> Float[np.ndarray, "some points"]:
        """G's best answers to some of the D, by linear programming."""
        costs = log_expit(-self.random_games["d"][:20])
        return np.array(
            [linprog(cost, A_eq=np.ones((1, POINTS)), b_eq=[1]).x for cost in costs]
        )

    def claims(self) -> Iterator[Claim]:
        """Both orders, bounds from random players, and the two traps."""
        p_data, d, p_g = self.random_games.values()
        with jax.enable_x64():
            min_max = float(ideal_loop(p_data, np.full(POINTS, 1 / POINTS), steps=200)[1][-1])
            worst_of_D = float(
                jax.vmap(_at_points, in_axes=(0, None))(d, p_data).min(axis=1).max()
            )
            best_of_G = float(_best(p_data, p_g).min())
            coin = float(_best(COIN, np.eye(2)).min())
        at_greatest = self.best_answers[np.arange(20), d[:20].argmax(1)]
        yield Claim("min over p_g of max over D, nats", -math.log(4), min_max, 1e-9)
        yield Claim("max over D of min over p_g, nats", -math.log(4), _max_min(p_data), 1e-9)
        yield Claim(
            "1000 random D: greatest min over p_g, nats", -math.log(4), worst_of_D, 1e-9, "<="
        )
        yield Claim(
            "1000 random p_g: least max over D, nats", -math.log(4), best_of_G, 1e-9, ">="
        )
        yield Claim(
            "20 D that stay: least mass of p_g at D's greatest",
            1.0,
            float(at_greatest.min()),
            1e-9,
        )
        yield Claim("fair coin, G one face: min max, nats", math.log(2 / 27**0.5), coin, 1e-9)
        yield Claim("fair coin, G one face: max min, nats", -math.log(4), _max_min(COIN), 1e-9)

    def figure(self) -> Figure:
        """The game of the coin, whole; and what becomes of p_g against a D that stays."""
        figure = Figure(figsize=(9, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        with jax.enable_x64():
            _draw_coin(left)
            self._draw_answers(right)
        for axes in (left, right):
            hide_spines(axes)
            put_legend_above(axes, 2)
        return figure

    def _draw_answers(self, axes: Axes) -> None:
        p_data, d = self.random_games["p_data"], jnp.asarray(self.random_games["d"][0])
        start = np.full(POINTS, 1 / POINTS)
        answers = {
            "p_g, D anew at every step": (
                ideal_loop(p_data, start, steps=200)[0][-1],
                SAMPLES,
                "o",
            ),
            "p_g, D stays, 10 steps": (exponentiated_gradient(start, d, 10 * 0.5), BAND, "^"),
            "p_g, D stays, 200 steps": (exponentiated_gradient(start, d, 200 * 0.5), BAND, "s"),
        }
        axes.bar(range(POINTS), p_data, color=DATA, alpha=0.6, label="p_data")
        for name, (p_g, colour, marker) in answers.items():
            axes.plot(p_g, linestyle="", marker=marker, color=colour, label=name)
        axes.set(xlabel="point of the finite set", ylabel="probability")


@jax.jit
def _at_points(
    d: Float[Array, " points"], p_data: Float[Array, " points"]
) -> Float[Array, " points"]:
    """Compute V with all of p_g on each point; the least is min over p_g, as V is linear."""
    return jax.vmap(V, in_axes=(None, None, 0))(d, p_data, jnp.eye(len(d)))


def _max_min(p_data: Float[np.ndarray, " points"]) -> float:
    """Maximise that minimum over D, by sequential quadratic programming."""

    def slack(both: Float[np.ndarray, " both"]) -> Float[np.ndarray, " points"]:
        return np.asarray(_at_points(both[:-1], p_data)) - both[-1]

    def slope(both: Float[np.ndarray, " both"]) -> Float[np.ndarray, "points both"]:
        D = expit(both[:-1])
        return np.column_stack([p_data * (1 - D) - np.diag(D), -np.ones(len(D))])

    only_m = np.append(np.zeros(len(p_data)), 1.0)
    start = np.append(np.linspace(-1, 1, len(p_data)), -10.0)
    constraint = {"type": "ineq", "fun": slack, "jac": slope}
    with jax.enable_x64():
        optimum = minimize(
            lambda both: -both[-1],
            start,
            jac=lambda _: -only_m,
            constraints=constraint,
            tol=1e-13,
        )
        return float(_at_points(optimum.x[:-1], p_data).min())


def _draw_coin(axes: Axes) -> None:
    heads = np.linspace(0, 1, 101)
    for slope in SLOPES:
        values = _at_points(jnp.array([-slope, slope]), COIN)
        axes.plot(
            [0, 1],
            values,
            color=SAMPLES,
            linewidth=1,
            label="V of five D that stay" if slope == 0 else None,
        )
    best = np.asarray(_best(COIN, np.stack([1 - heads, heads], axis=1)))
    axes.plot(heads, best, color=DATA, linewidth=STRONG, label="C = max over D")
    axes.plot([0, 1], best[[0, -1]], "o", color=BAND, label="G one face: min max")
    axes.axhline(-math.log(4), label="-log 4 = max min", **GOAL)
    axes.set(xlabel="probability of heads under p_g; the data's is 1/2", ylabel="nats")


_best = jax.jit(jax.vmap(C, in_axes=(None, 0)))
"""C for each p_g."""
