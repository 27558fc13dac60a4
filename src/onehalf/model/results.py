"""What a model gives: encoded rows, and how they were found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.partial import PartialTable

__all__ = ["Given", "Imputation", "Pieces", "Sample", "Search"]


@dataclass
class Search:
    """How samples under conditions were found, so far."""

    n_drawn: int = 0
    probability: float = 1.0
    """The estimated probability of the conditions under the model."""
    effective: float | None = None
    """The effective number of the weighted samples; None of samples without weights."""

    def add(self, n_drawn: int, probability: float, effective: float) -> None:
        """Add weighted samples."""
        before = self.n_drawn * self.probability
        self.n_drawn += n_drawn
        self.probability = (before + n_drawn * probability) / self.n_drawn
        self.effective = (self.effective or 0.0) + effective


@dataclass
class Sample(Search):
    """Encoded samples, and how they were found."""

    rows: EncodedRows = field(kw_only=True)

    @classmethod
    def found_by(cls, search: Search, rows: EncodedRows) -> "Sample":
        """The samples of a search that has ended."""
        return cls(search.n_drawn, search.probability, search.effective, rows=rows)


class Pieces(NamedTuple):
    """Encoded samples, piece by piece."""

    rows: Iterator[EncodedRows]
    search: Search | None = None
    """How they were found, under conditions; kept up to date with each piece."""


@dataclass(frozen=True)
class Given:
    """A sample for each row that was given."""

    rows: EncodedRows
    known: PartialTable | None = None
    """The cells that were given, if they were not labels alone."""
    impossible: tuple[str, ...] = ()
    """The names of rows with a given value that samples never have."""
    left: tuple[str, ...] = ()
    """The names of rows that keep their gaps, as nothing was found that keeps the rules."""


@dataclass(frozen=True)
class Imputation:
    """Completions of a table."""

    cells: tuple[Cells, ...]
    impossible: tuple[str, ...] = ()
    """The names of rows with a value that samples never have."""
    left: tuple[str, ...] = ()
    """The names of rows that keep their gaps, as nothing was found that keeps the rules."""
