"""A stream of what changes: server-sent events, to a limited number of pages."""

import json
from typing import Any

import anyio
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from onehalf.web.watched import WatchedRuns

__all__ = ["MOST_STREAMS", "EventStreams"]

MOST_STREAMS = 64
"""The most pages that get changes at the same time."""

HEARTBEAT = 15.0
"""Seconds after which something is sent, so that the connection stays open."""

SLOWEST = 30.0
"""Seconds that a client may take to accept an event."""

TOO_MANY = f"At most {MOST_STREAMS} pages are kept up to date at once. Close one and load this page again.\n"

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStreams:
    """Answers with a stream of events: `run` for each run that changes, `end` when the server stops."""

    def __init__(self, watched: WatchedRuns) -> None:
        self.watched = watched
        self.count = 0
        """Streams that are open."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.count >= MOST_STREAMS or scope["method"] != "GET":
            await PlainTextResponse(TOO_MANY, 503)(scope, receive, send)
            return
        self.count += 1
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
                await self._stream(send)
                tasks.cancel_scope.cancel()
        finally:
            self.count -= 1

    async def _stream(self, send: Send) -> None:
        """Send events until the server stops, or the client is too slow."""
        with anyio.move_on_after(SLOWEST) as deadline:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        seen: dict[int, str] = {}
        while not deadline.cancelled_caught:
            changed, end = self.watched.changed, self.watched.end
            text = self._news(seen) or ": \n\n"
            if end:
                text += _event("end", {"sentence": end})
            with anyio.move_on_after(SLOWEST) as deadline:
                await send(_body(text, more=not end))
            if end:
                return
            with anyio.move_on_after(HEARTBEAT):
                await changed.wait()

    def _news(self, seen: dict[int, str]) -> str:
        """The events of runs that have changed; `seen` has the revision that was sent last."""
        text = ""
        for place, run in enumerate(self.watched.runs):
            if seen.get(place) != run.revision:
                seen[place] = run.revision
                text += _event("run", run.summary(place))
        return text


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    """End a stream when its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, allow_nan=False)}\n\n"


def _body(text: str, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": more}
