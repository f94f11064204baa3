"""Work kinds: who works on each kind of item of the work table, and how many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from actions.runner import ActionRunner
from bot.schedule.outcomes import Run
from bot.schedule.pace import Pace
from bot.schedule.workers import Workers
from storage.models import WorkKind

ACTIONS_AT_ONCE = 20  # of a press; what is more is begun one after the other
ACTIONS_A_SECOND = 20.0


def add_workers(
    workers: Workers,
    *,
    intake: Run,
    quiet: Callable[[], Awaitable[None]],
    messages: Run,
    actions: ActionRunner,
    checks: Run,
    checks_at_once: int,
    timers: Run,
) -> None:
    """`quiet`: returns when no acknowledgement is waited for."""
    workers.add(WorkKind.INTAKE, intake, concurrency=8, deadline=60.0, gate=quiet, urgent=True)
    # What fails on its way out may have had its effect: looked up before it is repeated.
    workers.add(WorkKind.MESSAGE, messages, concurrency=16, unclear_on_error=True)
    workers.add(
        WorkKind.ACTION,
        actions.run,
        concurrency=8,
        unclear_on_error=True,
        gate=Pace(ACTIONS_A_SECOND, ACTIONS_AT_ONCE).wait,
    )
    workers.add(WorkKind.CHECK, checks, concurrency=checks_at_once)
    workers.add(WorkKind.TIMER, timers, concurrency=2)
