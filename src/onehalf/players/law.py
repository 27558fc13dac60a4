"""What players that know the probability of every row can say: densities, rows under conditions, completed rows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from onehalf.data.tables.constraints.known_cells import Broken
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.spans import Allowed

__all__ = ["Filled", "Found", "Law", "Wish"]

Values = Float[np.ndarray, " _"]


@dataclass(frozen=True)
class Found:
    """Rows under conditions, and how they were found."""

    cells: Cells
    n_drawn: int
    """Weighted rows that were drawn."""
    effective: float
    """The effective number of all of them."""
    probability: float
    """The estimated probability of the conditions."""


@dataclass(frozen=True)
class Wish:
    """What completions of rows are to be."""

    may_be_missing: bool
    """Whether cells that are drawn may be missing, as often as the model has it."""
    draws: int = 1
    """How many completions of each row."""
    how: str = "draw"
    """'draw'; or one completion by the 'mean' of numbers and the most likely words, or by the 'mode' of words and of
    numbers that repeat, and the median of others."""


@dataclass(frozen=True)
class Filled:
    """Completions of rows with gaps."""

    cells: Float[np.ndarray, "draws rows columns"]
    is_possible: Bool[np.ndarray, " rows"]
    """Whether samples may have the known cells of each row."""
    failed: tuple[int, ...] = ()
    """Rows of which no completion was found: they keep their gaps."""


class Law(ABC):
    """The law of samples."""

    @abstractmethod
    def balance(self) -> "Law":
        """The law with an equal share of all combinations of labels."""

    @abstractmethod
    def log_prob(self, cells: Cells) -> Values:
        """The logarithm of the density of each row, in nats; -inf where samples never have such a row."""

    @property
    @abstractmethod
    def constant_error(self) -> float:
        """The standard error of a constant that all logarithms of densities share."""

    @abstractmethod
    def draw_where(
        self, rng: np.random.Generator, n: int, allowed: Mapping[int, Allowed], most: int
    ) -> Found:
        """Draw n rows whose cells are among those that are allowed; fewer after `most` weighted rows.

        Args:
            rng: Draws.
            n: How many.
            allowed: What cells may be, by column.
            most: Weighted rows that are drawn at most.
        """

    @abstractmethod
    def fill(
        self,
        rng: np.random.Generator,
        cells: Cells,
        is_given: Bool[np.ndarray, "_ _"],
        wish: Wish,
    ) -> Filled:
        """Complete rows, by the law of the cells that are not given under those that are.

        Args:
            rng: Draws.
            cells: The rows.
            is_given: Which of their cells are given.
            wish: What the completions are to be.
        """

    def find_broken(self, cells: Cells) -> Broken | None:
        """The first row whose known cells break a rule that samples keep."""
        return None
