"""A shop of one setting, on a real socket, that can fail in every way a request can fail."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class TinyShop:
    """`PUT /routing` sets it, and so does every other action.

    `honours_keys`: a known key answers again without a second effect.
    """

    honours_keys: bool = True
    routing: str = "northpay"
    healthy: bool = True
    applied: list[str] = field(default_factory=list)  # keys, once for each effect
    asked: list[str] = field(default_factory=list)  # every request, reads too
    faults: list[str] = field(default_factory=list)  # one for each of the next PUTs
    look_faults: list[str] = field(default_factory=list)
    hidden: bool = False  # the effect does not show yet
    broken_word: str = ""  # what the look shows instead: the shop says that it failed
    pause: float = 0.0  # seconds between a PUT's effect and its answer
    _answers: dict[str, Any] = field(default_factory=dict)
    _late: list[tuple[str, str]] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)  # a PUT has come in

    async def start(self) -> None:
        app = web.Application()
        app.router.add_put("/routing/{method}", self._put)
        app.router.add_get("/routing/{method}", self._get)
        app.router.add_get("/standby", self._standby)
        app.router.add_get("/idempotency/{key}", self._known)
        app.router.add_route("*", "/{anything:.*}", self._put)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def land(self) -> None:
        """What was on its way when the client gave up arrives now."""
        for key, channel in self._late:
            self._apply(key, channel)
        self._late.clear()

    def _apply(self, key: str, channel: str) -> dict[str, Any]:
        if self.honours_keys and key in self._answers:
            return dict(self._answers[key])
        before, self.routing = self.routing, channel
        self.applied.append(key)
        self._answers[key] = {"channel": channel, "previous": before}
        return dict(self._answers[key])

    async def _put(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["Idempotency-Key"]
        channel = str((await request.json()).get("channel", "done"))
        self.asked.append(f"PUT {key}")
        self.arrived.set()
        fault = self.faults.pop(0) if self.faults else None
        transport = request.transport
        assert transport is not None
        if fault == "reset_before":
            transport.abort()
        elif fault == "timeout_before":
            await asyncio.sleep(30)
        elif fault == "late":
            self._late.append((key, channel))
            transport.abort()
        elif fault in ("500_before", "503_before"):
            return web.json_response({"error": {"message": "broken"}}, status=int(fault[:3]))
        elif fault is not None and fault.startswith("429"):
            _, _, seconds = fault.partition(":")
            headers = {"Retry-After": seconds} if seconds else {}
            return web.json_response({"error": {"message": "busy"}}, status=429, headers=headers)
        elif fault == "refused":
            return web.json_response(
                {"error": {"code": "locked", "message": "The routing is locked."}}, status=409
            )
        else:
            answer = self._apply(key, channel)
            if fault == "lost_reply":
                transport.abort()
            elif fault == "503_after":
                return web.json_response({}, status=503)
            elif fault == "malformed":
                return web.Response(text="<html>", content_type="text/html")
            else:
                await asyncio.sleep(self.pause)
                return web.json_response(answer)
        return web.Response()

    async def _get(self, request: web.Request) -> web.Response:
        self.asked.append("GET routing")
        if self.look_faults:
            self.look_faults.pop(0)
            return web.json_response({}, status=503)
        shown = self.broken_word or ("northpay" if self.hidden else self.routing)
        return web.json_response({"channel": shown})

    async def _standby(self, request: web.Request) -> web.Response:
        self.asked.append("GET standby")
        if self.look_faults:
            self.look_faults.pop(0)
            return web.json_response({}, status=503)
        return web.json_response({"ok": self.healthy})

    async def _known(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self.asked.append(f"GET key {key}")
        if key not in self._answers:
            return web.json_response({"error": {"message": "unknown key"}}, status=404)
        return web.json_response({"status": 200, "response": self._answers[key]})


def pretty(asked: list[str]) -> str:
    """For the message of a failing assertion."""
    return json.dumps(asked, indent=1)
