"""Servers of the storefront as they are: states, parameters, the traffic between them, its data."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import planted, servers
from sandbox.shop.shop import Shop
from sandbox.shop.web import ask

__all__ = ["routes"]


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.get("/servers", ask(shop, lambda c, _r, _n: servers.status(c))),
        web.get("/servers/{id}/config", ask(shop, _config)),
        web.get("/traffic", ask(shop, lambda c, _r, _n: {"server": servers.traffic(c)})),
        web.get("/data/verify", ask(shop, lambda c, _r, _n: planted.verify(c))),
    ]


def _config(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return servers.config(c, servers.require(request.match_info["id"]))
