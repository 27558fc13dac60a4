"""Render the report as one HTML page that needs nothing else: no font, script or image from elsewhere."""

import importlib.metadata
import platform
import re
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from onehalf.data.rows import EncodedRows
from onehalf.data.splits import split_rows
from onehalf.data.tables.schema import Schema
from onehalf.domains import find_domain
from onehalf.evaluation.result import Measurement, Steps
from onehalf.fitting import Fit, draw_for_test
from onehalf.report.fit_sections import fit_sections
from onehalf.report.summary import summarize
from onehalf.report.text import (
    describe_size,
    fit_notes,
    fit_sentences,
    leading_sentences,
    privacy_notes,
)
from onehalf.sections.attacks import attack_sections
from onehalf.sections.base import Bullets, DataSections, Replay, Section, Sides
from onehalf.sections.certificate import (
    audit_section,
    certificate_section,
    class_sections,
    memorization_sections,
    score_sections,
    utility_sections,
)
from onehalf.sections.first_screen import first_screen
from onehalf.sections.steps import steps_section
from onehalf.theory.ground_truth import GroundTruth

__all__ = ["render_fit_page", "render_measurement_page", "render_steps_page"]

PACKAGES = ("jax", "onehalf")
"""The packages whose versions are at the foot of the page, after that of Python."""


def render_fit_page(
    fit: Fit,
    rows: EncodedRows,
    samples: EncodedRows,
    title: str,
    truth: GroundTruth | None = None,
    replay: Replay | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Render the page of a fit.

    Args:
        fit: The fit.
        rows: All rows of its data; those for validation are drawn.
        samples: Samples to draw.
        title: The heading.
        truth: How far p_g is from a density that is known.
        replay: Its training, to be replayed on the page.
        notes: What else is to be said of the fit, before anything else.
    """
    summary = summarize(fit, truth, len(rows))
    measurement = summary.certificate
    splits = split_rows(rows)
    data = fit.domain.sections(splits.validation, samples, "samples", train=splits.train)
    notes = [*notes, *privacy_notes(summary), *fit_notes(summary)]
    sentences = fit_sentences(summary, leading_sentences(measurement) if measurement else [])
    first: list[Section] = []
    measured: list[Section] = []
    if measurement:
        first.append(first_screen(measurement, "samples", describe_size(summary), notes))
        judged = _find_judged(fit, splits.test, measurement)
        measured = _measurement_sections(measurement, data, judged, "The certificate")
    return _render(
        title,
        [
            *first,
            *([] if measurement else [Section("", [Bullets([*notes, *sentences])])]),
            data.overview(),
            *([Section("All findings", [Bullets(sentences)])] if measurement else []),
            *data.relations(),
            *measured,
            *data.columns(),
            *fit_sections(fit, summary, replay),
        ],
        replay,
    )


def render_measurement_page(
    measurement: Measurement,
    real: Any,
    other: Any,
    title: str = "Two samples",
    schema: Schema | None = None,
) -> str:
    """Render the page of a measurement.

    If a sampler made the others, `other` may be any rows that it made; then single rows of them
    are not shown.

    Args:
        measurement: The measurement.
        real: The rows of the data that were measured, as the user has them.
        other: The rows of the other sample, likewise.
        title: The heading.
        schema: The kinds of a table's columns, where they were corrected by hand.
    """
    data = find_domain(real).compare_sections(real, other, "other sample", schema)
    judged = (data.real, data.other)
    return _render(
        title,
        [
            first_screen(measurement, data.called),
            data.overview(),
            Section("All findings", [Bullets(leading_sentences(measurement))]),
            *data.relations(),
            *_measurement_sections(measurement, data, judged, "How far apart they are"),
            *data.columns(),
        ],
    )


def render_steps_page(found: Steps, title: str) -> str:
    """Render the page of samples of several checkpoints."""
    return _render(title, [steps_section(found)])


def _find_judged(fit: Fit, test: EncodedRows, measurement: Measurement) -> Sides | None:
    """The test rows and the samples that the certificate compared, where single rows can be shown."""
    is_shown = any(example.cells for example in measurement.examples.missing)
    drawn = draw_for_test(fit, test) if fit.domain.has_previews or is_shown else None
    return drawn and (test.x, drawn.other.x)


def _measurement_sections(
    measurement: Measurement, data: DataSections, judged: Sides | None, title: str
) -> list[Section]:
    """All sections about a measurement, as far as there is something to show."""
    called = data.called
    return [
        certificate_section(measurement, called, title),
        *data.regions(measurement),
        *class_sections(measurement, called),
        *data.examples(measurement, judged),
        *memorization_sections(measurement),
        *attack_sections(measurement),
        *utility_sections(measurement.optional, called),
        *score_sections(measurement.optional),
        audit_section(measurement.audit, data.audit_details(measurement)),
    ]


def _render(title: str, sections: Sequence[Section], replay: Replay | None = None) -> str:
    """Render sections as a page."""
    environment = Environment(
        loader=PackageLoader("onehalf.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["glue"] = _glue
    versions = {
        "Python": platform.python_version(),
        **{name: _version_of(name) for name in PACKAGES},
    }
    template = environment.get_template("page.html.jinja")
    return template.render(title=title, sections=sections, versions=versions, replay=replay)


def _glue(text: str) -> str:
    """Keep a number on one line with its sign, its unit and its error.

    >>> _glue("p < 0.1 (5 %)").count(" ")
    1
    """
    return re.sub(r" (?=%)|(?<=p) (?=[<=])|(?<=p.[<=]) | (?=±)|(?<=±) ", "\u00a0", text)


def _version_of(package: str) -> str:
    """The installed version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed, run from its sources"
