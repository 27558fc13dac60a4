"""The positions of the scores and choices of a table in an encoded row."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """The positions in an encoded row: scores, then one-hot choices, without labels.

    Choices are in order of their sizes, so that those of one size are one array.
    """

    scores: int
    sizes: tuple[int, ...]
    """How many values each choice has."""
    gates: tuple[int, ...]
    """For each score the entry that says whether there is one (a number that is neither missing
    nor an atom), or -1."""

    @property
    def logits(self) -> int:
        """How many values all choices have."""
        return sum(self.sizes)

    @property
    def entries(self) -> int:
        """How many numbers a row has in all."""
        return self.scores + self.logits

    @property
    def groups(self) -> Iterator[tuple[int, int, int]]:
        """(start, blocks, size) of the choices, size by size."""
        start = self.scores
        for size, blocks in itertools.groupby(self.sizes):
            count = len(list(blocks))
            yield start, count, size
            start += count * size
