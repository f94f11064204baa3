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

_WITH_ANSWER = {"view_submission"}  # the acknowledgement closes the form or names its errors
_OPTIONS = {"block_suggestion"}  # the acknowledgement is all there is


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
        return _kind(self.body) in _WITH_ANSWER

    @property
    def only_answer(self) -> bool:
        return _kind(self.body) in _OPTIONS

    @property
    def by_a_person(self) -> bool:
        return "event" not in self.body


def _kind(body: Mapping[str, Any]) -> str:
    return str(body.get("type"))


def delivery_key(body: Mapping[str, Any]) -> str:
    """The key under which a delivery is stored once."""
    if body.get("event_id"):
        return f"event:{body['event_id']}"
    if body.get("trigger_id"):
        return f"trigger:{body['trigger_id']}"
    view = body.get("view")
    if isinstance(view, Mapping) and view.get("id"):
        return f"{body.get('type', 'view')}:{view['id']}:{view.get('hash', '')}"
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, default=str)
    return "body:" + hashlib.sha256(canonical.encode()).hexdigest()


def body_of(stored: Any) -> dict[str, Any] | None:
    """The payload of a stored delivery, whichever transport it came by."""
    if isinstance(stored, dict) and "envelope_id" in stored:
        stored = stored.get("payload")
    return stored if isinstance(stored, dict) else None
