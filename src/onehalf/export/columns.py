"""The values of one column of a table: a list of all that there are, or numbers that are computed."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Shaped

from onehalf._errors import refuse
from onehalf.data.tables.cells import type_of_moments
from onehalf.data.tables.choices import RARE, REST, Choice
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.forms.base import is_text
from onehalf.data.tables.normal_scores import NormalScores
from onehalf.export.description import Column
from onehalf.export.graph import Graph
from onehalf.export.lookup import list_values, type_of
from onehalf.export.search import Steps

__all__ = ["ColumnValues", "Drawn", "make_column"]

MOST_LISTED = 100_000
"""Dates are listed as the data write them if they are no more than this: 273 years of days."""

MOST_DESCRIBED = 1000
"""A description lists no more values."""

MISSING_WORDS = ("", "NA", "[missing]", "[no value]")
"""What a missing word comes out as: the first of these that is no word of the column."""

NO_DATE = np.iinfo(np.int64).min
"""What a missing date comes out as where dates are whole numbers: NumPy's NaT."""

UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}

Cells = Float[np.ndarray, " _"]
Values = Shaped[np.ndarray, " _"]


class Drawn(NamedTuple):
    """Results of a graph that decide one column, each a vector."""

    place: str
    """The place of the choice among its values."""
    number: str | None
    """Of scores: the place of a number that repeats, or the number."""
    chance: str | None
    """A uniform number that decides which rare word."""


@dataclass(frozen=True, eq=False)
class ColumnValues(ABC):
    """What the cells of a column come out as."""

    encoder: TableEncoder
    place: int
    choice: Choice
    scores: NormalScores | None

    @abstractmethod
    def decode(self, cells: Cells) -> Values:
        """The values of cells, as the graph gives them."""

    @abstractmethod
    def add_cells(self, graph: Graph, drawn: Drawn) -> str:
        """Add the column's values."""

    @property
    @abstractmethod
    def about(self) -> Column:
        """The column's description."""

    @property
    def name(self) -> str:
        """What the data call it."""
        return self.encoder.names[self.place]

    @property
    def has_missing(self) -> bool:
        """Whether cells may be missing."""
        return bool(np.isnan(self.choice.values).any())

    def _describe(self, type_: str, **facts: Any) -> Column:
        column = self.encoder.columns[self.place]
        facts = {"format": column.format, **facts}
        return Column(self.name, self.name, column.kind, type_, ("n",), **facts)


@dataclass(frozen=True, eq=False)
class ListedValues(ColumnValues):
    """One of a list: words, and numbers that repeat."""

    grid: Cells
    """The cells that scores give; those of a choice and its rare words come before them."""

    @cached_property
    def listed(self) -> Values:
        """All values: of the choice, of its rare words, of scores."""
        cells = np.concatenate([self.choice.values, self.choice.rare, self.grid])
        # at the places of RARE and REST, any value: others are put there
        return self.decode(np.where(np.isinf(cells), cells[-1], cells))

    def decode(self, cells: Cells) -> Values:
        """Decode by the encoder itself."""
        rows = np.full((len(cells), len(self.encoder.columns)), np.nan)
        rows[:, self.place] = cells
        column = self.encoder.decode(rows)[self.name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if is_text(column.type):
            return np.array(column.fill_null(self.missing_word).to_pylist(), object)
        if self.has_missing or pa.types.is_decimal(column.type):
            column = column.cast(pa.float64(), safe=False)
        return column.to_numpy(zero_copy_only=False)

    @property
    def missing_word(self) -> str:
        """What stands for a missing word."""
        words = self.encoder.words.get(self.name, ())
        return next((word for word in MISSING_WORDS if word not in words), MISSING_WORDS[-1])

    @property
    def about(self) -> Column:
        """With all values, if they are few, each once."""
        is_value = np.ones(len(self.listed), bool)
        is_value[: len(self.choice.values)] = np.isfinite(self.choice.values)
        values = tuple(dict.fromkeys(list_values(self.listed[is_value])))
        missing = None
        if self.has_missing:
            nothing = self.decode(np.array([np.nan]))
            (missing,) = list_values(nothing)
        described = values if len(values) <= MOST_DESCRIBED else None
        return self._describe(type_of(self.listed), values=described, missing=missing)

    def add_cells(self, graph: Graph, drawn: Drawn) -> str:
        """Look the values up."""
        index = drawn.place
        values = self.choice.values
        rare = len(values)
        if drawn.chance is not None:
            cumulated = np.cumsum(self.choice.rare_shares)
            steps = Steps([cumulated[:-1] / cumulated[-1]])
            column = graph.add("Unsqueeze", drawn.chance, np.array([1]))
            place = graph.column(steps.search(graph, column), 0)
            place = _shift(graph, place, rare)
            index = _replace(graph, index, values == RARE, place, drawn.place)
        if drawn.number is not None:
            number = drawn.number
            if self.scores is not None and not self.scores.repeat:
                number = self._find_tick(graph, self.scores, number)
            number = _shift(graph, number, rare + len(self.choice.rare))
            index = _replace(graph, index, values == REST, number, drawn.place)
        return graph.add("Gather", self.listed, index)

    def _find_tick(self, graph: Graph, scores: NormalScores, number: str) -> str:
        """The place of a number on the grid of dates."""
        ticks = graph.add("Sub", number, scores.numbers[0])
        steps = graph.add("Div", ticks, np.array(scores.step))
        return graph.cast(graph.add("Round", steps), "int64")


@dataclass(frozen=True, eq=False)
class ComputedValues(ColumnValues):
    """Numbers that a score gives, beside single ones of a choice; dates as whole numbers."""

    @property
    def is_date(self) -> bool:
        """Whether they are dates."""
        return self.encoder.columns[self.place].kind == "date"

    @property
    def type(self) -> str:
        """Whole numbers where the data have them, as far as none is missing."""
        type_ = self.encoder.types.field(self.name).type
        if self.is_date:
            return "int64"
        is_whole = self.encoder.columns[self.place].kind == "integer" or pa.types.is_integer(
            type_
        )
        if pa.types.is_floating(type_):
            return str(type_.to_pandas_dtype().__name__)
        return "int64" if is_whole and not self.has_missing else "float64"

    @property
    def about(self) -> Column:
        """With the unit of dates."""
        column = self.encoder.columns[self.place]
        if not self.is_date:
            return self._describe(self.type, missing="NaN" if self.has_missing else None)
        unit = type_of_moments(column, self.encoder.types.field(self.name).type).unit
        missing = str(NO_DATE) if self.has_missing else None
        return self._describe("int64", missing=missing, unit=UNITS[unit])

    def decode(self, cells: Cells) -> Values:
        """Numbers as they are, dates in their unit."""
        if not self.is_date:
            whole = np.rint(cells) if self.type == "int64" else cells
            return whole.astype(self.type)
        missing = np.isnan(cells)
        ticks = np.rint(np.where(missing, 0, cells)).astype(np.int64)
        return np.where(missing, NO_DATE, ticks * self.encoder.ticks[self.name])

    def add_cells(self, graph: Graph, drawn: Drawn) -> str:
        """Take the number where the choice has none, and convert it."""
        values = self.choice.values
        cells = graph.add("Gather", np.where(np.isinf(values), 0.0, values), drawn.place)
        if drawn.number is not None:
            cells = _replace(graph, cells, values == REST, drawn.number, drawn.place)
        if not self.is_date:
            whole = graph.add("Round", cells) if self.type == "int64" else cells
            return whole if self.type == "float64" else graph.cast(whole, self.type)
        missing = graph.add("IsNaN", cells)
        known = graph.add("Where", missing, np.array(0.0), graph.add("Round", cells))
        units = graph.add(
            "Mul", graph.cast(known, "int64"), np.array(self.encoder.ticks[self.name])
        )
        return graph.add("Where", missing, np.array(NO_DATE), units)


def make_column(
    encoder: TableEncoder, place: int, choice: Choice, scores: NormalScores | None
) -> ColumnValues:
    """Make a column whose values are listed where they can be.

    Raises:
        Refusal: It has whole numbers that float64 can't tell apart, too many to list them.
    """
    column = encoder.columns[place]
    type_ = encoder.types.field(column.name).type
    parts = (encoder, place, choice, scores)
    grid = np.zeros(0)
    if pa.types.is_temporal(type_):
        return ComputedValues(*parts)
    if scores is not None:
        grid = _list_cells(scores, is_date=column.kind == "date")
    if grid is not None:
        return ListedValues(*parts, grid=grid)
    if column.name in encoder.large:
        expected = f"whole numbers below {2**53:,} in {column.name!r}, or few of them"
        refuse("export", expected=expected, got="greater ones")
    return ComputedValues(*parts)


def _list_cells(scores: NormalScores, *, is_date: bool) -> Cells | None:
    """All cells that scores give; None if they are no list, or too long a one."""
    if scores.repeat:
        return scores.numbers
    least, most = scores.numbers
    if not is_date or (most - least) / scores.step >= MOST_LISTED:
        return None
    return least + scores.step * np.arange(round((most - least) / scores.step) + 1)


def _replace(graph: Graph, results: str, where: np.ndarray, by: str, place: str) -> str:
    """Put other results where the place of a choice is one of these; everywhere, if it has no other place."""
    if where.all():
        return by
    return graph.add("Where", graph.add("Gather", where, place), by, results)


def _shift(graph: Graph, place: str, by: int) -> str:
    return graph.add("Add", place, np.array(by))
