"""Watch a run for a long time while it is written, and see whether the server's memory grows; and what watching costs.

    python bench/soak.py --seconds 3600        # 8 pages on a run that is saved every second
    python bench/soak.py --cost                # the same fit with and without a page that watches it

The soak fails if the server has more than `MOST_GROWTH` more memory at the end than after the first tenth.
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
from urllib.parse import urlsplit

import numpy as np

PAGES = 8

MOST_GROWTH = 0.1

COMMAND = [sys.executable, "-m", "onehalf"]


def main() -> None:
    """Parse the arguments and run one of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--cost", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.cost:
            measure_cost(Path(folder))
        else:
            soak(Path(folder), asked.seconds)


def soak(folder: Path, seconds: float) -> None:
    """Save a run again and again while pages follow it, and print the server's memory."""
    run = fit(folder, rounds=600)
    is_over = threading.Event()
    with serve(run) as (address, process):
        workers = [threading.Thread(target=write, args=(run, is_over))]
        workers += [
            threading.Thread(target=follow, args=(address, is_over), daemon=True)
            for _ in range(PAGES)
        ]
        for worker in workers:
            worker.start()
        began = time.monotonic()
        sizes = []
        while time.monotonic() - began < seconds:
            time.sleep(seconds / 60)
            sizes.append(memory(process.pid))
            print(f"{time.monotonic() - began:7.0f} s  {sizes[-1]:6.1f} MB", flush=True)
        is_over.set()
        workers[0].join()
    first, last = np.median(sizes[6:12]), np.median(sizes[-6:])
    print(f"{first:.1f} MB after the first tenth, {last:.1f} MB at the end")
    sys.exit(int(last > (1 + MOST_GROWTH) * first))


def measure_cost(folder: Path) -> None:
    """Fit with and without a page that is open, and print the processor time of both processes."""
    alone = cpu_of(folder, "alone", "--no-open")
    watched = cpu_of(folder, "watched", "--watch")
    print(json.dumps({"alone": alone, "watched": watched}, indent=2))


def cpu_of(folder: Path, name: str, option: str) -> dict[str, float]:
    """The processor time of a fit, and of the page beside it, in seconds."""
    rows = folder / "x.npy"
    if not rows.exists():
        save_rows(rows)
    run = folder / name
    words = [*COMMAND, "fit", str(rows), "--out", str(run), "--rounds", "4000"]
    began = os.times()
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    found = {"watch": 0.0}
    if option == "--watch":
        while not (run / "recipe.json").exists():
            time.sleep(0.05)
        is_over = threading.Event()
        with serve(run) as (address, page):
            threading.Thread(target=follow, args=(address, is_over), daemon=True).start()
            process.wait()
            found["watch"] = cpu(page.pid)
            is_over.set()
    process.wait()
    found["fit"] = os.times().children_user + os.times().children_system
    found["fit"] -= began.children_user + began.children_system + found["watch"]
    return {key: round(value, 2) for key, value in found.items()}


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
def serve(run: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Watch a run in a process of its own."""
    words = [*COMMAND, "watch", str(run), "--json", "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())["address"], process
        process.terminate()


def write(run: Path, is_over: threading.Event) -> None:
    """Save the run as it is, and as it was earlier, in turn."""
    from onehalf import runs
    from onehalf.runs import checkpoint

    whole = runs.load(run)
    half = len(whole.history) // 2
    earlier = dataclasses.replace(
        whole, history=whole.history[:half], rounds=whole.history[half - 1]["t"]
    )
    while not is_over.is_set():
        for each in (earlier, whole):
            checkpoint.save(run, each, runs.load_source(run), {})
            time.sleep(1)


def follow(address: str, is_over: threading.Event) -> None:
    """Do what a page does: read the view at each event; now and then, load the page again."""
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
                    read(parts.hostname or "", parts.port or 0, f"{parts.path}run/0.json")
                    number += 1
                if not line or number % 50 == 49:
                    number += 1
                    break
            stream.close()


def read(host: str, port: int, path: str) -> None:
    """Read one answer to its end."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()


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
