"""The page webhook: PagerDuty Events v2, once for each incident."""

from __future__ import annotations

import json

import httpx
import pytest
import respx

from actions.errors import NoAnswer, NotSent, Refused
from actions.page import Page, Pager

URL = "https://events.pagerduty.com/v2/enqueue"
PAGE = Page(dedup_key="INC-412", summary="SEV1 Card payments failing", incident_severity=1)


async def _send(router: respx.Router, page: Page = PAGE) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler)) as http:
        await Pager(http, url=URL, routing_key="secret-routing-key").send(page)


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
    route = router.post(URL).respond(202, json={})
    await _send(router, Page(dedup_key="INC-1", summary="x" * 5000, incident_severity=4))
    payload = json.loads(route.calls.last.request.content)["payload"]
    assert len(payload["summary"]) == 1024
    assert payload["severity"] == "info"


async def test_a_refusal_says_why() -> None:
    router = respx.Router()
    router.post(URL).respond(400, json={"status": "invalid event", "message": "Event is invalid"})
    with pytest.raises(Refused, match="Event is invalid"):
        await _send(router)


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


async def test_an_unencrypted_webhook_is_refused_at_the_start() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(NotSent, match="not encrypted"):
            Pager(http, url="http://pager.example/", routing_key="k")


def test_the_routing_key_shows_in_no_repr() -> None:
    pager = Pager(httpx.AsyncClient(), url=URL, routing_key="secret-routing-key")
    assert "secret" not in repr(pager)
