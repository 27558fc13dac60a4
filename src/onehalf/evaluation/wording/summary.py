"""The first screen of a measurement: how far, how private, how useful, what differs most, what was noticed."""

import math
from collections.abc import Iterator, Sequence

from onehalf._text import join_names
from onehalf.evaluation.result import Harmonized, Measurement, Memorization, Region, Utility
from onehalf.evaluation.wording.formats import (
    at_least,
    by_chance,
    digits,
    money,
    p_value,
    percent,
    points,
)
from onehalf.evaluation.wording.layout import Heading, Paragraph, Summary, TableRow
from onehalf.evaluation.wording.sensitivity import describe_planted

__all__ = ["evidence_of_copying", "find_notes", "show_notes", "show_score", "summarize"]

MOST_DIGITS = 4
"""Digits after the point of an estimate that fit into a column of the table."""


def summarize(
    found: Measurement,
    heading: Heading | None = None,
    *,
    called: str = "other",
    truth: str = "",
    more: str = "in .sentences",
    notes: Sequence[str] = (),
    following: Sequence[Paragraph] = (),
) -> Summary:
    """Select what is read first of a measurement: at most a dozen lines.

    Args:
        found: The measurement.
        heading: The first line; None gives the numbers of rows.
        called: What the other sample is called.
        truth: The true distance, in words, where it is known.
        more: Where the notes are that have no room.
        notes: Further notes, which come first.
        following: Paragraphs after the others.
    """
    rows = f"{found.n_real:,} rows of data, {found.n_other:,} of the other sample"
    verdict = found.verdict
    paragraphs = [
        Paragraph("Verdict", verdict.sentence, rank=0, style=verdict.outcome, least=2),
        *_where(found, called),
        *_power(found),
        *show_notes([*notes, *find_notes(found)], more),
        *following,
    ]
    table = [
        TableRow("", "", f"{called} v data", "data v data"),
        *_distance(found, truth),
        *_copying(found),
        *_utility(found.optional.utility),
    ]
    return Summary(heading or Heading(rows), table, paragraphs)


def find_notes(found: Measurement) -> list[str]:
    """What a person must know before any of the numbers is used, the most severe first."""
    severe = [finding.sentence for finding in found.audit.findings if finding.severe]
    overlap = [found.overlap.sentence] if found.overlap else []
    return [*_doubt(found), *overlap, *_formats(found.harmonized), *severe, *_omissions(found)]


def _distance(found: Measurement, truth: str) -> Iterator[TableRow]:
    """The certified bounds and the estimate, each beside the same for data against data."""
    null = found.baseline
    missing = "too few rows"
    yield TableRow(
        "Distance (JSD)",
        "at least",
        at_least(found.jsd_lower),
        at_least(null.jsd_lower) if null else missing,
        "nats, from 0 to 0.693",
    )
    yield TableRow(
        "",
        "estimate",
        digits(found.jsd_estimate, found.jsd_se, MOST_DIGITS),
        digits(null.jsd_estimate, null.jsd_se, MOST_DIGITS) if null else missing,
        truth,
    )
    yield TableRow(
        "Classifier",
        "at least",
        percent(found.accuracy),
        percent(null.accuracy) if null else missing,
        "right; chance: 50 %",
    )
    if (upper := found.upper) and upper.columns_at_most < 1:
        yield TableRow(
            "Columns",
            "at most",
            f"{points(upper.columns_at_most)} points",
            f"{points(upper.baseline_at_most)} points",
            "off, whichever column",
        )


def _copying(found: Measurement) -> Iterator[TableRow]:
    """Whether copies of training rows were found."""
    copying = found.memorization
    if copying is None:
        yield TableRow("Copying", "", "not tested", "", "needs training rows")
        return
    sign = "found" if copying.shown else "no sign"
    evidence = f"{sign} ({evidence_of_copying(copying, found.alpha)})"
    yield TableRow("Copying", "", evidence, "", "no privacy guarantee")


def evidence_of_copying(copying: Memorization, alpha: float) -> str:
    """The number that shows copying, if any does; else the p-value."""
    if copying.shown and copying.p_value > alpha:
        return f"e-value {money(copying.log_e)}"
    return p_value(copying.p_value)


def _utility(utility: Utility | None) -> Iterator[TableRow]:
    """The score of a model trained on samples, and of one trained on data; both are tested on data."""
    if utility is None:
        return
    score = "accuracy" if utility.kind == "classes" else "error"
    samples, data, constant = (
        show_score(utility, side) for side in ("samples", "data", "constant")
    )
    yield TableRow(
        f"Useful for {utility.target}", "", samples, data, f"{score}; guess {constant}"
    )


def show_score(utility: Utility, side: str) -> str:
    """The accuracy of the model trained on a side, or its mean absolute error."""
    if utility.kind == "classes":
        return f"{100 * utility.scores[side]['accuracy']:.1f} %"
    return f"{utility.scores[side]['error']:,.4g}"


def _where(found: Measurement, called: str) -> Iterator[Paragraph]:
    """The first region that is certain, or else the column that shows most; only if they differ at all."""
    if found.verdict.outcome != "they differ":
        return
    certain = [region for region in found.regions if region.certain]
    if certain:
        text = _describe_region(certain[0], called)
    elif found.marginals and (step := found.marginals[0]).jsd_lower > 0:
        text = f"{step.columns[0]} alone: at least {at_least(step.jsd_lower)} nats"
    else:
        text = "not narrowed down to one, two or three " + (
            "properties of an image" if found.described else "columns"
        )
    yield Paragraph("Where", text, rank=1)


def _describe_region(region: Region, called: str) -> str:
    """The two shares, and the rule; the shares first, since a long rule is cut."""
    other = "the other" if called == "other" else called
    shares = f"{_share(region.real.share)} of data, {_share(region.other.share)} of {other}"
    return f"{shares}: {region.rule}"


def _power(found: Measurement) -> Iterator[Paragraph]:
    """What is noticed, where the verdict does not say it."""
    limit = found.detectable
    if found.verdict.outcome != "they differ":
        noticed = [each for each in found.planted if each.is_noticed]
        if noticed:
            what = join_names([describe_planted(each) for each in noticed], most=None)
            often = min(each.noticed for each in noticed)
            text = f"noticed in at least {often} of {noticed[0].trials} trials: {what}"
            yield Paragraph("Power", text, rank=4)
        return
    if limit is None:
        text = "even the loss of a third of the rows can go unnoticed"
    else:
        text = (
            f"the loss of {100 * limit.mass:g} % of the rows is noticed in {limit.noticed} of "
            f"{limit.trials} trials"
        )
    yield Paragraph("Power", text, rank=4)


def show_notes(notes: Sequence[str], more: str) -> Iterator[Paragraph]:
    """The most severe note, and how many there are besides."""
    if notes:
        rest = f" (and {len(notes) - 1} more {more})" if len(notes) > 1 else ""
        yield Paragraph("Note", notes[0] + rest, rank=2, style="strong")


def _doubt(found: Measurement) -> Iterator[str]:
    """Whether data against data differ, by the test of the verdict."""
    null = found.baseline
    if null is None or null.p_value > found.alpha:
        return
    if found.memorization is None:
        yield (
            f"Two halves of the data differ ({p_value(null.p_value)}): chance, "
            f"{by_chance(found.alpha)}; another seed draws others."
        )
    else:
        yield (
            f"The data differ from the training rows ({p_value(null.p_value)}), so that all results "
            "are in doubt."
        )


def _formats(alike: Harmonized | None) -> Iterator[str]:
    """What is left of the difference once both samples are written alike."""
    if alike:
        estimate = digits(alike.jsd_estimate, alike.jsd_se)
        yield (
            "The number format differs; with the same decimals: at least "
            f"{at_least(alike.jsd_lower)} nats, estimate {estimate}."
        )


def _omissions(found: Measurement) -> Iterator[str]:
    """What was not compared."""
    if found.left_out:
        yield f"Not compared, because they are IDs, personal data or free text: {', '.join(found.left_out)}."
    if found.unlabelled:
        yield "Labels were not compared: not all sides have some."


def _share(share: float) -> str:
    """A share in percent, with a digit that is not 0.

    >>> _share(0.0), _share(0.001), _share(0.00042), _share(0.5)
    ('0 %', '0.1 %', '0.04 %', '50.0 %')
    """
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    fine = max(1, -math.floor(math.log10(100 * share)))
    return f"{100 * share:.{fine}f} %"
