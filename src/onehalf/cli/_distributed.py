"""`fit --distributed`: one process of several at a fit, each watched over by a process of its own."""

import contextlib
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import typer

from onehalf._errors import Refusal, refuse
from onehalf.cli._common import say
from onehalf.hyperparameters import FitOptions

__all__ = [
    "Cluster",
    "Coordinator",
    "Distributed",
    "JoinTimeout",
    "Process",
    "Processes",
    "choose_cluster",
    "describe_rows",
    "follow",
    "lead",
    "supervise",
]

LOST = 3
"""The exit code of a process that ends because another one did."""

LOST_SENTENCE = (
    "onehalf: another process of this fit has ended or can't be reached, so this one ends too. What was saved is in "
    "the run's folder: the same commands with --out RUN continue it, with any number of processes."
)

LOG = 16
"""Pieces of 4 kB of what JAX's C++ code writes that are kept, for an end that has another reason."""

Distributed = Annotated[
    bool,
    typer.Option(
        "--distributed",
        help="Share minibatches, or several seeds, out over several processes: run the same command on each machine. "
        "Slurm, Open MPI, Kubernetes and TPUs are detected; elsewhere give --coordinator, --processes and --process.",
    ),
]

Coordinator = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="With --distributed: an address of process 0."),
]

Processes = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="With --distributed: processes in all.")
]

Process = Annotated[
    int | None,
    typer.Option(
        metavar="I", min=0, help="With --distributed: the number of this one, from 0."
    ),
]

JoinTimeout = Annotated[
    int,
    typer.Option(
        metavar="SECONDS",
        min=1,
        help="With --distributed: how long processes wait for each other.",
    ),
]


@dataclass(frozen=True)
class Cluster:
    """The processes to join; None is what JAX detects."""

    coordinator: str | None
    processes: int | None
    process: int | None
    timeout: int

    def join(self) -> bool:
        """Join them; returns whether this is process 0, which leads the fit."""
        from onehalf import cluster

        cluster.join(self.coordinator, self.processes, self.process, timeout=self.timeout)
        return cluster.is_leader()


def choose_cluster(
    is_distributed: bool,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    timeout: int,
) -> Cluster | None:
    """Check the options of a fit by several processes; None if there is to be one.

    Raises:
        Refusal: They don't go together.
    """
    given = {"--coordinator": coordinator, "--processes": processes, "--process": process}
    if not is_distributed:
        for name, value in given.items():
            if value is not None:
                refuse(name, expected="--distributed beside it", got=value)
        return None
    if coordinator is not None and not coordinator.rpartition(":")[2].isdecimal():
        refuse("--coordinator", expected="HOST:PORT", got=coordinator)
    if process is not None and processes is not None and process >= processes:
        refuse("--process", expected=f"a number from 0 to {processes - 1}", got=process)
    return Cluster(coordinator, processes, process, timeout)


@contextlib.contextmanager
def lead(joined: Cluster | None) -> Iterator[None]:
    """Let the other processes go when the fit is done, whatever ends it."""
    if joined is None:
        yield
        return
    from onehalf import cluster, runs

    try:
        yield
    except cluster.LostProcess:
        _end_as_lost()
    except Refusal as refusal:
        runs.refuse_together(refusal)
        raise
    finally:
        cluster.send({})


def follow(options: FitOptions) -> None:
    """Take part in the fit that process 0 leads."""
    from onehalf import cluster, runs

    try:
        runs.follow(options)
    except cluster.LostProcess:
        _end_as_lost()


def describe_rows(players: Any) -> str:
    """Say how rows are shared out, if they are; with a space before it."""
    count = players.devices_with_parts
    return f" Each of the {count} devices holds a part of the training rows." if count else ""


def _end_as_lost() -> NoReturn:
    """End at once: JAX would wait for the process that has gone."""
    say(LOST_SENTENCE)
    sys.stderr.flush()
    os._exit(LOST)


def supervise() -> None:
    """Go on in a child process, and let this one wait for it; returns in the child alone.

    JAX ends a process by a signal when another one has gone, with a C++ stack trace. This one then says so in a
    sentence, and exits with a code. What C++ code writes is kept from the streams of Python.
    """
    if not hasattr(os, "fork"):
        return
    alive, hold = os.pipe()
    log, write_log = os.pipe()
    child = os.fork()
    if not child:
        os.close(hold)
        os.close(log)
        _separate_streams(write_log)
        threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
        return
    os.close(alive)
    os.close(write_log)
    received: list[int] = []

    def forward(number: int, _: object) -> None:
        received.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    pieces: deque[bytes] = deque(maxlen=LOG)
    threading.Thread(target=_keep_log, args=(log, pieces), daemon=True).start()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGABRT and received:
        # it has saved the run and said so; JAX would not let it go while others were in the middle of a round
        code = 128 + received[0]
    elif code == -signal.SIGABRT and b"JAX distributed service" in b"".join(pieces):
        say(LOST_SENTENCE)
        code = LOST
    elif code < 0:
        say(f"onehalf: the process was ended by signal {-code}.")
        say(b"".join(pieces).decode(errors="replace"))
        code = 128 - code
    raise typer.Exit(code)


def _separate_streams(write_log: int) -> None:
    """Keep the streams of Python as they are, and send what else writes to them to the parent."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        own = os.fdopen(os.dup(number), "w", encoding=getattr(sys, name).encoding)
        own.reconfigure(line_buffering=True, errors=getattr(sys, name).errors)
        setattr(sys, name, own)
        os.dup2(write_log, number)


def _keep_log(log: int, pieces: "deque[bytes]") -> None:
    """Keep the last of what a child writes."""
    while piece := os.read(log, 4096):
        pieces.append(piece)


def _end_with_parent(alive: int) -> NoReturn:
    """End when the parent does: nothing is ever written to this pipe."""
    os.read(alive, 1)
    os._exit(LOST)
