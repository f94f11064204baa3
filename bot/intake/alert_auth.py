"""Alert authentication: whether a request may pass its door, by a signature or a bearer secret.

A signature covers the moment and the body, as Slack's does: `v1=` and the HMAC-SHA256, in hex, of
`v1:<seconds>:<body>` with the door's secret. One of more than five minutes ago is a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime

from checks.alerts.settings import DoorSettings

STAMP, SIGNATURE = "X-Muster-Timestamp", "X-Muster-Signature"
WITHIN = 300.0  # seconds between the signing and the arrival, either way
_NUMBER = re.compile("[0-9]{1,12}")


class Refused(Exception):
    """Why it may not pass, in one sentence that says nothing of the secret."""


_NOBODY = "No door of this name takes this secret."


def may_ask(door: DoorSettings | None, headers: Mapping[str, str]) -> None:
    """What can be said before the body is read. Raises Refused."""
    if door is None or (door.auth == "bearer" and not _bears(door, headers)):
        raise Refused(_NOBODY)
    if door.auth == "hmac" and not (
        _NUMBER.fullmatch(headers.get(STAMP, "")) and headers.get(SIGNATURE, "").isascii()
    ):
        raise Refused(_NOBODY)


def may_pass(door: DoorSettings, headers: Mapping[str, str], raw: bytes, now: datetime) -> None:
    """Whether the body is from who knows the secret. Raises Refused."""
    if door.auth == "bearer":
        return
    stamp = headers.get(STAMP, "")
    given = headers.get(SIGNATURE, "")
    if not any(hmac.compare_digest(signed(one, stamp, raw), given) for one in _secrets(door)):
        raise Refused(_NOBODY)
    if abs(now.timestamp() - int(stamp)) > WITHIN:
        raise Refused(
            f"The request was signed more than {WITHIN / 60:g} minutes from now; sign it anew, "
            "and see that both clocks are right."
        )


def signed(secret: str, stamp: str, raw: bytes) -> str:
    """The signature of a body at that moment."""
    text = b"v1:" + stamp.encode() + b":" + raw
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def _bears(door: DoorSettings, headers: Mapping[str, str]) -> bool:
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    token = given.strip().encode("utf-8", "surrogateescape")
    same = [hmac.compare_digest(token, one.encode()) for one in _secrets(door)]
    return scheme.lower() == "bearer" and any(same)


def _secrets(door: DoorSettings) -> tuple[str, ...]:
    return (door.secret,) if door.old_secret is None else (door.secret, door.old_secret)
