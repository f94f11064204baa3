"""Probes: what counts against a service, over which connection it is asked, degraded or down."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cli.check import run_once
from bot.settings import parse_settings
from bot.wiring.prober import open_prober
from checks.exchange import Ask
from checks.kinds.base import CheckContext, LookFailed
from checks.kinds.http_probe import HttpProbe
from checks.kinds.probe_settings import HttpProbeSettings
from checks.model import NONE_FAILED, CheckResult, Failed
from checks.registry import AnyCheckSettings
from checks.runner import run_check
from tests.checks.whole_shop import Shop, mapped

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)


@dataclass
class Service:
    """A server that keeps its connections, and what it was asked over each of them."""

    head: str = "200 OK"
    more: str = ""
    body: bytes = b"{}"
    wait: float = 0.0
    port: int = 0
    asked: list[list[str]] = field(default_factory=list)  # requests, by connection

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[str] = []
        self.asked.append(mine)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                mine.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await asyncio.sleep(self.wait)
                length = f"Content-Length: {len(self.body)}"
                head = f"HTTP/1.1 {self.head}\r\n{self.more}{length}\r\n\r\n"
                writer.write(head.encode() + self.body)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def running(service: Service) -> AsyncIterator[Ask]:
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    async with open_prober() as ask:
        yield ask
    server.close()


def made(url: str, **given: Any) -> HttpProbe:
    data = {"kind": "http_probe", "name": "store", "service": "store", "url": url, **given}
    return HttpProbe(HttpProbeSettings.model_validate(data))


async def run(probe: HttpProbe, ask: Ask, *, failed: bool = False, look: Any = None) -> CheckResult:
    async def answered(_name: str, _params: dict[str, Any]) -> Any:
        if look is None:
            raise LookFailed("refused")
        return await look()

    before = {"service:store": Failed(NOW, NOW)} if failed else NONE_FAILED
    return await run_check(probe, CheckContext(ask, None, "TWD", NOW, answered, failed=before))


async def once(service: Service, **given: Any) -> CheckResult:
    async with running(service) as ask:
        return await run(made(service.url, **given), ask)


async def test_a_new_connection_after_a_failure_and_every_tenth_time() -> None:
    """A kept connection may lead to a server that nobody else reaches any more."""
    service = Service()
    async with running(service) as ask:
        probe = made(service.url)
        for _ in range(12):
            await run(probe, ask)
        assert sorted(map(len, service.asked)) == [1, 1, 10], "the first, the eleventh, the others"
        await run(probe, ask, failed=True)
    assert sorted(map(len, service.asked)) == [1, 1, 1, 10]


async def test_no_cookie_is_kept_and_no_redirect_followed() -> None:
    service = Service("302 Found", "Set-Cookie: session=1; Path=/\r\nLocation: /login\r\n")
    async with running(service) as ask:
        probe = made(service.url)
        results = [await run(probe, ask) for _ in range(3)]
    requests = [request for mine in service.asked for request in mine]
    assert len(requests) == 3
    assert not any("cookie" in request.lower() for request in requests)
    assert all(one.healthy_subjects and not one.error for one in results), "a 3xx is no outage"


@pytest.mark.parametrize(
    ("head", "given", "problem"),
    [
        ("202 Accepted", {}, None),
        ("302 Found", {"status": 200}, "http_302"),
        ("401 Unauthorized", {}, "unknown"),
        ("404 Not Found", {}, "unknown"),
        ("404 Not Found", {"status": 200}, "http_404"),
        ("404 Not Found", {"status": [200, 404]}, None),
        ("408 Request Timeout", {}, "http_408"),
        ("503 Oops", {}, "http_503"),
        ("302 Found", {"contains": "Formosa"}, "unknown"),
    ],
)
async def test_only_an_answer_of_the_service_counts_against_it(
    head: str, given: dict[str, Any], problem: str | None
) -> None:
    """A token that ran out and a path that is gone are ours, unless it is configured otherwise."""
    result = await once(Service(head), **given)
    found = [finding.facts["error"] for finding in result.findings]
    assert found == ([] if problem in (None, "unknown") else [problem])
    assert (result.error is not None) is (problem == "unknown")
    assert bool(result.healthy_subjects) is (problem is None)


@pytest.mark.parametrize(
    ("body", "problem", "degraded"),
    [
        ({"db": {"status": "UP"}}, None, False),
        ({"db": {"status": True}}, None, False),
        ({"db": {"status": "warn"}}, "degraded", True),
        ({"db": {"status": "DOWN"}}, "says_down", False),
        ({"db": {"status": "meltdown"}}, "unknown", False),
        ({"db": []}, "unknown", False),
        ({"db": {"status": 1}}, "unknown", False),
        ("<html>", "unknown", False),
    ],
)
async def test_a_health_page_says_how_it_is_in_words_that_are_known(
    body: Any, problem: str | None, degraded: bool
) -> None:
    page = body if isinstance(body, str) else json.dumps(body)
    result = await once(Service(body=page.encode()), health={"at": "db.status"})
    if problem == "unknown":
        assert result.error is not None
        assert (result.findings, result.healthy_subjects) == ((), ())
        return
    found = [(one.facts["error"], one.facts["degraded"]) for one in result.findings]
    assert found == ([] if problem is None else [(problem, degraded)])


async def test_slow_is_degraded_and_not_down() -> None:
    """Its own severity by the plan, whatever being down would be; or a type of its own."""
    slow = {"slow_after": 0.05, "severity": 1}
    [finding] = (await once(Service(wait=0.1), **slow)).findings
    assert (finding.subject, finding.incident_type) == ("service:store", "system_crash")
    assert (finding.facts["error"], finding.facts["degraded"]) == ("slow", True)
    assert (finding.severity, finding.facts["part"]) == (None, True)
    result = await once(Service(wait=0.1), **slow, degraded_type="order_not_closed")
    [finding] = result.findings
    assert (finding.subject, finding.incident_type) == ("slow:store", "order_not_closed")
    assert result.healthy_subjects == ("service:store",), "it answers: it is not down"
    down = await once(Service("500 Oops"), degraded_type="order_not_closed")
    assert [one.incident_type for one in down.findings] == ["system_crash"]
    assert not down.healthy_subjects, "whether it would be slow is not known"


async def test_a_proxy_is_another_vantage_point() -> None:
    """The proxy is asked for the address; where it fails itself, nobody was asked."""
    proxy = Service()
    async with running(proxy) as ask:
        through = f"http://127.0.0.1:{proxy.port}"
        well = await run(made("http://shop.invalid/health", via=through), ask)
        assert well.healthy_subjects
        assert proxy.asked[0][0].startswith("GET http://shop.invalid/health HTTP/1.1")
    async with open_prober() as ask:
        gone = await run(made("http://shop.invalid/health", via=through), ask)
    assert (gone.findings, gone.healthy_subjects) == ((), ())
    assert "its proxy (via) failed" in (gone.error or "")


async def test_a_look_that_hangs_does_not_take_the_outage_away() -> None:
    """The standby's look has what is left of the check's deadline, and no more."""

    async def hangs() -> None:
        await asyncio.sleep(60)

    service = Service("500 Oops")
    async with running(service) as ask:
        probe = made(
            service.url, timeout=1, deadline=1.5, standby="standby", standby_look="servers"
        )
        result = await run(probe, ask, look=hangs)
    assert [one.facts["error"] for one in result.findings] == ["http_500"]
    assert result.findings[0].facts["standby"] == {"id": "standby", "state": None, "ok": None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"timeout": 2, "slow_after": 3}, "nothing would ever be slow"),
        ({"via": "socks5://user:secret@proxy"}, "is no HTTP proxy"),
        ({"health": {"at": "status", "well": ["up"], "down": ["UP"]}}, "“up” stands twice"),
        ({"open_share": {"share": 0.3, "within": 120}}, "must hold 4 runs or more"),
    ],
)
def test_limits_and_words_that_contradict_each_other_are_refused(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        made("http://127.0.0.1/", **given)


def test_a_hasty_probe_still_tells_slow_from_none() -> None:
    assert made("http://127.0.0.1/", timeout=1).settings.slow_after == 0.5
    adapter: Callable[[Any], Any] = TypeAdapter(AnyCheckSettings).validate_python
    plain = {"kind": "http_probe", "name": "a", "service": "a", "url": "http://x/"}
    assert adapter(plain).slow_after == 2.0


def test_a_probe_that_fails_says_how_many_orders_still_come_in(tmp_path: Path) -> None:
    """Beside the usual: a shop that takes nothing is down, and not one service of it."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    now = datetime.now(UTC)
    for key in range(1, 61):
        shop.order(key, "paid", placed_at=now - timedelta(minutes=10 + key * 24))
    probe = {
        "name": "front",
        "kind": "http_probe",
        "url": "http://127.0.0.1:9/",
        "service": "front",
    }
    settings = parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "Laden", "currency": "TWD", "database_url": shop.url, "mapping": mapped(),
            },
            "checks": [probe],
        }
    )  # fmt: skip
    [result] = asyncio.run(run_once(settings, ("front",)))
    [finding] = result.findings
    assert finding.facts["orders_last_minutes"] == 0
    assert finding.facts["orders_per_minute_usual"] > 0
    shop.close()
