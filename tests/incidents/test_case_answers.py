"""Answers case by case: each order its own cause, amount and answer, and what follows from them."""

from __future__ import annotations

import lzma
from dataclasses import replace
from typing import Any

import pytest

from checks.model import CaseFound, CheckResult, Finding
from handlers import forms as sent
from handlers.action_values import Target
from handlers.step_forms import FormView, asked
from incidents import read
from message_templates.engine import Templates
from message_templates.review import review_markdown
from plan.kept_plan import restore_plan
from storage.models import ActionAttempt, Case
from tests.incidents.test_desk import PLAN_OF_BEFORE
from tests.incidents.test_sections import order
from tests.incidents.test_views import text_of
from tests.incidents.world import DAY, LIN, World, money

AMOUNT, CAUSE, ANSWER = ("3.2.1.s2", "answer"), ("3.2.2.s1", "differ"), ("3.2.3.s1", "answer")


def differ(world: World, *deltas: int) -> None:
    """The check finds FG-0, FG-1 … with these differences; what agrees is settled by it."""
    world.now = max(world.now, DAY)

    def side(amounts: list[int]) -> dict[str, Any]:
        return {"orders": len(amounts), "amount": money(sum(map(abs, amounts))).as_json()}

    def case(number: int, delta: int) -> CaseFound:
        facts = {
            "delta": money(delta).as_json(),
            "paid": money(100 + delta).as_json(),
            "total": money(100).as_json(),
            "why": "too_much" if delta > 0 else "too_little",
            "payment_id": f"p{number}",
        }
        key = f"FG-{number}"
        return CaseFound("order", key, amount=money(abs(delta)), customer_key=key, facts=facts)

    found = {n: delta for n, delta in enumerate(deltas) if delta}
    finding = Finding(
        "orders:amount",
        "payment_amount_mismatch",
        facts={
            "orders": len(found),
            "over": side([one for one in found.values() if one > 0]),
            "under": side([one for one in found.values() if one < 0]),
        },
        cases=tuple(case(n, delta) for n, delta in found.items()),
    )
    settled = tuple(CaseFound("order", f"FG-{n}") for n, delta in enumerate(deltas) if not delta)
    world.check(
        CheckResult(
            "amount-mismatch",
            world.now,
            findings=(finding,) if found else (),
            healthy_subjects=() if found else ("orders:amount",),
            settled={"orders:amount": settled} if settled else {},
            open_after=1,
        )
    )


def ids(world: World, *numbers: int) -> list[str]:
    rows = {row.key: str(row.id) for row in world.all(Case)}
    return [rows[f"FG-{number}"] for number in numbers]


def say(world: World, at: tuple[str, str], *numbers: int, **values: Any) -> Any:
    given = {**values, "cases": ids(world, *numbers)} if numbers else values
    outcome = world.press(LIN, *at, values=given)
    assert outcome.ok, outcome
    return outcome


@pytest.fixture
def compared(world: World) -> World:
    differ(world, 10, 20, -30)
    assert world.press(LIN, "3.2.1.s1", "read").ok
    world.run_actions()
    return world


def form(world: World, at: tuple[str, str]) -> FormView:
    found = world.read(lambda s: asked(s, world.house, Target(1, 1, *at), world.now))
    assert found is not None
    assert found.view is not None
    return found.view


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_form_asks_for_which_orders_it_holds(compared: World, language: str) -> None:
    view = form(compared, AMOUNT)
    drawn = Templates().render("form", view, language=language).view
    assert drawn is not None
    groups = [block for block in drawn["blocks"] if block["block_id"].startswith("cases.")]
    [options] = [block["element"]["options"] for block in groups]
    assert [one["text"]["text"] for one in options] == [
        "FG-0 · NT$10", "FG-1 · NT$20", "FG-2 · NT$30",
    ]  # fmt: skip
    state = {"cases.0": {"value": {"type": "checkboxes", "selected_options": options[1:]}}}
    assert sent.everything(state) == {"cases": ids(compared, 1, 2)}


def test_nobody_answers_for_all_by_choosing_none(compared: World) -> None:
    refused = compared.press(LIN, *AMOUNT, values={"order_amount": "right"})
    assert (refused.code, refused.params["field_id"]) == ("choose_cases", "cases.0")
    refused = compared.press(LIN, *AMOUNT, values={"order_amount": "right", "cases": []})
    assert refused.code == "choose_cases"


def test_each_order_has_its_own_answers_and_what_follows(compared: World) -> None:
    world = compared
    say(world, AMOUNT, 0, 2, order_amount="right")
    assert world.step(AMOUNT[0]).state == "pending"
    assert "Say of 1 order whether" in card(world)
    say(world, AMOUNT, order_amount="wrong", cases=ids(world, 1))
    assert world.step(AMOUNT[0]).state == "done"
    say(world, CAUSE, 0, cause="double_payment")
    say(world, CAUSE, 1, cause="coupon")
    say(world, CAUSE, 2, cause="coupon")
    assert world.step(CAUSE[0]).state == "done"
    say(world, ANSWER, 0, 1, 2, confirmed="as_recorded", how="phone")
    answers = {row.key: row.facts["answers"] for row in world.all(Case)}
    assert [answers[f"FG-{n}"]["order_amount"] for n in range(3)] == ["right", "wrong", "right"]
    assert [answers[f"FG-{n}"]["cause"] for n in range(3)] == ["double_payment", "coupon", "coupon"]
    said = card(world)
    assert "*Looks like* 3 of 3 explained: coupon or discount (2), paid twice (1)." in said
    # What is done to an order follows from its own answer: the wrong order is corrected.
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    world.run_actions()
    assert reached(world, "refund_difference") == ["FG-0"]
    assert world.press(LIN, "3.2.3.s2", "collect").ok
    world.run_actions()
    assert reached(world, "collect_difference") == ["FG-2"]
    assert world.press(LIN, "3.2.4.s1", "correct").ok
    world.run_actions()
    assert reached(world, "update_order_status") == ["FG-1"]


def test_an_order_that_agrees_by_itself_is_not_waited_for(compared: World) -> None:
    world = compared
    say(world, AMOUNT, 0, 1, order_amount="right")
    differ(world, 10, 20, 0)
    step = world.step(AMOUNT[0])
    assert (step.state, step.actor) == ("done", LIN)
    assert world.press(LIN, *AMOUNT, values={"order_amount": "right"}).code == "already_done"


def test_an_order_that_comes_later_is_asked_of_and_holds_nobody_else_back(compared: World) -> None:
    """It would be refunded on the others' answers; and they would wait for its own."""
    world = compared
    through(world)
    differ(world, 10, 20, -30, 40)
    assert world.step(AMOUNT[0]).state == "pending"
    assert "Say of 1 order whether" in card(world)
    assert "3 of 4 answered. Still open: FG-3" in runbook(world)
    assert "已填寫 3／4 筆，尚缺：FG-3" in runbook(world, "zh-Hant")
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    assert reached(world, "refund_difference") == ["FG-0", "FG-1"]
    world.run_actions()
    say(world, AMOUNT, order_amount="right")
    say(world, CAUSE, cause="other")
    assert world.press(LIN, "3.2.3.s2", "refund").code in ("nothing_to_do", "not_offered")
    say(world, ANSWER, confirmed="as_recorded", how="phone")
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    assert reached(world, "refund_difference") == ["FG-0", "FG-1", "FG-3"]


def test_an_order_that_differs_again_is_asked_of_again(compared: World) -> None:
    world = compared
    through(world)
    differ(world, 0, 0, 0)
    differ(world, 0, 0, 0)
    world.advance(130)
    differ(world, 50, 0, 0)
    assert world.step(AMOUNT[0]).state == "pending"
    answers = {row.key: row.facts.get("answers") for row in world.all(Case)}
    assert answers["FG-0"] is None
    assert answers["FG-1"] is not None


def test_every_count_and_list_is_by_order(compared: World) -> None:
    world = compared
    say(world, AMOUNT, 0, 1, 2, order_amount="right")
    say(world, CAUSE, 0, cause="double_payment")
    say(world, CAUSE, 2, cause="coupon")
    assert "2 of 3 explained: coupon or discount (1), paid twice (1)." in card(world)
    view = world.read(lambda s: read.cases_page(s, world.house, 1, world.now))
    english = str(Templates().render("cases", view, language="en").view)
    chinese = str(Templates().render("cases", view, language="zh-Hant").view)
    assert "Cause: Paid twice" in english
    assert "原因：重複付款" in chinese
    say(world, CAUSE, cause="other")
    found = world.read(lambda s: read.review(s, world.house, 1, world.now))
    for language, summary, row in (
        (
            "en",
            "3 of 3 explained: 1 coupon or discount, 1 paid twice, 1 another cause",
            "Cause: Paid twice",
        ),
        ("zh-Hant", "3 筆中已查明 3 筆", "原因：重複付款"),
    ):
        written = review_markdown(Templates(), found, language=language)
        assert summary in written
        assert row in written


@pytest.mark.parametrize("amounts", [(10,), (10, -30)])
def test_an_incident_of_an_older_plan_goes_on_as_it_began(
    world: World, amounts: tuple[int, ...]
) -> None:
    """Its forms hold for the step, and its words read them there."""
    plan = restore_plan(lzma.decompress(PLAN_OF_BEFORE.read_bytes()).decode())
    now = world.house
    world.house = replace(
        now,
        loaded=replace(
            now.loaded, plan=plan, hash="older", content=plan.model_dump_json(by_alias=True)
        ),
    )
    differ(world, *amounts)
    world.house = now
    assert world.press(LIN, "3.2.1.s1", "read").ok
    world.run_actions(query_payment_record=lambda a: order(100, 100 + amounts[a.case_id - 1]))
    assert form(world, AMOUNT).cases == ()
    say(world, AMOUNT, order_amount="right")
    say(world, CAUSE, cause="coupon")
    assert world.step(CAUSE[0]).state == "done"
    assert "Coupon or discount, entered by" in card(world)
    differ(world, *amounts, 40)
    assert world.step(AMOUNT[0]).state == "done"


def test_one_order_alone_is_not_chosen(world: World) -> None:
    differ(world, 10)
    assert world.press(LIN, "3.2.1.s1", "read").ok
    world.run_actions()
    assert form(world, AMOUNT).cases == ()
    say(world, AMOUNT, order_amount="wrong")
    assert world.step(AMOUNT[0]).state == "done"
    assert world.all(Case)[0].facts["answers"] == {"order_amount": "wrong"}


def through(world: World) -> None:
    """Everything is asked and answered, up to the refund."""
    say(world, AMOUNT, 0, 1, 2, order_amount="right")
    say(world, CAUSE, 0, 1, 2, cause="coupon")
    say(world, ANSWER, 0, 1, 2, confirmed="as_recorded", how="phone")


def runbook(world: World, language: str = "en") -> str:
    view = world.read(lambda s: read.runbook(s, world.house, 1, world.now))
    return text_of(Templates().render("runbook", view, language=language))


def reached(world: World, action: str) -> list[str]:
    rows = {str(row.id): row.key for row in world.all(Case)}
    found = world.all(ActionAttempt, ActionAttempt.action == action)
    return sorted(rows[str(one)] for attempt in found for one in attempt.covers)


def card(world: World) -> str:
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    return text_of(Templates().render("card", view, language="en"))
