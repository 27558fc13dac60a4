"""Bets against p = q, and against small divergences: what makes a critic's verdict a guarantee, at finite n.

A critic fixed before it sees a row bets on it. If the hypothesis is true its wealth is a non-negative supermartingale
that starts at 1, so it reaches 1/alpha with probability alpha at most (Ville 1939). Everything here is arithmetic on
logits l = logit D of rows that the critic had not seen: l_x of rows of one sample, and l_y of k rows of the other for
each of them. docs/explanation/instrument.md has the proofs.
"""

import math

import numpy as np
import scipy
from jaxtyping import Bool, Float

from onehalf.evaluation._products import matmul
from onehalf.evaluation.result import Proportion

__all__ = [
    "AnytimeBound",
    "best_clip",
    "best_threshold",
    "clopper_pearson",
    "log_wealth",
    "lower_bound",
    "p_value",
    "payoff",
    "payoff_floor",
    "proportion",
]

Values = Float[np.ndarray, " n"]
Logits = Float[np.ndarray, " _"]
Opponents = Float[np.ndarray, "n k"]

LOG_2 = math.log(2)

TEMPERS = (0.25, 0.5, 1.0, 2.0)
"""What the logits are multiplied by in a bet, a quarter of the wealth on each: critics can be too sure."""

SHARES = (0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.95)
"""The shares of its wealth that the anytime bound bets, the same amount on each."""

POINTS = 500
"""Hypotheses on the grid of a bound: 10^-4 to 1 times the greatest value, 1.9 % apart."""

STEPS = 1000
"""The most updates of a fixed-n bet: with more rows, it is updated every few rows."""

CLIPS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.6)
"""Logits that a critic may be clipped at, on either side."""

PERMUTATIONS = 1999
"""Deals of the labels that a permutation test compares with the observed one."""

MOST_DEALT = 10_000
"""The most sums of consecutive rows x whose labels are dealt."""


def log_wealth(l_x: Values, l_y: Opponents) -> Values:
    """The running log wealth of the (k+1)-way bet: which of k + 1 rows is the one from the first sample?

    One round of the bet multiplies wealth by (k + 1) e^{s l(x)} / (e^{s l(x)} + sum_j e^{s l(y_j)}): the softmax of x
    among all. If the k + 1 rows are exchangeable given the past, each is as likely to be the one that was called x, so
    the mean is exactly 1 for any critic, however biased. For k = 1 this is the swap bet 2 sigmoid(s (l(x) - l(y))). Its
    growth is 2 JSD per pair to first order for k = 1, and rises to KL(p || q) with k. Wealth is spread evenly over the
    TEMPERS s.

    >>> log_wealth(np.array([2.0, 2.0]), np.array([[-2.0], [-2.0]])).round(3)
    array([0.586, 1.186])
    """
    logits = np.concatenate([l_x[:, None], l_y], axis=1).astype(np.float64)
    grown = [
        np.log(logits.shape[1]) + scipy.special.log_softmax(s * logits, axis=1)[:, 0]
        for s in TEMPERS
    ]
    return np.logaddexp.reduce(np.cumsum(grown, axis=1), axis=0) - math.log(len(TEMPERS))


def p_value(
    rng: np.random.Generator,
    l_x: Values,
    l_y: Opponents,
    deals: int = PERMUTATIONS,
    *,
    split_ties: bool = False,
    matched: bool = False,
) -> float:
    """The exact permutation p-value of p = q, at a fixed number of rows, which must not be looked at twice.

    The statistic is the mean of l(x) less the mean of l(y); labels are dealt anew `deals` times, and the observed
    deal counts among them: (1 + #{as great or greater}) / (1 + deals), so that P(p <= alpha) <= alpha at any n. With
    `split_ties` the equal ones count by a uniform draw: then p is uniform, and 1 only by luck, however many are equal.
    Of more than MOST_DEALT rows x, consecutive ones are dealt as one, which changes nothing of that. If each x is
    `matched` with its y, labels are dealt within each such group alone.

    >>> p_value(np.random.default_rng(0), np.ones(50), np.zeros((50, 1)))
    0.0005
    """
    # scipy.stats.permutation_test takes 1.4 times the time, splits no ties and counts in another way
    each = -(-len(l_x) // MOST_DEALT)
    whole = len(l_x) // each
    l_x = l_x[: whole * each].reshape(whole, each).sum(axis=1)
    l_y = l_y[: whole * each].reshape(whole, each, -1).sum(axis=1)
    pooled = np.concatenate([l_x, l_y.ravel()]).astype(np.float64)
    # with the pooled sum fixed the statistic grows with the sum over x alone
    observed = pooled[: len(l_x)].sum()
    tie = 1e-9 * np.abs(pooled).sum()
    if matched:
        groups = np.column_stack([l_x, l_y]).astype(np.float64)
        rows, each = np.arange(len(groups)), groups.shape[1]
        sums = np.array(
            [groups[rows, rng.integers(each, size=len(rows))].sum() for _ in range(deals)]
        )
    else:
        sums = np.array([rng.permutation(pooled)[: len(l_x)].sum() for _ in range(deals)])
    greater, equal = (
        np.count_nonzero(sums > observed + tie),
        np.count_nonzero(np.abs(sums - observed) <= tie),
    )
    return float(greater + (1 + equal) * (1 - rng.random() if split_ties else 1)) / (1 + deals)


def payoff(l_x: Values, l_y: Opponents, low: float, high: float) -> Values:
    """(log 2D(x) + mean_j log 2(1 - D(y_j)))/2, in nats, with the logits clipped to [low, high]: the gain of a pair.

    Its mean is JSD(p, q) - E_m kl(D* || D) <= JSD(p, q), with m = (p + q)/2, for any D fixed before x and y are seen: a
    clipped D is still a D.
    """
    x, y = (
        np.clip(l_x, low, high).astype(np.float64),
        np.clip(l_y, low, high).astype(np.float64),
    )
    return LOG_2 - (np.logaddexp(0, -x) + np.logaddexp(0, y).mean(axis=1)) / 2


def payoff_floor(low: float, high: float) -> float:
    """The least that `payoff` can be: an x at the low clip with all its y at the high one."""
    return float(LOG_2 - (np.logaddexp(0, -low) + np.logaddexp(0, high)) / 2)


def lower_bound(gains: Values, floors: Values, alpha: float, top: float = LOG_2) -> float:
    """L with P(L > mu) <= alpha at this n, where E[gain | past] <= mu for each gain and gain >= floor (STaR betting).

    For a hypothesis 'mu <= m' the wealth prod_t (1 + lambda_t (gain_t - m)) is a supermartingale for every lambda_t in
    [0, 1/(m - floor_t)) that the past determines. STaR (Voracek & Orabona 2025) aims at 1/alpha at the last row:
    lambda_t^2 = 2 (log 1/alpha - log wealth) / (rows left * mean square of past gains - m), and stops once it is there.
    L is the greatest point of a fixed grid below `top` up to which every point is rejected. A wealth against m bets
    against every smaller mu as well, so no gap between grid points is left unproved.

    The order of the gains must be drawn before they are seen; n is fixed in advance. 0 is returned if nothing is shown.

    >>> gains = np.random.default_rng(0).uniform(-0.2, 0.4, size=1000)         # of mean 0.1
    >>> lower_bound(gains, np.full(1000, -0.2), alpha=0.05)
    0.09...
    """
    n, goal = len(gains), math.log(1 / alpha)
    hypotheses = _grid(top)
    wealth, reached = np.zeros(POINTS), np.zeros(POINTS, dtype=bool)
    squares = 0.05 * (top - floors[0]) ** 2
    total, seen = np.full(POINTS, squares), 1
    # a new floor is news, so no step reaches across it
    starts = np.union1d(
        np.arange(0, n, -(-n // STEPS)), 1 + np.flatnonzero(np.diff(floors))
    ).astype(int)
    for start, end in zip(starts, [*starts[1:], n], strict=True):
        gain, floor = gains[start:end, None], floors[start]
        bet = np.sqrt(2 * np.maximum(goal - wealth, 0) * seen / ((n - start) * total))
        bet = np.minimum(bet, 0.95 / (hypotheses - floor))
        steps = wealth + np.cumsum(np.log1p(bet * (gain - hypotheses)), axis=0)
        reached |= steps.max(axis=0) >= goal
        wealth = np.where(reached, goal, steps[-1])
        total, seen = total + np.square(gain - hypotheses).sum(axis=0), seen + len(gain)
    return _highest(hypotheses, reached)


class AnytimeBound:
    """The same bound for rows that keep coming: L_t is valid at all times at once, and stopping by it is allowed.

    K_t(m) is the mean over the SHARES c of prod (1 - c + c (gain - floor)/(m - floor)): a bet of a fixed share, on each
    given stream of gains (the critic's own and a tempered copy, say). Each factor falls in m, so the
    hypotheses rejected up to now are all those up to one point (Waudby-Smith & Ramdas 2024; Ville).

    >>> bound = AnytimeBound(alpha=0.05)
    >>> rng = np.random.default_rng(0)
    >>> for _ in range(10):
    ...     bound.update(rng.uniform(-0.2, 0.4, size=(1, 100)), [-0.2])        # gains of mean 0.1
    >>> bound.lower
    0.09...
    """

    def __init__(self, alpha: float, top: float = LOG_2) -> None:
        self.goal = math.log(1 / alpha)
        self.hypotheses = _grid(top)
        self.wealth: Float[np.ndarray, "streams shares points"] | None = None
        self.rejected = np.zeros(POINTS, dtype=bool)

    def update(self, gains: Float[np.ndarray, "streams n"], floors: list[float]) -> None:
        """Bet on the next gains of each stream, of which none can be below its floor."""
        shares = np.array(SHARES)[:, None]
        if self.wealth is None:
            self.wealth = np.zeros((len(gains), len(SHARES), POINTS))
        for stream, (values, floor) in enumerate(zip(gains, floors, strict=True)):
            scale = shares / (self.hypotheses - floor)
            for value in values - floor:
                self.wealth[stream] += np.log1p(scale * value - shares)
        mean = np.logaddexp.reduce(self.wealth.reshape(-1, POINTS), axis=0) - math.log(
            self.wealth[:, :, 0].size
        )
        self.rejected |= mean >= self.goal

    @property
    def lower(self) -> float:
        """L now, in the gains' unit: the greatest of all evaluations so far."""
        return _highest(self.hypotheses, self.rejected)


def best_clip(l_x: Logits, l_y: Logits, n: int, alpha: float) -> tuple[float, float]:
    """The clip [low, high] of the logits that promises the greatest lower bound on n new pairs, from past ones.

    Only the floor of the payoff enters a bet's limits, so the two sides are free of each other; the promise is
    Bernstein's mean - sd sqrt(2 log(1/alpha)/n) - 2/3 (mean - floor) log(1/alpha)/n.
    """
    per_row = math.log(1 / alpha) / n
    # log 2D is 0 at the logit 0, so a gain is what it is below 0 and what it is above: 2 x 8 sums give all 64 clips
    below = np.stack([payoff(l_x, l_y[:, None], -low, 0.0) for low in CLIPS])
    above = np.stack([payoff(l_x, l_y[:, None], 0.0, high) for high in CLIPS])
    mean = below.mean(axis=1)[:, None] + above.mean(axis=1)
    variance = (
        below.var(axis=1)[:, None]
        + above.var(axis=1)
        + 2
        * (matmul(below, above.T) / len(l_x) - below.mean(axis=1)[:, None] * above.mean(axis=1))
    )
    floor = np.array([[payoff_floor(-low, high) for high in CLIPS] for low in CLIPS])
    promise = (
        mean - np.sqrt(2 * per_row * np.maximum(variance, 0)) - 2 / 3 * (mean - floor) * per_row
    )
    low, high = np.unravel_index(np.argmax(promise), promise.shape)
    return -CLIPS[low], CLIPS[high]


def best_threshold(l_x: Logits, l_y: Logits, n: int, alpha: float) -> float:
    """The logit above which to assign a row to the first sample, for the greatest bound on TV from n new pairs.

    By the same promise, for the gain 1{l(x) > t} - 1{l(y) > t}, of which -1 is the floor.
    """
    per_row = math.log(1 / alpha) / n
    thresholds = np.unique(
        np.quantile(np.concatenate([l_x, l_y]), np.linspace(0.005, 0.995, 100))
    )
    above_x, above_y = ((logits[:, None] > thresholds).mean(axis=0) for logits in (l_x, l_y))
    mean, variance = above_x - above_y, above_x * (1 - above_x) + above_y * (1 - above_y)
    return float(
        thresholds[
            np.argmax(mean - np.sqrt(2 * per_row * variance) - 2 / 3 * (mean + 1) * per_row)
        ]
    )


def clopper_pearson(count: int, n: int, alpha: float) -> tuple[float, float]:
    """The exact two-sided 1 - alpha interval for a probability, from `count` of n (Clopper & Pearson 1934).

    >>> clopper_pearson(0, 1000, 0.05)
    (0.0, 0.0036...)
    """
    # binomtest(...).proportion_ci searches for the same ends: 22 times the time, up to 2e-13 off
    low = scipy.stats.beta.ppf(alpha / 2, count, n - count + 1) if count else 0.0
    high = scipy.stats.beta.ppf(1 - alpha / 2, count + 1, n - count) if count < n else 1.0
    return float(low), float(high)


def proportion(count: int, n: int, alpha: float) -> Proportion:
    """Give a count with its share of n and the exact interval of the share."""
    return Proportion(count=count, share=count / n, interval=clopper_pearson(count, n, alpha))


def _grid(top: float) -> Values:
    return top * np.geomspace(1e-4, 1.0, POINTS)


def _highest(hypotheses: Values, rejected: Bool[np.ndarray, " points"]) -> float:
    """The greatest hypothesis up to which all are rejected, or 0."""
    count = len(rejected) if rejected.all() else int(np.argmin(rejected))
    return float(hypotheses[count - 1]) if count else 0.0
