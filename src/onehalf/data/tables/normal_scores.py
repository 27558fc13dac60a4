"""Numbers of a column as normal scores, and back."""

from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float

__all__ = ["NormalScores", "Values"]

Values = Float[np.ndarray, " _"]

ROWS_PER_NUMBER = 10
"""Numbers that each have this many rows on average are taken from those of the data alone."""

MOST_KNOTS = 1000
"""Places that describe the distribution of numbers that repeat less, at most."""


@dataclass(frozen=True)
class NormalScores:
    """Numbers as normal scores: z = Phi^-1(F(x)), F the distribution of the training rows, spread evenly over cells.

    A cell reaches from half-way to the value below to half-way to the one above. Between the
    ends of cells F is linear, so equal numbers take an interval of scores as wide as they are
    frequent, and every score is some number: one of the `numbers`, where these repeat (none
    else is ever given back), or one on the lattice `base + step * i`, or any.

    >>> scores = NormalScores.fit(np.array([14.0, 15, 17] * 100), decimals=0)
    >>> scores.inverse_transform(scores.transform(np.array([14.0, 15, 17])))
    array([14., 15., 17.])
    >>> scores.inverse_transform(np.array([-9.0, 0.1, 9.0]))
    array([14., 15., 17.])
    """

    ends: Values
    """Ends of cells, in order."""
    z: Values
    """Their normal scores."""
    numbers: Values
    """All the numbers that there are, if these repeat; else the least and the greatest."""
    repeat: bool
    step: float
    """The spacing of the lattice that the numbers lie on; 0 if they lie on none."""
    decimals: int | None

    @classmethod
    def fit(cls, numbers: Values, decimals: int | None) -> "NormalScores":
        """Fit the scores of these numbers, which have this many decimals, or all if None."""
        values, counts = np.unique(numbers, return_counts=True)
        step = _step(values, decimals)
        ends = np.concatenate(
            [[values[0] - step / 2], (values[:-1] + values[1:]) / 2, [values[-1] + step / 2]]
        )
        least = 1 / (4 * len(numbers))
        below = np.clip(
            np.concatenate([[0], np.cumsum(counts)]) / len(numbers), least, 1 - least
        )
        z, repeat = (
            scipy.special.ndtri(below),
            len(values) == 1 or len(numbers) >= ROWS_PER_NUMBER * len(values),
        )
        if not repeat and len(ends) > MOST_KNOTS:
            chosen = np.unique(np.searchsorted(z, np.linspace(z[0], z[-1], MOST_KNOTS)))
            ends, z = ends[chosen], z[chosen]
        return cls(ends, z, values if repeat else values[[0, -1]], repeat, step, decimals)

    def transform(self, numbers: Values) -> Values:
        """Compute the score of each number: the middle of its interval."""
        return np.mean(self.interval(numbers), axis=0)

    def interval(self, numbers: Values) -> tuple[Values, Values]:
        """The scores that each number takes, from and to."""
        if self.repeat:
            place = np.clip(
                np.searchsorted(self.ends, numbers, side="right") - 1, 0, len(self.numbers) - 1
            )
            return self.z[place], self.z[place + 1]
        low, high = (
            np.interp(numbers + side * self.step / 2, self.ends, self.z) for side in (-1, 1)
        )
        return low, high

    def inverse_transform(self, z: Values) -> Values:
        """Find the number of each score."""
        if self.repeat:
            return self.numbers[np.searchsorted(self.z[1:-1], z, side="right")]
        numbers = np.clip(np.interp(z, self.z, self.ends), *self.numbers)
        if self.step:
            lattice = (
                self.numbers[0] + np.rint((numbers - self.numbers[0]) / self.step) * self.step
            )
            numbers = np.clip(np.round(lattice, self.decimals or 0), *self.numbers)
        return numbers


def _step(values: Values, decimals: int | None) -> float:
    """The widest lattice of this many decimals that these numbers lie on.

    0 if they have all their decimals.
    """
    if decimals is None or len(values) < 2:
        return 0.0
    whole = np.rint((values - values[0]) * 10.0**decimals)
    return (
        float(np.gcd.reduce(whole.astype(np.int64))) / 10.0**decimals
        if whole[-1] < 2**53
        else 0.0
    )
