"""p_g by cells: exactly for a G of one number, and from a very large sample for any G. With p_data's cells: the truth.

On a finite set of cells the theory is arithmetic: `jsd`, `C`, `V` and `D_star` of the two vectors are exact for the
players that see no more of x than its cell. Finer cells only raise the JSD (data processing), towards that of p_data
and p_g themselves.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Real

from onehalf._errors import refuse
from onehalf.theory.divergences import jsd

__all__ = ["GroundTruth", "blocks", "known", "push"]

Rows = Real[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]
Masses = Float[np.ndarray, " cells"]

AXES, TOGETHER, FEWEST = {1: 2000, 2: 800}, 25, 1000
"""Cells in the range, by the number of axes; neighbours that about so few samples of p_data would fall in are one cell;
the fewest samples."""


def push(p_z: Callable[[list[Values]], Masses], z: Values, Gz: Values, edges: Values) -> Masses:
    """The law of G(z) by cells, where G is linear between the knots z, with Gz = G(z) there; the sum is 1.

    `p_z` gives the masses of the cells between given edges, as `masses` of a density does. Each piece of G is cut where
    it crosses an edge, and the mass of each part goes where the part lands: no sample, no inverse. Where G folds, parts
    of several pieces land in one cell; where it is flat, the mass of the piece lands in one point, and belongs to the
    cell on its right if that is an edge. Beyond its first and last knot G stays as it is there.

    `edges` increase; the cells are [edges[0], edges[1]), ..., with infinite edges wherever something may land outside.

    >>> from onehalf.distributions import Normal
    >>> z = np.linspace(-4, 4, 9)
    >>> push(Normal().masses, z, np.abs(z), np.array([0.0, 1.0, np.inf]))      # P(|z| < 1), and the rest
    array([0.6827, 0.3173])
    """
    for name, values in (("z", z), ("edges", edges)):
        if (
            len(values) < 2
            or not (np.diff(values) > 0).all()
            or (name == "z" and not np.isfinite(values).all())
        ):
            refuse(name, expected="two or more increasing numbers", got=values.tolist())
    if Gz.shape != z.shape or not np.isfinite(Gz).all():
        refuse(
            "Gz",
            expected=f"a finite number for each of the {len(z)} knots",
            got=f"shape {Gz.shape}, or not finite",
        )
    if not edges[0] <= Gz.min() <= Gz.max() < edges[-1]:
        refuse(
            "edges",
            expected=f"cells that hold all of [{Gz.min():g}, {Gz.max():g}]",
            got=[edges[0], edges[-1]],
        )
    start, stop = Gz[:-1], Gz[1:]
    first, last = (
        np.searchsorted(edges, start, side="right") - 1,
        np.searchsorted(edges, stop, side="right") - 1,
    )
    parts = np.abs(last - first) + 1
    piece = np.repeat(np.arange(len(parts)), parts)
    nth = np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts)
    way = np.sign(last - first)[piece]
    cell = first[piece] + way * nth
    # where each part begins: at its piece's knot, or where the piece enters the cell, from below or from above
    entered = np.where(nth > 0, edges[cell + (way < 0)], start[piece])
    share = np.divide(
        entered - start[piece], (stop - start)[piece], out=np.zeros(len(piece)), where=nth > 0
    )
    # rounded up, a cut might pass the knot where its piece ends
    cuts = np.minimum(z[piece] + share.clip(0, 1) * np.diff(z)[piece], z[piece + 1])
    return np.bincount(cell, p_z([np.array([-np.inf, *cuts[1:], np.inf])]), len(edges) - 1)


class GroundTruth(NamedTuple):
    """How far p_g is from a p_data whose density is known, cell by cell, from samples."""

    edges: tuple[Values, ...]
    """Those of the cells along each axis; the outer ones are infinite."""
    p_data: Float[np.ndarray, "..."]
    """The probability of each cell, exactly."""
    p_g: Float[np.ndarray, "..."]
    """The share of the samples in each cell."""
    n: int
    """How many samples."""
    jsd: float
    """JSD of the two laws by cells, in nats, less the bias that so many samples give it: at most JSD(p_data, p_g)."""
    jsd_se: float
    """Its standard error, over samples."""
    jsd_wide: float
    """The same by cells twice as wide: where the two differ much, still finer cells would add to `jsd`."""

    @property
    def C(self) -> float:
        """-log 4 + 2 JSD of the cells, in nats."""
        return -math.log(4) + 2 * self.jsd

    @property
    def D_star(self) -> Float[np.ndarray, "..."]:
        """p_data / (p_data + p_g) in each cell; 1/2 where neither has any."""
        both = self.p_data + self.p_g
        return np.divide(self.p_data, both, out=np.full_like(both, 0.5), where=both > 0)


def known(
    masses: Callable[[list[Values]], Float[np.ndarray, "..."]], real: Rows, samples: Rows
) -> GroundTruth:
    """How far samples of p_g are from p_data, whose `masses` are known; cells are laid over the range of real rows.

    The plain JSD of n samples' shares is too great by sum D_star (1 - p_g) / 4n to first order; that is taken off. Its
    standard error is that of the mean of log 2(1 - D_star) / 2 over the samples. All is of the cells, of which those
    with little of p_data are joined: p_data and p_g themselves are further apart by what differs within one, and where
    p_g lies on threads or points, far further. At least 1,000 finite samples.

    >>> from onehalf.distributions import Normal
    >>> x = np.random.default_rng(0).normal(size=(2, 100_000, 1))
    >>> found = known(Normal().masses, x[0], x[1] + 1)
    >>> abs(found.jsd - 0.111421) < 4 * found.jsd_se < 0.005
    True
    """
    if real.ndim != 2 or real.shape[1] not in AXES or samples.shape[1:] != real.shape[1:]:
        refuse(
            "real and samples",
            expected="rows of one or two numbers",
            got=f"{real.shape} and {samples.shape}",
        )
    columns, n = real.shape[1], len(samples)
    if n < FEWEST or not np.isfinite(samples).all():
        refuse(
            "samples",
            expected=f"at least {FEWEST:,}, all finite",
            got=f"{n:,}, {np.isfinite(samples).sum()} numbers",
        )
    inner = [np.linspace(*_span(column), AXES[columns] + 1) for column in real.T]
    edges = tuple(np.array([-np.inf, *axis, np.inf]) for axis in inner)
    place = [
        np.searchsorted(axis, column, side="right")
        for axis, column in zip(inner, samples.T, strict=True)
    ]
    shape = tuple(len(axis) - 1 for axis in edges)
    counts = np.bincount(np.ravel_multi_index(tuple(place), shape), minlength=math.prod(shape))
    p, q = masses(list(edges)), counts.reshape(shape) / n
    jsd_wide, _ = _estimated(blocks(p, 2), blocks(q, 2), n)
    return GroundTruth(edges, p, q, n, *_estimated(p, q, n), jsd_wide)


def blocks(masses: Float[np.ndarray, "..."], side: int) -> Float[np.ndarray, "..."]:
    """The sums over blocks of so many cells on a side; the last ones may have fewer.

    >>> blocks(np.arange(5.0), 2)
    array([1., 5., 4.])
    """
    for axis in range(masses.ndim):
        masses = np.add.reduceat(masses, np.arange(0, masses.shape[axis], side), axis=axis)
    return masses


def _estimated(
    p: Float[np.ndarray, "..."], q: Float[np.ndarray, "..."], n: int
) -> tuple[float, float]:
    """JSD(p, q) and its standard error, where q are the shares of n samples."""
    p, q = p.ravel(), q.ravel()
    starts = np.flatnonzero(np.diff(np.cumsum(p) * n // TOGETHER, prepend=-1))
    p, q = np.add.reduceat(p, starts), np.add.reduceat(q, starts)
    with jax.enable_x64():
        plain = float(jsd(p, q))
    p, q = p[q > 0], q[q > 0]
    D_star = p / (p + q)
    gain = np.log(2 * (1 - D_star)) / 2
    variance = float((q * gain**2).sum() - (q * gain).sum() ** 2)
    return max(plain - float((D_star * (1 - q)).sum()) / (4 * n), 0.0), math.sqrt(
        max(variance, 0.0) / n
    )


def _span(column: Values) -> tuple[float, float]:
    """The range of a column, and a twentieth of it on either side."""
    low, high = float(column.min()), float(column.max())
    beyond = (high - low) / 20
    return low - beyond, high + beyond
