"""Cells of a column as a choice of one of some values, and back."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from onehalf.data.tables.normal_scores import Values
from onehalf.data.tables.profile import CATEGORIES, are_atoms

__all__ = ["Choice"]

MOST_VALUES = 64
"""Numbers of at most this many values are a choice among them, if enough rows have each."""

ROWS_PER_VALUE = 20
"""Rows of each value on average, at least, for that."""

REST = np.inf
"""Among the values of a choice: a number that its score says."""

RARE = -np.inf
"""Among the values of a choice: a rare word, to be drawn by how often each occurs."""

NUMBERS = ("integer", "continuous", "date")
"""Kinds whose cells are numbers, of which the greater is more."""


@dataclass(frozen=True)
class Choice:
    """One of some values: words by their places, numbers that many rows share, or missing (NaN)."""

    values: Values
    shares: Values
    """The share of the rows that each has."""
    rare: Values
    """The words that RARE stands for."""
    rare_shares: Values
    """The share of these rows that each has."""

    @classmethod
    def fit(cls, cells: Values, kind: str, most: int = CATEGORIES) -> "tuple[Choice, Values]":
        """The choices of these cells, and the numbers that are left to scores."""
        known = cells[~np.isnan(cells)]
        values, counts = np.unique(known, return_counts=True)
        if kind not in NUMBERS:
            named, other = np.zeros(len(values), bool), RARE
            named[np.argsort(-counts, kind="stable")[:most]] = True
        elif len(values) <= MOST_VALUES and len(known) >= ROWS_PER_VALUE * len(values):
            named, other = np.ones(len(values), bool), REST
        else:
            named, other = are_atoms(counts, len(cells)), REST
        others, missing, none = counts[~named].sum(), len(cells) - len(known), np.zeros(0)
        before, after = [other] * bool(others), [np.nan] * bool(missing)
        rows = np.concatenate(
            [[others] * bool(others), counts[named], [missing] * bool(missing)]
        )
        listed, shares = np.concatenate([before, values[named], after]), rows / len(cells)
        if other == RARE:
            return cls(listed, shares, values[~named], counts[~named] / max(others, 1)), none
        return cls(listed, shares, none, none), known[np.isin(known, values[~named])]

    def transform(self, cells: Values) -> Int[np.ndarray, " rows"]:
        """The place of each cell's value among `values`; -1 for a word that is not among them."""
        otherwise = np.flatnonzero(np.isinf(self.values))
        places = np.full(len(cells), otherwise[0] if len(otherwise) else -1)
        for place, value in enumerate(self.values):
            places[np.isnan(cells) if np.isnan(value) else cells == value] = place
        if not len(otherwise) and not np.isnan(self.values).any():
            places[np.isnan(cells)] = -1
        return places

    def inverse_transform(
        self, places: Int[np.ndarray, " rows"], scores: Values, rng: np.random.Generator
    ) -> Values:
        """The cells of these places, and of these numbers where a place is REST."""
        cells = self.values[places]
        cells = np.where(cells == REST, scores, cells)
        if len(self.rare):
            drawn = rng.choice(self.rare, len(cells), p=self.rare_shares)
            cells = np.where(cells == RARE, drawn, cells)
        return cells
