"""Which values the data have, in two bits a value, so that new ones can be different from all of them."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["SeenValues"]

BITS = 2
"""Bits for each value."""


@dataclass(frozen=True)
class SeenValues:
    """A set of values that may take others for its own, and never the reverse (Bloom 1970, with one hash).

    Each value sets one of 2 n bits. So 1 - exp(-1/2) = 39 % of all other values are taken for
    members. That is on purpose: whoever tests a guessed value learns little from a yes.

    >>> seen = SeenValues.fit(["ada", "bob", "eve"])
    >>> all(word in seen for word in ("ada", "bob", "eve"))
    True
    """

    bits: bytes

    @classmethod
    def fit(cls, values: Iterable[str]) -> "SeenValues":
        """Remember these values."""
        distinct = set(values)
        size = -(-BITS * max(len(distinct), 4) // 8)
        places = [_place(value, 8 * size) for value in distinct]
        flags = np.zeros(8 * size, bool)
        flags[places] = True
        return cls(np.packbits(flags).tobytes())

    def __contains__(self, value: str) -> bool:
        place = _place(value, 8 * len(self.bits))
        return bool(self.bits[place // 8] >> (7 - place % 8) & 1)

    def to_text(self) -> str:
        """Convert to base 64; `from_text` is the inverse."""
        return base64.b64encode(self.bits).decode()

    @classmethod
    def from_text(cls, text: str) -> "SeenValues":
        """Restore what `to_text` converted."""
        return cls(base64.b64decode(text))


def _place(value: str, size: int) -> int:
    """The bit of a value."""
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % size
