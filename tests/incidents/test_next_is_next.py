"""Next is what is next: the card's line, its green button and the runbook come from one place."""

from __future__ import annotations

from typing import Any

import pytest

from checks.model import CheckResult
from incidents import read
from incidents.views import ButtonView, CardView, RunbookView
from message_templates.engine import Templates
from storage.models import AttemptState, StepState
from tests.incidents.test_sections import crash
from tests.incidents.test_views import text_of
from tests.incidents.world import KAI, LIN, MEI, World

SWITCH, OFFER, TELL = "3.3.1.s2", "3.3.3.s1", "3.3.4.s1"
STANDBY, RESTORE = "9.1.3.s2", "9.1.3.s4"
BROKEN = {"standby": {"id": "harborpay", "name": "Harborpay", "ok": False, "tested_at": None}}
UNSEEN = {
    "look": {
        "name": "channel_test",
        "asked": "POST /channels/harborpay/test-payment",
        "code": "timeout",
    }
}


@pytest.fixture
def templates() -> Templates:
    return Templates()


def card(world: World) -> CardView:
    return world.read(lambda s: read.card(s, world.house, 1, world.now))


def runbook(world: World) -> RunbookView:
    return world.read(lambda s: read.runbook(s, world.house, 1, world.now))


def green(buttons: Any) -> list[str]:
    return [_names(one) for one in buttons if one.style == "primary"]


def _names(button: ButtonView) -> str:
    return ":".join(button.value.split(":")[2:])


def agree(world: World) -> str:
    """The step that card and runbook both call next, with the same green button."""
    shown, steps = card(world), runbook(world).steps
    [step] = [one for one in steps if one.state == "next"]
    assert shown.next.words is not None
    plan = next(
        one
        for one in world.house.loaded.plan.sections[shown.section].steps
        if one.id == step.step_id
    )
    assert shown.next.words == plan.next
    assert green(shown.buttons) == green(step.buttons)
    assert all(not green(one.buttons) for one in steps if one is not step)
    return step.step_id


def offered(world: World) -> set[str]:
    """Every button that stands on the card or in the runbook."""
    found = [*card(world).buttons]
    for step in runbook(world).steps:
        found += [*step.buttons, *([step.undo] if step.undo else [])]
    return {_names(one) for one in found}


def storefront_healthy(world: World, times: int = 3) -> None:
    for _ in range(times):
        world.check(
            CheckResult(
                "storefront-health",
                world.now,
                healthy_subjects=("service:storefront",),
                open_after=1,
                recover_after=3,
                every=10,
            )
        )
        world.advance(10)


def test_a_fresh_outage_switches(world: World) -> None:
    world.channel_fails(3)
    assert agree(world) == SWITCH
    assert green(card(world).buttons) == [f"{SWITCH}:switch"]


def test_after_the_shop_mended_itself_nothing_moves_traffic_off_a_healthy_channel(
    world: World, templates: Templates
) -> None:
    world.channel_fails(3)
    drawn = world.incident().version
    world.channel_healthy(3)
    assert agree(world) != SWITCH
    assert not {one for one in offered(world) if one.startswith(SWITCH)}
    assert world.press(MEI, SWITCH, "switch").code == "not_needed_now"
    assert world.press(MEI, SWITCH, "switch", version=drawn).code == "stale"
    assert world.pending_attempts() == []
    said = text_of(templates.render("runbook", runbook(world), language="en"))
    assert "not needed: Northpay works again by itself" in said


def test_the_customers_can_be_told_though_nobody_switched(world: World) -> None:
    """What the step waited for is not needed any more: it does not wait for ever."""
    world.channel_fails(3)
    assert world.press(LIN, TELL, "tell").code == "needs"
    world.channel_healthy(3)
    assert world.press(LIN, TELL, "tell").ok


def test_when_it_fails_again_the_switch_is_next_again(world: World) -> None:
    world.channel_fails(3)
    world.channel_healthy(3)
    world.channel_fails(3)
    assert agree(world) == SWITCH


def test_with_a_broken_standby_green_is_what_next_says(world: World, templates: Templates) -> None:
    world.channel_fails(3, **BROKEN)
    assert agree(world) == OFFER
    assert green(card(world).buttons) == [f"{OFFER}:offer"]
    assert f"{SWITCH}:switch_after_test" in offered(world)
    for language, said in (("en", "Offer bank transfer"), ("zh-Hant", "開放轉帳付款")):
        assert said in text_of(templates.render("card", card(world), language=language))
    assert world.press(MEI, OFFER, "offer").ok
    world.run_actions()
    assert agree(world) == SWITCH
    assert green(card(world).buttons) == [f"{SWITCH}:switch_after_test"]


def test_a_refused_switch_makes_the_other_way_next(world: World) -> None:
    """The check still thought the standby well; the fresh test payment says otherwise."""
    world.channel_fails(3)
    assert world.press(MEI, SWITCH, "switch").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.REFUSED, problem="precondition:0", response={"look": {}})
    assert agree(world) == OFFER
    assert world.press(MEI, SWITCH, "switch").ok
    world.run_actions()
    assert world.step(SWITCH).state == StepState.DONE


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "en",
            "POST /channels/harborpay/test-payment gave no usable answer (no answer in time) at",
        ),
        ("zh-Hant", "POST /channels/harborpay/test-payment 沒有可用的回應"),
    ],
)
def test_a_refusal_names_what_was_asked_how_it_failed_and_what_to_do(
    world: World, templates: Templates, language: str, wanted: str
) -> None:
    world.channel_fails(3)
    assert world.press(MEI, SWITCH, "switch").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.REFUSED, problem="precondition_unseen:0", response=UNSEEN)
    [item] = world.messages("ephemeral")
    code, params = world.read(
        lambda s: read.late_answer(s, world.house, 1, item.secret["params"], world.now)
    )
    told = text_of(templates.answer(code, params, language=language))
    assert wanted in told
    assert {"en": "Try again", "zh-Hant": "再試"}[language] in told
    assert {"en": "Offer bank transfer", "zh-Hant": "開放轉帳付款"}[language] in told
    under = text_of(templates.render("runbook", runbook(world), language=language))
    assert wanted in under
    [entry] = [one for one in world.entries() if one.kind == "action_failed"]
    line = world.read(lambda s: read.log_entry(s, world.house, 1, entry.sequence, world.now))
    assert wanted in text_of(templates.render("log", line, language=language))


def test_nobody_starts_a_standby_that_nobody_needs(world: World) -> None:
    crash(world)
    assert agree(world) == STANDBY
    storefront_healthy(world)
    assert agree(world) != STANDBY
    assert not {one for one in offered(world) if one.startswith(STANDBY)}
    assert f"{RESTORE}:restore" not in offered(world)
    assert world.press(MEI, STANDBY, "start").code == "not_needed_now"


def test_the_standby_is_stopped_only_when_nobody_needs_it(world: World) -> None:
    crash(world)
    assert world.press(MEI, STANDBY, "start").ok
    world.run_actions()
    assert f"{STANDBY}:undo" not in offered(world)
    storefront_healthy(world)
    assert f"{STANDBY}:undo" in offered(world)
    assert world.press(MEI, STANDBY, "undo").ok


def test_the_standby_that_carries_the_shop_has_the_way_back_of_the_traffic_alone(
    world: World,
) -> None:
    crash(world)
    for button in ("start", "switch"):
        assert world.press(MEI, STANDBY, button).ok
        world.run_actions()
    step = next(one for one in runbook(world).steps if one.step_id == STANDBY)
    assert step.undo is not None
    assert step.undo.label is not None
    assert step.undo.label.en == "Switch back"


def test_a_standby_that_does_not_come_up_makes_the_repair_next(world: World) -> None:
    crash(world)
    assert world.press(MEI, STANDBY, "start").ok
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.FAILED, problem="effect_failed")
    assert agree(world) == RESTORE
    assert f"{STANDBY}:start" in offered(world)
    assert world.press(KAI, RESTORE, "restore").ok
