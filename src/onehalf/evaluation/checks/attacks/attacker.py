"""What an attacker has: the samples alone, and distances between rows that are learned from them."""

import abc
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.neighbors import NearestNeighbors

from onehalf.evaluation.features.base import Columns, ColumnSpace
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["Attacker", "Method", "find_nearest"]

Rows = Float[np.ndarray, "_ d"]
Places = Int[np.ndarray, "rows k"]


@dataclass(frozen=True)
class Attacker:
    """The samples, and what is known of columns. Nothing here depends on a row that is attacked."""

    samples: EvaluationRows
    space: ColumnSpace
    columns: Columns
    centre: Float[np.ndarray, " d"]
    """The mean of the samples in the space: distances of rows near 0 lose no digits."""

    @classmethod
    def from_samples(
        cls, samples: EvaluationRows, space: ColumnSpace, columns: Columns
    ) -> "Attacker":
        """Look at the samples."""
        return cls(samples, space, columns, space.encode(samples).mean(axis=0))

    @property
    def column_count(self) -> int:
        """The number of columns."""
        return len(np.unique(self.space.owners))

    def locate(self, rows: EvaluationRows) -> Rows:
        """Rows in the space, where distances mean something."""
        return self.space.encode(rows) - self.centre

    def of_columns(self, columns: Int[np.ndarray, " _"]) -> Bool[np.ndarray, " d"]:
        """Which numbers of a row in the space belong to these columns."""
        return np.isin(self.space.owners, columns)


class Method(abc.ABC):
    """One kind of attack, prepared: what comes of it for a row depends on no other row that is attacked."""

    @abc.abstractmethod
    def attempt(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """Attack each row once, and tell on which rows it succeeds."""

    @abc.abstractmethod
    def guess(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """The same with samples at random in place of the nearest ones."""


def find_nearest(rows: Rows, among: Rows, k: int = 1) -> Places:
    """The k nearest of `among` to each row, the nearest first."""
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(among)
    return search.kneighbors(rows, return_distance=False)
