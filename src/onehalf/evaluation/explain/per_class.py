"""Class by class: how often each comes, and how far apart its rows are by themselves; all of it holds at once."""

import jax.random as jr
import numpy as np
from jaxtyping import Int

from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.bounds import proportion
from onehalf.evaluation.certificate.certificate import LEAST_ROWS, NOTHING, Certificate
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.result import ClassResult, Divergence
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["compare_classes"]

MOST_CLASSES = 100
"""The most classes that are compared, the most frequent in both samples."""

KINDS = ("linear", "quadratic", "waves", "cells", "grain")
"""The critics of a single class: all but the nets, which take most of the time and many rows."""


def compare_classes(
    key: PRNGKey,
    paired: PairedSamples,
    certificate: Certificate,
    free: EvaluationRows,
    train: EvaluationRows | None,
    alpha: float,
) -> tuple[ClassResult, ...]:
    """For each class its shares in both samples, and JSD(p(.|c), q(.|c)), that of its rows alone, in nats.

    With probability 1 - alpha all intervals of the shares hold at once with all `jsd_lower`,
    those of `baseline` included: alpha is shared out over the classes and these three (Bonferroni). The classes are
    taken to be all there are. With fewer than 20 rows of a class on a side there is no estimate. `baseline` has the
    same for the data against themselves: real rows of the class against training rows of it, or half of them against
    the other half.

    The rows of a class are bet on by critics of their own. If samples were made for the real rows' labels, the bets of
    the certificate are sorted by class instead: given all labels, the mean gain of a pair of class c is at most
    JSD(p(.|c), q(.|c)), whatever the critic had learned from. Their shares say nothing, so those of `free` samples,
    which were made without regard to the real ones, are used there.
    """
    classes = paired.encoder.classes
    if not len(classes):
        return ()
    share = alpha / (3 * len(classes))

    def apart(key: PRNGKey, real: EvaluationRows, other: EvaluationRows) -> Divergence:
        if min(len(real), len(other)) < LEAST_ROWS:
            return NOTHING
        alone = PairedSamples(
            paired.seed, real.without_labels(), other.without_labels(), paired.encoder
        )
        found = alone.certify(key, share, kinds=KINDS)
        return Divergence(
            jsd_lower=found.jsd_lower, jsd_estimate=found.jsd_estimate, jsd_se=found.jsd_se
        )

    of_classes = []
    counts = [
        np.bincount(_places(side), minlength=len(classes)) / len(side)
        for side in (paired.real, free)
    ]
    frequent = np.argsort(-sum(counts), kind="stable")[:MOST_CLASSES]
    for place in np.sort(frequent).tolist():
        key_apart, key_null = jr.split(jr.fold_in(key, place))
        real, other = (side[_places(side) == place] for side in (paired.real, free))
        null = (
            (real[::2], real[1::2]) if train is None else (real, train[_places(train) == place])
        )
        bets = _places(paired.x)[certificate.starts[0] :] == place
        divergence = (
            certificate.of_pairs(bets, share)
            if paired.matched
            else apart(key_apart, real, other)
        )
        of_classes.append(
            ClassResult(
                label=classes[place].item(),
                real=proportion(len(real), len(paired.real), share / 2),
                other=proportion(len(other), len(free), share / 2),
                jsd_lower=divergence.jsd_lower,
                jsd_estimate=divergence.jsd_estimate,
                jsd_se=divergence.jsd_se,
                baseline=apart(key_null, *null),
            )
        )
    return tuple(of_classes)


def _places(rows: EvaluationRows) -> Int[np.ndarray, " rows"]:
    """The place of each row's class."""
    return rows.labels[:, 0]
