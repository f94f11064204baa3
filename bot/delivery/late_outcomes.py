"""Late outcomes: what is put right when a process sent something whose claim had gone to another
meanwhile.

It was frozen, or cut off from the database, with its request already on its way. Its own outcome
changes nothing any more; what its request left behind in Slack is looked for and taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.delivery.job import Delivered, Job, Lost, Turn
from storage import outbox, work

log = structlog.get_logger(__name__)


def put_right(session: Session, job: Job, turn: Turn, now: datetime, after: timedelta) -> None:
    """Enqueues what belongs to the class of the message. `after`: how late a lost one may land."""
    if isinstance(turn, Delivered):
        result, due = turn.result, now
    elif isinstance(turn, Lost):
        result, due = {}, now + after
    else:  # nothing was sent
        return
    do = job.payload.get("do")
    if do in ("post", "direct") and ("channel" in result or isinstance(turn, Lost)):
        _twins(session, job, {"delivery": job.delivery_id, **_place(result)}, now, due)
    elif do == "file" and "files" in result:
        _twins(session, job, {"files": result["files"], **_place(result)}, now, due)
    elif do == "refresh" and ("edited" in result or isinstance(turn, Lost)):
        # It may show an older state than the one that stood there.
        work.enqueue(
            session,
            kind="message",
            key=f"{job.key}/again/{job.epoch}",
            payload={**job.payload, "force": True},
            due=due,
            now=now,
            order_key=f"{job.message}/again",
            priority=8,
        )
    elif do == "home":
        outbox.home(session, person=str(job.payload["person"]), now=now)


def _place(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: result.get(name) for name in ("channel", "thread_ts")}


def _twins(
    session: Session, job: Job, mark: Mapping[str, Any], now: datetime, due: datetime
) -> None:
    log.warning("late_twin_looked_for", message=job.message, epoch=job.epoch)
    work.enqueue(
        session,
        kind="message",
        key=f"{job.key}/twins/{job.epoch}",
        payload={
            "do": "twins",
            "message": job.message,
            "late": True,
            "since": job.created_at.isoformat(),
            **mark,
        },
        due=due,
        now=now,
        priority=8,
    )
