"""Two samples, measured: audited, bet on, explained, and set beside what data against data gives."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.random as jr
import numpy as np

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.certificate import (
    LEAST_PAST,
    LEAST_ROWS,
    Certificate,
    bets_start,
    certify,
)
from onehalf.evaluation.certificate.streamed import certify_streams
from onehalf.evaluation.checks.attacks import attack
from onehalf.evaluation.checks.audit import audit_samples
from onehalf.evaluation.checks.memorization import detect_copying
from onehalf.evaluation.checks.optional import check_fid, measure_optional
from onehalf.evaluation.checks.quick import check_quickly
from onehalf.evaluation.checks.sensitivity import find_detectable, plant_effects
from onehalf.evaluation.checks.upper_bounds import bound_differences
from onehalf.evaluation.checks.utility import check_target, evaluate_utility
from onehalf.evaluation.data_findings import (
    DataFindings,
    choose_trials,
    compare_data,
    run_side_by_side,
    split_key,
)
from onehalf.evaluation.explain.examples import find_examples
from onehalf.evaluation.explain.marginals import rank_marginals
from onehalf.evaluation.explain.per_class import compare_classes
from onehalf.evaluation.explain.plot_data import collect_plot_data
from onehalf.evaluation.explain.regions import find_regions
from onehalf.evaluation.explain.relations import relate
from onehalf.evaluation.features.base import Description
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.result import (
    Audit,
    Examples,
    Harmonized,
    LearnedFrom,
    Measurement,
    Memorization,
    Optional,
    PrivacyAttacks,
    QuickTable,
    Streamed,
    list_versions,
)
from onehalf.evaluation.rows import EvaluationRows, concatenate, wrap
from onehalf.evaluation.samples import Samples, Streams

__all__ = ["check_rows", "compare"]

OF_FEATURES = (
    "Neighbours were sought in the features; all this holds if these were not learned from the "
    "training rows."
)
"""What is added where features were given."""


def compare(
    samples: Samples,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    optional: Sequence[str] = (),
    target: str | None = None,
    on_quick: Callable[[QuickTable], object] | None = None,
    known: DataFindings | None = None,
) -> Measurement:
    """The whole measurement of `measure`, on encoded rows: nothing is decoded, and no kind of data is asked for.

    Args:
        samples: the rows, and how they are seen.
        alpha: the level of each bound.
        seed: settles all that is drawn.
        optional: some of `OPTIONAL`.
        target: the column of a table that models guess from the others, to see what the samples are good for.
        on_quick: is called with the quick check before critics learn.
        known: what was found of the data alone, at the same level and seed, and is not computed again.
    """
    start = time.perf_counter()
    check_rows("real", samples.real)
    check_rows("other", samples.other)
    encoder, columns = samples.encoder, samples.encoder.columns
    real, train, streams = samples.real, samples.train, samples.streams
    if target is not None:
        check_target(columns, target, (real if train is None else train).entries())
    if "fid" in optional:
        check_fid(samples.encoder, samples.real)
    quick = check_quickly(samples, seed) if on_quick else None
    if on_quick and quick:
        on_quick(quick)
    paired = PairedSamples(
        seed, real, samples.other, encoder, matched=samples.matched, past=samples.past
    )
    description = encoder.describe(real, samples.other)
    audit = _audit(samples, paired, description)
    keys = split_key(seed)

    # samples that were made for the real rows' own labels say nothing of copies and of classes
    free = samples.independent if samples.matched else samples.other[paired.free_places]
    trials = choose_trials(paired, alpha)
    tasks: dict[str, Callable[[], Any]] = {
        "certificate": lambda: _certify(keys.bets, paired, samples, alpha),
        "detectable": lambda: (
            known.detectable
            if known and known.detectable and known.detectable.rows == trials.size
            else find_detectable(keys.planted, trials)
        ),
        "memorization": lambda: (
            None if train is None else _detect_copying(seed, train, paired, alpha, free)
        ),
        "attacks": lambda: None if train is None else _attack(seed, train, paired, alpha, free),
        "baseline": lambda: (
            known.baseline
            if known
            else compare_data(keys.null, seed, real, train, alpha, encoder)
        ),
        "harmonized": lambda: (
            _compare_harmonized(keys.alike, paired, alpha) if audit.format_differs else None
        ),
    }
    done = run_side_by_side(tasks)
    certificate = done.pop("certificate")
    # what could have been missed matters where nothing was found
    if certificate.p_value > alpha:
        done["planted"] = plant_effects(jr.fold_in(keys.planted, 1), trials)
    extra: dict[str, Any] = {
        name: measure_optional(name, seed, paired, alpha) for name in optional
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
        n_real=streams.real.n if streams else len(real),
        n_other=streams.other.n if streams else len(samples.other),
        **vars(certificate.bounds()),
        **done,
        regions=find_regions(*extended, related, alpha, log_ratio=log_ratios),
        marginals=rank_marginals(*parts, description.columns, alpha),
        examples=_find_examples(paired, certificate, samples),
        audit=audit,
        optional=Optional(**extra),
        plots=collect_plot_data(paired, certificate),
        seconds=time.perf_counter() - start,
        left_out=samples.left_out,
        given=samples.given,
        classes=compare_classes(
            jr.fold_in(keys.bets, 0), paired, certificate, free, train, alpha
        ),
        described=tuple(description.properties),
        features=real.features.shape[1],
        unlabelled=samples.unlabelled,
        learned_from=_count_learned(paired, certificate),
        streamed=streams and _describe_streams(streams, samples, certificate),
        upper=bound_differences(
            described[0],
            described[1][:: paired.step],
            description.columns,
            alpha,
            seed=seed,
            matched=paired.matched,
        ),
        versions=list_versions(),
        quick=quick,
    )


def check_rows(what: str, rows: EvaluationRows) -> None:
    """Refuse too few rows."""
    if len(rows) < LEAST_ROWS:
        hint = (
            "A bound above 0 takes some hundreds, unless the two lie far apart. For a check "
            "without guarantees use --quick, or oh.quick_table in Python."
        )
        refuse(what, expected=f"at least {LEAST_ROWS} rows", got=len(rows), hint=hint)


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


def _count_learned(paired: PairedSamples, certificate: Certificate) -> LearnedFrom:
    real, other = map(len, paired.past or ((), ()))
    pairs = len(certificate.gains) * certificate.together
    return LearnedFrom(real=real, other=other, pairs=pairs)


def _certify(
    key: PRNGKey, paired: PairedSamples, samples: Samples, alpha: float
) -> Certificate:
    """The certificate of all rows: those in memory, or also those that have to be read."""
    streams = samples.streams
    if streams is None or not _are_bet_on(samples):
        return paired.certify(key, alpha)
    sides = paired.by_role(streams.real, streams.other)
    return certify_streams(key, paired.x, paired.y, sides, alpha, encoder=paired.encoder)


def _are_bet_on(samples: Samples) -> bool:
    """Whether both sides have rows that were not drawn."""
    streams = samples.streams
    return (
        streams is not None
        and streams.real.n > len(samples.real)
        and streams.other.n > len(samples.other)
    )


def _find_examples(
    paired: PairedSamples, certificate: Certificate, samples: Samples
) -> Examples:
    """The most telling rows, by their numbers in the files."""
    found = find_examples(paired, certificate, samples)
    if samples.streams is None:
        return found
    real, other = samples.streams.real.numbers, samples.streams.other.numbers
    sides = {"missing": real, "unexpected": other, "convincing": other}
    renumbered = {
        name: tuple(
            dataclasses.replace(example, row=int(numbers[example.row]))
            for example in getattr(found, name)
        )
        for name, numbers in sides.items()
    }
    return Examples(**renumbered)


def _describe_streams(streams: Streams, samples: Samples, certificate: Certificate) -> Streamed:
    """Count which rows had which part."""
    return Streamed(
        drawn_real=len(samples.real),
        drawn_other=len(samples.other),
        learned=certificate.starts[-1],
        bet=len(certificate.gains) * certificate.together,
        together=certificate.together,
        batch_size=streams.batch_size,
    )


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
