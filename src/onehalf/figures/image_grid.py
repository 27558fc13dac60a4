"""Images to be looked at: sheets of them, each with its nearest neighbour, films of sheets, and one file each.

A pixel becomes a square of whole screen pixels, so that what is seen is what is there.
"""

import io
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int, Shaped, UInt8
from PIL import Image, ImageColor

from onehalf._errors import refuse
from onehalf.data.images.properties import Limits, limits_of
from onehalf.figures.film import rolled
from onehalf.figures.style import DATA

__all__ = ["files", "find_nearest", "neighbours", "sheet", "sheet_film", "sheet_png", "tiled"]

LONGER, GAP_COLOUR = 1000, "#C8C8C8"
"""The longer side of a sheet that was magnified, at most, in pixels, and what lies between the images."""

PIXELS = 2**24
"""Training images of so many pixels together are compared at once."""

Images = Shaped[np.ndarray | Array, "_ ..."]
"""(n, h, w), or (n, h, w, c) of 1, 3 or 4 channels: grey, RGB or RGBA."""

Pixels = UInt8[np.ndarray, "height width 4"]
"""RGBA."""


def sheet(
    images: Images,
    across: int | None = None,
    magnify: int | None = None,
    limits: Limits | None = None,
) -> Image.Image:
    """Images side by side, `across` in a row, each pixel a square of `magnify` by itself.

    Otherwise as many across as make a square, and the longer side has 500 to 1,000 pixels if the images have not more.

    >>> sheet(np.zeros((6, 28, 28))).size
    (946, 627)
    """
    return _magnified(tiled(images, across, limits), magnify)


def sheet_png(images: Images, **asked: Any) -> bytes:
    """The same as the bytes of a .png file.

    >>> sheet_png(np.zeros((6, 28, 28)), across=6)[1:4]
    b'PNG'
    """
    return _png(sheet(images, **asked))


def sheet_film(
    frames: Iterable[Images], suffix: str, limits: Limits | None = None, **asked: Any
) -> bytes:
    """The bytes of a .gif, .webp or .html file: a sheet of each frame's images, one after the other.

    >>> sheet_film(np.zeros((3, 4, 8, 8)), ".webp")[8:12]
    b'WEBP'
    """
    stacked = np.stack([np.asarray(images) for images in frames])
    limits = limits or limits_of(stacked)
    return rolled([sheet(images, limits=limits, **asked) for images in stacked], suffix)


def neighbours(
    samples: Images,
    nearest: Images,
    across: int | None = None,
    magnify: int | None = None,
    limits: Limits | None = None,
) -> Image.Image:
    """Pairs of a sample and, in a blue frame at its right, the training image that is nearest to it.

    As Figure 2 of Goodfellow et al. 2014, whose last column is this. Black and white are those of the training images.
    """
    if samples.shape != nearest.shape:
        refuse(
            "nearest",
            expected=f"an image for each sample, of shape {samples.shape}",
            got=nearest.shape,
        )
    limits = limits or limits_of(nearest)
    made, copied = (
        _framed(_in_8_bits(each, limits), colour)
        for each, colour in ((samples, None), (nearest, DATA))
    )
    return _magnified(tiled(np.concatenate([made, copied], axis=2), across, (0, 255)), magnify)


def find_nearest(
    samples: Images, train: Images
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Which training image is nearest to each sample, by sqrt(sum of squared differences of pixels), and how near.

    >>> find_nearest(np.array([[[1.0, 0.0]]]), np.array([[[9.0, 0.0]], [[1.0, 2.0]]]))
    (array([1]), array([2.]))
    """
    if samples.shape[1:] != train.shape[1:] or not len(train):
        refuse(
            "train",
            expected=f"images of the samples' shape {samples.shape[1:]}, at least one",
            got=train.shape,
        )
    x = _vectors(samples)
    place, least = np.zeros(len(x), int), np.full(len(x), np.inf)
    rows = max(1, PIXELS // x.shape[1])
    for start in range(0, len(train), rows):
        some = _vectors(train[start : start + rows])
        squares = np.sum(some**2, axis=1) - 2 * x @ some.T
        best = squares.argmin(axis=1)
        smallest = squares[np.arange(len(x)), best]
        place, least = (
            np.where(smallest < least, start + best, place),
            np.minimum(smallest, least),
        )
    # the difference itself: that of the squares above is not exactly 0 where two images of floats are the same
    return place, np.linalg.norm(x - _vectors(np.asarray(train)[place]), axis=1)


def files(
    images: Images, labels: Iterable[Any] | None = None, limits: Limits | None = None
) -> Iterator[tuple[str, bytes]]:
    """A name and the bytes of a .png file for each image, at its own size: 000000.png, or in a folder for each label.

    8 bits, grey or RGB, as torch-fidelity and clean-fid read them.

    >>> [name for name, _ in files(np.zeros((2, 8, 8)), ["cat", "dog"])]
    ['cat/000000.png', 'dog/000001.png']
    """
    images = np.asarray(images)
    folders = [""] * len(images) if labels is None else [_folder(label) for label in labels]
    for number, (folder, pixels) in enumerate(
        zip(folders, _in_8_bits(images, limits), strict=True)
    ):
        yield (
            f"{folder}{number:06}.png",
            _png(Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)),
        )


def tiled(images: Images, across: int | None = None, limits: Limits | None = None) -> Pixels:
    """Images laid out in rows, in about a square if it is not said how many `across`; the gaps are transparent."""
    images = _in_8_bits(images, limits)
    n, h, w, channels = images.shape
    across = across or math.ceil(math.sqrt(n * h / w)) or 1
    down = max(1, -(-n // across))
    gap = max(1, h // 16)
    tiles = np.zeros((down * across, h + gap, w + gap, 4), np.uint8)
    tiles[:n, :h, :w, :3] = images[..., :3]
    tiles[:n, :h, :w, 3] = images[..., 3] if channels == 4 else 255
    rows = tiles.reshape(down, across, h + gap, w + gap, 4).swapaxes(1, 2)
    return rows.reshape(down * (h + gap), across * (w + gap), 4)[:-gap, :-gap]


def _in_8_bits(images: Images, limits: Limits | None = None) -> UInt8[np.ndarray, "_ h w c"]:
    """0 at the lower limit and below, 255 at the upper one and above."""
    images = np.asarray(images)
    if not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3, 4))):
        refuse("images", expected="shape (n, h, w) or (n, h, w, 1, 3 or 4)", got=images.shape)
    images = images[..., None] if images.ndim == 3 else images
    low, high = limits or limits_of(images)
    if images.dtype == np.uint8 and (low, high) == (0, 255):
        return images
    shares = (images.astype(np.float32) - low) / ((high - low) or 1.0)
    return np.rint(255 * np.clip(np.nan_to_num(shares), 0, 1)).astype(np.uint8)


def _framed(
    images: UInt8[np.ndarray, "n h w c"], colour: str | None
) -> UInt8[np.ndarray, "n height width 4"]:
    """Images in RGBA, with a frame of this colour, or one that is not seen."""
    n, h, w, channels = images.shape
    wide = max(1, h // 16)
    framed = np.zeros((n, h + 2 * wide, w + 2 * wide, 4), np.uint8)
    framed[..., :] = ImageColor.getcolor(colour, "RGBA") if colour else 0
    framed[:, wide:-wide, wide:-wide, :3] = images[..., :3]
    framed[:, wide:-wide, wide:-wide, 3] = images[..., 3] if channels == 4 else 255
    return framed


def _magnified(pixels: Pixels, magnify: int | None) -> Image.Image:
    """Each pixel as a square of so many, on the colour of the gaps."""
    height, width, _ = pixels.shape
    times = magnify or max(1, LONGER // max(height, width))
    above = Image.fromarray(pixels).resize(
        (width * times, height * times), Image.Resampling.NEAREST
    )
    return Image.alpha_composite(Image.new("RGBA", above.size, GAP_COLOUR), above).convert(
        "RGB"
    )


def _vectors(images: Images) -> Float[np.ndarray, "_ pixels"]:
    return np.asarray(images, np.float64).reshape(len(images), -1)


def _folder(label: Any) -> str:
    """The folder of a label, with a separator."""
    name = str(label)
    if not name or name.startswith(".") or set(name) & set("/\\\0:"):
        refuse("labels", expected="words that can name a folder", got=repr(name))
    return f"{name}/"


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="png")
    return file.getvalue()
