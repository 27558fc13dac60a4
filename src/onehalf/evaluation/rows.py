"""Encoded rows as evaluation sees them: entries, labels and extra features, each a part of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped

from onehalf.data.rows import EncodedRows
from onehalf.data.splits import hash_rows

__all__ = ["AnyRows", "EvaluationRows", "Features", "concatenate", "wrap", "wrap_opponents"]

Features = Float[np.ndarray, "rows _"]


@dataclass(frozen=True, eq=False)
class EvaluationRows:
    """Rows with all that goes with them; indexing by a slice, places or a mask gives such rows again.

    >>> rows = wrap(np.zeros((3, 2, 2)), np.array([0, 1, 1]))
    >>> len(rows[1:]), rows.width, rows[1:].labels.tolist()
    (2, 5, [[1], [1]])
    """

    x: Shaped[np.ndarray, "rows ..."]
    """Entries in the user's units, shape and dtype; of tables float64 cells, NaN where they are missing."""
    labels: Int[np.ndarray, "rows labels"]
    """The place of each label among the encoder's classes; no column without labels."""
    features: Float[np.ndarray, "rows features"]
    """Features that the user gave, beside x; no column without."""

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> "EvaluationRows":
        return EvaluationRows(self.x[index], self.labels[index], self.features[index])

    @property
    def width(self) -> int:
        """The numbers in a row: entries, features and labels."""
        entries = int(np.prod(self.x.shape[1:]))
        return entries + self.features.shape[1] + self.labels.shape[1]

    def entries(self, dtype: Any = np.float64) -> Features:
        """The entries alone, flat."""
        return self.x.reshape(len(self), -1).astype(dtype, copy=False)

    def without_labels(self) -> "EvaluationRows":
        """The rows alone, with their features."""
        return EvaluationRows(self.x, self.labels[:, :0], self.features)

    def flat(self) -> Features:
        """All of a row as one float64 vector: entries, features, labels."""
        parts = [self.entries()]
        parts += [part for part in (self.features, self.labels) if part.shape[1]]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1, dtype=np.float64)

    def hashes(self) -> Integer[np.ndarray, " rows"]:
        """A 64-bit hash of each row, all of it."""
        if self.features.shape[1] or self.labels.shape[1]:
            return hash_rows(self.flat())
        return hash_rows(self.x.reshape(len(self), -1))


AnyRows = EvaluationRows | EncodedRows | Shaped[np.ndarray, "_ ..."]
"""Rows; without features; or an array of them without labels either."""


def wrap(
    rows: AnyRows,
    labels: Int[np.ndarray, " n"] | None = None,
    features: Shaped[np.ndarray, "n _"] | None = None,
) -> EvaluationRows:
    """An array as rows, with the place of each row's label and features, if there are any; rows as they are."""
    if isinstance(rows, EvaluationRows):
        return rows
    if isinstance(rows, EncodedRows):
        return EvaluationRows(rows.x, rows.labels, np.empty((len(rows), 0)))
    n = len(rows)
    return EvaluationRows(
        rows,
        np.empty((n, 0), np.int64) if labels is None else labels[:, None],
        np.empty((n, 0)) if features is None else features.astype(np.float64),
    )


def wrap_opponents(rows: AnyRows) -> EvaluationRows:
    """The same of an array of shape (n, k, ...): k rows that meet each of n others, one after the other."""
    if isinstance(rows, EvaluationRows | EncodedRows):
        return wrap(rows)
    return wrap(rows.reshape(-1, *rows.shape[2:]))


def concatenate(parts: Sequence[EvaluationRows]) -> EvaluationRows:
    """The rows of all parts, one part after the other."""
    return EvaluationRows(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.features for part in parts]),
    )
