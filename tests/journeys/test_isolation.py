"""Isolation of customer data, as people do it: a shortcut on the message in which it stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sandbox.drills.hands import Json, wait_for, words
from tests.journeys.invariants import each_message_once
from tests.journeys.workspace import GENERAL, INCIDENTS, JO, KAI, MEI, PRIVATE, SAM, Workspace

CUSTOMER = "Wang Xiaoming of Zhongxiao East Road lives in order FG-10482"


def said_by(workspace: Workspace, person: str, channel: str, text: str, thread: str = "") -> Json:
    more = {"thread_ts": thread} if thread else {}
    found: Json = workspace.post("/hand/say", **{"as": person}, channel=channel, text=text, **more)
    assert found["ok"], found
    return found


def isolates(
    workspace: Workspace, person: str, message: Json, channel: str, thread: str | None = None
) -> str:
    """Presses the shortcut; what the person is told."""
    return workspace.answer_to(
        person,
        lambda: workspace.post(
            "/hand/shortcut",
            **{"as": person},
            callback_id="message.isolate",
            channel=channel,
            ts=message["ts"],
        ),
        channel=channel,
        thread=thread,
    )


def private(workspace: Workspace) -> str:
    """Everything that stands in the private channel, its threads included."""
    roots = workspace.slack.messages(JO, PRIVATE)
    threads = [m for r in roots for m in workspace.slack.messages(JO, PRIVATE, r["ts"])]
    found = {m["ts"]: m for m in [*roots, *threads] if not m.get("ephemeral")}
    return "\n".join(words(m.get("blocks") or []) for m in found.values())


def asked(workspace: Workspace, person: str) -> str:
    """Everything that the bot wrote to this person directly."""
    found = [
        m
        for channel in workspace.slack.direct_channels(person)
        for m in workspace.slack.messages(person, channel)
    ]
    return "\n".join(words(m.get("blocks") or []) for m in found)


def audited(workspace: Workspace) -> list[tuple[str, str]]:
    rows = workspace.rows(
        "select action, result from audit where action in ('isolate', 'isolated')"
        " or (action = 'refused' and object = 'isolate') order by id"
    )
    return [(row["action"], row["result"]) for row in rows]


def at_rest(workspace: Workspace) -> bytes:
    return b"".join(one.read_bytes() for one in workspace.stack.folder.glob("muster.db*"))


def test_a_persons_message_goes_to_the_private_channel(workspace: Workspace) -> None:
    """Its words stand there; who wrote it is asked to delete it, since a bot may not."""
    message = said_by(workspace, SAM, GENERAL, f"{CUSTOMER} <script> & *bold*")
    told = isolates(workspace, MEI, message, GENERAL)
    assert "Sam is asked to delete" in told
    wait_for(lambda: CUSTOMER in private(workspace) or None, "its words")
    assert "<script> & *bold*" in private(workspace), "as it was written"
    assert "Sam's message" in private(workspace)
    wait_for(lambda: "Please delete the message" in asked(workspace, SAM) or None, "the request")
    assert CUSTOMER not in asked(workspace, SAM)
    workspace.settled()
    assert CUSTOMER.encode() not in at_rest(workspace), "it is kept in no row in clear"
    assert audited(workspace)[-1] == ("isolated", "done")
    again = isolates(workspace, MEI, message, GENERAL)
    assert "moved already, by Mei" in again
    workspace.settled()
    assert private(workspace).count(CUSTOMER) == 1
    assert asked(workspace, SAM).count("Please delete") == 1
    each_message_once(workspace)


def test_who_has_no_role_moves_nothing(workspace: Workspace) -> None:
    """Refused to the presser alone, and in the audit log."""
    message = said_by(workspace, MEI, GENERAL, "Nothing about anybody")
    before, shown = len(audited(workspace)), private(workspace)
    isolates(workspace, SAM, message, GENERAL)
    workspace.settled()
    assert audited(workspace)[before:] == [("refused", "refused")]
    assert private(workspace) == shown
    assert "Nothing about anybody" not in asked(workspace, MEI)


def test_a_long_message_stands_there_whole(workspace: Workspace) -> None:
    text = " ".join(f"word{number}" for number in range(900))
    message = said_by(workspace, KAI, GENERAL, text)
    isolates(workspace, MEI, message, GENERAL)
    wait_for(lambda: "word899" in private(workspace) or None, "its end")
    found = private(workspace)
    stands = [found.index(f"word{number} ") for number in range(0, 899, 100)]
    assert stands == sorted(stands)


def test_a_post_of_ours_is_replaced(workspace: Workspace, channel_card: Json) -> None:
    """A note that holds more than the screening saw: moved in the thread, whole in private, and in
    no review."""
    thread = str(channel_card["ts"])
    workspace.types(KAI, f"/incident note 1 {CUSTOMER}")
    line = wait_for(lambda: ours(workspace, thread, "Note by Kai"), "the log line")
    assert CUSTOMER in words(line["blocks"])
    assert CUSTOMER in review(workspace)
    assert "Moved to the private channel" in isolates(workspace, MEI, line, INCIDENTS, thread)
    wait_for(lambda: ours(workspace, thread, "Moved to the private channel by Mei"), "moved")
    wait_for(lambda: "Note by Kai" in private(workspace) or None, "the whole of it")
    assert CUSTOMER in private(workspace)
    assert CUSTOMER not in json.dumps(workspace.slack.messages(MEI, INCIDENTS, thread))
    said = review(workspace)
    assert CUSTOMER not in said
    assert "Mei moved a message with customer data to the private channel" in said


def test_what_was_kept_of_a_message_goes_with_it(workspace: Workspace, channel_card: Json) -> None:
    """A reply that somebody added to the incident (📌) is in no review either."""
    thread = str(channel_card["ts"])
    written = "Chen Meili waits for her parcel FG-10321"
    reply = said_by(workspace, KAI, INCIDENTS, written, thread)
    workspace.post("/hand/react", **{"as": MEI}, channel=INCIDENTS, ts=reply["ts"], name="pushpin")
    wait_for(lambda: written in review(workspace) or None, "the note")
    assert "Kai is asked" in isolates(workspace, MEI, reply, INCIDENTS, thread)
    assert written not in review(workspace)
    wait_for(lambda: written in private(workspace) or None, "its words")


def review(workspace: Workspace) -> str:
    """The review as the command line writes it, beside the running bot."""
    config = str(workspace.stack.config)
    arguments = ["incidents", "review", "1", "--format", "md", "--config", config]
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        env={**os.environ, **workspace.stack.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_who_presses_where_the_bot_is_not_is_answered(workspace: Workspace) -> None:
    """A message can be pointed at in every conversation, and an ephemeral one stands in few."""
    message = said_by(workspace, JO, PRIVATE, "Huang Jiaqi sends FG-10340 back")
    workspace.post("/hand/channel", id=PRIVATE, remove=["U0MUSTER"])
    try:
        assert "this is the private channel" in isolates(workspace, JO, message, PRIVATE)
    finally:
        workspace.post("/hand/channel", id=PRIVATE, add=["U0MUSTER"])


@pytest.mark.parametrize(("place", "sentence"), [("card", "a card"), ("private", "the private")])
def test_what_stays_where_it_is(
    workspace: Workspace, channel_card: Json, place: str, sentence: str
) -> None:
    """Said, and written down."""
    channel, message, who = INCIDENTS, channel_card, MEI
    if place == "private":
        channel, who = PRIVATE, JO
        message = said_by(workspace, JO, PRIVATE, "Here it may stand")
    before = audited(workspace)
    told = isolates(workspace, who, message, channel)
    assert told.startswith("Nothing was moved: ")
    assert sentence in told
    assert audited(workspace) == [*before, ("isolate", "refused")]


def test_a_post_of_ours_that_may_not_be_edited_goes(
    workspace: Workspace, channel_card: Json
) -> None:
    """Where the workspace lets no message be edited, it is deleted: it must not stand there."""
    thread = str(channel_card["ts"])
    secret = "Lin Yating of order FG-10333"
    workspace.types(KAI, f"/incident note 1 {secret}")
    line = wait_for(lambda: ours(workspace, thread, secret), "the log line")
    workspace.fault("chat.update", "error", error="edit_window_closed", times=-1)
    isolates(workspace, MEI, line, INCIDENTS, thread)
    wait_for(lambda: ours(workspace, thread, secret) is None or None, "its end")
    workspace.settled()
    workspace.no_faults()
    wait_for(lambda: secret in private(workspace) or None, "the whole of it")
    assert secret not in json.dumps(workspace.slack.messages(MEI, INCIDENTS, thread))


def ours(workspace: Workspace, thread: str, text: str) -> Json | None:
    """The bot's post in the thread that says so."""
    found = workspace.slack.messages(MEI, INCIDENTS, thread)
    return next((m for m in found if m.get("bot") and text in words(m.get("blocks") or [])), None)
