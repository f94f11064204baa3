"""The bot as it is, in a process that stands still at named points, once a file says so.

    python -m tests.replicas.freezing_bot FOLDER run --config …

For moments that a signal from outside would hit by luck alone: the request is about to leave, and
nothing is asked any more. A file POINT in FOLDER holds the first call that comes by and whose text
has the file's content in it; the file is then POINT.held, and the call goes on when that is gone.
At the point "unit" the whole process freezes. The product itself knows nothing of this.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from actions.connectors.http import ShopClient
from bot.cli.main import main
from bot.delivery.sender import Sender
from storage.models import TimelineEntry

_api_call = AsyncWebClient.api_call
_wait_for_token = Sender._wait_for_token
_send = ShopClient._send
_commit = Session.commit


@dataclass(frozen=True)
class Point:
    """One place in the program that can be told to hold; only once each time."""

    file: Path

    @property
    def held(self) -> Path:
        return self.file.with_suffix(".held")

    def reached(self, text: str = "") -> bool:
        """Whether this call is the one to be held."""
        if not self.file.exists() or self.file.read_text(encoding="utf-8") not in text:
            return False
        self.file.rename(self.held)
        return True

    async def hold(self, text: str = "") -> None:
        if self.reached(text):
            while self.held.exists():  # noqa: ASYNC110 - the signal comes from another process
                await asyncio.sleep(0.01)


def before_request(point: Point) -> None:
    """Between the last look at the lease and the request to Slack. A request that is on its way
    cannot be called back, so what is held leaves, whoever has given it up."""
    on_their_way: set[asyncio.Task[Any]] = set()

    async def held(self: AsyncWebClient, name: str, **more: Any) -> Any:
        await point.hold(str(more))
        return await _api_call(self, name, **more)

    async def api_call(self: AsyncWebClient, name: str, **more: Any) -> Any:
        if name != "chat.postMessage":
            return await _api_call(self, name, **more)
        request = asyncio.create_task(held(self, name, **more))
        on_their_way.add(request)
        return await asyncio.shield(request)

    AsyncWebClient.api_call = api_call  # type: ignore[method-assign]


def before_token(point: Point) -> None:
    """Before the lease is looked at: while a post waits for its turn."""

    async def wait(self: Sender, method: str, *more: Any) -> None:
        await _wait_for_token(self, method, *more)
        if method == "chat.postMessage":
            await point.hold()

    Sender._wait_for_token = wait  # type: ignore[method-assign]


def before_action(point: Point) -> None:
    """Between the last look at the lease and the request to the shop."""

    async def send(self: ShopClient, request: Any, headers: Any = None, **more: Any) -> Any:
        if headers:
            await point.hold()
        return await _send(self, request, headers, **more)

    ShopClient._send = send  # type: ignore[method-assign]


def before_commit(point: Point) -> None:
    """All of a transaction is done and its rows are locked, save the commit: everything stops."""

    def flushed(session: Session, _context: Any) -> None:
        session.info["told"] = session.info.get("told") or any(
            isinstance(one, TimelineEntry) for one in session.new
        )

    def commit(self: Session) -> None:
        if self.info.get("told") and point.reached():
            os.kill(os.getpid(), signal.SIGSTOP)
        _commit(self)

    event.listen(Session, "after_flush", flushed)
    Session.commit = commit  # type: ignore[method-assign]


POINTS = {
    "post": before_request,
    "token": before_token,
    "act": before_action,
    "unit": before_commit,
}

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    for name, install in POINTS.items():
        install(Point(folder / name))
    main()
