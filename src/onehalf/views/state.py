"""What a run is at, and the sentences that say it."""

import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onehalf._text import format_duration
from onehalf.evaluation.wording.formats import digits
from onehalf.fitting.history import HistoryRow, find_end
from onehalf.runs.lock import LOCK, Holder
from onehalf.runs.saved import SavedRun
from onehalf.views.view import CertificateView, Kept, Rounds, RunState, Seconds

__all__ = ["Activity", "Standing", "describe", "find_standing"]

SILENCE = 900.0
"""A fit on another machine is taken to be at work if it has saved within this many seconds."""

WAITING = (
    "Waiting for the first rounds: the data are read and encoded, and the game is compiled."
)

COMPARING = "Now samples are compared with the test rows, which were not used for training."

RESUME = "To go on, repeat `onehalf fit` with the same data and --out."

ABANDONED = "Nothing has been trained here yet, and no fit is at work."


@dataclass(frozen=True)
class Standing:
    """What a saved run is at."""

    state: RunState
    rounds: Rounds
    seconds: Seconds


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a run has found so far; None where it has not."""

    latest: Kept | None
    """The last evaluation."""
    kept: Kept | None
    """The evaluation whose G is kept."""
    null: Kept | None
    """The same for data against data."""
    certificate: CertificateView | None
    diverged: str
    """What was seen when all games left the finite numbers."""


@dataclass
class Activity:
    """Whether a fit holds a folder, at one look after the other."""

    folder: Path
    changed: float | None = None
    """When anything in it was last written, as of the last look."""
    seen_at: float = 0.0
    """When that was first seen, by a clock that never jumps."""

    def is_at_work(self) -> bool:
        """Whether a fit holds the folder; its lock is read and never touched.

        The process that the lock names is looked for. Of one on another machine only its saves are known.
        """
        try:
            holder = Holder.parse((self.folder / LOCK).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        if holder is None:
            return True
        if holder.host != platform.node() or sys.platform == "win32":
            return self._has_saved()
        return holder.is_alive

    def _has_saved(self) -> bool:
        """Whether anything was written lately; the time of day counts at the first look alone."""
        changed = _last_change(self.folder)
        now = time.monotonic()
        if changed != self.changed:
            silent = time.time() - changed if self.changed is None else 0.0
            self.changed = changed
            self.seen_at = now - silent
        return now - self.seen_at < SILENCE


def find_standing(run: SavedRun, *, at_work: bool) -> Standing:
    """Find what a saved run is at."""
    about = run.about
    ended = find_end(
        run.history,
        run.recipe,
        rounds=about["t"],
        diverged=about.get("diverged", ""),
        extended_at=about["extended_at"],
    )
    is_whole = about["is_measured"] or not run.recipe.evaluate
    state: RunState = "training" if at_work else "interrupted"
    if ended and _has_diverged(run):
        state = "diverged"
    elif ended and is_whole:
        state = "finished"
    elif ended and at_work:
        state = "evaluating"
    rounds = Rounds(
        done=about["t"],
        planned=run.recipe.rounds,
        extended_at=about["extended_at"],
        next_evaluation=None if ended else _next_evaluation(run),
    )
    return Standing(state, rounds, _add_up_seconds(run, has_ended=bool(ended)))


def describe(standing: Standing, found: Findings) -> str:
    """Say what a run is at: rounds, time left, held-out nats, and what happens next."""
    rounds = standing.rounds
    played = f"{rounds.done:,} round{'s' * (rounds.done != 1)}"
    spent = format_duration(standing.seconds.so_far)
    ended = f"after round {rounds.done:,} of {rounds.planned:,}"
    kept = _describe_held_out(found.kept, found.null)
    sentences = {
        "training": [
            _describe_rounds(standing),
            _describe_held_out(found.latest, found.null),
            _describe_next(rounds),
        ],
        "evaluating": [f"Trained {played} in {spent}.", kept, COMPARING],
        "finished": [
            f"Finished: {played} in {spent}; {format_duration(standing.seconds.total)} in all.",
            _describe_certificate(found.certificate) if found.certificate else kept,
        ],
        "interrupted": [f"Stopped {ended}.", kept, RESUME],
        "diverged": [f"Diverged {ended}{f': {found.diverged}' if found.diverged else ''}."],
    }[standing.state]
    return " ".join(filter(None, sentences))


def _describe_certificate(certificate: CertificateView) -> str:
    """Say what the test rows have shown."""
    sentence = certificate.sentence
    return f"Test rows and samples: {sentence[:1].lower()}{sentence[1:]}"


def _describe_rounds(standing: Standing) -> str:
    rounds = standing.rounds
    left = standing.seconds.left
    about = f", about {format_duration(left)} left" if left else ""
    return f"Training: round {rounds.done:,} of {rounds.planned:,}{about}."


def _describe_held_out(found: Kept | None, null: Kept | None) -> str:
    """Say what an evaluation found, beside the same for data against data."""
    if found is None:
        return ""
    baseline = f" (data against data: {digits(null.estimate, null.se)})" if null else ""
    held_out = digits(found.estimate, found.se)
    return f"Held-out distance at round {found.t:,}: {held_out} nats{baseline}."


def _describe_next(rounds: Rounds) -> str:
    if rounds.next_evaluation is None:
        return "No evaluation was asked for."
    if rounds.next_evaluation >= rounds.planned:
        return (
            f"Next: the last evaluation, at round {rounds.planned:,}, and then the test rows."
        )
    return f"Next: an evaluation at round {rounds.next_evaluation:,}."


def _next_evaluation(run: SavedRun) -> int | None:
    """The round of the next evaluation, as far as it is known: they are about as far apart as the last two."""
    if not run.recipe.evaluate:
        return None
    evaluated = [0, *(row["t"] for row in run.history if "jsd_estimate" in row)]
    interval = evaluated[-1] - evaluated[-2] if len(evaluated) > 1 else 0
    due = evaluated[-1] + interval
    return min(max(due, run.about["t"] + run.recipe.chunk), run.recipe.rounds)


def _add_up_seconds(run: SavedRun, *, has_ended: bool) -> Seconds:
    """The times of a run; within the `minutes` that were asked for, if any."""
    last = run.history[-1] if run.history else None
    so_far = last["seconds"] if last else 0.0
    certificate = run.about["certificate"] or {}
    total = run.about["seconds_setup"] + so_far
    left = 0.0 if has_ended else _seconds_left(run.history, run.recipe.rounds)
    if run.recipe.minutes is not None and not run.about["extended_at"]:
        at_most = max(0.0, 60 * run.recipe.minutes - total)
        left = at_most if left is None else min(left, at_most)
    return Seconds(
        so_far=so_far,
        evaluating=last.get("seconds_evaluation", 0.0) if last else 0.0,
        left=left,
        total=total + certificate.get("seconds", 0.0),
    )


def _seconds_left(history: Sequence[HistoryRow], planned: int) -> float | None:
    """Seconds until the last round, by the speed of the later half of the history.

    The first row has the time to compile, and says nothing of the speed.
    """
    if len(history) < 2:
        return None
    first, last = history[(len(history) - 1) // 2], history[-1]
    seconds = last["seconds"] - first["seconds"]
    return (planned - last["t"]) * seconds / (last["t"] - first["t"])


def _has_diverged(run: SavedRun) -> bool:
    """Whether all games of a run have left the finite numbers."""
    if run.about.get("diverged"):
        return True
    return bool(run.history) and not any(value == value for value in run.history[-1]["V"])


def _last_change(folder: Path) -> float:
    """When anything in a folder was last written, in seconds since 1970."""
    try:
        return max((path.stat().st_mtime for path in folder.iterdir()), default=0.0)
    except OSError:
        return 0.0
