"""Section 3.3 from the finding to the review, as the domain lives it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incidents import read
from message_templates.engine import Templates
from storage.models import ActionAttempt, AttemptState, FollowUp, Status, StepState
from tests.incidents.world import JO, KAI, LIN, MEI, SAM, World, case_rows, channel_down

SWITCH = "3.3.1.s2"
TEMPLATES = Templates(ZoneInfo("Asia/Taipei"))


@pytest.fixture
def world(either: World) -> World:
    """This file runs on both engines."""
    return either


def words_of(section: dict[str, Any]) -> str:
    """Its text, each of Slack's dates by its own words."""
    return re.sub(r"<!date[^|]*\|([^>]*)>", r"\1", section["text"]["text"])


def switched(world: World) -> None:
    world.channel_fails(3)
    assert world.press(MEI, SWITCH, "switch").ok
    world.run_actions(
        switch_payment_channel=lambda _: {"channel": "harborpay", "previous": "northpay"}
    )


def test_opens_after_three_failures_not_before(world: World) -> None:
    assert world.channel_fails(2).opened == ()
    assert world.channel_fails(1).opened == (1,)
    incident = world.incident()
    assert (incident.status, incident.severity, incident.section) == ("open", 1, "3.3")
    assert incident.facts["check"]["failures"] == 3
    assert len(case_rows(world)) == 41
    posts = [(item.payload["template"], item.payload["message"]) for item in world.messages("post")]
    assert posts == [
        ("card", "INC-1/card"),
        ("runbook", "INC-1/runbook"),
        ("log", "INC-1/log/1"),
        ("desk", "INC-1/desk"),
    ]
    assert world.messages("post")[0].payload["ring"] == ["S0ONCALL"]


def test_what_is_no_chance_opens_at_the_first_look_and_shows_its_picture(world: World) -> None:
    drawn = {
        "minutes": 10, "since": "2026-11-11T01:06:00+00:00",
        "tried": [31, 30], "failed": [1, 30], "usual": None,
    }  # fmt: skip
    result = channel_down(world.now, picture=drawn)
    (finding,) = result.findings
    sure = replace(result, findings=(replace(finding, sure=True),))
    assert world.check(sure).opened == (1,)
    assert world.check(sure).opened == ()
    posts = [(item.payload["template"], item.payload["thread"]) for item in world.messages("post")]
    assert posts[2:4] == [("log", "INC-1/card"), ("picture", "INC-1/card")]
    view = world.read(lambda s: read.picture(s, world.house, world.incident().id, world.now))
    shown = TEMPLATES.render("picture", view, language="en").blocks
    assert [one["name"] for one in shown[0]["chart"]["series"]] == ["tried", "failed"]
    assert "09:16 UTC+8: 30 tried, 30 failed" in words_of(shown[1])


def test_switch_mitigates_when_it_was_looked_at(world: World) -> None:
    world.channel_fails(3)
    outcome = world.press(MEI, SWITCH, "switch")
    assert outcome.ok
    incident = world.incident()
    assert (incident.owner, incident.status) == (MEI, "acknowledged")
    assert world.step(SWITCH).state == StepState.RUNNING
    [attempt] = world.pending_attempts()
    assert attempt.params["channel"] == "harborpay"
    world.advance(30)
    world.settle(attempt, response={"channel": "harborpay"}, after={"channel": "harborpay"})
    verified = world.now
    step = world.step(SWITCH)
    assert (step.state, step.actor, step.verified_at) == (StepState.DONE, MEI, verified)
    [line] = [entry for entry in world.entries() if entry.kind == "action_done"]
    assert line.data["posted"]
    assert line.data["took"]
    world.channel_fails(1, every=125, felt=False)
    incident = world.incident()
    assert incident.status == Status.MITIGATED
    assert incident.mitigated_at == verified
    assert incident.facts["via"]["id"] == "harborpay"
    [held] = [entry for entry in world.entries() if entry.kind == "mitigated"]
    assert held.data["broadcast"]
    assert any(item.payload["template"] == "desk" for item in world.messages("post"))


def test_the_whole_story_rings_on_call_at_most_five_times(world: World) -> None:
    switched(world)
    world.advance(240)
    assert world.press(MEI, "3.3.2.s1", "ask").ok
    world.run_actions(contact_channel_vendor=lambda _: {"id": "88213"})
    assert world.step("3.3.2.s1").state == StepState.PENDING
    assert world.press(
        MEI,
        "3.3.2.s1",
        "answer",
        values={
            "cause": "3-D Secure server lost its certificate store.",
            "expected_recovery_time": (world.now + timedelta(minutes=20)).isoformat(),
        },
    ).ok
    assert world.press(LIN, "3.3.4.s1", "tell").ok
    world.run_actions(
        request_repayment=lambda a: {"id": f"link_{a.case_id}", "url": "https://pay.example/1"},
        notify_customer=lambda _: {"id": "m", "via": "line"},
    )
    assert world.step("3.3.4.s1").state == StepState.PENDING  # nine are still unknown
    told = [case for case in case_rows(world) if case.facts.get("told")]
    assert len(told) == 32
    assert not any(case.state == "unknown" for case in told)
    assert world.press(LIN, "3.3.4.s1", "ask_channel").ok
    asked = world.pending_attempts()
    assert len(asked) == 9
    charged = {asked[0].id, asked[1].id}
    world.run_actions(
        query_payment_status=lambda a: {"result": "captured" if a.id in charged else "not_captured"}
    )
    figures = [(case.state, case.outcome) for case in case_rows(world)]
    assert figures.count(("settled", "charged")) == 2
    assert figures.count(("open", "not_charged")) == 7
    assert world.press(LIN, "3.3.4.s1", "tell").ok
    world.run_actions(
        request_repayment=lambda a: {"id": f"link_{a.case_id}", "url": "https://pay.example/2"},
        notify_customer=lambda _: {"id": "m", "via": "line"},
    )
    links = [one for one in world.all(ActionAttempt) if one.action == "request_repayment"]
    assert len(links) == 39
    assert len({one.case_id for one in links}) == 39
    assert world.step("3.3.4.s1").state == StepState.DONE
    world.advance(3600)
    world.channel_healthy(3)
    assert world.answer(MEI, "switch_back", "switch_back").ok
    world.run_actions(switch_back_payment_channel=lambda _: {"channel": "northpay"})
    assert world.incident().facts["via"]["id"] == "northpay"
    assert world.resolve(MEI, prevention="Ask Northpay for a status feed", owner=MEI).ok
    incident = world.incident()
    assert incident.status == Status.RESOLVED
    assert len(world.rings(MEI)) <= 5
    assert world.broken() is None
    items = [one for one in world.all(FollowUp) if one.kind == "open_item"]
    assert items
    assert all(one.owner == MEI and one.due is not None for one in items)


def test_a_second_press_names_who_does_it(world: World) -> None:
    world.channel_fails(3)
    version = world.incident().version
    assert world.press(MEI, SWITCH, "switch", version=version).ok
    second = world.press(KAI, SWITCH, "switch", version=version)
    assert (second.ok, second.code) == (False, "already_running")
    said = {
        language: Templates(ZoneInfo("Asia/Taipei"))
        .answer(second.code, second.params, language=language)
        .text
        for language in ("en", "zh-Hant")
    }
    assert said["en"].startswith("Mei is already switching to Harborpay (")
    assert said["zh-Hant"].startswith("Mei 已在切換到 Harborpay（")
    assert len(world.all(ActionAttempt)) == 1
    world.run_actions()
    third = world.press(KAI, SWITCH, "switch", version=version)
    assert third.code == "already_done"
    assert len(world.all(ActionAttempt)) == 1


def test_an_outsider_is_refused_and_recorded(world: World) -> None:
    world.channel_fails(3)
    before = world.incident()
    outcome = world.press(SAM, SWITCH, "switch")
    assert (outcome.ok, outcome.code, outcome.params["role"]) == (False, "no_right", "oncall")
    assert world.all(ActionAttempt) == []
    after = world.incident()
    assert (after.owner, after.version, after.status) == (None, before.version, "open")


def test_a_precondition_that_does_not_hold_changes_nothing(world: World) -> None:
    world.channel_fails(3)
    world.press(MEI, SWITCH, "switch")
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.REFUSED, problem="precondition:0", response={"look": {}})
    assert world.step(SWITCH).state == StepState.PENDING
    assert world.step(SWITCH).figures["problem"]["code"] == "precondition:0"
    assert world.incident().status == Status.ACKNOWLEDGED
    [answer] = world.messages("ephemeral")
    assert answer.payload["person"] == MEI
    assert "action_failed" not in world.kinds(posted=True)
    assert world.press(MEI, SWITCH, "switch").ok  # and can be tried again


def test_unknown_is_shown_and_rings_the_owner_after_a_minute(world: World) -> None:
    world.channel_fails(3)
    world.press(MEI, SWITCH, "switch")
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.UNKNOWN, problem="no_answer")
    assert world.step(SWITCH).state == StepState.UNKNOWN
    assert "action_unknown" not in world.kinds()
    world.advance(61)
    assert world.kinds(posted=True).count("action_unknown") == 1
    [direct] = [m for m in world.messages("direct") if m.payload["template"] == "unknown"]
    assert direct.payload["person"] == MEI
    world.settle(attempt, AttemptState.DONE, response={"channel": "harborpay"})
    world.channel_fails(1, every=125, felt=False)
    assert world.incident().status == Status.MITIGATED
    assert world.step(SWITCH).state == StepState.DONE


def test_reviewed_is_refused_while_something_is_open(world: World) -> None:
    switched(world)
    assert world.resolve(MEI).ok
    from incidents.lifecycle import commands, follow_ups

    def review() -> str:
        return world.write(
            lambda s: commands.mark_reviewed(s, world.house, 1, world.actor(JO), world.now)
        ).code

    assert review() == "review_open"
    for item in [one for one in world.all(FollowUp) if one.kind == "open_item"]:
        world.write(
            lambda s, i=item.id: follow_ups.done(s, world.house, i, world.actor(MEI), world.now)
        )
    assert review() == "reviewed"
    assert world.incident().status == Status.REVIEWED
