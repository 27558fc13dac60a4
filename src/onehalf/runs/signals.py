"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP, each kept out of a save."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

__all__ = ["StopSignals", "Stopped", "end_at_signals"]

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals; a system may not have all of them."""

UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)
"""How they are handled where nobody has said otherwise: what `nohup` or a host program has set stays."""

PATIENCE = 10.0
"""Seconds after which a further signal is raised again: whatever ran at the first one may have swallowed it."""

DELAY = 0.01
"""Seconds until a signal that was swallowed is raised again."""

WHOLE = "No file is half written."
"""What is true of every command that a signal ends."""


class Stopped(KeyboardInterrupt):
    """A signal has ended a command; its notes say what was saved."""

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
    thread alone, so that elsewhere this does nothing. A block inside of another one takes its signals over.

    Args:
        is_last: Whether the process ends after the block: Ctrl-C is ignored then in any case.
    """

    def __init__(self, *, is_last: bool = False) -> None:
        self.is_last = is_last
        self.stopped: Stopped | None = None
        """The first signal."""
        self.raised_at = 0.0
        self.is_held = False
        self.replaced: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        """Listen, until the end of the block."""
        if threading.current_thread() is threading.main_thread():
            for name in NAMES:
                number = getattr(signal, name, None)
                handler = signal.getsignal(number) if number else None
                if number and (handler in UNTOUCHED or _find_block(handler)):
                    self.replaced[number] = signal.signal(number, self._receive)
        self.hooks = sys.excepthook, sys.unraisablehook
        sys.excepthook = self._print
        sys.unraisablehook = self._raise_again
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sys.excepthook, sys.unraisablehook = self.hooks
        for number, handler in self.replaced.items():
            around = _find_block(handler)
            if around:
                around.stopped = around.stopped or self.stopped
            is_ignored = self.stopped or (self.is_last and number == signal.SIGINT)
            signal.signal(number, signal.SIG_IGN if is_ignored else handler)

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
        if self.stopped:
            raise self.stopped

    def _receive(self, number: int, frame: Any) -> None:
        if self.stopped is None:
            self.stopped = Stopped(number)
        elif time.monotonic() < self.raised_at + PATIENCE:
            return
        self.raised_at = time.monotonic()
        if not self.is_held:
            raise self.stopped

    def _print(self, kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        """Print an error that C code prints, of an import that was interrupted for instance, but not a signal."""
        if error is not self.stopped:
            self.hooks[0](kind, error, traceback)

    def _raise_again(self, swallowed: Any) -> None:
        """Raise a signal once more that came in a callback, of the garbage collector for example, where it was lost."""
        if swallowed.exc_value is not self.stopped or self.stopped is None:
            return self.hooks[1](swallowed)
        self.raised_at = -PATIENCE
        again = threading.Timer(DELAY, _raise_in_main, [self.stopped.number])
        again.daemon = True
        return again.start()


def _raise_in_main(number: int) -> None:
    """Send a signal to the main thread, so that it ends what that one waits for."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _find_block(handler: Any) -> StopSignals | None:
    """The block whose handler this is, if any."""
    owner = getattr(handler, "__self__", None)
    return owner if isinstance(owner, StopSignals) else None


@contextlib.contextmanager
def end_at_signals(*, is_last: bool = False) -> Iterator[None]:
    """End the process at the first signal, with one sentence and the exit code that shells expect.

    Args:
        is_last: As for `StopSignals`.
    """
    with StopSignals(is_last=is_last) as signals:
        try:
            yield
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            stopped = _find_interrupt(error)
            if isinstance(error, Exception):  # of an import that was interrupted, for instance
                stopped = signals.stopped
            if stopped is None:
                raise
        else:
            return
        notes = getattr(stopped, "__notes__", [WHOLE])
        with contextlib.suppress(OSError):
            sys.stderr.write("\n" + " ".join(["Stopped.", *notes]) + "\n")
        sys.exit(getattr(stopped, "exit_code", 130))


def _find_interrupt(error: BaseException) -> KeyboardInterrupt | None:
    """What has interrupted a command; the command line makes an exit of it."""
    found = (
        getattr(error.__context__, "__cause__", None)
        if isinstance(error, SystemExit)
        else error
    )
    return found if isinstance(found, KeyboardInterrupt) else None
