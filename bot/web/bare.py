"""Bare: aiohttp behind the bot's port: one request a connection, no banner, no traceback.

What is not Slack's shortest way comes here: probes, metrics, chunked bodies, and whatever a
scanner tries. A connection that ends with its answer cannot be held open between requests.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_OF_THE_SENDER = (HttpProcessingError, web.RequestPayloadError)
_PATIENCE = 10.0  # for a head, and for the rest of a body that nobody asked for


class BareHandler(web.RequestHandler):
    """Answers what is no HTTP in one line, where aiohttp quotes it back under its own banner, and
    logs a traceback of its own reader."""

    def log_exception(self, *args: Any, **kw: Any) -> None:
        if not isinstance(kw.get("exc_info"), _OF_THE_SENDER):
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == 400 and self.transport is not None:
            self.transport.write(_REFUSED)
            self.force_close()  # behind what has been written
        return super().handle_error(request, status, exc, message)


def bare(server: web.Server) -> BareHandler:
    """A handler for one connection."""
    return BareHandler(
        server,
        loop=asyncio.get_running_loop(),
        access_log=None,  # type: ignore[arg-type]  # as AppRunner hands it on
        keepalive_timeout=_PATIENCE,
        lingering_time=_PATIENCE,
    )


async def without_banner(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """A signal of `on_response_prepare`: which server and which version this is, nobody is told."""
    response.headers.popall("Server", None)
    response.headers["Connection"] = "close"
    response.force_close()
