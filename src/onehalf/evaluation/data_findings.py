"""What a measurement finds of the data alone, whatever they are compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax.random as jr
from threadpoolctl import threadpool_limits

from onehalf._parallel import run_tasks
from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.certificate import LEAST_ROWS
from onehalf.evaluation.checks.sensitivity import Trials, find_detectable
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.pairing import PairedSamples, shuffle
from onehalf.evaluation.result import Baseline, DetectableEffect
from onehalf.evaluation.rows import EvaluationRows, concatenate
from onehalf.evaluation.samples import MOST_PAST, PastRows

__all__ = [
    "DataFindings",
    "Keys",
    "choose_trials",
    "compare_data",
    "measure_data",
    "run_side_by_side",
    "split_key",
]


class Keys(NamedTuple):
    """The keys of a measurement's parts."""

    bets: PRNGKey
    null: PRNGKey
    alike: PRNGKey
    planted: PRNGKey


def split_key(seed: int) -> Keys:
    """The keys of a measurement's parts, from its seed."""
    return Keys(*jr.split(jr.key(seed), len(Keys._fields)))


@dataclass(frozen=True)
class DataFindings:
    """What is found of the data alone."""

    baseline: Baseline | None
    """Data against data; None with too few rows."""
    detectable: DetectableEffect | None
    """The smallest dropped group that is noticed; None where none is."""


def measure_data(
    real: EvaluationRows,
    train: EvaluationRows,
    settled: EvaluationRows,
    encoder: FeatureEncoder,
    *,
    alpha: float,
    seed: int,
) -> DataFindings:
    """Find what `compare` finds of the data alone, where there are more samples than rows; it takes this as `known`.

    Args:
        real: the rows that samples will be compared with.
        train: the rows that a generator is trained on.
        settled: rows of data that critics will learn from besides.
        encoder: how rows are seen.
        alpha: the level of the comparison.
        seed: its seed.
    """
    keys = split_key(seed)
    shuffled = real[shuffle(real.hashes(), seed, 0)]
    trials = Trials(concatenate([shuffled, settled]), len(real), alpha, encoder)
    return DataFindings(
        **run_side_by_side(
            {
                "baseline": lambda: compare_data(keys.null, seed, real, train, alpha, encoder),
                "detectable": lambda: find_detectable(keys.planted, trials),
            }
        )
    )


def choose_trials(paired: PairedSamples, alpha: float) -> Trials:
    """The rows in which differences are planted: those of the test, in a random order, and those settled before.

    A trial has no more rows on each side than the other sample, and bets on no more than there are pairs.
    """
    rows = paired.real if paired.past is None else concatenate([paired.real, paired.past.real])
    n_other = len(paired.free_places)
    return Trials(rows[: 2 * n_other], len(paired.x), alpha, paired.encoder)


def compare_data(
    key: PRNGKey,
    seed: int,
    real: EvaluationRows,
    train: EvaluationRows | None,
    alpha: float,
    encoder: FeatureEncoder,
) -> Baseline | None:
    """Real rows against the training rows, or half of the real rows against the other half."""
    if train is None:
        if len(real) < 2 * LEAST_ROWS:
            return None
        shuffled = real[shuffle(real.hashes(), seed, 2)]
        real, other, past = shuffled[::2], shuffled[1::2], None
    else:
        shuffled = train[shuffle(train.hashes(), seed, 2)]
        other, past = shuffled[1::2], PastRows(shuffled[::2][:MOST_PAST], train[:0])
    paired = PairedSamples(seed, real, other, encoder, past=past)
    bounds = paired.certify(key, alpha).bounds()
    return Baseline(n_real=len(real), n_other=len(paired.other), **vars(bounds))


def run_side_by_side(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """The results by name, of tasks that do not depend on each other.

    BLAS has one thread in each, on a worker too: sums are rounded alike wherever they are computed.
    """
    alone = [partial(_run_alone, task) for task in tasks.values()]
    with threadpool_limits(1, "blas"):
        return dict(zip(tasks, run_tasks(alone, threads=-1), strict=True))


def _run_alone(task: Callable[[], Any]) -> Any:
    """Run a task with one thread for BLAS."""
    with threadpool_limits(1, "blas"):
        return task()
