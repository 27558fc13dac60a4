"""What files must be: regular ones, whose content fits into memory, and which stay as they are while they are read."""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from onehalf._errors import refuse

__all__ = [
    "MOST_BYTES",
    "PARQUET",
    "FileStates",
    "check_bytes",
    "check_file",
    "check_name",
    "is_parquet_folder",
    "walk",
]

PARQUET = ".parquet"
"""The ending of Parquet files."""

MOST_BYTES = 3 * 2**30
"""The most memory for what is unpacked from a file; encoding it takes up to four times as much."""


def check_file(path: Path) -> None:
    """Refuse what is no regular file: reading a pipe or a device may never end.

    >>> check_file(Path("nowhere.npy"))
    Traceback (most recent call last):
    onehalf._errors.Refusal: nowhere.npy: expected a file; got nothing there.
    """
    check_name(path)
    if path.is_file():
        return
    got = "nothing there"
    if path.exists():
        got = "a folder" if path.is_dir() else "a pipe or a device"
    refuse(str(path), expected="a file", got=got)


def check_name(path: str | Path) -> None:
    """Refuse a path that is no UTF-8: libraries can't open it, and no page can show it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        hint = "Rename the file or folder."
        refuse(str(path), expected="a name in UTF-8", got="other bytes", hint=hint)


def check_bytes(path: Path, needed: int, about: str, hint: str = "") -> None:
    """Refuse a file that takes more memory when it is unpacked.

    Args:
        path: The file.
        needed: The bytes that it takes.
        about: What these are, as in "of shape (3, 4)".
        hint: What to do about it.
    """
    if needed > MOST_BYTES:
        expected = f"at most {MOST_BYTES / 2**30:g} GiB, decoded"
        got = f"{needed / 2**30:,.1f} GiB {about}"
        refuse(str(path), expected=expected, got=got, hint=hint)


class FileStates:
    """The sizes and times of files, to notice whether one of them changes while it is read."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.states = {file: _find_state(file) for file in files}

    def check(self) -> None:
        """Refuse a file that is not as it was."""
        for file, state in self.states.items():
            now = _find_state(file)
            if now != state:
                got = "one that changed" if now else "one that was removed"
                hint = "Wait until it is written, then repeat the command."
                expected = "a file that stays as it is while it is read"
                refuse(str(file), expected=expected, got=got, hint=hint)


def _find_state(file: Path) -> tuple[int, int] | None:
    """The size of a file and the time it was last written; None if it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def walk(path: Path, *, refuse_unreadable: bool = True) -> Iterator[list[Path]]:
    """List the files of each folder at any depth, without hidden ones; follows links, but not in circles.

    Args:
        path: The folder.
        refuse_unreadable: Refuse a folder that can't be read, instead of passing over it.
    """

    def refuse_folder(error: OSError) -> None:
        if refuse_unreadable:
            got = error.strerror
            refuse(str(error.filename), expected="a folder that can be read", got=got)

    ancestors = {str(path): {path.resolve()}}
    for folder, below, inside in os.walk(path, onerror=refuse_folder, followlinks=True):
        if not os.access(folder, os.X_OK):
            refuse_folder(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))
        passed = ancestors.pop(folder)
        targets = {
            name: Path(folder, name).resolve() for name in below if not name.startswith(".")
        }
        below[:] = [name for name in targets if targets[name] not in passed]
        ancestors |= {os.path.join(folder, name): {*passed, targets[name]} for name in below}
        files = [Path(folder, name) for name in inside if not name.startswith(".")]
        for file in files if refuse_unreadable else ():
            check_name(file)
        yield files


def is_parquet_folder(path: str | Path, images: Sequence[str]) -> bool:
    """Whether a path is a folder with Parquet files and no images, and no run.

    Args:
        path: The path.
        images: The endings of images.

    >>> is_parquet_folder(".", [".png"]), is_parquet_folder("rows.parquet", [".png"])
    (False, False)
    """
    found = False
    if not os.path.isdir(path) or os.path.exists(os.path.join(path, "recipe.json")):
        return False
    for inside in walk(Path(path), refuse_unreadable=False):
        suffixes = {file.suffix.lower() for file in inside}
        if not suffixes.isdisjoint(images):
            return False
        found |= PARQUET in suffixes
    return found
