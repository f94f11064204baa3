"""An attempt that is settled costs the same in a press of eight cases and of eight hundred."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents import case_totals
from incidents.shop_actions import action_outcomes
from incidents.shop_actions.action_attempts import AttemptBook
from storage.models import StepState, WorkItem
from tests.incidents.test_wholes import stuck
from tests.incidents.world import MEI, World


@pytest.fixture
def pressed(world: World) -> World:
    """Eight stuck orders are dispatched again."""
    stuck(world, named=8, orders=8)
    cause = {"root_cause": "logistics", "finding": "x"}
    assert world.press(MEI, "2.2.s2", "cause", values=cause).ok
    assert world.press(MEI, "2.2.s3", "redispatch").ok
    assert len(world.pending_attempts()) == 8
    return world


def test_neither_cases_nor_attempts_are_read_again_for_each(
    pressed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    cases, attempts = case_totals.read_cases, action_outcomes.attempts_of
    monkeypatch.setattr(
        case_totals, "read_cases", lambda *a, **k: read.append("cases") or cases(*a, **k)
    )
    monkeypatch.setattr(
        action_outcomes, "attempts_of", lambda *a, **k: read.append("attempts") or attempts(*a, **k)
    )
    book = AttemptBook(pressed.house)
    for attempt in pressed.pending_attempts()[:-1]:
        pressed.read(lambda s, a=attempt: book.load(s, a.id))
        pressed.settle(attempt, response={"status": "dispatched"})
    assert read == []
    [last] = pressed.pending_attempts()
    pressed.settle(last, response={"status": "dispatched"})
    assert read.count("attempts") == 1
    assert pressed.step("2.2.s3").state == StepState.DONE


def test_what_is_under_way_is_redrawn_once_a_second_at_most(pressed: World) -> None:
    def waiting() -> list[WorkItem]:
        return [
            one
            for one in pressed.messages("refresh")
            if one.payload["message"] == "INC-1/card" and one.state == "pending"
        ]

    pressed.write(lambda s: s.query(WorkItem).filter(WorkItem.refreshes.is_not(None)).delete())
    for attempt in pressed.pending_attempts()[:-1]:
        pressed.settle(attempt, response={"status": "dispatched"})
    [one] = waiting()
    assert one.due == pressed.now + timedelta(seconds=1)
    pressed.settle(pressed.pending_attempts()[0], response={"status": "dispatched"})
    [one] = waiting()
    assert one.due <= pressed.now
