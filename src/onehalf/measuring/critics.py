"""A fresh critic, judged on rows that it has not seen."""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Float

from onehalf._arrays import PRNGKey
from onehalf.losses import value
from onehalf.nets.mlp import MLP, waves, with_waves

__all__ = ["HeldOut", "held_out"]

Rows = Float[Array, "_ ..."]
Pair = tuple[Rows, Rows]
"""Rows of the one kind, and of the other."""

FOLDS, ROUNDS, EVERY, BATCH = 5, 600, 15, 256
"""Folds of the rows; steps of the critic; how often it is tried on the stopping rows; its minibatch."""

TRUST = (1.0, 0.5, 0.25)
"""What its logits may be multiplied by: a critic of few rows is too sure of itself."""

WAVES = 4
"""Waves that its input gains in each entry: without them it is blind to differences far narrower than the data."""


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

    The rows are laid in five folds (fewer if there are fewer rows). On three of them a small MLP learns to tell real
    from other, the fourth says at which step to stop and by how much to trust it (step 0, where D = 1/2 and the value
    is 0, is among the choices), and the fifth judges; in turn, so that each row is judged once, by a critic that it had
    no part in.

    >>> x, y = jr.normal(jr.key(0), (2, 3000, 1))
    >>> held_out(jr.key(1), np.asarray(x), np.asarray(y + 4))       # the true JSD is 0.633
    HeldOut(jsd=0.6..., se=0.0...)
    """
    key_real, key_other, key_critics = jr.split(key, 3)
    count = min(FOLDS, len(real), len(other))
    shape = (count, min(len(real), len(other)) // count)
    folds = _folds(key_real, real, shape), _folds(key_other, other, shape)
    gains = np.asarray(_judged(key_critics, *folds), dtype=np.float64).ravel()
    return HeldOut(float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains))))


def _folds(key: PRNGKey, rows: Float[np.ndarray, "n ..."], shape: tuple[int, int]) -> Float[Array, "folds size ..."]:
    order = np.asarray(jr.permutation(key, len(rows)))[: math.prod(shape)]
    return jnp.asarray(rows[order].reshape(*shape, *rows.shape[1:]))


@eqx.filter_jit
def _judged(key: PRNGKey, real: Rows, other: Rows) -> Float[Array, "folds size"]:
    """(log D(x) + log(1 - D(y)) + log 4)/2 of each pair of rows, by a critic of the other folds."""
    vectors = waves(WAVES * real[0, 0].size, real[0, 0].size, finest=50.0)
    real, other = (jax.vmap(jax.vmap(lambda x: with_waves(vectors, x.ravel())))(rows) for rows in (real, other))

    def roles(rows: Rows) -> tuple[Rows, Rows, Rows]:
        # turn i brings fold j + i to place j: critic j learns from folds j, j + 1, j + 2, stops by j + 3, judges j + 4
        *learn, stop, judge = [jnp.roll(rows, -i, axis=0) for i in range(len(rows))]
        return jnp.concatenate(learn, axis=1), stop, judge

    return jax.vmap(_critic)(jr.split(key, len(real)), *zip(roles(real), roles(other), strict=True))


def _critic(key: PRNGKey, learn: Pair, stop: Pair, judge: Pair) -> Float[Array, " size"]:
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
        now, *best = carry
        now, _ = jax.lax.scan(step, now, keys)
        d_x, d_y = jax.vmap(now[0])(stop[0]), jax.vmap(now[0])(stop[1])
        values = jnp.stack([value(trust * d_x, trust * d_y) for trust in TRUST])
        here = [now[0], jnp.asarray(TRUST)[values.argmax()], values.max()]
        best = jax.tree.map(lambda new, old: jnp.where(here[2] > best[2], new, old), here, best)
        return (now, *best), None

    start = ((critic, optimiser.init(critic)), critic, jnp.asarray(1.0), jnp.asarray(-math.log(4)))
    (_, best, trust, _), _ = jax.lax.scan(steps, start, jr.split(key_batches, (ROUNDS // EVERY, EVERY)))
    d_x, d_y = trust * jax.vmap(best)(judge[0]), trust * jax.vmap(best)(judge[1])
    return (math.log(4) - jax.nn.softplus(-d_x) - jax.nn.softplus(d_y)) / 2
