"""Places among sorted numbers, as nodes: ONNX has no binary search and no interpolation."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onehalf.export.graph import Graph, Operand

__all__ = ["Steps"]

Values = Float[np.ndarray, " _"]


class Steps:
    """Sorted numbers for each column of a matrix, not as many for each.

    >>> from onnx.reference import ReferenceEvaluator
    >>> graph = Graph()
    >>> x = graph.add_input("x", "float64", ("n", 2))
    >>> steps = Steps([np.array([1.0, 2.0]), np.array([5.0])])
    >>> graph.add_output("place", steps.search(graph, x), "int64", ("n", 2))
    'place'
    >>> ReferenceEvaluator(graph.to_bytes()).run(None, {"x": np.array([[1.5, 7.0], [2.0, 0.0]])})
    [array([[1, 1],
           [2, 0]])]
    """

    def __init__(self, columns: Sequence[Values]) -> None:
        self.lengths = np.array([len(values) for values in columns])
        self.bits = max(int(self.lengths.max()).bit_length(), 1)
        self.width = 2**self.bits
        """Places of each column in the table; those behind its last number are infinite."""
        self.table = self._lay_out(columns, np.inf)
        self.starts = self.width * np.arange(len(columns))

    def search(self, graph: Graph, x: Operand) -> str:
        """Add how many of its column's numbers each entry is at least as great as.

        A place is found bit by bit, from the highest one: b lookups for fewer than 2^b numbers.
        """
        place: Operand = np.zeros(len(self.lengths), np.int64)
        for bit in reversed(range(self.bits)):
            higher = graph.add("Add", place, np.array(2**bit))
            before = graph.add("Add", higher, self.starts - 1)
            reached = graph.add("LessOrEqual", graph.add("Gather", self.table, before), x)
            place = graph.add("Where", reached, higher, place)
        return str(place)

    def interpolate(self, graph: Graph, x: Operand, values: Sequence[Values]) -> str:
        """Add the linear interpolation between the values at these numbers, as `numpy.interp` has it.

        The entries must lie between the first and the last number of their column.
        """
        heights = self._lay_out(values, 0.0)
        inner = graph.add("Min", self.search(graph, x), self.lengths - 1)
        low = graph.add("Add", inner, self.starts - 1)
        high = graph.add("Add", inner, self.starts)
        x_low, y_low = (graph.add("Gather", each, low) for each in (self.table, heights))
        x_high, y_high = (graph.add("Gather", each, high) for each in (self.table, heights))
        rise = graph.add("Sub", y_high, y_low)
        slope = graph.add("Div", rise, graph.add("Sub", x_high, x_low))
        return graph.add("Add", graph.add("Mul", slope, graph.add("Sub", x, x_low)), y_low)

    def _lay_out(self, columns: Sequence[Values], filler: float) -> Values:
        """All columns end to end, each with `width` places."""
        table = np.full((len(columns), self.width), filler, columns[0].dtype)
        for row, values in zip(table, columns, strict=True):
            row[: len(values)] = values
        return table.ravel()
