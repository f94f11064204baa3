"""Faults on demand: which of the next calls fails, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Final

from sandbox.slack.errors import Json, Refused

# What each kind does. "effect" says whether the call's effect lands all the same.
KINDS: Final[Mapping[str, str]] = {
    "rate_limited": "429 with Retry-After; no effect",
    "no_retry_after": "429 without Retry-After; no effect",
    "http_500": "500 with an HTML body; no effect",
    "http_503": "503 with an HTML body; no effect",
    "error": "ok:false with `error`; no effect",
    "reset": "the connection is reset at once; no effect",
    "timeout_before": "never an answer; no effect",
    "lost_reply": "the effect, then the connection is cut without an answer",
    "late_effect": "the connection is cut, the effect lands `seconds` later",
    "malformed": "the effect, then an answer that is no JSON",
    "no_object": "the effect, then an answer that is JSON and no object",
    "nothing_said": "the effect, then an answer that is ok and says nothing more",
    "delay": "the effect at once, the answer `seconds` later; on "
    '"view_submission" what is acknowledged is applied `seconds` later',
    "down": 'every call is reset or answered 503, in turn; on "socket" the sockets close too',
    "dead_socket": 'the open sockets stay open and nothing passes any more (method "socket")',
}
SOCKET_KINDS: Final = frozenset({"dead_socket", "down", "delay"})
_FIELDS: Final = frozenset(
    {
        "method",
        "kind",
        "seconds",
        "retry_after",
        "error",
        "times",
        "match",
    }
)


@dataclass
class Fault:
    id: str
    method: str
    kind: str
    seconds: float = 0.0
    retry_after: int = 1
    error: str = "internal_error"
    times: int = 1  # -1: until it is removed
    match: Json = field(default_factory=dict)
    used: int = 0

    def fits(self, method: str, args: Json) -> bool:
        if self.method not in (method, "*") or self.times == 0:
            return False
        if self.method == "*" and method == "socket":
            return False
        wanted = dict(self.match)
        contains = wanted.pop("contains", None)
        if any(str(args.get(name)) != str(value) for name, value in wanted.items()):
            return False
        return contains is None or str(contains) in json.dumps(args, ensure_ascii=False)


class Faults:
    """The faults that wait for their calls, oldest first."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._faults: dict[str, Fault] = {}

    def add(self, wish: Json) -> Fault:
        unknown = set(wish) - _FIELDS
        kind, method = wish.get("kind"), wish.get("method", "*")
        if unknown:
            raise Refused("invalid_arguments", messages=[f"unknown field: {', '.join(unknown)}"])
        if kind not in KINDS:
            kinds = ", ".join(KINDS)
            raise Refused("invalid_arguments", messages=[f"kind must be one of: {kinds}"])
        on_socket = method == "socket"
        if (on_socket and kind not in SOCKET_KINDS) or (kind == "dead_socket" and not on_socket):
            raise Refused("invalid_arguments", messages=[f"{kind} does not go with {method}"])
        default_times = -1 if kind == "down" or method == "socket" else 1
        fault = Fault(
            f"F{next(self._ids)}",
            str(method),
            str(kind),
            float(wish.get("seconds") or 0),
            int(wish.get("retry_after") or 1),
            str(wish.get("error") or "internal_error"),
            int(wish.get("times", default_times)),
            dict(wish.get("match") or {}),
        )
        self._faults[fault.id] = fault
        return fault

    def take(self, method: str, args: Json) -> Fault | None:
        """The fault for this call, counted as used."""
        for fault in self._faults.values():
            if fault.fits(method, args):
                fault.used += 1
                if fault.times > 0:
                    fault.times -= 1
                return fault
        return None

    def standing(self, method: str, kind: str) -> Fault | None:
        """A fault that holds until it is removed, looked at without using it."""
        return next(
            (f for f in self._faults.values() if f.kind == kind and f.fits(method, {})), None
        )

    def list(self) -> list[Json]:
        return [asdict(fault) for fault in self._faults.values()]

    def remove(self, fault_id: str | None = None) -> None:
        if fault_id is None:
            self._faults.clear()
        elif self._faults.pop(fault_id, None) is None:
            raise Refused("fault_not_found")
