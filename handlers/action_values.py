"""Action values: what a button carries, "INC-412:7:3.3.1.s2:switch" (incident, version, step,
button). Behind the version stands the incident's tag, by which it is told from another one of the
same number: "INC-412:7.3f9a1".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_REFERENCE = re.compile(r"(?:INC[- ]?)?([0-9]{1,9})", re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Target:
    """What a click is a request about (rule 5)."""

    number: int
    version: int
    step: str = ""
    button: str = ""
    rest: str = ""
    tag: str = ""

    @classmethod
    def parse(cls, value: str) -> Target | None:
        """None when the value is not one of ours (an old release's button, a forged click)."""
        parts = value.split(":", 4)
        found = _REFERENCE.fullmatch(parts[0])
        version, _, tag = parts[1].partition(".") if len(parts) > 1 else ("", "", "")
        if found is None or whole(version) is None:
            return None
        padded = [*parts[2:], "", "", ""]
        return cls(int(found[1]), int(version), padded[0], padded[1], padded[2], tag)

    @property
    def drawn(self) -> str:
        """The version and the tag, as a value carries them."""
        return f"{self.version}.{self.tag}" if self.tag else str(self.version)


def reference(text: str) -> int | None:
    """The number of an incident as a person types it: 412, INC-412, inc-412."""
    found = _REFERENCE.fullmatch(text.strip())
    return int(found[1]) if found else None


def whole(text: str) -> int | None:
    """A number as our own buttons carry it; None: it is none, or larger than there are any."""
    return int(text) if _WHOLE.fullmatch(text) else None


def action_name(action_id: str) -> str:
    """Without the "#2" that keeps action_ids unique within a block."""
    return action_id.split("#", 1)[0]


def private_metadata(**data: Any) -> str:
    """What a modal must remember. Slack: at most 3000 characters."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def read_metadata(text: str) -> dict[str, Any]:
    """What a modal remembered; empty when it is not ours."""
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
