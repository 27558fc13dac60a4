"""Encoded rows: what a fit splits, draws, measures and decodes, whatever kind of data it came from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped

from onehalf.data.splits import hash_rows

__all__ = ["EncodedRows"]


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """n rows and their labels; indexing selects from both.

    >>> rows = EncodedRows(np.zeros((3, 8, 8)), np.array([[0], [1], [1]]))
    >>> len(rows), rows[1:].labels.tolist()
    (3, [[1], [1]])
    """

    x: Shaped[np.ndarray, "n ..."]
    """Rows of an array in the user's units and dtype, or the cells of a table as float64."""
    labels: Int[np.ndarray, "n labels"]
    """The place of each label among its values, from 0; of width 0 without labels."""

    @classmethod
    def unlabelled(cls, x: Shaped[np.ndarray, "n ..."]) -> "EncodedRows":
        """Rows without labels."""
        return cls(x, np.zeros((len(x), 0), np.int64))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> "EncodedRows":
        return EncodedRows(self.x[index], self.labels[index])

    @classmethod
    def concatenate(cls, parts: "Sequence[EncodedRows]") -> "EncodedRows":
        """All rows, one part after the other."""
        return cls(
            np.concatenate([rows.x for rows in parts]),
            np.concatenate([rows.labels for rows in parts]),
        )

    def replace(self, index: Int[np.ndarray, " _"], rows: "EncodedRows") -> "EncodedRows":
        """These rows, but others at these places."""
        x, labels = self.x.copy(), self.labels.copy()
        x[index] = rows.x
        labels[index] = rows.labels
        return EncodedRows(x, labels)

    def flat(self) -> Float[np.ndarray, "n entries"]:
        """Each row as one vector, its entries and then its labels."""
        entries = self.x.reshape(len(self), -1)
        return np.concatenate([entries.astype(np.float64), self.labels], axis=1)

    def digest(self) -> str:
        """SHA-256 of all rows in their order, with their labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.x).tobytes())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        return digest.hexdigest()

    def hashes(self) -> Integer[np.ndarray, " n"]:
        """A 64-bit hash of each row and its labels."""
        entries = self.x.reshape(len(self), -1)
        return hash_rows(self.flat() if self.labels.shape[1] else entries)
