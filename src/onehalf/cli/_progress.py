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

if TYPE_CHECKING:
    import onehalf.fitting

__all__ = ["Status", "show_progress"]

SECONDS_BETWEEN_LINES = 10.0
"""How often a line is written where there is no terminal."""

TIE = -math.log(4)
"""V where D = 1/2 everywhere, in nats."""


@dataclass(frozen=True)
class Status:
    """How far a fit is, and how its game stands."""

    rounds: int
    total: int
    rounds_per_s: float | None = None
    V: float | None = None
    D_x: float | None = None
    held_out: str | None = None
    """The last evaluation: the estimate of the JSD in nats, with its standard error."""
    bound: str | None = None
    """The last evaluation: the lower bound of the JSD in nats."""

    @classmethod
    def from_history(
        cls, history: Sequence[Mapping[str, Any]], seed: int, rounds: int, total: int
    ) -> "Status":
        """Summarise a history for one of its seeds."""
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
            held_out=digits(row["jsd_estimate"][seed], row["jsd_se"][seed]),
            bound=at_least(row["jsd_lower"][seed]),
        )

    @property
    def seconds_left(self) -> float | None:
        """Time until the last round, at this speed."""
        return (self.total - self.rounds) / self.rounds_per_s if self.rounds_per_s else None

    @property
    def speed(self) -> str:
        """Rounds per second, in words."""
        return f"{self.rounds_per_s:,.0f} rounds/s" if self.rounds_per_s else ""

    @property
    def summary(self) -> str:
        """V and the last evaluation, short enough to stand beside a bar."""
        words = [] if self.V is None else [f"V {self.V:.3f}"]
        return "  ".join([*words, f"held-out {self.held_out} nats"] if self.held_out else words)

    def __str__(self) -> str:
        """The status in one line; what a tie gives is in brackets.

        >>> print(Status(200, 10_000, 500.0, -1.352, 0.53))
        round 200/10,000  500 rounds/s  0:00:20 left  V -1.352 (-1.386)  D(x) 0.53 (0.50)
        """
        words = [f"round {self.rounds:,}/{self.total:,}"]
        if self.seconds_left is not None:
            left = datetime.timedelta(seconds=round(self.seconds_left))
            words += [self.speed, f"{left} left"]
        if self.V is not None and self.D_x is not None:
            words += [f"V {self.V:.3f} ({TIE:.3f})", f"D(x) {self.D_x:.2f} (0.50)"]
        if self.held_out:
            words.append(f"held-out {self.held_out} nats (at least {self.bound})")
        return "  ".join(words)


@contextlib.contextmanager
def show_progress() -> Iterator[Callable[["onehalf.fitting.Fit"], None]]:
    """Show how far a fit is: the caller hands the fit over every 100 rounds."""
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    with _bar() if is_terminal else _lines() as show:
        yield lambda fit: show(
            Status.from_history(fit.history, fit.chosen, fit.rounds, fit.recipe.rounds)
        )


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Status], None]]:
    """A bar that is drawn over again."""
    from rich import progress
    from rich.console import Console

    columns = (
        progress.BarColumn(bar_width=12),
        progress.TextColumn("{task.completed:,}/{task.total:,}"),
        progress.TextColumn("{task.fields[speed]}"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[summary]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("fit", total=None, visible=False, speed="", summary="")

        def show(status: Status) -> None:
            bar.update(
                task,
                completed=status.rounds,
                total=status.total,
                visible=True,
                speed=status.speed,
                summary=status.summary,
            )

        yield show


@contextlib.contextmanager
def _lines() -> Iterator[Callable[[Status], None]]:
    """A line every ten seconds."""
    last = -math.inf

    def show(status: Status) -> None:
        nonlocal last
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            sys.stderr.write(f"{status}\n")
            sys.stderr.flush()

    yield show
