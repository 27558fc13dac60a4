"""The size of images: the one that was asked for, or one that suits a folder.

Also says how many images of this size fit into memory.
"""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onehalf._errors import refuse
from onehalf.data import files

__all__ = [
    "Size",
    "check_memory",
    "choose_size",
    "count_fitting",
    "find_fitting_side",
    "parse_size",
]

MOST_SIDE_BY_DEFAULT = 64
"""The longest side of images for which no size was asked, in pixels."""

MULTIPLE = 8
"""Sides that are chosen here are a multiple of this."""

LEAST_SIDE = 4
"""The shortest side that can be asked for, in pixels."""

MOST_SIDE = 1024
"""The longest side that can be asked for, in pixels."""

Size = tuple[int, int]
"""Height and width, in pixels."""


def parse_size(size: Any) -> Size | None:
    """Check a size that a user asked for: one side of a square, or (height, width).

    None stays None.

    >>> parse_size(32), parse_size((8, 300)), parse_size(None)
    ((32, 32), (8, 300), None)
    """
    if size is None:
        return None
    is_square = np.ndim(size) == 0
    sides = (size, size) if is_square else tuple(size)
    least = LEAST_SIDE if is_square else 1
    most = MOST_SIDE if is_square else math.inf
    are_valid = all(
        isinstance(side, int | np.integer) and least <= side <= most for side in sides
    )
    if len(sides) != 2 or not are_valid:
        expected = f"a side of {LEAST_SIDE} to {MOST_SIDE:,} pixels, or a height and a width"
        refuse("size", expected=expected, got=repr(size))
    return int(sides[0]), int(sides[1])


def choose_size(sizes: Sequence[Size]) -> Size:
    """Choose the size that all images have, if it is small; otherwise a square.

    >>> choose_size([(28, 20), (28, 20)]), choose_size([(200, 90), (20, 300), (39, 40)])
    ((28, 20), (32, 32))
    """
    if len(set(sizes)) == 1 and max(sizes[0]) <= MOST_SIDE_BY_DEFAULT:
        return sizes[0]
    side = MOST_SIDE_BY_DEFAULT
    if sizes:
        side = min(side, int(statistics.median(map(min, sizes))))
    side = max(MULTIPLE, side // MULTIPLE * MULTIPLE)
    return side, side


def check_memory(path: Path, shape: Sequence[int], itemsize: int = 1) -> None:
    """Reject an array that does not fit into memory.

    Args:
        path: The folder or file that it comes from.
        shape: The shape of the whole array.
        itemsize: Bytes of one number.
    """
    files.check_bytes(path, math.prod(shape) * itemsize, f"of shape {tuple(shape)}")


def count_fitting(shape: Sequence[int]) -> int:
    """Count how many images of 8 bits and this shape fit into memory."""
    return files.MOST_BYTES // math.prod(shape)


def find_fitting_side(n: int, channels: int) -> int | None:
    """Find the longest side of squares of which n fit into memory; None if it is too short.

    >>> find_fitting_side(1_000_000, 3), find_fitting_side(10**9, 3)
    (32, None)
    """
    side = math.isqrt(files.MOST_BYTES // (n * channels)) // MULTIPLE * MULTIPLE
    return side if side >= LEAST_SIDE else None
