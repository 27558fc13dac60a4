"""Algorithm 1 where the best D is known: k steps of D ascend V, one of G descends it."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Float
from matplotlib.figure import Figure
from scipy.special import expit

from onehalf._typing import PRNGKey, Sample, Scalar
from onehalf.distributions import Normal
from onehalf.distributions.base import Condition
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, SAMPLES, STRONG, add_legend, hide_spines
from onehalf.losses import Minimax
from onehalf.nets import AbstractNet
from onehalf.theory import C, V, jsd
from onehalf.training import Game, State, init, iterate, step

__all__ = ["Affine", "Quadratic", "StepsOfD"]

STEPS = (1, 5)
"""k: steps of D in a round."""
RATE = 0.1
"""The learning rate of both players."""
M = 64
"""The minibatch."""
GAMES = 16
"""Games with each k."""
ROUNDS = 300
"""Rounds of each game."""
EVERY = 5
"""Rounds between evaluations."""
END = 20
"""Evaluations at the end that the last claim averages."""
START = (0.5, 2.0)
"""G's slope and shift before the first round."""

P_DATA = Normal()
P_Z = Normal()
OVER = range(-12, 13)
"""Breakpoints that hold p_data and each p_g."""


class Affine(AbstractNet):
    """G(z) = a z + b: of normal z, p_g = N(b, a^2)."""

    a: Scalar
    b: Scalar
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    condition_size: int = eqx.field(static=True, default=0)

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """The sample of one z."""
        return self.a * x + self.b

    @property
    def p_g(self) -> Normal:
        """The law of G(z)."""
        return Normal(self.b, jnp.abs(self.a))


class Quadratic(AbstractNet):
    """d(x) = w_0 + w_1 x + w_2 x^2: between two normals the logit of D_star is one of these."""

    w: Float[Array, " 3"]
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=())
    condition_size: int = eqx.field(static=True, default=0)

    def __call__(
        self, x: Sample, c: Condition | None = None, *, key: PRNGKey | None = None
    ) -> Sample:
        """The logit of one example."""
        return self.w[0] + self.w[1] * x[0] + self.w[2] * x[0] ** 2


class History(NamedTuple):
    """Many games, evaluated every `EVERY` rounds."""

    gap: Float[np.ndarray, "evaluations games"]
    """C(G) - V(D, G), in nats."""
    jsd: Float[np.ndarray, "evaluations games"]
    """In nats."""


class StepsOfD(AbstractExperiment):
    """D ascends V k times, G descends it once; more k, less of a gap C(G) - V; Goodfellow et al. 2014, algorithm 1.

    p_data is N(0, 1), and G(z) = a z + b starts as N(2, 1/4). D's logit is quadratic, as
    D_star's is, so that the gap C(G) - V(D, G) is D's lag alone. While it is wide, G descends
    something other than the JSD: with k = 1 it runs past the data and back. The trap: in
    equally many rounds, k = 5 has cost five times the steps of D.
    """

    formulas = (41, 42)

    @cached_property
    def history(self) -> dict[int, History]:
        """The games with each k."""
        return {k: _play(jr.key(self.seed), k) for k in STEPS}

    @cached_property
    def deviations(self) -> dict[str, float]:
        """Measure how far one round of `step` ends from a round by hand, at most.

        With k = 5 the rate of G is 0: what D's steps do to G is then all that happens to it.
        """
        key = jr.key(self.seed)
        once, five = (
            step(key, game, _start(game))[0] for game in (_game(1), _game(5, rate_G=0.0))
        )
        w, *slope_and_shift = _by_hand(key, 1)
        return {
            "D, k = 1": _greatest_deviation(once.D, [w]),
            "G, k = 1": _greatest_deviation(once.G, slope_and_shift),
            "D, k = 5": _greatest_deviation(five.D, _by_hand(key, 5)[:1]),
            "G, k = 5": _greatest_deviation(five.G, START),
        }

    def claims(self) -> Iterator[Claim]:
        """One round against its gradients by hand; then what k is worth."""
        yield Claim(
            "k = 1: D less one ascent by hand, greatest", 0.0, self.deviations["D, k = 1"], 2e-6
        )
        yield Claim(
            "k = 1: G less one descent by hand, greatest",
            0.0,
            self.deviations["G, k = 1"],
            2e-6,
        )
        yield Claim(
            "k = 5: D less five ascents by hand, greatest",
            0.0,
            self.deviations["D, k = 5"],
            2e-6,
        )
        yield Claim("k = 5: G moved by the steps of D", 0.0, self.deviations["G, k = 5"], 0.0)
        one, five = (self.history[k] for k in STEPS)
        least = float(min(one.gap.min(), five.gap.min()))
        yield Claim("C(G) - V(D, G), the least of all rounds, nats", 0.0, least, 1e-9, ">=")
        yield Claim.from_differences(
            "C(G) - V(D, G), mean: k = 1 less k = 5", (one.gap - five.gap).mean(axis=0)
        )
        yield Claim.from_differences(
            "JSD in the last 100 rounds: k = 1 less k = 5",
            (one.jsd - five.jsd)[-END:].mean(axis=0),
        )

    def figure(self) -> Figure:
        """D's lag and the JSD over the rounds, each game and their mean."""
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        rounds = EVERY * np.arange(1, ROUNDS // EVERY + 1)
        panels = figure.subplots(1, 2, sharex=True)
        for axes, name, ylabel in zip(
            panels, History._fields, ("C(G) - V(D, G), nats", "JSD, nats"), strict=True
        ):
            for (k, history), colour in zip(self.history.items(), (SAMPLES, DATA), strict=True):
                values = getattr(history, name)
                axes.semilogy(rounds, values, color=colour, alpha=0.15, linewidth=0.6)
                label = f"k = {k}: mean of {GAMES} games (each one pale)"
                axes.semilogy(
                    rounds, values.mean(axis=1), color=colour, linewidth=STRONG, label=label
                )
            axes.set(xlabel="round t", ylabel=ylabel)
            hide_spines(axes)
        add_legend(figure)
        return figure


def _game(k: int, rate_G: float = RATE) -> Game:
    return Game(
        P_DATA,
        P_Z,
        Minimax(),
        optimiser_D=optax.sgd(RATE),
        optimiser_G=optax.sgd(rate_G),
        k=k,
        m=M,
    )


def _start(game: Game) -> State:
    a, b = START
    return init(game, Quadratic(w=jnp.zeros(3)), Affine(a=jnp.asarray(a), b=jnp.asarray(b)))


def _play(key: PRNGKey, k: int) -> History:
    game = _game(k)
    players = []
    keys = jr.split(key, GAMES)
    states = eqx.filter_vmap(lambda _: _start(game))(keys)
    for state, _ in iterate(keys, game, states, ROUNDS, every=EVERY):
        players.append(jax.tree.map(np.array, (state.D, state.G)))
    with jax.enable_x64():
        gap, distance = jax.vmap(jax.vmap(_measure))(
            *jax.tree.map(lambda *leaves: jnp.stack(leaves), *players)
        )
        return History(np.asarray(gap), np.asarray(distance))


@jax.jit
def _measure(D: Quadratic, G: Affine) -> tuple[Scalar, Scalar]:
    return C(P_DATA, G.p_g, OVER) - V(D, P_DATA, G.p_g, OVER), jsd(P_DATA, G.p_g, OVER)


def _by_hand(key: PRNGKey, k: int) -> tuple[Float[np.ndarray, " 3"], float, float]:
    """Compute w, a and b after round 0 on `step`'s minibatches, by derivatives on paper."""
    w, (a, b) = np.zeros(3), START
    key_D, key_G = jr.split(jr.fold_in(key, 0))
    for key_step in jr.split(key_D, k):
        key_x, key_z, _ = jr.split(key_step, 3)
        x, Gz = _column(P_DATA, key_x), a * _column(P_Z, key_z) + b
        # dV/dw_j = E[(1 - D(x)) x^j] - E[D(G(z)) G(z)^j]
        ascent = [np.mean((1 - _D(w, x)) * x**j) - np.mean(_D(w, Gz) * Gz**j) for j in range(3)]
        w = w + RATE * np.array(ascent)
    z = _column(P_Z, jr.split(key_G)[0])
    Gz = a * z + b
    # dV/dG(z) = -D(G(z)) d'(G(z)), and dG(z)/da = z, dG(z)/db = 1
    pull = -_D(w, Gz) * (w[1] + 2 * w[2] * Gz)
    return w, a - RATE * np.mean(pull * z), b - RATE * np.mean(pull)


def _D(w: Float[np.ndarray, " 3"], x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return expit(w[0] + w[1] * x + w[2] * x**2)


def _column(p: Normal, key: PRNGKey) -> Float[np.ndarray, " m"]:
    return np.asarray(p.sample(key, M), np.float64)[:, 0]


def _greatest_deviation(player: AbstractNet, expected: Iterable[ArrayLike]) -> float:
    """The greatest distance of a player's parameters from what is expected of them."""
    pairs = zip(jax.tree.leaves(player), expected, strict=True)
    return max(
        float(np.abs(np.asarray(leaf, np.float64) - value).max()) for leaf, value in pairs
    )
