"""The players and the numbers of 2014, to the letter, and the first epochs of their game on small digits."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from onehalf._typing import PRNGKey, Samples
from onehalf.distributions import Digits
from onehalf.distributions.base import Pushforward
from onehalf.distributions.empirical import Empirical
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG
from onehalf.nets import MLP
from onehalf.presets.mnist_2014 import (
    P_Z,
    costs,
    discriminator,
    game,
    generator,
    momentum,
    rate,
)
from onehalf.training import init, train

__all__ = ["Original2014"]

MNIST_PIXELS, MNIST_EPOCH = 784, 500
"""Pixels of a digit; minibatches in an epoch."""

EPOCH, EPOCHS, ASLEEP, AWAKE, LOOKS = 18, 54, 20, 48, 3
"""Minibatches in an epoch of the 1,797 digits; epochs, of which D sleeps for 20 or more, but not 48; looks in one."""

AHEAD = 0.5
"""Nats of objective_d that a D has which is awake and ahead of G; log 2 = 0.693 is a tie."""

SEEN, SIDE, DROPS = 250, 5, 4000
"""Examples in a look; digits along a side of a sheet; draws of dropout."""


class Played(NamedTuple):
    """What was seen of the short game."""

    objectives: Float[np.ndarray, "looks 2"]
    """objective_d = -V/2 and objective_g = -E[log D(G(z))] on fresh examples: before the game, then in each epoch."""
    digits: Samples
    """Some of the data."""
    samples: Samples
    """As many samples, after the last epoch."""


class Original2014(AbstractExperiment):
    """D descends -V/2 and G -E[log D(G(z))], which are both log 2 at a tie; the code of Goodfellow et al. 2014.

    Both step at once, on one minibatch of 100 and one noise, and G sees D through D's own dropout; while the rate
    falls, the momentum rises. The numbers are those of the MNIST run, which itself is not here, as no data are
    downloaded: its game is played on scikit-learn's digits of 8 x 8 pixels, scaled to [0, 1], with players of the same
    widths. What to see: D's weights start within 0.005 of 0, so that D says 1/2 to everything for forty epochs; then it
    wakes and beats G at once, and all samples become one. The trap: objectives of log 2 can also mean a D that sleeps.
    On longer games see docs/explanation/mnist-2014.md.
    """

    @cached_property
    def played(self) -> Played:
        """The short game."""
        return _play(jr.split(jr.key(self.seed))[0])

    def claims(self) -> Iterator[Claim]:
        """The system to the letter, then what its first epochs must show."""
        key_players, key_maxout, key_dropout = jr.split(jr.split(jr.key(self.seed))[1], 3)
        means = jnp.linspace(0, 1, MNIST_PIXELS)
        D, G = _players(key_players, means)
        sizes = float(_size(G) + _size(D))
        yield Claim(
            "Parameters: 2,503,984 of G and 1,231,441 of D",
            2_503_984.0 + 1_231_441.0,
            sizes,
            0.0,
        )
        yield Claim("Rate after 125,000 minibatches", 0.06065, float(rate(125_000)), 5e-6)
        yield Claim(
            "Momentum after 249 epochs", 0.7, float(momentum(MNIST_EPOCH, 124_500)), 1e-6
        )
        off = float(abs(G(jnp.zeros(P_Z.shape)) - means).max())
        yield Claim("G(0) less the means of the pixels, greatest", 0.0, off, 1e-6)
        yield Claim(
            "Maxout: units that one linear map moves, at most",
            1.0,
            _units_moved(key_maxout),
            0.0,
        )
        yield Claim.of_mean(
            "Dropout: mean output, in multiples of that without", 1.0, _dropped(key_dropout)
        )
        objectives = self.played.objectives
        off = float(abs(objectives[: ASLEEP * LOOKS + 1] - math.log(2)).max())
        yield Claim("Epochs 1 to 20: objectives less log 2, greatest, nats", 0.0, off, 2e-3)
        awake = float(np.median(objectives[AWAKE * LOOKS + 1 :, 0]))
        yield Claim("Epochs 49 to 54: objective_d, median, nats", AHEAD, awake, 0.0, "<=")

    def figure(self) -> Figure:
        """Both objectives over the minibatches; digits and samples."""
        figure = Figure(figsize=(8.4, 3.8), layout="constrained")
        panels = figure.subplot_mosaic(
            [["objectives", "digits"], ["objectives", "samples"]], width_ratios=(2.4, 1)
        )
        axes = panels["objectives"]
        minibatches = EPOCH // LOOKS * np.arange(EPOCHS * LOOKS + 1)
        names = "objective_d, -V/2", "objective_g, -E[log D(G(z))]"
        for values, colour, name in zip(
            self.played.objectives.T, (DATA, SAMPLES), names, strict=True
        ):
            axes.semilogy(minibatches, values, color=colour, linewidth=STRONG, label=name)
        axes.axhline(math.log(2), label="log 2, a tie", **GOAL)
        axes.set(xlabel="minibatch", ylabel="nats")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left", frameon=False)
        for name in ("digits", "samples"):
            rows = getattr(self.played, name)
            panels[name].imshow(_sheet(rows), cmap="gray", vmin=0, vmax=1)
            panels[name].set_title(
                name if name == "digits" else f"samples after {EPOCHS} epochs",
                fontsize="medium",
            )
            panels[name].set_axis_off()
        return figure


def _players(key: PRNGKey, means: Float[Array, "..."]) -> tuple[MLP, MLP]:
    key_D, key_G = jr.split(key)
    return discriminator(key_D, means.shape), generator(key_G, means)


def _play(key: PRNGKey) -> Played:
    key_players, key_game, key_looks, key_samples = jr.split(key, 4)
    digits = jnp.asarray(Digits.rows() / 16, jnp.float32)
    rules = game(Empirical(digits))
    state = init(rules, *_players(key_players, digits.mean(axis=0)))
    looks = [costs(jr.fold_in(key_looks, 0), rules, state, SEEN)]

    def watch(t, state, info):
        return looks.append(costs(jr.fold_in(key_looks, t), rules, state, SEEN))

    state = train(key_game, rules, state, EPOCHS * EPOCH, watch=watch, every=EPOCH // LOOKS)
    samples = Pushforward(state.G, P_Z).sample(key_samples, SIDE**2)
    return Played(np.array(looks), digits[: SIDE**2], samples)


def _size(net: MLP) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(net, eqx.is_inexact_array)))


def _units_moved(key: PRNGKey) -> float:
    """The most units of a maxout layer whose value changes when the bias of one linear map is raised far up."""
    D = discriminator(key, (MNIST_PIXELS,))
    width, pieces = D.weights[-1].shape[0], D.pieces
    net = MLP(
        key, D.in_shape, (width,), width=width, depth=1, activation=D.activation, pieces=pieces
    )
    layer = eqx.tree_at(lambda net: net.weights[-1], net, jnp.eye(width))

    def units(bias):
        return eqx.tree_at(lambda net: net.biases[0], layer, bias)(jnp.ones(MNIST_PIXELS))

    still = units(jnp.zeros(width * pieces))
    moved = jax.vmap(lambda bias: jnp.sum(units(bias) != still))(1000 * jnp.eye(width * pieces))
    return float(moved.max())


def _dropped(key: PRNGKey) -> Float[np.ndarray, " draws"]:
    """The output of linear layers of positive weights under D's dropout, draw by draw, divided by that without."""
    key_net, key_drops = jr.split(key)
    D = discriminator(key_net, (MNIST_PIXELS,))
    net = MLP(
        key_net,
        D.in_shape,
        (),
        width=D.weights[-1].shape[0],
        activation="linear",
        dropout=D.dropout,
    )
    net, x = jax.tree.map(jnp.abs, net), jnp.ones(MNIST_PIXELS)
    return np.asarray(
        jax.vmap(lambda key: net(x, key=key))(jr.split(key_drops, DROPS)) / net(x)
    )


def _sheet(rows: Samples) -> Float[np.ndarray, "height width"]:
    """Images of 8 x 8 in a square, a line apart."""
    tiles = np.pad(
        np.asarray(rows).reshape(SIDE, SIDE, 8, 8),
        ((0, 0), (0, 0), (0, 1), (0, 1)),
        constant_values=1.0,
    )
    return tiles.swapaxes(1, 2).reshape(9 * SIDE, 9 * SIDE)
