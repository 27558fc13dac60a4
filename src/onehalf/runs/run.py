"""Fit in a folder: start a run, or continue the one that is there."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from onehalf import fitting
from onehalf._errors import Refusal, refuse
from onehalf._files import check_writable, is_temporary, remove_temporaries
from onehalf._text import format_duration
from onehalf.data.dataset import Dataset
from onehalf.data.loading import is_path
from onehalf.data.rows import EncodedRows
from onehalf.data.sources import load_some
from onehalf.domains import infer_domain
from onehalf.evaluation.result import QuickTable
from onehalf.fitting import Cost, Fit, FitData
from onehalf.hyperparameters import FitOptions, Hyperparameters, about
from onehalf.players.trees.screening import MOST_PARENTS
from onehalf.runs import checkpoint
from onehalf.runs.checkpoint import save
from onehalf.runs.lock import LOCK, lock
from onehalf.runs.recipe_file import RECIPE
from onehalf.runs.saved import Source
from onehalf.runs.signals import StopSignals

__all__ = [
    "Run",
    "describe_options",
    "estimate_cost",
    "fit_run",
    "load_rows",
    "next_folder",
    "open_run",
]

SAVE_EVERY = 20.0
"""Seconds between saves, at most; an evaluation is saved at once."""

MOST_TIMED = 200
"""Columns of a table from which the cost of trees is estimated, at most."""

SAID_FROM = 1000
"""Columns from which the cost of trees is said before they are fitted."""

Progress = Callable[[str], None]
"""Is called with sentences for people, as things are done."""


def next_folder(word: str, root: Path = Path("runs")) -> Path:
    """Return the first of runs/NAME-1, runs/NAME-2, ... that does not exist yet."""
    stem = Path(word).resolve().stem if is_path(word) else word
    number = 1
    while (root / f"{stem}-{number}").exists():
        number += 1
    return root / f"{stem}-{number}"


@dataclass(frozen=True)
class Run:
    """A fit in a folder, before it goes on."""

    folder: Path
    fit: Fit
    data: FitData
    rows: EncodedRows
    """All rows, encoded."""
    source: Source
    asked: dict[str, Any]

    def train(
        self,
        watch: Callable[[Fit], None] = lambda fit: None,
        on_quick: Callable[[QuickTable], object] | None = None,
    ) -> Fit:
        """Train to the end; whatever ends it, Ctrl-C, SIGTERM and SIGHUP included, what was trained is saved.

        Args:
            watch: Is called with the fit every 100 rounds.
            on_quick: Is called with the quick check of its samples, before critics learn for the certificate.

        Raises:
            Stopped: A signal came.
        """
        fit = saved = self.fit
        steps = fitting.run(fit, self.data, on_quick)
        saved_at = time.monotonic()
        with StopSignals() as signals:
            try:
                for fit in steps:
                    is_evaluated = "jsd_estimate" in fit.history[-1]
                    if is_evaluated or time.monotonic() - saved_at > SAVE_EVERY:
                        with signals.held():
                            self.save(fit)
                            saved = fit
                        saved_at = time.monotonic()
                    signals.check()
                    watch(fit)
            finally:
                signals.is_held = True
                if fit.history and fit is not saved:
                    self.save(fit)
        return fit

    def save(self, fit: Fit) -> None:
        """Save a later state of the fit."""
        save(self.folder, fit, self.source, self.asked)


def open_run(
    folder: Path,
    word: str,
    options: FitOptions,
    *,
    image_size: int | None = None,
    on_progress: Progress = lambda text: None,
    since: float | None = None,
) -> Run:
    """Start a run in a folder, or load the one that is there, to be continued.

    Args:
        folder: The run.
        word: A name that `onehalf data` lists, or a path.
        options: The hyper-parameters, labels and schema. More `rounds` than before extend the run.
        image_size: The side that the images of a folder are resized to.
        on_progress: Is called with what was done to the data while reading, in sentences.
        since: When the work began, by `time.perf_counter`; None is now.

    Raises:
        Refusal: The run was started on other data, or with another recipe (the first field that differs is named).
    """
    since = time.perf_counter() if since is None else since
    options.check()
    asked = describe_options(options)
    source = Source(_locate(word), image_size)
    is_begun = checkpoint.has_state(folder)
    if is_begun:
        _check_same(folder, asked, source)
    elif folder.exists() and not all(map(_is_leftover, folder.iterdir())):
        expected = "a run, or an empty or new folder"
        refuse(str(folder), expected=expected, got="a folder with other files")
    check_writable(folder)
    if folder.exists():
        remove_temporaries(folder, checkpoint.is_name)
    if not is_begun:
        dataset = _load(word, image_size, on_progress)
        _say_cost(dataset, options, on_progress)
        fit, data, rows = _start(dataset, options, since)
        return Run(folder, fit, data, rows, source, asked)
    fit, note = checkpoint.recover(folder)
    for said in (note, checkpoint.restore_copies(folder, fit)):
        if said:
            on_progress(said)
    fit = _extend(folder, fit, asked["rounds"], on_progress)
    dataset = _load(word, image_size, on_progress)
    rows = _encode_same(folder, fit, dataset, word)
    begun_from = checkpoint.load_source(folder).source
    if begun_from != source.source:
        on_progress(
            f"{folder} was begun from {begun_from}; {source.source} holds the same rows, and is read from now on."
        )
        save(folder, fit, source, asked)
    fit = dataclasses.replace(fit, domain=fit.domain.reveal(dataset))
    data = fitting.resume(fit, rows)
    if not fit.end:
        seconds_setup = fit.seconds_setup + time.perf_counter() - since
        fit = dataclasses.replace(fit, seconds_setup=seconds_setup)
    return Run(folder, fit, data, rows, source, asked)


def fit_run(
    folder: Path,
    word: str,
    options: FitOptions,
    *,
    image_size: int | None = None,
    watch: Callable[[Fit], None] = lambda fit: None,
    on_progress: Progress = lambda text: None,
) -> tuple[Fit, EncodedRows]:
    """Fit in a folder, alone in it: `open_run`, and `Run.train`; returns the fit, and all rows, encoded."""
    with lock(folder):
        run = open_run(folder, word, options, image_size=image_size, on_progress=on_progress)
        return run.train(watch), run.rows


def estimate_cost(
    word: str,
    options: FitOptions,
    *,
    image_size: int | None = None,
    on_progress: Progress = lambda text: None,
    since: float | None = None,
) -> Cost:
    """Estimate what a fit would cost; of trees on a wide table by a fit to some of its columns.

    The cost of a column is taken to grow with the columns that its law sees: at most `MOST_PARENTS`, and 75 on average
    in a table of `MOST_TIMED` columns. The arguments are those of `open_run`.
    """
    since = time.perf_counter() if since is None else since
    options.check()
    dataset = _load(word, image_size, on_progress)
    some = _take_some_columns(dataset, options)
    if some is dataset:
        fit, data, _ = _start(dataset, options, since)
        return fitting.estimate_cost(fit, data)
    timed, columns = some.table.num_columns, dataset.table.num_columns
    on_progress(f"The cost is estimated from {timed:,} of the {columns:,} columns.")
    return _estimate_whole(some, columns, options, time.perf_counter() - since)


def _say_cost(dataset: Dataset, options: FitOptions, on_progress: Progress) -> None:
    """Say beforehand what a fit takes, if that is long because of the number of columns."""
    some = _take_some_columns(dataset, options)
    if some is dataset or dataset.table.num_columns < SAID_FROM:
        return
    columns = dataset.table.num_columns
    try:
        cost = _estimate_whole(some, columns, options, 0.0)
    except Refusal:
        # there is too little in some of the columns to try, and all of them may have enough
        return
    on_progress(
        f"{columns:,} columns are many for trees: the fit takes about {format_duration(cost.seconds_total)}, "
        f"estimated from {some.table.num_columns:,} of them."
    )


def _estimate_whole(
    some: Dataset, columns: int, options: FitOptions, seconds_reading: float
) -> Cost:
    """Estimate what a fit to a table would cost from a fit to some of its columns."""
    fit, data, _ = _start(some, options, time.perf_counter())
    cost = fitting.estimate_cost(fit, data)
    timed = some.table.num_columns
    slower = _count_seen(columns) / _count_seen(timed)
    return cost.multiply(columns / timed, slower, seconds_reading)


def _count_seen(columns: int) -> float:
    """The columns that the law of a column sees, on average: those before it, or some of them.

    >>> _count_seen(200), _count_seen(1000)
    (74.75, 94.95)
    """
    return float(np.minimum(np.arange(columns), MOST_PARENTS).mean())


def _start(
    dataset: Dataset, options: FitOptions, since: float
) -> tuple[Fit, FitData, EncodedRows]:
    """Start a fit on data that were read."""
    domain = infer_domain(
        dataset,
        options.labels,
        options.schema,
        options.kept_columns,
        options.chosen_constraints,
    )
    rows = domain.encode(dataset)
    fit, data = fitting.start(domain, rows, options.check(), since=since)
    return fit, data, rows


def _take_some_columns(dataset: Dataset, options: FitOptions) -> Dataset:
    """The columns to estimate the cost from: all, unless trees are to learn from many that no option refers to."""
    names_columns = options.schema or options.chosen_constraints or dataset.totals
    is_timed_whole = options.players != "trees" or options.minutes is not None or names_columns
    if is_timed_whole or not dataset.is_table or dataset.table.num_columns <= MOST_TIMED:
        return dataset
    return dataset.take_columns(MOST_TIMED, {*options.labels, *options.kept_columns})


def load_rows(folder: Path, fit: Fit, on_progress: Progress = lambda text: None) -> EncodedRows:
    """Load the data of a run, encoded as for its fit.

    Raises:
        Refusal: They are other data now.
    """
    source = checkpoint.load_source(folder)
    dataset = _load(source.source, source.size, on_progress)
    return _encode_same(folder, fit, dataset, source.source)


def _encode_same(folder: Path, fit: Fit, dataset: Dataset, word: str) -> EncodedRows:
    """Encode the data of a run; refuses data that have changed since, and another file with other rows."""
    begun_from = checkpoint.load_source(folder).source
    source = _locate(word)
    is_same = source == begun_from
    other = f"{word} has changed since" if is_same else f"{begun_from}, not {source}"
    try:
        rows = fit.domain.encode(dataset, word)
    except Refusal as refusal:
        _refuse_other_data(folder, f"{other} ({str(refusal).rstrip('.')})")
    if rows.digest() != fit.data_hash:
        _refuse_other_data(folder, other)
    return rows


def _locate(word: str) -> str:
    """A name as it is, or the absolute path of a file."""
    return str(Path(word).resolve()) if is_path(word) else word


def _is_leftover(path: Path) -> bool:
    """Whether a file is all that a fit without a state has left: nothing is lost when it begins anew."""
    return path.name in (RECIPE, LOCK) or is_temporary(path.name, checkpoint.is_name)


def _load(word: str, image_size: int | None, on_progress: Progress) -> Dataset:
    """Load the data, and report what was done while reading."""
    dataset = load_some(word, image_size=image_size, on_progress=on_progress)
    for note in dataset.notes:
        on_progress(note)
    return dataset


def describe_options(options: FitOptions) -> dict[str, Any]:
    """Return the options of a fit for JSON."""
    asked = {name: getattr(options, name) for name in about()}
    schema = options.schema and options.schema.without_values().to_dict()
    label = options.labels[0] if len(options.labels) == 1 else list(options.labels) or None
    kept = list(options.kept_columns) or None
    rules = options.chosen_constraints
    rules = list(rules) if isinstance(rules, tuple) else rules
    chosen = {"schema": schema, "keep_personal": kept, "constraints": rules}
    return {**asked, "label": label, **chosen}


def _check_same(folder: Path, asked: dict[str, Any], source: Source) -> None:
    """Refuse to continue a run on other data or with other options, naming the first field that differs.

    A file may have another path than before: its rows are compared once they are read.
    """
    begun_from = checkpoint.load_source(folder)
    are_files = is_path(begun_from.source) and is_path(source.source)
    if begun_from.source != source.source and not are_files:
        _refuse_other_data(folder, f"{begun_from.source}, not {source.source}")
    # options that the version which began the run did not have are as they are by default
    defaults = vars(Hyperparameters())
    begun = defaults | checkpoint.load_asked(folder) | {"size": begun_from.size}
    for field, value in {**asked, "size": source.size}.items():
        if begun.get(field) != value and field != "rounds":
            _refuse_other_option(folder, field, begun.get(field), value)


def _extend(folder: Path, fit: Fit, rounds: int | None, on_progress: Progress) -> Fit:
    """Extend a run if more rounds are asked for than before; refuses fewer."""
    begun = checkpoint.load_asked(folder)["rounds"]
    if rounds in (begun, fit.recipe.rounds):
        return fit
    if rounds is None or rounds < fit.recipe.rounds:
        _refuse_other_option(folder, "rounds", begun, rounds)
    extended = fitting.extend(fit, rounds)
    on_progress(
        f"{folder} goes on after round {fit.rounds:,} of {fit.recipe.rounds:,}, now to round {rounds:,}: from round "
        f"{extended.recipe.scheduled_rounds:,} on at the last learning rates, which fall no further."
    )
    return extended


def _refuse_other_option(folder: Path, field: str, begun: Any, value: Any) -> NoReturn:
    hint = "Ask for what the run was begun with, or for another folder."
    if field == "rounds":
        hint += " More rounds than before extend a run."
    wanted, got = ("the default" if each is None else repr(each) for each in (begun, value))
    refuse(field, expected=f"{wanted}, as {folder} was begun with", got=got, hint=hint)


def _refuse_other_data(folder: Path, what: str) -> NoReturn:
    raise Refusal(f"{folder} was fitted on other data: {what}. Fit into another folder.")
