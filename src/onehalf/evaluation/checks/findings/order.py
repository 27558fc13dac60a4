"""Whether the order of the rows says something about them."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Shaped
from scipy import stats

from onehalf.evaluation._products import matmul
from onehalf.evaluation.checks.findings.phrases import SAMPLES, name_columns
from onehalf.evaluation.result import Finding

__all__ = ["find_order"]

Flat = Shaped[np.ndarray, "_ d"]

IN_ORDER = 2000
"""The most rows whose order is tested."""

SURE = 4.5
"""Standard errors of a rank correlation: among a thousand columns in random order one is this far off in 150 audits."""


def find_order(rows: Flat, side: str, names: Sequence[str]) -> Iterator[Finding]:
    """Whether the row's number says something about its entries: Spearman's rho, and that of each row with the next.

    The latter is taken among rows all over the file (sorted, grouped, drifting) and among adjacent ones (a chain).
    """
    m = min(len(rows), IN_ORDER)
    if m <= SURE**2:
        return
    start, everywhere = (len(rows) - m) // 2, np.linspace(0, len(rows) - 1, m).astype(int)
    trend, chain = np.maximum(
        _correlate_ranks(rows[everywhere]), _correlate_ranks(rows[start : start + m])
    )
    found = np.maximum(trend, chain)
    columns = np.argsort(-found, kind="stable")[
        : np.count_nonzero(found * m**0.5 > SURE)
    ].tolist()
    if columns:
        how = (
            "in order of"
            if trend[columns[0]] > 0.9
            else "sorted, grouped or drifting, or like their neighbours, in"
        )
        rest = "if they were made label by label, or one from another, they may not be independent draws"
        yield Finding(
            "order",
            f"The rows of {SAMPLES[side]} are {how} {name_columns(names, columns)}; {rest}.",
        )


def _correlate_ranks(rows: Flat) -> Float[np.ndarray, "2 d"]:
    """How strongly, without a sign, each column goes with the row's number, and each row with the next."""
    m = len(rows)
    ranks, place, most = (
        stats.rankdata(rows, axis=0) - (m + 1) / 2,
        np.arange(m) - (m - 1) / 2,
        (m**2 - 1) / 12,
    )
    variance = np.mean(ranks**2, axis=0)
    # of a column with nearly all rows at one value the few others decide, and their correlation is not normal
    variance = np.where(variance > 0.15 * most, variance, np.inf)
    trend, chain = (
        matmul(place, ranks) / np.sqrt(variance * most),
        np.sum(ranks[1:] * ranks[:-1], axis=0) / variance,
    )
    return np.abs([trend, chain]) / m
