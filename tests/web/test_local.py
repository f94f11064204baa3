"""The bot's own routes and its clock: over loopback for this machine's programs alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.clock import DrivenClock
from bot.clock_control import ControlPort
from bot.web.health import Report
from bot.web.routes import OwnRoutes
from tests.house.origins import FOREIGN


class _Well:
    def live(self) -> Report:
        return Report({})

    async def ready(self) -> Report:
        return Report({})


@pytest.fixture
async def own() -> AsyncIterator[str]:
    async def exposition() -> bytes:
        return b"muster_ready 1"

    app = web.Application()
    OwnRoutes(_Well(), exposition).add_to(app)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_reads_no_route(own: str, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(own + path, headers=headers) as answer:
                assert answer.status == 403
                assert (await answer.text()).count("\n") == 1
            async with session.get(own + path) as answer:
                assert answer.status == 200


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_does_not_turn_the_clock(headers: dict[str, str]) -> None:
    clock = DrivenClock()
    before = clock.now()

    async def pending() -> dict[str, int]:
        return {}

    port = ControlPort(clock, pending)
    url = await port.start()
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/clock", json={"advance": 3600}, headers=headers) as answer,
    ):
        assert answer.status == 403
    assert (clock.now() - before).total_seconds() < 60
    await port.stop()
