"""The three attacks on training rows, and the same on held-out rows."""

import dataclasses
import math

import numpy as np

from onehalf.evaluation.certificate.bounds import proportion
from onehalf.evaluation.checks.attacks.attacker import Attacker, Method
from onehalf.evaluation.checks.attacks.inference import Inference
from onehalf.evaluation.checks.attacks.linkability import Linkability
from onehalf.evaluation.checks.attacks.singling_out import SinglingOut
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.result import Attack, PrivacyAttacks, Proportion
from onehalf.evaluation.rows import EvaluationRows
from onehalf.evaluation.wording import confidence, percent

__all__ = ["attack"]

MOST_TARGETS = 1_000
"""The most rows of each kind that are attacked."""

MOST_SAMPLES = 10_000
"""The most samples that the attacker has."""

MOST_NUMBERS = 512
"""Rows of more numbers than this, a flag for each word among them, are not attacked."""

INTERVALS = 6
"""Two for each of the three attacks."""

MEANINGS = {
    "singling out": "Singling out (a rule made from the samples matches a row and none of the others)",
    "linkability": "Linkability (two halves of a row's columns lead to the same sample)",
    "inference": "Inference (the nearest sample by all other columns gives a secret one away)",
}
"""What success means."""


def attack(
    rng: np.random.Generator,
    train: EvaluationRows,
    held_out: EvaluationRows,
    samples: EvaluationRows,
    alpha: float,
    *,
    encoder: FeatureEncoder,
) -> PrivacyAttacks | None:
    """Attack training rows by means of the samples, and held-out rows in the same way; None of rows without columns.

    The attacks are those by which the Article 29 Working Party (WP 216, 2014) judges anonymization, as in Anonymeter
    (Giomi et al. 2023): singling out, linkability, inference. An attempt on a row x is a function of x, of the samples,
    of training rows that are not attacked, and of what is drawn for x alone. The rows attacked are drawn by `rng`
    before anything is looked at. With k the attempts that succeed, and two-sided Clopper-Pearson intervals at alpha/6:

    - Held-out rows are independent draws, and independent of the samples and the training rows. Given these, k is
      binomial, and the interval is exact whatever the generator is.
    - `excess` is the interval of the training rows less that of the held-out rows. If the samples do not depend on the
      training rows that are attacked, these are independent draws too, k is binomial with the same success rate, and
      the lower end exceeds 0 with probability alpha at most for all attacks together (union bound over six intervals).
    - If they do, outcomes of training rows may depend on each other. Then the lower end still does not exceed the
      success rate on the rows that were attacked less that on new rows of the same law, as its first part is at most
      k/n, and its second part is exact: at 1 - alpha for all attacks together.

    >>> from onehalf.evaluation.features.arrays import ArrayEncoder
    >>> from onehalf.evaluation.rows import wrap
    >>> rng = np.random.default_rng(0)
    >>> train, held_out, samples = (wrap(rows) for rows in rng.normal(size=(3, 400, 4)))
    >>> honest = attack(rng, train, held_out, samples, 0.05, encoder=ArrayEncoder())
    >>> copies = attack(rng, train, held_out, train, 0.05, encoder=ArrayEncoder())
    >>> honest.shown, copies.linkability.train.share, copies.shown
    (False, 1.0, True)
    """
    samples = samples[rng.permutation(len(samples))[:MOST_SAMPLES]]
    space = encoder.column_space(samples)
    if space is None or len(space.owners) > MOST_NUMBERS:
        return None
    attacker = Attacker.from_samples(samples, space, encoder.columns)
    order = rng.permutation(len(train))
    targets = train[order[:MOST_TARGETS]]
    # half of few rows, so that there are others to be mistaken for
    singled_out = min(MOST_TARGETS, len(train) // 2)
    others = train[order[singled_out:][:MOST_TARGETS]]
    controls = held_out[rng.permutation(len(held_out))[:MOST_TARGETS]]

    def judge(method: Method, rows: EvaluationRows) -> Attack:
        return _judge(rng, method, rows, controls, alpha / INTERVALS)

    has_others = attacker.column_count > 1
    found = PrivacyAttacks(
        n_samples=len(samples),
        n_others=len(others),
        singling_out=judge(SinglingOut.prepare(attacker, others), targets[:singled_out]),
        linkability=judge(Linkability.prepare(rng, attacker), targets) if has_others else None,
        inference=judge(Inference.prepare(rng, attacker), targets) if has_others else None,
    )
    return dataclasses.replace(found, sentences=_sentences(found, alpha))


def _judge(
    rng: np.random.Generator,
    method: Method,
    targets: EvaluationRows,
    controls: EvaluationRows,
    level: float,
) -> Attack:
    """Attack both kinds of rows; each success rate has an interval at this level."""
    train, held_out = (
        proportion(int(method.attempt(rng, rows).sum()), len(rows), level)
        for rows in (targets, controls)
    )
    (train_low, train_high), (low, high) = train.interval, held_out.interval
    return Attack(
        n_train=len(targets),
        n_held_out=len(controls),
        train=train,
        held_out=held_out,
        random_guess=float(method.guess(rng, targets).mean()),
        excess=(train_low - high, train_high - low),
    )


def _sentences(found: PrivacyAttacks, alpha: float) -> tuple[str, ...]:
    """Say whether an attack worked, what each came to, and what that does not show."""
    tried = found.by_name
    together = f"{confidence(alpha)} confidence for all attacks together"
    worked = [
        f"{name} by at least {percent(attack.excess[0])}"
        for name, attack in tried.items()
        if attack.excess[0] > 0
    ]
    headline = (
        "Attacks on single rows succeed more often on training rows than on held-out rows: "
        f"{', '.join(worked)} of the rows ({together}, if both have one distribution)."
        if worked
        else "No attack on single rows was shown to succeed more often on training rows than on "
        f"held-out rows ({together})."
    )
    return (
        f"{headline} An attack that fails does not prove privacy: others may succeed.",
        *(f"  {MEANINGS[name]}: {_rates(attack)}" for name, attack in tried.items()),
    )


def _rates(attack: Attack) -> str:
    """The success rates with their intervals, rounded outwards."""
    return (
        f"{_rate(attack.train)} of {attack.n_train:,} training rows and {_rate(attack.held_out)} "
        f"of {attack.n_held_out:,} held-out rows; by samples at random "
        f"{100 * attack.random_guess:.1f} % of the training rows."
    )


def _rate(rate: Proportion) -> str:
    low, high = rate.interval
    ends = math.floor(1000 * low) / 10, math.ceil(1000 * high) / 10
    return f"{100 * rate.share:.1f} % [{ends[0]:.15g}, {ends[1]:.15g}]"
