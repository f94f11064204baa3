"""A shop without doors: each step says what is missing, takes a word by hand, and can be ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from incidents.doors import Doors
from incidents.read.runbook_view import runbook_view
from incidents.runbooks.guards import GuardLooks
from incidents.views import StepView
from storage.models import Incident, Status, StepState
from tests.incidents.test_lines import line
from tests.incidents.world import MEI, SAM, World


@pytest.fixture
def bare(tmp_path: Path) -> World:
    return World.create(tmp_path, doors=Doors((), ()))


def shown(world: World) -> StepView:
    """The step that is next."""
    number = world.read(lambda s: s.query(Incident).one().id)
    view = world.read(lambda s: runbook_view(s, world.house, number, world.now))
    return next(one for one in view.steps if one.state == "next")


def test_a_crash_is_worked_through_by_hand(bare: World) -> None:
    assert line(bare, MEI, "9.1", "nobody can order", "ring").ok
    assert bare.press(MEI, "9.1.3.s1", "tell").ok
    bare.run_actions()

    step = shown(bare)
    assert step.lacks == ("shop.actions.start_standby_server", "shop.looks.servers")
    assert [one.action_id for one in step.buttons] == ["step.by_hand", "step.skip"]
    assert not bare.press(MEI, "9.1.3.s2", "start").ok
    assert bare.press(SAM, "9.1.3.s2", "by_hand", values={"reason": "Moved it"}).code == "no_right"
    assert bare.press(MEI, "9.1.3.s2", "by_hand", values={"reason": " "}).code == "field_required"
    assert bare.press(MEI, "9.1.3.s2", "by_hand", values={"reason": "Moved to node 2"}).ok
    # Nobody has seen that it works again: the step is done, the incident goes on.
    assert bare.step("9.1.3.s2").state == StepState.DONE
    assert bare.incident().status == Status.ACKNOWLEDGED
    [entry] = [one for one in bare.entries() if one.kind == "done_by_hand"]
    assert entry.text is not None
    assert entry.text.reveal() == "Moved to node 2"
    assert bare.press(MEI, "9.1.3.s2", "by_hand", values={"reason": "Again"}).code != "done"

    # Its data cannot be looked at from here: a person did, and that look keeps nothing open.
    found = {"cause": "hardware", "certainty": "proven"}
    assert bare.press(MEI, "9.1.3.s3", "cause", values=found).ok
    for step_id in ("9.1.3.s4", "9.1.2.s3", "9.1.3.s5"):
        assert bare.press(MEI, step_id, "by_hand", values={"reason": "Compared the counts"}).ok
    assert bare.press(MEI, "9.1.3.s6", "prevention", values={"prevention": "A second node"}).ok
    ended = bare.resolve(MEI, looks=GuardLooks(bare.now), prevention="A second node")
    assert ended.ok, (ended.code, ended.params)


def test_what_has_its_door_is_not_done_by_hand(world: World) -> None:
    world.channel_fails(3)
    told = world.press(MEI, "3.3.1.s2", "by_hand", values={"reason": "Switched it"})
    assert told.code == "not_offered"
