"""Columns in bins whose ends are round numbers, as a person would set them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real

from onehalf._errors import refuse
from onehalf.data.arrays.validation import check
from onehalf.evaluation.features.base import Columns

__all__ = [
    "GREATEST",
    "Bins",
    "are_whole",
    "check_samples",
    "cross_bins",
    "order_columns",
    "thin_out",
]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]

MOST_LEARNING_ROWS = 20_000
"""The most rows of each sample that are learned from, evenly spaced; every test row is counted."""

GREATEST = float(np.finfo(np.float64).max)
"""No number is greater: where some are missing, which counts as infinity, it is the last edge."""


class Bins(NamedTuple):
    """The edges t between the bins `x <= t` and `x > t` of a column, and the bin of each of its values.

    A missing value counts as infinity, and has the last bin to itself.
    """

    edges: Values
    places: Int[np.ndarray, " _"]

    @classmethod
    def fit(cls, column: Values, number: int) -> "Bins":
        """Cut a column into about this many bins.

        >>> Bins.fit(np.array([18.3, 19.9, 41.0, 39.7]), 2)
        Bins(edges=array([30.]), places=array([0, 0, 1, 1]))
        """
        known = column[column <= GREATEST]
        missing = [GREATEST] if len(known) < len(column) else []
        return cls.within(np.append(_edges(np.sort(known), number), missing), column)

    @classmethod
    def within(cls, edges: Values, column: Values) -> "Bins":
        """The values of a column between edges that are known."""
        return cls(edges, np.searchsorted(edges, column))

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.edges) + 1


def cross_bins(bins: Sequence[Bins]) -> tuple[Int[np.ndarray, " _"], tuple[int, ...]]:
    """The cell of each row in the table of these bins, and the table's shape."""
    shape = tuple(each.size for each in bins)
    return np.ravel_multi_index(tuple(each.places for each in bins), shape), shape


def order_columns(learn: Rows, columns: Columns, *samples: Rows) -> list[Rows]:
    """The samples with each column in an order: what is missing is infinite, words are ordered by frequency.

    The learning rows say how many; words that they have not come last.
    """
    if not columns.have_kinds:
        return list(samples)
    done = []
    for column, (learned, *others) in enumerate(
        zip(learn.T, *(rows.T for rows in samples), strict=True)
    ):
        filled = [np.where(np.isnan(each), math.inf, each) for each in (learned, *others)]
        if columns.is_category(column):
            words, counts = np.unique(filled[0], return_counts=True)
            rank = np.append(np.argsort(np.argsort(-counts, kind="stable")), len(words)).astype(
                np.float64
            )
            places = (np.searchsorted(words, each).clip(max=len(words) - 1) for each in filled)
            filled = [
                rank[np.where(words[at] == each, at, -1)]
                for at, each in zip(places, filled, strict=True)
            ]
        done.append(filled[1:])
    return [np.stack(each, axis=1) for each in zip(*done, strict=True)]


def thin_out(values: Real[np.ndarray, "_ ..."]) -> Real[np.ndarray, "_ ..."]:
    """At most MOST_LEARNING_ROWS of them, evenly spaced."""
    return values[:: -(-len(values) // MOST_LEARNING_ROWS)]


def are_whole(values: Values) -> bool:
    """Whether all of them are whole numbers."""
    return bool((values == np.rint(values)).all())


def check_samples(rows: Sequence[Rows], columns: Columns, alpha: float) -> None:
    """Refuse rows, names and a level that nothing can be learned from, certified of, or said with."""
    if not 0 < alpha < 1:
        refuse("alpha", expected="a probability between 0 and 1", got=alpha)
    names = columns.names
    for what, each in zip(
        ("learn_real", "learn_other", "test_real", "test_other"), rows, strict=True
    ):
        if not columns.have_kinds:
            check(what, each)
        if each.shape[1] != len(names):
            refuse(
                what,
                expected=f"a column for each of the {len(names)} names",
                got=f"{each.shape[1]} columns",
            )
    if len(set(names)) < len(names):
        refuse("names", expected="a different name for each column", got=list(names))


def _edges(values: Values, bins: int) -> Values:
    """Round numbers between sorted values, where few of them lie near.

    The bins hold shares of the rows that fall towards both ends, as the squared sine does, for tails are where samples
    differ. Near each such quantile the widest gap between two values is cut, so that clumps stay whole. A value that a
    bin's share of the rows have has a bin of its own.
    """
    n, gaps = len(values), np.diff(values)
    marks = (n * np.square(np.sin(np.linspace(0, math.pi / 2, 2 * bins + 1)))).astype(int)
    windows = [
        slice(start, stop)
        for start, stop in zip(marks[1:-2:2], marks[3::2], strict=True)
        if stop > start
    ]
    cuts = [window.start + int(np.argmax(gaps[window])) for window in windows]
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    often = counts >= n / bins
    whole, edges = are_whole(values), set()
    for cut in {*cuts, *(first[often] - 1), *(first + counts - 1)[often]}:
        if 0 <= cut < n - 1 and gaps[cut] > 0:
            # an edge may be moved to a round number, past a bin's share of the rows on its smaller side
            near = min(cut + 1, n - 1 - cut) // bins
            low, high = float(values[cut - near]), float(values[cut + 1 + near])
            edges.add(_roundest(low + 1, high + 0.5) - 1 if whole else _roundest(low, high))
    return np.array(sorted(edges))


def _roundest(low: float, high: float) -> float:
    """The middle of [low, high), in as few digits as keep it there; 0 where it can be.

    >>> _roundest(0.2961, 0.3134), _roundest(-3.9, -2.1), _roundest(1234.0, 1310.0), _roundest(-2.0, 5.0)
    (0.3, -3.0, 1300.0, 0.0)
    """
    if low <= 0 < high:
        return 0.0
    rounded = (float(f"{low / 2 + high / 2:.{digits}g}") for digits in range(1, 17))
    return next((number for number in rounded if low <= number < high), low)
