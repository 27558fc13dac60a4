"""Rows of a table from its cells as numbers, which trees give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from onehalf.data.conditions import Conditions
from onehalf.data.tables.cell_preprocessor import CellPreprocessor
from onehalf.data.tables.choices import Choice
from onehalf.export.columns import Cells, Drawn
from onehalf.export.graph import Graph
from onehalf.export.labelled_table import LabelledTable
from onehalf.export.search import Steps

__all__ = ["CellDecoder"]


@dataclass(frozen=True, eq=False)
class CellDecoder(LabelledTable):
    """Each column from the number that is its cell; choices have their values in order, NaN last."""

    preprocessor: CellPreprocessor

    @property
    def given(self) -> Sequence[int]:
        """All labels."""
        return self.preprocessor.label_columns

    @property
    def conditions(self) -> Conditions:
        """Those of the training rows."""
        return self.preprocessor.conditions

    def encode_label(self, column: int) -> tuple[Cells, Shaped[np.ndarray, "_ _"]]:
        """The cells that occur, as they are."""
        cells = np.unique(self.conditions.cells[:, column])
        return cells, cells[:, None]

    def add_drawn(self, graph: Graph, x: str, n: str) -> list[Drawn]:
        """Find the place of each cell among the values of its column."""
        return [
            self._add_drawn(graph, graph.column(x, column), choice)
            for column, choice in enumerate(self.choices)
        ]

    def _add_drawn(self, graph: Graph, cell: str, choice: Choice) -> Drawn:
        known = choice.values[~np.isnan(choice.values)]
        missing = graph.add("IsNaN", cell)
        if np.isinf(known).any():
            return Drawn(graph.cast(missing, "int64"), cell, None)
        place = graph.add("Sub", Steps([known]).search(graph, cell), np.array(1))
        last = np.array(len(choice.values) - 1)
        return Drawn(graph.add("Where", missing, last, place), None, None)
