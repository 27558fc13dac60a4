"""The MNIST experiment of Goodfellow et al. 2014, to the letter: its players, its costs, its schedules.

All numbers are those of the authors' code (github.com/goodfeli/adversarial, mnist.yaml); docs/explanation/mnist-2014.md
shows the results.
"""

import dataclasses
import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Float

from onehalf._typing import Logits, PRNGKey, Scalar
from onehalf.data.arrays.scaler import ArrayScaler, Rows
from onehalf.data.images.properties import pixel_limits
from onehalf.distributions.base import Latent, Pushforward
from onehalf.distributions.empirical import Empirical
from onehalf.losses import Minimax, NonSaturating
from onehalf.nets.mlp import MLP
from onehalf.training import Game, State

__all__ = [
    "EPOCHS",
    "P_Z",
    "M",
    "costs",
    "discriminator",
    "game",
    "generator",
    "momentum",
    "optimiser",
    "pixels",
    "rate",
]

M = 100
"""Examples in a minibatch."""

EPOCHS = 250
"""Epochs until the momentum has risen. The code itself never stops."""

P_Z = Latent(uniform=100)
"""Of variance 1, as all noise here: U(-sqrt 3, sqrt 3)."""


class Costs(NonSaturating):
    """D descends -V/2 and G -E[log D(G(z))], as in the code; both are log 2 at a tie.

    >>> Costs().at_tie()
    (0.6931, 0.6931)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-V/2."""
        return super().loss_D(d_x, d_Gz) / 2


def pixels(rows: Rows) -> ArrayScaler:
    """ArrayScaler in which players see these rows between 0 and 1, whatever their shape.

    Integers are divided by the largest possible one, the least of 1, 16, 255 and 65,535 that none exceeds; floats
    in [0, 1] stay; of anything else the least becomes 0 and the greatest 1.

    >>> pixels(np.array([[0, 200]], np.uint8)).transform(np.array([[51, 255]], np.uint8))
    array([[0.2, 1. ]], dtype=float32)
    """
    units, (black, white) = ArrayScaler.fit(rows), pixel_limits(rows)
    whole = np.logical_and.reduce(units.whole, axis=None)
    return ArrayScaler(
        float(black), float(white - black) or 1.0, whole, rows.min(), rows.max(), rows.dtype.str
    )


def rate(t: ArrayLike) -> Scalar:
    """0.1/1.000004^t, for both players, and no less than 1e-6.

    >>> round(float(rate(125_000)), 5)
    0.06065
    """
    # not 1.000004**t: in float32 that number is 1.0000041, and the power wrong by 0.7 % after 125,000 minibatches
    return jnp.maximum(0.1 * jnp.exp(-math.log1p(4e-6) * jnp.asarray(t, jnp.float32)), 1e-6)


def momentum(epoch: float, t: ArrayLike) -> Scalar:
    """0.5 in the first epoch (of `epoch` minibatches), 0.7 in the 250th and after, and linear in between.

    >>> round(float(momentum(500, 124_500)), 3)
    0.7
    """
    played = jnp.floor(jnp.asarray(t, jnp.float32) / epoch)
    return 0.5 + 0.2 * jnp.minimum(played / (EPOCHS - 1), 1.0)


@functools.cache
def optimiser(epoch: float) -> optax.GradientTransformation:
    """Classical momentum: increment = momentum * increment - rate * gradient, and the parameters move by it."""
    trace = optax.inject_hyperparams(optax.trace)(decay=lambda t: momentum(epoch, t))
    return optax.chain(optax.scale_by_learning_rate(rate), trace)


def discriminator(key: PRNGKey, shape: tuple[int, ...]) -> MLP:
    """D, for images of any shape: twice 240 units, each the greatest of 5 linear maps, under dropout."""
    return MLP(
        key, shape, (), width=240, activation="maxout", pieces=5, dropout=(0.2, 0.5), init=0.005
    )


def generator(key: PRNGKey, means: Float[Array, "..."]) -> MLP:
    """G, for images of any shape: twice 1200 units, and last biases that are the logits of the pixels' means."""
    G = MLP(
        key,
        P_Z.shape,
        means.shape,
        width=1200,
        activation="relu",
        out_activation="sigmoid",
        init=0.05,
    )
    inside = jnp.clip(means.ravel(), 1e-7, 1 - 1e-7)
    return eqx.tree_at(lambda G: G.biases[-1], G, jnp.log(inside) - jnp.log1p(-inside))


def game(p_data: Empirical, schedule: str = "simultaneous") -> Game:
    """The rules on pixels in [0, 1]: `simultaneous`, as in the code; `alternating`, Algorithm 1 as it is printed.

    In the code both players step at once, on one minibatch and one noise, and G through D's dropout. Algorithm 1 lets D
    ascend V, and not V/2, and then G descend E[log(1 - D(G(z)))] on fresh noise.
    """
    both = optimiser(len(p_data) / M)
    V = Costs() if schedule == "simultaneous" else Minimax()
    # the rows alone: the code does not spread whole numbers over their cells
    return Game(
        dataclasses.replace(p_data, step=None),
        P_Z,
        V,
        (),
        both,
        both,
        m=M,
        schedule=schedule,
        average=0.0,
        epochs=True,
    )


@eqx.filter_jit
def costs(key: PRNGKey, game: Game, state: State, n: int) -> tuple[Scalar, Scalar]:
    """-V/2 and -E[log D(G(z))] on n fresh examples of each, in nats, through D's dropout, as the players see them."""
    key_x, key_z, key_d = jr.split(key, 3)
    x, Gz = game.p_data.sample(key_x, n), Pushforward(state.G, game.p_z).sample(key_z, n)
    d = jax.vmap(lambda x, key: state.D(x, key=key))(
        jnp.concatenate([x, Gz]), jr.split(key_d, 2 * n)
    )
    return Costs().loss_D(d[:n], d[n:]), Costs().loss_G(d[:n], d[n:])
