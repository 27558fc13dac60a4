"""Load data by the word that a user types: the name of a built-in data set, or a path."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.random as jr
import numpy as np

from onehalf._errors import Refusal, refuse
from onehalf._registry import catalogue, choose, names, spoken
from onehalf.data.arrays.validation import Labels, Rows, check, check_labels
from onehalf.data.dataset import Dataset
from onehalf.data.files import check_bytes, check_file
from onehalf.data.images.reader import SUFFIXES, is_image_path, read_images
from onehalf.data.tables.parquet import ParquetFiles
from onehalf.data.tables.reader import read_table
from onehalf.distributions.base import AbstractData, AbstractDensity
from onehalf.distributions.images import AbstractImages

__all__ = [
    "ROWS",
    "Description",
    "describe",
    "find_density",
    "is_image_folder",
    "is_image_path",
    "is_path",
    "is_table_path",
    "list_datasets",
    "load",
    "map_array",
    "read_array",
]

ROWS = 100_000
"""Rows drawn from a distribution that could give any number (as many as in Lin et al. 2018)."""

CLASSES = 12
"""The most classes that a description lists."""


@dataclass(frozen=True)
class Description:
    """A data set in a line."""

    name: str
    kind: str
    """images, density, distribution or file."""
    shape: tuple[int, ...]
    """The shape of one row."""
    rows: int | None
    """None for a distribution, which gives any number."""
    about: str
    """One sentence or less."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to what JSON can hold."""
        return {**vars(self), "shape": list(self.shape)}


def is_path(word: str) -> bool:
    """Whether the word is a path rather than a name: it has a suffix or a separator, or something is there.

    >>> is_path("ring"), is_path("photos/"), is_path("rows.npy")
    (False, True, True)
    """
    return bool(Path(word).suffix) or os.sep in word or "/" in word or os.path.exists(word)


def is_table_path(word: str) -> bool:
    """Whether the word is the path of a table rather than a name, an array (.npy, .npz) or images.

    >>> [is_table_path(word) for word in ("people.csv", "rows.npy", "ring", "x-idx3-ubyte.gz")]
    [True, False, False, False]
    """
    others = (".npy", ".npz", *SUFFIXES)
    is_other = Path(word).suffix.lower() in others or is_image_path(word)
    return is_path(word) and not is_other


def is_image_folder(word: str) -> bool:
    """Whether the word is the path of a folder of images, rather than of Parquet files."""
    return os.path.isdir(word) and is_image_path(word)


def load(
    word: str,
    *,
    image_size: Any = None,
    on_progress: Callable[[str], None] | None = None,
    allow_empty: bool = False,
) -> Dataset:
    """Load and check the data that a word means.

    Args:
        word: A name that `list_datasets` lists, or the path of a table (.csv, .tsv, .parquet, or a
            folder of Parquet files), an array (.npy, .npz), a folder of images or an IDX file. A distribution gives the
            same 100,000 rows each time.
        image_size: The side, or height and width, to which a folder's images are resized.
        on_progress: Called with a sentence now and then, if reading takes longer than a few
            seconds.
        allow_empty: Accept a table with columns of which no value is known, to be compared.

    Returns:
        The data. Its notes say what was done to images.

    >>> load("digits").values.shape, load("two-moons").values.shape
    ((1797, 8, 8), (100000, 2))
    """
    if is_image_path(word):
        images = read_images(word, image_size, on_progress)
        return Dataset(images.x, images.labels, notes=images.notes)
    if Path(word).suffix.lower() in SUFFIXES:
        refuse(word, expected="a folder of images", got="one image, or the name of one")
    if image_size is not None:
        refuse("size", expected="a folder of images to resize", got=word)
    if is_table_path(word):
        table = read_table(word, allow_empty=allow_empty)
        return Dataset(table, notes=ParquetFiles(word).notes if os.path.isdir(word) else ())
    return read_array(Path(word)) if is_path(word) else _draw(_find(word)[1])


def find_density(word: str) -> AbstractDensity | None:
    """Find the density of a name; None for data without a known density.

    >>> find_density("ring"), find_density("digits")
    (Ring(), None)
    """
    p = None if is_path(word) else _find(word)[1]
    return p if isinstance(p, AbstractDensity) else None


def describe(word: str, data: Dataset) -> Description:
    """Describe data, an array, that `load` loaded by this word."""
    if not is_path(word):
        return _describe(*_find(word))
    x = data.array
    about = data.notes[-1].removesuffix(".") if data.notes else f"an array of {x.dtype}"
    about += "" if data.labels is None else f"; {_count_labels(data.labels)}"
    kind = "images" if is_image_path(word) else "file"
    return Description(word, kind, x.shape[1:], len(x), about)


def list_datasets() -> list[Description]:
    """Describe each built-in data set, without loading its rows."""
    return [_describe(name, p()) for name, p in catalogue("distributions").items()]


def read_array(path: Path) -> Dataset:
    """Read a .npy file, or a .npz file that holds one array (or one called `x`).

    A file of one axis is read as one column. A `y` next to the `x` of a .npz file holds the
    labels of the rows. Objects are never unpickled, and the packed arrays of a .npz file
    take at most 3 GiB.
    """
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz"):
        refuse(str(path), expected="a .npy or .npz file", got=f"{suffix or 'no suffix'}")
    check_file(path)
    with _refuse_broken(path, suffix):
        rows, labels = _read_arrays(path, suffix)
    rows = check(str(path), rows[:, None] if rows.ndim == 1 else rows)
    if labels is None:
        return Dataset(rows)
    return Dataset(rows, check_labels(f"y of {path}", labels, len(rows)))


def map_array(path: Path) -> Rows:
    """Map a .npy file into memory, not yet checked: its rows are read when they are used."""
    check_file(path)
    with _refuse_broken(path, ".npy"):
        _check_kind(path, ".npy")
        return np.load(path, mmap_mode="r", allow_pickle=False)


@contextlib.contextmanager
def _refuse_broken(path: Path, suffix: str) -> Iterator[None]:
    """Refuse files that NumPy can't read."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:  # NumPy and zip files raise whatever a broken file makes them
        if "pickle" in str(error).lower() or "Python objects" in str(error):
            hint = "Save plain ones: np.save(path, array.astype(float)), or labels.astype(str)."
            got = "pickled Python objects, which are never loaded"
            refuse(str(path), expected="an array of numbers, and of labels", got=got, hint=hint)
        refuse(
            str(path),
            expected=f"a whole {suffix} file",
            got=f"one that NumPy can't read ({error})",
        )


def _check_kind(path: Path, suffix: str) -> None:
    """Refuse another kind of file, by its first bytes."""
    with path.open("rb") as file:
        if not file.read(6).startswith((b"\x93NUMPY", b"PK")):
            got = "another kind of file, by its first bytes"
            refuse(str(path), expected=f"a whole {suffix} file", got=got)


def _read_arrays(path: Path, suffix: str) -> tuple[Rows, np.ndarray | None]:
    """Read the rows and the labels of a file, not yet checked."""
    _check_kind(path, suffix)
    with path.open("rb") as file:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content, None
        return _read_members(path, content)


def _read_members(path: Path, content: Any) -> tuple[Rows, np.ndarray | None]:
    """Read the one array of a .npz file, and the labels of its rows if it has any."""
    members = list(content)
    packed = (member for member in content.zip.infolist() if member.compress_type)
    check_bytes(path, sum(member.file_size for member in packed), "of packed arrays")
    if len(members) != 1 and "x" not in members:
        refuse(
            str(path),
            expected="one array, or one called 'x'",
            got=f"{len(members)}: {', '.join(members) or 'none'}",
        )
    x = content["x"] if "x" in members else content[members[0]]
    y = content.get("y") if "x" in members else None
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray | None):
        refuse(str(path), expected="arrays inside", got="another kind of file")
    # fractions are numbers to predict rather than labels
    is_target = y is not None and y.dtype.kind == "f" and not np.array_equal(y, np.rint(y))
    return x, None if is_target else y


def _find(word: str) -> tuple[str, AbstractData]:
    """Find a built-in data set; refuse a name that none has."""
    name = choose("data", word, names("distributions"))
    return name, catalogue("distributions")[name]()


def _draw(p: AbstractData) -> Dataset:
    """All rows of a finite data set, with their labels; 100,000 rows of a distribution."""
    if isinstance(p, AbstractImages):
        return Dataset(p.rows(), p.labels())
    return Dataset(np.asarray(p.sample(jr.key(0), ROWS)))


def _describe(name: str, p: AbstractData) -> Description:
    is_finite = isinstance(p, AbstractImages)
    kind = "density" if isinstance(p, AbstractDensity) else "distribution"
    return Description(
        spoken(name),
        "images" if is_finite else kind,
        p.shape,
        len(p) if is_finite else None,
        (type(p).__doc__ or "").splitlines()[0],
    )


def _count_labels(y: Labels) -> str:
    """Count the rows of each class, the most frequent first.

    >>> _count_labels(np.array(["cat", "dog", "cat"]))
    'cat 2, dog 1'
    """
    counts = Counter(y.tolist()).most_common()
    more = f", and {len(counts) - CLASSES:,} classes more" if len(counts) > CLASSES else ""
    return ", ".join(f"{label} {count:,}" for label, count in counts[:CLASSES]) + more
