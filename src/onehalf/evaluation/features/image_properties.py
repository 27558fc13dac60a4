"""What a person can say of a picture in a word, as a table whose columns regions and the ladder can speak of."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import numbered
from onehalf.data.labels import Labels
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.schema import Schema

__all__ = ["described", "properties", "some_pixels"]

FEW = 64
"""With no more pixels than this each of them is a column too; of wider pictures single ones are noise to a person."""

BLOCK, SOME = 1024, 1_000_000
"""Pictures that are described at a time; most pixels that stand for all."""

COLOURS = ("red", "green", "blue")


def described(
    piles: dict[str, Rows], labels: Mapping[str, Labels]
) -> tuple[TableEncoder, dict[str, Cells]]:
    """The class, if there are any; the means of all pixels and of each colour; how they vary; how sharp the edges are.

    `brightness` is the mean of the pixels, `contrast` their standard deviation, `sharpness` the mean difference between
    neighbours, in the pixels' own unit. Each is a function of the picture, so that what they show holds for it (data
    processing).

    >>> pictures = np.zeros((40, 8, 8, 3), np.uint8)
    >>> pictures[::2, :, 4:, 0] = 255
    >>> coding, cells = described({"real": pictures}, {})
    >>> coding.names, cells["real"][:2].round(1)
    (('brightness', 'contrast', 'sharpness', 'red', 'green', 'blue'),
     array([[ 42.5,  95. ,   6.1, 127.5,   0. ,   0. ], [  0. ,   0. ,   0. ,   0. ,   0. ,   0. ]]))
    """
    tables = {}
    for what, rows in piles.items():
        columns = {"class": np.asarray(labels[what], str)} if labels else {}
        tables[what] = pa.table(columns | _numbers(rows))
    kinds = {
        name: "category" if name == "class" else "continuous"
        for name in tables["real"].column_names
    }
    coding = TableEncoder.of(*tables.values(), schema=Schema.of(tables["real"], kinds))
    return coding, {what: coding.rows(table) for what, table in tables.items()}


def properties(names: Sequence[str]) -> list[str]:
    """What these columns speak of, in short.

    >>> properties(["class", "brightness", "x[0, 0]", "x[0, 1]"])
    ['class', 'brightness', 'single pixels']
    """
    return list(
        dict.fromkeys("single pixels" if name.startswith("x[") else name for name in names)
    )


def _numbers(rows: Rows) -> dict[str, Float[np.ndarray, " n"]]:
    blocks = [
        _of_block(rows[start : start + BLOCK].astype(np.float64))
        for start in range(0, len(rows), BLOCK)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _of_block(pictures: Float[np.ndarray, "n h w ..."]) -> dict[str, Float[np.ndarray, " n"]]:
    over = tuple(range(1, pictures.ndim))
    edges = [np.abs(np.diff(pictures, axis=axis)).mean(axis=over) for axis in (1, 2)]
    found = {
        "brightness": pictures.mean(over),
        "contrast": pictures.std(over),
        "sharpness": (edges[0] + edges[1]) / 2,
    }
    if pictures.ndim == 4 and pictures.shape[3] > 1:
        found |= {
            name: pictures[..., place].mean(axis=(1, 2)) for place, name in enumerate(COLOURS)
        }
    if math.prod(shape := pictures.shape[1:]) <= FEW:
        found |= dict(zip(numbered(shape), pictures.reshape(len(pictures), -1).T, strict=True))
    return found


def some_pixels(rows: Rows) -> Rows:
    """The pixels of all rows in one column, or so many of them at random."""
    pixels = rows.reshape(-1, 1)
    return (
        pixels
        if len(pixels) <= SOME
        else pixels[np.random.default_rng(0).integers(0, len(pixels), SOME)]
    )
