"""The configured checks as recurring work: looked at outside, taken over in short transactions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import Finish, Recurring
from bot.settings import Settings
from bot.wiring.check_connections import Checking
from bot.wiring.check_marks import keep_mark, mark_of
from checks.kinds.base import Check
from checks.mark import Following
from checks.model import CheckResult
from checks.registry import build
from checks.runner import run_check
from incidents.cases import awaited
from incidents.detection.earlier_failures import failed_before
from incidents.detection.findings import in_parts, take_check_result
from incidents.organisation import House
from storage.database import Database

log = structlog.get_logger(__name__)

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
    zone = ZoneInfo(settings.time_zone)
    return {
        configured.name: _recurring(build(configured), checking, house, clock, database, ran, zone)
        for configured in settings.checks
    }


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


def _recurring(
    check: Check,
    checking: Checking,
    house: House,
    clock: Clock,
    database: Database,
    ran: Ran,
    zone: ZoneInfo,
) -> Recurring:
    settings = check.settings

    async def job() -> list[Finish]:
        waiting = await database.read(awaited)
        failed = await database.read(partial(failed_before, name=settings.name))
        mark = await database.read(partial(mark_of, name=settings.name))
        now = clock.now()
        following = Following(mark, sweep=mark is not None and mark.sweep_due(now, zone))
        context = checking.context(now, waiting, failed, following)
        result: CheckResult = await run_check(check, context)
        ran(result)
        return taking_over(house, result, clock)

    def could_not_look(error: str) -> Finish:
        def finish(session: Session) -> None:
            now = clock.now()
            take_check_result(session, house, CheckResult(settings.name, now, error=error), now)

        return finish

    return Recurring(
        settings.name,
        timedelta(seconds=settings.every),
        job,
        deadline=timedelta(seconds=settings.deadline + 5),
        instead=could_not_look,
    )
