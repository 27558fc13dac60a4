"""Rows of an array, each with a label: what `fit(X, y)` was handed, and what players see of it."""

import functools
import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pyarrow as pa
from jaxtyping import Array, Float, Int, Shaped

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Samples
from onehalf.data.arrays.scaler import ArrayScaler, Rows
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.schema import Column, Schema
from onehalf.distributions.base import AbstractData
from onehalf.distributions.empirical import Empirical

__all__ = [
    "Labelled",
    "LabelledPreprocessor",
    "LabelledRows",
    "Labels",
    "flattened",
    "paired",
    "unlabelled",
]

Labels = Shaped[np.ndarray, " _"]
"""One of each row: a whole number or a word."""

MOST_CLASSES = 1000
"""More distinct labels than this are hardly classes."""


class Labelled(NamedTuple):
    """Rows and their labels."""

    x: Rows
    y: Labels


def unlabelled(rows: Any) -> Any:
    """The rows without their labels, if they have any."""
    return rows.x if isinstance(rows, Labelled) else rows


def paired(what: str, rows: Rows, labels: Any) -> Labelled:
    """Rows and labels that belong together; refuses other than one whole number or word for each row.

    Floats count if all of them are whole.

    >>> paired("y", np.zeros((3, 8, 8)), ["cat", "dog", "cat"]).y
    array(['cat', 'dog', 'cat'], dtype='<U3')
    """
    y = np.asarray(labels)
    if y.dtype.kind == "f" and np.array_equal(y, np.rint(y)):
        y = y.astype(int)
    if (
        y.ndim != 1
        or y.dtype.kind not in "biuUO"
        or (y.dtype.kind == "O" and not all(isinstance(v, str) for v in y))
    ):
        refuse(
            what,
            expected="a whole number or a word for each row",
            got=f"shape {y.shape}, dtype {y.dtype}",
        )
    if len(y) != len(rows):
        refuse(what, expected=f"{len(rows):,} labels, one for each row", got=f"{len(y):,}")
    y = y.astype(str) if y.dtype.kind == "O" else y
    try:
        "".join(map(str, y.tolist())).encode()
    except UnicodeEncodeError as error:
        refuse(
            what,
            expected="words that can be written in UTF-8",
            got=ascii(error.object[error.start]),
        )
    return Labelled(rows, y)


class LabelledRows(AbstractData):
    """The empirical distribution of labelled rows: the entries of one of them at random, then its class, one-hot."""

    rows: Empirical
    places: Int[Array, " n"]
    conditions: Float[Array, "classes classes"]
    """Each class, one-hot."""
    shares: Float[Array, " classes"]
    """The share of the rows that each has."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int]:
        """The entries of a row, and the classes."""
        return (math.prod(self.rows.shape) + len(self.shares),)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n rows, with replacement."""
        key_row, key_cell = jr.split(key)
        row = jr.randint(key_row, (n,), 0, len(self))
        x = self.rows.at(key_cell, row).reshape(n, -1)
        return jnp.concatenate([x, self.conditions[self.places[row]]], axis=1)


class LabelledPreprocessor:
    """The way between labelled rows and examples as players see them: the entries in plain units, the class one-hot.

    In between a row is flat, its entries and then the place of its class: one array, to be hashed, split and drawn from
    like any other.
    """

    def __init__(
        self, units: ArrayScaler, shape: tuple[int, ...], name: str, values: Labels, shares: Any
    ) -> None:
        self.units, self.shape, self.values, self.shares = (
            units,
            tuple(shape),
            np.asarray(values),
            np.asarray(shares),
        )
        self.given = (name,)

    @classmethod
    def of(cls, rows: Rows, like: Rows, name: str, values: Labels) -> "LabelledPreprocessor":
        """The units of these flat rows, which had the shape and dtype of `like`; their classes are places of values."""
        shape = like.shape[1:]
        images = rows[:, :-1].reshape(-1, *shape).astype(like.dtype)
        shares = np.bincount(rows[:, -1].astype(int), minlength=len(values)) / len(rows)
        return cls(ArrayScaler.of(images), shape, name, values, shares)

    @functools.cached_property
    def coding(self) -> TableEncoder:
        """The labels as a table of one column of words."""
        words = tuple(map(str, self.values))
        about = Column(
            self.given[0], "category", 0.0, len(words), categories=dict.fromkeys(words, 1)
        )
        schema = Schema(len(words), (about,))
        return TableEncoder(
            schema, pa.schema({self.given[0]: pa.string()}), {self.given[0]: words}, {}, {}
        )

    @property
    def label_rows(self) -> Cells:
        """One row of that table for each class."""
        return np.arange(len(self.values), dtype=np.float64)[:, None]

    @property
    def label_shares(self) -> Float[np.ndarray, " classes"]:
        """The share of the rows that each class has."""
        return self.shares

    def cells(self, rows: Rows) -> Cells:
        """The rows of that table."""
        return rows[:, -1:].astype(np.float64)

    def conditions_of(self, cells: Cells) -> Float[np.ndarray, "n classes"]:
        """The classes, one-hot."""
        return np.eye(len(self.values), dtype=np.float32)[cells[:, 0].astype(int)]

    def cells_of(self, labels: Any) -> Cells:
        """The rows of the table that these labels are; refuses one that is none of the data's."""
        return self.coding.rows(
            pa.table({self.given[0]: np.asarray(labels).astype(str)}), "given"
        )

    def labelled(self, rows: Rows, cells: Cells) -> Rows:
        """The rows with these labels."""
        return _joined(rows[:, :-1], cells[:, 0].astype(int))

    def rows(self, labelled: Labelled) -> Rows:
        """Labelled rows, flat; refuses a label that is none of the data's."""
        return _joined(labelled.x, self.cells_of(labelled.y)[:, 0].astype(int))

    def parted(self, rows: Rows) -> Labelled:
        """Rows as the user has them, and their labels."""
        images = rows[:, :-1].astype(self.units.dtype).reshape(-1, *self.shape)
        return Labelled(images, self.values[rows[:, -1].astype(int)])

    def data(self, rows: Rows) -> LabelledRows:
        """The empirical distribution of these rows."""
        places, shares = (
            jnp.asarray(rows[:, -1].astype(np.int32)),
            jnp.asarray(self.shares, jnp.float32),
        )
        return LabelledRows(
            self.units.data(self.parted(rows).x), places, jnp.eye(len(shares)), shares
        )

    def plain(self, rows: Rows) -> Float[np.ndarray, "n entries"]:
        """Rows as players see them."""
        entries = self.units.plain(self.parted(rows).x).reshape(len(rows), -1)
        return np.concatenate([entries, self.conditions_of(self.cells(rows))], axis=1)

    def restore(self, x: Float[Any, "n entries"]) -> Rows:
        """The way back."""
        x = np.asarray(x)
        entries = self.units.restore(x[:, : -len(self.values)].reshape(-1, *self.shape))
        return _joined(entries, x[:, -len(self.values) :].argmax(axis=1))

    def tensors(self) -> dict[str, np.ndarray]:
        """All of the units but what is words, by name."""
        return {**self.units.tensors(), "shares": self.shares}


def flattened(rows: Labelled) -> tuple[Rows, Labels]:
    """Rows and the places of their classes, flat, and the values of the classes, in the order of the alphabet."""
    words, first, places = np.unique(rows.y.astype(str), return_index=True, return_inverse=True)
    if not 2 <= len(words) <= MOST_CLASSES:
        refuse(
            "y", expected=f"from 2 to {MOST_CLASSES:,} distinct labels", got=f"{len(words):,}"
        )
    return _joined(rows.x, places), rows.y[first]


def _joined(x: Rows, places: Int[np.ndarray, " n"]) -> Rows:
    """Entries and a last column, in a dtype that holds both."""
    dtype = np.promote_types(x.dtype, np.uint16)
    return np.concatenate(
        [x.reshape(len(x), -1).astype(dtype), places[:, None].astype(dtype)], axis=1
    )
