"""Handing over, telling the departments, waiting: what is said, to whom, and until when."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from incidents import read
from incidents.lifecycle import commands
from incidents.lifecycle.opening import Opening, open_incident
from incidents.outcome import Outcome
from message_templates.engine import Templates
from storage.models import WorkItem
from tests.incidents.world import JO, KAI, LIN, MEI, World

TEMPLATES = Templates(ZoneInfo("Asia/Taipei"))


def said(world: World, item: WorkItem, language: str = "en") -> str:
    """What a direct message shows."""
    view, params = world.read(
        lambda s: read.notice(
            s, world.house, item.payload["incident"], item.payload["params"], world.now
        )
    )
    message = TEMPLATES.render(item.payload["template"], view, language=language, params=params)
    return str(message.blocks)


def hand_over(world: World, who: str, to: str, note: str | None = None) -> Outcome:
    return world.write(
        lambda s: commands.hand_over(s, world.house, 1, world.actor(who), to, world.now, note=note)
    )


def directs(world: World, template: str) -> list[WorkItem]:
    return [m for m in world.messages("direct") if m.payload["template"] == template]


def test_what_they_need_to_know_reaches_them(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    assert hand_over(world, MEI, KAI, "The vendor calls back at 15:00").ok
    entry = next(e for e in world.entries() if e.kind == "handed_over")
    assert entry.text is not None
    assert entry.text.reveal() == "The vendor calls back at 15:00"
    assert entry.data["posted"], "the thread says it too"
    [direct] = directs(world, "handed_over")
    assert direct.payload["person"] == KAI
    shown = said(world, direct)
    assert "is yours now, handed over by Mei" in shown
    assert "The vendor calls back at 15:00" in shown
    assert "15:00" not in str(direct.payload), "the row holds a reference, not the text"


def test_who_has_it_already_is_named(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    assert hand_over(world, KAI, MEI).code == "owns_already"


def test_the_departments_hear_what_the_dialog_promises(world: World) -> None:
    """What customers feel and who has it: no button of on-call's, and nobody is asked to act."""
    opening = Opening("system_crash", "service:storefront", "check:x")
    world.write(lambda s: open_incident(s, world.house, opening, world.now))
    world.take(MEI)
    assert world.press(MEI, "9.1.3.s1", "tell").ok
    told = directs(world, "told")
    assert [item.payload["person"] for item in told] == [LIN, JO]
    assert directs(world, "escalation") == []
    for item in told:
        shown = said(world, item)
        assert "Mei has it" in shown
        assert "The shop takes no orders" in shown
        assert "'type': 'button'" not in shown
        assert "needs you" not in shown
        assert "處理中" in said(world, item, "zh-Hant")


def test_a_wait_ends_at_its_hour(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    until = world.now + timedelta(hours=2)
    outcome = world.write(
        lambda s: commands.wait_until(
            s, world.house, 1, world.actor(MEI), until, "The vendor works on it", world.now
        )
    )
    assert outcome.ok
    world.advance(3600)
    assert "wait_over" not in world.kinds()
    world.advance(3700)
    assert "wait_over" in world.kinds()
