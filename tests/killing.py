"""Stop what writes files before each of its file operations, in turn."""

import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OPERATIONS = ("fsync", "link", "mkdir", "open", "replace", "rmdir", "unlink")
"""What a save asks of the system; `io.open` comes on top."""


class Killed(BaseException):
    """The process is stopped before an operation; none comes after it."""


def kill(number: int) -> None:
    """Let no operation through."""
    raise Killed


class Killer:
    """Counts the file operations in a folder, and stops them from the n-th on."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, stop: Callable[[int], None] = kill
    ) -> None:
        self.folder = Path()
        self.left: int | None = None
        """Operations that are let through; None is all."""
        self.stop = stop
        """Is called with the number of each operation that comes after these, from 1."""
        monkeypatch.setattr(os, "fsync", lambda number: None)
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, self.wrap(getattr(os, name)))
        monkeypatch.setattr(io, "open", self.wrap(io.open))

    def wrap(self, operation: Any) -> Any:
        """An operation that is counted."""

        @functools.wraps(operation)
        def counted(first: Any, *rest: Any, **named: Any) -> Any:
            is_file = isinstance(first, int) or self.folder in Path(first).parents
            if self.left is not None and is_file:
                self.left -= 1
                if self.left < 0:
                    self.stop(-self.left)
            return operation(first, *rest, **named)

        return counted
