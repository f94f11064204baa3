"""Waking a person outside Slack: a webhook in the form of PagerDuty Events v2.

The event carries a dedup key (the incident's reference), so sending it again rings nobody twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from actions.errors import NoAnswer, NotSent, Refused
from actions.requests import require_safe

_TIMEOUT = 10.0  # seconds
_SUMMARY = 1024  # characters (PagerDuty Events v2: payload.summary)
_SEVERITIES = {1: "critical", 2: "error", 3: "warning", 4: "info"}


@dataclass(frozen=True)
class Page:
    """One event. `incident_severity` 1 … 4; `details` hold references and figures only."""

    dedup_key: str
    summary: str
    incident_severity: int = 1
    event: Literal["trigger", "acknowledge", "resolve"] = "trigger"
    source: str = "muster"
    link: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def body(self, routing_key: str) -> dict[str, Any]:
        """The JSON of the event, cut to the form's limits."""
        event: dict[str, Any] = {
            "routing_key": routing_key,
            "event_action": self.event,
            "dedup_key": self.dedup_key[:255],
            "payload": {
                "summary": self.summary[:_SUMMARY],
                "source": self.source,
                "severity": _SEVERITIES.get(self.incident_severity, "error"),
                "custom_details": dict(self.details),
            },
        }
        if self.link:
            event["links"] = [{"href": self.link, "text": self.dedup_key}]
        return event


class Pager:
    """Sends pages. The routing key is a secret: it stands in no log and no `repr`."""

    def __init__(self, http: httpx.AsyncClient, *, url: str, routing_key: str) -> None:
        require_safe(url)
        self._http = http
        self._url = url
        self._routing_key = routing_key

    async def send(self, page: Page) -> None:
        """Hands the page over. Raises NotSent, Refused (not taken, says why) or NoAnswer."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._http.post(
                    self._url, json=page.body(self._routing_key), timeout=_TIMEOUT
                )
        except httpx.ConnectError as error:
            raise NotSent("refused", "the page webhook does not accept connections") from error
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            raise NoAnswer("broken", "the page webhook did not answer") from error
        if response.status_code >= 500:
            raise NoAnswer(f"http_{response.status_code}", "the page webhook failed")
        if response.status_code >= 400:
            raise Refused(
                response.status_code, _reason(response), retry_after=_retry_after(response)
            )


def _reason(response: httpx.Response) -> str:
    try:
        found = response.json()
    except json.JSONDecodeError:
        return response.text[:200]
    return str(found.get("message", found))[:200] if isinstance(found, dict) else str(found)[:200]


def _retry_after(response: httpx.Response) -> float | None:
    if response.status_code != 429:
        return None
    try:
        return max(1.0, float(response.headers.get("retry-after", "30")))
    except ValueError:
        return 30.0
