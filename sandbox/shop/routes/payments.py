"""Payment channels, routing, payments, refunds and the methods at checkout."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import board, channels, orders
from sandbox.shop.channels import METHODS
from sandbox.shop.clock import moment, stamp
from sandbox.shop.idempotency import Reply
from sandbox.shop.problems import Body, Problem
from sandbox.shop.shop import Shop
from sandbox.shop.store import get, rows
from sandbox.shop.web import (
    Handler,
    answer,
    ask,
    meet,
    query_whole,
    read_object,
)

__all__ = ["routes"]

_LISTED = 500


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.get("/channels", ask(shop, _channels)),
        web.get("/channels/{id}", ask(shop, _channel)),
        web.post("/channels/{id}/test-payment", _test_payment(shop)),
        web.get("/channels/{id}/stats", ask(shop, _stats)),
        web.get("/routing/{method}", ask(shop, _routing)),
        web.get("/payments", ask(shop, _payments)),
        web.post("/checkout/test", _test_checkout(shop)),
    ]


def _channels(c: sqlite3.Connection, _request: web.Request, _now: datetime) -> Any:
    return {"channels": [channels.describe(c, channel) for channel in board.CHANNELS]}


def _channel(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return channels.describe(c, channels.require(request.match_info["id"]))


def _stats(c: sqlite3.Connection, request: web.Request, now: datetime) -> Any:
    window = query_whole(request, "window", 300, least=1, most=604_800)
    return channels.stats(c, channels.require(request.match_info["id"]), window, now)


def _test_payment(shop: Shop) -> Handler:
    """A payment of nothing, through the whole way and its 3-D Secure page. It leaves no trace."""

    async def handle(request: web.Request) -> web.StreamResponse:
        met = await meet(shop, request, None)
        if isinstance(met, web.Response):
            return met
        channel = channels.require(request.match_info["id"])
        state = await shop.store.read(lambda c: board.condition(c, channel))
        await asyncio.sleep(state.slow_seconds)
        ok = state.usable and not state.fail_share
        found = {
            "ok": ok,
            "latency_ms": channels.latency_ms(state),
            "at": stamp(shop.clock.now()),
            "problem": None if ok else "3ds_timeout" if state.usable else "unreachable",
        }
        return answer(request, Reply(found, 200 if ok else 503), met)

    return handle


def _test_checkout(shop: Shop) -> Handler:
    """A synthetic order with the method; it leaves no trace."""

    async def handle(request: web.Request) -> web.StreamResponse:
        method = Body(await read_object(request)).choice("method", METHODS, default="card")

        def look(c: sqlite3.Connection, _request: web.Request, now: datetime) -> Any:
            offered = method in _methods(c)
            channel = channels.carrier(c, method)
            works = channel not in board.CHANNELS or board.condition(c, channel).healthy
            problem = None if offered and works else "channel_failing" if offered else "not_offered"
            return {"ok": problem is None, "method": method, "problem": problem, "at": stamp(now)}

        return await ask(shop, look)(request)

    return handle


def _routing(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return channels.routing(c, request.match_info["method"])


def _payments(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    wheres: list[str] = ["1 = 1"]
    values: list[str | int] = []
    if "order" in request.query:
        wheres.append("order_id = ?")
        values.append(orders.journal_id(c, request.query["order"]))
    for name in ("channel", "status", "method"):
        if name in request.query:
            wheres.append(f"{name} = ?")
            values.append(request.query[name])
    if "since" in request.query:
        wheres.append("created_at >= ?")
        values.append(_since(request.query["since"]))
    found = rows(
        c,
        f"SELECT * FROM payments WHERE {' AND '.join(wheres)} "  # noqa: S608 - our own names
        f"ORDER BY created_at DESC, id DESC LIMIT {_LISTED}",
        values,
    )
    return {"payments": found[::-1]}


def _since(text: str) -> str:
    try:
        return stamp(moment(text))
    except ValueError:
        raise Problem(
            422, "invalid_field", "“since” is not valid: give a time like 2026-11-11T03:02:00Z."
        ) from None


def _methods(c: sqlite3.Connection) -> list[str]:
    found: list[str] = get(c, "checkout.methods", ["card"])
    return found
