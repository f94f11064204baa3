"""Care: pay links, messages to customers, tickets with vendors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import customer_care, orders, vendors
from sandbox.shop.idempotency import Reply
from sandbox.shop.problems import Problem
from sandbox.shop.shop import Shop
from sandbox.shop.store import Row, rows
from sandbox.shop.web import Call, ask, command

__all__ = ["routes"]


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.post("/orders/{id}/payment-links", command(shop, _create_link)),
        web.get("/payment-links", ask(shop, _links(shop))),
        web.post("/payment-links/{id}/pay", command(shop, _pay_link)),
        web.post("/messages", command(shop, _send)),
        web.get("/messages", ask(shop, _messages)),
        web.post("/vendors/{vendor}/tickets", command(shop, _open_ticket)),
        web.get("/vendors/{vendor}/tickets/{id}", ask(shop, _ticket)),
    ]


def _order_asked_for(c: sqlite3.Connection, request: web.Request) -> Row:
    if "order" not in request.query:
        raise Problem(422, "invalid_field", "“order” is missing: give an order's id or number.")
    return orders.find(c, request.query["order"])


def _create_link(call: Call) -> Reply:
    order = orders.find(call.c, call.part("id"))
    link = customer_care.create_link(call.c, order, call.body, call.now, call.shop.control_url)
    return Reply(link, 201)


def _links(shop: Shop) -> Any:
    def look(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
        order = _order_asked_for(c, request)
        sql = "SELECT * FROM payment_links WHERE order_id = ? ORDER BY created_at, id"
        found = rows(c, sql, (order["id"],))
        return {
            "payment_links": [
                {**link, "url": f"{shop.control_url}/pay/{link['id']}"} for link in found
            ]
        }

    return look


def _pay_link(call: Call) -> Reply:
    link = customer_care.find_link(call.c, call.part("id"))
    answer, changed = customer_care.pay_link(call.c, link, call.now)
    return Reply(answer, effect=changed)


def _send(call: Call) -> Reply:
    return Reply(customer_care.send_message(call.c, call.body, call.now), 201)


def _messages(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    order = _order_asked_for(c, request)
    sql = "SELECT * FROM messages WHERE order_id = ? ORDER BY id"
    return {"messages": rows(c, sql, (order["id"],))}


def _open_ticket(call: Call) -> Reply:
    return Reply(vendors.open_ticket(call.c, call.part("vendor"), call.body, call.now), 201)


def _ticket(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return vendors.find_ticket(c, request.match_info["vendor"], request.match_info["id"])
