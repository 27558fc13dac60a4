"""What a fit, samples and a measurement take as a table grows: seconds, peak memory, and the slope.

    python bench/scale.py [--rows 100000 1000000] [--columns 20] [--figure scale.png] [--simulate 100000000]
                          [--only read trees networks sample measure] [--json FILE] [--known FILE ...]

The table is made here: folders of Parquet files whose columns depend on four hidden factors: decimals, heavy
tails, counts, nine words, and numbers with a spike at zero and 5 % missing. Each number is of one command in a process
of its own, imports included. `read` draws a million rows and counts all, as `fit` and `data` do. Trees and networks are
fitted without evaluations, networks for 500 rounds; `sample` draws as many rows as the table has from the trees; in
`measure`, one column of the other sample is shifted. `--simulate` reads a folder of links to files of a million
rows, `--known` adds the numbers of earlier runs that `--json` wrote. Linux only.
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

LINKED = 1_000_000
"""Rows of the files to which a simulated table links."""

READ = "import sys; from onehalf.data.sources import load_some; print(load_some(sys.argv[1]).notes)"

Found = dict[str, dict[int, dict[str, float]]]
"""What was measured: by command, by rows."""

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


def link_folder(root: Path, rows: int, columns: int) -> Path:
    """Make a folder of links to the same few files, as many as hold so many rows."""
    real, _ = make_folders(root, LINKED, columns)
    files = sorted(real.iterdir())
    folder = root / f"linked-{rows}"
    folder.mkdir()
    for part in range(-(-rows // PART)):
        (folder / f"part-{part:06}.parquet").symlink_to(files[part % len(files)])
    return folder


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


def read_command(folder: Path) -> list[str]:
    """The command that reads a folder as `fit` does."""
    return [sys.executable, "-c", READ, str(folder)]


def list_commands(root: Path, rows: int, columns: int) -> dict[str, list[str]]:
    """All commands by name, for tables of so many rows."""
    real, other = make_folders(root, rows, columns)
    trees, networks = str(root / f"trees-{rows}"), str(root / f"networks-{rows}")
    fit = [*ONEHALF, "fit", str(real), "--no-evaluation"]
    return {
        "read": read_command(real),
        "trees": [*fit, "--players", "trees", "--out", trees],
        "networks": [*fit, "--players", "neural", "--rounds", "500", "--out", networks],
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


def draw(found: Found, file: Path) -> None:
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
    axes[1].set_yscale("linear")
    axes[1].set_ylim(bottom=0)
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, dpi=110)


def load_known(files: list[Path]) -> Found:
    """The numbers of earlier runs."""
    found: Found = {}
    for file in files:
        for name, by_rows in json.loads(file.read_text()).items():
            numbers = {int(rows): each for rows, each in by_rows.items()}
            found[name] = dict(sorted((found.get(name, {}) | numbers).items()))
    return found


def add(found: Found, name: str, rows: int, command: list[str], file: Path | None) -> None:
    """Run a command, add its numbers, and write all to a file."""
    found.setdefault(name, {})[rows] = run(command)
    print(name, rows, found[name][rows], file=sys.stderr, flush=True)
    if file:
        file.write_text(json.dumps(found))


def main() -> None:
    """Run the commands for each number of rows."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    words.add_argument("--columns", type=int, default=20)
    words.add_argument(
        "--only", nargs="+", help="Some of the commands; `sample` needs `trees`."
    )
    words.add_argument("--simulate", type=int, nargs="*", default=[], metavar="ROWS")
    words.add_argument("--figure", type=Path)
    words.add_argument("--json", type=Path)
    words.add_argument("--known", type=Path, nargs="*", default=[])
    asked = words.parse_args()
    found = load_known(asked.known)
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as root:
            for name, command in list_commands(Path(root), rows, asked.columns).items():
                if not asked.only or name in asked.only:
                    add(found, name, rows, command, asked.json)
    for rows in asked.simulate:
        with tempfile.TemporaryDirectory() as root:
            folder = link_folder(Path(root), rows, asked.columns)
            add(found, "read", rows, read_command(folder), asked.json)
    for name, by_rows in found.items():
        print_table(name, by_rows)
    if asked.figure:
        draw(found, asked.figure)


if __name__ == "__main__":
    main()
