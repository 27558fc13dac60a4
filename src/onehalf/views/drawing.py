"""Make pictures of the snapshots of a run, by the kind of its data."""

import base64
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from onehalf.data.arrays.validation import numbered
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.statistics import shorten
from onehalf.fitting.snapshots import Snapshots
from onehalf.runs.saved import SavedRun
from onehalf.views.pictures import (
    Column,
    ColumnsFrame,
    ColumnsPicture,
    ImagesFrame,
    ImagesPicture,
    LineFrame,
    LinePicture,
    Pair,
    Picture,
    PlaneFrame,
    PlanePicture,
)
from onehalf.views.source import SourceRows

__all__ = ["draw_picture", "encode_sheet", "list_previews"]

MOST_COLUMNS = 24
"""Columns that are shown, at most."""

DIGITS = 4
"""Digits of a number in a picture."""

SHADES = 3
"""Decimals of D as a colour: there are 256."""

LEAST_MASS = 1e-4
"""D_star is shown in cells in which p_data and p_g have more probability than this together."""

WORD_LETTERS = 24
"""Letters of a word, at most."""

SheetAddress = Callable[[int | None], str]
"""The address of the sheet of a round; of None, of the sheet of the data."""

Show = Callable[[int, float], str]
"""A value of a column in words."""


def draw_picture(
    run: SavedRun, seed: int, source: SourceRows, address: SheetAddress | None
) -> Picture | None:
    """Draw the samples of one seed of a run at each evaluation; None if nothing of them was kept.

    Args:
        run: The run.
        seed: Which of its seeds, from 0.
        source: Its data, as far as they can be read.
        address: Where the sheets of images are; None puts them into the picture.
    """
    if run.domain["name"] == "image":
        return _draw_images(run, seed, source, address)
    snapshots = run.snapshots
    if snapshots is None or not snapshots.each or seed >= len(snapshots.each[0]["samples"]):
        return None
    if "edges_1" in snapshots.shared:
        return _draw_plane(snapshots, seed, source)
    if "edges_0" in snapshots.shared:
        return _draw_line(snapshots, seed, source)
    if run.domain["name"] == "array":
        names = numbered(tuple(run.domain["shape"]))
        return _draw_columns(snapshots, seed, "array", names, lambda _, value: f"{value:.4g}")
    encoder = TableEncoder.from_dict(run.domain["encoder"])

    def show(place: int, value: float) -> str:
        return shorten(encoder.show(place, value), WORD_LETTERS)

    return _draw_columns(snapshots, seed, "table", encoder.names, show)


def list_previews(run: SavedRun, seed: int) -> dict[int, np.ndarray]:
    """The images of one seed by the round of their evaluation."""
    rounds = [row["t"] for row in run.history if "jsd_estimate" in row]
    # where a game diverged, the last evaluation has none
    return dict(zip(rounds, run.previews[seed :: run.recipe.seeds], strict=False))


def encode_sheet(images: np.ndarray, limits: Sequence[float]) -> bytes:
    """Encode images side by side as the bytes of a PNG file, pixel for pixel."""
    from onehalf.figures.image_grid import encode_image_grid

    low, high = limits
    return encode_image_grid(images, limits=(low, high), magnify=1)


def _draw_line(snapshots: Snapshots, seed: int, source: SourceRows) -> LinePicture:
    """Draw rows of one number."""
    edges = snapshots.shared["edges_0"]
    widths = np.diff(edges)
    known = source.masses([edges])
    frames = []
    for each in snapshots.each:
        share = each["samples"][seed].astype(np.float64)
        D_star = None if known is None else _gaps(_best(known, share))
        frames.append(
            LineFrame(
                t=int(each["t"]),
                p_g=_round(share / widths),
                D=_optional(each, "D", seed),
                D_star=D_star,
                walk=_optional(each, "walk", seed),
            )
        )
    return LinePicture(
        name=numbered((1,))[0],
        edges=_round(edges, 7),
        p_data=_round(snapshots.shared["data"] / widths),
        p_data_known=None if known is None else _round(known / widths),
        z=_steps(len(snapshots.each[0]["walk"][seed])) if "walk" in snapshots.each[0] else None,
        frames=tuple(frames),
    )


def _draw_plane(snapshots: Snapshots, seed: int, source: SourceRows) -> PlanePicture:
    """Draw rows of two numbers."""
    edges = [snapshots.shared[f"edges_{axis}"] for axis in (0, 1)]
    known = source.masses(edges)
    frames = []
    for each in snapshots.each:
        share = each["samples"][seed].astype(np.float64)
        x, y = each["points"][seed].T
        D_star = None if known is None else _gaps(_best(known, share).ravel())
        frames.append(
            PlaneFrame(
                t=int(each["t"]),
                x=_gaps(x),
                y=_gaps(y),
                D=_optional(each, "D", seed),
                D_fine=_optional(each, "D_fine", seed, SHADES),
                D_star=D_star,
            )
        )
    points = source.points()
    names = numbered((2,))
    return PlanePicture(
        names=(names[0], names[1]),
        x_edges=_round(edges[0], 7),
        y_edges=_round(edges[1], 7),
        p_data=_round(snapshots.shared["data"].ravel()),
        p_data_known=None if known is None else _round(known.ravel()),
        data_x=None if points is None else _round(points[:, 0]),
        data_y=None if points is None else _round(points[:, 1]),
        frames=tuple(frames),
    )


def _draw_images(
    run: SavedRun, seed: int, source: SourceRows, address: SheetAddress | None
) -> ImagesPicture | None:
    """Draw sheets of images."""
    previews = list_previews(run, seed)
    if not previews:
        return None
    limits = run.domain["limits"]
    images = next(iter(previews.values()))
    data = source.images(len(images))

    def find(t: int | None, shown: np.ndarray) -> str:
        if address:
            return address(t)
        packed = base64.b64encode(encode_sheet(shown, limits)).decode()
        return f"data:image/png;base64,{packed}"

    frames = [ImagesFrame(t=t, sheet=find(t, shown)) for t, shown in previews.items()]
    return ImagesPicture(
        height=images.shape[1],
        width=images.shape[2],
        count=len(images),
        data_sheet=None if data is None else find(None, data),
        frames=tuple(frames),
    )


def _draw_columns(
    snapshots: Snapshots, seed: int, kind: Any, names: tuple[str, ...], show: Show
) -> ColumnsPicture:
    """Draw bars of columns."""
    shared = snapshots.shared
    samples = np.stack([each["samples"][seed] for each in snapshots.each])
    differences = np.abs(samples - shared["data"]).sum(axis=2) / 2
    shown = np.argsort(-differences[-1], kind="stable")[:MOST_COLUMNS]
    used = (shared["data"] > 0) | (samples > 0).any(axis=0)
    kept: dict[int, np.ndarray] = {}
    columns = []
    for place in shown.tolist():
        bars, column = _describe_column(shared, place, used[place], names[place], show)
        kept[place] = bars
        columns.append(column)
    frames = tuple(
        ColumnsFrame(
            t=int(each["t"]),
            samples=tuple(
                _round(each["samples"][seed][place][bars]) for place, bars in kept.items()
            ),
            differences=_round(difference[shown]),
            pairs=_draw_pairs(each, seed, names, show),
        )
        for each, difference in zip(snapshots.each, differences, strict=True)
    )
    return ColumnsPicture(kind=kind, columns=tuple(columns), total=len(names), frames=frames)


def _describe_column(
    shared: Any, place: int, used: np.ndarray, name: str, show: Show
) -> tuple[np.ndarray, Column]:
    """The bars of a column that are shown, and what they are."""
    edges = shared["edges"][place]
    edges = edges[~np.isnan(edges)]
    values = shared["values"][place]
    values = values[~np.isnan(values)]
    most = len(used) - 2
    count = len(edges) - 1 if len(edges) else len(values)
    labels = [show(place, float(value)) for value in (edges if len(edges) else values)]
    bars = list(range(count))
    for bar, label in ((most, "others"), (most + 1, "missing")):
        if used[bar]:
            bars.append(bar)
            labels.append(label)
    column = Column(
        name=name,
        bars="numbers" if len(edges) else "words",
        labels=tuple(labels),
        edges=_round(edges, 7),
        data=_round(shared["data"][place][bars]),
    )
    return np.array(bars), column


def _draw_pairs(each: Any, seed: int, names: tuple[str, ...], show: Show) -> tuple[Pair, ...]:
    """The pairs of columns of a snapshot; none of arrays."""
    if "pairs" not in each:
        return ()
    found = []
    for number, places in enumerate(each["pairs"][seed].tolist()):
        if places[0] < 0:
            continue
        data, samples = each["pair_shares"][seed, number]
        sizes = [int((~np.isnan(data)).any(axis=1 - axis).sum()) for axis in (0, 1)]
        labels = [
            _label_cells(each, seed, number, axis, sizes[axis], lambda v, p=place: show(p, v))
            for axis, place in enumerate(places)
        ]
        inside = (slice(sizes[0]), slice(sizes[1]))
        difference, baseline = each["pair_differences"][seed, number]
        found.append(
            Pair(
                names=(names[places[0]], names[places[1]]),
                difference=_round(difference[None])[0],
                baseline=_round(baseline[None])[0],
                labels=(labels[0], labels[1]),
                data=tuple(map(_round, data[inside])),
                samples=tuple(map(_round, samples[inside])),
            )
        )
    return tuple(found)


def _label_cells(
    each: Any, seed: int, number: int, axis: int, size: int, show: Callable[[float], str]
) -> tuple[str, ...]:
    """The cells of a column in a pair, in words."""
    values, edges = (
        [value for value in each[name][seed, number, axis].tolist() if not math.isnan(value)]
        for name in ("pair_values", "pair_edges")
    )
    missing = bool(each["pair_missing"][seed, number, axis])
    if values:
        labels = [show(value) for value in values]
    elif edges:
        shown = [show(edge) for edge in edges]
        middle = [f"{low} to {high}" for low, high in itertools.pairwise(shown)]
        labels = [f"below {shown[0]}", *middle, f"from {shown[-1]}"]
    else:
        labels = ["all others"] if size > missing else []
    labels += ["others"] * (size - len(labels) - missing)
    return (*labels, *["missing"] * missing)


def _best(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """D_star of cells; NaN where there is next to no probability."""
    both = p_data + p_g
    return np.divide(p_data, both, out=np.full_like(both, np.nan), where=both > LEAST_MASS)


def _steps(count: int) -> tuple[float, ...]:
    """The quantiles of N(0, 1) at which the first coordinate of z was put."""
    from statistics import NormalDist

    return _round(np.array([NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)]))


def _optional(
    each: Any, name: str, seed: int, decimals: int | None = None
) -> tuple[float | None, ...] | None:
    """An array that may not be there, as one list; rounded to this number of decimals."""
    if name not in each:
        return None
    values = each[name][seed].ravel().astype(np.float64)
    return _gaps(values if decimals is None else values.round(decimals))


def _round(values: Any, digits: int = DIGITS) -> tuple[float, ...]:
    """Round numbers to a few significant digits."""
    return tuple(float(f"{value:.{digits}g}") for value in np.asarray(values).tolist())


def _gaps(values: Any) -> tuple[float | None, ...]:
    """The same, None for what is not finite."""
    return tuple(value if math.isfinite(value) else None for value in _round(values))
