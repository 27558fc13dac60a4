"""The first screen of a page: the verdict, four numbers that matter, and where two samples differ."""

from collections.abc import Sequence

from onehalf.evaluation.result import Measurement, Memorization, Region, Share, Utility
from onehalf.evaluation.wording import (
    at_least,
    confidence,
    digits,
    evidence_of_copying,
    find_notes,
    show_score,
)
from onehalf.sections.base import (
    Banner,
    Bars,
    Block,
    Note,
    Section,
    ShareBar,
    SharePair,
    Tile,
    Tiles,
)

__all__ = ["first_screen"]

MOST_PAIRS = 5
"""Regions that are drawn as pairs of bars, at most."""

BARS_CAPTION = (
    "The share of the rows for which each rule holds: of the data (blue), and of the {called} "
    "(orange). The thin line is the range of a share; all ranges hold at once with {confidence} "
    "confidence. The longest line is {most:.3g} % of the rows. How to read it: where the blue bar is "
    "longer, such rows are too rare in the {called}; where the orange bar is longer, too frequent."
)

NO_REGION = "The difference could not be narrowed down to a rule about one to three {what}."


def first_screen(
    measurement: Measurement, called: str, about: str = "", notes: Sequence[str] = ()
) -> Section:
    """Put what is read first into one section.

    Args:
        measurement: The measurement.
        called: What the other sample is called.
        about: What was compared, in words.
        notes: What a reader must know besides; it comes first.
    """
    verdict = measurement.verdict
    compared = f"{measurement.n_real:,} rows of data, {measurement.n_other:,} of the {called}"
    streamed = [measurement.streamed.sentence] if measurement.streamed else []
    notes = [*notes, *find_notes(measurement), *streamed]
    banner = Banner(verdict.outcome, verdict.sentence, about or compared, notes)
    return Section(
        "", [banner, Tiles(_make_tiles(measurement)), *_draw_regions(measurement, called)]
    )


def _make_tiles(measurement: Measurement) -> list[Tile]:
    """Distance, copying, power and use."""
    return [
        _show_distance(measurement),
        _show_copying(measurement.memorization, measurement.alpha),
        _show_power(measurement),
        _show_use(measurement.optional.utility),
    ]


def _show_distance(measurement: Measurement) -> Tile:
    """The certified distance, beside the estimate and the baseline."""
    null = measurement.baseline
    against = f" Data against data: at least {at_least(null.jsd_lower)}." if null else ""
    estimate = digits(measurement.jsd_estimate, measurement.jsd_se)
    text = f"Jensen-Shannon divergence, from 0 to 0.693. Estimate {estimate}.{against}"
    return Tile("Distance", f"≥ {at_least(measurement.jsd_lower)}", "nats", text)


def _show_copying(copying: Memorization | None, alpha: float) -> Tile:
    """Whether samples lie nearer to training rows than chance explains."""
    if copying is None:
        return Tile("Copying", "not tested", "", "It takes the rows that were trained on.")
    value = "found" if copying.shown else "no sign"
    text = (
        f"{copying.n_pairs:,} training rows were compared with as many held-out rows. "
        "This is not a privacy guarantee."
    )
    return Tile("Copying", value, evidence_of_copying(copying, alpha), text)


def _show_power(measurement: Measurement) -> Tile:
    """The smallest group whose loss is noticed."""
    limit = measurement.detectable
    if limit is None:
        text = "In trials, even the loss of a third of the rows went unnoticed more than one time in ten."
        return Tile("Power", "low", "", text)
    text = (
        f"The loss of a group this large was noticed in {limit.noticed} of {limit.trials} trials on "
        f"these data. Smaller groups can go unnoticed."
    )
    return Tile("Power", f"{100 * limit.mass:g} %", "of the rows", text)


def _show_use(utility: Utility | None) -> Tile:
    """The score of a model trained on samples, beside that of one trained on data."""
    if utility is None:
        text = "For tables, onehalf measure --target COLUMN tests a model that learned from samples."
        return Tile("Use", "not tested", "", text)
    score = "accuracy" if utility.kind == "classes" else "error"
    samples, data, constant = (
        show_score(utility, side) for side in ("samples", "data", "constant")
    )
    text = (
        f"A model trained on samples predicts {utility.target} in data. Trained on data: {data}; "
        f"constant guess: {constant}."
    )
    return Tile("Use", samples, score, text)


def _draw_regions(measurement: Measurement, called: str) -> list[Block]:
    """Draw the certain regions as pairs of bars, if the verdict is that the two differ."""
    if measurement.verdict.outcome != "they differ":
        return []
    shown = [region for region in measurement.regions if region.certain][:MOST_PAIRS]
    if not shown:
        what = "properties of an image" if measurement.described else "columns"
        return [Note(NO_REGION.format(what=what))]
    most = max(share.high for region in shown for share in (region.real, region.other))
    caption = BARS_CAPTION.format(
        called=called, confidence=confidence(measurement.alpha), most=100 * most
    )
    pairs = _pair_bars(shown, called, most)
    return [Bars("Where they differ", pairs, caption)]


def _pair_bars(regions: Sequence[Region], called: str, most: float) -> list[SharePair]:
    """A bar for each share, as long as the share is of the largest one."""

    def bar(share: Share, name: str, *, is_data: bool) -> ShareBar:
        length, low, high = (
            round(100 * value / most, 2) for value in (share.share, share.low, share.high)
        )
        text = f"{100 * share.share:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f} %)"
        return ShareBar(name, "data" if is_data else "samples", length, low, high, text)

    return [
        SharePair(
            region.rule,
            (
                bar(region.real, "data", is_data=True),
                bar(region.other, called, is_data=False),
            ),
        )
        for region in regions
    ]
