"""Rows, as their shape asks for: points and their density, a sheet of images, or a histogram of each column."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Shaped
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from onehalf._errors import refuse
from onehalf.data.arrays.validation import numbered
from onehalf.data.images.properties import is_image, limits_of
from onehalf.figures.image_grid import tiled
from onehalf.figures.style import (
    binned,
    clouds,
    edges,
    equally,
    finite,
    histogram,
    legend,
    percent,
    spread,
)

__all__ = ["COLUMNS", "TILES", "AnyRows", "beside", "kind", "one"]

TILES, COLUMNS = 64, 12
"""At most so many images on a sheet, and histograms in a figure."""

SHEET, BESIDE, ABOVE = 700, 40, 50
"""The longer side of a sheet, at most, and the room between two sheets and above them, in pixels of the file."""

DPI = 160
"""Pixels to an inch of the files that figures are written to."""

AnyRows = Shaped[np.ndarray | Array, "_ ..."]
"""Rows, one along the first axis; what kind of figure they get depends on the shape of one of them."""

Sets = dict[str, np.ndarray]
"""Sets of rows, by what they are called in the figure; the data come first."""


def kind(rows: AnyRows) -> str:
    """How such rows are drawn: as 'points' (of two entries), 'images' (h, w[, 1, 3 or 4]) or 'columns' (anything else).

    >>> kind(np.zeros((5, 2))), kind(np.zeros((5, 8, 8))), kind(np.zeros((5, 3)))
    ('points', 'images', 'columns')
    """
    shape = rows.shape[1:]
    if shape == (2,):
        return "points"
    return "images" if is_image(shape) else "columns"


def one(rows: AnyRows, name: str = "data") -> Figure:
    """One data set: points and their density, a sheet of images, or histograms of its columns.

    >>> len(one(np.random.default_rng(0).normal(size=(500, 2))).axes)      # points, density, colour scale
    3
    """
    return _figure({name: np.asarray(rows)}, ())


def beside(
    real: AnyRows, samples: AnyRows, names: Sequence[str] = (), called: str = "samples"
) -> Figure:
    """Lay samples beside the data, on the same axes, in the same bins, on the same scale of colours.

    `names` are those of the columns, as many as there are or none; `called` is what the samples are called. Of more
    than 12 columns those are drawn whose histograms differ most. Rows with an entry that is not finite are left out,
    and the title counts them.

    >>> len(beside(np.zeros((9, 8, 8)), np.ones((9, 8, 8))).axes)
    2
    """
    if real.shape[1:] != samples.shape[1:]:
        refuse(
            "samples",
            expected=f"rows of the data's shape {real.shape[1:]}",
            got=samples.shape[1:],
        )
    return _figure({"data": np.asarray(real), called: np.asarray(samples)}, names)


def _figure(sets: Sets, names: Sequence[str]) -> Figure:
    """Each of these sets of rows, drawn as their shape asks for."""
    first = next(iter(sets.values()))
    shown: Sets = {}
    for name, rows in sets.items():
        good = finite(rows)
        lost = len(rows) - len(good)
        shown[f"{name} ({lost} rows not finite)" if lost else name] = good
    match kind(first):
        case "images":
            return _sheets(shown)
        case "points":
            return _points(shown, names or numbered((2,)))
        case _:
            return _histograms(shown, names or numbered(first.shape[1:]))


def _points(sets: Sets, names: Sequence[str]) -> Figure:
    """Clouds of equally many points, then densities in shared cells."""
    every = np.concatenate(list(sets.values()))
    cells = int(np.clip(np.sqrt(equally(sets.values(), len(every)) / 4), 8, 64))
    x, y = (edges(values, cells, room=0.04) for values in every.T)
    shares = [
        np.histogram2d(*rows.T, bins=(x, y))[0] / max(len(rows), 1) for rows in sets.values()
    ]
    # with the root of the share a bridge between clumps is seen beside the clumps
    scale = {
        "norm": PowerNorm(0.5, vmin=0, vmax=max(share.max() for share in shares)),
        "cmap": "cividis",
    }

    figure = Figure(figsize=(5.3 * len(sets) + 0.7, 3.3), layout="constrained")
    panels = figure.subplots(1, 2 * len(sets), sharex=True, sharey=True, squeeze=False)[0]
    clouds(panels[: len(sets)], list(sets.values()), names)
    for axes, share in zip(panels[len(sets) :], shares, strict=True):
        axes.imshow(
            share.T,
            origin="lower",
            extent=(x[0], x[-1], y[0], y[-1]),
            interpolation="nearest",
            **scale,
        )
        axes.set_xlabel(names[0])
    for axes, title in zip(
        panels, [*sets, *(f"{name}: density" for name in sets)], strict=True
    ):
        axes.set_title(title)
        axes.set_aspect("auto")
        axes.set_box_aspect(1)
    colours, label = ScalarMappable(**scale), "share of the rows"
    figure.colorbar(
        colours, ax=panels.tolist(), label=label, format=FuncFormatter(percent), pad=0.01
    )
    return figure


def _sheets(sets: Sets) -> Figure:
    """Up to 64 images of each, evenly spaced among the rows; the data's darkest and brightest set the scale.

    A pixel is drawn as a square of whole pixels of the file, if a sheet is not larger than its place.
    """
    black_and_white = limits_of(next(iter(sets.values())))
    shown = [spread(rows, equally(sets.values(), TILES)) for rows in sets.values()]
    sheets = [tiled(images, limits=black_and_white) for images in shown]
    height, width = sheets[0].shape[:2]
    times = SHEET // max(height, width) or SHEET / max(height, width)
    sides = np.array([len(sets) * (width * times + BESIDE) - BESIDE, height * times + ABOVE])
    figure = Figure(figsize=tuple(sides / DPI))
    for place, (name, pixels) in enumerate(zip(sets, sheets, strict=True)):
        left = place * (width * times + BESIDE)
        axes = figure.add_axes(
            (left / sides[0], 0, width * times / sides[0], height * times / sides[1])
        )
        axes.imshow(pixels, interpolation="nearest" if times >= 1 else "antialiased")
        axes.set_title(name)
        axes.set_axis_off()
    return figure


def _histograms(sets: Sets, names: Sequence[str]) -> Figure:
    """The columns whose shares of rows in shared bins differ most, in their own order."""
    columns = [
        rows.reshape(len(rows), len(names)).astype(np.float64).T for rows in sets.values()
    ]
    pairs = list(zip(*columns, strict=True))
    alike = [-np.ptp(binned(pair)[0], axis=0).sum() for pair in pairs]
    drawn: list[int] = np.sort(np.argsort(alike, kind="stable")[:COLUMNS]).tolist()
    across = min(4, len(drawn))
    down = -(-len(drawn) // across)

    figure = Figure(figsize=(2.8 * max(across, 2), 2.1 * down + 0.5), layout="constrained")
    for place, column in enumerate(drawn, 1):
        axes = figure.add_subplot(down, across, place)
        histogram(axes, pairs[column], sets)
        axes.set_title(names[column], fontsize="medium")
    legend(figure)
    return figure
