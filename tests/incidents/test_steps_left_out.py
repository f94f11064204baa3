"""A step that was skipped, refused or not needed mends nothing: no end, no word, no calm."""

from __future__ import annotations

import pytest

from incidents import read
from incidents.lifecycle import commands
from storage.models import AttemptState, AuditEntry, Status, StepState
from tests.incidents.world import DAY, JO, KAI, LIN, MEI, World

SWITCH = "3.3.1.s2"


def desk_says(world: World) -> str:
    """The desk's note, as it stands now."""
    incident = world.incident()
    _, params = world.read(lambda s: read.desk(s, world.house, incident.id, world.now))
    assert params["note"] is not None
    return str(params["note"].title.en)


@pytest.mark.parametrize("owned", [True, False])
def test_a_skipped_step_mitigates_nothing_and_tells_the_desk_nothing(
    world: World, owned: bool
) -> None:
    world.channel_fails(3)
    if owned:
        assert world.take(MEI).ok
    outcome = world.press(MEI, SWITCH, "skip", values={"reason": "No standby at hand"})
    assert outcome.ok
    assert world.step(SWITCH).state == StepState.SKIPPED
    incident = world.incident()
    assert incident.status == (Status.ACKNOWLEDGED if owned else Status.OPEN)
    assert incident.mitigated_at is None
    assert "They work now" not in desk_says(world)
    assert "mitigated" not in [item.payload["template"] for item in world.messages()]


def test_skipping_does_not_stop_the_reminders(world: World) -> None:
    world.channel_fails(3)
    assert world.press(KAI, SWITCH, "skip", values={"reason": "No standby at hand"}).ok
    assert world.incident().owner is None
    before = len(world.rings(MEI))
    world.advance(11 * 60)
    assert len(world.rings(MEI)) > before
    assert "second" in {ring.event for ring in world.rings(KAI)}


def test_a_refused_action_mitigates_nothing(world: World) -> None:
    world.channel_fails(3)
    assert world.press(MEI, SWITCH, "switch").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.REFUSED, problem="precondition:0")
    assert world.incident().mitigated_at is None
    assert "They work now" not in desk_says(world)


def test_owning_gives_no_right_to_a_step(world: World) -> None:
    """Jo may own 3.3 as a manager; its steps are on-call's and the desk's (decision 23)."""
    world.channel_fails(3)
    assert world.take(JO).ok
    skipped = world.press(JO, SWITCH, "skip", values={"reason": "I say so"})
    assert (skipped.ok, skipped.code, skipped.params["role"]) == (False, "no_right", "oncall")
    noted = world.press(JO, "3.3.2.s1", "answer", values={"cause": "A cable"})
    assert (noted.ok, noted.code) == (False, "no_right")
    assert world.step(SWITCH).state == StepState.PENDING
    refused = world.all(AuditEntry, AuditEntry.result == "refused")
    assert [(one.actor, one.object) for one in refused] == [(JO, SWITCH), (JO, "3.3.2.s1")]


def test_who_may_not_own_acts_without_owning(world: World) -> None:
    """The desk works on its step; on-call is still asked who has it."""
    world.channel_fails(3)
    assert world.press(MEI, SWITCH, "skip", values={"reason": "No standby at hand"}).ok
    assert world.press(LIN, "3.3.4.s1", "ask_channel").ok
    incident = world.incident()
    assert (incident.owner, incident.status) == (None, Status.OPEN)
    taken = world.take(LIN)
    assert (taken.ok, taken.code) == (False, "no_right")
    assert world.take(MEI).ok


def test_nobody_is_handed_what_they_may_not_own(world: World) -> None:
    world.now = DAY
    world.channel_fails(3)
    assert world.take(MEI).ok
    given = world.write(
        lambda s: commands.hand_over(s, world.house, 1, world.actor(MEI), LIN, world.now)
    )
    assert (given.ok, given.code, given.params["to"].name) == (False, "may_not_own", "Lin")
    assert world.incident().owner == MEI


def test_a_relapse_gives_a_skipped_step_its_button_back(world: World) -> None:
    """Skipped since the channel came back by itself; it fails again, and the switch is a way on."""
    world.channel_fails(3)
    assert world.press(MEI, SWITCH, "skip", values={"reason": "It comes back by itself"}).ok
    world.channel_healthy(3)
    assert world.incident().status in (Status.MITIGATED, Status.MONITORING)
    assert world.step(SWITCH).state == StepState.SKIPPED  # nothing to do while it is over
    world.advance(15 * 60)
    world.channel_fails(3)
    step = world.step(SWITCH)
    assert (step.state, step.reason) == (StepState.PENDING, None)
    card = world.read(lambda s: read.card(s, world.house, world.incident().id, world.now))
    assert f":{SWITCH}:switch" in "".join(button.value for button in card.buttons)
    assert world.press(MEI, SWITCH, "switch").ok
