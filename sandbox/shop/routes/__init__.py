"""The shop's HTTP routes, one module a concern."""

from __future__ import annotations

from aiohttp import web

from sandbox.origins import own_only
from sandbox.shop.routes import orders, pages, payments, servers, storefront, tester, verbs
from sandbox.shop.shop import Shop
from sandbox.shop.web import errors

__all__ = ["control_app", "storefront_app"]

_LARGEST_REQUEST = 1024 * 1024  # bytes


def control_app(shop: Shop, host: str = "127.0.0.1") -> web.Application:
    """The port that is always up: what operations, the tester and the page use."""
    app = web.Application(middlewares=[errors, own_only(host)], client_max_size=_LARGEST_REQUEST)
    for module in (payments, orders, servers, verbs, tester, pages):
        app.add_routes(module.routes(shop))
    return app


def storefront_app(shop: Shop, server: str) -> web.Application:
    """What customers reach."""
    app = web.Application(middlewares=[errors], client_max_size=_LARGEST_REQUEST)
    app.add_routes(storefront.routes(shop, server))
    return app
