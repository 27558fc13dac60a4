"""Rows of a table from what networks give: choices, and scores of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from onehalf.data.conditions import Conditions
from onehalf.data.tables.encoding import HIDDEN
from onehalf.data.tables.normal_scores import NormalScores
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.export.columns import Cells, Drawn
from onehalf.export.graph import Graph
from onehalf.export.labelled_table import LabelledTable
from onehalf.export.search import Steps

__all__ = ["TableDecoder"]

RARE_INPUT = "u"
"""The input of uniform numbers, by which rare words are drawn."""


@dataclass(frozen=True, eq=False)
class TableDecoder(LabelledTable):
    """Each column of a table from its choice and its scores."""

    preprocessor: TablePreprocessor

    @property
    def given(self) -> Sequence[int]:
        """The labels that have several values."""
        return self.preprocessor.given

    @property
    def conditions(self) -> Conditions:
        """Those of the training rows."""
        return self.preprocessor.conditions

    def encode_label(self, column: int) -> tuple[Cells, Shaped[np.ndarray, "_ _"]]:
        """Those that G knows, one-hot: rare words share one."""
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
        one_hot = np.eye(len(choice.values), dtype=np.float32)
        return cells[is_known], one_hot[places[is_known]]

    def add_drawn(self, graph: Graph, x: str, n: str) -> list[Drawn]:
        """Column by column, from places of choices and from scores."""
        places = self._add_places(graph, x, n)
        numbers = self._add_numbers(graph, x)
        chances = self._add_chances(graph)
        return [
            Drawn(place, numbers.get(column), chances.get(column))
            for column, place in enumerate(places)
        ]

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
