"""The Web API's one entry: token, scopes, faults, limits, then the method."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiohttp import web

from sandbox.slack import cast
from sandbox.slack.errors import Json, Refused
from sandbox.slack.faults import Fault
from sandbox.slack.log import RequestEntry
from sandbox.slack.methods import METHODS, Call, Method
from sandbox.slack.methods.registry import missing_scope
from sandbox.slack.world import World

log = structlog.get_logger(__name__)

TOKENS: Final = {cast.BOT_TOKEN: "bot", cast.APP_TOKEN: "app"}
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER with 0 s: closing resets the connection


class Cut(Exception):
    """The caller gets no answer: the connection ends here."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("cut")
        self.reset = reset


class WebApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Lets go of the calls that are never answered."""
        self._stopping.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        given = await _given(request, METHODS.get(name))
        token = _token(request, given)
        args = {k: v for k, v in given.items() if k != "token"}
        entry = self._world.log.request(
            self._world.clock.now(),
            name,
            args,
            TOKENS.get(token or ""),
            hash((name, json.dumps(args, sort_keys=True, ensure_ascii=False))),
        )
        try:
            body = await self.faulty(request, entry, args, lambda: self._run(name, given, token))
            return self._answer(entry, 200, {"ok": True, **body})
        except Refused as refused:
            entry.error = refused.error
            return self._answer(entry, refused.status, refused.body(), refused.headers)
        except Cut as cut:
            return self.cut(request, entry, cut)
        except RawAnswer as raw:
            entry.status = raw.status
            return web.Response(status=raw.status, text=raw.text, content_type=raw.content_type)

    def _answer(
        self, entry: RequestEntry, status: int, body: Json, headers: Any = None
    ) -> web.Response:
        entry.status, entry.answered = status, self._world.clock.now()
        scopes = {"X-OAuth-Scopes": ",".join(sorted(self._world.config.scopes))}
        return web.json_response(
            body,
            status=status,
            headers={**scopes, **(headers or {})},
            dumps=lambda value: json.dumps(value, ensure_ascii=False),
        )

    def cut(self, request: web.Request, entry: RequestEntry, cut: Cut) -> web.Response:
        """Ends the connection without an answer."""
        entry.error = "connection reset" if cut.reset else "connection cut"
        entry.answered = self._world.clock.now()
        transport = request.transport
        if isinstance(transport, asyncio.WriteTransport):
            if cut.reset and (raw := transport.get_extra_info("socket")) is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        return web.Response()  # goes nowhere: the transport is gone

    async def faulty(
        self, request: web.Request, entry: RequestEntry, args: Json, effect: Callable[[], Json]
    ) -> Json:
        """Runs the effect as the waiting fault lets it."""
        if self._world.latency > 0:
            await asyncio.sleep(self._world.latency)
        fault = self._world.faults.take(entry.method, args)
        if fault is None:
            entry.effect = True
            return effect()
        entry.fault = fault.kind
        if fault.kind in _WITH_EFFECT:
            return await self._after_effect(request, entry, fault, effect)
        await self._without_effect(request, fault)
        raise Cut(reset=True)

    async def _without_effect(self, request: web.Request, fault: Fault) -> None:
        match fault.kind:
            case "rate_limited":
                raise Refused(
                    "ratelimited", status=429, headers={"Retry-After": str(fault.retry_after)}
                )
            case "no_retry_after":
                raise Refused("ratelimited", status=429)
            case "http_500":
                raise RawAnswer(500, "<html><body>Internal Server Error</body></html>")
            case "http_503":
                raise RawAnswer(503, "<html><body>Service Unavailable</body></html>")
            case "error":
                raise Refused(fault.error)
            case "timeout_before":
                await self._hold(request, fault.seconds)
                raise Cut(reset=False)
            case "down":
                if fault.used % 2:
                    raise Cut(reset=True)
                raise RawAnswer(503, "<html><body>Service Unavailable</body></html>")

    async def _after_effect(
        self, request: web.Request, entry: RequestEntry, fault: Fault, effect: Callable[[], Json]
    ) -> Json:
        if fault.kind == "late_effect":
            self._world.spawn(self._late(entry, fault.seconds, effect))
            raise Cut(reset=False)
        entry.effect = True
        body = effect()
        if fault.kind == "lost_reply":
            raise Cut(reset=False)
        if fault.kind in _UNREADABLE:
            raise RawAnswer(200, _UNREADABLE[fault.kind], "application/json")
        await asyncio.sleep(fault.seconds)
        return body

    async def _late(self, entry: RequestEntry, seconds: float, effect: Callable[[], Json]) -> None:
        await self._world.clock.sleep(seconds)
        entry.effect = True
        try:
            effect()
        except Refused as refused:
            log.info("late_effect_refused", method=entry.method, error=refused.error)

    async def _hold(self, request: web.Request, seconds: float) -> None:
        """Until the caller is gone, or `seconds` have passed when given."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds if seconds else None
        while not self._stopping.is_set():
            if request.transport is None or request.transport.is_closing():
                return
            if until is not None and loop.time() >= until:
                return
            try:
                await asyncio.wait_for(self._stopping.wait(), 0.1)
            except TimeoutError:
                continue

    def _run(self, name: str, given: Json, token: str | None) -> Json:
        declared = METHODS.get(name)
        if declared is None:
            raise Refused("unknown_method", req_method=name)
        self._authorise(declared, token)
        channel = given.get("channel") if isinstance(given.get("channel"), str) else None
        self._world.rates.check(name, declared.tier, channel, self._world.clock.now())
        return declared.handler(Call(self._world, declared.arguments.read(given)))

    def _authorise(self, declared: Method, token: str | None) -> None:
        if declared.token == "none":  # noqa: S105 - the kind of token
            return
        if not token:
            raise Refused("not_authed")
        kind = TOKENS.get(token)
        if kind is None:
            raise Refused("invalid_auth")
        if kind != declared.token:
            raise Refused("not_allowed_token_type")
        granted = self._world.config.scopes
        if declared.scopes and not granted.intersection(declared.scopes):
            raise missing_scope(declared.scopes, granted)


class RawAnswer(Exception):
    """An answer that is not the method's: an error page, or half a JSON text."""

    def __init__(self, status: int, text: str, content_type: str = "text/html") -> None:
        super().__init__(status)
        self.status = status
        self.text = text
        self.content_type = content_type


_UNREADABLE: Final = {
    "malformed": '{"ok": true, "ts": "17',
    "no_object": "[1]",
    "nothing_said": '{"ok": true}',
}
_WITH_EFFECT: Final = frozenset({"lost_reply", "late_effect", "delay", *_UNREADABLE})


async def _given(request: web.Request, declared: Method | None) -> Json:
    """The arguments, from the query and from a JSON or form body, where the method reads JSON."""
    given: Json = dict(request.query)
    if request.method != "POST":
        return given
    if declared is not None and not declared.json and request.content_type == "application/json":
        return given
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise web.HTTPOk(
                text='{"ok":false,"error":"invalid_json"}', content_type="application/json"
            ) from None
        if not isinstance(body, dict):
            raise web.HTTPOk(
                text='{"ok":false,"error":"json_not_object"}', content_type="application/json"
            )
        given.update(body)
    else:
        given.update({k: v for k, v in (await request.post()).items() if isinstance(v, str)})
    return given


def _token(request: web.Request, given: Json) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    asked = given.get("token")
    return asked if isinstance(asked, str) else None
