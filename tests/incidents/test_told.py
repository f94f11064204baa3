"""An order is told once: per kind of message, whichever incident asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from incidents.change import Change
from incidents.shop_actions import requests, spending
from incidents.shop_actions import told_orders as told
from incidents.shop_actions.action_attempts import AttemptBook
from storage.models import ActionAttempt, AttemptState, Incident, ToldOrder
from tests.incidents.world import DAY, LIN, MEI, World, case_rows, orders

SWITCH, TELL = "3.3.1.s2", "3.3.4.s1"


def link(attempt: ActionAttempt) -> dict[str, Any]:
    return {"id": f"PL-{attempt.params['order']}", "url": f"https://pay/{attempt.params['order']}"}


def failing(world: World, count: int = 4) -> None:
    """An incident with orders, switched to the standby."""
    world.now = DAY
    world.channel_fails(3, cases=orders(count, unknown=0, customers=count - 1))
    world.press(MEI, SWITCH, "switch")
    world.run_actions()


def again(world: World, count: int = 4) -> int:
    """The first incident ends; the channel fails anew, with the same orders and some more."""
    world.channel_healthy(3)
    assert world.resolve(MEI).ok
    world.advance(3600)
    taken = world.channel_fails(3, cases=orders(count, unknown=0, customers=count - 1))
    [number] = taken.opened
    world.press(MEI, SWITCH, "switch", number=number)
    world.run_actions()
    return number


def sent(world: World, action: str) -> list[ActionAttempt]:
    return world.all(ActionAttempt, ActionAttempt.action == action)


def test_a_second_incident_tells_nobody_twice(world: World) -> None:
    failing(world)
    assert world.press(LIN, TELL, "tell").ok
    world.run_actions(request_repayment=link)
    assert len(sent(world, "request_repayment")) == 4
    assert len(sent(world, "notify_customer")) == 3  # one customer has two orders

    number = again(world, count=6)
    assert world.press(LIN, TELL, "tell", number=number).ok
    world.run_actions(request_repayment=link)
    # The two new orders alone; who has two orders and was told of one hears of the other only.
    assert len(sent(world, "request_repayment")) == 6
    texts = [one.params["text"] for one in sent(world, "notify_customer")]
    for key in (f"FG-{10400 + n}" for n in range(6)):
        assert sum(key in text for text in texts) == 1


def test_a_second_incident_takes_over_who_was_told(world: World) -> None:
    failing(world)
    world.press(LIN, TELL, "tell")
    world.run_actions(request_repayment=link)
    number = again(world)
    rows = case_rows(world, number)
    assert [row.facts.get("told") for row in rows] == [True] * 4
    assert [row.facts.get("link_url") for row in rows] == [
        f"https://pay/{one.params['order']}" for one in sent(world, "request_repayment")
    ]
    assert {row.state for row in rows} == {"waiting"}
    assert not world.press(LIN, TELL, "tell", number=number).ok


def test_a_message_that_did_not_go_out_may_go_out_again(world: World) -> None:
    failing(world)
    world.press(LIN, TELL, "tell")
    for attempt in world.pending_attempts():
        world.settle(attempt, response=link(attempt))
    for attempt in world.pending_attempts():
        assert attempt.action == "notify_customer"
        world.settle(attempt, AttemptState.FAILED, problem="refused")
    assert {one.kind for one in world.all(ToldOrder)} == {"pay_link"}
    assert world.press(LIN, TELL, "tell_rest").ok
    world.run_actions()
    assert {one.kind for one in world.all(ToldOrder)} == {"pay_link", "payment_failed"}
    assert {one.state for one in world.all(ToldOrder)} == {"told"}


def test_a_message_without_an_answer_is_not_sent_again(world: World) -> None:
    failing(world)
    world.press(LIN, TELL, "tell")
    for attempt in world.pending_attempts():
        world.settle(attempt, response=link(attempt))
    for attempt in world.pending_attempts():
        world.settle(attempt, AttemptState.UNKNOWN, problem="person_decides")
    told = {one.order_key: one.state for one in world.all(ToldOrder) if one.kind != "pay_link"}
    assert set(told.values()) == {"unknown"}
    number = 1
    assert not world.press(LIN, TELL, "tell_rest", number=number).ok
    assert len(sent(world, "notify_customer")) == 3


def test_the_chain_reaches_the_cases_of_its_own_press(world: World) -> None:
    """Who pressed was shown four orders; one whose message failed before is another press's."""
    failing(world)
    world.press(LIN, TELL, "tell")
    for attempt in world.pending_attempts():
        world.settle(attempt, response=link(attempt))
    for attempt in world.pending_attempts():
        world.settle(attempt, AttemptState.FAILED, problem="refused")
    before = len(sent(world, "notify_customer"))
    world.channel_fails(1, cases=orders(6, unknown=0, customers=6))
    world.press(LIN, TELL, "tell")
    world.run_actions(request_repayment=link)
    later = sent(world, "notify_customer")[before:]
    texts = "\n".join(one.params["text"] for one in later)
    assert "FG-10404" in texts
    assert "FG-10405" in texts
    assert "FG-10400" not in texts


@pytest.mark.parametrize("known", ["en", "zh-Hant", None])
def test_the_message_is_in_the_customers_language(world: World, known: str | None) -> None:
    failing(world, count=2)
    world.channel_fails(1, cases=_speaking(known))
    world.press(LIN, TELL, "tell")
    world.run_actions(request_repayment=link)
    [attempt] = [one for one in sent(world, "notify_customer") if "FG-1" in one.params["text"]][-1:]
    wanted = known or "zh-Hant"
    assert attempt.params["language"] == wanted
    assert ("did not go through" in attempt.params["text"]) is (wanted == "en")


def _speaking(language: str | None) -> tuple[Any, ...]:
    found = orders(1, unknown=0)
    facts = {k: v for k, v in found[0].facts.items() if k != "language"}
    if language:
        facts["language"] = language
    return tuple(replace(one, key="FG-1", customer_key="c-speaks", facts=facts) for one in found)


def test_the_message_is_written_from_a_look_at_the_order_just_before_it_goes(world: World) -> None:
    """Rule 15: who paid between the press and the sending is not asked to pay."""
    failing(world, count=2)
    world.press(LIN, TELL, "tell")
    for attempt in world.pending_attempts():
        world.settle(attempt, response=link(attempt))
    [attempt] = sent(world, "notify_customer")
    assert attempt.params["text"].count("由此付款") == 2
    owes: dict[str, Any] = {
        "status": "awaiting_payment",
        "total_minor": 200000,
        "currency": "TWD",
        "payments": [],
        "refunds": [],
    }
    paid = {**owes, "payments": [{"status": "captured", "amount_minor": 200000}]}
    seen = {"FG-10400": paid, "FG-10401": owes}
    params = world.write(lambda s: AttemptBook(world.house).word(s, attempt.id, seen))
    assert params["text"].count("由此付款") == 1
    assert "https://pay/FG-10400" not in params["text"]
    [kept] = sent(world, "notify_customer")
    assert kept.params["text"] == params["text"]


def test_a_waiting_without_facts_is_taken_over(world: World) -> None:
    """As an upgrade enters what earlier versions told: the state alone is known of it."""
    failing(world)
    world.press(LIN, TELL, "tell")
    world.run_actions(request_repayment=link)
    world.write(lambda s: s.execute(update(ToldOrder).values(facts={"state": "waiting"})))
    number = again(world)
    assert {row.state for row in case_rows(world, number)} == {"waiting"}


def test_claims_are_made_in_the_order_of_their_keys(world: World) -> None:
    """Two incidents with the same orders in another order do not wait for each other's rows."""
    world.now = DAY
    world.channel_fails(3, cases=tuple(reversed(orders(6, unknown=0, customers=6))))
    world.press(MEI, SWITCH, "switch")
    world.run_actions()
    assert world.press(LIN, TELL, "tell").ok
    claims = [one.order_key for one in world.all(ToldOrder)]  # as they were inserted
    assert len(claims) == 6
    assert claims == sorted(claims)


def test_spending_is_locked_before_an_order_is_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for the lock holds no claim that the one who has it waits for."""
    seen: list[str] = []
    monkeypatch.setattr(spending, "lock", lambda _: seen.append("lock"))
    claim = told.claim
    monkeypatch.setattr(told, "claim", lambda *given: (seen.append("claim"), claim(*given))[1])
    failing(world)
    seen.clear()

    def unit(session: Session) -> None:
        found = session.scalars(select(Incident)).one()
        change = Change(session, world.house, found, world.actor(LIN), world.now)
        kept = change.plan.actions["request_repayment"]
        action = kept.model_copy(update={"approval_above": "refund"})
        requests.request_action(change, requests.Wish(action))

    world.write(unit)
    assert seen == ["lock", "claim"]
