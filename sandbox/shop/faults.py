"""The fault switches: one table says what each does when it is switched on and off."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.shop import board, channels, outage, planted, servers
from sandbox.shop.board import CHANNELS
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import put

__all__ = ["SWITCHES", "Switch", "describe", "recover", "recover_all", "throw"]

Made = dict[str, Any]


@dataclass(frozen=True)
class Throw:
    """What a switch is handed: the transaction, the body of the request, the shop's time."""

    c: sqlite3.Connection
    rng: random.Random
    body: Body
    now: datetime


@dataclass(frozen=True)
class Switch:
    """`parameters`: what may be given, with what is taken where it is not."""

    on: Callable[[Throw], Made]
    off: Callable[[Throw, str | None], None]
    target: Callable[[Body], str | None] = lambda _body: None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def throw(switch: Throw, kind: str) -> Made:
    """Switches a fault on or off. Raises Problem for what it does not know."""
    known = _require(kind)
    _only_known(switch.body, known)
    target = known.target(switch.body)
    on = switch.body.flag("on", True)
    if not on:
        known.off(switch, target)
        board.turn(switch.c, kind, target, False, switch.now)
        return {"kind": kind, "target": target, "on": False}
    made = known.on(switch)
    given = {**known.parameters, **{k: v for k, v in switch.body.fields.items() if k != "kind"}}
    given.pop("on", None)
    board.turn(switch.c, kind, target, True, switch.now, given)
    return {"kind": kind, "target": target, "on": True, **made}


def _only_known(body: Body, switch: Switch) -> None:
    allowed = {"kind", "on", *switch.parameters}
    wrong = sorted(set(body.fields) - allowed)
    if wrong:
        names = ", ".join(sorted(switch.parameters)) or "nothing besides kind and on"
        raise Problem(422, "invalid_field", f"“{wrong[0]}” is not a parameter: give {names}.")


def recover(switch: Throw, kind: str) -> None:
    """Ends a fault of that kind on whatever it is on."""
    known = _require(kind)
    for fault in list(board.switched(switch.c).values()):
        if fault["kind"] == kind:
            known.off(switch, fault["target"])
            board.turn(switch.c, kind, fault["target"], False, switch.now)


def recover_all(switch: Throw) -> None:
    for kind in {str(fault["kind"]) for fault in board.switched(switch.c).values()}:
        recover(switch, kind)


def describe(c: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every switch with what is on, for the page and for testers."""
    faults = list(board.switched(c).values())
    return [
        {
            "kind": kind,
            "on": any(fault["kind"] == kind for fault in faults),
            "active": [fault for fault in faults if fault["kind"] == kind],
            "parameters": dict(switch.parameters),
        }
        for kind, switch in SWITCHES.items()
    ]


def _require(kind: str) -> Switch:
    switch = SWITCHES.get(kind)
    if switch is None:
        names = ", ".join(SWITCHES)
        raise Problem(
            422, "unknown_fault", f"There is no fault “{kind[:40]}”: give one of {names}."
        )
    return switch


def _channel(body: Body) -> str:
    return body.choice("channel", CHANNELS, default="northpay")


def _standby(body: Body) -> str:
    if body.has("channel"):
        return body.choice("channel", CHANNELS)
    return body.choice("server", servers.SERVERS, default="standby")


def _repair(body: Body) -> str | None:
    return body.choice("server", servers.SERVERS, default="primary")


def _fail_repair(switch: Throw) -> Made:
    return {"server": _repair(switch.body)}


def _end_repair(switch: Throw, target: str | None) -> None:
    servers.give_up_repair(switch.c, servers.require(target or "primary"))


def _nothing(_switch: Throw) -> Made:
    return {}


def _forget(switch: Throw, _target: str | None) -> None:
    channels.restart_counts(switch.c)


def _down(switch: Throw) -> Made:
    switch.body.flag("query_answers", False)
    return {}


def _slow(switch: Throw) -> Made:
    switch.body.number("seconds", least=0.1, most=120, default=8.0)
    switch.body.flag("query_answers", True)
    return {}


def _half(switch: Throw) -> Made:
    body = switch.body
    share = body.number("share", least=0.05, most=0.9, default=0.5)
    unanswered = body.whole("unanswered", most=20, default=9)
    charged = body.whole("charged", most=unanswered, default=min(2, unanswered))
    body.flag("query_answers", True)
    made = outage.shape(share, unanswered, charged)
    if not made.possible:
        raise Problem(422, "invalid_field", "“unanswered” is too large for this share.")
    outage.write(switch.c, switch.rng, _channel(body), made, switch.now)
    channels.restart_counts(switch.c)
    return {"attempts": made.attempts, "failed": made.failed, "unanswered": made.unanswered}


def _crash(switch: Throw) -> Made:
    servers.set_state(switch.c, "primary", "down")
    put(switch.c, "crashed", True)
    return {}


def _uncrash(switch: Throw, _target: str | None) -> None:
    servers.set_state(switch.c, "primary", "running")
    put(switch.c, "crashed", False)


def _lose(switch: Throw) -> Made:
    count = switch.body.whole("orders", least=1, most=200, default=3)
    return {"missing": planted.lose(switch.c, count)}


def _find_lost(switch: Throw, _target: str | None) -> None:
    planted.recover_lost(switch.c)


def _stick(switch: Throw) -> Made:
    body = switch.body
    status = body.choice("status", planted.STUCK_HOURS, default="paid")
    hours = body.number("hours", least=0, most=2000, default=planted.STUCK_HOURS[status])
    count = body.whole("count", least=1, most=5000, default=5)
    return {"orders": planted.stick(switch.c, switch.rng, count, hours, status, switch.now)}


def _release(switch: Throw, _target: str | None) -> None:
    planted.release(switch.c, switch.now)


def _transition(switch: Throw) -> Made:
    body = switch.body
    count = body.whole("count", least=1, most=500, default=1)
    start = body.choice("from", ("paid", "dispatched", "delivered"), default="dispatched")
    end = body.choice("to", ("awaiting_payment", "paid", "dispatched"), default="awaiting_payment")
    if start == end:
        raise Problem(422, "invalid_field", "“from” and “to” are the same status.")
    numbers = planted.transition(switch.c, switch.rng, count, start, end, switch.now)
    return {"orders": numbers}


def _mismatch(switch: Throw) -> Made:
    body = switch.body
    over = body.whole("over", most=500, default=2)
    under = body.whole("under", most=500, default=1)
    minor = body.whole("minor", least=1, most=30_000, default=12_000)
    if over + under == 0:
        raise Problem(422, "invalid_field", "“over” and “under” are both 0: give one of them.")
    return {
        "orders": planted.mismatch(switch.c, switch.rng, over, under, minor, switch.now),
    }


def _correct(switch: Throw, _target: str | None) -> None:
    planted.correct_amounts(switch.c, switch.now)


SWITCHES: Mapping[str, Switch] = {
    "channel_half": Switch(
        _half,
        _forget,
        _channel,
        {
            "channel": "northpay",
            "share": 0.5,
            "unanswered": 9,
            "charged": 2,
            "query_answers": True,
        },
    ),
    "channel_down": Switch(
        _down, _forget, _channel, {"channel": "northpay", "query_answers": False}
    ),
    "channel_slow": Switch(
        _slow,
        _forget,
        _channel,
        {"channel": "northpay", "seconds": 8.0, "query_answers": True},
    ),
    "server_crash": Switch(_crash, _uncrash),
    "data_loss": Switch(_lose, _find_lost, parameters={"orders": 3}),
    "orders_stuck": Switch(
        _stick, _release, parameters={"count": 5, "hours": 60, "status": "paid"}
    ),
    "wrong_transition": Switch(
        _transition,
        _release,
        parameters={"count": 1, "from": "dispatched", "to": "awaiting_payment"},
    ),
    "amount_mismatch": Switch(
        _mismatch, _correct, parameters={"over": 2, "under": 1, "minor": 12_000}
    ),
    "standby_unhealthy": Switch(
        _nothing, _forget, _standby, {"server": "standby", "channel": None}
    ),
    "refunds_fail": Switch(_nothing, _forget),
    "repair_fails": Switch(_fail_repair, _end_repair, _repair, {"server": "primary"}),
}
