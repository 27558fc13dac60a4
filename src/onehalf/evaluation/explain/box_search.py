"""The search for regions: boxes in a few columns that hold more of the one sample than of the other.

Boxes are chosen on learning rows, by the evidence of their counts, and by the beliefs of a critic; `regions` certifies
them on other rows.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

from onehalf.evaluation._products import matmul
from onehalf.evaluation.explain.binning import GREATEST, Bins, are_whole
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.result import Operator

__all__ = ["BoxSearch", "PlacedCondition", "coin_jsd"]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]
Shares = Float[np.ndarray, "..."] | np.floating
Weights = Float[np.ndarray, "2 _"]
"""How much of each learning row counts as one of the data, and as one of the other sample."""

Interval = tuple[float, float]
"""`low < x <= high`; what is missing lies beyond GREATEST."""

Words = frozenset[float]
"""Their places in a coding; -1 is missing."""

Box = dict[int, Interval | Words]
"""The condition on each column that has one."""

PlacedCondition = tuple[int, Operator, Any]
"""The place of a column, an operator, and the value as a cell."""

COARSE_BINS = 16
"""The approximate number of bins of a column whose ends are tried as a region's."""

FINE_BINS = 128
"""The approximate number of bins that refine the ends."""

MOST_BOXES = 8
"""The most regions."""

MOST_COLUMNS = 30
"""Of more columns than this, only pairs among those that differ most on their own are tried."""

MOST_WORDS = 3
"""The most words in a region."""

EXTREME_WORDS = 4
"""The number of words, of each sample's most overrepresented ones, that are tried whether frequent or not."""


def coin_jsd(a: Shares, b: Shares) -> Shares:
    """JSD(Bernoulli(a), Bernoulli(b)), in nats."""
    middle = (a + b) / 2
    terms = special.rel_entr([a, 1 - a, b, 1 - b], [middle, 1 - middle, middle, 1 - middle])
    return np.maximum(terms.sum(axis=0) / 2, 0.0)


class BoxSearch:
    """The learning rows of both samples, and the search for boxes among them."""

    def __init__(self, real: Rows, other: Rows, columns: Columns) -> None:
        rows = np.concatenate([real, other])
        is_real = np.arange(len(rows)) < len(real)
        self.weights = np.stack([is_real, ~is_real]).astype(np.float64)
        self.columns = list(range(rows.shape[1]))
        self.words = [columns.is_category(column) for column in self.columns]
        self.rows = np.where(np.isnan(rows), np.where(self.words, -1.0, math.inf), rows)
        self.coarse, self.fine = (
            [
                _Axis.of_words(column, self.weights, number)
                if words
                else _Axis.of_numbers(column, number)
                for column, words in zip(self.rows.T, self.words, strict=True)
            ]
            for number in (COARSE_BINS, FINE_BINS)
        )
        # log(rows) + 2 log(columns): what an end of an interval must add to the evidence (Chen & Chen 2008)
        self.price = math.log(len(self.rows)) + 2 * math.log(len(self.columns))

    def boxes(self, alpha: float, logits: Values | None) -> Iterator[Box]:
        """Box by box, the best for the rows outside all earlier ones: by the counts, then by the critic."""
        pairs = self.pairs()
        tried = sum(math.prod(self.coarse[column].choices for column in pair) for pair in pairs)
        sources = [(self.weights, tried)]
        if logits is not None:
            # the logits are out of sample, so the labels have had no say in what the critic chooses; it comes second,
            # for what the counts find has sharper ends
            beliefs = special.expit([logits, -logits])
            sources.append(
                (
                    beliefs * (self.weights.sum(axis=1) / beliefs.sum(axis=1))[:, None],
                    MOST_BOXES,
                )
            )
        left, found = np.ones(len(self.rows)), 0
        for weights, choices in sources:
            while found < MOST_BOXES:
                starts = [self.best(pair, weights * left) for pair in pairs]
                box = self.refined(max(starts, key=lambda each: each[0])[1], weights * left)
                # it must show more than the best of all choices shows by chance
                shown = min(
                    self.evidence(box, self.weights * left), self.evidence(box, self.weights)
                )
                if shown < 2 * math.log(choices / alpha):
                    break
                left, found = left * ~self.inside(box), found + 1
                yield box

    def pairs(self) -> list[tuple[int, ...]]:
        """The pairs of columns that are tried; of one column, this."""
        columns = sorted(self.columns, key=lambda column: self.best((column,), self.weights)[0])
        return list(
            itertools.combinations(sorted(columns[-MOST_COLUMNS:]), min(2, len(columns)))
        )

    def refined(self, box: Box, weights: Weights) -> Box:
        """The box with a finer interval in one of up to three columns, as long as that is worth half a price more."""

        def worth(box: Box) -> float:
            return self.evidence(box, weights) - self.price * sum(map(_ends, box.values()))

        while True:
            found = []
            for column in self.columns if len(box) < 3 else box:
                rest = {name: interval for name, interval in box.items() if name != column}
                found.append(rest | self.best((column,), weights, rest)[1])
            best = max(found, key=worth)
            if worth(best) <= worth(box) + self.price / 2:
                return box
            box = best

    def best(
        self, columns: tuple[int, ...], weights: Weights, rest: Box | None = None
    ) -> tuple[float, Box]:
        """The intervals in these columns that show most, and how much: coarse ones, by Pearson's chi-square.

        With the rest of a box they are fine ones for the rows in it, by the JSD, less the price of their ends. (The JSD
        makes more of few rows, among which the best of all coarse boxes would often be found.)
        """
        axes = [(self.coarse if rest is None else self.fine)[column] for column in columns]
        shape = tuple(axis.size for axis in axes)
        cell = np.ravel_multi_index(tuple(axis.places for axis in axes), shape)
        rows = weights if rest is None else weights * self.inside(rest)
        counts = np.stack(
            [np.bincount(cell, weight, math.prod(shape)).reshape(shape) for weight in rows]
        )
        ends = np.zeros(())
        for number, axis in enumerate(axes, start=1):
            below = np.insert(np.cumsum(counts, axis=number), 0, 0.0, axis=number)
            counts = below.take(axis.stops + 1, axis=number) - below.take(
                axis.starts, axis=number
            )
            ends = ends[..., None] + axis.ends
        a, b, scale = _shares(counts, weights)
        shown = np.asarray(
            _chi_square(a, b) * scale
            if rest is None
            else 8 * coin_jsd(a, b) * scale - self.price * ends
        )
        # of an interval and all the rest, which show the same, the one with fewer rows is named
        at = np.unravel_index(np.argmax(shown - 1e-6 * (a + b)), shown.shape)
        said = {
            column: axis.condition(int(where))
            for column, axis, where in zip(columns, axes, at, strict=True)
        }
        return float(shown[at]), {
            column: condition for column, condition in said.items() if condition is not None
        }

    def evidence(self, box: Box, weights: Weights) -> float:
        """8 JSD / (1/n + 1/m) of the shares inside: chi-square with one degree of freedom if p = q."""
        a, b, scale = _shares(matmul(weights, self.inside(box)), weights)
        return float(8 * coin_jsd(a, b) * scale)

    def inside(self, box: Box) -> Bool[np.ndarray, " _"]:
        """Which rows lie in the box."""
        inside = np.ones(len(self.rows), dtype=bool)
        for column, condition in box.items():
            values = self.rows[:, column]
            if isinstance(condition, frozenset):
                inside &= np.isin(values, list(condition))
            else:
                inside &= (values > condition[0]) & (values <= condition[1])
        return inside

    def conditions(self, box: Box) -> list[PlacedCondition]:
        """The box as (column, op, value), column by column; of whole numbers in their own way."""
        found: list[PlacedCondition] = []
        for column, condition in sorted(box.items()):
            if isinstance(condition, frozenset):
                found.append((column, "in", sorted(condition)))
                continue
            low, high = condition
            if low == GREATEST:
                found.append((column, "missing", None))
                continue
            known = self.rows[:, column] <= GREATEST
            values = self.rows[self.inside({column: condition}), column]
            whole = are_whole(self.rows[known, column])
            number = int if whole else float
            if values.min() == values.max():
                found.append((column, "=", number(values[0])))
                continue
            if low > -math.inf:
                found.append((column, ">=", number(low + 1)) if whole else (column, ">", low))
            if high < GREATEST:
                found.append((column, "<=", number(high)))
            if low == -math.inf and high == GREATEST:
                found.append((column, "known", None))
        return found


class _Axis(NamedTuple):
    """A column in places that lie side by side, and the stretches of places that may be a condition."""

    places: Int[np.ndarray, " _"]
    size: int
    starts: Int[np.ndarray, " stretches"]
    stops: Int[np.ndarray, " stretches"]
    ends: Int[np.ndarray, " stretches"]
    """How many ends of each stretch are paid for."""
    choices: int
    """The conditions that one of the column is chosen from."""
    marks: Float[np.ndarray, " _"]
    """The edges between the places of numbers; the words."""
    words: bool

    @classmethod
    def of_numbers(cls, column: Values, number: int) -> "_Axis":
        """All intervals; what is missing has the last place, and is in no interval with others."""
        edges, places = Bins.fit(column, number)
        starts, stops = np.triu_indices(size := len(edges) + 1)
        if GREATEST in edges:
            alone = (
                (stops < size - 1)
                | (starts == size - 1)
                | ((starts == 0) & (stops == size - 1))
            )
            starts, stops = starts[alone], stops[alone]
        ends = 1 * (starts > 0) + (stops < size - 1)
        return cls(places, size, starts, stops, ends, len(starts), edges, words=False)

    @classmethod
    def of_words(cls, column: Values, weights: Weights, number: int) -> "_Axis":
        """The words that differ most and the most frequent ones, in the order of their difference, and all others.

        Of words in this order those that differ most together are neighbours.
        """
        words, where = np.unique(column, return_inverse=True)
        counts = np.stack([np.bincount(where, weight, len(words)) for weight in weights])
        a, b, scale = _shares(counts, weights)
        differ = np.sign(a - b) * np.sqrt(_chi_square(a, b) * scale)
        by_difference, by_rows = (
            np.argsort(differ, kind="stable"),
            np.argsort(-counts.sum(axis=0), kind="stable"),
        )
        first = [*by_difference[:EXTREME_WORDS], *by_difference[::-1][:EXTREME_WORDS], *by_rows]
        kept = np.sort(np.array(list(dict.fromkeys(first))[:number]))
        kept = kept[np.argsort(differ[kept], kind="stable")]
        place = np.full(len(words), len(kept))
        place[kept] = np.arange(len(kept))
        size = len(kept) + (len(kept) < len(words))
        starts, stops = np.triu_indices(size)
        all_of_it = (starts == 0) & (stops == size - 1)
        some = all_of_it | ((stops - starts < MOST_WORDS) & (stops < len(kept)))
        choices = 1 + sum(math.comb(len(words), count) for count in range(1, MOST_WORDS + 1))
        ends = np.where(all_of_it, 0, 2)[some]
        return cls(
            place[where],
            size,
            starts[some],
            stops[some],
            ends,
            choices,
            words[kept],
            words=True,
        )

    def condition(self, stretch: int) -> Interval | Words | None:
        """What a stretch of places says; None if it is all of them."""
        start, stop = int(self.starts[stretch]), int(self.stops[stretch])
        if (start, stop) == (0, self.size - 1):
            return None
        if self.words:
            return frozenset(self.marks[start : stop + 1].tolist())
        low, *_, high = [-math.inf, *self.marks.tolist(), math.inf][start : stop + 2]
        return low, high


def _ends(condition: Interval | Words) -> int:
    """How many ends of it are paid for."""
    return (
        2 if isinstance(condition, frozenset) else sum(abs(end) < GREATEST for end in condition)
    )


def _shares(
    counts: Float[np.ndarray, "2 ..."], weights: Weights
) -> tuple[Shares, Shares, float]:
    """The shares a, b of each sample that are counted, and 1 / (1/n + 1/m)."""
    n, m = np.maximum(weights.sum(axis=1), 1e-9)
    return (counts[0] / n).clip(0, 1), (counts[1] / m).clip(0, 1), n * m / (n + m)


def _chi_square(a: Shares, b: Shares) -> Shares:
    """(a - b)^2 / m(1 - m), m = (a + b)/2: Pearson's, and 8 times the JSD to first order."""
    middle = (a + b) / 2
    return np.square(a - b) / (middle * (1 - middle) + 1e-9)
