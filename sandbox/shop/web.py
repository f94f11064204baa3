"""Web: how the shop answers over HTTP, reads, commands with their keys, faults of the port,
errors.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog
from aiohttp import web

from sandbox.shop import idempotency
from sandbox.shop.control_faults import ControlFault
from sandbox.shop.idempotency import Command, Reply
from sandbox.shop.problems import Body, Problem
from sandbox.shop.shop import Shop

__all__ = [
    "Call",
    "Handler",
    "answer",
    "ask",
    "command",
    "errors",
    "meet",
    "query_whole",
    "read_object",
]

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_KEY_LENGTH = 200
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Call:
    """What a command works with: its transaction, its request, the shop's time."""

    c: sqlite3.Connection
    request: web.Request
    body: Body
    now: datetime
    shop: Shop

    def part(self, name: str) -> str:
        return self.request.match_info[name]


def ask(shop: Shop, look: Callable[[sqlite3.Connection, web.Request, datetime], Any]) -> Handler:
    """A handler that only reads; `look` gives the JSON."""

    async def handle(request: web.Request) -> web.StreamResponse:
        met = await meet(shop, request, None)
        if isinstance(met, web.Response):
            return met
        now = shop.clock.now()
        found = await shop.store.read(lambda c: look(c, request, now))
        return answer(request, Reply(found), met)

    return handle


def command(shop: Shop, work: Callable[[Call], Reply]) -> Handler:
    """A handler that changes the shop: once per Idempotency-Key, logged, in one transaction."""

    async def handle(request: web.Request) -> web.StreamResponse:
        asked = Command(request.method, request.path, _key(request), await read_object(request))
        met = await meet(shop, request, asked)
        if isinstance(met, web.Response):
            return met
        now = shop.clock.now()

        def transaction(c: sqlite3.Connection) -> Reply:
            call = Call(c, request, Body(asked.body), now, shop)
            return idempotency.execute(c, asked, now, lambda _: work(call))

        reply = await shop.store.write(transaction)
        await shop.reconcile()
        return answer(request, reply, met)

    return handle


async def meet(
    shop: Shop, request: web.Request, asked: Command | None
) -> web.Response | list[ControlFault]:
    """The faults of the control port that come before the effect."""
    met = shop.control_faults.take(request.method, request.path)
    for fault in met:
        if fault.kind == "control_delay":
            await asyncio.sleep(fault.seconds)
    failing = next((fault for fault in met if fault.kind == "control_error"), None)
    if failing is None:
        return met
    problem = Problem(failing.status, "fault", "The shop was told to fail here.")
    if asked is not None:
        reply = Reply(problem.body(), failing.status, effect=False)
        now = shop.clock.now()
        await shop.store.write(lambda c: idempotency.log(c, asked, reply, now))
    return web.json_response(problem.body(), status=failing.status)


def answer(request: web.Request, reply: Reply, met: list[ControlFault]) -> web.Response:
    if any(fault.kind == "control_lost_reply" for fault in met) and request.transport is not None:
        request.transport.abort()  # the effect stands; whoever asked does not hear of it
    response = web.json_response(reply.body, status=reply.status)
    if reply.replayed:
        response.headers["Idempotent-Replay"] = "true"
    return response


def _key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= _KEY_LENGTH:
        raise Problem(
            422, "invalid_key", f"The Idempotency-Key must have 1 to {_KEY_LENGTH} characters."
        )
    return key


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object of the request; none is an empty one. Raises Problem 400."""
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Problem(400, "not_json", "The body is not JSON: send one JSON object.") from None
    if not isinstance(found, dict):
        raise Problem(400, "not_an_object", "The body is not a JSON object: send one.")
    return found


def query_whole(request: web.Request, name: str, default: int, *, least: int, most: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
        raise Problem(
            422, "invalid_field", f"“{name}” is not valid: give a whole number, {least} to {most}."
        )
    return int(text)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error is JSON with one sentence."""
    try:
        return await handler(request)
    except Problem as problem:
        return web.json_response(problem.body(), status=problem.status)
    except web.HTTPException as problem:
        if problem.status < 400:
            raise
        sentence = {
            404: f"There is nothing at {request.path[:80]}.",
            405: f"{request.method} is not possible at {request.path[:80]}.",
            413: "The request is too large.",
        }.get(problem.status, problem.reason)
        body = Problem(problem.status, problem.reason.lower().replace(" ", "_"), sentence).body()
        return web.json_response(body, status=problem.status)
    except Exception:
        _log.exception("request_failed", method=request.method, path=request.path)
        body = Problem(500, "internal", "The shop could not do this; its log says why.").body()
        return web.json_response(body, status=500)
