"""Each of Slack's refusals has its remedy, seen by what stands in the workspace afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bot.delivery.audiences import Audience, Audiences
from bot.delivery.sender import Sender
from storage import work
from storage.models import WorkItem
from tests.delivery.conftest import AUDIENCES, Postbox

THREAD = ["card", "runbook", "log"]


async def _thread(postbox: Postbox) -> None:
    await postbox.post("card", priority=1)
    await postbox.post("runbook")
    await postbox.post("log/1")
    await postbox.run(2)


async def test_not_in_channel_joins(postbox: Postbox) -> None:
    postbox.fault("chat.postMessage", "error", error="not_in_channel")
    await postbox.post("card")
    await postbox.run(5)
    assert await postbox.texts() == ["card"]
    assert postbox.calls("conversations.join") == 1


@pytest.mark.parametrize("code", ["is_archived", "channel_not_found", "restricted_action"])
async def test_a_channel_that_is_gone_falls_back(postbox: Postbox, code: str) -> None:
    """To the configured one, in the language that is spoken there, thread and all."""
    channel = {"channel": "C0INCIDENTS"}
    postbox.fault("chat.postMessage", "error", error=code, times=-1, match=channel)
    await _thread(postbox)
    assert await postbox.seen() == []
    assert await postbox.texts("C0CSDESK", by="U0LIN") == THREAD
    assert (await postbox.row("runbook"))["channel"] == "C0CSDESK"
    assert all("zh-Hant" in m["text"] for m in await postbox.seen("C0CSDESK", by="U0LIN"))


async def test_a_thread_moves_when_its_channel_is_archived_later(postbox: Postbox) -> None:
    """The root is posted anew in the fallback, then what comes next stands below it."""
    await _thread(postbox)
    channel = {"channel": "C0INCIDENTS"}
    for method in ("chat.postMessage", "chat.update"):
        postbox.fault(method, "error", error="is_archived", times=-1, match=channel)
    await postbox.post("log/2")
    await postbox.refresh("runbook")
    await postbox.run(30)
    assert sorted(await postbox.texts("C0CSDESK", by="U0LIN")) == ["card", "log", "runbook"]
    assert (await postbox.texts("C0CSDESK", by="U0LIN"))[0] == "card"
    assert set((await postbox.states()).values()) == {"done"}


async def test_a_private_thread_never_shows_in_a_public_channel(postbox: Postbox) -> None:
    """Its channel is gone and nothing narrower is configured: an operator decides."""
    postbox.fault("chat.postMessage", "error", error="is_archived", times=-1)
    await postbox.post("card", audience="cs")
    await postbox.run(60)
    item = await postbox.item("card")
    assert item["state"] == "parked"
    assert "no fallback" in item["error"]
    assert [a["channel"] for a in postbox.arguments("chat.postMessage")] == ["C0CSINC"]


async def test_what_stands_below_a_parked_root_is_parked_too(postbox: Postbox) -> None:
    """Shown to an operator, neither dropped nor tried for ever."""
    postbox.fault("chat.postMessage", "error", error="is_archived", times=-1)
    await postbox.post("card", audience="cs")
    await postbox.post("log/1", audience="cs")
    await postbox.run(60)
    assert (await postbox.item("log/1"))["state"] == "parked"


async def test_a_deleted_card_is_posted_anew(postbox: Postbox) -> None:
    """Its next refresh finds it gone; what comes later stands below the new one."""
    await _thread(postbox)
    first = await postbox.row("card")
    await postbox.client.chat_delete(channel="C0INCIDENTS", ts=first["ts"])
    await postbox.refresh("card")
    await postbox.run(10)
    await postbox.post("log/2")
    await postbox.run(10)
    second = await postbox.row("card")
    assert second["ts"] != first["ts"]
    assert second["delivery_id"] != first["delivery_id"]
    below = [m["text"].split()[1] for m in await postbox.seen(thread=second["ts"])]
    assert below == ["INC-412/card", "INC-412/runbook", "INC-412/log/2"]


async def test_a_deleted_message_of_a_closed_incident_stays_deleted(postbox: Postbox) -> None:
    await _thread(postbox)
    runbook = await postbox.row("runbook")
    await postbox.client.chat_delete(channel="C0INCIDENTS", ts=runbook["ts"])

    def resolve(session, incident, now) -> None:  # type: ignore[no-untyped-def]
        incident.status = "resolved"

    await postbox.commit(resolve)
    await postbox.refresh("runbook")
    await postbox.run(10)
    assert await postbox.texts() == ["card", "log"]


@pytest.mark.parametrize("code", ["thread_not_found", "cannot_reply_to_message"])
async def test_a_root_that_is_gone_is_posted_again_before_its_reply(
    postbox: Postbox, code: str
) -> None:
    await postbox.post("card")
    await postbox.run()
    old = await postbox.row("card")
    await postbox.client.chat_delete(channel="C0INCIDENTS", ts=old["ts"])
    postbox.fault("chat.postMessage", "error", error=code)
    await postbox.post("log/1")
    await postbox.run(10)
    assert await postbox.texts() == ["card", "log"]


async def test_a_reply_that_no_root_helps_is_set_aside(postbox: Postbox) -> None:
    """Refused under the new root as well: one new card and no more, and the reply is parked."""
    await postbox.post("card")
    await postbox.run()
    postbox.fault(
        "chat.postMessage",
        "error",
        error="cannot_reply_to_message",
        times=-1,
        match={"contains": "INC-412/log/1 v"},
    )
    await postbox.post("log/1")
    await postbox.run(30)
    assert (await postbox.item("log/1"))["state"] == "parked"
    cards = [m for m in await postbox.seen() if m["text"].startswith("card")]
    assert len(cards) == 2  # the old one, which stands in truth, and the new


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "metadata_too_large"])
async def test_refused_blocks_go_out_as_plain_text(postbox: Postbox, code: str) -> None:
    postbox.fault("chat.postMessage", "error", error=code)
    await postbox.post("card")
    await postbox.run(5)
    card = (await postbox.seen())[-1]
    assert card["text"].startswith("card INC-412/card")
    assert "blocks" not in postbox.arguments("chat.postMessage")[-1]


async def test_blocks_that_slack_really_refuses_go_out_as_plain_text(postbox: Postbox) -> None:
    """51 blocks: the sandbox checks as Slack does."""
    postbox.drawings.blocks["card"] = [{"type": "divider"}] * 51
    await postbox.post("card")
    await postbox.run(5)
    assert await postbox.texts() == ["card"]


PICTURE = {
    "type": "data_visualization",
    "title": "Payments",
    "chart": {
        "type": "line",
        "axis_config": {"categories": ["02:07"]},
        "series": [{"name": "tried", "data": [{"label": "02:07", "value": 97}]}],
    },
}
NUMBERS = {"type": "section", "text": {"type": "plain_text", "text": "02:07: 97 tried"}}


async def test_a_picture_that_the_workspace_cannot_draw_is_left_out(postbox: Postbox) -> None:
    """Its numbers stand there as text; it is not tried each time, and once more after a day."""
    postbox.drawings.blocks["log"] = [PICTURE, NUMBERS]
    not_there = {"contains": "data_visualization"}
    postbox.fault("chat.postMessage", "error", error="invalid_blocks", times=-1, match=not_there)

    async def posted(key: str) -> list[str]:
        """The blocks of what stands, and how often it was asked for it."""
        before = postbox.calls("chat.postMessage")
        await postbox.post(key, thread=None)
        await postbox.run(5)
        tries = postbox.calls("chat.postMessage") - before
        return [block["type"] for block in (await postbox.seen())[-1]["blocks"]] + ["try"] * tries

    await postbox.post("card", priority=1)
    await postbox.run(2)
    assert await posted("log/1") == ["section", "try", "try"]
    assert await posted("log/2") == ["section", "try"]
    postbox.sandbox.world.faults.remove()
    postbox.advance(86_400 + 60)
    assert await posted("log/3") == ["data_visualization", "section", "try"]


async def test_what_is_refused_without_its_picture_too_goes_out_as_plain_text(
    postbox: Postbox,
) -> None:
    postbox.drawings.blocks["card"] = [PICTURE, *[{"type": "divider"}] * 51]
    await postbox.post("card")
    await postbox.run(5)
    assert await postbox.texts() == ["card"]


async def test_a_template_that_fails_says_the_essentials(postbox: Postbox) -> None:
    """Number, severity, status, section, in the channel's language; repaired by a refresh."""
    postbox.drawings.broken.add("card")
    await postbox.post("card")
    await postbox.run()
    first = (await postbox.seen())[-1]
    assert "INC-412 · SEV1 · Open · §3.3" in first["text"]
    postbox.drawings.broken.clear()
    await postbox.refresh("card")
    await postbox.run()
    assert (await postbox.seen())[-1]["text"].startswith("card INC-412/card v2")


async def test_a_failing_template_speaks_the_channels_language(postbox: Postbox) -> None:
    postbox.drawings.broken.add("desk")
    await postbox.post("desk", thread=None, audience="desk")
    await postbox.run()
    assert "待處理" in (await postbox.seen("C0CSDESK", by="U0LIN"))[-1]["text"]


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_refused_token_stops_and_goes_on_when_it_is_taken_again(
    postbox: Postbox, code: str
) -> None:
    """One call learns it; nothing is sent against it; nothing is lost."""
    postbox.fault("*", "error", error=code, times=-1)
    for number in range(5):
        await postbox.post(f"card/{number}", thread=None)
    await postbox.run(300)
    assert postbox.office.sender.stopped == code
    assert postbox.calls("chat.postMessage") <= 5
    postbox.sandbox.world.faults.remove()
    await postbox.run(60)
    assert postbox.office.sender.stopped is None
    assert set((await postbox.states()).values()) == {"done"}


async def test_a_missing_scope_is_shown_to_an_operator(postbox: Postbox) -> None:
    postbox.fault("chat.postMessage", "error", error="missing_scope", times=-1)
    await postbox.post("card")
    await postbox.run(5)
    item = await postbox.item("card")
    assert item["state"] == "parked"
    assert item["error"].startswith("chat.postMessage: missing_scope")


async def test_a_parked_message_that_may_stand_is_looked_for_when_taken_up_again(
    postbox: Postbox,
) -> None:
    """It was sent without an answer, and could not be looked up: unparking posts no second one."""
    postbox.fault("chat.postMessage", "lost_reply")
    postbox.fault("conversations.history", "error", error="missing_scope", times=1)
    await postbox.post("card")
    await postbox.run(30)
    await _try_again(postbox)
    assert await postbox.texts() == ["card"]
    assert postbox.calls("chat.postMessage") == 1


async def test_what_failed_by_an_error_of_the_program_may_stand_too(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody foresaw the error, so nobody knows that nothing was sent: it is looked for first."""
    ask = Sender._ask

    async def stumbles(self: Sender, method: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await ask(self, method, args)
        if method == "chat.postMessage":
            raise KeyError(method)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Sender, "_ask", stumbles)
        await postbox.post("card")
        await postbox.run(10)
    await _try_again(postbox)
    assert await postbox.texts() == ["card"]
    assert postbox.calls("chat.postMessage") == 1


async def _try_again(postbox: Postbox) -> None:
    assert (await postbox.item("card"))["state"] == "parked"

    def unpark(session, incident, now) -> None:  # type: ignore[no-untyped-def]
        item = session.query(WorkItem).filter_by(state="parked").one()
        assert work.unpark(session, item.id, now)

    await postbox.commit(unpark)
    await postbox.run(90)


async def test_an_unknown_code_is_tried_some_times_and_then_parked(postbox: Postbox) -> None:
    postbox.fault("chat.postMessage", "error", error="brand_new_code", times=-1)
    await postbox.post("card")
    await postbox.run(300)
    assert (await postbox.item("card"))["state"] == "parked"
    assert 3 <= postbox.calls("chat.postMessage") <= 8


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable"])
async def test_an_error_of_slacks_own_is_looked_up(postbox: Postbox, code: str) -> None:
    """It may have had its effect: looked for before it is repeated."""
    postbox.fault("chat.postMessage", "error", error=code)
    await postbox.post("card")
    await postbox.run(10)
    assert postbox.calls("conversations.history") > 0
    assert await postbox.texts() == ["card"]


async def test_a_poison_row_is_set_aside_and_the_rest_goes_on(postbox: Postbox) -> None:
    await postbox.post("card")

    def poison(session, incident, now) -> None:  # type: ignore[no-untyped-def]
        work.enqueue(
            session,
            kind="message",
            key="message:INC-412/poison",
            payload={"do": "post", "message": "INC-412/poison"},
            due=now,
            now=now,
            order_key="INC-412",
        )

    await postbox.commit(poison)
    await postbox.post("log/1")
    await postbox.run(30)
    assert await postbox.texts() == ["card", "log"]
    assert (await postbox.item("poison"))["state"] == "parked"


async def test_nothing_is_posted_where_no_channel_is_configured(postbox: Postbox) -> None:
    postbox.with_office(audiences=Audiences({"desk": AUDIENCES["desk"]}))
    await postbox.post("card")
    await postbox.run()
    assert (await postbox.item("card"))["state"] == "parked"


async def test_a_private_channel_falls_back_to_another_private_one(postbox: Postbox) -> None:
    audiences = {
        "cs": Audience("cs", "C0GONE", private=True, fallback="board"),
        "board": Audience("board", "C0CSINC", private=True),
    }
    postbox.with_office(audiences=Audiences(audiences))
    await postbox.post("card", audience="cs")
    await postbox.run()
    assert await postbox.texts("C0CSINC", by="U0LIN") == ["card"]


async def test_a_card_that_may_not_be_edited_is_posted_anew_once_then_changes_go_below_it(
    postbox: Postbox,
) -> None:
    """A workspace may let nobody edit: the channel must not fill with cards."""
    postbox.fault("chat.update", "error", error="edit_window_closed", times=-1)
    await postbox.post("card")
    await postbox.run()
    for _ in range(3):
        await postbox.refresh("card")
        await postbox.run(20)
    cards = [m for m in await postbox.seen() if m["text"].startswith("card")]
    assert [m["text"].split()[2] for m in cards] == ["v1", "v2"]
    below = [m["text"].split() for m in await postbox.seen(thread=cards[-1]["ts"])][1:]
    assert [(one[0], one[2]) for one in below] == [("card", "v3"), ("card", "v4")]
    await postbox.refresh("card", version=4)
    await postbox.run(20)
    assert len(await postbox.seen(thread=cards[-1]["ts"])) == 3, "nothing changed"
    assert set((await postbox.states()).values()) == {"done"}
