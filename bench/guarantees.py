"""The guarantees as frequencies: where the truth is known, how often a bound lies above it, and what fair bets bring.

    python bench/guarantees.py --out guarantees.jsonl [--rows WORD ...] [--seeds 1000] [--first-seed 0] [--processes 2]
    python bench/guarantees.py --out guarantees.jsonl --report      # the table of what was run so far
    python bench/guarantees.py --list                               # the rows, and their JSD beside itself recomputed

A row is one law of data and one way to measure it, drawn anew for each seed. `--rows` takes those whose name holds one
of the words. Each draw is a line of --out: a run that was stopped goes on where it was, pieces may run apart and be put
together with `cat`. README.md says how to read the table; the exit status is 1 if a row of it is off.
"""

import argparse
import functools
import json
import math
import multiprocessing
import os
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from problems import LOG_2, PROBLEMS, Normals, Problem, always, parity, recomputed, shift
from scipy import stats

ALPHA = 0.05

QUICK = ("linear", "quadratic", "cells")
"""The critics of most rows. A guarantee does not depend on them; rows named 'all critics' have every one."""

# ----------------------------------------------------------------------------------------- problems besides problems.py


@dataclass(frozen=True)
class Student:
    """Student's t with df degrees of freedom; df = 1 is Cauchy's law."""

    df: float
    scale: float = 1.0
    centre: float = 0.0

    def sample(self, rng, n):
        return self.centre + self.scale * rng.standard_t(self.df, size=(n, 1))

    def log_density(self, rows):
        return stats.t.logpdf(rows[:, 0], self.df, self.centre, self.scale)


@dataclass(frozen=True)
class Rounded:
    """N(mean, 1), rounded to tenths."""

    mean: float = 0.0

    def sample(self, rng, n):
        return np.rint(10 * rng.normal(self.mean, size=(n, 1))) / 10

    def log_density(self, rows):
        # the far side is as near as float64 has it: the upper half is mirrored
        low = -np.abs(rows[:, 0] - self.mean)
        return np.log(stats.norm.cdf(low + 0.05) - stats.norm.cdf(low - 0.05))


@dataclass(frozen=True)
class Groups:
    """One of the numbers 0, 1, 2, ..., with these probabilities."""

    shares: tuple[float, ...]

    def sample(self, rng, n):
        return rng.choice(len(self.shares), size=(n, 1), p=self.shares).astype(float)

    def log_density(self, rows):
        with np.errstate(divide="ignore"):
            return np.log(np.array(self.shares)[rows[:, 0].astype(int)])


def scale(J, d, by):
    """N(0, I) and N(0, by^2 I) in d dimensions."""
    return always(J, Normals(np.zeros((1, d))), Normals(np.zeros((1, d)), by**2))


def unit_variance(J, df):
    """Student's t of variance 1, and N(0, 1)."""
    return always(J, Student(df, math.sqrt(1 - 2 / df)), Normals(np.zeros((1, 1))))


def groups(*shares):
    p, q = np.array(shares)
    m = (p + q) / 2
    J = (
        sum(float(np.sum(law[law > 0] * np.log(law[law > 0] / m[law > 0]))) for law in (p, q))
        / 2
    )
    return always(J, *(Groups(tuple(law)) for law in shares))


def rounded(by):
    """N(0, 1) and N(by, 1), both rounded to tenths: all in few values."""
    cells = np.arange(-120, 121)[:, None] / 10
    p, q = (np.exp(Rounded(mean).log_density(cells)) for mean in (0.0, by))
    J = float(np.sum(p * np.log(2 * p / (p + q))) + np.sum(q * np.log(2 * q / (p + q)))) / 2
    return always(J, Rounded(), Rounded(by))


RARE = (0.9, 0.1)

KNOWN = PROBLEMS | {
    "null of bits": parity(0.0, 0.0),
    "null, rarely yes": groups(RARE, RARE),
    "null of Cauchy": always(0.0, Student(1), Student(1)),
    "shift 1": shift(0.111421, 1.0),
    "shift .5 rounded": rounded(0.5),
    "shift .5 in 10": always(0.030311, Normals(np.zeros((1, 10))), Normals(np.eye(10)[:1] / 2)),
    "scale 1.3": scale(0.016300, 1, 1.3),
    "scale 1.3 in 2": scale(0.032143, 2, 1.3),
    "scale 1.1 in 10": scale(0.022093, 10, 1.1),
    "t5": unit_variance(0.006598, 5),
    "t3": unit_variance(0.024331, 3),
    "Cauchy .2": always(0.002484, Student(1), Student(1, centre=0.2)),
    "missing group": groups((0.75, 0.1, 0.1, 0.05), (0.75 / 0.95, 0.1 / 0.95, 0.1 / 0.95, 0.0)),
    "rarer group": groups((0.5, 0.48, 0.02), (0.5, 0.499, 0.001)),
    "parity .8": parity(0.101749, 0.8),
}

# ------------------------------------------------------------------------------------------------------ ways to measure


def found(certificate):
    return {
        "L": certificate.jsd_lower,
        "T": certificate.tv_lower,
        "log_e": certificate.log_e,
        "p": certificate.p_value,
    }


def fixed(problem, seed, rng, n, k=1, kinds=QUICK):
    """The bets alone, with k rows of the second pile to each of the first."""
    import jax.random as jr

    from onehalf.evaluation.certificate.certificate import certify

    x, y, _ = problem(rng, n * k)
    return found(certify(jr.key(seed), x[:n], y.reshape(n, k, -1), ALPHA, kinds=kinds))


def oracle(problem, seed, rng, n):
    """As `fixed`, with the true log ratio in place of what critics learn: bounds come as near the truth as they can."""
    import jax.random as jr

    from onehalf.evaluation.certificate.bounds import best_clip, best_threshold
    from onehalf.evaluation.certificate.certificate import certify
    from onehalf.evaluation.certificate.critics import Critic
    from onehalf.evaluation.rows import wrap

    def d(rows):
        return np.clip(log_ratio(wrap(rows).x), -30, 30)

    # its clip and its threshold are settled on rows that are not bet on
    x, y, log_ratio = problem(rng, 2000)
    past = d(x), d(y)
    critic = Critic(d, *best_clip(*past, n, ALPHA), best_threshold(*past, n, ALPHA), past)
    x, y, _ = problem(rng, n)
    return found(
        with_learner(lambda *_, **__: critic, certify, jr.key(seed), x, y[:, None], ALPHA)
    )


def with_learner(learner, call, *args):
    """Call with another learner than the certificate's own; rows that come after have that one again."""

    from onehalf.evaluation.certificate import certificate

    own, certificate.learn = certificate.learn, learner
    try:
        return call(*args)
    finally:
        certificate.learn = own


def watched(problem, seed, rng, n, batch=20):
    """A look after every 20 rows: the greatest bound and the greatest log e of all looks, and the last log e."""
    from onehalf.evaluation.certificate.critics import learn
    from onehalf.evaluation.certificate.monitor import SequentialMonitor

    p, q = problem.laws(rng)

    def looks():
        watch = SequentialMonitor(
            (p.sample(rng, batch) for _ in range(n // batch)),
            lambda m: q.sample(rng, m),
            ALPHA,
            seed,
        )
        return [(look.log_e, look.jsd_lower) for look in watch]

    log_e, lower = np.transpose(with_learner(functools.partial(learn, kinds=QUICK), looks))
    return {"L": lower.max(), "log_e": log_e[-1], "greatest_log_e": log_e.max()}


def measured(problem, seed, rng, n, m=None):
    """`measure` of n rows and m, always with its own seed 0: of the certificate, the regions and the ladder."""
    from onehalf.evaluation import measurement, pairing
    from onehalf.evaluation.certificate import certificate
    from onehalf.measuring import measure

    x, y, _ = problem(rng, max(n, m or n))
    own = certificate.certify, measurement.find_detectable, measurement.plant_effects
    measurement.certify = pairing.certify = functools.partial(certificate.certify, kinds=QUICK)
    measurement.find_detectable = lambda *_: None
    measurement.plant_effects = lambda *_: ()
    try:
        result = measure(real=x[:n], other=y[: m or n], alpha=ALPHA)
    finally:
        measurement.certify = pairing.certify = own[0]
        measurement.find_detectable = own[1]
        measurement.plant_effects = own[2]
    return found(result) | {
        "regions": max((region.jsd_lower for region in result.regions), default=0.0),
        "ladder": max(step.jsd_lower for step in result.marginals),
    }


def copied(problem, seed, rng, n):
    """Samples that do not depend on which rows were trained on: held-out rows are as near."""
    from onehalf.evaluation.checks.memorization import detect_copying

    rows, samples, _ = problem(rng, 2 * n)
    result = detect_copying(rng, rows[:n], rows[n:], samples[:n], ALPHA)
    return {
        "T": result.advantage_lower,
        "log_e": result.log_e,
        "p": result.p_value,
    } | {"nearer": result.nearer_train.p_value}


def lowest(problem, seed, rng, n, law):
    """`lower_bound` and the anytime wealth on gains whose mean is the end of the grid, so that there is no slack."""
    from onehalf.evaluation.certificate.bounds import AnytimeBound, lower_bound

    gains, floors = law(rng, n)
    anytime = AnytimeBound(ALPHA, top=MEAN)
    anytime.update(gains[None], [float(floors.min())])
    # the wealth against the true mean, whose own mean is 1
    log_e = np.logaddexp.reduce(anytime.wealth[0, :, -1]) - math.log(anytime.wealth.shape[1])
    reached = lower_bound(gains, floors, ALPHA, top=MEAN) >= MEAN
    return {"L": float(reached), "log_e": log_e}


MEAN = 0.2


def two_values(low, high, floor):
    """The higher one just so often that the mean is MEAN."""
    return lambda rng, n: (
        np.where(rng.random(n) < (MEAN - low) / (high - low), high, low),
        np.full(n, floor),
    )


def spiteful(rng, n):
    """Calm while the sum is above what is expected, and wild to make up for it when it is below."""
    gains, above = np.empty(n), 0.0
    for t, luck in enumerate(rng.random(n)):
        gains[t] = MEAN + (0.1 if above >= 0 else 0.7) * (1 if luck < 0.5 else -1)
        above += gains[t] - MEAN
    return gains, np.full(n, -0.5)


GAINS = {
    "rare losses": two_values(-0.5, 0.225, -0.5),
    "rarer losses": two_values(-0.5, 0.2071, -0.5),
    "rare gains": two_values(-0.03, 0.68, -0.03),
    "even": two_values(-0.2, 0.6, -0.5),
    "spiteful": spiteful,
}


@dataclass(frozen=True)
class Row:
    problem: Problem
    n: int
    way: Callable
    settings: dict

    def __call__(self, name, seed):
        rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
        return {
            what: float(value)
            for what, value in self.way(
                self.problem, seed, rng, self.n, **self.settings
            ).items()
        }


def row(problem, n, way, **settings):
    return Row(KNOWN[problem], n, way, settings)


NOTHING = always(0.0, Normals(np.zeros((1, 1))), Normals(np.zeros((1, 1))))

ROWS = {f"{problem}, n = 400": row(problem, 400, fixed) for problem in KNOWN}
ROWS |= {
    f"{problem}, n = 60": row(problem, 60, fixed)
    for problem in ("null", "null of bits", "null of Cauchy")
}
ROWS |= {
    f"{problem}, n = 1500": row(problem, 1500, fixed)
    for problem in ("null", "shift .5", "missing mode", "parity .8")
}
ROWS |= {
    f"{problem}, all critics, n = 400": row(
        problem, 400, fixed, kinds=(*QUICK, "waves", "nets")
    )
    for problem in ("null", "shift .5", "missing mode", "t3", "waves d1 .2")
}
ROWS |= {
    f"{problem}, k = {k}, n = 200": row(problem, 200, fixed, k=k)
    for problem in ("null", "null of bits", "shift .5", "missing group")
    for k in (3, 10)
}
ROWS |= {
    f"{problem}, oracle, n = {n}": row(problem, n, oracle)
    for problem in (
        "shift 1",
        "scale 1.3 in 2",
        "missing mode",
        "missing group",
        "rarer group",
        "parity .8",
        "t3",
    )
    for n in (200, 1500)
}
ROWS |= {
    f"{problem}, watched, n = 400": row(problem, 400, watched)
    for problem in (
        "null",
        "null of bits",
        "null, rarely yes",
        "shift 1",
        "missing mode",
        "parity .8",
        "t3",
    )
}
ROWS |= {
    f"{problem}, measured with seed 0, n = {n}": row(problem, n, measured)
    for problem, n in (
        ("null of bits", 200),
        ("null, rarely yes", 100),
        ("shift 1", 300),
        ("missing group", 400),
    )
}
ROWS["shift 1, measured with seed 0, n = 200 and 500"] = row("shift 1", 200, measured, m=500)
ROWS |= {
    f"{problem}, copying, n = 100": row(problem, 100, copied)
    for problem in ("null", "null of bits", "shift 1")
}
ROWS |= {
    f"gains: {law}, n = 300": Row(NOTHING, 300, lowest, {"law": each})
    for law, each in GAINS.items()
}


# -------------------------------------------------------------------------------------------------------------- the run


def work(task):
    name, seed = task
    return {"row": name, "seed": seed} | ROWS[name](name, seed)


def run(args):
    done = {(line["row"], line["seed"]) for line in read(args.out)}
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    tasks = [(name, seed) for name in args.names for seed in seeds if (name, seed) not in done]
    # a fresh interpreter for each process, since JAX's threads do not survive a fork; each with one core to itself
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")} | {
        "JAX_PLATFORMS": "cpu"
    }
    with (
        multiprocessing.get_context("spawn").Pool(args.processes) as pool,
        args.out.open("a", buffering=1) as out,
    ):
        if out.tell() and not args.out.read_text().endswith("\n"):
            out.write("\n")  # the last line was cut short
        for line in pool.imap_unordered(work, tasks, chunksize=5):
            out.write(json.dumps(line) + "\n")


def read(path):
    """The lines so far; one that was cut short is left out, and one that stands twice counts once."""
    lines = {}
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        lines[line["row"], line["seed"]] = line
    return [line for line in lines.values() if line["row"] in ROWS]


# ----------------------------------------------------------------------------------------------------------- the report


@functools.cache
def tv(problem, n=200_000):
    """E_m |2D* - 1| and four standard errors, from n rows of each law; 0 where both are one law."""
    if problem.J == 0:
        return 0.0
    x, y, log_ratio = problem(np.random.default_rng(0), n)
    apart = np.abs(np.tanh(np.clip(log_ratio(np.concatenate([x, y])), -50, 50) / 2))
    return float(apart.mean() + 4 * apart.std() / math.sqrt(2 * n))


def rate(happened):
    """The share, in bold where it is above alpha by more than luck of one in 10,000."""
    share = f"{np.mean(happened):.3f}"
    return (
        f"**{share}**"
        if np.sum(happened) > stats.binom.isf(1e-4, len(happened), ALPHA)
        else share
    )


def mean_e(log_e):
    """The mean e-value, in bold where 30 or more have it above 1 by more than four standard errors."""
    e = np.exp(log_e)
    error = e.std() / math.sqrt(len(e))
    text = f"{e.mean():.3f} +- {error:.3f}"
    return f"**{text}**" if len(e) >= 30 and e.mean() > 1 + 4 * error + 1e-9 else text


HEADER = (
    "| row | J | seeds | P(L > J) | P(TV bound > TV) | mean e | P(e >= 20) | P(p <= .05) "
    "| P(regions > J), P(ladder > J) | mean L/J |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def table_row(name, lines):
    problem = ROWS[name].problem
    J, of = (
        problem.J,
        {what: np.array([line[what] for line in lines]) for what in lines[0] if what != "row"},
    )
    null = J == 0 or ROWS[name].way is copied
    bounds = [rate(of[what] > J + 1e-9) for what in ("regions", "ladder") if what in of]
    cells = [
        name,
        f"{J:.6f}" if J else "0",
        str(len(lines)),
        rate(of["L"] > J + 1e-9) if "L" in of else "",
        rate(of["T"] > (0 if null else tv(problem))) if "T" in of else "",
        mean_e(of["log_e"]) if null else "",
        rate(of.get("greatest_log_e", of["log_e"]) >= math.log(1 / ALPHA)) if null else "",
        ", ".join(rate(of[what] <= ALPHA) for what in ("p", "nearer") if what in of)
        if null
        else "",
        ", ".join(bounds),
        f"{of['L'].mean() / J:.2f}" if J and "L" in of else "",
    ]
    return f"| {' | '.join(cells)} |"


def report(names, lines):
    """True if no row is off."""
    print(HEADER)
    found = [(name, [line for line in lines if line["row"] == name]) for name in names]
    rows = [table_row(name, of_it) for name, of_it in found if of_it]
    print("\n".join(rows))
    off = sum("**" in row for row in rows)
    print(
        f"\n{off} of {len(rows)} rows are off." if off else f"\nNo row of {len(rows)} is off."
    )
    return off == 0


def listed(names):
    """True if every JSD is the one that 200,000 rows of each law show."""
    good = True
    for name, problem in KNOWN.items():
        J, error, _ = recomputed(problem, np.random.default_rng(0), 200_000)
        fine = abs(J - problem.J) < 4 * error + 1e-6 and problem.J <= LOG_2
        good &= fine
        print(
            f"{name}: JSD {problem.J:.6f}, recomputed {J:.6f} +- {error:.6f}{'' if fine else ' OFF'}",
            flush=True,
        )
    print(*names, sep="\n")
    return good


def main():
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument(
        "--out", type=Path, metavar="FILE", help="a line of JSON for every draw; added to"
    )
    words.add_argument(
        "--rows",
        nargs="+",
        default=[""],
        metavar="WORD",
        help="rows whose name holds one of these",
    )
    words.add_argument("--seeds", type=int, default=1000)
    words.add_argument("--first-seed", type=int, default=0)
    words.add_argument("--processes", type=int, default=os.cpu_count())
    words.add_argument("--report", action="store_true", help="run nothing: the table of --out")
    words.add_argument(
        "--list", action="store_true", help="run nothing: the rows, and every JSD recomputed"
    )
    args = words.parse_args()
    args.names = [name for name in ROWS if any(word in name for word in args.rows)]
    if args.list:
        sys.exit(0 if listed(args.names) else 1)
    if not args.out:
        words.error("--out is needed")
    if not args.report:
        run(args)
    sys.exit(0 if report(args.names, read(args.out)) else 1)


if __name__ == "__main__":
    main()
