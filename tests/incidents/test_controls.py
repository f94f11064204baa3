"""The controls: who may, wrong section, merge and link, notes, reopening, hostile input."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from checks.model import CaseFound, CheckResult, Finding
from handlers.sent_forms import drawn_form
from incidents import cases, read
from incidents.authorise import allowed
from incidents.lifecycle import commands
from incidents.lifecycle.command_rows import TABLE, Command, Given
from incidents.organisation import Actor
from incidents.outcome import Outcome
from incidents.rights import BY_THE_PLAN, Right, rule_of
from incidents.rights import TABLE as RIGHTS
from message_templates.catalogue import catalogue
from message_templates.engine import Templates
from storage.models import AuditEntry, Incident, RunbookRun, Status, StepState
from storage.types import Personal
from tests.incidents.world import (
    DAY,
    JO,
    KAI,
    LIN,
    MEI,
    SAM,
    World,
    case_rows,
    channel_down,
    money,
    orders,
)

Unit = Callable[[Session, World, Actor], Outcome]

ACTS: dict[str, Unit] = {
    "take": lambda s, w, a: commands.take(s, w.house, 1, a, w.now),
    "hand_over": lambda s, w, a: commands.hand_over(s, w.house, 1, a, KAI, w.now),
    "severity": lambda s, w, a: commands.change_severity(s, w.house, 1, a, 2, w.now),
    "section": lambda s, w, a: commands.change_section(s, w.house, 1, a, "9.1", w.now),
    "dismiss": lambda s, w, a: commands.dismiss(s, w.house, 1, a, "A test", w.now),
    "wait": lambda s, w, a: commands.wait_until(
        s, w.house, 1, a, w.now + timedelta(days=1), "Tomorrow", w.now
    ),
    "note": lambda s, w, a: commands.note(s, w.house, 1, a, "Seen", w.now),
    "escalate": lambda s, w, a: commands.escalate(s, w.house, 1, a, w.now),
    "resolve": lambda s, w, a: commands.resolve(
        s, w.house, 1, a, commands.ResolveForm("vendor"), None, w.now
    ),
}
MAY = {
    MEI: set(ACTS),
    KAI: set(ACTS),
    JO: set(ACTS),
    LIN: {"note", "escalate"},  # not one of the owner_roles of 3.3
    SAM: set(),
}


@pytest.mark.parametrize("act", list(ACTS))
@pytest.mark.parametrize("who", [MEI, KAI, JO, LIN, SAM])
def test_each_role_may_what_the_matrix_says(world: World, act: str, who: str) -> None:
    world.channel_fails(3)
    before = world.incident()
    outcome = world.write(lambda s: ACTS[act](s, world, world.actor(who)))
    refusals = world.all(AuditEntry, AuditEntry.result == "refused")
    if act in MAY[who]:
        assert outcome.ok, outcome
        assert refusals == []
        return
    assert (outcome.ok, outcome.code) == (False, "no_right")
    assert [(one.actor, one.object) for one in refusals] == [(who, act)]
    after = world.incident()
    assert (after.version, after.status, after.owner) == (
        before.version,
        before.status,
        before.owner,
    )
    assert world.kinds() == ["found"]
    assert world.broken() is None


ENTERED = {"severity": "2", "section": "9.1", "other": "2", "how": "merge", "person": KAI}


@pytest.mark.parametrize("row", list(TABLE.values()), ids=list(TABLE))
def test_every_command_asks_for_its_right(world: World, row: Command) -> None:
    """Whoever has no role is refused by each, and the refusal is written down."""
    world.channel_fails(3)
    arguments = row.arguments(Given(ENTERED))
    if row.looks:
        arguments["looks"] = None
    sam = world.actor(SAM)
    outcome = world.write(
        lambda s: row.work(
            session=s, house=world.house, number=1, actor=sam, now=world.now, **arguments
        )
    )
    assert (outcome.ok, outcome.code) == (False, "no_right")
    refusals = world.all(AuditEntry, AuditEntry.result == "refused")
    assert [(one.actor, one.object) for one in refusals] == [(SAM, row.name)]


def test_every_other_right_is_asked_somewhere() -> None:
    assert set(Right) <= RIGHTS.keys() | BY_THE_PLAN.keys()
    root = Path(__file__).parents[2]
    asked = {
        Right[node.attr]
        for folder in ("incidents", "handlers")
        for file in (root / folder).rglob("*.py")
        if file.name != "rights.py"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Right"
    }
    assert asked == set(Right)


def test_a_right_that_there_is_not_is_nobodys(world: World) -> None:
    world.channel_fails(3)
    assert rule_of("fly").roles == ()
    for who in (MEI, KAI, JO):
        actor = world.actor(who)
        assert not allowed(rule_of("fly"), actor, handler="oncall", owner=who, owners=("oncall",))


def test_what_was_written_can_be_read_where_it_goes_on_elsewhere(world: World) -> None:
    """A merged incident keeps the words it was declared with; nothing else is done there."""
    world.channel_fails(3)

    def unit(session: Session) -> None:
        incident = session.get_one(Incident, 1)
        incident.status, incident.description = Status.MERGED, Personal("The page says no")

    world.write(unit)
    assert world.read(lambda s: read.controls_of(s, world.house, 1, world.now)) == ("reveal",)


def test_a_command_is_offered_with_words_and_a_form() -> None:
    """In both languages, under its name; a form of its own where its row has one."""
    templates = Path(__file__).parents[2] / "message_templates/templates"
    for row in TABLE.values():
        for language in ("en", "zh-Hant"):
            assert catalogue(language).get(f"more.{row.name}"), row.name
        assert row.form is None or (templates / f"{row.form}.yaml").is_file(), row.name
        assert row.form is None or row.form in (row.name, f"form_{row.name}")
        assert row.offered or row.form is None, row.name


def test_the_owner_may_close_what_they_took(world: World) -> None:
    world.channel_fails(3)
    assert world.take(JO).ok
    assert world.resolve(JO).ok


def section(world: World, to: str, who: str = MEI) -> Outcome:
    return world.write(
        lambda s: commands.change_section(s, world.house, 1, world.actor(who), to, world.now)
    )


def test_wrong_section_keeps_thread_log_and_cases(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    cards = [m.payload["message"] for m in world.messages("post")]
    before = world.kinds()
    assert section(world, "3.3").code == "section_same"
    assert section(world, "99").code == "section_unknown"
    assert section(world, "9.1").ok
    incident = world.incident()
    assert (incident.section, incident.incident_type, incident.owner) == (
        "9.1",
        "system_crash",
        MEI,
    )
    assert incident.fingerprint == "9.1|channel:northpay"
    assert len(case_rows(world)) == 41
    assert world.kinds()[: len(before)] == before
    posts = [m.payload["message"] for m in world.messages("post")]
    assert posts.count("INC-1/card") == 1
    assert [key for key in posts if "runbook" in key] == ["INC-1/runbook"]
    assert [key for key in cards if "runbook" in key] == ["INC-1/runbook"]
    refreshed = {m.payload["message"]: m.payload["params"] for m in world.messages("refresh")}
    assert refreshed["INC-1/runbook"] == {"run": 2}
    assert [key for key in refreshed if "runbook" in key] == ["INC-1/runbook"]
    assert [run.state for run in world.all(RunbookRun)] == ["replaced", "active"]
    assert world.step("9.1.3.s2").state == StepState.PENDING
    assert world.press(MEI, "3.3.1.s2", "switch").code == "not_offered"
    templates = Templates()
    old = world.read(lambda s: read.runbook(s, world.house, 1, world.now, 1))
    assert old.replaced
    for language in ("en", "zh-Hant"):
        view = world.read(lambda s: read.card(s, world.house, 1, world.now))
        templates.render("card", view, language=language)
        templates.render("runbook", old, language=language)
    # The check that found it goes on with this incident; nothing opens beside it.
    assert world.channel_fails(3).opened == ()


def two(world: World) -> None:
    world.channel_fails(3)
    finding = Finding(
        "channel:eastpay",
        "payment_channel_down",
        facts={"channel": {"id": "eastpay", "name": "Eastpay"}},
        cases=(CaseFound("order", "FG-10400"), CaseFound("order", "FG-9")),
    )
    world.check(
        CheckResult("payment-channel-eastpay", world.now, findings=(finding,), open_after=1)
    )


def test_merging_moves_the_cases_and_the_findings_follow(world: World) -> None:
    two(world)

    def merge(number: int, into: int) -> str:
        return world.write(
            lambda s: commands.merge(s, world.house, number, world.actor(MEI), into, world.now)
        ).code

    assert merge(2, 2) == "merge_self"
    assert merge(2, 7) == "not_found"
    assert merge(2, 1) == "merged"
    merged = world.incident(2)
    assert (merged.status, merged.merged_into) == (Status.MERGED, 1)
    assert [case.key for case in case_rows(world, 2)] == ["FG-10400"]  # known there already
    assert "FG-9" in [case.key for case in case_rows(world, 1)]
    assert merge(2, 1) == "merged"  # the answer names where it went
    assert world.kinds(2).count("merged") == 1
    view = world.read(lambda s: read.card(s, world.house, merged.id, world.now))
    assert (view.mood, view.merged_into, view.buttons) == ("merged", "INC-1", ())
    Templates().render("card", view, language="zh-Hant")
    result = CheckResult(
        "payment-channel-eastpay",
        world.now,
        findings=(
            Finding(
                "channel:eastpay", "payment_channel_down", cases=(CaseFound("order", "FG-77"),)
            ),
        ),
        open_after=1,
    )
    assert world.check(result).opened == ()
    assert "FG-77" in [case.key for case in case_rows(world, 1)]


def test_linking_names_each_other(world: World) -> None:
    two(world)
    outcome = world.write(
        lambda s: commands.link(s, world.house, 1, world.actor(MEI), 2, world.now)
    )
    assert outcome.code == "linked"
    assert world.kinds(1, posted=True)[-1] == world.kinds(2, posted=True)[-1] == "linked"
    assert world.incident(2).live


def test_an_effect_joins_the_thread_of_its_cause(world: World) -> None:
    world.channel_fails(3)
    finding = Finding(
        "orders:awaiting_payment",
        "order_state_stuck",
        facts={"state": "awaiting_payment", "orders": 4},
        cases=tuple(CaseFound("order", f"FG-{10400 + n}") for n in range(4)),
    )
    result = CheckResult("stuck-orders", world.now, findings=(finding,), open_after=1)
    assert world.check(result).opened == ()
    assert len(world.all(Incident)) == 1
    assert [run.section for run in world.all(RunbookRun)] == ["3.3", "2.2"]
    assert world.kinds(posted=True)[-1] == "section_added"
    assert world.press(
        MEI, "2.2.s2", "cause", values={"root_cause": "system_fault", "finding": "Northpay"}
    ).ok
    world.check(result)
    assert world.kinds(posted=True).count("section_added") == 1


def test_a_note_by_a_pin_stands_once_and_follows_its_edits(world: World) -> None:
    world.channel_fails(3)

    def pin(text: str) -> Outcome:
        return world.write(
            lambda s: commands.note(
                s, world.house, 1, world.actor(MEI), text, world.now, in_thread=True,
                source="C0INCIDENTS:1.2",
            )
        )  # fmt: skip

    assert pin("Northpay is on the phone").ok
    assert pin("Northpay is on the phone").ok
    [entry] = [one for one in world.entries() if one.kind == "pinned"]
    assert "pinned" not in world.kinds(posted=True)
    world.write(
        lambda s: commands.edit_note(
            s, world.house, 1, entry.sequence, "Northpay calls back at 4", world.now
        )
    )
    [entry] = [one for one in world.entries() if one.kind == "pinned"]
    assert entry.text is not None
    assert entry.text.reveal() == "Northpay calls back at 4"
    assert entry.edited_at == world.now


HOSTILE = "<!channel> *bold* `code` <https://evil.example|here> :tada: & {{ facts }} " + "x" * 300


def test_what_people_write_is_kept_and_shown_literally(world: World) -> None:
    world.channel_fails(3)
    assert world.write(
        lambda s: commands.note(s, world.house, 1, world.actor(MEI), HOSTILE, world.now)
    ).ok
    [entry] = [one for one in world.entries() if one.kind == "note"]
    view = world.read(lambda s: read.log_entry(s, world.house, 1, entry.sequence, world.now))
    assert view.text == HOSTILE
    message = Templates().render("log", view, language="en")
    assert "<!channel>" not in message.text
    quoted = [
        b for block in message.blocks for b in block["elements"] if b["type"] != "rich_text_section"
    ]
    assert {element["type"] for part in quoted for element in part["elements"]} == {"text"}


def test_too_long_and_empty_texts_are_refused(world: World) -> None:
    world.channel_fails(3)

    def note(text: str) -> Outcome:
        return world.write(
            lambda s: commands.note(s, world.house, 1, world.actor(MEI), text, world.now)
        )

    assert note("x" * 5000).code == "too_long"
    assert note("  ").code == "field_required"
    assert note("Ring her at +886 912 345 678").code == "personal_data"
    assert world.kinds() == ["found"]


def test_reopening_goes_on_from_where_it_was(world: World) -> None:
    world.channel_fails(3)
    world.press(MEI, "3.3.1.s2", "switch")
    world.run_actions()
    world.channel_fails(1, every=125, felt=False)
    assert world.resolve(MEI).ok
    assert world.press(MEI, "3.3.2.s1", "ask").code == "not_live"
    reopened = world.write(
        lambda s: commands.reopen(s, world.house, 1, world.actor(MEI), "It is back", world.now)
    )
    assert reopened.ok
    incident = world.incident()
    assert (incident.status, incident.resolved_at, incident.owner) == (
        Status.MITIGATED,
        None,
        MEI,
    )
    assert world.press(MEI, "3.3.2.s1", "ask").ok
    world.run_actions()
    assert world.resolve(MEI).ok


def test_dismissed_stays_dismissed_until_it_recovered(world: World) -> None:
    world.channel_fails(3)
    assert world.write(
        lambda s: commands.dismiss(s, world.house, 1, world.actor(MEI), "Load test", world.now)
    ).ok
    assert world.channel_fails(5).opened == ()
    world.channel_healthy(3)
    assert world.channel_fails(3).opened == (2,)


def dismissed(world: World) -> None:
    world.channel_fails(3, failed=20, attempts=200)
    assert world.incident().severity == 2
    assert world.write(
        lambda s: commands.dismiss(s, world.house, 1, world.actor(MEI), "Load test", world.now)
    ).ok


def silenced(world: World, who: str = JO) -> list[int]:
    """What the home tab says is silent."""
    view = world.read(lambda s: read.home(s, world.house, who, world.now))
    return [item.number for item, _ in view.silenced]


def test_a_dismissal_ends_after_a_day_and_stands_on_the_home_tab_until_then(world: World) -> None:
    dismissed(world)
    assert world.channel_fails(5, failed=20, attempts=200).opened == ()
    assert silenced(world) == [1]
    world.advance(23 * 3600)
    assert world.channel_fails(1, failed=20, attempts=200).opened == ()
    world.advance(3600)
    assert silenced(world) == []
    assert world.channel_fails(1, failed=20, attempts=200).opened == (2,)


def test_a_dismissal_is_over_when_the_subject_passes(world: World) -> None:
    dismissed(world)
    world.channel_healthy(2)
    assert world.channel_fails(3, failed=20, attempts=200).opened == (), "it only flapped"
    world.channel_healthy(3)
    assert silenced(world) == []
    assert world.channel_fails(3, failed=20, attempts=200).opened == (2,)


def test_a_dismissal_is_broken_through_when_the_severity_rises(world: World) -> None:
    dismissed(world)
    assert world.channel_fails(1, failed=38, attempts=200).opened == ()
    assert world.channel_fails(1, failed=60, attempts=118).opened == (2,)
    assert world.incident(2).severity == 1


@pytest.mark.parametrize(("before", "after", "opens"), [(20, 39, False), (20, 40, True)])
def test_a_dismissal_is_broken_through_when_the_present_figure_has_doubled(
    world: World, before: int, after: int, opens: bool
) -> None:
    """The figure of this moment, whatever has come together since."""
    found = Finding("orders:paid", "order_state_stuck", facts={"state": "paid"}, count=before)
    assert world.check(CheckResult("stuck", world.now, findings=(found,))).opened == (1,)
    assert world.write(
        lambda s: commands.dismiss(s, world.house, 1, world.actor(MEI), "Known", world.now)
    ).ok
    world.advance(60)
    cases = orders(100)
    worse = replace(found, count=after, cases=cases)
    opened = world.check(CheckResult("stuck", world.now, findings=(worse,))).opened
    assert opened == ((2,) if opens else ())


def test_a_few_more_than_a_few_do_not_break_a_dismissal(world: World) -> None:
    found = Finding("orders:paid", "order_state_stuck", facts={"state": "paid"}, count=2)
    world.check(CheckResult("stuck", world.now, findings=(found,)))
    assert world.write(
        lambda s: commands.dismiss(s, world.house, 1, world.actor(MEI), "Known", world.now)
    ).ok
    for count, opened in ((9, ()), (10, (2,))):
        worse = replace(found, count=count)
        assert world.check(CheckResult("stuck", world.now, findings=(worse,))).opened == opened


def test_an_operator_error_needs_what_is_to_change(world: World) -> None:
    world.channel_fails(3)
    refused = world.resolve(MEI, cause="operator_error")
    assert (refused.code, refused.params["field_id"]) == ("field_required", "prevention")
    refused = world.resolve(MEI, cause="operator_error", prevention="A checklist")
    assert (refused.code, refused.params["field_id"]) == ("field_required", "owner")
    due = world.now + timedelta(days=2)
    assert world.resolve(
        MEI, cause="operator_error", prevention="A checklist", owner=KAI, due=due
    ).ok
    world.advance(4 * 24 * 3600)
    told = [m for m in world.messages("direct") if m.payload["params"].get("follow_up")]
    days = {m.created_at.date() for m in told if m.payload["person"] == KAI}
    assert len(days) >= 2
    templates = Templates()
    for message in told:
        card, params = world.read(
            lambda s, m=message: read.notice(s, world.house, 1, m.payload["params"], world.now)
        )
        templates.render("your_turn", card, language="en", params=params)


def test_undo_takes_the_step_back(world: World) -> None:
    world.channel_fails(3)
    world.press(MEI, "3.3.1.s2", "switch")
    world.run_actions()
    assert world.press(MEI, "3.3.1.s2", "undo").ok
    assert world.press(MEI, "3.3.1.s2", "undo").code == "undo_gone"  # it is on its way
    [attempt] = world.pending_attempts()
    assert attempt.action == "switch_back_payment_channel"
    assert attempt.params["channel"] == "northpay"
    world.run_actions()
    incident = world.incident()
    assert (incident.status, incident.mitigated_at) == (Status.ACKNOWLEDGED, None)
    assert world.step("3.3.1.s2").state == StepState.PENDING
    assert "action_undone" in world.kinds(posted=True)
    assert world.press(MEI, "3.3.1.s2", "switch").ok


def test_what_only_a_person_can_see_is_said_by_a_person(world: World) -> None:
    from storage.models import AttemptState

    world.channel_fails(3)
    world.press(MEI, "3.3.1.s2", "switch")
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.UNKNOWN, problem="no_answer")
    assert world.press(MEI, "3.3.1.s2", "happened").code == "not_offered"
    world.settle(attempt, AttemptState.UNKNOWN, problem="person_decides")
    [step] = [
        one
        for one in world.read(lambda s: read.runbook(s, world.house, 1, world.now)).steps
        if one.step_id == "3.3.1.s2"
    ]
    assert [button.catalogue for button in step.buttons] == ["done", "again"]
    assert world.press(SAM, "3.3.1.s2", "happened").code == "no_right"
    assert world.press(MEI, "3.3.1.s2", "not_happened").ok
    assert world.step("3.3.1.s2").state == StepState.PENDING
    world.press(MEI, "3.3.1.s2", "switch")
    [attempt] = world.pending_attempts()
    world.settle(attempt, AttemptState.UNKNOWN, problem="person_decides")
    assert world.press(MEI, "3.3.1.s2", "happened").ok
    assert world.incident().status == Status.ACKNOWLEDGED  # a word is no look: it is watched first
    world.channel_fails(1, every=125, felt=False)
    assert world.incident().status == Status.MITIGATED
    assert world.broken() is None


def test_cases_come_in_pages_with_filter_and_export(world: World) -> None:
    world.channel_fails(3)
    view = world.read(lambda s: read.cases_page(s, world.house, 1, world.now, page=5))
    assert (view.page, view.pages, len(view.cases)) == (5, 5, 1)
    view = world.read(
        lambda s: read.cases_page(s, world.house, 1, world.now, wanted="unknown", page=99)
    )
    assert (view.page, view.pages, view.counts["unknown"]) == (1, 1, 9)
    for language in ("en", "zh-Hant"):
        Templates().render("cases", view, language=language)
    outcome = world.write(
        lambda s: cases.export(s, world.house, 1, world.actor(LIN), "open", world.now)
    )
    rows = outcome.params["rows"]
    assert (len(rows), rows[0][0]) == (33, "case")
    refused = world.write(
        lambda s: cases.export(s, world.house, 1, world.actor(SAM), "all", world.now)
    )
    assert refused.code == "no_right"


def test_a_formula_in_a_key_is_no_formula_in_the_export(world: World) -> None:
    for _ in range(3):
        world.check(channel_down(world.now, cases=[CaseFound("order", "=HYPERLINK(1)", money(1))]))
    outcome = world.write(
        lambda s: cases.export(s, world.house, 1, world.actor(LIN), "all", world.now)
    )
    assert outcome.params["rows"][1][0] == "'=HYPERLINK(1)"


def test_cases_that_are_paid_settle_by_themselves(world: World) -> None:
    world.channel_fails(3)
    paid = tuple(CaseFound("order", f"FG-{10420 + n}", facts={"outcome": "paid"}) for n in range(5))
    world.check(
        CheckResult(
            "payment-channel-northpay",
            world.now,
            findings=channel_down(world.now).findings,
            settled={"channel:northpay": paid},
            open_after=3,
        )
    )
    states = {case.key: (case.state, case.outcome) for case in case_rows(world)}
    assert states["FG-10420"] == ("settled", "paid")
    assert world.kinds(posted=True).count("cases_settled") == 1
    assert len(world.read(cases.awaited)) == 36
    found = world.read(lambda s: cases.incidents_of_case(s, "fg-10420"))
    assert [(incident.number, line.state) for incident, line in found] == [(1, "settled")]


def test_home_and_list_show_what_is_open(world: World) -> None:
    two(world)
    world.take(MEI)
    world.resolve(MEI, number=2)
    home: Any = world.read(lambda s: read.home(s, world.house, MEI, world.now))
    assert [item.number for item in home.mine] == [1]
    assert [item.number for item in home.recent] == [2]
    for language in ("en", "zh-Hant"):
        Templates().render("home", home, language=language)
        items = world.read(lambda s: read.incident_list(s, world.house, world.now))
        Templates().render("incident_list", None, language=language, params={"items": items})


def test_an_unknown_type_opens_nothing(world: World) -> None:
    from incidents.lifecycle.opening import Opening, UnknownType, open_incident

    world.now = DAY
    with pytest.raises(UnknownType):
        world.write(
            lambda s: open_incident(s, world.house, Opening("nonsense", "x:1", "command"), DAY)
        )
    assert world.all(Incident) == []


def test_a_check_that_could_not_run_says_nothing_about_the_shop(world: World) -> None:
    world.channel_fails(3)
    before = world.incident()
    for _ in range(5):
        world.check(CheckResult("payment-channel-northpay", world.now, error="timeout"))
    after = world.incident()
    assert (after.version, after.facts) == (before.version, before.facts)
    assert world.incident().recovered_at is None


def test_a_persons_words_are_revealed_by_role_and_audited(world: World) -> None:
    from tests.incidents.test_sections import complaint

    world.now = DAY
    assert complaint(world).ok

    def reveal(who: str) -> Outcome:
        return world.write(
            lambda s: commands.reveal(s, world.house, 1, world.actor(who), world.now)
        )

    assert reveal(MEI).code == "no_right"
    outcome = reveal(LIN)
    assert outcome.params["texts"][0][2].startswith("The parcel came")
    audited = [(one.actor, one.action, one.result) for one in world.all(AuditEntry)]
    assert (MEI, "refused", "refused") in audited
    assert (LIN, "reveal", "done") in audited


def test_no_word_of_a_person_stands_readable_in_the_file(world: World) -> None:
    """Encrypted at rest: what people wrote is in no file of the database (rule 9)."""
    world.channel_fails(3)
    secret = "Zanzibar-certificate"
    world.press(MEI, "3.3.1.s2", "switch")
    world.run_actions()
    world.press(MEI, "3.3.2.s1", "answer", values={"cause": secret})
    world.press(MEI, "3.3.3.s1", "skip", values={"reason": secret})
    world.write(lambda s: commands.note(s, world.house, 1, world.actor(MEI), secret, world.now))
    world.write(
        lambda s: commands.wait_until(
            s, world.house, 1, world.actor(MEI), world.now + timedelta(hours=1), secret, world.now
        )
    )
    assert world.resolve(MEI, cause_text=secret, prevention=secret).ok
    path = Path(world.database.url.database or "")
    world.close()
    for file in path.parent.iterdir():
        if file.name.startswith(path.name):
            assert secret.encode() not in file.read_bytes(), file.name


def dismissing(world: World, language: str = "en") -> str:
    """What the form of *Not an incident* says."""
    row = TABLE["dismiss"]
    found = world.read(lambda s: drawn_form(s, world.house, row, 1, world.now))
    assert found is not None
    template, view, params = found
    drawn = Templates().render(template, view, language=language, params=params)
    return repr(drawn.view)


def test_a_dismissal_says_how_long_the_check_is_silent_as_it_is_set(world: World) -> None:
    world.now = DAY
    world.house = replace(world.house, dismissed_for=timedelta(days=7))
    world.channel_fails(3)
    assert "nothing opens for 7 days at most" in dismissing(world)
    assert "最長 7 天內不再開立事件" in dismissing(world, "zh-Hant")


def test_a_dismissal_of_what_no_check_found_speaks_of_no_check(world: World) -> None:
    from tests.incidents.test_sections import complaint

    world.now = DAY
    assert complaint(world).ok
    assert "it was no incident" in dismissing(world)
    assert "check" not in dismissing(world)
    assert "檢查" not in dismissing(world, "zh-Hant")
