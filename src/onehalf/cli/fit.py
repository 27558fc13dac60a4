"""`onehalf fit`: train a generator in a run's folder."""

import dataclasses
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from onehalf.cli._common import (
    DATA_KINDS,
    DATA_NAMES,
    AsJson,
    ImageSize,
    SchemaFile,
    Verbose,
    check_data_name,
    print_json,
    read_schema,
    say,
    say_summary,
    set_up_jax,
)
from onehalf.cli._devices import Device, choose_device, describe_device
from onehalf.cli._distributed import (
    Coordinator,
    Distributed,
    JoinTimeout,
    Process,
    Processes,
    choose_cluster,
    describe_rows,
    follow,
    lead,
    supervise,
)
from onehalf.cli._options import with_hyperparameters
from onehalf.cli._output import check_test_file, write_test_rows
from onehalf.cli._progress import show_progress
from onehalf.cli._provenance import describe_inputs
from onehalf.cli._watching import open_watch
from onehalf.cli.report import write_report
from onehalf.hyperparameters import FitOptions

__all__ = ["fit"]

LEAST_SECONDS = 20
"""What a fit of a small file takes with few rounds, on a processor that has nothing else to do."""


@with_hyperparameters
def fit(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help=f"{DATA_KINDS[0].upper()}{DATA_KINDS[1:]}, or one of {DATA_NAMES}.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="The run's folder. Default: runs/DATA-1, runs/DATA-2, ..."
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A column of a table that samples can be conditioned on (may be repeated), or a name for the labels "
            "of images, such as class folders.",
        ),
    ] = None,
    size: ImageSize = None,
    schema: SchemaFile = None,
    constraints: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="A rule that the samples of a table keep, such as 'login >= signup' (may be repeated); or 'auto' (the "
            "rules of --schema and all that `onehalf data` lists), 'unbroken' (those of --schema that all rows keep) "
            "or 'none'. Default: those of --schema, and sums and products that are found.",
        ),
    ] = None,
    keep_personal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="A column of personal data that samples are to repeat values of (may be repeated). "
            "By default, samples have made-up values.",
        ),
    ] = None,
    keep_test: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Also write the rows that are set aside for the test, so that others can measure on them.",
        ),
    ] = None,
    is_watched: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Open a page on the run while it trains (see `onehalf watch`). It stays after the fit, until nobody "
            "has had it open for 10 minutes.",
        ),
    ] = False,
    device: Device = None,
    is_distributed: Distributed = False,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    join_timeout: JoinTimeout = 300,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the recipe and its estimated cost, then stop."),
    ] = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
    **hyperparameters: Any,
) -> None:
    """Train a generator on DATA.

    Example: onehalf fit digits

    To continue an interrupted run, repeat the command with --out RUN; with more --rounds, a run is extended.
    """
    began = time.perf_counter()
    check_data_name(data)
    if keep_test:
        check_test_file(keep_test, data)
    options = FitOptions(
        **hyperparameters,
        label=label,
        schema=read_schema(schema),
        constraints=constraints[0] if constraints and len(constraints) == 1 else constraints,
        keep_personal=keep_personal,
    )
    options.check()
    cluster = choose_cluster(is_distributed, coordinator, processes, process, join_timeout)
    if options.players is None and (cluster or device not in (None, "cpu")):
        options = dataclasses.replace(options, players="neural")  # trees train on one CPU
    if cluster and not dry_run:
        supervise()
    set_up_jax(cores=1 if cluster else options.seeds)
    is_leader = cluster is None or dry_run or cluster.join()
    choose_device(device, options.players)
    from onehalf import report, runs
    from onehalf.evaluation.serialization import to_json

    if dry_run:
        return _print_cost(data, options, size, as_json, began)
    if options.minutes is not None and 60 * options.minutes < LEAST_SECONDS:
        say(
            f"--minutes {options.minutes:g} is less than a fit needs: reading data, the first rounds, the certificate "
            f"and the report take about {LEAST_SECONDS} s."
        )
    if not is_leader:
        return follow(options)
    folder = out or runs.next_folder(data)
    try:
        with lead(cluster), runs.lock(folder):
            if cluster:
                runs.check_same(options)
            run = runs.open_run(
                folder, data, options, image_size=size, on_progress=say, since=began
            )
            if cluster:
                run = runs.share(run)
            if keep_test:
                say(write_test_rows(run.fit.domain, run.data.splits.test, keep_test))
            if is_watched:
                open_watch(folder, is_opened=sys.stdout.isatty() and not as_json)
            if run.fit.recipe.players != "trees" and not run.fit.end:
                say(f"Training on {describe_device()}.{describe_rows(run.data.players)}")
            with show_progress() as show:
                fitted = run.train(show, lambda table: say(table.summary))
            truth = write_report(folder, fitted, run.rows)
    except KeyboardInterrupt as stopped:
        stopped.add_note(_describe_saved(folder))
        raise
    summary = report.summarize(fitted, truth, len(run.rows))
    suffix = fitted.domain.default_suffix(data)
    say_summary(report.summarize_fit(summary, Path(data).name, str(folder), suffix))
    more = report.describe_fit(fitted, truth) if verbose else []
    for sentence in [*more, *fitted.domain.notes(fitted.recipe)]:
        say(sentence)
    if as_json:
        files = to_json(describe_inputs({"data": data}))
        print_json({"run": str(folder), "files": files, **summary.to_dict()})
    return None


def _describe_saved(folder: Path) -> str:
    """Say what of a run is on the disk, as read from there."""
    from onehalf import runs

    t = runs.saved_rounds(folder)
    if t is None:
        return "Nothing was saved yet."
    return (
        f"What was trained up to round {t:,} is saved; "
        f"the same command with --out {folder} continues it."
    )


def _print_cost(
    data: str, options: FitOptions, size: int | None, as_json: bool, began: float
) -> None:
    """Print the recipe and what a fit would cost."""
    from onehalf import runs

    cost = runs.estimate_cost(
        data, options, image_size=size, on_progress=say, since=began
    ).to_dict()
    if as_json:
        return print_json({"data": data, **cost})
    known = {name: value for name, value in cost.items() if value is not None}
    return say("\n".join(f"{name:>24}  {value}" for name, value in known.items()))
