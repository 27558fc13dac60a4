"""One draw of z as the digits of as many uniform numbers as a row needs."""

from dataclasses import dataclass

import jax.random as jr
import numpy as np
from jaxtyping import Float, UInt64

from onehalf._typing import PRNGKey, Samples
from onehalf.data.splits import mix_bits
from onehalf.distributions.base import AbstractData

__all__ = ["Digits", "UniformLatent"]

DIGITS = 23
"""Binary digits of a uniform float32, all of which are random."""

GAMMA = np.uint64(0x9E3779B97F4A7C15)
"""What SplitMix64 counts by (Steele et al. 2014)."""


class UniformLatent(AbstractData):
    """What G of trees is given: three uniform numbers in [0, 1), 69 binary digits in all."""

    @property
    def shape(self) -> tuple[int]:
        """Three numbers."""
        return (3,)

    @property
    def laws(self) -> tuple[tuple[str, int], ...]:
        """The law of the entries, and how many these are."""
        return (("unit", 3),)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n latents."""
        return jr.uniform(key, (n, 3))


@dataclass(frozen=True, eq=False)
class Digits:
    """Uniform numbers that are read from the latent of each row, as many as are asked for.

    The binary digits of one uniform number are enough for any law. Here 64 of them start SplitMix64 (Steele et al.
    2014), so that the i-th number of a row is a fixed function of its latent: G stays a fixed map of z.
    """

    starts: UInt64[np.ndarray, " n"]

    @classmethod
    def read(cls, z: Float[np.ndarray, "n 3"]) -> "Digits":
        """The digits of these latents.

        >>> digits = Digits.read(np.array([[0.25, 0.5, 0.75], [0.25, 0.5, 0.75]]))
        >>> bool((digits.uniform(0)[0] == digits.uniform(0)[1]) & (digits.uniform(0)[0] != digits.uniform(1)[0]))
        True
        """
        parts = (z.astype(np.float64) * 2.0**DIGITS).astype(np.uint64)
        shifts = np.array([0, DIGITS, 2 * DIGITS], np.uint64)
        return cls(mix_bits(np.bitwise_or.reduce(parts << shifts, axis=1)))

    def uniform(self, index: int) -> Float[np.ndarray, " n"]:
        """The uniform number of each row at this index, in [0, 1) with 53 digits."""
        counter = np.uint64((index + 1) * int(GAMMA) % 2**64)
        return (mix_bits(self.starts + counter) >> np.uint64(11)) * 2.0**-53

    def skip(self, numbers: UInt64[np.ndarray, " n"]) -> "Digits":
        """The digits of each row after this number of uniform ones.

        >>> digits = Digits.read(np.array([[0.25, 0.5, 0.75]]))
        >>> bool(digits.skip(np.array([5], np.uint64)).uniform(2) == digits.uniform(7))
        True
        """
        return Digits(self.starts + numbers * GAMMA)

    def __getitem__(self, rows: np.ndarray) -> "Digits":
        return Digits(self.starts[rows])
