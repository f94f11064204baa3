"""Payment channels, routing, payments, refunds and the methods at checkout."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import board, channels, payments
from sandbox.shop.channels import METHODS
from sandbox.shop.clock import moment, stamp
from sandbox.shop.idempotency import Reply
from sandbox.shop.problems import Body, Problem
from sandbox.shop.shop import Shop
from sandbox.shop.store import Row, get, one, put, rows
from sandbox.shop.web import (
    Call,
    Handler,
    answer,
    ask,
    command,
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
        web.put("/routing/{method}", command(shop, _route)),
        web.get("/payments", ask(shop, _payments)),
        web.get("/payments/{id}", ask(shop, lambda c, r, _: payments.find(c, r.match_info["id"]))),
        web.post("/payments/{id}/query", command(shop, _query)),
        web.post("/refunds", command(shop, _refund)),
        web.get("/refunds", ask(shop, _refunds)),
        web.get("/refunds/{id}", ask(shop, _refund_of)),
        web.get("/checkout/methods", ask(shop, lambda c, _r, _n: {"methods": _methods(c)})),
        web.put("/checkout/methods", command(shop, _set_methods)),
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


def _route(call: Call) -> Reply:
    method = call.part("method")
    changed = channels.route(call.c, method, call.body.text("channel"), call.now)
    return Reply(channels.routing(call.c, method), effect=changed)


def _order_id(c: sqlite3.Connection, reference: str) -> int:
    """Also of an order whose data are lost: its payments are still there."""
    found = one(
        c,
        "SELECT order_id FROM journal WHERE number = ? OR CAST(order_id AS TEXT) = ?",
        (reference.upper(), reference),
    )
    if found is None:
        raise Problem(404, "order_not_found", f"There is no order “{reference[:40]}”.")
    return int(found["order_id"])


def _payments(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    wheres: list[str] = ["1 = 1"]
    values: list[str | int] = []
    if "order" in request.query:
        wheres.append("order_id = ?")
        values.append(_order_id(c, request.query["order"]))
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


def _query(call: Call) -> Reply:
    found, changed = payments.query(call.c, payments.find(call.c, call.part("id")), call.now)
    return Reply(found, effect=changed)


def _refund(call: Call) -> Reply:
    return Reply(payments.refund(call.c, call.body, call.now), 201)


def _refunds(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    if "order" not in request.query:
        raise Problem(422, "invalid_field", "“order” is missing: give an order's id or number.")
    order_id = _order_id(c, request.query["order"])
    sql = "SELECT * FROM refunds WHERE order_id = ? ORDER BY created_at, id"
    return {"refunds": rows(c, sql, (order_id,))}


def _refund_of(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Row:
    refund_id = request.match_info["id"]
    found = one(c, "SELECT * FROM refunds WHERE id = ?", (refund_id,))
    if found is None:
        raise Problem(404, "refund_not_found", f"There is no refund “{refund_id[:40]}”.")
    return found


def _methods(c: sqlite3.Connection) -> list[str]:
    found: list[str] = get(c, "checkout.methods", ["card"])
    return found


def _set_methods(call: Call) -> Reply:
    given = call.body.fields.get("methods")
    if (
        not isinstance(given, list)
        or not given
        or any(not isinstance(name, str) or name not in METHODS for name in given)
        or len(set(given)) != len(given)
    ):
        raise Problem(
            422, "invalid_field", f"“methods” is not valid: list some of {', '.join(METHODS)}."
        )
    changed = given != _methods(call.c)
    put(call.c, "checkout.methods", given)
    return Reply({"methods": given}, effect=changed)
