"""The figures: each function draws one `matplotlib.figure.Figure`, which the caller saves. No global state is touched.

Text and axes are black, and nothing else is, so that a page can give them its own text colour. Data and samples have
two colours of Okabe & Ito (2008), which differ in every kind of colour vision, 3 : 1 or more from white and black.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Shaped
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from onehalf._base import refuse

__all__ = ["against", "beside", "kind", "looks", "one", "packed"]

DATA, SAMPLES, BAND = "#0072B2", "#D55E00", "#009E73"
"""Okabe & Ito's blue, vermilion and bluish green."""

POINTS, TILES, COLUMNS = 2000, 64, 12
"""At most so many points in a cloud, images on a sheet, and histograms in a figure."""

AnyRows = Shaped[np.ndarray | Array, "_ ..."]
"""Rows, one along the first axis; what kind of figure they get depends on the shape of one of them."""

Sets = Mapping[str, np.ndarray]
"""Sets of rows, by what they are called in the figure; the data come first."""

History = Sequence[Mapping[str, Any]]
"""`GAN.history_`: a row each 100 rounds, with a number for each game under each name."""


def kind(rows: AnyRows) -> str:
    """How such rows are drawn: as 'points' (of two entries), 'images' (h, w[, 1, 3 or 4]) or 'columns' (anything else).

    >>> kind(np.zeros((5, 2))), kind(np.zeros((5, 8, 8))), kind(np.zeros((5, 3)))
    ('points', 'images', 'columns')
    """
    shape = rows.shape[1:]
    if shape == (2,):
        return "points"
    return "images" if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)) else "columns"


def one(rows: AnyRows, name: str = "data") -> Figure:
    """One data set: points and their density, a sheet of images, or histograms of its columns.

    >>> len(one(np.random.default_rng(0).normal(size=(500, 2))).axes)      # points, density, colour scale
    3
    """
    return _figure({name: np.asarray(rows)}, ())


def beside(real: AnyRows, samples: AnyRows, names: Sequence[str] = ()) -> Figure:
    """Lay samples beside the data, on the same axes, in the same bins, on the same scale of colours.

    `names` are those of the columns, as many as there are or none. Of more than 12 columns those are drawn whose
    histograms differ most. Rows with an entry that is not finite are left out, and the title counts them.

    >>> len(beside(np.zeros((9, 8, 8)), np.ones((9, 8, 8))).axes)
    2
    """
    if real.shape[1:] != samples.shape[1:]:
        refuse("samples", expected=f"rows of the data's shape {real.shape[1:]}", got=samples.shape[1:])
    return _figure({"data": np.asarray(real), "samples": np.asarray(samples)}, names)


def against(
    history: History,
    curves: Mapping[str, str],
    *,
    label: str,
    level: tuple[float, str] | None = None,
    chosen: int = 0,
    log: bool = False,
) -> Figure:
    """Curves over the rounds against a level, a dashed line; the chosen game is strong and any others are pale.

    `curves` says which names of the history are drawn, and what the legend calls them.

    >>> rows = [{"t": 100, "V": [-1.2]}, {"t": 200, "V": [-1.3]}]
    >>> against(rows, {"V": "V"}, label="nats", level=(-1.386, "-log 4")).axes[0].get_xlabel()
    'round'
    """
    figure, axes = _over_rounds(label)
    t = [row["t"] for row in history]
    for (name, meaning), colour in zip(curves.items(), (DATA, SAMPLES), strict=False):
        games = np.reshape([row[name] for row in history], (len(history), -1)).T
        for game, values in enumerate(games):
            strong = game == chosen
            style: dict[str, Any] = {"linewidth": 1.6, "label": meaning} if strong else {"linewidth": 0.8, "alpha": 0.5}
            axes.plot(t, values, color=colour, zorder=2 + strong, **style)
    if level:
        axes.axhline(level[0], color="black", linestyle="--", linewidth=1.2, label=level[1])
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    return figure


def looks(history: History, *, chosen: int = 0, kept: int | None = None) -> Figure:
    """Held-out nats at each look, with one standard error; data against data is a band.

    A ring marks the G that is kept, that of round `kept`.

    >>> rows = [{"t": 100, "jsd": [0.2], "se": [0.01], "null": [0.0, 0.01]}, {"t": 200, "jsd": [0.1], "se": [0.01]}]
    >>> looks(rows, kept=200).axes[0].get_ylabel()
    'JSD from below, nats'
    """
    figure, axes = _over_rounds("JSD from below, nats")
    seen = [row for row in history if "jsd" in row]
    t = [row["t"] for row in seen]
    for game, values in enumerate(np.reshape([row["jsd"] for row in seen], (len(seen), -1)).T):
        if game != chosen:
            axes.plot(t, values, color=SAMPLES, alpha=0.5, linewidth=0.8)
            continue
        errors = [row["se"][game] for row in seen]
        style = {"color": SAMPLES, "linewidth": 1.6, "marker": "o", "markersize": 3.5, "zorder": 3}
        axes.errorbar(t, values, errors, elinewidth=1, label="samples", **style)
        if kept is None or kept not in t:
            continue
        ring = {"marker": "o", "markersize": 11, "fillstyle": "none", "linestyle": "none"}
        axes.plot(kept, values[t.index(kept)], color="black", label="G that is kept", **ring)
    for jsd, se in [row["null"] for row in seen if "null" in row]:
        axes.axhspan(jsd - se, jsd + se, color=BAND, alpha=0.35, linewidth=0, label="data against data")
        axes.axhline(jsd, color=BAND, linewidth=1)
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    return figure


def packed(figure: Figure, suffix: str) -> bytes:
    """The bytes of a .png, .svg or .pdf file.

    >>> packed(one(np.zeros((9, 2))), ".png")[1:4]
    b'PNG'
    """
    if suffix not in (".png", ".svg", ".pdf"):
        refuse("the picture's name", expected="a .png, .svg or .pdf file", got=suffix or "no suffix")
    file = io.BytesIO()
    figure.savefig(file, format=suffix[1:], dpi=160)
    return file.getvalue()


def _over_rounds(label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel="round", ylabel=label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure, axes


def _figure(sets: Sets, names: Sequence[str]) -> Figure:
    """Each of these sets of rows, drawn as their shape asks for."""
    finite: dict[str, np.ndarray] = {}
    for name, rows in sets.items():
        good = rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]
        finite[name if len(good) == len(rows) else f"{name} ({len(rows) - len(good)} rows not finite)"] = good
    match kind(next(iter(sets.values()))):
        case "points":
            return _points(finite, names)
        case "images":
            return _sheets(finite)
        case _:
            return _histograms(finite, names)


def _points(sets: Sets, names: Sequence[str]) -> Figure:
    """Clouds of equally many points, then densities in shared cells."""
    every = np.concatenate(list(sets.values()))
    limits = [_range(every[:, 0]), _range(every[:, 1])]
    cells = int(np.clip(np.sqrt(_shown(sets, len(every)) / 4), 8, 64))
    shares = [np.histogram2d(*rows.T, bins=cells, range=limits)[0] / max(len(rows), 1) for rows in sets.values()]
    # with the root of the share a bridge between clumps is seen beside the clumps
    scale = {"norm": PowerNorm(0.5, vmin=0, vmax=max(share.max() for share in shares)), "cmap": "cividis"}

    figure = Figure(figsize=(5.3 * len(sets) + 0.7, 2.9), layout="constrained")
    panels = figure.subplots(1, 2 * len(sets), sharex=True, sharey=True, squeeze=False)[0]
    panels[0].set(xlim=limits[0], ylim=limits[1])
    if len(names):
        panels[0].set(xlabel=names[0], ylabel=names[1])
    for axes, colour, (name, rows) in zip(panels, (DATA, SAMPLES), sets.items(), strict=False):
        x, y = _spread(rows, _shown(sets, POINTS)).T
        axes.scatter(x, y, s=5, color=colour, alpha=0.5, linewidths=0, rasterized=True)
        axes.set_title(name)
    for axes, name, share in zip(panels[len(sets) :], sets, shares, strict=True):
        extent = (*limits[0], *limits[1])
        axes.imshow(share.T, origin="lower", extent=extent, interpolation="nearest", aspect="auto", **scale)
        axes.set_title(f"{name}: density")
    for axes in panels:
        axes.set_box_aspect(1)
    colours = ScalarMappable(**scale)
    figure.colorbar(colours, ax=panels.tolist(), label="share of the rows", format=PercentFormatter(1), pad=0.01)
    return figure


def _sheets(sets: Sets) -> Figure:
    """Up to 64 images of each, evenly spaced among the rows; the data's darkest and brightest set the scale."""
    data = next(iter(sets.values())).astype(np.float64)
    low, high = data.min(), data.max()
    figure = Figure(figsize=(4.4 * len(sets), 4.5), layout=ConstrainedLayoutEngine(wspace=0.06))
    panels = figure.subplots(1, len(sets), squeeze=False)[0]
    for axes, (name, rows) in zip(panels, sets.items(), strict=True):
        images = _spread(rows, _shown(sets, TILES)).astype(np.float64)
        axes.imshow(_sheet(np.clip((images - low) / ((high - low) or 1.0), 0, 1)), interpolation="nearest")
        axes.set_title(name)
        axes.set_axis_off()
    return figure


def _sheet(images: Float[np.ndarray, "n h w ..."]) -> Float[np.ndarray, "height width 4"]:
    """Images laid out in a square, in RGBA, with a transparent gap between them."""
    n, h, w = images.shape[:3]
    across = math.ceil(math.sqrt(n)) or 1
    down = max(1, -(-n // across))
    gap = max(1, h // 16)
    images = images[..., None] if images.ndim == 3 else images
    tiles = np.zeros((down * across, h + gap, w + gap, 4))
    tiles[:n, :h, :w, :3] = images[..., :3]
    tiles[:n, :h, :w, 3] = images[..., 3] if images.shape[3] == 4 else 1.0
    rows = tiles.reshape(down, across, h + gap, w + gap, 4).swapaxes(1, 2)
    return rows.reshape(down * (h + gap), across * (w + gap), 4)


def _histograms(sets: Sets, names: Sequence[str]) -> Figure:
    """Draw the shares of rows in shared bins, column by column."""
    columns = [rows.reshape(len(rows), math.prod(rows.shape[1:])).astype(np.float64).T for rows in sets.values()]
    edges = [_edges(np.concatenate(both)) for both in zip(*columns, strict=True)]
    shares = [
        np.array([np.histogram(values, bins)[0] / max(len(values), 1) for values in both])
        for *both, bins in zip(*columns, edges, strict=True)
    ]
    differ = np.argsort([-np.ptp(share, axis=0).sum() for share in shares], kind="stable")
    drawn = np.sort(differ[:COLUMNS])
    across = min(4, len(drawn))
    down = -(-len(drawn) // across)

    figure = Figure(figsize=(2.8 * max(across, 2), 2.1 * down + 0.5), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(drawn) :]:
        axes.set_axis_off()
    for axes, column in zip(panels, drawn, strict=False):
        fills = ({"fill": True, "alpha": 0.6, "linewidth": 0}, {"fill": False, "linewidth": 1.6})
        for share, colour, fill, name in zip(shares[column], (DATA, SAMPLES), fills, sets, strict=False):
            axes.stairs(share, edges[column], color=colour, label=name, **fill)
        axes.set_title(names[column] if len(names) else f"column {column}", fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.ticklabel_format(axis="x", scilimits=(-3, 4))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False)
    return figure


def _shown(sets: Sets, most: int) -> int:
    """How many rows of each set are shown: equally many, so that no cloud looks denser by its size."""
    return min(most, *(len(rows) for rows in sets.values() if len(rows)))


def _spread(rows: np.ndarray, n: int) -> np.ndarray:
    """At most n rows, evenly spaced: a file that is sorted shows its end as well."""
    return rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(int)]


def _range(values: np.ndarray) -> tuple[float, float]:
    """From the least to the greatest, and a little room."""
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) or 0.5
    return low - room, high + room


def _edges(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " edges"]:
    """Thirty bins; a few whole numbers have one each."""
    if np.ptp(values) <= 30 and (values == np.rint(values)).all():
        return np.arange(values.min() - 0.5, values.max() + 1)
    return np.linspace(*_range(values), 31)
