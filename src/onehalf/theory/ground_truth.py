"""Measure how far samples of p_g are from a p_data whose density is known, by cells.

The cells of p_data have known probabilities, those of p_g are counted in a very large sample.
Finer cells can only raise the JSD (data processing), towards that of p_data and p_g themselves.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Real

from onehalf._errors import refuse
from onehalf.theory.divergences import jsd

__all__ = ["GroundTruth", "estimate_ground_truth", "merge_cells"]

Rows = Real[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]

CELLS_AN_AXIS = {1: 2000, 2: 800}
"""Cells in the range of an axis, by the number of axes."""

SAMPLES_A_CELL = 25
"""Neighbouring cells are merged until about as many samples of p_data would fall into each."""

LEAST_SAMPLES = 1000
"""The least number of samples."""


class GroundTruth(NamedTuple):
    """How far p_g is from a p_data whose density is known, cell by cell, from samples."""

    edges: tuple[Values, ...]
    """The edges of the cells along each axis; the outer ones are infinite."""
    p_data: Float[np.ndarray, "..."]
    """The probability of each cell, exactly."""
    p_g: Float[np.ndarray, "..."]
    """The share of the samples in each cell."""
    n: int
    """The number of samples."""
    jsd: float
    """JSD by cells, in nats, corrected for the bias of n samples: at most JSD(p_data, p_g)."""
    jsd_se: float
    """Its standard error, over samples."""
    jsd_wide: float
    """The same by cells twice as wide; if it is much less, finer cells would add to `jsd`."""

    @property
    def C(self) -> float:
        """-log 4 + 2 JSD of the cells, in nats."""
        return -math.log(4) + 2 * self.jsd

    @property
    def D_star(self) -> Float[np.ndarray, "..."]:
        """p_data / (p_data + p_g) in each cell; 1/2 where neither has any."""
        both = self.p_data + self.p_g
        return np.divide(self.p_data, both, out=np.full_like(both, 0.5), where=both > 0)


def estimate_ground_truth(
    masses: Callable[[list[Values]], Float[np.ndarray, "..."]], real: Rows, samples: Rows
) -> GroundTruth:
    """Estimate how far samples of p_g are from p_data, whose `masses` are known.

    The plain JSD of n samples' shares is too great by sum D_star (1 - p_g) / 4n to first order;
    this bias is subtracted. The standard error is that of the mean of log 2(1 - D_star) / 2
    over the samples. Cells with little of p_data are merged. p_data and p_g themselves are
    further apart by what differs within a cell, much further where p_g lies on curves or
    points.

    Args:
        masses: The probabilities of the cells between given edges, as the method of a density.
        real: Rows of one or two columns, over whose range the cells extend.
        samples: At least 1,000 finite rows of p_g.

    Raises:
        Refusal: There are more columns, or too few samples or not all finite.

    >>> from onehalf.distributions import Normal
    >>> x = np.random.default_rng(0).normal(size=(2, 100_000, 1))
    >>> truth = estimate_ground_truth(Normal().masses, x[0], x[1] + 1)
    >>> abs(truth.jsd - 0.111421) < 4 * truth.jsd_se < 0.005
    True
    """
    if (
        real.ndim != 2
        or real.shape[1] not in CELLS_AN_AXIS
        or samples.shape[1:] != real.shape[1:]
    ):
        refuse(
            "real and samples",
            expected="rows of one or two numbers",
            got=f"{real.shape} and {samples.shape}",
        )
    columns = real.shape[1]
    n = len(samples)
    if n < LEAST_SAMPLES or not np.isfinite(samples).all():
        refuse(
            "samples",
            expected=f"at least {LEAST_SAMPLES:,}, all finite",
            got=f"{n:,}, {np.isfinite(samples).sum()} numbers",
        )
    inner = [
        np.linspace(*_padded_range(column), CELLS_AN_AXIS[columns] + 1) for column in real.T
    ]
    edges = tuple(np.array([-np.inf, *axis, np.inf]) for axis in inner)
    place = [
        np.searchsorted(axis, column, side="right")
        for axis, column in zip(inner, samples.T, strict=True)
    ]
    shape = tuple(len(axis) - 1 for axis in edges)
    counts = np.bincount(np.ravel_multi_index(tuple(place), shape), minlength=math.prod(shape))
    p = masses(list(edges))
    q = counts.reshape(shape) / n
    jsd_wide, _ = _estimate_jsd(merge_cells(p, 2), merge_cells(q, 2), n)
    return GroundTruth(edges, p, q, n, *_estimate_jsd(p, q, n), jsd_wide)


def merge_cells(masses: Float[np.ndarray, "..."], side: int) -> Float[np.ndarray, "..."]:
    """Sum masses over blocks of `side` cells along each axis; the last blocks may have fewer.

    >>> merge_cells(np.arange(5.0), 2)
    array([1., 5., 4.])
    """
    for axis in range(masses.ndim):
        masses = np.add.reduceat(masses, np.arange(0, masses.shape[axis], side), axis=axis)
    return masses


def _estimate_jsd(
    p: Float[np.ndarray, "..."], q: Float[np.ndarray, "..."], n: int
) -> tuple[float, float]:
    """Estimate JSD(p, q) with its standard error, where q are the shares of n samples."""
    p = p.ravel()
    q = q.ravel()
    starts = np.flatnonzero(np.diff(np.cumsum(p) * n // SAMPLES_A_CELL, prepend=-1))
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


def _padded_range(column: Values) -> tuple[float, float]:
    """The range of a column, with a twentieth of it added on either side."""
    low, high = float(column.min()), float(column.max())
    padding = (high - low) / 20
    return low - padding, high + padding
