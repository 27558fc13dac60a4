"""The columns of a table, data against samples: each by itself, and the pairs that go together least alike."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter

from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.profile import are_atoms, cut
from onehalf.figures.style import DATA, SAMPLES, STRONG, legend, percent, spread, stairs

__all__ = ["MARGINALS", "Apart", "apart", "marginals", "pairs"]

MARGINALS, PAIRS, PAIRED = 24, 3, 30
"""At most so many columns and pairs are drawn, and pairs are sought among so many columns."""

ROWS, DEALS = 50_000, 5
"""At most so many rows of each are counted, evenly spaced, and the data dealt into halves so many times."""

FINE, COARSE = (20, 100), (6, 7)
"""Cells of a column of numbers, and of one of words beside a cell for all others: by itself, and in a pair."""

BINS, MIDDLE, BARS = 30, 0.99, 8
"""Bins over the middle share of the numbers of the data, and bars of the most frequent words."""

ACROSS, NEITHER = 26, "#F4F4F4"
"""Letters that fit below a map, and the colour of no difference."""

Rows = Float[np.ndarray, "_ _"]
Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]


@dataclass(frozen=True)
class Apart:
    """How far samples are from data in some columns, by counting: total variation, the share of rows to be changed."""

    columns: tuple[int, ...]
    samples: float
    """Half of the data against as many samples."""
    data: float
    """Half of the data against the other half: what luck makes of so many rows in so many cells."""

    @property
    def more(self) -> float:
        """What luck does not make."""
        return self.samples - self.data

    def __str__(self) -> str:
        return f"{100 * self.samples:.1f} % differ (data from data {100 * self.data:.1f} %)"


@dataclass(frozen=True)
class Cells:
    """The cells in which the rows of a column are counted."""

    places: tuple[Places, Places]
    """The cell of each row of the data, and of the samples."""
    size: int
    alone: Values | None
    """Values with a cell of their own; then come all others, if there are any, and what is missing."""
    edges: Values
    """Or else where each cell but the first begins, in order of size; what is missing comes last."""
    missing: bool


def apart(data: Rows, samples: Rows, coding: TableEncoder) -> list[Apart]:
    """Each column by itself, the one that differs most beyond luck first.

    >>> import pyarrow as pa
    >>> table = pa.table({"sex": ["F", "M"] * 500, "smoker": ["yes", "no"] * 500})
    >>> coding = TableEncoder.of(table)
    >>> data = coding.rows(table)
    >>> found = apart(data, np.where([True, False], data, 1.0), coding)[0]       # nobody but smokers
    >>> coding.names[found.columns[0]], found.samples, found.data
    ('smoker', 0.50, 0.0...)
    """
    sides = spread(data, ROWS), spread(samples, ROWS)
    deals = _deals(*map(len, sides))
    found = [
        _counted((place,), [_cells(sides, place, coding, FINE, atoms=True)], deals)
        for place in range(len(coding.names))
    ]
    return sorted(found, key=lambda each: -each.more)


def marginals(
    data: Rows, samples: Rows, coding: TableEncoder, called: str = "samples"
) -> Figure:
    """The columns that differ most, at most 24, each by itself: bars of words and few values, or shares in bins.

    >>> import pyarrow as pa
    >>> table = pa.table({"sex": ["F", "M"] * 50, "age": np.arange(100) % 30})
    >>> coding = TableEncoder.of(table)
    >>> len(marginals(coding.rows(table), coding.rows(table), coding).axes)
    2
    """
    drawn = apart(data, samples, coding)[:MARGINALS]
    across = min(3, len(drawn))
    down = -(-len(drawn) // across)
    figure = Figure(figsize=(3.5 * max(across, 2), 2.4 * down + 0.4), layout="constrained")
    for number, each in enumerate(drawn, 1):
        axes, (place,) = figure.add_subplot(down, across, number), each.columns
        axes.set_title(f"{cut(coding.names[place], 30)}\n{each}", fontsize="medium")
        cells = _cells((data, samples), place, coding, (0, BARS), atoms=False)
        names = "data", called
        if cells.alone is not None:
            _bars(axes, cells, place, coding, names)
        else:
            _bins(axes, (data[:, place], samples[:, place]), place, coding, names)
    legend(figure)
    return figure


def pairs(
    data: Rows, samples: Rows, coding: TableEncoder, called: str = "samples"
) -> Figure | None:
    """The three pairs of columns that differ most beyond what either column does; None of a single column.

    Each column is in one pair, as far as there are others that differ a quarter as much as the first.
    """
    sides = spread(data, ROWS), spread(samples, ROWS)
    deals = _deals(*map(len, sides))
    sought = sorted(each.columns[0] for each in apart(data, samples, coding)[:PAIRED])
    cells = {place: _cells(sides, place, coding, COARSE, atoms=False) for place in sought}
    singly = {place: _counted((place,), [cells[place]], deals).more for place in sought}
    beyond = {
        found: found.more - max(singly[place] for place in pair)
        for pair in itertools.combinations(sought, 2)
        for found in [_counted(pair, [cells[place] for place in pair], deals)]
    }
    ranked = sorted(beyond, key=lambda each: -beyond[each])
    drawn: list[Apart] = []
    for each in ranked:
        taken = any(set(each.columns) & set(other.columns) for other in drawn)
        if not taken and beyond[each] >= beyond[ranked[0]] / 4:
            drawn.append(each)
    drawn = [*drawn, *(each for each in ranked if each not in drawn)][:PAIRS]
    if not drawn:
        return None
    figure = Figure(figsize=(10.5, 3.3 * len(drawn)), layout="constrained")
    for part, each in zip(
        figure.subfigures(len(drawn), 1, squeeze=False)[:, 0], drawn, strict=True
    ):
        x, y = (cut(coding.names[place], 30) for place in each.columns)
        part.suptitle(f"{x} and {y}: {each}")
        panels = part.subplots(1, 3, sharex=True, sharey=True).tolist()
        pair = [cells[place] for place in each.columns]
        _maps(
            panels,
            [_shares(pair, side) for side in (0, 1)],
            ("data", called, f"data less {called}"),
        )
        for axis, place in zip((panels[0].xaxis, panels[0].yaxis), each.columns, strict=True):
            _named(axis, cells[place], place, coding)
        wide = sum(len(label.get_text()) for label in panels[0].get_xticklabels()) > ACROSS
        for axes in panels:
            axes.set_xlabel(x)
            axes.tick_params(axis="x", rotation=90 if wide else 0)
        panels[0].set_ylabel(y)
    return figure


def _maps(panels: Sequence[Axes], shares: Sequence[Any], titles: Sequence[str]) -> None:
    """Two on one scale of colours, and their difference."""
    difference = shares[0] - shares[1]
    most = float(np.abs(difference).max()) or 1.0
    alike: dict[str, Any] = {
        "cmap": "cividis",
        "norm": PowerNorm(0.5, 0, max(share.max() for share in shares)),
    }
    either = {
        "cmap": LinearSegmentedColormap.from_list("", [SAMPLES, NEITHER, DATA]),
        "norm": Normalize(-most, most),
    }
    for axes, share, look, title in zip(
        panels, [*shares, difference], (alike, alike, either), titles, strict=True
    ):
        image = axes.imshow(share.T, origin="lower", aspect="auto", **look)
        axes.set_title(title, fontsize="medium")
        axes.figure.colorbar(image, ax=axes, format=FuncFormatter(percent), pad=0.02)


def _cells(
    sides: Sequence[Rows],
    place: int,
    coding: TableEncoder,
    most: tuple[int, int],
    *,
    atoms: bool,
) -> Cells:
    """A cell for each word and each of few values; else for each share of the data's numbers, and for each atom."""
    columns = [rows[:, place] for rows in sides]
    missing = any(np.isnan(column).any() for column in columns)
    distinct, counts = np.unique(columns[0][~np.isnan(columns[0])], return_counts=True)
    words = coding.names[place] in coding.words
    if words or (coding.columns[place].values and len(distinct) <= max(most[1], BARS)):
        alone = _frequent(columns, most[1]) if words else distinct
        order = np.argsort(alone)
        found = [
            np.minimum(np.searchsorted(alone, column, sorter=order), len(alone) - 1)
            for column in columns
        ]
        places = [
            np.where(alone[order][at] == column, order[at], len(alone))
            for at, column in zip(found, columns, strict=True)
        ]
        others = any(
            (at[~np.isnan(column)] == len(alone)).any()
            for at, column in zip(places, columns, strict=True)
        )
        edges, size = np.zeros(0), len(alone) + int(others)
    else:
        marks = np.linspace(0, 1, most[0] + 1)[1:-1]
        edges = (
            np.quantile(columns[0][~np.isnan(columns[0])], marks, method="inverted_cdf")
            if len(distinct)
            else marks
        )
        spikes = distinct[are_atoms(counts, len(columns[0]))] if atoms else np.zeros(0)
        edges = np.unique(np.concatenate([edges, spikes, np.nextafter(spikes, np.inf)]))
        places = [np.searchsorted(edges, column, "right") for column in columns]
        alone, size = None, len(edges) + 1
    left, right = (
        np.where(np.isnan(column), size, at) for at, column in zip(places, columns, strict=True)
    )
    return Cells((left, right), size + missing, alone, edges, missing)


def _frequent(columns: Sequence[Values], most: int) -> Values:
    """The most frequent values of both sides, taken equally, the most frequent in the data first."""
    known = [column[~np.isnan(column)] for column in columns]
    distinct, place = np.unique(np.concatenate(known), return_inverse=True)
    shares = [
        np.bincount(at, minlength=len(distinct)) / max(len(at), 1)
        for at in np.split(place, [len(known[0])])
    ]
    kept = np.argsort(-(shares[0] + shares[1]), kind="stable")[:most]
    return distinct[kept[np.argsort(-shares[0][kept], kind="stable")]]


def _deals(n: int, m: int) -> list[tuple[Places, Places, Places]]:
    """Rows of two halves of the data, and of as many samples, dealt some times."""
    rng, half = np.random.default_rng(0), min(n // 2, m)
    return [
        (order[:half], order[half : 2 * half], rng.permutation(m)[:half])
        for order in (rng.permutation(n) for _ in range(DEALS))
    ]


def _counted(
    columns: tuple[int, ...],
    cells: Sequence[Cells],
    deals: Sequence[tuple[Places, Places, Places]],
) -> Apart:
    """Total variation in these cells, a mean over the deals."""
    shape = tuple(each.size for each in cells)
    data, samples = (
        np.ravel_multi_index([each.places[side] for each in cells], shape) for side in (0, 1)
    )
    size, differences = int(np.prod(shape)), []
    for one, other, made in deals:
        counts = [
            np.bincount(places, minlength=size)
            for places in (data[one], samples[made], data[other])
        ]
        differences.append(
            [np.abs(counts[0] - each).sum() / (2 * max(len(one), 1)) for each in counts[1:]]
        )
    return Apart(columns, *map(float, np.mean(differences, axis=0)))


def _shares(pair: Sequence[Cells], side: int) -> Float[np.ndarray, "x y"]:
    """The share of the rows of one side in each cell of a pair."""
    shape = tuple(each.size for each in pair)
    places = np.ravel_multi_index([each.places[side] for each in pair], shape)
    return np.bincount(places, minlength=int(np.prod(shape))).reshape(shape) / max(
        len(places), 1
    )


def _labels(cells: Cells, place: int, coding: TableEncoder) -> list[str]:
    """What cells are called that are not numbers between edges."""
    named = (
        []
        if cells.alone is None
        else [cut(coding.shown(place, value), 16) for value in cells.alone]
    )
    between = 0 if cells.alone is not None else len(cells.edges) + 1
    others = cells.size - len(named) - between - cells.missing
    return [*named, *["others"] * others, *["missing"] * cells.missing]


def _named(axis: Any, cells: Cells, place: int, coding: TableEncoder) -> None:
    """Words in the middle of their cells, numbers where one cell ends and the next begins."""
    labels = _labels(cells, place, coding)
    begins = [coding.shown(place, float(edge)) for edge in cells.edges]
    first = 0 if cells.alone is not None else len(begins) + 1
    axis.set_ticks(
        [*np.arange(len(begins)) + 0.5, *np.arange(first, first + len(labels))],
        [*begins, *labels],
    )


def _bars(
    axes: Axes, cells: Cells, place: int, coding: TableEncoder, names: Sequence[str]
) -> None:
    """Words and few values, one bar each: the data filled, the samples outlined."""
    looks: list[dict[str, Any]] = [
        {"color": DATA, "alpha": 0.6, "linewidth": 0},
        {"edgecolor": SAMPLES, "fill": False, "linewidth": STRONG},
    ]
    for places, look, name in zip(cells.places, looks, names, strict=True):
        shares = np.bincount(places, minlength=cells.size) / max(len(places), 1)
        axes.barh(np.arange(cells.size), shares, height=0.8, label=name, **look)
    axes.set_yticks(np.arange(cells.size), _labels(cells, place, coding))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(percent)
    axes.spines[["top", "right"]].set_visible(False)


def _bins(
    axes: Axes,
    columns: Sequence[Values],
    place: int,
    coding: TableEncoder,
    names: Sequence[str],
) -> None:
    """Numbers and dates: the share of the rows in each bin; what lies beyond is in the last, atoms are thin bars."""
    about = coding.columns[place]
    distinct, counts = np.unique(columns[0][~np.isnan(columns[0])], return_counts=True)
    atoms = distinct[are_atoms(counts, len(columns[0]))]
    rest = [column[~np.isnan(column) & ~np.isin(column, atoms)] for column in columns]
    edges = _edges(rest[0] if len(rest[0]) else distinct, whole=about.kind != "continuous")
    inside = [np.clip(values, edges[0], edges[-1]) for values in rest]
    shares = [
        np.histogram(values, edges)[0] / len(column)
        for values, column in zip(inside, columns, strict=True)
    ]
    stairs(axes, shares, edges, names)
    width = (edges[1] - edges[0]) / 2
    for atom in atoms:
        beside = atom + width * np.array([-0.5, 0.5])
        stairs(axes, [[np.mean(column == atom)] for column in columns], beside, ("", ""))
    if about.kind == "date":
        ticks = np.rint(np.linspace(edges[0], edges[-1], 3))
        days = [coding.shown(place, float(tick))[:10] for tick in ticks]
        axes.set_xticks(
            ticks,
            days
            if len(set(days)) == 3
            else [coding.shown(place, float(tick)) for tick in ticks],
        )
    else:
        axes.xaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    gone = [np.isnan(column).mean() for column in columns]
    if any(gone):
        missing = [
            f"{name} {100 * share:.1f} %" for share, name in zip(gone, names, strict=True)
        ]
        axes.set_xlabel(f"missing: {', '.join(missing)}", fontsize="small")


def _edges(values: Values, *, whole: bool) -> Values:
    """Bins over the middle of these values; where only whole numbers lie, as many of them in each."""
    low, high = np.quantile(values, [(1 - MIDDLE) / 2, (1 + MIDDLE) / 2], method="inverted_cdf")
    if whole:
        width = max(1, -(-int(high - low + 1) // BINS))
        return np.arange(low, high + width + 0.5, width) - 0.5
    beyond = 0.0 if high > low else 0.5
    return np.linspace(low - beyond, high + beyond, BINS + 1)
