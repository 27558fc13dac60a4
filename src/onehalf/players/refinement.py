"""Correct G by the odds of a D that learns on rows that were set aside: draws are kept, or rejected and drawn again.

If D is the best D against G, its odds D/(1 - D) are p_data/p_g, and draws of G that are kept with a probability
proportional to them have the distribution of the data (Azadi et al. 2019, "Discriminator Rejection Sampling"). With a
budget of draws for each sample, the odds are cut off from above, which loses least of all ways to keep to that budget
(Verine et al. 2023, "Optimal Budgeted Rejection Sampling for Generative Models"). What G never makes stays missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.players.trees.discriminator import BoostedTrees

__all__ = [
    "BUDGET",
    "LEAST_ROWS",
    "SAMPLES_PER_ROW",
    "Refinement",
    "choose_rows",
    "learn_refinement",
]

LEAST_ROWS = 300
"""Rows that are set aside, at least, for D to learn from them."""

MOST_ROWS = 20_000
"""Rows that D learns from, at most."""

MOST_ENTRIES = 500_000
"""Rows times columns that D learns from, at most: rows of many columns are fewer."""

SAMPLES_PER_ROW = 4
"""Samples of G for each row: D learns from half of them, and is judged on the others."""

FOLDS = 3
"""Parts of the rows: D learns from all but one and is judged on that one."""

ERRORS = 2.0
"""Standard errors by which the gain must be above 0."""

BUDGET = 8.0
"""Draws for a sample that is kept, at most, on average."""

CAP = float(np.log(100.0))
"""The odds are between 1/100 and 100."""

POWERS = (0.25, 0.5, 0.75, 1.0)
"""Powers of the odds that are tried: lower ones trust D less."""

MISSING = -1e30
"""Stands for a missing cell, so that trees see it."""

Features = Float[np.ndarray, "_ _"]
Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Refinement:
    """Draws x are kept with probability min(1, w(x)/most), where w = (D/(1 - D))^power."""

    D: BoostedTrees
    power: float
    most: float
    """Where w is cut off."""
    draws: float
    """Draws for a sample that is kept, on average."""
    gain: float
    """Nats by which KL(p_data, p_g) falls, on rows that D had not seen."""
    gain_se: float
    """Its standard error."""

    def accept(self, features: Features, u: Values) -> Bool[np.ndarray, " _"]:
        """Whether each draw is kept, by a uniform number for each."""
        weights = _weigh(self.D.logits(replace_missing(features)), self.power)
        return u * self.most < weights

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        numbers = [self.power, self.most, self.draws, self.gain, self.gain_se]
        return {**self.D.to_arrays(), "numbers": np.array(numbers)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Refinement":
        """What `to_arrays` gave."""
        return cls(BoostedTrees.from_arrays(arrays), *arrays["numbers"].tolist())


def choose_rows(n: int, columns: int, seed: int) -> Places:
    """Choose the rows that D learns from, in a random order.

    >>> len(choose_rows(1000, 5, 0)), len(choose_rows(1000, 1000, 0))
    (1000, 500)
    """
    most = min(MOST_ROWS, max(MOST_ENTRIES // columns, LEAST_ROWS))
    return np.random.default_rng(seed).permutation(n)[:most]


def learn_refinement(
    real: Features, samples: Features, seed: int, groups: Places | None = None
) -> Refinement | None:
    """Learn D on rows that G was not trained on; return None unless D helps on rows that it has not seen.

    With q the distribution of the draws that are kept, the gain is KL(p_data, p_g) - KL(p_data, q) =
    E_data[log w] - log E_g[w]. It is estimated on each fold by the D that has not seen it.

    Args:
        real: Rows that were set aside, in a random order.
        samples: SAMPLES_PER_ROW samples of G for each of them.
        seed: Settles the rest.
        groups: A number for each sample; those of a group are drawn until one of the same group is kept.
    """
    real = replace_missing(real)
    learned, fresh = np.split(replace_missing(samples), 2)
    judged: list[tuple[Values, Values]] = []
    for fold in range(FOLDS):
        is_out = np.arange(len(real)) % FOLDS == fold
        D = BoostedTrees.fit(real[~is_out], learned, seed + fold)
        judged.append((D.logits(real[is_out]), D.logits(fresh[fold::FOLDS])))
    gain, gain_se, power = max(_judge(judged, power) for power in POWERS)
    if gain <= ERRORS * gain_se:
        return None
    D = BoostedTrees.fit(real, learned, seed + FOLDS)
    weights = _weigh(D.logits(fresh), power)
    of = np.zeros(len(fresh), np.int64) if groups is None else groups[len(learned) :]
    most = cut_off(weights, of)
    return Refinement(D, power, most, count_draws(weights, most, of), gain, gain_se)


def replace_missing(features: Features) -> Features:
    """Features in which missing cells have a number of their own."""
    return np.where(np.isnan(features), MISSING, features)


def count_draws(weights: Values, most: float, groups: Places) -> float:
    """Return the expected number of draws until one is kept; draws are of the same group until then.

    >>> round(count_draws(np.array([1.0, 1.0, 4.0, 2.0]), 4.0, np.array([0, 0, 1, 1])), 4)
    2.6667
    """
    n = np.bincount(groups)
    kept = np.bincount(groups, np.minimum(weights, most) / most)
    # n draws of a group take n / kept draws each, and that n times
    return float((n[n > 0] ** 2 / kept[n > 0]).sum() / len(weights))


def cut_off(weights: Values, groups: Places) -> float:
    """Find where weights must be cut off so that BUDGET draws are enough for a sample; their maximum, if it is.

    >>> one = np.zeros(100, int)
    >>> cut_off(np.array([1.0, 1.0, 2.0]), one[:3]), round(cut_off(np.array([0.01] * 99 + [100.0]), one), 3)
    (2.0, 0.086)
    """
    low, high = 0.0, float(weights.max())
    if count_draws(weights, high, groups) <= BUDGET:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        is_enough = count_draws(weights, middle, groups) <= BUDGET
        low, high = (middle, high) if is_enough else (low, middle)
    return low


def _weigh(logits: Values, power: float) -> Values:
    """The odds to a power."""
    return np.exp(np.clip(power * logits, -CAP, CAP))


def _judge(judged: list[tuple[Values, Values]], power: float) -> tuple[float, float, float]:
    """The gain in nats over all folds, its standard error, and the power of the odds."""
    gains = []
    variance = 0.0
    for d_x, d_Gz in judged:
        weights = _weigh(d_Gz, power)
        most = cut_off(weights, np.zeros(len(weights), np.int64))
        weights = np.minimum(weights, most)
        log_x = np.log(np.minimum(_weigh(d_x, power), most))
        gains.append(log_x.mean() - np.log(weights.mean()))
        variance += log_x.var() / len(log_x)
        variance += weights.var() / weights.mean() ** 2 / len(weights)
    return float(np.mean(gains)), float(np.sqrt(variance)) / FOLDS, power
