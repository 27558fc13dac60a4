"""Logistic regression for all folds and ridges at once."""

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from onehalf.evaluation._products import matmul

__all__ = ["fit_logistic"]

STEPS = 40
"""The most steps."""

TOLERANCE = 3e-3
"""Steps end once no weight moves by more than this."""

INTERCEPT_RIDGE = 1e-3
"""The ridge of the constant feature, the first one."""


def fit_logistic(
    features: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
    ridges: tuple[float, ...],
    row_weights: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "ridges features folds"]:
    """The weights without each fold, for each ridge: the precision of the normal prior on every weight but the first.

    `row_weights` say how much each row counts.

    The curvature of the log-likelihood is at most Z'Z/4 (Böhning & Lindsay 1988), so steps with that matrix in place of
    the Hessian never go up. It is factored once a fold, and Nesterov's momentum, restarted where it turns (O'Donoghue &
    Candès 2015), makes up for the steps being short. Newton's method, which forms a Hessian for each fold, ridge and
    step, took ten times as long for 200 features.

    >>> z = np.array([[1.0, -1.0], [1.0, 1.0]] * 20, np.float32)
    >>> fit_logistic(z, np.tile([0.0, 1.0], 20), np.arange(40) // 2 % 2, (1.0,), np.ones(40))[0].round(1)
    array([[0. , 0. ],
           [2.1, 2.1]], dtype=float32)
    """
    folds = int(fold.max()) + 1
    row_weights = row_weights.astype(np.float32)
    weighted = features * row_weights[:, None]
    grams = [matmul(weighted[fold == k].T, features[fold == k]) for k in range(folds)]
    total = sum(grams)
    columns = [(ridge, k) for ridge in ridges for k in range(folds)]
    inverses, penalties = [], []
    for ridge, k in columns:
        penalty = np.full(features.shape[1], ridge, np.float32)
        penalty[0] = INTERCEPT_RIDGE
        inverses.append(np.linalg.inv((total - grams[k]) / 4 + np.diag(penalty)))
        penalties.append(penalty)
    weights = _descend(
        features,
        labels.astype(np.float32),
        np.stack([row_weights * (fold != k) for _, k in columns], axis=1),
        np.stack(inverses).astype(np.float32),
        np.stack(penalties, axis=1),
    )
    return weights.T.reshape(len(ridges), folds, -1).transpose(0, 2, 1)


def _descend(
    features: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, " n"],
    used: Float[np.ndarray, "n fits"],
    inverses: Float[np.ndarray, "fits features features"],
    penalties: Float[np.ndarray, "features fits"],
) -> Float[np.ndarray, "features fits"]:
    """Nesterov's steps of all fits together."""
    weights = np.zeros_like(penalties)
    ahead = weights
    momentum = np.ones(penalties.shape[1], np.float32)
    for _ in range(STEPS):
        D = special.expit(matmul(features, ahead))
        gradient = matmul(features.T, (D - labels[:, None]) * used) + penalties * ahead
        step = -matmul(inverses, gradient.T[:, :, None])[:, :, 0].T
        new = ahead + step
        restart = (gradient * (new - weights)).sum(axis=0) > 0
        following = np.where(restart, 1.0, (1 + np.sqrt(1 + 4 * momentum**2)) / 2)
        rate = np.where(restart, 0.0, (momentum - 1) / following)
        ahead = (new + rate * (new - weights)).astype(np.float32)
        moved = np.abs(new - weights).max()
        weights, momentum = new.astype(np.float32), following.astype(np.float32)
        if moved < TOLERANCE:
            break
    return weights
