"""A random order of any number of rows that takes no memory."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from onehalf.data.splits import mix_bits

__all__ = ["RandomOrder"]

ROUNDS = 6
"""Rounds of the network; four make a permutation that can't be told from a random one (Luby & Rackoff 1988)."""


class RandomOrder:
    """A permutation of 0, ..., n - 1 that a seed settles, computed place by place.

    It is a Feistel network on numbers of 2h bits, (a, b) -> (b, a ^ f(b)). In each round f is SplitMix64's finaliser
    with a key. A place of n or more is sent through it again until it is below n (cycle walking; Black & Rogaway 2002).

    >>> sorted(RandomOrder(5, [0]).places(0, 5).tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(self, n: int, seed: Sequence[int]) -> None:
        self.n = n
        self.half = np.uint64(max(1, ((n - 1).bit_length() + 1) // 2))
        self.mask = (np.uint64(1) << self.half) - np.uint64(1)
        rng = np.random.default_rng(seed)
        self.keys = rng.integers(2**64, size=ROUNDS, dtype=np.uint64)

    def places(self, start: int, stop: int) -> Int[np.ndarray, " rows"]:
        """The places of the rows from `start` to before `stop`."""
        places = self._permute(np.arange(start, stop, dtype=np.uint64))
        while len(outside := np.flatnonzero(places >= self.n)):
            places[outside] = self._permute(places[outside])
        return places.astype(np.int64)

    def _permute(self, numbers: np.ndarray) -> np.ndarray:
        left, right = numbers >> self.half, numbers & self.mask
        for key in self.keys:
            left, right = right, left ^ (mix_bits(right ^ key) & self.mask)
        return (left << self.half) | right
