"""What of the emergency plan is carried."""

from __future__ import annotations

from plan.coverage import coverage
from plan.model import Plan
from plan.outline import load_outline


def test_the_outline_is_the_whole_emergency_plan() -> None:
    outline = load_outline()
    runbooks = [number for number, entry in outline.items() if entry.handling == "runbook"]
    assert len(outline) == 110
    assert len(runbooks) == 24
    assert all(outline[number].live for number in runbooks)
    assert all(entry.title.en and entry.title.zh_hant for entry in outline.values())


def test_the_shipped_sections_are_whole(plan: Plan) -> None:
    found = coverage(plan, load_outline(), checks={"payment_channel_down": ["northpay"]})
    by_section = {one.section: one for one in found.runbooks}
    for number in (s.id for s in plan.sections.values() if s.handling == "runbook"):
        assert by_section[number].whole, number
        assert by_section[number].missing_steps == ()
        assert by_section[number].missing_branches == ()
    assert by_section["3.3"].checks == ("northpay",)
    assert not by_section["4.1"].whole


def test_the_counts_add_up(plan: Plan) -> None:
    totals = coverage(plan, load_outline()).as_json()["totals"]
    assert totals["runbooks"] == 24
    assert totals["runbooks_whole"] == 5
    runbooks = [s for s in plan.sections.values() if s.handling == "runbook"]
    assert totals["steps"] == sum(len(s.steps) for s in runbooks)
    assert totals["branches"] <= totals["branches_in_plan"] == 27


def test_a_step_that_is_lost_is_counted_as_missing(plan: Plan) -> None:
    section = plan.sections["3.3"]
    shorter = section.model_copy(update={"steps": section.steps[:-1]})
    spoiled = plan.model_copy(update={"sections": {**plan.sections, "3.3": shorter}})
    found = next(o for o in coverage(spoiled, load_outline()).runbooks if o.section == "3.3")
    assert found.missing_steps == ("3.3.4.s1",)
    assert not found.whole


def test_a_drill_and_a_check_are_named(plan: Plan) -> None:
    found = coverage(plan, load_outline(), drills=["3.3"]).as_json()["runbooks"]
    assert found["3.3"]["drill"] is True
    assert found["2.2"]["drill"] is False
    assert "routing" in found["3.3"]["looks"]
    assert "title" in found["3.3"]
