"""The house's own recurring jobs: old deliveries are deleted, the audit log is sealed."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.recurring import Finish, Recurring
from storage import audit, work
from storage.models import WorkKind

log = structlog.get_logger(__name__)


def housekeeping(clock: Clock, *, keep_deliveries: timedelta) -> dict[str, Recurring]:
    """`keep_deliveries`: how long a finished delivery is kept, for de-duplication (rule 9)."""

    async def prune() -> Finish:
        def finish(session: Session) -> None:
            before = clock.now() - keep_deliveries
            gone = work.prune(session, before=before, kinds=[WorkKind.INTAKE])
            if gone:
                log.info("deliveries_deleted", count=gone)

        return finish

    async def seal() -> Finish:
        def finish(session: Session) -> None:
            audit.seal(session, now=clock.now())

        return finish

    return {
        "prune": Recurring("prune", timedelta(hours=1), prune),
        "seal": Recurring("seal", timedelta(hours=1), seal),
    }
