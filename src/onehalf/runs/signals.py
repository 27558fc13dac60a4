"""Signals that end a fit: Ctrl-C, SIGTERM and SIGHUP, each kept out of a save."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

__all__ = ["StopSignals", "Stopped"]

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals; a system may not have all of them."""

UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)
"""How they are handled where nobody has said otherwise: what `nohup` or a host program has set stays."""


class Stopped(KeyboardInterrupt):
    """A signal has ended the fit."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell reports of a process that a signal has ended."""
        return 128 + self.number


class StopSignals:
    """Raises `Stopped` at the first signal, after the save if one is under way; further signals change nothing.

    They are ignored after the block too, as the process then says what it has saved, and ends. Signals reach the main
    thread alone, so that elsewhere this does nothing.
    """

    def __init__(self) -> None:
        self.received = 0
        """The number of the first signal; 0 if there was none."""
        self.is_held = False
        self.replaced: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        """Listen, until the end of the block."""
        if threading.current_thread() is threading.main_thread():
            for name in NAMES:
                number = getattr(signal, name, None)
                if number and signal.getsignal(number) in UNTOUCHED:
                    self.replaced[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self.replaced.items():
            signal.signal(number, signal.SIG_IGN if self.received else handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let a block run to its end; a signal in it is raised after it."""
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False
        self.check()

    def check(self) -> None:
        """Raise `Stopped` if a signal has come, even if whatever ran then has swallowed that."""
        if self.received:
            raise Stopped(self.received)

    def _receive(self, number: int, frame: Any) -> None:
        is_first = not self.received
        self.received = self.received or number
        if is_first and not self.is_held:
            raise Stopped(number)
