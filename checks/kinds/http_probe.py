"""HTTP probe: status, latency and body of one address (9.1.1: the system does not start)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import httpx
from pydantic import Field
from sqlalchemy import Connection, case, func, select

from checks.kinds.base import CheckContext, CheckSettings, LookFailed
from checks.model import CaseFound, CheckResult, Finding
from checks.shop.source import ShopDatabase, ShopUnavailable

_BODY_LIMIT = 64 * 1024  # bytes; a health page is small


class HttpProbeSettings(CheckSettings):
    kind: Literal["http_probe"]
    url: str
    service: str  # what people call it: storefront
    incident_type: str = "system_crash"
    status: int = 200
    contains: str | None = None  # text that the body must hold
    slow_after: Annotated[float, Field(gt=0)] = 2.0  # seconds; slower counts as a failure
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0  # seconds
    server: str | None = None  # the one that `url` belongs to; None: it is where customers come in
    standby: str | None = None  # id of the server that can take over
    standby_look: str | None = None  # look that says whether it could: {servers: […]}
    window: Annotated[int, Field(ge=60, le=3600)] = 600  # seconds in which orders are counted
    usual_days: Annotated[int, Field(ge=1, le=90)] = 7

    @property
    def opens(self) -> tuple[str, ...]:
        return (self.incident_type,)


class HttpProbe:
    """One GET. A refused connection, a timeout, another status and a slow answer are told apart."""

    def __init__(self, settings: HttpProbeSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        subject = f"service:{self.settings.service}"
        problem, latency_ms = await self._probe(context)
        figures: dict[str, Any] = {"latency_ms": latency_ms, "problem": problem}
        if problem is None:
            return CheckResult(
                name=self.settings.name,
                ran_at=context.now,
                healthy_subjects=(subject,),
                figures=figures,
            )
        standby, traffic = await self._standby(context)
        facts: dict[str, Any] = {
            "service": self.settings.service,
            "error": problem,
            "latency_ms": latency_ms,
            "standby": standby,
            "traffic": traffic,
            **(orders := await self._orders(context)),
            "part": self._is_part(orders),
        }
        finding = Finding(
            subject=subject,
            incident_type=self.settings.incident_type,
            facts=facts,
            cases=(CaseFound(kind="server", key=self.settings.service),),
            severity=self.settings.severity,
            felt=self._is_felt(standby, traffic),
        )
        return CheckResult(
            name=self.settings.name, ran_at=context.now, findings=(finding,), figures=figures
        )

    def _is_felt(self, standby: Mapping[str, Any] | None, traffic: str | None) -> bool:
        """Not where one server is probed while another one, which is well, has the traffic."""
        if self.settings.server is None or traffic in (None, self.settings.server):
            return True
        return standby is None or traffic != standby["id"] or standby["ok"] is not True

    def _is_part(self, orders: Mapping[str, Any]) -> bool:
        """Whether it is no more than this service: a probe alone does not know that the shop takes
        no orders. The configuration says so (`incident_type`, `severity`), or the orders do."""
        if {"incident_type", "severity"} & self.settings.model_fields_set:
            return False
        usual, now = orders.get("orders_per_minute_usual"), orders.get("orders_last_minutes")
        if not usual or now is None:
            return True
        expected = usual * orders["window_minutes"]
        return not (expected >= 1 and now * 2 < expected)

    async def _probe(self, context: CheckContext) -> tuple[str | None, int | None]:
        settings = self.settings
        try:
            async with context.http.stream(
                "GET", settings.url, timeout=settings.timeout, follow_redirects=False
            ) as response:
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _BODY_LIMIT:
                        break
        except httpx.TimeoutException:
            return "timeout", int(settings.timeout * 1000)
        except httpx.ConnectError:
            return "refused", None
        except httpx.HTTPError:
            return "broken", None
        latency = response.elapsed.total_seconds()
        milliseconds = int(latency * 1000)
        if response.status_code != settings.status:
            return f"http_{response.status_code}", milliseconds
        if settings.contains is not None and settings.contains not in body.decode(errors="replace"):
            return "wrong_body", milliseconds
        if latency > settings.slow_after:
            return "slow", milliseconds
        return None, milliseconds

    async def _standby(self, context: CheckContext) -> tuple[dict[str, Any] | None, str | None]:
        """Whether the standby could take over, and which server has the shop's traffic."""
        if self.settings.standby is None:
            return None, None
        found: dict[str, Any] = {"id": self.settings.standby, "state": None, "ok": None}
        if self.settings.standby_look is None:
            return found, None
        try:
            answer = await context.look(self.settings.standby_look, {})
        except LookFailed:
            return found, None
        for server in answer.get("servers", []):
            if server.get("id") == self.settings.standby:
                found |= {"state": server.get("state"), "ok": server.get("healthy")}
        return found, answer.get("traffic")

    async def _orders(self, context: CheckContext) -> dict[str, Any]:
        """What the customer feels: orders now beside the usual, where the shop's data can tell."""
        shop = context.shop
        if shop is None or not shop.orders().has("created_at"):
            return {}
        try:
            return await shop.read(lambda connection: self._counts(connection, shop, context.now))
        except ShopUnavailable:
            return {}  # the crash may have taken the database with it; the probe's word stands

    def _counts(self, connection: Connection, shop: ShopDatabase, now: datetime) -> dict[str, Any]:
        orders = shop.orders()
        created = orders.col("created_at")
        recent_since = now - timedelta(seconds=self.settings.window)
        usual_since = now - timedelta(days=self.settings.usual_days)
        recent, usual, first = connection.execute(
            select(
                func.count(case((created >= orders.bind_time(recent_since, "created_at"), 1))),
                func.count(case((created < orders.bind_time(recent_since, "created_at"), 1))),
                func.min(created),
            ).where(created >= orders.bind_time(usual_since, "created_at"))
        ).one()
        counted_since = max(usual_since, orders.read_time(first, "created_at") or usual_since)
        minutes = (recent_since - counted_since).total_seconds() / 60
        return {
            "window_minutes": self.settings.window // 60,
            "orders_last_minutes": int(recent),
            "orders_per_minute_usual": round(usual / minutes, 2) if minutes > 60 else None,
        }
