"""Webhook: a page as plain JSON to an address of the shop's own, with headers of its own."""

from __future__ import annotations

from typing import Literal

import httpx
from pydantic import Field

from actions.paging.base import Address, Page, PagerSettings, Provider, post


class WebhookSettings(PagerSettings):
    """`headers` are for secrets by reference: {Authorization: "Bearer ${env:PAGE_TOKEN}"}."""

    kind: Literal["webhook"]
    url: Address = Field(repr=False)
    headers: dict[str, str] = Field(default={}, repr=False)


class Webhook:
    """Posts {event, key, summary, severity, source, link, details}."""

    def __init__(self, http: httpx.AsyncClient, settings: WebhookSettings) -> None:
        self._http = http
        self._settings = settings

    async def send(self, page: Page) -> None:
        body = {
            "event": page.event,
            "key": page.dedup_key,
            "summary": page.summary,
            "severity": page.incident_severity,
            "source": page.source,
            "link": page.link,
            "details": dict(page.details),
        }
        await post(self._http, self._settings.url, body, self._settings.headers)


PROVIDER = Provider(WebhookSettings, Webhook)
