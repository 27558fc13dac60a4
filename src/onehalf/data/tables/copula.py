"""A Gaussian copula of a table, which G begins with."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from onehalf.data.tables.distribution import TableRows
from onehalf.distributions.conditional import one_hot

__all__ = ["gaussian_copula"]

RIDGE = 1e-2
"""Added to the variances of scores before they are inverted."""

LEAST_SHARE = 1e-6
"""The least share that a value's logit begins with."""

MOST_ROWS = 50_000
"""The copula is fitted to about this many rows."""


def gaussian_copula(
    data: TableRows, normal: int, entries: int
) -> tuple[Float[Array, "entries out"], Float[Array, " out"]]:
    """A and b such that z A + b, where the entries of z are N(0, 1) and others, gives a Gaussian copula of the data.

    The scores are jointly normal, with the data's covariances; a choice's logits are those of
    linear discriminant analysis on the scores u: log share + u P m - m P m / 2, for the mean
    score m of a value's rows and the precision P. Without rows both are 0.
    """
    layout = data.layout
    if not len(data):
        out = layout.scores + sum(layout.sizes)
        return jnp.zeros((entries, out)), jnp.zeros(out)
    some = slice(None, None, max(1, len(data) // MOST_ROWS))
    scores = np.asarray(data.scores[some], np.float64)
    choices = np.asarray(one_hot(data.places[some], layout.sizes), np.float64)
    there = np.ones_like(scores)
    for score, gate in enumerate(layout.gates):
        if gate >= 0:
            there[:, score] = choices[:, gate - layout.scores]
    mean = scores.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    scores = (scores - mean) * there
    covariance = scores.T @ scores / np.maximum(there.T @ there, 1)
    variances, directions = np.linalg.eigh(covariance)
    factor = (directions * np.sqrt(np.maximum(variances, 0)))[:, ::-1][:, :normal]
    counts = choices.sum(axis=0)
    means = choices.T @ scores / np.maximum(counts, 1)[:, None]
    weights = means @ np.linalg.inv(covariance + RIDGE * np.eye(layout.scores))
    A = np.zeros((entries, layout.scores + len(counts)))
    A[: factor.shape[1]] = np.concatenate([factor, weights @ factor]).T
    shares = np.log(np.maximum(counts / len(scores), LEAST_SHARE))
    b = np.concatenate([mean, shares - np.sum(weights * means, axis=1) / 2])
    return jnp.asarray(A, jnp.float32), jnp.asarray(b, jnp.float32)
