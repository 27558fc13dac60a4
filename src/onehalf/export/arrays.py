"""Rows of arrays and images from what G gives: the user's units, range and dtype."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from onehalf.data.arrays.preprocessor import ArrayPreprocessor
from onehalf.data.arrays.scaler import ArrayScaler, limits
from onehalf.data.labels import LabelEncoder
from onehalf.export.decoder import PREFIX, Decoder
from onehalf.export.description import Column, Label, LabelShare
from onehalf.export.graph import Graph
from onehalf.export.lookup import add_lookup, list_values, type_of

__all__ = ["ArrayDecoder"]


@dataclass(frozen=True, eq=False)
class ArrayDecoder(Decoder):
    """The array `x`, and its labels `y` if there are any, as they were given."""

    preprocessor: ArrayPreprocessor
    encoder: LabelEncoder

    @property
    def scaler(self) -> ArrayScaler:
        """The user's units."""
        return self.preprocessor.scaler

    @property
    def type(self) -> str:
        """The dtype of the rows."""
        return np.dtype(self.scaler.dtype).name

    @property
    def labels(self) -> Sequence[Label]:
        """The name of y."""
        values = self.encoder.values
        return [
            Label(PREFIX + name, name, type_of(values), list_values(values))
            for name in self.encoder.names
        ]

    @property
    def shares(self) -> Sequence[LabelShare]:
        """Those of the classes."""
        shares = self.preprocessor.conditions.shares.tolist()
        return [
            LabelShare({label.name: value}, share)
            for label in self.labels
            for value, share in zip(label.values, shares, strict=True)
        ]

    def add_conditions(self, graph: Graph) -> str | None:
        """One-hot classes."""
        for label in self.labels:
            given = graph.add_input(label.input, label.type, ("n",))
            place = add_lookup(graph, given, self.encoder.values)
            return graph.add("Gather", np.eye(len(label.values), dtype=np.float32), place)
        return None

    def add_rows(self, graph: Graph, x: str, n: str) -> tuple[Column, ...]:
        """In float64, as `ArrayScaler.inverse_transform` computes them."""
        scaler = self.scaler
        rows = graph.add("Mul", graph.cast(x, "float64"), scaler.scale.astype(np.float64))
        rows = graph.add("Add", rows, scaler.offset.astype(np.float64))
        if scaler.whole.any():
            whole = graph.add("Round", rows)
            whole = graph.add("Max", whole, scaler.low.astype(np.float64))
            whole = graph.add("Min", whole, scaler.high.astype(np.float64))
            rows = graph.add("Where", scaler.whole, whole, rows)
        least, most = map(np.float64, limits(scaler.dtype))
        rows = graph.add("Min", graph.add("Max", rows, least), most)
        columns = (*self.traced_columns, *map(_describe_label, self.labels))
        results = [graph.cast(rows, self.type), *(label.input for label in self.labels)]
        for column, result in zip(columns, results, strict=True):
            graph.add_output(column.output, result, column.type, column.shape)
        return columns

    @property
    def traced_columns(self) -> tuple[Column, ...]:
        """All entries, as one output."""
        return (Column("x", "x", "array", self.type, ("n", *self.preprocessor.shape)),)

    def trace_rows(self, x: Any) -> dict[str, Any]:
        """The same by JAX."""
        scaler = self.scaler
        rows = x.astype(jnp.float64) * scaler.scale + scaler.offset
        whole = jnp.clip(jnp.rint(rows), scaler.low, scaler.high)
        rows = jnp.where(scaler.whole, whole, rows)
        return {"x": jnp.clip(rows, *limits(scaler.dtype)).astype(self.type)}


def _describe_label(label: Label) -> Column:
    return Column("y", label.name, "label", label.type, ("n",), label.values)
