"""One small row that is written to know that something can be written."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.models import HouseFact

_KEY = "written"


def leave_trace(session: Session, now: datetime) -> None:
    """Writes the moment over the last one; all replicas share the row."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    value = {"at": now.isoformat()}
    session.execute(
        dialect.insert(HouseFact)
        .values(key=_KEY, value=value)
        .on_conflict_do_update(index_elements=[HouseFact.key], set_={"value": value})
    )
