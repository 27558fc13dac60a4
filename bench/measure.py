"""How long `onehalf measure` takes, from the command line: imports, compilation and all; and what it needs of memory.

    python bench/measure.py [--only first curve parts] [--rows 1000 5000 ...] [--columns 20] [--json FILE]

`first` is 5,000 rows of each sample: with an empty cache of compiled programs, and again with what the first run left
there. `curve` goes up in rows, `parts` says where the time goes. The machine should do nothing else. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np

MARK, MARK_ROWS, AGAIN = 10.0, 5_000, 3
"""Seconds that 5,000 rows of 20 columns against as many may take; warm runs, of which the median counts."""

CURVE = (1_000, 5_000, 20_000, 100_000, 300_000, 1_000_000)

PARTS = (
    "audit",
    "certify",
    "learn",
    "_compare_data",
    "_compare_harmonized",
    "minimum_detectable_effect",
    "regions",
    "ladder",
    "_list_telling",
    "_plot",
    "hash_rows",
)
"""Functions that are timed. `learn` is part of `certify`, and `certify` of both `_compare_`."""


def table(rng, n, columns):
    """A table of correlated columns, of which a third are counts."""
    rows = rng.normal(size=(n, columns)) + rng.normal(size=(n, 1))
    rows[:, ::3] = np.rint(2 * rows[:, ::3])
    return rows


def files(folder, n, columns):
    """Two samples on disk: in the other one, a column is a quarter higher."""
    names = []
    for name, by in (("real", 0.0), ("other", 0.25)):
        rows = table(np.random.default_rng([n, len(names)]), n, columns)
        rows[:, 1] += by
        names.append(Path(folder) / f"{name}-{n}.npy")
        if not names[-1].exists():
            np.save(names[-1], rows)
    return names


def timed(command, cache):
    """What the command printed as JSON, its seconds by the clock, those of all its cores, and its peak memory in GB."""
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "JAX_PLATFORMS": "cpu"}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, env=environment, stdout=out, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if child.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{said.read()}")
        out.seek(0)
        found = json.load(out)
    return found, {
        "seconds": seconds,
        "cores": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss * 1024 / 1e9,
    }


def measured(names, cache):
    found, spent = timed(
        [sys.executable, "-m", "onehalf", "measure", *map(str, names), "--json"], cache
    )
    return spent | {"measuring": found["seconds"], "jsd_lower": found["jsd_lower"]}


def first(folder, columns):
    """Cold and warm, against the mark."""
    names, cache = files(folder, MARK_ROWS, columns), Path(folder) / "first"
    cold, *warm = (measured(names, cache) for _ in range(1 + AGAIN))
    middle = {what: median(each[what] for each in warm) for what in cold}
    print(f"\n### {MARK_ROWS:,} x {columns} against {MARK_ROWS:,} x {columns}\n")
    print(
        "| cache | s | of which measuring, s | s of all cores | peak memory, GB | |\n|---|---:|---:|---:|---:|---|"
    )
    for name, spent in (("empty", cold), ("warm", middle)):
        verdict = f"under {MARK:g} s" if spent["seconds"] < MARK else f"**over {MARK:g} s**"
        print(f"| {name} | {cells(spent)} | {verdict} |", flush=True)
    return {"cold": cold, "warm": warm}


def cells(spent):
    return " | ".join(
        [
            *(f"{spent[what]:.1f}" for what in ("seconds", "measuring", "cores")),
            f"{spent['memory']:.2f}",
        ]
    )


def curve(folder, columns, sizes):
    """Row by row of the table, each in a process of its own; compilation is paid where a size has a new shape."""
    print(f"\n### More rows, {columns} columns\n")
    header = "| rows of each | s | of which measuring, s | s of all cores | peak memory, GB | us a row | jsd_lower |"
    print(f"{header}\n|---:|---:|---:|---:|---:|---:|---:|")
    found = {}
    for n in sizes:
        names = files(folder, n, columns)
        spent = found[n] = measured(names, Path(folder) / "cache")
        each = 1e6 * spent["seconds"] / (2 * n)
        print(f"| {n:,} | {cells(spent)} | {each:.0f} | {spent['jsd_lower']:.5f} |", flush=True)
    return found


def parts(folder, columns, sizes):
    """Function by function, with a warm cache."""
    found = {}
    for n in sizes:
        command = [sys.executable, __file__, "--work", *map(str, files(folder, n, columns))]
        timed(command, Path(folder) / "cache")
        found[n], _ = timed(command, Path(folder) / "cache")
    names = [
        name for name in (*PARTS, "measure") if any(name in each for each in found.values())
    ]
    print("\n### Where it goes: seconds by the clock, calls\n")
    print(
        f"| rows of each | {' | '.join(name.strip('_') for name in names)} |\n|---:|{'---:|' * len(names)}"
    )
    for n, each in found.items():
        shown = [
            f"{each[name][0]:.2f}, {each[name][1]}" if name in each else "" for name in names
        ]
        print(f"| {n:,} | {' | '.join(shown)} |", flush=True)
    return found


def work(names):
    """Measure with a clock around each part, and print what each took. Parts run side by side: they overlap."""
    import jax

    from onehalf.evaluation import measurement, pairing
    from onehalf.evaluation.certificate import certificate
    from onehalf.measuring import measure

    jax.config.update("jax_compilation_cache_dir", os.environ["XDG_CACHE_HOME"] + "/parts")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    seconds, calls = Counter(), Counter()

    def clocked(name, function):
        def call(*args, **kwargs):
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[name] += time.perf_counter() - start
                calls[name] += 1

        return call

    for module in (measurement, pairing, certificate):
        for name in PARTS:
            if hasattr(module, name) and not (module is certificate and name == "certify"):
                setattr(module, name, clocked(name, getattr(module, name)))
    real, other = map(np.load, names)
    clocked("measure", measure)(real=real, other=other)
    print(json.dumps({name: [seconds[name], calls[name]] for name in seconds}))


def main():
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument(
        "--only",
        nargs="+",
        default=["first", "curve", "parts"],
        choices=["first", "curve", "parts"],
    )
    words.add_argument(
        "--rows", nargs="+", type=int, default=CURVE, help="rows of each sample, in curve"
    )
    words.add_argument(
        "--parts-rows",
        nargs="+",
        type=int,
        default=[MARK_ROWS, 100_000],
        help="the same, in parts",
    )
    words.add_argument("--columns", type=int, default=20)
    words.add_argument("--json", type=Path)
    words.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    args = words.parse_args()
    if args.work:
        work(args.work)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        if "first" in args.only:
            found["first"] = first(folder, args.columns)
        if "curve" in args.only:
            found["curve"] = curve(folder, args.columns, args.rows)
        if "parts" in args.only:
            found["parts"] = parts(folder, args.columns, args.parts_rows)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
