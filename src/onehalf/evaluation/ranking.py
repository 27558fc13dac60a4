"""Several samples of one kind, measured against the same data: which of two is nearer to it?"""

import itertools
from collections.abc import Mapping, Sequence

import jax.random as jr
import numpy as np
from jaxtyping import Float, Int

from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.bounds import lower_bound, payoff
from onehalf.evaluation.certificate.certificate import Certificate, certify
from onehalf.evaluation.data_findings import DataFindings
from onehalf.evaluation.measurement import compare
from onehalf.evaluation.pairing import shuffle
from onehalf.evaluation.ranking_text import describe_comparison, tabulate
from onehalf.evaluation.result import Comparison, Measurement, Ranking, list_versions
from onehalf.evaluation.samples import SAMPLES_PER_ROW, Samples

__all__ = ["bet_on_sample", "choose_rows", "compare_pair", "rank_samples"]

Values = Float[np.ndarray, " bets"]


def rank_samples(
    samples: Mapping[str, Samples],
    *,
    alpha: float,
    seed: int,
    optional: Sequence[str] = (),
    target: str | None = None,
) -> Ranking:
    """Measure each sample, and compare each two of them on the same rows of data.

    With s samples and c = s (s - 1)/2 pairs, each measurement and each comparison has the level alpha/(s + c), so that
    the lower bounds on the JSD of all samples and all comparisons hold at once (union bound).

    Args:
        samples: the same data with each sample.
        alpha: the level of all of it together.
        seed: settles all that is drawn.
        optional: further measurements of each sample.
        target: the column that models guess, to see what each sample is good for.
    """
    names = list(samples)
    pairs = list(itertools.combinations(names, 2))
    level = alpha / (len(names) + len(pairs))
    measured: dict[str, Measurement] = {}
    known = None
    for name in names:
        measured[name] = found = compare(
            samples[name],
            alpha=level,
            seed=seed,
            optional=optional,
            target=target,
            known=known,
        )
        known = DataFindings(found.baseline, found.detectable)
    order = choose_rows(list(samples.values()), seed)
    key = jr.fold_in(jr.key(seed), len(names))
    seen = {
        name: bet_on_sample(key, each, order, seed, level) for name, each in samples.items()
    }
    comparisons = [
        compare_pair((one, seen[one]), (two, seen[two]), level) for one, two in pairs
    ]
    n_rows = len(seen[names[0]].gains)
    return Ranking(
        alpha=alpha,
        samples=measured,
        n_rows=n_rows,
        comparisons=tuple(comparisons),
        sentences=(
            *tabulate(measured),
            *(describe_comparison(each, n_rows, alpha) for each in comparisons),
        ),
        versions=list_versions(),
    )


def compare_pair(
    one: tuple[str, Certificate], two: tuple[str, Certificate], alpha: float
) -> Comparison:
    """Bet on the difference between what critics win on the same rows of data, against either sample.

    Pair i of both certificates has the same row of data, and every critic learned from pairs before those it bets on.
    So given the past, the mean of d_i = g_i(two) - g_i(one) is what the critic of `two` sees of JSD(data, two), V(two),
    less V(one). The bound of `lower_bound` at alpha/2 exceeds the greatest V(two) - V(one) of all stages of learning
    with probability alpha/2 at most; the same with the two exchanged. The floor of d_i follows from the clips: the most
    that a gain can be comes from x at the high clip and y at the low one.

    This compares what is seen. V is at most the JSD, and how much is missing can't be known: no upper bound on a JSD
    exists, so none on the difference of two.
    """
    (name_one, seen_one), (name_two, seen_two) = one, two
    further = _bound(seen_two, seen_one, alpha / 2)
    nearer = _bound(seen_one, seen_two, alpha / 2)
    difference = seen_two.wide - seen_one.wide
    sign = np.sign(further - nearer) or np.sign(difference.mean()) or 1.0
    names = (name_one, name_two) if sign > 0 else (name_two, name_one)
    return Comparison(
        nearer=names[0],
        further=names[1],
        difference=float(sign * difference.mean()),
        se=float(difference.std(ddof=1) / np.sqrt(len(difference))),
        at_least=max(further, nearer),
    )


def _bound(more: Certificate, less: Certificate, alpha: float) -> float:
    """A lower bound on how much more critics see in the one than in the other."""
    return lower_bound(more.gains - less.gains, more.floors - _ceilings(less), alpha)


def _ceilings(seen: Certificate) -> Values:
    """The most that each gain could be."""
    tops = [
        payoff(np.array([critic.high]), np.array([[critic.low]]), critic.low, critic.high)
        for critic in seen.critics
    ]
    lengths = np.diff([*seen.starts, seen.starts[0] + len(seen.gains)])
    return np.repeat(np.concatenate(tops), lengths)


def choose_rows(samples: Sequence[Samples], seed: int) -> Int[np.ndarray, " rows"]:
    """Rows of the data in a random order, at most as many as the smallest sample has."""
    real = samples[0].real
    least = min(len(each.other) for each in samples)
    return shuffle(real.hashes(), seed, 0)[:least]


def bet_on_sample(
    key: PRNGKey, samples: Samples, order: Int[np.ndarray, " rows"], seed: int, alpha: float
) -> Certificate:
    """Bet on rows of the data in this order, each against rows of the sample."""
    each = min(SAMPLES_PER_ROW, len(samples.other) // len(order))
    drawn = shuffle(samples.other.hashes(), seed, 1)[: each * len(order)]
    return certify(
        key, samples.real[order], samples.other[drawn], alpha, encoder=samples.encoder
    )
