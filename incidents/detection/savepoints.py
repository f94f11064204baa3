"""Savepoints: many things in one transaction, of which one that fails by an error spoils no other.

They are done together first, which costs one savepoint. Only if that fails, each is done in a
savepoint of its own, and those that fail are left out.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.orm import Session

from storage.availability import is_away

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Each(Protocol):
    """Does one of them, known by `name`. None: it failed, and nothing of it stands."""

    def __call__(self, name: str, do: Callable[[], T], /) -> T | None: ...


class Apart:
    """One transaction's. `failed`: names of what was left out."""

    def __init__(self, session: Session, of: str) -> None:
        self._session = session
        self._of = of
        self.failed: list[str] = []

    def all_or_each(self, do: Callable[[Each], T]) -> T:
        """`do` is called with what does each; a second time if the first one failed."""
        try:
            with self._session.begin_nested():
                return do(_together)
        except Exception as error:
            if is_away(error):
                raise  # nothing is wrong with what is to be done
            log.warning("done_one_by_one", of=self._of, error=type(error).__name__)
        return do(self._each)

    def _each(self, name: str, do: Callable[[], T], /) -> T | None:
        try:
            with self._session.begin_nested():
                return do()
        except Exception as error:
            if is_away(error):
                raise
            # As a text: drawn with its variables it would hold the whole plan, in the one writer.
            log.error("left_out", of=self._of, name=name, error=traceback.format_exc())
            self.failed.append(name)
            return None


def _together(_name: str, do: Callable[[], T], /) -> T | None:
    return do()
