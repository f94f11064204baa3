"""The shop's clock: real time plus what the tester moved it forward; times as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["ShopClock", "moment", "stamp"]


class ShopClock:
    """Aware UTC. It only goes forward, so that nothing in the shop happens before its cause."""

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = timedelta(seconds=offset)

    @property
    def offset(self) -> float:
        """Seconds that the clock is ahead of the machine's."""
        return self._offset.total_seconds()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> datetime:
        """Moves the clock forward. Raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self._offset += timedelta(seconds=seconds)
        return self.now()


def stamp(at: datetime) -> str:
    """2026-11-11T19:02:00.000Z: sorts as text in the order of time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def moment(text: str) -> datetime:
    """The aware UTC time of a stamp. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
