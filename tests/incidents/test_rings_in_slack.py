"""Whom the whole story rings, by Slack's rules of following: a person only by direct message."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from checks.model import CaseFound
from incidents.alerting import notifications
from incidents.change import Change
from incidents.lifecycle import commands, declaring
from incidents.lifecycle.declaring import Declaration
from incidents.organisation import SYSTEM_ACTOR, Role
from storage.models import AttemptState, Incident
from tests.incidents.slack_story import Story, story
from tests.incidents.world import DAY, JO, KAI, LIN, MEI, SAM, channel_down, house, money

SWITCH = "3.3.1.s2"
EVERYBODY = (MEI, KAI, LIN, JO, SAM)


def roles(**changed: Role) -> dict[str, Role]:
    return {**house().roles, **changed}


NO_GROUP = roles(oncall=Role(None, (MEI, KAI), (MEI, KAI)))
HALF_A_GROUP = roles(oncall=Role("S0ONCALL", (MEI, KAI, LIN), (MEI, KAI), members=frozenset({MEI})))


async def opens(told: Story) -> None:
    told.world.now = DAY
    await told.looks()
    told.world.channel_fails(2)
    told.world.channel_fails(1, every=1)  # messages go out at once, not ten seconds later
    await told.passes(2)


async def lived_through(told: Story) -> None:
    """Opened, taken by a press, unknown, mitigated, noted, worse by hand, resolved."""
    world = told.world
    await opens(told)
    assert world.press(MEI, SWITCH, "switch").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.UNKNOWN, problem="no_answer")
    await told.passes(70)
    world.settle(attempt, AttemptState.DONE, response={"channel": "harborpay"})
    await told.passes(300)
    for person in (MEI, KAI):
        world.write(
            lambda s, p=person: commands.note(
                s, world.house, 1, world.actor(p), "Northpay calls back", world.now
            )
        )
        await told.passes(10)
    world.channel_healthy(3)
    await told.passes(10)
    assert world.answer(MEI, "switch_back", "stay").ok
    await told.passes(60)
    assert world.resolve(MEI).ok
    await told.passes(60)


@pytest.mark.parametrize("changed", [{}, {"roles": NO_GROUP}, {"roles": HALF_A_GROUP}])
async def test_nobody_is_rung_by_a_thread_they_were_pulled_into(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    """The whole story of 3.3: of the channel a group alone rings, and that once."""
    async with story(tmp_path, **changed) as told:
        await lived_through(told)
        why = {person: told.why(person) for person in EVERYBODY}
        for person, rings in why.items():
            assert set(rings) <= {"group", "direct"}, (person, rings)
            assert rings["group"] <= 1
        assert 1 <= why[MEI].total() <= 5, told.rings(MEI)
        assert why[SAM].total() == 0


async def test_a_role_with_a_group_is_rung_by_its_mention_alone(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        await opens(told)
        rings = {person: told.why(person) for person in EVERYBODY if told.why(person)}
        assert rings == {MEI: Counter(group=1), KAI: Counter(group=1)}


async def test_a_role_without_a_group_is_rung_directly_with_a_link_to_the_thread(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, roles=NO_GROUP) as told:
        await opens(told)
        rings = {person: told.why(person) for person in EVERYBODY if told.why(person)}
        assert rings == {MEI: Counter(direct=1), KAI: Counter(direct=1)}
        card, *_ = told.shown("C0INCIDENTS")
        link = f"{told.slack.url}/archives/C0INCIDENTS/p{card['ts'].replace('.', '')}"
        [message] = told.shown("D0MEI")
        assert f"<{link}|INC-1>" in str(message["blocks"])
        assert "Card payments failing: 57 of 118" in message["text"]
        assert "<@" not in str(card["blocks"])


async def test_whoever_of_the_group_is_not_in_the_channel_is_rung_directly(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        told.leaves(KAI)
        await opens(told)
        assert told.why(MEI) == Counter(group=1)
        assert told.why(KAI) == Counter(direct=1)
        [message] = told.shown("D0KAI")
        channel = {"type": "channel", "channel_id": "C0INCIDENTS"}
        assert channel in said_of(message, "absent"), message["blocks"]


async def test_who_is_not_in_a_private_channel_is_rung_at_once_and_told_so(tmp_path: Path) -> None:
    """Slack notifies nobody of a mention in a private channel that they are not in."""
    cs = Role("S0CSDESK", (LIN, KAI), (LIN, KAI), members=frozenset({LIN, KAI}))
    async with story(tmp_path, roles=roles(cs=cs)) as told:
        world = told.world
        world.now = DAY
        told.slack.world.workspace.groups["S0CSDESK"].users = [LIN, KAI]
        await told.looks("C0CSINC")
        report = Declaration(
            "service_attitude",
            {"channel": "phone", "reason": "after_sales", "text": "The agent shouted."},
            world.actor(JO),
            source="complaint",
        )
        assert world.write(lambda s: declaring.declare(s, world.house, report, world.now)).ok
        world.fire_due()
        await told.told()
        assert told.why(LIN) == Counter(group=1)
        assert told.why(KAI) == Counter(direct=1)
        [message] = told.shown("D0KAI")
        channel = {"type": "channel", "channel_id": "C0CSINC"}
        assert channel in said_of(message, "absent"), message["blocks"]


def said_of(message: dict[str, Any], block_id: str) -> list[dict[str, Any]]:
    """The elements of the text in that block."""
    [block] = [one for one in message["blocks"] if one["block_id"] == block_id]
    [section] = block["elements"]
    return list(section["elements"])


async def test_when_slack_cannot_say_who_is_there_everybody_is_rung(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        told.slack.world.faults.add(
            {"method": "conversations.members", "kind": "http_500", "times": 2}
        )
        await opens(told)
        assert told.why(KAI) == Counter(group=1, direct=1)


async def test_who_has_the_role_beside_its_group_is_rung_directly(tmp_path: Path) -> None:
    async with story(tmp_path, roles=HALF_A_GROUP) as told:
        await opens(told)
        assert told.why(MEI) == Counter(group=1)
        assert told.why(LIN) == Counter(direct=1)


async def test_who_was_rung_hears_that_it_works_and_the_channel_shows_its_number(
    tmp_path: Path,
) -> None:
    async with story(tmp_path) as told:
        world = told.world
        await opens(told)
        assert world.press(MEI, SWITCH, "switch").ok
        world.run_actions(switch_payment_channel=lambda _: {"channel": "harborpay"})
        world.check(channel_down(world.now, felt=False))  # it fails on, beside the traffic
        await told.passes(300)
        assert [ring.why for ring in told.rings(KAI)] == ["group", "direct"]
        assert "INC-1" in told.rings(KAI)[-1].text
        assert [ring.why for ring in told.rings(MEI)] == ["group"]  # she did it herself
        lines = [m for m in told.shown("C0INCIDENTS") if m.get("subtype") == "thread_broadcast"]
        assert lines
        for line in lines:
            [first, *_] = line["blocks"][0]["elements"][0]["elements"]
            assert (first["type"], first["text"]) == ("link", "INC-1")


async def test_getting_worse_is_told_to_the_owner_directly(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        world = told.world
        world.now = DAY
        few = [CaseFound("order", f"FG-{n}", money(1), f"c{n}") for n in range(10)]
        many = [CaseFound("order", f"FG-{n}", money(1), f"c{n}") for n in range(25)]
        for _ in range(3):
            world.check(channel_down(world.now, cases=few))
        await told.passes(1)
        world.take(MEI)
        await told.passes(1)
        world.check(channel_down(world.now, cases=many))
        await told.passes(1)
        assert [ring.why for ring in told.rings(MEI)] == ["group", "direct"]
        [message] = told.shown("D0MEI")
        assert "10 → 25 affected" in message["text"]


async def test_a_relapse_rings_who_must_act_once_in_ten_minutes(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        world = told.world
        await opens(told)
        world.take(KAI)
        await told.passes(1)

        def relapse(times: int) -> tuple[str, ...]:
            def unit(session: Any) -> tuple[str, ...]:
                incident = session.get_one(Incident, 1)
                change = Change(session, world.house, incident, SYSTEM_ACTOR, world.now)
                return notifications.ring_relapse(change, times=times, since=DAY)

            return world.write(unit)

        assert relapse(2) == (KAI,)
        await told.passes(599)
        assert relapse(3) == ()
        await told.passes(5)
        assert relapse(4) == (KAI,)
        await told.told()
        texts = [ring.text for ring in told.rings(KAI) if ring.why == "direct"]
        assert ["second time" in text or "fourth time" in text for text in texts] == [True, True]
