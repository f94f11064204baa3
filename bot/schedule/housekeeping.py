"""The house's own recurring jobs: old deliveries are deleted, the audit log is sealed."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import Finish, Recurring
from storage import audit, work
from storage.database import Database

log = structlog.get_logger(__name__)


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

    async def seal() -> Finish:
        def finish(session: Session) -> None:
            audit.seal(session, now=clock.now())

        return finish

    return {
        "prune": Recurring("prune", timedelta(hours=1), prune),
        "seal": Recurring("seal", timedelta(hours=1), seal),
    }
