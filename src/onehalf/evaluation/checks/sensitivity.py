"""What the test would have seen: differences of known size, planted in the user's own data."""

import math
from typing import Any

import jax.random as jr
import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from onehalf._typing import PRNGKey
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate.bounds import p_value
from onehalf.evaluation.certificate.critics import learn
from onehalf.evaluation.explain.regions import jsd_of_dropped
from onehalf.evaluation.features.view import Entries, View

__all__ = ["detectable"]

MASSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Shares of the data that are dropped, from the hardest to see to the easiest."""

TRIALS, NEEDED = 10, 9
"""Groups dropped at each mass; how many of them must be noticed."""

DEALS = 199
"""Of the labels, in the permutation test of a trial; more at a level so low that these could not show it."""

MOST_ROWS = 2000
"""Rows of a pile in a trial, at most."""


def detectable(
    key: PRNGKey,
    rows: Float[np.ndarray, "n columns"],
    alpha: float,
    *,
    coding: TableEncoder | Entries | None = None,
) -> dict[str, Any] | None:
    """The least mass of a dropped group that is noticed nine times in ten, and its JSD in nats; None if none is.

    The rows are laid in two piles, and from the second a random row's nearest neighbours are dropped that hold this
    share of the data: that makes JSD = `jsd_of_dropped(mass)`, exactly, on the user's own data. A group is noticed if
    the permutation test of a plain critic, linear and of cells, gives p <= alpha on one half of the rows, when it has
    learned from the other. The masses are tried by bisection, since a greater group is easier to see. `rows` says how
    many a pile held: half of the rows at hand or fewer; the measurement itself had more, and sees smaller groups.

    >>> rows = np.random.default_rng(0).normal(size=(2000, 2))
    >>> detectable(jr.key(0), rows, alpha=0.05)
    {'mass': 0.08, 'jsd': 0.0286, 'rows': 1000, 'trials': 10, 'noticed': 10}
    """
    least = next(
        (
            place
            for place, mass in enumerate(MASSES)
            if mass * min(len(rows), 2 * MOST_ROWS) >= 1
        ),
        0,
    )
    low, high, found = least, len(MASSES), None
    while low < high:
        middle = (low + high) // 2
        noticed = sum(
            _noticed(
                jr.fold_in(key, TRIALS * middle + trial), rows, MASSES[middle], alpha, coding
            )
            for trial in range(TRIALS)
        )
        if noticed >= NEEDED:
            found = {"mass": MASSES[middle], "jsd": jsd_of_dropped(MASSES[middle])}
            found |= {
                "rows": min(len(rows) // 2, MOST_ROWS),
                "trials": TRIALS,
                "noticed": noticed,
            }
            high = middle
        else:
            low = middle + 1
    return found


def _noticed(
    key: PRNGKey,
    rows: Float[np.ndarray, "n columns"],
    mass: float,
    alpha: float,
    coding: TableEncoder | Entries | None = None,
) -> bool:
    rng = np.random.default_rng(np.asarray(jr.key_data(key)))
    some = rows[rng.permutation(len(rows))[: 2 * MOST_ROWS]]
    z = View.of(some, coding).scaled(some)
    distance = cdist(z[:1], z)[0]
    # ties at the edge of the group are broken at random, so that it holds its mass where the data are few values
    left = np.lexsort((rng.random(len(z)), distance))[round(mass * len(z)) :]
    half = len(some) // 2
    second = np.zeros(len(some), dtype=bool)
    second[rng.permutation(len(some))[:half]] = True
    kept = np.isin(np.arange(len(some)), left)
    y = rng.permutation(some[second & kept])
    x = rng.permutation(some[~second])[: len(y)]
    start = len(y) // 2
    kinds = ("linear", "cells")
    critic = learn(
        jr.fold_in(key, 0),
        x[:start],
        y[:start],
        len(y) - start,
        alpha,
        kinds=kinds,
        coding=coding,
    )
    return (
        p_value(
            rng,
            critic.d(x[start:]),
            critic.d(y[start:])[:, None],
            max(DEALS, math.ceil(2 / alpha)),
        )
        <= alpha
    )
