"""Files: shared once, found again by their ids."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from storage import outbox
from storage.models import Incident
from tests.delivery.conftest import Postbox


async def _review(postbox: Postbox, *, thread: bool = True, audience: str = "incidents") -> None:
    await postbox.post("card")
    await postbox.run()

    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.file(
            session,
            key="INC-412/review",
            template="review",
            incident=incident,
            audience=audience,
            thread_key="INC-412/card" if thread else None,
            now=now,
        )

    await postbox.commit(change)


async def _shared(postbox: Postbox) -> list[str]:
    card = await postbox.row("card")
    thread = await postbox.seen(thread=card["ts"])
    return [file["name"] for message in thread for file in message.get("files") or ()]


async def test_it_stands_in_the_thread(postbox: Postbox) -> None:
    postbox.sandbox.world.share_lag = 0.0
    await _review(postbox)
    await postbox.run()
    assert await _shared(postbox) == ["review.md"]
    assert (await postbox.row("review"))["ts"] is not None


@pytest.mark.parametrize("kind", ["", "lost_reply", "late_effect"])
async def test_a_share_that_is_not_visible_at_once_stands_there_once(
    postbox: Postbox, kind: str
) -> None:
    """Slack answers before the message is made; one whose answer is lost, too, is found later."""
    postbox.sandbox.world.share_lag = 3.0
    await _review(postbox)
    if kind:
        postbox.fault("files.completeUploadExternal", kind, seconds=2)
    await postbox.run(120)
    assert await _shared(postbox) == ["review.md"]
    assert set((await postbox.states()).values()) == {"done"}


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


def _gone(postbox: Postbox, code: str, channel: str = "C0INCIDENTS") -> None:
    """Nothing can be said in that channel any more."""
    for method, name in (
        ("chat.postMessage", "channel"),
        ("chat.update", "channel"),
        ("files.completeUploadExternal", "channel_id"),
    ):
        postbox.fault(method, "error", error=code, times=-1, match={name: channel})


async def _files(postbox: Postbox, channel: str, by: str = "U0LIN") -> list[tuple[str, bool]]:
    """Each file of the channel, and whether it stands in a thread."""
    seen = [(m, False) for m in await postbox.seen(channel, by=by)]
    for root, _ in list(seen):
        below = await postbox.seen(channel, by=by, thread=root["ts"])
        seen += [(m, True) for m in below if m["ts"] != root["ts"]]
    return [(f["name"], below) for m, below in seen for f in m.get("files") or ()]


@pytest.mark.parametrize("code", ["is_archived", "channel_not_found"])
async def test_it_moves_with_its_thread_when_the_channel_is_gone(
    postbox: Postbox, code: str
) -> None:
    """The root is posted anew in the fallback, and the file stands below it, once."""
    await postbox.post("card")
    await postbox.run()
    _gone(postbox, code)
    await _review(postbox)
    await postbox.run(60)
    assert await _files(postbox, "C0CSDESK") == [("review.md", True)]
    assert await _files(postbox, "C0INCIDENTS", by="U0MEI") == []
    assert set((await postbox.states()).values()) == {"done"}


async def test_one_without_a_thread_goes_to_the_fallback(postbox: Postbox) -> None:
    _gone(postbox, "is_archived")
    await _review(postbox, thread=False)
    await postbox.run(60)
    assert ("review.md", False) in await _files(postbox, "C0CSDESK")
    assert (await postbox.item("review"))["state"] == "done"


async def test_a_private_one_is_set_aside_rather_than_shown_to_more(postbox: Postbox) -> None:
    """Nothing as narrow is configured: an operator decides."""
    _gone(postbox, "is_archived", "C0CSINC")
    await _review(postbox, thread=False, audience="cs")
    await postbox.run(60)
    item = await postbox.item("review")
    assert item["state"] == "parked"
    assert "no fallback" in item["error"]
    assert await _files(postbox, "C0CSDESK") == []
