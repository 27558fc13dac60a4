"""The Fréchet distance between Gaussians that have the means and covariances of two samples (FID)."""

import numpy as np
from jaxtyping import Float

from onehalf.evaluation._products import ignore_invalid, matmul
from onehalf.evaluation.result import FID

__all__ = ["compare_frechet", "frechet_distance"]

Rows = Float[np.ndarray, "_ d"]
Matrix = Float[np.ndarray, "d d"]


def frechet_distance(one: Rows, two: Rows) -> float:
    """|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)), m and S the means and covariances (Heusel et al. 2017).

    The squared 2-Wasserstein distance of two Gaussians (Dowson & Landau 1982). tr (S_1 S_2)^(1/2) is computed as
    the trace of the root of the symmetric R S_2 R, R = S_1^(1/2), which has the same eigenvalues as S_1 S_2.

    >>> rows = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(frechet_distance(rows, rows + [3.0, 4.0]), 6), round(frechet_distance(rows, 2 * rows - rows.mean(0)), 6)
    (25.0, 1.9...)
    """
    covariances = [
        np.atleast_2d(ignore_invalid(np.cov)(rows, rowvar=False)) for rows in (one, two)
    ]
    root = _root(covariances[0])
    product = matmul(matmul(root, covariances[1]), root)
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh((product + product.T) / 2), 0)).sum()
    spread = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * shared
    return float(np.square(one.mean(axis=0) - two.mean(axis=0)).sum() + max(spread, 0.0))


def compare_frechet(real: Rows, other: Rows) -> FID:
    """Measure all rows, and as many of the other sample as half of the data beside one half against the other.

    The distance is biased upwards, the more the fewer the rows (Chong & Forsyth 2020): only values of equal numbers of
    rows can be compared. The rows must be in a random order.
    """
    n = min(len(real) // 2, len(other))
    return FID(
        n_real=len(real),
        n_other=len(other),
        n_features=real.shape[1],
        value=frechet_distance(real, other),
        n=n,
        other=frechet_distance(real[:n], other[:n]),
        data=frechet_distance(real[:n], real[-n:]),
    )


def _root(matrix: Matrix) -> Matrix:
    """The root of a covariance: symmetric, with no negative eigenvalue."""
    values, vectors = np.linalg.eigh(matrix)
    return matmul(vectors * np.sqrt(np.maximum(values, 0)), vectors.T)
