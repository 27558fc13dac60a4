"""Draw images pixel by pixel: grids, samples with their nearest training images, animations, files.

A pixel becomes a square of whole screen pixels, so that what is seen is what is there.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int, Shaped, UInt8
from PIL import Image, ImageColor

from onehalf._blocks import blocks
from onehalf._errors import refuse
from onehalf.data.images.properties import Limits, pixel_limits
from onehalf.figures.film import encode_film, encode_image
from onehalf.figures.style import DATA

__all__ = [
    "draw_image_grid",
    "draw_nearest",
    "encode_image_grid",
    "encode_image_grid_film",
    "encode_images",
    "find_nearest",
    "tile_images",
]

GRID_SIDE = 1000
"""The longer side of a grid whose images were magnified, at most, in pixels."""

GAP_COLOUR = "#C8C8C8"
"""What lies between the images."""

GAP_SHARE = 16
"""The pixels of an image's height for each pixel of the width of a gap or a frame, which is at
least one."""

BLOCK_PIXELS = 2**24
"""The pixels of the training images that are compared at once."""

Images = Shaped[np.ndarray | Array, "_ ..."]
"""(n, h, w), or (n, h, w, c) of 1, 3 or 4 channels: grey, RGB or RGBA."""

Pixels = UInt8[np.ndarray, "height width 4"]
"""RGBA."""


def draw_image_grid(
    images: Images,
    across: int | None = None,
    magnify: int | None = None,
    limits: Limits | None = None,
) -> Image.Image:
    """Draw images side by side in rows.

    Args:
        images: What to draw.
        across: How many in a row; by default, as many as make the grid about square.
        magnify: The side of a pixel; by default as large as fits into 1,000 pixels, and at
            least 1.
        limits: What is drawn as black and as white; by default what the images' numbers
            suggest.

    >>> draw_image_grid(np.zeros((6, 28, 28))).size
    (946, 627)
    """
    return _magnify(tile_images(images, across, limits), magnify)


def encode_image_grid(images: Images, **options: Any) -> bytes:
    """Encode a grid of images (`draw_image_grid`) as the bytes of a .png file.

    >>> encode_image_grid(np.zeros((6, 28, 28)), across=6)[1:4]
    b'PNG'
    """
    return encode_image(draw_image_grid(images, **options), "png")


def encode_image_grid_film(
    frames: Iterable[Images], suffix: str, limits: Limits | None = None, **options: Any
) -> bytes:
    """Encode an animation, a grid for each frame's images, as the bytes of a .gif, .webp or .html file.

    >>> encode_image_grid_film(np.zeros((3, 4, 8, 8)), ".webp")[8:12]
    b'WEBP'
    """
    stacked = np.stack([np.asarray(images) for images in frames])
    limits = limits or pixel_limits(stacked)
    grids = [draw_image_grid(images, limits=limits, **options) for images in stacked]
    return encode_film(grids, suffix)


def draw_nearest(
    samples: Images,
    nearest: Images,
    across: int | None = None,
    magnify: int | None = None,
    limits: Limits | None = None,
) -> Image.Image:
    """Draw pairs of a sample and, in a blue frame to its right, the training image that is nearest to it.

    As Figure 2 of Goodfellow et al. 2014, whose last column is this. Black and white are those
    of the training images.
    """
    if samples.shape != nearest.shape:
        refuse(
            "nearest",
            expected=f"an image for each sample, of shape {samples.shape}",
            got=nearest.shape,
        )
    limits = limits or pixel_limits(nearest)
    left = _add_frame(_to_8_bits(samples, limits), None)
    right = _add_frame(_to_8_bits(nearest, limits), DATA)
    return _magnify(
        tile_images(np.concatenate([left, right], axis=2), across, (0, 255)), magnify
    )


def find_nearest(
    samples: Images, train: Images
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Find the training image nearest to each sample, and its distance sqrt(sum of squared differences of pixels).

    >>> find_nearest(np.array([[[1.0, 0.0]]]), np.array([[[9.0, 0.0]], [[1.0, 2.0]]]))
    (array([1]), array([2.]))
    """
    if samples.shape[1:] != train.shape[1:] or not len(train):
        refuse(
            "train",
            expected=f"images of the samples' shape {samples.shape[1:]}, at least one",
            got=train.shape,
        )
    x = _flatten(samples)
    place = np.zeros(len(x), int)
    least = np.full(len(x), np.inf)
    for block in blocks(len(train), BLOCK_PIXELS // x.shape[1]):
        y = _flatten(train[block])
        squares = np.sum(y**2, axis=1) - 2 * x @ y.T
        best = squares.argmin(axis=1)
        smallest = squares[np.arange(len(x)), best]
        place = np.where(smallest < least, block.start + best, place)
        least = np.minimum(smallest, least)
    # the difference itself: that of the squares above is not exactly 0 where two images of
    # floats are the same
    return place, np.linalg.norm(x - _flatten(np.asarray(train)[place]), axis=1)


def encode_images(
    images: Images,
    labels: Iterable[Any] | None = None,
    limits: Limits | None = None,
    first: int = 0,
) -> Iterator[tuple[str, bytes]]:
    """Encode each image as a .png file of its own size: its name, in a folder for each label, and its bytes.

    The names are numbers from `first` on. 8 bits, grey or RGB, as torch-fidelity and clean-fid read them.

    >>> [name for name, _ in encode_images(np.zeros((2, 8, 8)), ["cat", "dog"])]
    ['cat/000000.png', 'dog/000001.png']
    """
    images = np.asarray(images)
    folders = [""] * len(images) if labels is None else [_folder_of(label) for label in labels]
    for number, (folder, pixels) in enumerate(
        zip(folders, _to_8_bits(images, limits), strict=True), first
    ):
        image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
        yield f"{folder}{number:06}.png", encode_image(image, "png")


def tile_images(
    images: Images, across: int | None = None, limits: Limits | None = None
) -> Pixels:
    """Arrange images in rows, by default in about a square; the gaps are transparent."""
    rgba = _to_rgba(_to_8_bits(images, limits))
    n, h, w, _ = rgba.shape
    across = across or math.ceil(math.sqrt(n * h / w)) or 1
    down = max(1, -(-n // across))
    gap = max(1, h // GAP_SHARE)
    tiles = np.zeros((down * across, h + gap, w + gap, 4), np.uint8)
    tiles[:n, :h, :w] = rgba
    rows = tiles.reshape(down, across, h + gap, w + gap, 4).swapaxes(1, 2)
    return rows.reshape(down * (h + gap), across * (w + gap), 4)[:-gap, :-gap]


def _to_8_bits(images: Images, limits: Limits | None = None) -> UInt8[np.ndarray, "_ h w c"]:
    """Map the lower limit and less to 0, the upper limit and more to 255."""
    images = np.asarray(images)
    if not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3, 4))):
        refuse("images", expected="shape (n, h, w) or (n, h, w, 1, 3 or 4)", got=images.shape)
    images = images[..., None] if images.ndim == 3 else images
    low, high = limits or pixel_limits(images)
    if images.dtype == np.uint8 and (low, high) == (0, 255):
        return images
    shares = (images.astype(np.float32) - low) / ((high - low) or 1.0)
    return np.rint(255 * np.clip(np.nan_to_num(shares), 0, 1)).astype(np.uint8)


def _to_rgba(images: UInt8[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n h w 4"]:
    """Give grey and RGB images four channels, the last one opaque."""
    *shape, channels = images.shape
    rgba = np.full((*shape, 4), 255, np.uint8)
    if channels == 4:
        return images
    rgba[..., :3] = images
    return rgba


def _add_frame(
    images: UInt8[np.ndarray, "n h w c"], colour: str | None
) -> UInt8[np.ndarray, "n height width 4"]:
    """Frame images in this colour, or by a transparent margin without one."""
    n, h, w, _ = images.shape
    wide = max(1, h // GAP_SHARE)
    framed = np.zeros((n, h + 2 * wide, w + 2 * wide, 4), np.uint8)
    framed[..., :] = ImageColor.getcolor(colour, "RGBA") if colour else 0
    framed[:, wide:-wide, wide:-wide] = _to_rgba(images)
    return framed


def _magnify(pixels: Pixels, magnify: int | None) -> Image.Image:
    """Draw each pixel as a square, on the colour of the gaps."""
    height, width, _ = pixels.shape
    times = magnify or max(1, GRID_SIDE // max(height, width))
    size = (width * times, height * times)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
    return Image.alpha_composite(Image.new("RGBA", size, GAP_COLOUR), image).convert("RGB")


def _flatten(images: Images) -> Float[np.ndarray, "_ pixels"]:
    """Each image as a vector."""
    return np.asarray(images, np.float64).reshape(len(images), -1)


def _folder_of(label: Any) -> str:
    """The folder of a label, with a separator."""
    name = str(label)
    if not name or name.startswith(".") or set(name) & set("/\\\0:"):
        refuse("labels", expected="words that can name a folder", got=repr(name))
    return f"{name}/"
