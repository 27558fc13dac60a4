"""Progress of a fit on stderr: a bar in a terminal, elsewhere a line every ten seconds."""

import contextlib
import dataclasses
import datetime
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onehalf._errors import printable

if TYPE_CHECKING:
    import onehalf.fitting

__all__ = ["Status", "show_progress"]

SECONDS_BETWEEN_LINES = 10.0
"""How often a line is written where there is no terminal."""

WORDS = 74
"""Columns of a terminal that the words beside the bar take, at most."""

SHORTEST_BAR = 5

LONGEST_BAR = 40

TIE = -math.log(4)
"""V where D = 1/2 everywhere, in nats."""


@dataclass(frozen=True)
class Status:
    """The progress of a fit, and the state of its game."""

    rounds: int
    total: int
    rounds_per_s: float | None = None
    V: float | None = None
    D_x: float | None = None
    jsd_estimate: str | None = None
    """The JSD in nats on held-out rows, with its standard error, by the last evaluation."""
    jsd_lower: str | None = None
    """Its lower bound."""

    @classmethod
    def from_history(
        cls, history: Sequence[Mapping[str, Any]], seed: int, rounds: int, total: int
    ) -> "Status":
        """Summarize a history for one of its seeds."""
        if not history:
            return cls(rounds, total)
        # the first row includes the time to compile
        first = history[0] if len(history) > 1 else {"t": 0, "seconds": 0.0}
        last = history[-1]
        seconds = max(last["seconds"] - first["seconds"], 1e-9)
        status = cls(
            rounds,
            total,
            rounds_per_s=(last["t"] - first["t"]) / seconds,
            V=last["V"][seed],
            D_x=last["D_x"][seed],
        )
        evaluations = [row for row in history if "jsd_estimate" in row]
        if not evaluations:
            return status
        from onehalf.evaluation.wording import at_least, digits

        row = evaluations[-1]
        return dataclasses.replace(
            status,
            jsd_estimate=digits(row["jsd_estimate"][seed], row["jsd_se"][seed]),
            jsd_lower=at_least(row["jsd_lower"][seed]),
        )

    @property
    def speed(self) -> str:
        """Rounds per second, in words."""
        return f"{self.rounds_per_s:,.0f} rounds/s" if self.rounds_per_s else ""

    @property
    def time_left(self) -> str:
        """Time until the last round at this speed, in words."""
        if not self.rounds_per_s:
            return ""
        seconds = round((self.total - self.rounds) / self.rounds_per_s)
        return f"{datetime.timedelta(seconds=seconds)} left"

    @property
    def summary(self) -> str:
        """V and the last evaluation, short enough for a terminal of 80 columns."""
        words = [] if self.V is None else [f"V {self.V:.3f}"]
        if self.jsd_estimate:
            words.append(f"held-out {self.jsd_estimate.split()[0]} nats")
        return "  ".join(words)

    def __str__(self) -> str:
        """The status in one line; values at D = 1/2 are in brackets.

        >>> print(Status(200, 10_000, 500.0, -1.352, 0.53))
        round 200/10,000  500 rounds/s  0:00:20 left  V -1.352 (-1.386)  D(x) 0.53 (0.50)
        """
        words = [f"round {self.rounds:,}/{self.total:,}"]
        if self.rounds_per_s:
            words += [self.speed, self.time_left]
        if self.V is not None and self.D_x is not None:
            words += [f"V {self.V:.3f} ({TIE:.3f})", f"D(x) {self.D_x:.2f} (0.50)"]
        if self.jsd_estimate:
            words.append(f"held-out {self.jsd_estimate} nats (at least {self.jsd_lower})")
        return "  ".join(words)


class Notes:
    """Sentences about a fit, each said once: collapse that two evaluations in a row have seen, and lower rates."""

    def __init__(self) -> None:
        self.rows = 0
        """The rows of history that were looked at."""
        self.said = ""
        """The collapse that was said last."""

    def find(self, history: Sequence[Mapping[str, Any]], seed: int) -> list[str]:
        """What there is to say of the rows of history that are new, for one of the seeds."""
        new = history[self.rows :]
        self.rows = len(history)
        found = [
            f"Round {row['t']:,}: rates were lowered, as {row['lowered']}."
            for row in new
            if row.get("lowered")
        ]
        if not any("jsd_estimate" in row for row in new):
            return found
        evaluated = [row for row in history if "jsd_estimate" in row][-2:]
        seen = [row["collapse"][seed] if row.get("collapse") else "" for row in evaluated]
        collapse = seen[-1] if len(seen) > 1 and all(seen) else ""
        if collapse and collapse != self.said:
            found.append(f"Round {history[-1]['t']:,}: samples have collapsed: {collapse}.")
        self.said = collapse
        return found


@contextlib.contextmanager
def show_progress() -> Iterator[Callable[["onehalf.fitting.Fit"], None]]:
    """Show the progress of a fit: pass the fit every 100 rounds."""
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    notes = Notes()
    with _bar() if is_terminal else _lines() as show:
        yield lambda fit: show(
            Status.from_history(fit.history, fit.chosen, fit.rounds, fit.recipe.rounds),
            notes.find(fit.history, fit.chosen),
        )


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Status, Sequence[str]], None]]:
    """Draw a bar over and over again."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    columns = (
        progress.BarColumn(
            bar_width=max(SHORTEST_BAR, min(LONGEST_BAR, console.width - WORDS))
        ),
        progress.TextColumn("{task.completed:,}/{task.total:,}"),
        progress.TextColumn("{task.fields[words]}"),
    )
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task("fit", total=None, visible=False, words="")

        def show(status: Status, notes: Sequence[str]) -> None:
            for note in notes:
                console.print(printable(note), markup=False, highlight=False)
            bar.update(
                task,
                completed=status.rounds,
                total=status.total,
                visible=True,
                words="  ".join(filter(None, [status.speed, status.time_left, status.summary])),
            )

        yield show


@contextlib.contextmanager
def _lines() -> Iterator[Callable[[Status, Sequence[str]], None]]:
    """Write a line every ten seconds."""
    last = -math.inf

    def show(status: Status, notes: Sequence[str]) -> None:
        nonlocal last
        for note in notes:
            sys.stderr.write(f"{printable(note)}\n")
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            sys.stderr.write(f"{status}\n")
            sys.stderr.flush()

    yield show
