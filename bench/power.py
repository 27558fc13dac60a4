"""Power of two-sample tests, side by side: how often each rejects p = q at alpha = 0.05 where p and q are known.

    python bench/power.py --peers ENV/bin/python --out power.jsonl [--problems NAME ...] [--tools NAME ...]
                          [--n 500 1000 2000] [--seeds 50] [--first-seed 0]
    python bench/power.py --out power.jsonl --report       # the tables of what was run so far
    python bench/power.py --check                          # every stated JSD beside itself recomputed

The peers live in an environment of their own, made with Python 3.11:

    python3.11 -m venv ENV
    ENV/bin/pip install hyppo==0.5.2 alibi-detect==0.13.0 scikit-learn==1.9.1 jax==0.6.2 numpy==1.26.4 scipy==1.17.1

MMD-FUSE is no package: `pip install` a clone of its authors' repository, antoninschrab/mmdfuse at commit 55a7269, into
ENV. A tool that is missing there is named and left out.

Every tool is a worker process, which runs this same file, imports once and stays warm. It takes a line of JSON on
stdin, {"x": FILE, "y": FILE, "seed": s}, and answers with one. All tools see the same .npy files, one tool after the
other. Each answer is a line of --out: a run that was stopped goes on where it was, pieces may run apart (by problem,
tool or seed, each with a file of its own) and be put together with `cat`. README.md says how to read the result.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

import numpy as np
from problems import PROBLEMS, check

ALPHA = 0.05

PERMUTATIONS = 199
"""Of every peer that permutes; their own defaults are 1,000 and 2,000. It saves them time and costs little power."""


# ------------------------------------------------------------------- the tools, each in the environment that it needs


def onehalf(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """The bets alone: `measure` makes the same, and audits, plants and compares besides."""
    import jax.random as jr

    from onehalf.evaluation import certify

    found = certify(jr.key(seed), x, y[:, None])
    return {name: float(getattr(found, name)) for name in ("p_value", "log_e", "jsd_lower")}


def fuse(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """MMD-FUSE (Biggs, Schrab & Gretton 2023): many kernels at once, no split."""
    import jax
    from mmdfuse import mmdfuse

    _, p = mmdfuse(
        x, y, jax.random.PRNGKey(seed), number_permutations=PERMUTATIONS, return_p_val=True
    )
    return {"p_value": float(p)}


def mmd(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """MMD with a Gaussian kernel of median width, permuted (Gretton et al. 2012)."""
    apart = distances(np.concatenate([x, y]))
    width = np.median(apart[np.triu_indices(len(apart), 1)])
    return {"p_value": permuted(np.exp(-np.square(apart / width) / 2), len(x), seed)}


def energy(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """Energy distance, permuted (Szekely & Rizzo 2004)."""
    return {"p_value": permuted(-distances(np.concatenate([x, y])), len(x), seed)}


def distances(rows: np.ndarray) -> np.ndarray:
    squares = np.square(rows - rows.mean(axis=0)).sum(axis=1)
    products = (rows - rows.mean(axis=0)) @ (rows - rows.mean(axis=0)).T
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0))


def permuted(similarity: np.ndarray, n: int, seed: int) -> float:
    """The p-value of mean similarity within the piles less that across: all permutations in one matrix product."""
    rng, size = np.random.default_rng(seed), len(similarity)
    weights = np.where(np.arange(size) < n, 1 / n, -1 / (size - n))
    dealt = np.stack(
        [weights, *(rng.permutation(weights) for _ in range(PERMUTATIONS))], axis=1
    )
    found = (dealt * (similarity @ dealt)).sum(axis=0)
    return float(np.mean(found >= found[0] - 1e-12 * np.abs(similarity).mean()))


def hyppo_mmd(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """The same test as `mmd`, one permutation after the other."""
    from hyppo.ksample import MMD

    return {
        "p_value": float(
            MMD().test(x, y, reps=PERMUTATIONS, auto=False, random_state=seed).pvalue
        )
    }


def hyppo_energy(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """The same test as `energy`, one permutation after the other."""
    from hyppo.ksample import Energy

    return {
        "p_value": float(
            Energy().test(x, y, reps=PERMUTATIONS, auto=False, random_state=seed).pvalue
        )
    }


def accuracy(x: np.ndarray, y: np.ndarray, seed: int, classifier) -> dict[str, float]:
    """Classifier accuracy on the other half of the rows, against a coin (Lopez-Paz & Oquab 2017)."""
    from scipy.stats import binomtest
    from sklearn.model_selection import train_test_split

    rows, labels = np.concatenate([x, y]), np.repeat([0, 1], [len(x), len(y)])
    train, test, train_labels, labels = train_test_split(
        rows, labels, test_size=0.5, stratify=labels, random_state=seed
    )
    right = int((classifier.fit(train, train_labels).predict(test) == labels).sum())
    return {"p_value": float(binomtest(right, len(labels), 0.5, alternative="greater").pvalue)}


def boosting(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return accuracy(x, y, seed, HistGradientBoostingClassifier(random_state=seed))


def mlp(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return accuracy(
        x, y, seed, make_pipeline(StandardScaler(), MLPClassifier(random_state=seed))
    )


def drift(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """alibi-detect's classifier drift: Kolmogorov-Smirnov on out-of-fold probabilities, 5 folds, boosted trees."""
    from alibi_detect.cd import ClassifierDrift
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(random_state=seed)
    detector = ClassifierDrift(x, trees, backend="sklearn", n_folds=5, seed=seed)
    return {"p_value": float(detector.predict(y)["data"]["p_val"])}


def columns(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """alibi-detect's default for tables: Kolmogorov-Smirnov on each column, corrected for how many there are."""
    from alibi_detect.cd import KSDrift

    return {
        "p_value": min(1.0, x.shape[1] * float(KSDrift(x).predict(y)["data"]["p_val"].min()))
    }


def oracle(x: np.ndarray, y: np.ndarray, seed: int, log_ratio: Callable) -> dict[str, float]:
    """The mean of the true log ratio on x less that on y, permuted: what nobody who must learn it can do."""
    rng = np.random.default_rng(seed)
    pooled = np.clip(np.concatenate([log_ratio(x), log_ratio(y)]), -30, 30)
    sums = np.array(
        [pooled[: len(x)].sum(), *(rng.permutation(pooled)[: len(x)].sum() for _ in range(999))]
    )
    return {"p_value": float(np.mean(sums >= sums[0] - 1e-9 * np.abs(pooled).sum()))}


USUAL = (onehalf, oracle, fuse, mmd, energy, boosting, mlp, drift, columns)

TOOLS = {tool.__name__: tool for tool in (*USUAL, hyppo_mmd, hyppo_energy)}
"""All that can be asked for. hyppo computes all anew for each permutation: too slow for every problem."""

REJECTS = {
    "p_value": lambda p: p <= ALPHA,
    "log_e": lambda log_e: log_e >= math.log(1 / ALPHA),
    "jsd_lower": lambda bound: bound > 0,
}


def work(name: str) -> None:
    """A worker's life: answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes to stderr
    for line in sys.stdin:
        ask = json.loads(line)
        x, y = np.load(ask["x"]), np.load(ask["y"])
        start = time.perf_counter()
        try:
            answer = TOOLS[name](x, y, ask["seed"])
            answer["seconds"] = time.perf_counter() - start
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(answer), file=answers)


# ------------------------------------------------------------------------------------------------------------ the run


class Worker:
    """A tool's process, as the parent sees it. A tool whose first test fails is asked no more."""

    def __init__(self, name: str, peers: str | None) -> None:
        self.name, self.process, self.answered = name, None, False
        environment = os.environ | {"JAX_PLATFORMS": "cpu"}
        if name != "onehalf":
            environment.pop("PYTHONPATH", None)
        python = sys.executable if name == "onehalf" else peers
        if not python:
            print(f"{name}: no figure, --peers is not given", flush=True)
            return
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        command = [python, "-W", "ignore", __file__, "--work", name]
        self.process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=quiet,
            env=environment,
            text=True,
            bufsize=1,
        )

    def ask(self, **what: object) -> dict | None:
        if self.process is None:
            return None
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = (
            json.loads(line)
            if line
            else {"error": f"the process ended with {self.process.wait()}"}
        )
        if "error" in answer:
            print(f"{self.name}: no figure, {answer['error']}", flush=True)
            if not line or not self.answered:
                self.stop()
            return None
        self.answered = True
        return answer

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.process = None


def run(args: argparse.Namespace) -> None:
    done = {identity(line) for line in read(args.out)}
    workers = {name: Worker(name, args.peers) for name in args.tools if name != "oracle"}
    try:
        with tempfile.TemporaryDirectory() as folder, args.out.open("a", buffering=1) as out:
            x_file, y_file = f"{folder}/x.npy", f"{folder}/y.npy"
            if out.tell() and not args.out.read_text().endswith("\n"):
                out.write("\n")  # the last line was cut short
            for name in args.problems:
                for n in args.n:
                    for seed in range(args.first_seed, args.first_seed + args.seeds):
                        left = [
                            tool for tool in args.tools if (name, n, seed, tool) not in done
                        ]
                        if not left:
                            continue
                        rng = np.random.default_rng([zlib.crc32(name.encode()), n, seed])
                        x, y, log_ratio = PROBLEMS[name](rng, n)
                        np.save(x_file, x)
                        np.save(y_file, y)
                        for tool in left:
                            if tool == "oracle":
                                answer = oracle(x, y, seed, log_ratio)
                            else:
                                answer = workers[tool].ask(x=x_file, y=y_file, seed=seed)
                            if answer is not None:
                                what = {"problem": name, "n": n, "seed": seed, "tool": tool}
                                out.write(json.dumps(what | answer) + "\n")
                print(table(name, read(args.out)), flush=True)
    finally:
        for worker in workers.values():
            worker.stop()


def identity(line: dict) -> tuple:
    return line["problem"], line["n"], line["seed"], line["tool"]


def read(path: Path) -> list[dict]:
    """The lines so far; one that was cut short is left out, and one that stands twice counts once."""
    lines = {}
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        lines[identity(line)] = line
    return list(lines.values())


# --------------------------------------------------------------------------------------------------------- the report


def rates(lines: list[dict]) -> dict[str, dict[int, list[bool]]]:
    """For each verdict of one problem, and each n, whether it rejected, seed by seed."""
    found: dict[str, dict[int, list[bool]]] = {}
    for line in sorted(lines, key=lambda line: (list(TOOLS).index(line["tool"]), line["n"])):
        verdicts = [verdict for verdict in REJECTS if verdict in line]
        for verdict in verdicts:
            label = line["tool"] if len(verdicts) == 1 else f"{line['tool']} {verdict}"
            found.setdefault(label, {}).setdefault(line["n"], []).append(
                REJECTS[verdict](line[verdict])
            )
    return found


def half_power(by_n: dict[int, list[bool]], J: float) -> str:
    """n J where the rejection rate, linear between the n that were run, first reaches a half."""
    if J == 0:
        return ""
    points = [(n, mean(rejected)) for n, rejected in sorted(by_n.items())]
    for i, (n, rate) in enumerate(points):
        if rate >= 0.5:
            if i == 0:
                return f"< {n * J:.1f}" if rate > 0.5 else f"{n * J:.1f}"
            before, rate_before = points[i - 1]
            return f"{(before + (0.5 - rate_before) / (rate - rate_before) * (n - before)) * J:.1f}"
    return f"> {points[-1][0] * J:.1f}"


def table(name: str, lines: list[dict]) -> str:
    """One problem in Markdown."""
    lines, J = [line for line in lines if line["problem"] == name], PROBLEMS[name].J
    ns = sorted({line["n"] for line in lines})
    if not ns:
        return f"\n### {name}: nothing run yet"
    seconds = {
        identity(line)[2:]: line["seconds"]
        for line in lines
        if "seconds" in line and line["n"] == ns[-1]
    }
    columns = [
        "test",
        *(f"n = {n}" for n in ns),
        "nJ at 50 %",
        f"s at n = {ns[-1]}",
        "/ onehalf",
    ]
    rows = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    for label, by_n in rates(lines).items():
        tool = label.split()[0]
        times = [s for (_, other), s in seconds.items() if other == tool]
        ratios = [
            s / seconds[seed, "onehalf"]
            for (seed, other), s in seconds.items()
            if other == tool and (seed, "onehalf") in seconds
        ]
        shares = [f"{mean(by_n[n]):.2f}" if n in by_n else "" for n in ns]
        spent = [
            f"{median(times):.2g}" if times else "",
            f"{median(ratios):.2g}" if ratios else "",
        ]
        rows.append([label, *shares, half_power(by_n, J), *spent])
    repeats = sorted(
        {len(rejected) for by_n in rates(lines).values() for rejected in by_n.values()}
    )
    text = [
        f"\n### {name}, JSD = {J:.6f} nats; seeds: {' to '.join(map(str, sorted({repeats[0], repeats[-1]})))}\n"
    ]
    text += [f"| {' | '.join(row)} |" for row in rows]
    bounds = [line["jsd_lower"] for line in lines if "jsd_lower" in line]
    if bounds:
        text.append(
            f"\njsd_lower lay above the true JSD in {sum(bound > J for bound in bounds)} of {len(bounds)}."
        )
    return "\n".join(text)


def summary(lines: list[dict]) -> str:
    """All problems in one table: nJ at half power; on a null, the rate of rejections at all n together."""
    names = [name for name in PROBLEMS if any(line["problem"] == name for line in lines)]
    cells: dict[str, dict[str, str]] = {}
    for name in names:
        for label, by_n in rates([line for line in lines if line["problem"] == name]).items():
            level = mean(rejected for n in by_n for rejected in by_n[n])
            cells.setdefault(label, {})[name] = (
                half_power(by_n, PROBLEMS[name].J) or f"{level:.3f}"
            )
    header = f"| problem | JSD | {' | '.join(cells)} |\n|---|---:|{'---:|' * len(cells)}"
    rows = [
        f"| {name} | {PROBLEMS[name].J:.6f} | {' | '.join(cells[label].get(name, '') for label in cells)} |"
        for name in names
    ]
    return "\n".join(
        ["\n### nJ at 50 % power (on a null: the share rejected)\n", header, *rows]
    )


def main() -> None:
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--peers", help="the python of the peers' environment")
    words.add_argument(
        "--out", type=Path, metavar="FILE", help="a line of JSON for every test; added to"
    )
    words.add_argument(
        "--problems", nargs="+", default=list(PROBLEMS), choices=PROBLEMS, metavar="NAME"
    )
    words.add_argument(
        "--tools",
        nargs="+",
        default=[tool.__name__ for tool in USUAL],
        choices=TOOLS,
        metavar="NAME",
    )
    words.add_argument(
        "--n", nargs="+", type=int, default=[500, 1000, 2000], help="rows in each sample"
    )
    words.add_argument("--seeds", type=int, default=50)
    words.add_argument("--first-seed", type=int, default=0)
    words.add_argument("--report", action="store_true", help="run nothing: the tables of --out")
    words.add_argument(
        "--check", action="store_true", help="run nothing: every JSD beside itself recomputed"
    )
    words.add_argument("--work", choices=TOOLS, help=argparse.SUPPRESS)
    args = words.parse_args()
    if args.work:
        work(args.work)
    elif args.check:
        sys.exit(0 if check() else 1)
    elif not args.out:
        words.error("--out is needed")
    else:
        if args.report:
            for name in args.problems:
                print(table(name, read(args.out)))
        else:
            run(args)
        print(summary(read(args.out)))


if __name__ == "__main__":
    main()
