"""Approval: what asks for a second person, what they are shown, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from checks.model import CaseFound, CheckResult, Finding
from incidents import case_totals, read
from incidents.change import Change
from incidents.lifecycle import declaring
from incidents.lifecycle.declaring import Declaration
from incidents.outcome import Outcome
from incidents.shop_actions import approvals
from incidents.shop_actions.requests import Wish, request_action
from message_templates.engine import Templates
from storage.models import (
    ActionAttempt,
    Approval,
    ApprovalState,
    AttemptState,
    Case,
    Incident,
    StepState,
)
from storage.money import Money
from tests.incidents.world import ALL, DAY, JO, KAI, LIN, MEI, SAM, World, money
from tests.message_templates.shown import lines


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World.create(tmp_path)
    found.now = DAY
    yield found
    found.close()


def overpaid(
    world: World,
    amounts: Mapping[str, Money],
    *,
    subject: str = "orders:amount",
    customer: str = "",
) -> None:
    """Orders that were paid too much; each of a customer of its own."""
    cases = tuple(
        CaseFound(
            "order",
            key,
            amount=over,
            customer_key=f"c-{key}",
            facts={
                "total": Money(10_000, over.currency).as_json(),
                "paid": Money(over.minor + 10_000, over.currency).as_json(),
                "delta": over.as_json(),
            },
        )
        for key, over in amounts.items()
    )
    facts = {"orders": len(cases), "over": {"orders": len(cases)}}
    finding = Finding(subject, "payment_amount_mismatch", facts, cases)
    result = CheckResult("amounts", world.now, findings=(finding,), open_after=1)
    assert world.check(result).opened


def ready(world: World, number: int = 1) -> None:
    """3.2 is worked through up to the refund."""
    for step, button, values in (
        ("3.2.1.s1", "read", None),
        ("3.2.1.s2", "answer", {"cases": ALL, "order_amount": "right"}),
        ("3.2.2.s1", "differ", {"cases": ALL, "cause": "coupon"}),
        ("3.2.3.s1", "answer", {"cases": ALL, "confirmed": "as_recorded", "how": "phone"}),
    ):
        assert world.press(LIN, step, button, values=values, number=number).ok
        world.run_actions(query_payment_record=lambda a: as_found(world, a))


def as_found(world: World, attempt: ActionAttempt) -> dict[str, Any]:
    """The order as the shop shows it: as the check found it."""
    [case] = world.all(Case, Case.id == attempt.case_id)
    total, paid = case.facts["total"], case.facts["paid"]
    captured = {"status": "captured", "amount_minor": paid["minor"], "currency": paid["currency"]}
    return {
        "status": "paid",
        "total_minor": total["minor"],
        "currency": paid["currency"],
        "payments": [captured],
        "refunds": [],
    }


def refund(world: World, who: str = LIN, number: int = 1) -> Outcome:
    return world.press(who, "3.2.3.s2", "refund", number=number)


def requests(world: World) -> list[Approval]:
    return world.all(Approval)


def decide(world: World, who: str, *, grant: bool = True, drawn: int | None = None) -> Outcome:
    request = requests(world)[-1]
    return world.write(
        lambda s: approvals.decide(
            s,
            world.house,
            request.id,
            world.actor(who),
            world.now,
            grant=grant,
            drawn=request.round if drawn is None else drawn,
        )
    )


def sent(world: World) -> list[ActionAttempt]:
    return [one for one in world.pending_attempts() if one.action == "refund_difference"]


def seen(world: World, language: str = "en", number: int = 1) -> str:
    """The newest request as its approver reads it."""
    request = requests(world)[-1]
    card, params = world.read(
        lambda s: read.notice(
            s, world.house, number, {"event": "approval", "approval": request.id}, world.now
        )
    )
    return lines(Templates().render("approval", card, language=language, params=params))


def why(world: World) -> list[str]:
    return [reason["kind"] for reason in requests(world)[-1].shown["reasons"]]


# --- what asks


def test_the_sum_of_a_press_asks_once_for_all_of_it(world: World) -> None:
    """Twenty refunds of NT$9,000 on one press, with a limit of NT$10,000 each."""
    overpaid(world, {f"FG-{n}": money(9000) for n in range(20)})
    ready(world)
    assert refund(world).code == "approval_needed"
    assert sent(world) == []
    [request] = requests(world)
    assert why(world) == ["press"]
    assert request.shown["sums"] == [money(180_000).as_json()]
    asked = [one for one in world.messages("direct") if one.payload["template"] == "approval"]
    assert [one.payload["person"] for one in asked] == [KAI]
    assert decide(world, KAI).code == "approved"
    assert len(sent(world)) == 20
    assert {one.approved_by for one in sent(world)} == {KAI}


def test_the_facts_are_read_once_for_all_attempts_of_a_press(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    overpaid(world, {f"FG-{n}": money(9000) for n in range(8)})
    ready(world)
    assert refund(world).code == "approval_needed"
    looked: list[int] = []
    meant = case_totals.meant

    def counted(action: Any, cases: Any, scope: Any) -> Any:
        looked.append(len(cases))
        return meant(action, cases, scope)

    monkeypatch.setattr(case_totals, "meant", counted)
    assert decide(world, KAI).code == "approved"
    assert len(sent(world)) == 8
    assert len(looked) < 8, "once per attempt is quadratic"


def test_below_every_limit_nobody_is_asked(world: World) -> None:
    overpaid(world, {"FG-1": money(5000), "FG-2": money(5000)})
    ready(world)
    assert refund(world).code == "requested"
    assert len(sent(world)) == 2
    assert requests(world) == []


def complaint(world: World, order: str, customer: str = "c7") -> int:
    report = Declaration(
        "complaint",
        {"channel": "phone", "reason": "goods", "text": "It has a crack"},
        world.actor(LIN),
        source="complaint",
        case=CaseFound("order", order, customer_key=customer),
    )
    number = world.write(lambda s: declaring.declare(s, world.house, report, world.now)).number
    assert number is not None
    assert world.press(
        LIN, "7.2.s2", "classify", values={"category": "goods", "sub_reason": "flaw"}, number=number
    ).ok
    return number


def give_back(world: World, number: int, major: int, who: str = LIN) -> Outcome:
    """A refund of a complaint, carried out at once where nobody has to approve it."""
    step = "7.2.s3" if world.step("7.2.s3", number).state == StepState.PENDING else "7.2.s6"
    values = {"amount": str(major), "reason": "goods"}
    outcome = world.press(who, step, "refund", values=values, number=number)
    world.run_actions(refund=lambda _: {"id": "re_1"})
    return outcome


def solve(world: World, number: int) -> None:
    """The complaint's own steps between the first refund and the next."""
    assert world.press(
        LIN,
        "7.2.s4",
        "finding",
        values={"cause": "goods_quality", "findings": "Fired too hot"},
        number=number,
    ).ok
    assert world.press(
        LIN, "7.2.s5", "solution", values={"solution": "Money back", "cost": "2000"}, number=number
    ).ok


def test_refunds_of_one_order_are_summed_up_within_a_day(world: World) -> None:
    number = complaint(world, "FG-1")
    assert give_back(world, number, 6000).code == "requested"
    solve(world, number)
    assert give_back(world, number, 3000).code == "requested"
    assert give_back(world, number, 1500).code == "approval_needed"
    assert set(why(world)) >= {"order", "customer", "incident"}
    assert requests(world)[0].shown["reasons"][0]["amount"] == money(10_500).as_json()


def test_an_order_is_the_same_in_another_incident_however_it_is_written(world: World) -> None:
    first, second = complaint(world, "FG-1", "c1"), complaint(world, "#fg-1", "c2")
    assert give_back(world, first, 6000).code == "requested"
    assert give_back(world, second, 6000).code == "approval_needed"
    assert why(world) == ["order"]


def test_a_customer_is_the_same_in_another_incident(world: World) -> None:
    first, second = complaint(world, "FG-1"), complaint(world, "FG-2")
    assert give_back(world, first, 6000).code == "requested"
    assert give_back(world, second, 6000).code == "approval_needed"
    assert why(world) == ["customer"]


def test_what_was_approved_and_what_failed_do_not_count_again(world: World) -> None:
    number = complaint(world, "FG-1")
    assert give_back(world, number, 12_000).code == "approval_needed"
    assert decide(world, KAI).code == "approved"
    for attempt in world.pending_attempts():
        world.settle(attempt, response={"id": "re"}, after={})
    solve(world, number)
    values = {"amount": "9000", "reason": "goods"}
    assert world.press(LIN, "7.2.s6", "refund", values=values, number=number).code == "requested"
    for attempt in world.pending_attempts():
        world.settle(attempt, AttemptState.FAILED, problem="refused")
    assert give_back(world, number, 9000).code == "requested"


def test_after_a_day_it_does_not_count_any_more(world: World) -> None:
    number = complaint(world, "FG-1")
    assert give_back(world, number, 9000).code == "requested"
    solve(world, number)
    world.now += timedelta(hours=23, minutes=59)
    assert give_back(world, number, 9000).code == "approval_needed"
    assert decide(world, KAI, grant=False).ok
    world.now += timedelta(minutes=2)
    assert give_back(world, number, 9000).code == "requested"


def test_a_person_has_a_limit_of_the_day(world: World) -> None:
    """Five times the single one: the sixth customer of the day asks."""
    numbers = [complaint(world, f"FG-{n}", f"c{n}") for n in range(6)]
    codes = [give_back(world, number, 10_000).code for number in numbers]
    assert codes == ["requested"] * 5 + ["approval_needed"]
    assert why(world) == ["day"]


def test_vouchers_are_summed_up_against_their_own_limit(world: World) -> None:
    """Six vouchers of NT$2,999 went out at a limit of NT$3,000."""
    number = complaint(world, "FG-1")
    assert give_back(world, number, 100).ok
    solve(world, number)
    values = {"kind": "voucher", "amount": "2999", "reason": "An apology"}

    def voucher() -> str:
        outcome = world.press(LIN, "7.2.s6", "compensate", values=values, number=number)
        world.run_actions(compensate_customer=lambda _: {"id": "v"})
        return outcome.code

    assert [voucher(), voucher()] == ["requested", "approval_needed"]
    assert "Reason: An apology" in seen(world, number=number)


def test_an_amount_in_another_currency_always_asks(world: World) -> None:
    overpaid(world, {"FG-1": Money(100, "USD")})
    ready(world)
    assert refund(world).code == "approval_needed"
    assert why(world) == ["currency"]


def test_a_limit_that_is_not_configured_asks(world: World) -> None:
    world.house = type(world.house)(**{**world.house.__dict__, "limits": {}})
    overpaid(world, {"FG-1": money(1)})
    ready(world)
    assert refund(world).code == "approval_needed"
    assert why(world) == ["limit"]
    assert "“refund” is not configured" in seen(world)


def test_more_cases_than_the_cap_ask(world: World) -> None:
    overpaid(world, {f"FG-{n}": money(1) for n in range(51)})
    ready(world)
    assert refund(world).code == "approval_needed"
    assert why(world) == ["cases"]


def test_nobody_but_the_asker_may_approve_so_nothing_is_written(world: World) -> None:
    roles = {**world.house.roles, "approver": type(world.house.roles["cs"])(None, (LIN,))}
    roles.pop("managers")
    world.house = type(world.house)(**{**world.house.__dict__, "roles": roles})
    overpaid(world, {"FG-1": money(20_000)})
    ready(world)
    before = len(world.all(ActionAttempt))
    assert refund(world).code == "approval_nobody"
    assert len(world.all(ActionAttempt)) == before


# --- who decides, and on what


def waiting(world: World, major: int = 20_000) -> None:
    overpaid(world, {"FG-1": money(major)})
    ready(world)
    assert refund(world).code == "approval_needed"


def test_only_an_approver_decides_and_never_who_asked(world: World) -> None:
    waiting(world)
    assert decide(world, SAM).code == "no_right"
    assert decide(world, LIN).code == "no_right"
    roles = {**world.house.roles, "managers": type(world.house.roles["cs"])(None, (LIN, JO))}
    world.house = type(world.house)(**{**world.house.__dict__, "roles": roles})
    assert decide(world, LIN).code == "approval_self"
    assert decide(world, JO).code == "approved"
    gone = decide(world, KAI)
    assert (gone.code, gone.params["actor"].name) == ("approval_gone", "Jo")
    assert world.broken() is None


def test_the_approver_sees_what_is_asked_in_both_languages(world: World) -> None:
    overpaid(world, {f"FG-{n}": money(9000) for n in range(3)})
    ready(world)
    assert refund(world).code == "approval_needed"
    english, chinese = seen(world), seen(world, "zh-Hant")
    for part in ("INC-1: Lin asks for your approval", "NT$27,000 for 3 orders", "FG-2 NT$9,000"):
        assert part in english
    assert "NT$27,000 in one press; the limit is NT$10,000" in english
    assert "The incident began " in english
    assert "wait since" not in english
    assert "Then Jo is asked" in english
    assert "事件始於 " in chinese
    assert "起等待" not in chinese
    for part in ("Lin 請您核准", "共 3 筆", "本次合計 NT$27,000，限額 NT$10,000"):
        assert part in chinese


def test_what_waits_says_for_whom_and_that_nothing_runs(world: World) -> None:
    waiting(world)
    found = world.incident()
    card = world.read(lambda s: read.card(s, world.house, found.id, world.now))
    book = world.read(lambda s: read.runbook(s, world.house, found.id, world.now, None))
    for language, on_card, in_book in (
        (
            "en",
            "waits for approval by Kai, asked by Lin",
            "waits for approval by Kai, asked by Lin",
        ),
        ("zh-Hant", "待 Kai 核准，Lin", "待 Kai 核准，Lin"),
    ):
        assert on_card in lines(Templates().render("card", card, language=language))
        said = lines(Templates().render("runbook", book, language=language))
        assert in_book in said
        assert "running" not in said
        assert "執行中" not in said


def test_the_approver_sees_why_also_where_no_form_asked_it(world: World) -> None:
    waiting(world)
    assert "Looks like: " in seen(world)
    assert "線索：" in seen(world, "zh-Hant")


def test_asked_of_one_then_of_the_deputy_then_the_asker_is_told(world: World) -> None:
    waiting(world)
    assert requests(world)[0].told == [KAI]
    world.advance(61 * 60)
    assert requests(world)[0].told == [KAI, JO]
    assert requests(world)[0].state == ApprovalState.WAITING
    world.advance(61 * 60)
    assert requests(world)[0].state == ApprovalState.EXPIRED
    told = [one for one in world.messages("direct") if one.payload["person"] == LIN]
    assert told[-1].payload["params"]["why"] == "approval_expired"
    assert sent(world) == []
    assert world.step("3.2.3.s2").state == StepState.PENDING
    assert "Approve" not in seen(world)
    assert decide(world, KAI).code == "approval_gone"


def test_it_goes_on_after_ten_minutes_where_it_is_urgent(world: World) -> None:
    overpaid(world, {"FG-1": money(20_000)})
    ready(world)
    world.write(lambda s: s.execute(update(Incident).values(severity=2)))
    assert refund(world).code == "approval_needed"
    world.advance(10 * 60)
    assert requests(world)[0].told == [KAI, JO]


def test_every_copy_turns_and_the_thread_names_both(world: World) -> None:
    waiting(world)
    world.advance(61 * 60)
    assert decide(world, JO).code == "approved"
    copies = {
        item.payload["message"]
        for item in world.messages("refresh")
        if item.payload["template"] == "approval"
    }
    assert copies == {f"INC-1/dm/{who}/approval/1" for who in (KAI, JO)}
    assert "Approve" not in seen(world)
    assert "Jo approved it" in seen(world)
    [line] = [one for one in world.entries() if one.kind == "approved"]
    drawn = world.read(lambda s: read.log_entry(s, world.house, 1, line.sequence, world.now))
    said = lines(Templates().render("log", drawn, language="en"))
    assert "Jo approved what Lin asked for: Refund the difference, NT$20,000" in said
    told = [one for one in world.messages("direct") if one.payload["person"] == LIN]
    assert told[-1].payload["params"]["why"] == "approved"
    world.run_actions(refund_difference=lambda _: {"id": "re"}, notify_customer=lambda _: {})
    assert "Done" in seen(world)


@pytest.mark.parametrize("change", ["amount", "settled", "severity"])
def test_after_a_change_it_is_asked_anew_with_the_new_facts(world: World, change: str) -> None:
    overpaid(world, {"FG-1": money(20_000), "FG-2": money(15_000)})
    ready(world)
    assert refund(world).code == "approval_needed"

    def changed(session: Any) -> None:
        case = session.query(Case).filter(Case.key == "FG-1").one()
        if change == "amount":
            case.facts = {**case.facts, "delta": money(30_000).as_json()}
        elif change == "settled":
            case.state = "settled"
        else:
            session.execute(update(Incident).values(severity=2))

    world.write(changed)
    assert decide(world, KAI).code == "approval_changed"
    assert sent(world) == []
    assert "changed since it was asked first" in seen(world)
    assert decide(world, KAI, drawn=1).code == "approval_changed"
    assert decide(world, KAI).code == "approved"
    amounts = {"amount": [30_000, 15_000], "settled": [15_000], "severity": [20_000, 15_000]}
    found = [Money.from_json(one.params["amount"]) for one in sent(world)]
    assert found == [money(major) for major in amounts[change]]


def test_asked_anew_it_keeps_what_its_press_was_to_fill_in(world: World) -> None:
    """The second action of a chain, an answer of a question: not the step's button says it."""
    overpaid(world, {"FG-1": money(20_000)})
    ready(world)

    def asked(session: Session) -> None:
        incident = session.scalars(select(Incident)).one()
        change = Change(session, world.house, incident, world.actor(LIN), world.now)
        place = change.place("3.2.3.s2")
        action = change.plan.actions["refund_difference"]
        wish = Wish(action, place, "refund", {"reason": "{{ case.key }} by agreement"})
        assert not isinstance(request_action(change, wish), Outcome)

    world.write(asked)
    for major in (30_000, 40_000):
        delta = money(major).as_json()
        world.write(lambda s, d=delta: _delta(s, d))  # type: ignore[misc]
        assert decide(world, KAI).code == "approval_changed"
    assert decide(world, KAI).code == "approved"
    [attempt] = sent(world)
    assert Money.from_json(attempt.params["amount"]) == money(40_000)
    assert attempt.params["reason"] == "FG-1 by agreement"


def _delta(session: Session, delta: dict[str, Any]) -> None:
    case = session.scalars(select(Case)).one()
    case.facts = {**case.facts, "delta": delta}


def test_what_can_no_longer_be_done_is_withdrawn(world: World) -> None:
    waiting(world)
    world.write(lambda s: s.execute(update(Case).values(state="settled")))
    assert decide(world, KAI).code == "approval_void"
    assert requests(world)[0].state == ApprovalState.WITHDRAWN
    assert sent(world) == []
    assert world.step("3.2.3.s2").state == StepState.PENDING


def test_what_follows_an_approved_press_needs_no_second_approval(world: World) -> None:
    """The confirmation spoke of both: the refund, and telling the customers."""
    overpaid(world, {f"FG-{n}": money(1) for n in range(51)})
    ready(world)
    assert refund(world).code == "approval_needed"
    assert decide(world, KAI).code == "approved"
    world.run_actions(refund_difference=lambda _: {"id": "re"}, notify_customer=lambda _: {})
    told = [one for one in world.all(ActionAttempt) if one.action == "notify_customer"]
    assert {str(one.state) for one in told} == {"done"}
    assert len(requests(world)) == 1


def test_the_release_before_asked_for_one_attempt_alone(world: World) -> None:
    """Its button decides nothing by itself: the press is asked for as a whole, once."""
    overpaid(world, {"FG-1": money(20_000), "FG-2": money(20_000)})
    ready(world)
    assert refund(world).code == "approval_needed"
    attempt = next(o for o in world.all(ActionAttempt) if o.state == "awaiting_approval")
    world.write(lambda s: s.query(Approval).delete())

    def old(who: str) -> str:
        return world.write(
            lambda s: approvals.decide(
                s, world.house, attempt.id, world.actor(who), world.now, grant=True, drawn=0
            )
        ).code

    assert [old(KAI), old(KAI)] == ["approval_changed", "approval_changed"]
    assert decide(world, KAI).code == "approved"
    assert len(sent(world)) == 2


def test_mei_hears_nothing_of_it(world: World) -> None:
    waiting(world)
    assert [one for one in world.messages("direct") if one.payload["person"] == MEI] == []


@pytest.mark.parametrize("grants", [True, False])
def test_a_decided_cost_above_the_limit_waits_and_its_author_cannot_approve(
    world: World, grants: bool
) -> None:
    """7.2 step 5: the step is done when a second person has agreed; what was written is kept."""
    number = complaint(world, "FG-1")
    assert give_back(world, number, 100).ok
    finding = {"cause": "goods_quality", "findings": "Fired too hot"}
    assert world.press(LIN, "7.2.s4", "finding", values=finding, number=number).ok
    values = {"solution": "A voucher and a new mug", "cost": "5000"}
    outcome = world.press(LIN, "7.2.s5", "solution", values=values, number=number)
    assert outcome.code == "approval_needed"
    assert why(world) == ["one"]
    assert "Decided for the customer: NT$5,000" in seen(world, number=number)
    assert "The customer waits since " in seen(world, number=number)  # a complaint came in then
    assert decide(world, LIN).code == "no_right"
    assert decide(world, KAI, grant=grants).ok
    step = world.step("7.2.s5", number)
    assert step.state == (StepState.DONE if grants else StepState.PENDING)
    assert step.fields["values"]["solution"] == "A voucher and a new mug"


def test_a_decided_cost_below_the_limit_needs_nobody(world: World) -> None:
    number = complaint(world, "FG-1")
    assert give_back(world, number, 100).ok
    solve(world, number)
    assert world.step("7.2.s5", number).state == StepState.DONE
    assert requests(world) == []
