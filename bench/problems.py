"""Two laws each, with the JSD between them known: the problems that tests are compared on in power.py.

`PROBLEMS[name](rng, n)` draws n rows of each law and gives the log ratio of their densities besides. `check` computes
every JSD again from the samples, in ways that would show a wrong sampler, a wrong density or a wrong figure.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

LOG_2 = math.log(2)


class Law(Protocol):
    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray: ...
    def log_density(self, rows: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Normals:
    """An equal mixture of k normals: means (k, d), covariances (k, d, d) or one number, the variance of all."""

    means: np.ndarray
    covariances: np.ndarray | float = 1.0

    @cached_property
    def roots(self) -> np.ndarray:
        """L of each, with L L' the covariance."""
        k, d = self.means.shape
        scaled = (
            np.eye(d) * self.covariances
            if isinstance(self.covariances, float)
            else self.covariances
        )
        return np.linalg.cholesky(np.broadcast_to(scaled, (k, d, d)))

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        rows, mode = (
            rng.normal(size=(n, self.means.shape[1])),
            rng.integers(len(self.means), size=n),
        )
        for i, (mean, root) in enumerate(zip(self.means, self.roots, strict=True)):
            rows[mode == i] = mean + rows[mode == i] @ root.T
        return rows

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        total = np.full(len(rows), -np.inf)
        for mean, root in zip(self.means, self.roots, strict=True):
            plain = (rows - mean) @ np.linalg.inv(root).T
            total = np.logaddexp(
                total, -np.square(plain).sum(axis=1) / 2 - np.log(np.diag(root)).sum()
            )
        return (
            total - math.log(len(self.means)) - self.means.shape[1] / 2 * math.log(2 * math.pi)
        )


@dataclass(frozen=True)
class Bits:
    """Three bits, an even sum (1 + tilt)/(1 - tilt) times as likely as an odd one, and fair bits of noise beside them.

    Any two of the three are independent and fair, whatever the tilt.
    """

    tilt: float = 0.0
    noise: int = 0

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        bits = rng.integers(2, size=(n, 3 + self.noise))
        odd = rng.random(n) < (1 - self.tilt) / 2
        bits[:, 2] = (bits[:, 0] + bits[:, 1] + odd) % 2
        return bits.astype(float)

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        return np.log1p(self.tilt * (-1) ** rows[:, :3].sum(axis=1)) - (3 + self.noise) * LOG_2


@dataclass(frozen=True)
class Perturbed:
    """The uniform on [0, 1]^d with a smooth wave in each of 2^d cells, upside down where its sign is -1."""

    signs: np.ndarray
    amplitude: float

    def wave(self, rows: np.ndarray) -> np.ndarray:
        """The density less 1."""
        within = 2 * rows % 1
        v = 4 * (within % 0.5) - 1
        bump = np.exp(-v * v / np.maximum(1 - v * v, 1e-300)) * np.where(within < 0.5, 1, -1)
        cell = tuple((rows >= 0.5).astype(int).T)
        return self.amplitude * self.signs[cell] * bump.prod(axis=1)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        rows = rng.random((n, self.signs.ndim))
        # the first column mirrored within its half turns the wave upside down: that makes up for the rows not kept
        keep = rng.random(n) < (1 + self.wave(rows)) / 2
        mirrored = (np.floor(2 * rows[:, 0]) + 1 - 2 * rows[:, 0] % 1) / 2
        rows[:, 0] = np.where(keep, rows[:, 0], mirrored)
        return rows

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        return np.log1p(self.wave(rows))


class Table:
    """A table with ties: a normal, counts of mean 3, and waiting times in tenths."""

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.stack(
            [rng.normal(size=n), rng.poisson(3.0, n), rng.exponential(size=n).round(1)], axis=1
        )

    def log_density(self, rows: np.ndarray) -> np.ndarray:
        """Left out: both laws of its problem are this one."""
        return np.zeros(len(rows))


@dataclass(frozen=True)
class Problem:
    """Two laws, fixed or drawn anew for each sample, and the JSD between them in nats."""

    J: float
    laws: Callable[[np.random.Generator], tuple[Law, Law]]

    def __call__(
        self, rng: np.random.Generator, n: int
    ) -> tuple[np.ndarray, np.ndarray, Callable]:
        """n rows of p, n rows of q, and log p - log q as a function of rows."""
        p, q = self.laws(rng)
        return (
            p.sample(rng, n),
            q.sample(rng, n),
            lambda rows: p.log_density(rows) - q.log_density(rows),
        )


def always(J: float, p: Law, q: Law) -> Problem:
    return Problem(J, lambda _: (p, q))


def shift(J: float, by: float) -> Problem:
    """N(0, 1) and N(by, 1)."""
    return always(J, Normals(np.zeros((1, 1))), Normals(np.full((1, 1), by)))


def missing_mode() -> Problem:
    """Twenty-five narrow normals on a grid, and the same without the one in the middle. Modes do not overlap."""
    ticks = 2.0 * np.arange(-2, 3)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    w = 1 / len(grid)
    J = (w * LOG_2 + (1 - w) * math.log(2 * (1 - w) / (2 - w)) + math.log(2 / (2 - w))) / 2
    return always(J, Normals(grid, 0.05**2), Normals(grid[np.any(grid != 0, axis=1)], 0.05**2))


def copula(J: float, correlation: float) -> Problem:
    """Two standard normals with this correlation, and without."""
    together = np.array([[[1.0, correlation], [correlation, 1.0]]])
    return always(J, Normals(np.zeros((1, 2)), together), Normals(np.zeros((1, 2))))


def parity(J: float, tilt: float, noise: int = 0) -> Problem:
    """Fair bits, and bits whose first three have an even sum too often: no pair of columns tells them apart."""
    return always(J, Bits(noise=noise), Bits(tilt, noise))


def blob() -> Problem:
    """Nine normals on a 3 x 3 grid, round, and each with a correlation of its own (Liu et al. 2020, Blob-D).

    Their covariances as written. The authors' code samples L'L in place of L L' and so has the JSD 0.105632.
    """
    grid = (
        np.stack(np.meshgrid(range(3), range(3), indexing="ij"), axis=-1)
        .reshape(-1, 2)
        .astype(float)
    )
    off = [-0.02, -0.022, -0.024, -0.026, 0.0, 0.02, 0.022, 0.024, 0.026]
    return always(
        0.107421,
        Normals(grid, 0.03),
        Normals(grid, np.array([[[0.03, c], [c, 0.03]] for c in off])),
    )


def hdgm() -> Problem:
    """Two normals in 10 dimensions, round, and with one correlation of 0.5 and -0.5 (Liu et al. 2020, HDGM)."""
    means, covariances = np.stack([np.zeros(10), np.full(10, 0.5)]), np.stack([np.eye(10)] * 2)
    covariances[:, 0, 1] = covariances[:, 1, 0] = [0.5, -0.5]
    return always(0.018047, Normals(means), Normals(means, covariances))


def wide_mode(J: float, std: float) -> Problem:
    """Four normals far apart, and the same with one of them of this std (Biggs, Schrab & Gretton 2023, mixture)."""
    means = np.array([[20.0, 20], [-20, 20], [20, -20], [-20, -20]])
    covariances = np.stack([np.eye(2)] * 3 + [np.eye(2) * std**2])
    return always(J, Normals(means), Normals(means, covariances))


def perturbed(J: float, d: int, amplitude: float) -> Problem:
    """The uniform with waves, their signs drawn for each sample, and the uniform (Biggs, Schrab & Gretton 2023)."""
    flat = Perturbed(np.ones([2] * d), 0.0)
    return Problem(
        J, lambda rng: (Perturbed(rng.choice([-1, 1], size=[2] * d), amplitude), flat)
    )


PROBLEMS = {
    "null": always(0.0, Normals(np.zeros((1, 5))), Normals(np.zeros((1, 5)))),
    "null table": always(0.0, Table(), Table()),
    "missing mode": missing_mode(),
    "shift .5": shift(0.030311, 0.5),
    "shift .2": shift(0.004975, 0.2),
    "copula .3": copula(0.011914, 0.3),
    "copula .5": copula(0.036921, 0.5),
    "parity .1": parity(0.001254, 0.1),
    "parity .2": parity(0.005059, 0.2),
    "parity .2 among 10": parity(0.005059, 0.2, noise=7),
    "blob": blob(),
    "hdgm 10": hdgm(),
    "wide mode 1.3": wide_mode(0.008036, 1.3),
    "narrow mode .7": wide_mode(0.014163, 0.7),
    "waves d1 .2": perturbed(0.002481, 1, 0.2),
    "waves d2 .4": perturbed(0.00498, 2, 0.4),
}


def recomputed(
    problem: Problem, rng: np.random.Generator, n: int
) -> tuple[float, float, float]:
    """The JSD from n rows of each law, its standard error, and how far the rows belie the density, in standard errors.

    JSD = E_m[log 2 - H(D*)], m = (p + q)/2, which varies less than the two halves of the definition do. It trusts the
    log ratio. That the rows follow it is shown by E_p[(1 - D*) h] = E_q[D* h], true of any h: here 1, D* and every
    column.
    """
    x, y, log_ratio = problem(rng, n)
    r_x, r_y = np.clip(log_ratio(x), -50, 50), np.clip(log_ratio(y), -50, 50)
    D_x, D_y = 1 / (1 + np.exp(-r_x)), 1 / (1 + np.exp(-r_y))
    r, D = np.concatenate([r_x, r_y]), np.concatenate([D_x, D_y])
    gains = LOG_2 - D * np.logaddexp(0, -r) - (1 - D) * np.logaddexp(0, r)
    left = (1 - D_x)[:, None] * np.column_stack([np.ones(n), D_x, x])
    right = D_y[:, None] * np.column_stack([np.ones(n), D_y, y])
    apart = left.mean(axis=0) - right.mean(axis=0)
    error = np.sqrt((left.var(axis=0) + right.var(axis=0)) / n)
    belied = np.abs(apart) / np.maximum(error, 1e-12)
    return float(gains.mean()), float(gains.std() / math.sqrt(2 * n)), float(belied.max())


def check(n: int = 400_000) -> bool:
    """Print every JSD beside itself recomputed; True if none is off by more than 4 standard errors and its rounding."""
    print("| problem | JSD | recomputed | rows against density, s.e. |\n|---|---:|---:|---:|")
    good = True
    for name, problem in PROBLEMS.items():
        found, error, belied = recomputed(problem, np.random.default_rng(0), n)
        fine = abs(found - problem.J) < 4 * error + 1e-6 and belied < 4.5
        good &= fine
        off = "" if fine else " OFF"
        print(
            f"| {name} | {problem.J:.6f} | {found:.6f} +- {error:.6f} | {belied:.1f}{off} |",
            flush=True,
        )
    return good
