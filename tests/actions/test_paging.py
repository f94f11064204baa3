"""The page webhook: PagerDuty Events v2, once for each incident."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from actions.errors import NoAnswer, NotSent, Refused
from actions.paging.base import Page
from actions.paging.pagerduty import PagerDuty, PagerDutySettings
from actions.paging.registry import open_pager, providers
from actions.paging.webhook import WebhookSettings

URL = "https://events.pagerduty.com/v2/enqueue"
PAGE = Page(dedup_key="INC-412", summary="SEV1 Card payments failing", incident_severity=1)


def settings(key: str = "k", url: str = URL) -> PagerDutySettings:
    return PagerDutySettings(url=url, routing_key=key)


async def _send(router: respx.Router, page: Page = PAGE) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler)) as http:
        await PagerDuty(http, settings("secret-routing-key")).send(page)


async def test_it_sends_the_events_v2_form() -> None:
    router = respx.Router()
    route = router.post(URL).respond(202, json={"status": "success"})
    await _send(router)
    assert json.loads(route.calls.last.request.content) == {
        "routing_key": "secret-routing-key",
        "event_action": "trigger",
        "dedup_key": "INC-412",
        "payload": {
            "summary": "SEV1 Card payments failing",
            "source": "muster",
            "severity": "critical",
            "custom_details": {},
        },
    }


async def test_a_long_summary_is_cut_to_the_form() -> None:
    router = respx.Router()
    route = router.post(URL).respond(202, json={"status": "success"})
    await _send(router, Page(dedup_key="INC-1", summary="x" * 5000, incident_severity=4))
    payload = json.loads(route.calls.last.request.content)["payload"]
    assert len(payload["summary"]) == 1024
    assert payload["severity"] == "info"


async def test_a_refusal_says_why() -> None:
    router = respx.Router()
    router.post(URL).respond(400, json={"status": "invalid event", "message": "Event is invalid"})
    with pytest.raises(Refused, match="Event is invalid"):
        await _send(router)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (302, {"headers": {"Location": "https://login.example/?to=secret"}}),
        (200, {"html": "<form>Sign in</form>"}),
        (200, {"json": {"status": "queued elsewhere"}}),
        (202, {"text": ""}),
    ],
)
async def test_only_the_providers_own_word_is_a_page(status: int, answer: dict[str, Any]) -> None:
    """What stands in between answers well and wakes nobody."""
    router = respx.Router()
    router.post(URL).respond(status, **answer)
    with pytest.raises(Refused, match="does not say that the page was taken") as refused:
        await _send(router)
    assert "secret" not in str(refused.value)


async def test_too_many_requests_names_a_time() -> None:
    router = respx.Router()
    router.post(URL).respond(429, headers={"Retry-After": "17"}, text="slow down")
    with pytest.raises(Refused) as caught:
        await _send(router)
    assert caught.value.retry_after == 17


async def test_it_handles_500_and_timeout() -> None:
    router = respx.Router()
    router.post(URL).respond(500)
    with pytest.raises(NoAnswer):
        await _send(router)
    router.post(URL).mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(NoAnswer):
        await _send(router)


async def test_it_handles_a_refused_connection() -> None:
    router = respx.Router()
    router.post(URL).mock(side_effect=httpx.ConnectError("no"))
    with pytest.raises(NotSent):
        await _send(router)


def test_an_unencrypted_address_is_refused_with_the_settings() -> None:
    with pytest.raises(ValidationError, match="not encrypted"):
        settings(url="http://pager.example/")


def test_the_routing_key_shows_in_no_repr() -> None:
    pager = PagerDuty(httpx.AsyncClient(), settings("secret-routing-key"))
    assert "secret" not in repr(pager)


async def test_a_webhook_gets_the_page_as_it_is() -> None:
    router = respx.Router()
    route = router.post("https://shop.example/wake").respond(204)
    given = WebhookSettings(
        kind="webhook", url="https://shop.example/wake", headers={"Authorization": "Bearer t"}
    )
    assert "Bearer" not in repr(given)
    async with httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler)) as http:
        await open_pager(http, given).send(PAGE)
    request = route.calls.last.request
    assert request.headers["Authorization"] == "Bearer t"
    assert json.loads(request.content) == {
        "event": "trigger",
        "key": "INC-412",
        "summary": "SEV1 Card payments failing",
        "severity": 1,
        "source": "muster",
        "link": None,
        "details": {},
    }


def test_every_module_of_the_folder_is_a_provider() -> None:
    assert set(providers()) == {"pagerduty", "webhook"}
