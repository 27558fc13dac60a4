"""Figure 1 of the paper, from a real run whose p_g and D_star are known at every round."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import special

from onehalf.distributions import Normal
from onehalf.experiments.base import SIGMAS, AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, hide_spines
from onehalf.nets.base import AbstractNet
from onehalf.nets.mlp import MLP
from onehalf.penalties import R1
from onehalf.theory import C, D_star, V, jsd
from onehalf.theory.pushforward import push
from onehalf.training import Game, State, init, train

__all__ = ["FigureOne"]

P_DATA = Normal(1.5, 0.8)
P_Z = Normal()
KNOTS = np.linspace(-6.0, 6.0, 4001)
"""G is taken to be linear between these z; a claim measures the error."""

EDGES = np.linspace(-3.0, 6.0, 451)
CELLS = np.array([-np.inf, *EDGES, np.inf])
"""The cells in which p_data, p_g and D (at the middle) are compared."""

START = 8
"""Rounds until (a)."""
ALONE = 3000
"""Steps of D alone after that, until (b)."""
STEPS = 12
"""Steps of G alone after that, until (c)."""
END = 6000
"""Rounds after that, until (d)."""

PACE = 0.05
"""How far x moves in a step of G alone where log D has slope 1."""

SOME_Z = special.ndtri(np.linspace(0, 1, 257)[1:-1, None]).astype(np.float32)
"""As good as 255 draws of z."""


class Moment(NamedTuple):
    """The players at one moment."""

    title: str
    G: AbstractNet
    Gz: Float[np.ndarray, " knots"]
    p_g: Float[np.ndarray, " cells"]
    """The probability of each cell, by pushing the pieces of G."""
    d: Float[np.ndarray, " cells"]
    """The logit of the learned D in the middle of each cell."""


class FigureOne(AbstractExperiment):
    """G and D as they are learned, with p_g and D_star known at every round; Goodfellow et al. 2014, figure 1.

    The four moments: near the start; after D alone has learned, so that it is near D_star;
    after G alone has followed D's slope; and at the end, where D = 1/2. In 1-D the law of G(z)
    is had without a sample and without an inverse: G is linear between 4,001 knots, but for an
    error that is claimed, and each piece takes its mass to the cells it crosses.
    """

    formulas = (2,)

    @cached_property
    def run(self) -> list[Moment]:
        """Play the whole run; the figure's four moments have titles like '(a) ...'."""
        key_D, key_G, key = jr.split(jr.key(self.seed), 3)
        D, moments = MLP(key_D, (1,), (), width=64, activation="tanh"), []
        G = _unfold(
            MLP(key_G, (1,), (1,), width=64, activation="tanh", first_std=jnp.full(1, 0.05)),
            0.6,
        )

        def play(
            letter: str, game: Game, state: State, rounds: int, every: int, name: str
        ) -> State:
            state = init(game, state.D, state.G)
            for t in range(every, rounds + 1, every):
                state = train(jr.fold_in(key, ord(letter)), game, state, every, every=every)
                moments.append(_moment(f"{name} {t:,}", state))
            moments[-1] = moments[-1]._replace(title=f"({letter}) {moments[-1].title}")
            return state

        still, slow = optax.set_to_zero(), optax.adam(2e-4)
        game = Game(P_DATA, P_Z, optimiser_D=slow, optimiser_G=slow)
        state = play("a", game, init(game, D, G), START, 1, "round")
        game = Game(
            P_DATA, P_Z, optimiser_D=optax.adam(_schedule(5e-3, ALONE)), optimiser_G=still
        )
        state = play("b", game, state, ALONE, 300, "D alone, step")
        game = Game(
            P_DATA, P_Z, optimiser_D=still, optimiser_G=optax.sgd(_rate(state.G)), m=4096
        )
        state = play("c", game, state, STEPS, 1, "G alone, step")
        adam = optax.adam(_schedule(2e-3, END), b1=0.0, b2=0.99)
        game = Game(P_DATA, P_Z, penalties=(R1(0.1),), optimiser_D=adam, optimiser_G=adam)
        play("d", game, state, END, 150, "round")
        return moments

    @property
    def four(self) -> list[Moment]:
        """Those of the figure."""
        return [moment for moment in self.run if moment.title.startswith("(")]

    def claims(self) -> Iterator[Claim]:
        """What the figure shows, in numbers, by cells of 0.02."""
        a, b, _, d = self.four
        p_data = P_DATA.masses([CELLS])
        finer = np.linspace(KNOTS[0], KNOTS[-1], 4 * len(KNOTS) - 3)
        with jax.enable_x64():
            of_G = [float(C(p_data, moment.p_g)) for moment in self.four]
            of_finer = float(C(p_data, push(P_Z.masses, finer, _values(a.G, finer), CELLS)))
            lag = [
                of_G[i] - float(V(jnp.asarray(moment.d), p_data, moment.p_g))
                for i, moment in enumerate((a, b))
            ]
            apart = [float(jsd(p_data, moment.p_g)) for moment in (a, d)]
        samples = _values(a.G, np.asarray(P_Z.sample(jr.key(self.seed + 1), 1_000_000))[:, 0])
        shares = np.bincount(
            np.searchsorted(CELLS, samples, side="right") - 1, minlength=len(CELLS) - 1
        ) / len(samples)
        # an error is taken to be that of ten draws at least, for cells with next to no mass
        off = np.abs(shares - a.p_g) / np.sqrt(np.maximum(a.p_g, 1e-5) / len(samples))
        yield Claim(
            "(a) C(G) from 4,001 knots less that from 16,001, nats",
            0.0,
            of_G[0] - of_finer,
            1e-6,
        )
        yield Claim(
            "(a) a million samples: worst cell, in errors", SIGMAS + 1, off.max(), 0.0, "<="
        )
        yield Claim(
            "(b) D alone: C(G) - V(D, G) of (a) that is left", 0.1, lag[1] / lag[0], 0.0, "<="
        )
        yield Claim("(c) G alone lowers C(G), nats", 0.0, of_G[2] - of_G[1], 0.0, "<=")
        yield Claim("(d) JSD that is left of (a)'s", 0.1, apart[1] / apart[0], 0.0, "<=")
        from_half = float((p_data * np.abs(special.expit(d.d) - 0.5)).sum())
        yield Claim("(d) mean of |D - 1/2| over the data", 0.02, from_half, 0.0, "<=")

    def figure(self) -> Figure:
        """The four moments, side by side."""
        figure = Figure(figsize=(13, 4), layout="constrained")
        panels = figure.subplots(1, 4, sharex=True, sharey=True)
        for axes, moment in zip(panels, self.four, strict=True):
            _draw(axes, moment)
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside upper left",
            ncols=4,
            frameon=False,
        )
        return figure

    def film(self) -> Sequence[Figure]:
        """The same over the run."""
        frames = []
        for moment in self.run:
            figure = Figure(figsize=(7.2, 5), layout="constrained")
            axes = figure.add_subplot()
            _draw(axes, moment)
            figure.legend(
                *axes.get_legend_handles_labels(),
                loc="outside upper left",
                ncols=4,
                frameon=False,
            )
            frames.append(figure)
        return frames


def _unfold(G: MLP, std: float) -> MLP:
    """Make G's weights positive, so that it is increasing, and give G(z) this std."""
    G = eqx.tree_at(lambda net: net.weights, G, [jnp.abs(weights) for weights in G.weights])
    return eqx.tree_at(
        lambda net: net.weights[-1], G, G.weights[-1] * std / jnp.std(jax.vmap(G)(SOME_Z))
    )


def _rate(G: AbstractNet) -> float:
    """Compute the rate at which a step moves G(z) by about PACE where the loss has slope 1."""
    squares = jax.vmap(
        lambda z: optax.tree.norm(eqx.filter_grad(lambda net: net(z)[0])(G), squared=True)
    )(SOME_Z)
    return PACE / float(squares.mean())


def _schedule(rate: float, rounds: int) -> optax.Schedule:
    """To a hundredth, by the same factor every round."""
    return optax.exponential_decay(rate, rounds, 0.01)


def _moment(title: str, state: State) -> Moment:
    middles = np.concatenate([EDGES[:1], (EDGES[:-1] + EDGES[1:]) / 2, EDGES[-1:]])
    Gz = _values(state.G, KNOTS)
    # the state is given away to the next rounds, and G with it
    G = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, state.G)
    return Moment(title, G, Gz, push(P_Z.masses, KNOTS, Gz, CELLS), _values(state.D, middles))


def _values(net: AbstractNet, points: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """A net of one number at these points."""
    return np.asarray(
        jax.vmap(net)(jnp.asarray(points, jnp.float32)[:, None]), np.float64
    ).reshape(-1)


def _draw(axes: Axes, moment: Moment) -> None:
    """Densities and D over x; below, where each z goes."""
    middles, width = (EDGES[:-1] + EDGES[1:]) / 2, EDGES[1] - EDGES[0]
    p_data = P_DATA.masses([CELLS])
    with jax.enable_x64():
        best = np.asarray(D_star(p_data, moment.p_g))[1:-1]
    axes.plot(
        middles,
        p_data[1:-1] / width,
        color=DATA,
        linestyle=":",
        linewidth=STRONG,
        label="p_data",
    )
    axes.plot(middles, moment.p_g[1:-1] / width, color=SAMPLES, linewidth=STRONG, label="p_g")
    axes.plot(middles, best, color=BAND, linewidth=STRONG, alpha=0.6, label="D_star, exact")
    axes.plot(middles, special.expit(moment.d)[1:-1], label="D, learned", **GOAL)
    z = special.ndtri(np.linspace(0, 1, 23)[1:-1])
    above = np.interp(z, [-2.5, 2.5], EDGES[[0, -1]])
    for start, stop in zip(above, np.interp(z, KNOTS, moment.Gz), strict=True):
        arrow = {"arrowstyle": "->", "color": SAMPLES, "alpha": 0.6, "linewidth": 0.8}
        axes.annotate("", (stop, -0.08), (start, -0.5), arrowprops=arrow)
    for height, name in ((-0.08, "x = G(z)"), (-0.5, "z")):
        axes.axhline(height, color="black", linewidth=0.8)
        axes.text(EDGES[-1], height - 0.02, name, ha="right", va="top")
    axes.set(
        title=moment.title,
        xlabel="x",
        xlim=EDGES[[0, -1]],
        ylim=(-0.62, 1.25),
        yticks=(0, 0.5, 1),
    )
    hide_spines(axes)
