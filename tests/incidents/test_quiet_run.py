"""A quiet run writes that it looked, and is none where there is more to tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.model import CaseFound, CheckResult, Failed, Finding
from incidents.detection.earlier_failures import failed_before
from incidents.detection.quiet_run import is_quiet, write_quietly
from storage.models import CheckState
from tests.incidents.world import DAY, World

SUBJECT = "service:search"
FOUND = Finding(SUBJECT, "system_crash", {"service": "search", "error": "refused"})


def result(world: World, *, well: bool = True, **given: Any) -> CheckResult:
    base: dict[str, Any] = {"healthy_subjects": (SUBJECT,)} if well else {"findings": (FOUND,)}
    return CheckResult("search", world.now, figures={"latency_ms": 7}, took=0.02, **base | given)


@pytest.mark.parametrize(
    ("given", "before", "quiet"),
    [
        ({}, {}, True),
        ({}, {SUBJECT: Failed(DAY, DAY)}, False),
        ({"findings": (FOUND,)}, {}, False),
        ({"noted": (FOUND,)}, {}, False),
        ({"shadow": True}, {}, False),
        ({"error": "blind"}, {}, False),
        ({"not_looked_at": (SUBJECT,)}, {}, False),
        ({"settled": {SUBJECT: (CaseFound("order", "1"),)}}, {}, False),
        ({"healthy_subjects": ()}, {}, False),
    ],
)
def test_only_what_is_well_as_before_is_quiet(
    world: World, given: dict[str, Any], before: dict[str, Failed], quiet: bool
) -> None:
    assert is_quiet(result(world, **given), before) is quiet


def test_it_leaves_what_a_whole_run_would(either: World) -> None:
    """The same row, on both engines."""
    world = either
    world.now = DAY
    world.check(result(world))
    world.now += timedelta(seconds=10)
    assert world.write(lambda s: write_quietly(s, result(world)))
    itself = world.read(lambda s: s.get_one(CheckState, ("search", "")))
    assert (itself.last_run_at, itself.successes, itself.failures) == (world.now, 2, 0)
    assert (itself.figures, itself.last_duration_ms) == ({"latency_ms": 7}, 20)


def test_a_check_that_was_blind_or_is_new_is_written_whole(world: World) -> None:
    world.now = DAY
    assert not world.write(lambda s: write_quietly(s, result(world))), "it has no row yet"
    world.check(result(world, error="no answer"))
    assert not world.write(lambda s: write_quietly(s, result(world))), "it looks again"


def test_what_failed_before_is_known_as_ever(world: World) -> None:
    world.now = DAY
    for _ in range(3):
        world.check(result(world, well=False, open_after=3))
        world.advance(10)
    before = world.read(lambda s: failed_before(s, "search"))
    assert set(before) == {SUBJECT}
    assert before[SUBJECT].live
    assert world.read(lambda s: failed_before(s, "other")) == {}
