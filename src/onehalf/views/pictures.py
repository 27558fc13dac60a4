"""What the samples of a run look like at each evaluation, by the kind of data; lists of numbers for a page to draw."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Column",
    "ColumnsFrame",
    "ColumnsPicture",
    "ImagesFrame",
    "ImagesPicture",
    "LineFrame",
    "LinePicture",
    "Pair",
    "Picture",
    "PlaneFrame",
    "PlanePicture",
]

Numbers = tuple[float, ...]

Gaps = tuple[float | None, ...]
"""Numbers; null where there is none."""


@dataclass(frozen=True, kw_only=True)
class LineFrame:
    """One evaluation of rows of one number."""

    t: int
    """The round."""
    p_g: Numbers
    """The density of samples in each cell."""
    D: Gaps | None
    """D in the middle of each cell; null where D depends on labels."""
    D_star: Gaps | None
    """p_data/(p_data + p_g), where p_data is known exactly; null in cells where neither has any probability."""
    walk: Gaps | None
    """G(z) for each z of the picture, whose other coordinates stay the same: the ends of the arrows."""


@dataclass(frozen=True, kw_only=True)
class LinePicture:
    """Rows of one number."""

    kind: Literal["line"] = "line"
    name: str
    """What the axis is called."""
    edges: Numbers
    """The borders of the cells, one more than there are cells."""
    p_data: Numbers
    """The density of the training rows in each cell."""
    p_data_known: Numbers | None
    """The density of the data, where it is known exactly."""
    z: Numbers | None
    """Values of the first coordinate of z, from which the arrows start; null without arrows."""
    frames: tuple[LineFrame, ...]


@dataclass(frozen=True, kw_only=True)
class PlaneFrame:
    """One evaluation of rows of two numbers."""

    t: int
    """The round."""
    x: Gaps
    """The first number of some samples, from the same noise at each evaluation."""
    y: Gaps
    """The second one."""
    D: Gaps | None
    """D in the middle of each cell, in the order of `p_data`; null where D depends on labels."""
    D_fine: Gaps | None
    """D in the middle of each cell and halfway between: 65 x 65 points of 33 x 33 cells, in the same order; null where
    D is, and in runs of earlier versions."""
    D_star: Gaps | None
    """p_data/(p_data + p_g), where p_data is known exactly; null in cells with next to no probability."""


@dataclass(frozen=True, kw_only=True)
class PlanePicture:
    """Rows of two numbers."""

    kind: Literal["plane"] = "plane"
    names: tuple[str, str]
    """What the axes are called."""
    x_edges: Numbers
    """The borders of the cells along the first axis."""
    y_edges: Numbers
    """The borders along the second axis."""
    p_data: Numbers
    """The share of training rows in each cell: cell (i, j), i along the first axis, is entry i * (cells of the second)
    + j."""
    p_data_known: Numbers | None
    """The probability of each cell, where it is known exactly."""
    data_x: Numbers | None
    """The first number of some rows of the data; null if the data can't be read any more."""
    data_y: Numbers | None
    """The second one."""
    frames: tuple[PlaneFrame, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column, and the data in its bars."""

    name: str
    bars: Literal["words", "numbers"]
    """Whether each bar is a word or a value, or an interval."""
    labels: tuple[str, ...]
    """What each bar is called; of intervals the borders, one more than there are intervals, and then the other bars.
    Words that few rows hold share the bar 'others'."""
    edges: Numbers
    """The borders of intervals as numbers; none of words."""
    data: Numbers
    """The share of the training rows in each bar."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two columns that differ more together than either alone."""

    names: tuple[str, str]
    difference: float
    """The total variation between data and samples, in cells: the share of rows that would have to change."""
    baseline: float
    """The same for one half of the data against the other."""
    labels: tuple[tuple[str, ...], tuple[str, ...]]
    """The cells of either column: words, or intervals in words."""
    data: tuple[Numbers, ...]
    """The share of the data in each cell: a list for each cell of the first column."""
    samples: tuple[Numbers, ...]


@dataclass(frozen=True, kw_only=True)
class ColumnsFrame:
    """One evaluation of rows of several columns."""

    t: int
    """The round."""
    samples: tuple[Numbers, ...]
    """For each column of the picture, the share of samples in each bar."""
    differences: Numbers
    """For each column, the total variation between data and samples in its bars."""
    pairs: tuple[Pair, ...]
    """The pairs that differ most; none of arrays."""


@dataclass(frozen=True, kw_only=True)
class ColumnsPicture:
    """Tables, and arrays of several numbers: bars of columns, those that differ most at the last evaluation first."""

    kind: Literal["table", "array"]
    columns: tuple[Column, ...]
    total: int
    """Columns of the data; at most 24 of them are shown."""
    frames: tuple[ColumnsFrame, ...]


@dataclass(frozen=True, kw_only=True)
class ImagesFrame:
    """One evaluation of images."""

    t: int
    """The round."""
    sheet: str
    """The address of a PNG file of samples side by side, from the same noise at each evaluation."""


@dataclass(frozen=True, kw_only=True)
class ImagesPicture:
    """Images."""

    kind: Literal["images"] = "images"
    height: int
    """Pixels of one image."""
    width: int
    count: int
    """Images on a sheet."""
    data_sheet: str | None
    """The address of as many images of the data; null if they can't be read any more."""
    frames: tuple[ImagesFrame, ...]


Picture = LinePicture | PlanePicture | ColumnsPicture | ImagesPicture
