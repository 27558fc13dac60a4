"""The parts of a page: sections and blocks; and the sections that each kind of data provides."""

import abc
import base64
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import matplotlib.figure
import numpy as np
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from PIL import Image

from onehalf.evaluation.result import Measurement
from onehalf.figures.style import DPI

__all__ = [
    "Banner",
    "Bars",
    "Block",
    "Bullets",
    "DataSections",
    "Details",
    "Figure",
    "Grid",
    "Note",
    "Replay",
    "Section",
    "ShareBar",
    "SharePair",
    "Sides",
    "Table",
    "Tile",
    "Tiles",
    "embed_image",
    "embed_svg",
]

Sides = tuple[np.ndarray, np.ndarray]
"""Rows of the data and of the other sample."""


@dataclass(frozen=True)
class Block:
    """A part of a section; the macro of this name in `page.html.jinja` renders it."""

    macro: ClassVar[str]


@dataclass(frozen=True)
class Figure(Block):
    """An image with a caption that explains how to read it."""

    macro = "figure"
    image: Markup
    """An <svg> or <img> element."""
    caption: str
    title: str = ""
    narrow: Markup | None = None
    """The same in one column, for narrow screens."""


@dataclass(frozen=True)
class Table(Block):
    """Rows of text, the first entry of each its heading."""

    macro = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    note: str = ""
    """A remark below it."""
    keeps_lines: bool = False
    """Whether all columns but the last are kept on one line."""


@dataclass(frozen=True)
class Bullets(Block):
    """Sentences, one an item; those that begin with two spaces belong to the one before."""

    macro = "bullets"
    sentences: Sequence[str]


@dataclass(frozen=True)
class Banner(Block):
    """The verdict, what was compared, and what a reader must know first."""

    macro = "banner"
    outcome: str
    sentence: str
    about: str
    """What was compared."""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Tile:
    """One number that matters, under its name, and what it is to be compared with."""

    name: str
    value: str
    unit: str
    text: str


@dataclass(frozen=True)
class Tiles(Block):
    """Numbers that matter, side by side."""

    macro = "tiles"
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class ShareBar:
    """A share of one sample, with its interval, in percent of the longest bar."""

    name: str
    side: Literal["data", "samples"]
    length: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class SharePair:
    """A rule, and its share of both samples."""

    rule: str
    bars: tuple[ShareBar, ShareBar]


@dataclass(frozen=True)
class Bars(Block):
    """Pairs of bars: the shares of the two samples for which each rule holds."""

    macro = "bars"
    title: str
    pairs: Sequence[SharePair]
    caption: str


@dataclass(frozen=True)
class Replay(Block):
    """Something that plays in a browser; a page has one at most, which alone may run a script on it."""

    macro = "replay"
    body: Markup
    style: Markup
    script: Markup
    data: Markup
    """What it plays, as JSON."""
    script_hash: Markup
    """The source of the script in a content security policy."""
    style_hash: Markup


@dataclass(frozen=True)
class Note(Block):
    """A remark."""

    macro = "note"
    text: str


@dataclass(frozen=True)
class Grid(Block):
    """Blocks side by side, where the screen has room."""

    macro = "grid"
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Details(Block):
    """Blocks that are shown on a click."""

    macro = "details"
    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """A heading, and the blocks below it, which open on a click; without a heading they are always shown."""

    title: str
    blocks: Sequence[Block]
    note: str = ""
    """How to read it; the first paragraph."""


class DataSections(abc.ABC):
    """The sections of a page that depend on the kind of data.

    A new kind implements how it is drawn, where two samples of it differ, and which rows are
    examples.
    """

    real: np.ndarray
    """Rows of the data, or the cells of a table."""
    other: np.ndarray
    """Rows of the other sample, likewise."""
    called: str
    """What the other sample is called: 'samples' or 'other sample'."""

    @abc.abstractmethod
    def overview(self) -> Section:
        """Draw the data and the other sample side by side."""

    def relations(self) -> list[Section]:
        """Draw what single columns do not show."""
        return []

    @abc.abstractmethod
    def regions(self, measurement: Measurement) -> list[Section]:
        """Show where the two certainly differ."""

    @abc.abstractmethod
    def examples(self, measurement: Measurement, judged: Sides | None) -> list[Section]:
        """Show single rows; those that critics judged most clearly need the rows that were `judged`."""

    def audit_details(self, measurement: Measurement) -> list[Block]:
        """List how each column is written."""
        return []

    def columns(self) -> list[Section]:
        """Describe what the columns are."""
        return []


def embed_svg(figure: matplotlib.figure.Figure, alt: str, version: str = "") -> Markup:
    """Embed a figure in the page: its black takes the colour of the page's text.

    Args:
        figure: The figure.
        alt: What it shows, for those who do not see it.
        version: Tells names inside of it from those of another figure of this alt.
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": alt + version}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        _lay_out(figure)
        figure.savefig(file, format="svg", transparent=True, dpi=DPI, metadata=metadata)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    # addresses of name spaces, a style that would rule the whole page, and names that the next
    # figure would use again
    svg = re.sub(
        r' xmlns(:\w+)?="[^"]*"| id="[^"]*_\d+"|<style.*?</style>', "", svg, flags=re.DOTALL
    )
    svg = svg.replace("#000000", "currentColor")
    # clips are named by their corners, whose last digits vary from run to run
    salt = hashlib.sha256((alt + version).encode()).hexdigest()[:10]
    for number, name in enumerate(dict.fromkeys(re.findall(r'id="(p[0-9a-f]{10})"', svg))):
        svg = svg.replace(name, f"p{salt}{number}")
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1))


def _lay_out(figure: matplotlib.figure.Figure) -> None:
    """Place what is in the figure: whoever saves it would draw all of it for that, and once more for the file."""
    FigureCanvasSVG(figure)
    engine = figure.get_layout_engine()
    if engine:
        engine.execute(figure)
        figure.set_layout_engine(None)


def embed_image(image: Image.Image, alt: str) -> Markup:
    """Embed an image in the page, pixel by pixel."""
    file = io.BytesIO()
    image.save(file, format="png", optimize=True)
    png = base64.b64encode(file.getvalue()).decode()
    return Markup(f'<img class="pixels" alt="{escape(alt)}" src="data:image/png;base64,{png}">')
