"""Read runs again and again while they are written, and view what they have come to."""

import dataclasses
import hashlib
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onehalf._errors import Refusal
from onehalf.fitting.history import Evaluated, choose_evaluation, choose_seed
from onehalf.runs.recipe_file import RECIPE
from onehalf.runs.saved import SavedRun, as_written
from onehalf.runs.state_file import PREVIOUS, STATE
from onehalf.views.drawing import SheetAddress, draw_picture, encode_sheet, list_previews
from onehalf.views.source import SourceRows
from onehalf.views.state import (
    ABANDONED,
    RESUME,
    WAITING,
    Activity,
    Findings,
    describe,
    find_standing,
)
from onehalf.views.view import (
    SHIFT_FREE_LOSSES,
    CertificateView,
    Evaluations,
    History,
    Kept,
    RunState,
    RunView,
)

__all__ = ["RunReader", "label_runs", "view_run"]

MOST_ROWS = 1000
"""Rows of the history that are shown; of more, some that are evenly spaced."""

STATES = (STATE, PREVIOUS)
"""What there is of a run once it has been saved."""

ATTEMPTS = 3
PAUSE = 0.1
"""How often a run that can't be read is tried, with `PAUSE` seconds between: its files may be being replaced."""

CORRECTED = (
    "Samples are corrected by D after training. What `onehalf sample` writes, and what the certificate is of, are "
    "corrected samples; pictures and held-out nats are of G before that."
)

NO_SNAPSHOTS = "What samples looked like was not kept: the run has no evaluation yet, or an older version wrote it."

VANISHED = "The folder is no longer there."

STILL_SHOWN = "What is shown was read before."


def view_run(folder: Path, label: str = "", rows: np.ndarray | None = None) -> RunView:
    """View a run as it is on the disk now, the sheets of images included.

    Args:
        folder: The run.
        label: What it is called; '' is the name of the folder.
        rows: The rows of its data, if they have been read already.
    """
    reader = RunReader(folder, label or folder.resolve().name)
    reader.rows = rows
    return reader.view()


def label_runs(folders: Sequence[Path]) -> list[str]:
    """Name runs by as much of their paths as tells them apart, from the end.

    >>> label_runs([Path("a/run"), Path("b/run"), Path("c")])
    ['a/run', 'b/run', 'c']
    """
    parts = [folder.resolve().parts for folder in folders]
    labels = []
    for own in parts:
        others = [each for each in parts if each != own]
        length = 1
        while length < len(own) and any(each[-length:] == own[-length:] for each in others):
            length += 1
        labels.append("/".join(own[-length:]).removeprefix("//"))
    return labels


class RunReader:
    """One run on the disk, which is only ever read. What was read last is kept, in case the folder goes."""

    def __init__(self, folder: Path, label: str, address: SheetAddress | None = None) -> None:
        self.folder = folder
        self.label = label
        self.address = address
        self.activity = Activity(folder)
        self.run: SavedRun | None = None
        self.seen: RunView | None = None
        self.source: SourceRows | None = None
        self.rows: np.ndarray | None = None

    def fingerprint(self) -> str:
        """What changes whenever the view may; it costs next to nothing."""
        found: list[Any] = [os.path.isdir(self.folder), self.activity.is_at_work()]
        for name in (RECIPE, STATE):
            try:
                stat = (self.folder / name).stat()
            except OSError:
                found.append(None)
            else:
                found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    def view(self) -> RunView:
        """View the run as it is now."""
        revision = self.fingerprint()
        if not os.path.isdir(self.folder):
            return self._view_without("vanished", VANISHED, revision)
        if self.seen is None and not any((self.folder / name).exists() for name in STATES):
            at_work = self.activity.is_at_work()
            return self._view_without("waiting", WAITING if at_work else ABANDONED, revision)
        try:
            with as_written(self.folder):
                run = self._read()
                seen = self._view(run, revision)
        except (Refusal, OSError) as error:
            return self._view_without("damaged", str(error), revision)
        if run.fallback:
            sentence = f"{run.fallback} {RESUME}"
            seen = dataclasses.replace(seen, state="damaged", sentence=sentence)
        # its history is long, and only sheets of images are drawn later
        self.run = run if run.domain["name"] == "image" else None
        self.seen = seen
        return seen

    def sheet(self, t: int | None) -> bytes | None:
        """Encode the images of a round, or those of the data, as a PNG file; None if there are none."""
        run = self.run
        if run is None:
            return None
        previews = list_previews(run, choose_seed(run.history, run.recipe))
        images = previews.get(t) if t is not None else None
        if t is None and previews and self.source:
            images = self.source.images(len(next(iter(previews.values()))))
        return None if images is None else encode_sheet(images, run.domain["limits"])

    def _read(self) -> SavedRun:
        """Read the files; a few times, as they may be being replaced."""
        for attempt in range(ATTEMPTS):
            is_last = attempt == ATTEMPTS - 1
            try:
                run = SavedRun.read(self.folder)
                if is_last or not run.fallback:
                    # what networks are filled with is never shown
                    return dataclasses.replace(run, arrays={})
            except Refusal:
                if is_last:
                    raise
            time.sleep(PAUSE)
        raise AssertionError

    def _view_without(self, state: RunState, sentence: str, revision: str) -> RunView:
        """View a run that can't be read now: with what was read before, if that is known."""
        at_work = self.activity.is_at_work()
        if self.seen is not None:
            return dataclasses.replace(
                self.seen,
                revision=revision,
                state=state,
                is_at_work=at_work,
                sentence=f"{sentence} {STILL_SHOWN}",
            )
        return RunView(
            name=self.folder.resolve().name,
            label=self.label,
            revision=revision,
            state=state,
            is_at_work=at_work,
            sentence=sentence,
            onehalf=None,
            saved_at=None,
            source=None,
            rounds=None,
        )

    def _view(self, run: SavedRun, revision: str) -> RunView:
        """View what was read."""
        at_work = self.activity.is_at_work()
        standing = find_standing(run, at_work=at_work)
        seed = choose_seed(run.history, run.recipe)
        evaluations = _evaluations(run, seed)
        found = Findings(
            latest=_latest(evaluations),
            kept=_kept(run, seed),
            null=_null(run),
            certificate=_certificate(run),
            diverged=run.about.get("diverged", ""),
        )
        if self.source is None or self.source.is_stale(run, is_at_work=at_work):
            self.source = SourceRows(run, is_at_work=at_work, rows=self.rows)
        picture = draw_picture(run, seed, self.source, self.address)
        has_tie = run.recipe.loss not in SHIFT_FREE_LOSSES
        return RunView(
            name=self.folder.resolve().name,
            label=self.label,
            revision=revision,
            state=standing.state,
            is_at_work=at_work,
            sentence=describe(standing, found),
            onehalf=run.version,
            saved_at=_modified(run.path),
            source=Path(run.source.source).name,
            rounds=standing.rounds,
            seconds=standing.seconds,
            players=run.recipe.players,
            loss=run.recipe.loss,
            value_at_equilibrium=-math.log(4) if has_tie else None,
            seeds=run.recipe.seeds,
            seed=run.recipe.random_state + seed,
            history=_history(run, seed),
            evaluations=evaluations,
            null=found.null,
            kept=found.kept,
            certificate=found.certificate,
            picture=picture,
            notes=tuple(
                filter(
                    None,
                    (
                        self.source.note,
                        "" if picture else NO_SNAPSHOTS,
                        CORRECTED if run.is_refined else "",
                    ),
                )
            ),
        )


def _history(run: SavedRun, seed: int) -> History:
    """The rows of the history for one seed."""
    rows = run.history
    if len(rows) > MOST_ROWS:
        rows = [rows[round(i * (len(rows) - 1) / (MOST_ROWS - 1))] for i in range(MOST_ROWS)]

    def series(name: Any) -> tuple[float, ...]:
        return tuple(row[name][seed] for row in rows)

    has_gradients = bool(rows) and all("gradient_D" in row for row in rows)
    return History(
        t=tuple(row["t"] for row in rows),
        seconds=tuple(row["seconds"] for row in rows),
        V=series("V"),
        D_x=series("D_x"),
        D_Gz=series("D_Gz"),
        gradient_D=series("gradient_D") if has_gradients else None,
        gradient_G=series("gradient_G") if has_gradients else None,
    )


def _evaluations(run: SavedRun, seed: int) -> Evaluations:
    """The evaluations of one seed."""
    rows: list[Any] = [row for row in run.history if "jsd_estimate" in row]
    return Evaluations(
        t=tuple(row["t"] for row in rows),
        estimate=tuple(row["jsd_estimate"][seed] for row in rows),
        se=tuple(row["jsd_se"][seed] for row in rows),
        lower=tuple(row["jsd_lower"][seed] for row in rows),
    )


def _latest(evaluations: Evaluations) -> Kept | None:
    """The last evaluation; None if it gave no number."""
    if not evaluations.t:
        return None
    estimate, se = evaluations.estimate[-1], evaluations.se[-1]
    if estimate is None or se is None or not math.isfinite(estimate):
        return None
    return Kept(t=evaluations.t[-1], estimate=estimate, se=se)


def _kept(run: SavedRun, seed: int) -> Kept | None:
    """The evaluation of one seed whose G is kept."""
    found: Evaluated = choose_evaluation(run.history, run.recipe, seed).kept
    if not math.isfinite(found.estimate):
        return None
    row: Any = next(row for row in run.history if row["t"] == found.t)
    # the choice counts an estimate below 0 as 0; here it is shown as it was
    return Kept(t=found.t, estimate=row["jsd_estimate"][seed], se=found.se)


def _null(run: SavedRun) -> Kept | None:
    """The evaluation of data against data."""
    for row in run.history:
        if "null" in row:
            null = row["null"]
            return Kept(t=row["t"], estimate=null["jsd_estimate"], se=null["jsd_se"])
    return None


def _certificate(run: SavedRun) -> CertificateView | None:
    """The comparison with test rows; None before it, or without one."""
    found = run.about["certificate"]
    if not found:
        return None
    verdict = found.get("verdict") or {}
    return CertificateView(
        outcome=verdict.get("outcome", ""),
        sentence=verdict.get("sentence", ""),
        jsd_lower=found.get("jsd_lower"),
        jsd_estimate=found.get("jsd_estimate"),
        jsd_se=found.get("jsd_se"),
        p_value=found.get("p_value"),
    )


def _modified(path: Path) -> float | None:
    """When a file was last written, in seconds since 1970; None if it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None
