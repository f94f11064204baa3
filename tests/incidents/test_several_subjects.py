"""Several subjects of checks in one incident, joined or merged: each speaks for itself alone."""

from __future__ import annotations

from collections.abc import Sequence

from checks.model import CaseFound, CheckResult, Finding
from incidents.cases import awaited
from incidents.detection.findings import Taken
from incidents.lifecycle import commands
from storage.models import Case, Status
from tests.incidents.world import DAY, MEI, World, case_rows, channel_down

PAID, PACKED = "orders:paid", "orders:packed"


def stuck(subject: str, keys: Sequence[str], type_: str = "order_state_stuck") -> Finding:
    cases = tuple(CaseFound("order", key) for key in keys)
    return Finding(subject, type_, facts={"state": subject, "orders": len(keys)}, cases=cases)


def look(world: World, *findings: Finding, healthy: Sequence[str] = ()) -> CheckResult:
    """As the check of the states says it: what each subject has left is awaited and not found."""
    found = {case.key for finding in findings for case in finding.cases}
    left = {
        finding.subject: tuple(
            CaseFound("order", key)
            for key in world.read(awaited)
            if key not in {case.key for case in finding.cases}
        )
        for finding in (*findings, *(stuck(subject, ()) for subject in healthy))
    }
    assert found or healthy
    return CheckResult(
        "states", world.now, findings, tuple(healthy), settled=left, open_after=1, recover_after=2
    )


def merge(world: World, number: int, into: int) -> None:
    outcome = world.write(
        lambda s: commands.merge(s, world.house, number, world.actor(MEI), into, world.now)
    )
    assert outcome.ok


def states(world: World) -> dict[str, str]:
    return {case.key: str(case.state) for case in world.all(Case)}


def test_a_joined_effect_settles_nothing_of_its_cause(world: World) -> None:
    """The orders of 3.3 wait for their payment: none is paid because it does not stand in paid."""
    world.now = DAY
    world.channel_fails(3)
    cases = [case.key for case in case_rows(world)]
    assert world.check(look(world, stuck(PAID, cases[:4]))).opened == ()
    world.check(look(world, stuck(PAID, cases[:2])))
    world.check(look(world, healthy=[PAID]))
    assert "settled" not in states(world).values()


def test_a_joined_effect_that_passes_ends_nothing_while_its_cause_fails(world: World) -> None:
    world.now = DAY
    world.channel_fails(3)
    cases = [case.key for case in case_rows(world)]
    world.check(look(world, stuck(PAID, cases[:4])))
    taken = [Taken()]
    for _ in range(4):
        taken.append(world.check(look(world, healthy=[PAID])))
        world.channel_fails(1)
    assert [one.recovered for one in taken] == [()] * 5
    assert world.incident().status == Status.OPEN
    assert {"relapsed", "recovered"}.isdisjoint(world.kinds())
    world.channel_healthy(3)
    assert world.incident().recovered_at is not None


def test_what_was_merged_passes_last_and_ends_it(world: World) -> None:
    world.check(look(world, stuck(PACKED, ["P-1"]), stuck(PAID, ["B-1"])))
    merge(world, 2, 1)
    world.check(look(world, stuck(PAID, ["B-1"]), healthy=[PACKED]))
    for _ in range(3):
        world.check(look(world, healthy=[PACKED, PAID]))
    assert world.incident().recovered_at is not None


def test_a_relapse_after_wrong_section_is_told(world: World) -> None:
    world.channel_fails(3)
    world.take(MEI)
    outcome = world.write(
        lambda s: commands.change_section(s, world.house, 1, world.actor(MEI), "9.1", world.now)
    )
    assert outcome.ok
    world.channel_healthy(3)
    assert world.incident().status == Status.MITIGATED
    world.advance(900)
    for _ in range(3):
        world.check(channel_down(world.now))
        world.advance(10)
    assert world.incident().status == Status.ACKNOWLEDGED
    assert "relapsed" in world.kinds(posted=True)
