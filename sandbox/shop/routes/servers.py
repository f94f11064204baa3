"""The storefront's servers, the traffic between them, lost data and its recovery."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import board, planted, servers
from sandbox.shop.idempotency import Reply
from sandbox.shop.problems import Problem
from sandbox.shop.shop import Shop
from sandbox.shop.store import put
from sandbox.shop.web import Call, ask, command

__all__ = ["routes"]

_SOURCES = ("backup", "payments", "standby")


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.get("/servers", ask(shop, lambda c, _r, _n: servers.status(c))),
        web.get("/servers/{id}/config", ask(shop, _config)),
        web.post("/servers/standby/start", command(shop, _start)),
        web.post("/servers/standby/stop", command(shop, _stop)),
        web.post("/servers/primary/restore", command(shop, _restore)),
        web.get("/traffic", ask(shop, lambda c, _r, _n: {"server": servers.traffic(c)})),
        web.put("/traffic", command(shop, _traffic)),
        web.post("/data/recover", command(shop, _recover)),
        web.get("/data/verify", ask(shop, lambda c, _r, _n: planted.verify(c))),
    ]


def _config(c: sqlite3.Connection, request: web.Request, _now: datetime) -> Any:
    return servers.config(c, servers.require(request.match_info["id"]))


def _one(call: Call, server: str) -> dict[str, Any]:
    found = servers.status(call.c)
    return next(dict(entry) for entry in found["servers"] if entry["id"] == server)


def _start(call: Call) -> Reply:
    changed = servers.start(call.c, "standby")
    return Reply(_one(call, "standby"), effect=changed)


def _stop(call: Call) -> Reply:
    if servers.traffic(call.c) == "standby":
        raise Problem(
            409, "has_traffic", "The standby server has the traffic: switch it away first."
        )
    changed = servers.set_state(call.c, "standby", "stopped")
    return Reply(_one(call, "standby"), effect=changed)


def _restore(call: Call) -> Reply:
    changed = servers.start(call.c, "primary")
    if servers.states(call.c)["primary"] == "running":
        put(call.c, "crashed", False)
        board.turn(call.c, "server_crash", None, False, call.now)
    return Reply(_one(call, "primary"), effect=changed)


def _traffic(call: Call) -> Reply:
    server = call.body.choice("server", servers.SERVERS)
    changed = servers.set_traffic(call.c, server, call.now)
    return Reply({"server": server, "traffic": server}, effect=changed)


def _recover(call: Call) -> Reply:
    source = call.body.choice("source", _SOURCES, default="backup")
    recovered = planted.recover_lost(call.c)
    board.turn(call.c, "data_loss", None, False, call.now)
    answer = {"source": source, "recovered": recovered, "orders": len(recovered)}
    return Reply(answer, effect=bool(recovered))
