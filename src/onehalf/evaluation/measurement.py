"""Two samples, measured: audited, bet on, explained, and set beside what data against data gives."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax.random as jr
import numpy as np
from scipy import special
from threadpoolctl import threadpool_limits

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.certificate import (
    LEAST_PAST,
    LEAST_ROWS,
    Certificate,
    bets_start,
    certify,
)
from onehalf.evaluation.checks.attacks import attack
from onehalf.evaluation.checks.audit import audit_samples
from onehalf.evaluation.checks.coverage import compare_prdc, count_cells
from onehalf.evaluation.checks.frechet import compare_frechet
from onehalf.evaluation.checks.memorization import detect_copying
from onehalf.evaluation.checks.parzen import log_likelihood
from onehalf.evaluation.checks.quick import check_quickly
from onehalf.evaluation.checks.sensitivity import (
    Trials,
    find_detectable,
    plant_effects,
)
from onehalf.evaluation.checks.upper_bounds import bound_differences
from onehalf.evaluation.checks.utility import check_target, evaluate_utility
from onehalf.evaluation.explain.marginals import rank_marginals
from onehalf.evaluation.explain.per_class import compare_classes
from onehalf.evaluation.explain.regions import find_regions, most_telling
from onehalf.evaluation.explain.relations import relate
from onehalf.evaluation.features.base import Description, FeatureEncoder
from onehalf.evaluation.pairing import PairedSamples, shuffle
from onehalf.evaluation.result import (
    FID,
    PRDC,
    Audit,
    Baseline,
    Calibration,
    Cells,
    Examples,
    Harmonized,
    LearnedFrom,
    LogRatios,
    Measurement,
    Memorization,
    Optional,
    Parzen,
    PlotData,
    PrivacyAttacks,
    QuickTable,
    RowExample,
    Wealth,
    list_versions,
)
from onehalf.evaluation.rows import EvaluationRows, concatenate, wrap
from onehalf.evaluation.samples import MOST_PAST, PastRows, Samples

__all__ = ["OPTIONAL", "check_optional", "check_rows", "compare", "compare_data"]

LISTED = 20
"""The most telling rows of each side that are listed."""

BARS = 40
"""Bars of the histogram of log ratios, on the page."""

BINS = 10
"""Bins of D in the calibration."""

POINTS = 200
"""Points of the curve of wealth."""

OPTIONAL = ("prdc", "fid", "parzen", "cells")
"""Measurements that are made if they are asked for."""

OF_FEATURES = (
    "Neighbours were sought in the features; all this holds if these were not learned from the "
    "training rows."
)
"""What is added where features were given."""


def check_optional(optional: str | Sequence[str]) -> tuple[str, ...]:
    """The names of optional measurements; refuses others."""
    names = (optional,) if isinstance(optional, str) else tuple(optional)
    for name in names:
        if name not in OPTIONAL:
            refuse("optional", expected=f"some of {', '.join(OPTIONAL)}", got=repr(name))
    return names


def compare(
    samples: Samples,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    optional: Sequence[str] = (),
    target: str | None = None,
    on_quick: Callable[[QuickTable], object] | None = None,
    known: Measurement | None = None,
) -> Measurement:
    """The whole measurement of `measure`, on encoded rows: nothing is decoded, and no kind of data is asked for.

    Args:
        samples: the rows, and how they are seen.
        alpha: the level of each bound.
        seed: settles all that is drawn.
        optional: some of `OPTIONAL`.
        target: the column of a table that models guess from the others, to see what the samples are good for.
        on_quick: is called with the quick check before critics learn.
        known: a measurement of other samples with the same data, level and seed: what it says of the data alone
            is not computed again.
    """
    start = time.perf_counter()
    check_rows("real", samples.real)
    check_rows("other", samples.other)
    encoder, columns = samples.encoder, samples.encoder.columns
    real, train = samples.real, samples.train
    if target is not None:
        check_target(columns, target, (real if train is None else train).entries())
    if "fid" in optional:
        _check_fid(samples)
    if on_quick:
        on_quick(check_quickly(samples, seed))
    paired = PairedSamples(
        seed, real, samples.other, encoder, matched=samples.matched, past=samples.past
    )
    description = encoder.describe(real, samples.other)
    audit = _audit(samples, paired, description)
    key, key_null, key_alike, key_planted = jr.split(jr.key(seed), 4)

    # samples that were made for the real rows' own labels say nothing of copies and of classes
    free = samples.independent if samples.matched else samples.other[paired.free_places]
    settled = [] if paired.past is None else [paired.past.real]
    trials = Trials(concatenate([paired.real, *settled]), len(real), alpha, encoder)
    tasks: dict[str, Callable[[], Any]] = {
        "certificate": lambda: paired.certify(key, alpha),
        "detectable": lambda: (
            known.detectable if known else find_detectable(key_planted, trials)
        ),
        "memorization": lambda: (
            None if train is None else _detect_copying(seed, train, paired, alpha, free)
        ),
        "attacks": lambda: None if train is None else _attack(seed, train, paired, alpha, free),
        "baseline": lambda: (
            known.baseline
            if known
            else compare_data(key_null, seed, real, train, alpha, encoder)
        ),
        "harmonized": lambda: (
            _compare_harmonized(key_alike, paired, alpha) if audit.format_differs else None
        ),
    }
    done = _run_side_by_side(tasks)
    certificate = done.pop("certificate")
    # what could have been missed matters where nothing was found
    if certificate.p_value > alpha:
        done["planted"] = plant_effects(jr.fold_in(key_planted, 1), trials)
    extra: dict[str, Any] = {
        name: _measure_optional(name, seed, paired, alpha) for name in optional
    }
    if target is not None:
        extra["utility"] = evaluate_utility(
            samples.independent.entries(),
            real.entries(),
            columns,
            target,
            seed,
            None if train is None else train.entries(),
        )
    described = description.real[paired.real_places], description.other[paired.free_places]
    parts = _describe_parts(paired, description)
    related = relate(description.columns, parts.learn_real, parts.learn_other)
    extended = _Parts(*map(related.extend, parts))
    log_ratios = paired.past_log_ratios(
        certificate, (len(parts.learn_real), len(parts.learn_other))
    )
    return Measurement(
        alpha=alpha,
        seed=seed,
        n_real=len(real),
        n_other=len(samples.other),
        **vars(certificate.bounds()),
        **done,
        regions=find_regions(*extended, related, alpha, log_ratio=log_ratios),
        marginals=rank_marginals(*parts, description.columns, alpha),
        examples=_find_examples(paired, certificate, samples),
        audit=audit,
        optional=Optional(**extra),
        plots=_collect_plot_data(paired, certificate),
        seconds=time.perf_counter() - start,
        left_out=samples.left_out,
        given=samples.given,
        classes=compare_classes(jr.fold_in(key, 0), paired, certificate, free, train, alpha),
        described=tuple(description.properties),
        features=real.features.shape[1],
        unlabelled=samples.unlabelled,
        learned_from=_count_learned(paired, certificate),
        upper=bound_differences(
            described[0],
            described[1][:: paired.step],
            description.columns,
            alpha,
            seed=seed,
            matched=paired.matched,
        ),
        versions=list_versions(),
    )


def check_rows(what: str, rows: EvaluationRows) -> None:
    """Refuse too few rows."""
    if len(rows) < LEAST_ROWS:
        hint = (
            "A bound above 0 takes some hundreds, unless the two lie far apart. For a check "
            "without guarantees use --quick, or oh.quick_table in Python."
        )
        refuse(what, expected=f"at least {LEAST_ROWS} rows", got=len(rows), hint=hint)


def _check_fid(samples: Samples) -> None:
    """Refuse a Fréchet distance of pixels or cells."""
    if samples.encoder.frechet_map(samples.real) is None:
        hint = "In Python, give measure() the features of a classifier: features=f."
        refuse("fid", expected="an array, or features of the rows", got="neither", hint=hint)


def _audit(samples: Samples, paired: PairedSamples, description: Description) -> Audit:
    """The audit of the rows as they came, or of all pixels as one column where properties are described."""
    real, other = samples.real.x, samples.other.x[:: paired.step]
    described = description.real, description.other[:: paired.step]
    return audit_samples(
        real,
        other,
        description.columns,
        described=described if description.properties else None,
    )


def _run_side_by_side(tasks: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """The results by name, of tasks that run in threads of their own."""
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(tasks, pool.map(lambda task: task(), tasks.values()), strict=True))


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


def _count_learned(paired: PairedSamples, certificate: Certificate) -> LearnedFrom:
    real, other = map(len, paired.past or ((), ()))
    return LearnedFrom(real=real, other=other, pairs=len(certificate.gains))


class _Parts(NamedTuple):
    """Rows of both samples to choose by, and others to judge by."""

    learn_real: np.ndarray
    learn_other: np.ndarray
    test_real: np.ndarray
    test_other: np.ndarray


def _describe_parts(paired: PairedSamples, description: Description) -> _Parts:
    """Both samples as described, to choose by and to judge by: the past chooses where it can, and else one half."""
    real, other = description.real[paired.real_places], description.other[paired.other_places]
    past = paired.past
    if past and min(map(len, past)) >= LEAST_PAST:
        settled = paired.encoder.describe(*past)
        return _Parts(settled.real, settled.other, real, other[:: paired.step])
    return _Parts(*paired.halves(real, other))


def _compare_harmonized(key: PRNGKey, paired: PairedSamples, alpha: float) -> Harmonized:
    """The bounds once both samples are written alike, by a map that is learned from rows that are not bet on."""
    learned = bets_start(len(paired.x))[0]
    alike = paired.encoder.harmonize(paired.real, paired.other, learned)
    x, y = paired.pair(alike.real, alike.other)
    certificate = certify(key, x, y, alpha, encoder=paired.encoder, matched=paired.matched)
    x, y = paired.pair(wrap(alike.real_format), wrap(alike.other_format))
    formats = certify(key, x, y, alpha, matched=paired.matched)
    return Harmonized(**vars(certificate.bounds()), format=formats.bounds())


def _find_examples(
    paired: PairedSamples, certificate: Certificate, samples: Samples
) -> Examples:
    """The most telling rows by their numbers in the user's files, with their log ratio in nats; tables with cells."""
    l_real, l_other = paired.log_ratios(*certificate.logits)
    real_places, other_places = paired.judged_places(certificate)
    chosen = most_telling(l_real, l_other, LISTED)
    columns = samples.encoder.columns

    def examples(
        name: str, rows: EvaluationRows, log_ratios: np.ndarray, places: np.ndarray
    ) -> tuple[RowExample, ...]:
        return tuple(
            RowExample(
                row=int(places[i]),
                log_ratio=float(log_ratios[i]),
                cells=columns.show_row(rows.x[places[i]]) or None,
            )
            for i in chosen[name]
        )

    return Examples(
        missing=examples("missing", samples.real, l_real, real_places),
        unexpected=examples("unexpected", samples.other, l_other, other_places),
        convincing=examples("convincing", samples.other, l_other, other_places),
    )


def _detect_copying(
    seed: int,
    train: EvaluationRows,
    paired: PairedSamples,
    alpha: float,
    samples: EvaluationRows,
) -> Memorization:
    """What was copied, by distances between entries, or between features if there are any."""
    # of both kinds of rows together: the labels that are guessed must have no part in the distances
    space = paired.encoder.distance_space(concatenate([train, paired.real]))
    rng = np.random.default_rng([seed, 3])
    result = detect_copying(rng, train, paired.real, samples, alpha, space=space)
    if train.features.shape[1]:
        return dataclasses.replace(result, sentences=(*result.sentences, OF_FEATURES))
    return result


def _attack(
    seed: int,
    train: EvaluationRows,
    paired: PairedSamples,
    alpha: float,
    samples: EvaluationRows,
) -> PrivacyAttacks | None:
    """What attackers who have the samples learn of training rows, and of held-out rows."""
    rng = np.random.default_rng([seed, 5])
    return attack(rng, train, paired.real, samples, alpha, encoder=paired.encoder)


def _measure_optional(
    name: str, seed: int, paired: PairedSamples, alpha: float
) -> PRDC | FID | Parzen | Cells:
    """An optional measurement, beside the same for data against data."""
    halves = paired.halves(paired.real, paired.other)
    if name == "parzen":
        return _measure_parzen(paired.encoder, halves)
    if name == "fid":
        return _measure_fid(paired.encoder, halves)
    rng = np.random.default_rng([seed, 4])
    encode = paired.encoder.distance_space(halves[0])
    learn_real, learn_other, test_real, test_other = map(encode, halves)
    if name == "cells":
        return count_cells(rng, learn_real, test_real, test_other, alpha)
    return compare_prdc(
        rng, np.concatenate([learn_real, test_real]), np.concatenate([learn_other, test_other])
    )


def _measure_fid(encoder: FeatureEncoder, halves: tuple[EvaluationRows, ...]) -> FID:
    """The Fréchet distance of all rows."""
    encode = encoder.frechet_map(halves[0]) or EvaluationRows.entries
    learn_real, learn_other, test_real, test_other = map(encode, halves)
    return compare_frechet(
        np.concatenate([learn_real, test_real]), np.concatenate([learn_other, test_other])
    )


def _measure_parzen(encoder: FeatureEncoder, halves: tuple[EvaluationRows, ...]) -> Parzen:
    """Kernels on samples, and on half of the learning rows."""
    space = encoder.density_space(halves[0])
    learn_real, learn_other, test_real, test_other = map(space.encode, halves)
    kernels, validation = learn_real[::2], learn_real[1::2]
    others = np.concatenate([learn_other, test_other])[: len(kernels)]
    return Parzen(
        other=log_likelihood(others, validation, test_real),
        data=log_likelihood(kernels, validation, test_real),
        unit=space.unit,
    )


def _collect_plot_data(paired: PairedSamples, certificate: Certificate) -> PlotData:
    """Log ratios in bars, D's calibration in ten bins of D, and the curve of log wealth."""
    l_real, l_other = paired.log_ratios(*certificate.logits)
    both = np.concatenate([l_real, l_other])
    low, high = np.quantile(both, [0.001, 0.999])
    edges = np.linspace(low - 1e-6, high + 1e-6, BARS + 1)
    bars = [
        np.histogram(np.clip(logits, low, high), edges)[0] / len(logits)
        for logits in (l_real, l_other)
    ]
    D, weight = (
        special.expit(both),
        np.repeat([0.5 / len(l_real), 0.5 / len(l_other)], [len(l_real), len(l_other)]),
    )
    # rows of equal D are taken from both samples in turn
    order = np.lexsort(
        (np.concatenate([np.arange(len(each)) / len(each) for each in (l_real, l_other)]), D)
    )
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if len(part)]
    is_real = np.arange(len(both)) < len(l_real)
    some = np.unique(np.linspace(0, len(certificate.wealth) - 1, POINTS).astype(int))
    return PlotData(
        log_ratio=LogRatios(
            edges=tuple(edges.tolist()),
            real=tuple(bars[0].tolist()),
            other=tuple(bars[1].tolist()),
        ),
        calibration=Calibration(
            D=tuple(float(np.average(D[part], weights=weight[part])) for part in bins),
            real=tuple(float(np.average(is_real[part], weights=weight[part])) for part in bins),
        ),
        wealth=Wealth(
            pairs=tuple((some + 1).tolist()), log_e=tuple(certificate.wealth[some].tolist())
        ),
    )
