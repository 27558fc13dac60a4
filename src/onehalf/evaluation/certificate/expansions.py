"""Features of the logistic members: what is linear in them, a critic or a permutation test can see.

They differ in what they show best: a mean (`linear`), a scale or a correlation (`quadratic`), what three columns show
together (`cubic`), a bump (`waves`), fine waves in one column or two (`ripples`). The first feature is always 1.
"""

import itertools
import math
from collections.abc import Callable, Collection, Iterator

import numpy as np
from jaxtyping import Float

from onehalf.evaluation._products import matmul
from onehalf.evaluation.certificate.neural_critics import Rows

__all__ = ["expand_features"]

Features = Float[np.ndarray, "_ features"]

WIDTHS = (0.1, 0.3, 1.0)
"""Widths of the waves' kernels, for rows of unit variance."""

WAVES = 200
"""Waves of each width."""

MOST_PRODUCT_COLUMNS = 24
"""With more columns than this the quadratic member has squares and no products."""

MOST_SQUARE_COLUMNS = 256
"""With more columns than this there is no quadratic member."""

MOST_CUBIC_COLUMNS = 12
"""With more columns than this there is no cubic member."""

LEAST_CUBIC_COLUMNS = 3
"""With fewer columns than this neither."""

KNOTS = 65
"""Quantiles of a column between which ranks are interpolated."""

TURNS = {6: 3, 16: 1}
"""Up to how many columns there are ripples, and with how many turns at most over the ranks of a column."""


def expand_features(
    rng: np.random.Generator, z: Rows, kinds: Collection[str]
) -> Iterator[tuple[str, list[Callable[[Rows], Features]]]]:
    """Each of these kinds with its maps to features.

    Args:
        rng: settles the frequencies of the waves.
        z: rows that the ripples' ranks are taken in.
        kinds: some of `critics.KINDS`; the others have no features.
    """
    columns = z.shape[1]
    waves = [_waves(rng, columns, width) for width in WIDTHS]
    if "linear" in kinds:
        yield "linear", [_linear]
    if "quadratic" in kinds and columns <= MOST_SQUARE_COLUMNS:
        yield "quadratic", [_quadratic]
    if "cubic" in kinds and LEAST_CUBIC_COLUMNS <= columns <= MOST_CUBIC_COLUMNS:
        yield "cubic", [_cubic]
    if "waves" in kinds:
        yield "waves", waves
    if "ripples" in kinds and columns <= max(TURNS):
        yield "ripples", [_ripples(z)]


def _linear(z: Rows) -> Features:
    return np.concatenate([np.ones((len(z), 1)), z], axis=1)


def _quadratic(z: Rows) -> Features:
    one, columns = np.ones((len(z), 1)), z.shape[1]
    if columns > MOST_PRODUCT_COLUMNS:
        return np.concatenate([one, z, (z * z - 1) / math.sqrt(2)], axis=1)
    i, j = np.triu_indices(columns)
    return np.concatenate([one, z, z[:, i] * z[:, j] - (i == j)], axis=1)


def _cubic(z: Rows) -> Features:
    """All products of up to three columns, less those with a square: a heavy tail would rule them."""
    z = np.clip(z, -3, 3)
    i, j, k = np.array(list(itertools.combinations(range(z.shape[1]), 3))).T
    return np.concatenate([_quadratic(z), z[:, i] * z[:, j] * z[:, k]], axis=1)


def _waves(rng: np.random.Generator, columns: int, width: float) -> Callable[[Rows], Features]:
    """Random Fourier features of a Gaussian kernel of this width (Rahimi & Recht 2007)."""
    # scikit-learn's RBFSampler takes 0.8 times the time; its draws are others, so e-values would change
    vectors = (rng.normal(size=(columns, WAVES)) / (width * math.sqrt(columns))).astype(
        np.float32
    )
    phases = rng.uniform(0, 2 * math.pi, WAVES).astype(np.float32)

    def features(z: Rows) -> Features:
        waves = np.cos(matmul(z.astype(np.float32), vectors) + phases) * np.float32(
            math.sqrt(2)
        )
        return np.concatenate([np.ones((len(z), 1), np.float32), waves], axis=1)

    return features


def _ripples(z: Rows) -> Callable[[Rows], Features]:
    """Sines and cosines of a few turns over the ranks of each column, and their products for each pair."""
    knots = np.quantile(z, np.linspace(0, 1, KNOTS), axis=0)
    most = next(turns for columns, turns in TURNS.items() if z.shape[1] <= columns)
    turns = 2 * math.pi * np.arange(1, most + 1)
    i, j = np.triu_indices(z.shape[1], 1)

    def features(new: Rows) -> Features:
        ranks = np.stack(
            [
                np.interp(column, *_increasing(each))
                for column, each in zip(new.T, knots.T, strict=True)
            ],
            axis=1,
        )
        angles = ranks[:, :, None] * turns
        alone = math.sqrt(2) * np.concatenate([np.sin(angles), np.cos(angles)], axis=2)
        together = alone[:, i, :, None] * alone[:, j, None, :]
        parts = [
            np.ones((len(new), 1)),
            alone.reshape(len(new), -1),
            together.reshape(len(new), -1),
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)

    return features


def _increasing(knots: Float[np.ndarray, " knots"]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of a column's quantiles, and the mean rank of each."""
    values, place = np.unique(knots, return_inverse=True)
    ranks = np.bincount(place, np.linspace(0, 1, len(knots))) / np.bincount(place)
    return values, ranks
