"""The control port of drills and tests: drives the clock of a running bot, tells when it is idle.

It listens on the loopback address only, and only when `muster run --control` asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.clock import DrivenClock
from bot.web.local import local_only

Pending = Callable[[], Awaitable[dict[str, int]]]


class ControlPort:
    """`POST /clock {"advance": seconds}`, `GET /clock`, `GET /idle`."""

    def __init__(self, clock: DrivenClock, pending: Pending) -> None:
        self._clock = clock
        self._pending = pending
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> str:
        """Listens; the address (a free port when `port` is 0)."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/clock", local_only(self._tell)),
                web.post("/clock", local_only(self._advance)),
                web.get("/idle", local_only(self._idle)),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        chosen = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{chosen}"
        return self.url

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response({"now": self._clock.now().isoformat()})

    async def _advance(self, request: web.Request) -> web.Response:
        seconds: Any = None
        try:
            seconds = (await request.json()).get("advance")
        except (json.JSONDecodeError, AttributeError):
            seconds = None
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
            return web.json_response(
                {"ok": False, "error": "advance must be a number of seconds, 0 or more"}, status=400
            )
        moment = self._clock.advance(float(seconds))
        return web.json_response({"ok": True, "now": moment.isoformat()})

    async def _idle(self, _: web.Request) -> web.Response:
        pending = await self._pending()
        return web.json_response({"idle": not any(pending.values()), "pending": pending})
