"""Sources of incidents: who found one, a check of ours, an alert of another system, or a person."""

from __future__ import annotations

from storage.models.alerts import ALERT

_CHECK = "check:"
BY_ITSELF = (_CHECK, ALERT)


def by_itself(source: str) -> bool:
    """Whether no person found it."""
    return source.startswith(BY_ITSELF)


def alert_of(source: str) -> str | None:
    """The door through which it came; None: it came through none."""
    return source.removeprefix(ALERT) if source.startswith(ALERT) else None


def name_of(source: str) -> str:
    """The check or the door by its own name."""
    return source.partition(":")[2]
