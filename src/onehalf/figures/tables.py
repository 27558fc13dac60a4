"""Draw the columns of a table, data against samples: single columns, and the pairs that differ most."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter

from onehalf._text import percent
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.statistics import is_atom, shorten
from onehalf.figures.column_differences import (
    FEW_VALUES,
    LEAST_NAMED,
    Cells,
    assign_cells,
    cell_shares,
    rank_columns,
    rank_pairs,
)
from onehalf.figures.style import (
    DATA,
    NARROW,
    SAMPLES,
    STRONG,
    add_legend,
    draw_stairs,
    fill_title,
    format_percent,
    hide_spines,
)

__all__ = ["MOST_MARGINALS", "draw_marginals", "draw_pairs"]

MOST_MARGINALS = 24
"""Columns that are drawn, at most."""

MOST_PAIRS = 3
"""Pairs of columns that are drawn, at most."""

BINS = 30
"""Bins of a column of numbers."""

MIDDLE_SHARE = 0.99
"""The share of the data's numbers that the bins are laid over; what lies beyond is in the first
and last bin."""

TICK_LETTERS = 26
"""Letters of tick labels that fit below a map; more are turned upright."""

NAME_LETTERS = 30
"""Letters of a column's name in a title, at most."""

WORD_LETTERS = 16
"""Letters of a word at an axis, at most."""

ALL_RARE = f"words of fewer than {LEAST_NAMED} rows"
"""The label of all words where none is frequent."""

NO_DIFFERENCE = "#F4F4F4"
"""The colour of no difference in a map."""

Rows = Float[np.ndarray, "_ _"]
Values = Float[np.ndarray, " _"]


def draw_marginals(
    data: Rows,
    samples: Rows,
    encoder: TableEncoder,
    called: str = "samples",
    *,
    is_narrow: bool = False,
) -> Figure:
    """Draw single columns, at most the 24 that differ most: bars of words and few values, else histograms.

    Args:
        data: Cells of the data.
        samples: Cells of the samples.
        encoder: What encoded them.
        called: What the samples are called.
        is_narrow: Whether to draw one below the other, for a narrow screen.

    >>> import pyarrow as pa
    >>> table = pa.table({"sex": ["F", "M"] * 50, "age": np.arange(100) % 30})
    >>> encoder = TableEncoder.fit(table)
    >>> len(draw_marginals(encoder.encode(table), encoder.encode(table), encoder).axes)
    2
    """
    shown = rank_columns(data, samples, encoder)[:MOST_MARGINALS]
    across = 1 if is_narrow else min(3, len(shown))
    down = -(-len(shown) // across)
    width = NARROW if is_narrow else 3.5 * max(across, 2)
    height = 2.7 if is_narrow else 2.4
    figure = Figure(figsize=(width, height * down + 0.4), layout="constrained")
    names = ("data", called)
    for number, difference in enumerate(shown, 1):
        axes = figure.add_subplot(down, across, number)
        (place,) = difference.columns
        axes.set_title(f"{_short_name(encoder, place)}\n{difference}", fontsize="medium")
        cells = assign_cells((data, samples), place, encoder, 0, FEW_VALUES)
        if cells.values is not None:
            _draw_bars(axes, cells, place, encoder, names)
        else:
            columns = (data[:, place], samples[:, place])
            _draw_bins(axes, columns, place, encoder, names)
    add_legend(figure)
    return figure


def draw_pairs(
    data: Rows,
    samples: Rows,
    encoder: TableEncoder,
    called: str = "samples",
    *,
    is_narrow: bool = False,
) -> Figure | None:
    """Draw the three pairs of columns that differ most beyond what either column does.

    Returns None for a table of one column. With `is_narrow` the maps are one below the other.
    """
    shown, cells = rank_pairs(data, samples, encoder, MOST_PAIRS)
    if not shown:
        return None
    size = (NARROW, 8.4 * len(shown)) if is_narrow else (10.5, 3.3 * len(shown))
    figure = Figure(figsize=size, layout="constrained")
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, difference in zip(parts, shown, strict=True):
        pair = [cells[place] for place in difference.columns]
        x, y = (_short_name(encoder, place) for place in difference.columns)
        part.suptitle(fill_title(f"{x} and {y}: {difference}", is_narrow=is_narrow))
        panels = part.subplots(*((3, 1) if is_narrow else (1, 3)), sharex=True, sharey=True)
        _draw_pair(panels.tolist(), difference.columns, pair, encoder, called)
    return figure


def _draw_pair(
    panels: Sequence[Axes],
    places: Sequence[int],
    pair: Sequence[Cells],
    encoder: TableEncoder,
    called: str,
) -> None:
    """Draw the maps of one pair of columns, with names and labels."""
    x, y = (_short_name(encoder, place) for place in places)
    titles = ("data", called, f"data less {called}")
    _draw_maps(panels, [cell_shares(pair, side) for side in (0, 1)], titles)
    axes_labelled = (panels[0].xaxis, panels[0].yaxis)
    for axis, cells, place in zip(axes_labelled, pair, places, strict=True):
        _label_cells(axis, cells, place, encoder)
    letters = sum(len(label.get_text()) for label in panels[0].get_xticklabels())
    for axes in panels:
        axes.set(xlabel=x, ylabel=y)
        axes.tick_params(axis="x", rotation=90 if letters > TICK_LETTERS else 0)
        axes.label_outer()


def _draw_maps(panels: Sequence[Axes], shares: Sequence[Any], titles: Sequence[str]) -> None:
    """Draw two maps on one scale of colours, and their difference."""
    difference = shares[0] - shares[1]
    most = float(np.abs(difference).max()) or 1.0
    share_style: dict[str, Any] = {
        "cmap": "cividis",
        "norm": PowerNorm(0.5, 0, max(share.max() for share in shares)),
    }
    difference_style = {
        "cmap": LinearSegmentedColormap.from_list("", [SAMPLES, NO_DIFFERENCE, DATA]),
        "norm": Normalize(-most, most),
    }
    styles = (share_style, share_style, difference_style)
    for axes, values, style, title in zip(
        panels, [*shares, difference], styles, titles, strict=True
    ):
        image = axes.imshow(values.T, origin="lower", aspect="auto", **style)
        axes.set_title(title, fontsize="medium")
        axes.figure.colorbar(image, ax=axes, format=FuncFormatter(format_percent), pad=0.02)


def _short_name(encoder: TableEncoder, place: int) -> str:
    """The name of a column, cut to what fits into a title."""
    return shorten(encoder.names[place], NAME_LETTERS)


def _cell_names(cells: Cells, place: int, encoder: TableEncoder) -> list[str]:
    """The names of the cells that do not lie between edges: values, all others, what is missing."""
    between = len(cells.edges) + 1
    named: list[str] = []
    if cells.values is not None:
        between = 0
        named = [shorten(encoder.show(place, value), WORD_LETTERS) for value in cells.values]
    others = cells.size - len(named) - between - cells.has_missing
    rest = "others" if named or between else ALL_RARE
    return [*named, *[rest] * others, *["missing"] * cells.has_missing]


def _label_cells(axis: Any, cells: Cells, place: int, encoder: TableEncoder) -> None:
    """Label words in the middle of their cells, and numbers where one cell ends and the next begins."""
    names = _cell_names(cells, place, encoder)
    starts = [encoder.show(place, float(edge)) for edge in cells.edges]
    first = 0 if cells.values is not None else len(starts) + 1
    ticks = [*np.arange(len(starts)) + 0.5, *np.arange(first, first + len(names))]
    axis.set_ticks(ticks, [*starts, *names])


def _draw_bars(
    axes: Axes, cells: Cells, place: int, encoder: TableEncoder, names: Sequence[str]
) -> None:
    """Draw words and few values, one bar each: the data filled, the samples outlined."""
    styles: list[dict[str, Any]] = [
        {"color": DATA, "alpha": 0.6, "linewidth": 0},
        {"edgecolor": SAMPLES, "fill": False, "linewidth": STRONG},
    ]
    for places, style, name in zip(cells.places, styles, names, strict=True):
        shares = np.bincount(places, minlength=cells.size) / max(len(places), 1)
        axes.barh(np.arange(cells.size), shares, height=0.8, label=name, **style)
    axes.set_yticks(np.arange(cells.size), _cell_names(cells, place, encoder))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(format_percent)
    hide_spines(axes)


def _draw_bins(
    axes: Axes,
    columns: Sequence[Values],
    place: int,
    encoder: TableEncoder,
    names: Sequence[str],
) -> None:
    """Draw numbers and dates in bins, with a thin bar for each value that many rows share."""
    column = encoder.columns[place]
    distinct, counts = np.unique(columns[0][~np.isnan(columns[0])], return_counts=True)
    atoms = distinct[is_atom(counts, len(columns[0]))]
    rest = [values[~np.isnan(values) & ~np.isin(values, atoms)] for values in columns]
    edges = _bins_of(rest[0] if len(rest[0]) else distinct, whole=column.kind != "continuous")
    shares = [
        np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(every)
        for values, every in zip(rest, columns, strict=True)
    ]
    draw_stairs(axes, shares, edges, names)
    width = (edges[1] - edges[0]) / 2
    for atom in atoms:
        bar = atom + width * np.array([-0.5, 0.5])
        draw_stairs(axes, [[np.mean(values == atom)] for values in columns], bar, ("", ""))
    if column.kind == "date":
        _label_dates(axes, edges, place, encoder)
    else:
        axes.xaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    _note_missing(axes, columns, names)


def _label_dates(axes: Axes, edges: Values, place: int, encoder: TableEncoder) -> None:
    """Put a date at both ends and in the middle; the time of day only where the days agree."""
    ticks = np.rint(np.linspace(edges[0], edges[-1], 3))
    times = [encoder.show(place, float(tick)) for tick in ticks]
    days = [time[:10] for time in times]
    axes.set_xticks(ticks, days if len(set(days)) == len(days) else times)


def _note_missing(axes: Axes, columns: Sequence[Values], names: Sequence[str]) -> None:
    """Say below the axes how much of each side is missing."""
    shares = [float(np.isnan(values).mean()) for values in columns]
    if any(shares):
        missing = [
            f"{name} {percent(share)}" for name, share in zip(names, shares, strict=True)
        ]
        axes.set_xlabel(f"missing: {', '.join(missing)}", fontsize="small")


def _bins_of(values: Values, *, whole: bool) -> Values:
    """Bins over the middle of these values.

    Where only whole numbers lie, as many of them in each.
    """
    levels = [(1 - MIDDLE_SHARE) / 2, (1 + MIDDLE_SHARE) / 2]
    low, high = np.quantile(values, levels, method="inverted_cdf")
    if whole:
        width = max(1, -(-int(high - low + 1) // BINS))
        return np.arange(low, high + width + 0.5, width) - 0.5
    margin = 0.0 if high > low else 0.5
    return np.linspace(low - margin, high + margin, BINS + 1)
