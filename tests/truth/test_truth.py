"""Truth of what the bot says, as a machine: people, the shop and time do anything, in any order.

The small shop is the truth. Whatever happens, the card, the steps, the rings, the messages to
customers and the money must agree with it (architecture rules 12 and 15).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from incidents.lifecycle import commands
from incidents.outcome import Outcome
from incidents.shop_actions import approvals
from storage.models import (
    ActionAttempt,
    Approval,
    ApprovalState,
    Case,
    Incident,
    Status,
    StepState,
)
from tests.incidents.world import JO, KAI, LIN, MEI, SAM
from tests.truth.small_shop import ANSWERS, Order, SmallShop
from tests.truth.small_world import OPEN_AFTER, SmallWorld

FULL = bool(os.environ.get("MUSTER_FULL"))
PEOPLE = st.sampled_from([MEI, KAI, LIN, JO, SAM])
RESPONDERS = st.sampled_from([MEI, MEI, KAI, LIN])
LIMIT = 1_000_000  # of the house of tests: refund, in minor units
QUIET_OF_A_RELAPSE = timedelta(minutes=10)
FIRST_RING = timedelta(minutes=6)  # at the latest the first reminder of the house of tests
A_DAY = timedelta(days=1, minutes=1)
_FAULTS = ("payments", "storefront", "stuck", "amounts")
_LIVE = (Status.OPEN, Status.ACKNOWLEDGED, Status.MITIGATED, Status.MONITORING)
_SETTLED = (StepState.DONE, StepState.SKIPPED, StepState.NOT_NEEDED)


def stocked() -> SmallShop:
    """Three orders whose payments fail, two that may get stuck, three whose amounts may differ."""
    shop = SmallShop()
    for index, minor in enumerate((200_000, 450_000, 900_000)):
        order = Order(
            f"PAY-{index}", f"c{index}", minor, "awaiting_payment", "en" if index else "zh-Hant"
        )
        status = "no_answer" if index == 2 else "failed"
        order.payments.append(
            {"id": f"p{index}", "status": status, "amount_minor": minor, "charged": True}
        )
        shop.orders[order.number] = order
    for index in range(2):
        order = Order(f"STUCK-{index}", f"s{index}", 120_000, "dispatched")
        order.payments.append({"id": f"sp{index}", "status": "captured", "amount_minor": 120_000})
        shop.orders[order.number] = order
    for index in range(3):
        order = Order(f"SUM-{index}", f"a{index % 2}", 800_000)
        order.payments.append({"id": f"ap{index}", "status": "captured", "amount_minor": 800_000})
        shop.orders[order.number] = order
    return shop


def filled(form: Any, now: datetime) -> dict[str, Any]:
    """A form filled in as somebody would who wants to get on."""
    values: dict[str, Any] = {}
    for one in form.fields:
        match one.kind:
            case "select":
                values[one.id] = one.options[0].id
            case "number":
                values[one.id] = str(max(1, one.minimum or 1))
            case "money":
                values[one.id] = "10"
            case "date":
                values[one.id] = (now + timedelta(days=1)).date().isoformat()
            case "datetime":
                values[one.id] = (now + timedelta(hours=1)).isoformat()
            case "person":
                values[one.id] = MEI
            case "tick":
                values[one.id] = True
            case _:
                values[one.id] = "Looked at it"
    return values


UNTRUE: list[str] = []  # names of what did not hold, in the order in which it was seen


def holds(check: Callable[[Any], None]) -> Any:
    """An invariant of a life that has begun; what it finds is kept, for who asks what was found."""

    @wraps(check)
    def look(self: Truth) -> None:
        if not hasattr(self, "world"):
            return
        try:
            check(self)
        except AssertionError:
            UNTRUE.append(check.__name__)
            raise

    return invariant()(look)


class Truth(RuleBasedStateMachine):
    """`green` remembers what each card said; `turned` when one that was green ceased to be so."""

    @initialize(
        faults=st.lists(st.sampled_from(_FAULTS), min_size=1, max_size=2, unique=True),
        one_by_one=st.booleans(),
    )
    def begin(self, faults: list[str], one_by_one: bool) -> None:
        """A life begins where the work does: something is broken, and was found."""
        self.one_by_one, self.turn = one_by_one, 0
        self.small = SmallWorld.open(stocked())
        self.world = self.small.world
        self.shop = self.small.shop
        self.green: dict[int, bool] = {}
        self.turned: dict[int, datetime] = {}  # when a green card ceased to be so
        self.alone: dict[int, datetime] = {}  # since when nobody has it, though it is urgent
        for fault in faults:
            self.breaks(fault)
        self.small.pass_time(40)

    def breaks(self, fault: str) -> None:
        match fault:
            case "payments":
                self.shop.channels["northpay"] = False
            case "storefront":
                self.shop.sick.add("primary")
            case "stuck":
                self.orders_move(stuck=True)
            case "amounts":
                for order in self.shop.orders.values():
                    if order.number.startswith("SUM"):
                        order.total = 400_000

    def teardown(self) -> None:
        if hasattr(self, "small"):
            assert self.world.broken() is None
            self.small.close()

    # --- the shop breaks and mends

    @rule(channel=st.sampled_from(["northpay", "northpay", "harborpay"]), works=st.booleans())
    def payments(self, channel: str, works: bool) -> None:
        self.shop.channels[channel] = works

    @rule(server=st.sampled_from(["primary", "primary", "standby"]), works=st.booleans())
    def servers(self, server: str, works: bool) -> None:
        if works:
            self.shop.servers[server] = "running"
            self.shop.sick.discard(server)
        elif self.shop.servers[server] == "running":
            self.shop.sick.add(server)

    @rule(stuck=st.booleans())
    def orders_stick_or_move(self, stuck: bool) -> None:
        self.orders_move(stuck=stuck)

    def orders_move(self, *, stuck: bool) -> None:
        for order in self.shop.orders.values():
            if order.number.startswith("STUCK"):
                order.status, order.since = ("paid" if stuck else "dispatched"), order.since + 1

    @rule(index=st.integers(0, 2), by=st.sampled_from([-400_000, -400_000, 150_000, 0]))
    def an_amount_changes(self, index: int, by: int) -> None:
        order = self.shop.orders[f"SUM-{index}"]
        order.total = 800_000 + by

    @rule(index=st.integers(0, 2))
    def a_customer_pays(self, index: int) -> None:
        """By themselves, whatever the bot has or has not sent."""
        order = self.shop.orders[f"PAY-{index}"]
        if order.owes > 0 and not order.unanswered:
            order.payments.append(
                {
                    "id": self.shop.new("self"),
                    "status": "captured",
                    "amount_minor": order.owes,
                }
            )
            order.status = "paid"

    @rule(answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3))
    def the_shop_will_answer(self, answers: list[str]) -> None:
        self.shop.answers[:] = answers

    @rule()
    def what_was_late_lands(self) -> None:
        self.shop.land()

    @rule(silent=st.booleans())
    def looks_are_silent(self, silent: bool) -> None:
        self.shop.silent = silent

    # --- time

    @rule(seconds=st.sampled_from([10, 40, 40, 130, 250]))
    def time_passes(self, seconds: int) -> None:
        self.small.pass_time(seconds)

    @rule(hours=st.sampled_from([1, 25]))
    def a_long_time_passes(self, hours: int) -> None:
        self.world.advance(hours * 3600 - 60)
        self.small.act()
        self.small.pass_time(60)

    # --- people

    def live(self) -> list[Incident]:
        return [one for one in self.small.incidents() if one.status in _LIVE]

    def offered(self, number: int) -> list[tuple[str, str]]:
        """Step and button of everything that stands on card and runbook messages."""
        card, runbook = self.small.card(number), self.small.runbook(number)
        buttons = [*card.buttons]
        for step in runbook.steps:
            buttons += [*step.buttons, *([step.undo] if step.undo else [])]
            buttons += [button for _, button in step.branches]
        found = []
        for button in buttons:
            parts = button.value.split(":")
            if button.action_id.startswith("step.") and len(parts) >= 4:
                found.append((parts[2], parts[3]))
        return sorted(set(found))

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS, act=st.booleans())
    def presses_what_is_offered(self, data: st.DataObject, who: str, act: bool) -> None:
        number = self.one_of_them(data)
        offered = self.offered(number)
        if not offered:
            return
        step, button = data.draw(st.sampled_from(offered))
        self.presses(who, step, button, number, act=act)

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS, times=st.integers(2, 8))
    def follows_the_runbook(self, data: st.DataObject, who: str, times: int) -> None:
        """Somebody who works it through: one step after the other, nothing left out."""
        number = self.one_of_them(data)
        for _ in range(times):
            offered = [one for one in self.offered(number) if one[1] != "skip"]
            if not offered:
                break
            step, button = data.draw(st.sampled_from(offered))
            for person in (who, MEI, LIN, JO):  # whoever may
                outcome = self.presses(person, step, button, number, act=True)
                if outcome.code != "no_right":
                    break
            assert outcome.code != "not_offered", f"{step} {button} is shown, and not offered"
            self.small.pass_time(10)

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS)
    def skips_what_is_next(self, data: st.DataObject, who: str) -> None:
        number = self.one_of_them(data)
        offered = [one for one in self.offered(number) if one[1] == "skip"]
        if offered:
            step, button = data.draw(st.sampled_from(offered))
            self.presses(who, step, button, number, act=False)

    def one_of_them(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from([one.number for one in self.live()]))

    def presses(self, who: str, step: str, button: str, number: int, *, act: bool) -> Outcome:
        values = self.values(step, button, number)
        outcome = self.world.press(who, step, button, values=values, number=number)
        self.said(outcome, number)
        if act:
            self.small.act()
        return outcome

    def values(self, step_id: str, button_id: str, number: int) -> dict[str, Any] | None:
        if button_id == "skip":
            return {"reason": "Not now"}
        plan = self.world.house.plan
        for section in plan.sections.values():
            for step in section.steps:
                if step.id != step_id:
                    continue
                button = next((one for one in step.buttons if one.id == button_id), None)
                if button is None:
                    return None
                form = step.form if button.does == "form" else None
                if button.action and plan.actions[button.action].form:
                    form = plan.actions[button.action].form
                if form is None:
                    return None
                return {**filled(form, self.world.now), **self.ticked(form, number)}
        return None

    def ticked(self, form: Any, number: int) -> dict[str, Any]:
        """The cases for which a form holds that asks of each: all, or one after the other."""
        if form.cases is None:
            return {}
        incident = self.world.incident(number)
        ids = [one.id for one in self.world.all(Case, Case.incident_id == incident.id)]
        if self.one_by_one and ids:
            self.turn += 1
            ids = [ids[self.turn % len(ids)]]
        return {"cases": ids}

    def said(self, outcome: Outcome, number: int) -> None:
        assert outcome.number in (None, number)

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), one=RESPONDERS, two=RESPONDERS)
    def two_press_at_once(self, data: st.DataObject, one: str, two: str) -> None:
        number = data.draw(st.sampled_from([found.number for found in self.live()]))
        offered = self.offered(number)
        if not offered:
            return
        step, button = data.draw(st.sampled_from(offered))
        version = self.world.incident(number).version
        values = self.values(step, button, number)
        for who in (one, two):
            self.world.press(who, step, button, values=values, version=version, number=number)
        self.small.act()

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=PEOPLE, act=st.sampled_from(["take", "take", "wait", "severity"]))
    def controls_it(self, data: st.DataObject, who: str, act: str) -> None:
        number = self.one_of_them(data)
        world, actor, now = self.world, self.world.actor(who), self.world.now
        until = now + timedelta(minutes=30)
        units: dict[str, Any] = {
            "take": lambda s: commands.take(s, world.house, number, actor, now),
            "wait": lambda s: commands.wait_until(
                s, world.house, number, actor, until, "Lunch", now
            ),
            "severity": lambda s: commands.change_severity(s, world.house, number, actor, 2, now),
        }
        world.write(units[act])

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS, to=RESPONDERS)
    def hands_over(self, data: st.DataObject, who: str, to: str) -> None:
        number = self.one_of_them(data)
        world = self.world
        world.write(
            lambda s: commands.hand_over(
                s, world.house, number, world.actor(who), to, world.now, note="Please go on"
            )
        )

    @rule(who=PEOPLE, grant=st.sampled_from([True, True, False]))
    def decides_on_what_waits(self, who: str, grant: bool) -> None:
        world = self.world
        for one in world.all(Approval, Approval.state == ApprovalState.WAITING):
            world.write(
                lambda s, one=one: approvals.decide(
                    s, world.house, one.id, world.actor(who), world.now,
                    grant=grant, drawn=one.round,
                )
            )  # fmt: skip
        self.small.act()

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS, button=st.sampled_from(["switch_back", "stay"]))
    def answers_the_question(self, data: st.DataObject, who: str, button: str) -> None:
        number = self.one_of_them(data)
        self.world.answer(who, "switch_back", button, number)
        self.small.act()

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS)
    def dismisses(self, data: st.DataObject, who: str) -> None:
        number = self.one_of_them(data)
        world = self.world
        world.write(
            lambda s: commands.dismiss(
                s, world.house, number, world.actor(who), "A test", world.now
            )
        )

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(data=st.data(), who=RESPONDERS)
    def resolves(self, data: st.DataObject, who: str) -> None:
        number = self.one_of_them(data)
        self.small.resolve(who, number, prevention="Watch it", owner=MEI)

    @precondition(lambda self: hasattr(self, "world") and self.live())
    @rule(fault=st.sampled_from(_FAULTS), minutes=st.sampled_from([5, 15]))
    def it_comes_back(self, fault: str, minutes: int) -> None:
        """Mended by itself, well for a while, and broken again where the traffic is now."""
        shop = self.shop
        shop.channels = dict.fromkeys(shop.channels, True)
        shop.sick.clear()
        self.orders_move(stuck=False)
        self.small.pass_time(40)
        self.small.pass_time(minutes * 60, every=60)
        self.note()
        if fault == "payments":
            shop.channels[shop.route] = False
        elif fault == "storefront":
            shop.sick.add(shop.traffic)
        else:
            self.breaks(fault)
        self.small.pass_time(40)
        self.note()
        self.small.pass_time(70)

    # --- what always holds

    def felt(self, subject: str) -> bool:
        """Whether customers feel the fault of that subject now."""
        orders = self.shop.orders.values()
        return {
            self.small.payments_subject(): self.shop.felt_payments,
            "service:storefront": self.shop.felt_down,
            "orders:paid": any(o.status == "paid" for o in orders if o.number.startswith("STUCK")),
            "amounts": any(o.differs for o in orders if o.number.startswith("SUM")),
        }.get(subject, False)

    def fault_of(self, incident: Incident) -> tuple[bool, int]:
        """Whether customers feel its fault now, and how many looks in a row have said so."""
        if not self.felt(incident.subject):
            self.small.failing[incident.subject] = 0  # mended and broken again counts anew
        return self.felt(incident.subject), self.small.failing.get(incident.subject, 0)

    @holds
    def never_green_while_it_is_felt(self) -> None:
        for incident in self.live():
            green = self.small.title(incident.number).startswith("✅")
            felt, looks = self.fault_of(incident)
            if felt and looks >= OPEN_AFTER:
                assert not green, f"{incident.reference} {incident.subject} is green while felt"
        self.note()

    def note(self) -> None:
        """Remembers what the cards say, and when one that was green ceased to be so."""
        for incident in self.live():
            green = self.small.title(incident.number).startswith("✅")
            felt, _ = self.fault_of(incident)
            if self.green.get(incident.number) and not green and felt:
                self.turned[incident.number] = self.world.now
            self.green[incident.number] = green

    @holds
    def no_step_is_done_without_its_effect(self) -> None:
        """A step that took the fault away is not done while the same fault is felt as before."""
        for incident in self.live():
            felt, looks = self.fault_of(incident)
            if not (felt and looks >= OPEN_AFTER):
                continue
            back = {
                "channel:northpay": ("3.3.1.s2", self.shop.route == "northpay"),
                "service:storefront": ("9.1.3.s2", self.shop.traffic == "primary"),
            }.get(incident.subject)
            if back is not None and back[1] and incident.section == back[0][:3]:
                step = self.world.step(back[0], incident.number)
                assert step.state != StepState.DONE, f"{back[0]} is done, and its effect is gone"

    @holds
    def what_was_left_out_is_offered_again(self) -> None:
        """A step that could end it, and was skipped before it came back, is to do again."""
        for incident in self.live():
            felt, looks = self.fault_of(incident)
            turned = self.turned.get(incident.number)
            if turned is None or not felt or looks < OPEN_AFTER or self.green[incident.number]:
                continue
            for step in self.world.house.plan.sections[incident.section].steps:
                if not step.mitigates:
                    continue
                row = self.world.step(step.id, incident.number)
                early = row.at is not None and row.at < turned
                assert not (row.state == StepState.SKIPPED and early), f"{step.id} stays skipped"

    @holds
    def there_is_always_a_way_on(self) -> None:
        for incident in self.live():
            card = self.small.card(incident.number)
            waits = card.next.kind in ("running", "unknown", "approval", "quiet")
            offered = [*card.buttons, *card.more]
            assert waits or offered, f"{incident.reference}: nothing can be done"
            if card.next.kind == "step":
                steps = self.small.runbook(incident.number).steps
                there = [step for step in steps if step.state in ("next", "open_any_time")]
                assert there or card.buttons, f"{incident.reference}: Next names no step"

    @holds
    def nobody_is_told_twice(self) -> None:
        told = Counter(
            (one["order_id"], one["template"]) for one in self.shop.messages if one["template"]
        )
        assert not [key for key, count in told.items() if count > 1], told
        links = Counter(
            str(effect.params["order"]) for effect in self.shop.log if "repayment" in effect.action
        )
        assert not [order for order, count in links.items() if count > 1], links

    @holds
    def nobody_is_asked_for_what_is_not_owed(self) -> None:
        for effect in self.shop.log:
            if effect.action in ("request_repayment", "collect_difference"):
                owed = -int(effect.met["balance_minor"])
                asked = int(effect.params["amount"]["minor"])
                assert asked <= owed, f"{effect.params['order']} owed {owed}, asked for {asked}"

    @holds
    def no_money_past_its_limit(self) -> None:
        attempts = {one.key: one for one in self.world.all(ActionAttempt)}
        alone: Counter[str] = Counter()  # by order and by press, without a second person
        for effect in self.shop.log:
            if effect.action not in ("refund", "refund_difference"):
                continue
            attempt = attempts[effect.key]
            minor = int(effect.params["amount"]["minor"])
            if attempt.approved_by is None:
                alone[str(effect.params["order"])] += minor
                alone[attempt.press] += minor
            else:
                assert attempt.approved_by != attempt.requested_by
        assert all(minor <= LIMIT for minor in alone.values()), alone

    @holds
    def what_was_called_no_incident_is_not_forgotten(self) -> None:
        """*Not an incident* has an end: a fault that is still felt a day later has its thread."""
        last: dict[str, Incident] = {one.subject: one for one in self.small.incidents()}
        for incident in last.values():
            felt, looks = self.fault_of(incident)
            if felt and looks >= OPEN_AFTER and incident.status == Status.DISMISSED:
                ended = incident.resolved_at or self.world.now
                silent = self.world.now - ended
                assert silent <= A_DAY, f"{incident.subject} is silent since {ended}"

    @holds
    def who_must_act_is_rung(self) -> None:
        """Nobody has it: somebody was rung. It came back: who has it was rung, or just before."""
        now = self.world.now
        for incident in self.live():
            felt, looks = self.fault_of(incident)
            if not felt or looks < OPEN_AFTER or incident.severity > 2 or incident.quiet_until:
                continue
            rings = [ring.at for ring in self.world.rings(number=incident.number)]
            if incident.owner is not None:
                self.alone.pop(incident.number, None)
            elif now - self.alone.setdefault(incident.number, now) > FIRST_RING:
                assert rings, f"{incident.reference} rang nobody"
            turned = self.turned.get(incident.number)
            if turned is not None and now - turned >= timedelta(minutes=1):
                assert rings
                assert max(rings) >= turned - QUIET_OF_A_RELAPSE, f"{incident.reference} came back"


Truth.TestCase.settings = settings(
    max_examples=400 if FULL else 8,
    stateful_step_count=40 if FULL else 25,
    deadline=None,
    derandomize=not FULL,  # the short run walks the same lives each time; the long one new ones
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a step is one line: no shrinking
    suppress_health_check=list(HealthCheck),
)
TestTruth = Truth.TestCase
