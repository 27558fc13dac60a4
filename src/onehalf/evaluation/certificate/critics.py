"""Fresh critics: an ensemble of classifiers of two samples, weighed by their success on rows left out.

Each member is fitted four times, with another fourth of the rows left out, and stakes on rows that it did not learn
from. The ensemble's D is the mean of the members' probabilities, each weighed by the wealth that it made there; one of
them is D = 1/2, which stakes nothing. Members may come from several pools: rows of the test that were bet on before,
and rows that were settled before the test began.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.bounds import best_clip, best_threshold
from onehalf.evaluation.certificate.members import FOLDS, Samples, fit_members, logit
from onehalf.evaluation.certificate.neural_critics import Member
from onehalf.evaluation.certificate.scaling import standardize
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.rows import AnyRows, EvaluationRows, concatenate, wrap

__all__ = ["KINDS", "MOST_ROWS", "PLAIN_ARRAY", "Critic", "Pool", "learn"]

Features = Float[np.ndarray, "_ features"]
Logits = Float[np.ndarray, " _"]
Probabilities = Float[np.ndarray, " _"]

KINDS = (
    "linear",
    "quadratic",
    "cubic",
    "waves",
    "ripples",
    "cells",
    "pairs",
    "nets",
    "trees",
    "grain",
    "conv",
)
"""The members of the ensemble; pairs and trees take part on tables and plain arrays, the last two on images."""

PLAIN_ARRAY = ArrayEncoder()
"""For rows that are plain numbers."""

MOST_ROWS = 20_000
"""The most rows of each sample that a critic learns from; all others are left to be bet on."""

TRUST = (1.0, 0.5)
"""What a member's logits may be multiplied by: one that learned from few rows is too sure of itself."""

LEAST_WEIGHT = 1e-3
"""Members with less weight than this take no part."""

CHUNK = 16_384
"""The most rows that are judged at a time."""

CHUNK_ENTRIES = 2**24
"""The most entries of them."""


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


class Pool:
    """Members that were fitted on some rows of two samples.

    The rows must be in a random order. The columns of what members see are standardised by their medians and quartiles
    in both samples together; one with an entry more than eight of its scales away is compressed by asinh. What members
    see is up to the `encoder`, whose maps are learned from the same rows. Nets and trees need 100 rows of each sample.
    """

    def __init__(
        self,
        key: PRNGKey,
        x: AnyRows,
        y: AnyRows,
        kinds: Collection[str] = KINDS,
        encoder: FeatureEncoder = PLAIN_ARRAY,
    ) -> None:
        x, y = wrap(x)[:MOST_ROWS], wrap(y)[:MOST_ROWS]
        self.sizes = len(x), len(y)
        rows = concatenate([x, y])
        labels = np.repeat([1.0, 0.0], self.sizes)
        fold = np.concatenate([np.arange(size) % FOLDS for size in self.sizes])
        maps = encoder.feature_maps(key, x, y, kinds)
        self.maps = [standardize(each, rows) for each in maps]
        self.members: list[tuple[int, Member]] = []
        self.own: list[tuple[Logits, Logits]] = []
        """The logits of each member at the rows of both samples, by the fit that left the row out."""
        self.log_priors: list[float] = []
        """The log prior weight of each member: that of its kind is 1."""
        for place, feature_map in enumerate(self.maps):
            samples = Samples(feature_map.encode(rows), labels, fold)
            for group in fit_members(key, samples, feature_map.members):
                for member in group.members:
                    self.members.append((place, member))
                    own = _require_finite(member(samples.z)[np.arange(len(rows)), fold])
                    self.own.append((own[: len(x)], own[len(x) :]))
                    self.log_priors.append(-math.log(group.tried * len(TRUST)))

    def judge(
        self, rows: EvaluationRows, members: Iterable[int]
    ) -> Iterator[Float[np.ndarray, "rows folds"]]:
        """The logits of all fits of some members."""
        seen = {}
        for member in members:
            if not len(rows):
                yield np.empty((0, FOLDS))
                continue
            place, judge = self.members[member]
            if place not in seen:
                seen[place] = self.maps[place].encode(rows)
            yield _require_finite(judge(seen[place]))


class _Stake(NamedTuple):
    """A member that takes part, how far it is trusted, and its probabilities at the rows that decide on its weight."""

    pool: Pool
    member: int
    trust: float
    D_x: Probabilities
    D_y: Probabilities

    @property
    def wealth(self) -> float:
        """Sum log 2D(x) + sum log 2(1 - D(y)), both samples counting alike."""
        sides = np.log(2 * self.D_x).mean() + np.log(2 * (1 - self.D_y)).mean()
        return float(min(len(self.D_x), len(self.D_y)) * sides)

    @property
    def log_weight(self) -> float:
        """The log of prior times wealth."""
        return self.pool.log_priors[self.member] + self.wealth


def learn(
    key: PRNGKey,
    x: AnyRows,
    y: AnyRows,
    n: int,
    alpha: float = 0.05,
    *,
    kinds: Collection[str] = KINDS,
    encoder: FeatureEncoder = PLAIN_ARRAY,
    past: "tuple[Pool, int] | None" = None,
) -> Critic:
    """A critic of rows x of one sample and rows y of another, meant for n pairs of new rows.

    Its members are those of a `Pool` on these rows, and those of the pool of the past. These rows decide on their
    weights; without any, those of the past. The same key, the same critic.

    Args:
        key: settles what the members draw.
        x: rows of one sample, in a random order.
        y: as many rows of the other.
        n: the pairs that it will bet on.
        alpha: the level of the bound that its clip is chosen for.
        kinds: the members that take part.
        encoder: what they see of a row.
        past: a pool on other rows, and how many of x and y it learned from besides: its first ones.

    >>> import jax.random as jr
    >>> rng = np.random.default_rng(0)
    >>> critic = learn(jr.key(0), rng.normal(size=(500, 1)), rng.normal(1.0, size=(500, 1)), 500)
    >>> critic.d(np.array([[0.5], [-0.5], [1.5]])).round(1)                 # the true ones are 0, 1, -1
    array([-0.1,  0.9, -1. ])
    """
    x, y = wrap(x)[:MOST_ROWS], wrap(y)[:MOST_ROWS]
    stakes: list[_Stake] = []
    if len(x):
        own = Pool(key, x, y, kinds, encoder)
        stakes += _stake(own, x, y, len(x))
    if past:
        pool, known = past
        stakes += _stake(pool, x, y, known) if len(x) else _stake(pool, x, y, None)
    sizes = (len(x), len(y)) if len(x) or not past else past[0].sizes
    ensemble = _Ensemble(stakes, sizes)
    past_x, past_y = ensemble.past
    pairs = min(len(past_x), len(past_y))
    low, high = best_clip(past_x[:pairs], past_y[:pairs], n, alpha)
    threshold = best_threshold(past_x, past_y, n, alpha)
    return Critic(ensemble.d, low, high, threshold, (past_x, past_y))


def _stake(
    pool: Pool, x: EvaluationRows, y: EvaluationRows, known: int | None
) -> Iterator[_Stake]:
    """Stake on rows, the first `known` of which the pool learned from; on all of the pool's own rows if None.

    Where it learned from a row, the fit that left it out is asked; elsewhere all are, and the mean is taken.
    """
    members = range(len(pool.members))
    new = (x[known:], y[known:]) if known is not None else (x[:0], y[:0])
    judged = zip(*(pool.judge(rows, members) for rows in new), strict=True)
    for member, logits in enumerate(judged):
        for trust in TRUST:
            D_x, D_y = (
                np.concatenate(
                    [
                        special.expit(trust * own[:known].astype(np.float64)),
                        special.expit(trust * each).mean(axis=1),
                    ]
                )
                for own, each in zip(pool.own[member], logits, strict=True)
            )
            yield _Stake(
                pool, member, trust, *(np.clip(D, 1e-12, 1 - 1e-12) for D in (D_x, D_y))
            )


class _Ensemble:
    """Stakes, each weighed by its prior and the wealth that it made; one of them stays at D = 1/2."""

    def __init__(self, stakes: Iterable[_Stake], sizes: tuple[int, int]) -> None:
        stakes = list(stakes)
        weights = special.softmax([*(stake.log_weight for stake in stakes), 0.0])[:-1]
        self.kept = [
            (float(weight), stake)
            for weight, stake in zip(weights, stakes, strict=True)
            if weight > LEAST_WEIGHT
        ]
        self.still = (1 - sum(weight for weight, _ in self.kept)) / 2
        D_x, D_y = (np.full(size, self.still) for size in sizes)
        for weight, stake in self.kept:
            D_x += weight * stake.D_x
            D_y += weight * stake.D_y
        self.past = logit(D_x), logit(D_y)

    def d(self, new: AnyRows) -> Logits:
        """Judge new rows."""
        new = wrap(new)
        D = np.full(len(new), self.still)
        size = min(CHUNK, max(FOLDS, CHUNK_ENTRIES // new.width))
        for start in range(0, len(new), size):
            D[start : start + size] += self._judge(new[start : start + size])
        return logit(D)

    def _judge(self, rows: EvaluationRows) -> Probabilities:
        D = np.zeros(len(rows))
        for pool in {id(stake.pool): stake.pool for _, stake in self.kept}.values():
            of_pool = [(weight, stake) for weight, stake in self.kept if stake.pool is pool]
            judged = pool.judge(rows, [stake.member for _, stake in of_pool])
            for (weight, stake), logits in zip(of_pool, judged, strict=True):
                D += weight * special.expit(stake.trust * logits).mean(axis=1)
        return D


def _require_finite(values: np.ndarray) -> np.ndarray:
    """The same values; NaN would otherwise lose every bet, and pass for "no difference"."""
    if not np.isfinite(values).all():
        raise FloatingPointError("critics: expected finite logits; got NaN or infinity.")
    return values
