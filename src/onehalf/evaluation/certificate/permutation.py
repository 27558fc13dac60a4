"""An exact permutation test by many statistics at once, for which no rows need be set aside.

A critic gives up the rows that it learns from, and a weak difference needs all rows there are. Statistics that are
linear in the labels can be computed for hundreds of deals of the labels by one product of matrices. So every row counts
twice: it shapes the statistic, and it is judged by it.
"""

import itertools
import math
from collections.abc import Collection, Iterator

import numpy as np
import scipy.cluster
import scipy.linalg
import scipy.sparse
import scipy.stats
from jaxtyping import Float, Int

from onehalf._typing import PRNGKey
from onehalf.evaluation._products import ignore_invalid, matmul
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.expansions import expand_features
from onehalf.evaluation.certificate.members import MOST_PAIRED_COLUMNS, find_centres
from onehalf.evaluation.certificate.scaling import standardize
from onehalf.evaluation.features.base import PAIRS, FeatureEncoder
from onehalf.evaluation.rows import EvaluationRows, concatenate

__all__ = ["count_deals", "permutation_p_value"]

Features = Float[np.ndarray, "rows _"]
Scores = Float[np.ndarray, " _"]
Deals = Float[np.ndarray, "rows deals"]
Statistic = Float[np.ndarray, " deals"]

MOST_ROWS = 6_000
"""The most rows of both samples together; where there are more, critics see a weak difference too."""

MOST_DEALS = 1999
"""The most deals of the labels, besides the observed one."""

CELLS = 64
"""Cells of the k-means partition."""

CENTRE_ROWS = 4_000
"""The most rows that place their centres."""

RIDGE = 0.03
"""A direction of the features with less than this variance counts little."""

LEAST_STD = 1e-6
"""A feature varies if its standard deviation is more than this share of its greatest value."""

WITHOUT_FEATURES = ("nets", "conv")
"""The members that are fitted, and so see nothing here."""


def count_deals(alpha: float) -> int:
    """The deals of a test at this level: twenty for each that chance lets reject.

    >>> count_deals(0.05), count_deals(0.001)
    (399, 1999)
    """
    return min(MOST_DEALS, math.ceil(20 / alpha) - 1)


def permutation_p_value(
    key: PRNGKey,
    x: EvaluationRows,
    y: EvaluationRows,
    kinds: Collection[str],
    encoder: FeatureEncoder,
    scores: tuple[Scores, Scores] | None = None,
    *,
    alpha: float = 0.05,
    matched: bool = False,
) -> float:
    """The p-value of p = q by many statistics together, exact at any n.

    Each kind of member brings its features. With u the sums of features over x, as z-scores under the deals, and R
    the correlations of the features, two statistics are taken of them: u' (R + r I)^-1 u, as in a kernel test
    (Harchaoui, Bach & Moulines 2007), which sees a difference in many of them, and max |u|, which sees one in few.
    All statistics are brought to one scale by their means and variances over the deals (Wilson & Hilferty 1931), and
    the greatest is compared with the greatest in every other deal (Westfall & Young 1993). Features know nothing of
    the labels, and the observed deal is treated as all others are, so P(p <= a) <= a for every a.

    Args:
        key: settles the deals, and what features draw.
        x: n rows.
        y: k rows for each of x, one after the other.
        kinds: the members whose features are used.
        encoder: what is seen of a row.
        scores: one more statistic: a number for each row of x and of y, by a map that was fixed before.
        alpha: the level that the p-value is meant for: a smaller one needs more deals.
        matched: whether labels are dealt within each row of x and its own rows of y alone.

    >>> import jax.random as jr
    >>> from onehalf.evaluation.features.arrays import ArrayEncoder
    >>> from onehalf.evaluation.rows import wrap
    >>> rng = np.random.default_rng(0)
    >>> x, y = wrap(rng.normal(size=(200, 2))), wrap(rng.normal(1.0, size=(200, 2)))
    >>> permutation_p_value(jr.key(0), x, y, ["linear"], ArrayEncoder())
    0.0025
    """
    rng = numpy_generator(key)
    rows, deals, order = _deal(rng, x, y, count_deals(alpha), matched=matched)
    found: list[Statistic] = []
    if scores is not None:
        u = matmul(_standard(np.concatenate(scores)[order, None]).T, deals)
        found += list(u)
    seen = [kind for kind in kinds if kind not in WITHOUT_FEATURES]
    half = len(rows) // 2
    for feature_map in encoder.feature_maps(key, rows[:half], rows[half:], seen):
        z = standardize(feature_map, rows).encode(rows)
        if PAIRS & feature_map.members:
            found += _best_pair(z.astype(np.int64), deals)
        else:
            for kind, features in _list_features(rng, z, feature_map.members):
                found += _statistics(features, deals, are_alike=kind == "waves")
    if not found:
        return 1.0
    greatest = np.max(found, axis=0)
    return float(np.mean(greatest >= greatest[0]))


def _deal(
    rng: np.random.Generator, x: EvaluationRows, y: EvaluationRows, count: int, *, matched: bool
) -> tuple[EvaluationRows, Deals, Int[np.ndarray, " rows"]]:
    """All rows in a random order, the deals of the labels, the observed one first, and each row's old place.

    A deal is a column of mean 0 and square sum 1. What is computed from rows in this order cannot know the labels.
    """
    k = len(y) // len(x)
    n = min(len(x), max(1, MOST_ROWS // (1 + k)))
    places = np.concatenate([np.arange(n), len(x) + np.arange(n * k)])
    labels = np.repeat([1.0, 0.0], [n, n * k])
    deals = np.empty((len(labels), 1 + count), np.float32)
    deals[:, 0] = labels
    for column in range(1, 1 + count):
        if matched:
            chosen = rng.integers(1 + k, size=n)
            at = np.where(chosen == 0, np.arange(n), n + np.arange(n) * k + chosen - 1)
            deals[:, column] = 0.0
            deals[at, column] = 1.0
        else:
            deals[:, column] = rng.permutation(labels)
    deals -= 1 / (1 + k)
    deals /= math.sqrt(n * k / (1 + k))
    order = rng.permutation(len(labels))
    rows = concatenate([x[:n], y[: n * k]])[order]
    return rows, deals[order], places[order]


def _list_features(
    rng: np.random.Generator, z: Features, kinds: Collection[str]
) -> Iterator[tuple[str, Features]]:
    """What the members of these kinds see, with the kind of each."""
    for kind, expansions in expand_features(rng, z, kinds):
        for expand in expansions:
            yield kind, expand(z)[:, 1:]
    if "cells" in kinds:
        some = z[:CENTRE_ROWS]
        most = min(len(np.unique(some, axis=0)), max(2, len(z) // 8))
        middles = find_centres(rng, some, min(CELLS, most))
        place, _ = scipy.cluster.vq.vq(z, middles)
        yield "cells", np.eye(len(middles))[place]


def _statistics(features: Features, deals: Deals, *, are_alike: bool) -> Iterator[Statistic]:
    """What the features show together and, if each has a meaning of its own, what one of them shows."""
    standard = _standard(features)
    if standard.shape[1]:
        u = matmul(standard.T, deals)
        correlations = matmul(standard.T, standard) / len(standard)
        correlations[np.diag_indices_from(correlations)] += RIDGE
        solve = ignore_invalid(scipy.linalg.solve)
        yield _scale((u * solve(correlations, u, assume_a="pos")).sum(axis=0))
        if not are_alike:
            yield _scale(np.abs(u).max(axis=0))


def _standard(features: Features) -> Float[np.ndarray, "rows varying"]:
    """The features that vary, with mean 0 and variance 1."""
    mean, std = features.mean(axis=0), features.std(axis=0)
    varies = std > LEAST_STD * np.maximum(np.abs(features).max(axis=0), 1.0)
    return ((features[:, varies] - mean[varies]) / std[varies]).astype(np.float32)


def _best_pair(codes: Int[np.ndarray, "rows columns"], deals: Deals) -> Iterator[Statistic]:
    """The pair of columns that shows most: each by chi squared over its cells, on one scale with the others."""
    columns = codes.shape[1]
    if 2 <= columns <= MOST_PAIRED_COLUMNS:
        sizes = codes.max(axis=0) + 1
        best = np.full(deals.shape[1], -np.inf)
        for i, j in itertools.combinations(range(columns), 2):
            cells = np.unique(codes[:, i] * sizes[j] + codes[:, j], return_inverse=True)[1]
            best = np.maximum(best, _scale(_chi_squared(cells, deals)))
        yield _scale(-scipy.stats.norm.logsf(best))


def _chi_squared(cells: Int[np.ndarray, " rows"], deals: Deals) -> Statistic:
    """The squares of the sums over each cell, by the rows that it holds."""
    rows = np.bincount(cells)
    places = scipy.sparse.csr_array(
        (np.ones(len(cells), np.float32), (cells, np.arange(len(cells))))
    )
    return len(cells) * (np.square(places @ deals) / rows[:, None]).sum(axis=0)


def _scale(statistic: Statistic) -> Statistic:
    """A positive statistic as normal scores, by the cube root of a gamma variable (Wilson & Hilferty 1931)."""
    mean, variance = statistic.mean(dtype=np.float64), statistic.var(dtype=np.float64)
    if variance <= 1e-12 * mean**2:
        return np.zeros(len(statistic))
    spread = variance / (9 * mean**2)
    return (np.cbrt(statistic / mean) - (1 - spread)) / math.sqrt(spread)
