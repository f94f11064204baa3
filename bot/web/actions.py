"""Outcomes of actions, counted when the transaction that wrote them down has been committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from actions.model import Assignment, Book, Settled
from storage.models import ActionAttempt


class CountedBook:
    """The domain's book of attempts; `settled(action, outcome)` hears of each end."""

    def __init__(self, book: Book, settled: Callable[[str, str], None]) -> None:
        self._book = book
        self._settled = settled

    def load(self, session: Session, attempt_id: int) -> Assignment:
        return self._book.load(session, attempt_id)

    def sent(
        self, session: Session, attempt_id: int, before: Mapping[str, Any] | None, now: datetime
    ) -> None:
        self._book.sent(session, attempt_id, before, now)

    def word(self, session: Session, attempt_id: int, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._book.word(session, attempt_id, seen)

    def settle(self, session: Session, attempt_id: int, settled: Settled, now: datetime) -> None:
        """An outcome that the book does not take, since a final one stands, is not counted."""
        before = _state(session, attempt_id)
        self._book.settle(session, attempt_id, settled, now)
        attempt = session.get_one(ActionAttempt, attempt_id)
        if attempt.state == before:
            return
        action, outcome = attempt.action, str(attempt.state)

        def committed(_session: Session) -> None:
            self._settled(action, outcome)

        event.listen(session, "after_commit", committed, once=True)


def _state(session: Session, attempt_id: int) -> str | None:
    return session.scalar(select(ActionAttempt.state).where(ActionAttempt.id == attempt_id))
