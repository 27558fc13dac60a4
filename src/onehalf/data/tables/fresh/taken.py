"""Which values have been drawn, in eight bytes a value, so that later ones can be different from all of them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt64

__all__ = ["TakenValues"]

HASH_BYTES = 8
"""Bytes of a hash: of 100 million values, one in 3,000 draws has a pair that is taken for one value, and drawn anew."""


class TakenValues:
    """A set of values that may take others for its own, very rarely, and never the reverse.

    >>> taken = TakenValues()
    >>> taken.add(["a", "b"])
    >>> taken.drop(["b", "c"])
    ['c']
    """

    def __init__(self) -> None:
        self._hashes = np.zeros(0, np.uint64)

    def add(self, values: Sequence[str]) -> None:
        """Add values."""
        both = np.concatenate([self._hashes, np.sort(_hash(values))])
        self._hashes = np.sort(both, kind="stable")  # which merges the two parts

    def drop(self, values: list[str]) -> list[str]:
        """Return those that are not in the set."""
        if not len(self._hashes):
            return values
        hashes = _hash(values)
        places = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        is_taken = self._hashes[places] == hashes
        return [each for each, is_in in zip(values, is_taken, strict=True) if not is_in]


def _hash(values: Sequence[str]) -> UInt64[np.ndarray, " n"]:
    """A hash of each value, the same in every process."""
    digests = (
        hashlib.blake2b(each.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
        for each in values
    )
    return np.frombuffer(b"".join(digests), np.uint64)
