"""Pages go out though Slack is away, and ring once."""

from __future__ import annotations

import json
from datetime import datetime

import httpx
import respx
from sqlalchemy.orm import Session

from actions.paging.pagerduty import PagerDuty, PagerDutySettings
from storage import outbox
from storage.models import Incident
from tests.delivery.conftest import Postbox

URL = "https://events.pagerduty.com/v2/enqueue"
TAKEN = {"status": "success"}


async def _page(postbox: Postbox, router: respx.Router | None) -> None:
    if router is not None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
        postbox.with_office(pager=PagerDuty(http, PagerDutySettings(url=URL, routing_key="k")))

    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.page(session, key="INC-412/page/1", incident=incident, now=now)

    await postbox.commit(change)
    await postbox.run(120)


async def test_it_carries_the_incidents_number_and_severity(postbox: Postbox) -> None:
    """Also while Slack is down: that is when it is needed most."""
    postbox.fault("*", "down")
    await postbox.post("card")
    await postbox.run(10)
    router = respx.Router()
    route = router.post(URL).respond(202, json=TAKEN)
    await _page(postbox, router)
    body = json.loads(route.calls.last.request.content)
    assert body["dedup_key"] == "INC-412"
    assert body["payload"]["severity"] == "critical"
    assert body["payload"]["summary"].startswith("page INC-412/page/1")
    assert route.call_count == 1


async def test_it_is_tried_again_when_the_webhook_is_away(postbox: Postbox) -> None:
    """The dedup key makes the repetition harmless."""
    router = respx.Router()
    route = router.post(URL)
    route.side_effect = [
        httpx.Response(500),
        httpx.ConnectError("no"),
        httpx.Response(429, headers={"Retry-After": "9"}),
        httpx.Response(202, json=TAKEN),
    ]
    await _page(postbox, router)
    assert route.call_count == 4
    assert (await postbox.item("page/1"))["state"] == "done"


async def test_a_refusal_is_shown_to_an_operator(postbox: Postbox) -> None:
    router = respx.Router()
    router.post(URL).respond(400, json={"message": "Event object is invalid"})
    await _page(postbox, router)
    item = await postbox.item("page/1")
    assert (item["state"], "invalid" in item["error"]) == ("parked", True)


async def test_without_a_webhook_it_says_so(postbox: Postbox) -> None:
    await _page(postbox, None)
    item = await postbox.item("page/1")
    assert item["state"] == "parked"
    assert "page.url" in item["error"]


async def test_what_is_over_is_not_told_before_that_it_began(postbox: Postbox) -> None:
    """The first event meets an outage of the webhook: the one that closes it waits its turn."""
    router = respx.Router()
    route = router.post(URL)
    route.side_effect = [
        httpx.Response(503),
        httpx.Response(202, json=TAKEN),
        httpx.Response(202, json=TAKEN),
    ]

    def both(session: Session, incident: Incident, now: datetime) -> None:
        for action in ("trigger", "resolve"):
            key = f"INC-412/page/{action}"
            outbox.page(session, key=key, incident=incident, action=action, now=now)

    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    postbox.with_office(pager=PagerDuty(http, PagerDutySettings(url=URL, routing_key="k")))
    await postbox.commit(both)
    await postbox.run(120)
    sent = [json.loads(call.request.content)["event_action"] for call in route.calls]
    assert sent == ["trigger", "trigger", "resolve"]
