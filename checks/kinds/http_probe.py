"""HTTP probe: status, latency and body of one address (9.1.1: the system does not start)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import httpx
from pydantic import Field

from checks.kinds.base import CheckContext, CheckSettings, LookFailed
from checks.model import CaseFound, CheckResult, Finding

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
    standby: str | None = None  # id of the server that can take over
    standby_look: str | None = None  # look that says whether it could: {servers: […]}
    figures_look: str | None = None  # look with the orders of the last minutes


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
        facts = {
            "service": self.settings.service,
            "error": problem,
            "latency_ms": latency_ms,
            "standby": await self._standby(context),
            **await self._orders(context),
        }
        finding = Finding(
            subject=subject,
            incident_type=self.settings.incident_type,
            facts=facts,
            cases=(CaseFound(kind="server", key=self.settings.service),),
            severity=self.settings.severity,
        )
        return CheckResult(
            name=self.settings.name, ran_at=context.now, findings=(finding,), figures=figures
        )

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

    async def _standby(self, context: CheckContext) -> dict[str, Any] | None:
        if self.settings.standby is None:
            return None
        found: dict[str, Any] = {"id": self.settings.standby, "state": None, "ok": None}
        if self.settings.standby_look is not None:
            try:
                answer = await context.look(self.settings.standby_look, {})
            except LookFailed:
                return found
            for server in answer.get("servers", []):
                if server.get("id") == self.settings.standby:
                    found |= {"state": server.get("state"), "ok": server.get("healthy")}
        return found

    async def _orders(self, context: CheckContext) -> dict[str, Any]:
        if self.settings.figures_look is None:
            return {}
        try:
            answer = await context.look(self.settings.figures_look, {})
        except LookFailed:
            return {}
        return dict(answer) if isinstance(answer, dict) else {}
