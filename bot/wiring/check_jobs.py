"""The configured checks as recurring work: looked at outside, taken over in short transactions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.gathered_units import GatheredUnits
from bot.schedule.recurring import Finish, Recurring, Short
from bot.settings import Settings
from bot.wiring.check_connections import Checking
from bot.wiring.check_marks import keep_mark, mark_of
from checks.kinds.base import Check
from checks.mark import Following, Mark
from checks.model import CheckResult, Failed
from checks.registry import build
from checks.runner import run_check
from incidents.cases import awaited
from incidents.detection.earlier_failures import failed_before
from incidents.detection.findings import in_parts, take_check_result
from incidents.detection.quiet_run import is_quiet, write_quietly
from incidents.detection.screening import screened
from incidents.organisation import House
from storage.database import Database

log = structlog.get_logger(__name__)

_AT_SHOP = 4  # checks that are at the shop's database, or wait there, at the same time
_BESIDE = 16  # checks at the same time that do not read the shop's orders
_SPARE = 5.0  # seconds beside a check's own deadline, for one that does not heed it

Ran = Callable[[CheckResult], None]
"""Told of each run (bot.web.meters)."""


def recurring_checks(
    settings: Settings,
    checking: Checking,
    house: House,
    clock: Clock,
    database: Database,
    *,
    ran: Ran = lambda _result: None,
) -> dict[str, Recurring]:
    """Every check by its name, each on its own interval."""
    desk = _Desk(
        checking,
        house,
        clock,
        database,
        ran,
        turns=asyncio.Semaphore(_AT_SHOP),
        reads=GatheredUnits(database.read),
        zone=ZoneInfo(settings.time_zone),
    )
    return {
        configured.name: _recurring(build(configured, settings.checks), desk)
        for configured in settings.checks
    }


def at_once(settings: Settings) -> int:
    """Runs at the same time. Those that wait for their turn at the shop's database take no place
    from the others: while it hangs, probes go on."""
    return _BESIDE + sum(check.of_orders for check in settings.checks)


def taking_over(house: House, result: CheckResult, clock: Clock) -> list[Finish]:
    """What is written for the result, part by part."""

    def finish(part: CheckResult) -> Finish:
        def unit(session: Session) -> None:
            taken = take_check_result(session, house, part, clock.now())
            if taken.opened or taken.recovered:
                log.info("found", check=part.name, opened=taken.opened, over=taken.recovered)
            if part is parts[-1] and part.mark is not None:
                keep_mark(session, part.name, part.mark)

        return unit

    parts = in_parts(result)
    return [finish(part) for part in parts]


def _quietly(result: CheckResult, whole: list[Finish]) -> Finish:
    """One statement in place of the whole, while that is all there is to write."""

    def finish(session: Session) -> None:
        if not write_quietly(session, screened(result)):
            for part in whole:
                part(session)

    return Short(finish)


@dataclass(frozen=True)
class _Desk:
    """What all of them are done with."""

    checking: Checking
    house: House
    clock: Clock
    database: Database
    ran: Ran
    turns: asyncio.Semaphore  # at the shop's database
    reads: GatheredUnits
    zone: ZoneInfo  # of the nights in which a sweep is due


def _recurring(check: Check, desk: _Desk) -> Recurring:
    settings, house, clock = check.settings, desk.house, desk.clock
    within = settings.deadline + _SPARE
    known = False  # that the check's last run here was written down whole, and was quiet

    def before(session: Session) -> tuple[tuple[str, ...], Mapping[str, Failed], Mark | None]:
        failed = failed_before(session, settings.name)
        if not settings.of_orders:
            return (), failed, None
        return awaited(session), failed, mark_of(session, settings.name)

    async def job() -> list[Finish]:
        nonlocal known
        async with desk.turns if settings.of_orders else contextlib.nullcontext():
            waiting, failed, mark = await desk.reads.do(before)
            now = clock.now()
            sweep = mark is not None and mark.sweep_due(now, desk.zone)
            following = Following(mark, sweep=sweep) if settings.of_orders else None
            context = desk.checking.context(now, waiting, failed, following)
            async with asyncio.timeout(within):
                result = await run_check(check, context)
        desk.ran(result)
        whole = taking_over(house, result, clock)
        quiet, known = known, is_quiet(result, failed)
        return [_quietly(result, whole)] if quiet and known else whole

    def could_not_look(error: str) -> Finish:
        def finish(session: Session) -> None:
            now = clock.now()
            take_check_result(session, house, CheckResult(settings.name, now, error=error), now)

        return finish

    return Recurring(
        settings.name,
        timedelta(seconds=settings.every),
        job,
        # Waiting for a turn is no fault of the check: its own time begins with its look.
        deadline=None if settings.of_orders else timedelta(seconds=within),
        instead=could_not_look,
    )
