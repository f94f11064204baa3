"""Reverse proxy as a shop puts one before Muster: another host, a path before Muster's own, and
headers of its own."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import aiohttp
from aiohttp import web

_OF_THE_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length"})


class ReverseProxy:
    """Forwards what is below `/muster` to `target`. Runs in a thread of its own; close it."""

    def __init__(self) -> None:
        self.target: str | None = None  # the bot's address, once it is known
        self.seen: Counter[tuple[str, int]] = Counter()  # path and status
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> str:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/muster/{path:.*}", self._forward)
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/muster"

    async def _stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        path = "/" + request.match_info["path"]
        if self.target is None:
            return web.Response(status=502)
        kept = [(k, v) for k, v in request.headers.items() if k.lower() not in _OF_THE_HOP]
        kept += [("X-Forwarded-For", str(request.remote)), ("X-Forwarded-Proto", "https")]
        try:
            async with self._session.request(
                request.method, self.target + path, headers=kept, data=await request.read()
            ) as answer:
                body = await answer.read()
                self.seen[path, answer.status] += 1
                headers = {k: v for k, v in answer.headers.items() if k.lower() not in _OF_THE_HOP}
                return web.Response(status=answer.status, headers=headers, body=body)
        except aiohttp.ClientError:
            self.seen[path, 502] += 1
            return web.Response(status=502)
