"""The members of an ensemble of critics: each fitted once for each fold, without the rows of this fold.

They differ in what they see best: a mean (`linear`), a scale or a correlation (`quadratic`), what three columns show
together (`cubic`), a bump (`waves`), fine waves in one column or two (`ripples`), a dropped or an invented group
(`cells`), a broken dependence between two columns (`pairs`), steps, exceptions and relations (`trees`), anything smooth
(`nets`), what lies where in an image (`conv`).
"""

import itertools
import math
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import Float, Int
from scipy import special
from scipy.cluster.vq import kmeans, vq
from threadpoolctl import threadpool_limits

from onehalf._typing import PRNGKey
from onehalf.evaluation._products import ignore_invalid, matmul
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.expansions import expand_features
from onehalf.evaluation.certificate.logistic import fit_logistic
from onehalf.evaluation.certificate.neural_critics import (
    LEAST_ROWS,
    Member,
    Rows,
    convolutions,
    networks,
)

__all__ = [
    "FOLDS",
    "MOST_PAIRED_COLUMNS",
    "Group",
    "Samples",
    "find_centres",
    "fit_members",
    "logit",
]

Features = Float[np.ndarray, "_ features"]

FOLDS = 4
"""The parts of the rows of which each is left out once."""

CELLS = (16, 32, 64, 128)
"""Cells of the k-means partitions."""

CENTRE_ROWS = 4_000
"""The most rows that place the centres of the cells."""

CENTRE_TOLERANCE = 1e-3
"""K-means ends with a step that gains less than this."""

RIDGES = (1.0, 30.0, 1000.0)
"""Precisions of the normal priors on the weights of a logistic member: rows left out decide between them."""

MOST_TREES = 200
"""The most boosted trees."""

LEAVES = 15
"""The most leaves of a tree."""

TRIES = 8
"""Trees in a row without a gain on rows left out that end the learning."""

BEST_PAIRS = 6
"""The pairs of columns that become members."""

MOST_PAIRED_COLUMNS = 40
"""With more columns than this there are no members for pairs."""

BACK_OFFS = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Rows that independence of two columns counts for, in the share of a cell."""


class Samples(NamedTuple):
    """Rows of both samples as members see them, one sample after the other."""

    z: Float[np.ndarray, "n ..."]
    labels: Float[np.ndarray, " n"]
    """1 for rows of the first sample, 0 for those of the second."""
    fold: Int[np.ndarray, " n"]

    @property
    def size(self) -> int:
        """The rows of the smaller sample."""
        first = int(self.labels.sum())
        return min(first, len(self.labels) - first)

    @property
    def weights(self) -> Float[np.ndarray, " n"]:
        """Weights by which both samples count alike, as much as the smaller one has rows."""
        first = self.labels.sum()
        each = np.where(self.labels == 1, first, len(self.labels) - first)
        return self.size / each


class Group(NamedTuple):
    """Members of one kind, which share its prior weight."""

    members: list[Member]
    tried: int
    """How many the members were chosen from."""


def fit_members(key: PRNGKey, samples: Samples, kinds: Collection[str]) -> Iterator[Group]:
    """Fit the members of these kinds, kind by kind.

    Args:
        key: settles what they draw.
        samples: both samples, in an order that is random within each.
        kinds: some of `critics.KINDS`.
    """
    if not kinds:
        return
    rng = numpy_generator(key)
    if "conv" in kinds:
        if samples.size >= LEAST_ROWS:
            yield Group([convolutions(jr.split(key, FOLDS), *samples)], 1)
        return
    if "pairs" in kinds:
        yield _pairs(samples)
    for _, expansions in expand_features(rng, samples.z, kinds):
        members = [member for expand in expansions for member in _logistic(expand, samples)]
        yield Group(members, len(members))
    if "cells" in kinds:
        members = list(_cells(rng, samples))
        yield Group(members, len(members))
    if "nets" in kinds and samples.size >= LEAST_ROWS:
        yield Group([networks(jr.split(key, FOLDS), *samples)], 1)
    if "trees" in kinds and samples.size >= LEAST_ROWS:
        yield Group([_trees(rng, samples)], 1)


def _logistic(expand: Callable[[Rows], Features], samples: Samples) -> Iterator[Member]:
    """Logistic regression on these features, with each ridge."""
    features = expand(samples.z).astype(np.float32, copy=False)
    fitted = fit_logistic(features, samples.labels, samples.fold, RIDGES, samples.weights)
    for weights in fitted:
        yield lambda new, weights=weights: matmul(expand(new), weights)


def _cells(rng: np.random.Generator, samples: Samples) -> Iterator[Member]:
    """Shares of the samples in the cells of a k-means partition, with a prior that most cells do not differ.

    D in a cell is the posterior mean under 'the samples have equal shares here' with probability 0.95 or 1/2, and else
    a share from Beta(1/2, 1/2): cells that differ by chance fall silent, and one that a sample never visits stands out.
    """
    z = samples.z
    some = z[rng.permutation(len(z))[:CENTRE_ROWS]]
    most = min(len(np.unique(some, axis=0)), max(2, len(z) // 8))
    for cells in sorted({min(cells, most) for cells in CELLS}):
        middles = find_centres(rng, some, cells)
        place, _ = vq(z, middles)
        counts = np.zeros((2, len(middles), FOLDS))
        np.add.at(counts, (samples.labels.astype(int), place, samples.fold), samples.weights)
        of_y, of_x = counts.sum(axis=2, keepdims=True) - counts
        both = of_x + of_y
        log_odds = (
            special.betaln(of_x + 0.5, of_y + 0.5)
            - special.betaln(0.5, 0.5)
            + both * math.log(2)
        )
        for prior in (0.05, 0.5):
            differ = special.expit(log_odds + special.logit(prior))
            logits = logit((1 - differ) / 2 + differ * (of_x + 0.5) / (both + 1))
            yield lambda new, middles=middles, logits=logits: logits[vq(new, middles)[0]]


def find_centres(rng: np.random.Generator, z: Rows, cells: int, starts: int = 1) -> Features:
    """Place at most `cells` centres by k-means from k-means++; of several starts, keep the tightest."""
    from sklearn.cluster import kmeans_plusplus

    # scikit-learn's KMeans takes 1.1 to 1.6 times the time for cells as tight, and e-values would change
    if cells == 1:
        return z.mean(axis=0, keepdims=True)
    begun = [
        ignore_invalid(kmeans_plusplus)(z, cells, random_state=int(rng.integers(2**31)))[0]
        for _ in range(starts)
    ]
    return min(
        (kmeans(z, start, thresh=CENTRE_TOLERANCE) for start in begun),
        key=lambda fitted: fitted[1],
    )[0]


def _pairs(samples: Samples) -> Group:
    """The log ratio of the samples' shares in the cells of two columns, for the best pairs of columns.

    `z` are the cells' numbers in each column. The pairs are chosen by their wealth on the rows left out.
    """
    codes = samples.z.astype(np.int64)
    if not 2 <= codes.shape[1] <= MOST_PAIRED_COLUMNS:
        return Group([], 0)
    sizes = [int(size) for size in codes.max(axis=0) + 2]
    fitted = []
    for i, j in itertools.combinations(range(codes.shape[1]), 2):
        if min(sizes[i], sizes[j]) > 2:
            logits = _fit_pair(codes[:, [i, j]], (sizes[i], sizes[j]), samples)
            own = logits[codes[:, i], codes[:, j], samples.fold]
            sides = np.where(samples.labels == 1, 1.0, -1.0)
            wealth = -np.sum(samples.weights * np.logaddexp(0, -sides * own))
            fitted.append((wealth, i, j, logits))
    fitted.sort(key=lambda each: -each[0])
    members: list[Member] = [
        lambda new, i=i, j=j, logits=logits: logits[
            np.minimum(new[:, i].astype(int), len(logits) - 1),
            np.minimum(new[:, j].astype(int), logits.shape[1] - 1),
        ]
        for _, i, j, logits in fitted[:BEST_PAIRS]
    ]
    return Group(members, len(fitted))


def _fit_pair(
    codes: Int[np.ndarray, "n 2"], sizes: tuple[int, int], samples: Samples
) -> Float[np.ndarray, "first second folds"]:
    """Log ratios of two samples' shares of cells, without each fold.

    A share is (count + a p(u) p(v)) / (n + a): independence counts for `a` rows, as many as predict a row left out of
    its own sample best.
    """
    place = (samples.labels.astype(int) * sizes[0] + codes[:, 0]) * sizes[1] + codes[:, 1]
    counts = np.bincount(
        place * FOLDS + samples.fold, minlength=2 * sizes[0] * sizes[1] * FOLDS
    )
    counts = counts.reshape(2, *sizes, FOLDS).astype(float)
    counts = counts.sum(axis=3, keepdims=True) - counts
    of_y, of_x = (_log_shares(each) for each in counts)
    return of_x - of_y


def _log_shares(counts: Float[np.ndarray, "first second folds"]) -> np.ndarray:
    """The log share of each cell in one sample, backed off to independence."""
    n = counts.sum(axis=(0, 1))
    first = (counts.sum(axis=1) + 0.5) / (n + 0.5 * counts.shape[0])
    second = (counts.sum(axis=0) + 0.5) / (n + 0.5 * counts.shape[1])
    alone = first[:, None] * second
    best = np.full(n.shape, -np.inf)
    logs = np.zeros_like(counts)
    seen = counts > 0
    for a in BACK_OFFS:
        left = np.where(seen, counts - 1, 0.0) + a * alone
        score = np.where(seen, counts * np.log(left / (n - 1 + a)), 0.0).sum(axis=(0, 1))
        better = score > best
        best = np.where(better, score, best)
        logs[..., better] = np.log((counts + a * alone) / (n + a))[..., better]
    return logs


def _trees(rng: np.random.Generator, samples: Samples) -> Member:
    """Boosted trees, stopped early by a tenth of the rows that they learn from."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    forests = [
        HistGradientBoostingClassifier(
            max_iter=MOST_TREES,
            max_leaf_nodes=LEAVES,
            early_stopping=True,  # pyright: ignore[reportArgumentType]: its default 'auto' is taken for its type
            n_iter_no_change=TRIES,
            random_state=int(rng.integers(2**31)),
        )
        for _ in range(FOLDS)
    ]
    # several threads wait for each other, long on a busy machine
    with threadpool_limits(1):
        for k, forest in enumerate(forests):
            used = samples.fold != k
            forest.fit(samples.z[used], samples.labels[used])
    # weights would do the same, but they make the binning slow
    prior = special.logit(samples.labels.mean())

    def member(new: Rows) -> Float[np.ndarray, "rows folds"]:
        with threadpool_limits(1):
            logits = [forest.decision_function(new) for forest in forests]
        return np.stack(logits, axis=1) - prior

    return member


def logit(D: np.ndarray) -> np.ndarray:
    """The logit of a probability, clipped at 1e-12."""
    return special.logit(np.clip(D, 1e-12, 1 - 1e-12))
