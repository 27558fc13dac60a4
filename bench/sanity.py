"""The sanity checks of Räisä et al. (ICML 2025) on the certified distance, and on precision and recall.

    python bench/sanity.py             # a few minutes; prints the table of docs/benchmarks.md

"Position: All current generative fidelity and diversity metrics are flawed" (Räisä, van Breugel & van der Schaar,
arXiv:2505.22450) has 15 checks: data and samples whose difference is known, and what a metric must say of it. Theirs
are for metrics of fidelity and of diversity, 1 at best and 0 at worst. The JSD is neither but a distance, so here
1 - JSD / log 2 must be 1 where theirs must both be 1, and must fall where either of theirs must. Where two cubes share
a fifth of their volume, it is 0.2 as well.

Precision and recall are those of Kynkäänniemi et al. (2019), as `measure --also prdc` has them (k = 5), judged by the
paper's criteria. Each check is run at its extremes and at some points between them instead of 20 to 51 points, once
instead of ten times, and in two or three of their dimensions.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax.random as jr
import numpy as np
from scipy import stats

from onehalf.evaluation.checks.coverage import compare_prdc
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.rows import wrap

LOG_2 = math.log(2)

N = 1000
"""Rows of each sample."""

KINDS = ("linear", "quadratic", "waves", "cells", "trees")
"""Five of the critics: fewer see less, and take less time."""

NEAR = 0.1
"""How near to 0 or 1 a bound must be."""


class Point(NamedTuple):
    """What was measured at one setting."""

    estimate: float
    """The estimate of the JSD, as a share of log 2."""
    lower: float
    """The certified bound, likewise."""
    precision: float
    recall: float


Column = list[float]
Criterion = Callable[[Column], bool]


class Check(NamedTuple):
    """One check: pairs of samples along one setting, and what a distance, precision and recall must do."""

    name: str
    samples: Callable[[np.random.Generator], Iterator[tuple[np.ndarray, np.ndarray]]]
    distance: Criterion
    precision: Criterion
    recall: Criterion


# ------------------------------------------------------------------------ criteria


def near(value: float, wanted: float) -> bool:
    """Whether a number is near to another one."""
    return abs(value - wanted) <= NEAR


def ends(*wanted: float | None) -> Criterion:
    """Make a criterion: each number is near to the one that is wanted; None takes any."""

    def holds(column: Column) -> bool:
        return all(
            want is None or near(got, want) for got, want in zip(column, wanted, strict=True)
        )

    return holds


def falls(column: Column) -> bool:
    """Whether numbers fall from first to last by 0.2 or more, and never rise by more than 0.05."""
    return column[0] - column[-1] >= 0.2 and max(np.diff(column)) <= 0.05


def rises(column: Column) -> bool:
    """Whether numbers rise, likewise."""
    return falls([-value for value in column])


def is_level(column: Column) -> bool:
    """Whether all numbers are within 0.05."""
    return max(column) - min(column) <= 0.05


def both(*criteria: Criterion) -> Criterion:
    """Join criteria."""
    return lambda column: all(criterion(column) for criterion in criteria)


def level_at(wanted: float) -> Criterion:
    """Make a criterion: all numbers are equal, and near to this one."""
    return both(is_level, lambda column: near(column[-1], wanted))


def anything(column: Column) -> bool:
    """Where nothing is asked."""
    return True


# ------------------------------------------------------------------------ samples


def shifted(d: int, most: float, outlier: str = "") -> Callable[..., Iterator]:
    """Normals whose mean moves through that of the data; perhaps one row lies far out."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for mean in (-most, 0.0, most):
            real, other = rng.normal(size=(N, d)), rng.normal(mean, size=(N, d))
            far = np.full((1, d), most)
            yield (
                np.concatenate([real, far]) if outlier == "real" else real,
                np.concatenate([other, far]) if outlier == "other" else other,
            )

    return samples


def scaled(d: int, powers: Sequence[float]) -> Callable[..., Iterator]:
    """Normals that are narrower or wider than the data."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for power in powers:
            yield rng.normal(size=(N, d)), 10**power * rng.normal(size=(N, d))

    return samples


def modes(d: int, weights: Sequence[np.ndarray]) -> Callable[..., Iterator]:
    """Ten modes on the diagonal, with these weights in the samples."""
    scale = {1: 1 / 6, 8: 1 / 3, 64: 1.0}[d]
    centres = np.linspace(0, 10, 10)

    def draw(rng: np.random.Generator, weight: np.ndarray) -> np.ndarray:
        chosen = centres[rng.choice(10, N, p=weight / weight.sum())]
        return chosen[:, None] + scale * rng.normal(size=(N, d))

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for weight in weights:
            yield draw(rng, np.ones(10)), draw(rng, weight)

    return samples


SEQUENTIAL = [(np.arange(10) < 10 - dropped) * 1.0 for dropped in (0, 3, 6, 9)]
SIMULTANEOUS = [np.where(np.arange(10) > 0, 1 - share, 1.0) for share in (0, 0.5, 0.9, 1)]


def invented(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Five of ten modes in the plane; the samples have from one of them to all ten."""
    centres = 12 * rng.normal(size=(10, 2))

    def draw(count: int) -> np.ndarray:
        return centres[rng.integers(count, size=N)] + 0.25 * rng.normal(size=(N, 2))

    for count in (1, 3, 5, 7, 10):
        yield draw(5), draw(count)


def spheres(d: int) -> Callable[..., Iterator]:
    """Surfaces of spheres of other radii than the data's."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for radius in (0.1, 1.0, 1.9):
            real, other = rng.normal(size=(2, N, d))
            yield (
                real / np.linalg.norm(real, axis=1, keepdims=True),
                radius * other / np.linalg.norm(other, axis=1, keepdims=True),
            )

    return samples


def cubes(d: int, sizes: Sequence[tuple[int, int]]) -> Callable[..., Iterator]:
    """Two cubes that share a fifth of their volume, at several numbers of rows: JSD = 0.8 log 2."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start = 1 - 0.2 ** (1 / d)
        for n, m in sizes:
            yield rng.random((n, d)), start + rng.random((m, d))

    return samples


EVEN = ((250, 250), (1000, 1000), (4000, 4000))
UNEVEN = ((1000, 250), (1000, 1000), (1000, 4000))


def torus(*, is_data: bool) -> Callable[..., Iterator]:
    """A ring around a ball that does not touch it; either is the data."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for m in (250, 1000, 4000):
            n_ring, n_ball = (N, m) if is_data else (m, N)
            angle, turn = rng.uniform(0, 2 * np.pi, size=(2, n_ring))
            radius = 0.1 * np.sqrt(rng.random(n_ring))
            out = 1 + radius * np.cos(turn)
            ring = np.column_stack(
                [out * np.cos(angle), out * np.sin(angle), radius * np.sin(turn)]
            )
            ball = rng.normal(size=(n_ball, 3))
            ball *= (
                0.8
                * rng.random((n_ball, 1)) ** (1 / 3)
                / np.linalg.norm(ball, axis=1, keepdims=True)
            )
            yield (ring, ball) if is_data else (ball, ring)

    return samples


def one_or_two(d: int) -> Callable[..., Iterator]:
    """Two modes in the data, and one normal of their mean and variance in the samples."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for mu in (0.0, 1.5, 3.0, 5.0):
            side = rng.choice([-0.5, 0.5], size=(N, 1)) * mu
            wide = math.sqrt(1 + mu**2)
            yield side + rng.normal(size=(N, d)), wide * rng.normal(size=(N, d))

    return samples


def second_scaled(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Two normals six apart in one entry; the other entry has another unit."""
    for power in (-3, 0, 3):
        unit = np.array([1, 10.0**power])
        yield rng.normal(size=(N, 2)) * unit, rng.normal((6, 0), size=(N, 2)) * unit


def beside_pareto(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The moving normal, beside an entry without a mean to speak of."""
    for mean in (-6, 0, 6):
        heavy = stats.pareto.rvs(1.01, size=(2, N), random_state=rng)
        yield (
            np.column_stack([rng.normal(size=N), heavy[0]]),
            np.column_stack([rng.normal(mean, size=N), heavy[1]]),
        )


def among_equal(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Two normals six apart in one entry, among 1, 30 and 300 entries that are alike."""
    for extra in (1, 30, 300):
        real, other = rng.normal(size=(2, N, extra + 1))
        other[:, 0] += 6
        yield real, other


def rounded(*, is_data: bool) -> Callable[..., Iterator]:
    """Whole numbers against numbers with a fraction: their supports are disjoint at every scale."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for scale in (1, 30, 1000):
            real, other = scale * rng.normal(size=(2, N, 1))
            yield (np.round(real), other) if is_data else (real, np.round(other))

    return samples


# ------------------------------------------------------------------------ checks

HILL = ends(0, 1, 0)
FAR = level_at(0)

CHECKS = (
    *(
        Check(f"mean moves through the data, d = {d}", shifted(d, most), HILL, HILL, HILL)
        for d, most in ((1, 6.0), (8, 3.0), (64, 1.0))
    ),
    *(
        Check(
            f"the same, d = 8, an outlier in the {'data' if side == 'real' else 'samples'}",
            shifted(8, 3.0, side),
            HILL,
            HILL,
            HILL,
        )
        for side in ("real", "other")
    ),
    *(
        Check(
            f"samples from narrow to wide, d = {d}",
            scaled(d, powers),
            HILL,
            ends(1, 1, 0),
            ends(0, 1, None),
        )
        for d, powers in ((1, (-3, 0, 3)), (64, (-0.5, 0, 0.5)))
    ),
    *(
        Check(
            f"modes dropped one after the other, d = {d}",
            modes(d, SEQUENTIAL),
            falls,
            level_at(1),
            falls,
        )
        for d in (1, 64)
    ),
    *(
        Check(
            f"modes dropped all at once, d = {d}",
            modes(d, SIMULTANEOUS),
            falls,
            level_at(1),
            falls,
        )
        for d in (1, 64)
    ),
    Check(
        "modes dropped, then invented",
        invented,
        lambda column: rises(column[:3]) and falls(column[2:]) and near(column[2], 1),
        lambda column: near(column[0], 1) and near(column[2], 1) and falls(column[2:]),
        lambda column: rises(column[:3]) and near(column[-1], 1),
    ),
    *(Check(f"surface of a sphere, d = {d}", spheres(d), HILL, HILL, HILL) for d in (2, 128)),
    *(
        Check(
            f"cubes that share a fifth, {which}, d = {d}",
            cubes(d, sizes),
            both(ends(None, 0.2, 0.2), lambda column: is_level(column[1:])),
            both(ends(None, None, 0.2), lambda column: is_level(column[1:])),
            both(ends(None, None, 0.2), lambda column: is_level(column[1:])),
        )
        for which, sizes in (("number of rows", EVEN), ("number of samples", UNEVEN))
        for d in (1, 8, 64)
    ),
    *(
        Check(
            f"ball and ring, {'ring' if side else 'ball'} is the data",
            torus(is_data=side),
            FAR,
            FAR,
            FAR,
        )
        for side in (False, True)
    ),
    *(
        Check(
            f"two modes as one, d = {d}",
            one_or_two(d),
            both(lambda column: near(column[0], 1), falls),
            both(lambda column: near(column[0], 1), falls),
            lambda column: near(column[0], 1),
        )
        for d in (1, 64)
    ),
    Check("another unit for one entry", second_scaled, FAR, FAR, FAR),
    Check("mean moves beside a heavy tail", beside_pareto, HILL, HILL, HILL),
    Check("one entry differs among many", among_equal, FAR, FAR, FAR),
    *(
        Check(
            f"whole numbers, {'data' if side else 'samples'} rounded",
            rounded(is_data=side),
            FAR,
            FAR if side else level_at(1),
            is_level if side else FAR,
        )
        for side in (True, False)
    ),
)


# ------------------------------------------------------------------------ running


def measure(rng: np.random.Generator, real: np.ndarray, other: np.ndarray) -> Point:
    """Measure one pair of samples."""
    paired = PairedSamples(0, wrap(real), wrap(other))
    found = paired.certify(jr.key(0), 0.05, kinds=KINDS)
    prdc = compare_prdc(rng, real, other).other
    return Point(
        found.jsd_estimate / LOG_2, found.jsd_lower / LOG_2, prdc.precision, prdc.recall
    )


def show(column: Column) -> str:
    """The numbers of a column."""
    return " ".join(f"{max(value, 0):.2f}" for value in column)


def main() -> None:
    """Run all checks, and print the table."""
    began = time.perf_counter()
    marks = {True: "pass", False: "**fail**"}
    passed = np.zeros(4, int)
    print("| check | 1 - estimate / log 2 | | 1 - bound / log 2 | | precision | | recall | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for check in CHECKS:
        rng = np.random.default_rng(0)
        points = [measure(rng, real, other) for real, other in check.samples(rng)]
        estimate, lower, precision, recall = map(list, zip(*points, strict=True))
        columns = [
            [1 - value for value in estimate],
            [1 - value for value in lower],
            precision,
            recall,
        ]
        criteria = (check.distance, check.distance, check.precision, check.recall)
        held = [
            bool(criterion(column)) for criterion, column in zip(criteria, columns, strict=True)
        ]
        passed += held
        cells = [
            f"{show(column)} | {marks[ok]}" for column, ok in zip(columns, held, strict=True)
        ]
        print(f"| {check.name} | {' | '.join(cells)} |", flush=True)
    print(f"| passed, of {len(CHECKS)} | | {' | | '.join(map(str, passed))} |")
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
