"""Draw where two samples certainly differ, on their rows."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from onehalf.evaluation.result import Condition, Region
from onehalf.figures.overview import AnyRows
from onehalf.figures.style import (
    BAND,
    NARROW,
    STRONG,
    draw_histogram,
    draw_scatter,
    drop_non_finite,
    fill_title,
)

__all__ = ["draw_regions"]

MOST_REGIONS = 3
"""Regions in a figure, at most."""

Interval = tuple[float, float]
"""The ends of an interval, infinite where it is open."""

Box = dict[str, Interval]
"""The interval that a rule leaves of each of its columns."""

Columns = dict[str, np.ndarray]
"""The columns that a rule names."""


def draw_regions(
    real: AnyRows,
    other: AnyRows,
    regions: Sequence[Region],
    names: Sequence[str],
    called: str = "other sample",
    *,
    is_narrow: bool = False,
) -> Figure | None:
    """Draw the first three certain regions on the rows: a band over one column, a box over two.

    Returns None without regions.

    A rule of three columns is drawn over its first two, and rows that break the third condition
    are pale.

    Args:
        real: Rows of the data.
        other: Rows of the other sample.
        regions: The regions of a `Measurement`.
        names: The names of the entries of a row.
        called: What the other sample is called.
        is_narrow: Whether it is for a narrow screen.

    >>> from onehalf.evaluation.result import Share
    >>> share = Share(share=0.1, low=0.0, high=0.2)
    >>> rule = {"rule": "a > 1", "conditions": (Condition("a", ">", 1.0),)}
    >>> region = Region(real=share, other=share, jsd_lower=0.1, certain=True, **rule)
    >>> len(draw_regions(np.zeros((9, 2)), np.ones((9, 2)), [region], ["a", "b"]).axes)
    1
    """
    shown = [
        (region, box)
        for region in regions
        if region.certain
        for box in [_box_of(region.conditions)]
        if set(box) <= set(names)
    ][:MOST_REGIONS]
    if not shown:
        return None
    sets = [drop_non_finite(np.asarray(rows)) for rows in (real, other)]
    sets = [rows.reshape(len(rows), -1) for rows in sets]
    width, height = (NARROW, 2.9) if is_narrow else (7.6, 3.5)
    figure = Figure(figsize=(width, height * len(shown)), layout="constrained")
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, (region, box) in zip(parts, shown, strict=True):
        part.suptitle(fill_title(region.rule, is_narrow=is_narrow))
        places = [list(names).index(name) for name in box]
        columns = [dict(zip(box, rows.T[places], strict=True)) for rows in sets]
        titles = [
            f"data: {region.real.share:.1%} inside",
            f"{called}: {region.other.share:.1%} inside",
        ]
        (_draw_band if len(box) == 1 else _draw_box)(part, columns, box, titles)
    return figure


def _box_of(conditions: Sequence[Condition]) -> Box:
    """The interval of each column in which all conditions hold."""
    box: Box = {}
    for name, op, value in conditions:
        if not isinstance(value, int | float):
            raise TypeError(f"only conditions on numbers can be drawn, not {value!r}")
        low, high = box.get(name, (-math.inf, math.inf))
        # no row lies between two whole numbers, so that an end there excludes none
        half = 0.5 if isinstance(value, int) else 0.0
        box[name] = (
            low if op == "<=" else value - half,
            high if op in (">", ">=") else value + half,
        )
    return box


def _draw_band(
    part: SubFigure, sets: Sequence[Columns], box: Box, titles: Sequence[str]
) -> None:
    """Draw histograms of a column, and the interval as a band."""
    ((name, interval),) = box.items()
    axes = part.subplots()
    draw_histogram(axes, [columns[name] for columns in sets], titles)
    axes.autoscale(axis="x", tight=True)
    axes.axvspan(*np.clip(interval, *axes.get_xlim()), color=BAND, alpha=0.25, zorder=0)
    axes.set(xlabel=name, ylabel="share of the rows")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)


def _draw_box(
    part: SubFigure, sets: Sequence[Columns], box: Box, titles: Sequence[str]
) -> None:
    """Draw scatter plots of two columns, and the box on both.

    Rows that break a further condition are pale.
    """
    (x, x_interval), (y, y_interval), *further = box.items()
    panels = part.subplots(1, 2, sharex=True, sharey=True)
    highlights = [_rows_within(columns, dict(further)) for columns in sets]
    pairs = [np.stack([columns[x], columns[y]], axis=1) for columns in sets]
    draw_scatter(panels, pairs, (x, y), highlights)
    left, right = np.clip(x_interval, *panels[0].get_xlim())
    bottom, top = np.clip(y_interval, *panels[0].get_ylim())
    for axes, title in zip(panels, titles, strict=True):
        style = {"edgecolor": "black", "linewidth": STRONG, "clip_on": False, "zorder": 3}
        axes.add_patch(
            Rectangle((left, bottom), right - left, top - bottom, fill=False, **style)
        )
        axes.set_title(title)


def _rows_within(columns: Columns, box: Box) -> np.ndarray:
    """A mask of the rows inside a box; of all rows, if it has no column."""
    inside = np.ones(len(next(iter(columns.values()))), bool)
    for name, (low, high) in box.items():
        inside &= (low <= columns[name]) & (columns[name] <= high)
    return inside
