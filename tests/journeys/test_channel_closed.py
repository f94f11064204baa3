"""A channel that is archived for a while: what could not be posted there stands when it is open."""

from __future__ import annotations

from sandbox.drills.hands import words
from tests.journeys.workspace import CS, JO, LIN, PRIVATE, Workspace

_PARKED = "select count(*) from work where state = 'parked'"


def test_a_private_incident_waits_for_its_channel(workspace: Workspace) -> None:
    """Nothing narrower is configured, so it is set aside; nobody has to press for it later."""
    workspace.post("/hand/channel", id=PRIVATE, archived=True)
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
    workspace.until(lambda: workspace.one(_PARKED), "what is set aside")
    workspace.post("/hand/channel", id=PRIVATE, archived=False)

    def cards() -> list[str]:
        seen = workspace.at("", JO, PRIVATE).cards()
        return [words(card["blocks"]) for card in seen]

    workspace.until(cards, "the card in its own channel")
    workspace.settled()
    [card] = cards()
    assert "FG-10482" in card
    assert workspace.one(_PARKED) == 0
