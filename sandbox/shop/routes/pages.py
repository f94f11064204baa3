"""The shop's page, what it shows live, and the page behind a pay link."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from aiohttp import web

from sandbox.shop import board, channels, customer_care, faults, servers, stream
from sandbox.shop.clock import stamp
from sandbox.shop.routes.storefront import orders_since
from sandbox.shop.shop import Shop
from sandbox.shop.store import rows
from sandbox.shop.web import Handler

__all__ = ["routes"]

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'",
}


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.get("/", _file("index.html")),
        web.get("/page.css", _file("page.css")),
        web.get("/page.js", _file("page.js")),
        web.get("/words.js", _file("words.js")),
        web.get("/icon.svg", _file("icon.svg")),
        web.get("/pay/{id}", _file("pay.html")),
        web.get("/pay.js", _file("pay.js")),
        web.get("/payment-links/{id}", _link(shop)),
        web.get("/state", _state(shop)),
    ]


def _file(name: str) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        data = resources.files("sandbox.shop").joinpath("page", name).read_bytes()
        kind = _TYPES[name.rpartition(".")[2]]
        return web.Response(body=data, content_type=kind, charset="utf-8", headers=_HEADERS)

    return handle


def _link(shop: Shop) -> Handler:
    """A pay link as its customer sees it."""

    def look(c: sqlite3.Connection, link_id: str) -> dict[str, Any]:
        link = customer_care.find_link(c, link_id)
        order = rows(c, "SELECT number FROM orders WHERE id = ?", (link["order_id"],))
        return {**link, "order": order[0]["number"] if order else None}

    async def handle(request: web.Request) -> web.StreamResponse:
        link_id = request.match_info["id"]
        return web.json_response(await shop.store.read(lambda c: look(c, link_id)))

    return handle


def _state(shop: Shop) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        now = shop.clock.now()
        found = await shop.store.read(lambda c: state(c, shop.rate, now))
        found["control"] = shop.control_faults.describe()
        return web.json_response(found, headers={"Cache-Control": "no-store"})

    return handle


def state(c: sqlite3.Connection, rate: float, now: datetime) -> dict[str, Any]:
    """What the shop is doing now."""
    return {
        "now": stamp(now),
        "rate": rate,
        "orders_last_minute": orders_since(c, now - timedelta(minutes=1)),
        "taking_orders": stream.taking_orders(c),
        "orders": {
            row["status"]: row["n"]
            for row in rows(c, "SELECT status, count(*) AS n FROM orders GROUP BY status")
        },
        "per_minute": _per_minute(c, now),
        "routing": channels.routing(c, "card"),
        "channels": [
            {**channels.describe(c, channel), "stats": channels.stats(c, channel, 300, now)}
            for channel in board.CHANNELS
        ],
        **servers.status(c),
        "faults": faults.describe(c),
        "mutations": rows(
            c,
            "SELECT id, at, method, path, status, replayed, effect FROM mutations "
            "ORDER BY id DESC LIMIT 12",
        ),
        "latest": rows(
            c,
            "SELECT o.number, o.status, o.total_minor, o.created_at, p.channel, "
            "p.status AS payment, p.stage FROM orders o LEFT JOIN payments p ON p.rowid = "
            "(SELECT max(q.rowid) FROM payments q WHERE q.order_id = o.id) "
            "ORDER BY o.created_at DESC, o.id DESC LIMIT 8",
        ),
    }


def _per_minute(c: sqlite3.Connection, now: datetime) -> list[dict[str, int]]:
    """The last ten minutes, oldest first: orders placed, and of them paid."""
    found = []
    for minute in range(10, 0, -1):
        start, end = now - timedelta(minutes=minute), now - timedelta(minutes=minute - 1)
        placed, paid = c.execute(
            "SELECT count(*), coalesce(sum(status NOT IN ('awaiting_payment', 'cancelled')), 0) "
            "FROM orders WHERE created_at >= ? AND created_at < ?",
            (stamp(start), stamp(end)),
        ).fetchone()
        found.append({"placed": placed, "paid": paid})
    return found
