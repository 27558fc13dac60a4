"""From the word that a user types to rows: a name that `onehalf data` lists, or a path."""

import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.random as jr
import numpy as np

from onehalf._errors import Refusal, refuse
from onehalf._registry import catalogue, choose, names, spoken
from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import check
from onehalf.data.images.reader import SUFFIXES, is_images, read_images
from onehalf.data.labels import Labelled, Labels, paired, unlabelled
from onehalf.data.tables.reader import read_table
from onehalf.distributions.base import AbstractData, AbstractDensity
from onehalf.distributions.images import AbstractImages

__all__ = [
    "ROWS",
    "density",
    "describe",
    "is_images",
    "is_path",
    "is_table",
    "listed",
    "open_rows",
    "read",
    "rows_of",
]

ROWS = 100_000
"""Rows of a table drawn from a distribution that could give any number (as many as in Lin et al. 2018)."""

CLASSES = 12
"""At most so many are listed where data are described."""


def is_path(word: str) -> bool:
    """Whether the word is a path rather than a name: it has a suffix or a separator, or something is there.

    >>> is_path("ring"), is_path("photos/"), is_path("rows.npy")
    (False, True, True)
    """
    return bool(Path(word).suffix) or os.sep in word or "/" in word or os.path.exists(word)


def is_table(word: str) -> bool:
    """Whether the word is the path of a table rather than a name, an array (.npy, .npz) or pictures.

    >>> is_table("people.csv"), is_table("rows.npy"), is_table("ring"), is_table("train-images-idx3-ubyte.gz")
    (True, False, False, False)
    """
    return (
        is_path(word)
        and Path(word).suffix.lower() not in (".npy", ".npz", *SUFFIXES)
        and not is_images(word)
    )


def open_rows(
    word: str, size: Any = None, tell: Callable[[str], None] = lambda text: None
) -> Any:
    """The rows that the word means: an array, a `Labelled` one, or a `pyarrow.Table`.

    A distribution gives the same 100,000 each time. The pictures of a folder have one size, as `read_images` says, and
    `tell` is handed what was done to them.

    >>> open_rows("digits").x.shape, open_rows("two-moons").shape
    ((1797, 8, 8), (100000, 2))
    """
    if is_images(word):
        return read_images(word, size, tell)
    if Path(word).suffix.lower() in SUFFIXES:
        refuse(word, expected="a folder of pictures", got="one picture, or the name of one")
    if size is not None:
        refuse("size", expected="a folder of pictures to resize", got=word)
    if is_table(word):
        return read_table(word)
    return (
        read(Path(word))
        if is_path(word)
        else rows_of(catalogue("distributions")[choose("data", word, names("distributions"))]())
    )


def density(word: str) -> AbstractDensity | None:
    """The density that a name stands for; None for rows, which have none that is known.

    >>> density("ring"), density("digits")
    (Ring(), None)
    """
    p = (
        None
        if is_path(word)
        else catalogue("distributions")[choose("data", word, names("distributions"))]()
    )
    return p if isinstance(p, AbstractDensity) else None


def rows_of(p: AbstractData) -> Rows | Labelled:
    """All rows of a data set that has so many, with their labels; 100,000 drawn from one that has no end."""
    return (
        Labelled(p.rows(), p.labels())
        if isinstance(p, AbstractImages)
        else np.asarray(p.sample(jr.key(0), ROWS))
    )


def describe(
    word: str, size: Any = None, tell: Callable[[str], None] = lambda text: None
) -> tuple[Any, dict[str, Any]]:
    """The rows that the word means, and their name, kind, shape, number and a line about them.

    `tell` is handed what `open_rows` tells, but for what ends up in that line.
    """
    if not is_path(word):
        name = choose("data", word, names("distributions"))
        return open_rows(word), _described(name, catalogue("distributions")[name]())
    told: list[str] = []

    def later(text: str) -> None:
        for before in told:
            tell(before)
        told[:] = [text]

    rows = open_rows(word, size, later)
    x, kind = unlabelled(rows), "images" if is_images(word) else "file"
    about = told[-1].removesuffix(".") if told else f"an array of {x.dtype}"
    about += f"; {_counts(rows.y)}" if isinstance(rows, Labelled) else ""
    return rows, {
        "name": word,
        "kind": kind,
        "shape": list(x.shape[1:]),
        "rows": len(x),
        "about": about,
    }


def listed() -> list[dict[str, Any]]:
    """The same of each data set that goes by a name, without its rows."""
    return [_described(name, p()) for name, p in catalogue("distributions").items()]


def _counts(y: Labels) -> str:
    """How many rows each class has, the greatest first.

    >>> _counts(np.array(["cat", "dog", "cat"]))
    'cat 2, dog 1'
    """
    counts = Counter(y.tolist()).most_common()
    more = f", and {len(counts) - CLASSES:,} classes more" if len(counts) > CLASSES else ""
    return ", ".join(f"{label} {count:,}" for label, count in counts[:CLASSES]) + more


def _described(name: str, p: AbstractData) -> dict[str, Any]:
    images = isinstance(p, AbstractImages)
    return {
        "name": spoken(name),
        "kind": "images"
        if images
        else "density"
        if isinstance(p, AbstractDensity)
        else "distribution",
        "shape": list(p.shape),
        "rows": len(p) if images else None,
        "about": (type(p).__doc__ or "").splitlines()[0],
    }


def read(path: Path) -> Rows | Labelled:
    """The rows of a .npy file, or of a .npz file that holds one array (or one called `x`). Objects are never unpickled.

    A file of one axis is read as one column. A `y` beside the `x` of a .npz file holds the labels of the rows.
    """
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz"):
        refuse(str(path), expected="a .npy or .npz file", got=f"{suffix or 'no suffix'}")
    if not path.is_file():
        refuse(
            str(path),
            expected="a file",
            got="nothing there" if not path.exists() else "a folder",
        )
    try:
        with path.open("rb") as file:
            if not file.read(6).startswith((b"\x93NUMPY", b"PK")):
                refuse(
                    str(path),
                    expected=f"a whole {suffix} file",
                    got="another kind of file, by its first bytes",
                )
            file.seek(0)
            loaded = np.load(file, allow_pickle=False)
            rows, labels = (
                (loaded, None) if isinstance(loaded, np.ndarray) else _held(path, loaded)
            )
    except Refusal:
        raise
    except UNREADABLE as error:
        if "pickle" in str(error).lower():
            hint = "Save plain ones: np.save(path, array.astype(float)), or labels.astype(str)."
            got = "pickled Python objects, which are never loaded"
            refuse(str(path), expected="an array of numbers, and of labels", got=got, hint=hint)
        refuse(
            str(path),
            expected=f"a whole {suffix} file",
            got=f"one that NumPy can't read ({error})",
        )
    rows = check(str(path), rows[:, None] if rows.ndim == 1 else rows)
    return rows if labels is None else paired(f"y of {path}", rows, labels)


UNREADABLE = (
    ValueError,
    EOFError,
    OSError,
    MemoryError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What NumPy and zip files raise at a damaged file."""


def _held(path: Path, loaded: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The one array of a .npz file, and the labels of its rows if it has any."""
    held = list(loaded)
    if len(held) != 1 and "x" not in held:
        refuse(
            str(path),
            expected="one array, or one called 'x'",
            got=f"{len(held)}: {', '.join(held) or 'none'}",
        )
    x, y = (loaded["x"], loaded.get("y")) if "x" in held else (loaded[held[0]], None)
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray | None):
        refuse(str(path), expected="arrays inside", got="another kind of file")
    # numbers to be predicted are no labels
    return x, None if y is not None and y.dtype.kind == "f" and not np.array_equal(
        y, np.rint(y)
    ) else y
