"""Ten thousand findings at once: one thread or a few, and what comes in meanwhile is stored."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.clock import DrivenClock
from bot.schedule.recurring import Finish, Recurring, RecurringWork
from bot.wiring.check_jobs import taking_over
from checks.model import CaseFound, CheckResult, Finding
from incidents.detection.findings import AT_MOST, Taken, take_check_result
from storage import work
from storage.models import (
    Case,
    CaseState,
    CheckState,
    Incident,
    Ring,
    TimelineEntry,
    WorkItem,
)
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
            new = NewWork(kind="intake", key=key, payload={}, now=world.now, owner="me")
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


async def test_a_storm_that_is_over_is_taken_up_in_short_transactions(world: World) -> None:
    """Its subjects recover some hundred at a time; what is sent in between is stored."""
    found = subjects(MANY)
    take(world, CheckResult("orders", world.now, findings=found))
    names = tuple(one.subject for one in found)
    over = CheckResult("orders", world.now, healthy_subjects=names)
    per_unit: list[int] = []

    def settled() -> int:
        return world.database.read_now(
            lambda s: s.scalar(select(func.count()).where(CheckState.failing.is_(False))) or 0
        )

    async def job() -> list[Finish]:
        return [counted(one) for one in taking_over(world.house, over, DrivenClock())]

    def counted(finish: Finish) -> Finish:
        def unit(session: Session) -> None:
            before = settled()
            finish(session)
            now = session.scalar(select(func.count()).where(CheckState.failing.is_(False))) or 0
            per_unit.append(now - before)

        return unit

    checks, item = await due(world, job)
    await checks.run(item)
    assert sum(per_unit) == MANY
    assert max(per_unit) <= AT_MOST
    assert storm(world).recovered_at is not None
    lines = world.database.read_now(
        lambda s: s.scalar(
            select(func.count(TimelineEntry.id)).where(
                TimelineEntry.incident_id == storm(world).id, TimelineEntry.kind == "recovered"
            )
        )
    )
    assert lines == 1


async def test_a_process_that_ends_amid_a_storms_end_loses_nothing(world: World) -> None:
    """The look is taken up again from its beginning by whoever takes the check over."""
    found = subjects(4 * AT_MOST)
    take(world, CheckResult("orders", world.now, findings=found))
    names = tuple(one.subject for one in found)
    over = CheckResult("orders", world.now, healthy_subjects=names)
    written: list[int] = []

    async def job() -> list[Finish]:
        return [taken_over(one) for one in taking_over(world.house, over, DrivenClock())]

    def taken_over(finish: Finish) -> Finish:
        def unit(session: Session) -> None:
            finish(session)
            written.append(1)
            if len(written) == 2:  # this process is frozen here; another claims the check
                claimed = update(WorkItem).where(WorkItem.kind == "check")
                session.execute(claimed.values(epoch=WorkItem.epoch + 1))

        return unit

    checks, item = await due(world, job)
    await checks.run(item)
    assert len(written) == 2
    assert storm(world).recovered_at is None
    again = world.database.read_now(lambda s: s.get_one(WorkItem, item.id))
    assert (again.state, again.epoch) == ("claimed", item.epoch + 1)
    await checks.run(again)
    assert storm(world).recovered_at is not None
    left = world.database.read_now(
        lambda s: s.scalar(select(func.count(Case.id)).where(Case.state != CaseState.SETTLED))
    )
    assert left == 0


async def due(
    world: World, job: Callable[[], Awaitable[list[Finish]]]
) -> tuple[RecurringWork, WorkItem]:
    """The check as recurring work, and its claim."""
    clock = DrivenClock()
    recurring = {"orders": Recurring("orders", timedelta(seconds=30), job)}
    checks = RecurringWork("check", world.database, clock, recurring)
    await checks.plan()
    [item] = world.write(lambda s: work.claim(s, "check", owner="boot", now=clock.now(), limit=1))
    return checks, item


def storm(world: World) -> Incident:
    return world.database.read_now(
        lambda s: s.scalars(select(Incident).where(Incident.subject.like("many:%"))).one()
    )


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


def test_the_watch_of_a_storm_ends_when_a_subject_goes_on_failing(either: World) -> None:
    """Found by one check or by many: what fails while it is watched has not held."""
    found = replace(CheckResult("orders", either.now, findings=subjects(30)), open_after=1)
    take(either, found)
    alerts = [alert(number) for number in range(30)]
    for result in alerts:
        take(either, result)
    storms = [one for one in either.all(Incident) if one.subject.startswith("many:")]
    assert len(storms) == 2

    def watched(session: Session) -> None:
        for one in storms:
            incident = session.get_one(Incident, one.id)
            incident.hold, incident.failed_runs = {"step": "x", "run": 0, "mark": ""}, 0
            incident.checked_at = None

    either.write(watched)
    either.now += timedelta(seconds=30)
    for result in (found, *alerts):
        take(either, replace(result, ran_at=either.now))
    for one in storms:
        incident = either.incident(one.number)
        assert incident.failed_runs > 0, one.subject
        assert incident.checked_at == either.now, one.subject
