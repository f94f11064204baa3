"""Permalinks: where the thread of an incident is found is known before anybody is rung for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.delivery.content import Content, Request
from bot.delivery.permalinks import permalink_of
from storage import outbox
from storage.models import Incident, SlackMessage, WorkItem
from tests.delivery.conftest import Postbox


def leads_to_the_thread(session: Session, request: Request) -> Content:
    """A direct message that says where the thread is."""
    return Content(text=f"{request.template} {permalink_of(session, 'INC-412')}")


async def tell(postbox: Postbox, person: str = "U0KAI") -> None:
    def change(session: Session, incident: Incident, now: datetime) -> None:
        key = f"INC-412/dm/{person}/remind/1"
        outbox.direct(
            session, key=key, template="remind", person=person, incident=incident, now=now
        )

    await postbox.commit(change)


async def told(postbox: Postbox, person: str = "U0KAI") -> list[str]:
    rings = (await postbox.people.get("/hand/rings", params={"as": person})).json()["rings"]
    return [ring["text"] for ring in rings]


async def address(postbox: Postbox) -> str:
    card = await postbox.row("card")
    root = f"{postbox.sandbox.url}/archives/{card['channel']}"
    return f"{root}/p{str(card['ts']).replace('.', '')}"


async def test_the_address_of_a_card_is_kept_beside_it(postbox: Postbox) -> None:
    await postbox.post("card")
    await postbox.post("log/1")
    await postbox.run(1)
    assert (await postbox.row("card"))["permalink"] == await address(postbox)
    assert (await postbox.row("log/1"))["permalink"] is None
    assert postbox.calls("chat.getPermalink") == 1


async def test_a_direct_message_waits_for_its_card_and_leads_to_it(postbox: Postbox) -> None:
    postbox.with_office(renderer=leads_to_the_thread)
    postbox.fault("chat.postMessage", "rate_limited", retry_after=2)
    await postbox.post("card")
    await tell(postbox)
    await postbox.run(10)
    assert await told(postbox) == [f"remind {await address(postbox)}"]


async def test_a_ring_goes_before_a_card_that_is_held_for_long(postbox: Postbox) -> None:
    """In a storm the channel's budget holds the card of the tenth incident; its turns only wait."""
    postbox.with_office(renderer=leads_to_the_thread)
    await postbox.post("card")

    def hold(session: Session, _: Incident, now: datetime) -> None:
        session.scalars(select(WorkItem)).one().due = now + timedelta(seconds=60)

    await postbox.commit(hold)
    await tell(postbox)
    await postbox.run(7)
    assert await told(postbox) == ["remind None"]


@pytest.mark.parametrize("kind", ["rate_limited", "http_500", "malformed", "nothing_said"])
async def test_no_ring_is_late_for_want_of_the_address(postbox: Postbox, kind: str) -> None:
    postbox.with_office(renderer=leads_to_the_thread)
    await postbox.post("card")
    await postbox.run(1)
    await forget(postbox)
    postbox.fault("chat.getPermalink", kind, retry_after=60)
    await tell(postbox)
    await postbox.run(1)
    assert await told(postbox) == ["remind None"]


async def test_a_card_that_an_older_version_posted_is_asked_for_when_it_is_needed(
    postbox: Postbox,
) -> None:
    postbox.with_office(renderer=leads_to_the_thread)
    await postbox.post("card")
    await postbox.run(1)
    await forget(postbox)
    await tell(postbox)
    await postbox.run(1)
    assert await told(postbox) == [f"remind {await address(postbox)}"]


async def test_a_card_that_was_posted_anew_has_its_new_address(postbox: Postbox) -> None:
    await postbox.post("card")
    await postbox.run(1)
    card = await postbox.row("card")
    await postbox.client.chat_delete(channel=card["channel"], ts=card["ts"])
    await postbox.refresh("card", version=2)
    await postbox.run(10)
    assert (await postbox.row("card"))["ts"] != card["ts"]
    assert (await postbox.row("card"))["permalink"] == await address(postbox)


async def forget(postbox: Postbox) -> None:
    def change(session: Session, _: Incident, __: datetime) -> None:
        session.scalars(select(SlackMessage)).one().permalink = None

    await postbox.commit(change)
