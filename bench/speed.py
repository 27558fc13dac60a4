"""Rounds per second of the same games in onehalf and in PyTorch, side by side in one run.

    python bench/speed.py --torch-python /path/to/python [--device gpu] [--quick] [--only ring] [--json FILE]

PyTorch lives in an environment of its own, and threads are set when a process starts, so every player of a contest is
a worker process, which runs this same file. Workers take a line of JSON on stdin and answer with one:
{"rounds": n} -> {"seconds": s}, {"peak": n} -> {"gflops": {library: g}}. All stay warm, and blocks of rounds take
turns: a machine whose speed drifts slows all players of a turn alike, and ratios are taken within a turn. README.md,
beside this file, says how to read the result.
"""

import argparse
import contextlib
import datetime
import gc
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median

JAX_PLATFORMS = {"cpu": "cpu", "gpu": "cuda,cpu"}
"""What JAX may use, by the name of a device."""

TORCH_DEVICES = {"cpu": "cpu", "gpu": "cuda"}

PEAK_SIZE = 1536
"""Rows of the square matrices whose product measures the peak."""


@dataclass(frozen=True)
class Rules:
    """One game: entries from layer to layer, examples in a minibatch, and how rounds go."""

    G: tuple[int, ...]
    D: tuple[int, ...]
    m: int
    schedule: str = "alternating"
    rows: int = 4096
    """Data held in memory."""
    pieces: int = 1
    """Maxout pieces of D's hidden layers; 1 is ReLU. G's hidden layers are ReLU always."""
    dropout: tuple[float, float] = (0.0, 0.0)
    chunk: int = 200
    """Rounds in one compiled scan of onehalf."""

    @property
    def products(self) -> tuple[list[int], list[int]]:
        """Multiplications of each layer of G and of D, for one example, forwards."""
        G, D = ([a * b for a, b in pairwise(net)] for net in (self.G, self.D))
        return G, [
            size * (self.pieces if layer < len(D) - 1 else 1) for layer, size in enumerate(D)
        ]

    @property
    def flops(self) -> int:
        """Floating-point operations of the matrix products in one round, none done twice.

        A layer of a -> b on m examples is 2mab, forwards; 2mab for its weights' gradient; 2mab for its inputs'
        gradient, which the first layer is spared where nobody asks for it. D learns from x and from G(z); G learns
        through D, whose weights' gradient it doesn't need. `alternating` draws fresh noise for G, so that G and D run
        forwards once more; `simultaneous` shares D(G(z)).
        """
        G, D = self.products
        D_learns = 2 * (3 * sum(D) - D[0])
        G_learns = sum(D) + 2 * sum(G) - G[0]
        again = sum(G) + sum(D) if self.schedule == "alternating" else 0
        return 2 * self.m * (sum(G) + D_learns + G_learns + again)

    def __str__(self) -> str:
        G, D = ("-".join(map(str, net)) for net in (self.G, self.D))
        maxout = (
            f" (maxout of {self.pieces}, dropout {self.dropout})" if self.pieces > 1 else ""
        )
        return f"G {G}, D {D}{maxout}, m = {self.m}, {self.schedule}"


@dataclass(frozen=True)
class Convolutional(Rules):
    """A game of convolutional players on grey images, 2^k pixels a side: `onehalf.nets.convolutional` at this width."""

    width: int = 32

    @property
    def channels(self) -> list[int]:
        """Of the image, and of each picture that is half as fine, down to 4 x 4."""
        levels = int(math.log2(math.isqrt(self.D[0]))) - 2
        return [1, *(self.width * 2**level for level in range(levels))]

    @property
    def products(self) -> tuple[list[int], list[int]]:
        halves, D = list(enumerate(pairwise(self.channels), 1)), []
        for level, (before, after) in halves:
            pixels = self.D[0] // 4**level
            D += [pixels * 16 * before * after, pixels * 10 * after**2]
        entries = 16 * self.channels[-1]
        return [self.G[0] * entries, *D[::-1]], [*D, entries]

    def __str__(self) -> str:
        side = math.isqrt(self.D[0])
        return f"convolutional players of {self.width} channels on {side} x {side}, m = {self.m}, {self.schedule}"


@dataclass(frozen=True)
class Player:
    """One way to play: `onehalf`, `torch eager` or `torch compile`; many games at once on some devices."""

    kind: str
    games: int = 1
    devices: int = 1

    def __str__(self) -> str:
        return (
            self.kind
            if self.games == 1
            else f"{self.kind}, {self.games} games, devices: {self.devices}"
        )


RULES = {
    "ring": Rules(G=(2, 128, 128, 2), D=(2, 128, 128, 1), m=256),
    "small": Rules(G=(2, 32, 32, 2), D=(2, 32, 32, 1), m=64, chunk=1000),
    "images": Convolutional(G=(64, 1024), D=(1024, 1), m=64, rows=2000, chunk=10),
    "mnist": Rules(
        (100, 1200, 1200, 784),
        (784, 240, 240, 1),
        100,
        "simultaneous",
        5000,
        5,
        (0.2, 0.5),
        chunk=5,
    ),
}
ALONE = (Player("onehalf"), Player("torch eager"), Player("torch compile"))
MANY = (
    Player("onehalf", games=8),
    Player("onehalf", games=8, devices=2),
    Player("onehalf", 8, devices=8),
    *ALONE,
)
CONTESTS = [
    (name, threads, ALONE) for name in ("ring", "mnist", "images") for threads in (1, 2)
]
CONTESTS += [("ring", 2, MANY), ("small", 1, ALONE), ("small", 2, MANY)]
GPU_CONTESTS = [(name, 1, ALONE) for name in ("mnist", "images", "small")]
GPU_CONTESTS += [("ring", 1, (Player("onehalf", games=8), *ALONE))]
"""On a GPU one thread feeds the device, and games side by side share it."""


# ---------------------------------------------------------------------------------------------- the players' own code


def play_onehalf(rules: Rules, player: Player) -> Callable[[int], None]:
    import equinox as eqx
    import jax

    jax.config.update("jax_num_cpu_devices", player.devices)
    import jax.random as jr
    import optax

    from onehalf.distributions.base import Latent
    from onehalf.distributions.empirical import Empirical
    from onehalf.distributions.synthetic import Ring
    from onehalf.nets.convolutional import ConvolutionalD, ConvolutionalG
    from onehalf.nets.mlp import MLP
    from onehalf.training import Game, init, train

    key = jr.key(0)
    alternating = rules.schedule == "alternating"
    images = isinstance(rules, Convolutional)
    x = (
        Ring().sample(key, rules.rows)
        if rules.D[0] == 2
        else jr.uniform(key, (rules.rows, rules.D[0]))
    )
    if images:
        side = math.isqrt(rules.D[0])
        x = x.reshape(-1, side, side)
    p_z = Latent(normal=rules.G[0]) if alternating else Latent(uniform=rules.G[0])
    by = optax.adam(2e-4, b1=0.5) if alternating else optax.sgd(0.1, momentum=0.5)
    game = Game(
        Empirical(x), p_z, optimiser_D=by, optimiser_G=by, m=rules.m, schedule=rules.schedule
    )

    def start(key):
        key_D, key_G = jr.split(key)
        if images:
            D = ConvolutionalD(key_D, x.shape[1:], width=rules.width)
            return init(
                game, D, ConvolutionalG(key_G, p_z.shape, x.shape[1:], width=rules.width)
            )
        hidden_D = (
            {"activation": "maxout", "pieces": rules.pieces}
            if rules.pieces > 1
            else {"activation": "relu"}
        )
        D = MLP(key_D, (rules.D[0],), (), width=rules.D[1], dropout=rules.dropout, **hidden_D)
        out = "linear" if alternating else "sigmoid"
        G = MLP(
            key_G,
            (rules.G[0],),
            (rules.G[-1],),
            width=rules.G[1],
            activation="relu",
            out_activation=out,
        )
        return init(game, D, G)

    keys = jr.split(key, player.games) if player.games > 1 else key
    state = eqx.filter_vmap(start)(keys) if player.games > 1 else start(key)

    def play(rounds: int) -> None:
        nonlocal state
        state = jax.block_until_ready(train(keys, game, state, rounds, every=rules.chunk))

    return play


def play_torch(
    rules: Rules, player: Player, threads: int, device: str
) -> Callable[[int], None]:
    import torch
    from torch import nn
    from torch.nn.functional import leaky_relu, softplus

    torch.set_num_threads(threads)
    torch.set_default_device(TORCH_DEVICES[device])
    torch.manual_seed(0)
    m, alternating = rules.m, rules.schedule == "alternating"

    class Maxout(nn.Module):
        def forward(self, h):
            return h.view(len(h), -1, rules.pieces).max(-1).values

    def net(
        sizes: tuple[int, ...], pieces: int = 1, dropout: tuple[float, float] = (0.0, 0.0)
    ) -> list[nn.Module]:
        layers = [nn.Dropout(dropout[0])] if dropout[0] else []
        for a, b in pairwise(sizes[:-1]):
            layers += [nn.Linear(a, b * pieces), Maxout() if pieces > 1 else nn.ReLU()]
            layers += [nn.Dropout(dropout[1])] if dropout[1] else []
        return [*layers, nn.Linear(sizes[-2], sizes[-1])]

    class Residual(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.first, self.second = (
                nn.Conv2d(channels, channels, 3, 1, 1),
                nn.Conv2d(channels, channels, 1),
            )

        def forward(self, x):
            return x + self.second(leaky_relu(self.first(leaky_relu(x, 0.2)), 0.2))

    if isinstance(rules, Convolutional):
        ends, side = list(pairwise(rules.channels)), math.isqrt(rules.D[0])
        refined = [
            (Residual(b), nn.LeakyReLU(0.2), nn.ConvTranspose2d(b, a, 4, 2, 1))
            for a, b in ends[::-1]
        ]
        top = rules.channels[-1]
        first = nn.Linear(rules.G[0], 16 * top), nn.Unflatten(1, (top, 4, 4))
        G = nn.Sequential(
            *first, *(layer for layers in refined for layer in layers), nn.Flatten()
        )
        halved = [(nn.Conv2d(a, b, 4, 2, 1), Residual(b)) for a, b in ends]
        last = nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16 * top, 1)
        D = nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            *(one for layers in halved for one in layers),
            *last,
        )
    else:
        G = nn.Sequential(*net(rules.G), *([] if alternating else [nn.Sigmoid()]))
        D = nn.Sequential(*net(rules.D, rules.pieces, rules.dropout))
    of_D, of_G = list(D.parameters()), list(G.parameters())
    if alternating and not isinstance(rules, Convolutional):
        angle = torch.randint(8, (rules.rows,)) * (math.pi / 4)
        X = torch.stack([angle.cos(), angle.sin()], 1) + 0.01 * torch.randn(rules.rows, 2)
    else:
        X = torch.rand(rules.rows, rules.D[0])
    if alternating:
        opt_D, opt_G = (
            torch.optim.Adam(of, lr=2e-4, betas=(0.5, 0.999), fused=True) for of in (of_D, of_G)
        )
    else:
        opt_D, opt_G = (
            torch.optim.SGD(of, lr=0.1, momentum=0.5, fused=True) for of in (of_D, of_G)
        )

    def alternate() -> None:
        x = X[torch.randint(len(X), (m,))]
        with torch.no_grad():
            Gz = G(torch.randn(m, rules.G[0]))
        opt_D.zero_grad(set_to_none=True)
        (softplus(-D(x)).mean() + softplus(D(Gz)).mean()).backward()
        opt_D.step()
        opt_G.zero_grad(set_to_none=True)
        softplus(-D(G(torch.randn(m, rules.G[0])))).mean().backward(inputs=of_G)
        opt_G.step()

    def together() -> None:
        x = X[torch.randint(len(X), (m,))]
        d_x, d_Gz = D(x), D(G(torch.empty(m, rules.G[0]).uniform_(-math.sqrt(3), math.sqrt(3))))
        opt_D.zero_grad(set_to_none=True)
        opt_G.zero_grad(set_to_none=True)
        (softplus(-d_x).mean() + softplus(d_Gz).mean()).backward(inputs=of_D, retain_graph=True)
        softplus(-d_Gz).mean().backward(inputs=of_G)
        opt_D.step()
        opt_G.step()

    step = alternate if alternating else together
    if player.kind == "torch compile":
        step = torch.compile(step)

    def play(rounds: int) -> None:
        for _ in range(rounds):
            step()
        if device == "gpu":
            torch.cuda.synchronize()

    return play


@cache
def products(kind: str, n: int) -> dict[str, Callable]:
    """An n x n float32 matrix product in each library that this worker has."""
    import numpy as np

    A = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
    if kind == "onehalf":
        import jax

        on_device, product = jax.numpy.asarray(A), jax.jit(lambda A: A @ A)
        return {"NumPy": lambda: A @ A, "XLA": lambda: product(on_device).block_until_ready()}
    import torch

    as_tensor = torch.from_numpy(A).to(torch.get_default_device())

    def multiply() -> None:
        as_tensor @ as_tensor
        if as_tensor.is_cuda:
            torch.cuda.synchronize()

    return {"PyTorch": multiply}


def gflops(kind: str, n: int) -> dict[str, float]:
    """GFLOP/s of these products, the best of 3."""
    return {
        name: 2e-9 * n**3 / min(seconds(do) for _ in range(3))
        for name, do in products(kind, n).items()
    }


def seconds(do: Callable, *arguments) -> float:
    start = time.perf_counter()
    do(*arguments)
    return time.perf_counter() - start


def work(name: str, kind: str, games: int, devices: int, threads: int, device: str) -> None:
    """A worker's life: start, warm up, and answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.sched_setaffinity(
        0, sorted(os.sched_getaffinity(0))[-threads:]
    )  # before any library counts the cores
    rules, player = RULES[name], Player(kind, games, devices)
    try:
        play = (
            play_onehalf(rules, player)
            if kind == "onehalf"
            else play_torch(rules, player, threads, device)
        )
        play(2 * rules.chunk if kind == "onehalf" else 10)
        gc.collect()
        gc.freeze()
        library = sys.modules["jax" if kind == "onehalf" else "torch"]
        print(
            json.dumps({"version": f"{library.__name__} {library.__version__}"}), file=answers
        )
        for line in sys.stdin:
            ((what, n),) = json.loads(line).items()
            answer = (
                {"seconds": seconds(play, n)}
                if what == "rounds"
                else {"gflops": gflops(kind, n)}
            )
            print(json.dumps(answer), file=answers)
    except Exception as error:
        print(
            json.dumps({"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}),
            file=answers,
        )


# -------------------------------------------------------------------------------------------------------- the contest


class Worker:
    """A player's process, as the parent sees it."""

    def __init__(
        self, name: str, player: Player, threads: int, args: argparse.Namespace
    ) -> None:
        environment = {
            k: v
            for k, v in os.environ.items()
            if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        }
        environment["JAX_PLATFORMS"] = JAX_PLATFORMS[args.device]
        if player.kind != "onehalf":
            environment.pop("PYTHONPATH", None)
        python = sys.executable if player.kind == "onehalf" else args.torch_python
        command = [
            python,
            __file__,
            "--work",
            json.dumps([name, player.kind, player.games, player.devices, threads, args.device]),
        ]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, env=environment, text=True, bufsize=1
        )

    def hear(self) -> dict:
        line = self.process.stdout.readline()
        return (
            json.loads(line)
            if line
            else {"error": f"the process ended with {self.process.wait()}"}
        )

    def ask(self, **what: int) -> dict:
        self.process.stdin.write(json.dumps(what) + "\n")
        answer = self.hear()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def contest(
    name: str, threads: int, players: tuple[Player, ...], args: argparse.Namespace
) -> dict:
    """Every player in turn, forwards and backwards by turns, with the peak measured in every turn."""
    rules, games = RULES[name], {str(player): player.games for player in players}
    workers, versions, missing = {}, set(), {}
    try:
        for player in players:
            worker = Worker(name, player, threads, args)
            workers[str(player)] = worker
            told = worker.hear()  # one after the other: compilers need the cores
            if "error" in told:
                missing[str(player)] = told["error"]
                workers.pop(str(player)).stop()
            else:
                versions.add(told["version"])
        rounds = {}
        for label, worker in workers.items():
            worker.ask(peak=PEAK_SIZE)
            unit = (
                rules.chunk if label.startswith("onehalf") else rules.chunk // 5
            )  # only whole scans are compiled
            spent = worker.ask(rounds=unit)["seconds"]
            rounds[label] = unit * max(1, round(args.block / spent))
        rates, peak = {label: [] for label in workers}, []
        for turn in range(args.turns):
            for label in list(workers)[:: 1 if turn % 2 == 0 else -1]:
                time.sleep(0.1)  # idle threads of the one before stop spinning
                spent = workers[label].ask(rounds=rounds[label])["seconds"]
                rates[label].append(games[label] * rounds[label] / spent)
            sides = [
                workers[label].ask(peak=PEAK_SIZE)
                for label in ("onehalf", "torch eager")
                if label in workers
            ]
            peak.append({library: g for side in sides for library, g in side["gflops"].items()})
    finally:
        for worker in workers.values():
            worker.stop()
    shares = {
        label: [
            r * rules.flops / max(p.values()) / 1e9
            for r, p in zip(rates[label], peak, strict=True)
        ]
        for label in rates
    }
    alone = [label for label in rates if games[label] == 1]
    return {
        "game": name,
        "threads": threads,
        "rules": asdict(rules) | {"text": str(rules)},
        "flops_per_round": rules.flops,
        "peak_gflops": {library: median(p[library] for p in peak) for library in peak[0]},
        "versions": sorted(versions),
        "missing": missing,
        "players": {
            label: {
                "rounds_per_s": median(mine),
                "share_of_peak": median(shares[label]),
                "ratio_to": {
                    other: spread([a / b for a, b in zip(mine, rates[other], strict=True)])
                    for other in alone
                },
                "rounds_per_s_by_turn": mine,
            }
            for label, mine in rates.items()
        },
    }


def spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def table(result: dict) -> str:
    """One contest in Markdown."""
    cores = "1 thread" if result["threads"] == 1 else f"{result['threads']} threads"
    peaks = ", ".join(
        f"{library} {gflops:.0f}" for library, gflops in result["peak_gflops"].items()
    )
    others = next(iter(result["players"].values()))["ratio_to"]
    lines = [
        f"\n### {result['game']}, {cores}",
        f"{result['rules']['text']}; {result['flops_per_round'] / 1e6:.3g} MFLOP a round; peak in GFLOP/s: {peaks};",
        f"{', '.join(result['versions'])}\n",
        " | ".join(["| player", "rounds/s", "of peak", *(f"/ {other}" for other in others)])
        + " |",
        "|---|" + "---:|" * (2 + len(others)),
    ]
    for label, one in result["players"].items():
        ratios = [
            f"{r['median']:.2f} [{r['min']:.2f}, {r['max']:.2f}]"
            for r in one["ratio_to"].values()
        ]
        row = [
            f"| {label}",
            f"{one['rounds_per_s']:.4g}",
            f"{one['share_of_peak']:.1%}",
            *ratios,
        ]
        lines.append(" | ".join(row) + " |")
    return "\n".join(
        lines + [f"\n{label}: no figure, {why}" for label, why in result["missing"].items()]
    )


def find_gpu() -> str:
    """The name of the GPU that JAX finds; empty without one."""
    code = "import jax; print(jax.devices('cuda')[0].device_kind)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch-python", help="the python of an environment with torch and numpy"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="everything measured, turn by turn"
    )
    parser.add_argument(
        "--quick", action="store_true", help="2 turns of 0.3 s: does it run? Not for figures"
    )
    parser.add_argument("--only", choices=RULES, help="this game's contests only")
    parser.add_argument(
        "--device", choices=JAX_PLATFORMS, default="cpu", help="where the games are played"
    )
    parser.add_argument("--work", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(*args.work)
        return
    if not args.torch_python:
        parser.error("--torch-python is needed")
    if args.device == "gpu":
        args.gpu = find_gpu()
        if not args.gpu:
            parser.error("--device gpu: JAX finds no NVIDIA GPU here")
    args.turns, args.block = (2, 0.3) if args.quick else (7, 2.0)
    cores = len(os.sched_getaffinity(0))
    cpu = dict(
        line.split(":", 1)
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if ":" in line
    )
    cpu = {key.strip(): value.strip() for key, value in cpu.items()}
    about = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{cpu.get('model name', platform.machine())}, {cores} cores",
        "device": args.gpu if args.device == "gpu" else "CPU",
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "turns": args.turns,
        "block_s": args.block,
    }
    print("; ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    if about["load_before"] > 0.5:
        print(
            "Others use this machine now (load above 0.5): figures will be low, ratios rough.",
            flush=True,
        )
    results = []
    for name, threads, players in GPU_CONTESTS if args.device == "gpu" else CONTESTS:
        if args.only in (None, name) and threads <= cores:
            results.append(contest(name, threads, players, args))
            print(table(results[-1]), flush=True)
            if args.json:
                args.json.write_text(json.dumps(about | {"contests": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
