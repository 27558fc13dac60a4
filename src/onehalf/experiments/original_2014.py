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
import optax
from jaxtyping import Array, ArrayLike, Float
from matplotlib.figure import Figure

from onehalf._arrays import PRNGKey, Samples, Scalar
from onehalf.data import Digits
from onehalf.data.arrays import Empirical
from onehalf.data.base import Latent, Pushforward
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.losses import NonSaturating
from onehalf.nets import MLP
from onehalf.plots.drawing import DATA, GOAL, SAMPLES, STRONG
from onehalf.training import Game, State, init, train

__all__ = ["Original2014", "momentum", "optimiser", "players", "rate"]

MNIST_PIXELS, MNIST_EPOCH = 784, 500
"""Pixels of a digit; minibatches in an epoch."""

EPOCH, EPOCHS, ASLEEP, AWAKE, LOOKS = 18, 28, 10, 24, 3
"""Minibatches in an epoch of the 1,797 digits; epochs, of which D sleeps for 10 or more, but not 24; looks in one."""

AHEAD = 0.5
"""Nats of objective_d that a D has which is awake and ahead of G; log 2 = 0.693 is a tie."""

M, SEEN, SIDE, DROPS = 100, 250, 5, 4000
"""Examples in a minibatch, and in a look; digits along a side of a sheet; draws of dropout."""

P_Z = Latent(uniform=100)
WIDTH, PIECES, DROPOUT = 240, 5, (0.2, 0.5)


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
    widths. (The one difference: minibatches are drawn with replacement.) What to see: D's weights start within 0.005 of
    0, so that D says 1/2 to everything for twenty epochs; then it wakes, beats G at once, and all samples become
    one. The trap: objectives of log 2 can also mean a D that sleeps.
    """

    @cached_property
    def played(self) -> Played:
        """The short game."""
        return _play(jr.split(jr.key(self.seed))[0])

    def claims(self) -> Iterator[Claim]:
        """The system to the letter, then what its first epochs must show."""
        key_players, key_maxout, key_dropout = jr.split(jr.split(jr.key(self.seed))[1], 3)
        means = jnp.linspace(0, 1, MNIST_PIXELS)
        D, G = players(key_players, means)
        sizes = float(_size(G) + _size(D))
        yield Claim("Parameters: 2,503,984 of G and 1,231,441 of D", 2_503_984.0 + 1_231_441.0, sizes, 0.0)
        yield Claim("Rate after 125,000 minibatches", 0.06065, float(rate(125_000)), 5e-6)
        yield Claim("Momentum after 249 epochs", 0.7, float(momentum(MNIST_EPOCH, 124_500)), 1e-6)
        off = float(abs(G(jnp.zeros(P_Z.shape)) - means).max())
        yield Claim("G(0) less the means of the pixels, greatest", 0.0, off, 1e-6)
        yield Claim("Maxout: units that one linear map moves, at most", 1.0, _units_moved(key_maxout), 0.0)
        yield Claim.of_mean("Dropout: mean output, in multiples of that without", 1.0, _dropped(key_dropout))
        objectives = self.played.objectives
        off = float(abs(objectives[: ASLEEP * LOOKS + 1] - math.log(2)).max())
        yield Claim("Epochs 1 to 10: objectives less log 2, greatest, nats", 0.0, off, 2e-3)
        awake = float(np.median(objectives[AWAKE * LOOKS + 1 :, 0]))
        yield Claim("Epochs 25 to 28: objective_d, median, nats", AHEAD, awake, 0.0, "<=")

    def figure(self) -> Figure:
        """Both objectives over the minibatches; digits and samples."""
        figure = Figure(figsize=(8.4, 3.8), layout="constrained")
        panels = figure.subplot_mosaic([["objectives", "digits"], ["objectives", "samples"]], width_ratios=(2.4, 1))
        axes = panels["objectives"]
        minibatches = EPOCH // LOOKS * np.arange(EPOCHS * LOOKS + 1)
        names = "objective_d, -V/2", "objective_g, -E[log D(G(z))]"
        for values, colour, name in zip(self.played.objectives.T, (DATA, SAMPLES), names, strict=True):
            axes.semilogy(minibatches, values, color=colour, linewidth=STRONG, label=name)
        axes.axhline(math.log(2), label="log 2, a tie", **GOAL)
        axes.set(xlabel="minibatch", ylabel="nats")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left", frameon=False)
        for name in ("digits", "samples"):
            rows = getattr(self.played, name)
            panels[name].imshow(_sheet(rows), cmap="gray", vmin=0, vmax=1)
            panels[name].set_title(name if name == "digits" else f"samples after {EPOCHS} epochs", fontsize="medium")
            panels[name].set_axis_off()
        return figure


def rate(t: ArrayLike) -> Scalar:
    """0.1/1.000004^t, for both players, and no less than 1e-6."""
    # not 1.000004**t: in float32 that number is 1.0000041, and the power wrong by 1 % after 125,000 minibatches
    return jnp.maximum(0.1 * jnp.exp(-math.log1p(4e-6) * jnp.asarray(t, jnp.float32)), 1e-6)


def momentum(epoch: int, t: ArrayLike) -> Scalar:
    """0.5 in the first epoch of so many minibatches, 0.7 in the 250th and after, and linear in between."""
    return 0.5 + 0.2 * jnp.minimum(jnp.floor(jnp.asarray(t, jnp.float32) / epoch) / 249, 1.0)


def optimiser(epoch: int) -> optax.GradientTransformation:
    """Classical momentum: increment = momentum * increment - rate * gradient, and the parameters move by it."""
    trace = optax.inject_hyperparams(optax.trace)(decay=lambda t: momentum(epoch, t))
    return optax.chain(optax.scale_by_learning_rate(rate), trace)


def players(key: PRNGKey, pixel_means: Float[Array, " pixels"]) -> tuple[MLP, MLP]:
    """D and G of the MNIST run, for images of any size; G's last biases are the logits of the pixels' means."""
    key_D, key_G = jr.split(key)
    D = MLP(key_D, pixel_means.shape, (), width=WIDTH, activation="maxout", pieces=PIECES, dropout=DROPOUT, init=0.005)
    G = MLP(key_G, P_Z.shape, pixel_means.shape, width=1200, activation="relu", out_activation="sigmoid", init=0.05)
    inside = jnp.clip(pixel_means, 1e-7, 1 - 1e-7)
    return D, eqx.tree_at(lambda G: G.biases[-1], G, jnp.log(inside) - jnp.log1p(-inside))


def _play(key: PRNGKey) -> Played:
    key_players, key_game, key_looks, key_samples = jr.split(key, 4)
    p_data = Empirical(jnp.asarray(Digits.rows().reshape(-1, 64) / 16, jnp.float32))
    momentum_D, momentum_G = optimiser(EPOCH), optimiser(EPOCH)
    game = Game(p_data, P_Z, NonSaturating(), (), momentum_D, momentum_G, m=M, schedule="simultaneous")
    state = init(game, *players(key_players, p_data.x.mean(axis=0)))
    looks = [_look(jr.fold_in(key_looks, 0), game, state)]
    watch = lambda t, state, info: looks.append(_look(jr.fold_in(key_looks, t), game, state))  # noqa: E731
    state = train(key_game, game, state, EPOCHS * EPOCH, watch=watch, every=EPOCH // LOOKS)
    samples = Pushforward(state.G, P_Z).sample(key_samples, SIDE**2)
    return Played(np.array(looks), p_data.x[: SIDE**2], samples)


@eqx.filter_jit
def _look(key: PRNGKey, game: Game, state: State) -> tuple[Scalar, Scalar]:
    """Both objectives, through D's dropout, as the players see them."""
    key_x, key_z, key_d = jr.split(key, 3)
    x, Gz = game.p_data.sample(key_x, SEEN), Pushforward(state.G, P_Z).sample(key_z, SEEN)
    d = jax.vmap(lambda x, key: state.D(x, key=key))(jnp.concatenate([x, Gz]), jr.split(key_d, 2 * SEEN))
    return game.V.loss_D(d[:SEEN], d[SEEN:]) / 2, game.V.loss_G(d[:SEEN], d[SEEN:])


def _size(net: MLP) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(net, eqx.is_inexact_array)))


def _units_moved(key: PRNGKey) -> float:
    """The most units of a maxout layer whose value changes when the bias of one linear map is raised far up."""
    net = MLP(key, (MNIST_PIXELS,), (WIDTH,), width=WIDTH, depth=1, activation="maxout", pieces=PIECES)
    layer = eqx.tree_at(lambda net: net.weights[-1], net, jnp.eye(WIDTH))
    units = lambda bias: eqx.tree_at(lambda net: net.biases[0], layer, bias)(jnp.ones(MNIST_PIXELS))  # noqa: E731
    still = units(jnp.zeros(WIDTH * PIECES))
    moved = jax.vmap(lambda bias: jnp.sum(units(bias) != still))(1000 * jnp.eye(WIDTH * PIECES))
    return float(moved.max())


def _dropped(key: PRNGKey) -> Float[np.ndarray, " draws"]:
    """The output of linear layers of positive weights under D's dropout, draw by draw, divided by that without."""
    key_net, key_drops = jr.split(key)
    net = MLP(key_net, (MNIST_PIXELS,), (), width=WIDTH, activation="linear", dropout=DROPOUT)
    net, x = jax.tree.map(jnp.abs, net), jnp.ones(MNIST_PIXELS)
    return np.asarray(jax.vmap(lambda key: net(x, key=key))(jr.split(key_drops, DROPS)) / net(x))


def _sheet(rows: Samples) -> Float[np.ndarray, "height width"]:
    """Images of 8 x 8 in a square, a line apart."""
    tiles = np.pad(np.asarray(rows).reshape(SIDE, SIDE, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    return tiles.swapaxes(1, 2).reshape(9 * SIDE, 9 * SIDE)
