"""Certified upper bounds on how far single columns, words and pairs are off.

The greatest difference of shares lies at one place, which the two distributions settle and the rows do not. So its
error is that of two shares: nothing is paid for the number of columns, values and words. The proof is in
docs/explanation/instrument.md.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import optimize, special

from onehalf.evaluation.checks.column_distances import (
    RankedColumn,
    Weights,
    count_draws,
    rank_columns,
    weigh,
)
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.result import ColumnCeiling, UpperBounds

__all__ = ["bound_differences", "margin"]

Cells = Float[np.ndarray, "_ columns"]

DRAWS = 20
"""Pairs of samples that are drawn from the data for the baseline."""

MOST_DRAWN = 2**25
"""The most cells in all draws: of many columns there are fewer draws."""

MOST_PAIRED = 2**23
"""The most rows in all pairs of columns: of many pairs each sees fewer rows."""

MOST_PAIRS = 200_000
"""Of more pairs nothing is claimed: each would see a few rows, and they grow with the square of the columns."""

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(100)
"""The places at which a probability is integrated, and their weights."""

MOST_LISTED = 100
"""The most columns that are listed."""


def bound_differences(
    real: Cells,
    other: Cells,
    columns: Columns,
    alpha: float,
    *,
    seed: int = 0,
    matched: bool = False,
) -> UpperBounds:
    """Bound from above how far any column, any word and any pair is off; all of it holds at once.

    Half of alpha is for the furthest column. Three equal parts of the rest are for the furthest word, the furthest
    pair, and all columns one by one, which share theirs.

    Args:
        real: The data, in random order; NaN is missing.
        other: The other sample, in random order.
        columns: What the columns are.
        alpha: The level of all of it together.
        seed: Settles the draws of the baseline.
        matched: Whether each row of `other` was made for the row of `real` at its place.

    >>> from onehalf.evaluation.features.base import PlainColumns
    >>> x, y = np.random.default_rng(0).normal(size=(2, 10_000, 3))
    >>> found = bound_differences(x, y, PlainColumns(("a", "b", "c")), alpha=0.05)
    >>> found.columns_at_most, found.baseline_at_most
    (0.024..., 0.031...)
    """
    n, m = len(real), len(other)
    ranked = rank_columns(np.concatenate([real, other]), columns)
    distances = np.array([column.distances(weigh(n, m))[0] for column in ranked])
    places = np.argsort(-distances, kind="stable").tolist()
    furthest = margin(n, m, alpha / 2, matched=matched)
    single = margin(n, m, alpha / (6 * len(ranked)), matched=matched)
    most = _cap(float(distances.max()) + furthest)
    return UpperBounds(
        columns_at_most=most,
        words_at_most=_bound_words(distances, ranked, margin(n, m, alpha / 6, matched=matched)),
        pairs_at_most=_bound_pairs(ranked, n, m, alpha / 6, matched=matched),
        worst_column=columns.names[places[0]],
        baseline_at_most=_cap(_draw_distance(real, columns, m, seed) + furthest),
        columns=tuple(
            ColumnCeiling(
                column=columns.names[place],
                distance=float(distances[place]),
                at_most=min(most, _cap(float(distances[place]) + single)),
            )
            for place in places[:MOST_LISTED]
        ),
    )


@functools.cache
def margin(n: int, m: int, alpha: float, *, matched: bool = False) -> float:
    """The least e with P((p - p_n) + (q_m - q) > e) <= alpha, whatever the probabilities p and q of an event are.

    p_n and q_m are its shares of n and m rows. By Zubkov & Serov (2013) and Pinsker's inequality the first difference
    is stochastically no greater than max(N, 0)/(2 sqrt(n)) + 1/n, with N standard normal, and the second likewise. Of
    independent samples the two are added as such. Of matched ones each has half of alpha.

    >>> margin(10_000, 10_000, 0.05), margin(10_000, 10_000, 0.05, matched=True)
    (0.012..., 0.019...)
    """
    a, b = 0.5 / math.sqrt(min(n, m)), 0.5 / math.sqrt(max(n, m))
    if matched:
        e = (a + b) * -float(special.ndtri(alpha / 2))
    else:
        search: Any = optimize.brentq(lambda e: _tail(e, a, b) - alpha, 0, 40 * (a + b))
        e = float(search)
    return _cap(e + 1 / n + 1 / m)


def _tail(e: float, a: float, b: float) -> float:
    """P(a max(N, 0) + b max(M, 0) > e) for independent standard normal N and M, and e >= 0."""
    half = min(e / b, 12.0) / 2  # M beyond 12 has no probability to speak of
    z = half * (NODES + 1)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    both = half * float(np.sum(NODE_WEIGHTS * density * special.ndtr((b * z - e) / a)))
    return float(special.ndtr(-e / a)) / 2 + both + float(special.ndtr(-e / b))


def _cap(bound: float) -> float:
    """No difference of shares exceeds 1."""
    return min(bound, 1.0)


def _draw_distance(real: Cells, columns: Columns, m: int, seed: int) -> float:
    """The greatest distance of a column between two samples that are drawn from the data, on average."""
    n = len(real)
    draws = min(max(MOST_DRAWN // max(real.size, 1), 1), DRAWS)
    rng = np.random.default_rng([seed, 5])
    weights = count_draws(rng, n, n, draws) / n - count_draws(rng, n, m, draws) / m
    each = [column.distances(weights) for column in rank_columns(real, columns)]
    return float(np.max(each, axis=0).mean())


def _bound_words(
    distances: Float[np.ndarray, " columns"], ranked: Sequence[RankedColumn], e: float
) -> float | None:
    """The bound on the furthest word, if there are any."""
    words = distances[[column.is_words for column in ranked]]
    return _cap(float(words.max()) + e) if len(words) else None


def _bound_pairs(
    ranked: Sequence[RankedColumn], n: int, m: int, alpha: float, *, matched: bool
) -> float | None:
    """The bound on the furthest pair, if there are any; 1, which always holds, if there are too many."""
    count = _count_pairs(ranked)
    if not count:
        return None
    if count > MOST_PAIRS:
        return 1.0
    part = min(1, MOST_PAIRED / (count * (n + m)))
    some, others = max(1, int(part * n)), max(1, int(part * m))
    rows = np.concatenate([np.arange(some), np.arange(n, n + others)])
    weights = weigh(some, others)
    pairs = _pair_columns(ranked)
    furthest = max(_pair_distance(*pair, rows, weights) for pair in pairs)
    return _cap(furthest + margin(some, others, alpha, matched=matched))


def _count_pairs(ranked: Sequence[RankedColumn]) -> int:
    """The number of pairs of `_pair_columns`."""
    words = sum(column.is_words for column in ranked)
    return words * (words - 1) // 2 + words * (len(ranked) - words)


def _pair_columns(
    ranked: Sequence[RankedColumn],
) -> Iterator[tuple[RankedColumn, RankedColumn]]:
    """Each column of words with each later one, and with each column of numbers."""
    words = [column for column in ranked if column.is_words]
    numbers = [column for column in ranked if not column.is_words]
    for place, column in enumerate(words):
        for partner in (*words[place + 1 :], *numbers):
            yield column, partner


def _pair_distance(
    words: RankedColumn, partner: RankedColumn, rows: np.ndarray, weights: Weights
) -> float:
    """The greatest difference of the shares of rows with a word, and with another one or up to a value."""
    cells = words.ranks[rows] * partner.size + partner.ranks[rows]
    if partner.is_words and words.size * partner.size <= 4 * len(rows):
        return float(np.abs(np.bincount(cells, weights[:, 0])).max())
    present, places = np.unique(cells, return_inverse=True)
    shares = np.bincount(places, weights[:, 0])
    if not partner.is_words:
        word = present // partner.size
        total = np.append(0, np.cumsum(shares))
        shares = total[1:] - total[np.searchsorted(word, word)]
    return float(np.abs(shares).max())
