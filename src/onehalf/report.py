"""A fit or a measurement, told: numbers for programs, sentences for people, one page that needs nothing else."""

import base64
import dataclasses
import importlib.metadata
import io
import math
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy import special

from onehalf import figures
from onehalf.data.arrays.validation import numbered
from onehalf.data.images.properties import limits_of
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.profile import cut
from onehalf.data.tables.reader import is_frame
from onehalf.evaluation.measurement import Measurement
from onehalf.evaluation.wording import at_least, digits, parts, table
from onehalf.gan import GAN
from onehalf.theory.pushforward import GroundTruth

__all__ = ["line", "measured_page", "numbers", "page", "sentences"]

LOOK = ("jsd_estimate", "jsd_se", "jsd_lower")
"""What a look found out about each game."""

LAST = 5
"""The rows of history that V, D(x) and D(G(z)) are averaged over: 500 rounds."""

TIE = -math.log(4)
"""V where D = 1/2 everywhere, in nats."""

BESIDE = 24
"""Samples that are shown beside their nearest training images."""

Sides = tuple[np.ndarray, np.ndarray]
"""The rows of the data and of the samples, or their cells."""

MOST_TELLING, TABULATED, LONGEST = 8, 12, 24
"""Rows of each side on a page, and letters of a word; of more columns than this, those of the ladder are shown."""


def numbers(gan: GAN, truth: GroundTruth | None = None) -> dict[str, Any]:
    """What `fit --json` prints, less `run`: ready for JSON, with None where there is no finite number.

    `V` (nats), `D_x` and `D_Gz` are means over the chosen game's last 500 rounds, on training rows. In `seeds`, `each`
    has the best held-out look of each game (`jsd_estimate`, `jsd_se`, `jsd_lower` in nats, at round `t`), `chosen` is
    the seed sampled from, and `spread` the greatest less the least estimate. `certificate` has the attributes of a
    `Measurement`; it is None for a fit that was interrupted or could have none. `truth` has `jsd`, its standard error
    `jsd_se` and `C` in nats by cells, `jsd_wide` by cells twice as wide, and how many samples `n` told it, where the
    density of the data is known.
    """
    certificate = getattr(gan, "certificate_", None)
    history, chosen = gan.history_, gan.chosen_
    seconds = history[-1]["seconds"] if history else 0.0
    last = {
        name: [row[name][chosen] for row in history[-LAST:]] for name in ("V", "D_x", "D_Gz")
    }
    return _for_json(
        {
            "rounds": gan.rounds_played_,
            "seconds": seconds,
            "rounds_per_s": gan.rounds_played_ / seconds if seconds else None,
            **{
                name: float(np.mean(values)) if values else None
                for name, values in last.items()
            },
            "seeds": _seeds(gan),
            "stopped_because": gan.stopped_because_,
            "certificate": certificate and certificate.to_dict(),
            "truth": truth
            and {
                name: getattr(truth, name) for name in ("jsd", "jsd_se", "jsd_wide", "C", "n")
            },
        }
    )


def sentences(gan: GAN, truth: GroundTruth | None = None) -> list[str]:
    """Say what the fit came to, for somebody who has never heard of a JSD: on the page first, in the terminal last."""
    certificate = getattr(gan, "certificate_", None)
    return _told(gan, certificate.sentences if certificate else [], truth)


def line(gan: GAN) -> str:
    """How the game stands, in one line for a terminal; in brackets is what a tie gives, in nats where it is V's.

    `t 12,000/20,000  480 rounds/s  V -1.352 (-1.386)  D(x) 0.53 (0.50)  held-out 0.041 ± 0.003 nats (at least 0.020)
    17 s left`
    """
    told = [f"t {gan.rounds_played_:,}/{gan.recipe_.rounds:,}"]
    if gan.history_:
        # the first row has the time to compile in it
        first, last = (
            gan.history_[0] if len(gan.history_) > 1 else {"t": 0, "seconds": 0.0},
            gan.history_[-1],
        )
        speed = (last["t"] - first["t"]) / max(last["seconds"] - first["seconds"], 1e-9)
        now = {name: last[name][gan.chosen_] for name in ("V", "D_x")}
        told += [
            f"{speed:,.0f} rounds/s",
            f"V {now['V']:.3f} ({TIE:.3f})",
            f"D(x) {now['D_x']:.2f} (0.50)",
        ]
        looks = [row for row in gan.history_ if "jsd_estimate" in row]
        if looks:
            look = {name: looks[-1][name][gan.chosen_] for name in LOOK}
            estimate = digits(look["jsd_estimate"], look["jsd_se"])
            told.append(f"held-out {estimate} nats (at least {at_least(look['jsd_lower'])})")
        told.append(f"{_duration((gan.recipe_.rounds - last['t']) / speed)} left")
    return "  ".join(told)


def page(
    gan: GAN,
    real: Any,
    samples: Any,
    title: str,
    truth: GroundTruth | None = None,
    coding: TableEncoder | None = None,
    *,
    train: Any = None,
    tested: Sides | None = None,
) -> str:
    """One HTML page of the fit that needs nothing else: no script, no font, no image from elsewhere.

    `real` and `samples` are rows in the user's units; they are drawn as their shape asks for. Of a table they are data
    frames, or the cells of one, by the fit's own coding unless there is another. `truth` is how far p_g is from a
    density that is known. Of images, samples are shown beside the nearest `train` images, and of the two sides that
    were `tested` the most telling ones.
    """
    found, certificate = numbers(gan), getattr(gan, "certificate_", None)
    coding = coding or getattr(gan, "coding_", None)
    telling = _telling(certificate, tested, (), None) if certificate and tested else ()
    return _rendered(
        title,
        _told(gan, _first(certificate) if certificate else [], truth),
        certificate,
        (_rows(real, coding), _rows(samples, coding)),
        coding.names if coding else getattr(gan, "feature_names_in_", ()),
        called="samples",
        coding=coding,
        telling=telling,
        neighbours=None if train is None else _neighbours(samples, train),
        run={
            "figures": _over_rounds(gan, found),
            "truth": truth
            and _svg(
                figures.truth(truth, lambda x: special.expit(gan.logits(x))),
                "D_star, and D as learned",
            ),
            "tie": f"{TIE:.3f}",
            "seeds": found["seeds"],
            "recipe": dataclasses.asdict(gan.recipe_),
        },
    )


def measured_page(
    found: Measurement,
    real: Any,
    other: Any,
    names: Sequence[str] = (),
    title: str = "Two samples",
    coding: TableEncoder | None = None,
) -> str:
    """One HTML page of a measurement, as `page` gives it for a fit.

    `real` and `other` are the rows that were measured, arrays or tables, and the most telling ones are shown. If a
    sampler made the others, `other` may be any rows that it made; then the telling ones among them are left out. Tables
    are data frames, or cells with their `coding`.
    """
    if coding is None and is_frame(real):
        coding = TableEncoder.of(real, other)
    rows = _rows(real, coding), _rows(other, coding)
    names = coding.names if coding else names or _names(found, rows[0].shape[1:])
    telling = _telling(found, rows, names, coding)
    return _rendered(
        title,
        _first(found),
        found,
        rows,
        names,
        called="other sample",
        coding=coding,
        telling=telling,
    )


def _rows(rows: Any, coding: TableEncoder | None) -> np.ndarray:
    """An array, or the cells of a data frame."""
    return coding.rows(rows) if coding and is_frame(rows) else np.asarray(rows)


def _rendered(
    title: str,
    first: list[str],
    found: Measurement | None,
    rows: Sides,
    names: Sequence[str],
    *,
    called: str,
    coding: TableEncoder | None,
    run: dict[str, Any] | None = None,
    telling: Sequence[dict[str, Any]] = (),
    neighbours: Markup | None = None,
) -> str:
    """The page; `run` has what only a fit has, and `coding` comes with the cells of tables."""
    environment = Environment(
        loader=PackageLoader("onehalf", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    real, other = rows
    beside = (
        figures.marginals(*rows, coding, called)
        if coding
        else figures.beside(*rows, names, called)
    )
    return environment.get_template("report.html.jinja").render(
        title=title,
        sentences=first,
        kind="table" if coding else figures.kind(real),
        beside=_svg(beside, f"{len(real):,} rows of data beside {len(other):,} {called}"),
        called=called,
        columns=math.prod(real.shape[1:]),
        most_columns=figures.MARGINALS if coding else figures.COLUMNS,
        found=found,
        told=found and parts(found.to_dict()),
        figures=_measured(found, None if coding else rows, called) if found else {},
        numbers=_side_by_side(found, called) if found else {},
        telling=telling,
        neighbours=neighbours,
        table=_table(rows, called, coding) if coding else None,
        rules=_rules(found) if found and (coding or found.described) else [],
        classes=_classes(found.classes) if found else [],
        run=run,
        digits=digits,
        versions={
            "Python": platform.python_version(),
            **{name: _version(name) for name in ("jax", "onehalf")},
        },
    )


def _rules(found: Measurement) -> list[tuple[str, str, str]]:
    """Rules in words, and the share of either side that keeps each."""
    shares = "{share:.1%} ({low:.1%} to {high:.1%})".format_map
    certain = (region for region in found.regions if region["certain"])
    return [
        (region["rule"], shares(region["real"]), shares(region["other"])) for region in certain
    ]


def _classes(classes: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Class by class: its shares, what is certified of its rows alone, the estimate, and the same for the data."""

    def share(side: Mapping[str, Any]) -> str:
        return "{:.1%} ({:.1%} to {:.1%})".format(side["share"], *side["interval"])

    def nats(numbers: Mapping[str, Any]) -> list[str]:
        estimate = digits(numbers["jsd_estimate"], numbers["jsd_se"])
        return [at_least(numbers["jsd_lower"]), estimate]

    return [
        [
            str(each["class"]),
            share(each["real"]),
            share(each["other"]),
            *nats(each),
            *nats(each["null"]),
        ]
        for each in classes
    ]


def _table(rows: Sides, called: str, coding: TableEncoder) -> dict[str, Any]:
    """What only the page of a table has: pairs of columns, and the schema."""
    pairs = figures.pairs(*rows, coding, called)
    return {
        "pairs": pairs
        and _svg(
            pairs, f"The pairs of columns in which data and {called} differ most, as maps"
        ),
        "schema": [column.cells for column in coding.schema.columns],
        "left_out": [
            column for column in coding.schema.columns if column.name in coding.left_out
        ],
        "warnings": coding.schema.warnings,
    }


def _told(gan: GAN, certified: list[str], truth: GroundTruth | None) -> list[str]:
    """The run, these sentences of its certificate, or why there is none, the truth if it is known, the seeds, and V."""
    found = numbers(gan)
    told = [
        f"Played {found['rounds']:,} of {gan.recipe_.rounds:,} rounds in {_duration(found['seconds'])}, "
        f"and ended for this reason: {found['stopped_because']}.",
        _introduced(gan),
        *certified,
        *([_known(truth)] if truth else []),
        *_kept(found["seeds"], keeps_last=gan.recipe_.keeps_last),
    ]
    if found["V"] is not None:
        told.append(
            f"V ended at {found['V']:.3f}. How near that is to -log 4 = {TIE:.3f} shows nothing by itself: "
            "a discriminator that has learned nothing gives -log 4 as well."
        )
    return told


def _introduced(gan: GAN) -> str:
    """What the certificate is about, or why there is none."""
    if not hasattr(gan, "certificate_"):
        return (
            "The test rows have not been looked at yet: that happens once, at the end of a run."
        )
    if gan.certificate_ is None:
        return (
            "There is no certificate, so how far the samples are from the data is not known: it takes 20 test rows, "
            "which is about 130 rows in all, and samples that are finite numbers."
        )
    return (
        f"Then {gan.certificate_.n_real:,} test rows, which neither player saw, were set against "
        f"{gan.certificate_.n_other:,} samples; below, these rows are the data, and the samples the other sample."
    )


def _first(found: Measurement) -> list[str]:
    """The sentences to be read first; the page has the others further down."""
    told = parts(found.to_dict())
    return [*told["apart"], *told["where"], *told["missed"], *told["copying"][:1]]


def _known(truth: GroundTruth) -> str:
    """How far p_g is from a density that is known, as far as cells show it."""
    return (
        f"The density of these data is known, so the truth can be had, cell by cell, from {truth.n:,} samples: "
        f"JSD(p_data, p_g) = {digits(truth.jsd, truth.jsd_se)} nats and C(G) = -log 4 + 2 JSD = {truth.C:.4f} nats. "
        f"In cells twice as wide JSD = {digits(truth.jsd_wide, truth.jsd_se)} nats; finer ones would add more."
    )


def _kept(seeds: dict[str, Any], *, keeps_last: bool = False) -> list[str]:
    """Which game the samples come from, and how far the games lie apart."""
    best = next(seed for seed in seeds["each"] if seed["seed"] == seeds["chosen"])
    if best["jsd_estimate"] is None:
        return []
    estimate = digits(best["jsd_estimate"], best["jsd_se"])
    least, value = "least", f"the estimate on validation rows was least there ({estimate} nats)"
    if keeps_last:
        least = "last"
        value = f"this recipe keeps the last G, where the estimate on validation rows was {estimate} nats"
    if not best["jsd_se"]:  # all critics stayed at D = 1/2
        value = (
            "critics could tell nothing by the validation rows, or had too few to learn from"
        )
    told = f"The samples come from round {best['t']:,} of seed {best['seed']}: {value}."
    if len(seeds["each"]) == 1:
        return [f"{told} It is the only seed, so how much of all this is luck is not known."]
    values = sorted(
        seed["jsd_estimate"] for seed in seeds["each"] if seed["jsd_estimate"] is not None
    )
    return [
        f"{told} Over {len(seeds['each'])} seeds the {least} values run from {digits(values[0])} to "
        f"{digits(values[-1])}, a spread of {digits(values[-1] - values[0])} nats between games that differ by luck "
        "alone."
    ]


def _over_rounds(gan: GAN, found: dict[str, Any]) -> dict[str, Markup]:
    """The figures over the rounds, as far as there is anything to draw."""
    history, chosen = gan.history_, gan.chosen_
    if not history:
        return {}
    D = {"D_x": "D(x), on data", "D_Gz": "D(G(z)), on samples"}
    gradients = {"gradient_D": "D", "gradient_G": "G"}
    drawn = {
        "V": _svg(
            figures.against(
                history, {"V": "V"}, label="nats", level=(TIE, "-log 4"), chosen=chosen
            ),
            f"A curve of V over the rounds that ends at {digits(found['V'])} nats, and a dashed line at -log 4",
        ),
        "D": _svg(
            figures.against(history, D, label="mean of D", level=(0.5, "1/2"), chosen=chosen),
            f"D(x) ends at {digits(found['D_x'])}, D(G(z)) at {digits(found['D_Gz'])}; a dashed line is at 1/2",
        ),
        "gradients": _svg(
            figures.against(
                history, gradients, label="norm of the gradient", chosen=chosen, log=True
            ),
            "The norms of D's and G's gradients over the rounds, on a logarithmic scale",
        ),
    }
    if any("jsd_estimate" in row for row in history):
        best = found["seeds"]["each"][chosen]
        drawn["looks"] = _svg(
            figures.looks(history, chosen=chosen, kept=best["t"]),
            f"Held-out nats at each look, {digits(best['jsd_estimate'])} for the kept G; a band for data against data",
        )
    return drawn


def _measured(found: Measurement, rows: Sides | None, called: str) -> dict[str, Markup]:
    """The figures of a measurement; those of its regions where there are arrays to draw them on."""
    drawn = {
        "log_ratio": _svg(
            figures.log_ratio(found.drawn, called),
            f"Histograms of the log ratios of the data and of the {called}, and a dashed line at 0",
        ),
        "calibration": _svg(
            figures.calibration(found.drawn),
            "The share of data among the rows of about one D, against this D",
        ),
        "wealth": _svg(
            figures.wealth(found.drawn, found.alpha),
            f"The log wealth of the bet, which ends at {found.log_e:.1f}, and a dashed line at log(1/alpha)",
        ),
    }
    if (
        rows
        and not found.described
        and (
            regions := figures.regions(
                *rows, found.regions, _names(found, rows[0].shape[1:]), called
            )
        )
    ):
        rules = "; ".join(region["rule"] for region in found.regions if region["certain"])
        drawn["regions"] = _svg(regions, f"Rows of both, and where they differ: {rules}")
    return drawn


def _names(found: Measurement, shape: tuple[int, ...]) -> tuple[str, ...]:
    """The names of all columns; the audit lists the first hundred."""
    listed = tuple(column["name"] for column in found.audit["columns"])
    return listed + numbered(shape)[len(listed) :]


def _side_by_side(found: Measurement, called: str) -> dict[str, Mapping[str, str]]:
    """The numbers, and what they are to be compared with: a column each."""
    columns: dict[str, Mapping[str, str]] = {f"data against {called}": table(found.to_dict())}
    if found.null:
        columns["data against data"] = table(found.null)
    if found.harmonised:
        columns["with as many decimals on both sides"] = table(found.harmonised)
        columns["how they are written alone"] = table(found.harmonised["format"])
    return columns


def _telling(
    found: Measurement, sides: Sides, names: Sequence[str], coding: TableEncoder | None
) -> list[dict[str, Any]]:
    """The most telling rows of each side, as a sheet or a table, as far as the rows that were measured are at hand."""
    told, columns = [], list(range(len(names)))
    if len(names) > TABULATED:
        told_of = {name for step in found.ladder for name in step["columns"]}
        columns = [column for column in columns if names[column] in told_of]
        if coding:
            by_themselves = (each.columns[0] for each in figures.apart(*sides, coding))
            columns = sorted([*dict.fromkeys([*columns, *by_themselves])][:TABULATED])
    pictures = coding is None and figures.kind(sides[0]) == "images"
    shown = [("missing", sides[0], found.n_real), ("unexpected", sides[1], found.n_other)]
    shown += [("convincing", sides[1], found.n_other)] if pictures else []
    for side, rows, n in shown:
        chosen = found.telling.get(side, [])[: None if pictures else MOST_TELLING]
        if not chosen or len(rows) != n:
            continue
        picked = rows[[row["row"] for row in chosen]]
        if pictures:
            numbers = ", ".join(str(row["row"]) for row in chosen)
            sheet = _svg(
                figures.one(picked, "the most telling first"),
                f"The most telling images: rows {numbers}",
            )
            told.append({"side": side, "sheet": sheet, "rows": numbers})
            continue
        entries = picked.reshape(len(picked), -1)
        lines = [
            [f"{row['row']:,}", f"{row['log_ratio']:.2f}"]
            + [
                cut(coding.shown(column, line[column]), LONGEST)
                if coding
                else f"{line[column]:.5g}"
                for column in columns
            ]
            for row, line in zip(chosen, entries, strict=True)
        ]
        told.append(
            {"side": side, "names": [names[column] for column in columns], "lines": lines}
        )
    return told


def _svg(figure: Figure, alt: str) -> Markup:
    """The figure as a part of the page: its black takes the colour of the page's text."""
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, dpi=160, metadata=metadata)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    # addresses of name spaces, a style that would rule the whole page, and names that the next figure would use again
    svg = re.sub(
        r' xmlns(:\w+)?="[^"]*"| id="[^"]*_\d+"|<style.*?</style>', "", svg, flags=re.DOTALL
    )
    svg = svg.replace("#000000", "currentColor")
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1))


def _neighbours(samples: np.ndarray, train: np.ndarray) -> Markup:
    """Samples, each beside the training image that is nearest to it."""
    shown = samples[:BESIDE]
    places, _ = figures.find_nearest(shown, train)
    picture = figures.neighbours(
        shown, train[places], across=BESIDE // 4, limits=limits_of(train)
    )
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    alt = f"{len(shown)} samples, each with the training image that is nearest to it in a blue frame at its right"
    png = base64.b64encode(file.getvalue()).decode()
    return Markup(f'<img class="pixels" alt="{alt}" src="data:image/png;base64,{png}">')


def _seeds(gan: GAN) -> dict[str, Any]:
    """The best look of each game, as `numbers` gives it."""
    each = []
    for game in range(gan.recipe_.seeds):
        t = gan.best_look(game)[1]
        row = next((row for row in gan.history_ if row["t"] == t), None)
        best = {name: row and row[name][game] for name in LOOK} | {"t": row and t}
        each.append({"seed": gan.recipe_.random_state + game, **best})
    values = [seed["jsd_estimate"] for seed in each if seed["jsd_estimate"] is not None]
    spread = max(values) - min(values) if len(values) > 1 else None
    return {"each": each, "chosen": gan.recipe_.random_state + gan.chosen_, "spread": spread}


def _for_json(value: Any) -> Any:
    """The same with None for infinities and NaN, which JSON has no word for."""
    if isinstance(value, dict):
        return {name: _for_json(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_for_json(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _duration(seconds: float) -> str:
    """A time as a person says it.

    >>> _duration(7.4), _duration(200.0), _duration(7500.0)
    ('7 s', '3 min 20 s', '2 h 5 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed, run from its sources"
