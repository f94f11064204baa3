"""HTTP probe: status, latency and body of one address (9.1.1: the system does not start)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import Connection, case, func, select

from checks import wire
from checks.kinds.base import CheckContext, CheckSettings, LookFailed
from checks.model import CaseFound, CheckResult, Finding
from checks.shop.source import ShopDatabase, ShopUnavailable

_DEADLINE, _SPARE = 30.0, 5.0  # seconds: of a run, and beside its timeout


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or "$" in url:
        raise ValueError(f"“{url}” is no address; write one like https://shop.example/health")
    return url


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


class HttpProbeSettings(CheckSettings):
    kind: Literal["http_probe"]
    url: Annotated[str, AfterValidator(_address)]
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

    @model_validator(mode="before")
    @classmethod
    def _has_time(cls, data: Any) -> Any:
        """Without a deadline of its own a patient probe has the time that it needs."""
        given = data.get("timeout") if isinstance(data, Mapping) else None
        if isinstance(given, int | float) and "deadline" not in data:
            return {**data, "deadline": max(_DEADLINE, given + _SPARE)}
        return data

    @model_validator(mode="after")
    def _ends_in_time(self) -> HttpProbeSettings:
        """A look that is not over when the check must be would hide the outage for ever."""
        if self.deadline <= self.timeout:
            raise ValueError(
                f"the deadline ({self.deadline:g} s) must be longer than the timeout "
                f"({self.timeout:g} s)"
            )
        return self


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
        """What is wrong with it, and how soon it answered, where it did. ShopUnavailable: the page
        was too long to be searched, which says nothing of the service."""
        settings = self.settings
        seen = await wire.get(
            context.http, settings.url, within=settings.timeout, holding=settings.contains
        )
        if seen.problem is not None:
            return seen.problem, None
        if seen.status != settings.status:
            return f"http_{seen.status}", seen.milliseconds
        if not seen.holds and not seen.whole:
            raise ShopUnavailable(
                f"{settings.url} is longer than {wire.LONGEST // 1024} KB and its beginning does "
                f"not hold “{settings.contains}”: look at a shorter page"
            )
        if not seen.holds:
            return "wrong_body", seen.milliseconds
        if seen.milliseconds is not None and seen.milliseconds > settings.slow_after * 1000:
            return "slow", seen.milliseconds
        return None, seen.milliseconds

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
            or not shop.orders().has("created_at")
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
