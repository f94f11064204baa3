"""A shop's database that hangs keeps its own checks waiting, and no probe."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from bot.settings import Settings, parse_settings
from bot.wiring.check_jobs import at_once, recurring_checks
from checks.exchange import Exchange, Question
from checks.kinds.base import CheckContext
from tests.incidents.world import DAY, World

FIELDS = {"key": "id", "number": "number", "state": {"column": "s", "words": {"paid": ["p"]}}}
ORDERS = {
    "from": "orders",
    "form": "native",
    "zone": "UTC",
    "fields": {**FIELDS, "state_since": "since", "total": {"column": "t", "unit": "minor"}},
}


def settings() -> Settings:
    stuck = [
        {"name": f"stuck-{n}", "kind": "stuck_orders", "limits": {"paid": 48}} for n in range(20)
    ]
    probe = {"name": "store", "kind": "http_probe", "service": "store", "url": "http://store/"}
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C0INCIDENTS"}}},
            "roles": {"oncall": {"people": ["U0ONCALL"]}},
            "shop": {
                "name": "Shop",
                "currency": "TWD",
                "database_url": "sqlite:///shop.db",
                "mapping": {"orders": ORDERS},
            },
            "checks": [*stuck, probe],
        }
    )


class Hanging:
    """A shop's database that never answers; it counts who waits there."""

    def __init__(self) -> None:
        self.asked, self.full = 0, asyncio.Event()

    def orders(self) -> Any:
        return self

    def has(self, _: str) -> bool:
        return False

    async def read(self, *_: Any) -> Any:
        self.asked += 1
        if self.asked == 4:
            self.full.set()
        await asyncio.Event().wait()


class Checking:
    def __init__(self, shop: Hanging) -> None:
        self.shop = shop

    def context(self, now: Any, awaited: Any, failed: Any, following: Any) -> CheckContext:
        async def ask(_: Question) -> Exchange:
            return Exchange(None, 200, 5)

        shop, look = cast("Any", self.shop), cast("Any", None)
        return CheckContext(ask, shop, "TWD", now, look, awaited, failed, following=following)


class Clock:
    def now(self) -> Any:
        return DAY


@pytest.fixture
def world(tmp_path: Path) -> Any:
    made = World.create(tmp_path)
    yield made
    made.close()


async def test_probes_go_on_while_the_shops_database_hangs(world: World) -> None:
    shop, given = Hanging(), settings()
    jobs = recurring_checks(
        given, cast("Any", Checking(shop)), world.house, cast("Any", Clock()), world.database
    )
    hanging = [asyncio.create_task(jobs[f"stuck-{n}"].job()) for n in range(20)]
    async with asyncio.timeout(10):
        await shop.full.wait()
        assert await jobs["store"].job()
    assert shop.asked == 4, "so many at its database, the others wait their turn"
    assert at_once(given) > 20, "and those that wait take no place from the probes"
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
