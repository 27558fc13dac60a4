"""Class by class: how often each comes, and how far apart its rows are by themselves; all of it holds at once."""

from typing import Any

import jax.random as jr
import numpy as np

from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.certificate import LEAST_ROWS, NOTHING, Certificate
from onehalf.evaluation.checks.coverage import counted
from onehalf.evaluation.features.view import Entries
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.samples import Flat, Samples

__all__ = ["by_class"]

MOST = 100
"""Classes that are told of, the most frequent in both samples."""

KINDS = ("linear", "quadratic", "waves", "cells", "grain")
"""The critics of a class by itself: all but the nets, which take most of the time and many rows."""


def by_class(
    key: PRNGKey,
    rows: Samples,
    piles: PairedSamples,
    found: Certificate,
    free: Flat,
    train: Flat | None,
    alpha: float,
) -> list[dict[str, Any]]:
    """For each class its shares in both samples, and JSD(p(.|c), q(.|c)), that of its rows alone, in nats.

    With probability 1 - alpha all intervals of the shares hold at once with all `jsd_lower`, those of `null` included:
    alpha is shared out over the classes and these three (Bonferroni). The classes are taken to be all there are. With
    fewer than 20 rows of a class on a side there is no estimate. `null` has the same for the data against themselves:
    real rows of the class against training rows of it, or half of them against the other half.

    The rows of a class are bet on by critics of their own. If samples were made for the real rows' labels, the bets of
    the certificate are sorted by class instead: given all labels, the mean gain of a pair of class c is at most
    JSD(p(.|c), q(.|c)), whatever the critic had learned from. Their shares say nothing, so those of `free` samples,
    which were made without a look at the real ones, stand there.
    """
    assert rows.entries is not None
    alone = Entries(rows.entries.shape, rows.entries.features)
    share = alpha / (3 * len(rows.classes))

    def apart(key: PRNGKey, real: Flat, other: Flat) -> dict[str, Any]:
        if min(len(real), len(other)) < LEAST_ROWS:
            return NOTHING
        numbers = (
            PairedSamples(piles.seed, real[:, :-1], other[:, :-1], alone)
            .certify(key, share, kinds=KINDS)
            .numbers()
        )
        return {name: numbers[name] for name in NOTHING}

    def places(side: Flat) -> Any:
        return side[:, -1].astype(int)

    of_classes = []
    counts = [
        np.bincount(places(side), minlength=len(rows.classes)) / len(side)
        for side in (piles.real, free)
    ]
    frequent = np.argsort(-sum(counts), kind="stable")[:MOST]
    for place in np.sort(frequent).tolist():
        key_apart, key_null = jr.split(jr.fold_in(key, place))
        real, other = (side[places(side) == place] for side in (piles.real, free))
        null = (
            (real[::2], real[1::2]) if train is None else (real, train[places(train) == place])
        )
        bets = places(piles.x)[found.starts[0] :] == place
        of_classes.append(
            {
                "class": rows.classes[place].item(),
                "real": counted(len(real), len(piles.real), share / 2),
                "other": counted(len(other), len(free), share / 2),
                **(
                    found.of_pairs(bets, share)
                    if piles.matched
                    else apart(key_apart, real, other)
                ),
                "null": apart(key_null, *null),
            }
        )
    return of_classes
