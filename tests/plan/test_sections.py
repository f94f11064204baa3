"""What the plan promises, section by section: principles 1.2.2, colours, order, who is left out."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.shop_actions.customer_messages import read, write
from plan import expressions, samples
from plan.expressions import holds
from plan.loader import load_plan
from plan.model import IncidentType, Section, Step
from plan.walk import actions_of

PLAN = load_plan().plan
SECTIONS = [section for section in PLAN.sections.values() if section.handling == "runbook"]
IDS = [section.id for section in SECTIONS]


def first_step(section: Section) -> Step:
    """The step whose buttons the card shows when it opens."""
    return next(s for s in section.steps if s.ordered and not s.done_by_opening and not s.in_review)


def offered(step: Step, scope: dict[str, Any]) -> list[str]:
    return [button.id for button in step.buttons if holds(button.when, scope)]


@pytest.mark.parametrize("section", SECTIONS, ids=IDS)
def test_orders_are_verified_first_and_systems_restored_first(section: Section) -> None:
    """Principle 1.2.2: no order is changed before it was verified; a system is switched at once."""
    kind = section.types[0]
    scope = samples.at_opening(section, kind.id)
    step = first_step(section)
    buttons = {button.id: button for button in step.buttons}
    offers = [buttons[one] for one in offered(step, scope)]
    if kind.family == "system":
        action = PLAN.actions[offers[0].action or ""]
        assert action.kind == "mutate"
        assert step.mitigates
    else:
        for button in offers:
            assert button.action is None or PLAN.actions[button.action].kind == "read"


@pytest.mark.parametrize("section", SECTIONS, ids=IDS)
def test_the_card_never_needs_more_than_three_buttons_at_once(section: Section) -> None:
    for sample in (samples.at_opening, samples.typical):
        scope = sample(section, section.types[0].id)
        for step in section.steps:
            shown = [b for b in step.buttons if b.on_card and holds(b.when, scope)]
            assert len(shown) <= 4, (step.id, [b.id for b in shown])


def test_red_is_only_what_cannot_be_taken_back() -> None:
    red = {name for name, action in PLAN.actions.items() if action.irreversible}
    assert red == {"refund", "refund_difference", "compensate_customer"}
    for action in PLAN.actions.values():
        assert not (action.irreversible and action.undo)


@pytest.mark.parametrize("section", SECTIONS, ids=IDS)
def test_everything_that_can_be_switched_can_be_switched_back(section: Section) -> None:
    for name, action in actions_of(PLAN, section).items():
        if name.startswith(("switch_", "start_", "offer_", "restore_payment")):
            assert action.undo, name
            assert PLAN.actions[action.undo].undo, name


@pytest.mark.parametrize("action", ["request_repayment", "notify_customer"])
def test_an_unknown_payment_gets_no_link_and_no_notice(action: str) -> None:
    """Requirements 3.3, 3.3.3: kept out until the channel has said what became of it."""
    wanted = PLAN.actions[action].cases
    for facts in ({}, {"link": "PL-1"}, {"payment_id": "np_1"}, {"told": True}):
        for outcome in (None, "not_charged"):
            case = {"kind": "order", "state": "unknown", "outcome": outcome, "facts": facts}
            assert not holds(wanted, {"case": case, "facts": {}})


@pytest.mark.parametrize(
    ("state", "outcome", "facts", "link", "notice"),
    [
        ("open", None, {}, True, False),
        ("open", "not_charged", {}, True, False),  # the link comes first
        ("waiting", None, {"link": "PL-1"}, False, True),
        ("settled", "charged", {}, False, True),  # they hear that it did arrive
        ("settled", "paid", {"link": "PL-1"}, False, False),  # has paid meanwhile
        ("settled", "paid", {}, False, False),
        ("settled", "refunded", {}, False, True),
        ("settled", "corrected", {}, False, False),
    ],
)
def test_who_gets_a_link_and_who_a_notice(
    state: str, outcome: str | None, facts: dict[str, Any], link: bool, notice: bool
) -> None:
    case = {"kind": "order", "state": state, "outcome": outcome, "facts": facts}
    scope = {"case": case, "facts": {}}
    assert holds(PLAN.actions["request_repayment"].cases, scope) is link
    assert holds(PLAN.actions["notify_customer"].cases, scope) is notice


@pytest.mark.parametrize("name", ["notify_customer", "notify_delay", "contact_customer"])
def test_a_message_to_customers_is_in_their_language_and_names_every_order(name: str) -> None:
    case: dict[str, Any] = {
        "kind": "order",
        "key": "FG-1",
        "state": "open",
        "outcome": None,
        "facts": {},
    }
    other = {**case, "key": "FG-2"}
    message = PLAN.actions[name].message
    assert message is not None
    for language, sign in (("en", "order"), ("zh-Hant", "訂單")):
        mine = {**case, "facts": {"language": language}}
        scope = {"facts": {}, "steps": {}, "cases": {}}
        letter = write(message, name, [mine, other], scope, "en")
        assert (letter.language, letter.known) == (language, True)
        assert sign in letter.text
        assert "FG-1" in letter.text
        assert "FG-2" in letter.text
        assert "{{" not in letter.text


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_a_message_about_several_orders_reads_as_one(language: str) -> None:
    """Requirements: one greeting, one apology, each order on its line, a link never in a word."""
    message = PLAN.actions["notify_customer"].message
    assert message is not None
    group = [
        {
            "kind": "order",
            "key": f"FG-{n}",
            "state": "waiting",
            "outcome": None,
            "facts": {"language": language, "link": n, "link_url": f"https://pay.example/{n}"},
        }
        for n in (1, 2, 3)
    ]
    scope: dict[str, Any] = {"facts": {}, "steps": {}, "cases": {}}
    text = write(message, "payment_failed", group, scope, "en").text
    sorry = "We are sorry" if language == "en" else "敬請見諒"
    hello = "Hello" if language == "en" else "您好"
    assert text.count(sorry) == text.count(hello) == 1
    assert "3" in text.splitlines()[0]
    assert len(text.splitlines()) == 5
    for n in (1, 2, 3):
        [line] = [line for line in text.splitlines() if f"FG-{n} " in line]
        assert line.endswith(f"https://pay.example/{n}")


@pytest.mark.parametrize("name", ["notify_customer", "notify_delay"])
@pytest.mark.parametrize(
    ("look", "asked"),
    [
        ({"status": "awaiting_payment", "payments": []}, True),
        ({"status": "awaiting_payment", "payments": [("failed", 272000)]}, True),
        ({"status": "awaiting_payment", "payments": [("captured", 272000)]}, False),
        ({"status": "awaiting_payment", "payments": [("unknown", 272000)]}, False),  # under way
        ({"status": "cancelled", "payments": []}, False),
    ],
)
def test_who_owes_nothing_is_not_asked_to_pay(name: str, look: dict[str, Any], asked: bool) -> None:
    """Rule 15: by a fresh look at the order, whatever the incident believes its state to be."""
    message = PLAN.actions[name].message
    assert message is not None
    shop = {
        "total_minor": 272000,
        "currency": "TWD",
        "status": look["status"],
        "payments": [{"status": s, "amount_minor": a} for s, a in look["payments"]],
        "refunds": [],
    }
    for language, pay in (("en", "can pay"), ("zh-Hant", "付款。")):
        case = {
            "kind": "order",
            "key": "FG-1",
            "state": "open",
            "outcome": None,
            "amount": {"minor": 272000, "currency": "TWD"},
            "facts": {"language": language},
        }
        scope: dict[str, Any] = {"facts": {"state": "awaiting_payment"}, "steps": {}, "cases": {}}
        seen = read(message, case, shop, scope)
        text = write(message, name, [seen], scope, "en").text
        assert (pay in text.replace("無需再付款。", "")) is asked


SEVERITIES = [
    ("payment_channel_down", {"attempts": 118, "failed": 57}, 1),
    ("payment_channel_down", {"attempts": 118, "failed": 10}, 2),
    ("payment_channel_down", {}, 1),
    ("order_state_stuck", {"orders": 3}, 3),
    ("order_state_stuck", {"orders": 60}, 2),
    ("payment_amount_mismatch", {"orders": 1}, 3),
    ("payment_amount_mismatch", {"orders": 12}, 2),
    ("system_crash", {}, 1),
    ("complaint", {"channel": "phone"}, 4),
    ("complaint", {"channel": "consumer_office"}, 3),
    ("complaint", {"channel": "phone", "public": True}, 2),
]


@pytest.mark.parametrize(("name", "facts", "severity"), SEVERITIES)
def test_severity_follows_what_customers_feel(
    name: str, facts: dict[str, Any], severity: int
) -> None:
    kind: IncidentType = PLAN.incident_type(name)
    scope = {"facts": facts, "cases": {}}
    found = next((r.severity for r in kind.severity_rules if holds(r.when, scope)), kind.severity)
    assert found == severity


def test_the_standby_is_started_before_it_is_switched_to() -> None:
    section = PLAN.sections["9.1"]
    scope = samples.at_opening(section, "system_crash")
    step = first_step(section)
    assert step.id == "9.1.3.s2"
    assert offered(step, scope) == ["start"]
    started = {**scope["facts"], "standby": {"id": "standby", "started_at": "2026-11-11T03:09:00Z"}}
    assert offered(step, {**scope, "facts": started}) == ["switch"]
    start, switch = (PLAN.actions[b.action or ""] for b in step.buttons)
    assert switch.preconditions
    assert start.then is None


def test_a_complaint_keeps_its_order_and_follow_up_is_always_open() -> None:
    section = PLAN.sections["7.2"]
    steps = {step.id: step for step in section.steps}
    for number in range(3, 7):
        assert steps[f"7.2.s{number}"].needs == (f"7.2.s{number - 1}",)
    assert not steps["7.2.s7"].ordered
    assert steps["7.2.s7"].repeats
    assert steps["7.2.s7"].needs == ()


@pytest.mark.parametrize(
    ("followed", "holding"),
    [(None, False), ("2026-11-11T02:00:00+00:00", False), ("2026-11-11T04:00:00+00:00", True)],
)
def test_a_complaint_needs_a_follow_up_after_the_solution(
    followed: str | None, holding: bool
) -> None:
    guard = next(g for g in PLAN.sections["7.2"].guards if g.id == "followed_up")
    steps = {
        "7.2.s6": {"state": "done", "at": "2026-11-11T03:00:00+00:00"},
        "7.2.s7": {"state": "done" if followed else "pending", "at": followed},
    }
    assert guard.hard
    assert holds(guard.holds, {"steps": steps, "facts": {}}) is holding


def test_a_crash_cannot_be_resolved_without_verified_data_and_prevention() -> None:
    guards = {guard.id: guard for guard in PLAN.sections["9.1"].guards}
    assert {name for name, guard in guards.items() if guard.hard} == {
        "data_verified",
        "data_complete",
        "prevention_written",
    }
    assert guards["data_complete"].look == "data_verify"
    prevention = guards["prevention_written"]
    assert prevention.field == "prevention"
    assert not holds(prevention.holds, {"form": {"prevention": ""}, "steps": {}})
    assert holds(prevention.holds, {"form": {"prevention": "Alarm at 80 %"}, "steps": {}})


def test_an_amount_cannot_be_resolved_while_it_differs() -> None:
    guard = next(g for g in PLAN.sections["3.2"].guards if g.id == "amounts_agree")
    order: dict[str, Any] = {
        "status": "paid",
        "total_minor": 10000,
        "currency": "TWD",
        "payments": [
            {"status": "captured", "amount_minor": 6000},
            {"status": "captured", "amount_minor": 5000},
            {"status": "failed", "amount_minor": 99000},
        ],
        "refunds": [],
    }
    assert guard.hard
    assert guard.per_case
    assert not holds(guard.holds, {"look": order})
    refunded = {**order, "refunds": [{"status": "succeeded", "amount_minor": 1000}]}
    assert holds(guard.holds, {"look": refunded})
    failed = {**order, "refunds": [{"status": "failed", "amount_minor": 1000}]}
    assert not holds(guard.holds, {"look": failed})
    assert not holds(guard.holds, {"look": {"error": "timeout"}})


def test_whether_it_was_done_before_a_restore_can_be_seen_of_all_but_a_vendors_ticket() -> None:
    """What only the shop's own answer would show has a look of its own for it (`earlier`)."""
    plan = load_plan().plan
    blind = set()
    for name, action in plan.actions.items():
        if action.kind not in ("mutate", "contact") or action.earlier is not None:
            continue
        how = action.standing or action.verify
        read = expressions.names(how.holds, expression=True) if how is not None else {"response"}
        if read & {"response", "before"}:
            blind.add(name)
    assert blind == {"contact_channel_vendor", "contact_logistics_company"}
