"""Relations between columns as features: differences, sums, ratios and products of pairs, and what the others predict.

Generators break relations that people notice: an order (checkin < checkout), a sum (total = net + tax), a product
(amount = price x pieces). In such a relation a small difference of large numbers says everything, and no critic of the
columns themselves sees it soon.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from onehalf.evaluation._products import matmul
from onehalf.evaluation.features.base import PAIRS, TREES, FeatureMap, RowMap
from onehalf.evaluation.features.codes import ColumnCodes
from onehalf.evaluation.rows import EvaluationRows

__all__ = [
    "LEAST_ROWS",
    "MOST_COLUMNS",
    "OF_RELATIONS",
    "Combination",
    "Relations",
    "choose_pairs",
    "combine",
    "explain_columns",
    "relation_maps",
]

Numbers = Float[np.ndarray, "_ _"]

MOST_COLUMNS = 32
"""With more columns of numbers than this no relations are sought."""

MOST_PAIRS = 8
"""The most differences, sums, ratios and products of pairs."""

MOST_RESIDUALS = 8
"""The most residuals of one sample, on one scale."""

LEAST_EXPLAINED = 0.3
"""The least share of a column's variance that the others explain where its residual is a feature."""

SCREENED_ROWS = 2000
"""The most rows of each sample by which pairs are chosen."""

LEAST_ROWS = 20
"""The fewest rows of each sample by which relations are sought."""

SIGNS = {"-": -1.0, "+": 1.0, "/": -1.0, "*": 1.0}
"""What the second column counts in a combination; of logarithms in a ratio or a product."""

OF_RELATIONS = frozenset({"quadratic", "waves"})
"""The members that see relations alone."""

MOST_TREE_COLUMNS = 256
"""Wider rows are not seen by trees, which would take too long."""


def relation_maps(
    x: EvaluationRows,
    y: EvaluationRows,
    content: RowMap,
    words: Bool[np.ndarray, " _"],
    kinds: Collection[str],
) -> Iterator[FeatureMap]:
    """What is seen of relations between columns: by trees beside the content, by others alone, and in bins.

    Args:
        x: rows of one sample.
        y: rows of the other.
        content: the map to what members see of the columns themselves.
        words: whether each column of the entries holds words.
        kinds: the members that take part.
    """
    sides = x.entries(), y.entries()
    if PAIRS & set(kinds):
        codes = ColumnCodes.fit(np.concatenate(sides), words)
        yield FeatureMap(lambda new: codes(new.entries()), PAIRS)
    if not TREES & set(kinds):
        return
    middle = _medians(np.concatenate(sides))

    def numbers(cells: Numbers) -> Numbers:
        return np.where(np.isnan(cells), middle, cells)[:, ~words]

    relations = Relations.fit(*map(numbers, sides))

    def related(new: EvaluationRows) -> Numbers:
        return relations(numbers(new.entries()))

    if x.entries().shape[1] <= MOST_TREE_COLUMNS:
        yield FeatureMap(
            lambda new: np.concatenate([content(new), related(new)], axis=1), TREES
        )
    if relations.width:
        yield FeatureMap(related, OF_RELATIONS.intersection(kinds))


def _medians(cells: Numbers) -> Float[np.ndarray, " _"]:
    """The median of each column's known cells; 0 without any."""
    known = [column[~np.isnan(column)] for column in cells.T]
    return np.array([np.median(column) if len(column) else 0.0 for column in known])


@dataclass(frozen=True)
class Combination:
    """Two columns combined."""

    first: int
    op: str
    """'-', '+', '/' or '*'."""
    second: int


def combine(numbers: Numbers, pair: Combination) -> Float[np.ndarray, " _"]:
    """The combination of two columns; of ratios and products the logarithm.

    >>> combine(np.array([[5.0, 2.0], [8.0, 2.0]]), Combination(0, "-", 1))
    array([3., 6.])
    """
    first, second = numbers[:, pair.first], numbers[:, pair.second]
    if pair.op in "/*":
        first, second = _log(first), _log(second)
    return first + SIGNS[pair.op] * second


@dataclass(frozen=True)
class Relations:
    """A map from columns of numbers to features of their relations, learned from some rows of two samples.

    - Residuals: of each column that the others explain, by least squares within one sample, on the scale of the numbers
      and, of positive columns, on that of their logarithms. A sum t = a + b leaves 0, and so does a product.
    - Pairs whose difference, sum, ratio or product separates the samples better than either column does.
    """

    residuals: "tuple[_Residuals, ...]"
    pairs: tuple[Combination, ...]

    @classmethod
    def fit(cls, x: Numbers, y: Numbers) -> "Relations":
        """Learn which relations hold in either sample, and which pairs separate them."""
        columns = x.shape[1]
        if not 1 < columns <= MOST_COLUMNS or min(len(x), len(y)) < LEAST_ROWS:
            return cls((), ())
        positive = np.concatenate([x, y]).min(axis=0) > 0
        every = np.ones(columns, dtype=bool)
        candidates = [
            _Residuals.fit(rows, used, logs=logs)
            for logs, used in ((False, every), (True, positive))
            for rows in (x, y)
            if used.sum() > 1
        ]
        residuals = tuple(each for each in candidates if each.width)
        return cls(residuals, tuple(choose_pairs(x, y, positive)))

    @property
    def width(self) -> int:
        """The number of features."""
        return sum(each.width for each in self.residuals) + len(self.pairs)

    def __call__(self, numbers: Numbers) -> Float[np.ndarray, "_ _"]:
        """The features of each row."""
        parts = [each(numbers) for each in self.residuals]
        parts += [combine(numbers, pair)[:, None] for pair in self.pairs]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(numbers), 0))


@dataclass(frozen=True)
class _Residuals:
    """What is left of some columns by the least squares of one sample's rows."""

    logs: bool
    used: Bool[np.ndarray, " _"]
    middle: Float[np.ndarray, " used"]
    scale: Float[np.ndarray, " used"]
    weights: Float[np.ndarray, "used width"]

    @classmethod
    def fit(cls, rows: Numbers, used: Bool[np.ndarray, " _"], *, logs: bool) -> "_Residuals":
        numbers = _log(rows[:, used]) if logs else rows[:, used]
        middle, std = numbers.mean(axis=0), numbers.std(axis=0)
        scale = np.where(std > 0, std, 1.0)
        precision, explained = explain_columns((numbers - middle) / scale)
        explained = np.where(std > 0, explained, 0.0)
        chosen = np.argsort(-explained, kind="stable")[:MOST_RESIDUALS]
        chosen = chosen[explained[chosen] > LEAST_EXPLAINED]
        weights = precision[:, chosen] / np.diag(precision)[chosen]
        return cls(logs, used, middle, scale, weights)

    @property
    def width(self) -> int:
        return self.weights.shape[1]

    def __call__(self, numbers: Numbers) -> Float[np.ndarray, "_ _"]:
        numbers = numbers[:, self.used]
        numbers = _log(numbers) if self.logs else numbers
        return matmul((numbers - self.middle) / self.scale, self.weights)


def explain_columns(z: Numbers) -> tuple[Float[np.ndarray, "_ _"], Float[np.ndarray, " _"]]:
    """The inverse P of the covariance of columns with mean 0 and variance 1, and what share the others explain of each.

    The least squares prediction of column j from the others leaves sum_k P_jk z_k / P_jj, of variance 1/P_jj.

    >>> z = np.random.default_rng(0).normal(size=(1000, 2))
    >>> explain_columns(np.column_stack([z, z.sum(axis=1) / 2**0.5]))[1].round(2)
    array([1., 1., 1.])
    """
    precision = np.linalg.inv(matmul(z.T, z) / len(z) + 1e-9 * np.eye(z.shape[1]))
    return precision, 1 - 1 / np.diag(precision)


def choose_pairs(x: Numbers, y: Numbers, positive: Bool[np.ndarray, " _"]) -> list[Combination]:
    """Choose the combinations that separate two samples better than either column of theirs does, the best first.

    Separation is the greatest difference of the distribution functions (Kolmogorov-Smirnov).
    """
    x, y = x[:SCREENED_ROWS], y[:SCREENED_ROWS]
    alone = [_separation(*sides) for sides in zip(x.T, y.T, strict=True)]
    # what chance alone gives rarely, at these sizes
    luck = 1.0 * np.sqrt((len(x) + len(y)) / (len(x) * len(y)))
    gains = []
    for pair in list_pairs(positive):
        together = _separation(combine(x, pair), combine(y, pair))
        gain = together - max(alone[pair.first], alone[pair.second])
        if together > luck and gain > 0.5 * luck:
            gains.append((gain, pair))
    gains.sort(key=lambda each: -each[0])
    return [pair for _, pair in gains[:MOST_PAIRS]]


def list_pairs(positive: Bool[np.ndarray, " _"]) -> Iterator[Combination]:
    """List all combinations; ratios and products of positive columns only."""
    for second in range(len(positive)):
        for first in range(second):
            yield Combination(first, "-", second)
            yield Combination(first, "+", second)
            if positive[first] and positive[second]:
                yield Combination(first, "/", second)
                yield Combination(first, "*", second)


def _separation(x: Float[np.ndarray, " _"], y: Float[np.ndarray, " _"]) -> float:
    both = np.concatenate([x, y])
    order = np.argsort(both, kind="stable")
    ordered = both[order]
    steps = np.where(order < len(x), 1 / len(x), -1 / len(y))
    ends = np.append(ordered[1:] > ordered[:-1], True)
    return float(np.abs(np.cumsum(steps)[ends]).max())


def _log(numbers: np.ndarray) -> np.ndarray:
    """The logarithm; of what is not positive, that of a tiny number."""
    return np.log(np.maximum(numbers, 1e-12))
