"""A channel that is archived, or read by people from outside, for a while: what could not be posted
there stands when it is open."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.drills.hands import wait_for, words
from tests.journeys.workspace import CS, JO, LIN, PRIVATE, Workspace

_PARKED = "select count(*) from work where state = 'parked'"


def complains(workspace: Workspace) -> None:
    """A complaint about a colleague, which is private."""
    form = workspace.form(LIN, lambda: workspace.slack.command(LIN, CS, "/complaint", "FG-10482"))
    text = next(
        block["block_id"]
        for block in form["blocks"]
        if block["type"] == "input" and block["element"].get("multiline")
    )
    typed = {
        "channel": "phone",
        "reason": "after_sales",
        "sub_reason": "attitude",
        text: "He was rude on the phone",
    }
    workspace.send(LIN, form, typed)


def cards(workspace: Workspace) -> list[str]:
    seen = workspace.at("", JO, PRIVATE).cards()
    return [words(card["blocks"]) for card in seen]


def test_a_private_incident_waits_for_its_channel(workspace: Workspace) -> None:
    """Nothing narrower is configured, so it is set aside; nobody has to press for it later."""
    workspace.post("/hand/channel", id=PRIVATE, archived=True)
    complains(workspace)
    workspace.until(lambda: workspace.one(_PARKED), "what is set aside")
    workspace.post("/hand/channel", id=PRIVATE, archived=False)
    workspace.until(lambda: cards(workspace), "the card in its own channel")
    workspace.settled()
    [card] = cards(workspace)
    assert "FG-10482" in card
    workspace.until(lambda: workspace.one(_PARKED) == 0, "that nothing is set aside")


@pytest.mark.parametrize("wish", [{"shared": True}, {"shared": "pending"}, {"private": False}])
def test_a_channel_that_is_not_as_private_as_promised_gets_nothing(
    workspace: Workspace, wish: dict[str, Any]
) -> None:
    """It is set aside, on-call is told, and it goes out when only its members read it again."""
    before = len(cards(workspace))
    looks = len(asked(workspace))
    workspace.post("/hand/channel", id=PRIVATE, **wish)
    workspace.advance(61)
    wait_for(lambda: len(asked(workspace)) > looks or None, "another look at it", 20.0)
    complains(workspace)
    workspace.until(lambda: workspace.one(_PARKED), "what is set aside")
    workspace.settled()
    assert len(cards(workspace)) == before
    errors = workspace.rows("select last_error from work where state = 'parked'")
    assert any("the one that is promised to be private is not" in str(one[0]) for one in errors)
    workspace.post("/hand/channel", id=PRIVATE, private=True, shared=False)
    workspace.until(lambda: len(cards(workspace)) > before, "the card in its own channel")
    workspace.settled()
    workspace.until(lambda: workspace.one(_PARKED) == 0, "that nothing is set aside")


def asked(workspace: Workspace) -> list[str]:
    """How often the bot has asked what that channel is."""
    requests = workspace.log()["requests"]
    return [
        one["method"]
        for one in requests
        if one["method"] == "conversations.info" and one["args"].get("channel") == PRIVATE
    ]
