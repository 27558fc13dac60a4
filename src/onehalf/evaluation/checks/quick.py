"""A quick check: how far columns and pairs are off, beside data against data, and which rules are broken."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf._errors import refuse
from onehalf.evaluation._products import matmul
from onehalf.evaluation.checks.column_distances import count_draws, rank_columns, weigh
from onehalf.evaluation.checks.validity import check_rules
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.features.precision import drop_missing
from onehalf.evaluation.result import QuickColumn, QuickPair, QuickTable
from onehalf.evaluation.samples import Samples

__all__ = ["check_quickly"]

Cells = Float[np.ndarray, "_ columns"]
Flags = Float[np.ndarray, "_ flags"]

DRAWS = 19
"""Pairs of samples that are drawn from the data: one more is the greatest of all twenty once in twenty times."""

NUMBER_BINS = 5
"""Bins of a column of numbers in a pair, and one for what is missing."""

WORD_BINS = 8
"""Words with a bin of their own in a pair; the others share one."""

MOST_PAIRED = 40
"""The most columns of which pairs are compared: the first ones."""

MOST_PAIRS = 100
"""The most pairs that are listed."""

EXACT = 6
"""Decimals of the distance of a pair that sums in float32 do not blur."""

LEAST_WORD_ROWS = 5
"""Words that fewer rows of the data hold count as one."""

RARE = -1.0
"""Their place among the words."""

MOST_ROWS = 20_000
"""The most rows of each sample that are used for pairs."""


def check_quickly(samples: Samples, seed: int = 0) -> QuickTable:
    """How far single columns and pairs are off, and which rules of the data are broken, without critics.

    Args:
        samples: The rows, and how they are seen. There may be few of them.
        seed: Settles what is drawn from the data.
    """
    for side, rows in (("real", samples.real), ("other", samples.other)):
        if not len(rows):
            refuse(side, expected="at least 1 row", got="none")
    description = samples.encoder.describe(samples.real, samples.other)
    columns, train = description.columns, samples.train
    step = len(samples.other) // len(samples.real) if samples.matched else 1
    real, other = description.real, description.other[::step]
    n, m = len(real), len(other)
    rng = np.random.default_rng([seed, 6])
    pairs = _compare_pairs(rng, real, other, columns)
    return QuickTable(
        n_real=n,
        n_other=m,
        columns=_compare_columns(rng, real, other, columns),
        pairs=pairs[:MOST_PAIRS],
        paired_columns=min(len(columns.names), MOST_PAIRED),
        n_pairs=len(pairs),
        pairs_above=sum(pair.is_above for pair in pairs),
        rules=check_rules(
            real,
            other,
            columns,
            types=samples.types,
            keys=samples.keys,
            described=bool(description.properties),
            train=None if train is None or description.properties else train.entries(),
        ),
        left_out=samples.left_out,
    )


def _compare_columns(
    rng: np.random.Generator, real: Cells, other: Cells, columns: Columns
) -> tuple[QuickColumn, ...]:
    """The distance of each column, and that of pairs of samples from the data."""
    n, m = len(real), len(other)
    real, other = _pool_rare_words(real, other, columns)
    weights = count_draws(rng, n, n, DRAWS) / n - count_draws(rng, n, m, DRAWS) / m
    both = rank_columns(np.concatenate([real, other]), columns)
    of_data = rank_columns(real, columns)
    found = [
        QuickColumn(
            column=name,
            distance=float(column.quick_distances(weigh(n, m))[0]),
            ceiling=float(data.quick_distances(weights).max()),
        )
        for name, column, data in zip(columns.names, both, of_data, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: each.ceiling - each.distance))


def _pool_rare_words(real: Cells, other: Cells, columns: Columns) -> tuple[Cells, Cells]:
    """Both samples with one word for all that few rows of the data hold: of those, any two samples hold others."""
    pooled = real.copy(), other.copy()
    for place in range(real.shape[1]):
        if columns.is_category(place):
            words, counts = np.unique(drop_missing(real[:, place]), return_counts=True)
            frequent = words[counts >= LEAST_WORD_ROWS]
            for cells in pooled:
                column = cells[:, place]
                column[~np.isnan(column) & ~np.isin(column, frequent)] = RARE
    return pooled


# ------------------------------------------------------------------------ pairs


def _compare_pairs(
    rng: np.random.Generator, real: Cells, other: Cells, columns: Columns
) -> tuple[QuickPair, ...]:
    """The distance of each pair, and that of pairs of samples from the data."""
    places = range(min(len(columns.names), MOST_PAIRED))
    if len(places) < 2:
        return ()
    real, other = (side[:: -(-len(side) // MOST_ROWS), places] for side in (real, other))
    n, m = len(real), len(other)
    bins = [_Binning.fit(real[:, place], words=columns.is_category(place)) for place in places]
    starts = np.cumsum([0, *(each.size for each in bins[:-1])])
    flags = _flag(real, bins)
    distances = _distances(
        _associate(flags, np.ones(n, int)),
        _associate(_flag(other, bins), np.ones(m, int)),
        starts,
    )
    ceilings = np.zeros_like(distances)
    for _ in range(DRAWS):
        of_real = _associate(flags, count_draws(rng, n, n, 1)[:, 0])
        of_other = _associate(flags, count_draws(rng, n, m, 1)[:, 0])
        ceilings = np.maximum(ceilings, _distances(of_real, of_other, starts))
    found = [
        QuickPair(
            columns=(columns.names[i], columns.names[j]),
            distance=float(distances[i, j]),
            ceiling=float(ceilings[i, j]),
        )
        for i in places
        for j in places[i + 1 :]
    ]
    return tuple(sorted(found, key=lambda each: each.ceiling - each.distance))


@dataclass(frozen=True)
class _Binning:
    """The bins of a column: between quantiles of the data, or its most frequent words; what is missing is one more."""

    edges: Float[np.ndarray, " edges"]
    words: bool

    @classmethod
    def fit(cls, column: Float[np.ndarray, " _"], *, words: bool) -> "_Binning":
        known = column[~np.isnan(column)]
        if not words:
            marks = np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]
            return cls(np.unique(np.quantile(known, marks)) if len(known) else known, words)
        values, counts = np.unique(known, return_counts=True)
        return cls(np.sort(values[np.argsort(-counts, kind="stable")[:WORD_BINS]]), words)

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.edges) + 2

    def places(self, column: Float[np.ndarray, " _"]) -> Int[np.ndarray, " _"]:
        """The bin of each cell."""
        last = len(self.edges)
        places = np.searchsorted(self.edges, column)
        if self.words:
            at = places.clip(max=last - 1)
            places = np.where(self.edges[at] == column, at, last) if last else places
        return np.where(np.isnan(column), last + 1, places)


def _flag(cells: Cells, bins: Sequence[_Binning]) -> Flags:
    """A flag for each bin of each column."""
    flags = [
        each.places(column)[:, None] == np.arange(each.size)
        for each, column in zip(bins, cells.T, strict=True)
    ]
    return np.concatenate(flags, axis=1).astype(np.float32)


def _associate(
    flags: Flags, counts: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, "flags flags"]:
    """p_ab - p_a p_b for all pairs of bins, each row taken as often as `counts` says."""
    share = (counts / counts.sum()).astype(np.float32)
    both = matmul(flags.T, flags * share[:, None])
    alone = np.diag(both)
    return both - np.outer(alone, alone)


def _distances(
    real: Float[np.ndarray, "flags flags"],
    other: Float[np.ndarray, "flags flags"],
    starts: Int[np.ndarray, " columns"],
) -> Float[np.ndarray, "columns columns"]:
    """Half the sum of the differences, for all pairs of columns."""
    off = np.abs(real - other)
    sums = np.add.reduceat(np.add.reduceat(off, starts, axis=0), starts, axis=1)
    return (sums / 2).astype(np.float64).round(EXACT)
