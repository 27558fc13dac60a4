"""Where two samples differ for certain, drawn on their rows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from onehalf.figures.overview import AnyRows
from onehalf.figures.style import BAND, STRONG, clouds, finite, histogram

__all__ = ["regions"]

REGIONS = 3
"""At most so many in a figure."""

Ends = dict[str, tuple[float, float]]
"""Column by column, the ends of the interval that a rule leaves; infinite where it leaves it open."""

Columns = dict[str, np.ndarray]
"""The columns that a rule names."""


def regions(
    real: AnyRows,
    other: AnyRows,
    regions: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    called: str = "other sample",
) -> Figure | None:
    """The first three certain regions, drawn on the data: a band over one column, a box over two; None without any.

    `regions` are those of a `Measurement`, `names` has one for each entry of a row. A rule of three columns is drawn
    over its first two, and rows that break the third condition are pale.

    >>> share = {"share": 0.1}
    >>> rule = {"rule": "a > 1", "conditions": [["a", ">", 1.0]], "certain": True, "real": share, "other": share}
    >>> len(regions(np.zeros((9, 2)), np.ones((9, 2)), [rule], ["a", "b"]).axes)
    1
    """
    certain = [
        region
        for region in regions
        if region["certain"] and set(_ends(region["conditions"])) <= set(names)
    ]
    certain = certain[:REGIONS]
    if not certain:
        return None
    figure = Figure(figsize=(7.6, 3.5 * len(certain)), layout="constrained")
    parts = figure.subfigures(len(certain), 1, squeeze=False)[:, 0]
    for part, region in zip(parts, certain, strict=True):
        part.suptitle(region["rule"])
        ends = _ends(region["conditions"])
        places = [list(names).index(name) for name in ends]
        sets = [finite(np.asarray(rows)) for rows in (real, other)]
        columns = [
            dict(zip(ends, rows.reshape(len(rows), -1).T[places], strict=True)) for rows in sets
        ]
        shares = [
            f"{name}: {region[side]['share']:.1%} in it"
            for name, side in (("data", "real"), (called, "other"))
        ]
        (_band if len(ends) == 1 else _box)(part, columns, ends, shares)
    return figure


def _ends(conditions: Sequence[Sequence[Any]]) -> Ends:
    ends: Ends = {}
    for name, op, value in conditions:
        low, high = ends.get(name, (-math.inf, math.inf))
        # between whole numbers lies no row, so that an end there cuts off none
        half = 0.5 if isinstance(value, int) else 0.0
        ends[name] = (
            low if op == "<=" else value - half,
            high if op in (">", ">=") else value + half,
        )
    return ends


def _band(part: SubFigure, sets: Sequence[Columns], ends: Ends, shares: Sequence[str]) -> None:
    """Histograms of a column, and the interval as a band."""
    ((name, interval),) = ends.items()
    axes = part.subplots()
    histogram(axes, [columns[name] for columns in sets], shares)
    axes.autoscale(axis="x", tight=True)
    axes.axvspan(*np.clip(interval, *axes.get_xlim()), color=BAND, alpha=0.25, zorder=0)
    axes.set(xlabel=name, ylabel="share of the rows")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)


def _box(part: SubFigure, sets: Sequence[Columns], ends: Ends, shares: Sequence[str]) -> None:
    """Two clouds over a pair of columns, and the box on both; rows that break any further condition are pale."""
    (x, interval), (y, other), *further = ends.items()
    panels = part.subplots(1, 2, sharex=True, sharey=True)
    keeps = [
        np.all(
            [(low <= columns[name]) & (columns[name] <= high) for name, (low, high) in further],
            axis=0,
        )
        for columns in sets
    ]
    clouds(
        panels, [np.stack([columns[x], columns[y]], axis=1) for columns in sets], (x, y), keeps
    )
    left, right = np.clip(interval, *panels[0].get_xlim())
    bottom, top = np.clip(other, *panels[0].get_ylim())
    for axes, share in zip(panels, shares, strict=True):
        style = {"edgecolor": "black", "linewidth": STRONG, "clip_on": False, "zorder": 3}
        axes.add_patch(
            Rectangle((left, bottom), right - left, top - bottom, fill=False, **style)
        )
        axes.set_title(share)
