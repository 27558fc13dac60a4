"""Files that are written whole or not at all."""

import contextlib
import functools
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from onehalf._errors import refuse

__all__ = [
    "check_room",
    "check_writable",
    "is_running",
    "is_temporary",
    "keep_file",
    "keep_room",
    "open_file",
    "remove_abandoned",
    "remove_empty",
    "remove_temporaries",
    "temporary_name",
    "write_file",
    "write_folder",
]

T = TypeVar("T")

LEAST_FREE = 64 << 20
"""Bytes that the disk of a run must have left."""

TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<machine>[0-9a-f]{6})-(?P<process>\d{1,18})")
"""The temporary name of a file: its own, and the machine and the process that write it."""

UNHARMED = "What was saved before is whole."

PROBE = ".onehalf.try"
"""The file by which a folder is tried."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it, and rename it.

    Raises:
        Refusal: The file can't be written; one that was there before is as it was.
    """
    with open_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file under a temporary name; at the end of the block it is synced and renamed, after an error removed.

    Raises:
        Refusal: The file can't be written; one that was there before is as it was.
    """
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path)
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # which follows no link
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        got = error.strerror or str(error)
        refuse(str(path), expected="a place to write to", got=got, hint=UNHARMED)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def keep_file(path: Path, kept: Path) -> None:
    """Keep a file, as it is now, under a second name: a file that is put in its place leaves this one alone.

    Raises:
        Refusal: That can't be done; both names are as they were.
    """
    temporary = temporary_name(kept)
    try:
        temporary.unlink(missing_ok=True)
        try:
            os.link(path, temporary)
        except OSError:  # a file system without links
            shutil.copyfile(path, temporary)
        temporary.replace(kept)
    except OSError as error:
        got = error.strerror or str(error)
        refuse(str(kept), expected="a place to write to", got=got, hint=UNHARMED)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_folder(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files, by their names in it, into a folder that is new or empty.

    Raises:
        Refusal: The folder can't be written, or holds something.
    """
    folder = folder.resolve()
    temporary = temporary_name(folder)
    remove_abandoned(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)  # which follows no link
        for name, content in files:
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rmdir()
        temporary.replace(folder)
    except OSError as error:
        got = error.strerror or str(error)
        refuse(str(folder), expected="a new or empty folder to write to", got=got)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def keep_room(
    pieces: Iterable[T],
    n: int,
    folder: Path,
    tell: Callable[[], int],
    count: Callable[[T], int],
) -> Iterator[T]:
    """Pass pieces on to be written; after each, refuse if the disk has no room for the others.

    Args:
        pieces: The pieces.
        n: All rows.
        folder: Where they are written.
        tell: Gives the bytes so far.
        count: Gives the rows of a piece.

    Raises:
        Refusal: There is less room than the others would take.
    """
    done = 0
    for piece in pieces:
        yield piece
        done += count(piece)
        check_room(folder, tell(), done, n)


def check_room(folder: Path, n_bytes: int, done: int, n: int) -> None:
    """Refuse a file of n rows, of which some are written, that its disk has no room for.

    Args:
        folder: Where it is.
        n_bytes: The bytes so far.
        done: The rows that these hold, at least 1.
        n: All rows.

    Raises:
        Refusal: There is less room than the others would take.
    """
    per_row = n_bytes / done
    free = shutil.disk_usage(folder).free
    if per_row * (n - done) > free:
        got = f"{n:,} rows, which take about {describe_bytes(n * per_row)}"
        expected = f"rows that fit into the {describe_bytes(free + n_bytes)} free on the disk of {folder}"
        refuse("n", expected=expected, got=got)


def describe_bytes(n_bytes: float) -> str:
    """A number of bytes in words.

    >>> describe_bytes(3 << 20), describe_bytes(2.5 * 2**40)
    ('3 MiB', '2,560 GiB')
    """
    mebi = n_bytes / 2**20
    return f"{mebi / 1024:,.0f} GiB" if mebi >= 10 * 1024 else f"{mebi:,.0f} MiB"


def check_writable(folder: Path) -> None:
    """Try to write into a folder, before the work and not after it; nothing stays there.

    Raises:
        Refusal: It can't be written to, or its disk is nearly full.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    probe = temporary_name(folder / PROBE)
    remove_abandoned(folder / PROBE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.unlink(missing_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        got = error.strerror or str(error)
        refuse(str(folder), expected="a place to write to", got=got)
    finally:
        remove_empty(new)
    if free < LEAST_FREE:
        expected = f"{LEAST_FREE >> 20} MiB free on its disk"
        refuse(str(folder), expected=expected, got=f"{free >> 20} MiB")


def remove_abandoned(path: Path) -> None:
    """Remove what writers of a file or a folder have left beside it, as they were killed on this machine."""
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            found = TEMPORARY.fullmatch(entry.name)
            if not found or (found["name"], found["machine"]) != (path.name, _machine()):
                continue
            if is_running(int(found["process"])):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether a process of this machine is there; where that can't be asked, it is taken to be."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # a process of another user
        return True
    return True


def remove_temporaries(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove what writers that were killed have left in a folder: temporary files of our names."""
    for path in folder.iterdir():
        if is_temporary(path.name, is_ours):
            path.unlink(missing_ok=True)


def is_temporary(name: str, is_ours: Callable[[str], bool]) -> bool:
    """Whether this is the temporary name of a file with a name of ours, or of the file by which a folder is tried."""
    found = TEMPORARY.fullmatch(name)
    own = found["name"] if found else name
    return own == PROBE or bool(found and is_ours(own))


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders, the innermost first, as far as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def temporary_name(path: Path) -> Path:
    """The temporary name of a file or a folder."""
    return path.with_name(f".{path.name}.{_machine()}-{os.getpid()}")


@functools.cache
def _machine() -> str:
    """A short name of this machine; of the container, where it numbers its processes by itself."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return hashlib.sha256(f"{platform.node()}\0{namespace}".encode()).hexdigest()[:6]


def _sync(folder: Path) -> None:
    """Sync the names in a folder, where the system can do that."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
