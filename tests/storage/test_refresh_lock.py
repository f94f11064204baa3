"""Two units change what one card shows, at the same moment on PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from sandbox.drills.hands import wait_for
from storage import work
from storage.database import Database
from storage.models import WorkItem
from tests.conftest import KEY

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def refresh(session: Session, version: int) -> WorkItem | None:
    payload = {"version": version}
    return work.refresh(session, kind="message", key="card", payload=payload, due=NOW, now=NOW)


def claimed(engine: Engine) -> list[dict[str, int]]:
    """What a worker gets at this moment."""
    with Session(engine) as session:
        items = work.claim(session, "message", owner="a", now=NOW, limit=5)
        found = [dict(item.payload) for item in items]
        session.commit()
    return found


def waits_for_a_lock(engine: Engine) -> bool | None:
    with engine.connect() as connection:
        waiting = text("select count(*) from pg_locks where not granted")
        return bool(connection.execute(waiting).scalar()) or None


def test_a_refresh_is_not_drawn_before_the_second_change_is_committed(pg_url: str) -> None:
    """The second unit joins the refresh of the first and keeps its row locked until its commit: a
    worker that drew it sooner would show the older state, and nothing would come after it."""
    database = Database.open(pg_url, key=KEY)
    engine = database.writing_engine
    first, second = Session(engine), Session(engine)
    joined: list[WorkItem | None] = []
    assert refresh(first, 1) is not None
    thread = threading.Thread(target=lambda: joined.append(refresh(second, 2)), daemon=True)
    thread.start()
    wait_for(lambda: waits_for_a_lock(engine), "the second unit, behind the first")
    first.commit()
    thread.join(10)
    assert joined == [None], "it joined the one that is there"
    assert claimed(engine) == []
    second.commit()
    assert claimed(engine) == [{"version": 2}]
    first.close()
    second.close()
    database.close_now()
