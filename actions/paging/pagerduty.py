"""PagerDuty: its Events API v2, which many other services take as well."""

from __future__ import annotations

from typing import Any, Literal

import httpx
from pydantic import Field

from actions.paging.base import Address, Page, PagerSettings, Provider, post

_SUMMARY = 1024  # characters (Events API v2: payload.summary)
_KEY = 255  # characters (dedup_key)
_SEVERITIES = {1: "critical", 2: "error", 3: "warning", 4: "info"}


class PagerDutySettings(PagerSettings):
    """`routing_key`: a secret, by reference: ${env:MUSTER_PAGE_ROUTING_KEY}."""

    kind: Literal["pagerduty"] = "pagerduty"
    url: Address = Field(default="https://events.pagerduty.com/v2/enqueue", repr=False)
    routing_key: str = Field(min_length=1, repr=False)


class PagerDuty:
    """Sends pages. The routing key is a secret: it stands in no log and no `repr`."""

    def __init__(self, http: httpx.AsyncClient, settings: PagerDutySettings) -> None:
        self._http = http
        self._url = settings.url
        self._routing_key = settings.routing_key

    async def send(self, page: Page) -> None:
        await post(self._http, self._url, event_of(page, self._routing_key), taken=_taken)


def _taken(response: httpx.Response) -> bool:
    """Events API v2: {"status": "success"}."""
    try:
        found = response.json()
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("status") == "success"


def event_of(page: Page, routing_key: str) -> dict[str, Any]:
    """The JSON of the event, cut to the form's limits."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": page.event,
        "dedup_key": page.dedup_key[:_KEY],
        "payload": {
            "summary": page.summary[:_SUMMARY],
            "source": page.source,
            "severity": _SEVERITIES.get(page.incident_severity, "error"),
            "custom_details": dict(page.details),
        },
    }
    if page.link:
        event["links"] = [{"href": page.link, "text": page.dedup_key}]
    return event


PROVIDER = Provider(PagerDutySettings, PagerDuty)
