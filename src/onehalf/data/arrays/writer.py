"""Arrays that come piece by piece, as NumPy's files."""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from onehalf._files import keep_room, open_file

__all__ = ["write_arrays"]


def write_arrays(pieces: Iterable[Any], n: int, path: Path, suffix: str) -> None:
    """Write a .npy file of rows, or a .npz file with rows as `x` and labels as `y`; one piece is in memory at a time.

    Args:
        pieces: Rows, or pairs of rows and labels.
        n: All rows.
        path: The file.
        suffix: '.npy' or '.npz'.

    Raises:
        Refusal: The file can't be written, or its disk has no room for it.
    """
    with open_file(path) as file:
        whole = keep_room(pieces, n, path.parent, file.tell, _count)
        if suffix != ".npz":
            return _write_rows(file, n, (_split(piece)[0] for piece in whole))
        with (
            tempfile.TemporaryFile(dir=path.parent) as labels,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            with archive.open("x.npy", "w", force_zip64=True) as member:
                _write_rows(member, n, _keep_labels(whole, n, labels))
            if labels.tell():
                labels.seek(0)
                with archive.open("y.npy", "w", force_zip64=True) as member:
                    while part := labels.read(1 << 16):
                        member.write(part)
    return None


def _split(piece: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows of a piece, and their labels if they have some."""
    return (piece[0], piece[1]) if isinstance(piece, tuple) else (piece, None)


def _count(piece: Any) -> int:
    """The rows of a piece."""
    return len(_split(piece)[0])


def _keep_labels(pieces: Iterable[Any], n: int, file: IO[bytes]) -> Iterator[np.ndarray]:
    """Pass the rows of pieces on, and write their labels, if they have some, to another file."""
    for piece in pieces:
        x, y = _split(piece)
        if y is not None:
            if not file.tell():
                _write_header(file, n, y)
            file.write(y.tobytes())
        yield x


def _write_rows(file: Any, n: int, pieces: Iterable[np.ndarray]) -> None:
    """Write n rows as np.save does."""
    is_begun = False
    for rows in pieces:
        if not is_begun:
            _write_header(file, n, rows)
            is_begun = True
        file.write(rows.tobytes())


def _write_header(file: Any, n: int, rows: np.ndarray) -> None:
    """Write the header of n rows like these."""
    header = np.lib.format.header_data_from_array_1_0(rows[:0])
    shape = (n, *rows.shape[1:])
    np.lib.format.write_array_header_1_0(
        file, {**header, "shape": shape, "fortran_order": False}
    )
