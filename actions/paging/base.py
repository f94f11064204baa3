"""Page: waking a person outside Slack, and what every provider of it offers.

A provider is one module of this folder, or of the entry points `muster.paging`: it names its
settings (`kind` is how muster.yaml asks for it) and opens a pager for them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict

from actions.connectors.wire_fault import RAISED, wire_fault
from actions.errors import NoAnswer, NotSent, Refused
from actions.requests import require_safe

_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Page:
    """One event. `incident_severity` 1 … 4; `details` hold references and figures only."""

    dedup_key: str  # the incident's reference: sending it again rings nobody twice
    summary: str
    incident_severity: int = 1
    event: Literal["trigger", "acknowledge", "resolve"] = "trigger"
    source: str = "muster"
    link: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Pager(Protocol):
    """An open provider."""

    async def send(self, page: Page) -> None:
        """Hands the page over. Raises NotSent, Refused (not taken, says why) or NoAnswer."""


class PagerSettings(BaseModel):
    """What every provider's settings have: the `kind` by which muster.yaml names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _safe(url: str) -> str:
    try:
        require_safe(url)
    except NotSent as error:
        raise ValueError(str(error)) from None
    return url


Address = Annotated[str, AfterValidator(_safe)]
"""Where a page is sent: encrypted, or on this machine."""


@dataclass(frozen=True)
class Provider:
    """What a module of paging gives as `PROVIDER`."""

    settings: type[PagerSettings]
    open: Callable[[httpx.AsyncClient, Any], Pager]


def no_page_for_people(response: httpx.Response) -> bool:
    """Any good answer but HTML: that is a login in between."""
    return "html" not in response.headers.get("content-type", "").lower()


async def post(
    http: httpx.AsyncClient,
    url: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    *,
    taken: Callable[[httpx.Response], bool] = no_page_for_people,
) -> None:
    """Sends an event as JSON. Raises NotSent, Refused or NoAnswer.

    `taken`: whether a good answer is the provider's own word that it has the page. A redirect, or
    the login page of something in between, wakes nobody.
    """
    try:
        async with asyncio.timeout(_TIMEOUT):
            response = await http.post(
                url, json=dict(body), headers=dict(headers or {}), timeout=_TIMEOUT
            )
    except RAISED as error:
        fault = wire_fault(error)
        if fault.may_have_arrived:
            raise NoAnswer(fault.code, "the page webhook did not answer") from error
        raise NotSent(fault.code, "the page webhook cannot be connected to") from error
    if response.status_code >= 500:
        raise NoAnswer(f"http_{response.status_code}", "the page webhook failed")
    if response.status_code >= 400:
        raise Refused(response.status_code, _reason(response), retry_after=_retry_after(response))
    if not response.is_success or not taken(response):
        where = response.headers.get("location", "")
        led = f", redirected to {httpx.URL(where).host or 'elsewhere'}" if where else ""
        raise Refused(
            response.status_code,
            f"its answer ({response.status_code}{led}) does not say that the page was taken; "
            "look at page.url",
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
