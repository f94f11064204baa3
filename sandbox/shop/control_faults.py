"""Faults of the control port itself: a lost reply, an error, a delay. They live in memory only."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any

from sandbox.shop.problems import Body, Problem

__all__ = ["CONTROL_KINDS", "ControlFault", "ControlFaults"]

CONTROL_KINDS = ("control_lost_reply", "control_error", "control_delay")


@dataclass
class ControlFault:
    """`left`: how many more requests it meets; below zero, all."""

    kind: str
    path: str
    method: str | None
    left: int
    seconds: float = 0.0
    status: int = 503
    hits: int = 0

    def meets(self, method: str, path: str) -> bool:
        """By default only what may change the shop; a path also stands for all below it."""
        if self.left == 0:
            return False
        if self.method is None:
            if method in ("GET", "HEAD"):
                return False
        elif self.method not in ("*", method):
            return False
        below = path == self.path or path.startswith(self.path.rstrip("/") + "/")
        return below or fnmatch.fnmatchcase(path, self.path)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "path": self.path,
            "method": self.method,
            "left": self.left,
            "seconds": self.seconds,
            "status": self.status,
            "hits": self.hits,
        }


class ControlFaults:
    """Those that are set, the oldest first."""

    def __init__(self) -> None:
        self._set: list[ControlFault] = []

    def add(self, kind: str, body: Body) -> ControlFault:
        path = body.text("path", default="*")
        if path != "*" and not path.startswith("/"):
            raise Problem(
                422, "invalid_field", "“path” is not valid: write one like /routing/card."
            )
        method = body.text("method", default="").upper() if body.has("method") else None
        times = body.fields.get("times", 1)
        if isinstance(times, bool) or not isinstance(times, int):
            raise Problem(422, "invalid_field", "“times” is not valid: a whole number, −1 for all.")
        fault = ControlFault(
            kind,
            path,
            method,
            times,
            seconds=body.number("seconds", least=0, most=600, default=5.0),
            status=body.whole("status", least=400, most=599, default=503),
        )
        self._set.append(fault)
        return fault

    def take(self, method: str, path: str) -> list[ControlFault]:
        """The faults that this request meets, one of a kind; each is used up by one."""
        found: dict[str, ControlFault] = {}
        for fault in self._set:
            if fault.kind not in found and fault.meets(method, path):
                found[fault.kind] = fault
                fault.left -= 1
                fault.hits += 1
        self._set = [fault for fault in self._set if fault.left != 0]
        return list(found.values())

    def clear(self, kind: str | None = None) -> None:
        self._set = [fault for fault in self._set if kind is not None and fault.kind != kind]

    def describe(self) -> list[dict[str, Any]]:
        return [fault.describe() for fault in self._set]
