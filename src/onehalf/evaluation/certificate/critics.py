"""Fresh critics: an ensemble that learns to tell two piles of rows apart, and knows how far to trust itself.

Its members differ in what they see best: a mean (`_linear`), a scale or a correlation (`_quadratic`), a bump or a
ripple (`_waves`), a dropped or an invented group (`_cells`), anything smooth (`networks`), a table's steps and
exceptions (`_trees`), what lies where in a picture (`convolutions`). The first five see pictures as a small copy, and
as their grain. Each is fitted four times, with another fourth of the rows left out, and stakes on the rows that it left
out. The ensemble's D is the mean of the members' probabilities, each weighed by the wealth that it made there; one of
them is D = 1/2, which stakes nothing.
"""

import math
from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import Float
from scipy import special
from scipy.cluster.vq import kmeans, vq
from sklearn.cluster import kmeans_plusplus
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from onehalf._typing import PRNGKey
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate.bounds import LOG_2, best_clip, best_threshold
from onehalf.evaluation.certificate.neural_critics import (
    LEAST,
    Fold,
    Member,
    Rows,
    convolutions,
    networks,
)
from onehalf.evaluation.features.view import Entries, Grain, View, flags
from onehalf.nets.convolutional import LEAST_SIDE

__all__ = ["KINDS", "Critic", "centres", "learn"]

Features = Float[np.ndarray, "_ features"]
Logits = Float[np.ndarray, " _"]
Labels = Float[np.ndarray, " n"]

KINDS = ("linear", "quadratic", "waves", "cells", "nets", "trees", "grain", "conv")
"""The members of the ensemble; trees take part on tables only, and the last two on pictures."""

FOLDS = 4
PLAIN = KINDS[:5]
"""Those that see whatever numbers there are."""

MOST_ROWS = 20_000
"""A critic learns from at most so many rows of each pile; all others are left to be bet on."""

CELLS, CENTRES, SETTLED = (16, 32, 64, 128), 4_000, 1e-3
"""Cells of the k-means partitions; at most so many rows place their centres, until a step gains less than this."""

WIDTHS, FEATURES = (0.1, 0.3, 1.0), 200
"""Widths of the waves' kernels, for rows of unit variance; waves of each width."""

FARTHEST = 1e4
"""Standardised entries are clipped here: a new row may lie anywhere."""

RIDGES = (1.0, 30.0)
"""Precision of the normal priors on the weights of a logistic member."""

PRODUCTS, SQUARES = 24, 256
"""With more columns than the one the quadratic member has no products; with more than the other there is none."""

MOST_COLUMNS, PROJECTED = 1024, 512
"""Wider rows are projected at random on so many directions, which any critic may do."""

TRUST = (1.0, 0.5)
"""What a member's logits may be multiplied by: one that learned from few rows is too sure of itself."""

CHUNK, ENTRIES = 16_384, 2**24
"""Rows that are judged at a time, and entries of them."""

MOST_SIDE = 32
"""Nets of convolutions see pictures shrunk to such a side, unless the other one would be too short for them."""

TREES, LEAVES, TRIES = 200, 15, 8
"""At most so many boosted trees, of so many leaves; so many without a gain on rows that they left out end the learning.
"""


class Critic(NamedTuple):
    """d(x) = logit D(x) of an ensemble that has learned, with what it chose on the rows that it learned from.

    `low` and `high` are the clip of its logits that promises the best lower bound, `threshold` the logit above which a
    row counts as one of the first pile where the two are told apart by yes or no. `past` are its logits, out of sample,
    at the rows it learned from: first pile, second pile.
    """

    d: Callable[[Float[np.ndarray, "n columns"]], Float[np.ndarray, " n"]]
    low: float
    high: float
    threshold: float
    past: tuple[Logits, Logits]


def learn(
    key: PRNGKey,
    x: Rows,
    y: Rows,
    n: int,
    alpha: float = 0.05,
    *,
    kinds: Container[str] = KINDS,
    coding: TableEncoder | Entries | None = None,
) -> Critic:
    """A critic of rows x of one pile and as many rows y of another, meant for n pairs of new rows.

    The rows must be in a random order. Columns are standardised by their medians and quartiles in both piles together;
    one with an entry more than eight of its scales away is compressed by asinh. `kinds` says which members take part;
    nets need 100 rows of each pile. The cells of a table, with their coding, are seen by a `View` that is learned from
    the same rows. The same key, the same critic.

    >>> rng = np.random.default_rng(0)
    >>> critic = learn(jr.key(0), rng.normal(size=(500, 1)), rng.normal(1.0, size=(500, 1)), 500)
    >>> critic.d(np.array([[0.5], [-0.5], [1.5]])).round(1)                 # the true ones are 0, 1, -1
    array([-0.1,  1. , -1. ])
    """
    count = min(len(x), len(y), MOST_ROWS)
    rows, fold = np.concatenate([x[:count], y[:count]]), np.tile(np.arange(count) % FOLDS, 2)
    labels = np.repeat([1.0, 0.0], count)
    members, own = [], []
    parts = list(_parts(key, rows, kinds, coding))
    for place, (see, kinds_of) in enumerate(parts):
        z = see(rows)
        for member in _members(key, z, labels, fold, kinds_of):
            members.append((place, member))
            own.append(member(z)[np.arange(2 * count), fold])
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

    def d(new: Rows) -> Logits:
        total = np.full(len(new), still / 2)
        size = min(CHUNK, max(FOLDS, ENTRIES // new.shape[1]))
        for start in range(0, len(new), size):
            chunk = new[start : start + size]
            seen = {
                place: parts[place][0](chunk)
                for place in {members[member][0] for _, member, _ in kept}
            }
            for weight, member, trust in kept:
                place, judge = members[member]
                total[start : start + size] += weight * special.expit(
                    trust * judge(seen[place])
                ).mean(axis=1)
        return _logit(total)

    past_x, past_y = _logit(past[:count]), _logit(past[count:])
    low, high = best_clip(past_x, past_y, n, alpha)
    return Critic(d, low, high, best_threshold(past_x, past_y, n, alpha), (past_x, past_y))


def _parts(
    key: PRNGKey, rows: Rows, kinds: Container[str], coding: TableEncoder | Entries | None
) -> Iterator[tuple[Callable[[Rows], Features], Container[str]]]:
    """What of the rows members see, as maps that are learned from these rows, and the members that see it.

    Of pictures: a smaller copy; features, if there are any; the grain of the pixels; each with the class. Nets of
    convolutions see the pixels, or means over squares of them.
    """
    plain = {kind for kind in PLAIN if kind in kinds}
    if not isinstance(coding, Entries):
        trees = {"trees"} if coding is not None and "trees" in kinds else set()
        yield _standardised(View.of(rows, coding), rows), plain | trees
        return
    flagged = [flags(coding.classes_of(rows))] if coding.labelled else []

    def standardised(see: Callable[[Rows], Features]) -> Callable[[Rows], Features]:
        def seen(new: Rows) -> Features:
            return np.concatenate(
                [see(new), *(words(coding.classes_of(new)) for words in flagged)], axis=1
            )

        return _standardised(seen if flagged else see, rows)

    yield standardised(coding.small if coding.are_pixels else coding.array), plain
    if coding.features:
        yield standardised(coding.features_of), plain
    if coding.are_pixels and "grain" in kinds:
        yield standardised(Grain.of(_rng(key), rows, coding)), plain
    if coding.are_pixels and "conv" in kinds:
        height, width = coding.shape[:2]
        side = min(-(-max(height, width) // MOST_SIDE), min(height, width) // LEAST_SIDE)
        pixels = coding.means(rows, side)
        mean, std = float(pixels.mean()), float(pixels.std()) or 1.0
        yield lambda new: (coding.means(new, side) - mean) / std, {"conv"}


def _standardised(see: Callable[[Rows], Features], rows: Rows) -> Callable[[Rows], Features]:
    standard = _Standard(see(rows))
    return lambda new: standard(see(new))


def _members(
    key: PRNGKey,
    z: Float[np.ndarray, "_ ..."],
    labels: Labels,
    fold: Fold,
    kinds: Container[str],
) -> Iterator[Member]:
    rng = _rng(key)
    if "conv" in kinds:
        if len(z) >= 2 * LEAST:
            yield convolutions(jr.split(key, FOLDS), z, fold)
        return
    waves = [_waves(rng, z.shape[1], width) for width in WIDTHS]
    quadratic = [_quadratic] if z.shape[1] <= SQUARES else []
    for kind, maps in {"linear": [_linear], "quadratic": quadratic, "waves": waves}.items():
        for features in maps if kind in kinds else ():
            yield from _logistic(features, z, labels, fold)
    if "cells" in kinds:
        yield from _cells(rng, z, labels, fold)
    if "nets" in kinds and len(z) >= 2 * LEAST:
        yield networks(jr.split(key, FOLDS), z, fold)
    if "trees" in kinds and len(z) >= 2 * LEAST:
        yield _trees(rng, z, labels, fold)


class _Standard:
    """Columns at median 0 and about unit scale, judged on both piles together."""

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
        return z if self.directions is None else z @ self.directions


def _rng(key: PRNGKey) -> np.random.Generator:
    return np.random.default_rng(np.asarray(jr.key_data(key)))


def _positive(scale: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """The scale, and the other one where it is 0."""
    return np.where(scale > 0, scale, otherwise)


def _linear(z: Rows) -> Features:
    return np.concatenate([np.ones((len(z), 1)), z], axis=1)


def _quadratic(z: Rows) -> Features:
    one, columns = np.ones((len(z), 1)), z.shape[1]
    if columns > PRODUCTS:
        return np.concatenate([one, z, (z * z - 1) / math.sqrt(2)], axis=1)
    i, j = np.triu_indices(columns)
    return np.concatenate([one, z, z[:, i] * z[:, j] - (i == j)], axis=1)


def _waves(rng: np.random.Generator, columns: int, width: float) -> Callable[[Rows], Features]:
    """Random Fourier features of a Gaussian kernel of this width (Rahimi & Recht 2007)."""
    vectors = (rng.normal(size=(columns, FEATURES)) / (width * math.sqrt(columns))).astype(
        np.float32
    )
    phases = rng.uniform(0, 2 * math.pi, FEATURES).astype(np.float32)

    def features(z: Rows) -> Features:
        waves = np.cos(z.astype(np.float32) @ vectors + phases) * np.float32(math.sqrt(2))
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
        yield lambda new, weights=weights: features(new) @ weights


def _newton(features: Features, labels: Labels, ridge: float) -> Float[np.ndarray, " features"]:
    penalty = np.full(features.shape[1], ridge, np.float32)
    penalty[0] = 1e-3
    weights = np.zeros_like(penalty)
    for _ in range(6):
        D = special.expit(features @ weights)
        gradient = features.T @ (D - labels) + penalty * weights
        curvature = (features * (D * (1 - D))[:, None]).T @ features + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 0.03:
            break
    return weights


def _cells(rng: np.random.Generator, z: Rows, labels: Labels, fold: Fold) -> Iterator[Member]:
    """Shares of the piles in the cells of a k-means partition, with a prior that most cells do not differ.

    D in a cell is the posterior mean under 'the piles have equal shares here' with probability 0.95 or 1/2, and else a
    share from Beta(1/2, 1/2): cells that differ by chance fall silent, and one that a pile never visits stands out.
    """
    some = z[rng.permutation(len(z))[:CENTRES]]
    most = min(len(np.unique(some, axis=0)), max(2, len(z) // 8))
    for cells in sorted({min(cells, most) for cells in CELLS}):
        middles = centres(rng, some, cells)
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


def centres(rng: np.random.Generator, z: Rows, cells: int, starts: int = 1) -> Features:
    """Those of k-means, from k-means++, at most so many; of several starts the tightest."""
    if cells == 1:
        return z.mean(axis=0, keepdims=True)
    begun = [
        kmeans_plusplus(z, cells, random_state=int(rng.integers(2**31)))[0]
        for _ in range(starts)
    ]
    return min(
        (kmeans(z, start, thresh=SETTLED) for start in begun), key=lambda fitted: fitted[1]
    )[0]


@threadpool_limits.wrap(limits=1)  # its threads wait for each other, long on a busy machine
def _trees(rng: np.random.Generator, z: Rows, labels: Labels, fold: Fold) -> Member:
    """Boosted trees, stopped early by a tenth of the rows that they learn from."""
    forests = [
        HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            early_stopping=True,  # pyright: ignore[reportArgumentType]: its default 'auto' is taken for its type
            n_iter_no_change=TRIES,
            random_state=int(rng.integers(2**31)),
        ).fit(z[fold != k], labels[fold != k])
        for k in range(FOLDS)
    ]
    return lambda new: np.stack([forest.decision_function(new) for forest in forests], axis=1)


def _logit(D: np.ndarray) -> np.ndarray:
    return special.logit(np.clip(D, 1e-12, 1 - 1e-12))
