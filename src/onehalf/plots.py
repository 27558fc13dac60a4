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
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from onehalf._base import refuse
from onehalf.data.arrays import numbered

__all__ = [
    "against",
    "beside",
    "calibration",
    "kind",
    "log_ratio",
    "looks",
    "one",
    "packed",
    "regions",
    "wealth",
]

DATA, SAMPLES, BAND = "#0072B2", "#D55E00", "#009E73"
"""Okabe & Ito's blue, vermilion and bluish green."""

POINTS, TILES, COLUMNS, REGIONS = 2000, 64, 12, 3
"""At most so many points in a cloud, images on a sheet, histograms in a figure, and regions in one."""

AnyRows = Shaped[np.ndarray | Array, "_ ..."]
"""Rows, one along the first axis; what kind of figure they get depends on the shape of one of them."""

Sets = Mapping[str, np.ndarray]
"""Sets of rows, by what they are called in the figure; the data come first."""

History = Sequence[Mapping[str, Any]]
"""`GAN.history_`: a row each 100 rounds, with a number for each game under each name."""

Drawn = Mapping[str, Mapping[str, Sequence[float]]]
"""`Measurement.drawn`: bars of log ratios, bins of the calibration, the curve of wealth."""

Ends = tuple[float, float]
"""Of an interval; infinite where a rule leaves it open."""


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


def beside(real: AnyRows, samples: AnyRows, names: Sequence[str] = (), called: str = "samples") -> Figure:
    """Lay samples beside the data, on the same axes, in the same bins, on the same scale of colours.

    `names` are those of the columns, as many as there are or none; `called` is what the samples are called. Of more
    than 12 columns those are drawn whose histograms differ most. Rows with an entry that is not finite are left out,
    and the title counts them.

    >>> len(beside(np.zeros((9, 8, 8)), np.ones((9, 8, 8))).axes)
    2
    """
    if real.shape[1:] != samples.shape[1:]:
        refuse("samples", expected=f"rows of the data's shape {real.shape[1:]}", got=samples.shape[1:])
    return _figure({"data": np.asarray(real), called: np.asarray(samples)}, names)


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
    """Held-out nats at each look, with one standard error, over what is certified; data against data is a band.

    A ring marks the G that is kept, that of round `kept`.

    >>> row = {"t": 100, "jsd_estimate": [0.2], "jsd_se": [0.01], "jsd_lower": [0.15]}
    >>> looks([row], kept=100).axes[0].get_ylabel()
    'JSD from below, nats'
    """
    figure, axes = _over_rounds("JSD from below, nats")
    seen = [row for row in history if "jsd_estimate" in row]
    t = [row["t"] for row in seen]
    for game, values in enumerate(np.reshape([row["jsd_estimate"] for row in seen], (len(seen), -1)).T):
        if game != chosen:
            axes.plot(t, values, color=SAMPLES, alpha=0.5, linewidth=0.8)
            continue
        errors = [row["jsd_se"][game] for row in seen]
        style = {"color": SAMPLES, "linewidth": 1.6, "marker": "o", "markersize": 3.5, "zorder": 3}
        axes.errorbar(t, values, errors, elinewidth=1, label="samples, estimate", **style)
        lower = [row["jsd_lower"][game] for row in seen]
        axes.plot(t, lower, color=SAMPLES, linewidth=1, linestyle=":", marker="_", label="samples, at least")
        if kept is None or kept not in t:
            continue
        ring = {"marker": "o", "markersize": 11, "fillstyle": "none", "linestyle": "none"}
        axes.plot(kept, values[t.index(kept)], color="black", label="G that is kept", **ring)
    for null in [row["null"] for row in seen if "null" in row]:
        jsd, se = null["jsd_estimate"], null["jsd_se"]
        axes.axhspan(jsd - se, jsd + se, color=BAND, alpha=0.35, linewidth=0, label="data against data")
        axes.axhline(jsd, color=BAND, linewidth=1)
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure


def log_ratio(drawn: Drawn, called: str = "samples") -> Figure:
    """Histograms of l(x), the critic's log ratio data / samples in nats, at rows of both that it had not seen.

    >>> bars = {"edges": [-1.0, 0.0, 1.0], "real": [0.3, 0.7], "other": [0.6, 0.4]}
    >>> log_ratio({"log_ratio": bars}).axes[0].get_xlabel()
    'log ratio l(x), nats'
    """
    bars = drawn["log_ratio"]
    edges = bars["edges"]
    figure, axes = _plain("log ratio l(x), nats", "share of the rows")
    axes.stairs(bars["real"], edges, color=DATA, fill=True, alpha=0.6, linewidth=0, label="data")
    axes.stairs(bars["other"], edges, color=SAMPLES, linewidth=1.6, label=called)
    axes.axvline(0, color="black", linestyle="--", linewidth=1.2)
    # a critic that sees nothing shows as one peak at 0, not as its noise writ large
    axes.set_xlim(min(edges[0], -1.0), max(edges[-1], 1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    side: dict[str, Any] = {"transform": axes.transAxes, "fontsize": "small", "va": "bottom"}
    axes.text(0, 1.02, f"\N{LEFTWARDS ARROW} more like the {called}", ha="left", **side)
    axes.text(1, 1.02, "more like the data \N{RIGHTWARDS ARROW}", ha="right", **side)
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure


def calibration(drawn: Drawn) -> Figure:
    """The share of rows that are data among those of about one D(x), against this D(x), from data and samples mixed.

    >>> calibration({"calibration": {"D": [0.3, 0.7], "real": [0.2, 0.8]}}).axes[0].get_xlabel()
    'what D says: the probability of data'
    """
    figure, axes = _plain("what D says: the probability of data", "what is so: the share of data")
    axes.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1.2, label="D says what is so")
    points = drawn["calibration"]
    axes.plot(points["D"], points["real"], color=BAND, marker="o", label="a tenth of the rows each")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure


def wealth(drawn: Drawn, alpha: float) -> Figure:
    """The log wealth of the bet against 'both come from one distribution', with a line at log(1/alpha).

    >>> axes = wealth({"wealth": {"pairs": [1, 2], "log_e": [0.5, 1.2]}}, alpha=0.05).axes[0]
    >>> axes.get_legend_handles_labels()[1]
    ['wealth of the bet', 'refuted: log(1/0.05) = 3.0']
    """
    goal = math.log(1 / alpha)
    figure, axes = _plain("rows bet on, of the smaller sample", "log wealth, nats")
    curve = drawn["wealth"]
    axes.plot([0, *curve["pairs"]], [0, *curve["log_e"]], color=BAND, linewidth=1.6, label="wealth of the bet")
    label = f"refuted: log(1/{alpha:g}) = {goal:.1f}"
    axes.axhline(goal, color="black", linestyle="--", linewidth=1.2, label=label)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure


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
    certain = [region for region in regions if region["certain"] and set(_ends(region["conditions"])) <= set(names)]
    if not certain:
        return None
    certain = certain[:REGIONS]
    sets = {name: _finite(np.asarray(rows)) for name, rows in (("data", real), (called, other))}
    sets = {name: rows.reshape(len(rows), -1) for name, rows in sets.items()}
    figure = Figure(figsize=(7.6, 3.5 * len(certain)), layout="constrained")
    parts = figure.subfigures(len(certain), 1, squeeze=False)[:, 0]
    for part, region in zip(parts, certain, strict=True):
        part.suptitle(region["rule"])
        shares = [
            f"{name}: {region[side]['share']:.1%} in it" for name, side in zip(sets, ("real", "other"), strict=True)
        ]
        ends = {list(names).index(name): found for name, found in _ends(region["conditions"]).items()}
        if len(ends) == 1:
            _band(part.subplots(), sets, ends, names, shares)
        else:
            _boxes(part.subplots(1, 2, sharex=True, sharey=True), sets, ends, names, shares)
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


def _plain(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _over_rounds(label: str) -> tuple[Figure, Axes]:
    figure, axes = _plain("round", label)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure, axes


def _ends(conditions: Sequence[Sequence[Any]]) -> dict[str, Ends]:
    """Column by column, the interval that a rule leaves; a single value has half a step of its own on either side."""
    ends: dict[str, Ends] = {}
    for name, op, value in conditions:
        low, high = ends.get(name, (-math.inf, math.inf))
        # between whole numbers lies no row, so that an end there cuts off none
        half = 0.5 if isinstance(value, int) else 0.0
        ends[name] = (low if op == "<=" else value - half, high if op in (">", ">=") else value + half)
    return ends


def _band(axes: Axes, sets: Sets, ends: Mapping[int, Ends], names: Sequence[str], shares: Sequence[str]) -> None:
    """Histograms of a column, and the interval as a band."""
    ((column, interval),) = ends.items()
    columns = [rows[:, column].astype(np.float64) for rows in sets.values()]
    bins = _edges(np.concatenate(columns))
    _stairs(axes, _shares(columns, bins), bins, shares)
    axes.axvspan(*np.clip(interval, bins[0], bins[-1]), color=BAND, alpha=0.25, zorder=0)
    axes.set(xlabel=names[column], ylabel="share of the rows")
    axes.legend(frameon=False)


def _boxes(panels: Any, sets: Sets, ends: Mapping[int, Ends], names: Sequence[str], shares: Sequence[str]) -> None:
    """Two clouds over a pair of columns, and the box on both; rows that break any further condition are pale."""
    pair, further = list(ends)[:2], list(ends.items())[2:]
    shown = [_spread(rows, _shown(sets, POINTS)).astype(np.float64) for rows in sets.values()]
    keeps = [
        np.all([(rows[:, c] >= low) & (rows[:, c] <= high) for c, (low, high) in further], axis=0) for rows in shown
    ]
    rng = np.random.default_rng(0)
    columns = [np.concatenate([rows[:, column] for rows in shown]) for column in pair]
    clouds = [_apart(rng, values) for values in columns]
    limits = [_range(values) for values in clouds]
    box = np.array([np.clip(ends[column], *limit) for column, limit in zip(pair, limits, strict=True)])
    (left, right), (bottom, top) = box.tolist()
    places = np.split(np.stack(clouds, axis=1), [len(shown[0])])
    for axes, place, keep, colour, share in zip(panels, places, keeps, (DATA, SAMPLES), shares, strict=True):
        alpha = np.broadcast_to(np.where(keep, 0.5, 0.12), len(place))
        axes.scatter(*place.T, s=5, color=colour, alpha=alpha, linewidths=0, rasterized=True)
        style = {"edgecolor": "black", "linewidth": 1.6, "clip_on": False, "zorder": 3}
        axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, **style))
        axes.set(title=share, xlim=limits[0], ylim=limits[1], xlabel=names[pair[0]])
    panels[0].set_ylabel(names[pair[1]])
    for axis, values in zip((panels[0].xaxis, panels[0].yaxis), columns, strict=True):
        axis.set_major_locator(MaxNLocator(5, integer=_few_whole(values)))


def _apart(rng: np.random.Generator, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """A few whole numbers are scattered about their places, so that many equal ones look like many."""
    return values + rng.uniform(-0.4, 0.4, len(values)) if _few_whole(values) else values


def _figure(sets: Sets, names: Sequence[str]) -> Figure:
    """Each of these sets of rows, drawn as their shape asks for."""
    finite: dict[str, np.ndarray] = {}
    for name, rows in sets.items():
        good = _finite(rows)
        finite[name if len(good) == len(rows) else f"{name} ({len(rows) - len(good)} rows not finite)"] = good
    match kind(next(iter(sets.values()))):
        case "points":
            return _points(finite, names)
        case "images":
            return _sheets(finite)
        case _:
            return _histograms(finite, names)


def _finite(rows: np.ndarray) -> np.ndarray:
    return rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]


def _points(sets: Sets, names: Sequence[str]) -> Figure:
    """Clouds of equally many points, then densities in shared cells."""
    every = np.concatenate(list(sets.values()))
    limits = [_range(every[:, 0]), _range(every[:, 1])]
    cells = int(np.clip(np.sqrt(_shown(sets, len(every)) / 4), 8, 64))
    shares = [np.histogram2d(*rows.T, bins=cells, range=limits)[0] / max(len(rows), 1) for rows in sets.values()]
    # with the root of the share a bridge between clumps is seen beside the clumps
    scale = {"norm": PowerNorm(0.5, vmin=0, vmax=max(share.max() for share in shares)), "cmap": "cividis"}

    figure = Figure(figsize=(5.3 * len(sets) + 0.7, 3.3), layout="constrained")
    panels = figure.subplots(1, 2 * len(sets), sharex=True, sharey=True, squeeze=False)[0]
    panels[0].set(xlim=limits[0], ylim=limits[1])
    names = names or numbered((2,))
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
    shares = [_shares(both, bins) for *both, bins in zip(*columns, edges, strict=True)]
    names = names or numbered(next(iter(sets.values())).shape[1:])
    differ = np.argsort([-np.ptp(share, axis=0).sum() for share in shares], kind="stable")
    drawn = np.sort(differ[:COLUMNS])
    across = min(4, len(drawn))
    down = -(-len(drawn) // across)

    figure = Figure(figsize=(2.8 * max(across, 2), 2.1 * down + 0.5), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(drawn) :]:
        axes.set_axis_off()
    for axes, column in zip(panels, drawn, strict=False):
        _stairs(axes, shares[column], edges[column], list(sets))
        axes.set_title(names[column], fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(4))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False)
    return figure


def _shares(columns: Sequence[np.ndarray], bins: Float[np.ndarray, " edges"]) -> Float[np.ndarray, "sets bins"]:
    return np.array([np.histogram(values, bins)[0] / max(len(values), 1) for values in columns])


def _stairs(
    axes: Axes, shares: Float[np.ndarray, "sets bins"], bins: Float[np.ndarray, " edges"], names: Sequence[str]
) -> None:
    """The data filled, and the samples as a line."""
    fills = ({"fill": True, "alpha": 0.6, "linewidth": 0}, {"fill": False, "linewidth": 1.6})
    for share, colour, fill, name in zip(shares, (DATA, SAMPLES), fills, names, strict=False):
        axes.stairs(share, bins, color=colour, label=name, **fill)
    axes.ticklabel_format(axis="x", scilimits=(-3, 4))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)


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
    if _few_whole(values):
        return np.arange(values.min() - 0.5, values.max() + 1)
    return np.linspace(*_range(values), 31)


def _few_whole(values: Float[np.ndarray, " n"]) -> bool:
    return bool(np.ptp(values) <= 30 and (values == np.rint(values)).all())
