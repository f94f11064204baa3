"""The review says what was seen: followed, the end, what did not work, counts and times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.model import CaseFound
from incidents import cases, read
from incidents.change import Change
from incidents.organisation import Actor
from incidents.views import ReviewView
from message_templates.engine import Templates
from message_templates.review import review_json, review_markdown
from storage.models import AttemptState, StepState
from tests.incidents.test_failed_for_good import BEFORE_THE_REFUND
from tests.incidents.test_sections import crash, mismatch, order
from tests.incidents.world import LIN, MEI, World, case_rows

SWITCH, TELL = "3.3.1.s2", "3.3.4.s1"


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


def review(world: World) -> ReviewView:
    return world.read(lambda s: read.review(s, world.house, 1, world.now))


def written(world: World, templates: Templates, language: str = "en") -> str:
    return review_markdown(templates, review(world), language=language)


def line(text: str, heading: str) -> str:
    """What stands after a heading of the first screen."""
    return next(one for one in text.splitlines() if one.startswith(f"**{heading}**"))


def test_resolved_while_it_failed_is_no_end_and_no_plan_followed(
    world: World, templates: Templates
) -> None:
    world.channel_fails(3)
    assert world.resolve(MEI).ok
    text = written(world, templates)
    assert "Yes: " not in line(text, "Was the plan followed?")
    assert "It still failed when it was closed." in line(text, "What did not")
    assert "For 1 minute" not in text
    assert "works again" not in text.split("**Cause**")[0].splitlines()[2]
    assert review(world).end == "failing"
    times = dict(review(world).times)
    assert times["works"] is None
    zh = written(world, templates, "zh-Hant")
    assert "結案時仍在失敗。" in line(zh, "待改進的")
    assert "是：" not in line(zh, "是否依預案處理？")


@pytest.mark.parametrize(
    ("language", "heading", "said"),
    [
        ("en", "Was the plan followed?", "No: nobody did a step of it"),
        ("zh-Hant", "是否依預案處理？", "否：沒有人執行任何步驟"),
    ],
)
def test_one_that_nobody_touched_says_so(
    world: World, templates: Templates, language: str, heading: str, said: str
) -> None:
    world.channel_fails(3)
    world.channel_healthy(3)
    assert world.resolve(MEI).ok
    assert said in line(written(world, templates, language), heading)
    assert review(world).end == "seen"


def test_steps_left_open_are_named(world: World, templates: Templates) -> None:
    world.channel_fails(3)
    world.press(MEI, SWITCH, "switch")
    world.run_actions()
    world.channel_healthy(3)
    assert world.resolve(MEI).ok
    text = written(world, templates)
    assert "Not in every point" in line(text, "Was the plan followed?")
    assert "left open" in line(text, "Was the plan followed?")
    assert "Ask the vendor" in line(text, "What did not")
    assert "Tell the customers" in line(text, "What did not")


def everybody_pays(world: World) -> None:
    """The check sees the orders paid: that is what became of them, not what had become of the
    payments without an answer."""
    keys = [row.key for row in case_rows(world) if row.state != "settled"]

    def unit(session: Any) -> None:
        incident = session.merge(world.incident())
        change = Change(session, world.house, incident, Actor("check:x"), world.now)
        cases.settle_found(change, [CaseFound("order", k, facts={"outcome": "paid"}) for k in keys])

    world.write(unit)


def test_two_charged_and_seven_not_stays_so_when_the_seven_have_paid(
    world: World, templates: Templates
) -> None:
    world.channel_fails(3)
    world.press(MEI, SWITCH, "switch")
    world.run_actions()
    world.channel_healthy(3)
    unknown = [row.id for row in case_rows(world) if row.state == "unknown"]
    assert len(unknown) == 9
    assert world.press(LIN, TELL, "ask_channel").ok
    world.run_actions(
        query_payment_status=lambda a: {
            "result": "captured" if a.case_id in unknown[:2] else "not_captured",
            "status": "captured" if a.case_id in unknown[:2] else "failed",
        }
    )
    world.press(LIN, TELL, "tell")
    world.run_actions(
        request_repayment=lambda a: {"id": f"PL-{a.id}", "url": f"http://shop/pay/{a.id}"},
        notify_customer=lambda a: {"id": a.id, "via": "line"},
    )
    everybody_pays(world)
    text = written(world, templates)
    assert "2 had been charged and 7 had not" in text
    assert "2 筆已扣款、7 筆未扣款" in written(world, templates, "zh-Hant")


def test_a_failed_action_is_not_an_unknown_one(world: World, templates: Templates) -> None:
    crash(world)
    world.press(MEI, "9.1.3.s2", "start")
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.FAILED, problem="effect_failed")
    text = written(world, templates)
    assert "1 action did not work: Start the standby." in text
    assert "known end" not in text


def test_only_what_was_looked_at_counts_as_verified(world: World, templates: Templates) -> None:
    """A message inside the house is no look at the shop."""
    crash(world)
    assert world.press(MEI, "9.1.3.s1", "tell").ok
    assert "verified by a fresh look" not in written(world, templates)
    world.press(MEI, "9.1.3.s2", "start")
    world.run_actions()
    assert "1 action was verified by a fresh look at the shop." in written(world, templates)
    assert "Nothing was sent twice" not in written(world, templates)


def test_the_first_solution_to_a_customer_is_kept_with_its_limit(
    world: World, templates: Templates
) -> None:
    """1.2.1: from finding it to the first offer; a later change of the limit changes nothing."""
    mismatch(world, under=False)
    found = world.incident().detected_at
    for step, button, values in BEFORE_THE_REFUND:
        assert world.press(LIN, step, button, values=values).ok
        world.run_actions(query_payment_record=lambda a: order(100, 110))
    assert "No customer was offered a solution" in written(world, templates)
    world.advance(20 * 60)
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    world.run_actions(
        refund_difference=lambda a: {"id": f"rf_{a.id}"},
        notify_customer=lambda a: {"id": a.id, "via": "line"},
    )
    kept: dict[str, Any] = world.incident().facts["solution"]
    after = timedelta(seconds=review(world).solution_after or 0)
    assert world.incident().detected_at == found
    assert timedelta(minutes=20) <= after < timedelta(minutes=21)
    assert kept["limit_seconds"] == 4 * 3600
    assert "The first customer was offered a solution in 20 min" in written(world, templates)
    found_json = review_json(templates, review(world))
    assert found_json["solution_limit_seconds"] == 4 * 3600


def test_a_solution_past_its_limit_is_said(world: World, templates: Templates) -> None:
    world.channel_fails(3)
    world.press(MEI, SWITCH, "switch")
    world.run_actions()
    world.channel_healthy(3)
    world.advance(71 * 60)
    assert world.press(LIN, TELL, "tell").ok
    world.run_actions(
        request_repayment=lambda a: {"id": f"PL-{a.id}", "url": f"http://shop/pay/{a.id}"},
        notify_customer=lambda a: {"id": a.id, "via": "line"},
    )
    said = line(written(world, templates), "What did not")
    assert "The first customer was offered a solution after 1 hour 12 minutes" in said
    assert "(limit 30 minutes)" in said


def test_a_plan_that_was_followed_says_yes(world: World, templates: Templates) -> None:
    mismatch(world, under=False)
    for step, button, values in BEFORE_THE_REFUND:
        assert world.press(LIN, step, button, values=values).ok
        world.run_actions(query_payment_record=lambda a: order(100, 110))
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    world.run_actions(
        refund_difference=lambda a: {"id": f"rf_{a.id}"},
        notify_customer=lambda a: {"id": a.id, "via": "line"},
    )
    assert "Not in every point" in line(written(world, templates), "Was the plan followed?")
    assert world.press(LIN, "3.2.4.s1", "agree").ok
    world.advance(180)  # it has held
    assert world.step("3.2.4.s1").state == StepState.DONE
    assert "Yes: " in line(written(world, templates), "Was the plan followed?")
