"""Files: shared once, found again by their ids."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from storage import outbox
from storage.models import Incident
from tests.delivery.conftest import Postbox


async def _review(postbox: Postbox) -> None:
    await postbox.post("card")
    await postbox.run()

    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.file(
            session,
            key="INC-412/review",
            template="review",
            incident=incident,
            audience="incidents",
            thread_key="INC-412/card",
            now=now,
        )

    await postbox.commit(change)


async def _shared(postbox: Postbox) -> list[str]:
    card = await postbox.row("card")
    thread = await postbox.seen(thread=card["ts"])
    return [file["name"] for message in thread for file in message.get("files") or ()]


async def test_it_stands_in_the_thread(postbox: Postbox) -> None:
    await _review(postbox)
    await postbox.run()
    assert await _shared(postbox) == ["review.md"]
    assert (await postbox.row("review"))["ts"] is not None


FAULTS = ["rate_limited", "http_503", "lost_reply", "malformed", "reset", "timeout_before"]


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("kind", FAULTS)
async def test_it_is_shared_once_under_each_fault(postbox: Postbox, method: str, kind: str) -> None:
    await _review(postbox)
    postbox.fault(method, kind, retry_after=2)
    await postbox.run(120)
    assert await _shared(postbox) == ["review.md"]
    assert set((await postbox.states()).values()) == {"done"}


@pytest.mark.parametrize("kind", ["http_503", "reset"])
async def test_an_upload_that_breaks_is_repeated(postbox: Postbox, kind: str) -> None:
    await _review(postbox)
    postbox.fault("upload", kind)
    await postbox.run(120)
    assert await _shared(postbox) == ["review.md"]


async def test_not_finding_the_share_is_no_reason_to_repeat_it(postbox: Postbox) -> None:
    await _review(postbox)
    postbox.fault("conversations.replies", "http_503", times=-1)
    await postbox.run(120)
    postbox.sandbox.world.faults.remove()
    assert await _shared(postbox) == ["review.md"]
