"""trigger_ids: each lives 3 seconds and is exchanged once. Source: slack-facts "Time limits"."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from itertools import count

from sandbox.slack import limits
from sandbox.slack.clock import SandboxClock
from sandbox.slack.errors import Refused

_FORM = re.compile(r"\d+\.\d+\.[0-9a-f]+")


@dataclass
class Trigger:
    user: str
    issued: float
    view_id: str | None  # the modal that was on top, when it came from one
    used: bool = False


class Triggers:
    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view_id: str | None = None) -> str:
        now = self._clock.now()
        trigger_id = f"{int(now * 1000)}.{next(self._numbers)}.{secrets.token_hex(8)}"
        self._issued[trigger_id] = Trigger(user, now, view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Uses the trigger up. Raises Slack's three errors."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            well_formed = _FORM.fullmatch(trigger_id)
            raise Refused("expired_trigger_id" if well_formed else "invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self._clock.now() - trigger.issued > limits.TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger
