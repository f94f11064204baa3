"""Direct messages: in the person's language, once, beside the thread."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from storage import outbox
from storage.models import Incident
from tests.delivery.conftest import Postbox


async def _tell(postbox: Postbox, person: str, number: int = 1) -> None:
    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.direct(
            session,
            key=f"INC-412/dm/{person}/remind/{number}",
            template="remind",
            person=person,
            incident=incident,
            now=now,
        )

    await postbox.commit(change)


async def _told(postbox: Postbox, person: str) -> list[str]:
    rings = (await postbox.people.get("/hand/rings", params={"as": person})).json()["rings"]
    return [ring["text"] for ring in rings if ring["why"] == "direct"]


async def test_it_follows_the_persons_language(postbox: Postbox) -> None:
    await _tell(postbox, "U0LIN")
    await _tell(postbox, "U0MEI")
    await postbox.run()
    assert await _told(postbox, "U0LIN") == ["remind INC-412/dm/U0LIN/remind/1 v1 zh-Hant"]
    assert await _told(postbox, "U0MEI") == ["remind INC-412/dm/U0MEI/remind/1 v1 en"]


@pytest.mark.parametrize("method", ["chat.postMessage", "conversations.open", "users.info"])
@pytest.mark.parametrize("kind", ["rate_limited", "http_503", "lost_reply", "malformed", "reset"])
async def test_it_rings_once_under_each_fault(postbox: Postbox, method: str, kind: str) -> None:
    postbox.fault(method, kind, retry_after=2)
    await _tell(postbox, "U0MEI")
    await postbox.run(120)
    assert len(await _told(postbox, "U0MEI")) == 1


async def test_a_thread_that_slack_holds_up_does_not_hold_up_a_ring(postbox: Postbox) -> None:
    channel = {"channel": "C0INCIDENTS"}
    postbox.fault("chat.postMessage", "error", error="fatal_error", times=-1, match=channel)
    await postbox.post("card")
    await _tell(postbox, "U0KAI")
    await postbox.run(10)
    assert len(await _told(postbox, "U0KAI")) == 1


async def test_somebody_who_left_is_shown_to_an_operator(postbox: Postbox) -> None:
    await _tell(postbox, "U0GONE")
    await postbox.run(10)
    item = await postbox.item("dm/U0GONE/remind/1")
    assert item["state"] == "parked"
    assert "user" in item["error"]
