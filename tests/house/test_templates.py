"""A template that fails: plain words go out instead, whatever way they go."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.orm import Session

from storage import outbox
from tests.delivery.conftest import Postbox, open_postbox


@pytest.fixture
async def postbox(sqlite_url: str) -> AsyncIterator[Postbox]:
    async with open_postbox(sqlite_url) as opened:
        yield opened


async def test_posts_and_direct_messages_say_the_essentials(postbox: Postbox) -> None:
    postbox.drawings.broken = {"card", "runbook", "log", "remind"}
    await postbox.post("card", thread=None)
    await postbox.post("runbook")
    await postbox.post("log/1")

    def direct(session: Session, incident: object, now: object) -> None:
        outbox.direct(
            session, key="INC-412/dm", template="remind", person="U0MEI",
            incident=incident, now=now,  # type: ignore[arg-type]
        )  # fmt: skip

    await postbox.commit(direct)
    await postbox.run(10)
    [root] = await postbox.seen("C0INCIDENTS")
    said = await postbox.seen("C0INCIDENTS", thread=root["ts"]) + await postbox.seen("D0MEI")
    plain = [m for m in said if "could not be drawn" in m["text"]]
    assert len(plain) == 4
    assert all(m["text"].startswith("INC-412") for m in plain)


async def test_an_app_home_shows_plain_words(postbox: Postbox) -> None:
    postbox.drawings.broken = {"home"}

    def home(session: Session, incident: object, now: object) -> None:
        outbox.home(session, person="U0MEI", now=now)  # type: ignore[arg-type]

    await postbox.commit(home)
    await postbox.run(10)
    answer = await postbox.people.get("/hand/home", params={"as": "U0MEI"})
    assert "could not be drawn" in answer.text


async def test_a_modal_that_waits_for_its_result_gets_plain_words(postbox: Postbox) -> None:
    """Never a "checking" that stays for good; what Slack is given is a view it takes."""
    postbox.drawings.broken = {"result"}

    def view(session: Session, incident: object, now: object) -> None:
        outbox.view(
            session, key="INC-412/view", template="result", person="U0MEI", view_id="V1",
            incident=incident, now=now,  # type: ignore[arg-type]
        )  # fmt: skip

    await postbox.commit(view)
    await postbox.run(10)
    [sent] = postbox.arguments("views.update")
    assert "could not be drawn" in str(sent["view"])
