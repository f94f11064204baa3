"""What a probe says of the shop: its service, and no more than is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from checks.exchange import Exchange, Question
from checks.kinds.base import CheckContext
from checks.kinds.http_probe import HttpProbe
from checks.kinds.probe_settings import HttpProbeSettings
from checks.model import CheckResult
from incidents import read
from message_templates.engine import Templates
from storage.models import Incident
from tests.incidents.conftest import world  # noqa: F401 - a fixture
from tests.incidents.world import DAY, World
from tests.message_templates.shown import lines

NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)


class Probe(HttpProbe):
    """Beside a shop whose orders are known."""

    orders: Mapping[str, Any]

    async def _orders(self, context: CheckContext) -> dict[str, Any]:
        return dict(self.orders)


def probed(orders: Mapping[str, Any] | None = None, **settings: Any) -> CheckResult:
    """One run against a service that does not accept connections."""

    async def refused(_: Question) -> Exchange:
        return Exchange("refused")

    given = {"name": "probe", "kind": "http_probe", "url": "http://x/", "service": "search"}
    probe = Probe(HttpProbeSettings.model_validate({**given, **settings}))
    probe.orders = orders or {}

    return asyncio.run(probe.run(CheckContext(refused, None, "TWD", NOW, _never)))


async def _never(name: str, params: dict[str, Any]) -> Any:
    raise AssertionError(name)


def counted(now: int) -> dict[str, Any]:
    return {"window_minutes": 10, "orders_per_minute_usual": 2.0, "orders_last_minutes": now}


@pytest.mark.parametrize(
    ("orders", "settings", "part"),
    [
        ({}, {}, True),
        (counted(18), {}, True),
        (counted(9), {}, False),
        (counted(18), {"severity": 1}, False),
        ({}, {"incident_type": "system_crash"}, False),
    ],
    ids=["nothing known", "orders come", "orders fell", "configured severity", "configured type"],
)
def test_the_harshest_claim_is_configured_or_seen_in_the_orders(
    orders: dict[str, Any], settings: dict[str, Any], part: bool
) -> None:
    [finding] = probed(orders, **settings).findings
    assert finding.facts["part"] is part


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
@pytest.mark.parametrize("severity", [None, 1], ids=["a service", "the shop itself"])
def test_each_card_and_lock_screen_line_names_its_service(
    world: World,  # noqa: F811
    severity: int | None,
    language: str,
) -> None:
    world.now = DAY
    given = {} if severity is None else {"severity": severity}
    for name in ("search", "newsletter"):
        result = probed(service=name, name=name, **given)
        world.check(CheckResult(name, world.now, findings=result.findings))
    said = {}
    for one in world.all(Incident):
        view = world.read(lambda s, n=one.number: read.card(s, world.house, n, world.now))
        message = Templates().render("card", view, language=language)
        name = one.subject.removeprefix("service:")
        card = lines(message)
        said[name] = card
        assert name in message.text, "the lock screen"
        assert name in card
        claims = ("takes no orders" in card) or ("無法下單" in card)
        assert claims is (severity == 1)
        assert one.severity == (2 if severity is None else 1)
    assert said["search"] != said["newsletter"]
