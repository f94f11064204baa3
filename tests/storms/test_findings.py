"""Ten thousand findings at once: one thread or a few, and what comes in meanwhile is stored."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from checks.model import CaseFound, CheckResult, Finding
from incidents.findings import Taken, take_check_result
from storage.models import Case, CaseState, Incident, Ring, WorkItem
from storage.work import NewWork
from tests.incidents.world import DAY, World

KIND = "order_state_stuck"
MANY = 10_000 if os.environ.get("MUSTER_FULL") else 3_000
LIMIT = 10  # House.storm_after


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World.create(tmp_path)
    found.now = DAY
    yield found
    found.close()


def take(world: World, result: CheckResult) -> Taken:
    return world.write(lambda s: take_check_result(s, world.house, result, world.now))


def subjects(count: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(f"order:FG-{number}", KIND, facts={"state": "paid"}) for number in range(count)
    )


def count(world: World, model: type[Incident] | type[Case]) -> int:
    return int(world.database.read_now(lambda s: s.scalar(select(func.count(model.id)))) or 0)


async def test_a_finding_with_ten_thousand_cases_is_one_incident_and_keeps_nobody_out(
    world: World,
) -> None:
    """Deliveries that come while it is written are stored within the time that Slack allows."""
    cases = tuple(CaseFound("order", f"FG-{n}", facts={"state": "paid"}) for n in range(10_000))
    finding = Finding("orders:paid", KIND, facts={"state": "paid"}, cases=cases)
    result = CheckResult("stuck-orders", world.now, findings=(finding,))
    slowest = 0.0
    for _ in range(2):
        writing = asyncio.ensure_future(
            world.database.write(lambda s: take_check_result(s, world.house, result, world.now))
        )
        while not writing.done():
            began = time.monotonic()
            key = f"click:{began}"
            new = NewWork(kind="intake", key=key, payload={}, now=world.now, secret={})
            assert await world.database.store(new) is not None
            slowest = max(slowest, time.monotonic() - began)
        await writing
    assert slowest < 2.0, f"a delivery waited {slowest:.2f} s"
    assert count(world, Incident) == 1
    assert count(world, Case) == 10_000


def test_ten_thousand_subjects_are_a_few_threads(world: World) -> None:
    """The first have a thread each; all others are the cases of one more."""
    result = CheckResult("orders", world.now, findings=subjects(MANY))
    taken = take(world, result)
    assert len(taken.opened) == LIMIT + 1
    assert count(world, Incident) == LIMIT + 1
    assert count(world, Case) == MANY - LIMIT
    posts = world.database.read_now(
        lambda s: s.scalars(select(WorkItem.key).where(WorkItem.key.like("message:%/card"))).all()
    )
    assert len(posts) == LIMIT + 1
    again = take(world, result)
    assert (again.opened, count(world, Incident)) == ((), LIMIT + 1)


def test_a_storm_is_over_when_none_of_its_subjects_fails(world: World) -> None:
    """One subject that is in order again does not say that all are."""
    found = subjects(50)
    take(world, CheckResult("orders", world.now, findings=found))
    names = [one.subject for one in found]
    half = CheckResult("orders", world.now, findings=found[30:], healthy_subjects=tuple(names[:30]))
    assert len(take(world, half).recovered) == LIMIT
    settled = world.database.read_now(
        lambda s: s.scalar(select(func.count(Case.id)).where(Case.state == CaseState.SETTLED))
    )
    assert settled == 30 - LIMIT
    over = take(world, CheckResult("orders", world.now, healthy_subjects=tuple(names)))
    assert len(over.recovered) == 1
    back = take(world, CheckResult("orders", world.now, findings=found[40:41]))
    assert back.opened == ()
    storm = world.database.read_now(
        lambda s: s.scalars(select(Incident).where(Incident.subject.like("many:%"))).one()
    )
    assert storm.recovered_at is None


def test_new_subjects_of_a_storm_join_it(world: World) -> None:
    take(world, CheckResult("orders", world.now, findings=subjects(30)))
    taken = take(world, CheckResult("orders", world.now, findings=subjects(60)))
    assert len(taken.opened) <= LIMIT
    assert count(world, Incident) <= 2 * LIMIT + 1


def alert(number: int, *, failing: bool = True) -> CheckResult:
    """One of very many checks, each of its own service."""
    subject = f"service:svc-{number}"
    case = CaseFound("server", f"svc-{number}")
    finding = Finding(subject, "system_crash", facts={"error": "timeout"}, cases=(case,))
    return CheckResult(
        f"probe-{number}",
        DAY,
        findings=(finding,) if failing else (),
        healthy_subjects=() if failing else (subject,),
        open_after=1,
        recover_after=1,
    )


@pytest.fixture
def either(database_url: str) -> Iterator[World]:
    """On SQLite and on PostgreSQL."""
    found = World.open(database_url)
    found.now = DAY
    yield found
    found.close()


def test_many_checks_that_fail_together_are_a_few_threads(either: World) -> None:
    """What each finds by itself is a case of one thread, when ten others opened one just now."""
    results = [alert(number) for number in range(30)]
    opened = [number for result in results for number in take(either, result).opened]
    assert len(opened) == LIMIT + 1
    assert count(either, Case) == 30
    before = len(either.messages("post"))
    for result in results:
        take(either, result)
    assert (count(either, Incident), len(either.messages("post"))) == (LIMIT + 1, before)
    rung = either.read(lambda s: s.execute(select(Ring.incident_id, Ring.target)).all())
    assert len({tuple(row) for row in rung}) == len(rung), "rung twice for one incident"
    over = [n for n in range(30) for _ in take(either, alert(n, failing=False)).recovered]
    assert len(over) == LIMIT + 1
    assert over[-1] == 29, "the storm is over with its last subject"
    take(either, alert(20))
    storm = either.incident(LIMIT + 1)
    assert storm.recovered_at is None


def test_a_fault_that_comes_later_has_a_thread_of_its_own(either: World) -> None:
    for number in range(30):
        take(either, alert(number))
    either.now += either.house.storm_within * 2
    later = replace(alert(99), ran_at=either.now)
    assert len(take(either, later).opened) == 1
