"""Samples in batches: how many at a time, how they are drawn, and what memory holds."""

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._memory import total_memory
from onehalf._typing import PRNGKey
from onehalf.distributions.base import AbstractData, Batch, BatchMap, Pushforward

__all__ = [
    "BATCH",
    "batch_size",
    "check_memory",
    "draw_batch",
    "draw_batch_given",
    "latent_walk",
    "numpy_generator",
    "round_up",
    "search_size",
]

BATCH = 65_536
"""Samples made at a time, at most."""

WIDE = 16
"""Entries of a sample; of wider ones fewer are made at a time."""

COPIES = 2
"""Samples are held at least this number of times: batch by batch, and put together."""

LEAST_REDRAWN = 256
"""Samples that are drawn anew at a time, at least."""

STOPS = 4
"""Latents that a walk goes through."""


def check_memory(n: int, entries: int, itemsize: int) -> None:
    """Refuse more samples of this many numbers than the memory of this machine can hold."""
    memory = total_memory()
    needed = COPIES * n * entries * itemsize
    if needed > memory:
        got = f"{n:,} rows of {entries:,} numbers, which take {needed / 2**30:,.0f} GiB"
        hint = "Draw several files with different seeds."
        expected = f"samples that fit into {memory / 2**30:,.0f} GiB of memory"
        refuse("n", expected=expected, got=got, hint=hint)


def batch_size(entries: int) -> int:
    """Return how many examples with this many entries are computed at a time."""
    return max(1, BATCH * WIDE // max(WIDE, entries))


def latent_walk(
    key: PRNGKey, p_z: AbstractData, n: int, steps: int
) -> tuple[Float[Array, "steps n entries"], Float[Array, "steps n conditions"]]:
    """Draw latents along n closed walks, each through STOPS draws of p_z; conditions stay the same.

    A normal part rotates by quarters of a circle, cos(t) a + sin(t) b, which is normal at every t; a uniform one goes
    straight; a discrete one jumps half-way (Goodfellow et al. 2014, Figure 3).
    """
    noise: Any = getattr(p_z, "noise", p_z)
    at = jnp.arange(steps, dtype=jnp.float32) * (STOPS / steps)
    z, c = p_z.batch(key, STOPS * n)
    stops = z.reshape(STOPS, n, -1)
    before = at.astype(jnp.int32)
    a = stops[before]
    b = stops[(before + 1) % STOPS]
    share = (at % 1.0)[:, None, None]
    turn = share * math.pi / 2
    normal = noise.normal
    straight = noise.normal + noise.uniform
    parts = [
        (jnp.cos(turn) * a + jnp.sin(turn) * b)[..., :normal],
        ((1 - share) * a + share * b)[..., normal:straight],
        jnp.where(share < 0.5, a, b)[..., straight:],
    ]
    conditions = jnp.broadcast_to(c.reshape(STOPS, n, -1)[0], (steps, n, c.shape[1]))
    return jnp.concatenate(parts, axis=2), conditions


def numpy_generator(key: PRNGKey) -> np.random.Generator:
    """NumPy's generator of a key."""
    return np.random.default_rng(np.asarray(jr.key_data(key)))


def round_up(n: int) -> int:
    """A power of two, as networks are compiled once for each number of samples.

    >>> round_up(3), round_up(300)
    (256, 512)
    """
    return max(LEAST_REDRAWN, 1 << (n - 1).bit_length())


def search_size(wanted: int, n_drawn: int, accepted: int) -> int:
    """Samples to draw next, by the share of those before that were accepted."""
    return int(np.clip(1.1 * wanted * (n_drawn + 1) / (accepted + 1), 100, BATCH))


def draw_batch(p_g: Pushforward, key: PRNGKey, n: int) -> Batch:
    """Draw n samples, compiled where G is a network."""
    return p_g.batch(key, n) if isinstance(p_g.G, BatchMap) else _compiled(p_g, key, n)


def draw_batch_given(p_g: Pushforward, key: PRNGKey, c: Float[Array, "n conditions"]) -> Batch:
    """Draw a sample under each condition, compiled where G is a network."""
    given = Pushforward.batch_given if isinstance(p_g.G, BatchMap) else _compiled_given
    return given(p_g, key, c)


@eqx.filter_jit
def _compiled(p_g: Pushforward, key: PRNGKey, n: int) -> Batch:
    return p_g.batch(key, n)


@eqx.filter_jit
def _compiled_given(p_g: Pushforward, key: PRNGKey, c: Float[Array, "n conditions"]) -> Batch:
    return p_g.batch_given(key, c)
