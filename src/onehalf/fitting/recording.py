"""What a fit keeps at each evaluation to show its course; drawn from noise of its own, so that no number changes."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from onehalf._errors import Refusal
from onehalf._typing import PRNGKey
from onehalf.data.rows import EncodedRows
from onehalf.distributions.base import AbstractData, Batch, BatchMap, Pushforward
from onehalf.domains.recorders import Subject
from onehalf.fitting.fit import Fit, FitData
from onehalf.fitting.snapshots import Snapshots
from onehalf.model import GenerativeModel

__all__ = ["MOST_SEEDS", "record_snapshot"]

MOST_SEEDS = 16
"""Seeds that snapshots are drawn of: the first ones."""

SAMPLES = 8192
"""Samples of a snapshot, about."""

MOST_DRAWS = 16
"""They are drawn in as many parts at most, each of the size that evaluations draw, which is compiled already."""

SAMPLES_PER_ROW = 4
"""Samples of an evaluation for each validation row."""

SLOW_SAMPLES = 1000
"""Samples of a snapshot where G is no network."""

WALK = 33
"""Values of the first coordinate of z."""


def record_snapshot(
    fit: Fit, data: FitData, generators: Sequence[Pushforward], t: int
) -> Snapshots | None:
    """Add a snapshot of round t to those of a fit, whose state is that of round t."""
    recorder = fit.domain.recorder
    snapshots = fit.snapshots
    if snapshots is None:
        shared = recorder.lay_out(data.splits.train)
        if not shared:
            return None
        snapshots = Snapshots(shared)
    key = jr.key(fit.recipe.random_state)
    size = SAMPLES_PER_ROW * len(data.splits.validation)
    try:
        # the samples of a seed that has diverged may be no numbers
        with np.errstate(invalid="ignore"):
            drawn = [
                recorder.draw(
                    snapshots.shared,
                    data.splits.train,
                    _see(fit, data, seed, p_g, key, size),
                )
                for seed, p_g in enumerate(generators[:MOST_SEEDS])
            ]
    except Refusal:
        # samples that keep the rules are too rare: nothing to show this time
        return snapshots
    stacked = {name: np.stack([each[name] for each in drawn]) for name in drawn[0]}
    return snapshots.add({"t": np.array(t), **stacked})


def _see(
    fit: Fit, data: FitData, seed: int, p_g: Pushforward, key: PRNGKey, size: int
) -> Subject:
    """Return what a snapshot of one seed is drawn from."""

    def logits(rows: EncodedRows) -> Float[np.ndarray, " n"]:
        D = data.players.discriminator(fit.state, seed)
        return np.asarray(_logits(D, fit.preprocessor.transform(rows)))

    def walk() -> EncodedRows | None:
        z = None if p_g.condition_size else walk_latent(key, p_g.p_z)
        if z is None:
            return None
        return fit.preprocessor.inverse_transform(Batch.without_conditions(_push(p_g.G, z)))

    model = GenerativeModel(p_g, fit.domain, fit.preprocessor)
    samples = _draw(model, key, size)
    return Subject(samples, None if p_g.condition_size else logits, walk)


def walk_latent(key: PRNGKey, p_z: AbstractData) -> Float[Array, "steps entries"] | None:
    """Move the first coordinate of one z through the quantiles of N(0, 1); None where z has no normal part."""
    if not getattr(p_z, "normal", 0):
        return None
    steps = (jnp.arange(WALK, dtype=jnp.float32) + 0.5) / WALK
    z = jnp.tile(p_z.sample(key, 1), (WALK, 1))
    return z.at[:, 0].set(jax.scipy.special.ndtri(steps))


def _draw(model: GenerativeModel, key: PRNGKey, size: int) -> EncodedRows:
    """Draw the samples of a snapshot, the same noise each time."""
    if isinstance(model.p_g.G, BatchMap):
        return model.draw(key, SLOW_SAMPLES)
    size = min(size, SAMPLES)
    count = min(-(-SAMPLES // size), MOST_DRAWS)
    parts = [model.draw(jr.fold_in(key, part), size) for part in range(count)]
    return EncodedRows.concatenate(parts)


@eqx.filter_jit
def _logits(D: Any, batch: Batch) -> Float[Array, " n"]:
    return jax.vmap(D)(*batch)


@eqx.filter_jit
def _push(G: Any, z: Float[Array, "n entries"]) -> Float[Array, "n ..."]:
    return jax.vmap(G)(z)
