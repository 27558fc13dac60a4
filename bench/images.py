"""Images, side by side with a plain PyTorch DCGAN of the same size, given the same seconds.

    python bench/images.py --torch-python ENV/bin/python --work FOLDER --out images.jsonl [--data digits mnist5k]
                           [--minutes 10] [--seeds 3] [--first-seed 0] [--arms onehalf dcgan data]
    python bench/images.py --out images.jsonl --report         # the table of what was run so far

Seed s splits the images 80 to 20 and starts the arm; the arm sees the train images and no labels. `data` are the train
images themselves, the floor of every distance. Each arm's samples are judged on the same test images: the certificate
of `measure`, PRDC on pixels and on the features of a small classifier that learned the labels of the train images, the
shares that this classifier gives each class beside those that it gives the train images, and Parzen's log-likelihood.
Sheets of samples stay in --work: look at them before you believe a number. `bench/speed.py --only images` compares
rounds per second. PyTorch lives in an environment of its own. README.md says how to read the result.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ARMS, DATA, SAMPLES = ("data", "onehalf", "dcgan"), ("digits", "mnist5k"), 10_000

WIDTH, LATENT, M = 24, 64, 64
"""Channels of the DCGAN's finest picture, its latent, its minibatch: about as many parameters as onehalf's players."""


def prepared(folder: Path, name: str, seed: int) -> dict[str, Any]:
    """train.npz, test.npz: images and labels."""
    import numpy as np

    from onehalf.data.loading import load

    x, y = load(name).X_y
    order = np.random.default_rng(seed).permutation(len(x))
    held_out = len(x) // 5
    np.savez(folder / "test.npz", x=x[order[:held_out]], y=y[order[:held_out]])
    np.savez(folder / "train.npz", x=x[order[held_out:]], y=y[order[held_out:]])
    return {"train": len(x) - held_out, "test": held_out}


def onehalf(folder: Path, seed: int, minutes: float) -> dict[str, Any]:
    """The default recipe of the estimator, which sets 30 % of the train images aside."""
    import jax
    import numpy as np

    import onehalf as oh

    with np.load(folder / "train.npz") as train:
        x = train["x"]
    start = time.perf_counter()
    gan = oh.GAN(minutes=minutes, random_state=seed).fit(x)
    seconds = time.perf_counter() - start
    np.save(folder / "onehalf.npy", gan.sample(SAMPLES, random_state=seed))
    count = lambda net: sum(leaf.size for leaf in jax.tree.leaves(net) if hasattr(leaf, "size"))  # noqa: E731
    parameters = [count(gan.state_.D), count(gan.state_.G)]
    return {
        "rounds": gan.rounds_played_,
        "seconds": seconds,
        "parameters": parameters,
        "jax": version("jax"),
    }


def dcgan(folder: Path, seed: int, minutes: float) -> dict[str, Any]:
    """Radford et al. 2016: strided convolutions, batch normalisation, Adam(2e-4, 0.5), the non-saturating cost."""
    import numpy as np
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    torch.manual_seed(seed)
    with np.load(folder / "train.npz") as train:
        kind, pixels = train["x"].dtype, torch.from_numpy(train["x"].astype(np.float32))
    high = float(pixels.max())
    x, side = 2 * pixels[:, None] / high - 1, pixels.shape[1]
    levels = max(1, (side // 4).bit_length() - 1)
    channels, small = [WIDTH * 2**level for level in range(levels)], side >> levels
    halves = [(1, channels[0]), *itertools.pairwise(channels)]
    up: list[nn.Module] = [
        nn.Linear(LATENT, channels[-1] * small**2),
        nn.Unflatten(1, (channels[-1], small, small)),
    ]
    down: list[nn.Module] = []
    for before, after in reversed(halves):
        up += [nn.BatchNorm2d(after), nn.ReLU(), nn.ConvTranspose2d(after, before, 4, 2, 1)]
    for before, after in halves:
        down += [
            nn.Conv2d(before, after, 4, 2, 1),
            *([nn.BatchNorm2d(after)] if before > 1 else []),
            nn.LeakyReLU(0.2),
        ]
    G = nn.Sequential(*up, nn.Tanh())
    D = nn.Sequential(*down, nn.Flatten(), nn.Linear(channels[-1] * small**2, 1))
    for module in [*G.modules(), *D.modules()]:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
    opt_D, opt_G = (
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (D, G)
    )
    rounds, start = 0, time.perf_counter()
    while time.perf_counter() - start < 60 * minutes:
        real, fake = x[torch.randint(len(x), (M,))], G(torch.randn(M, LATENT))
        opt_D.zero_grad()
        (softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()).backward()
        opt_D.step()
        opt_G.zero_grad()
        softplus(-D(fake)).mean().backward()
        opt_G.step()
        rounds += 1
    seconds = time.perf_counter() - start
    G.eval()
    with torch.no_grad():
        made = torch.cat([G(torch.randn(500, LATENT)) for _ in range(SAMPLES // 500)])
    np.save(folder / "dcgan.npy", ((made[:, 0] + 1) / 2 * high).round().numpy().astype(kind))
    parameters = [sum(p.numel() for p in net.parameters()) for net in (D, G)]
    return {
        "rounds": rounds,
        "seconds": seconds,
        "parameters": parameters,
        "torch": torch.__version__,
    }


def judged(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """How far an arm's samples are from the test images."""
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    import onehalf as oh
    from onehalf.evaluation.checks.coverage import prdc
    from onehalf.evaluation.checks.parzen import log_likelihood
    from onehalf.evaluation.serialization import to_json
    from onehalf.figures import encode_image_grid

    with np.load(folder / "train.npz") as train, np.load(folder / "test.npz") as test:
        (x, y), (real, labels) = (train["x"], train["y"]), (test["x"], test["y"])
    high = float(x.max())
    flat = lambda images: images.reshape(len(images), -1) / high  # noqa: E731
    rng = np.random.default_rng(seed)
    other = x[rng.permutation(len(x))] if arm == "data" else np.load(folder / f"{arm}.npy")
    moved = np.concatenate(
        [np.roll(x, by, (1, 2)) for by in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))]
    )
    known = MLPClassifier((256, 64), early_stopping=True, random_state=0).fit(
        flat(moved), np.tile(y, 5)
    )

    def features(images):
        h = flat(images)
        for weights, bias in zip(known.coefs_[:-1], known.intercepts_[:-1], strict=True):
            h = np.maximum(h @ weights + bias, 0)
        return h

    classes = np.unique(y)
    shares = [
        np.mean(known.predict(flat(images))[:, None] == classes, axis=0)
        for images in (other, x)
    ]
    n = min(len(real), len(other))
    found = oh.measure(real=real, other=other)
    half = len(real) // 2
    (folder / f"{arm}.png").write_bytes(encode_image_grid(other[:100], limits=(0, high)))
    return {
        "accuracy": known.score(flat(real), labels),
        "jsd_lower": found.jsd_lower,
        "jsd_estimate": found.jsd_estimate,
        "jsd_se": found.jsd_se,
        "pixels": vars(prdc(flat(real)[:n], flat(other)[:n])),
        "features": vars(prdc(features(real)[:n], features(other)[:n])),
        "shares": (shares[0] / shares[1]).tolist(),
        "parzen": to_json(log_likelihood(flat(other), flat(real)[:half], flat(real)[half:])),
    }


def step(asked: argparse.Namespace) -> None:
    """One step of one arm, in a process of its own; its answer is the last line of stdout."""
    folder, arm, seed = Path(asked.work), asked.arms[0], asked.first_seed
    if asked.step == "prepared":
        answer = prepared(folder, asked.data[0], seed)
    elif asked.step == "made":
        answer = {"onehalf": onehalf, "dcgan": dcgan}[arm](folder, seed, asked.minutes)
    else:
        answer = judged(folder, arm, seed)
    print(json.dumps(answer))


def run(asked: argparse.Namespace) -> None:
    """All arms of all seeds; what --out has already is not run again."""
    out = Path(asked.out)
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    have = {(row["data"], row["seed"], row["arm"]) for row in done}
    for name in asked.data:
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            folder = Path(asked.work) / f"{name}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            sizes = ask(asked, "prepared", folder, name, "data", seed)
            for arm in asked.arms:
                if (name, seed, arm) in have:
                    continue
                made = {} if arm == "data" else ask(asked, "made", folder, name, arm, seed)
                row = {
                    "data": name,
                    "seed": seed,
                    "arm": arm,
                    "minutes": asked.minutes,
                    "date": str(date.today()),
                }
                row |= sizes | made | ask(asked, "judged", folder, name, arm, seed)
                with out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(f"{name} {seed} {arm}: L {row['jsd_lower']:.3f}", flush=True)


def ask(
    asked: argparse.Namespace, what: str, folder: Path, name: str, arm: str, seed: int
) -> dict[str, Any]:
    """The answer of a step."""
    python = asked.torch_python if arm == "dcgan" and what == "made" else sys.executable
    words = [
        "--step",
        what,
        "--work",
        folder,
        "--data",
        name,
        "--arms",
        arm,
        "--first-seed",
        seed,
    ]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command = [python, __file__, *map(str, words), "--minutes", str(asked.minutes)]
    told = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(told.stdout.splitlines()[-1])


def report(asked: argparse.Namespace) -> None:
    """A table of medians over seeds, with the least and the greatest."""
    rows = [json.loads(line) for line in Path(asked.out).read_text().splitlines()]
    floors = {(row["data"], row["seed"]): row for row in rows if row["arm"] == "data"}
    columns = {
        "certified L, nats": lambda row, floor: row["jsd_lower"],
        "estimate": lambda row, floor: row["jsd_estimate"],
        **{
            f"{measure}, {of} / data": lambda row, floor, of=of, measure=measure: (
                row[of][measure] / floor[of][measure]
            )
            for of in ("pixels", "features")
            for measure in ("precision", "recall", "density", "coverage")
        },
        "least share": lambda row, floor: min(row["shares"]),
        "greatest share": lambda row, floor: max(row["shares"]),
        "Parzen, nats": lambda row, floor: row["parzen"]["log_likelihood"],
        "rounds": lambda row, floor: row.get("rounds", 0),
    }
    for name in dict.fromkeys(row["data"] for row in rows):
        arms = [
            arm
            for arm in ARMS
            if any(row["data"] == name and row["arm"] == arm for row in rows)
        ]
        print(f"\n### {name}\n\n| | {' | '.join(arms)} |\n|---|{'---:|' * len(arms)}")
        for column, number in columns.items():
            cells = []
            for arm in arms:
                mine = [row for row in rows if (row["data"], row["arm"]) == (name, arm)]
                values = [number(row, floors[name, row["seed"]]) for row in mine]
                cells.append(
                    f"{median(values):.3g} [{min(values):.3g}, {max(values):.3g}] ({len(values)})"
                )
            print(f"| {column} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch-python", help="the python of an environment with torch and numpy"
    )
    parser.add_argument("--work", help="a folder for samples and sheets")
    parser.add_argument("--out", help="a file of one line for each arm and seed")
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        step(asked)
    elif asked.report:
        report(asked)
    else:
        run(asked)


if __name__ == "__main__":
    main()
