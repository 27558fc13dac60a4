"""Who may ask the server that watches runs, and with which headers it answers."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["POLICY", "Guard"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""The hosts that are this machine; through `ssh -L` a browser asks for one of them too, at any port."""

HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+)(:[0-9]{1,5})?")
"""A host, perhaps with its port."""

METHODS = ("GET", "HEAD")

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The content security policy: nothing inline, nothing from elsewhere, in no frame."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}
"""What every answer has. Each closes its connection, so that slow clients are limited in number and in time."""


class Guard:
    """Answers only what comes from a page of this server, or from the address that it opened.

    A page of another origin can send requests to this machine too. It is refused by its Origin; by the Host, where its
    own name was made to lead here; and it does not know the token.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refuse(scope)
        await (refused or self.app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> PlainTextResponse | None:
        """Refuse a request; None lets it through."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name_of(host) not in LOOPBACK:
            return PlainTextResponse("This page answers on this machine only.\n", 403)
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return PlainTextResponse("Pages of other origins are refused.\n", 403)
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("Pages of other sites are refused.\n", 403)
        token = scope["path"].split("/")[1:2]
        if not token or not secrets.compare_digest(token[0].encode(), self.token.encode()):
            text = "Open the whole address that `onehalf watch` printed.\n"
            return PlainTextResponse(text, 404)
        if scope["method"] not in METHODS:
            allowed = {"Allow": ", ".join(METHODS)}
            return PlainTextResponse("Runs are only shown here.\n", 405, allowed)
        return None


def _name_of(host: str) -> str | None:
    """The name of a host without its port; None if it is no host.

    >>> _name_of("localhost:8000"), _name_of("[::1]:8000"), _name_of("a@b"), _name_of("")
    ('localhost', '[::1]', None, None)
    """
    found = HOST.fullmatch(host)
    return found["name"].lower() if found else None
