"""A press belongs to the incident that it names and to the message that it stands in: what Slack
shows outlives a database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from checks.model import CheckResult, Finding
from handlers import binding
from handlers.registry import Interaction, Registry
from storage import identity
from storage.models import SlackMessage, WorkItem, WorkState
from tests.incidents.world import MEI, World

PLACE, ELSEWHERE, LIST = "1796033380.000100", "1796033380.000200", "1796033380.000300"
CHANNEL = "C0INCIDENTS"


@pytest.fixture
def world(world: World) -> World:
    """INC-1 with its card at PLACE, and a list of incidents at LIST; nothing on its way."""
    world.channel_fails(3)
    incident = world.incident()

    def unit(session: Session) -> None:
        for key, ts, of in (("INC-1/card", PLACE, incident.id), ("week/1", LIST, None)):
            session.add(
                SlackMessage(key=key, delivery_id=key, channel=CHANNEL, ts=ts, incident_id=of)
            )
        for item in session.query(WorkItem):
            item.state = WorkState.DONE

    world.write(unit)
    return world


def _press(value: str, ts: str | None = PLACE, **container: Any) -> Interaction:
    """As Slack sends it from a message."""
    place = {"type": "message", "message_ts": ts, "channel_id": CHANNEL, **container}
    body = {
        "type": "block_actions",
        "user": {"id": MEI},
        "channel": {"id": CHANNEL},
        "container": place,
        "actions": [{"action_id": "incident.take", "value": value}],
    }
    found = Registry().read(body, "delivery")
    assert found is not None
    return found


def _in_view(view: dict[str, Any], *, kind: str = "view_submission") -> Interaction:
    body = {"type": kind, "user": {"id": MEI}, "view": view, "actions": [{"action_id": "x"}]}
    found = Registry().read(body, "delivery")
    assert found is not None
    return found


def _belongs(world: World, interaction: Interaction) -> bool:
    return world.read(lambda s: binding.belongs(s, interaction))


def _value(world: World, tag: str | None = None) -> str:
    incident = world.incident()
    return f"INC-1:{incident.version}.{incident.tag if tag is None else tag}"


def test_a_press_in_the_incidents_own_message_is_taken(world: World) -> None:
    """With the tag, and as an earlier version drew it; in its card, and in a list."""
    assert _belongs(world, _press(_value(world)))
    assert _belongs(world, _press("INC-1:1"))
    assert _belongs(world, _press(_value(world), LIST))


@pytest.mark.parametrize("why", ["another tag", "another message", "posted anew", "another's"])
def test_a_press_of_before_is_refused(world: World, why: str) -> None:
    """Whichever of the two tells it."""
    interaction = _press(_value(world))
    if why == "another tag":
        interaction = _press(_value(world, "00000"))
    elif why == "another message":
        interaction = _press(_value(world), ELSEWHERE)
    elif why == "posted anew":
        world.write(lambda s: setattr(s.query(SlackMessage).first(), "gone_at", world.now))
    else:
        stuck = Finding("orders:paid", "order_state_stuck", facts={"state": "paid"})
        world.check(CheckResult("stuck-orders", world.now, findings=(stuck,)))
        other = world.incident(2).id
        world.write(lambda s: setattr(s.query(SlackMessage).first(), "incident_id", other))
    assert not _belongs(world, interaction)


def test_what_one_reader_sees_is_bound_by_its_tag(world: World) -> None:
    """An ephemeral answer stands in no row."""
    assert _belongs(world, _press(_value(world), ELSEWHERE, is_ephemeral=True))
    assert not _belongs(world, _press(_value(world, "00000"), ELSEWHERE, is_ephemeral=True))


@pytest.mark.parametrize("state", [WorkState.CLAIMED, WorkState.UNCLEAR])
def test_a_message_whose_place_is_being_written_down_is_its_own(
    world: World, state: WorkState
) -> None:
    """Who presses before the answer of Slack is written down is not refused, and who has another
    incident's button is."""

    def on_its_way(session: Session) -> None:
        item = next(i for i in session.query(WorkItem) if i.payload.get("do") == "post")
        item.state = state

    world.write(on_its_way)
    assert _belongs(world, _press(_value(world), ELSEWHERE))
    assert not _belongs(world, _press(_value(world, "00000"), ELSEWHERE))
    assert not _belongs(world, _press("INC-1:1", ELSEWHERE))


def test_a_form_is_bound_by_what_it_remembers(world: World) -> None:
    tag = world.incident().tag
    for memory, taken in ((f'"{tag}"', True), ('"00000"', False)):
        form = {"id": "V1", "private_metadata": f'{{"incident": 1, "tag": {memory}}}'}
        assert _belongs(world, _in_view(form)) is taken


def test_app_home_is_of_the_record_that_it_was_drawn_from(world: World) -> None:
    """Its buttons name rows."""
    name = world.write(identity.name_it).record

    def of_this(record: str) -> bool:
        view = {"type": "home", "private_metadata": f'{{"record": "{record}"}}'}
        home = _in_view(view, kind="block_actions")
        return world.read(lambda s: binding.of_this_record(s, home))

    assert of_this(name)
    assert not of_this("another")
    world.write(identity.rename)
    assert not of_this(name)


def test_an_incident_that_there_is_none_of_is_answered_so(world: World) -> None:
    """There is nothing that the press could act on."""
    assert _belongs(world, _press("INC-9:1.00000", ELSEWHERE))
