"""Count how far samples are from data in the columns of a table: one at a time, and pairs of them.

The difference is the total variation between shares in cells: the share of the rows that would
have to change. Its baseline is the same number for one half of the data against the other.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from onehalf._blocks import take_evenly
from onehalf._text import percent
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.statistics import is_atom

__all__ = [
    "LEAST_NAMED",
    "Cells",
    "Difference",
    "assign_cells",
    "cell_shares",
    "rank_columns",
    "rank_pairs",
]

MOST_ROWS = 50_000
"""Rows of each side that are counted, at most, evenly spaced."""

SPLITS = 5
"""How many times the data are split into random halves."""

COLUMNS_PAIRED = 30
"""Pairs are formed of this many columns at most, those that differ most."""

NOTABLE = 0.25
"""A pair that differs by this share of the most different pair is worth showing for the sake of
another column."""

SINGLE_NUMBER_CELLS = 20
"""Cells of a single column of numbers."""

SINGLE_WORD_CELLS = 100
"""Cells of a single column of words, and one more for all other words."""

PAIR_NUMBER_CELLS = 6
"""Cells of a column of numbers in a pair."""

PAIR_WORD_CELLS = 7
"""Cells of a column of words in a pair, and one more for all other words."""

LEAST_NAMED = 3
"""A word that fewer rows of the data hold has no cell of its own, and is not named."""

FEW_VALUES = 8
"""A column with at most this many different numbers has a cell for each."""

Rows = Float[np.ndarray, "_ _"]
Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]
Split = tuple[Places, Places, Places]
"""Rows of one half of the data, of the other half, and as many samples."""


@dataclass(frozen=True)
class Difference:
    """How far samples are from data in some columns, as a total variation from 0 to 1."""

    columns: tuple[int, ...]
    samples: float
    """Half of the data against as many samples."""
    data: float
    """Half of the data against the other half: the noise of as many rows in as many cells."""

    @property
    def excess(self) -> float:
        """What is more than noise."""
        return self.samples - self.data

    def __str__(self) -> str:
        """The number and its baseline, for a title."""
        return f"{percent(self.samples)} differ (data from data {percent(self.data)})"


@dataclass(frozen=True)
class Cells:
    """The cells in which the rows of a column are counted."""

    places: tuple[Places, Places]
    """The cell of each row of the data, and of the samples."""
    size: int
    """How many cells there are."""
    values: Values | None
    """Values with a cell each; then comes one of all others, if there are any, and one of what
    is missing."""
    edges: Values
    """Without such values: where each cell but the first begins, in order of size; what is
    missing comes last."""
    has_missing: bool
    """Whether there is a cell of what is missing."""


def rank_columns(data: Rows, samples: Rows, encoder: TableEncoder) -> list[Difference]:
    """Compare each single column; the one that differs most beyond noise comes first.

    >>> import pyarrow as pa
    >>> table = pa.table({"sex": ["F", "M"] * 500, "smoker": ["yes", "no"] * 500})
    >>> encoder = TableEncoder.fit(table)
    >>> data = encoder.encode(table)
    >>> first = rank_columns(data, np.where([True, False], data, 1.0), encoder)[0]  # only smokers
    >>> encoder.names[first.columns[0]], first.samples, first.data
    ('smoker', 0.50, 0.0...)
    """
    sides = take_evenly(data, MOST_ROWS), take_evenly(samples, MOST_ROWS)
    splits = _random_splits(*map(len, sides))
    differences = [
        _difference((place,), [assign_single_cells(sides, place, encoder)], splits)
        for place in range(len(encoder.names))
    ]
    return sorted(differences, key=lambda each: -each.excess)


def rank_pairs(
    data: Rows, samples: Rows, encoder: TableEncoder, most: int
) -> tuple[list[Difference], Mapping[int, Cells]]:
    """Find the pairs that differ most beyond what either column does, and the cells of their columns.

    Each column is in one pair, as far as there are other pairs that differ a quarter as much as
    the first.
    """
    sides = take_evenly(data, MOST_ROWS), take_evenly(samples, MOST_ROWS)
    splits = _random_splits(*map(len, sides))
    ranked_columns = rank_columns(data, samples, encoder)[:COLUMNS_PAIRED]
    candidates = sorted(each.columns[0] for each in ranked_columns)
    cells = {
        place: assign_cells(sides, place, encoder, PAIR_NUMBER_CELLS, PAIR_WORD_CELLS)
        for place in candidates
    }
    single = {
        place: _difference((place,), [cells[place]], splits).excess for place in candidates
    }
    beyond: dict[Difference, float] = {}
    for pair in itertools.combinations(candidates, 2):
        difference = _difference(pair, [cells[place] for place in pair], splits)
        beyond[difference] = difference.excess - max(single[place] for place in pair)
    ranked = sorted(beyond, key=lambda each: -beyond[each])
    chosen: list[Difference] = []
    for each in ranked:
        shares_column = any(set(each.columns) & set(other.columns) for other in chosen)
        if not shares_column and beyond[each] >= NOTABLE * beyond[ranked[0]]:
            chosen.append(each)
    chosen += [each for each in ranked if each not in chosen]
    return chosen[:most], cells


def assign_single_cells(sides: Sequence[Rows], place: int, encoder: TableEncoder) -> Cells:
    """Assign rows to the fine cells in which a single column is compared."""
    return assign_cells(
        sides, place, encoder, SINGLE_NUMBER_CELLS, SINGLE_WORD_CELLS, atoms=True
    )


def assign_cells(
    sides: Sequence[Rows],
    place: int,
    encoder: TableEncoder,
    number_cells: int,
    word_cells: int,
    *,
    atoms: bool = False,
) -> Cells:
    """Assign the rows of both sides to cells: one for each word or few values, else quantiles of the data.

    Args:
        sides: The rows of the data and of the samples.
        place: The column.
        encoder: What the columns are.
        number_cells: Cells of numbers, each with about the same share of the data.
        word_cells: Cells of the most frequent words, of those that three rows of the data hold.
        atoms: Whether numbers that many rows share have cells of their own.
    """
    columns = [rows[:, place] for rows in sides]
    distinct, counts = np.unique(_known(columns[0]), return_counts=True)
    if encoder.names[place] in encoder.words:
        values = _most_frequent(columns, word_cells)
        if order := encoder.columns[place].order:
            rank = {word: number for number, word in enumerate(order)}
            ranks = [rank.get(encoder.show(place, code), len(rank)) for code in values]
            values = values[np.argsort(ranks, kind="stable")]
        return _cells_of_values(columns, values)
    if encoder.columns[place].values and len(distinct) <= max(word_cells, FEW_VALUES):
        return _cells_of_values(columns, distinct)
    spikes = distinct[is_atom(counts, len(columns[0]))] if atoms else np.zeros(0)
    return _cells_between(columns, number_cells, spikes)


def cell_shares(pair: Sequence[Cells], side: int) -> Float[np.ndarray, "x y"]:
    """The share of the rows of one side in each cell of a pair."""
    shape = tuple(each.size for each in pair)
    places = np.ravel_multi_index([each.places[side] for each in pair], shape)
    counts = np.bincount(places, minlength=int(np.prod(shape))).reshape(shape)
    return counts / max(len(places), 1)


def _cells_of_values(columns: Sequence[Values], values: Values) -> Cells:
    """A cell for each of these values, one for all others if there are any, and one for what is missing."""
    order = np.append(np.argsort(values), len(values))
    ordered = np.append(np.sort(values), np.inf)
    places = []
    for column in columns:
        nearest = np.searchsorted(ordered[:-1], column)
        places.append(np.where(ordered[nearest] == column, order[nearest], len(values)))
    has_others = any(
        (place[~np.isnan(column)] == len(values)).any()
        for place, column in zip(places, columns, strict=True)
    )
    return _with_missing(columns, places, len(values) + int(has_others), values, np.zeros(0))


def _cells_between(columns: Sequence[Values], cells: int, spikes: Values) -> Cells:
    """Cells between quantiles of the data, one for each of the spikes, and one for what is missing."""
    levels = np.linspace(0, 1, cells + 1)[1:-1]
    known = _known(columns[0])
    quantiles = np.quantile(known, levels, method="inverted_cdf") if len(known) else levels
    edges = np.unique(np.concatenate([quantiles, spikes, np.nextafter(spikes, np.inf)]))
    places = [np.searchsorted(edges, column, "right") for column in columns]
    return _with_missing(columns, places, len(edges) + 1, None, edges)


def _with_missing(
    columns: Sequence[Values],
    places: Sequence[Places],
    size: int,
    values: Values | None,
    edges: Values,
) -> Cells:
    """Put what is missing into a last cell."""
    left, right = (
        np.where(np.isnan(column), size, place)
        for column, place in zip(columns, places, strict=True)
    )
    missing = any(np.isnan(column).any() for column in columns)
    return Cells((left, right), size + missing, values, edges, missing)


def _known(column: Values) -> Values:
    """The values that are not missing."""
    return column[~np.isnan(column)]


def _most_frequent(columns: Sequence[Values], most: int) -> Values:
    """The most frequent values of both sides, which count equally, of those that a few rows of the data hold.

    The most frequent in the data come first.
    """
    known = [_known(column) for column in columns]
    distinct, place = np.unique(np.concatenate(known), return_inverse=True)
    shares = [
        np.bincount(at, minlength=len(distinct)) / max(len(at), 1)
        for at in np.split(place, [len(known[0])])
    ]
    kept = np.argsort(-(shares[0] + shares[1]), kind="stable")
    kept = kept[shares[0][kept] * len(known[0]) >= LEAST_NAMED][:most]
    return distinct[kept[np.argsort(-shares[0][kept], kind="stable")]]


def _random_splits(n: int, m: int) -> list[Split]:
    """Draw two halves of n rows of data, and as many of m samples, several times."""
    rng = np.random.default_rng(0)
    half = min(n // 2, m)
    splits = []
    for _ in range(SPLITS):
        order = rng.permutation(n)
        splits.append((order[:half], order[half : 2 * half], rng.permutation(m)[:half]))
    return splits


def _difference(
    columns: tuple[int, ...], cells: Sequence[Cells], splits: Sequence[Split]
) -> Difference:
    """The total variation in these cells, a mean over the splits."""
    shape = tuple(each.size for each in cells)
    size = int(np.prod(shape))
    data, samples = (
        np.ravel_multi_index([each.places[side] for each in cells], shape) for side in (0, 1)
    )
    differences = []
    for first, second, drawn in splits:
        counts = np.bincount(data[first], minlength=size)
        n = 2 * max(len(first), 1)
        differences.append(
            [
                np.abs(counts - np.bincount(places, minlength=size)).sum() / n
                for places in (samples[drawn], data[second])
            ]
        )
    return Difference(columns, *map(float, np.mean(differences, axis=0)))
