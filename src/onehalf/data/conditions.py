"""Conditions: the labels that samples can be asked for."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

__all__ = ["Conditions"]


@dataclass(frozen=True, eq=False)
class Conditions:
    """Each combination of labels that the training rows have, with its share of them.

    Without labels there is one combination, of no labels.
    """

    names: tuple[str, ...] = ()
    cells: Float[np.ndarray, "distinct columns"] = field(
        default_factory=lambda: np.zeros((1, 0))
    )
    """The labels as cells of the encoder that reads filters on them; NaN is missing, or is no
    label."""
    shares: Float[np.ndarray, " distinct"] = field(default_factory=lambda: np.ones(1))

    def draw(self, rng: np.random.Generator, n: int) -> Float[np.ndarray, "n columns"]:
        """Draw the labels of n samples, each combination by its share; further draws go on as one would have."""
        return self.cells[rng.choice(len(self.cells), n, p=self.shares / self.shares.sum())]
