"""The runs that are watched: read when they change, and made into JSON once, however many pages ask for it."""

import json
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from onehalf.views import RunReader, label_runs
from onehalf.views.view import SCHEMA_VERSION, RunView

__all__ = ["WatchedRun", "WatchedRuns"]

SECONDS_BETWEEN = 0.5
"""How often the folders are looked at."""


class WatchedRun:
    """One run: its view as JSON."""

    def __init__(self, reader: RunReader) -> None:
        self.reader = reader
        self.view: RunView | None = None
        self.body = b"null"

    @property
    def revision(self) -> str:
        """Changes with the view."""
        return self.view.revision if self.view else ""

    @property
    def is_at_work(self) -> bool:
        """Whether the run goes on."""
        return self.view is not None and self.view.is_at_work

    def refresh(self) -> bool:
        """Read the run again if it has changed; returns whether it has."""
        if self.reader.fingerprint() == self.revision:
            return False
        view = self.reader.view()
        self.body = json.dumps(view.to_dict(), allow_nan=False).encode()
        self.view = view
        return True

    def summary(self, place: int) -> dict[str, object]:
        """What a stream tells of it."""
        view = self.view
        return {
            "run": place,
            "revision": self.revision,
            "state": view and view.state,
            "sentence": view and view.sentence,
        }


class WatchedRuns:
    """All runs, and what waits for their changes."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.runs = [
            WatchedRun(RunReader(folder, label, _sheets_of(place)))
            for place, (folder, label) in enumerate(
                zip(folders, label_runs(folders), strict=True)
            )
        ]
        self.changed = anyio.Event()
        """Set at each change, and then another one takes its place."""
        self.end = ""
        """Why no more changes come; '' while they may."""

    @property
    def is_at_work(self) -> bool:
        """Whether any run goes on."""
        return any(run.is_at_work for run in self.runs)

    @property
    def body(self) -> bytes:
        """All views as JSON."""
        start = f'{{"schema_version": {SCHEMA_VERSION}, "runs": ['.encode()
        return start + b", ".join(run.body for run in self.runs) + b"]}"

    async def follow(self) -> None:
        """Look at the folders again and again."""
        while True:
            await self.refresh()
            await anyio.sleep(SECONDS_BETWEEN)

    async def refresh(self) -> None:
        """Look at the folders, and wake whoever waits if one has changed."""
        found = [await anyio.to_thread.run_sync(run.refresh) for run in self.runs]
        if any(found):
            self.wake()

    def stop(self, why: str) -> None:
        """Tell whoever waits that no more changes come."""
        self.end = why
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits."""
        self.changed.set()
        self.changed = anyio.Event()


def _sheets_of(place: int):
    """The addresses of the sheets of a run's images, relative to that of its view."""

    def address(t: int | None) -> str:
        return f"{place}/sheet/{'data' if t is None else t}.png"

    return address
