"""Where the numbers and the choices of a table stand in a row as players see it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """Where things are in a row as players see it: scores, then the choices that G makes, then those it is given.

    Choices that are made stand in order of their sizes, so that those of one size are one array.
    """

    scores: int
    made: tuple[int, ...]
    given: tuple[int, ...]
    gates: tuple[int, ...]
    """For each score the entry that says whether there is one (a number that is neither missing nor an atom), or -1."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of all choices."""
        return self.made + self.given

    @property
    def entries(self) -> int:
        """How many there are in all."""
        return self.scores + sum(self.sizes)

    @property
    def groups(self) -> Iterator[tuple[int, int, int]]:
        """(start, blocks, size) of the choices that are made, size by size."""
        start = self.scores
        for size, blocks in itertools.groupby(self.made):
            count = len(list(blocks))
            yield start, count, size
            start += count * size
