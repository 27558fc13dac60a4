"""The guarantee: critics that bet on rows they have not seen yet, and what their winnings prove."""

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float
from scipy import stats
from threadpoolctl import threadpool_limits

from onehalf._typing import PRNGKey
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.bounds import (
    log_wealth,
    lower_bound,
    p_value,
    payoff,
    payoff_floor,
)
from onehalf.evaluation.certificate.critics import (
    KINDS,
    MOST_ROWS,
    PLAIN_ARRAY,
    Critic,
    Pool,
    learn,
)
from onehalf.evaluation.certificate.permutation import count_deals, permutation_p_value
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.result import Bounds, Divergence
from onehalf.evaluation.rows import (
    AnyRows,
    EvaluationRows,
    concatenate,
    wrap,
    wrap_opponents,
)

__all__ = [
    "LEAST_PAST",
    "LEAST_ROWS",
    "NOTHING",
    "WIDEST",
    "Certificate",
    "Past",
    "Payoffs",
    "bets_start",
    "certify",
    "estimate",
    "mean_and_se",
    "one_thread",
    "smaller_of_two",
]

Values = Float[np.ndarray, " bets"]

STARTS = (0.25, 0.5, 0.75)
"""The shares of the pairs at which a critic stops learning and the next pairs are bet on, up to the next start."""

LEAST_ROWS = 20
"""Rows in each sample, at least; a bound above 0 needs more, and how many depends on the difference."""

FEW = 400
"""With fewer pairs than this there is one critic, which learns from half of them."""

LEAST_PAST = 100
"""With at least this many rows of the past, the first pairs are bet on by a critic that learned from these alone."""

GROWTH = 1.5
"""The members that learn from the past are fitted anew once there are more rows by this factor."""

SLOW = ("nets", "conv")
"""The members that take most of the time."""

PARTS = 5
"""Of the pairs, when an estimate is cross-fitted."""

NOTHING = Divergence(jsd_lower=0.0, jsd_estimate=None, jsd_se=None)
"""What is known from fewer rows than these."""

WIDEST = 4.6
"""The logits of the estimate are clipped here: 99 against 1."""


class Past(NamedTuple):
    """Rows of both samples that were settled before the test, and are not bet on."""

    x: EvaluationRows
    y: EvaluationRows

    @property
    def size(self) -> int:
        """The rows of the smaller sample."""
        return min(len(self.x), len(self.y))


class Payoffs(NamedTuple):
    """What was won, one entry a pair of rows, or a pair of groups of rows."""

    gains: Values
    """log 2D(x) + log 2(1 - D(y)), halved, with the critic's own clip."""
    floors: Values
    """The least that each of them could be."""
    calls: Values
    """From -1 to 1: whether the critic takes x for x, less the share of y that it takes for x."""
    wide: Values
    """As `gains`, with a wide clip that is the same for all critics."""
    wealth: Values
    """The running log wealth."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Certificate(Bounds):
    """The bounds, and how they came about."""

    wealth: Values
    """The running log wealth, one entry a pair."""
    logits: tuple[Float[np.ndarray, " judged"], Float[np.ndarray, "judged k"]]
    """l(x) and l(y) of the rows that were bet on, in the order of the bets."""
    critics: tuple[Critic, ...]
    """Those who bet, the last one learned from the most rows."""
    starts: tuple[int, ...]
    """The pair that each critic began to bet at."""
    gains: Values
    floors: Values
    wide: Values
    """The payoff of each pair, and the least that it could be; the same of the estimate."""
    together: int = 1
    """Pairs that are bet on at once: if more than 1, all entries here but the logits are one a group."""

    @classmethod
    def of_payoffs(
        cls, payoffs: Payoffs, p_value: float, alpha: float, **details: Any
    ) -> "Certificate":
        """Return what these payoffs prove, each bound at level `alpha`.

        Args:
            payoffs: What was won.
            p_value: That of the test.
            alpha: The level.
            **details: The fields on how the bets came about: logits, critics, starts and perhaps `together`.
        """
        jsd_estimate, jsd_se = mean_and_se(payoffs.wide)
        least_call = np.full(len(payoffs.calls), -1.0)
        tv_lower = lower_bound(payoffs.calls, least_call, alpha, top=1.0)
        return cls(
            jsd_lower=lower_bound(payoffs.gains, payoffs.floors, alpha),
            jsd_estimate=jsd_estimate,
            jsd_se=jsd_se,
            log_e=float(payoffs.wealth[-1]),
            p_value=p_value,
            tv_lower=tv_lower,
            accuracy=(1 + tv_lower) / 2,
            wealth=payoffs.wealth,
            gains=payoffs.gains,
            floors=payoffs.floors,
            wide=payoffs.wide,
            **details,
        )

    def of_pairs(self, chosen: Bool[np.ndarray, " bets"], alpha: float) -> Divergence:
        """The bound and the estimate by some of the pairs alone, of a label that was known before the bets, say."""
        if chosen.sum() < LEAST_ROWS:
            return NOTHING
        jsd_estimate, jsd_se = mean_and_se(self.wide[chosen])
        lower = lower_bound(self.gains[chosen], self.floors[chosen], alpha)
        return Divergence(jsd_lower=lower, jsd_estimate=jsd_estimate, jsd_se=jsd_se)


# Products of this size gain little by being cut up for several threads, and wait long for them on a busy machine.
one_thread = threadpool_limits.wrap(limits=1, user_api="blas")


@one_thread
def certify(
    key: PRNGKey,
    x: AnyRows,
    y: AnyRows,
    alpha: float = 0.05,
    *,
    kinds: Collection[str] = KINDS,
    shares: Sequence[float] = STARTS,
    encoder: FeatureEncoder = PLAIN_ARRAY,
    matched: bool = False,
    past: Past | None = None,
) -> Certificate:
    """Bet on pairs of a row x of one sample and k rows y of the other, a share at a time, learning from all before it.

    The pairs must be in a random order, drawn without regard to their values. Three critics learn from the first 25, 50
    and 75 % of the pairs, or after other `shares` (one from half of them if they are few; from 20,000 rows of each
    sample at most), and bet on what comes next, so a critic is always settled before it sees the row (prequential).
    Three quarters of the rows are bet on, the bounds are STaR's at fixed n, and the p-values of the shares are joined
    by Stouffer's sum, weighted by the root of their sizes: each of them is valid given the past. `p_value` is twice the
    smaller of that and of `permutation_p_value`, for which all rows count.

    Args:
        key: settles what the critics draw.
        x: n rows; an array means rows without labels and features.
        y: k rows for each row x, one after the other; as an array of shape (n, k, ...).
        alpha: the level of each bound.
        kinds: the members of the critics.
        shares: of the pairs, at which critics stop learning.
        encoder: what critics see of a row.
        matched: whether each y was made under the condition that its x holds. Then labels are dealt within pairs only:
            no more is asked than that q(.|c) = p(.|c).
        past: rows that were settled before, and are not bet on. Critics learn from them besides.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(1000, 1)), rng.normal(1.0, size=(1000, 1, 1))
    >>> found = certify(jr.key(0), x, y)
    >>> found.jsd_lower, found.jsd_estimate                 # the true JSD is 0.111
    (0.09..., 0.12...)
    """
    x, y = wrap(x), wrap_opponents(y)
    n, k = len(x), len(y) // len(x)
    starts = bets_start(n, shares, past)
    key_deals, *keys = jr.split(key, 1 + len(starts))
    rng = numpy_generator(key_deals)
    pools = _PastPools(past, kinds, encoder)
    bets = []
    for key_critic, start, end in zip(keys, starts, [*starts[1:], n], strict=True):
        seen = x[:start], y[: start * k : k]
        critic = learn(
            key_critic,
            *seen,
            n - starts[0],
            alpha,
            kinds=pools.fresh_kinds(start),
            encoder=encoder,
            past=pools.update(key_critic, *seen),
        )
        bets.append(_Bets(critic, x[start:end], y[start * k : end * k]))
    p_of_bets = _joined_p_value(rng, bets, matched=matched)

    def test_all() -> float:
        scores = (bets[0].critic.d(x), bets[0].critic.d(y)) if starts[0] == 0 else None
        return permutation_p_value(
            key, x, y, kinds, encoder, scores, alpha=alpha, matched=matched
        )

    return Certificate.of_payoffs(
        _join([each.payoffs for each in bets]),
        smaller_of_two(p_of_bets, test_all, count_deals(alpha)),
        alpha,
        logits=(
            np.concatenate([each.l_x for each in bets]),
            np.concatenate([each.l_y for each in bets]),
        ),
        critics=tuple(each.critic for each in bets),
        starts=tuple(starts),
    )


def estimate(
    key: PRNGKey,
    x: AnyRows,
    y: AnyRows,
    *,
    kinds: Collection[str] = KINDS,
    encoder: FeatureEncoder = PLAIN_ARRAY,
) -> tuple[float, float]:
    """(V + log 4)/2 of critics on rows they have not seen, and its standard error, in nats; every pair is judged once.

    Five critics learn from four fifths of the pairs each and judge the rest (cross-fitting). That is less noisy than
    `certify` where rows are few, but the critics share rows, so it carries no guarantee.

    >>> rng = np.random.default_rng(0)
    >>> estimate(jr.key(0), rng.normal(size=(200, 1)), rng.normal(1.0, size=(200, 1, 1)))    # the true JSD is 0.111
    (0.1..., 0.02...)
    """
    x, y = wrap(x), wrap_opponents(y)
    k = len(y) // len(x)
    gains, part = [], np.arange(len(x)) % PARTS
    for turn, key_critic in enumerate(jr.split(key, PARTS)):
        rest, judged = part != turn, part == turn
        critic = learn(
            key_critic,
            x[rest],
            y[::k][rest],
            int(judged.sum()),
            kinds=kinds,
            encoder=encoder,
        )
        gains.append(_Bets(critic, x[judged], y[np.repeat(judged, k)]).payoffs.wide)
    return mean_and_se(np.concatenate(gains))


def _joined_p_value(rng: np.random.Generator, bets: "list[_Bets]", *, matched: bool) -> float:
    """Stouffer's weighted sum of the shares' normal scores; 1 if all rows are alike to every critic."""
    if not any(np.ptp(each.l_x) or np.ptp(each.l_y) for each in bets):
        return 1.0
    z = [
        stats.norm.isf(p_value(rng, each.l_x, each.l_y, split_ties=True, matched=matched))
        for each in bets
    ]
    weights = np.sqrt([each.n for each in bets])
    return float(stats.norm.sf(weights @ z / np.linalg.norm(weights)))


def smaller_of_two(p: float, other: Callable[[], float], deals: int) -> float:
    """The smaller of two p-values, twice: valid whatever their dependence (Bonferroni).

    The other one is at least 1/(1 + deals). Where the first is smaller anyway, it is not computed.

    >>> smaller_of_two(0.03, lambda: 0.2, 399), smaller_of_two(0.9, lambda: 0.6, 399)
    (0.06, 1.0)
    """
    return min(1.0, 2 * (p if p * (1 + deals) <= 1 else min(p, other())))


def mean_and_se(gains: Values) -> tuple[float, float]:
    """The mean, and its standard error."""
    return float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains)))


def bets_start(n: int, shares: Sequence[float] = STARTS, past: Past | None = None) -> list[int]:
    """The pairs, of n, at which a critic stops learning and begins to bet: those before the first are never bet on.

    Where the past has rows of both samples to learn from, all pairs are bet on.
    """
    if past and past.size >= LEAST_PAST:
        return [0, n // 2]
    if n < FEW:
        return [n // 2]
    starts = [min(int(share * n), MOST_ROWS) for share in shares]
    return sorted(set(starts))


class _PastPools:
    """The pool on rows of the past, and on test rows that were bet on: fitted anew once these make it much larger."""

    def __init__(
        self, past: Past | None, kinds: Collection[str], encoder: FeatureEncoder
    ) -> None:
        self.past = past
        self.kinds = kinds
        self.encoder = encoder
        self.pool: Pool | None = None
        self.known = 0

    def update(
        self, key: PRNGKey, x: EvaluationRows, y: EvaluationRows
    ) -> tuple[Pool, int] | None:
        """The pool, and how many of these rows of the test it learned from; None without a past."""
        if self.past is None:
            return None
        size = min(len(x) + len(self.past.x), len(y) + len(self.past.y))
        if self.pool is None or size > GROWTH * min(self.pool.sizes):
            rows = concatenate([x, self.past.x]), concatenate([y, self.past.y])
            self.pool = Pool(jr.fold_in(key, 1), *rows, self.kinds, self.encoder)
            self.known = len(x)
        return self.pool, self.known

    def fresh_kinds(self, start: int) -> Collection[str]:
        """The members of the critics that learn from test rows alone: no networks where the past has more rows."""
        if self.past is None or start > self.past.size:
            return self.kinds
        return [kind for kind in self.kinds if kind not in SLOW]


class _Bets:
    """The bets of one critic, on pairs that it had no part in."""

    def __init__(self, critic: Critic, x: EvaluationRows, y: EvaluationRows) -> None:
        self.critic = critic
        self.n = len(x)
        self.l_x = critic.d(x)
        self.l_y = critic.d(y).reshape(self.n, -1)
        calls = (self.l_x > critic.threshold) - (self.l_y > critic.threshold).mean(axis=1)
        self.payoffs = Payoffs(
            gains=payoff(self.l_x, self.l_y, critic.low, critic.high),
            floors=np.full(self.n, payoff_floor(critic.low, critic.high)),
            calls=calls,
            wide=payoff(self.l_x, self.l_y, -WIDEST, WIDEST),
            wealth=log_wealth(self.l_x, self.l_y),
        )


def _join(parts: Sequence[Payoffs]) -> Payoffs:
    """The payoffs of critics that bet one after the other: each goes on with the wealth that those before it made."""
    gains, floors, calls, wide, _ = map(np.concatenate, zip(*parts, strict=True))
    growth = [np.diff(part.wealth, prepend=0.0) for part in parts]
    return Payoffs(gains, floors, calls, wide, np.cumsum(np.concatenate(growth)))
