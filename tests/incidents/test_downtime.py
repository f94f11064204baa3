"""The bot was down while something came due: made up for in one go, nobody is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from incidents import read
from incidents.change import Change
from incidents.lifecycle import follow_ups
from message_templates.engine import Templates
from storage.models import Incident
from tests.incidents.test_rings import sent, small
from tests.incidents.world import DAY, KAI, LIN, MEI, NIGHT, World, channel_down

DOWN = timedelta(hours=3)


def down(world: World, time: timedelta = DOWN) -> None:
    """No timer fires meanwhile; then whatever is due, and what that makes due."""
    world.now += time
    while world.fire_due():
        pass


def test_a_missed_escalation_rings_each_once(world: World) -> None:
    """Three stages were missed: the page goes out, and both who were passed over are told."""
    world.channel_fails(3, every=0)
    down(world)
    assert sent(world) == [
        ("direct", "remind", MEI),
        ("direct", "escalation", KAI),
        ("page", "page", None),
    ]
    assert [one.data["minutes"] for one in world.entries() if one.kind == "rung"] == [180, 180]
    assert world.kinds().count("paged") == 1
    for message in world.messages("direct"):
        params = message.payload["params"]
        card, filled = world.read(lambda s, p=params: read.notice(s, world.house, 1, p, world.now))
        for language in ("en", "zh-Hant"):
            text = (
                Templates()
                .render(message.payload["template"], card, language=language, params=filled)
                .text
            )
            assert "180" in text
    world.advance(24 * 3600)
    assert len(sent(world)) == 3, "nothing comes twice"


def test_what_was_rung_before_the_downtime_is_not_rung_again(world: World) -> None:
    world.channel_fails(3, every=0)
    world.advance(301)
    assert sent(world) == [("direct", "remind", MEI)]
    down(world)
    assert sent(world)[1:] == [("direct", "escalation", KAI), ("page", "page", None)]


def test_up_again_between_two_stages_the_next_one_keeps_its_time(world: World) -> None:
    world.channel_fails(3, every=0)
    down(world, timedelta(minutes=12))
    assert sent(world) == [("direct", "remind", MEI), ("direct", "escalation", KAI)]
    world.advance(181)
    assert sent(world)[2:] == [("page", "page", None)]


def test_who_is_awake_alone_is_told_once(world: World) -> None:
    """Mei's Do Not Disturb: Kai is due at every stage, and the look for it is late as well."""
    world.presence[MEI] = NIGHT + timedelta(hours=5)
    for _ in range(3):
        world.check(channel_down(world.now))
    down(world)
    assert sent(world) == [("direct", "escalation", KAI), ("page", "page", None)]
    assert world.kinds().count("passed_over") == 1


def test_nobody_awake_is_one_page(world: World) -> None:
    world.presence = dict.fromkeys((MEI, KAI), NIGHT + timedelta(hours=5))
    world.channel_fails(3)
    world.advance(1000)
    assert sent(world) == [("page", "page", None)]
    assert world.kinds().count("paged") == 1


def test_it_was_taken_before_the_downtime(world: World) -> None:
    world.channel_fails(3, every=0)
    world.take(MEI)
    down(world)
    assert sent(world) == []


@pytest.mark.parametrize("hours", [13, 24 * 5 + 13])
def test_a_small_one_that_comes_due_in_the_night_waits_for_the_morning(
    world: World, hours: int
) -> None:
    """A SEV3 of 11:00 is reminded of at 15:00; the bot comes back at midnight, some day."""
    world.now = DAY
    small(world)
    down(world, timedelta(hours=hours))
    assert sent(world) == []
    assert "rung" not in world.kinds()
    world.advance(8 * 3600 + 60)
    assert sent(world) == [("direct", "remind", LIN)]
    world.advance(48 * 3600)
    assert len(sent(world)) == 1


def test_the_morning_message_comes_in_a_morning_and_once(world: World) -> None:
    """Two opened in the night; the bot is away for two days and comes back in the night."""
    small(world)
    small(world, "orders:other")
    down(world, timedelta(hours=45))  # 00:07
    assert sent(world) == []
    world.advance(8 * 3600)
    assert sent(world).count(("direct", "your_turn", LIN)) == 1


def test_follow_ups_are_reminded_of_once_each_after_days(world: World) -> None:
    """Two are due on the same day; five days later each comes once, in the morning."""
    world.now = DAY
    world.channel_fails(3)
    due = world.now + timedelta(days=1)

    def unit(session: Session) -> None:
        incident = session.get_one(Incident, world.incident().id)
        change = Change(session, world.house, incident, world.actor(MEI), world.now)
        for number in range(2):
            follow_ups.add(change, "prevention", f"Prevent it, {number}", owner=KAI, due=due)

    world.take(MEI)
    world.write(unit)
    down(world, timedelta(days=5, hours=14))  # 01:00
    assert reminded(world) == []
    world.advance(7 * 3600 + 60)
    assert sorted(reminded(world)) == [1, 2]
    world.advance(24 * 3600)
    assert sorted(reminded(world)) == [1, 1, 2, 2]


def reminded(world: World) -> list[int]:
    params = [m.payload["params"] for m in world.messages("direct")]
    return [one["follow_up"] for one in params if one.get("follow_up")]
