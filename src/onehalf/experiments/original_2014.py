"""The players and the numbers of 2014, and the first epochs of their game on small digits."""

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
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG, hide_spines
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
from onehalf.training import init, iterate

__all__ = ["Original2014"]

MNIST_PIXELS = 784
"""Pixels of a digit."""
MNIST_EPOCH = 500
"""Minibatches in an epoch."""

EPOCH = 18
"""Minibatches in an epoch of the 1,797 digits."""
EPOCHS = 54
"""Epochs of the short game."""
ASLEEP_UNTIL = 20
"""Until this epoch, at least, D is 1/2 everywhere."""
AWAKE_FROM = 48
"""After this epoch, at the latest, D does not."""
EVALUATIONS = 3
"""Evaluations in an epoch."""

LEAD = 0.5
"""objective_d, in nats, below which D is ahead of G; log 2 = 0.693 is a tie."""

EXAMPLES = 250
"""Examples in an evaluation."""
SIDE = 5
"""Digits along a side of a sheet."""
DROPOUT_DRAWS = 4000
"""Draws of the dropout mask."""


class History(NamedTuple):
    """The short game."""

    objectives: Float[np.ndarray, "evaluations 2"]
    """objective_d = -V/2 and objective_g = -E[log D(G(z))], on fresh examples."""
    digits: Samples
    """Some of the data."""
    samples: Samples
    """As many samples, after the last epoch."""


class Original2014(AbstractExperiment):
    """D descends -V/2 and G -E[log D(G(z))], which are both log 2 at a tie; the code of Goodfellow et al. 2014.

    Both step at once, on one minibatch of 100 and one noise, and G sees D through D's own
    dropout; while the rate falls, the momentum rises. The numbers are those of the MNIST run,
    which itself is not here, as no data are downloaded: its game is played on scikit-learn's
    digits of 8 x 8 pixels, scaled to [0, 1], with players of the same widths. What to see: D's
    weights start within 0.005 of 0, so that D is 1/2 everywhere for forty epochs; then it
    wakes and beats G at once, and all samples become one. The trap: objectives of log 2 can
    also mean a D that sleeps. On longer games see docs/explanation/mnist-2014.md.
    """

    @cached_property
    def history(self) -> History:
        """The short game."""
        return _play(jr.split(jr.key(self.seed))[0])

    def claims(self) -> Iterator[Claim]:
        """The system to the letter, then what its first epochs must show."""
        key_players, key_maxout, key_dropout = jr.split(jr.split(jr.key(self.seed))[1], 3)
        means = jnp.linspace(0, 1, MNIST_PIXELS)
        D, G = _players(key_players, means)
        sizes = float(_count_parameters(G) + _count_parameters(D))
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
            _count_moved_units(key_maxout),
            0.0,
        )
        yield Claim.from_mean(
            "Dropout: mean output, in multiples of that without",
            1.0,
            _sample_dropout_ratios(key_dropout),
        )
        objectives = self.history.objectives
        off = float(abs(objectives[: ASLEEP_UNTIL * EVALUATIONS + 1] - math.log(2)).max())
        yield Claim("Epochs 1 to 20: objectives less log 2, greatest, nats", 0.0, off, 2e-3)
        awake = float(np.median(objectives[AWAKE_FROM * EVALUATIONS + 1 :, 0]))
        yield Claim("Epochs 49 to 54: objective_d, median, nats", LEAD, awake, 0.0, "<=")

    def figure(self) -> Figure:
        """Both objectives over the minibatches; digits and samples."""
        figure = Figure(figsize=(8.4, 3.8), layout="constrained")
        panels = figure.subplot_mosaic(
            [["objectives", "digits"], ["objectives", "samples"]], width_ratios=(2.4, 1)
        )
        axes = panels["objectives"]
        minibatches = EPOCH // EVALUATIONS * np.arange(EPOCHS * EVALUATIONS + 1)
        names = "objective_d, -V/2", "objective_g, -E[log D(G(z))]"
        for values, colour, name in zip(
            self.history.objectives.T, (DATA, SAMPLES), names, strict=True
        ):
            axes.semilogy(minibatches, values, color=colour, linewidth=STRONG, label=name)
        axes.axhline(math.log(2), label="log 2, a tie", **GOAL)
        axes.set(xlabel="minibatch", ylabel="nats")
        hide_spines(axes)
        axes.legend(loc="upper left", frameon=False)
        for name in ("digits", "samples"):
            rows = getattr(self.history, name)
            panels[name].imshow(_tile(rows), cmap="gray", vmin=0, vmax=1)
            panels[name].set_title(
                name if name == "digits" else f"samples after {EPOCHS} epochs",
                fontsize="medium",
            )
            panels[name].set_axis_off()
        return figure


def _players(key: PRNGKey, means: Float[Array, "..."]) -> tuple[MLP, MLP]:
    key_D, key_G = jr.split(key)
    return discriminator(key_D, means.shape), generator(key_G, means)


def _play(key: PRNGKey) -> History:
    key_players, key_game, key_evaluations, key_samples = jr.split(key, 4)
    digits = jnp.asarray(Digits.rows() / 16, jnp.float32)
    rules = game(Empirical(digits))
    state = init(rules, *_players(key_players, digits.mean(axis=0)))
    evaluations = [costs(jr.fold_in(key_evaluations, 0), rules, state, EXAMPLES)]
    every = EPOCH // EVALUATIONS
    for state, _ in iterate(key_game, rules, state, EPOCHS * EPOCH, every=every):  # noqa: B020
        key_costs = jr.fold_in(key_evaluations, state.t)
        evaluations.append(costs(key_costs, rules, state, EXAMPLES))
    samples = Pushforward(state.G, P_Z).sample(key_samples, SIDE**2)
    return History(np.array(evaluations), digits[: SIDE**2], samples)


def _count_parameters(net: MLP) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(net, eqx.is_inexact_array)))


def _count_moved_units(key: PRNGKey) -> float:
    """Count the maxout units that change when one linear map's bias is raised, at most."""
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


def _sample_dropout_ratios(key: PRNGKey) -> Float[np.ndarray, " draws"]:
    """Draw linear layers' output under D's dropout, relative to that without dropout."""
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
        jax.vmap(lambda key: net(x, key=key))(jr.split(key_drops, DROPOUT_DRAWS)) / net(x)
    )


def _tile(rows: Samples) -> Float[np.ndarray, "height width"]:
    """Images of 8 x 8 in a square, a line apart."""
    tiles = np.pad(
        np.asarray(rows).reshape(SIDE, SIDE, 8, 8),
        ((0, 0), (0, 0), (0, 1), (0, 1)),
        constant_values=1.0,
    )
    return tiles.swapaxes(1, 2).reshape(9 * SIDE, 9 * SIDE)
