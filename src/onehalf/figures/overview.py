"""Draw arrays and images, data and samples side by side: scatter plots and densities, histograms, grids of images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Shaped
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from onehalf._blocks import take_evenly
from onehalf._errors import refuse
from onehalf.data.arrays.validation import numbered
from onehalf.data.images.properties import pixel_limits
from onehalf.figures.image_grid import tile_images
from onehalf.figures.style import (
    DPI,
    NARROW,
    add_legend,
    bin_edges,
    count_in_bins,
    count_to_show,
    draw_histogram,
    draw_scatter,
    drop_non_finite,
    format_percent,
)

__all__ = ["IMAGES_SHOWN", "MOST_HISTOGRAMS", "AnyRows", "draw_arrays", "draw_images"]

IMAGES_SHOWN = 64
"""Images of each set, at most."""

MOST_HISTOGRAMS = 12
"""Histograms in a figure, at most."""

GRID_SIDE = 700
"""The longer side of a grid of images, at most, in pixels of the file."""

GRID_GAP = 40
"""The room between two grids, in pixels of the file."""

GRID_TITLE = 50
"""The room above a grid, in pixels of the file."""

AnyRows = Shaped[np.ndarray | Array, "_ ..."]
"""Rows, one along the first axis."""

Sets = dict[str, np.ndarray]
"""Sets of rows of one shape, by their names in the figure; the data come first."""


def draw_arrays(
    sets: Mapping[str, AnyRows], names: Sequence[str] = (), *, is_narrow: bool = False
) -> Figure:
    """Draw one or two sets of rows on the same axes: scatter plots and densities of two columns, else histograms.

    Of more than 12 columns those are drawn whose histograms differ most. Rows with an entry
    that is not finite are left out, and the title counts them.

    Args:
        sets: The rows, by what they are called: the data first.
        names: The names of the columns, as many as there are; x1, x2, ... without them.
        is_narrow: Whether it is for a narrow screen: histograms one below the other, points above densities.

    >>> rows = np.random.default_rng(0).normal(size=(500, 2))
    >>> len(draw_arrays({"data": rows}).axes)  # points, density, colour scale
    3
    """
    shape = _common_shape(sets)
    finite = _drop_non_finite(sets)
    names = names or numbered(shape)
    draw = _draw_points if shape == (2,) else _draw_histograms
    return draw(finite, names, is_narrow=is_narrow)


def draw_images(sets: Mapping[str, AnyRows], *, is_narrow: bool = False) -> Figure:
    """Draw up to 64 images of each set as a grid, evenly spaced among the rows, with the data's black and white.

    A pixel is drawn as a square of whole pixels of the file, if a grid is not larger than its
    place. With `is_narrow` the grids are one below the other.

    >>> len(draw_images({"data": np.zeros((9, 8, 8)), "samples": np.ones((9, 8, 8))}).axes)
    2
    """
    _common_shape(sets)
    finite = _drop_non_finite(sets)
    limits = pixel_limits(next(iter(finite.values())))
    shown = count_to_show(finite.values(), IMAGES_SHOWN)
    grids = [
        tile_images(take_evenly(images, shown), limits=limits) for images in finite.values()
    ]
    height, width = grids[0].shape[:2]
    times = GRID_SIDE // max(height, width) or GRID_SIDE / max(height, width)
    across, down = (1, len(grids)) if is_narrow else (len(grids), 1)
    total_width = across * (width * times + GRID_GAP) - GRID_GAP
    total_height = down * (height * times + GRID_TITLE)
    figure = Figure(figsize=(total_width / DPI, total_height / DPI))
    for place, (name, pixels) in enumerate(zip(finite, grids, strict=True)):
        row, column = divmod(place, across)
        left = column * (width * times + GRID_GAP)
        bottom = (down - 1 - row) * (height * times + GRID_TITLE)
        box = (left, bottom, width * times, height * times)
        axes = figure.add_axes(tuple(np.divide(box, 2 * (total_width, total_height)).tolist()))
        axes.imshow(pixels, interpolation="nearest" if times >= 1 else "antialiased")
        axes.set_title(name)
        axes.set_axis_off()
    return figure


def _common_shape(sets: Mapping[str, AnyRows]) -> tuple[int, ...]:
    """The shape of a row, which all sets must have."""
    (_, first), *others = sets.items()
    shape = first.shape[1:]
    for name, rows in others:
        if rows.shape[1:] != shape:
            refuse(name, expected=f"rows of the data's shape {shape}", got=rows.shape[1:])
    return shape


def _drop_non_finite(sets: Mapping[str, AnyRows]) -> Sets:
    """Leave out rows that are not finite, and count them in the name of their set."""
    finite: Sets = {}
    for name, rows in sets.items():
        kept = drop_non_finite(np.asarray(rows))
        lost = len(rows) - len(kept)
        finite[f"{name} ({lost} rows not finite)" if lost else name] = kept
    return finite


def _draw_points(sets: Sets, names: Sequence[str], *, is_narrow: bool) -> Figure:
    """Draw scatter plots of equally many points, then densities in shared cells."""
    pooled = np.concatenate(list(sets.values()))
    cells = int(np.clip(np.sqrt(count_to_show(sets.values(), len(pooled)) / 4), 8, 64))
    x, y = (bin_edges(values, cells, room=0.04) for values in pooled.T)
    shares = [
        np.histogram2d(*rows.T, bins=(x, y))[0] / max(len(rows), 1) for rows in sets.values()
    ]
    # with the root of the share a bridge between clusters is as visible as the clusters
    norm = PowerNorm(0.5, vmin=0, vmax=max(share.max() for share in shares))
    scale: dict[str, Any] = {"norm": norm, "cmap": "cividis"}

    size = (NARROW, 5.2) if is_narrow else (5.3 * len(sets) + 0.7, 3.3)
    across = (2, len(sets)) if is_narrow else (1, 2 * len(sets))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(*across, sharex=True, sharey=True, squeeze=False).ravel()
    draw_scatter(panels[: len(sets)], list(sets.values()), names)
    extent = (x[0], x[-1], y[0], y[-1])
    for axes, share in zip(panels[len(sets) :], shares, strict=True):
        axes.imshow(share.T, origin="lower", extent=extent, interpolation="nearest", **scale)
        axes.set(xlabel=names[0], ylabel=names[1])
        axes.label_outer()
    titles = [*sets, *(f"{name}: density" for name in sets)]
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title)
        axes.set_aspect("auto")
        axes.set_box_aspect(1)
    figure.colorbar(
        ScalarMappable(**scale),
        ax=panels.tolist(),
        label="share of the rows",
        format=FuncFormatter(format_percent),
        location="bottom" if is_narrow else "right",
        pad=0.01,
    )
    return figure


def _draw_histograms(sets: Sets, names: Sequence[str], *, is_narrow: bool) -> Figure:
    """Draw the columns whose shares of rows in shared bins differ most, in their own order."""
    columns = [
        rows.reshape(len(rows), len(names)).astype(np.float64).T for rows in sets.values()
    ]
    by_column = list(zip(*columns, strict=True))
    differences = [np.ptp(count_in_bins(each)[0], axis=0).sum() for each in by_column]
    most_different = np.argsort(np.negative(differences), kind="stable")[:MOST_HISTOGRAMS]
    shown: list[int] = np.sort(most_different).tolist()
    across = 1 if is_narrow else min(4, len(shown))
    down = -(-len(shown) // across)

    width = NARROW if is_narrow else 2.8 * max(across, 2)
    figure = Figure(figsize=(width, 2.1 * down + 0.5), layout="constrained")
    for place, column in enumerate(shown, 1):
        axes = figure.add_subplot(down, across, place)
        draw_histogram(axes, by_column[column], sets)
        axes.set_title(names[column], fontsize="medium")
    add_legend(figure)
    return figure
