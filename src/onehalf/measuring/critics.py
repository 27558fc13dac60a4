"""A fresh critic, judged on rows that it has not seen."""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Float

from onehalf._arrays import PRNGKey, Samples
from onehalf.losses import value
from onehalf.nets.mlp import MLP, with_waves

__all__ = ["HeldOut", "held_out"]

Pair = tuple[Samples, Samples]
"""Rows of the one kind, and of the other."""

ROUNDS, EVERY, BATCH = 600, 30, 256
"""Steps of the critic; how often it is compared on the stopping rows; its minibatch."""

WAVES = tuple(2 * math.pi * periods for periods in (1, 2, 4, 8))
"""Radians a unit of the waves that its input gains in each entry: without them it is blind to differences far narrower
than the data."""


class HeldOut(NamedTuple):
    """What a critic made of rows that it had not seen, in nats.

    `jsd` is (V + log 4)/2 on those rows. Its expectation is at most JSD(p_data, p_g), whatever the critic, so it is an
    estimate from below; it is not a guarantee, and no small value shows that the two are close. `se` is its standard
    error over rows.
    """

    jsd: float
    se: float


def held_out(key: PRNGKey, real: Float[np.ndarray, "n ..."], other: Float[np.ndarray, "m ..."]) -> HeldOut:
    """(V + log 4)/2 of a fresh critic on held-out rows, an estimate from below of JSD(real, other) in nats.

    The rows are laid in three folds. On each fold a small MLP learns to tell real from other, a second fold says at
    which step to stop (step 0, where D = 1/2 and the value is 0, is among the choices), and the third judges: each row
    is judged once, by a critic that it had no part in.

    >>> x, y = jr.normal(jr.key(0), (2, 3000, 1))
    >>> held_out(jr.key(1), np.asarray(x), np.asarray(y + 4))       # the true JSD is 0.633
    HeldOut(jsd=0.6..., se=0.0...)
    """
    key_real, key_other, key_critics = jr.split(key, 3)
    size = min(len(real), len(other)) // 3
    folds = _folds(key_real, real, size), _folds(key_other, other, size)
    gains = np.asarray(_judged(key_critics, *folds), dtype=np.float64).ravel()
    return HeldOut(float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains))))


def _folds(key: PRNGKey, rows: Float[np.ndarray, "n ..."], size: int) -> Float[jax.Array, "3 size ..."]:
    order = np.asarray(jr.permutation(key, len(rows)))[: 3 * size]
    return jnp.asarray(rows[order].reshape(3, size, *rows.shape[1:]))


@eqx.filter_jit
def _judged(key: PRNGKey, real: Samples, other: Samples) -> Float[jax.Array, "3 size"]:
    """For each judging row pair, (log D(x) + log(1 - D(y)) + log 4)/2; fold i learns, i+1 stops, i+2 judges."""
    vectors = jnp.concatenate([length * jnp.eye(real[0, 0].size) for length in WAVES])
    real, other = (jax.vmap(jax.vmap(lambda x: with_waves(vectors, x.ravel())))(rows) for rows in (real, other))
    learn_stop_judge = [(jnp.roll(real, -i, axis=0), jnp.roll(other, -i, axis=0)) for i in range(3)]
    return jax.vmap(_critic)(jr.split(key, 3), *learn_stop_judge)


def _critic(key: PRNGKey, learn: Pair, stop: Pair, judge: Pair) -> Float[jax.Array, " size"]:
    key_net, key_batches = jr.split(key)
    critic = MLP(key_net, learn[0].shape[1:], (), width=64)
    # the zero network: D = 1/2 everywhere, the value 0
    critic = eqx.tree_at(lambda net: net.weights[-1], critic, replace_fn=jnp.zeros_like)
    optimiser = optax.adamw(3e-3, weight_decay=1e-2)
    batch = min(BATCH, len(learn[0]))

    def step(carry, key):
        critic, memory = carry
        key_x, key_y = jr.split(key)
        x = learn[0][jr.randint(key_x, (batch,), 0, len(learn[0]))]
        y = learn[1][jr.randint(key_y, (batch,), 0, len(learn[1]))]
        gradient = eqx.filter_grad(lambda net: -value(jax.vmap(net)(x), jax.vmap(net)(y)))(critic)
        updates, memory = optimiser.update(gradient, memory, critic)
        return (eqx.apply_updates(critic, updates), memory), None

    def steps(carry, keys):
        now, best, best_value = carry
        now, _ = jax.lax.scan(step, now, keys)
        now_value = value(jax.vmap(now[0])(stop[0]), jax.vmap(now[0])(stop[1]))
        better = now_value > best_value
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), now[0], best)
        return (now, best, jnp.maximum(now_value, best_value)), None

    start = ((critic, optimiser.init(critic)), critic, jnp.asarray(-math.log(4)))
    (_, best, _), _ = jax.lax.scan(steps, start, jr.split(key_batches, (ROUNDS // EVERY, EVERY)))
    d_x, d_y = jax.vmap(best)(judge[0]), jax.vmap(best)(judge[1])
    return (math.log(4) - jax.nn.softplus(-d_x) - jax.nn.softplus(d_y)) / 2
