"""Critics that are nets: MLPs of rows and convolutions of pictures, one for each fold that is left out.

Each begins at D = 1/2 and is kept as at the best try on the rows that it left out.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from onehalf._typing import Keys, PRNGKey, Scalar
from onehalf.losses import value
from onehalf.nets.base import AbstractNet
from onehalf.nets.convolutional import ConvolutionalD
from onehalf.nets.mlp import MLP

__all__ = ["LEAST", "Fold", "Member", "Rows", "convolutions", "networks"]

Rows = Float[np.ndarray, "_ columns"]
Pictures = Float[np.ndarray, "_ h w colours"]
Fold = Int[np.ndarray, " n"]
FoldLogits = Float[np.ndarray, "_ folds"]
Member = Callable[[np.ndarray], FoldLogits]
"""From rows, as the member sees them, to the logits of its fits, a column each."""

LEAST = 100
"""With fewer rows than this in a pile nets learn nothing that holds."""

WIDTH, BATCH, RATE, DECAY, KEEP = 64, 256, 3e-3, 1e-2, 0.98
"""The nets' hidden width, minibatch of each pile, AdamW's rate and decay, and what their average keeps each step."""

EVERY, PATIENCE, STEPS, STOP_ROWS = 20, 20, 1600, 1024
"""Steps between tries on the rows left out; tries without a new best that end the learning; most steps, most rows."""

CHANNELS, PICTURE_BATCH, PICTURE_STEPS, PICTURE_PATIENCE, PICTURE_STOP = 8, 32, 300, 5, 512
"""The same of nets of convolutions: their width, minibatch of each pile, most steps, tries, and rows of a try."""

PICTURES, AT_ONCE = 2**25, 256
"""They learn from at most so many pixels of each pile, and judge so many pictures at a time."""


class _Job(NamedTuple):
    """Where a net's rows are in the table: those it learns from, and those it is tried on, and how many of each."""

    x: Int[Array, " learn"]
    y: Int[Array, " learn"]
    n: Int[Array, ""]
    stop_x: Int[Array, " stop"]
    stop_y: Int[Array, " stop"]
    n_stop: Int[Array, ""]


def networks(keys: Keys, z: Rows, fold: Fold) -> Member:
    """MLPs that are trained together."""
    weights = _trained(keys, *_table(z, fold, len(keys), 12, STOP_ROWS))

    def member(new: Rows) -> FoldLogits:
        rows = jnp.asarray(_padded(new[None], _padded_length(len(new), 12))[0], jnp.float32)
        return np.asarray(_outputs(weights, rows), np.float64)[:, : len(new)].T

    return member


def convolutions(keys: Keys, z: Pictures, fold: Fold) -> Member:
    """The same with nets of convolutions, one after the other, in fewer and smaller steps."""
    count, shape = len(z) // 2, z.shape[1:]
    most = max(LEAST, PICTURES // math.prod(shape))
    some = np.concatenate([z[:count][:most], z[count:][:most]])
    table, jobs = _table(some, fold[: min(count, most)], len(keys), 10, PICTURE_STOP)
    weights = _trained_in_turn(keys, table, jobs, PICTURE_STEPS)

    def member(new: Pictures) -> FoldLogits:
        parts = [new[start : start + AT_ONCE] for start in range(0, len(new), AT_ONCE)]
        padded = (jnp.asarray(_padded(part[None], AT_ONCE)[0], jnp.float32) for part in parts)
        return np.concatenate(
            [np.asarray(_outputs(weights, rows), np.float64).T for rows in padded]
        )[: len(new)]

    return member


def _table(
    z: Float[np.ndarray, "_ ..."], fold: Fold, folds: int, least: int, stop: int
) -> tuple[Float[Array, "places ..."], _Job]:
    """The rows of both piles, filled up with zeros, and the job of each fold."""
    count = len(z) // 2
    place = _padded_length(count, least)
    table = _padded(z.reshape(2, count, *z.shape[1:]), place).reshape(2 * place, *z.shape[1:])
    fold = fold[:count]
    jobs = []
    for k in range(folds):
        learn, tried = np.flatnonzero(fold != k), np.flatnonzero(fold == k)[:stop]
        places = _padded(learn[None], place)[0], _padded(tried[None], stop)[0]
        jobs.append(
            (places[0], places[0] + place, len(learn), places[1], places[1] + place, len(tried))
        )
    return jnp.asarray(table, jnp.float32), _Job(
        *(jnp.asarray(np.stack(field), jnp.int32) for field in zip(*jobs, strict=True))
    )


def _net(key: PRNGKey, columns: int) -> MLP:
    net = MLP(key, (columns,), (), width=WIDTH, activation="silu")
    return eqx.tree_at(lambda net: net.weights[-1], net, replace_fn=jnp.zeros_like)


def _convolutional(key: PRNGKey, shape: tuple[int, ...]) -> ConvolutionalD:
    net = ConvolutionalD(key, shape, width=CHANNELS)
    return eqx.tree_at(lambda net: net.weight, net, replace_fn=jnp.zeros_like)


@eqx.filter_jit
def _trained(keys: Keys, table: Float[Array, "places columns"], jobs: _Job) -> PyTree:
    return jax.vmap(_train, in_axes=(0, None, 0))(keys, table, jobs)


@eqx.filter_jit
def _trained_in_turn(
    keys: Keys, table: Float[Array, "places h w colours"], jobs: _Job, steps: int
) -> PyTree:
    def one(each):
        net = _train(
            each[0], table, each[1], _convolutional, PICTURE_BATCH, steps, PICTURE_PATIENCE
        )
        return eqx.filter(net, eqx.is_array)

    return jax.lax.map(one, (keys, jobs))


def _train(
    key: PRNGKey,
    table: Float[Array, "places ..."],
    job: _Job,
    begun: Callable[[PRNGKey, Any], AbstractNet] = lambda key, shape: _net(key, *shape),
    batch: int = BATCH,
    steps: int = STEPS,
    patience: int = PATIENCE,
) -> Any:
    import optax

    key_net, key_batches = jr.split(key)
    net = begun(key_net, table.shape[1:])
    optimiser = optax.adamw(RATE, weight_decay=DECAY)

    def step(carry, key):
        net, average, memory = carry
        key_x, key_y = jr.split(key)
        x = table[job.x[jr.randint(key_x, (batch,), 0, job.n)]]
        y = table[job.y[jr.randint(key_y, (batch,), 0, job.n)]]
        gradient = eqx.filter_grad(lambda net: -value(jax.vmap(net)(x), jax.vmap(net)(y)))(net)
        updates, memory = optimiser.update(gradient, memory, net)
        net = eqx.apply_updates(net, updates)
        average = jax.tree.map(lambda old, new: KEEP * old + (1 - KEEP) * new, average, net)
        return (net, average, memory), None

    def tried(net: AbstractNet) -> Scalar:
        d_x, d_y = jax.vmap(net)(table[job.stop_x]), jax.vmap(net)(table[job.stop_y])
        losses = jax.nn.softplus(-d_x) + jax.nn.softplus(d_y)
        kept = jnp.arange(len(losses)) < job.n_stop
        return math.log(4) - jnp.where(kept, losses, 0.0).sum() / job.n_stop.astype(
            losses.dtype
        )

    def on(carry):
        tries, since, now, best, most = carry
        now, _ = jax.lax.scan(step, now, jr.split(jr.fold_in(key_batches, tries), EVERY))
        gain = tried(now[1])
        best = jax.tree.map(lambda new, old: jnp.where(gain > most, new, old), now[1], best)
        return (
            tries + 1,
            jnp.where(gain > most, 0, since + 1),
            now,
            best,
            jnp.maximum(gain, most),
        )

    def going(carry):
        return (carry[0] < steps // EVERY) & (carry[1] < patience)

    start = (
        0,
        0,
        (net, net, optimiser.init(eqx.filter(net, eqx.is_array))),
        net,
        jnp.asarray(0.0),
    )
    return jax.lax.while_loop(going, on, start)[3]


@eqx.filter_jit
def _outputs(nets: PyTree, rows: Float[Array, "n ..."]) -> Float[Array, "folds n"]:
    return eqx.filter_vmap(lambda net: jax.vmap(net)(rows))(nets)


def _padded_length(n: int, least: int) -> int:
    """A power of two, the `least`-th or more, so that few lengths are compiled."""
    return 1 << max(least, math.ceil(math.log2(max(n, 1))))


def _padded(rows: np.ndarray, length: int) -> np.ndarray:
    """The second axis filled up with zeros."""
    return np.pad(rows, [(0, 0), (0, length - rows.shape[1])] + [(0, 0)] * (rows.ndim - 2))
