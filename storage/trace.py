"""Trace: one small row that is written to know that something can be written."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from storage.dialect import insert_into, is_postgres
from storage.models import HouseFact

_KEY = "written"


def leave_trace(session: Session, now: datetime) -> None:
    """Writes the moment over the last one; all replicas share the row."""
    value = {"at": now.isoformat()}
    session.execute(
        insert_into(HouseFact, postgres=is_postgres(session))
        .values(key=_KEY, value=value)
        .on_conflict_do_update(index_elements=[HouseFact.key], set_={"value": value})
    )
