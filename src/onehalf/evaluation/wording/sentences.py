"""What a measurement says, in plain sentences: for somebody who has never heard of a JSD.

Nothing here says that two samples are alike: a test can show a difference, and how great a difference it would have
noticed; it can't show that they are the same. What is certified is rounded down.
"""

import math
from collections.abc import Iterator

from onehalf._text import join_names
from onehalf.evaluation.result import (
    Baseline,
    Bounds,
    Harmonized,
    Measurement,
    Optional,
    UpperBounds,
)
from onehalf.evaluation.wording.classes import describe_classes
from onehalf.evaluation.wording.formats import (
    at_least,
    by_chance,
    confidence,
    digits,
    money,
    p_value,
    percent,
    points,
)
from onehalf.evaluation.wording.regions import describe_region
from onehalf.evaluation.wording.sensitivity import describe_missed

__all__ = [
    "SIDES",
    "describe",
    "describe_scores",
    "parts",
    "table",
]

SIDES = {
    "real": "the data",
    "other": "the other sample",
    "train": "the training rows",
    "free": "the other sample",
    "past": "the other sample",
}

MOST_LISTED = 3
"""Regions and findings of each kind that are listed; the rest are in the JSON."""

FID_ROWS = 10
"""Rows for each feature, below which a Fréchet distance is mostly bias."""

PARTED = 0.98
"""A region that holds so much more of the one sample than of the other is a rule that tells them apart."""


def describe(found: Measurement) -> list[str]:
    """The sentences, the most important first."""
    return [sentence for part in parts(found).values() for sentence in part]


def parts(found: Measurement) -> dict[str, list[str]]:
    """The sentences by what they are about: 'apart', 'where', 'missed', 'copying' and 'notes', in this order."""
    cells, utility = found.optional.cells, found.optional.utility
    copying, attacks = found.memorization, found.attacks
    sentence = copying.sentences if copying else ()
    # if copying was found, its headline is one of the first things to know
    first = 1 if copying and copying.shown else 0
    return {
        "apart": [*sentence[:first], *_apart(found)],
        "where": [
            *_where(found),
            *describe_classes(found),
            *(cells.sentences if cells else ()),
        ],
        "missed": list(describe_missed(found)),
        "copying": [*sentence[first:], *(attacks.sentences if attacks else ())],
        "notes": [
            *([found.overlap.sentence] if found.overlap else []),
            *([utility.sentence] if utility else []),
            *describe_scores(found.optional),
            *_findings(found, severe=False)[:MOST_LISTED],
            *_compared(found),
        ],
    }


def table(numbers: Bounds) -> dict[str, str]:
    """The numbers of a measurement, or of its baseline, as they are read in a table."""
    return {
        "JSD at least, certified (nats)": at_least(numbers.jsd_lower),
        "JSD, estimate from below (nats)": digits(numbers.jsd_estimate, numbers.jsd_se),
        "accuracy of the best classifier, at least": percent(numbers.accuracy),
        "permutation test": p_value(numbers.p_value),
        "e-value": money(numbers.log_e),
    }


def _apart(found: Measurement) -> Iterator[str]:
    severe = _findings(found, severe=True)
    rules = [
        region
        for region in found.regions
        if region.certain and abs(region.real.share - region.other.share) > PARTED
    ]
    yield from severe[:MOST_LISTED]
    if rules and not severe:
        yield f"One rule separates nearly all rows: {describe_region(rules[0])}"
    yield _distance(found)
    if found.tv_lower > 0:
        yield (
            "A classifier can tell the two apart with an accuracy of at least "
            f"{percent(found.accuracy)} (chance: 50 %), with {confidence(found.alpha)} confidence."
        )
    if found.harmonized:
        yield _alike(found.harmonized)
    if found.upper and found.upper.columns_at_most < 1:
        yield _at_most(found, found.upper)
    yield _evidence(found)
    if found.baseline:
        yield _beside(found, found.baseline)


def _distance(found: Measurement) -> str:
    """The verdict and the certificate, in bits and nats."""
    estimate = f"the estimate is {digits(found.jsd_estimate, found.jsd_se)}"
    if found.verdict.jsd_lower > 0:
        bits = at_least(found.jsd_lower / math.log(2))
        sentence = (
            f"with {confidence(found.alpha)} confidence the two differ: each row carries at least "
            f"{bits} bit about its source (maximum 1). The Jensen-Shannon divergence (0 to 0.693 "
            f"nats) is at least {at_least(found.jsd_lower)} nats; {estimate}."
        )
    else:
        below = "; a negative estimate counts as 0" if found.jsd_estimate < 0 else ""
        sentence = (
            f"{_describe_outcome(found)} (Jensen-Shannon divergence, from 0 to 0.693 nats: at least "
            f"{at_least(found.jsd_lower)}; {estimate}{below})."
        )
    sentence = f"as the numbers are given, {sentence}" if found.harmonized else sentence
    return sentence[0].upper() + sentence[1:]


def _describe_outcome(found: Measurement) -> str:
    """The outcome where no bound goes with it, beside the number that decides."""
    verdict = found.verdict
    number = (
        p_value(found.p_value)
        if verdict.test == "permutation test"
        else f"e-value {money(found.log_e)}"
    )
    if verdict.outcome == "they differ":
        return (
            f"there is evidence that the two differ ({number}), but the critics could not certify "
            "its size"
        )
    if found.jsd_lower > 0:
        return (
            f"no difference was found by the {verdict.test} ({number}), which decides, so that chance "
            f"makes a difference {by_chance(found.alpha)}; the bound alone is above 0"
        )
    return (
        f"no difference was found beyond chance ({number}), which does not show that the two are "
        "the same"
    )


def _alike(alike: Harmonized) -> str:
    estimate = digits(alike.jsd_estimate, alike.jsd_se)
    return (
        f"With the same decimals, the divergence is at least {at_least(alike.jsd_lower)} nats "
        f"(estimate {estimate}); the number format alone gives at least "
        f"{at_least(alike.format.jsd_lower)} nats."
    )


def _at_most(found: Measurement, upper: UpperBounds) -> str:
    """How far single columns are off at most."""
    what = "property of an image" if found.described else "column"
    return (
        f"No {what} is further off than {points(upper.columns_at_most)} percentage points "
        f"({confidence(found.alpha)} confidence; data against data: "
        f"{points(upper.baseline_at_most)})."
    )


def _evidence(found: Measurement) -> str:
    refuted = "refuted" if found.p_value <= found.alpha else "not refuted"
    return (
        f"{found.n_real:,} rows of data were compared with {found.n_other:,} of the other sample, "
        "assuming independent draws. The hypothesis that both have one distribution is "
        f"{refuted} at level {found.alpha:g} ({p_value(found.p_value)}). E-value against it: "
        f"{money(found.log_e)}; by chance it is {1 / found.alpha:.3g} or more {by_chance(found.alpha)}."
    )


def _beside(found: Measurement, null: Baseline) -> str:
    """Data against data. Halves are drawn at random, so that no order or drift could make them differ."""
    trained = found.memorization is not None
    against = (
        "the data against the training rows"
        if trained
        else "half of the data against the other half"
    )
    sentence = (
        f"For comparison, {against} ({null.n_real:,} rows against {null.n_other:,}): at least "
        f"{at_least(null.jsd_lower)} nats, estimate {digits(null.jsd_estimate, null.jsd_se)}, "
        f"{p_value(null.p_value)}, e-value {money(null.log_e)}."
    )
    if null.jsd_lower <= 0 and null.p_value > found.alpha:
        return sentence
    luck = by_chance(found.alpha, ways=2)
    if trained:
        return (
            f"{sentence} Chance makes such a difference {luck}. Otherwise the data and the training "
            "rows have different distributions (another time, drift, repeated rows), and the "
            "results on the other sample and on copying are in doubt."
        )
    return f"{sentence} The halves were drawn at random, so this is chance, {luck}; another seed draws others."


def _where(found: Measurement) -> Iterator[str]:
    certain, said = (
        [region for region in found.regions if region.certain],
        found.described,
    )
    if certain:
        at_once = f"{confidence(found.alpha)} confidence for all of them together"
        yield f"Where they differ, with the confidence interval of each share in brackets ({at_once}):"
        yield from (f"  {describe_region(region)}" for region in certain[:MOST_LISTED])
    elif found.jsd_lower > 0:
        what = (
            f"the {join_names(said, most=None)} of a image"
            if said
            else "one, two or three columns"
        )
        yield f"The difference could not be narrowed down to a rule about {what}."
    yield from _describe_marginals(found)


def _describe_marginals(found: Measurement) -> Iterator[str]:
    """Say what the best column and the best pair show alone, and all columns if they show more than the critics."""
    said, certified = found.described, found.jsd_lower
    parts = [
        step for step in found.marginals if said or len(step.columns) < len(found.audit.columns)
    ]
    if parts and max(certified, *(step.jsd_lower for step in parts)) > 0:
        shown = [
            f"{' and '.join(step.columns)}, alone shows "
            + (
                f"at least {at_least(step.jsd_lower)} nats"
                if step.jsd_lower > 0
                else "nothing for certain"
            )
            for step in parts
        ]
        pair = f"; the most telling pair, {shown[1]}" if len(shown) > 1 else ""
        what = "property of an image" if said else "column"
        yield f"The most telling {what}, {shown[0]}{pair}."
    for step in found.marginals[len(parts) :]:
        if step.jsd_lower > certified:
            yield (
                f"A histogram of {' and '.join(step.columns)} certifies more than the critics do: "
                f"at least {at_least(step.jsd_lower)} nats."
            )


def describe_scores(optional: Optional) -> Iterator[str]:
    """Well-known numbers that were asked for, beside those of data against data."""
    if prdc := optional.prdc:
        pairs = [
            f"{name} {value:.3f} ({vars(prdc.data)[name]:.3f})"
            for name, value in vars(prdc.other).items()
        ]
        yield (
            f"With {prdc.n:,} rows of each, and in brackets the same for data against data: "
            f"{', '.join(pairs)}. These numbers have no guarantee."
        )
    if fid := optional.fid:
        few = (
            " These are too few rows for that many features."
            if fid.n_real <= FID_ROWS * fid.n_features
            else ""
        )
        yield (
            f"Fréchet distance (FID) {fid.value:.4g}, of {fid.n_real:,} rows of data and {fid.n_other:,} samples "
            f"with {fid.n_features:,} features. The fewer the rows, the greater it is: with {fid.n:,} of each it is "
            f"{fid.other:.4g}, and {fid.data:.4g} for data against data.{few}"
        )
    if parzen := optional.parzen:
        yield (
            f"Parzen log-likelihood {parzen.other.log_likelihood:.4g} ± {parzen.other.se:.2g} nats; of data "
            f"{parzen.data.log_likelihood:.4g} ± {parzen.data.se:.2g} ({parzen.unit})."
        )


def _compared(found: Measurement) -> Iterator[str]:
    """What of a row of a table was compared, and what critics learned from."""
    if found.streamed:
        yield found.streamed.sentence
    if (learned := found.learned_from) and learned.real:
        samples = f" and {learned.other:,} samples" if learned.other else ""
        yield (
            f"Critics learned from {learned.real:,} training rows{samples} before they bet on "
            f"{learned.pairs:,} pairs of a test row and other samples."
        )
    if given := found.given:
        yield (
            f"Each row of data was compared with samples generated for its own {join_names(given, most=None)}: "
            "only the rest of the row is compared."
        )
    if lacking := found.unlabelled:
        named = join_names([SIDES[side] for side in lacking], most=None)
        verb = "has" if lacking == ("other",) else "have"
        yield f"Labels were not compared, because {named} {verb} none."
    if n := found.features:
        yield f"Critics saw {n:,} feature{'s' * (n > 1)} of each row beside the row itself."
    if left_out := found.left_out:
        yield f"IDs, personal data and free text can't be compared and are left out: {join_names(left_out, most=None)}."


def _findings(found: Measurement, *, severe: bool) -> list[str]:
    return [finding.sentence for finding in found.audit.findings if finding.severe == severe]
