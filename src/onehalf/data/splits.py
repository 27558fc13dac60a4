"""Split rows into train, validation and test before anything is fitted."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Integer, Shaped

from onehalf._blocks import blocks
from onehalf._errors import refuse

__all__ = ["LEAST_ROWS", "Splits", "hash_rows", "mix_bits", "split_rows"]

LEAST_ROWS = 9
"""Three rows for each of the three splits."""

BLOCK = 1_000_000
"""Entries that are hashed at a time."""


@runtime_checkable
class Hashed(Protocol):
    """Rows that can be counted, indexed and hashed."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...

    def hashes(self) -> Integer[np.ndarray, " n"]:
        """A 64-bit hash of each row."""
        ...


class Splits(NamedTuple):
    """Rows in three parts, none of them in two."""

    train: Any
    """Seen by D; G sees them through D."""
    validation: Any
    """Seen by held-out critics while the game goes on: they choose when to stop and which G to
    keep."""
    test: Any
    """Used once, at the end."""


def split_rows(rows: Hashed, share: float = 0.15) -> Splits:
    """Set a share of the rows aside for validation and as many for test, by the hash of each row.

    The splits depend on the rows alone, on neither their order nor a seed, and each has three
    rows at least. A row that occurs twice is two draws, which may get into two splits: to keep
    equal rows together would give the splits different laws wherever a few values make up the
    data, and what is certified on test rows would be untrue of the others.

    Raises:
        Refusal: There are fewer than 9 rows, or all are equal.

    >>> from onehalf.data.rows import EncodedRows
    >>> rows = EncodedRows.unlabelled(np.arange(200.0).reshape(100, 2))
    >>> [len(split) for split in split_rows(rows)]
    [70, 15, 15]
    """
    hashed = rows.hashes()
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
    # a repetition is hashed with the whole table: else it would be in the same split
    # of every table of the same few values
    again = np.where(occurrence > 0, mix_bits(occurrence + hashed.sum()), 0)
    place = np.empty(len(rows), np.int64)
    place[np.argsort(mix_bits(hashed + again), kind="stable")] = np.arange(len(rows))
    aside = max(3, round(share * len(rows)))
    return Splits(
        rows[place >= 2 * aside],
        rows[(place >= aside) & (place < 2 * aside)],
        rows[place < aside],
    )


def hash_rows(flat: Shaped[np.ndarray, "n d"]) -> Integer[np.ndarray, " n"]:
    """A 64-bit hash of each row's float64 values: sum_j w_j mix(x_j), each w_j odd.

    0.0 and -0.0 are the same.

    >>> len(set(hash_rows(np.array([[1, 2], [2, 1], [1, 2]])).tolist()))
    2
    """
    weights = mix_bits(np.arange(1, flat.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    hashed = np.empty(len(flat), np.uint64)
    for block in blocks(len(flat), BLOCK // flat.shape[1]):
        bits = (flat[block].astype(np.float64) + 0.0).view(np.uint64)
        hashed[block] = (mix_bits(bits) * weights).sum(axis=1)
    return hashed


def mix_bits(bits: Integer[np.ndarray, "..."]) -> Integer[np.ndarray, "..."]:
    """Mix every bit into every other (the finaliser of SplitMix64; Steele et al. 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
