"""Kill `onehalf fit` at random moments with SIGKILL, go on with the same command, and compare with a fit in one piece.

    python bench/kills.py [--kills 200] [--seed 0]

Each chain begins a run anew, kills it up to five times, at any time from shortly before its first save to its end, and
then lets it end. Time is that of the processor, so that a busy machine changes nothing. What is compared: the arrays
and values of state.safetensors, rows.jsonl, recipe.json, samples.npy and progress.npy, all but the seconds. Each fit
is a forked process that runs the command line; the modules are loaded before the fork, so that more kills fall into
the work.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax  # noqa: F401  # loaded before the fork
import numpy as np

from onehalf import cli, fitting, report, runs  # noqa: F401
from onehalf.runs.state_file import STATE, read_state

ROUNDS = 1000

PAUSE = 0.002
"""Seconds between two looks at a process."""

MOST_KILLS = 5
"""In a chain, which ends with the first one that comes after the end of the fit."""


def start(words: Sequence[str]) -> int:
    """Start `onehalf WORDS` in a forked process; returns its number."""
    number = os.fork()
    if number:
        return number
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.argv = ["onehalf", *words]
    code = 1
    try:
        cli.main()
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    finally:
        os._exit(code)


def read_processor_time(number: int) -> float:
    """The processor seconds of a process, all of its threads together (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def finish(words: Sequence[str], run: Path) -> tuple[float, float]:
    """Run `onehalf WORDS` to its end; returns the processor seconds to its first save, and all of them."""
    number = start(words)
    first = seconds = 0.0
    while not has_ended(number):
        seconds = read_processor_time(number)
        if not first and (run / STATE).exists():
            first = seconds
        time.sleep(PAUSE)
    _, status = os.waitpid(number, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise SystemExit(f"onehalf {' '.join(words)}: exit code {code}")
    return first, seconds


def has_ended(number: int) -> bool:
    """Whether a process of ours has ended; it still has to be waited for."""
    return os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill(words: Sequence[str], seconds: float) -> bool:
    """Run `onehalf WORDS` for that many processor seconds and kill it; whether it was still at work."""
    number = start(words)
    while not has_ended(number) and read_processor_time(number) < seconds:
        time.sleep(PAUSE)
    os.kill(number, signal.SIGKILL)
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def describe_in_child(run: Path) -> dict[str, str]:
    """`describe` in a forked process, as JAX must not be at work in one that forks; hashes of its entries."""
    read, write = os.pipe()
    number = os.fork()
    if not number:
        entries = {name: hash_of(each) for name, each in describe(run).items()}
        os.write(write, json.dumps(entries).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(number, 0)
    with os.fdopen(read) as file:
        return json.loads(file.read())


def hash_of(entry: Any) -> str:
    """A short name for a value."""
    return hashlib.sha256(repr(entry).encode()).hexdigest()


def describe(run: Path) -> dict[str, Any]:
    """All that a run has on the disk, less the seconds."""
    state = read_state(run / STATE)
    arrays = {name: each.tobytes() for name, each in state.arrays.items() if name != "history"}
    history = runs.load(run).history
    return {
        "arrays": arrays,
        "values": {name: each for name, each in state.about.items() if "seconds" not in name},
        "history": [strip(row) for row in history],
        "rows.jsonl": [
            strip(json.loads(line)) for line in (run / "rows.jsonl").read_text().splitlines()
        ],
        **{
            name: (run / name).read_bytes()
            for name in ("recipe.json", "samples.npy", "progress.npy")
        },
        "left over": sorted(path.name for path in run.iterdir() if path.name.startswith(".")),
    }


def strip(row: dict[str, Any]) -> dict[str, Any]:
    """A row of history less its seconds."""
    return {name: each for name, each in row.items() if "seconds" not in name}


def main() -> None:
    """Run chains until there were enough kills, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="onehalf-kills-"))
    data = folder / "images.npy"
    np.save(data, rng.integers(0, 256, (20, 4, 4), np.uint8))
    words = ["fit", str(data), "--rounds", str(ROUNDS), "--batch", "4", "--out"]
    finish([*words, str(folder / "compiled")], folder / "compiled")
    whole = folder / "whole"
    first, seconds = finish([*words, str(whole)], whole)
    print(
        f"a fit in one piece: first save after {first:.1f} processor s, ends after {seconds:.1f} s"
    )
    expected = describe_in_child(whole)
    kills = chains = different = before = 0
    while kills < options.kills:
        run = folder / f"chain-{chains}"
        for _ in range(MOST_KILLS):
            if not kill([*words, str(run)], rng.uniform(0.8 * first, seconds)):
                break
            kills += 1
            before += not (run / STATE).exists()
        finish([*words, str(run)], run)
        found = describe_in_child(run)
        wrong = [name for name in expected if found[name] != expected[name]]
        different += bool(wrong)
        chains += 1
        shutil.rmtree(run)
        print(
            f"{chains} chains, {kills} kills, {before} of them before the first save; "
            f"{different} chains ended in other bytes {wrong or ''}",
            flush=True,
        )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
