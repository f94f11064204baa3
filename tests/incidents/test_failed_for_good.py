"""What the shop itself says went wrong is said as failed, at once, with the way on."""

from __future__ import annotations

import pytest

from incidents import read
from message_templates.engine import Templates
from storage.models import AttemptState, StepState
from tests.incidents.test_sections import crash, mismatch, order
from tests.incidents.test_views import text_of
from tests.incidents.world import ALL, LIN, MEI, World

SAYS = {
    "en": "Not started: the standby's start failed in the shop.",
    "zh-Hant": "未啟動：備援伺服器啟動失敗",
}
WAY_ON = {"en": "Start the standby", "zh-Hant": "啟動備援"}
STEP = "9.1.3.s2"
FAILED = {"servers": [{"id": "standby", "state": "failed", "healthy": False}]}


@pytest.fixture
def templates() -> Templates:
    return Templates()


@pytest.fixture
def failed(world: World) -> World:
    """The shop is down; the start of the standby ended badly."""
    crash(world)
    assert world.press(MEI, STEP, "start").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.FAILED, problem="effect_failed", after=FAILED)
    return world


def test_the_step_is_open_again_and_nothing_waits(failed: World) -> None:
    assert failed.step(STEP).state == StepState.PENDING
    assert failed.pending_attempts() == []
    assert failed.press(MEI, STEP, "start").ok


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_runbook_and_the_thread_say_what_failed(
    failed: World, templates: Templates, language: str
) -> None:
    runbook = failed.read(lambda s: read.runbook(s, failed.house, 1, failed.now))
    shown = text_of(templates.render("runbook", runbook, language=language))
    assert SAYS[language] in shown
    assert WAY_ON[language] in shown
    [entry] = [one for one in failed.entries() if one.kind == "action_failed"]
    assert entry.data["posted"]
    line = failed.read(lambda s: read.log_entry(s, failed.house, 1, entry.sequence, failed.now))
    assert SAYS[language] in text_of(templates.render("log", line, language=language))


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_who_pressed_hears_it_with_the_way_on(
    failed: World, templates: Templates, language: str
) -> None:
    [item] = failed.messages("ephemeral")
    assert item.payload["person"] == MEI
    code, params = failed.read(
        lambda s: read.late_answer(s, failed.house, 1, item.secret["params"], failed.now)
    )
    said = text_of(templates.answer(code, params, language=language))
    assert SAYS[language] in said
    assert WAY_ON[language] in said


def test_what_was_unknown_and_turns_out_failed_is_open_again(world: World) -> None:
    crash(world)
    assert world.press(MEI, STEP, "start").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.UNKNOWN, problem="no_answer")
    assert world.step(STEP).state == StepState.UNKNOWN
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.FAILED, problem="effect_failed", after=FAILED)
    assert world.step(STEP).state == StepState.PENDING
    assert "action_failed" in world.kinds(posted=True)


def test_a_press_of_which_some_failed_names_the_order(world: World, templates: Templates) -> None:
    """One of two refunds is rejected: the step stays open and says which order, and why."""
    mismatch(world, under=False)
    for step, button, values in BEFORE_THE_REFUND:
        assert world.press(LIN, step, button, values=values).ok, step
        world.run_actions(query_payment_record=lambda a: order(100, 110))
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    first, second = world.pending_attempts()
    world.settle(first, response={"id": "rf_1"})
    world.settle(second, AttemptState.FAILED, problem="effect_failed")
    [item] = world.messages("ephemeral")
    assert item.secret["params"]["attempt"] == second.id
    world.run_actions(notify_customer=lambda _: {"id": "m", "via": "line"})
    runbook = world.read(lambda s: read.runbook(s, world.house, 1, world.now))
    said = text_of(templates.render("runbook", runbook, language="en"))
    assert "rejected the refund of NT$10 on order fg-2" in said
    said = text_of(templates.render("runbook", runbook, language="zh-Hant"))
    assert "金流拒絕退還訂單 fg-2 的 NT$10" in said


BEFORE_THE_REFUND = [
    ("3.2.1.s1", "read", None),
    ("3.2.1.s2", "answer", {"cases": ALL, "order_amount": "right"}),
    ("3.2.2.s1", "differ", {"cases": ALL, "cause": "coupon"}),
    ("3.2.3.s1", "answer", {"cases": ALL, "confirmed": "as_recorded", "how": "phone"}),
]
