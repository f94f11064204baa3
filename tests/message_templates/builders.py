"""Views of the example of section 3.3 (a payment channel half fails at night), without a database.

The words are the plan's own; figures, names and times are those of the worked example, so that
what is rendered can be laid beside it. Other tests may use these views as a realistic incident.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from incidents.read import problems
from incidents.read.picture import PictureView, Stretch
from incidents.shop_actions.message_preview import LetterView, PreviewView
from incidents.views import (
    AskedApproval,
    ButtonView,
    CardView,
    CasesView,
    CaseView,
    HomeView,
    LateItem,
    ListItem,
    LogView,
    NextView,
    PersonView,
    Reach,
    ResolveView,
    ReviewAction,
    ReviewView,
    RunbookView,
    ShadowView,
    StepView,
    StuckView,
    WeekView,
)
from plan.loader import load_plan
from plan.model import DeskNote, Form, FormField, IncidentType, Option, Plan, Section, Step, Words

TAIPEI = ZoneInfo("Asia/Taipei")
MEI = PersonView("U0MEI", "Mei")
KAI = PersonView("U0KAI", "Kai")
LIN = PersonView("U0LIN", "Lin")
REFERENCE, NUMBER, VERSION = "INC-412", 412, 7
RAW_WORDS = "3-D Secure server lost its certificate store. Expect 04:30."


@lru_cache(maxsize=1)
def plan() -> Plan:
    return load_plan().plan


def section() -> Section:
    return plan().sections["3.3"]


def kind() -> IncidentType:
    return plan().incident_type("payment_channel_down")


def at(clock: str, day: int = 11) -> datetime:
    """A time of that night, as people in Taipei read it."""
    hour, minute = (int(part) for part in clock.split(":")[:2])
    return datetime(2026, 11, day, hour, minute, tzinfo=TAIPEI).astimezone(UTC)


def money(major: int) -> dict[str, Any]:
    return {"minor": major * 100, "currency": "TWD"}


def facts(**more: Any) -> dict[str, Any]:
    return {
        "channel": {"id": "northpay", "name": "Northpay"},
        "standby": {
            "id": "harborpay",
            "name": "Harborpay",
            "ok": True,
            "tested_at": at("03:06").isoformat(),
        },
        "window_minutes": 5,
        "attempts": 118,
        "failed": 57,
        "usual_failed_per_100": 3,
        "failing_since": at("03:02").isoformat(),
        "stage": {"code": "3ds_timeout", "count": 54},
        "banks": 14,
        "check": {
            "name": "payment channel Northpay",
            "failures": 3,
            "first_at": at("03:05").isoformat(),
            "last_at": at("03:07").isoformat(),
        },
        **more,
    }


def after_switch() -> dict[str, Any]:
    return facts(
        via={"id": "harborpay", "name": "Harborpay", "since": at("03:09").isoformat()},
        now={
            "channel": {"id": "harborpay"},
            "attempts": 12,
            "captured": 12,
            "since": at("03:09").isoformat(),
        },
    )


def scope(
    figures: Mapping[str, Any] | None = None,
    *,
    owner: str | None = None,
    status: str = "open",
    mitigated: bool = False,
    resolved: bool = False,
    target: Mapping[str, Any] | None = None,
    cases: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "facts": dict(figures or facts()),
        "cases": {
            "total": 41,
            "customers": 39,
            "amount": money(86420),
            "unknown": 9,
            "open": 32,
            "waiting": 0,
            "settled": 0,
            "open_amount": money(86420),
            "by_outcome": {},
            **(cases or {}),
        },
        "incident": {
            "reference": REFERENCE,
            "number": NUMBER,
            "severity": 1,
            "status": status,
            "started_at": at("03:02").isoformat(),
            "detected_at": at("03:07").isoformat(),
            "mitigated_at": at("03:10").isoformat() if mitigated else None,
            "resolved_at": at("05:30").isoformat() if resolved else None,
            "owner": owner,
            "minutes_felt": 8 if mitigated else None,
            "felt_since": at("03:02").isoformat(),
            "relapses": 0,
            "section": "3.3",
            "subject_key": "northpay",
        },
        "steps": {},
        "target": dict(target or {}),
        "now": at("03:10").isoformat(),
        **more,
    }


def step(step_id: str) -> Step:
    return next(one for one in section().steps if one.id == step_id)


def step_button(step_id: str, button: str, *, style: Any = None, **extra: Any) -> ButtonView:
    """A plan's button as it stands on a card."""
    found = next(one for one in step(step_id).buttons if one.id == button)
    confirm = plan().actions[found.action].confirm if found.action else None
    return ButtonView(
        action_id="step.form" if found.does == "form" else "step.run",
        value=f"{REFERENCE}:{VERSION}:{step_id}:{button}",
        label=found.label,
        style=style,
        confirm=confirm,
        scope=extra,
    )


def take_button() -> ButtonView:
    return ButtonView("incident.take", f"{REFERENCE}:{VERSION}", None, "take")


def cases_button() -> ButtonView:
    return ButtonView("cases.open", f"{REFERENCE}:{VERSION}", kind().case_label)


MORE = tuple(
    (verb, f"{REFERENCE}:{VERSION}:{verb}")
    for verb in ("severity", "dismiss", "section", "escalate", "lang:zh-Hant")
)


def card_open() -> CardView:
    """03:07, nobody has it (thread-examples 1.1)."""
    return CardView(
        reference=REFERENCE,
        version=VERSION,
        severity=1,
        status="open",
        family="system",
        section="3.3",
        section_short=section().short,
        plan_version="2026.11",
        mood="active",
        words=kind().card.active,
        scope=scope(),
        owner=None,
        owner_since=None,
        ring_group="S0ONCALL",
        passed_over=(),
        rung_instead=None,
        next=NextView("step", step("3.3.1.s2").next),
        buttons=(
            step_button("3.3.1.s2", "switch", style="primary"),
            take_button(),
            cases_button(),
        ),
        more=MORE,
        quiet_until=None,
        quiet_reason=None,
        merged_into=None,
        reason=None,
        ring=kind().ring,
        other_languages=("zh-Hant",),
    )


def card_passed_over() -> CardView:
    """Mei's Slack is in Do Not Disturb, so Kai was rung at once (thread-examples 1.6)."""
    return dataclasses.replace(card_open(), passed_over=((MEI, at("08:00")),), rung_instead=KAI)


def card_with_unread() -> CardView:
    """Two kinds of rows were left out by the check, some of them told by name."""
    unread = (
        {"entity": "orders", "field": "state_since", "kind": "instant", "rows": 4, "of": 120,
         "some": ["FG-7", "FG-8", "FG-9"]},
        {"entity": "payments", "field": "amount", "kind": "money", "rows": 1, "of": 60, "some": []},
    )  # fmt: skip
    return dataclasses.replace(card_open(), unread=unread)


def card_running() -> CardView:
    """03:09:12, the switch is on its way (thread-examples 1.3)."""
    action = plan().actions["switch_payment_channel"]
    return dataclasses.replace(
        card_open(),
        status="acknowledged",
        scope=scope(
            owner="Mei",
            status="acknowledged",
            actor="Mei",
            params={"channel": "harborpay", "channel_name": "Harborpay", "from_name": "Northpay"},
            attempt={"at": at("03:09").isoformat()},
        ),
        owner=MEI,
        owner_since=at("03:09"),
        next=NextView("running", action.running, {"actor": MEI, "at": at("03:09")}),
        buttons=(cases_button(),),
    )


def card_relapsed() -> CardView:
    """04:20, it fails for the third time."""
    again = {"felt_since": at("04:18").isoformat(), "relapses": 2}
    seen = scope(owner="Mei")
    return dataclasses.replace(
        card_open(),
        scope={**seen, "incident": {**seen["incident"], **again}},
        owner=MEI,
        owner_since=at("03:09"),
        times=3,
    )


def card_held_again() -> CardView:
    """04:24, mended for the third time."""
    card = card_mitigated()
    felt = {"felt_since": at("04:18").isoformat(), "mitigated_at": at("04:22").isoformat()}
    incident = {**card.scope["incident"], **felt, "relapses": 2, "minutes_felt": 14}
    return dataclasses.replace(card, scope={**card.scope, "incident": incident}, times=3)


def card_mitigated() -> CardView:
    """03:10, verified (thread-examples 1.3)."""
    return dataclasses.replace(
        card_open(),
        status="mitigated",
        mood="mitigated",
        words=kind().card.mitigated,
        scope=scope(
            after_switch(),
            owner="Mei",
            status="mitigated",
            mitigated=True,
            target={"cases": 32, "customers": 30, "amount": money(66210)},
        ),
        owner=MEI,
        owner_since=at("03:09"),
        next=NextView("step", step("3.3.2.s1").next),
        buttons=(
            step_button("3.3.2.s1", "ask", style="primary"),
            step_button("3.3.4.s1", "tell"),
            cases_button(),
        ),
        ring=kind().ring_mitigated,
    )


def card_waiting() -> CardView:
    """Quiet until a day, with the reason that a person wrote (thread-examples 2.3)."""
    return dataclasses.replace(
        card_mitigated(),
        status="monitoring",
        quiet_until=at("00:00", 14),
        quiet_reason="last payment arrives",
    )


def card_restored() -> CardView:
    """An older backup was restored, and nobody has looked yet; an action waits for the answer."""
    words = problem_after_restore()
    look = look_after_restore()
    return dataclasses.replace(
        card_mitigated(),
        reaches_to=at("03:10"),
        confirm_record=ButtonView(
            "incident.confirm_record", f"{REFERENCE}:{VERSION}", None, "confirm_record"
        ),
        next=NextView("restored", words, {"look": look}),
    )


def problem_after_restore(code: str = "restored", action: str = "refund") -> Words:
    found = problems.after_restore(plan().actions[action], code)
    assert found is not None
    return found


def look_after_restore(shows: str = "found") -> dict[str, Any]:
    refund = {"amount_minor": 10_000, "currency": "TWD", "created_at": at("03:14").isoformat()}
    return {
        "since": at("03:10").isoformat(),
        "shows": shows,
        "found": [refund] if shows == "found" else [],
        "of": 3,
        "showing": int(shows == "found"),
    }


def _step_view(number: int, step_id: str, state: Any, **more: Any) -> StepView:
    found = step(step_id)
    given: dict[str, Any] = {
        "scope": scope(
            after_switch(),
            owner="Mei",
            mitigated=True,
            target={"cases": 32, "customers": 30},
            steps={"3.3.1.s2": {"state": "done", "at": at("03:09").isoformat()}},
        ),
        "actor": None,
        "actor_kind": None,
        "at": None,
        "verified_at": None,
        "started_at": None,
        "reason": None,
        "branch": None,
        "buttons": (),
        "undo": None,
        "problem": None,
    }
    return StepView(
        step_id=step_id,
        number=number,
        section=found.section,
        state=state,
        title=found.title,
        do=found.do,
        detail=found.detail,
        not_needed=found.not_needed,
        **(given | more),
    )


def skip_button(step_id: str) -> ButtonView:
    return ButtonView("step.skip", f"{REFERENCE}:{VERSION}:{step_id}", None, "skip")


def undo_button() -> ButtonView:
    action = plan().actions["switch_payment_channel"]
    back = plan().actions[action.undo or ""]
    return ButtonView(
        "step.undo",
        f"{REFERENCE}:{VERSION}:3.3.1.s2:undo",
        action.undo_label,
        confirm=back.confirm,
    )


def runbook_mitigated() -> RunbookView:
    """03:10, two steps done and the third next (thread-examples 1.4)."""
    return RunbookView(
        reference=REFERENCE,
        version=VERSION,
        run_id=1,
        section="3.3",
        title=section().short,
        done=2,
        total=5,
        steps=(
            _step_view(1, "3.3.1.s1", "done", actor_kind="check", at=at("03:07")),
            _step_view(
                2,
                "3.3.1.s2",
                "done",
                actor=MEI,
                actor_kind="person",
                at=at("03:09"),
                verified_at=at("03:10"),
                undo=undo_button(),
            ),
            _step_view(
                3,
                "3.3.2.s1",
                "next",
                buttons=(
                    step_button("3.3.2.s1", "ask", style="primary"),
                    step_button("3.3.2.s1", "answer"),
                    skip_button("3.3.2.s1"),
                ),
            ),
            _step_view(4, "3.3.3.s1", "not_needed"),
            _step_view(5, "3.3.4.s1", "pending"),
        ),
        later=((section().later[0].words, {}),),
        replaced=False,
        scope=scope(after_switch(), owner="Mei", mitigated=True),
    )


def runbook_skipped() -> RunbookView:
    """03:33, step 4 was skipped with a reason."""
    view = runbook_mitigated()
    skipped = _step_view(
        4,
        "3.3.3.s1",
        "skipped",
        actor=MEI,
        actor_kind="person",
        at=at("03:33"),
        reason="Harborpay carries all cards",
    )
    return dataclasses.replace(view, done=3, steps=(*view.steps[:3], skipped, view.steps[4]))


def log(clock: str, log_kind: str, **more: Any) -> LogView:
    given: dict[str, Any] = {
        "actor": None,
        "words": None,
        "scope": scope(after_switch(), owner="Mei", mitigated=True),
        "text": None,
    }
    return LogView(reference=REFERENCE, sequence=17, at=at(clock), kind=log_kind, **(given | more))


def action_scope(**more: Any) -> dict[str, Any]:
    return scope(
        after_switch(),
        owner="Mei",
        mitigated=True,
        actor="Mei",
        params={
            "channel": "harborpay",
            "channel_name": "Harborpay",
            "from_name": "Northpay",
            "vendor_name": "Northpay",
        },
        attempt={"at": at("03:09").isoformat(), "verified_at": at("03:10").isoformat()},
        **more,
    )


def log_lines() -> tuple[LogView, ...]:
    """The log as it stands the next morning (thread-examples 1.5), in order."""
    actions = plan().actions
    answered = step("3.3.2.s1").log
    return (
        log("03:07", "found", scope=scope(check="payment channel Northpay", failures=3)),
        log(
            "03:09",
            "action_done",
            actor=MEI,
            words=actions["switch_payment_channel"].log,
            scope=action_scope(took=True),
        ),
        log(
            "03:14",
            "action_done",
            actor=MEI,
            words=actions["contact_channel_vendor"].log,
            scope=action_scope(response={"id": "88213"}),
        ),
        log(
            "03:26",
            "step_recorded",
            actor=MEI,
            words=answered,
            scope=action_scope(form={}),
            text=RAW_WORDS,
        ),
        log(
            "03:33",
            "skipped",
            actor=MEI,
            scope=scope(step_title=step("3.3.3.s1").title),
            text="Harborpay carries all cards",
        ),
        log(
            "04:41",
            "asked",
            actor=MEI,
            words=section().later[0].ask,
            scope=scope(facts(check={"passes": 3})),
            buttons=tuple(
                ButtonView(
                    "later.run", f"{REFERENCE}:{VERSION}:switch_back:{button.id}", button.label
                )
                for button in section().later[0].buttons
            ),
        ),
        log("04:50", "restored", scope=scope(since=at("03:10"))),
        *(
            log(
                "04:51",
                "restored_asked",
                actor=MEI,
                scope=scope(
                    action_title=plan().actions[action].title,
                    problem=problem_after_restore(action=action),
                    look=look_after_restore(shows),
                ),
            )
            for action, shows in (
                ("refund", "found"),
                ("switch_payment_channel", "found"),
                ("refund", "nothing"),
                ("refund", "unseen"),
                ("contact_channel_vendor", "no_look"),
            )
        ),
        log("04:52", "record_confirmed", actor=MEI),
        log("05:30", "resolved", actor=MEI),
    )


def alert_lines() -> tuple[LogView, ...]:
    """Of an incident that another system told of, and of a message that was moved."""
    return (
        log("05:40", "found", scope=scope(door="prometheus"), text=RAW_WORDS),
        log("05:50", "recovered", scope=scope(door="prometheus", over_at=at("05:49"))),
        log("05:55", "came_back", scope=scope(door="prometheus")),
        log("05:58", "isolated", actor=MEI),
    )


_CASE_STATES = ("open", "unknown", "waiting", "settled")


def cases_page(page: int = 1, *, state: str = "all") -> CasesView:
    """A page of the 41 orders: ten cases, one of each state in turn."""
    cases = tuple(
        CaseView(
            kind="order",
            key=f"FG-{10400 + page * 10 + position}",
            state=_CASE_STATES[position % 4],
            amount=money(1980 + position),
            outcome="paid" if position % 4 == 3 else None,
            facts={"since": at("03:02").isoformat(), "payment_id": f"pay_{position}"},
            updated_at=at("03:10"),
        )
        for position in range(10)
    )
    return CasesView(
        reference=REFERENCE,
        version=VERSION,
        incident_number=NUMBER,
        title=kind().case_label,
        scope=scope(),
        filter=state,
        counts={"all": 41, "open": 32, "unknown": 9, "waiting": 0, "settled": 0},
        page=page,
        pages=5,
        cases=cases,
    )


def resolve_view() -> ResolveView:
    """05:30, twelve orders are still not paid (thread-examples 1.7)."""
    guard = next(one for one in section().guards if one.id == "orders_paid")
    still = scope(
        after_switch(),
        owner="Mei",
        mitigated=True,
        cases={"open": 12, "settled": 29, "unknown": 0, "open_amount": money(25270)},
    )
    return ResolveView(
        reference=REFERENCE,
        version=VERSION,
        incident_number=NUMBER,
        scope=still,
        refused=(),
        open_guards=((guard.words, {}),),
        open_steps=((step("3.3.4.s1").title, {}),),
        open_cases=12,
        open_amount=money(25270),
        causes=tuple((cause.id, cause.label) for cause in plan().causes.values()),
        cause=None,
        improvement_needed_for=tuple(
            cause.id for cause in plan().causes.values() if cause.needs_improvement
        ),
        owner=MEI,
    )


def list_item(number: int = NUMBER, **more: Any) -> ListItem:
    given: dict[str, Any] = {
        "severity": 1,
        "status": "open",
        "section": "3.3",
        "words": kind().card.active.title,
        "scope": scope(),
        "owner": None,
        "detected_at": at("03:07"),
        "next": NextView("step", step("3.3.1.s2").next),
    }
    given |= more
    given.setdefault("lead", "active" if given["status"] in ("open", "acknowledged") else "ended")
    return ListItem(reference=f"INC-{number}", number=number, **given)


def home_view() -> HomeView:
    """Mei's App Home with one of her own, three open, one lately closed."""
    return HomeView(
        person=MEI,
        language="en",
        roles=("oncall",),
        mine=(list_item(status="acknowledged", owner=MEI),),
        open=tuple(list_item(number) for number in (412, 413, 418)),
        recent=(list_item(409, status="resolved", owner=MEI, next=NextView("none", None)),),
        follow_ups=(("INC-409", "Ask Northpay for a status feed", at("00:00", 30), 3),),
        checks=(
            ("payment channel Northpay", False, at("03:07")),
            ("storefront", True, at("03:07")),
            ("stuck orders", True, None),
        ),
        now=at("03:10"),
        stuck=(
            stuck(),
            StuckView(8, "direct", None, KAI, "other", "KeyError: no such value", at("03:09")),
        ),
        stuck_count=7,
        silenced=((list_item(407, status="dismissed"), at("03:10", 29)),),
        approvals=(asked_approval(),),
        late=(late_item(),),
        at_stake=Reach(41, (money(86420),), (money(86420), {"minor": 4550, "currency": "EUR"})),
    )


def asked_approval() -> AskedApproval:
    """A refund of Mei's that waits for a second person."""
    return AskedApproval(
        reference=REFERENCE,
        number=NUMBER,
        what=plan().actions["refund"].title,
        scope=scope(),
        count=2,
        amounts=(money(12500),),
        who=MEI,
        since=at("03:09"),
    )


def late_item() -> LateItem:
    """A follow-up of Kai's, nine days late."""
    text = "Ask Northpay for a status feed"
    return LateItem(3, "INC-401", 401, text, scope(), KAI, at("00:00"), 9)


def week_view() -> WeekView:
    """The week of the worked example."""
    return WeekView(
        number=46,
        start=at("00:00"),
        end=at("00:00", 16),
        code="2026-W46",
        incidents=9,
        severities={1: 1, 2: 3, 3: 5, 4: 0},
        reach=Reach(702, (money(1_104_000),), (money(25_270),)),
        before=Reach(212, (money(300_000),)),
        owner_after=120.0,
        kept=8,
        owned_of=9,
        approvals=(asked_approval(),),
        late=(late_item(),),
        followed=8,
        ended=9,
        exceptions=(("INC-409", ("late", "order")),),
        said_twice=0,
        told_late=1,
        left_open=2,
        shadows=(ShadowView("shipment-late", 3, 14, 2),),
    )


def stuck() -> StuckView:
    """A card whose channel is gone."""
    return StuckView(7, "card", REFERENCE, None, "channel", "is_archived", at("03:08"))


def preview_view() -> PreviewView:
    """What customers will read, of all kinds of note."""
    confirm = plan().actions["request_repayment"].confirm
    assert confirm is not None
    return PreviewView(
        confirm=confirm,
        scope={**scope(), "target": {"cases": 32, "customers": 30, "amount": money(86420)}},
        letters=(
            LetterView("zh-Hant", "您好，\n您訂單 FG-10482 的刷卡付款沒有成功。", 21),
            LetterView("en", f"Hello, about your 2 orders:\n{RAW_WORDS}", 9),
        ),
        messages=30,
        left_out=2,
        without_language=2,
        default_language="zh-Hant",
        told=3,
        told_at=at("03:31"),
        told_in=("INC-405",),
        reads=True,
        upto=41,
    )


def modals() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Every modal and tab with a view and parameters that fill all of its parts."""
    ask = ButtonView("ask.role", "INC-412:7:U0MEI:x", None, "ask", scope={"name": "Mei"})
    refused = {"typed": "9,5", "buttons": [ask]}
    about: dict[str, Any] = {"refused": {"code": "amount_wrong", "params": refused}}
    answer = step("3.3.2.s1").form
    types = [
        (one.id, part.id, one.title) for part in plan().sections.values() for one in part.types
    ]
    return {
        "form": (
            {"form": answer, "scope": scope()},
            {"values": {"cause": RAW_WORDS, "expected_recovery_time": at("04:30")}, **about},
        ),
        "loading": (None, {}),
        "checking": (None, {"what": step("3.3.2.s1").title, "scope": scope()}),
        "result": (
            None,
            {"code": "noted", "params": {"reference": REFERENCE}, "typed": [RAW_WORDS]},
        ),
        "revealed": (None, {"reference": REFERENCE, "texts": [(at("03:08"), MEI, RAW_WORDS)]}),
        "form_skip": (
            card_open(),
            {"step_title": step("3.3.3.s1").title, "scope": scope(), **about},
        ),
        "form_by_hand": (
            card_open(),
            {"step_title": step("3.3.1.s2").title, "scope": scope(), **about},
        ),
        "form_note": (card_open(), {"text": RAW_WORDS}),
        "form_dismiss": (card_open(), {"silent_for": 3 * 86_400}),
        "form_severity": (card_open(), {}),
        "form_section": (
            card_open(),
            {"sections": [(part.id, part.id, part.title) for part in plan().sections.values()]},
        ),
        "form_hand_over": (card_open(), {}),
        "form_wait": (card_open(), {"until": at("04:30")}),
        "form_merge": (card_open(), {"incidents": [list_item(413), list_item(418)]}),
        "form_escalate": (card_open(), {"people": [KAI, LIN]}),
        "form_reopen": (card_open(), {}),
        "controls": (
            card_open(),
            {"verbs": [(verb, f"INC-412:7:{verb}") for verb in ("resolve", "wait", "merge")]},
        ),
        "preview": (preview_view(), {}),
        "form_confirm": (
            card_open(),
            {
                "confirm": plan().actions["switch_payment_channel"].confirm,
                "form": answer,
                "scope": scope(),
            },
        ),
        "resolve": (resolve_view(), {"prevention": "Check every 20 s on campaign days"}),
        "cases": (cases_page(2), {}),
        "declare": (None, {"types": types, "type": types[0][0]}),
        "home": (home_view(), {}),
    }


def approval_asked() -> dict[str, Any]:
    """Twenty refunds on one press, twice the limit, as the approver is asked."""
    limit = money(10_000)
    refunds = plan().actions["refund_difference"]
    return {
        "who": MEI,
        "what": refunds.title,
        "sum": money(180_000),
        "cases": 20,
        "noun": "order",
        "lines": [{"names": [f"FG-{10_482 + n}"], "amount": money(9_000)} for n in range(12)],
        "more": 8,
        "limits": [{"kind": "press", "amount": money(180_000), "limit": limit}],
        "reason": "paid twice",
        "cost": money(500),
        "began": at("02:40"),
        "waiting_since": None,
        "state": "waiting",
        "until": at("03:22"),
        "next": KAI,
        "buttons": [
            ButtonView("approval.grant", "INC-412:7:1:1", None, "approve", "primary"),
            ButtonView("approval.refuse", "INC-412:7:1:1", None, "refuse"),
        ],
    }


def desk_note() -> DeskNote:
    note = kind().desk
    assert note is not None
    return note


def desk_notes() -> list[tuple[CardView, dict[str, Any]]]:
    """The desk's note while it lasts, and when there is nothing to say any more."""
    lasting = (card_open(), {"note": desk_note().active, "button": None})
    again = (card_relapsed(), {"note": desk_note().active, "button": None})
    held = (card_held_again(), {"note": desk_note().mitigated, "button": None})
    return [
        lasting,
        again,
        held,
        *((closed, {"note": None, "button": None}) for closed in card_closed()),
    ]


def pictures() -> tuple[PictureView, PictureView]:
    """What was drawn at the opening; the second of a shop that is too young for a usual hour."""
    tried = (97, 102, 95, 88, 99, 104, 91, 96, 93, 90, 87, 118)
    failed = (3, 2, 4, 3, 2, 3, 3, 2, 4, 3, 21, 57)

    def of(usual: int | None) -> PictureView:
        start = at("02:07")
        stretches = tuple(
            Stretch(start + timedelta(minutes=5 * number), one, bad, usual)
            for number, (one, bad) in enumerate(zip(tried, failed, strict=True))
        )
        return PictureView(REFERENCE, 5, stretches, scope())

    return of(94), of(None)


def notices() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Every message that rings or answers, with what it is rendered from."""
    take = [take_button()]
    what = plan().actions["switch_payment_channel"].title
    return {
        "remind": (
            card_open(),
            {"minutes": 5, "next": KAI, "next_at": at("03:17"), "buttons": take},
        ),
        "escalation": (card_open(), {"why": "no_owner", "who": MEI, "minutes": 5}),
        "your_turn": (card_open(), {"what": what, "due": at("03:30")}),
        "asked": (card_open(), {"who": "Lin", "what": what}),
        "approval": (card_open(), approval_asked()),
        "approval_decided": (
            card_open(),
            {**approval_asked(), "why": "approved", "by": KAI, "at": at("03:12")},
        ),
        "unknown": (card_open(), {"what": what, "at": at("03:09")}),
        "worse": (
            card_open(),
            {"before": 2, "after": 1, "before_cases": 41, "after_cases": 97},
        ),
        "week": (week_view(), {}),
        "opened": (card_open(), {"absent_from": "C0CSINC"}),
        "relapse": (card_open(), {"times": 3, "since": at("02:10")}),
        "mitigated": (card_mitigated(), {}),
        "resolved": (card_mitigated(), {"who": MEI}),
        "handed_over": (
            card_open(),
            {"who": KAI, "note": "the vendor calls back at 15:00", "what": what},
        ),
        "told": (card_open(), {"who": MEI}),
        "morning": (card_open(), {}),
        "not_delivered": (card_open(), {"stuck": stuck()}),
        "no_channel": (card_open(), {}),
        "desk": (card_mitigated(), {"note": desk_note().mitigated, "button": cases_button()}),
        "incident_list": (None, {"items": [list_item(number) for number in (412, 413)]}),
        "newer_threads": (
            None,
            {"since": at("03:10"), "references": ["INC-413", "INC-414"], "more": 3},
        ),
        "blind": (
            None,
            {"check": "stuck-orders", "since": at("03:02"), "runs": 9, "error": "no answer"},
        ),
        "record": (
            None,
            {"kind": "behind", "unknown": ["INC-412", "INC-413"], "more": 0, "next": "INC-414"},
        ),
        "moved": (None, {"who": "Mei", "at": at("03:30")}),
        "isolated": (
            None,
            {
                "ours": False,
                "author": "Kai",
                "actor": "Mei",
                "at": at("03:28"),
                "files": 2,
                "link": "https://formosa.slack.com/archives/C0INCIDENTS/p1",
                "more": False,
                "text": RAW_WORDS,
            },
        ),
        "isolated_ask": (
            None,
            {
                "actor": "Mei",
                "own": False,
                "at": at("03:28"),
                "files": 2,
                "link": "https://formosa.slack.com/archives/C0INCIDENTS/p1",
            },
        ),
    }


def review_view() -> ReviewView:
    """05:30, resolved (thread-examples 1.9)."""
    ended = scope(
        after_switch(),
        owner="Mei",
        status="resolved",
        mitigated=True,
        resolved=True,
        cases={
            "open": 12,
            "settled": 29,
            "unknown": 0,
            "charged": 2,
            "not_charged": 7,
            "was_charged": 2,
            "was_not_charged": 7,
            "open_amount": money(25270),
        },
    )
    switched = {"at": at("03:09").isoformat(), "actor": "Mei"}
    ended["steps"] = {"3.3.1.s2": {"state": "done", **switched, "first": switched}}
    action = plan().actions["switch_payment_channel"]
    runbook = runbook_skipped()
    return ReviewView(
        reference=REFERENCE,
        number=NUMBER,
        title=kind().review_title,
        summary=kind().review_summary,
        scope=ended,
        severity=1,
        status="resolved",
        family="system",
        section="3.3",
        section_title=section().short,
        plan_version="2026.11",
        plan_hash="0" * 64,
        times=(
            ("started", at("03:02")),
            ("found", at("03:07")),
            ("told", at("03:07")),
            ("owner", at("03:09")),
            ("works", at("03:10")),
            ("resolved", at("05:30")),
        ),
        timeline=log_lines(),
        steps=runbook.steps,
        actions=(
            ReviewAction(
                action="switch_payment_channel",
                title=action.title,
                actor=MEI,
                requested_at=at("03:09"),
                settled_at=at("03:10"),
                state="succeeded",
                before={"channel": "northpay"},
                after={"channel": "harborpay"},
                scope=action_scope(),
                log=action.log,
                undone=False,
            ),
        ),
        cases=cases_page().cases,
        cause=plan().causes["vendor"].label,
        cause_code="vendor",
        cause_text="Northpay's 3-D Secure server lost its certificate store.",
        cause_by=MEI,
        follow_ups=(
            ("Check every 20 s on campaign days", MEI, at("00:00", 18), False),
            ("Ask Northpay for a status feed", LIN, at("00:00", 30), False),
        ),
        steps_done=4,
        steps_skipped=1,
        in_order=True,
        acknowledged_after=120.0,
        acknowledge_limit=300.0,
        found_after=300.0,
        rings={"Mei": 3, "Kai": 1},
        notes=((LIN, at("04:02"), "two customers called the shop"),),
        open_items=("12 orders not paid",),
        written_at=at("05:30"),
    )


def words(english: str, chinese: str) -> Words:
    return Words.model_validate({"en": english, "zh-Hant": chinese})


def card_closed() -> tuple[CardView, ...]:
    """Not an incident after all; merged into another; ended."""
    silent = NextView("none", None)
    closed = dataclasses.replace(
        card_mitigated(), buttons=(), next=silent, mood="ended", status="resolved"
    )
    return (
        closed,
        dataclasses.replace(
            closed, mood="dismissed", status="dismissed", reason="a load test", owner=None
        ),
        dataclasses.replace(closed, mood="merged", status="merged", merged_into="INC-409"),
    )


def runbook_all_states() -> RunbookView:
    """A step in every state there is, with a decision and what a form recorded."""
    base = runbook_mitigated()
    way = words("If the customer paid too little", "若顧客少付")
    decide = ButtonView("step.branch", "INC-412:7:3.3.2.s1:a", words("Collect", "補收"))
    return dataclasses.replace(
        base,
        replaced=True,
        steps=(
            _step_view(1, "3.3.1.s1", "running", actor=MEI, actor_kind="person", at=at("03:09")),
            _step_view(2, "3.3.1.s2", "unknown", started_at=at("03:09")),
            _step_view(
                3,
                "3.3.2.s1",
                "next",
                branches=((way, decide),),
                problem=words("Harborpay failed its test payment", "Harborpay 測試付款失敗"),
            ),
            _step_view(4, "3.3.3.s1", "open_any_time"),
            _step_view(
                5,
                "3.3.4.s1",
                "done",
                actor=LIN,
                actor_kind="person",
                at=at("10:20", 12),
                branch=way,
                recorded=((words("Ticket", "案號"), "88213"),),
            ),
        ),
    )


def runbook_by_hand() -> RunbookView:
    """A step that Muster has no door for, and one that was done so."""
    base = runbook_mitigated()
    lacks = ("shop.actions.switch_payment_channel", "shop.looks.routing")
    told = ButtonView("step.by_hand", "INC-412:7:3.3.1.s2:by_hand", None, "by_hand")
    steps = (
        dataclasses.replace(
            _step_view(1, "3.3.1.s1", "done", actor=MEI, actor_kind="person", at=at("03:09")),
            by_hand=True,
        ),
        dataclasses.replace(
            _step_view(2, "3.3.1.s2", "next", buttons=(told, skip_button("3.3.1.s2"))),
            lacks=lacks,
        ),
    )
    return dataclasses.replace(base, done=1, total=2, steps=steps)


def runbook_long(steps: int) -> RunbookView:
    """More steps than a message has blocks."""
    half = steps // 2
    return dataclasses.replace(
        runbook_mitigated(),
        done=half,
        total=steps,
        steps=tuple(
            _step_view(
                number,
                "3.3.1.s2",
                "done" if number <= half else "next" if number == half + 1 else "pending",
                actor=MEI,
                actor_kind="person",
                at=at("03:09"),
                buttons=(skip_button("3.3.1.s2"),) if number == half + 1 else (),
            )
            for number in range(1, steps + 1)
        ),
    )


def forms() -> tuple[Form, ...]:
    """Every form of the plan, and one with a field of every kind."""
    found = [one.form for part in plan().sections.values() for one in part.steps if one.form]
    found += [one.form for one in plan().actions.values() if one.form]
    found += [one.declare for part in plan().sections.values() for one in part.types if one.declare]
    kinds = ("text", "lines", "number", "money", "date", "datetime", "select", "person", "tick")
    options = tuple(Option(id=name, label=words(name, name)) for name in ("first", "second"))
    found.append(
        Form(
            title=words("Everything", "全部"),
            submit=words("Save", "儲存"),
            fields=tuple(
                FormField(
                    id=kind_,
                    kind=kind_,
                    label=words(kind_, kind_),
                    hint=words("hint", "提示"),
                    required=False,
                    options=options if kind_ == "select" else (),
                    minimum=0 if kind_ == "number" else None,
                    maximum=99 if kind_ == "number" else None,
                )
                for kind_ in kinds
            ),
        )
    )
    return tuple(found)


FILLED: dict[str, Any] = {
    "text": "a",
    "lines": "a\nb",
    "number": 0,
    "money": "12.50",
    "date": "2026-11-14",
    "datetime": at("04:30"),
    "select": "second",
    "person": "U0MEI",
    "tick": True,
}
