"""IDX files, the format of MNIST: images, and labels in a file beside them.

The format: 0, 0, the type of the numbers, the number of axes; the length of each axis in 4
bytes; then the numbers. All of it is big-endian. The file may be gzipped.
"""

import contextlib
import gzip
import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import Labels, check, check_labels
from onehalf.data.files import check_file
from onehalf.data.images.sizing import check_memory

__all__ = ["is_idx_path", "read_idx", "read_labelled_idx", "reason_of"]

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""The type of the numbers, by the third byte of the file."""

MOST_AXES = 8
"""The most axes of an array."""

GZIP_MAGIC = b"\x1f\x8b"
"""The first bytes of a gzipped file."""

PART_BYTES = 2**20
"""The bytes that are read at a time, so that a wrong header can't ask for more memory than the
file fills."""


def is_idx_path(path: Path) -> bool:
    """Whether a file is an IDX file by its name.

    >>> is_idx_path(Path("train-images-idx3-ubyte.gz")), is_idx_path(Path("rows.npy"))
    (True, False)
    """
    return path.name.lower().removesuffix(".gz").endswith(("-ubyte", ".idx"))


def read_labelled_idx(path: Path) -> tuple[Rows, Labels | None]:
    """Read the images of an IDX file, and their labels if the file of these is in the same folder."""
    x = read_idx(path)
    if x.ndim == 1:
        hint = "Name the file of the images: labels in the same folder are read too."
        refuse(str(path), expected="images", got=f"{len(x):,} labels", hint=hint)
    x = check(str(path), x)
    for labels in filter(Path.is_file, _label_paths(path)):
        return x, check_labels(str(labels), read_idx(labels), len(x))
    return x, None


def read_idx(path: Path) -> np.ndarray:
    """Read the array of an IDX file, gzipped or not.

    Raises:
        Refusal: The file is missing, damaged, too large, or no IDX file.
    """
    check_file(path)
    try:
        with path.open("rb") as raw:
            is_gzipped = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            return _read_array(path, gzip.GzipFile(fileobj=raw) if is_gzipped else raw)
    except (EOFError, OSError, zlib.error) as error:
        got = f"one that can't be read ({reason_of(error)})"
        refuse(str(path), expected="a whole IDX file", got=got)


def reason_of(error: Exception) -> str:
    """Say why a file can't be read, in a few words and without its path."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0]


def _label_paths(path: Path) -> list[Path]:
    """Where the labels of a file of images may be: train-labels-idx1-ubyte for train-images-idx3-ubyte."""
    name, n_replaced = re.subn(
        "images([-.]idx)3", r"labels\g<1>1", path.name.removesuffix(".gz")
    )
    return [path.with_name(name + end) for end in ("", ".gz")] if n_replaced else []


def _read_array(path: Path, file: Any) -> np.ndarray:
    """Read the header, then as many numbers as it announces."""
    shape, dtype = _read_header(path, file)
    check_memory(path, shape, dtype.itemsize)
    content = _read_exactly(path, file, math.prod(shape) * dtype.itemsize)
    if file.read(1):
        expected = f"{len(content):,} bytes of numbers, as its header says"
        refuse(str(path), expected=expected, got="more")
    x = np.frombuffer(content, dtype).reshape(shape)
    return x.astype(dtype.newbyteorder("="), copy=False)


def _read_header(path: Path, file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Read the shape, and the type of the numbers."""
    head = _read_exactly(path, file, 4)
    if head[:2] != b"\0\0" or head[2] not in TYPES or not 0 < head[3] <= MOST_AXES:
        expected = (
            "an IDX file, which begins with 0, 0, a type and the number of its axes, "
            f"1 to {MOST_AXES}"
        )
        refuse(str(path), expected=expected, got=", ".join(map(str, head)))
    lengths = np.frombuffer(_read_exactly(path, file, 4 * head[3]), ">u4")
    shape = tuple(lengths.tolist())
    if 0 in shape:
        got = f"an empty array of shape {shape}"
        refuse(str(path), expected="at least one example", got=got)
    return shape, np.dtype(TYPES[head[2]])


def _read_exactly(path: Path, file: Any, count: int) -> bytearray:
    """Read `count` bytes, or refuse a file that ends before."""
    content = bytearray()
    with contextlib.suppress(EOFError):  # gzip raises it for a file that is cut off
        while len(content) < count:
            part = file.read(min(count - len(content), PART_BYTES))
            if not part:
                break
            content += part
    if lacking := count - len(content):
        plural = "" if lacking == 1 else "s"
        got = f"one that lacks {lacking:,} byte{plural} at its end"
        refuse(str(path), expected="a whole IDX file", got=got)
    return content
