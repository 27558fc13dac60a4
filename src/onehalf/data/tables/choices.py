"""Encode the cells of a column as a choice among values, and decode them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from onehalf.data.tables.normal_scores import Values
from onehalf.data.tables.statistics import CATEGORIES, is_atom

__all__ = ["Choice"]

MOST_VALUES = 64
"""Numbers of at most this many values are a choice among them, if enough rows have each."""

ROWS_PER_VALUE = 20
"""Rows of each value on average, at least, for that."""

REST = np.inf
"""In the values of a choice: any other number, which a score gives."""

RARE = -np.inf
"""In the values of a choice: any rare word, to be drawn by how often each occurs."""

NUMBERS = ("integer", "continuous", "date")
"""Kinds whose cells are numbers, which have an order."""


@dataclass(frozen=True)
class Choice:
    """A choice among values: words by their index, numbers that many rows share, or missing (NaN)."""

    values: Values
    shares: Values
    """The share of the rows that each has."""
    rare: Values
    """The words that RARE pools."""
    rare_shares: Values
    """The share of these rows that each has."""

    @classmethod
    def fit(cls, cells: Values, kind: str, most: int = CATEGORIES) -> "tuple[Choice, Values]":
        """Find the choices of these cells, and the numbers that scores must encode."""
        known = cells[~np.isnan(cells)]
        values, counts = np.unique(known, return_counts=True)
        if kind not in NUMBERS:
            other = RARE
            named = np.zeros(len(values), bool)
            named[np.argsort(-counts, kind="stable")[:most]] = True
        elif len(values) <= MOST_VALUES and len(known) >= ROWS_PER_VALUE * len(values):
            other = REST
            named = np.ones(len(values), bool)
        else:
            other = REST
            named = is_atom(counts, len(cells))
        others = counts[~named].sum()
        missing = len(cells) - len(known)
        none = np.zeros(0)
        before = [other] * bool(others)
        after = [np.nan] * bool(missing)
        rows = np.concatenate(
            [[others] * bool(others), counts[named], [missing] * bool(missing)]
        )
        listed = np.concatenate([before, values[named], after])
        shares = rows / len(cells)
        if other == RARE:
            return cls(listed, shares, values[~named], counts[~named] / max(others, 1)), none
        return cls(listed, shares, none, none), known[np.isin(known, values[~named])]

    def transform(self, cells: Values) -> Int[np.ndarray, " rows"]:
        """Find the index of each cell's value in `values`; -1 for a word that is not in it."""
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
        """Look up the cells of these indices; where the value is REST, take the score."""
        cells = self.values[places]
        cells = np.where(cells == REST, scores, cells)
        if len(self.rare):
            drawn = rng.choice(self.rare, len(cells), p=self.rare_shares)
            cells = np.where(cells == RARE, drawn, cells)
        return cells
