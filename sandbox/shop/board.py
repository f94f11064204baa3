"""Board: which faults are on. Kept in the database: a killed shop comes back as broken as it
was.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.shop.clock import stamp
from sandbox.shop.store import get, put

__all__ = [
    "CHANNELS",
    "Condition",
    "condition",
    "refunds_fail",
    "repair_fails",
    "server_unhealthy",
    "switched",
    "turn",
]

CHANNELS = {"northpay": "Northpay", "harborpay": "Harborpay"}


@dataclass(frozen=True)
class Condition:
    """How a payment channel is. `fail_share`: of its payments, at the 3-D Secure page."""

    down: bool = False
    slow_seconds: float = 0.0
    fail_share: float = 0.0
    unhealthy: bool = False
    answers: bool = True  # whether it can be asked what became of a payment

    @property
    def usable(self) -> bool:
        return not (self.down or self.unhealthy)

    @property
    def healthy(self) -> bool:
        return self.usable and not self.slow_seconds and not self.fail_share


def switched(c: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """The faults that are on, by kind or `kind:target`."""
    found: dict[str, dict[str, Any]] = get(c, "faults", {})
    return found


def turn(
    c: sqlite3.Connection,
    kind: str,
    target: str | None,
    on: bool,
    now: datetime,
    parameters: dict[str, Any] | None = None,
) -> None:
    faults = switched(c)
    name = kind if target is None else f"{kind}:{target}"
    if on:
        faults[name] = {
            "kind": kind,
            "target": target,
            "since": stamp(now),
            "parameters": parameters or {},
        }
    else:
        faults.pop(name, None)
    put(c, "faults", faults)


def condition(c: sqlite3.Connection, channel: str) -> Condition:
    faults = switched(c)

    def of(kind: str) -> dict[str, Any] | None:
        fault = faults.get(f"{kind}:{channel}")
        return None if fault is None else dict(fault["parameters"])

    down, slow, half = of("channel_down"), of("channel_slow"), of("channel_half")
    unhealthy = of("standby_unhealthy")
    silent = [
        fault
        for fault, default in ((down, False), (slow, True), (half, True), (unhealthy, False))
        if fault is not None and not fault.get("query_answers", default)
    ]
    return Condition(
        down=down is not None,
        slow_seconds=float(slow["seconds"]) if slow else 0.0,
        fail_share=float(half["share"]) if half else 0.0,
        unhealthy=unhealthy is not None,
        answers=not silent,
    )


def server_unhealthy(c: sqlite3.Connection, server: str) -> bool:
    return f"standby_unhealthy:{server}" in switched(c)


def refunds_fail(c: sqlite3.Connection) -> bool:
    return "refunds_fail" in switched(c)


def repair_fails(c: sqlite3.Connection, server: str) -> bool:
    return f"repair_fails:{server}" in switched(c)
