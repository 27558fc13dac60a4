"""Files that are written whole or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from onehalf._errors import refuse

__all__ = ["check_writable", "write_file", "write_folder"]

LEAST_FREE = 64 << 20
"""Bytes that the disk of a run must have left."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it, and rename it.

    Raises:
        Refusal: The file can't be written; one that was there before is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        got = error.strerror or str(error)
        hint = "What was saved before is whole."
        refuse(str(path), expected="a place to write to", got=got, hint=hint)


def write_folder(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files, by their names in it, into a folder that is new or empty.

    Raises:
        Refusal: The folder can't be written, or holds something.
    """
    folder = folder.resolve()
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for name, content in files:
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rmdir()
        temporary.replace(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        got = error.strerror or str(error)
        refuse(str(folder), expected="a new or empty folder to write to", got=got)


def check_writable(folder: Path) -> None:
    """Try to write into a folder, before the work and not after it; nothing stays there.

    Raises:
        Refusal: It can't be written to, or its disk is nearly full.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    write_file(folder / ".try", b"")
    (folder / ".try").unlink()
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        expected = f"{LEAST_FREE >> 20} MiB free on its disk"
        refuse(str(folder), expected=expected, got=f"{free >> 20} MiB")
    for path in new:
        path.rmdir()
