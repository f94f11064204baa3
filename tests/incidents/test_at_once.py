"""Two at the same moment: one incident, one attempt, one answer that names the other."""

from __future__ import annotations

import asyncio

from incidents import step_press
from incidents.detection.findings import take_check_result
from incidents.lifecycle import commands
from incidents.lifecycle.declaring import declare_line
from incidents.outcome import Outcome
from incidents.step_press import Press
from storage.models import ActionAttempt, Incident, TimelineEntry
from tests.incidents.world import KAI, LIN, MEI, World, channel_down, orders

SWITCH = "3.3.1.s2"


async def test_many_presses_at_once_are_one_attempt(either: World) -> None:
    world = either
    for _ in range(3):
        world.check(channel_down(world.now, cases=orders(4, 1, 4)))

    async def press(who: str) -> str:
        wish = Press(1, 1, SWITCH, "switch", world.actor(who))
        outcome = await world.database.write(
            lambda s: step_press.press(s, world.house, wish, world.now)
        )
        return outcome.code

    codes = await asyncio.gather(*(press(who) for who in [MEI, KAI] * 5))
    assert sorted(set(codes)) == ["already_running", "requested"]
    assert codes.count("requested") == 1
    assert len(world.all(ActionAttempt)) == 1
    numbers = [entry.sequence for entry in world.entries()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert world.broken() is None


async def test_findings_at_once_open_one_incident(either: World) -> None:
    world = either
    for _ in range(2):
        world.check(channel_down(world.now, cases=orders(4, 1, 4)))
    result = channel_down(world.now, cases=orders(4, 1, 4))

    async def report(number: int) -> int:
        if number % 2:
            taken = await world.database.write(
                lambda s: take_check_result(s, world.house, result, world.now)
            )
            return len(taken.opened)
        line = f"payments fail, call {number}"
        actor = world.actor(LIN)
        outcome = await world.database.write(
            lambda s: declare_line(s, world.house, "9.1", line, actor, world.now, ringing="ring")
        )
        assert outcome.ok
        return 0

    opened = await asyncio.gather(*(report(number) for number in range(12)))
    assert sum(opened) == 1
    incidents = world.all(Incident)
    assert sorted(one.incident_type for one in incidents) == [
        "payment_channel_down",
        "system_crash",
    ]
    assert sorted(one.number for one in incidents) == [1, 2]
    assert world.broken() is None


async def test_a_fresh_incident_is_taken_by_one_and_noted_by_all(either: World) -> None:
    world = either
    for _ in range(3):
        world.check(channel_down(world.now, cases=()))

    async def note(number: int) -> bool:
        actor = world.actor(MEI if number % 2 else KAI)
        outcome = await world.database.write(
            lambda s: commands.note(s, world.house, 1, actor, f"Note {number}", world.now)
        )
        return outcome.ok

    assert all(await asyncio.gather(*(note(number) for number in range(10))))
    notes = world.all(TimelineEntry, TimelineEntry.kind == "note")
    assert len(notes) == 10
    assert len({entry.sequence for entry in notes}) == 10
    assert world.broken() is None


async def test_two_who_take_it_at_once_do_not_take_it_from_each_other(either: World) -> None:
    """The first has it, and everybody after that is told who."""
    world = either
    for _ in range(3):
        world.check(channel_down(world.now, cases=()))

    async def take(who: str) -> Outcome:
        actor = world.actor(who)
        return await world.database.write(
            lambda s: commands.take(s, world.house, 1, actor, world.now)
        )

    outcomes = await asyncio.gather(*(take(who) for who in [MEI, KAI] * 5))
    codes = sorted(outcome.code for outcome in outcomes)
    assert codes == ["already_owner"] * 4 + ["owned"] * 5 + ["taken"]
    assert world.kinds().count("taken") == 1
