"""The sections of a page about a measurement, whatever the kind of data."""

from collections.abc import Mapping, Sequence

from onehalf import figures
from onehalf.evaluation.result import (
    Audit,
    ClassResult,
    Divergence,
    Measurement,
    Optional,
    Proportion,
    Share,
    UpperBounds,
    Utility,
)
from onehalf.evaluation.wording import at_least, confidence, digits, parts, points, table
from onehalf.sections.base import (
    Block,
    Bullets,
    Figure,
    Grid,
    Note,
    Section,
    Table,
    embed_svg,
)

__all__ = [
    "audit_section",
    "certificate_section",
    "class_sections",
    "memorization_sections",
    "rule_sections",
    "score_sections",
    "utility_sections",
]

NUMBERS_NOTE = (
    "JSD is the Jensen-Shannon divergence: from 0 nats to log 2 = 0.693 nats (1 bit). Each "
    "number is next to its baseline, which is the same number for data against data, but on "
    "fewer rows."
)

LOG_RATIO_CAPTION = (
    "Critics were trained to tell the two apart, and then applied to rows that they had not "
    "seen: how much likelier is each row among the data than in the {called}? 1 nat is a "
    "factor of 2.7, 3 nats of 20. Rows beyond an end are in the last bar. How to read it: the "
    "further the two shapes lie apart, the more the critics see; if both peak at 0, they see "
    "nothing, though better critics might."
)

WEALTH_CAPTION = (
    "The critics bet on the source of each row before they learn it. If both samples came "
    "from one distribution, the bets would be fair: the wealth would stay about 1 (0 on this "
    "scale), and reach the dashed line at most once in {times} runs, however long they are. "
    "How to read it: a curve that climbs is evidence of a difference, and the steeper it is, "
    "the more each row contributes; a curve that stays low shows nothing."
)

CALIBRATION_CAPTION = (
    "Rows of both, mixed half and half, in tenths by D, the probability of being data that "
    "the critics together predict. How to read it: on the dashed line D is right: of the rows "
    "with D = 70% just 70% are data. Small deviations are noise. A curve that keeps away from "
    "the line means that the critics are too sure, or not sure enough; then the certified "
    "number is smaller than it could be, but still valid."
)

RULES_NOTE = (
    "Shares of the rows for which a rule holds. In brackets is the range of each share; all "
    "of them hold at once with {confidence} confidence."
)

CLASSES_NOTE = (
    "The share of each class, with its range in brackets, and the distance between the rows "
    "of this class alone: a lower bound and an estimate, then the same for data against data. "
    "All ranges hold at once, and all bounds hold at once, with {confidence} confidence. How "
    "to read it: where the two ranges do not overlap, the class is too rare or too frequent; "
    "where the bound is above 0, its rows differ; where there is no number, fewer than 20 "
    "rows of the class could be tested, and the bound of 0 is no evidence."
)

UTILITY_NOTE = (
    "Models trained on the {called} and on data, tested on data, predicting the column "
    "{target}. The standard error of the difference does not include what another set of "
    "training rows would change."
)

SCORES = {
    "f1": "F1, mean over the classes",
    "auc": "area under the ROC curve",
    "r2": "R²",
    "error": "mean absolute error",
}
"""What scores are called in a table, where it is not their name."""


def certificate_section(measurement: Measurement, called: str, title: str) -> Section:
    """Compare the numbers with their baselines, and draw three figures of what the critics see."""
    log_ratios = figures.draw_log_ratios(measurement.plots.log_ratio, called)
    wealth = figures.draw_wealth(measurement.plots.wealth, measurement.alpha)
    calibration = figures.draw_calibration(measurement.plots.calibration)
    drawn = [
        Figure(
            embed_svg(
                log_ratios,
                f"Histograms of the log ratios of the data and of the {called}, and a dashed line at 0",
            ),
            LOG_RATIO_CAPTION.format(called=called),
            "The log ratio of each row",
        ),
        Figure(
            embed_svg(
                wealth,
                f"The log wealth of the bets, which ends at {measurement.log_e:.1f}, and a dashed line at log(1/alpha)",
            ),
            WEALTH_CAPTION.format(times=f"{1 / measurement.alpha:.3g}"),
            "The bets against 'one distribution'",
        ),
        Figure(
            embed_svg(
                calibration, "The share of data among the rows of about one D, against this D"
            ),
            CALIBRATION_CAPTION,
            "Is D calibrated?",
        ),
    ]
    return Section(title, [_compare_numbers(measurement, called), Grid(drawn)], NUMBERS_NOTE)


def rule_sections(measurement: Measurement, called: str) -> list[Section]:
    """List the rules that certainly hold for different shares of the two."""

    def show(share: Share) -> str:
        return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"

    rows = [
        [region.rule, show(region.real), show(region.other)]
        for region in measurement.regions
        if region.certain
    ]
    if not rows:
        return []
    header = ["rule", "of the data", f"of the {called}"]
    note = RULES_NOTE.format(confidence=confidence(measurement.alpha))
    return [Section("All rules that differ", [Table(header, rows)], note)]


def class_sections(measurement: Measurement, called: str) -> list[Section]:
    """List the share of each class and the distance of its rows, if rows have labels."""
    if not measurement.classes:
        return []
    header = [
        "class",
        "of the data",
        f"of the {called}",
        "JSD at least, nats",
        "estimate",
        "data: at least",
        "estimate",
    ]
    rows = [_describe_class(each) for each in measurement.classes]
    note = CLASSES_NOTE.format(confidence=confidence(measurement.alpha))
    return [Section("Class by class", [Table(header, rows)], note)]


def memorization_sections(measurement: Measurement) -> list[Section]:
    """Report what was copied, if that was tested."""
    attacks = measurement.attacks.sentences if measurement.attacks else ()
    sentences = [each for each in parts(measurement)["copying"] if each not in attacks]
    return [Section("Memorization", [Bullets(sentences)])] if sentences else []


def utility_sections(optional: Optional, called: str) -> list[Section]:
    """Compare models trained on the other sample with those trained on data, if that was asked for."""
    utility = optional.utility
    if utility is None:
        return []
    header = ["", f"trained on the {called}", "trained on data", "difference", "constant guess"]
    note = Note(UTILITY_NOTE.format(called=called, target=utility.target))
    blocks = [Bullets([utility.sentence]), note, Table(header, _list_scores(utility))]
    return [Section(f"Usefulness of the {called}", blocks)]


def score_sections(optional: Optional) -> list[Section]:
    """List well-known scores and those of data, if they were requested."""
    tables: list[Block] = []
    if optional.prdc:
        scores = vars(optional.prdc.other), vars(optional.prdc.data)
        tables.append(_compare_scores("prdc", *scores))
    if fid := optional.fid:
        row = [f"with {fid.n:,} rows of each", f"{fid.other:.4g}", f"{fid.data:.4g}"]
        all_rows = [f"with {fid.n_real:,} and {fid.n_other:,} rows", f"{fid.value:.4g}", ""]
        tables.append(Table(["Fréchet distance", "other sample", "data"], [row, all_rows]))
    if optional.parzen:
        scores = vars(optional.parzen.other), vars(optional.parzen.data)
        tables.append(_compare_scores(f"parzen, {optional.parzen.unit}", *scores))
    note = "Well-known numbers without a guarantee, and the same for data against data."
    return [Section("Other scores", tables, note)] if tables else []


def audit_section(audit: Audit, details: Sequence[Block]) -> Section:
    """List what differs in how the numbers are written, and how each column is."""
    sentences = [finding.sentence for finding in audit.findings] or [
        "No differences in how numbers are written."
    ]
    note = "Differences in format, which reveal the source of a row whatever its values are."
    return Section("How the numbers are written", [Bullets(sentences), *details], note)


def _compare_numbers(measurement: Measurement, called: str) -> Table:
    """The numbers, and what they are to be compared with: a column each."""
    columns: dict[str, Mapping[str, str]] = {f"data against {called}": table(measurement)}
    if measurement.baseline:
        columns["data against data"] = table(measurement.baseline)
    if measurement.harmonized:
        columns["with the same decimals on both sides"] = table(measurement.harmonized)
        columns["decimals and signs alone"] = table(measurement.harmonized.format)
    names = next(iter(columns.values()))
    rows = [[name, *(column[name] for column in columns.values())] for name in names]
    if measurement.upper:
        rows.append(_compare_upper(measurement.upper, list(columns)))
    return Table(["", *columns], rows)


def _compare_upper(upper: UpperBounds, columns: Sequence[str]) -> list[str]:
    """How far a column is off at most, where that is known."""
    known = {
        columns[0]: points(upper.columns_at_most),
        "data against data": points(upper.baseline_at_most),
    }
    name = "no column is further off than, certified (percentage points)"
    return [name, *(known.get(column, "") for column in columns)]


def _describe_class(result: ClassResult) -> list[str]:
    """The shares of a class, what is certified of its rows alone, the estimate, and the same for the data."""

    def show(side: Proportion) -> str:
        low, high = side.interval
        return f"{side.share:.1%} ({low:.1%} to {high:.1%})"

    def nats(numbers: ClassResult | Divergence) -> list[str]:
        return [at_least(numbers.jsd_lower), digits(numbers.jsd_estimate, numbers.jsd_se)]

    return [
        str(result.label),
        show(result.real),
        show(result.other),
        *nats(result),
        *nats(result.baseline),
    ]


def _list_scores(utility: Utility) -> list[list[str]]:
    """Each score of models trained on either, their difference, and the score of a constant guess."""
    rows = []
    for score, difference in utility.differences.items():
        values = [
            f"{utility.scores[side][score]:,.4g}" for side in ("samples", "data", "constant")
        ]
        change = f"{difference.value:,.4g} ± {difference.se:,.2g}"
        rows.append([SCORES.get(score, score), *values[:2], change, values[2]])
    return rows


def _compare_scores(title: str, other: Mapping[str, float], data: Mapping[str, float]) -> Table:
    """Each score of the other sample, and of data."""
    rows = [[name, f"{value:.4g}", f"{data[name]:.4g}"] for name, value in other.items()]
    return Table([title, "other sample", "data"], rows)
