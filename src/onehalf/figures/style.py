"""What the figures have in common: colours, axes, clouds, stairs, and files.

Text and axes are black, and nothing else is, so that a page can give them its own text colour. Data and samples have
two colours of Okabe & Ito (2008), which differ in every kind of colour vision, 3 : 1 or more from white and black.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from onehalf._errors import refuse

DATA, SAMPLES, BAND = "#0072B2", "#D55E00", "#009E73"
"""Okabe & Ito's blue, vermilion and bluish green."""

GOAL: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.2}
"""A level that curves are to be compared with."""

STRONG = 1.6
"""The width of a curve that matters, in points."""

POINTS = 2000
"""At most so many points in a cloud."""

Values = Real[np.ndarray, " _"]
"""Those of one column."""

Pairs = Real[np.ndarray, "_ 2"]
"""Rows of two entries."""


def packed(figure: Figure, suffix: str) -> bytes:
    """The bytes of a .png, .svg or .pdf file.

    >>> packed(plain("round", "nats")[0], ".png")[1:4]
    b'PNG'
    """
    if suffix not in (".png", ".svg", ".pdf"):
        refuse(
            "the picture's name",
            expected="a .png, .svg or .pdf file",
            got=suffix or "no suffix",
        )
    file = io.BytesIO()
    figure.savefig(file, format=suffix[1:], dpi=160)
    return file.getvalue()


def plain(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def legend(figure: Figure) -> None:
    """What the colours mean, in a line above the axes; each name once."""
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside upper left",
        ncols=3,
        frameon=False,
    )


def percent(share: float, _position: Any = None) -> str:
    """A share as an axis says it.

    >>> percent(0.07), percent(0.125)
    ('7%', '12.5%')
    """
    return f"{100 * share:g}%"


def finite(rows: np.ndarray) -> np.ndarray:
    """The rows with finite entries alone."""
    return rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]


def equally(sets: Iterable[np.ndarray], most: int) -> int:
    """How many rows of each set to show: equally many, so that no cloud looks denser by its size."""
    return min(most, *(len(rows) for rows in sets if len(rows)))


def spread(rows: np.ndarray, n: int) -> np.ndarray:
    """At most n rows, evenly spaced: a file that is sorted shows its end as well.

    >>> spread(np.arange(10), 4)
    array([0, 3, 6, 9])
    """
    return rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(int)]


def edges(values: Values, bins: int = 30, room: float = 0.0) -> Float[np.ndarray, " _"]:
    """Bins from the least to the greatest value, and `room` for so much of that; a few whole numbers have one each.

    >>> edges(np.array([0.5, 10.5]), bins=2, room=0.1), edges(np.array([0.0, 2.0]))
    (array([-0.5,  5.5, 11.5]), array([-0.5,  0.5,  1.5,  2.5]))
    """
    low, high = float(values.min()), float(values.max())
    if _few_whole(values):
        return np.arange(low - 0.5, high + 1)
    beyond = room * (high - low) if high > low else 0.5
    return np.linspace(low - beyond, high + beyond, bins + 1)


def binned(
    columns: Sequence[Values],
) -> tuple[Float[np.ndarray, "sets bins"], Float[np.ndarray, " edges"]]:
    """The share of each set's values in shared bins, and their edges."""
    shared = edges(np.concatenate(columns))
    return np.array(
        [np.histogram(values, shared)[0] / max(len(values), 1) for values in columns]
    ), shared


def histogram(axes: Axes, columns: Sequence[Values], names: Iterable[str]) -> None:
    """One column of each set."""
    stairs(axes, *binned(columns), names)
    _ticks(axes.xaxis, np.concatenate(columns))


def stairs(axes: Axes, shares: Iterable[Any], edges: Any, names: Iterable[str]) -> None:
    """The data filled, and the samples as a line."""
    fills = ({"fill": True, "alpha": 0.6, "linewidth": 0}, {"fill": False, "linewidth": STRONG})
    for share, colour, fill, name in zip(shares, (DATA, SAMPLES), fills, names, strict=False):
        axes.stairs(share, edges, color=colour, label=name, **fill)
    axes.yaxis.set_major_formatter(percent)
    axes.spines[["top", "right"]].set_visible(False)


def clouds(
    panels: Iterable[Axes],
    sets: Sequence[Pairs],
    names: Sequence[str],
    keeps: Sequence[Any] = (True, True),
) -> None:
    """A cloud of each set, with equally many points, on shared axes with room for all rows; those not kept are pale.

    A few whole numbers are scattered about their places, so that many equal ones look like many.
    """
    columns = np.concatenate(sets).T
    limits = [edges(values, room=0.04)[[0, -1]] for values in columns]
    width = [0.4 * _few_whole(values) for values in columns]
    rng, shown = np.random.default_rng(0), equally(sets, POINTS)
    for axes, rows, keep, colour in zip(panels, sets, keeps, (DATA, SAMPLES), strict=False):
        places = spread(rows, shown)
        places = places + rng.uniform(-1, 1, places.shape) * width
        strength: Any = np.where(spread(np.broadcast_to(keep, len(rows)), shown), 0.5, 0.12)
        if len(places):
            axes.scatter(
                *places.T, s=5, color=colour, alpha=strength, linewidths=0, rasterized=True
            )
        axes.set(xlim=limits[0], ylim=limits[1], xlabel=names[0], ylabel=names[1])
        axes.label_outer()
        _ticks(axes.xaxis, columns[0])
        _ticks(axes.yaxis, columns[1])


def _ticks(axis: Axis, values: Values) -> None:
    """A few, in full, and at whole numbers if there is nothing else."""
    axis.set_major_formatter(ScalarFormatter(useOffset=False))
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=_few_whole(values)))


def _few_whole(values: Values) -> bool:
    return bool(np.ptp(values) <= 30 and (values == np.rint(values)).all())
