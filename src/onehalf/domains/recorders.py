"""What a fit keeps at each evaluation to show its course: samples and D on a grid, or bars of columns; never rows.

A recorder lays axes over the training rows once, and counts samples on them at each evaluation. All of it is small
arrays, by name, whose shapes stay the same in a fit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Real, Shaped
from scipy import special

from onehalf._blocks import take_evenly
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import TableEncoder
from onehalf.figures.column_differences import (
    FEW_VALUES,
    LEAST_NAMED,
    Cells,
    Difference,
    cell_shares,
    rank_pairs,
)

__all__ = [
    "BARS",
    "ColumnRecorder",
    "GridRecorder",
    "NoSnapshots",
    "Recorder",
    "Subject",
    "TableRecorder",
]

CELLS_AN_AXIS = {1: 100, 2: 33}
"""Cells along an axis, by the number of axes. D in the plane is drawn from twice as many points less one, as it may be
narrower than what 33 cells of samples show."""

POINTS = 400
"""Points of the plane that are kept, at most."""

OUTSIDE = 0.001
"""The share of the training rows that may lie beyond either end of an axis."""

MARGIN = 0.1
"""An axis of a grid is longer by this share, at either end."""

BARS = 30
"""Bars of a column; after them come one of all other words and one of what is missing."""

MOST_COLUMNS = 100
"""Columns that are counted, at most."""

PAIRED_ROWS = 2000
"""Rows of each side that pairs of columns are compared by, at most."""

MOST_PAIRS = 3
"""Pairs of columns that are kept."""

PAIR_CELLS = 10
"""Cells of a column in a pair, at most."""

Arrays = Mapping[str, np.ndarray]
"""Arrays by name."""

Values = Real[np.ndarray, " _"]
Rows = Shaped[np.ndarray, "_ ..."]


@dataclass(frozen=True)
class Subject:
    """One seed's players, as far as a snapshot is drawn from them."""

    samples: EncodedRows
    """From the same noise each time."""
    logits: Callable[[EncodedRows], Float[np.ndarray, " n"]] | None = None
    """d(x); None where D depends on labels."""
    walk: Callable[[], EncodedRows | None] = lambda: None
    """G along the first coordinate of z; None where z has no such coordinate."""


class Recorder(ABC):
    """How snapshots of one kind of data are drawn."""

    kind: ClassVar[str]
    """What the snapshots are of; see the reference of `onehalf watch --json`."""

    @abstractmethod
    def lay_out(self, train: EncodedRows) -> dict[str, np.ndarray]:
        """Lay axes over the training rows, and count the rows on them."""

    @abstractmethod
    def draw(
        self, shared: Arrays, train: EncodedRows, subject: Subject
    ) -> dict[str, np.ndarray]:
        """Draw a snapshot of one seed on these axes."""


class NoSnapshots(Recorder):
    """Nothing is kept: images have previews."""

    kind: ClassVar[str] = ""

    def lay_out(self, train: EncodedRows) -> dict[str, np.ndarray]:
        """No axes."""
        return {}

    def draw(
        self, shared: Arrays, train: EncodedRows, subject: Subject
    ) -> dict[str, np.ndarray]:
        """No snapshot."""
        return {}


@dataclass(frozen=True)
class GridRecorder(Recorder):
    """Rows of one or two numbers: the share of samples in each cell of a grid, and D in its middle."""

    axes: int

    @property
    def kind(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A line or a plane."""
        return {1: "line", 2: "plane"}[self.axes]

    def lay_out(self, train: EncodedRows) -> dict[str, np.ndarray]:
        """The edges along each axis, and the share of the training rows in each cell."""
        rows = train.x.astype(np.float64)
        cells = CELLS_AN_AXIS[self.axes]
        edges = [_edges(column, cells, margin=MARGIN) for column in rows.T]
        named = {f"edges_{number}": each for number, each in enumerate(edges)}
        return named | {"data": _shares(rows, edges)}

    def draw(
        self, shared: Arrays, train: EncodedRows, subject: Subject
    ) -> dict[str, np.ndarray]:
        """The share of samples in each cell, some of them as points, and D and the walk where there are any."""
        edges = [shared[f"edges_{number}"] for number in range(self.axes)]
        x = subject.samples.x.astype(np.float64)
        snapshot = {"samples": _shares(x, edges)}
        if self.axes == 2:
            snapshot["points"] = x[:POINTS].astype(np.float32)
        if subject.logits:
            middles = [(axis[:-1] + axis[1:]) / 2 for axis in edges]
            if self.axes == 2:
                fine = _evaluate(subject.logits, [_halve(axis) for axis in middles])
                snapshot["D_fine"] = fine.astype(np.float16)
            snapshot["D"] = _evaluate(subject.logits, middles).astype(np.float32)
        walk = subject.walk() if self.axes == 1 else None
        if walk is not None:
            snapshot["walk"] = walk.x.reshape(-1).astype(np.float32)
        return snapshot


def _evaluate(
    logits: Callable[[EncodedRows], Float[np.ndarray, " n"]], axes: Sequence[Values]
) -> Float[np.ndarray, "..."]:
    """Evaluate D at each point of a grid."""
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    flat = EncodedRows.unlabelled(grid.reshape(-1, len(axes)))
    D = special.expit(np.asarray(logits(flat), np.float64))
    return D.reshape(grid.shape[:-1])


def _halve(points: Values) -> Values:
    """Put a point in the middle of each two.

    >>> _halve(np.array([0.0, 1.0, 2.0]))
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    return np.interp(np.arange(2 * len(points) - 1) / 2, np.arange(len(points)), points)


class ColumnRecorder(Recorder):
    """Rows of several numbers: the share of rows in each bar of each column."""

    kind: ClassVar[str] = "array"

    def lay_out(self, train: EncodedRows) -> dict[str, np.ndarray]:
        """The edges of each column's bars, and the share of the training rows in each."""
        columns = _columns_of(train)
        bars = [self.bars_of(place, values) for place, values in enumerate(columns)]
        edges = np.full((len(bars), BARS + 1), np.nan)
        listed = np.full((len(bars), BARS), np.nan)
        for place, (own_edges, own_values) in enumerate(bars):
            edges[place, : len(own_edges)] = own_edges
            listed[place, : len(own_values)] = own_values
        shared = {"edges": edges, "values": listed}
        return shared | {"data": _bar_shares(columns, shared)}

    def bars_of(self, place: int, values: Values) -> tuple[Values, Values]:
        """The edges of a column's bars, and the values that have a bar each: one of both is empty."""
        return _edges(values, BARS), np.zeros(0)

    def draw(
        self, shared: Arrays, train: EncodedRows, subject: Subject
    ) -> dict[str, np.ndarray]:
        """The share of samples in each bar."""
        return {"samples": _bar_shares(_columns_of(subject.samples), shared)}


@dataclass(frozen=True)
class TableRecorder(ColumnRecorder):
    """Rows of a table: bars, and the pairs of columns that differ most.

    A word that few rows hold has no bar of its own, as on every page.
    """

    kind: ClassVar[str] = "table"
    encoder: TableEncoder

    def bars_of(self, place: int, values: Values) -> tuple[Values, Values]:
        """A bar for each of the most frequent words or few values, else bins."""
        known = values[~np.isnan(values)]
        distinct, counts = np.unique(known, return_counts=True)
        column = self.encoder.columns[place]
        is_word = self.encoder.names[place] in self.encoder.words
        if not is_word and not (column.values and len(distinct) <= FEW_VALUES):
            return _edges(values, BARS, is_whole=column.kind != "continuous"), np.zeros(0)
        if not is_word:
            return np.zeros(0), distinct
        frequent = np.argsort(-counts, kind="stable")
        frequent = frequent[counts[frequent] >= LEAST_NAMED][:FEW_VALUES]
        return np.zeros(0), distinct[frequent]

    def draw(
        self, shared: Arrays, train: EncodedRows, subject: Subject
    ) -> dict[str, np.ndarray]:
        """The share of samples in each bar, and in the cells of a few pairs of columns."""
        rows = [take_evenly(each.x, PAIRED_ROWS) for each in (train, subject.samples)]
        pairs, cells = rank_pairs(rows[0], rows[1], self.encoder, MOST_PAIRS)
        return super().draw(shared, train, subject) | _pack_pairs(pairs, cells)


def _pack_pairs(
    pairs: Sequence[Difference], cells: Mapping[int, Cells]
) -> dict[str, np.ndarray]:
    """Pack pairs of columns into arrays of one size; what is not there is NaN, or column -1."""
    packed: dict[str, Any] = {
        "pairs": np.full((MOST_PAIRS, 2), -1, np.int32),
        "pair_differences": np.full((MOST_PAIRS, 2), np.nan),
        "pair_shares": np.full((MOST_PAIRS, 2, PAIR_CELLS, PAIR_CELLS), np.nan, np.float32),
        "pair_values": np.full((MOST_PAIRS, 2, PAIR_CELLS), np.nan),
        "pair_edges": np.full((MOST_PAIRS, 2, PAIR_CELLS), np.nan),
        "pair_missing": np.zeros((MOST_PAIRS, 2), bool),
    }
    for number, pair in enumerate(pairs):
        packed["pairs"][number] = pair.columns
        packed["pair_differences"][number] = pair.samples, pair.data
        both = [cells[place] for place in pair.columns]
        for side in (0, 1):
            shares = cell_shares(both, side)
            packed["pair_shares"][number, side, : shares.shape[0], : shares.shape[1]] = shares
        for axis, own in enumerate(both):
            values = np.zeros(0) if own.values is None else own.values
            packed["pair_values"][number, axis, : len(values)] = values
            packed["pair_edges"][number, axis, : len(own.edges)] = own.edges
            packed["pair_missing"][number, axis] = own.has_missing
    return packed


def _columns_of(rows: EncodedRows) -> Float[np.ndarray, "columns n"]:
    """The columns that are counted."""
    return rows.x.reshape(len(rows), -1)[:, :MOST_COLUMNS].T.astype(np.float64)


def _edges(
    values: Values, cells: int, *, margin: float = 0.0, is_whole: bool | None = None
) -> Values:
    """Divide the middle of these values into cells; whole numbers of a small range have one each, of others as many.

    >>> _edges(np.array([1.0, 2.0, 4.0]), 30)
    array([0.5, 1.5, 2.5, 3.5, 4.5])
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return np.array([-0.5, 0.5])
    levels = [OUTSIDE, 1 - OUTSIDE]
    low, high = np.quantile(known, levels, method="inverted_cdf").astype(np.float64)
    if is_whole or (is_whole is None and np.array_equal(known, np.rint(known))):
        width = max(1, -(-int(high - low + 1) // cells))
        return np.arange(low, high + width + 0.5, width)[: cells + 1] - 0.5
    room = margin * (high - low) if high > low else 0.5
    return np.linspace(low - room, high + room, cells + 1)


def _shares(rows: Float[np.ndarray, "n axes"], edges: Sequence[Values]) -> np.ndarray:
    """The share of rows in each cell; what lies outside is in none."""
    inside = rows[np.isfinite(rows).all(axis=1)]
    counts, _ = np.histogramdd(inside, edges)
    return (counts / max(len(rows), 1)).astype(np.float32)


def _bar_shares(columns: Float[np.ndarray, "columns n"], shared: Arrays) -> np.ndarray:
    """The share of rows in each bar of each column; the first and the last bin have what lies beyond."""
    shares = np.zeros((len(columns), BARS + 2), np.float32)
    for place, values in enumerate(columns):
        edges = shared["edges"][place]
        listed = shared["values"][place]
        known = values[~np.isnan(values)]
        counts = np.zeros(BARS + 2)
        if np.isnan(edges[0]):
            matches = known[:, None] == listed[~np.isnan(listed)]
            counts[: matches.shape[1]] = matches.sum(axis=0)
            counts[BARS] = (~matches.any(axis=1)).sum()
        else:
            own = edges[~np.isnan(edges)]
            at = np.searchsorted(own[1:-1], known, side="right")
            counts[: len(own) - 1] = np.bincount(at, minlength=len(own) - 1)
        counts[BARS + 1] = len(values) - len(known)
        shares[place] = counts / max(len(values), 1)
    return shares
