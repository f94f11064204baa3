"""A record that was restored: every open incident says so, and presses are asked about first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from actions.model import Doubt
from incidents import read, restoration
from incidents.alerting import newer_threads
from incidents.alerting.newer_threads import Root
from incidents.lifecycle import record_confirmation
from incidents.lifecycle.opening import Opening, open_incident
from incidents.outcome import Outcome
from incidents.shop_actions import approvals
from incidents.shop_actions.action_attempts import AttemptBook
from storage.models import (
    ActionAttempt,
    Approval,
    AttemptState,
    AuditEntry,
    HouseFact,
    Restoration,
    SlackMessage,
    StepState,
)
from storage.restore_marks import MAY_BE_SENT, mark_restored
from tests.incidents.world import KAI, LIN, MEI, NIGHT, SAM, World, case_rows

SWITCH, TELL = "3.3.1.s2", "3.3.4.s1"
REFUND = {"amount_minor": 200_000, "currency": "TWD", "created_at": NIGHT.isoformat()}

LINK = {"id": "PL-7001", "url": "https://pay.example/PL-7001", "created_at": NIGHT.isoformat()}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """3.3 is open, and the record was restored a moment ago."""
    made = World.open(database_url)
    made.channel_fails(3)
    restore(made)
    yield made
    made.close()


def restore(world: World) -> None:
    world.write(lambda s: mark_restored(s, world.now))
    world.now += timedelta(minutes=21)
    world.write(lambda s: record_confirmation.tell(s, world.house, world.now))
    world.now += timedelta(minutes=1)


def confirm(world: World, who: str = MEI, number: int = 1) -> Outcome:
    return world.write(
        lambda s: record_confirmation.confirm_record(
            s, world.house, number, world.actor(who), world.now
        )
    )


def looked(world: World, shows: str = "nothing", found: Any = ()) -> None:
    """The runner has looked at everything that is to be looked at."""
    for attempt in world.pending_attempts():
        doubt = doubt_of(world, attempt)
        if doubt is not None:
            look = {"since": doubt.since.isoformat(), "shows": shows, "found": list(found)}
            settle(world, attempt, doubt.problem, look)


def settle(world: World, attempt: ActionAttempt, problem: str, look: Mapping[str, Any]) -> None:
    state = AttemptState.UNKNOWN
    world.settle(attempt, state, problem=problem, response={"look": dict(look)})


def doubt_of(world: World, attempt: ActionAttempt) -> Doubt | None:
    book = AttemptBook(world.house)
    return world.read(lambda s: book.load(s, attempt.id)).doubt


def attempts(world: World, action: str | None = None) -> list[ActionAttempt]:
    found = world.all(ActionAttempt)
    return [one for one in found if action is None or one.action == action]


# --- said


def test_every_open_incident_has_its_line_once_and_its_card_says_up_to_when(world: World) -> None:
    world.write(lambda s: record_confirmation.tell(s, world.house, world.now))
    assert world.kinds(posted=True).count("restored") == 1
    card = world.read(lambda s: read.card(s, world.house, world.incident().id, world.now))
    [restored] = world.all(Restoration)
    assert card.reaches_to == restored.reaches_to
    assert card.confirm_record is not None


def test_what_the_record_knows_last_is_where_it_reaches_to(database_url: str) -> None:
    """Not when the backup was restored: what was done in between is what it lacks."""
    world = World.open(database_url)
    world.channel_fails(3)
    newest = max(entry.at for entry in world.entries())
    world.now += timedelta(hours=9)
    marked = world.write(lambda s: mark_restored(s, world.now))
    assert newest <= marked.reaches_to < world.now - timedelta(hours=8)
    world.close()


def test_a_database_that_is_marked_twice_before_a_start_was_restored_once(
    database_url: str,
) -> None:
    """`muster db restored` may be run again."""
    world = World.open(database_url)
    world.channel_fails(3)
    first = world.write(lambda s: mark_restored(s, world.now))
    world.now += timedelta(minutes=5)
    second = world.write(lambda s: mark_restored(s, world.now))
    assert first.reaches_to == second.reaches_to
    assert len(world.all(Restoration)) == 1
    world.close()


def test_a_button_of_a_version_that_the_record_does_not_know_does_nothing(
    database_url: str,
) -> None:
    """Slack still shows what was drawn after the backup; the record counts on from there."""
    world = World.open(database_url)
    world.channel_fails(3)
    newer = [world.incident().version + one for one in range(1, 40)]
    restore(world)
    world.press(MEI, SWITCH, "switch")
    looked(world)
    world.press(MEI, SWITCH, "not_happened")  # it counts on as it did before the backup
    codes = {world.press(MEI, SWITCH, "switch", version=version).code for version in newer}
    assert codes == {"stale"}
    world.close()


# --- asked


def test_the_first_press_sends_nothing_and_is_answered_so(world: World) -> None:
    outcome = world.press(MEI, SWITCH, "switch")
    assert (outcome.code, outcome.quiet) == ("restored_looks", False)
    [attempt] = attempts(world)
    assert (attempt.state, attempt.problem) == (AttemptState.UNKNOWN, restoration.LOOKING)
    doubt = doubt_of(world, attempt)
    assert doubt is not None
    assert (doubt.asks, doubt.problem) == (True, restoration.ASKED)
    assert doubt.since == world.all(Restoration)[0].reaches_to


def test_who_says_that_it_was_done_has_the_step_done_and_nothing_sent(world: World) -> None:
    world.press(MEI, SWITCH, "switch")
    looked(world, "found")
    assert world.step(SWITCH).state == StepState.UNKNOWN
    assert world.kinds(posted=True).count("restored_asked") == 1
    assert world.press(SAM, SWITCH, "happened").code == "no_right"
    assert world.press(MEI, SWITCH, "happened").ok
    assert (world.step(SWITCH).state, world.step(SWITCH).verified_at) == (StepState.DONE, None)
    [attempt] = attempts(world)
    assert (attempt.state, attempt.sent_at) == (AttemptState.DONE, None)
    assert world.broken() is None


def test_who_says_that_it_was_not_done_presses_again_and_it_is_sent(world: World) -> None:
    world.press(MEI, SWITCH, "switch")
    looked(world)
    assert world.press(MEI, SWITCH, "not_happened").ok
    assert world.step(SWITCH).state == StepState.PENDING
    assert world.press(MEI, SWITCH, "switch").code == "requested"
    second = attempts(world)[-1]
    assert second.state == AttemptState.WRITTEN
    assert doubt_of(world, second) is None


def test_of_several_cases_those_alone_are_done_that_the_shop_shows(world: World) -> None:
    """Two customers have their links; the others get theirs by the next press."""
    world.press(MEI, SWITCH, "switch")
    looked(world, "found")
    world.press(MEI, SWITCH, "happened")
    assert world.press(MEI, TELL, "tell").code == "restored_looks"
    pending = world.pending_attempts()
    assert len(pending) > 10
    for at, attempt in enumerate(pending):
        assert not read_question(world), "one answer is given about all of them"
        look = {"since": NIGHT.isoformat(), "shows": "found" if at < 2 else "nothing"}
        settle(world, attempt, restoration.ASKED, {**look, "found": [LINK] if at < 2 else []})
    assert read_question(world)
    assert world.press(MEI, TELL, "happened").ok
    states = [one.state for one in attempts(world, "request_repayment")]
    assert states.count(AttemptState.DONE) == 2
    assert states.count(AttemptState.FAILED) == len(pending) - 2
    following = attempts(world, "notify_customer")
    assert {one.problem for one in following} == {restoration.LOOKING}, "it is asked about too"
    waiting = [one for one in case_rows(world) if one.state == "waiting"]
    assert {one.facts["link_url"] for one in waiting} == {LINK["url"]}
    assert len(waiting) == 2


def read_question(world: World) -> bool:
    view = world.read(lambda s: read.runbook(s, world.house, world.incident().id, world.now))
    values = [button.value for step in view.steps for button in step.buttons]
    return any(one.endswith(":happened") for one in values)


def test_where_no_step_can_ask_the_second_press_is_the_answer(world: World) -> None:
    """The way back of what was done has no buttons of its own."""
    world.press(MEI, SWITCH, "switch")
    looked(world)
    world.press(MEI, SWITCH, "not_happened")
    world.press(MEI, SWITCH, "switch")
    world.run_actions()
    assert world.press(MEI, SWITCH, "undo").code == "restored_looks"
    looked(world, "found")
    undo = attempts(world)[-1]
    assert (undo.state, undo.problem) == (AttemptState.REFUSED, restoration.AGAIN)
    assert world.step(SWITCH).state == StepState.DONE
    assert world.press(MEI, SWITCH, "undo").code == "requested"
    assert attempts(world)[-1].state == AttemptState.WRITTEN


def test_what_is_looked_at_first_waits_for_no_approval(world: World) -> None:
    """Nothing goes out: the second press is the one that is approved."""
    opened = complaint(world)
    restore(world)
    press_refund(world, opened, "20000")
    assert world.all(Approval) == []
    looked(world)
    world.press(LIN, "7.2.s3", "not_happened", number=opened)
    assert press_refund(world, opened, "20000").code == "approval_needed"


@pytest.mark.parametrize(("answer", "asks"), [("happened", True), ("not_happened", False)])
def test_money_that_was_moved_before_the_restore_counts_against_the_limit_of_the_day(
    world: World, answer: str, asks: bool
) -> None:
    """Of 10,000 a day, 6,000 went out, as Lin says, or did not."""
    first, second = complaint(world), complaint(world, "FG-1", again=True)
    restore(world)
    press_refund(world, first, "6000")
    looked(world, "found", [REFUND])
    assert world.press(LIN, "7.2.s3", answer, number=first).ok
    confirm(world, LIN, second)
    outcome = press_refund(world, second, "6000")
    assert (outcome.code == "approval_needed") is asks


def complaint(world: World, order: str = "FG-1", *, again: bool = False) -> int:
    """One of an order, classified; again: a second one about it."""
    subject = f"order:{order}{'#2' if again else ''}"
    opening = Opening("complaint", subject, "complaint", facts={"order": order})
    number = world.write(
        lambda s: open_incident(s, world.house, opening, world.now).incident.number
    )
    values = {"category": "goods", "sub_reason": "flaw"}
    assert world.press(LIN, "7.2.s2", "classify", values=values, number=number).ok
    return number


def press_refund(world: World, number: int, amount: str) -> Outcome:
    values = {"amount": amount, "reason": "goods"}
    return world.press(LIN, "7.2.s3", "refund", values=values, number=number)


# --- after it was confirmed, and of incidents that are newer


def test_it_is_confirmed_once_by_who_may_and_stands_in_the_record(world: World) -> None:
    assert confirm(world, SAM).code == "no_right"
    assert confirm(world).ok
    again = confirm(world, KAI)
    assert (again.code, again.params["actor"].name) == ("record_confirmed", "Mei")
    assert world.kinds(posted=True).count("record_confirmed") == 1
    entries = world.all(AuditEntry, AuditEntry.action == "confirm_record")
    assert [(one.actor, one.result) for one in entries if one.result == "done"] == [(MEI, "done")]
    card = world.read(lambda s: read.card(s, world.house, world.incident().id, world.now))
    assert card.reaches_to is None
    assert world.broken() is None


def test_once_confirmed_a_press_is_a_press(world: World) -> None:
    confirm(world)
    assert world.press(MEI, SWITCH, "switch").code == "requested"
    [attempt] = attempts(world)
    assert attempt.state == AttemptState.WRITTEN
    assert doubt_of(world, attempt) is None


def test_money_of_an_incident_that_is_newer_is_looked_for_for_a_week(world: World) -> None:
    """The complaint was declared again: what was refunded since the backup is looked for."""
    number = complaint(world)
    press_refund(world, number, "100")
    attempt = attempts(world)[-1]
    assert attempt.state == AttemptState.WRITTEN
    doubt = doubt_of(world, attempt)
    assert doubt is not None
    assert (doubt.asks, doubt.problem) == (False, restoration.ASKED)
    world.settle(attempt, AttemptState.FAILED, problem="refused")
    press_refund(world, number, "100")
    assert doubt_of(world, attempts(world)[-1]) is None, "it was looked for before"


def test_after_a_week_nothing_is_looked_for(world: World) -> None:
    world.now += timedelta(days=8)
    number = complaint(world)
    press_refund(world, number, "100")
    assert doubt_of(world, attempts(world)[-1]) is None


# --- what stood unfinished


def test_an_approval_that_may_have_been_given_since_is_looked_up_by_its_key(
    database_url: str,
) -> None:
    world = World.open(database_url)
    number = complaint(world)
    press_refund(world, number, "20000")
    [request] = world.all(Approval)
    restore(world)
    decided = world.write(
        lambda s: approvals.decide(
            s, world.house, request.id, world.actor(KAI), world.now, grant=True, drawn=1
        )
    )
    assert decided.ok, decided
    [attempt] = attempts(world)
    assert (attempt.state, attempt.problem) == (AttemptState.SENT, MAY_BE_SENT)
    world.close()


# --- threads that are newer


def _roots(session: Session) -> list[Root]:
    session.add(SlackMessage(key="INC-1/card", delivery_id="d1", channel="C0INCIDENTS", ts="1.0"))
    session.flush()
    return [
        Root("C0INCIDENTS", "1.0", "d1", "INC-1/card"),
        Root("C0INCIDENTS", "2.0", "d2", "check/x/20261111T000000"),
        Root("C0INCIDENTS", "3.0", "d3", "INC-207/card"),
        Root("C0INCIDENTS", "3.5", "d3b", "INC-207/card"),  # posted anew
        Root("C0CSDESK", "4.0", "d4", None),  # of an earlier version
    ]


def test_threads_that_no_row_knows_are_listed_once_to_who_is_on_duty(world: World) -> None:
    found = world.write(lambda s: newer_threads.unknown(s, _roots(s)))
    assert [(one.reference, one.ts) for one in found] == [("INC-207", "3.5"), (None, "4.0")]
    [(which, _)] = world.read(newer_threads.wanted)
    for _ in range(2):
        world.write(lambda s: newer_threads.take(s, world.house, which, found, world.now))
    assert world.read(newer_threads.wanted) == []
    told = [one for one in world.messages("direct") if one.payload["template"] == "newer_threads"]
    assert [one.payload["person"] for one in told] == [MEI]
    assert told[0].payload["params"]["references"] == ["INC-207"]
    assert told[0].payload["params"]["more"] == 1
    number = world.read(lambda s: s.get_one(HouseFact, "incident_number").value["next"])
    assert number > 207


def test_with_nobody_on_duty_the_threads_are_listed_later(world: World) -> None:
    found = world.write(lambda s: newer_threads.unknown(s, _roots(s)))
    [(which, _)] = world.read(newer_threads.wanted)
    nobody = replace(world.house, roles={})
    world.write(lambda s: newer_threads.take(s, nobody, which, found, world.now))
    assert world.read(newer_threads.wanted) != []
    world.write(lambda s: newer_threads.take(s, world.house, which, found, world.now))
    assert world.read(newer_threads.wanted) == []


def test_nobody_is_told_where_no_thread_is_newer(world: World) -> None:
    [(which, _)] = world.read(newer_threads.wanted)
    world.write(lambda s: newer_threads.take(s, world.house, which, [], world.now))
    assert [o for o in world.messages("direct") if o.payload["template"] == "newer_threads"] == []
    assert world.read(newer_threads.wanted) == []


def test_a_press_in_a_thread_that_is_newer_is_told_that_it_is(world: World) -> None:
    def unit(session: Session) -> tuple[Outcome, Outcome]:
        found = newer_threads.unknown(session, _roots(session))
        newer_threads.take(session, world.house, 1, found, world.now)
        return tuple(
            newer_threads.explained(session, Outcome.refused("not_found", reference=one))
            for one in ("INC-207", "INC-9")
        )

    [restored] = world.all(Restoration)
    known, unknown = world.write(unit)
    assert (known.code, known.params["since"]) == ("newer_than_record", restored.reaches_to)
    assert unknown.code == "not_found"


def test_a_question_of_ours_is_open_again_until_it_is_pressed_a_second_time(world: World) -> None:
    """Switching back is no step: what was seen is said, and the question stands there again."""
    world.press(MEI, SWITCH, "switch")
    looked(world, "found")
    world.press(MEI, SWITCH, "happened")
    world.advance(200)
    world.channel_healthy(4)
    question, button = _asked(world)
    assert world.answer(MEI, question, button).code == "restored_looks"
    looked(world)
    assert attempts(world)[-1].problem == restoration.AGAIN
    assert world.answer(MEI, question, button).code == "requested"
    assert attempts(world)[-1].state == AttemptState.WRITTEN


def _asked(world: World) -> tuple[str, str]:
    plan = world.house.loaded.plan
    later = next(one for one in plan.sections["3.3"].later if one.when == "recovered")
    assert "asked" in world.kinds()
    return later.id, next(one.id for one in later.buttons if one.action)
