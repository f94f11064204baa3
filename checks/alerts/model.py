"""Model of an alert: what another system said, as its door reads it, kept until it is worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Alert:
    """One alert. Nothing of it has been screened; it is stored encrypted until it is worked."""

    key: str  # a digest: what the source calls it may be anything
    over: bool = False  # the source says that it is resolved
    subject: str = ""
    incident_type: str = ""
    severity: int | None = None
    started: datetime | None = None  # as the source says
    ended: datetime | None = None
    says: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # by dotted name

    def as_json(self) -> dict[str, Any]:
        """As it stands in the work table."""
        moments = {"started": self.started, "ended": self.ended}
        return {
            **{k: v for k, v in vars(self).items() if k not in moments},
            "facts": dict(self.facts),
            **{name: at.isoformat() if at else None for name, at in moments.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Alert:
        at = {k: stored.get(k) for k in ("started", "ended")}
        moments = {k: datetime.fromisoformat(v) if v else None for k, v in at.items()}
        return cls(**{**stored, **moments})
