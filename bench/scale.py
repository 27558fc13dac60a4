"""What a fit, samples and a measurement take as a table grows: seconds, peak memory, and the slope.

    python bench/scale.py [--rows 100000 1000000] [--columns 20] [--figure scale.png]
                          [--only read trees networks sample measure]

The table is made here: folders of Parquet files whose columns depend on four hidden factors: decimals, heavy
tails, counts, nine words, and numbers with a spike at zero and 5 % missing. Each number is of one command in a process
of its own, imports included. Trees and networks are fitted without evaluations, networks for 500 rounds; `sample` draws
as many rows as the table has from the trees; in `measure`, one column of the other sample is shifted. Linux only.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

FACTORS = 4
PART = 100_000
"""Rows of a file."""

SHIFT = 0.05
"""How much higher the hidden value of one column is in the other sample."""

READ = (
    "import sys; from onehalf.data.sources import open_source;"
    "print(sum(map(len, open_source(sys.argv[1]).read_batches())))"
)

ONEHALF = (sys.executable, "-m", "onehalf")


def make_part(rows: int, columns: int, seed: tuple[int, int], shift: float) -> pa.Table:
    """Mixed columns that depend on a few hidden factors, in all parts by the same weights."""
    weights = np.random.default_rng(0).normal(size=(columns, FACTORS)) / 2
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(rows, FACTORS))
    table = {}
    for place in range(columns):
        x = factors @ weights[place] + 0.5 * rng.normal(size=rows)
        x += shift * (place == 0)
        kind = place % 5
        if kind == 0:
            cells = np.round(50 + 10 * x, 2)
        elif kind == 1:
            cells = np.round(np.exp(8 + x))
        elif kind == 2:
            cells = rng.poisson(np.exp(x.clip(-3, 3)))
        elif kind == 3:
            cells = np.array(list("abcdefghi"))[np.clip(np.rint(2 * x) + 4, 0, 8).astype(int)]
        else:
            cells = np.where(x < 0, 0.0, np.round(100 * x))
            cells[rng.random(rows) < 0.05] = np.nan
        table[f"c{place}"] = cells
    return pa.table(table)


def make_folders(root: Path, rows: int, columns: int) -> tuple[Path, Path]:
    """Write both samples, file by file."""
    folders = root / f"real-{rows}", root / f"other-{rows}"
    for side, folder in enumerate(folders):
        folder.mkdir()
        for part in range(-(-rows // PART)):
            n = min(PART, rows - part * PART)
            some = make_part(n, columns, (side, part), side * SHIFT)
            pyarrow.parquet.write_table(some, folder / f"part-{part:04}.parquet")
    return folders


def run(command: list[str]) -> dict[str, float]:
    """Run a command, and return what it took."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), each) for each in (1, 2)],
        )
        _, status, used = os.wait4(process, 0)
        seconds = time.perf_counter() - start
        if os.waitstatus_to_exitcode(status):
            out.seek(0)
            sys.exit(f"{' '.join(command)}:\n{out.read().decode()}")
    processor = used.ru_utime + used.ru_stime
    return {"seconds": seconds, "processor": processor, "gb": used.ru_maxrss / 2**20}


def list_commands(root: Path, rows: int, columns: int) -> dict[str, list[str]]:
    """All commands by name, for tables of so many rows."""
    real, other = make_folders(root, rows, columns)
    trees, networks = str(root / f"trees-{rows}"), str(root / f"networks-{rows}")
    fit = [*ONEHALF, "fit", str(real), "--no-evaluation"]
    return {
        "read": [sys.executable, "-c", READ, str(real)],
        "trees": [*fit, "--players", "trees", "--out", trees],
        "networks": [*fit, "--rounds", "500", "--out", networks],
        "sample": [*ONEHALF, "sample", trees, "-n", str(rows), "-o", f"{trees}.parquet"],
        "measure": [*ONEHALF, "measure", str(real), str(other)],
    }


def find_slope(found: dict[int, dict[str, float]]) -> float:
    """The slope of processor seconds over rows, both on logarithmic axes: 1 is linear."""
    rows = np.log(list(found))
    return float(np.polyfit(rows, np.log([each["processor"] for each in found.values()]), 1)[0])


def print_table(name: str, found: dict[int, dict[str, float]]) -> None:
    """Print the numbers of one command as a table of Markdown."""
    slope = f"; slope {find_slope(found):.2f}" if len(found) > 1 else ""
    print(f"\n### {name}{slope}\n")
    print("| rows | s | processor s | processor us a row | peak memory, GB |")
    print("|---:|---:|---:|---:|---:|")
    for rows, each in found.items():
        per_row = 1e6 * each["processor"] / rows
        cells = f"{each['seconds']:.0f} | {each['processor']:.0f} | {per_row:.0f} | {each['gb']:.2f}"
        print(f"| {rows:,} | {cells} |", flush=True)


def draw(found: dict[str, dict[int, dict[str, float]]], file: Path) -> None:
    """Draw processor seconds and peak memory over rows."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    labels = {"processor": "processor seconds", "gb": "peak memory, GB"}
    for (what, label), axis in zip(labels.items(), axes, strict=True):
        for name, by_rows in found.items():
            values = [each[what] for each in by_rows.values()]
            axis.loglog(list(by_rows), values, "o-", label=name)
        axis.set(xlabel="rows", ylabel=label)
        axis.grid(visible=True, which="both", alpha=0.2)
    axes[0].legend()
    figure.savefig(file, dpi=110)


def main() -> None:
    """Run the commands for each number of rows."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    words.add_argument("--columns", type=int, default=20)
    words.add_argument(
        "--only", nargs="+", help="Some of the commands; `sample` needs `trees`."
    )
    words.add_argument("--figure", type=Path)
    words.add_argument("--json", type=Path)
    asked = words.parse_args()
    found: dict[str, dict[int, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as root:
        for rows in asked.rows:
            for name, command in list_commands(Path(root), rows, asked.columns).items():
                if asked.only and name not in asked.only:
                    continue
                found.setdefault(name, {})[rows] = run(command)
                print(name, rows, found[name][rows], file=sys.stderr, flush=True)
                if asked.json:
                    asked.json.write_text(json.dumps(found))
    for name, by_rows in found.items():
        print_table(name, by_rows)
    if asked.figure:
        draw(found, asked.figure)


if __name__ == "__main__":
    main()
