"""Live: what a person's page learns without asking."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable

from aiohttp import WSMsgType, web

from sandbox.slack.errors import Json

_KEPT = 1_000  # events that wait for one slow page; beyond that it must fetch anew


class Live:
    """One queue for each open page."""

    def __init__(self) -> None:
        self._pages: defaultdict[str, set[asyncio.Queue[Json | None]]] = defaultdict(set)

    def tell(self, people: Iterable[str], event: Json) -> None:
        """Tells the open pages of these people. Never waits."""
        if not self._pages:
            return
        for person in people:
            for queue in self._pages.get(person, ()):
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(event)

    def everyone(self, event: Json) -> None:
        self.tell(tuple(self._pages), event)

    async def serve(self, request: web.Request, person: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20.0)
        await socket.prepare(request)
        queue: asyncio.Queue[Json | None] = asyncio.Queue(_KEPT)
        self._pages[person].add(queue)
        queue.put_nowait({"type": "connection", "as": person, "open": True})
        writer = asyncio.create_task(self._write(socket, queue))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
        finally:
            self._pages[person].discard(queue)
            if not self._pages[person]:
                del self._pages[person]
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _write(
        self, socket: web.WebSocketResponse, queue: asyncio.Queue[Json | None]
    ) -> None:
        while (event := await queue.get()) is not None:
            with contextlib.suppress(ConnectionError):
                await socket.send_str(json.dumps(event, ensure_ascii=False))
        await socket.close()

    def close(self) -> None:
        for queues in self._pages.values():
            for queue in queues:
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(None)
