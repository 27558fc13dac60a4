"""Which places among the sorted training rows give which numbers: the inverse of `Scales.between`.

Between two training rows in order the numbers that are drawn are linear in the place, and then rounded. So each row
has two halves, from half-way to the row below, and to half-way to the row above, on which the number before rounding
goes from `start` to `end`. The share of a half on which a number is less than y is then known exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf.players.trees.scales import Scales

__all__ = ["Halves"]

Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Halves:
    """Two halves for each sorted row of a column whose numbers do not repeat: half h is the places h/2 to (h + 1)/2."""

    scales: Scales
    start: Values
    """The number at the beginning of each, before it is rounded."""
    end: Values
    digits: Places
    """The decimals that its numbers are rounded to at last."""

    @classmethod
    def of(cls, scales: Scales) -> "Halves":
        """The halves of a column with two values or more."""
        rows = scales.sorted_rows
        middle = (rows[:-1] + rows[1:]) / 2
        start = np.column_stack([np.concatenate([rows[:1], middle]), rows])
        end = np.column_stack([rows, np.concatenate([middle, rows[-1:]])])
        below = np.concatenate([scales.digits[:1], scales.digits[:-1]])
        above = np.concatenate([scales.digits[:-1], scales.digits[-2:-1]])
        digits = np.column_stack([below, above])
        return cls(scales, start.ravel(), end.ravel(), digits.ravel())

    def share_below(self, numbers: Values, halves: Places) -> Values:
        """The share of each half on which what is drawn is less than the number beside it."""
        least = self._least(numbers, self.digits[halves])
        start, end = self.start[halves], self.end[halves]
        width = np.where(end > start, end - start, 1.0)
        return np.where(end > start, ((least - start) / width).clip(0, 1), least > start)

    def candidates(self, numbers: Values) -> Int[np.ndarray, "_ _"]:
        """Halves among which are all that give these numbers, but for those inside of runs of equal rows."""
        rows = self.scales.sorted_rows
        first = 2 * np.searchsorted(rows, numbers, side="left")
        last = 2 * np.searchsorted(rows, numbers, side="right")
        halves = [np.zeros_like(first), np.full_like(first, 2 * len(rows) - 1)]
        halves += [first - 1, first, last - 1, last]
        for digits in np.unique(self.digits).tolist():
            least = self._least(numbers, np.full(len(numbers), digits))
            above = 2 * np.searchsorted(rows, least, side="left")
            halves += [above - 1, above]
        return np.column_stack(halves).clip(0, 2 * len(rows) - 1)

    def _least(self, numbers: Values, digits: Places) -> Values:
        """The least number that is rounded to at least this one, with that number of decimals."""
        scales = self.scales
        if not scales.step:
            return numbers
        inside = numbers.clip(scales.values[0] - scales.step, scales.values[-1])
        is_short = digits < scales.decimals
        unit = np.where(is_short, 10.0**-digits, scales.step)
        origin = np.where(is_short, 0.0, scales.values[0])
        near = np.rint((inside - origin) / unit)
        reached = np.round(origin + near * unit, scales.decimals) >= inside
        target = np.where(reached, near, near + 1)
        lowest = origin + target * unit - np.where(is_short, unit / 2, 0.0)
        guess = np.rint((lowest - scales.values[0]) / scales.step)
        whole = guess + 2
        for other in (guess + 1, guess, guess - 1):
            whole = np.where(self._round(other, digits) >= inside, other, whole)
        least = scales.values[0] + (whole - 0.5) * scales.step
        least = np.where(numbers <= scales.values[0], -np.inf, least)
        return np.where(numbers > scales.values[-1], np.inf, least)

    def _round(self, whole: Values, digits: Places) -> Values:
        """The numbers at these places of the lattice as they are drawn, as in `Scales.between`."""
        scales = self.scales
        numbers = np.round(scales.values[0] + whole * scales.step, scales.decimals)
        return scales.shorten(numbers, digits)
