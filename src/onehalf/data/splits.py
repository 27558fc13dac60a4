"""Rows in three roles, set aside before anything is fitted."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Integer, Shaped

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows

__all__ = ["LEAST_ROWS", "Splits", "hashes", "split"]

LEAST_ROWS = 9
"""Three rows for each of the three roles."""

BLOCK = 1_000_000
"""Entries that are hashed at a time."""


class Splits(NamedTuple):
    """The user's rows in their three roles."""

    train: Rows
    """Seen by D; G sees them through D."""
    validation: Rows
    """Seen by held-out critics while the game goes on: they choose when to stop and which G to keep."""
    test: Rows
    """Looked at once, at the end."""


def split(rows: Rows, share: float = 0.15) -> Splits:
    """Set a share of the rows aside for validation and as many for test, by the hash of each row.

    The roles depend on the rows alone, on neither their order nor a seed, and three rows at least have each role. A row
    that occurs twice is two draws, which may get two roles: to keep equal rows together would give the roles different
    laws wherever a few values make up the data, and what is certified on test rows would be untrue of the others.

    >>> [len(role) for role in split(np.arange(200.0).reshape(100, 2))]
    [70, 15, 15]
    """
    hashed = hashes(rows.reshape(len(rows), -1))
    distinct, which = np.unique(hashed, return_inverse=True)
    if len(rows) < LEAST_ROWS:
        refuse(
            "rows",
            expected=f"at least {LEAST_ROWS} rows",
            got=f"{len(rows)} (n_samples={len(rows)})",
        )
    if len(distinct) < 2:
        refuse("rows", expected="rows that differ", got=f"{len(rows)} times the same row")
    order = np.argsort(which, kind="stable")
    occurrence = np.empty(len(rows), np.uint64)
    occurrence[order] = np.arange(len(rows)) - np.searchsorted(which[order], which[order])
    # a repetition is placed by the whole table too: by itself it would fall alike in every table of the same few values
    again = np.where(occurrence > 0, _mixed(occurrence + hashed.sum()), 0)
    place = np.empty(len(rows), np.int64)
    place[np.argsort(_mixed(hashed + again), kind="stable")] = np.arange(len(rows))
    aside = max(3, round(share * len(rows)))
    return Splits(
        rows[place >= 2 * aside],
        rows[(place >= aside) & (place < 2 * aside)],
        rows[place < aside],
    )


def hashes(flat: Shaped[np.ndarray, "n d"]) -> Integer[np.ndarray, " n"]:
    """A 64-bit hash of each row's float64 values: sum_j w_j mix(x_j), each w_j odd; 0.0 and -0.0 are the same.

    >>> len(set(hashes(np.array([[1, 2], [2, 1], [1, 2]])).tolist()))
    2
    """
    weights = _mixed(np.arange(1, flat.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    hashed = np.empty(len(flat), np.uint64)
    block = max(1, BLOCK // flat.shape[1])
    for start in range(0, len(flat), block):
        bits = (flat[start : start + block].astype(np.float64) + 0.0).view(np.uint64)
        hashed[start : start + block] = (_mixed(bits) * weights).sum(axis=1)
    return hashed


def _mixed(bits: Integer[np.ndarray, "..."]) -> Integer[np.ndarray, "..."]:
    """Every bit stirred into every other (the finaliser of SplitMix64; Steele et al. 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
