"""From the word that a user types to rows: a name that `onehalf data` lists, or a path."""

from pathlib import Path
from typing import Any

import jax.random as jr
import numpy as np

from onehalf._base import catalogue, choose, names, spoken
from onehalf.data.arrays import Digits, Rows, read
from onehalf.data.base import AbstractData, AbstractDensity
from onehalf.data.frames import read_table

__all__ = ["ROWS", "density", "describe", "is_path", "is_table", "open_rows", "rows_of"]

ROWS = 100_000
"""Rows of a table drawn from a distribution that could give any number (as many as in Lin et al. 2018)."""


def is_path(word: str) -> bool:
    """Whether the word is a path rather than a name: it has a suffix or a separator, or something is there."""
    path = Path(word)
    return bool(path.suffix) or len(path.parts) > 1 or path.exists()


def is_table(word: str) -> bool:
    """Whether the word is the path of a table rather than a name, or an array, whose file ends in .npy or .npz.

    >>> is_table("people.csv"), is_table("rows.npy"), is_table("ring")
    (True, False, False)
    """
    return is_path(word) and Path(word).suffix not in (".npy", ".npz")


def open_rows(word: str) -> Any:
    """The rows that the word means: an array, or a `pyarrow.Table`; a distribution gives the same 100,000 each time.

    >>> open_rows("digits").shape, open_rows("two-moons").shape
    ((1797, 8, 8), (100000, 2))
    """
    if is_table(word):
        return read_table(word)
    return read(Path(word)) if is_path(word) else rows_of(catalogue("data")[choose("data", word, names("data"))]())


def density(word: str) -> AbstractDensity | None:
    """The density that a name stands for; None for rows, which have none that is known.

    >>> density("ring"), density("digits")
    (Ring(), None)
    """
    p = None if is_path(word) else catalogue("data")[choose("data", word, names("data"))]()
    return p if isinstance(p, AbstractDensity) else None


def rows_of(p: AbstractData) -> Rows:
    """All rows of a data set that has so many; a table of 100,000 drawn from one that has no end."""
    return p.rows() if isinstance(p, Digits) else np.asarray(p.sample(jr.key(0), ROWS))


def describe(word: str | None = None) -> list[dict[str, Any]]:
    """name, kind, shape, rows and a line about each data set that goes by a name, or about the one that is meant."""
    if word is not None and is_path(word):
        rows = open_rows(word)
        about = f"an array of {rows.dtype}"
        return [{"name": word, "kind": "file", "shape": list(rows.shape[1:]), "rows": len(rows), "about": about}]
    wanted = names("data") if word is None else (choose("data", word, names("data")),)
    return [_describe(name, catalogue("data")[name]()) for name in wanted]


def _describe(name: str, p: AbstractData) -> dict[str, Any]:
    finite = isinstance(p, Digits)
    return {
        "name": spoken(name),
        "kind": "rows" if finite else "density" if isinstance(p, AbstractDensity) else "distribution",
        "shape": list(p.shape),
        "rows": len(p.rows()) if finite else None,
        "about": (type(p).__doc__ or "").splitlines()[0],
    }
