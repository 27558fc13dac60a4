"""Evaluations of a fit: on validation rows while it trains, and on the test rows at its end."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from threadpoolctl import threadpool_limits

from onehalf._parallel import run_tasks
from onehalf._typing import PRNGKey
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits
from onehalf.distributions.base import Pushforward
from onehalf.evaluation import data_findings
from onehalf.evaluation.certificate.certificate import LEAST_ROWS, certify, estimate
from onehalf.evaluation.checks.collapse import find_class_collapse, find_collapse
from onehalf.evaluation.data_findings import DataFindings
from onehalf.evaluation.measurement import compare
from onehalf.evaluation.result import Measurement, QuickTable
from onehalf.evaluation.rows import wrap
from onehalf.evaluation.samples import (
    MOST_INDEPENDENT,
    PastRows,
    Samples,
    choose_past,
    choose_samples_per_row,
)
from onehalf.fitting.fit import Fit
from onehalf.model import GenerativeModel

__all__ = [
    "draw_for_test",
    "draw_previews",
    "evaluate",
    "judge",
    "measure",
    "measure_data",
]

ALPHA = 0.05
"""The bounds of all evaluations hold at once with probability 1 - ALPHA; so does each bound of the certificate."""

EVALUATION_ROWS = 16_000
"""Validation rows in an evaluation, at most."""

SAMPLES_PER_VALIDATION_ROW = 4

BETTING_SHARES = (0.25,)
"""Share of the rows that the critic of an evaluation learns from before it bets on the others."""

CROSS_FITTED_ROWS = 2000
"""Up to this many validation rows, the estimate that evaluations are compared by is cross-fitted on all of them."""

CRITICS = ("linear", "quadratic", "waves", "cells", "grain")
"""The critics of an evaluation: all but networks and trees, which take most of the time."""

SAMPLES_PER_TEST_ROW = 10

PREVIEWS = 36
"""Images that are kept at each evaluation."""


class Evaluation(NamedTuple):
    """The result of an evaluation for one seed, in nats; and what its samples lack."""

    jsd_estimate: float
    jsd_se: float
    jsd_lower: float
    log_e: float
    collapse: str = ""


UNINFORMED = Evaluation(0.0, 0.0, 0.0, 0.0)
"""The evaluation by critics with too few rows, which stay at D = 1/2."""

DIVERGED = Evaluation(math.nan, math.nan, math.nan, math.nan)
"""The evaluation of a game whose V is no longer finite."""


def evaluate(
    fit: Fit, splits: Splits, generators: Sequence[Pushforward], t: int, V: list[float]
) -> dict[str, Any]:
    """Evaluate the G of each seed on the validation rows; the first time, data against data too.

    Returns:
        The part of a `HistoryRow` that evaluations add.
    """
    keys = [jr.fold_in(key, t) for key in jnp.atleast_1d(fit.recipe.keys("look"))]
    tasks = [
        partial(_judge_finite, fit, key, splits.validation, p_g, value)
        for key, p_g, value in zip(keys, generators, V, strict=True)
    ]
    per_seed = run_tasks(tasks)
    row: dict[str, Any] = {
        name: list(values)
        for name, values in zip(Evaluation._fields, zip(*per_seed, strict=True), strict=True)
        if any(values) or name != "collapse"
    }
    if not any("null" in past for past in fit.history):
        null = judge(fit, jr.fold_in(keys[0], 1), splits.validation, splits.train)
        row["null"] = null._asdict()
        del row["null"]["collapse"]
    return row


def _judge_finite(
    fit: Fit, key: PRNGKey, real: EncodedRows, p_g: Pushforward, V: float
) -> Evaluation:
    """Judge the G of a game that has not diverged."""
    return judge(fit, key, real, p_g) if math.isfinite(V) else DIVERGED


def judge(
    fit: Fit, key: PRNGKey, real: EncodedRows, other: Pushforward | EncodedRows
) -> Evaluation:
    """Bet on real rows against samples, or against other rows.

    Each bet is at level ALPHA / (evaluations x seeds + 1), so that all bounds, that of data against data among them,
    hold at once, whenever the run is stopped. Evaluations of rounds that were asked for later have no bound: 0.
    """
    if len(real) < LEAST_ROWS:
        return UNINFORMED
    key_rows, key_sample, key_bets, key_estimate = jr.split(key, 4)
    real = real[np.asarray(jr.permutation(key_rows, len(real)))[:EVALUATION_ROWS]]
    is_drawn = isinstance(other, Pushforward)
    matched = is_drawn and bool(fit.domain.label_names)
    if isinstance(other, Pushforward):
        labels = None
        if matched:
            cells = fit.preprocessor.label_cells(real)
            labels = np.repeat(cells, SAMPLES_PER_VALIDATION_ROW, axis=0)
        model = GenerativeModel(other, fit.domain, fit.preprocessor)
        other = model.draw(key_sample, SAMPLES_PER_VALIDATION_ROW * len(real), labels)
    else:
        other = other[np.asarray(jr.permutation(key_sample, len(other)))]
    per_row = min(SAMPLES_PER_VALIDATION_ROW, len(other) // len(real))
    x = wrap(real)
    y = wrap(other[: per_row * len(real)])
    level = ALPHA / (fit.domain.evaluations(fit.recipe) * fit.recipe.seeds + 1)
    encoder = fit.domain.encoder_for_training
    # several threads slow such small products down, far more so on busy cores
    with threadpool_limits(1):
        bets = certify(
            key_bets,
            x,
            y,
            level,
            shares=BETTING_SHARES,
            matched=matched,
            kinds=CRITICS,
            encoder=encoder,
        )
        mean, se = bets.jsd_estimate, bets.jsd_se
        if len(real) <= CROSS_FITTED_ROWS:
            mean, se = estimate(key_estimate, x, y, kinds=CRITICS, encoder=encoder)
    # the level is spent by the evaluations that were first asked for
    lower = bets.jsd_lower if fit.rounds < fit.recipe.scheduled_rounds else 0.0
    lacks = ""
    if is_drawn:
        lacks = find_collapse(x.x, y.x, encoder.columns)
        lacks = lacks or find_class_collapse(x, y, encoder.classes)
    return Evaluation(mean, se, lower, bets.log_e, lacks)


def measure_data(fit: Fit, splits: Splits) -> DataFindings | None:
    """Find what a certificate says of the data alone, which no G has a part in; None if there can be no certificate."""
    if len(splits.test) < LEAST_ROWS:
        return None
    return data_findings.measure_data(
        wrap(splits.test),
        wrap(splits.train),
        wrap(_settle(fit, splits)),
        fit.domain.encoder,
        alpha=_level(fit),
        seed=fit.recipe.random_state,
    )


def measure(
    fit: Fit,
    splits: Splits,
    *,
    known: DataFindings | None = None,
    on_quick: Callable[[QuickTable], object] | None = None,
) -> Measurement | None:
    """Compare the chosen G with the test rows; None if that is not possible.

    The j-th time that the test rows are used, from 0, is at level ALPHA / 2^j, as a run may be extended: so all
    certificates of a run hold at once with probability 1 - 2 ALPHA, for rounds that were not chosen by them.

    Args:
        fit: The fit.
        splits: Its rows.
        known: What `measure_data` found, if it was called.
        on_quick: Is called with the quick check, before critics learn.
    """
    samples = draw_for_test(fit, splits.test)
    if samples is None:
        return None
    compared = Samples(
        real=wrap(splits.test),
        other=wrap(samples.other),
        train=wrap(splits.train),
        free=None if samples.free is None else wrap(samples.free),
        past=draw_past(fit, splits),
        encoder=fit.domain.encoder,
        given=fit.domain.label_names,
        left_out=fit.domain.left_out,
    )
    measurement = compare(
        compared,
        alpha=_level(fit),
        seed=fit.recipe.random_state,
        known=known,
        on_quick=on_quick,
    )
    return measurement and measurement.hide_rows()


@dataclass(frozen=True)
class SamplesForTest:
    """The samples that are compared with the test rows."""

    other: EncodedRows
    """With labels: several for each test row, under its labels."""
    free: EncodedRows | None
    """With labels: samples under labels drawn from the training rows instead."""


def draw_for_test(fit: Fit, test: EncodedRows) -> SamplesForTest | None:
    """Draw the samples that are compared with the test rows; None if there can be no certificate."""
    if len(test) < LEAST_ROWS or not _is_finite(fit.best[fit.chosen]):
        return None
    seed = fit.recipe.random_state
    if not fit.domain.label_names:
        key = jr.fold_in(jnp.atleast_1d(fit.recipe.keys("test"))[fit.chosen], fit.rounds)
        other = fit.model.draw(key, SAMPLES_PER_TEST_ROW * len(test))
        return SamplesForTest(other, None) if fit.domain.is_valid(other) else None
    per_row = choose_samples_per_row(len(test), math.prod(fit.domain.row_shape))
    labels = np.repeat(fit.preprocessor.label_cells(test), per_row, axis=0)
    other = fit.model.draw(jr.key(seed), len(labels), labels)
    n_free = min(len(labels), MOST_INDEPENDENT)
    return SamplesForTest(other, fit.model.draw_where(jr.key(seed + 1), n_free).rows)


def draw_past(fit: Fit, splits: Splits) -> PastRows | None:
    """Training and validation rows, and as many samples, for critics to learn from; None if G gives invalid rows."""
    settled = _settle(fit, splits)
    labels = fit.preprocessor.label_cells(settled) if fit.domain.label_names else None
    samples = fit.model.draw(jr.key(fit.recipe.random_state + 2), len(settled), labels)
    if not fit.domain.is_valid(samples):
        return None
    return PastRows(wrap(settled), wrap(samples))


def draw_previews(fit: Fit, generators: Sequence[Pushforward]) -> list[np.ndarray]:
    """Draw samples of each seed's G from the same latents each time, if they are images."""
    if not fit.domain.has_previews:
        return []
    key = jr.key(fit.recipe.random_state)
    models = [GenerativeModel(p_g, fit.domain, fit.preprocessor) for p_g in generators]
    return [model.draw(key, PREVIEWS).x for model in models]


def _settle(fit: Fit, splits: Splits) -> EncodedRows:
    """The training and validation rows that the critics of the certificate learn from."""
    settled = EncodedRows.concatenate([splits.train, splits.validation])
    columns = math.prod(fit.domain.row_shape)
    return settled[choose_past(fit.recipe.random_state, len(settled), columns)]


def _level(fit: Fit) -> float:
    """The level of the certificate: half of that of the one before, if the test rows were used before."""
    return ALPHA / 2 ** len(fit.measured_at)


def _is_finite(G: Any) -> bool:
    """Whether all parameters of G are finite."""
    arrays = jax.tree.leaves(eqx.filter(G, eqx.is_inexact_array))
    return all(bool(jnp.isfinite(array).all()) for array in arrays)
