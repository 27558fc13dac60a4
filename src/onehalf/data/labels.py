"""Labels of the rows of an array: a whole number or a word for each, as numbers and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from onehalf._errors import refuse
from onehalf.data.arrays.validation import Labels, Rows
from onehalf.data.tables.column import Column
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.schema import Schema

__all__ = ["LabelEncoder", "Labelled"]

MOST_CLASSES = 1000
"""More distinct labels than this are hardly classes."""


class Labelled(NamedTuple):
    """Rows of an array and their labels, as `GAN.sample` gives them."""

    x: Rows
    y: Labels


@dataclass(frozen=True, eq=False)
class LabelEncoder:
    """What a label is called, and its distinct values in the order of the alphabet.

    Without labels there are neither.

    >>> encoder = LabelEncoder.infer(np.array([7, 10, 7]), ["class"])
    >>> encoder.encode(np.array([7, 10]), 2).tolist(), encoder.decode(np.array([[1]])).tolist()
    ([[1], [0]], [7])
    """

    names: tuple[str, ...]
    values: Labels

    @classmethod
    def infer(cls, labels: Labels | None, names: Sequence[str]) -> "LabelEncoder":
        """The distinct labels.

        Raises:
            Refusal: Labels are asked for and there are none, or too few distinct ones, or too
                many.
        """
        if not names:
            return cls((), np.zeros(0, int))
        if len(names) > 1:
            refuse("label", expected="one name for y", got=list(names))
        if labels is None:
            hint = "Class folders, IDX files of images and labels, or a .npz file with x and y have them."
            expected = f"labels of the rows, to be called {names[0]!r}"
            refuse("y", expected=expected, got="none", hint=hint)
        words, first = np.unique(labels.astype(str), return_index=True)
        if not 2 <= len(words) <= MOST_CLASSES:
            expected = f"from 2 to {MOST_CLASSES:,} distinct labels"
            refuse("y", expected=expected, got=f"{len(words):,}")
        return cls(tuple(names), labels[first])

    @cached_property
    def encoder(self) -> TableEncoder:
        """The labels as a table of one column of words, which filters can be read on."""
        words = tuple(map(str, self.values))
        counts = dict.fromkeys(words, 1)
        column = Column(self.names[0], "category", 0.0, len(words), categories=counts)
        schema = Schema(len(words), (column,))
        types = pa.schema({self.names[0]: pa.string()})
        return TableEncoder(schema, types, {self.names[0]: words}, {})

    def encode(
        self, labels: Labels | None, n: int, what: str = "y"
    ) -> Int[np.ndarray, "n labels"]:
        """The place of each label among the values; of width 0 without labels.

        Raises:
            Refusal: There are no labels, or unknown ones.
        """
        if not self.names:
            return np.zeros((n, 0), np.int64)
        if labels is None:
            refuse(what, expected=f"the labels of the rows, {self.names[0]!r}", got="none")
        table = pa.table({self.names[0]: np.asarray(labels).astype(str)})
        return self.encoder.encode(table, what).astype(np.int64)

    def decode(self, codes: Int[np.ndarray, "n labels"]) -> Labels:
        """The labels at these places."""
        return self.values[codes[:, 0]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` is the way back."""
        values = self.values.tolist()
        return {"names": self.names, "values": values, "dtype": self.values.dtype.str}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "LabelEncoder":
        """What `to_dict` gave."""
        return cls(tuple(saved["names"]), np.array(saved["values"], saved["dtype"]))
