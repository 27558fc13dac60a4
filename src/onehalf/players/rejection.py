"""Rejection: draw again and again until a draw is kept, in such a way that each sample depends on its number alone."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.rows import EncodedRows
from onehalf.distributions.base import Batch, Pushforward

__all__ = ["Places", "draw_each", "draw_until_kept"]

MOST_DRAWS = 1000
"""Draws for each sample, at most, on average."""

FIRST_DRAWS = 1_000_000
"""Draws that are made besides these before giving up."""

Places = Int[np.ndarray, " _"]


def draw_until_kept(
    draw: Callable[[Places, Places], tuple[EncodedRows, Bool[np.ndarray, " _"]]],
    n: int,
    size: int,
) -> EncodedRows:
    """Draw for each of n places until a draw is kept.

    Args:
        draw: Makes the draws of these attempts for these places, at most `size` at a time, and says which are kept.
        n: How many samples.
        size: Draws at a time.

    Raises:
        Refusal: Draws that are kept are too rare.
    """
    found: list[EncodedRows] = []
    found_at: list[Places] = []
    is_left = np.ones(n, bool)
    attempt = n_drawn = 0
    while is_left.any():
        left = np.flatnonzero(is_left)
        if n_drawn > FIRST_DRAWS + MOST_DRAWS * n:
            got = f"{n - len(left):,} of {n_drawn:,} draws"
            hint = "Leave out the rule that is kept most rarely, or fit with --no-refine."
            refuse("n", expected=f"{n:,} samples that can be kept", got=got, hint=hint)
        # the fewer places are left, the more attempts of each are made at once; the first that is kept counts
        copies = max(1, size // len(left))
        places = np.repeat(left, copies)
        attempts = attempt + np.tile(np.arange(copies), len(left))
        for start in range(0, len(places), size):
            at = places[start : start + size]
            rows, is_kept = draw(at, attempts[start : start + size])
            kept = np.flatnonzero(is_kept)
            at, first = np.unique(at[kept], return_index=True)
            found.append(rows[kept[first]])
            found_at.append(at)
            is_left[at] = False
        attempt += copies
        n_drawn += len(places)
    return EncodedRows.concatenate(found)[np.argsort(np.concatenate(found_at))]


def draw_each(
    p_g: Pushforward,
    key: PRNGKey,
    places: Places,
    attempts: Places,
    c: Float[np.ndarray, "m conditions"] | None,
    size: int,
) -> tuple[Batch, Float[np.ndarray, " size"]]:
    """Make one draw of p_g, under its condition if it has one, and a uniform number for each place and attempt.

    Both come from a key of their own. `size` of them are made, the first ones again at the end, so that networks are
    compiled once.
    """
    filled = None if c is None else _resize(c, size)
    batch, u = _draw_each(p_g, key, _resize(places, size), _resize(attempts, size), filled)
    return batch, np.asarray(u, np.float64)


def _resize(values: Any, size: int) -> Array:
    """Repeat values up to this size, the first ones again after the last."""
    return jnp.asarray(np.resize(values, (size, *values.shape[1:])))


@eqx.filter_jit
def _draw_each(
    p_g: Pushforward, key: PRNGKey, places: Array, attempts: Array, c: Array | None
) -> tuple[Batch, Array]:
    p_z: Any = p_g.p_z

    def draw_latent(place: Array, attempt: Array, c_one: Array | None) -> tuple[Batch, Array]:
        key_z, key_u = jr.split(jr.fold_in(jr.fold_in(key, attempt), place))
        latent = p_z.batch(key_z, 1) if c_one is None else p_z.batch_given(key_z, c_one[None])
        return Batch(latent.x[0], latent.c[0]), jr.uniform(key_u)

    latents, u = jax.vmap(draw_latent)(places, attempts, c)
    return p_g.push(latents), u
