"""The log-likelihood of Goodfellow et al. 2014, section 5: a Gaussian on each of the samples."""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp
from sklearn.metrics.pairwise import euclidean_distances

from onehalf._errors import refuse
from onehalf.data.arrays.validation import check
from onehalf.evaluation.result import ParzenScores

__all__ = ["log_likelihood"]

SIGMAS = np.logspace(-1, 0, 10)
"""The widths among which the authors chose, for pixels of 0 to 1."""

DISTANCES = 4_000_000
"""The most distances that are in memory at once."""


def log_likelihood(
    samples: Float[np.ndarray, "n d"],
    validation: Float[np.ndarray, "v d"],
    test: Float[np.ndarray, "m d"],
    sigmas: Float[np.ndarray, " s"] = SIGMAS,
) -> ParzenScores:
    """p(x) = mean_j N(x; sample_j, sigma^2 I): the log-likelihood of test rows, in nats (Breuleux et al. 2011).

    `sigma` is the one of `sigmas` under which validation rows are likeliest on average. `log_likelihood` is the mean
    over test rows, and `se` its standard error over them (their standard deviation divided by the root of their
    number); it knows nothing of other samples or other seeds. The authors' numbers are of 10,000 samples (`n_samples`).

    This is here to set a number beside those of 2014, not to choose a model by. It varies much, is far from the true
    log-likelihood in many dimensions, and ranks models wrongly: training rows themselves, or centres of k-means, can
    beat the true law (Theis et al. 2016). It depends on the unit: pixels must lie in [0, 1] to be compared with the
    paper; twice the range costs d log 2 nats, 543 for 784 pixels. Where data have atoms, as the black and white of
    digits, it has no upper limit as sigma falls. Time grows with samples times rows; memory does not.

    >>> x, y, z = np.random.default_rng(0).normal(size=(3, 1000, 1))
    >>> log_likelihood(x, y, z)                                                     # the true value is -1.419
    ParzenScores(log_likelihood=-1.40..., se=0.01..., sigma=0.35..., n_samples=1000)
    """
    for what, rows in (("samples", samples), ("validation", validation), ("test", test)):
        check(what, rows)
        if rows.ndim != 2 or rows.shape[1] != samples.shape[1]:
            refuse(
                what,
                expected=f"rows of {samples.shape[1]} columns, as the samples have",
                got=f"shape {rows.shape}",
            )
    sigmas = np.asarray(sigmas, dtype=np.float64)
    if sigmas.size == 0 or not (sigmas > 0).all():
        refuse("sigmas", expected="one width or more, each above 0", got=sigmas.tolist())
    means = np.sum(
        [part.sum(axis=0) for part in _log_likelihood(samples, validation, sigmas)], axis=0
    )
    best = int(np.argmax(means))
    log_p = np.concatenate(list(_log_likelihood(samples, test, sigmas[best : best + 1])))
    return ParzenScores(
        log_likelihood=float(log_p.mean()),
        se=float(log_p.std() / math.sqrt(len(test))),
        sigma=float(sigmas[best]),
        n_samples=len(samples),
    )


def _log_likelihood(
    samples: Float[np.ndarray, "n d"],
    rows: Float[np.ndarray, "m d"],
    sigmas: Float[np.ndarray, " s"],
) -> Iterator[Float[np.ndarray, "part s"]]:
    """The log p of the rows, a column for each sigma, part by part."""
    n, d = samples.shape
    size = max(1, DISTANCES // n)
    constant = math.log(n) + d * np.log(sigmas * math.sqrt(2 * math.pi))
    for start in range(0, len(rows), size):
        squared = euclidean_distances(rows[start : start + size], samples, squared=True)
        sums = np.array([logsumexp(-squared / (2 * sigma**2), axis=1) for sigma in sigmas])
        yield sums.T - constant
