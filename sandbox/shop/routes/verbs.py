"""Verbs over HTTP: what `data/verbs.yaml` says, each at its address."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.shop import verbs
from sandbox.shop.control_verbs import DOES
from sandbox.shop.problems import Body
from sandbox.shop.shop import Shop
from sandbox.shop.verbs import Verb
from sandbox.shop.web import Call, Handler, ask, command

__all__ = ["routes"]


def routes(shop: Shop) -> Iterable[web.RouteDef]:
    return [
        web.route(verb.method.upper(), verb.path, _asked(shop, verb))
        for verb in verbs.read_verbs(DOES)
    ]


def _asked(shop: Shop, verb: Verb) -> Handler:
    if not verb.reads:
        return command(shop, lambda call: verbs.work(verb, call, DOES))

    def look(c: sqlite3.Connection, request: web.Request, now: datetime) -> Any:
        return verbs.work(verb, Call(c, request, Body({}), now, shop), DOES).body

    return ask(shop, look)
