"""Features on one scale, as members of an ensemble and permutation tests see them."""

import math

import numpy as np
from jaxtyping import Float

from onehalf.evaluation._products import matmul
from onehalf.evaluation.certificate.neural_critics import Rows
from onehalf.evaluation.features.base import AS_THEY_ARE, FeatureMap
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["standardize"]

Features = Float[np.ndarray, "_ features"]

FARTHEST = 1e4
"""Standardised entries are clipped here: a new row may lie anywhere."""

MOST_COLUMNS = 1024
"""Wider rows are projected at random, which any critic may do."""

PROJECTED = 512
"""The directions that wide rows are projected on."""


def standardize(feature_map: FeatureMap, rows: EvaluationRows) -> FeatureMap:
    """The same map with its columns at median 0 and about unit scale, where its members don't see them as they are."""
    if feature_map.members & AS_THEY_ARE:
        return feature_map
    standard = _Standard(feature_map.encode(rows))
    return FeatureMap(lambda new: standard(feature_map.encode(new)), feature_map.members)


class _Standard:
    """Columns at median 0 and about unit scale, judged on both samples together."""

    def __init__(self, rows: Rows) -> None:
        low, self.middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
        self.scale = _positive(
            (high - low) / 1.349, _positive(rows.std(axis=0), np.ones(rows.shape[1]))
        )
        self.heavy = np.abs((rows - self.middle) / self.scale).max(axis=0) > 8
        self.mean, self.std, self.directions = 0.0, 1.0, None
        z = self(rows)
        self.mean, self.std = z.mean(axis=0), _positive(z.std(axis=0), np.ones(rows.shape[1]))
        if rows.shape[1] > MOST_COLUMNS:
            directions = np.random.default_rng(0).normal(size=(rows.shape[1], PROJECTED))
            self.directions = directions / math.sqrt(rows.shape[1])

    def __call__(self, rows: Rows) -> Features:
        z = (rows - self.middle) / self.scale
        z = (np.where(self.heavy, np.arcsinh(z), z) - self.mean) / self.std
        z = np.clip(z, -FARTHEST, FARTHEST)
        return z if self.directions is None else matmul(z, self.directions)


def _positive(scale: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """The scale, and the other one where it is 0."""
    return np.where(scale > 0, scale, otherwise)
