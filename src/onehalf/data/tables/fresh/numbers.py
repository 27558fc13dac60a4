"""Whole numbers that name rows: further ones, or others of as many digits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onehalf.data.tables.fresh.forms import Form, register

__all__ = ["Counting", "WholeNumbers", "draw_start", "draw_whole", "is_dense"]

SPARSE = 2
"""Numbers of a range are drawn block by block if it has at least this many for each of them."""

DENSE = 2
"""Numbers follow each other if their range has at most this many for each of them."""


@register
@dataclass(frozen=True)
class WholeNumbers(Form):
    """Whole numbers of a range; where the data's follow each other, those that come next.

    >>> form = WholeNumbers.fit([100, 101, 103], 0, 999)
    >>> form.low, form.high, form.follows
    (104, 999, True)
    """

    low: int
    high: int
    """The least and the greatest that are drawn."""
    most: int
    """The greatest that the column's type can hold."""
    follows: bool
    """Whether one number follows another, from a random start on."""

    @classmethod
    def fit(cls, numbers: Sequence[int], least: int, most: int) -> "WholeNumbers":
        """Fit the range of different numbers of a type that holds those from `least` to `most`."""
        low, high = min(numbers), max(numbers)
        if is_dense(numbers) and high < most:
            return cls.after(high, most).make_room(len(numbers))
        bottom = -_nines(low) if low < 0 else 10 ** (len(str(low)) - 1) if low else 0
        top = _nines(high) if high >= 0 else -(10 ** (len(str(high)) - 2))
        return cls(max(bottom, least), min(top, most), most, follows=False)

    @classmethod
    def after(cls, greatest: int, most: int) -> "WholeNumbers":
        """Return the numbers that come after one."""
        return cls(greatest + 1, min(_nines(greatest), most), most, follows=True)

    @property
    def is_always_new(self) -> bool:
        """All of the data's are below."""
        return self.follows

    def make_room(self, n: int) -> "WholeNumbers":
        """Return a form with room for a random start of n numbers, if the type has it."""
        form = self
        while form.high - form.low < 2 * n and form.high < form.most:
            form = form.widen()
        return form

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n numbers, as words; fewer if the type can't hold as many."""
        form = self.make_room(n) if self.follows else self
        numbers = draw_whole(rng, n, form.low, form.high, follows=form.follows)
        return [str(number) for number in numbers if number <= form.most]

    def reserve(self, rng: np.random.Generator, n: int) -> "Form | None":
        """A counter where numbers follow each other; None if the range has little room."""
        form = self.make_room(n) if self.follows else self
        if form.high - form.low < SPARSE * n:
            return None
        if not form.follows:
            return form
        return Counting(draw_start(rng, n, form.low, form.high))

    def widen(self) -> "WholeNumbers":
        """One digit more, as far as the type allows."""
        return replace(self, high=min(max(10 * self.high + 9, 9), self.most))


@dataclass
class Counting(Form):
    """Numbers one after another, that go on where the last ones ended.

    >>> counting = Counting(7, width=3)
    >>> rng = np.random.default_rng(0)
    >>> counting.draw(rng, 2), counting.draw(rng, 1)
    (['007', '008'], ['009'])
    """

    number: int
    """The next one."""
    width: int = 0
    """The least digits."""

    @property
    def is_always_new(self) -> bool:
        """It begins beyond the data's numbers."""
        return True

    @property
    def ascends(self) -> bool:
        """It counts."""
        return True

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Return the next n numbers, as words."""
        start = self.number
        self.number += n
        return [f"{number:0{self.width}d}" for number in range(start, self.number)]


def _nines(number: int) -> int:
    """The greatest number of as many digits."""
    return 10 ** len(str(abs(number))) - 1


def is_dense(numbers: Sequence[int]) -> bool:
    """Return whether different numbers follow each other, with few gaps."""
    return max(numbers) - min(numbers) < DENSE * len(numbers)


def draw_start(rng: np.random.Generator, n: int, low: int, high: int) -> int:
    """Draw where n numbers begin that follow each other."""
    return low + int(rng.random() * max(high - low + 2 - n, 1))


def draw_whole(
    rng: np.random.Generator, n: int, low: int, high: int, *, follows: bool
) -> list[int]:
    """Draw n numbers from low to high; those that follow each other begin anywhere."""
    if follows:
        start = draw_start(rng, n, low, high)
        return list(range(start, start + n))
    size = high - low + 1
    if size < 2**62:
        return [low + offset for offset in rng.integers(0, size, n).tolist()]
    words = rng.integers(0, 2**62, (n, 3))
    return [low + ((int(a) << 124) + (int(b) << 62) + int(c)) % size for a, b, c in words]
