"""Encode frames as an animation: a GIF or a WebP for slides, or a page that plays it and needs no other file."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from onehalf._errors import refuse

__all__ = ["FILM_SUFFIXES", "encode_film"]

FILM_SUFFIXES = (".gif", ".webp", ".html")
"""The kinds of file that hold an animation."""

FRAME_MILLISECONDS = 120
"""How long each frame is shown."""

LAST_FRAME_MILLISECONDS = 2000
"""How long the last frame of a .gif or .webp file is shown."""


def encode_film(frames: Sequence[Figure | Image.Image], suffix: str) -> bytes:
    """Encode frames of one size as the bytes of an animated .gif, .webp or .html file.

    >>> from onehalf.figures.style import new_figure
    >>> encode_film([new_figure("x", "y")[0] for _ in range(2)], ".gif")[:6]
    b'GIF89a'
    """
    if suffix not in FILM_SUFFIXES:
        refuse(
            "the film's name",
            expected=f"a {', '.join(FILM_SUFFIXES[:-1])} or {FILM_SUFFIXES[-1]} file",
            got=suffix or "no suffix",
        )
    images = [_to_image(frame) for frame in frames]
    if suffix == ".html":
        return _render_page(images)
    if suffix == ".gif":
        images = [image.convert("P", palette=Image.Palette.ADAPTIVE) for image in images]
    first, *rest = images
    durations = [FRAME_MILLISECONDS] * len(rest) + [LAST_FRAME_MILLISECONDS]
    options: dict[str, Any] = {"save_all": True, "append_images": rest, "loop": 0}
    if suffix == ".webp":
        options["lossless"] = True
    return encode_image(first, suffix[1:], duration=durations, **options)


def encode_image(image: Image.Image, format: str, **options: Any) -> bytes:
    """Encode an image as the bytes of a file of this format of Pillow's."""
    file = io.BytesIO()
    image.save(file, format=format, **options)
    return file.getvalue()


def _render_page(images: Sequence[Image.Image]) -> bytes:
    """Render a page that plays the frames."""
    frames = [
        base64.b64encode(encode_image(image, "webp", lossless=True)).decode()
        for image in images
    ]
    loader = PackageLoader("onehalf.figures", ".")
    environment = Environment(loader=loader, undefined=StrictUndefined)
    template = environment.get_template("film.html.jinja")
    return template.render(frames=frames, every=FRAME_MILLISECONDS).encode()


def _to_image(frame: Figure | Image.Image) -> Image.Image:
    """Render a figure as an image; an image is returned unchanged."""
    if isinstance(frame, Image.Image):
        return frame
    file = io.BytesIO()
    frame.savefig(file, format="png", dpi=100)
    return Image.open(file)
