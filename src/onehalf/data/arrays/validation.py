"""Checks of arrays and of labels, and names for the entries of an array."""

import math
from typing import Any

import numpy as np
from jaxtyping import Shaped

from onehalf._errors import refuse

__all__ = ["Labels", "Rows", "check", "check_labels", "numbered"]

Rows = Shaped[np.ndarray, "_ ..."]
"""The user's rows, one along the first axis, in the user's units and dtype."""

Labels = Shaped[np.ndarray, " _"]
"""A whole number or a word for each row."""


def check(what: str, rows: np.ndarray) -> Rows:
    """Check rows: an array of finite real numbers, with two axes or more, none of them empty."""
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
        where = f"row {first[0]}, entry {first[1] if rows.ndim == 2 else first[1:]}"
        refuse(
            what,
            expected="finite numbers",
            got=f"{len(bad):,} NaN or infinite entries, the first ({rows[first]}) in {where}, counted from 0",
            hint="Remove or fill them first.",
        )
    return rows


def check_labels(what: str, labels: Any, n: int) -> Labels:
    """Check the labels of n rows: a whole number or a word for each.

    Floats count if all are whole.

    >>> check_labels("y", ["cat", "dog", "cat"], 3)
    array(['cat', 'dog', 'cat'], dtype='<U3')
    """
    y = np.asarray(labels)
    if y.dtype.kind == "f" and np.array_equal(y, np.rint(y)):
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
    except UnicodeEncodeError as error:
        refuse(
            what,
            expected="words that can be written in UTF-8",
            got=ascii(error.object[error.start]),
        )
    return y


def _first_word(rows: np.ndarray) -> str:
    """Say which entry is a word, if that is what is wrong."""
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
