"""Orders and what operations can do to one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import customer_care, orders, payments
from sandbox.shop.idempotency import Reply
from sandbox.shop.shop import Shop
from sandbox.shop.store import Row
from sandbox.shop.web import Call, ask, command

__all__ = ["routes"]


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.get("/orders/{id}", ask(shop, _order)),
        web.patch("/orders/{id}", command(shop, _patch)),
        web.post("/orders/{id}/redispatch", command(shop, _redispatch)),
        web.post("/orders/{id}/reroute", command(shop, _reroute)),
        web.post("/orders/{id}/mark-paid", command(shop, _mark_paid)),
        web.post("/orders/{id}/replacements", command(shop, _replace)),
        web.post("/orders/{id}/compensations", command(shop, _compensate)),
    ]


def _order(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return orders.whole(c, orders.find(c, request.match_info["id"]))


def _of(call: Call) -> Row:
    return orders.find(call.c, call.part("id"))


def _patch(call: Call) -> Reply:
    order = _of(call)
    changed = orders.patch(call.c, order, call.body, call.now)
    return Reply(orders.whole(call.c, order), effect=changed)


def _redispatch(call: Call) -> Reply:
    order = _of(call)
    orders.redispatch(call.c, order, call.now)
    return Reply(orders.summary(order))


def _reroute(call: Call) -> Reply:
    order = _of(call)
    orders.reroute(call.c, order, call.body.text("route", most=40), call.now)
    return Reply(orders.summary(order))


def _mark_paid(call: Call) -> Reply:
    order = _of(call)
    changed = payments.mark_paid(call.c, order, call.body.text("payment_id"), call.now)
    return Reply(orders.summary(order), effect=changed)


def _replace(call: Call) -> Reply:
    call.body.text("reason", most=500, default="not given")
    made = orders.replace(call.c, call.shop.rng, _of(call), call.now)
    return Reply(orders.summary(made), 201)


def _compensate(call: Call) -> Reply:
    return Reply(customer_care.compensate(call.c, _of(call), call.body, call.now), 201)
