"""The server of `onehalf watch`: a page on runs that are only read, for this machine alone."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from onehalf._errors import refuse
from onehalf.web.guard import Guard
from onehalf.web.streams import EventStreams
from onehalf.web.watch_page import join_live_script, join_live_style, render_live
from onehalf.web.watched import WatchedRuns

__all__ = ["LINGER", "WatchServer", "make_app", "open_socket"]

HOST = "127.0.0.1"

LINGER = 600.0
"""Seconds that the server stays without a page that is open, and without a fit at work."""

MOST_CONNECTIONS = 200
"""Connections at once; further ones are closed."""

LIFETIME = 60.0
"""Seconds after which a connection is closed, unless it is a stream."""

LONGEST_HEAD = 16_384
"""Bytes of a request's address and headers."""

ENDED = "The page has ended: nobody had it open, and no fit is at work."

STOPPED = "The page has ended: `onehalf watch` was stopped."

JSON = "application/json"


class Pages:
    """What the server answers with; no part of an address becomes a path."""

    def __init__(self, watched: WatchedRuns) -> None:
        self.watched = watched
        self.streams = EventStreams(watched)
        self.routes = [
            Route("/", _static(render_live(), "text/html")),
            Route("/watch.js", _static(join_live_script(), "text/javascript")),
            Route("/watch.css", _static(join_live_style(), "text/css")),
            Route("/index.json", self.index),
            Route("/run/{place:int}.json", self.run),
            Route("/run/{place:int}/sheet/data.png", self.sheet),
            Route("/run/{place:int}/sheet/{t:int}.png", self.sheet),
            Route("/events", self.streams),
        ]

    async def index(self, request: Request) -> Response:
        """All views."""
        return Response(self.watched.body, media_type=JSON)

    async def run(self, request: Request) -> Response:
        """One view; not again to those who have it."""
        place = request.path_params["place"]
        if place >= len(self.watched.runs):
            return _nothing()
        run = self.watched.runs[place]
        return _answer(request, run.body, JSON, run.revision)

    async def sheet(self, request: Request) -> Response:
        """The images of a round, or of the data."""
        place = request.path_params["place"]
        if place >= len(self.watched.runs):
            return _nothing()
        run = self.watched.runs[place]
        image = await anyio.to_thread.run_sync(run.reader.sheet, request.path_params.get("t"))
        return _nothing() if image is None else Response(image, media_type="image/png")


def make_app(watched: WatchedRuns, token: str) -> tuple[Guard, Pages]:
    """Make the application, and what its pages come from."""
    pages = Pages(watched)

    @contextlib.asynccontextmanager
    async def follow(app: Starlette) -> AsyncIterator[None]:
        await watched.refresh()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watched.follow)
            yield
            tasks.cancel_scope.cancel()

    async def answer_nothing(request: Request, error: Exception) -> Response:
        return _nothing()

    app = Starlette(
        routes=[Mount(f"/{token}", routes=pages.routes)],
        lifespan=follow,
        exception_handlers={404: answer_nothing},
    )
    app.router.redirect_slashes = False
    return Guard(app, token), pages


def open_socket(port: int | None) -> socket.socket:
    """Listen on a port of this machine, for this machine alone; None takes a free one.

    Raises:
        Refusal: The port is in use, or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # a port of a server that has just ended is free again at once
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port or 0))
        listener.listen()
    except OSError as error:
        listener.close()
        hint = "Leave out --port to get a free one."
        refuse(f"port {port}", expected="a free port", got=error.strerror, hint=hint)
    return listener


class WatchServer(uvicorn.Server):
    """Serves the page until it is stopped, or nobody needs it any more."""

    def __init__(
        self, folders: Sequence[Path], port: int | None = None, *, linger: float = LINGER
    ) -> None:
        self.listener = open_socket(port)
        self.token = secrets.token_urlsafe(16)
        self.linger = linger
        self.needed_at = time.monotonic()
        """When a page was last open, or a fit at work."""
        self.watched = WatchedRuns(folders)
        app, self.pages = make_app(self.watched, self.token)
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                h11_max_incomplete_event_size=LONGEST_HEAD,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def address(self) -> str:
        """What to open."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self.listener.getsockname()[1]

    def serve_until_done(self) -> str:
        """Serve, and return why it has ended."""
        with self.listener:
            self.run(sockets=[self.listener])
        return self.watched.end

    async def on_tick(self, counter: int) -> bool:
        """End if nobody needs the page any more; is called ten times a second."""
        now = time.monotonic()
        if self.pages.streams.count or self.watched.is_at_work:
            self.needed_at = now
        if now - self.needed_at > self.linger:
            self.should_exit = True
        if self.should_exit and not self.watched.end:
            self.watched.stop(ENDED if now - self.needed_at > self.linger else STOPPED)
        return await super().on_tick(counter)


class BoundedProtocol(H11Protocol):
    """A connection of limited time, among a limited number."""

    expiry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take the connection, or close it at once."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self.connections.discard(self)
            transport.abort()
            return
        self.expiry = self.loop.call_later(LIFETIME, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        if self.expiry:
            self.expiry.cancel()

    def _expire(self) -> None:
        """Close what is no stream."""
        is_stream = self.scope is not None and self.scope["path"].endswith("/events")
        if not is_stream:
            self.transport.abort()


def _static(text: str, media_type: str) -> Any:
    """Answer with a file of this package."""

    async def answer(request: Request) -> Response:
        return Response(text, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return answer


def _answer(request: Request, body: bytes, media_type: str, revision: str) -> Response:
    """Answer with a body, or say that it is the one that the client has."""
    headers = {"ETag": f'"{revision}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _nothing() -> Response:
    return PlainTextResponse("There is no such page.\n", 404)
