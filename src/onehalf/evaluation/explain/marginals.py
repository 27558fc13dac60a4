"""How much of a difference single columns show, and pairs of them: histograms of learning rows, judged on test rows."""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real

from onehalf.evaluation.certificate.bounds import best_clip, lower_bound, payoff, payoff_floor
from onehalf.evaluation.explain.binning import (
    Bins,
    check_samples,
    cross_bins,
    order_columns,
    thin_out,
)
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.result import Marginal

__all__ = ["rank_marginals"]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]
Counts = Real[np.ndarray, "cells 2 folds"]
"""Learning rows by cell, sample and fold."""

SINGLE_BINS = 16
"""The approximate number of bins of a single column."""

PAIR_BINS = 8
"""The approximate number of bins of each column of a pair."""

MOST_PAIRED_COLUMNS = 30
"""Pairs are tried among this many columns at most: those that differ most on their own."""

SHRINKAGES = (0.5, 2.0, 8.0, 32.0)
"""Rows that are added to either sample in each cell of a histogram: the more, the nearer its log ratio is to 0."""


def rank_marginals(
    learn_real: Rows,
    learn_other: Rows,
    test_real: Rows,
    test_other: Rows,
    columns: Columns,
    alpha: float,
) -> tuple[Marginal, ...]:
    """The single column, and the pair of columns, that differ most: each JSD is a lower bound of the whole row's.

    The learning rows choose by the out-of-sample value of histograms, whose log ratio then is the critic. It is judged
    on the test rows, paired in the order given, which must have been drawn at random; both bounds hold at once with
    probability 1 - alpha. What all columns show beyond a pair lies in how they go together.

    Returns, for each step, `columns`, `jsd_lower` (certified) and `jsd_estimate` (the mean on the test rows), in nats.

    >>> from onehalf.evaluation.features.base import PlainColumns
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 4000, 2))
    >>> y[:, 1] = y[:, 0]                                   # the columns by themselves are alike
    >>> halves = x[::2], y[::2], x[1::2], y[1::2]
    >>> steps = rank_marginals(*halves, PlainColumns(("a", "b")), alpha=0.05)
    >>> [step.jsd_lower for step in steps]
    [0.0, 0.3...]
    """
    samples = learn_real, learn_other, test_real, test_other
    check_samples(samples, columns, alpha)
    learn_real, learn_other, test_real, test_other = order_columns(
        np.concatenate(samples[:2]), columns, *samples
    )
    learn = thin_out(learn_real), thin_out(learn_other)
    singles = sorted(
        _histograms(learn, itertools.combinations(range(len(columns.names)), 1), SINGLE_BINS),
        key=lambda each: each.worth,
    )
    pairs = itertools.combinations(
        sorted(each.columns[0] for each in singles[-MOST_PAIRED_COLUMNS:]), 2
    )
    steps = [
        singles[-1],
        *sorted(_histograms(learn, pairs, PAIR_BINS), key=lambda each: each.worth)[-1:],
    ]
    found: list[Marginal] = []
    for step in steps:
        lower, estimate = step.judged(learn, (test_real, test_other), alpha / len(steps))
        if found and steps[0].columns[0] in step.columns:
            lower = max(lower, found[0].jsd_lower)  # a pair shows what its columns show
        names = tuple(columns.names[column] for column in step.columns)
        found.append(Marginal(columns=names, jsd_lower=lower, jsd_estimate=estimate))
    return tuple(found)


class _Histogram(NamedTuple):
    """A critic: the log ratio of two histograms over some columns, and what it is worth on rows it has not seen."""

    columns: tuple[int, ...]
    edges: tuple[Values, ...]
    counts: Counts
    shrinkage: float
    worth: float

    def judged(
        self, learn: tuple[Rows, Rows], test: tuple[Rows, Rows], alpha: float
    ) -> tuple[float, float]:
        """The bound and the mean on test rows, clipped as the learning rows advise."""
        n, pairs = min(map(len, test)), min(map(len, learn))
        unseen = _unseen(self.counts, self.shrinkage)
        past_x, past_y = (
            unseen[self.cells(rows[:pairs]), np.arange(pairs) % 2] for rows in learn
        )
        low, high = best_clip(past_x, past_y, n, alpha)
        logits = _log_ratio(self.counts.sum(axis=2), self.shrinkage)
        l_x, l_y = (logits[self.cells(rows)] for rows in test)
        if len(l_x) > n:  # the larger sample is the one with several rows to a pair
            l_x, l_y, low, high = -l_y, -l_x, -high, -low
        gains = payoff(l_x, l_y[: len(l_y) // n * n].reshape(-1, n).T, low, high)
        return lower_bound(gains, np.full(n, payoff_floor(low, high)), alpha), float(
            gains.mean()
        )

    def cells(self, rows: Rows) -> Int[np.ndarray, " _"]:
        places = zip(self.columns, self.edges, strict=True)
        return cross_bins([Bins.within(edges, rows[:, column]) for column, edges in places])[0]


def _histograms(
    learn: tuple[Rows, Rows], choices: Iterable[tuple[int, ...]], number: int
) -> Iterator[_Histogram]:
    """For each choice of columns a histogram, with the shrinkage that is worth most."""
    rows = np.concatenate(learn)
    sample = np.repeat([0, 1], [len(each) for each in learn])
    fold = np.concatenate([np.arange(len(each)) % 2 for each in learn])
    bins = [Bins.fit(column, number) for column in rows.T]
    for columns in choices:
        chosen = [bins[column] for column in columns]
        cell, shape = cross_bins(chosen)
        size = math.prod(shape)
        counts = np.bincount((cell * 2 + sample) * 2 + fold, minlength=4 * size).reshape(
            size, 2, 2
        )
        worth, shrinkage = max(
            (_worth(counts, shrinkage), shrinkage) for shrinkage in SHRINKAGES
        )
        yield _Histogram(
            columns, tuple(each.edges for each in chosen), counts, shrinkage, worth
        )


def _worth(counts: Counts, shrinkage: float) -> float:
    """(E log 2D(x) + E log 2(1 - D(y)))/2 of the log ratio of each fold, on the other one, in nats."""
    logits = _unseen(counts, shrinkage)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    lost = shares[:, 0] * np.logaddexp(0, -logits) + shares[:, 1] * np.logaddexp(0, logits)
    return math.log(2) - float(lost.sum()) / 4


def _unseen(counts: Counts, shrinkage: float) -> Float[np.ndarray, "cells 2"]:
    """Log p/q in each cell for the rows of each fold, from those of the other one."""
    return _log_ratio(counts[:, :, ::-1], shrinkage)


def _log_ratio(
    counts: Real[np.ndarray, "cells 2 ..."], shrinkage: float
) -> Float[np.ndarray, "cells ..."]:
    """Log p/q in each cell; samples of unequal size are brought to the same."""
    totals = counts.sum(axis=0)
    scaled = counts * (totals.mean(axis=0) / np.maximum(totals, 1))
    return np.log((scaled[:, 0] + shrinkage) / (scaled[:, 1] + shrinkage))
