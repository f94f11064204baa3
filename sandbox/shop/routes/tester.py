"""The tester's side: fault switches, the clock, the stream, the log of what was changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from sandbox.shop import faults, idempotency, rows_given, stream
from sandbox.shop.clock import stamp
from sandbox.shop.control_faults import CONTROL_KINDS
from sandbox.shop.problems import Body, Problem
from sandbox.shop.shop import Shop
from sandbox.shop.store import put
from sandbox.shop.web import Handler, query_whole, read_object

__all__ = ["routes"]

_MOST_AHEAD = 366 * 86_400  # seconds in one step


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.get("/faults", _faults(shop)),
        web.post("/faults", _throw(shop)),
        web.post("/faults/recover", _recover(shop)),
        web.get("/clock", _time(shop)),
        web.post("/clock", _advance(shop)),
        web.get("/stream", _rate(shop)),
        web.put("/stream", _set_rate(shop)),
        web.post("/checkout/burst", _burst(shop)),
        web.get("/mutations", _mutations(shop)),
        web.post("/rows", _rows(shop)),
        web.get("/idempotency/{key}", _known(shop)),
    ]


def _describe(shop: Shop, switches: list[dict[str, Any]]) -> dict[str, Any]:
    return {"faults": switches, "control": shop.control_faults.describe()}


def _faults(shop: Shop) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        switches = await shop.store.read(faults.describe)
        return web.json_response(_describe(shop, switches))

    return handle


def _throw(shop: Shop) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = Body(await read_object(request))
        kind = body.text("kind")
        if kind in CONTROL_KINDS:
            if not body.flag("on", True):
                shop.control_faults.clear(kind)
                return web.json_response({"kind": kind, "on": False})
            fault = shop.control_faults.add(kind, body)
            return web.json_response({"on": True, **fault.describe()})
        made = await _switch(shop, body, lambda switch: faults.throw(switch, kind))
        return web.json_response(made)

    return handle


def _recover(shop: Shop) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = Body(await read_object(request))
        kind = body.text("kind") if body.has("kind") else None
        if kind in CONTROL_KINDS or kind is None:
            shop.control_faults.clear(kind)
        if kind is None:
            await _switch(shop, body, faults.recover_all)
        elif kind not in CONTROL_KINDS:
            await _switch(shop, body, lambda switch: faults.recover(switch, kind))
        switches = await shop.store.read(faults.describe)
        return web.json_response(_describe(shop, switches))

    return handle


async def _switch(shop: Shop, body: Body, do: Callable[[faults.Throw], Any]) -> Any:
    now = shop.clock.now()

    def work(c: sqlite3.Connection) -> Any:
        stream.catch_up(c, shop.rng, shop.rate, now)
        return do(faults.Throw(c, shop.rng, body, now))

    made = await shop.store.write(work)
    await shop.reconcile()
    return made


def _time(shop: Shop) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response(_clock(shop, shop.clock.now()))

    return handle


def _clock(shop: Shop, now: datetime) -> dict[str, Any]:
    return {"now": stamp(now), "ahead_seconds": shop.clock.offset}


def _advance(shop: Shop) -> Handler:
    """What happens until the new time has happened when this answers."""

    async def handle(request: web.Request) -> web.StreamResponse:
        body = Body(await read_object(request))
        seconds = body.number("advance", least=0, most=_MOST_AHEAD)
        now = shop.clock.advance(seconds)

        def work(c: sqlite3.Connection) -> None:
            put(c, "clock.offset", shop.clock.offset)
            stream.catch_up(c, shop.rng, shop.rate, now)

        await shop.store.write(work)
        return web.json_response(_clock(shop, now))

    return handle


def _rate(shop: Shop) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"rate": shop.rate})

    return handle


def _set_rate(shop: Shop) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        rate = Body(await read_object(request)).number("rate", least=0, most=600)
        await shop.catch_up()
        shop.rate = rate
        await shop.store.write(lambda c: stream.rest(c, shop.clock.now()))
        return web.json_response({"rate": shop.rate})

    return handle


def _burst(shop: Shop) -> Handler:
    """So many customers order at once, over the last seconds, where the traffic goes."""

    async def handle(request: web.Request) -> web.StreamResponse:
        count = Body(await read_object(request)).whole("count", least=1, most=2_000, default=12)
        now = shop.clock.now()

        def work(c: sqlite3.Connection) -> dict[str, Any]:
            server = stream.taking_orders(c)
            if server is None:
                raise Problem(
                    503, "not_taking_orders", "The server with the traffic is down: no orders."
                )
            made = [
                stream.checkout(c, shop.rng, now + timedelta(milliseconds=index))
                for index in range(count)
            ]
            return {
                "server": server,
                "placed": len(made),
                "captured": sum(1 for each in made if each.paid),
                "orders": [each.order["number"] for each in made],
            }

        return web.json_response(await shop.store.write(work))

    return handle


def _mutations(shop: Shop) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        since = query_whole(request, "since", 0, least=0, most=10**11)
        limit = query_whole(request, "limit", 1000, least=1, most=10_000)
        key = request.query.get("key")
        found = await shop.store.read(
            lambda c: idempotency.mutations(c, since=since, key=key, limit=limit)
        )
        return web.json_response({"mutations": found})

    return handle


def _rows(shop: Shop) -> Handler:
    """Rows by table, for what no switch makes; their times may be told from now: {"ago": 3600}."""

    async def handle(request: web.Request) -> web.StreamResponse:
        given = _timed(await read_object(request), shop.clock.now())
        return web.json_response(await shop.store.write(lambda c: rows_given.write(c, given)))

    return handle


def _timed(given: Any, now: datetime) -> Any:
    if isinstance(given, list):
        return [_timed(one, now) for one in given]
    if not isinstance(given, dict):
        return given
    if given.keys() == {"ago"} and isinstance(given["ago"], int | float):
        return stamp(now - timedelta(seconds=float(given["ago"])))
    return {name: _timed(value, now) for name, value in given.items()}


def _known(shop: Shop) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        return web.json_response(await shop.store.read(lambda c: idempotency.known(c, key)))

    return handle
