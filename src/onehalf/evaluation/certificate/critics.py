"""Fresh critics: an ensemble of classifiers of two samples, weighed by their success on rows left out.

Its members differ in what they see best: a mean (`_linear`), a scale or a correlation (`_quadratic`), a bump or a
ripple (`_waves`), a dropped or an invented group (`_cells`), anything smooth (`networks`), a table's steps and
exceptions (`_trees`), what lies where in an image (`convolutions`). The first five see images as a small copy, and
as their grain. Each is fitted four times, with another fourth of the rows left out, and stakes on the rows that it left
out. The ensemble's D is the mean of the members' probabilities, each weighed by the wealth that it made there; one of
them is D = 1/2, which stakes nothing.
"""

import math
from collections.abc import Callable, Collection, Container, Iterator
from typing import NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import Float
from scipy import special
from scipy.cluster.vq import kmeans, vq
from threadpoolctl import threadpool_limits

from onehalf._typing import PRNGKey
from onehalf.evaluation._products import ignore_invalid, matmul
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.bounds import LOG_2, best_clip, best_threshold
from onehalf.evaluation.certificate.neural_critics import (
    LEAST_ROWS,
    Fold,
    Member,
    Rows,
    convolutions,
    networks,
)
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.base import CONVOLUTIONS, FeatureEncoder, FeatureMap
from onehalf.evaluation.rows import AnyRows, EvaluationRows, concatenate, wrap

__all__ = ["KINDS", "Critic", "find_centres", "learn"]

Features = Float[np.ndarray, "_ features"]
Logits = Float[np.ndarray, " _"]
Labels = Float[np.ndarray, " n"]

KINDS = ("linear", "quadratic", "waves", "cells", "nets", "trees", "grain", "conv")
"""The members of the ensemble; trees take part on tables only, and the last two on images."""

PLAIN_ARRAY = ArrayEncoder()
"""For rows that are plain numbers."""

FOLDS = 4
"""The parts of the rows of which each is left out once."""

MOST_ROWS = 20_000
"""The most rows of each sample that a critic learns from; all others are left to be bet on."""

CELLS = (16, 32, 64, 128)
"""Cells of the k-means partitions."""

CENTRE_ROWS = 4_000
"""The most rows that place the centres of the cells."""

CENTRE_TOLERANCE = 1e-3
"""K-means ends with a step that gains less than this."""

WIDTHS = (0.1, 0.3, 1.0)
"""Widths of the waves' kernels, for rows of unit variance."""

FEATURES = 200
"""Waves of each width."""

FARTHEST = 1e4
"""Standardised entries are clipped here: a new row may lie anywhere."""

RIDGES = (1.0, 30.0)
"""Precision of the normal priors on the weights of a logistic member."""

MOST_PRODUCT_COLUMNS = 24
"""With more columns than this the quadratic member has squares and no products."""

MOST_SQUARE_COLUMNS = 256
"""With more columns than this there is no quadratic member."""

MOST_COLUMNS = 1024
"""Wider rows are projected at random, which any critic may do."""

PROJECTED = 512
"""The directions that wide rows are projected on."""

TRUST = (1.0, 0.5)
"""What a member's logits may be multiplied by: one that learned from few rows is too sure of itself."""

CHUNK = 16_384
"""The most rows that are judged at a time."""

CHUNK_ENTRIES = 2**24
"""The most entries of them."""

MOST_TREES = 200
"""The most boosted trees."""

LEAVES = 15
"""The most leaves of a tree."""

TRIES = 8
"""Trees in a row without a gain on rows left out that end the learning."""


class Critic(NamedTuple):
    """d(x) = logit D(x) of an ensemble that has learned, with what it chose on the rows that it learned from.

    `low` and `high` are the clip of its logits that promises the best lower bound, `threshold` the logit above which a
    row counts as one of the first sample in the bound on the total variation distance. `past` are its logits, out of
    sample, at the rows it learned from: first sample, second sample.
    """

    d: Callable[[AnyRows], Logits]
    low: float
    high: float
    threshold: float
    past: tuple[Logits, Logits]


def learn(
    key: PRNGKey,
    x: AnyRows,
    y: AnyRows,
    n: int,
    alpha: float = 0.05,
    *,
    kinds: Collection[str] = KINDS,
    encoder: FeatureEncoder = PLAIN_ARRAY,
) -> Critic:
    """A critic of rows x of one sample and as many rows y of another, meant for n pairs of new rows.

    The rows must be in a random order. Columns are standardised by their medians and quartiles in both samples
    together; one with an entry more than eight of its scales away is compressed by asinh. `kinds` says which members
    take part; nets need 100 rows of each sample. What members see is up to the `encoder`, whose maps are learned from
    the same rows. The same key, the same critic.

    >>> rng = np.random.default_rng(0)
    >>> critic = learn(jr.key(0), rng.normal(size=(500, 1)), rng.normal(1.0, size=(500, 1)), 500)
    >>> critic.d(np.array([[0.5], [-0.5], [1.5]])).round(1)                 # the true ones are 0, 1, -1
    array([-0.1,  1. , -1. ])
    """
    count = min(len(x), len(y), MOST_ROWS)
    rows = concatenate([wrap(x)[:count], wrap(y)[:count]])
    fold = np.tile(np.arange(count) % FOLDS, 2)
    labels = np.repeat([1.0, 0.0], count)
    members, own = [], []
    maps = [_standardize(each, rows) for each in encoder.feature_maps(key, rows, kinds)]
    for place, feature_map in enumerate(maps):
        z = feature_map.encode(rows)
        for member in _members(key, z, labels, fold, feature_map.members):
            members.append((place, member))
            own.append(_require_finite(member(z)[np.arange(2 * count), fold]))
    stakes = [(member, trust) for member in range(len(members)) for trust in TRUST]
    sides = np.where(labels == 1, 1.0, -1.0)
    # log wealth of each stake on the rows left out, sum log 2D(x) + sum log 2(1 - D(y)); the last one stays at D = 1/2
    wealth = [
        np.sum(LOG_2 - np.logaddexp(0, -sides * trust * own[member]))
        for member, trust in stakes
    ]
    weights = special.softmax([*wealth, 0.0])[:-1]
    kept = [
        (weight, *stake) for weight, stake in zip(weights, stakes, strict=True) if weight > 1e-3
    ]
    still = 1 - sum(weight for weight, _, _ in kept)
    past = np.full(2 * count, still / 2)
    for weight, member, trust in kept:
        past += weight * special.expit(trust * own[member])

    def d(new: AnyRows) -> Logits:
        new = wrap(new)
        total = np.full(len(new), still / 2)
        size = min(CHUNK, max(FOLDS, CHUNK_ENTRIES // new.width))
        for start in range(0, len(new), size):
            chunk = new[start : start + size]
            seen = {
                place: maps[place].encode(chunk)
                for place in {members[member][0] for _, member, _ in kept}
            }
            for weight, member, trust in kept:
                place, judge = members[member]
                total[start : start + size] += weight * special.expit(
                    trust * judge(seen[place])
                ).mean(axis=1)
        return _logit(_require_finite(total))

    past_x, past_y = _logit(past[:count]), _logit(past[count:])
    low, high = best_clip(past_x, past_y, n, alpha)
    return Critic(d, low, high, best_threshold(past_x, past_y, n, alpha), (past_x, past_y))


def _standardize(encode: FeatureMap, rows: EvaluationRows) -> FeatureMap:
    """The same map with its columns at median 0 and about unit scale; convolutions see pixels as they are."""
    if encode.members & CONVOLUTIONS:
        return encode
    standard = _Standard(encode.encode(rows))
    return FeatureMap(lambda new: standard(encode.encode(new)), encode.members)


def _members(
    key: PRNGKey,
    z: Float[np.ndarray, "_ ..."],
    labels: Labels,
    fold: Fold,
    kinds: Container[str],
) -> Iterator[Member]:
    rng = numpy_generator(key)
    if "conv" in kinds:
        if len(z) >= 2 * LEAST_ROWS:
            yield convolutions(jr.split(key, FOLDS), z, fold)
        return
    waves = [_waves(rng, z.shape[1], width) for width in WIDTHS]
    quadratic = [_quadratic] if z.shape[1] <= MOST_SQUARE_COLUMNS else []
    for kind, maps in {"linear": [_linear], "quadratic": quadratic, "waves": waves}.items():
        for features in maps if kind in kinds else ():
            yield from _logistic(features, z, labels, fold)
    if "cells" in kinds:
        yield from _cells(rng, z, labels, fold)
    if "nets" in kinds and len(z) >= 2 * LEAST_ROWS:
        yield networks(jr.split(key, FOLDS), z, fold)
    if "trees" in kinds and len(z) >= 2 * LEAST_ROWS:
        yield _trees(rng, z, labels, fold)


class _Standard:
    """Columns at median 0 and about unit scale, judged on both samples together."""

    def __init__(self, rows: Rows) -> None:
        low, self.middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
        self.scale = _positive(
            (high - low) / 1.349, _positive(rows.std(axis=0), np.ones(rows.shape[1]))
        )
        self.heavy = np.abs((rows - self.middle) / self.scale).max(axis=0) > 8
        self.mean, self.std, self.directions = 0.0, 1.0, None
        z = self(rows)
        self.mean, self.std = z.mean(axis=0), _positive(z.std(axis=0), np.ones(rows.shape[1]))
        if rows.shape[1] > MOST_COLUMNS:
            directions = np.random.default_rng(0).normal(size=(rows.shape[1], PROJECTED))
            self.directions = directions / math.sqrt(rows.shape[1])

    def __call__(self, rows: Rows) -> Features:
        z = (rows - self.middle) / self.scale
        z = (np.where(self.heavy, np.arcsinh(z), z) - self.mean) / self.std
        z = np.clip(z, -FARTHEST, FARTHEST)
        return z if self.directions is None else matmul(z, self.directions)


def _positive(scale: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """The scale, and the other one where it is 0."""
    return np.where(scale > 0, scale, otherwise)


def _linear(z: Rows) -> Features:
    return np.concatenate([np.ones((len(z), 1)), z], axis=1)


def _quadratic(z: Rows) -> Features:
    one, columns = np.ones((len(z), 1)), z.shape[1]
    if columns > MOST_PRODUCT_COLUMNS:
        return np.concatenate([one, z, (z * z - 1) / math.sqrt(2)], axis=1)
    i, j = np.triu_indices(columns)
    return np.concatenate([one, z, z[:, i] * z[:, j] - (i == j)], axis=1)


def _waves(rng: np.random.Generator, columns: int, width: float) -> Callable[[Rows], Features]:
    """Random Fourier features of a Gaussian kernel of this width (Rahimi & Recht 2007)."""
    # scikit-learn's RBFSampler takes 0.8 times the time; its draws are others, so e-values would change
    vectors = (rng.normal(size=(columns, FEATURES)) / (width * math.sqrt(columns))).astype(
        np.float32
    )
    phases = rng.uniform(0, 2 * math.pi, FEATURES).astype(np.float32)

    def features(z: Rows) -> Features:
        waves = np.cos(matmul(z.astype(np.float32), vectors) + phases) * np.float32(
            math.sqrt(2)
        )
        return np.concatenate([np.ones((len(z), 1), np.float32), waves], axis=1)

    return features


def _logistic(
    features: Callable[[Rows], Features], z: Rows, labels: Labels, fold: Fold
) -> Iterator[Member]:
    """Logistic regression on these features, with each ridge, by Newton's method."""
    known, labels = features(z).astype(np.float32, copy=False), labels.astype(np.float32)
    for ridge in RIDGES:
        weights = np.stack(
            [_newton(known[fold != k], labels[fold != k], ridge) for k in range(FOLDS)], axis=1
        )
        yield lambda new, weights=weights: matmul(features(new), weights)


def _newton(features: Features, labels: Labels, ridge: float) -> Float[np.ndarray, " features"]:
    # LogisticRegression takes 17 (500 x 20) to 1.3 times (20,000 x 200) the time by newton-cholesky; its lbfgs takes
    # 15 to 0.4 times, but stops elsewhere, so e-values would change
    penalty = np.full(features.shape[1], ridge, np.float32)
    penalty[0] = 1e-3
    weights = np.zeros_like(penalty)
    for _ in range(6):
        D = special.expit(matmul(features, weights))
        gradient = matmul(features.T, D - labels) + penalty * weights
        curvature = matmul((features * (D * (1 - D))[:, None]).T, features) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 0.03:
            break
    return weights


def _cells(rng: np.random.Generator, z: Rows, labels: Labels, fold: Fold) -> Iterator[Member]:
    """Shares of the samples in the cells of a k-means partition, with a prior that most cells do not differ.

    D in a cell is the posterior mean under 'the samples have equal shares here' with probability 0.95 or 1/2, and else
    a share from Beta(1/2, 1/2): cells that differ by chance fall silent, and one that a sample never visits stands out.
    """
    some = z[rng.permutation(len(z))[:CENTRE_ROWS]]
    most = min(len(np.unique(some, axis=0)), max(2, len(z) // 8))
    for cells in sorted({min(cells, most) for cells in CELLS}):
        middles = find_centres(rng, some, cells)
        place, _ = vq(z, middles)
        counts = np.zeros((2, len(middles), FOLDS))
        np.add.at(counts, (labels.astype(int), place, fold), 1)
        of_y, of_x = counts.sum(axis=2, keepdims=True) - counts
        both = of_x + of_y
        log_odds = (
            special.betaln(of_x + 0.5, of_y + 0.5) - special.betaln(0.5, 0.5) + both * LOG_2
        )
        for prior in (0.05, 0.5):
            differ = special.expit(log_odds + special.logit(prior))
            logits = _logit((1 - differ) / 2 + differ * (of_x + 0.5) / (both + 1))
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


@threadpool_limits.wrap(limits=1)  # its threads wait for each other, long on a busy machine
def _trees(rng: np.random.Generator, z: Rows, labels: Labels, fold: Fold) -> Member:
    """Boosted trees, stopped early by a tenth of the rows that they learn from."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    forests = [
        HistGradientBoostingClassifier(
            max_iter=MOST_TREES,
            max_leaf_nodes=LEAVES,
            early_stopping=True,  # pyright: ignore[reportArgumentType]: its default 'auto' is taken for its type
            n_iter_no_change=TRIES,
            random_state=int(rng.integers(2**31)),
        ).fit(z[fold != k], labels[fold != k])
        for k in range(FOLDS)
    ]
    return lambda new: np.stack([forest.decision_function(new) for forest in forests], axis=1)


def _require_finite(values: np.ndarray) -> np.ndarray:
    """The same values; NaN would otherwise lose every bet, and pass for "no difference"."""
    if not np.isfinite(values).all():
        raise FloatingPointError("critics: expected finite logits; got NaN or infinity.")
    return values


def _logit(D: np.ndarray) -> np.ndarray:
    return special.logit(np.clip(D, 1e-12, 1 - 1e-12))
