"""How a turn of a work item may end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.models import WorkItem


@dataclass(frozen=True)
class Done:
    """Finished."""

    result: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Retry:
    """Again at `due`; it is known that nothing happened."""

    due: datetime
    error: str


@dataclass(frozen=True)
class Unclear:
    """Whether it happened is unknown: to be looked up at `due`, before it is repeated."""

    due: datetime
    error: str


@dataclass(frozen=True)
class Park:
    """It cannot be done without a person. `unclear`: whether it happened is unknown."""

    error: str
    unclear: bool = False


Turn = Done | Retry | Unclear | Park | None
"""None: the handler has settled its item itself, in its own transaction."""

Run = Callable[[WorkItem], Awaitable[Turn]]
