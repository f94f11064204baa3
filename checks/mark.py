"""Mark of a check: up to where it has seen what changed in the shop, and what it found there.

The next run looks at what changed since and at what was found, and so finds what a whole one would.
What no stamp tells (a row that was deleted, one that was committed late) a sweep finds at night.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

SWEPT_FROM = time(3, 0)  # of the night in which everything is looked at again

RowKey = str | int


@dataclass(frozen=True)
class Mark:
    """What a run leaves for the next. `digest`: of what it asked; of other questions it says none.

    `newest`: by entity, of the rows that it saw, when the last one changed; None: it saw none.
    """

    digest: str
    looked_at: datetime
    swept_at: datetime
    newest: Mapping[str, datetime | None] = field(default_factory=dict)
    found: tuple[RowKey, ...] = ()  # all of them, by the key of the query's first table

    def sweep_due(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether a night has begun since the last sweep, or the clock was set back."""
        local = now.astimezone(zone)
        night = datetime.combine(local.date(), SWEPT_FROM, zone)
        if night > local:
            night -= timedelta(days=1)
        return self.swept_at < night or self.swept_at > now


@dataclass(frozen=True)
class Following:
    """The marks are kept: what the run before left, and whether this one is a sweep."""

    mark: Mark | None = None
    sweep: bool = False
