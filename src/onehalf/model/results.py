"""What a model gives: encoded rows, and how they were found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.partial import PartialTable

__all__ = ["Given", "Imputation", "Pieces", "Sample"]


@dataclass(frozen=True)
class Sample:
    """Encoded samples, and how many were drawn to find them."""

    rows: EncodedRows
    n_drawn: int
    probability: float = 1.0
    """The estimated probability of the conditions under the model."""
    effective: float | None = None
    """The effective number of the weighted samples; None of samples without weights."""


class Pieces(NamedTuple):
    """Encoded samples, piece by piece."""

    rows: Iterator[EncodedRows]
    found: Sample | None = None
    """All of them, where they were drawn under conditions."""


@dataclass(frozen=True)
class Given:
    """A sample for each row that was given."""

    rows: EncodedRows
    known: PartialTable | None = None
    """The cells that were given, if they were not labels alone."""
    n_impossible: int = 0
    """Rows with a given value that samples never have."""
    left: tuple[str, ...] = ()
    """The names of rows that keep their gaps, as nothing was found that keeps the rules."""


@dataclass(frozen=True)
class Imputation:
    """Completions of a table."""

    cells: tuple[Cells, ...]
    n_impossible: int
    """Rows with a value that samples never have."""
    left: tuple[str, ...] = ()
    """The names of rows that keep their gaps, as nothing was found that keeps the rules."""
