"""The house's own recurring jobs: old deliveries are deleted, the audit log is sealed.

And once a minute it is looked whether an item of the work table was left behind another that is
finished: a replica of an older version, during a rolling upgrade, does not let the next one go.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import Finish, Recurring
from storage import audit, forgetting, work
from storage.database import Database
from storage.errors import StorageError

log = structlog.get_logger(__name__)


def seal_now(session: Session, now: datetime) -> None:
    """Seals what grew. The head stands in the log, outside of the database, for
    `muster audit verify --head`."""
    sealed = audit.seal(session, now=now)
    if sealed is not None:
        log.info("audit_sealed", head=f"{sealed.sequence}:{sealed.hash}")


async def seal_at_stop(database: Database, clock: Clock, *, within: float) -> None:
    """The log's last entries are not left without a seal until the next start."""
    try:
        async with asyncio.timeout(within):
            await database.write(lambda session: seal_now(session, clock.now()))
    except (StorageError, TimeoutError) as error:
        log.warning("audit_not_sealed", error=str(error))


def housekeeping(
    database: Database, clock: Clock, *, keep_deliveries: timedelta
) -> dict[str, Recurring]:
    """`keep_deliveries`: how long a finished delivery is kept, for de-duplication (rule 9)."""

    async def prune() -> None:
        """In units of some hundred rows each: on SQLite the writer is the only one."""
        before, gone = clock.now() - keep_deliveries, 0
        after: int | None = 0
        while after is not None:
            look = partial(work.outlived, before=before, after=after)
            ids, after = await database.read(look)
            if ids:
                gone += await database.write(partial(work.prune, ids=ids))
        if gone:
            log.info("deliveries_deleted", count=gone)
        await forget()

    async def forget() -> None:
        while True:
            look = partial(forgetting.outlived, now=clock.now())
            attempts, items = await database.read(look)
            if not attempts and not items:
                break
            await database.write(partial(forgetting.forget, attempts=attempts, items=items))
            log.info("forgotten", attempts=len(attempts), parked=len(items))
        alerts = await database.write(partial(forgetting.forget_alerts, now=clock.now()))
        if alerts:
            log.info("forgotten", alerts=alerts)

    async def seal() -> Finish:
        def finish(session: Session) -> None:
            seal_now(session, clock.now())

        return finish

    async def order() -> Finish | None:
        ids = await database.read(work.left_behind)
        if not ids:
            return None

        def finish(session: Session) -> None:
            work.let_go(session, ids)
            log.warning("left_behind", items=len(ids))

        return finish

    return {
        "order": Recurring("order", timedelta(minutes=1), order),
        "prune": Recurring("prune", timedelta(hours=1), prune),
        "seal": Recurring("seal", timedelta(minutes=1), seal),
    }
