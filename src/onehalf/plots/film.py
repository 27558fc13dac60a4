"""Figures one after the other: a GIF for slides, or a page that plays without anything from elsewhere."""

import base64
import io
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from onehalf._base import refuse

__all__ = ["rolled"]

MILLISECONDS, LAST = 120, 2000
"""How long each frame of a GIF is shown, and the last one."""


def rolled(frames: Sequence[Figure], suffix: str) -> bytes:
    """The bytes of a .gif or .html file that shows these figures, all of one size, one after the other.

    >>> from onehalf.plots.drawing import plain
    >>> rolled([plain("x", "y")[0] for _ in range(2)], ".gif")[:6]
    b'GIF89a'
    """
    if suffix not in (".gif", ".html"):
        refuse("the film's name", expected="a .gif or .html file", got=suffix or "no suffix")
    stills = [_still(frame) for frame in frames]
    if suffix == ".gif":
        file = io.BytesIO()
        first, *rest = (still.convert("P", palette=Image.Palette.ADAPTIVE) for still in stills)
        shown = [MILLISECONDS] * len(rest) + [LAST]
        first.save(file, format="gif", save_all=True, append_images=rest, duration=shown, loop=0)
        return file.getvalue()
    pictures = [_webp(still) for still in stills]
    environment = Environment(loader=PackageLoader("onehalf.plots", "."), undefined=StrictUndefined)
    return environment.get_template("film.html.jinja").render(pictures=pictures, every=MILLISECONDS).encode()


def _still(frame: Figure) -> Image.Image:
    file = io.BytesIO()
    frame.savefig(file, format="png", dpi=100)
    return Image.open(file)


def _webp(still: Image.Image) -> str:
    file = io.BytesIO()
    still.save(file, format="webp", lossless=True)
    return base64.b64encode(file.getvalue()).decode()
