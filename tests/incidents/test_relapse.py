"""What was over and comes back: never green while it is felt, never done without its effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from checks.model import CaseFound, CheckResult, Finding
from incidents import read, scope
from incidents.change import Change
from incidents.detection import impact
from incidents.lifecycle import commands
from incidents.organisation import SYSTEM_ACTOR
from incidents.runbooks import guards
from incidents.views import CardView
from message_templates.engine import Templates
from storage.models import (
    Case,
    CaseState,
    Effect,
    EffectState,
    Incident,
    Status,
    StepState,
    WorkItem,
)
from tests.incidents.world import KAI, MEI, World, money
from tests.message_templates.builders import TAIPEI
from tests.message_templates.shown import lines

SWITCH = "3.3.1.s2"
STANDBY = "9.1.3.s2"
OFFER = "3.3.3.s1"


def card(world: World, number: int = 1) -> CardView:
    found = world.incident(number)
    return world.read(lambda s: read.card(s, world.house, found.id, world.now))


def drawn(world: World, template: str, language: str = "en") -> str:
    """The card or the runbook message as people read it now."""
    incident = world.incident()
    view: Any = card(world)
    if template == "runbook":
        view = world.read(lambda s: read.runbook(s, world.house, incident.id, world.now, None))
    return lines(Templates(TAIPEI).render(template, view, language=language))


def runbook(world: World, step_id: str) -> Any:
    view = world.read(lambda s: read.runbook(s, world.house, world.incident().id, world.now, None))
    return next(step for step in view.steps if step.step_id == step_id)


def offered(world: World, step_id: str) -> list[str]:
    return [button.value.split(":")[3] for button in runbook(world, step_id).buttons]


def routed(world: World, channel: str) -> None:
    """Where the shop's payments go now, whoever sent them there."""
    world.looks["routing"] = lambda _: {"channel": channel}


def switched(world: World, who: str = MEI) -> None:
    """The check goes on failing, beside the traffic now."""
    assert world.press(who, SWITCH, "switch").ok
    world.run_actions(switch_payment_channel=lambda _: {"channel": "harborpay"})
    world.channel_fails(1, every=0, felt=False)


def mitigated(world: World) -> None:
    world.channel_fails(3)
    switched(world)
    world.advance(125)
    assert world.incident().status in (Status.MITIGATED, Status.MONITORING)


def relapse_rings(world: World, person: str) -> int:
    return sum(ring.event == "relapse" for ring in world.rings(person))


def shop_down(world: World, times: int = 3, **facts: Any) -> None:
    for _ in range(times):
        finding = Finding(
            "service:storefront",
            "system_crash",
            facts={"error": "refused", "standby": {"id": "standby", "ok": None}, **facts},
            started_at=world.now,
        )
        world.check(CheckResult("storefront", world.now, (finding,), open_after=3, recover_after=3))
        world.advance(10)


def shop_up(world: World, times: int = 3) -> None:
    for _ in range(times):
        world.check(
            CheckResult(
                "storefront",
                world.now,
                healthy_subjects=("service:storefront",),
                open_after=3,
                recover_after=3,
            )
        )
        world.advance(10)


def test_it_is_green_only_after_the_effect_has_held(world: World) -> None:
    world.channel_fails(3)
    switched(world)
    verified = world.now
    incident = world.incident()
    assert (incident.status, incident.mitigated_at) == (Status.ACKNOWLEDGED, None)
    seen = card(world)
    assert (seen.mood, seen.next.kind) == ("active", "watched")
    assert seen.next.params["until"] == verified + timedelta(seconds=120)
    world.advance(110)
    assert world.incident().status == Status.ACKNOWLEDGED
    world.advance(15)
    incident = world.incident()
    assert (incident.status, incident.mitigated_at) == (Status.MITIGATED, verified)
    assert card(world).mood == "mitigated"
    [line] = [one for one in world.entries() if one.kind == "mitigated"]
    assert line.data["posted"]
    assert line.data["broadcast"]


def test_a_look_without_an_answer_is_not_taken_for_a_good_one(world: World) -> None:
    world.channel_fails(3)
    switched(world)
    world.looks["routing"] = lambda _: {"error": "timeout"}
    world.advance(600)
    assert world.incident().status == Status.ACKNOWLEDGED
    assert world.step(SWITCH).state == StepState.DONE  # not known is not gone
    version = world.incident().version
    world.advance(1800)
    said = [one for one in world.entries() if one.kind == "hold_unseen"]
    assert [one.data["posted"] for one in said] == [True]  # once, and then it is looked seldom
    assert world.incident().version == version
    assert card(world).next.params["unseen"]
    fired = len([one for one in world.all(WorkItem) if "/timer/hold/" in one.key])
    world.advance(1800)
    looks = [one for one in world.all(WorkItem) if "/timer/hold/" in one.key]
    assert len(looks) - fired == 6
    routed(world, "harborpay")
    world.advance(5 * 60)
    assert world.incident().status == Status.MITIGATED


def test_an_effect_that_does_not_last_mitigates_nothing(world: World) -> None:
    world.channel_fails(3)
    switched(world)
    world.advance(40)
    routed(world, "northpay")
    world.advance(40)
    assert world.incident().status == Status.ACKNOWLEDGED
    assert world.incident().works_since is None
    assert world.step(SWITCH).state == StepState.PENDING
    assert "switch" in offered(world, SWITCH)
    assert relapse_rings(world, MEI) == 1
    assert "mitigated" not in world.kinds()


def test_a_test_payment_that_fails_twice_ends_the_hold(world: World) -> None:
    world.channel_fails(3)
    switched(world)
    world.looks["channel_test"] = lambda _: {"ok": False}
    world.advance(40)
    assert world.step(SWITCH).state == StepState.DONE
    world.advance(30)
    assert world.step(SWITCH).state == StepState.PENDING
    assert relapse_rings(world, MEI) == 1


def test_the_evidence_of_a_step_is_kept(world: World) -> None:
    mitigated(world)
    [effect] = world.all(Effect)
    assert (effect.step_id, effect.look, effect.state) == (SWITCH, "routing", EffectState.STANDS)
    assert effect.seen == {"channel": "harborpay"}
    first = effect.seen_at
    world.advance(11 * 60)
    [effect] = world.all(Effect)
    assert effect.seen_at - first >= timedelta(minutes=9)
    assert world.now - effect.seen_at <= timedelta(minutes=5)


def test_what_the_shop_took_back_is_to_do_again_within_five_minutes(world: World) -> None:
    """Nobody pressed: somebody routed the payments back in the shop, while the channel fails."""
    mitigated(world)
    world.channel_fails(1, felt=False)
    routed(world, "northpay")
    world.advance(5 * 60)
    incident = world.incident()
    assert (incident.status, incident.mitigated_at) == (Status.ACKNOWLEDGED, None)
    assert card(world).mood == "active"
    assert world.step(SWITCH).state == StepState.PENDING
    assert "switch" in offered(world, SWITCH)
    assert relapse_rings(world, MEI) == 1
    [effect] = world.all(Effect)
    assert effect.state == EffectState.GONE


def test_a_check_that_fails_looks_at_the_effects_at_once(world: World) -> None:
    mitigated(world)
    world.channel_healthy(3)
    world.advance(300 - world.now.timestamp() % 300 + 1)  # just after one of the regular looks
    routed(world, "northpay")
    world.channel_fails(1, every=5)
    assert world.step(SWITCH).state == StepState.PENDING
    world.channel_fails(2)
    assert world.incident().status == Status.ACKNOWLEDGED


def test_half_failing_repaired_switched_back_and_failing_again(world: World) -> None:
    """Twice: rung each time, the step workable again, counted on the same card."""
    world.channel_fails(3)
    switched(world)
    world.advance(125)
    for times in (2, 3):
        world.advance(600)
        world.channel_healthy(3)
        assert world.answer(MEI, "switch_back", "switch_back").ok
        world.run_actions(switch_back_payment_channel=lambda _: {"channel": "northpay"})
        assert world.step(SWITCH).state == StepState.PENDING  # its effect is no more
        assert runbook(world, SWITCH).state == "not_needed"
        assert world.incident().status in (Status.MITIGATED, Status.MONITORING)
        assert card(world).mood == "mitigated"
        world.channel_fails(3)
        incident = world.incident()
        assert (incident.status, incident.mitigated_at, incident.times) == (
            Status.ACKNOWLEDGED,
            None,
            times,
        )
        seen = card(world)
        assert (seen.mood, seen.times) == ("active", times)
        assert "switch" in offered(world, SWITCH)
        assert relapse_rings(world, MEI) == times - 1
        switched(world)
        world.advance(125)
        assert card(world).mood == "mitigated"
    assert len(world.all(Incident)) == 1
    assert world.kinds().count("relapsed") == 2
    assert world.kinds().count("mitigated") == 3


def test_a_relapse_says_since_when_it_fails_now_and_in_the_end_how_often_it_did(
    world: World,
) -> None:
    """Never the sum of the minutes beside the whole span; never since the first time alone."""
    mitigated(world)
    first = world.incident()
    world.advance(600)
    world.channel_healthy(3)
    assert world.answer(MEI, "switch_back", "switch_back").ok
    world.run_actions(switch_back_payment_channel=lambda _: {"channel": "northpay"})
    world.channel_fails(3)
    incident = world.incident()
    assert incident.felt_since is not None
    assert incident.felt_since > first.started_at
    again = f"Failing again since {incident.felt_since.astimezone(TAIPEI):%H:%M}."
    assert again in drawn(world, "card")
    assert "起再次失敗" in drawn(world, "card", "zh-Hant")
    assert runbook(world, OFFER).state == "open_any_time"  # the channel that fails carries them
    switched(world)
    world.advance(125)
    said = drawn(world, "card")
    felt = scope.minutes_felt(world.incident())
    assert f"They failed twice, {felt} minutes in all, between " in said
    assert "間失敗 2 次，合計" in drawn(world, "card", "zh-Hant")


def test_the_first_outage_is_told_as_one_span(world: World) -> None:
    mitigated(world)
    assert "They failed for " in drawn(world, "card")


def test_payments_that_wait_for_customers_leave_the_switch_green(world: World) -> None:
    """The old channel fails on, beside the traffic; who was sent a link has not paid yet."""
    mitigated(world)
    world.write(lambda s: s.execute(update(Case).values(state=CaseState.WAITING)))
    world.channel_fails(1, felt=False, cases=())
    assert world.incident().failing
    assert "✅ *Card payments work again" in drawn(world, "card")


@pytest.mark.parametrize(
    ("channel", "before", "counted"),
    [("northpay", 0, False), ("harborpay", 60, False), ("harborpay", -5, True)],
)
def test_what_is_counted_since_the_switch_went_through_the_new_channel_since(
    world: World, channel: str, before: int, *, counted: bool
) -> None:
    """The payments of the window before it say nothing of the switch."""
    since = (world.now - timedelta(seconds=before) + timedelta(seconds=30)).isoformat()
    now = {"channel": {"id": channel}, "attempts": 118, "captured": 52, "since": since}
    world.channel_fails(3, now=now)
    assert world.press(MEI, SWITCH, "switch").ok
    world.run_actions(switch_payment_channel=lambda _: {"channel": "harborpay"})
    [line] = [one for one in world.entries() if one.kind == "action_done"]
    view = world.read(lambda s: read.log_entry(s, world.house, 1, line.sequence, world.now))
    said = lines(Templates(TAIPEI).render("log", view, language="en"))
    assert ("52 of 118 paid" in said) is counted
    assert ("52 of 118 paid since" in drawn(world, "runbook")) is counted


def test_what_it_was_like_stays_while_it_is_watched(world: World) -> None:
    """The window goes on and empties; the review tells of the outage, not of what is left."""
    world.channel_fails(3)
    attempts = world.incident().facts["attempts"]
    switched(world)
    world.channel_fails(3, felt=False, attempts=7, failed=3)
    assert world.incident().works_since is not None
    assert world.incident().facts["attempts"] == attempts
    assert f"of {attempts} in 5 minutes before the switch" in drawn(world, "card")


def test_a_standby_that_fails_as_well_is_felt_though_the_switch_stands(world: World) -> None:
    mitigated(world)
    world.channel_fails(3, felt=True)  # the channel that carries the traffic
    assert world.incident().status == Status.ACKNOWLEDGED
    assert card(world).mood == "active"
    assert world.step(SWITCH).state == StepState.PENDING
    assert relapse_rings(world, MEI) == 1


def test_an_undo_while_it_fails_is_felt_at_once(world: World) -> None:
    mitigated(world)
    world.channel_fails(3, felt=False)  # the payments go elsewhere
    assert card(world).mood == "mitigated"
    assert world.press(MEI, SWITCH, "undo").ok
    world.run_actions(switch_back_payment_channel=lambda _: {"channel": "northpay"})
    assert world.incident().status == Status.ACKNOWLEDGED
    assert card(world).mood == "active"
    assert world.step(SWITCH).state == StepState.PENDING


def test_a_crash_after_the_standby_and_back(world: World) -> None:
    shop_down(world)
    for times in (1, 2, 3):
        assert world.incident().times == times
        button = "start" if "start" in offered(world, STANDBY) else "switch"
        assert world.press(MEI, STANDBY, button).ok
        world.run_actions()
        if button == "start":
            assert world.press(MEI, STANDBY, "switch").ok
            world.run_actions(switch_traffic_to_standby=lambda _: {"traffic": "standby"})
        for _ in range(14):
            shop_up(world, 1)
        assert card(world).mood == "mitigated"
        if times == 3:
            break
        world.advance(600)
        shop_up(world)
        assert world.answer(MEI, "switch_back", "switch_back").ok
        world.run_actions(switch_traffic_back=lambda _: {"traffic": "primary"})
        assert card(world).mood == "mitigated"
        shop_down(world)
        assert card(world).mood == "active"
        assert world.step(STANDBY).state == StepState.PENDING
        assert offered(world, STANDBY) != ["skip"]
        assert runbook(world, STANDBY).undo is None  # nobody stops the standby amid the crash
        assert relapse_rings(world, MEI) == times


def test_a_failing_check_keeps_the_hold_from_ending_well(world: World) -> None:
    """The traffic goes to the standby, and the shop does not answer all the same."""
    shop_down(world)
    assert world.press(MEI, STANDBY, "start").ok
    world.run_actions()
    assert world.press(MEI, STANDBY, "switch").ok
    world.run_actions(switch_traffic_to_standby=lambda _: {"traffic": "standby"})
    for _ in range(26):
        shop_down(world, 1)
        assert card(world).mood == "active"
    assert world.incident().mitigated_at is None
    assert world.step(STANDBY).state == StepState.PENDING
    assert relapse_rings(world, MEI) == 1


def test_a_relapse_that_nobody_has_rings_the_role_and_escalates(world: World) -> None:
    world.channel_fails(3)
    world.channel_healthy(3)  # by itself, before anybody took it
    assert world.incident().status == Status.MITIGATED
    world.advance(3600)
    world.channel_fails(3)
    assert world.incident().status == Status.OPEN
    assert relapse_rings(world, MEI) == 1
    world.advance(11 * 60)
    assert "second" in {ring.event for ring in world.rings(KAI)}


def test_within_ten_minutes_it_rings_once_and_later_again(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    world.channel_healthy(3)
    for _ in range(3):
        world.channel_fails(3)
        assert relapse_rings(world, MEI) == 1
        world.channel_healthy(3)
    world.channel_fails(3)
    assert world.incident().times == 5
    world.advance(10 * 60)
    assert relapse_rings(world, MEI) == 2  # still felt: it is not left unsaid


def test_the_orders_of_a_relapse_are_no_second_ring(world: World) -> None:
    """As many again fail with it: that it is back was rung. Twice as many from there got worse."""

    def failing(*numbers: int) -> None:
        cases = [CaseFound("order", f"FG-{n}", money(1), f"c{n}") for n in range(*numbers)]
        world.channel_fails(3, cases=cases)

    failing(20)
    world.take(MEI)
    world.channel_healthy(3)
    failing(20, 40)
    failing(20, 45)
    assert relapse_rings(world, MEI) == 1
    assert "got_worse" not in world.kinds()
    failing(20, 100)
    assert world.kinds().count("got_worse") == 1


def test_who_rests_is_not_waited_for(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    world.channel_healthy(3)
    world.presence[MEI] = world.now + timedelta(hours=4)
    world.channel_fails(3)
    assert (relapse_rings(world, MEI), relapse_rings(world, KAI)) == (0, 1)


def test_the_times_of_all_outages_are_kept(world: World) -> None:
    world.channel_fails(3)
    began = world.incident().started_at
    world.take(MEI)
    world.channel_healthy(3, every=60)
    worked = world.incident().mitigated_at
    assert worked is not None
    world.advance(3600)
    again = world.now
    world.channel_fails(3)
    world.advance(300)
    world.channel_healthy(3)
    incident = world.incident()
    assert incident.mitigated_at is not None
    assert scope.outages(incident) == [
        {"from": began.isoformat(), "to": worked.isoformat()},
        {"from": again.isoformat(), "to": incident.mitigated_at.isoformat()},
    ]
    felt = (worked - began) + (incident.mitigated_at - again)
    assert scope.minutes_felt(incident) == round(felt.total_seconds() / 60)


def test_resolving_looks_at_the_effects_first(world: World) -> None:
    mitigated(world)
    world.channel_healthy(3)
    routed(world, "northpay")
    looks = world.look(world.read(lambda s: guards.wanted_looks(s, world.house, 1, world.now)))
    refused = world.resolve(MEI, looks=looks)
    assert (refused.ok, refused.code) == (False, "effect_gone")
    assert world.incident().live
    assert world.step(SWITCH).state == StepState.PENDING
    assert world.resolve(MEI, looks=looks).ok  # known now, and confirmed


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The check payment channel northpay still fails, since"),
        ("zh-Hant", "檢查「payment channel northpay」仍未通過"),
    ],
)
def test_who_resolves_is_told_what_still_fails(world: World, language: str, said: str) -> None:
    def form() -> str:
        number = world.incident().id
        view = world.read(lambda s: read.resolve_view(s, world.house, number, world.now, None))
        return repr(Templates().render("resolve", view, language=language).view)

    world.channel_fails(3)
    assert said in form()
    world.channel_healthy(1)
    assert said not in form()


def test_what_is_closed_while_it_fails_is_not_green(world: World) -> None:
    world.channel_fails(3)
    assert world.resolve(MEI).ok
    seen = card(world)
    assert seen.mood == "unseen"
    kind = world.house.plan.incident_type("payment_channel_down")
    assert seen.words == kind.card.active


def test_a_new_incident_within_a_day_follows_the_old_one(world: World) -> None:
    mitigated(world)
    world.channel_healthy(3)
    assert world.resolve(MEI).ok
    world.advance(3600)
    world.channel_fails(3)
    assert world.incident(2).follows == world.incident(1).id
    assert card(world, 2).follows == "INC-1"
    assert [one.data["other"] for one in world.entries(1) if one.kind == "followed"] == ["INC-2"]
    assert [one.data["other"] for one in world.entries(2) if one.kind == "follows"] == ["INC-1"]
    assert world.resolve(MEI, number=2).ok
    world.advance(25 * 3600)
    world.channel_healthy(3)
    world.channel_fails(3)
    assert world.incident(3).follows is None


@pytest.mark.parametrize(
    ("failing", "beside", "felt"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_a_failing_check_is_felt_where_the_traffic_goes(
    world: World, failing: bool, beside: bool, felt: bool
) -> None:
    world.channel_fails(3, felt=True)
    world.channel_fails(1, felt=not beside)

    def ask(session: Any) -> bool:
        incident = session.get_one(Incident, world.incident().id)
        change = Change(session, world.house, incident, SYSTEM_ACTOR, world.now)
        return impact.felt(change, failing=failing)

    assert world.read(ask) == felt


def test_a_types_present_facts_are_renewed_after_the_mitigation(world: World) -> None:
    """Not four names in the code: each type says which of its facts describe the present."""
    mitigated(world)
    attempts = world.incident().facts["attempts"]
    world.channel_fails(1, felt=False, attempts=7, now={"attempts": 30, "captured": 30})
    facts: Mapping[str, Any] = world.incident().facts
    assert facts["attempts"] == attempts
    assert facts["now"]["attempts"] == 30
    for kind in ("payment_channel_down", "order_state_stuck", "system_crash"):
        assert world.house.plan.incident_type(kind).present


def offered_at_checkout(world: World) -> None:
    assert world.press(MEI, OFFER, "offer").ok
    world.run_actions(offer_alternative_payment=lambda _: {"ok": True})
    assert world.incident().facts["methods"]["since"]


def off_the_checkout(world: World) -> None:
    world.looks["checkout_methods"] = lambda _: {"methods": ["card"]}


def test_a_hold_goes_on_when_what_another_step_did_is_gone(world: World) -> None:
    world.channel_fails(3)
    offered_at_checkout(world)
    switched(world)
    off_the_checkout(world)
    world.advance(125)
    assert world.step(OFFER).state == StepState.PENDING
    assert world.step(SWITCH).state == StepState.DONE
    assert world.incident().status == Status.MITIGATED
    assert card(world).mood == "mitigated"


def test_what_is_off_the_checkout_is_promised_no_more_and_offered_again(world: World) -> None:
    world.channel_fails(3, standby={})
    offered_at_checkout(world)
    world.advance(11 * 60)  # not over: it is looked at all the same
    off_the_checkout(world)
    world.advance(5 * 60)
    assert world.step(OFFER).state == StepState.PENDING
    assert offered(world, OFFER) == ["offer", "skip"]
    assert not world.incident().facts["methods"]["since"]


def test_what_recovers_while_it_is_watched_and_is_switched_back_is_over(world: World) -> None:
    world.channel_fails(3)
    switched(world)
    world.channel_healthy(3)
    assert world.incident().status == Status.ACKNOWLEDGED  # still watched
    assert world.answer(MEI, "switch_back", "switch_back").ok
    world.run_actions(switch_back_payment_channel=lambda _: {"channel": "northpay"})
    incident = world.incident()
    assert (incident.status, incident.hold) == (Status.ACKNOWLEDGED, None)
    world.channel_healthy(1)
    assert world.incident().status in (Status.MITIGATED, Status.MONITORING)
    assert card(world).mood == "mitigated"
    said = [one.kind for one in world.entries() if one.data.get("posted")]
    assert said[-1] == "recovered"


def test_what_recovers_while_it_is_watched_and_does_not_hold_can_be_done_again(
    world: World,
) -> None:
    world.channel_fails(3)
    switched(world)
    world.channel_healthy(3)
    routed(world, "northpay")
    world.advance(40)
    incident = world.incident()
    assert (incident.recovered_at, incident.facts.get("recovered_at")) == (None, None)
    assert "switch" in offered(world, SWITCH)


def test_a_clock_that_was_set_back_silences_no_relapse(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    world.channel_healthy(3)
    world.channel_fails(3)
    assert relapse_rings(world, MEI) == 1
    world.now -= timedelta(hours=3)
    world.channel_healthy(3)
    world.channel_fails(3)
    assert relapse_rings(world, MEI) == 2


def test_two_escalations_of_one_incident_ring_nobody_twice(world: World) -> None:
    """It was over for three minutes and nobody had it: one goes on, from the relapse."""
    world.channel_fails(3)
    world.channel_healthy(3, every=60)
    world.channel_fails(3)
    assert world.incident().status == Status.OPEN
    world.advance(20 * 60)
    for event in ("no_owner", "second", "page"):
        assert [ring.event for ring in world.rings()].count(event) == 1, event


def test_a_severity_that_is_raised_leaves_the_page_where_it_was(world: World) -> None:
    world.channel_fails(3, severity=2)
    opened = world.incident().detected_at
    world.advance(600)
    world.write(
        lambda s: commands.change_severity(s, world.house, 1, world.actor(KAI), 1, world.now)
    )
    world.advance(600)
    [paged] = [ring for ring in world.rings() if ring.event == "page"]
    assert paged.at - opened <= world.house.escalation.page_after


def test_a_question_loses_its_buttons_in_every_copy(world: World) -> None:
    """At night an old “Switch back” must not stand green in somebody's direct messages."""
    mitigated(world)
    world.advance(600)
    world.channel_healthy(3)
    [asked] = [one for one in world.entries() if one.kind == "asked"]
    [direct] = [
        m for m in world.messages("direct") if m.payload["params"].get("entry") == asked.sequence
    ]

    def copy() -> str:
        view, params = world.read(
            lambda s: read.notice(s, world.house, 1, direct.payload["params"], world.now)
        )
        return lines(Templates(TAIPEI).render("your_turn", view, language="en", params=params))

    assert "Switch back ]" in copy()
    world.channel_fails(3, felt=False)  # beside the traffic: what was asked is withdrawn
    assert "[" not in copy()
    refreshed = {m.payload["message"] for m in world.messages("refresh")}
    assert f"INC-1/dm/{MEI}/your_turn/{asked.sequence}" in refreshed
