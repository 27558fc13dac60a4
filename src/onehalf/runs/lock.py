"""One fit at a time in a folder: a lock that ends with the process that holds it."""

import contextlib
import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from onehalf._errors import refuse
from onehalf._files import is_running, remove_empty

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["LOCK", "Holder", "lock"]

LOCK = ".onehalf.lock"
"""The file that is locked. It names the process; that it exists does not mean that it is locked."""

LOCKED_BYTE = 1 << 30
"""What Windows locks: a byte far behind the text, so that others can read the text."""


HOLDER = re.compile(r"process (\d+) on ([^\n]*)(?:\nsince (\d+))?")
"""What the file says."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a folder, or did."""

    process: int
    host: str
    started: int | None = None
    """When the process started, in clock ticks since the machine did; None where the system does not say it."""

    @classmethod
    def own(cls) -> "Holder":
        """This process."""
        return cls(os.getpid(), platform.node(), _find_start(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> "Holder | None":
        """Read what `str` wrote; None if it is something else."""
        found = HOLDER.fullmatch(text)
        if found is None:
            return None
        return cls(int(found[1]), found[2], int(found[3]) if found[3] else None)

    def __str__(self) -> str:
        since = f"\nsince {self.started}" if self.started else ""
        return f"process {self.process} on {self.host}{since}"

    @property
    def is_alive(self) -> bool:
        """Whether the process is there, on this machine: its number may belong to another one by now."""
        return is_running(self.process) and self.started in (None, _find_start(self.process))


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder of a run, which is made if need be, and removed again if it stays empty.

    The system ends the lock when the process ends, however it ends. On a file system without locks there is none.

    Raises:
        Refusal: A fit is at work in the folder, or it can't be written to.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        file = _hold(folder)
    except OSError as error:
        remove_empty(new)
        got = error.strerror or str(error)
        refuse(str(folder), expected="a place to write to", got=got)
    try:
        yield
    finally:
        # Windows removes no open file; the next fit takes it over
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink()
        file.close()
        remove_empty(new)


def _hold(folder: Path) -> IO[str]:
    """Open and lock the file, and write into it who holds it."""
    path = folder / LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        # a link is not followed, as what it leads to would be overwritten
        number = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        file = os.fdopen(number, "r+", encoding="utf-8")
        if not _try_to_lock(file):
            file.seek(0)
            holder = file.readline(200).strip() or "a process"
            file.close()
            refuse(
                str(folder),
                expected="a folder that no other fit is writing to",
                got=f"one in use by {holder}",
                hint="Wait for that fit, stop it, or fit into another folder.",
            )
        # the holder before may have removed the file after it was opened here
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                break
        file.close()
    file.truncate(0)
    file.write(str(Holder.own()))
    file.flush()
    return file


def _try_to_lock(file: IO[str]) -> bool:
    """Lock an open file, if it can be locked; False if another process, or another part of this one, has it."""
    try:
        if sys.platform == "win32":
            file.seek(LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _find_start(process: int) -> int | None:
    """When a process started, in clock ticks since the machine did: field 22 of proc_pid_stat(5)."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        # the second field, a name in brackets, may have blanks
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
