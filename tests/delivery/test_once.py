"""What is sent at most once: never twice, and certainly not sent is sent again while it matters."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from bot.delivery.job import Job
from storage import outbox
from storage.models import Incident
from tests.delivery.conftest import Postbox

CLEAN = ["rate_limited", "no_retry_after"]
UNCLEAR = ["http_500", "timeout_before", "lost_reply", "malformed", "reset"]
UNCLEAR += ["no_object"]


async def _ephemeral(postbox: Postbox, *, person: str = "U0MEI", **more: object) -> None:
    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.ephemeral(
            session,
            key="INC-412/answer/1",
            template="answer",
            person=person,
            channel=str(more.get("channel", "C0INCIDENTS")),
            incident=incident,
            now=now,
            secret=more.get("secret"),
        )

    await postbox.commit(change)


async def _answers(postbox: Postbox, *, person: str = "U0MEI") -> list[str]:
    seen = await postbox.seen(by=person)
    return [m["text"] for m in seen if m["text"].startswith("answer")]


async def test_only_its_reader_sees_it_in_their_language(postbox: Postbox) -> None:
    """Lin's Slack is zh-TW, so her answer is in Traditional Chinese."""
    await _ephemeral(postbox, person="U0LIN")
    await postbox.run()
    assert await _answers(postbox, person="U0LIN") == ["answer INC-412/answer/1 v1 zh-Hant"]
    assert await _answers(postbox, person="U0MEI") == []


@pytest.mark.parametrize("kind", CLEAN)
async def test_what_was_certainly_not_sent_is_sent_later(postbox: Postbox, kind: str) -> None:
    postbox.fault("chat.postEphemeral", kind, retry_after=3)
    await _ephemeral(postbox)
    await postbox.run(60)
    assert len(await _answers(postbox)) == 1


@pytest.mark.parametrize("kind", UNCLEAR)
async def test_an_unclear_one_is_never_repeated(postbox: Postbox, kind: str) -> None:
    """The person can press again; two answers would be worse than one too few."""
    postbox.fault("chat.postEphemeral", kind)
    await _ephemeral(postbox)
    await postbox.run(600)
    assert postbox.calls("chat.postEphemeral") == 1
    assert set((await postbox.states()).values()) == {"done"}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("how", ["chat.postEphemeral", "response_url"])
async def test_a_503_says_that_nothing_was_done(postbox: Postbox, how: str, times: int) -> None:
    """Once more, and then as a direct message; the person has the answer once in either case."""
    postbox.fault(how, "http_503", times=times)
    if how == "response_url":
        await _respond(postbox, _response_url(postbox))
    else:
        await _ephemeral(postbox, secret={"phone": "0912-345-678"})
    await postbox.run(60)
    directly = [m["text"] for m in await postbox.seen("D0MEI") if m["text"].startswith("answer")]
    assert (len(await _answers(postbox)), len(directly)) == ((1, 0) if times == 1 else (0, 1))
    if how != "response_url":
        assert postbox.drawings.drawn[-1].secret == {"phone": "0912-345-678"}
    assert set((await postbox.states()).values()) == {"done"}


async def test_a_crash_while_sending_is_not_repeated(postbox: Postbox) -> None:
    await _ephemeral(postbox)
    item = (await postbox.claim())[0]
    await postbox.deliverer._turn(Job.of(item))
    await postbox.restart()
    await postbox.run(60)
    assert len(await _answers(postbox)) == 1


async def test_an_answer_whose_moment_is_over_is_not_sent(postbox: Postbox) -> None:
    await _ephemeral(postbox)
    postbox.advance(3600)
    await postbox.run()
    assert postbox.calls("chat.postEphemeral") == 0
    assert set((await postbox.states()).values()) == {"done"}


async def test_who_is_not_in_the_channel_is_told_directly(postbox: Postbox) -> None:
    """A narrower audience, never a wider one."""
    postbox.fault("chat.postEphemeral", "error", error="user_not_in_channel")
    await _ephemeral(postbox)
    await postbox.run(5)
    [sent] = postbox.arguments("chat.postMessage")
    assert str(sent["channel"]).startswith("D")
    assert str(sent["text"]).startswith("answer")


async def test_personal_data_reaches_the_renderer_only(postbox: Postbox) -> None:
    """It stands in the item's encrypted part, in no log and no repr."""
    await _ephemeral(postbox, secret={"phone": "0912-345-678"})
    await postbox.run()
    request = postbox.drawings.drawn[-1]
    assert request.secret == {"phone": "0912-345-678"}
    assert "0912" not in repr(request)


async def _respond(postbox: Postbox, url: str) -> None:
    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.respond(
            session,
            key="INC-412/respond/1",
            response_url=url,
            template="answer",
            person="U0MEI",
            now=now,
        )

    await postbox.commit(change)


def _response_url(postbox: Postbox, person: str = "U0MEI") -> str:
    key = postbox.sandbox.world.responses.issue(person, "C0INCIDENTS")
    return f"{postbox.sandbox.url}/response/{key}"


async def test_a_press_is_answered_to_its_reader_alone(postbox: Postbox) -> None:
    await _respond(postbox, _response_url(postbox))
    await postbox.run()
    assert await _answers(postbox) == ["answer INC-412/respond/1 v0 en"]
    assert await _answers(postbox, person="U0KAI") == []


@pytest.mark.parametrize("kind", [*CLEAN, *UNCLEAR])
async def test_a_press_is_answered_at_most_once_under_each_fault(
    postbox: Postbox, kind: str
) -> None:
    """What was certainly not sent is sent again, what may have been is not."""
    postbox.fault("response_url", kind, retry_after=2)
    await _respond(postbox, _response_url(postbox))
    await postbox.run(120)
    answers = await _answers(postbox)
    assert len(answers) == (1 if kind in (*CLEAN, "lost_reply", "malformed", "no_object") else 0)
    assert set((await postbox.states()).values()) == {"done"}


async def test_a_spent_response_url_is_answered_directly(postbox: Postbox) -> None:
    """Slack: 5 uses in 30 minutes. The person still gets the answer, alone."""
    await _respond(postbox, f"{postbox.sandbox.url}/response/none")
    await postbox.run(30)
    [sent] = postbox.arguments("chat.postMessage")
    assert str(sent["channel"]).startswith("D")


async def test_a_home_is_published_again_after_an_unclear_try(postbox: Postbox) -> None:
    """It is published as a whole, so the last one stands."""

    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.home(session, person="U0LIN", now=now)

    postbox.fault("views.publish", "lost_reply")
    await postbox.commit(change)
    await postbox.run(30)
    assert postbox.calls("views.publish") == 2
    answer = await postbox.people.get("/hand/home", params={"as": "U0LIN"})
    assert "zh-Hant" in answer.text


async def _view(postbox: Postbox) -> None:
    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.view(
            session, key="INC-412/view/1", template="v", person="U0MEI", view_id="V0", now=now
        )

    await postbox.commit(change)


async def test_a_view_that_was_closed_is_let_go(postbox: Postbox) -> None:
    await _view(postbox)
    await postbox.run(60)
    assert postbox.calls("views.update") == 1
    assert set((await postbox.states()).values()) == {"done"}


async def _form_result(postbox: Postbox, view_id: str = "V0") -> None:
    def change(session: Session, incident: Incident, now: datetime) -> None:
        outbox.view(
            session,
            key="INC-412/answer/1",
            template="sent_back",
            person="U0MEI",
            view_id=view_id,
            instead="answer",
            channel="C0INCIDENTS",
            incident=incident,
            secret={"typed": ["The vendor calls back"]},
            now=now,
        )

    await postbox.commit(change)


async def _is_answered_alone(postbox: Postbox) -> None:
    """With what they typed, once; and nothing is left over."""
    assert set((await postbox.states()).values()) == {"done"}
    assert await _answers(postbox) == ["answer INC-412/answer/1/instead v0 en"]
    [asked] = [one for one in postbox.drawings.drawn if one.template == "answer"]
    assert asked.secret == {"typed": ["The vendor calls back"]}


@pytest.mark.parametrize("code", ["invalid_arguments", "invalid_blocks", "some_new_code"])
async def test_a_form_result_that_slack_refuses_has_an_end(postbox: Postbox, code: str) -> None:
    """Its bare words are tried in the modal; what was typed goes to the person alone."""
    postbox.fault("views.update", "error", error=code, times=5)
    await _form_result(postbox)
    await postbox.run(60)
    first, plain = postbox.arguments("views.update")
    assert "sent_back" in str(plain["view"])
    assert plain["view"] != first["view"]
    await _is_answered_alone(postbox)


async def test_a_refused_form_result_shows_its_words_in_the_modal(postbox: Postbox) -> None:
    """Only the view was refused: the modal no longer says that it is being looked up."""
    trigger = postbox.sandbox.world.triggers.issue("U0MEI")
    words = {"type": "plain_text", "text": "Checking"}
    waits = {"type": "modal", "title": words, "blocks": [{"type": "section", "text": words}]}
    opened = await postbox.client.views_open(trigger_id=trigger, view=waits)
    view_id = opened["view"]["id"]
    postbox.fault("views.update", "error", error="invalid_arguments")
    await _form_result(postbox, view_id)
    await postbox.run(0)
    shown = (await postbox.people.get("/hand/views", params={"as": "U0MEI"})).json()["views"]
    assert "sent_back INC-412/answer/1" in str(shown[-1]["blocks"])
    await postbox.run(60)
    await _is_answered_alone(postbox)


async def test_a_form_result_that_cannot_be_drawn_has_an_end(postbox: Postbox) -> None:
    postbox.drawings.broken = {"sent_back"}
    await _form_result(postbox)
    await postbox.run(60)
    assert "could not be drawn" in str(postbox.arguments("views.update")[0]["view"])
    await _is_answered_alone(postbox)


@pytest.mark.parametrize("code", ["user_not_found", "missing_scope", "never_heard_of"])
async def test_what_cannot_be_shown_to_one_person_is_dropped(postbox: Postbox, code: str) -> None:
    """Nobody could show it to them later: it waits for no operator."""
    for method in ("chat.postEphemeral", "response_url", "views.update"):
        postbox.fault(method, "error", error=code, times=-1)
    await _ephemeral(postbox)
    await _respond(postbox, _response_url(postbox))
    await _view(postbox)
    await postbox.run(600)
    assert set((await postbox.states()).values()) == {"done"}
    assert await _answers(postbox) == []


async def test_what_was_typed_comes_back_although_its_answer_cannot_be_shown(
    postbox: Postbox,
) -> None:
    postbox.fault("chat.postEphemeral", "error", error="missing_scope", times=-1)
    await _ephemeral(postbox, secret={"typed": ["The vendor calls back"]})
    await postbox.run(600)
    [sent] = postbox.arguments("chat.postMessage")
    assert str(sent["channel"]).startswith("D")
    assert set((await postbox.states()).values()) == {"done"}
