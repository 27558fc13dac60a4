"""Checks of arrays and of labels, and names for the entries of an array."""

import contextlib
import math
from typing import Any

import numpy as np
from jaxtyping import Shaped

from onehalf._errors import refuse

__all__ = [
    "LARGEST",
    "MOST_EXACT",
    "SIZES",
    "SMALLEST",
    "Labels",
    "Rows",
    "check",
    "check_labels",
    "numbered",
    "to_array",
]

Rows = Shaped[np.ndarray, "_ ..."]
"""The user's rows, one along the first axis, in the user's units and dtype."""

Labels = Shaped[np.ndarray, " _"]
"""A whole number or a word for each row."""

MOST_EXACT = 2**53
"""Up to here float64, in which all is computed, tells whole numbers from their neighbours."""

NO_TEXT = (ValueError, SystemError)
"""What Python raises at words of a damaged file."""

LARGEST = 1e100
"""The largest number in size: the square of a much larger one is infinite in float64."""

SMALLEST = 1e-100
"""Of numbers that are all smaller, the squares are 0 in float64."""

SIZES = f"0, or numbers from {SMALLEST:g} to {LARGEST:g} in size"
"""The sizes that numbers may have, in words."""


def to_array(what: str, values: Any) -> np.ndarray:
    """Convert to NumPy what is an array of any library, in the memory of any device, or nested lists.

    A tensor with a gradient is detached, and one on another device is copied; its library need not be known here
    (DLPack and the array interface of Python).

    >>> to_array("X", [[1, 2], [3, 4]]).shape
    (2, 2)
    """
    for leave in ("detach", "cpu"):
        if callable(getattr(values, leave, None)):
            values = getattr(values, leave)()
    try:
        array = np.asarray(values)
    except ValueError:
        got = "rows of several lengths"
        refuse(what, expected="one row an example, all of one length", got=got)
    except (TypeError, RuntimeError) as error:
        if hasattr(values, "__dlpack__"):
            with contextlib.suppress(TypeError, RuntimeError, BufferError):
                return np.from_dlpack(values, device="cpu")
        hint = f"Convert it to float32 first ({str(error).splitlines()[0]})."
        expected = "an array that NumPy can read"
        refuse(what, expected=expected, got=type(values).__name__, hint=hint)
    if array.dtype.kind == "V" and array.dtype.names is None:  # bfloat16 of JAX
        expected = "numbers of a type that NumPy has"
        refuse(what, expected=expected, got=array.dtype, hint="Convert them to float32 first.")
    return array


def check(what: str, rows: np.ndarray, start: int = 0) -> Rows:
    """Check rows: an array of finite real numbers, with two axes or more, none of them empty.

    Args:
        what: The name of the array in error messages.
        rows: The array.
        start: The number of its first row, if it is part of a larger array.
    """
    if rows.dtype.kind == "c":
        refuse(
            what, expected="real numbers", got=rows.dtype, hint="Complex data not supported."
        )
    if rows.dtype.kind not in "biuf":
        refuse(what, expected="numbers only", got=f"dtype {rows.dtype}{_first_word(rows)}")
    if rows.ndim < 2:
        refuse(what, expected="one row an example, two axes or more", got=f"shape {rows.shape}")
    if rows.size == 0:
        refuse(
            what,
            expected="at least one row and one column",
            got=f"an empty array of shape {rows.shape}",
        )
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        bad = np.argwhere(~np.isfinite(rows))
        first = tuple(bad[0].tolist())
        where = f"row {start + first[0]}, entry {first[1] if rows.ndim == 2 else first[1:]}"
        refuse(
            what,
            expected="finite numbers",
            got=f"{len(bad):,} NaN or infinite entries, the first ({rows[first]}) in {where}, counted from 0",
            hint="Remove or fill them first.",
        )
    _check_size(what, rows)
    return rows


def _check_size(what: str, rows: np.ndarray) -> None:
    """Refuse numbers so large, or columns of numbers so small, that float64 can't compute with them."""
    over = 0 if rows.ndim == 2 else None
    low, high = rows.min(axis=over), rows.max(axis=over)
    if rows.dtype.kind == "f":
        wide = np.result_type(rows, np.float64)
        largest = np.maximum(high.astype(wide), -low.astype(wide))
        bad = (largest > LARGEST) | ((largest > 0) & (largest < SMALLEST))
        expected, hint = SIZES, "Use other units."
    else:
        bad = (high > MOST_EXACT) | (low < -MOST_EXACT)
        expected = "whole numbers of at most 2^53 in size"
        hint = (
            "Subtract the same number from all, or convert them to floats, which are rounded."
        )
    if np.any(bad):
        place = int(np.argmax(bad))
        where = f" in column {place}, counted from 0" if over == 0 else ""
        ends = np.ravel(low)[place], np.ravel(high)[place]
        got = max(ends, key=lambda end: abs(float(end)))
        refuse(what, expected=expected, got=f"{got!s}{where}", hint=hint)


def check_labels(what: str, labels: Any, n: int) -> Labels:
    """Check the labels of n rows: a whole number or a word for each.

    Floats count if all are whole.

    >>> check_labels("y", ["cat", "dog", "cat"], 3)
    array(['cat', 'dog', 'cat'], dtype='<U3')
    """
    y = to_array(what, labels)
    if y.dtype.kind == "f" and np.array_equal(y, np.rint(y)) and (abs(y) <= MOST_EXACT).all():
        y = y.astype(int)
    is_words = y.dtype.kind == "O" and all(isinstance(word, str) for word in y)
    if y.ndim != 1 or not (y.dtype.kind in "biuU" or is_words):
        refuse(
            what,
            expected="a whole number or a word for each row",
            got=f"shape {y.shape}, dtype {y.dtype}",
        )
    if len(y) != n:
        refuse(what, expected=f"{n:,} labels, one for each row", got=f"{len(y):,}")
    y = y.astype(str) if is_words else y
    try:
        "".join(map(str, y.tolist())).encode()
    except NO_TEXT as error:
        is_sign = isinstance(error, UnicodeEncodeError)
        got = ascii(error.object[error.start]) if is_sign else "numbers that are no signs"
        refuse(what, expected="words that can be written in UTF-8", got=got)
    return y


def _first_word(rows: np.ndarray) -> str:
    """Say which entry is a word, if that is what is wrong."""
    with contextlib.suppress(*NO_TEXT):
        for index, entry in np.ndenumerate(rows):
            try:
                float(entry)
            except (TypeError, ValueError):
                return f", {str(entry)!r} at {tuple(index)}"
    return ""


def numbered(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names for entries that have none: x1, x2, ... in vectors.

    In anything larger, they are x[i, j, ...], counted from 0.

    >>> numbered((2,)), numbered((1, 2))
    (('x1', 'x2'), ('x[0, 0]', 'x[0, 1]'))
    """
    if len(shape) <= 1:
        return tuple(f"x{column + 1}" for column in range(math.prod(shape)))
    return tuple(f"x[{', '.join(map(str, index))}]" for index in np.ndindex(shape))
