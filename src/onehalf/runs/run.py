"""Fit in a folder: start a run, or continue the one that is there."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onehalf import fitting
from onehalf._errors import refuse
from onehalf._files import check_writable
from onehalf.data.dataset import Dataset
from onehalf.data.loading import is_path, load
from onehalf.data.rows import EncodedRows
from onehalf.domains import infer_domain
from onehalf.fitting import Fit, FitData
from onehalf.hyperparameters import FitOptions, about
from onehalf.runs import checkpoint
from onehalf.runs.checkpoint import RECIPE, Source, save

__all__ = ["fit_run", "load_rows", "next_folder", "start_fit"]

SAVE_EVERY = 20.0
"""Seconds between saves, at most; an evaluation is saved at once."""

Progress = Callable[[str], None]
"""Is called with sentences for people, as things are done."""


def next_folder(word: str, root: Path = Path("runs")) -> Path:
    """Return the first of runs/NAME-1, runs/NAME-2, ... that does not exist yet."""
    stem = Path(word).resolve().stem if is_path(word) else word
    number = 1
    while (root / f"{stem}-{number}").exists():
        number += 1
    return root / f"{stem}-{number}"


def fit_run(
    folder: Path,
    word: str,
    options: FitOptions,
    *,
    image_size: int | None = None,
    evaluate: bool = True,
    watch: Callable[[Fit], None] = lambda fit: None,
    on_progress: Progress = lambda text: None,
) -> tuple[Fit, EncodedRows]:
    """Fit in a folder: start a run, or continue the one that is there.

    Whatever ends the fit, Ctrl-C included, what was trained is saved.

    Args:
        folder: The run.
        word: A name that `onehalf data` lists, or a path.
        options: The hyper-parameters, labels and schema.
        image_size: The side that the images of a folder are resized to.
        evaluate: Whether to evaluate G on held-out rows.
        watch: Is called with the fit every 100 rounds.
        on_progress: Is called with what was done to the data while reading, in sentences.

    Returns:
        The fit, and all rows, encoded.

    Raises:
        Refusal: The run was started with another recipe (the first field that differs is named) or on other data.
    """
    options.check()
    asked = _asked(options)
    source = Source(str(Path(word).resolve()) if is_path(word) else word, image_size)
    is_begun = (folder / RECIPE).exists()
    if is_begun:
        _check_same(folder, asked, source)
    elif folder.exists() and any(folder.iterdir()):
        expected = "a run, or an empty or new folder"
        refuse(str(folder), expected=expected, got="a folder with other files")
    check_writable(folder)
    if is_begun:
        fit = checkpoint.load(folder)
        rows = fit.domain.encode(_load(word, image_size, on_progress), word)
        if rows.digest() != fit.data_hash:
            hint = "Has it changed? Fit it into another folder."
            expected = f"the rows that {folder} was begun with"
            refuse(word, expected=expected, got="other rows", hint=hint)
        data = fitting.resume(fit, rows)
    else:
        fit, data, rows = start_fit(
            word, options, image_size=image_size, on_progress=on_progress
        )
    saved_at = time.monotonic()
    steps = fitting.run(fit, data, evaluate=evaluate)
    try:
        for fit in steps:
            is_evaluated = "jsd_estimate" in fit.history[-1]
            if is_evaluated or time.monotonic() - saved_at > SAVE_EVERY:
                save(folder, fit, source, asked)
                saved_at = time.monotonic()
            watch(fit)
    finally:
        if fit.history:
            save(folder, fit, source, asked)
    return fit, rows


def start_fit(
    word: str,
    options: FitOptions,
    *,
    image_size: int | None = None,
    on_progress: Progress = lambda text: None,
) -> tuple[Fit, FitData, EncodedRows]:
    """Start a fit on a named data set or a path; returns the fit before round 0, its splits, and all rows."""
    began = time.perf_counter()
    asked = options.check()
    dataset = _load(word, image_size, on_progress)
    domain = infer_domain(dataset, options.labels, options.schema)
    rows = domain.encode(dataset)
    fit, data = fitting.start(domain, rows, asked, since=began)
    return fit, data, rows


def load_rows(folder: Path, fit: Fit, on_progress: Progress = lambda text: None) -> EncodedRows:
    """Load the data of a run, encoded as for its fit."""
    source = checkpoint.load_source(folder)
    return fit.domain.encode(_load(source.source, source.size, on_progress), source.source)


def _load(word: str, image_size: int | None, on_progress: Progress) -> Dataset:
    """Load the data, and report what was done while reading."""
    dataset = load(word, image_size=image_size, on_progress=on_progress)
    for note in dataset.notes:
        on_progress(note)
    return dataset


def _asked(options: FitOptions) -> dict[str, Any]:
    """Return the options of a fit for JSON."""
    asked = {name: getattr(options, name) for name in about()}
    schema = options.schema and options.schema.to_dict()
    label = options.labels[0] if len(options.labels) == 1 else list(options.labels) or None
    return {**asked, "label": label, "schema": schema}


def _check_same(folder: Path, asked: dict[str, Any], source: Source) -> None:
    """Refuse to continue a run that was started with other options, naming the first field that differs."""
    begun_from = checkpoint.load_source(folder)
    begun = checkpoint.load_asked(folder)
    begun |= {"data": begun_from.source, "size": begun_from.size}
    for field, value in {**asked, "data": source.source, "size": source.size}.items():
        if begun.get(field) != value:
            expected = f"{begun.get(field)!r}, as {folder} was begun with"
            hint = "Ask for what the run was begun with, or for another folder."
            refuse(field, expected=expected, got=repr(value), hint=hint)
