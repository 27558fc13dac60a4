"""Send Ctrl-C to every command at random moments of its processor time, and look at what it says and leaves.

    python bench/interrupts.py [--times 20] [--seed 0] [--commands data measure]

Each try is a process of its own, from the start of the interpreter to its exit. The signal goes to its whole group, as
from a terminal, and comes one to three times within some milliseconds; every fourth time it comes again and again from
the moment that the output is there. A try is broken if stderr has a traceback, if there is another exit code than 130
or that of the whole command, if a sentence is missing beside 130, if a temporary file or a lock is left, if an output
has other bytes than that of the whole command, or if the same `fit` does not go on from what it left. Before the
program's first line runs, the interpreter alone answers: what comes in its first `START` seconds is not counted.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from kills import PAUSE, has_ended, read_processor_time

START = 0.08
"""Processor seconds that the interpreter takes to start, and to import what handles signals."""

BETWEEN = 0.003
"""Seconds between two signals."""

ROWS = 300


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    said: str
    seconds: float
    """Of the processor."""


def make_inputs(folder: Path) -> None:
    """A table, an array and runs on both."""
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal():.3f},{rng.choice(['x', 'y'])}" for _ in range(ROWS)]
    (folder / "a.csv").write_text("\n".join(["a,b", *lines, ""]))
    (folder / "given.csv").write_text("b\nx\ny\n")
    (folder / "gaps.csv").write_text("a,b\n0.5,\n,y\n")
    np.save(folder / "x.npy", rng.normal(size=(ROWS, 2)))
    quick = ("--no-evaluation", "--rounds", "100", "--batch", "8")
    for words in (
        (
            "fit",
            "a.csv",
            "--players",
            "trees",
            "--no-evaluation",
            "--rounds",
            "1",
            "--out",
            "trees",
        ),
        ("fit", "x.npy", *quick, "--out", "array"),
    ):
        ended = run(folder, words)
        if ended.code:
            raise SystemExit(f"onehalf {' '.join(words)}: {ended.said}")


COMMANDS = {
    "help": (("--help",), None),
    "data": (("data", "a.csv", "--schema", "out.json"), "out.json"),
    "figure": (("data", "x.npy", "-o", "out.png"), "out.png"),
    "fit": (
        ("fit", "x.npy", "--no-evaluation", "--rounds", "100", "--batch", "8", "--out", "out"),
        None,
    ),
    "sample": (("sample", "array", "-o", "out.npy", "--seed", "0"), "out.npy"),
    "given": (
        ("sample", "trees", "--given", "given.csv", "-o", "out.csv", "--seed", "0"),
        "out.csv",
    ),
    "impute": (("impute", "trees", "gaps.csv", "-o", "out.csv"), "out.csv"),
    "export": (("export", "array", "--to", "out.onnx"), "out.onnx"),
    "measure": (("measure", "a.csv", "a.csv", "--quick"), None),
    "report": (("report", "array"), None),
    "lab": (("lab", "-o", "out.html", "--no-open"), "out.html"),
    "theory": (("theory", "known-answers"), None),
}
"""By name: the words of a command, and what it writes."""


def run(
    folder: Path,
    words: Sequence[str],
    seconds: float | None = None,
    *,
    times: int = 1,
    output: Path | None = None,
) -> Ended:
    """Run `onehalf WORDS`, and interrupt it.

    Args:
        folder: Where.
        words: The command.
        seconds: Processor seconds after which it is interrupted; None does not.
        times: How often it is interrupted.
        output: Interrupt until the end, from when this file is there, instead.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "onehalf", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    spent = 0.0
    while not has_ended(process.pid):
        spent = read_processor_time(process.pid)
        is_due = output.exists() if output else seconds is not None and spent >= seconds
        if is_due and times:
            times -= output is None
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(BETWEEN)
        else:
            time.sleep(PAUSE)
    _, said = process.communicate()
    return Ended(process.returncode, said, spent)


def find_fault(
    folder: Path, ended: Ended, whole: Ended, output: str | None, expected: bytes
) -> str:
    """What is wrong with the end of a command that was interrupted; '' if nothing is."""
    if "Traceback" in ended.said or "Exception ignored" in ended.said:
        return "a traceback"
    if ended.code not in (130, whole.code):
        return f"exit code {ended.code}"
    if ended.code == 130 and "Stopped. " not in ended.said:
        return "no sentence"
    if left := list(folder.rglob(".*")):
        return f"{left[0].name} is left"
    path = folder / output if output else None
    if path and path.exists() and expected and path.read_bytes() != expected:
        return "half an output"
    return ""


def remove(folder: Path) -> None:
    """Remove the output of a command."""
    for path in [*folder.glob("out*"), *folder.glob(".out*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> None:
    """Interrupt each command, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="Tries of each command.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", nargs="*", default=list(COMMANDS))
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    # a shell has its background jobs ignore Ctrl-C, and they hand this on
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("| command | tries | ended by the signal | broken |", "|---|" + "---:|" * 3, sep="\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_inputs(folder)
        for name in asked.commands:
            words, output = COMMANDS[name]
            whole = run(folder, words)
            expected = (folder / output).read_bytes() if output else b""
            faults: Counter[str] = Counter()
            n_ended = 0
            for number in range(asked.times):
                remove(folder)
                at_end = output is not None and number % 4 == 3
                seconds = rng.uniform(START, 1.05 * whole.seconds)
                ended = run(
                    folder,
                    words,
                    seconds,
                    times=rng.choice((1, 2, 3)),
                    output=folder / output if at_end and output else None,
                )
                n_ended += ended.code == 130
                fault = find_fault(folder, ended, whole, output, expected)
                if name == "fit" and ended.code == 130 and not fault:
                    again = run(folder, words)
                    fault = f"goes on with exit code {again.code}" if again.code else ""
                if fault:
                    faults[fault] += 1
                    print(
                        f"{name} after {seconds:.3f} of {whole.seconds:.2f} s: {fault}\n{ended.said}",
                        file=sys.stderr,
                    )
            remove(folder)
            broken = f"{faults.total()} {dict(faults) or ''}".strip()
            print(f"| `{' '.join(words)}` | {asked.times} | {n_ended} | {broken} |", flush=True)
    print(json.dumps({"seed": asked.seed}))


if __name__ == "__main__":
    main()
