"""Rows of a table from what G gives: one output a column, words as words; labels go in."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Shaped

from onehalf.data.conditions import Conditions
from onehalf.data.tables.choices import Choice
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.normal_scores import NormalScores
from onehalf.export.columns import Cells, ColumnValues, Drawn, make_column
from onehalf.export.decoder import PREFIX, Decoder
from onehalf.export.description import Column, Label, LabelShare
from onehalf.export.graph import Graph
from onehalf.export.lookup import add_lookup, list_values

__all__ = ["LabelledTable"]


@dataclass(frozen=True, eq=False)
class LabelledTable(Decoder):
    """Each column of a table that was learned, as the data have it. What G gives of it is a matter of the subclass."""

    encoder: TableEncoder
    choices: Sequence[Choice]
    """The values of each column, or REST for numbers that are not listed."""
    scores: Sequence[NormalScores | None]
    """Of each column with such numbers, what these can be."""

    @cached_property
    def columns(self) -> tuple[ColumnValues, ...]:
        """The values of each column."""
        pairs = zip(self.choices, self.scores, strict=True)
        return tuple(
            make_column(self.encoder, place, choice, scores)
            for place, (choice, scores) in enumerate(pairs)
        )

    @property
    @abstractmethod
    def given(self) -> Sequence[int]:
        """The columns that are labels of the graph."""

    @property
    @abstractmethod
    def conditions(self) -> Conditions:
        """The combinations of labels that occur."""

    @abstractmethod
    def encode_label(self, column: int) -> tuple[Cells, Shaped[np.ndarray, "_ _"]]:
        """The cells that a label may have, and the entries of c of each."""

    @abstractmethod
    def add_drawn(self, graph: Graph, x: str, n: str) -> Sequence[Drawn]:
        """Add what decides each column; the arguments are those of `add_rows`."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """IDs, personal data and free text."""
        return self.encoder.left_out

    @property
    def labels(self) -> Sequence[Label]:
        """The labels, with all values that G knows."""
        return [self._describe_label(column) for column in self.given]

    @property
    def shares(self) -> Sequence[LabelShare]:
        """The combinations that occur."""
        if not self.labels:
            return []
        words = {
            label.name: list_values(
                self.columns[column].decode(self.conditions.cells[:, column])
            )
            for label, column in zip(self.labels, self.given, strict=True)
        }
        return [
            LabelShare({name: words[name][row] for name in words}, share)
            for row, share in enumerate(self.conditions.shares.tolist())
        ]

    def add_conditions(self, graph: Graph) -> str | None:
        """The labels' entries, end to end."""
        parts = []
        for label, column in zip(self.labels, self.given, strict=True):
            value = graph.add_input(label.input, label.type, ("n",))
            cells, entries = self.encode_label(column)
            place = add_lookup(graph, value, self.columns[column].decode(cells))
            parts.append(graph.add("Gather", entries, place))
        return graph.join(parts) if parts else None

    def add_rows(self, graph: Graph, x: str, n: str) -> tuple[Column, ...]:
        """Column by column; labels come out as they went in."""
        drawn = self.add_drawn(graph, x, n)
        given = dict(zip(self.given, self.labels, strict=True))
        described = []
        for place, values in enumerate(self.columns):
            label = given.get(place)
            cells = label.input if label else values.add_cells(graph, drawn[place])
            about = values.about
            output = graph.add_output(about.name, cells, about.type, about.shape)
            described.append(replace(about, output=output))
        return tuple(described)

    def _describe_label(self, column: int) -> Label:
        about = self.columns[column].about
        cells, _ = self.encode_label(column)
        values = list_values(self.columns[column].decode(cells))
        return Label(PREFIX + about.name, about.name, about.type, values)
