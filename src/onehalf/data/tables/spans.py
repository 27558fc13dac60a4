"""Sets of cells of one column, as intervals: what conditions allow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["ALL", "Allowed", "Spans", "after", "before", "complement", "intersect", "unite"]

Values = Float[np.ndarray, " _"]

Spans = Sequence[tuple[float, float]]
"""Closed intervals of cells, in order, that do not overlap."""

ALL: Spans = ((-math.inf, math.inf),)
"""Every number."""


@dataclass(frozen=True)
class Allowed:
    """The cells that all conditions on one column allow: those in these spans, and perhaps missing ones."""

    spans: Spans
    missing: bool

    def intersect(self, other: "Allowed") -> "Allowed":
        """The cells that both allow."""
        return Allowed(
            tuple(intersect(self.spans, other.spans)), self.missing and other.missing
        )

    def holds(self, cells: Values) -> Bool[np.ndarray, " _"]:
        """Whether each cell is allowed."""
        within = np.zeros(len(cells), bool)
        if self.spans:
            lows, highs = np.array(self.spans).T
            place = np.searchsorted(lows, cells, side="right") - 1
            within = (place >= 0) & (cells <= highs[place])
        return within | (np.isnan(cells) & self.missing)

    @property
    def is_empty(self) -> bool:
        """Whether no cell is allowed."""
        return not self.spans and not self.missing


def intersect(spans: Spans, others: Spans) -> Spans:
    """Intersect two unions of intervals: of two that end, the first to end meets no further one."""
    shared = []
    i = j = 0
    while i < len(spans) and j < len(others):
        low = max(spans[i][0], others[j][0])
        high = min(spans[i][1], others[j][1])
        if low <= high:
            shared.append((low, high))
        if spans[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return shared


def unite(spans: Spans) -> Spans:
    """Put intervals in order, those that overlap as one, without those that end before they begin."""
    united: list[tuple[float, float]] = []
    for low, high in sorted(span for span in spans if span[0] <= span[1]):
        if united and low <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], high)
        else:
            united.append((low, high))
    return united


def complement(spans: Spans) -> Spans:
    """All that lies outside of intervals that are in order."""
    lows = [-math.inf, *(after(high) for _, high in spans)]
    highs = [*(before(low) for low, _ in spans), math.inf]
    return list(zip(lows, highs, strict=True))


def before(number: float) -> float:
    """The next number below."""
    return float(np.nextafter(number, -math.inf))


def after(number: float) -> float:
    """The next number above."""
    return float(np.nextafter(number, math.inf))
