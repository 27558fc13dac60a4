"""Properties of images that a person has a word for, as a table that regions and marginals can speak of."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Shaped

from onehalf.data.arrays.validation import Rows, numbered
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.schema import Schema

__all__ = ["describe_images", "list_properties", "sample_pixels"]

Words = Shaped[np.ndarray, " _"]

MOST_SINGLE_PIXELS = 64
"""With no more pixels than this each of them is a column too; of wider images single ones are noise to a person."""

BLOCK_SIZE = 1024
"""Images that are described at a time."""

MOST_SAMPLED = 1_000_000
"""The most pixels that are sampled."""

COLOURS = ("red", "green", "blue")


def describe_images(
    sides: Sequence[Rows], classes: Sequence[Words] = ()
) -> tuple[TableEncoder, list[Cells]]:
    """The class, if there are any; the means of all pixels and of each colour; how they vary; how sharp the edges are.

    `brightness` is the mean of the pixels, `contrast` their standard deviation, `sharpness` the mean difference between
    neighbours, in the pixels' own unit. Each is a function of the image, so that what they show holds for it (data
    processing).

    Args:
        sides: the images of each sample, the data first.
        classes: the class of each image, for each sample, or nothing.

    Returns:
        The columns as an encoded table, and the cells of each sample.

    >>> images = np.zeros((40, 8, 8, 3), np.uint8)
    >>> images[::2, :, 4:, 0] = 255
    >>> encoder, (cells,) = describe_images([images])
    >>> encoder.names, cells[:2].round(1)
    (('brightness', 'contrast', 'sharpness', 'red', 'green', 'blue'),
     array([[ 42.5,  95. ,   6.1, 127.5,   0. ,   0. ], [  0. ,   0. ,   0. ,   0. ,   0. ,   0. ]]))
    """
    tables = []
    for place, images in enumerate(sides):
        columns = {"class": np.asarray(classes[place], str)} if classes else {}
        tables.append(pa.table(columns | _compute_properties(images)))
    kinds = {
        name: "category" if name == "class" else "continuous" for name in tables[0].column_names
    }
    encoder = TableEncoder.fit(*tables, schema=Schema.infer(tables[0], kinds))
    return encoder, [encoder.encode(table) for table in tables]


def list_properties(names: Sequence[str]) -> list[str]:
    """What these columns speak of, in short.

    >>> list_properties(["class", "brightness", "x[0, 0]", "x[0, 1]"])
    ['class', 'brightness', 'single pixels']
    """
    return list(
        dict.fromkeys("single pixels" if name.startswith("x[") else name for name in names)
    )


def sample_pixels(rows: Rows) -> Rows:
    """The pixels of all rows in one column, or MOST_SAMPLED of them at random."""
    pixels = rows.reshape(-1, 1)
    if len(pixels) <= MOST_SAMPLED:
        return pixels
    return pixels[np.random.default_rng(0).integers(0, len(pixels), MOST_SAMPLED)]


def _compute_properties(images: Rows) -> dict[str, Float[np.ndarray, " n"]]:
    blocks = [
        _compute_block(images[start : start + BLOCK_SIZE].astype(np.float64))
        for start in range(0, len(images), BLOCK_SIZE)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _compute_block(
    images: Float[np.ndarray, "n h w ..."],
) -> dict[str, Float[np.ndarray, " n"]]:
    over = tuple(range(1, images.ndim))
    edges = [np.abs(np.diff(images, axis=axis)).mean(axis=over) for axis in (1, 2)]
    columns = {
        "brightness": images.mean(over),
        "contrast": images.std(over),
        "sharpness": (edges[0] + edges[1]) / 2,
    }
    if images.ndim == 4 and images.shape[3] > 1:
        columns |= {
            name: images[..., place].mean(axis=(1, 2)) for place, name in enumerate(COLOURS)
        }
    shape = images.shape[1:]
    if math.prod(shape) <= MOST_SINGLE_PIXELS:
        entries = images.reshape(len(images), -1).T
        columns |= dict(zip(numbered(shape), entries, strict=True))
    return columns
