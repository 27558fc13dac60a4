"""Neural critics: MLPs for rows and convolutional nets for images, one for each fold that is left out.

Each begins at D = 1/2. Its weights are those of the best evaluation on the rows that it left out (early stopping).
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

__all__ = ["LEAST_ROWS", "Member", "Rows", "convolutions", "networks"]

Rows = Float[np.ndarray, "_ columns"]
Images = Float[np.ndarray, "_ h w colours"]
Fold = Int[np.ndarray, " n"]
Labels = Float[np.ndarray, " n"]
FoldLogits = Float[np.ndarray, "_ folds"]
Member = Callable[[np.ndarray], FoldLogits]
"""From rows, as the member sees them, to the logits of its fits, a column each."""

LEAST_ROWS = 100
"""The fewest rows of each sample that nets learn from: with fewer they generalize too badly."""

LEARNING_RATE = 3e-3
"""AdamW's learning rate."""

WEIGHT_DECAY = 1e-2
"""AdamW's weight decay."""

AVERAGE_DECAY = 0.98
"""What the exponential average of the weights keeps at each step."""

EVALUATION_INTERVAL = 20
"""Steps between evaluations on the rows left out."""

WIDTH = 64
"""The hidden width of an MLP."""

BATCH_SIZE = 256
"""The rows of each sample in a minibatch of an MLP."""

STEPS = 1600
"""The most steps of an MLP."""

PATIENCE = 20
"""Evaluations without a new best that end the training of an MLP."""

VALIDATION_ROWS = 1024
"""The most rows of each sample in an evaluation of an MLP."""

CHANNELS = 8
"""The channels of the first layer of a convolutional net."""

IMAGE_BATCH_SIZE = 32
"""The images of each sample in a minibatch of a convolutional net."""

IMAGE_STEPS = 300
"""The most steps of a convolutional net."""

IMAGE_PATIENCE = 5
"""Evaluations without a new best that end the training of a convolutional net."""

VALIDATION_IMAGES = 512
"""The most images of each sample in an evaluation of a convolutional net."""

MOST_PIXELS = 2**25
"""The most pixels of each sample that a convolutional net learns from."""

COLUMNS_STEP = 16
"""Rows are padded to a multiple of this many columns."""

IMAGES_AT_ONCE = 256
"""The images that are judged at a time."""


class _Job(NamedTuple):
    """Where a net's rows are in the table: those it learns from, and those it is evaluated on, and how many of each."""

    x: Int[Array, " learn"]
    y: Int[Array, " learn"]
    n_x: Int[Array, ""]
    n_y: Int[Array, ""]
    stop_x: Int[Array, " stop"]
    stop_y: Int[Array, " stop"]
    n_stop: Int[Array, ""]


def networks(keys: Keys, z: Rows, labels: Labels, fold: Fold) -> Member:
    """Train an MLP for each fold, all at once."""
    table, jobs = _build_table(_pad_columns(z), labels, fold, 12, VALIDATION_ROWS)
    weights = _train_together(keys, table, jobs)

    def member(new: Rows) -> FoldLogits:
        padded = _pad(_pad_columns(new)[None], _pad_length(len(new), 12))[0]
        logits = _apply(weights, jnp.asarray(padded, jnp.float32))
        return np.asarray(logits, np.float64)[:, : len(new)].T

    return member


def convolutions(keys: Keys, z: Images, labels: Labels, fold: Fold) -> Member:
    """Train a convolutional net for each fold, one after the other."""
    most = max(LEAST_ROWS, MOST_PIXELS // math.prod(z.shape[1:]))
    some = np.concatenate([np.flatnonzero(labels == side)[:most] for side in (1, 0)])
    table, jobs = _build_table(z[some], labels[some], fold[some], 10, VALIDATION_IMAGES)
    weights = _train_in_turn(keys, table, jobs, IMAGE_STEPS)

    def member(new: Images) -> FoldLogits:
        parts = [
            new[start : start + IMAGES_AT_ONCE] for start in range(0, len(new), IMAGES_AT_ONCE)
        ]
        padded = (
            jnp.asarray(_pad(part[None], IMAGES_AT_ONCE)[0], jnp.float32) for part in parts
        )
        return np.concatenate(
            [np.asarray(_apply(weights, rows), np.float64).T for rows in padded]
        )[: len(new)]

    return member


def _build_table(
    z: Float[np.ndarray, "_ ..."], labels: Labels, fold: Fold, least: int, stop: int
) -> tuple[Float[Array, "places ..."], _Job]:
    """Pad the rows of both samples with zeros, and list the job of each fold."""
    sides = [labels == 1, labels == 0]
    place = _pad_length(max(int(side.sum()) for side in sides), least)
    table = np.concatenate([_pad(z[side][None], place)[0] for side in sides])
    jobs = []
    for k in range(int(fold.max()) + 1):
        learn = [np.flatnonzero(fold[side] != k) for side in sides]
        left_out = [np.flatnonzero(fold[side] == k)[:stop] for side in sides]
        x, y = (_pad(rows[None], place)[0] for rows in learn)
        stop_x, stop_y = (_pad(rows[None], stop)[0] for rows in left_out)
        n_stop = min(map(len, left_out))
        job = (x, y + place, *map(len, learn), stop_x, stop_y + place, n_stop)
        jobs.append(job)
    return jnp.asarray(table, jnp.float32), _Job(
        *(jnp.asarray(np.stack(field), jnp.int32) for field in zip(*jobs, strict=True))
    )


def _build_mlp(key: PRNGKey, columns: int) -> MLP:
    net = MLP(key, (columns,), (), width=WIDTH, activation="silu")
    return eqx.tree_at(lambda net: net.weights[-1], net, replace_fn=jnp.zeros_like)


def _build_convolutional(key: PRNGKey, shape: tuple[int, ...]) -> ConvolutionalD:
    net = ConvolutionalD(key, shape, width=CHANNELS)
    return eqx.tree_at(lambda net: net.weight, net, replace_fn=jnp.zeros_like)


@eqx.filter_jit
def _train_together(keys: Keys, table: Float[Array, "places columns"], jobs: _Job) -> PyTree:
    return jax.vmap(_train, in_axes=(0, None, 0))(keys, table, jobs)


@eqx.filter_jit
def _train_in_turn(
    keys: Keys, table: Float[Array, "places h w colours"], jobs: _Job, steps: int
) -> PyTree:
    def one(each):
        net = _train(
            each[0],
            table,
            each[1],
            _build_convolutional,
            IMAGE_BATCH_SIZE,
            steps,
            IMAGE_PATIENCE,
        )
        return eqx.filter(net, eqx.is_array)

    return jax.lax.map(one, (keys, jobs))


def _train(
    key: PRNGKey,
    table: Float[Array, "places ..."],
    job: _Job,
    build: Callable[[PRNGKey, Any], AbstractNet] = lambda key, shape: _build_mlp(key, *shape),
    batch: int = BATCH_SIZE,
    steps: int = STEPS,
    patience: int = PATIENCE,
) -> Any:
    import optax

    key_net, key_batches = jr.split(key)
    net = build(key_net, table.shape[1:])
    optimiser = optax.adamw(LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def step(carry, key):
        net, average, memory = carry
        key_x, key_y = jr.split(key)
        x = table[job.x[jr.randint(key_x, (batch,), 0, job.n_x)]]
        y = table[job.y[jr.randint(key_y, (batch,), 0, job.n_y)]]
        gradient = eqx.filter_grad(lambda net: -value(jax.vmap(net)(x), jax.vmap(net)(y)))(net)
        updates, memory = optimiser.update(gradient, memory, net)
        net = eqx.apply_updates(net, updates)
        # optax.incremental_update rounds otherwise, and bounds would change
        average = jax.tree.map(
            lambda old, new: AVERAGE_DECAY * old + (1 - AVERAGE_DECAY) * new, average, net
        )
        return (net, average, memory), None

    def evaluate(net: PyTree) -> Scalar:
        d_x, d_y = jax.vmap(net)(table[job.stop_x]), jax.vmap(net)(table[job.stop_y])
        losses = jax.nn.softplus(-d_x) + jax.nn.softplus(d_y)
        kept = jnp.arange(len(losses)) < job.n_stop
        return math.log(4) - jnp.where(kept, losses, 0.0).sum() / job.n_stop.astype(
            losses.dtype
        )

    def advance(carry):
        tries, since, now, best, most = carry
        now, _ = jax.lax.scan(
            step, now, jr.split(jr.fold_in(key_batches, tries), EVALUATION_INTERVAL)
        )
        gain = evaluate(now[1])
        best = jax.tree.map(lambda new, old: jnp.where(gain > most, new, old), now[1], best)
        return (
            tries + 1,
            jnp.where(gain > most, 0, since + 1),
            now,
            best,
            jnp.maximum(gain, most),
        )

    def is_unfinished(carry):
        return (carry[0] < steps // EVALUATION_INTERVAL) & (carry[1] < patience)

    start = (
        0,
        0,
        (net, net, optimiser.init(eqx.filter(net, eqx.is_array))),
        net,
        jnp.asarray(0.0),
    )
    return jax.lax.while_loop(is_unfinished, advance, start)[3]


@eqx.filter_jit
def _apply(nets: PyTree, rows: Float[Array, "n ..."]) -> Float[Array, "folds n"]:
    return eqx.filter_vmap(lambda net: jax.vmap(net)(rows))(nets)


def _pad_length(n: int, least: int) -> int:
    """Round up to a power of two, at least 2^`least`, so that few lengths are compiled."""
    return 1 << max(least, math.ceil(math.log2(max(n, 1))))


def _pad_columns(rows: Rows) -> Float[np.ndarray, "_ padded"]:
    """Pad the columns with zeros to a multiple of COLUMNS_STEP, so that few widths are compiled."""
    return np.pad(rows, [(0, 0), (0, -rows.shape[1] % COLUMNS_STEP)])


def _pad(rows: np.ndarray, length: int) -> np.ndarray:
    """Pad the second axis with zeros."""
    return np.pad(rows, [(0, 0), (0, length - rows.shape[1])] + [(0, 0)] * (rows.ndim - 2))
