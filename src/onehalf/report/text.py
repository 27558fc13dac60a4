"""What a fit came to: a summary of a dozen lines, and all of it in sentences."""

import math
import shlex
from collections.abc import Sequence

from onehalf._text import format_duration, join_names, percent
from onehalf.evaluation import wording
from onehalf.evaluation.result import Measurement
from onehalf.evaluation.wording import Heading, Paragraph, Summary, digits, parts
from onehalf.fitting import Fit
from onehalf.report.summary import FitSummary, SeedsSummary, SeedSummary, summarize
from onehalf.theory.ground_truth import GroundTruth

__all__ = [
    "TIE",
    "describe_fit",
    "describe_size",
    "fit_notes",
    "fit_sentences",
    "leading_sentences",
    "privacy_notes",
    "summarize_fit",
]

TIE = -math.log(4)
"""V where D = 1/2 everywhere, in nats."""

MORE = "in the report"
"""Where the notes are that have no room in a summary."""


def summarize_fit(summary: FitSummary, name: str, folder: str, suffix: str) -> Summary:
    """Select what is read first of a fit: at most a dozen lines.

    Args:
        summary: What the fit came to.
        name: What the data are called.
        folder: The run's.
        suffix: The ending of a file of samples.
    """
    run = shlex.quote(folder)
    sample = f"onehalf sample {run} -n {summary.n_rows or 1000} -o samples{suffix}"
    step = f"{sample}    open {run}/report.html"
    following = [
        *(
            Paragraph("Personal", note, rank=2, style="strong")
            for note in privacy_notes(summary)
        ),
        *(
            [Paragraph("Corrected", summary.refinement.short, rank=2)]
            if summary.refinement
            else []
        ),
        Paragraph("Next", step, rank=3, most=3, least=3),
    ]
    heading = _make_heading(summary, name)
    if summary.certificate is None:
        reason = Paragraph("Distance", _introduce_certificate(summary), rank=0, most=4)
        notes = wording.show_notes(fit_notes(summary), MORE)
        return Summary(heading, [], [reason, *notes, *following])
    truth = summary.truth
    return wording.summarize(
        summary.certificate,
        heading,
        called="samples",
        truth=f"true (in cells) {truth.jsd:.4f}" if truth else "",
        more=MORE,
        notes=fit_notes(summary),
        following=following,
    )


def privacy_notes(summary: FitSummary) -> list[str]:
    """Say which columns of personal data were learned, as the person asked."""
    if not summary.kept_personal:
        return []
    kept = join_names(summary.kept_personal, most=None)
    return [f"Kept as you asked: {kept}. Samples repeat values of people in the data."]


def fit_notes(summary: FitSummary) -> list[str]:
    """What a person must know of the fit before using its samples or its certificate."""
    notes = []
    if summary.collapse:
        notes.append(f"Samples have collapsed: {summary.collapse}.")
    if summary.rates_lowered:
        notes.append(f"Rates were lowered: {summary.rates_lowered}.")
    if summary.certificate is not None and summary.measured_at:
        reuse = _describe_reuse(summary.measured_at, summary.certificate.alpha)
        notes.append(reuse.rstrip())
    return notes


def _make_heading(summary: FitSummary, name: str) -> Heading:
    """The data, and the time that was needed."""
    return Heading(f"{name}   {_count_rows(summary)}", _describe_times(summary))


def describe_size(summary: FitSummary) -> str:
    """The rows and columns of the data, and the time that training and the certificate took."""
    return f"{_count_rows(summary)}; {_describe_times(summary)}"


def _describe_times(summary: FitSummary) -> str:
    """The time that training and the certificate took."""
    text = f"trained {format_duration(summary.seconds_training)}"
    if summary.was_asked:
        text += f", evaluated {format_duration(summary.seconds_evaluation)}"
    return text


def _count_rows(summary: FitSummary) -> str:
    """The rows and columns of the data."""
    rows = f"{summary.n_rows:,} rows, " if summary.n_rows else ""
    return f"{rows}{_count_columns(summary)}"


def _count_columns(summary: FitSummary) -> str:
    """The columns in use, of all; of an image, its height and width."""
    if len(summary.row_shape) > 1:
        return f"{' x '.join(map(str, summary.row_shape[:2]))} pixels"
    n = summary.n_columns
    if summary.left_out:
        return f"{n - len(summary.left_out)} of {n} columns"
    return f"{n} column{'s' * (n != 1)}"


def describe_fit(fit: Fit, truth: GroundTruth | None = None) -> list[str]:
    """Describe a fit in plain sentences, the most important first after two about the run."""
    summary = summarize(fit, truth)
    certificate = summary.certificate
    return fit_sentences(summary, certificate.sentences if certificate else [])


def leading_sentences(measurement: Measurement) -> list[str]:
    """Select the sentences of a measurement that are read first.

    The page has the others further down.
    """
    said = parts(measurement)
    return [*said["apart"], *said["where"], *said["missed"], *said["copying"][:1]]


def fit_sentences(summary: FitSummary, certified: Sequence[str]) -> list[str]:
    """Put these sentences of a certificate into those about the run, the truth, the seeds, and V."""
    sentences = [
        _describe_training(summary),
        *summary.players.sentences,
        *(summary.refinement.sentences if summary.refinement else []),
        _introduce_certificate(summary),
        *certified,
    ]
    if summary.truth:
        sentences.append(_describe_truth(summary.truth))
    sentences += _describe_seeds(summary.seeds, keeps_last=summary.keeps_last)
    if summary.V is not None:
        sentences.append(
            f"V ended at {summary.V:.3f}. Being near -log 4 = {TIE:.3f} is no evidence of convergence: "
            "a discriminator that has learned nothing gives -log 4 as well."
        )
    return sentences


def _describe_training(summary: FitSummary) -> str:
    """Say how many rounds were trained, why no more of them, and how long all of it took."""
    duration = format_duration(summary.seconds_training)
    planned = f"{summary.rounds_planned:,} round{'s' * (summary.rounds_planned != 1)}"
    if summary.rounds == summary.rounds_planned:
        trained = f"Trained {planned} in {duration}"
    else:
        reason = summary.stopped_because
        trained = f"Trained {summary.rounds:,} of {planned} in {duration} ({reason})"
    evaluated = format_duration(summary.seconds_evaluation)
    evaluated = f"; evaluated in {evaluated}" if summary.was_asked else ""
    return f"{trained}{evaluated}; {format_duration(summary.seconds_total)} in all."


def _introduce_certificate(summary: FitSummary) -> str:
    """Say what the certificate compares, or why there is no certificate."""
    if not summary.was_asked:
        return (
            "The fit was asked to leave evaluation out: the distance between samples and data is unknown, and the "
            "test rows have not been used."
        )
    if not summary.is_evaluated:
        return (
            "The test rows have not been used yet: the certificate is made at the end of a run."
        )
    if summary.certificate is None:
        return (
            "There is no certificate, so the distance between samples and data is unknown: it takes 20 test rows "
            "(about 130 rows in all), and samples that are finite numbers."
        )
    again = _describe_reuse(summary.measured_at, summary.certificate.alpha)
    return (
        f"{again}The certificate compares {summary.certificate.n_real:,} test rows, which were not used for training, "
        f'with {summary.certificate.n_other:,} samples. Below, the test rows are "the data", and the samples are '
        '"the other sample".'
    )


def _describe_reuse(measured_at: Sequence[int], alpha: float) -> str:
    """Say that an extended fit uses test rows again, and what its certificates hold for together; '' the first time."""
    if not measured_at:
        return ""
    rounds = join_names([f"{t:,}" for t in measured_at], most=None)
    first = alpha * 2 ** len(measured_at)
    together = percent(1 - 2 * first, 0)
    return (
        f"The test rows were used before, at round {rounds}, and the fit was extended since. So this certificate is at "
        f"level {alpha:g} instead of {first:g}: all certificates of this fit hold together with {together} confidence, "
        "if what they said did not decide how many rounds were added. "
    )


def _describe_truth(truth: GroundTruth) -> str:
    """How far p_g is from a density that is known, as far as cells show it."""
    return (
        f"The density of these data is known, so the true distance can be estimated, cell by cell, from {truth.n:,} "
        f"samples: JSD(p_data, p_g) = {digits(truth.jsd, truth.jsd_se)} nats, and "
        f"C(G) = -log 4 + 2 JSD = {truth.C:.4f} nats. In cells twice as wide, "
        f"JSD = {digits(truth.jsd_wide, truth.jsd_se)} nats; smaller cells would show more."
    )


def _describe_seeds(seeds: SeedsSummary, *, keeps_last: bool = False) -> list[str]:
    """Which seed the samples come from, and how far the seeds lie apart."""
    best = seeds.best
    if best.jsd_estimate is None:
        return []
    source = f"The samples come from round {best.t:,} of seed {best.seed}"
    estimate = f"{digits(best.jsd_estimate, best.jsd_se)} nats"
    if not best.has_estimate:
        reason = (
            "evaluations on validation data gave no number, because there were too few rows or "
            "critics learned nothing"
        )
    elif keeps_last:
        reason = f"this recipe keeps the last G (estimate on validation data: {estimate})"
    else:
        reason = f"{_describe_choice(best)} ({estimate})"
    if len(seeds.each) == 1:
        return [f"{source}: {reason}. With a single seed, the effect of chance is unknown."]
    values = sorted(each.jsd_estimate for each in seeds.each if each.jsd_estimate is not None)
    which = "last" if keeps_last else "kept"
    return [
        f"{source}: {reason}. Over {len(seeds.each)} seeds the {which} estimates range from {digits(values[0])} to "
        f"{digits(values[-1])}, a spread of {digits(values[-1] - values[0])} nats due to chance. "
        f"Estimates of {seeds.near} other {'seed' if seeds.near == 1 else 'seeds'} are within one standard error of "
        "that of the chosen one."
    ]


def _describe_choice(best: SeedSummary) -> str:
    """Say why the G of this round was kept."""
    lowest = best.lowest
    if lowest is None or lowest.t == best.t:
        return "it had the lowest estimate on validation data"
    return (
        "the latest one whose estimate on validation data is within one standard error of the lowest, "
        f"{digits(lowest.estimate, lowest.se)} at round {lowest.t:,}"
    )
