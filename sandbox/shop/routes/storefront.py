"""Storefront: what customers reach on a server, its health, and a checkout."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta

from aiohttp import web

from sandbox.shop import board, stream
from sandbox.shop.clock import stamp
from sandbox.shop.shop import Shop

__all__ = ["orders_since", "routes"]


def routes(shop: Shop, server: str) -> Iterable[web.RouteDef]:
    async def health(_request: web.Request) -> web.Response:
        now = shop.clock.now()

        def look(c: sqlite3.Connection) -> tuple[bool, int]:
            ill = board.server_unhealthy(c, server)
            return ill, orders_since(c, now - timedelta(minutes=1))

        ill, orders = await shop.store.read(look)
        found = {
            "status": "unhealthy" if ill else "ok",
            "server": server,
            "orders_last_minute": orders,
            "database": "ok",
        }
        return web.json_response(found, status=503 if ill else 200)

    async def checkout(_request: web.Request) -> web.Response:
        made = await shop.store.write(lambda c: stream.checkout(c, shop.rng, shop.clock.now()))
        answer = {
            "order": made.order["number"],
            "status": made.order["status"],
            "payment": {name: made.payment[name] for name in ("id", "channel", "status", "stage")},
        }
        return web.json_response(answer, status=201 if made.paid else 402)

    return [web.get("/health", health), web.post("/checkout", checkout)]


def orders_since(c: sqlite3.Connection, since: datetime) -> int:
    sql = "SELECT count(*) FROM orders WHERE created_at >= ?"
    return int(c.execute(sql, (stamp(since),)).fetchone()[0])
