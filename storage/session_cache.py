"""Session cache: what a unit of work has read once and need not read again.

It is forgotten with what it was read from: when a savepoint is rolled back, objects of it may be
gone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

_KNOWN = "muster_known"


def known(session: Session, what: str) -> dict[Any, Any]:
    """What this session knows of a kind of thing, by its key."""
    found: dict[Any, Any] = session.info.setdefault(_KNOWN, {}).setdefault(what, {})
    return found


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _previous: SessionTransaction) -> None:
    session.info.pop(_KNOWN, None)
