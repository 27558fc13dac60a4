"""Encode rows of a table for training: normal scores for numbers, one-hot choices for the rest.

Samples are decoded to cells by the inverse.
"""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Float, Int

from onehalf._errors import refuse
from onehalf.data.conditions import Conditions
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.choices import Choice
from onehalf.data.tables.distribution import TableLatent, TableRows
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.layout import Layout
from onehalf.data.tables.normal_scores import NormalScores, Values
from onehalf.distributions.base import AbstractData, Batch, Latent
from onehalf.distributions.conditional import Conditional, ConditionalLatent, one_hot

__all__ = ["TablePreprocessor"]

LEAST_PROBABILITY = 1e-7
"""The least probability below a number, and above one: beyond it float32 knows no score."""

Entries = Float[np.ndarray, "n entries"]


class TablePreprocessor:
    """The transform between the cells of a table and rows for training, fitted to training rows.

    Each column is a choice, scores, or both: a choice of whether there is a number, and which.
    A choice of one value has no entry. Rows come back with each number as it is in the data up
    to float32's 7 digits of a score.
    """

    def __init__(
        self,
        encoder: TableEncoder,
        choices: Sequence[Choice],
        scores: Sequence[NormalScores | None],
        conditions: Conditions,
    ) -> None:
        self.encoder = encoder
        self.choices = tuple(choices)
        self.scores = tuple(scores)
        self.conditions = conditions
        self.scored = {
            column: each for column, each in enumerate(self.scores) if each is not None
        }
        is_label = [name in conditions.names for name in encoder.names]
        several = [column for column, each in enumerate(choices) if len(each.values) > 1]
        free = [column for column in several if not is_label[column]]
        self.label_columns = [column for column, label in enumerate(is_label) if label]
        self.chosen = sorted(free, key=lambda column: len(choices[column].values))
        self.given = [column for column in several if is_label[column]]
        sizes = tuple(len(choices[column].values) for column in self.chosen)
        starts = len(self.scored) + np.cumsum([0, *sizes])[:-1]
        gate_of = dict(zip(self.chosen, starts, strict=True))
        gates = tuple(int(gate_of.get(column, -1)) for column in self.scored)
        self.layout = Layout(len(self.scored), sizes, gates)
        self.given_sizes = tuple(len(choices[column].values) for column in self.given)

    @classmethod
    def fit(
        cls, rows: Cells, encoder: TableEncoder, labels: Sequence[str] = ()
    ) -> "TablePreprocessor":
        """Learn from these rows.

        Args:
            rows: The cells of the training rows.
            encoder: What encoded them.
            labels: Columns that G is given.

        Raises:
            Refusal: A label is a column of many numbers.
        """
        choices, scores = [], []
        for column, cells in zip(encoder.columns, rows.T, strict=True):
            choice, rest = Choice.fit(cells, column.kind)
            choices.append(choice)
            decimals = column.decimals if column.kind == "continuous" else 0
            scores.append(NormalScores.fit(rest, decimals) if len(rest) else None)
            if column.name in labels and len(rest):
                refuse(
                    f"label {column.name!r}",
                    expected="a column of categories or of few values",
                    got=f"{column.distinct:,} numbers",
                )
        return cls(encoder, choices, scores, _find_conditions(rows, encoder, labels))

    @property
    def shape(self) -> tuple[int]:
        """The entries of a row, without labels."""
        return (self.layout.entries,)

    @property
    def condition_size(self) -> int:
        """Entries of c."""
        return sum(self.given_sizes)

    @property
    def shares(self) -> Values:
        """The share of the rows that each value of the choices has that G makes."""
        return np.concatenate(
            [np.zeros(0), *(self.choices[column].shares for column in self.chosen)]
        )

    def distribution(self, rows: EncodedRows) -> AbstractData:
        """The empirical distribution of these rows."""
        places = self._places(rows.x, self.chosen)
        has_number = self._has_number(places)
        low, high = (
            np.where(
                has_number,
                np.clip(scipy.special.ndtr(end), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY),
                0.5,
            )
            for end in self._intervals(rows.x)
        )
        table = TableRows(
            jnp.asarray(low, jnp.float32),
            jnp.asarray(high, jnp.float32),
            jnp.asarray(places, jnp.int32),
            self.layout,
        )
        if not self.conditions.names:
            return table
        codes = jnp.asarray(self._places(rows.x, self.given), jnp.int32)
        return Conditional(table, codes, self.given_sizes)

    def latent(self, noise: Latent) -> AbstractData:
        """The distribution of z, with labels as often as in the training rows."""
        z = TableLatent(noise, sum(self.layout.sizes))
        if not self.conditions.names:
            return z
        distinct = jnp.asarray(self.encode_conditions(self.conditions.cells))
        return ConditionalLatent(z, distinct, jnp.asarray(self.conditions.shares, jnp.float32))

    def transform(self, rows: EncodedRows) -> Batch:
        """Encode cells for training, each score in the middle of its interval."""
        places = self._places(rows.x, self.chosen)
        low, high = self._intervals(rows.x)
        scores = np.where(self._has_number(places), (low + high) / 2, 0.0)
        choices = one_hot(jnp.asarray(places, jnp.int32), self.layout.sizes)
        x = np.concatenate([scores, choices], axis=1).astype(np.float32)
        return Batch(jnp.asarray(x), jnp.asarray(self.encode_conditions(rows.x)))

    def inverse_transform(self, batch: Batch) -> EncodedRows:
        """Decode the examples of the networks to cells.

        Rare words are drawn by a generator that the entries themselves start.
        """
        entries = np.asarray(batch.x, np.float64)
        rng = np.random.default_rng(zlib.crc32(entries.tobytes()))
        cells = np.empty((len(entries), len(self.choices)))
        choices = entries[:, self.layout.scores :]
        places = _read_places(choices, self.chosen, self.layout.sizes)
        places |= _read_places(np.asarray(batch.c), self.given, self.given_sizes)
        numbers = {
            column: scores.inverse_transform(z)
            for (column, scores), z in zip(self.scored.items(), entries.T, strict=False)
        }
        first = np.zeros(len(cells), int)
        no_number = np.zeros(len(cells))
        for column, choice in enumerate(self.choices):
            cells[:, column] = choice.inverse_transform(
                places.get(column, first), numbers.get(column, no_number), rng
            )
        return EncodedRows.unlabelled(cells)

    def encode_conditions(self, cells: Cells) -> Float[np.ndarray, "n width"]:
        """The labels among these cells, one-hot."""
        codes = jnp.asarray(self._places(cells, self.given), jnp.int32)
        return np.asarray(one_hot(codes, self.given_sizes))

    def label_cells(self, rows: EncodedRows) -> Cells:
        """The cells of rows, their labels among them."""
        return rows.x

    def relabel(self, rows: EncodedRows, cells: Cells) -> EncodedRows:
        """The rows with the labels of these cells."""
        relabelled = rows.x.copy()
        relabelled[:, self.label_columns] = cells[:, self.label_columns]
        return EncodedRows.unlabelled(relabelled)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, by name; `from_arrays` is the way back."""
        arrays = {"label_cells": self.conditions.cells, "label_shares": self.conditions.shares}
        for column, (choice, scores) in enumerate(zip(self.choices, self.scores, strict=True)):
            arrays |= {f"{column}.{name}": value for name, value in vars(choice).items()}
            if scores is not None:
                decimals = np.nan if scores.decimals is None else scores.decimals
                for name in ("ends", "z", "numbers"):
                    arrays[f"{column}.{name}"] = getattr(scores, name)
                lattice = [scores.repeat, scores.step, decimals]
                arrays[f"{column}.lattice"] = np.array(lattice, np.float64)
        return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], encoder: TableEncoder, labels: Sequence[str]
    ) -> "TablePreprocessor":
        """What `to_arrays` gave."""
        choices, scores = [], []
        fields = [field.name for field in dataclasses.fields(Choice)]
        for column in range(len(encoder.columns)):
            choices.append(Choice(**{name: arrays[f"{column}.{name}"] for name in fields}))
            if f"{column}.z" not in arrays:
                scores.append(None)
                continue
            repeat, step, decimals = arrays[f"{column}.lattice"].tolist()
            ends, z, numbers = (arrays[f"{column}.{name}"] for name in ("ends", "z", "numbers"))
            digits = None if np.isnan(decimals) else int(decimals)
            scores.append(NormalScores(ends, z, numbers, bool(repeat), step, digits))
        conditions = Conditions(tuple(labels), arrays["label_cells"], arrays["label_shares"])
        return cls(encoder, choices, scores, conditions)

    def _places(self, cells: Cells, columns: Sequence[int]) -> Int[np.ndarray, "n choices"]:
        """Which value the choice of each of these columns has."""
        places = [self.choices[column].transform(cells[:, column]) for column in columns]
        return np.stack(places, axis=1) if places else np.zeros((len(cells), 0), int)

    def _intervals(self, cells: Cells) -> Float[np.ndarray, "2 n scores"]:
        """The scores that each number takes, from and to."""
        intervals = [
            scores.interval(cells[:, column]) for column, scores in self.scored.items()
        ]
        stacked = np.array(intervals).reshape(len(intervals), 2, len(cells))
        return np.moveaxis(stacked, 0, 2)

    def _has_number(self, places: Int[np.ndarray, "n choices"]) -> np.ndarray:
        """Where each score has a number: its choice, if it has one, is REST, which comes first."""
        has_number = np.ones((len(places), len(self.scored)), bool)
        for score, column in enumerate(self.scored):
            if column in self.chosen:
                has_number[:, score] = places[:, self.chosen.index(column)] == 0
        return has_number


def _find_conditions(rows: Cells, encoder: TableEncoder, labels: Sequence[str]) -> Conditions:
    """The combinations of labels that occur, as rows whose other cells are missing."""
    columns = [column for column, name in enumerate(encoder.names) if name in labels]
    # one NaN is not the same as another, infinity is; the first column is for tables without
    # labels
    known = np.where(np.isnan(rows[:, columns]), np.inf, rows[:, columns])
    known = np.column_stack([np.zeros(len(rows)), known])
    distinct, counts = np.unique(known, axis=0, return_counts=True)
    cells = np.full((len(distinct), rows.shape[1]), np.nan)
    cells[:, columns] = np.where(np.isinf(distinct[:, 1:]), np.nan, distinct[:, 1:])
    return Conditions(tuple(labels), cells, counts / len(rows))


def _read_places(
    entries: Entries, columns: Sequence[int], sizes: Sequence[int]
) -> dict[int, Int[np.ndarray, " n"]]:
    """The place of the 1 in the choice of each of these columns, of these sizes."""
    places = {}
    start = 0
    for column, size in zip(columns, sizes, strict=True):
        places[column] = entries[:, start : start + size].argmax(axis=1)
        start += size
    return places
