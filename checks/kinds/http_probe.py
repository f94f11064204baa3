"""HTTP probe: status, latency and body of one address (9.1.1: the system does not start)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, case, func, select

from checks.exchange import Exchange, Question
from checks.kinds.base import CheckContext, LookFailed
from checks.kinds.probe_settings import HttpProbeSettings
from checks.kinds.probe_verdict import Verdict, verdict
from checks.model import CaseFound, CheckResult, Finding
from checks.shop.source import ShopDatabase, ShopUnavailable

_ANEW_EVERY = 10  # times: what a kept connection hides is seen by then
_LEAST = 0.5  # seconds that are left for what is known beside
_Found = TypeVar("_Found")


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


class HttpProbe:
    """One GET. Each way of failing is told apart, and what is degraded apart from what is down."""

    def __init__(self, settings: HttpProbeSettings) -> None:
        self.settings = settings
        self._asked = 0

    async def run(self, context: CheckContext) -> CheckResult:
        began = time.monotonic()
        subject = f"service:{self.settings.service}"
        slow = subject if self.settings.degraded_type is None else f"slow:{self.settings.service}"
        seen = await self._probe(context)
        found = verdict(seen, self.settings)
        name, figures = self.settings.name, _figures(seen, found)
        if found.problem is None:
            well = tuple(dict.fromkeys((subject, slow)))
            return CheckResult(name, context.now, healthy_subjects=well, figures=figures)
        finding = await self._finding(
            context,
            slow if found.degraded else subject,
            figures,
            degraded=found.degraded,
            left=self.settings.deadline - (time.monotonic() - began),
        )
        # It answers, so it is not down; of one that is down nobody knows whether it would be slow.
        answers = (subject,) if finding.subject == slow != subject else ()
        return CheckResult(name, context.now, (finding,), answers, figures=figures)

    async def _probe(self, context: CheckContext) -> Exchange:
        """A new connection after a failure and every tenth time: a kept one may know a server that
        nobody else reaches any more."""
        settings = self.settings
        anew = self._asked % _ANEW_EVERY == 0 or bool(context.failed)
        self._asked += 1
        question = Question(
            settings.url,
            settings.timeout,
            holding=settings.contains,
            reading=settings.health is not None,
            via=settings.via,
            anew=anew,
        )
        seen = await context.ask(question)
        self._asked = 0 if seen.problem is not None else self._asked
        return seen

    async def _finding(
        self,
        context: CheckContext,
        subject: str,
        figures: Mapping[str, Any],
        *,
        degraded: bool,
        left: float,
    ) -> Finding:
        settings = self.settings
        standby, traffic, orders = await self._beside(context, left)
        return Finding(
            subject=subject,
            incident_type=(degraded and settings.degraded_type) or settings.incident_type,
            facts={
                "service": settings.service,
                "error": figures["problem"],
                "latency_ms": figures["latency_ms"],
                "degraded": degraded,
                "standby": standby,
                "traffic": traffic,
                **orders,
                "part": degraded or self._is_part(orders),
            },
            cases=(CaseFound(kind="server", key=settings.service),),
            # How severe the shop's being down is says nothing of its being slow: the plan does.
            severity=None if degraded else settings.severity,
            felt=self._is_felt(standby, traffic),
        )

    async def _beside(
        self, context: CheckContext, left: float
    ) -> tuple[dict[str, Any] | None, str | None, dict[str, Any]]:
        """What is known of the standby and the orders. Whatever it takes, and however it fails, it
        never keeps the main word from being said."""
        standby, traffic = await _within(left / 2, self._standby(context)) or (
            self._unknown_standby(),
            None,
        )
        orders = await _within(left / 3, self._orders(context))
        return standby, traffic, orders or {}

    def _unknown_standby(self) -> dict[str, Any] | None:
        if self.settings.standby is None:
            return None
        return {"id": self.settings.standby, "state": None, "ok": None}

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

    async def _standby(self, context: CheckContext) -> tuple[dict[str, Any] | None, str | None]:
        """Whether the standby could take over, and which server has the shop's traffic."""
        found = self._unknown_standby()
        if found is None or self.settings.standby_look is None:
            return found, None
        try:
            answer = await context.look(self.settings.standby_look, {})
        except LookFailed:
            return found, None
        servers = answer.get("servers") if isinstance(answer, Mapping) else None
        for server in servers if isinstance(servers, list) else ():
            if isinstance(server, Mapping) and server.get("id") == self.settings.standby:
                healthy = server.get("healthy")  # “"false"” is a text, and says nothing
                found |= {"state": server.get("state"), "ok": _flag(healthy)}
        traffic = answer.get("traffic") if isinstance(answer, Mapping) else None
        return found, traffic if isinstance(traffic, str) else None

    async def _orders(self, context: CheckContext) -> dict[str, Any]:
        """What the customer feels: orders now beside the usual, where the shop's data can tell."""
        shop = context.shop
        if (
            shop is None
            or "orders" not in shop.mapping.entities
            or not shop.orders().has("placed_at")
        ):
            return {}
        try:
            return await shop.read(lambda connection: self._counts(connection, shop, context.now))
        except ShopUnavailable:
            return {}  # the crash may have taken the database with it; the probe's word stands

    def _counts(self, connection: Connection, shop: ShopDatabase, now: datetime) -> dict[str, Any]:
        orders = shop.orders()
        created = orders.col("placed_at")
        recent_since = now - timedelta(seconds=self.settings.window)
        usual_since = now - timedelta(days=self.settings.usual_days)
        recent, usual, first = connection.execute(
            select(
                func.count(case((created >= orders.bind_time(recent_since, "placed_at"), 1))),
                func.count(case((created < orders.bind_time(recent_since, "placed_at"), 1))),
                func.min(created),
            ).where(created >= orders.bind_time(usual_since, "placed_at"))
        ).one()
        counted_since = max(usual_since, orders.read_time(first, "placed_at") or usual_since)
        minutes = (recent_since - counted_since).total_seconds() / 60
        return {
            "window_minutes": self.settings.window // 60,
            "orders_last_minutes": int(recent),
            "orders_per_minute_usual": round(usual / minutes, 2) if minutes > 60 else None,
        }


def _figures(seen: Exchange, found: Verdict) -> dict[str, Any]:
    return {"latency_ms": seen.milliseconds, "problem": found.problem}


async def _within(seconds: float, looking: Awaitable[_Found]) -> _Found | None:
    """What it finds in that time; None: it was not over."""
    try:
        async with asyncio.timeout(max(_LEAST, seconds)):
            return await looking
    except TimeoutError:
        return None
