"""Looks at the shop that a unit of work needs: named before it, made outside of it, handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

FRESH = timedelta(minutes=3)  # an older look says nothing about now
NOT_LOOKED: Mapping[str, Any] = {"error": "not_looked"}


@dataclass(frozen=True)
class WantedLook:
    """One look to be made: name of the configured look, and what its templates see.

    `guard` is what it is made for: a guard of the plan, or an effect (`effect:12`).
    """

    guard: str
    look: str
    case: str | None  # key of the case, where it is looked at per case
    scope: Mapping[str, Any]


@dataclass(frozen=True)
class GuardLook:
    """What a look gave: the JSON, or {"error": code}."""

    guard: str
    case: str | None
    seen: Any


@dataclass(frozen=True)
class GuardLooks:
    """All looks of one unit of work, made at `at`."""

    at: datetime
    looks: tuple[GuardLook, ...] = ()

    def of(self, guard: str, case: str | None, now: datetime) -> Any:
        if now - self.at > FRESH:
            return NOT_LOOKED
        for look in self.looks:
            if (look.guard, look.case) == (guard, case):
                return look.seen
        return NOT_LOOKED

    def as_json(self) -> dict[str, Any]:
        """As it is kept, encrypted, until the form that it is for is drawn."""
        return {
            "at": self.at.isoformat(),
            "looks": [list(vars(one).values()) for one in self.looks],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> GuardLooks:
        looks = tuple(GuardLook(*one) for one in kept["looks"])
        return cls(datetime.fromisoformat(str(kept["at"])), looks)


def problem_of(seen: Any) -> str | None:
    """Why a look showed nothing; None where it showed something."""
    if seen is None:
        return "nothing_seen"
    if isinstance(seen, Mapping) and set(seen) == {"error"}:
        return str(seen["error"])
    return None
