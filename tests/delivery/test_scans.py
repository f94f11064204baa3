"""What delivery asks the database for each message never goes through the finished rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.orm import Session

from bot.delivery import message_store
from bot.delivery.job import Job
from storage import work
from storage.database import Database
from storage.models import WorkItem, WorkState
from tests.actions.clock import SteppedClock

THREAD = "INC-412"
CARD = f"{THREAD}/card"

_UNFINISHED_ONLY = ("ix_work_due", "ix_work_order", "ix_work_parked")
QUESTIONS: dict[str, Callable[[Session, Job], object]] = {
    "coming": lambda session, job: message_store.coming(session, CARD),
    "ahead": lambda session, job: message_store.ahead(session, job),
    "parked": lambda session, job: message_store.parked(session, CARD),
    "waiting": lambda session, job: message_store.wake_waiting(session, CARD, job.created_at),
}


def _fill(session: Session) -> Job:
    """Thousands of finished rows, and one post of the thread that is to be sent."""
    now = SteppedClock().now()
    finished = [
        {
            "kind": "message",
            "key": f"message:INC-{number}/card",
            "order_key": f"INC-{number}",
            "state": str(WorkState.DONE),
            "payload": {},
            "due": now,
            "created_at": now,
        }
        for number in range(1000, 6000)
    ]
    session.execute(insert(WorkItem), finished)
    item = work.enqueue(
        session, kind="message", key=f"message:{THREAD}/log/1", payload={}, due=now, now=now,
        order_key=THREAD,
    )  # fmt: skip
    assert item is not None
    return Job.of(session.get_one(WorkItem, item))


@pytest.mark.parametrize("question", QUESTIONS)
async def test_no_finished_row_is_looked_at(database: Database, question: str) -> None:
    job = await database.write(_fill)
    await database.write(lambda session: session.execute(text("analyze")) and None)
    plans: list[str] = []

    def executed(
        connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any
    ) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.cursor()
            how = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
            raw.execute(how + statement, parameters)
            plans.extend(" ".join(map(str, row)) for row in raw.fetchall())

    event.listen(database.writing_engine, "after_cursor_execute", executed)
    await database.write(lambda session: QUESTIONS[question](session, job) and None)
    assert plans
    for plan in plans:
        assert "Seq Scan on work" not in plan
        # These hold no finished rows, so going through them is no matter.
        assert "SCAN work" not in plan or any(name in plan for name in _UNFINISHED_ONLY)
        assert "work_pkey" not in plan, "by the ids, through all that is finished"
        assert "INTEGER PRIMARY KEY" not in plan
