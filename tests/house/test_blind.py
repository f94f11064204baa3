"""A check that cannot look opens no incident of the shop, and the house comes to know it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from checks.kinds.base import CheckContext, CheckSettings
from checks.model import CheckResult, Finding
from checks.runner import run_check
from incidents.detection.findings import take_check_result
from storage.models import Incident, WorkItem
from tests.incidents.world import DAY, MEI, NIGHT, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World.create(tmp_path)
    found.now = DAY
    yield found
    found.close()


def run(world: World, *, error: str | None, minutes: float) -> None:
    world.now += timedelta(minutes=minutes)
    result = CheckResult("stuck-orders", world.now, error=error)
    world.write(lambda s: take_check_result(s, world.house, result, world.now))


def said(world: World) -> list[tuple[str, str | None, bool]]:
    """What is posted: how, to whom, and whether it says that the check looks again."""
    items = world.database.read_now(lambda s: s.scalars(select(WorkItem)).all())
    return [
        (i.payload["do"], i.payload.get("person"), "again" in i.payload["params"])
        for i in items
        if i.kind == "message"
    ]


def test_who_is_on_duty_is_told_once_and_the_thread_says_when_it_looks_again(
    world: World,
) -> None:
    for _ in range(3):
        run(world, error="no answer", minutes=1)
    assert said(world) == [], "a short trouble is not told"
    for _ in range(10):
        run(world, error="no answer", minutes=1)
    assert said(world) == [("post", None, False), ("direct", MEI, False)]
    run(world, error=None, minutes=1)
    assert said(world)[2:] == [("post", None, True)]
    for _ in range(10):
        run(world, error="no answer", minutes=1)
    assert len(said(world)) == 5, "the next streak is told anew"
    assert world.database.read_now(lambda s: s.scalar(select(Incident.id))) is None


def test_one_cause_is_one_alarm(world: World) -> None:
    """Thirty checks read a database that is down: one message, and one when the last sees again."""
    names = [f"check-{number}" for number in range(30)]

    def all_run(*, error: str | None, only: list[str] = names) -> None:
        world.now += timedelta(minutes=1)
        for name in only:
            cause = "shop-database" if error else None
            result = CheckResult(name, world.now, error=error, cause=cause)
            world.write(lambda s, r=result: take_check_result(s, world.house, r, world.now))

    for _ in range(8):
        all_run(error="the shop's database cannot be read")
    assert said(world) == [("post", None, False), ("direct", MEI, False)]
    all_run(error=None, only=names[:29])
    assert len(said(world)) == 2, "one of them cannot look yet"
    all_run(error=None, only=names[29:])
    assert said(world)[2:] == [("post", None, True)]
    for _ in range(8):
        run(world, error="its own fault", minutes=1)
        all_run(error="the shop's database cannot be read")
    assert len(said(world)) == 7, "another cause is another alarm"


def test_at_night_the_channel_is_told_and_nobody_is_rung(world: World) -> None:
    world.now = NIGHT
    for _ in range(8):
        run(world, error="no answer", minutes=1)
    assert said(world) == [("post", None, False)]


@pytest.mark.parametrize(
    "spoilt",
    [
        Finding("channel:westpay", "a_type_that_no_plan_knows"),
        Finding("channel:westpay", "payment_channel_down", facts={"since": object()}),
    ],
    ids=["not in the plan", "cannot be stored"],
)
def test_one_finding_that_cannot_be_taken_up_does_not_spoil_the_rest(
    world: World, spoilt: Finding
) -> None:
    """The others open, nothing of it stands, and on-call hears that the check does not see all."""

    def channels(*names: str) -> tuple[Finding, ...]:
        return tuple(Finding(f"channel:{name}", "payment_channel_down") for name in names)

    for _ in range(10):
        world.now += timedelta(minutes=1)
        findings = (*channels("northpay"), spoilt, *channels("eastpay"))
        world.check(CheckResult("channels", world.now, findings=findings))
    assert {one.fingerprint.rpartition("|")[2] for one in world.all(Incident)} == {
        "channel:northpay",
        "channel:eastpay",
    }
    blind = [one for one in world.messages() if one.payload["template"] == "blind"]
    assert [(one.payload["do"], one.payload.get("person")) for one in blind] == [
        ("post", None),
        ("direct", MEI),
    ]
    assert "channel:westpay" in blind[0].payload["params"]["error"]
    world.now += timedelta(minutes=1)
    world.check(CheckResult("channels", world.now, findings=channels("northpay", "eastpay")))
    [over] = [one for one in world.messages() if "again" in one.payload["params"]]
    assert over.payload["template"] == "blind"


class HangingSettings(CheckSettings):
    @property
    def opens(self) -> tuple[str, ...]:
        return ("system_crash",)


class Hanging:
    """A check that never comes back."""

    settings = HangingSettings(name="hangs", deadline=0.05)

    async def run(self, context: CheckContext) -> CheckResult:
        await asyncio.Event().wait()
        raise AssertionError("never")


async def test_a_check_that_hangs_could_not_run() -> None:
    """Its own deadline ends it; it says nothing about the shop."""

    async def look(name: str, params: object) -> None:
        raise AssertionError("never")

    context = CheckContext(ask=None, shop=None, currency="TWD", now=DAY, look=look)  # type: ignore[arg-type]
    result = await run_check(Hanging(), context)
    assert (result.findings, result.healthy_subjects) == ((), ())
    assert result.error == "the check did not end within 0.05 s"
