"""Orders as they are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import orders
from sandbox.shop.shop import Shop
from sandbox.shop.web import ask

__all__ = ["routes"]


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [web.get("/orders/{id}", ask(shop, _order))]


def _order(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return orders.whole(c, orders.find(c, request.match_info["id"]))
