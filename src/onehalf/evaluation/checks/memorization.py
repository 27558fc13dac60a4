"""What was copied: do samples lie nearer to the rows that were trained on than to rows that were held out?

If samples were made without regard to which rows were trained on, then train and held-out rows are exchangeable given
the samples: whatever the generator, and however far its law is from the data's. So the tests here ask about copying
alone. A generator that makes typical rows only, or poor ones, is near to both kinds of rows, or far from both.
"""

import dataclasses
import math
from collections.abc import Callable
from hashlib import blake2b

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import special
from sklearn.neighbors import NearestNeighbors

from onehalf._errors import refuse
from onehalf.data.arrays.validation import check
from onehalf.evaluation._products import matmul
from onehalf.evaluation.certificate.bounds import (
    clopper_pearson,
    log_wealth,
    lower_bound,
    p_value,
    proportion,
)
from onehalf.evaluation.result import (
    Collisions,
    Duplicates,
    MembershipGuesses,
    Memorization,
    NearerTrain,
    Proportion,
    Repeats,
)
from onehalf.evaluation.rows import AnyRows, EvaluationRows, wrap
from onehalf.evaluation.wording import at_least, confidence, money, percent

__all__ = ["detect_copying"]

Rows = Float[np.ndarray, "_ d"]
Values = Float[np.ndarray, " n"]
Marks = Int[np.ndarray, " _"]
"""A number for each row, the same for two rows if they are equal entry for entry."""

NEIGHBOURS = 20_000
"""The most rows of each kind among which nearest neighbours are looked for."""

BLOCK = 1024
"""Rows that are hashed at a time."""

MOST_COLUMNS = 1024
"""Neighbours of wider rows are looked for among their projections on random directions."""

PROJECTED = 512
"""The random directions that wide rows are projected on."""

TREE_COLUMNS = 8
"""With no more columns than this a k-d tree finds neighbours faster than brute force does."""

GUESSED = (1.0, 1 / 4, 1 / 16, 1 / 64)
"""The shares of the pairs that guesses are made on: few copies show in the clearest pairs alone."""

STAKES = (1.0, 1 / 16, 1 / 256)
"""Bold bets win most on many copies, cautious ones lose less over many rows: a third of the wealth goes on each."""

FINEST = 0.001
"""At lower levels the e-value decides."""

CLOSEST = 1e-9
"""Added to distances before the logarithm: 0 to a copy, which rounding may have moved a little."""


def detect_copying(
    rng: np.random.Generator,
    train: AnyRows,
    held_out: AnyRows,
    samples: AnyRows,
    alpha: float,
    *,
    space: Callable[[EvaluationRows], Rows] | None = None,
) -> Memorization:
    """E = 2 sigmoid(s (score(train row) - score(held-out row))), a fair bet if nothing was copied; and what else tells.

    The score is -log(distance to the nearest sample). The three arrays have comparable columns (standardised, say), or
    `space` makes them so, a map in which labels of rows had no part; it alone meets what is missing. Duplicates are
    rows of equal entries, whatever their features and labels. The held-out rows come from the law that the train rows
    come from. As many of each are used, drawn by `rng`.

    - `log_e`, the logarithm of an exact e-value, and `p_value`, exact at this n, of 'the samples do not depend on which
      rows were trained on'. Proof: given the samples and each pair of rows, unordered, which of the two is the train
      row is then a fair coin, independent of the other pairs. The scores are divided by the interquartile range of all
      of them, in which labels play no part, so it is given too: the two values of E, 2 sigmoid(v) and 2 sigmoid(-v),
      have mean 1, and so have the product over pairs and the mean of such products over several s, from 2 to 1/1024.
    - `advantage_lower`, from below at confidence 1 - alpha: 'a row nearer to a sample than so much was trained on'
      holds for a share of train rows greater by this than its share of other rows (Yeom et al. 2018). The distance is
      chosen on a third of the pairs and judged on the others. If nothing was copied it exceeds 0 with probability
      alpha at most; its size takes the pairs to be independent given the samples.
    - `guesses`: of each pair, the row nearer to a sample is guessed to be the train row. `epsilon_lower` is below the
      epsilon of every pure differential privacy (one row replaced) that the generator has, at 1 - alpha.
    - `nearer_train`: the share of samples nearer to a train row than to any held-out row ('DCR share'), with an exact
      p-value. Samples share neighbours, so no binomial test will do; labels of the rows are permuted instead.
    - `duplicates`: samples that equal a row of `n_rows` of each kind, with Clopper-Pearson intervals.
    - `collisions`: how often two rows of a kind are equal, and the effective number of distinct rows, 1/rate.

    - `shown`: whether p refutes at level alpha that nothing was copied, or below `FINEST` log e, since permutations are
      too few for such p. One test decides, so that this is wrong with probability alpha at most.

    The statements hold at 1 - alpha each, not all at once. Neighbours are sought among 20,000 rows of a kind at most
    (`n_pairs` and `n_samples` say how many); duplicates and collisions are counted over all.

    >>> rng = np.random.default_rng(0)
    >>> train, held_out = rng.normal(size=(2, 500, 3))
    >>> copied = detect_copying(rng, train, held_out, train + 0.01, alpha=0.05)
    >>> copied.p_value, copied.log_e, copied.advantage_lower
    (0.0005, 2..., 0.9...)
    >>> detect_copying(rng, train, held_out, rng.normal(size=(500, 3)), alpha=0.05).advantage_lower
    0.0
    """
    train, held_out, samples = wrap(train), wrap(held_out), wrap(samples)
    _refuse_unfit(train.x, held_out.x, samples.x, alpha, finite=space is None)
    space = space or EvaluationRows.entries
    n = min(len(train), len(held_out))
    order_train, order_held_out, order_samples = (
        rng.permutation(len(rows)) for rows in (train, held_out, samples)
    )
    members = space(train[order_train[:n][:NEIGHBOURS]])
    others = space(held_out[order_held_out[:n][:NEIGHBOURS]])
    near = space(samples[order_samples[:NEIGHBOURS]])
    score_members, score_others = _score(members, near), _score(others, near)
    marks = np.split(
        _marks(*(rows.x.reshape(len(rows), -1) for rows in (train, held_out, samples))),
        [len(train), len(train) + len(held_out)],
    )
    marks_train, marks_held_out, marks_samples = marks
    log_e = _log_e(score_members, score_others)
    p = p_value(rng, score_members, score_others[:, None])
    advantage_lower = _advantage(score_members, score_others, alpha)
    found = Memorization(
        n_pairs=len(members),
        n_samples=len(near),
        log_e=log_e,
        p_value=p,
        advantage_lower=advantage_lower,
        nearer_train=_nearer(rng, members, others, near),
        duplicates=Duplicates(
            n_rows=n,
            train=_duplicates(marks_samples, marks_train[order_train[:n]], alpha),
            held_out=_duplicates(marks_samples, marks_held_out[order_held_out[:n]], alpha),
        ),
        collisions=Collisions(
            samples=_collisions(marks_samples[order_samples], alpha),
            real=_collisions(
                rng.permutation(np.concatenate([marks_train, marks_held_out])), alpha
            ),
        ),
        guesses=_guess_members(score_members, score_others, alpha),
        shown=p <= alpha if alpha >= FINEST else log_e >= math.log(1 / alpha),
    )
    return dataclasses.replace(found, sentences=_sentences(found, alpha))


def _refuse_unfit(
    train: np.ndarray, held_out: np.ndarray, samples: np.ndarray, alpha: float, *, finite: bool
) -> None:
    for what, rows in (("train", train), ("held_out", held_out), ("samples", samples)):
        if finite:
            check(what, rows)
        if rows.ndim < 2 or rows.shape[1:] != train.shape[1:]:
            columns = math.prod(train.shape[1:])
            refuse(
                what,
                expected=f"rows of {columns} columns, as train has",
                got=f"shape {rows.shape}",
            )
        if len(rows) < 2:
            refuse(what, expected="at least 2 rows", got=len(rows))
    if not 0 < alpha < 1:
        refuse("alpha", expected="a probability between 0 and 1", got=alpha)


def _nearest(rows: Rows, among: Rows) -> Marks:
    """Which row of `among` is the nearest to each row, or nearly the nearest of wide rows."""
    if rows.shape[1] > MOST_COLUMNS:
        directions = (
            np.random.default_rng(0).normal(size=(rows.shape[1], PROJECTED)).astype(rows.dtype)
        )
        rows, among = matmul(rows, directions), matmul(among, directions)
    algorithm = "kd_tree" if rows.shape[1] <= TREE_COLUMNS else "brute"
    search = NearestNeighbors(n_neighbors=1, algorithm=algorithm).fit(among)
    return search.kneighbors(rows, return_distance=False)[:, 0]


def _score(rows: Rows, samples: Rows) -> Values:
    # the distance is computed anew, since brute force rounds the small ones
    distance = np.linalg.norm(rows - samples[_nearest(rows, samples)], axis=1)
    return -np.log(distance + CLOSEST)


def _log_e(members: Values, others: Values) -> float:
    """The logarithm of the mean, over STAKES, of the wealth that the swap bet comes to."""
    scale = float(np.ptp(np.quantile(np.concatenate([members, others]), (0.25, 0.75)))) or 1.0
    wealth = [
        log_wealth(stake / scale * members, stake / scale * others[:, None])[-1]
        for stake in STAKES
    ]
    return float(np.logaddexp.reduce(wealth)) - math.log(len(STAKES))


def _advantage(members: Values, others: Values, alpha: float) -> float:
    """From below, P(score > t) of members less P(score > t) of others.

    On a third of the pairs, t parts the two by most standard errors; the other pairs judge it.
    """
    third = -(-len(members) // 3)
    known_members, known_others = np.sort(members[:third]), np.sort(others[:third])
    levels = np.concatenate([known_members, known_others])
    p = 1 - np.searchsorted(known_members, levels, side="right") / third
    q = 1 - np.searchsorted(known_others, levels, side="right") / third
    t = levels[np.argmax((p - q) / np.sqrt(p * (1 - p) + q * (1 - q) + 1 / third))]
    gain = (members[third:] > t).astype(np.float64) - (others[third:] > t)
    return lower_bound(gain, np.full(len(gain), -1.0), alpha, top=1.0)


def _guess_members(members: Values, others: Values, alpha: float) -> MembershipGuesses:
    """Guess that the row nearer to a sample was trained on, on the clearest pairs, and bound epsilon from below.

    Under pure epsilon-differential privacy (one row replaced) a guess is right with probability q = e^eps/(1 + e^eps)
    at most, given the samples, the unordered pairs and which row of every other pair was trained on: Bayes' rule, where
    two values of one coin have likelihoods that differ by a factor of e^eps at most, and are as likely beforehand. So
    the right ones among r guesses are stochastically no more than a binomial of r and q, though all come of one run
    (Steinke, Nasr & Jagielski 2023). Which pairs are guessed on depends on the difference of the scores without its
    sign alone. q is bounded from below by Clopper & Pearson, and eps >= log(q/(1 - q)). The best of the shares GUESSED
    is kept, each at its part of alpha.
    """
    gap = members - others
    apart = np.sort(np.abs(gap[gap != 0]))[::-1]
    best = MembershipGuesses(n_pairs=0, n_right=0, epsilon_lower=0.0)
    for share in GUESSED if len(apart) else ():
        clear = gap[np.abs(gap) >= apart[math.ceil(share * len(apart)) - 1]]
        right = int((clear > 0).sum())
        q = clopper_pearson(right, len(clear), 2 * alpha / len(GUESSED))[0]
        epsilon = max(float(special.logit(q)), 0.0) if q else 0.0
        if not best.n_pairs or epsilon > best.epsilon_lower:
            best = MembershipGuesses(n_pairs=len(clear), n_right=right, epsilon_lower=epsilon)
    return best


def _nearer(
    rng: np.random.Generator, members: Rows, others: Rows, samples: Rows
) -> NearerTrain:
    """The share of samples whose nearest row is a member; equal rows share a sample, so that labels play no part.

    Each row weighs as many samples as have it nearest. The share is the sum of weights over members, and no label took
    part in the weights: labels permuted among the rows give the exact p-value.
    """
    pooled = np.concatenate([members, others])
    _, first, marks, copies = np.unique(
        _marks(pooled), return_index=True, return_inverse=True, return_counts=True
    )
    samples_of = np.bincount(_nearest(samples, pooled[first]), minlength=len(first))
    weights = (samples_of / copies)[marks]
    mine, theirs = np.split(weights, [len(members)])
    return NearerTrain(
        share=float(mine.sum() / len(samples)), p_value=p_value(rng, mine, theirs[:, None])
    )


def _marks(*groups: Shaped[np.ndarray, "_ d"]) -> Marks:
    """Number the rows of all groups, one group after the other, equal rows alike: by 128 bits, which hardly err."""
    digests = [
        blake2b(row.tobytes(), digest_size=16).digest()
        for rows in groups
        for start in range(0, len(rows), BLOCK)
        for row in rows[start : start + BLOCK].astype(np.float64)
        + 0.0  # turns -0.0, equal to 0.0, into it
    ]
    return np.unique(np.array(digests, "V16"), return_inverse=True)[1]


def _duplicates(samples: Marks, rows: Marks, alpha: float) -> Proportion:
    """Count samples that equal a row."""
    return proportion(int(np.isin(samples, rows).sum()), len(samples), alpha)


def _collisions(marks: Marks, alpha: float) -> Repeats:
    """The share of pairs that are equal: unbiased for b = sum_i p_i^2, if the rows are independent, in random order.

    `support` is 1/rate: the number of equally likely rows that would repeat one another as often (Arora & Zhang 2018).
    `interval` has 1/b in it with probability 1 - alpha or more, for any p. Proof: the rows are cut into batches of c,
    for c = 2, 4, 8, ..., and Clopper-Pearson (alpha divided by the number of sizes) bounds the probability h that a
    batch holds a collision. First, h <= b c (c - 1)/2, a sum over pairs. Second, h >= b, as for one pair. Third, a
    batch of random size, Poisson of mean c, is free of collisions with probability prod_i (1 + c p_i) e^(-c p_i) at
    most. Since (log(1 + x) - x)/x^2 rises, and no p_i exceeds sqrt(b), that is (1 + x) e^(-x) at most, x = c sqrt(b).
    The random size is c or less with probability 1/2 or more, and fewer rows collide less: 1 - h <= 2 (1 + x) e^(-x).

    `at_least` is a lower limit on the number of distinct rows that there are: the lower end of the interval; without a
    collision among m rows, m (m - 1)/(2 log(1/alpha)), since k distinct rows avoid one with probability
    prod_i (1 - i/k) <= e^(-m (m - 1)/(2 k)) at most.
    """
    m, counts = len(marks), np.bincount(marks).astype(np.float64)
    rate = float(np.sum(counts * (counts - 1)) / (m * (m - 1)))
    if rate == 0:
        at_least = math.floor(m * (m - 1) / (2 * math.log(1 / alpha)))
        return Repeats(n_rows=m, rate=0.0, support=None, interval=None, at_least=at_least)
    sizes = 2 ** np.arange(1, int(math.log2(m)) + 1)
    low, high = 0.0, 1.0
    for size in sizes.tolist():
        batches = np.sort(marks[: m // size * size].reshape(-1, size), axis=1)
        hits = int(np.any(batches[:, 1:] == batches[:, :-1], axis=1).sum())
        hit_low, hit_high = clopper_pearson(hits, len(batches), alpha / len(sizes))
        low = max(low, hit_low / (size * (size - 1) / 2))
        high = min(high, hit_high, (_solved(1 - hit_high) / size) ** 2)
    return Repeats(
        n_rows=m,
        rate=rate,
        support=1 / rate,
        interval=(1 / high, 1 / low if low else None),
        at_least=math.floor(1 / high),
    )


def _solved(free: float) -> float:
    """The x of 2 (1 + x) e^(-x) = free; infinite for 0."""
    return float(-1 - special.lambertw(-free / (2 * math.e), -1).real) if free > 0 else math.inf


def _sentences(found: Memorization, alpha: float) -> tuple[str, ...]:
    """What was tested, what was found, and what that does not show."""
    at_confidence = f"at {confidence(alpha)} confidence"
    nearer, duplicates = found.nearer_train, found.duplicates
    samples, real = found.collisions.samples, found.collisions.real
    chance = (
        f"p = {found.p_value:.2g}; e-value against 'nothing was copied': {money(found.log_e)}"
    )
    tested = f"{found.n_pairs:,} training rows were compared with as many held-out rows"
    headline = (
        f"The samples lie nearer to the training rows: {tested} ({chance}). Chance hardly explains "
        "this if training and held-out rows have one distribution."
        if found.shown
        else f"No sign of copying was found: {tested} ({chance}). "
        "This does not show that nothing was copied: a few copies among many rows can go unnoticed."
    )
    advantage = (
        "Whether a row was trained on can be guessed from its distance to the nearest sample: the "
        "true positive rate exceeds the false positive rate by at least "
        f"{percent(found.advantage_lower)}, {at_confidence}."
        if found.advantage_lower > 0
        else "No advantage was certified in guessing from the nearest sample whether a row was "
        "trained on. Other attacks may succeed."
    )
    return (
        headline,
        advantage,
        *_differential_privacy(found.guesses, at_confidence),
        f"{100 * nearer.share:.1f} % of {found.n_samples:,} samples lie nearer to a training row than to any of as "
        f"many held-out rows (50 % is expected without copying; p = {nearer.p_value:.2g}). "
        "This says nothing about what else the samples reveal.",
        f"{duplicates.train.count:,} of {samples.n_rows:,} samples equal one of {duplicates.n_rows:,} training "
        f"rows in every entry, and {duplicates.held_out.count:,} equal one of as many held-out rows. "
        "Near copies are not counted here.",
        f"Among {samples.n_rows:,} samples, {_repeats(samples, at_confidence)}. "
        f"Among the data's own {real.n_rows:,} rows, {_repeats(real, at_confidence)}.",
    )


def _differential_privacy(
    guesses: MembershipGuesses | None, at_confidence: str
) -> tuple[str, ...]:
    """Say which claims of differential privacy are refuted, if any."""
    if guesses is None or guesses.epsilon_lower <= 0:
        return ()
    return (
        f"Of {guesses.n_pairs:,} pairs of a training row and a held-out row, the row nearer to a sample was the "
        f"training row in {guesses.n_right:,}. So the generator is not differentially private with an epsilon "
        f"below {at_least(guesses.epsilon_lower)} (pure, one row replaced), {at_confidence}.",
    )


def _repeats(kind: Repeats, confidence: str) -> str:
    if kind.support is None or kind.interval is None:
        return f"no two are equal, so there are more than {kind.at_least:,} distinct ones to draw, {confidence}"
    low, high = kind.interval
    upper = "no upper limit was found" if high is None else f"{math.ceil(high):,} at most"
    return (
        f"two are equal as often as if there were {kind.support:,.0f} distinct ones, all equally likely "
        f"({math.floor(low):,} at least, {upper}, {confidence})"
    )
