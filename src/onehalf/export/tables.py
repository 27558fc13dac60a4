"""Rows of a table from what G gives: one output a column, words as words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from onehalf.data.tables.encoding import HIDDEN, TableEncoder
from onehalf.data.tables.normal_scores import NormalScores
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.export.columns import ColumnValues, Drawn, make_column
from onehalf.export.decoder import PREFIX, Decoder
from onehalf.export.description import Column, Label, LabelShare
from onehalf.export.graph import Graph
from onehalf.export.lookup import add_lookup, list_values
from onehalf.export.search import Steps

__all__ = ["TableDecoder"]

RARE_INPUT = "u"
"""The input of uniform numbers, by which rare words are drawn."""


@dataclass(frozen=True, eq=False)
class TableDecoder(Decoder):
    """Each column of a table that was learned, as the data have it."""

    preprocessor: TablePreprocessor
    encoder: TableEncoder

    @property
    def left_out(self) -> tuple[str, ...]:
        """IDs, personal data and free text."""
        return self.encoder.left_out

    @cached_property
    def columns(self) -> tuple[ColumnValues, ...]:
        """The values of each column."""
        preprocessor = self.preprocessor
        pairs = zip(preprocessor.choices, preprocessor.scores, strict=True)
        return tuple(
            make_column(self.encoder, place, choice, scores)
            for place, (choice, scores) in enumerate(pairs)
        )

    @property
    def labels(self) -> Sequence[Label]:
        """The labels that have several values."""
        return [self._describe_label(column) for column in self.preprocessor.given]

    @property
    def shares(self) -> Sequence[LabelShare]:
        """The combinations that occur."""
        conditions = self.preprocessor.conditions
        if not self.labels:
            return []
        words = {
            label.name: list_values(self.columns[column].decode(conditions.cells[:, column]))
            for label, column in zip(self.labels, self.preprocessor.given, strict=True)
        }
        return [
            LabelShare({name: words[name][row] for name in words}, share)
            for row, share in enumerate(conditions.shares.tolist())
        ]

    def add_conditions(self, graph: Graph) -> str | None:
        """The labels' values, one-hot, end to end."""
        parts = []
        for label, column in zip(self.labels, self.preprocessor.given, strict=True):
            given = graph.add_input(label.input, label.type, ("n",))
            keys, places = self._label_keys(column)
            place = graph.add("Gather", places, add_lookup(graph, given, keys))
            size = len(self.preprocessor.choices[column].values)
            parts.append(graph.add("Gather", np.eye(size, dtype=np.float32), place))
        return graph.join(parts) if parts else None

    def add_rows(self, graph: Graph, x: str, n: str) -> tuple[Column, ...]:
        """Column by column, from places of choices and from scores."""
        places = self._add_places(graph, x, n)
        numbers = self._add_numbers(graph, x)
        given = dict(zip(self.preprocessor.given, self.labels, strict=True))
        chances = self._add_chances(graph)
        described = []
        for place, values in enumerate(self.columns):
            if place in given:
                cells = given[place].input
            else:
                drawn = Drawn(places[place], numbers.get(place), chances.get(place))
                cells = values.add_cells(graph, drawn)
            about = values.about
            output = graph.add_output(about.name, cells, about.type, about.shape)
            described.append(replace(about, output=output))
        return tuple(described)

    def _add_places(self, graph: Graph, x: str, n: str) -> list[str]:
        """The place of each column's choice among its values; 0 where there is one value."""
        first = graph.add("Expand", np.array([0]), n)
        places = [first] * len(self.columns)
        start = self.preprocessor.layout.scores
        for column, size in zip(
            self.preprocessor.chosen, self.preprocessor.layout.sizes, strict=True
        ):
            entries = graph.part(x, start, start + size)
            places[column] = graph.add("ArgMax", entries, axis=1, keepdims=0)
            start += size
        return places

    def _add_numbers(self, graph: Graph, x: str) -> dict[int, str]:
        """What the scores of each column say: a place among numbers that repeat, or a number."""
        scored = self.preprocessor.scored
        entries = {column: graph.column(x, score) for score, column in enumerate(scored)}
        found = {}
        for repeats in (True, False):
            columns = [column for column in scored if scored[column].repeat == repeats]
            if not columns:
                continue
            parts = [graph.add("Unsqueeze", entries[c], np.array([1])) for c in columns]
            z = graph.cast(graph.join(parts), "float64")
            each = [scored[column] for column in columns]
            result = _add_places(graph, z, each) if repeats else _add_lattice(graph, z, each)
            found |= {c: graph.column(result, i) for i, c in enumerate(columns)}
        return found

    def _add_chances(self, graph: Graph) -> dict[int, str]:
        """Uniform numbers for each column with rare words."""
        rare = [place for place, each in enumerate(self.preprocessor.choices) if len(each.rare)]
        if not rare:
            return {}
        u = graph.add_input(RARE_INPUT, "float64", ("n", len(rare)))
        return {column: graph.column(u, place) for place, column in enumerate(rare)}

    def _describe_label(self, column: int) -> Label:
        about = self.columns[column].about
        keys, _ = self._label_keys(column)
        return Label(PREFIX + about.name, about.name, about.type, list_values(keys))

    def _label_keys(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """The values of a label that G knows, and the place of each in its choice: rare words share one."""
        name = self.encoder.names[column]
        choice = self.preprocessor.choices[column]
        words = self.encoder.words.get(name)
        if words is None:
            cells = choice.values
        else:
            known = [place for place, word in enumerate(words) if word != HIDDEN]
            missing = choice.values[np.isnan(choice.values)]
            cells = np.concatenate([np.array(known, np.float64), missing])
        places = choice.transform(cells)
        is_known = places >= 0
        return self.columns[column].decode(cells[is_known]), places[is_known]


def _add_places(graph: Graph, z: str, scores: Sequence[NormalScores]) -> str:
    """As `NormalScores.inverse_transform` finds them, where numbers repeat."""
    inner = [each.z[1:-1] for each in scores]
    return Steps(inner).search(graph, z)


def _add_lattice(graph: Graph, z: str, scores: Sequence[NormalScores]) -> str:
    """As `NormalScores.inverse_transform` computes them: interpolated, inside the range, on the lattice."""
    first = np.array([each.z[0] for each in scores])
    last = np.array([each.z[-1] for each in scores])
    least = np.array([each.numbers[0] for each in scores])
    most = np.array([each.numbers[-1] for each in scores])
    z = graph.add("Max", graph.add("Min", z, last), first)
    steps = Steps([each.z for each in scores])
    numbers = steps.interpolate(graph, z, [each.ends for each in scores])
    numbers = graph.add("Min", graph.add("Max", numbers, least), most)
    width = np.array([each.step for each in scores])
    if not width.any():
        return numbers
    spacing = np.where(width > 0, width, 1.0)
    power = np.array([10.0 ** (each.decimals or 0) for each in scores])
    index = graph.add("Round", graph.add("Div", graph.add("Sub", numbers, least), spacing))
    lattice = graph.add("Add", graph.add("Mul", index, spacing), least)
    lattice = graph.add("Div", graph.add("Round", graph.add("Mul", lattice, power)), power)
    lattice = graph.add("Min", graph.add("Max", lattice, least), most)
    return graph.add("Where", width > 0, lattice, numbers)
