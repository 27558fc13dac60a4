"""Drawing from p_g in the user's units: freely, under given conditions, or until enough samples hold some."""

import math
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Samples
from onehalf.data.arrays.scaler import ArrayScaler, Rows
from onehalf.data.labels import LabelledPreprocessor
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.preprocessor import TableLatent, TablePreprocessor
from onehalf.distributions.base import Latent, Pushforward

__all__ = ["BATCH", "WIDE", "AnyUnits", "Sampler", "ways"]

BATCH, WIDE = 65_536, 16
"""Samples made at a time, of so many numbers each at most; of wider rows fewer."""

SEARCH = 1_000_000
"""Samples that are drawn in search of some under conditions, besides a thousand for each that is wanted."""

STOPS = 4
"""Latents that a way goes through."""

AnyUnits = ArrayScaler | LabelledPreprocessor | TablePreprocessor


@dataclass(frozen=True)
class Sampler:
    """p_g, and the way back to the user's units."""

    p_g: Pushforward
    units: AnyUnits

    def draw(self, key: PRNGKey, n: int, labels: Cells | None = None) -> Rows:
        """N samples in the user's units, made batch by batch; with the labels of these cells, if some are given.

        They have just these labels, also where G takes several for one, as it does with rare or unknown words.
        """
        units = self.units
        given = (
            None
            if labels is None or isinstance(units, ArrayScaler)
            else units.conditions_of(labels)
        )
        batch = max(1, BATCH * WIDE // max(WIDE, math.prod(self.p_g.shape)))
        starts = range(0, n, batch)
        made = []
        for key_batch, start in zip(jr.split(key, len(starts)), starts, strict=True):
            if given is None:
                x = _sample(self.p_g, key_batch, min(batch, n - start))
            else:
                x = _under(self.p_g, key_batch, jnp.asarray(given[start : start + batch]))
            made.append(units.restore(np.asarray(x)))
        rows = np.concatenate(made)
        return (
            rows
            if labels is None or isinstance(units, ArrayScaler)
            else units.labelled(rows, labels)
        )

    def given(self, labels: Any) -> Cells:
        """The cells of a frame of the labels; those of labelled rows may be a plain list."""
        if isinstance(self.units, ArrayScaler) or not self.units.given:
            refuse("given", expected="a fit with labels to be given", got="one without")
        return self.units.cells_of(labels)

    def found(
        self, key: PRNGKey, n: int, where: str | None, *, balanced: bool
    ) -> tuple[Rows, int]:
        """N samples that hold the conditions, and how many were drawn for them."""
        units = self.units
        if isinstance(units, ArrayScaler):
            if where or balanced:
                refuse(
                    "where, balanced",
                    expected="a fit of a table, or with labels",
                    got="one of an array without",
                )
            return self.draw(key, n), n
        conditions = RowFilter.parse(where, units.coding) if where else None
        pool, shares = units.label_rows, units.label_shares
        if conditions:
            kept = conditions.on(units.given).mask(pool)
            if not kept.any():
                refuse(
                    "where",
                    expected="labels that occur together in the data",
                    got=str(conditions),
                )
            pool, shares = pool[kept], shares[kept]
        if balanced:
            if not units.given:
                refuse(
                    "balanced", expected="a fit with a label to balance by", got="one without"
                )
            shares = np.ones(len(pool))
        rng = np.random.default_rng(np.asarray(jr.key_data(key)))
        found: list[Rows] = []
        count = drawn = 0
        while count < n:
            batch = (
                int(np.clip(1.1 * (n - count) * (drawn + 1) / (count + 1), 100, BATCH))
                if where
                else n
            )
            if drawn > SEARCH + 1000 * n:
                got = f"{count:,} of {drawn:,}"
                hint = "Ask for fewer, or fit with a label."
                refuse("where", expected=f"{n:,} samples with {conditions}", got=got, hint=hint)
            key, key_batch = jr.split(key)
            under = (
                pool[rng.choice(len(pool), batch, p=shares / shares.sum())]
                if units.given
                else None
            )
            rows = self.draw(key_batch, batch, under)
            held = (
                np.arange(batch)
                if conditions is None
                else np.flatnonzero(conditions.mask(units.cells(rows)))
            )
            enough = held[: n - count]
            # rows after the last one that was taken have not been looked at
            drawn += int(enough[-1]) + 1 if len(enough) == n - count else batch
            found.append(rows[enough])
            count += len(enough)
        return np.concatenate(found), drawn


def ways(
    key: PRNGKey, p_z: Latent | TableLatent, n: int, steps: int
) -> Float[Array, "steps n entries"]:
    """Latents along n closed ways of so many steps, each through STOPS draws of p_z; conditions stay as they were.

    A normal part turns by quarters of a circle, cos(t) a + sin(t) b, which is normal at every t; a uniform one goes
    straight; a discrete one jumps half-way.
    """
    noise = p_z.noise if isinstance(p_z, TableLatent) else p_z
    at = jnp.arange(steps, dtype=jnp.float32) * (STOPS / steps)
    stops = p_z.sample(key, STOPS * n).reshape(STOPS, n, -1)
    before = at.astype(jnp.int32)
    a, b, share = stops[before], stops[(before + 1) % STOPS], (at % 1.0)[:, None, None]
    turn, normal, straight = share * math.pi / 2, noise.normal, noise.normal + noise.uniform
    parts = [
        (jnp.cos(turn) * a + jnp.sin(turn) * b)[..., :normal],
        ((1 - share) * a + share * b)[..., normal:straight],
        jnp.where(share < 0.5, a, b)[..., straight : noise.shape[0]],
        jnp.broadcast_to(stops[0], a.shape)[..., noise.shape[0] :],
    ]
    return jnp.concatenate(parts, axis=2)


_sample = eqx.filter_jit(Pushforward.sample)


@eqx.filter_jit
def _under(p_g: Any, key: PRNGKey, given: Samples) -> Samples:
    """A sample under each of these conditions."""
    return jax.vmap(p_g.G)(p_g.p_z.given(key, given))
