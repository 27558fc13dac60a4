"""Rows in three roles, set aside before anything is fitted."""

import hashlib
from typing import NamedTuple

import numpy as np

from onehalf._base import refuse
from onehalf.data.arrays import Rows

__all__ = ["LEAST_ROWS", "Roles", "split"]

LEAST_ROWS = 9
"""Three distinct rows for each of the three roles."""


class Roles(NamedTuple):
    """The user's rows in their three roles; equal rows have equal roles."""

    train: Rows
    """Seen by D; G sees them through D."""
    validation: Rows
    """Seen by held-out critics while the game goes on: they choose when to stop and which G to keep."""
    test: Rows
    """Looked at once, at the end."""


def split(rows: Rows, share: float = 0.15) -> Roles:
    """Set a share of the distinct rows aside for validation and as many for test, by the hash of each row.

    The roles depend on the rows alone, on neither their order nor a seed, and three rows at least have each role.

    >>> [len(role) for role in split(np.arange(200.0).reshape(100, 2))]
    [70, 15, 15]
    """
    hashes = np.array([int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest()) for row in rows])
    distinct, place = np.unique(hashes, return_inverse=True)
    if len(distinct) < LEAST_ROWS:
        refuse("rows", expected=f"at least {LEAST_ROWS} distinct rows", got=f"{len(distinct)} (n_samples={len(rows)})")
    aside = max(3, round(share * len(distinct)))
    return Roles(rows[place >= 2 * aside], rows[(place >= aside) & (place < 2 * aside)], rows[place < aside])
