"""The lines of `tables.py` as tables in Markdown: a measure each, arms down and tables across, then the aims."""

from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

from table_sources import TABLES

Line = dict[str, Any]
Lines = dict[tuple[str, int, str, str], Line]
"""By table, seed, stage and arm."""


class Measure(NamedTuple):
    """A number of a stage's line."""

    heading: str
    stage: str
    number: str
    written: str
    """How one of them is formatted."""


MEASURES = (
    Measure("AUC of boosted trees, 0.5 is guessing", "boosted", "auc", ".2f"),
    Measure("Share of samples nearer to training rows", "certified", "nearer", ".3f"),
    Measure("Certified advantage of guessing who was trained on", "certified", "copied", ".3f"),
    Measure("Exact copies of training rows, of samples", "certified", "exact_train", ".3f"),
    Measure("Equal to as many held-out rows, of samples", "certified", "exact_held_out", ".3f"),
    Measure("Certified distance L, nats", "certified", "jsd_lower", ".4f"),
    Measure("Score after training on samples", "boosted", "score", ".3f"),
    Measure("SDMetrics' quality", "quality", "quality", ".3f"),
    Measure("Processor seconds of the fit", "made", "fit_cpu", ".1f"),
    Measure("Processor seconds of as many samples", "made", "sample_cpu", ".2f"),
    Measure("Peak memory, MB", "made", "peak_mb", ".0f"),
)


LEAST_ROWS = 1000
"""Training rows of tables that the AUC is aimed at."""

MOST_AUC = 0.56

BEHIND_CART = 0.03
"""The AUC may be this much above CART's, or above guessing where that is worse."""

LOST_SCORE = 0.05
"""Share of the score on real rows that may be lost."""


def markdown(rows: list[list[str]]) -> str:
    """A table, headings first, all but the first column to the right."""
    ruled = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 1), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def collect(known: Lines, table: str, arm: str, stage: str, number: str) -> list[Any]:
    """A number of every seed that has it."""
    found = [
        line.get(number)
        for (name, _, *what), line in known.items()
        if (name, *what) == (table, stage, arm)
    ]
    return [value for value in found if value is not None and value == value]


def write_cell(values: list[float], measure: Measure) -> str:
    """The median, and where there are several seeds, the least and the most."""
    if not values:
        return ""
    text = format(median(values), measure.written)
    if len(values) > 1:
        text += f" [{min(values):{measure.written}}, {max(values):{measure.written}}]"
    return text


def write_matrix(
    names: list[str], arms: list[str], cell: Callable[[str, str], str]
) -> list[list[str]]:
    """Arms down, tables across; arms without a cell are left out."""
    rows = [[arm, *(cell(name, arm) for name in names)] for arm in arms]
    return [["", *names], *(row for row in rows if any(row[1:]))]


def write_argument(known: Lines, name: str, arm: str) -> str:
    """The median AUC, and on how many seeds copying was shown."""
    aucs = collect(known, name, arm, "boosted", "auc")
    shown = collect(known, name, arm, "certified", "copying")
    if not aucs:
        return ""
    return f"{median(aucs):.2f}, {sum(shown)}/{len(shown)}" if shown else f"{median(aucs):.2f}"


def find_middle(known: Lines, name: str, arm: str, number: str) -> float | None:
    """The median of what boosted trees measured; None if nothing was."""
    found = collect(known, name, arm, "boosted", number)
    return median(found) if found else None


def list_shortfalls(known: Lines, names: list[str], arm: str) -> list[str]:
    """Where an arm misses what was aimed at: AUC, score and copying, beside CART and the data."""
    found = []
    sizes = {key[0]: line["train"] for key, line in known.items() if key[2] == "write"}
    for name in names:
        auc, peer = (find_middle(known, name, of, "auc") for of in (arm, "cart"))
        if auc is not None and sizes[name] >= LEAST_ROWS and auc > MOST_AUC:
            found.append(f"- {name}: AUC {auc:.3f}, aimed at {MOST_AUC}")
        if auc is not None and peer is not None and auc > max(peer, 0.5) + BEHIND_CART:
            found.append(f"- {name}: AUC {auc:.3f}, CART's {peer:.3f}")
        score, real, peer = (
            find_middle(known, name, of, "score") for of in (arm, "data", "cart")
        )
        if score is not None and real is not None and score < real - LOST_SCORE * abs(real):
            of_cart = "not measured" if peer is None else f"{peer:.3f}"
            found.append(f"- {name}: score {score:.3f}, data {real:.3f}, CART {of_cart}")
    shown = [collect(known, name, arm, "certified", "copying") for name in names]
    shown = [seeds for seeds in shown if seeds]
    silent = sum(2 * sum(seeds) <= len(seeds) for seeds in shown)
    return [*found, f"- copying silent on most seeds of {silent} of {len(shown)} tables"]


def report(known: Lines, arms: list[str]) -> str:
    """A table for each measure, then the aims, what failed, and what was run where."""
    names = [name for name in TABLES if any(table == name for table, *_ in known)]
    arms = [arm for arm in arms if any(arm == key[3] for key in known)]
    text = ["\n### AUC, and on how many of the seeds copying was shown\n"]
    text.append(markdown(write_matrix(names, arms, lambda n, a: write_argument(known, n, a))))
    for measure in MEASURES:

        def cell(name: str, arm: str, measure: Measure = measure) -> str:
            values = collect(known, name, arm, measure.stage, measure.number)
            return write_cell(values, measure)

        text.append(f"\n### {measure.heading}\n")
        text.append(markdown(write_matrix(names, arms, cell)))
    text.append("\n### Seeds\n")
    seeds = write_matrix(
        names, arms, lambda n, a: str(len(collect(known, n, a, "boosted", "auc")) or "")
    )
    text.append(markdown(seeds))
    for arm in ("trees", "cart"):
        if arm in arms:
            text.append(f"\n### Where {arm} falls short of the aims\n")
            text += list_shortfalls(known, names, arm)
    failures = [
        f"- {' '.join(map(str, key))}: {line['failure']}"
        for key, line in known.items()
        if "failure" in line
    ]
    text += ["\n### Failures\n", *(failures or ["None."])]
    about = {
        (line["machine"], str(line["versions"]))
        for line in known.values()
        if "versions" in line
    }
    dates = sorted({line["date"] for line in known.values()})
    text += ["", *(f"{on}; {of}; {dates[0]} to {dates[-1]}" for on, of in sorted(about))]
    return "\n".join(text)
