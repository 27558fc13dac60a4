"""`onehalf report`: write a run's report, which `onehalf fit` does too."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from onehalf.cli._common import (
    AsJson,
    Run,
    ShowRows,
    Verbose,
    print_json,
    say,
    say_summary,
    set_up_jax,
)

if TYPE_CHECKING:
    import onehalf.data.rows
    import onehalf.fitting
    import onehalf.theory.ground_truth

__all__ = ["SAMPLES", "report", "write_report"]

SAMPLES = 1000
"""Samples that a run leaves and a page shows."""

TRUTH_SAMPLES = 1_000_000
"""Samples that measure the distance from a density that is known."""


def report(
    run: Run,
    show_rows: ShowRows = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Write a run's report again and print its summary.

    Example: onehalf report runs/digits-1
    """
    set_up_jax()
    from onehalf import report, runs

    damage: list[str] = []
    fit = runs.load(run, damage.append)
    rows = runs.load_rows(run, fit, say)
    for note in damage or filter(None, [runs.restore_copies(run, fit)]):
        say(note)
    if show_rows:
        fit = _show_rows(fit, rows)
    truth = write_report(run, fit, rows, notes=damage)
    summary = report.summarize(fit, truth, len(rows))
    source = runs.load_source(run).source
    suffix = fit.domain.default_suffix(source)
    say_summary(report.summarize_fit(summary, Path(source).name, str(run), suffix))
    if verbose:
        say("\n".join(report.describe_fit(fit, truth)))
    if as_json:
        print_json({"run": str(run), **summary.to_dict()})


def _show_rows(
    fit: "onehalf.fitting.Fit", rows: "onehalf.data.rows.EncodedRows"
) -> "onehalf.fitting.Fit":
    """The fit whose certificate has the cells of the test rows that it names."""
    from onehalf.data.splits import split_rows

    test = split_rows(rows).test
    columns = fit.domain.encoder.columns
    measurement = fit.measurement and fit.measurement.show_rows(
        lambda row: columns.show_row(test.x[row])
    )
    return dataclasses.replace(fit, measurement=measurement)


def write_report(
    folder: Path,
    fit: "onehalf.fitting.Fit",
    rows: "onehalf.data.rows.EncodedRows",
    notes: Sequence[str] = (),
) -> "onehalf.theory.ground_truth.GroundTruth | None":
    """Write samples and report.html into a run's folder.

    Args:
        folder: The run's.
        fit: What was learned.
        rows: All rows of its data.
        notes: What else the page is to say.

    Returns:
        How far the samples are from the density, if it is known.
    """
    import jax.random as jr

    from onehalf import report, runs, views
    from onehalf._files import write_file
    from onehalf.data.loading import find_density
    from onehalf.theory.ground_truth import estimate_ground_truth
    from onehalf.web.watch_page import make_replay

    source = runs.load_source(folder).source
    key = jr.key(fit.recipe.random_state)
    samples = fit.model.draw_where(key, SAMPLES).rows
    suffix = fit.domain.default_suffix(source)
    fresh = fit.domain.fresh_generator(fit.recipe.random_state, ids=None)
    fit.domain.write(
        fit.domain.decode(samples, fresh=fresh), folder / f"samples{suffix}", suffix
    )
    p_data = find_density(source)
    truth = None
    if p_data:
        truth = estimate_ground_truth(
            p_data.masses, rows.x, fit.model.draw(key, TRUTH_SAMPLES).x
        )
    view = views.view_run(folder, rows=rows.x).to_dict()
    replay = make_replay(view) if view["history"] else None
    page = report.render_fit_page(fit, rows, samples, Path(source).name, truth, replay, notes)
    write_file(folder / "report.html", page.encode())
    return truth
