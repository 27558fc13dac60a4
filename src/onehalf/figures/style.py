"""What the figures share: colours, axes, histograms, scatter plots, and files.

Text and axes are black, and nothing else is, so that a page can give them its own text colour.
Data and samples have two colours of Okabe & Ito (2008), which differ in every kind of colour
vision, 3 : 1 or more from white and black.
"""

import io
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from onehalf._blocks import take_evenly
from onehalf._errors import refuse

DATA = "#0072B2"
"""The colour of data: Okabe & Ito's blue."""

SAMPLES = "#D55E00"
"""The colour of samples: Okabe & Ito's vermilion."""

BAND = "#009E73"
"""The colour of bands and of further curves: Okabe & Ito's bluish green."""

GOAL: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.2}
"""The line style of a level that curves are to be compared with."""

STRONG = 1.6
"""The width of a curve that matters, in points."""

DPI = 160
"""Pixels to an inch of the files that figures are written to."""

NARROW = 4.4
"""The width of a figure for a narrow screen, in inches."""

NARROW_LETTERS = 46
"""Letters in a line of a heading of such a figure."""

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
"""The kinds of file that hold a figure."""

SCATTERED = 2000
"""Points in a scatter plot, at most."""

FAINT = 0.12
"""The opacity of points in a scatter plot that are not part of what is shown."""

WHOLE_RANGE = 30
"""Whole numbers within a range of at most this get a bin each."""

Values = Real[np.ndarray, " _"]
"""The values of one column."""

Pairs = Real[np.ndarray, "_ 2"]
"""Rows of two entries."""


def encode_figure(figure: Figure, suffix: str) -> bytes:
    """Encode a figure as the bytes of a .png, .svg or .pdf file.

    >>> encode_figure(new_figure("round", "nats")[0], ".png")[1:4]
    b'PNG'
    """
    if suffix not in FIGURE_SUFFIXES:
        refuse(
            "the figure's name",
            expected="a .png, .svg or .pdf file",
            got=suffix or "no suffix",
        )
    file = io.BytesIO()
    figure.savefig(file, format=suffix[1:], dpi=DPI)
    return file.getvalue()


def new_figure(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes."""
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    hide_spines(axes)
    return figure, axes


def fill_title(title: str, *, is_narrow: bool) -> str:
    """Break a heading into lines that fit into a figure for a narrow screen; others have room."""
    return textwrap.fill(title, NARROW_LETTERS) if is_narrow else title


def hide_spines(axes: Axes) -> None:
    """Leave only the left and the lower axis line."""
    axes.spines[["top", "right"]].set_visible(False)


def put_legend_above(axes: Axes, ncols: int = 1) -> None:
    """Explain the lines above the axes, at their left end."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=ncols, frameon=False, fontsize="small"
    )


def add_legend(figure: Figure) -> None:
    """Explain the colours in a line above the axes; each name once."""
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside upper left",
        ncols=3,
        frameon=False,
    )


def format_percent(share: float, _position: Any = None) -> str:
    """Format a share as a tick label.

    >>> format_percent(0.07), format_percent(0.125)
    ('7%', '12.5%')
    """
    return f"{100 * share:g}%"


def drop_non_finite(rows: np.ndarray) -> np.ndarray:
    """Keep only the rows whose entries are all finite."""
    return rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]


def count_to_show(sets: Iterable[np.ndarray], most: int) -> int:
    """Count the rows to show of each set: equally many, so that no set looks denser only because it is larger."""
    return min(most, *(len(rows) for rows in sets if len(rows)))


def bin_edges(values: Values, bins: int = 30, room: float = 0.0) -> Float[np.ndarray, " _"]:
    """Divide the range of values into bins; a few whole numbers get one bin each.

    Args:
        values: What is to be counted.
        bins: How many bins.
        room: Margin on either side, as a share of the range.

    >>> bin_edges(np.array([0.5, 10.5]), bins=2, room=0.1), bin_edges(np.array([0.0, 2.0]))
    (array([-0.5,  5.5, 11.5]), array([-0.5,  0.5,  1.5,  2.5]))
    """
    low = float(values.min())
    high = float(values.max())
    if _are_few_whole_numbers(values):
        return np.arange(low - 0.5, high + 1)
    margin = room * (high - low) if high > low else 0.5
    return np.linspace(low - margin, high + margin, bins + 1)


def count_in_bins(
    columns: Sequence[Values],
) -> tuple[Float[np.ndarray, "sets bins"], Float[np.ndarray, " edges"]]:
    """Count the share of each set's values in shared bins.

    The second result are their edges.
    """
    edges = bin_edges(np.concatenate(columns))
    shares = [np.histogram(values, edges)[0] / max(len(values), 1) for values in columns]
    return np.array(shares), edges


def draw_histogram(axes: Axes, columns: Sequence[Values], names: Iterable[str]) -> None:
    """Draw one column of each set: the data filled, the samples as a line."""
    draw_stairs(axes, *count_in_bins(columns), names)
    _set_ticks(axes.xaxis, np.concatenate(columns))


def draw_stairs(axes: Axes, shares: Iterable[Any], edges: Any, names: Iterable[str]) -> None:
    """Draw shares in bins: the data filled, the samples as a line."""
    styles = (
        {"color": DATA, "fill": True, "alpha": 0.6, "linewidth": 0},
        {"color": SAMPLES, "fill": False, "linewidth": STRONG},
    )
    for share, style, name in zip(shares, styles, names, strict=False):
        axes.stairs(share, edges, label=name, **style)
    axes.yaxis.set_major_formatter(format_percent)
    hide_spines(axes)


def draw_scatter(
    panels: Iterable[Axes],
    sets: Sequence[Pairs],
    names: Sequence[str],
    highlights: Sequence[Any] = (True, True),
) -> None:
    """Draw a scatter plot of each set, with equally many points, on shared axes with room for all rows.

    A few whole numbers are jittered, so that equal ones do not hide each other.

    Args:
        panels: The axes of each set.
        sets: Rows of two columns: the data first.
        names: The names of the two columns.
        highlights: For each set, which rows are drawn strongly: all of them, or a mask.
    """
    columns = np.concatenate(sets).T
    limits = [bin_edges(values, room=0.04)[[0, -1]] for values in columns]
    jitter = [0.4 * _are_few_whole_numbers(values) for values in columns]
    rng = np.random.default_rng(0)
    shown = count_to_show(sets, SCATTERED)
    for axes, rows, highlight, colour in zip(
        panels, sets, highlights, (DATA, SAMPLES), strict=False
    ):
        points = take_evenly(rows, shown)
        points = points + rng.uniform(-1, 1, points.shape) * jitter
        strong = take_evenly(np.broadcast_to(highlight, len(rows)), shown)
        opacity: Any = np.where(strong, 0.5, FAINT)
        if len(points):
            axes.scatter(
                *points.T, s=5, color=colour, alpha=opacity, linewidths=0, rasterized=True
            )
        axes.set(xlim=limits[0], ylim=limits[1], xlabel=names[0], ylabel=names[1])
        axes.label_outer()
        _set_ticks(axes.xaxis, columns[0])
        _set_ticks(axes.yaxis, columns[1])


def _set_ticks(axis: Axis, values: Values) -> None:
    """Put a few ticks, written in full, and at whole numbers if there is nothing else."""
    whole = _are_few_whole_numbers(values)
    axis.set_major_formatter(ScalarFormatter(useOffset=False))
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=whole))


def _are_few_whole_numbers(values: Values) -> bool:
    """Whether there are only whole numbers, and few different ones."""
    return bool(np.ptp(values) <= WHOLE_RANGE and (values == np.rint(values)).all())
