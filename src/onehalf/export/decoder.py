"""What an export needs of a kind of data: its labels as inputs, and its rows as outputs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from onehalf.export.description import Column, Label, LabelShare

if TYPE_CHECKING:
    import onehalf.export.graph

__all__ = ["Decoder"]

PREFIX = "given."
"""Before the name of a label, in the name of its input: an output may have the label's own name."""


class Decoder(ABC):
    """Rows in the user's units from what G gives. To export a new kind of data, subclass it.

    The domain of the data gives one (`Domain.decoder`).
    """

    @property
    @abstractmethod
    def labels(self) -> Sequence[Label]:
        """What the graph is given beside noise; empty without conditions."""

    @property
    @abstractmethod
    def shares(self) -> Sequence[LabelShare]:
        """How often the training rows have each combination of labels."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns of the data that are not learned, and that the rows lack."""
        return ()

    @abstractmethod
    def add_conditions(self, graph: "onehalf.export.graph.Graph") -> str | None:
        """Add the labels as inputs, and c as G takes it: (n, condition_size); None without labels."""

    @abstractmethod
    def add_rows(
        self, graph: "onehalf.export.graph.Graph", x: str, n: str
    ) -> tuple[Column, ...]:
        """Add the rows as outputs, and describe them.

        Args:
            graph: The graph.
            x: What G gives.
            n: The number of rows, as a vector of one number.
        """

    @property
    def traced_columns(self) -> tuple[Column, ...]:
        """What `trace_rows` gives; empty if the rows may have words, which StableHLO lacks."""
        return ()

    def trace_rows(self, x: Any) -> dict[str, Any]:
        """Compute the rows from what G gives by JAX, for StableHLO: by name of the output, without labels."""
        raise NotImplementedError
