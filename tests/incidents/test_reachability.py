"""Who is rung, who watches, where it is posted: what is missing is said, never silently."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from incidents import read
from incidents.alerting import dead_letters, reachability
from incidents.lifecycle.declaring import Declaration, declare
from incidents.organisation import House, Role
from message_templates.engine import Templates
from storage.models import Incident, WorkItem, WorkState
from tests.incidents.slack_story import Story, story
from tests.incidents.world import DAY, KAI, LIN, MEI, NIGHT, World, house

EMPTY = {**house().roles, "oncall": Role()}
MISSPELT = {name: role for name, role in house().roles.items() if name != "oncall"} | {
    "on_call": house().roles["oncall"]
}


def shown(world: World, language: str = "en", number: int = 1) -> str:
    view = world.read(lambda s: read.card(s, world.house, number, world.now))
    return repr(Templates().render("card", view, language=language).blocks)


def look(world: World, changed: House | None = None) -> None:
    world.house = changed or world.house
    world.write(lambda s: reachability.look(s, world.house, world.now))


@pytest.mark.parametrize("roles", [EMPTY, MISSPELT])
async def test_a_sev1_that_rings_nobody_says_so_on_the_card_and_in_the_channel(
    tmp_path: Path, roles: dict[str, Role]
) -> None:
    async with story(tmp_path, roles=roles) as told:
        told.world.now = DAY
        told.world.channel_fails(3)
        await told.told()
        assert "Nobody can be rung: nobody has the role on-call" in shown(told.world)
        assert "無人可通知：「值班」沒有任何人" in shown(told.world, "zh-Hant")
        lines = [m for m in told.shown("C0INCIDENTS") if m.get("subtype") == "thread_broadcast"]
        assert ["Nobody can be rung" in str(line["blocks"]) for line in lines] == [True]
        assert not any(told.rings(person) for person in (MEI, KAI, LIN))


async def test_the_last_of_a_role_leaves_amid_an_incident_and_somebody_comes(
    tmp_path: Path,
) -> None:
    async with story(tmp_path) as told:
        world = told.world
        world.now = DAY
        await told.looks()
        world.channel_fails(3)
        await told.passes(1)
        full = world.house
        look(world, replace(full, roles=EMPTY))
        look(world)
        await told.told()
        assert world.kinds(posted=True).count("nobody_to_ring") == 1
        assert "Nobody can be rung" in shown(world)
        before = len(told.rings(KAI))
        look(world, full)
        look(world)
        await told.told()
        assert "Nobody can be rung" not in shown(world)
        assert len(told.rings(KAI)) == before + 1
        assert told.rings(KAI)[-1].why == "direct"


@pytest.mark.parametrize(("now", "rung"), [(DAY, True), (NIGHT, False)])
def test_who_comes_to_have_the_role_was_rung_only_if_they_were(
    world: World, now: datetime, rung: bool
) -> None:
    """At night nobody is rung for a SEV3."""
    world.now = now
    world.channel_fails(3)
    world.write(lambda s: setattr(s.get_one(Incident, 1), "severity", 3))
    full = world.house
    look(world, replace(full, roles=EMPTY))
    look(world, full)
    [entry] = [one for one in world.entries() if one.kind == "role_filled"]
    for language, words in (("en", "was rung"), ("zh-Hant", "並已通知")):
        said = Templates().text("log.role_filled", language=language, **entry.data)
        assert (words in said) is rung, said


def test_a_group_that_lost_its_last_member_has_nobody(world: World) -> None:
    world.channel_fails(3)
    empty = Role("S0ONCALL", (), (), members=frozenset())
    look(world, replace(world.house, roles={**world.house.roles, "oncall": empty}))
    assert world.kinds(posted=True).count("nobody_to_ring") == 1


def test_all_in_line_rest_and_no_page_is_set(world: World) -> None:
    world.house = replace(world.house, page=False)
    world.presence = dict.fromkeys((MEI, KAI), datetime(2026, 11, 11, tzinfo=world.now.tzinfo))
    world.channel_fails(3)
    world.advance(301)
    [entry] = [one for one in world.entries() if one.kind == "nobody_to_ring"]
    assert entry.data["why"] == "dnd"
    assert entry.data["broadcast"]


def test_who_has_it_already_needs_nobody_to_be_rung(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    look(world, replace(world.house, roles=EMPTY))
    assert "nobody_to_ring" not in world.kinds()


def test_a_check_that_was_taken_out_is_said_on_the_card(world: World) -> None:
    world.channel_fails(3)
    configured = replace(world.house, checks=frozenset({"payment-channel-northpay"}))
    look(world, configured)
    assert "no longer configured" not in shown(world)
    look(world, replace(world.house, checks=frozenset({"stuck-orders"})))
    look(world)
    words = "Check payment channel northpay is no longer configured: nobody is watching this"
    assert words in shown(world)
    assert "目前無人監看" in shown(world, "zh-Hant")
    assert world.kinds().count("unwatched") == 1
    look(world, configured)
    assert "no longer configured" not in shown(world)


def complain(world: World) -> None:
    values = {"channel": "phone", "reason": "goods", "severity": "small", "words": "broken"}
    report = Declaration("complaint", values, world.actor(LIN), source="complaint")
    kinds = [k for s in world.house.plan.sections.values() for k in s.types if k.private]
    form = kinds[0].declare
    assert form is not None
    given: dict[str, Any] = {}
    for field in form.fields:
        if field.kind == "select" and field.options:
            given[field.id] = field.options[0].id
        elif field.required:
            given[field.id] = "broken"
    report = replace(report, incident_type=kinds[0].id, values=given)
    outcome = world.write(lambda s: declare(s, world.house, report, world.now))
    assert outcome.ok, outcome


async def test_a_private_incident_without_its_channel_tells_its_author_and_goes_out_later(
    tmp_path: Path,
) -> None:
    audiences = {key: a for key, a in house().audiences.items() if not a.private}
    async with story(tmp_path, audiences=audiences) as told:
        await tried_without_a_channel(told)
        world = told.world
        world.house = replace(world.house, audiences=house().audiences)
        again = world.write(lambda s: dead_letters.channel_found(s, world.house, world.now))
        assert again
        assert world.write(lambda s: dead_letters.channel_found(s, world.house, world.now)) == []
        told.configure(world.house)
        await told.passes(60)
        [card, *_] = told.shown("C0CSINC")
        assert "INC-1" in str(card["blocks"])
        assert not [i for i in world.all(WorkItem) if i.state == WorkState.PARKED]


async def tried_without_a_channel(told: Story) -> None:
    world = told.world
    world.now = DAY
    told.configure(world.house)
    complain(world)
    await told.passes(30)
    texts = [ring.text for ring in told.rings(LIN)]
    assert any("INC-1 " in text and "stands in no channel" in text for text in texts) or any(
        "沒有人看得到" in text for text in texts
    ), texts
    assert told.shown("C0INCIDENTS") == []
    stuck = [item for item in world.all(WorkItem) if item.state == WorkState.PARKED]
    assert any("no channel is configured" in str(item.last_error) for item in stuck)
