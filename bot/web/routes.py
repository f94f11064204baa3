"""Routes: what the bot's own HTTP side answers beside Slack's route."""

from __future__ import annotations

from aiohttp import web

from bot.web.health import Health, Report
from bot.web.local import local_only
from bot.web.meters import CONTENT_TYPE, Exposition

HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"


class OwnRoutes:
    """Read-only, without secrets and without customer data; see docs/operations.md."""

    def __init__(self, health: Health, exposition: Exposition) -> None:
        self._health = health
        self._exposition = exposition

    def add_to(self, app: web.Application) -> None:
        app.add_routes(
            [
                web.get(HEALTH, local_only(self._live)),
                web.get(READY, local_only(self._ready)),
                web.get(METRICS, local_only(self._metrics)),
            ]
        )

    async def _live(self, _: web.Request) -> web.Response:
        return _answer(self._health.live())

    async def _ready(self, _: web.Request) -> web.Response:
        return _answer(await self._health.ready())

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=await self._exposition(),
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )


def _answer(report: Report) -> web.Response:
    return web.json_response(
        report.as_json(),
        status=200 if report.ok else 503,
        headers={"Cache-Control": "no-store"},
    )
