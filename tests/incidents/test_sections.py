"""The other sections as the domain lives them: 9.1 with its hard guard, 3.2, 2.2 and 7.2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from checks.model import CaseFound, CheckResult, Finding
from incidents import read
from incidents.lifecycle import commands, declaring
from incidents.lifecycle.declaring import Declaration
from incidents.outcome import Outcome
from incidents.runbooks import guards
from incidents.shop_actions.looks import GuardLook, GuardLooks
from message_templates.engine import Templates
from storage.models import ActionAttempt, Case, Incident, Status, StepState
from tests.incidents.world import ALL, DAY, JO, KAI, LIN, MEI, SAM, World, money


def looks(world: World, seen: Mapping[str, Any]) -> GuardLooks:
    """The fresh looks that the guards want, answered by the guard's name or by the case's key."""
    wanted = world.read(lambda s: guards.wanted_looks(s, world.house, 1, world.now))
    return GuardLooks(
        world.now,
        tuple(GuardLook(one.guard, one.case, seen.get(one.case or one.guard)) for one in wanted),
    )


def drawn(world: World) -> None:
    """Everything that stands in Slack at this moment can be drawn, in both languages."""
    templates = Templates()
    for language in ("en", "zh-Hant"):
        view = world.read(lambda s: read.card(s, world.house, 1, world.now))
        templates.render("card", view, language=language)
        templates.render(
            "runbook",
            world.read(lambda s: read.runbook(s, world.house, 1, world.now)),
            language=language,
        )
        for entry in world.entries():
            number = entry.sequence
            if entry.data.get("posted"):
                line = world.read(
                    lambda s, n=number: read.log_entry(s, world.house, 1, n, world.now)
                )
                templates.render("log", line, language=language)


# --- 9.1


def crash(world: World) -> None:
    finding = Finding(
        "service:storefront",
        "system_crash",
        facts={
            "service": "storefront",
            "failures": 3,
            "error": "refused",
            "standby": {"id": "standby", "ok": False},
        },
    )
    result = CheckResult("storefront-health", world.now, findings=(finding,), open_after=1)
    assert world.check(result).opened == (1,)


def test_a_crash_is_survived_and_its_data_verified(world: World) -> None:
    crash(world)
    assert world.press(MEI, "9.1.3.s2", "switch").code == "not_offered"
    assert world.press(
        MEI, "9.1.3.s3", "cause", values={"cause": "x", "certainty": "open"}
    ).code == ("order_rule")
    assert world.press(MEI, "9.1.3.s1", "tell").ok
    assert world.step("9.1.3.s1").state == StepState.DONE
    assert world.press(MEI, "9.1.3.s2", "start").ok
    world.run_actions()
    assert world.step("9.1.3.s2").state == StepState.PENDING
    assert world.incident().status == Status.ACKNOWLEDGED
    assert world.press(MEI, "9.1.3.s2", "switch").ok
    world.run_actions()
    for _ in range(14):
        world.advance(10)
        world.check(
            CheckResult(
                "storefront-health",
                world.now,
                healthy_subjects=("service:storefront",),
                recover_after=99,
            )
        )
    assert world.incident().status == Status.MITIGATED
    assert world.incident().facts["traffic"] == "standby"
    assert world.press(
        MEI, "9.1.3.s3", "cause", values={"cause": "A full disk", "certainty": "proven"}
    ).ok
    assert world.press(MEI, "9.1.3.s4", "restore").ok
    world.run_actions(
        verify_recovered_data=lambda _: {
            "ok": False,
            "missing": ["FG-1", "FG-2"],
            "orders_expected": 12,
            "orders_found": 10,
            "sum_expected_minor": 5,
            "sum_found_minor": 4,
        }
    )
    assert world.incident().facts["data"]["missing"] == ["FG-1", "FG-2"]
    drawn(world)
    refused = world.resolve(
        MEI,
        looks=looks(world, {"data_complete": {"ok": False}}),
        prevention="Watch the disks",
        owner=MEI,
    )
    assert (refused.ok, refused.code) == (False, "resolve_refused")
    assert world.incident().status == Status.MITIGATED
    assert world.press(MEI, "9.1.3.s4", "recover").ok
    found = {
        "ok": True,
        "missing": [],
        "orders_expected": 12,
        "orders_found": 12,
        "sum_expected_minor": 5,
        "sum_found_minor": 5,
    }
    world.run_actions(recover_lost_data=lambda _: found, verify_recovered_data=lambda _: found)
    assert world.press(MEI, "9.1.2.s3", "verify").ok
    world.run_actions(verify_recovered_data=lambda _: found)
    assert world.step("9.1.2.s3").state == StepState.DONE
    assert world.press(MEI, "9.1.3.s5", "check").ok
    world.run_actions(check_system_config=lambda _: {"ok": True, "parameters": []})
    assert world.step("9.1.3.s5").state == StepState.DONE
    needed = world.resolve(MEI, looks=looks(world, {"data_complete": {"ok": True}}))
    assert (needed.code, needed.params["field_id"]) == ("field_required", "prevention")
    stale = GuardLooks(
        world.now - timedelta(hours=1), looks(world, {"data_complete": {"ok": True}}).looks
    )
    assert world.resolve(MEI, looks=stale, prevention="Watch the disks").code == "resolve_refused"
    done = world.resolve(
        MEI,
        looks=looks(world, {"data_complete": {"ok": True}}),
        prevention="Watch the disks",
        owner=KAI,
    )
    assert done.ok, done
    assert world.step("9.1.3.s6").state == StepState.DONE
    drawn(world)
    assert world.broken() is None


# --- 3.2


def mismatch(world: World, *, under: bool = True) -> None:
    """One order paid too much, and one too little (else too much as well)."""
    world.now = DAY

    def case(key: str, paid: int, total: int) -> CaseFound:
        return CaseFound(
            "order",
            key,
            amount=money(abs(paid - total)),
            customer_key=key,
            facts={
                "order_id": key.lower(),
                "payment_id": f"pay_{key}",
                "paid": money(paid).as_json(),
                "total": money(total).as_json(),
                "delta": money(paid - total).as_json(),
            },
        )

    finding = Finding(
        "orders:amounts",
        "payment_amount_mismatch",
        facts={"orders": 2, "over": {"orders": 1}, "under": {"orders": 1}},
        cases=(case("FG-1", 110, 100), case("FG-2", 90 if under else 110, 100)),
    )
    assert world.check(
        CheckResult("amount-mismatch", world.now, findings=(finding,), open_after=1)
    ).opened == (1,)


def order(total: int, captured: int, refunded: int = 0) -> dict[str, Any]:
    return {
        "status": "paid",
        "total_minor": total * 100,
        "currency": "TWD",
        "payments": [{"status": "captured", "amount_minor": captured * 100}],
        "refunds": [{"status": "done", "amount_minor": refunded * 100}] if refunded else [],
    }


def test_resolving_a_mismatch_needs_a_fresh_look_at_every_order(world: World) -> None:
    mismatch(world)
    assert world.press(LIN, "3.2.1.s1", "read").ok
    world.run_actions(query_payment_record=lambda a: order(100, 110 if a.case_id == 1 else 90))
    assert world.press(LIN, "3.2.1.s2", "answer", values={"cases": ALL, "order_amount": "right"}).ok
    assert world.press(LIN, "3.2.2.s1", "differ", values={"cases": ALL, "cause": "coupon"}).ok
    assert world.press(LIN, "3.2.3.s1", "ask").ok
    world.run_actions(contact_customer=lambda _: {"id": "m", "via": "line"})
    wrong = world.press(
        LIN,
        "3.2.3.s1",
        "answer",
        values={
            "cases": ALL,
            "confirmed": "other_amount",
            "confirmed_amount": "12,50",
            "how": "phone",
        },
    )
    assert (wrong.code, wrong.params["field_id"]) == ("amount_wrong", "confirmed_amount")
    assert world.press(
        LIN, "3.2.3.s1", "answer", values={"cases": ALL, "confirmed": "as_recorded", "how": "phone"}
    ).ok
    assert world.press(LIN, "3.2.3.s2", "refund").ok
    world.run_actions(
        refund_difference=lambda _: {"id": "re_1"}, notify_customer=lambda _: {"id": "m"}
    )
    refunds = [one for one in world.all(ActionAttempt) if one.action == "refund_difference"]
    assert [one.params["amount"] for one in refunds] == [money(10).as_json()]
    assert world.press(LIN, "3.2.3.s2", "collect").ok
    world.run_actions(
        collect_difference=lambda _: {"id": "pl_1", "url": "https://pay.example/1"},
        notify_customer=lambda _: {"id": "m"},
    )
    world.advance(125)
    assert world.incident().status in (Status.MITIGATED, Status.MONITORING)
    drawn(world)
    seen = {"FG-1": order(100, 110, 10), "FG-2": order(100, 90)}
    refused = world.resolve(LIN, looks=looks(world, seen), cause="coupon")
    assert refused.code == "resolve_refused"
    assert "FG-2" in str(refused.params["scope"]["case"])
    view = world.read(lambda s: read.resolve_view(s, world.house, 1, world.now, looks(world, seen)))
    assert len(view.refused) == 1
    seen["FG-2"] = order(100, 100)
    assert world.resolve(LIN, looks=looks(world, seen), cause="coupon").ok


# --- 2.2


def test_stuck_orders_go_through_their_steps_in_order(world: World) -> None:
    world.now = DAY
    cases = tuple(
        CaseFound("order", f"FG-{n}", money(100), f"c{n}", facts={"order_id": n}) for n in range(50)
    )
    finding = Finding(
        "orders:paid",
        "order_state_stuck",
        facts={"state": "paid", "orders": 50, "limit_hours": 48},
        cases=cases,
    )
    result = CheckResult("stuck-orders", world.now, findings=(finding,), open_after=1)
    assert world.check(result).opened == (1,)
    assert world.check(result).opened == ()
    assert len(world.all(Case)) == 50
    early = world.press(MEI, "2.2.s3", "redispatch")
    assert early.code == "order_rule"
    assert world.press(
        MEI, "2.2.s2", "cause", values={"root_cause": "logistics", "finding": "Same courier"}
    ).ok
    version = world.incident().version
    assert world.press(MEI, "2.2.s3", "redispatch", version=version).ok
    assert world.press(MEI, "2.2.s3", "redispatch", version=version).code == "already_running"
    assert len(world.pending_attempts()) == 50
    assert world.run_actions() == 50
    drawn(world)
    world.advance(125)
    assert world.incident().status in (Status.MITIGATED, Status.MONITORING)
    [line] = [one for one in world.entries() if one.kind == "action_done"]
    assert line.data["scope"]["batch"]["done"] == 50


# --- 7.2


def complaint(world: World, **values: Any) -> Outcome:
    filled = {
        "channel": "phone",
        "order": "FG-10482",
        "reason": "logistics",
        "text": "The parcel came four days late and was open.",
        **values,
    }
    report = Declaration("complaint", filled, world.actor(LIN), source="complaint")
    return world.write(lambda s: declaring.declare(s, world.house, report, world.now))


STEPS = (
    ("7.2.s2", "classify", {"category": "logistics", "sub_reason": "slow"}),
    ("7.2.s3", "other", {"measure": "Sorry said, courier asked"}),
    ("7.2.s4", "finding", {"cause": "logistics", "findings": "The hub was closed"}),
    ("7.2.s5", "solution", {"solution": "A voucher"}),
    ("7.2.s6", "tell", {"message": "We are sorry."}),
)


def test_a_complaint_goes_through_seven_steps_in_order(world: World) -> None:
    world.now = DAY
    outcome = complaint(world)
    assert (outcome.ok, outcome.code, outcome.number) == (True, "declared", 1)
    incident = world.incident()
    assert (incident.audience, incident.severity, incident.owner) == ("cs", 4, None)
    assert incident.description is not None
    assert incident.description.reveal().startswith("The parcel")
    assert incident.facts["order"] == "FG-10482"
    # The customer's words stand in no message.
    assert all(entry.text is None for entry in world.entries())
    assert world.step("7.2.s1").state == StepState.DONE
    assert world.press(LIN, "7.2.s4", "finding", values=STEPS[2][2]).code == "order_rule"
    for step_id, button, values in STEPS:
        outcome = world.press(LIN, step_id, button, values=values)
        assert outcome.ok, (step_id, outcome)
        world.run_actions(tell_complainant=lambda _: {"id": "m"})
        drawn(world)
        # A follow-up may be entered at any time.
        assert world.press(LIN, "7.2.s7", "follow_up", values={"satisfaction": "score_2"}).ok
        world.advance(600)
    assert world.press(LIN, "7.2.s6", "done").ok
    refused = world.resolve(LIN, cause="logistics")
    assert refused.code == "resolve_refused"
    assert world.press(LIN, "7.2.s7", "follow_up", values={"satisfaction": "score_5"}).ok
    assert world.press(
        LIN,
        "7.3.s1",
        "satisfaction",
        values={"satisfaction": "score_4", "answered_by": "customer"},
    ).ok
    assert world.press(
        LIN,
        "7.3.s2",
        "record",
        values={"measures": "Asked", "solution": "Voucher", "customer_feedback": "Content"},
    ).ok
    assert world.resolve(LIN, cause="logistics").ok
    drawn(world)
    assert [entry.kind for entry in world.entries()].count("step_recorded") >= 10


def test_what_a_customer_service_agent_writes_is_screened(world: World) -> None:
    world.now = DAY
    refused = complaint(world, text="Call her back at 0912-345-678")
    assert (refused.code, refused.params["kind"]) == ("personal_data", "phone")
    assert world.read(lambda s: read.incident_list(s, world.house, world.now)) == ()


def test_a_complaint_that_stands_still_is_reminded_of_once(world: World) -> None:
    world.now = DAY
    complaint(world)
    world.advance(20 * 3600)
    assert world.messages("direct") == []
    world.advance(72 * 3600)
    still = [m for m in world.messages("direct") if m.payload["params"].get("step") == "7.2.s2"]
    assert len(still) == 1
    assert still[0].payload["person"] == LIN


def test_an_attitude_complaint_stays_in_the_private_channel(world: World) -> None:
    world.now = DAY
    report = Declaration(
        "service_attitude",
        {"channel": "phone", "reason": "after_sales", "text": "The agent shouted."},
        world.actor(LIN),
        source="complaint",
    )
    assert world.write(lambda s: declaring.declare(s, world.house, report, world.now)).ok
    assert {m.payload["audience"] for m in world.messages("post")} == {"private"}
    listed = [
        world.read(lambda s, w=who: read.incident_list(s, world.house, world.now, user_id=w))
        for who in (LIN, MEI)
    ]
    assert [len(items) for items in listed] == [1, 0]


def test_a_short_list_is_full_of_what_its_reader_may_see(world: World) -> None:
    """Incidents that are hidden from the reader take no place in it."""
    open_ones = Declaration(
        "payment_channel_down", {"channel": "Northpay", "what": "x"}, world.actor(MEI)
    )
    hidden = Declaration(
        "service_attitude",
        {"channel": "phone", "reason": "after_sales", "text": "The agent shouted."},
        world.actor(LIN),
        source="complaint",
    )
    for report in (open_ones, hidden):
        assert world.write(lambda s, r=report: declaring.declare(s, world.house, r, world.now)).ok
    # The hidden one would stand first.
    world.write(lambda s: s.execute(update(Incident).values(severity=1)))
    listed = world.read(
        lambda s: read.incident_list(s, world.house, world.now, user_id=MEI, limit=1)
    )
    assert [item.section for item in listed] == ["3.3"]


@pytest.mark.parametrize("who", [SAM, MEI, LIN, JO])
def test_anybody_may_declare(world: World, who: str) -> None:
    report = Declaration(
        "payment_channel_down",
        {"channel": "Northpay", "what": "The card page does not load"},
        world.actor(who),
    )
    outcome = world.write(lambda s: declaring.declare(s, world.house, report, world.now))
    assert outcome.ok
    incident = world.incident()
    assert incident.facts["channel"]["name"] == "Northpay"
    assert incident.created_by == who
    drawn(world)


def test_what_is_declared_and_then_found_is_one_incident(world: World) -> None:
    line = "card payments fail since 14:00"
    outcome = world.write(
        lambda s: declaring.declare_line(
            s, world.house, "3.3", line, world.actor(SAM), world.now, ringing="ring"
        )
    )
    assert outcome.code == "declared"
    again = world.write(
        lambda s: declaring.declare_line(s, world.house, "3.3", line, world.actor(MEI), world.now)
    )
    assert (again.code, again.number) == ("declared_existing", 1)
    unknown = world.write(
        lambda s: declaring.declare_line(s, world.house, "99", line, world.actor(MEI), world.now)
    )
    assert unknown.code == "section_unknown"
    empty = world.write(
        lambda s: declaring.declare_line(s, world.house, "3.3", " ", world.actor(MEI), world.now)
    )
    assert empty.code == "text_missing"
    report = Declaration(
        "payment_channel_down", {"channel": "northpay", "what": "Slow"}, world.actor(LIN)
    )
    second = world.write(lambda s: declaring.declare(s, world.house, report, world.now))
    assert second.number == 2
    assert world.channel_fails(3).opened == ()
    assert len(world.all(Case)) == 41
    assert commands is not None


def test_a_private_incident_is_acted_on_only_by_its_own(world: World) -> None:
    test_an_attitude_complaint_stays_in_the_private_channel(world)
    assert world.take(MEI).code == "no_right"
    refused = world.press(KAI, "7.2.s2", "classify", values=STEPS[0][2])
    assert refused.code == "no_right"
    assert world.take(JO).ok
    assert world.press(LIN, "7.2.s2", "classify", values=STEPS[0][2]).ok


def test_a_complaint_about_an_affected_order_names_its_incident(world: World) -> None:
    world.channel_fails(3)
    assert complaint(world, order="FG-10400").number == 2
    assert "linked" in world.kinds(2, posted=True)
    assert "linked" in world.kinds(1)
    assert "linked" not in world.kinds(1, posted=True)
