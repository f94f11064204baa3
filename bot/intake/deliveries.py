"""Deliveries: what intake must know of a payload, its key, how soon it is wanted, how it is
answered.

Keys of de-duplication (decision 1): `event_id`, else `trigger_id`, else view id and hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Sooner is lower. What opens a view has 3 s until its trigger_id is void.
OPENS_VIEW = 0
BY_A_PERSON = 1
EVENT = 3

ANSWERED = "answered"  # in the payload of a claimed delivery: its acknowledgement's response_action

_LONGEST_ID = 200  # characters; Slack's are under 100
_WITH_ANSWER = "view_submission"  # the acknowledgement closes the form or names its errors
_OPTIONS = "block_suggestion"  # the acknowledgement is all there is


@dataclass(frozen=True, slots=True)
class Delivery:
    """One payload from Slack, over either transport."""

    key: str
    body: dict[str, Any]
    raw: str  # JSON as it came, stored as it is: the body itself, or its envelope
    received_at: datetime
    attempt: int = 0  # Slack: only Events API deliveries are ever repeated

    @property
    def answered_in_ack(self) -> bool:
        return self.body.get("type") == _WITH_ANSWER

    @property
    def only_answer(self) -> bool:
        return self.body.get("type") == _OPTIONS

    @property
    def by_a_person(self) -> bool:
        return "event" not in self.body


def delivery_key(body: Mapping[str, Any]) -> str:
    """The key under which a delivery is stored once.

    An id that is none of Slack's (no text, too long, beyond ASCII) names nothing: then the whole
    of the body does, so that whatever was signed can be stored and be refused.
    """
    if _is_id(body.get("event_id")):
        return f"event:{body['event_id']}"
    if _is_id(body.get("trigger_id")):
        return f"trigger:{body['trigger_id']}"
    view = body.get("view")
    if isinstance(view, Mapping) and _is_id(view.get("id")):
        of_view = (str(body.get("type", "view")), view["id"], str(view.get("hash", "")))
        if all(_is_id(part) for part in of_view if part):
            return ":".join(of_view)
    canonical = json.dumps(body, sort_keys=True, default=str)
    return "body:" + hashlib.sha256(canonical.encode()).hexdigest()


def _is_id(value: Any) -> bool:
    """Whether it may stand in a key, in every database."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_ID
        and value.isascii()
        and value.isprintable()
    )


def body_of(stored: Any) -> dict[str, Any] | None:
    """The payload of a stored delivery, whichever transport it came by."""
    if isinstance(stored, dict) and "envelope_id" in stored:
        stored = stored.get("payload")
    return stored if isinstance(stored, dict) else None
