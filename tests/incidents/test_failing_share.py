"""A share of failures over a window opens an incident that never failed so often in a row."""

from __future__ import annotations

import pytest

from checks.model import CheckResult, Finding, OpenShare
from incidents import read
from message_templates.engine import Templates
from storage.models import Incident, Status
from tests.incidents.world import DAY, World
from tests.message_templates.shown import lines

SUBJECT = "service:search"


def runs(world: World, pattern: str, share: OpenShare | None = None) -> None:
    """A check every minute, three in a row: `x` fails, `.` passes, `?` could not look."""
    for one in pattern:
        world.advance(60)
        facts = {"service": "search", "error": "timeout", "part": True}
        finding = Finding(SUBJECT, "system_crash", facts)
        world.check(
            CheckResult(
                "search",
                world.now,
                findings=(finding,) if one == "x" else (),
                healthy_subjects=(SUBJECT,) if one == "." else (),
                error="blind" if one == "?" else None,
                open_after=3,
                open_share=share,
                recover_after=3,
                every=60,
            )
        )


@pytest.fixture
def day(world: World) -> World:
    world.now = DAY
    return world


HALF = OpenShare(0.5, 600)  # of ten runs


def test_every_other_failing_opens_by_its_share_alone(day: World) -> None:
    runs(day, "x.x.x.x.x.x.")
    assert day.all(Incident) == [], "never three in a row"
    runs(day, "x.x.x.x.x.", HALF)
    [incident] = day.all(Incident)
    assert incident.facts["check"]["failed_runs"] == 5
    assert incident.facts["check"]["of_runs"] == 10
    card = lines(
        Templates().render(
            "card",
            day.read(lambda s: read.card(s, day.house, incident.number, day.now)),
            language="en",
        )
    )
    assert "5 of 10 probes" in card
    assert "in a row" not in card


def test_what_is_older_than_the_window_and_what_was_not_looked_at_count_as_none(
    day: World,
) -> None:
    runs(day, "x....x....x....x....x....", HALF)
    runs(day, "x?.x?.x?.x?.", HALF)
    assert day.all(Incident) == []


def test_it_is_over_when_the_share_is_and_not_after_three_that_pass(day: World) -> None:
    runs(day, "xx.xx.xx.xx", HALF)
    [incident] = day.all(Incident)
    runs(day, "...", HALF)
    assert day.all(Incident)[0].recovered_at is None, "half of the last ten minutes failed"
    runs(day, "......", HALF)
    over = day.all(Incident)[0]
    assert over.recovered_at is not None
    assert over.status == Status.MITIGATED
    assert over.number == incident.number


def test_so_many_in_a_row_open_as_ever(day: World) -> None:
    runs(day, "xxx", OpenShare(0.9, 3600))
    [incident] = day.all(Incident)
    assert incident.facts["check"]["failures"] == 3
    assert "of_runs" not in incident.facts["check"]
