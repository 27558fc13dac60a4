"""Watch runs for a long time while they are written, and see whether memory grows; and what watching costs.

    python bench/soak.py --seconds 3600        # 8 pages on a run that is saved every second, and on a fit of an hour
    python bench/soak.py --cost                # the same fit with and without a page that watches it

The soak fails if the server or the fit has more than `MOST_GROWTH` more memory at the end than after the first tenth,
if a page was ever answered with a part of a run, or if the history of the fit has a gap.
"""

import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

PAGES = 8

MOST_GROWTH = 0.02

COMMAND = [sys.executable, "-m", "onehalf"]


def main() -> None:
    """Parse the arguments and run one of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.cost:
            measure_cost(Path(folder), asked.pairs)
        else:
            soak(Path(folder), asked.seconds)


def soak(folder: Path, seconds: float) -> None:
    """Save a run again and again while pages follow it and a fit, and print the memory of server and fit."""
    from onehalf import runs

    run = fit(folder, rounds=600)
    lengths = {len(each.history) for each in (halve(run), runs.load(run))}
    fitted = folder / "fitted"
    words = ["fit", str(folder / "x.npy"), "--out", str(fitted), "--minutes", str(seconds / 60)]
    words = [*COMMAND, *words, "--batch", "16", "--no-evaluation"]
    seen: list[int] = []
    with subprocess.Popen(["nice", "-n", "10", *words], stderr=subprocess.DEVNULL) as training:
        wait_for(fitted / "state.safetensors")
        with serve(run, fitted) as (address, server), pages(run, address, seen):
            sizes = weigh(training, server, seconds, seen)
    growth = [grow(*each) for each in sizes.items()]
    is_whole = set(seen) <= lengths
    rounds = [row["t"] for row in runs.load(fitted).history]
    steps = set(np.diff(rounds[:-1]).tolist())
    print(
        f"{len(seen)} answers, all whole: {is_whole}; "
        f"{len(rounds)} rows of the fit, {steps} rounds apart"
    )
    sys.exit(int(max(growth) > MOST_GROWTH or not is_whole or len(steps) > 1))


@contextlib.contextmanager
def pages(run: Path, address: str, seen: list[int]) -> Iterator[None]:
    """Save a run again and again, and have pages that follow it."""
    is_over = threading.Event()
    writer = threading.Thread(target=write, args=(run, is_over))
    writer.start()
    for _ in range(PAGES):
        threading.Thread(target=follow, args=(address, is_over, seen), daemon=True).start()
    yield
    is_over.set()
    writer.join()


def weigh(
    training: subprocess.Popen[bytes],
    server: subprocess.Popen[str],
    seconds: float,
    seen: list[int],
) -> dict[str, list[float]]:
    """Print the memory of both processes 60 times in so many seconds, or until the fit ends."""
    sizes: dict[str, list[float]] = {"server": [], "fit": []}
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(seconds / 60)
        if training.poll() is not None:
            break
        sizes["server"].append(memory(server.pid))
        sizes["fit"].append(memory(training.pid))
        elapsed = time.monotonic() - began
        last = {name: each[-1] for name, each in sizes.items()}
        print(f"{elapsed:7.0f} s  {last} MB  {len(seen)} answers", flush=True)
    return sizes


def grow(name: str, sizes: list[float]) -> float:
    """How much memory has grown since the first tenth, relative to it."""
    first, last = np.median(sizes[6:12]), np.median(sizes[-6:])
    print(f"{name}: {first:.1f} MB after the first tenth, {last:.1f} MB at the end")
    return float(last / first - 1)


def measure_cost(folder: Path, pairs: int) -> None:
    """Fit without and with a page that is open, in pairs of alternating order, and print what both cost in seconds."""
    save_rows(folder / "x.npy")
    time_fit(folder / "warm", is_watched=False)
    found: list[dict[str, Cost]] = []
    for pair in range(pairs):
        names = ("alone", "watched") if pair % 2 == 0 else ("watched", "alone")
        found.append(
            {
                name: time_fit(folder / f"{name}-{pair}", is_watched=name == "watched")
                for name in names
            }
        )
        print(
            json.dumps({name: each._asdict() for name, each in found[-1].items()}), flush=True
        )
    for name in ("wall", "processor"):
        ratios = [
            getattr(each["watched"], name) / getattr(each["alone"], name) for each in found
        ]
        print(f"{name}: watched / alone {np.median(ratios):.3f}, {sorted(np.round(ratios, 3))}")


class Cost(NamedTuple):
    """Seconds of a fit."""

    wall: float
    """From its start to its end."""
    processor: float
    """Of the fit alone."""
    page: float
    """Processor seconds of the page beside it."""


def time_fit(run: Path, *, is_watched: bool) -> Cost:
    """Fit once, and watch it if asked to."""
    words = ["fit", str(run.parent / "x.npy"), "--out", str(run), "--rounds", "2000"]
    before, began = os.times(), time.monotonic()
    page = 0.0
    with subprocess.Popen([*COMMAND, *words], stderr=subprocess.DEVNULL) as process:
        if is_watched:
            wait_for(run / "recipe.json")
            is_over = threading.Event()
            with serve(run) as (address, server):
                threading.Thread(
                    target=follow, args=(address, is_over, []), daemon=True
                ).start()
                process.wait()
                page = cpu(server.pid)
                is_over.set()
        process.wait()
        wall = time.monotonic() - began
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return Cost(round(wall, 2), round(used - page, 2), round(page, 2))


def save_rows(path: Path) -> None:
    """A ring of 2,000 points."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 2000)
    np.save(path, np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.1, (2000, 2)))


def fit(folder: Path, rounds: int) -> Path:
    """Fit a small run."""
    save_rows(folder / "x.npy")
    words = [
        "fit",
        str(folder / "x.npy"),
        "--out",
        str(folder / "run"),
        "--rounds",
        str(rounds),
    ]
    subprocess.run([*COMMAND, *words], check=True, stderr=subprocess.DEVNULL)
    return folder / "run"


@contextlib.contextmanager
def serve(*folders: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Watch runs in a process of its own."""
    words = [*COMMAND, "watch", *map(str, folders), "--json", "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())["address"], process
        process.terminate()


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    while not path.exists():
        time.sleep(0.1)


def halve(run: Path) -> Any:
    """Read a run as it was when half of its history was written."""
    from onehalf import runs

    whole = runs.load(run)
    half = len(whole.history) // 2
    return dataclasses.replace(
        whole, history=whole.history[:half], rounds=whole.history[half - 1]["t"]
    )


def write(run: Path, is_over: threading.Event) -> None:
    """Save the run as it is, and as it was earlier, in turn."""
    from onehalf import runs
    from onehalf.runs import checkpoint

    states = (halve(run), runs.load(run))
    while not is_over.is_set():
        for each in states:
            checkpoint.save(run, each, runs.load_source(run), {})
            time.sleep(1)


def follow(address: str, is_over: threading.Event, seen: list[int]) -> None:
    """Do what a page does: read the view at each event; now and then, load the page again.

    Args:
        address: The page.
        is_over: When to end.
        seen: Gets the length of the history in each view of the first run.
    """
    parts = urlsplit(address)
    number = 0
    while not is_over.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):
            stream = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
            stream.request("GET", f"{parts.path}events")
            answer = stream.getresponse()
            while not is_over.is_set():
                line = answer.readline()
                if line.startswith(b"data:"):
                    place = json.loads(line[5:])["run"]
                    view = read(parts.hostname or "", parts.port or 0, parts.path, place)
                    if place == 0:
                        seen.append(len(view["history"]["t"]))
                    number += 1
                if not line or number % 50 == 49:
                    number += 1
                    break
            stream.close()


def read(host: str, port: int, path: str, place: int) -> dict[str, Any]:
    """Read one view to its end."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("GET", f"{path}run/{place}.json")
    view = json.loads(connection.getresponse().read())
    connection.close()
    return view


def memory(process: int) -> float:
    """The memory that a process has in use, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu(process: int) -> float:
    """The processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
