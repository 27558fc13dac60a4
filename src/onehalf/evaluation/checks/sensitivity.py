"""The minimum detectable effect: differences of known size, planted in the user's own data."""

import math

import jax.random as jr
import numpy as np
from scipy.spatial.distance import cdist

from onehalf._typing import PRNGKey
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.bounds import p_value
from onehalf.evaluation.certificate.critics import PLAIN_ARRAY, learn
from onehalf.evaluation.explain.regions import jsd_of_dropped
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.result import DetectableEffect
from onehalf.evaluation.rows import AnyRows, EvaluationRows, wrap

__all__ = ["find_detectable"]

MASSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Shares of the data that are dropped, from the hardest to see to the easiest."""

TRIALS = 10
"""Groups dropped at each mass."""

NEEDED = 9
"""The least of them that must be noticed."""

DEALS = 199
"""Of the labels, in the permutation test of a trial; more at a level so low that these could not show it."""

MOST_ROWS = 2000
"""The most rows of a sample in a trial."""


def find_detectable(
    key: PRNGKey,
    rows: AnyRows,
    alpha: float,
    *,
    encoder: FeatureEncoder = PLAIN_ARRAY,
) -> DetectableEffect | None:
    """The least mass of a dropped group that is noticed nine times in ten, and its JSD in nats; None if none is.

    The rows are laid in two samples, and from the second a random row's nearest neighbours are dropped that hold this
    share of the data: that makes JSD = `jsd_of_dropped(mass)`, exactly, on the user's own data. A group is noticed if
    the permutation test of a plain critic, linear and of cells, gives p <= alpha on one half of the rows, when it has
    learned from the other. The masses are tried by bisection, since a greater group is easier to see. `rows` says how
    many a sample held: half of the rows at hand or fewer; the measurement itself had more, and sees smaller groups.

    >>> rows = np.random.default_rng(0).normal(size=(2000, 2))
    >>> find_detectable(jr.key(0), rows, alpha=0.05)
    DetectableEffect(mass=0.08, jsd=0.0286, rows=1000, trials=10, noticed=10)
    """
    rows = wrap(rows)
    least = next(
        (
            place
            for place, mass in enumerate(MASSES)
            if mass * min(len(rows), 2 * MOST_ROWS) >= 1
        ),
        0,
    )
    low, high, effect = least, len(MASSES), None
    while low < high:
        middle = (low + high) // 2
        noticed = _count_noticed(jr.fold_in(key, middle), rows, MASSES[middle], alpha, encoder)
        if noticed >= NEEDED:
            effect = DetectableEffect(
                mass=MASSES[middle],
                jsd=jsd_of_dropped(MASSES[middle]),
                rows=min(len(rows) // 2, MOST_ROWS),
                trials=TRIALS,
                noticed=noticed,
            )
            high = middle
        else:
            low = middle + 1
    return effect


def _count_noticed(
    key: PRNGKey, rows: EvaluationRows, mass: float, alpha: float, encoder: FeatureEncoder
) -> int:
    """How many trials notice a dropped group of this mass; no more are made once too many have missed one."""
    noticed = 0
    for trial in range(TRIALS):
        noticed += _noticed(jr.fold_in(key, trial), rows, mass, alpha, encoder)
        if trial + 1 - noticed > TRIALS - NEEDED:
            break
    return noticed


def _noticed(
    key: PRNGKey,
    rows: AnyRows,
    mass: float,
    alpha: float,
    encoder: FeatureEncoder = PLAIN_ARRAY,
) -> bool:
    """Whether the test notices one dropped group."""
    rng = numpy_generator(key)
    some = wrap(rows)[rng.permutation(len(rows))[: 2 * MOST_ROWS]]
    z = encoder.distance_space(some)(some)
    distance = cdist(z[:1], z)[0]
    # ties at the edge of the group are broken at random, so that it holds its mass where the data are few values
    left = np.lexsort((rng.random(len(z)), distance))[round(mass * len(z)) :]
    half = len(some) // 2
    second = np.zeros(len(some), dtype=bool)
    second[rng.permutation(len(some))[:half]] = True
    kept = np.isin(np.arange(len(some)), left)
    y = _shuffle(rng, some[second & kept])
    x = _shuffle(rng, some[~second])[: len(y)]
    start = len(y) // 2
    critic = learn(
        jr.fold_in(key, 0),
        x[:start],
        y[:start],
        len(y) - start,
        alpha,
        kinds=("linear", "cells"),
        encoder=encoder,
    )
    deals = max(DEALS, math.ceil(2 / alpha))
    return p_value(rng, critic.d(x[start:]), critic.d(y[start:])[:, None], deals) <= alpha


def _shuffle(rng: np.random.Generator, rows: EvaluationRows) -> EvaluationRows:
    return rows[rng.permutation(len(rows))]
