"""The whole session of the demo in HTTP mode, behind a reverse proxy, under other command names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cli.drill import stories_of
from sandbox.drills.hands import wait_for
from sandbox.drills.run import run
from tests.journeys.workspace import INCIDENTS, KAI, LIN, MEI
from tests.public.conftest import NAMES, Public

SECTIONS = ["7.2", *(pytest.param(s, marks=pytest.mark.slow) for s in ("3.3", "9.1", "3.2", "2.2"))]


@pytest.mark.drill
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_worked_to_its_end(public: Public, section: str) -> None:
    """From the fault, or the command, to the review: as a responder does it."""
    workspace = public.workspace
    story = stories_of().load(section)
    if story.intake is not None:
        command = NAMES[str(story.intake["command"]).lstrip("/")]
        story = replace(story, intake={**story.intake, "command": command})
    report = run(
        story,
        workspace.stack.slack_url,
        workspace.stack.shop_url,
        workspace.stack.advance,
        lambda _: None,
    )
    assert report.problems == []
    assert report.steps_done
    _each_was_answered(public)


def test_commands_the_home_and_a_pin_come_by_the_same_way(public: Public) -> None:
    workspace = public.workspace
    assert "/inc-tw list – the open ones" in workspace.types(MEI, "/inc-tw help")
    assert "/訂單 FG-10482" in workspace.types(LIN, "/訂單 說明")
    workspace.post("/hand/home/open", **{"as": MEI})
    home = {"as": MEI}
    wait_for(lambda: workspace.hand.get("/hand/home", params=home).json().get("view"), "the home")
    assert "INC-1" in workspace.types(MEI, "/inc-tw 通報 2.2 包裝台停擺")
    card = wait_for(lambda: next(iter(workspace.cards()), None), "the card")
    at = {"as": KAI, "channel": INCIDENTS, "thread_ts": card["ts"]}
    said = workspace.post("/hand/say", text="The vendor calls back at ten", **at)
    workspace.post("/hand/react", **{"as": MEI}, channel=INCIDENTS, ts=said["ts"], name="pushpin")
    noted = "select count(*) from timeline where kind = 'note'"
    wait_for(lambda: workspace.one(noted), "the note of the pin")
    _each_was_answered(public)


def _each_was_answered(public: Public) -> None:
    seen = public.proxy.seen
    assert {status for _, status in seen} == {200}
    assert sum(seen.values()) >= 4
