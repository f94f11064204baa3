"""Acknowledgement: what Bolt answers, as the transports send it."""

from __future__ import annotations

import json
from typing import Any

from slack_bolt.response import BoltResponse


def payload_of(response: BoltResponse) -> dict[str, Any] | None:
    """The body of an acknowledgement; None for an empty one."""
    if not response.body:
        return None
    kind = response.headers.get("content-type", [""])[0]
    if kind.startswith("application/json"):
        payload: dict[str, Any] = json.loads(response.body)
        return payload
    return {"text": response.body}
