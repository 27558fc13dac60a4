"""Pictures one after the other: a GIF or a WebP for slides, or a page that plays without anything from elsewhere."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from onehalf._errors import refuse

__all__ = ["FILMS", "rolled"]

FILMS = (".gif", ".webp", ".html")
"""The kinds of file that hold a film."""

MILLISECONDS, LAST = 120, 2000
"""How long each frame is shown, and the last one of a file that is no page."""


def rolled(frames: Sequence[Figure | Image.Image], suffix: str) -> bytes:
    """The bytes of a .gif, .webp or .html file that shows these pictures, all of one size, one after the other.

    >>> from onehalf.figures.style import plain
    >>> rolled([plain("x", "y")[0] for _ in range(2)], ".gif")[:6]
    b'GIF89a'
    """
    if suffix not in FILMS:
        refuse(
            "the film's name",
            expected=f"a {', '.join(FILMS[:-1])} or {FILMS[-1]} file",
            got=suffix or "no suffix",
        )
    stills = [_still(frame) for frame in frames]
    if suffix == ".html":
        pictures = [
            base64.b64encode(_packed(still, "webp", lossless=True)).decode() for still in stills
        ]
        environment = Environment(
            loader=PackageLoader("onehalf.figures", "."), undefined=StrictUndefined
        )
        return (
            environment.get_template("film.html.jinja")
            .render(pictures=pictures, every=MILLISECONDS)
            .encode()
        )
    if suffix == ".gif":
        stills = [still.convert("P", palette=Image.Palette.ADAPTIVE) for still in stills]
    first, *rest = stills
    shown = [MILLISECONDS] * len(rest) + [LAST]
    playing = {"save_all": True, "append_images": rest, "duration": shown, "loop": 0}
    return _packed(
        first, suffix[1:], **playing, **({"lossless": True} if suffix == ".webp" else {})
    )


def _still(frame: Figure | Image.Image) -> Image.Image:
    if isinstance(frame, Image.Image):
        return frame
    file = io.BytesIO()
    frame.savefig(file, format="png", dpi=100)
    return Image.open(file)


def _packed(still: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    still.save(file, format=kind, **options)
    return file.getvalue()
