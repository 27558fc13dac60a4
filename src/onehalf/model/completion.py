"""Gaps of a table filled by the law of complete rows."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.partial import PartialTable
from onehalf.model.batches import numpy_generator
from onehalf.model.results import Imputation
from onehalf.players.law import Law, Wish

__all__ = ["Completion"]

WRONG_ROW = "Correct it, or fit with --constraints none."
"""What to do about a row that breaks a rule."""

REDRAWS = 100
"""Times that rows are completed anew, at most, where they repeat a key."""


@dataclass(frozen=True)
class Completion:
    """The law of complete rows, and what must differ between them."""

    law: Law
    repeats: Callable[[EncodedRows], Bool[np.ndarray, " n"]] | None
    """Finds the rows that repeat a key of an earlier one; None where no rule says that keys are unique."""

    def fill(self, key: PRNGKey, partial: PartialTable, wish: Wish) -> Imputation:
        """Complete the rows of a table.

        Raises:
            Refusal: A row breaks a rule that samples keep, or keys can't be told apart.
        """
        broken = self.law.find_broken(partial.cells)
        if broken is not None:
            got = f"one that breaks it in {partial.locate(broken.row)}"
            expected = f"rows that keep the rule {broken.rule}"
            refuse(partial.what, expected=expected, got=got, hint=WRONG_ROW)
        rng = numpy_generator(key)
        found = self.law.fill(rng, partial.cells, partial.is_given, wish)
        again = functools.partial(self._fill_again, rng, partial, wish)
        cells = tuple(self._separate(partial.what, each, again) for each in found.cells)
        impossible = np.flatnonzero(~found.is_possible).tolist()
        names = (tuple(map(partial.locate, rows)) for rows in (impossible, found.failed))
        return Imputation(cells, *names)

    def _fill_again(
        self, rng: np.random.Generator, partial: PartialTable, wish: Wish, rows: np.ndarray
    ) -> Cells:
        """Complete some of the rows once more."""
        one = dataclasses.replace(wish, draws=1, how="draw")
        return self.law.fill(rng, partial.cells[rows], partial.is_given[rows], one).cells[0]

    def _separate(
        self, what: str, cells: Cells, fill_again: Callable[[np.ndarray], Cells]
    ) -> Cells:
        """Complete rows anew that repeat a key that rules say is unique."""
        repeats = self.repeats
        if repeats is None:
            return cells
        wrong = np.zeros(0, int)
        for _ in range(REDRAWS):
            # of rows with one key all are drawn anew, as one of them may have been given it
            both = (cells, repeats), (cells[::-1], lambda rows: repeats(rows)[::-1])
            wrong = np.flatnonzero(
                np.any([find(EncodedRows.unlabelled(rows)) for rows, find in both], axis=0)
            )
            if not len(wrong):
                break
            cells[wrong] = fill_again(wrong)
        if len(wrong):
            got = f"{len(wrong):,} that repeat a key of another row after {REDRAWS} draws"
            refuse(what, expected="rows that can have keys of their own", got=got)
        return cells
