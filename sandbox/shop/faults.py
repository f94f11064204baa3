"""Faults that can be switched on: `data/faults.yaml` says of each what may be set and what is said.

What a fault does is code by name (`does`), or rows alone (`plants`), which are taken away again
when it ends.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

import yaml

from sandbox.shop import board, channels, outage, planted, rows_given, servers
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import put

__all__ = ["FaultsError", "Switch", "describe", "read_switches", "recover", "recover_all", "throw"]

Made = dict[str, Any]
_RULES = ("choice", "number", "whole", "flag")


class FaultsError(ValueError):
    """The file of faults is wrong: which fault, and what."""


@dataclass(frozen=True)
class Throw:
    """What a switch is handed: the transaction, what was set (by its rules), the shop's time."""

    c: sqlite3.Connection
    rng: random.Random
    body: Body
    now: datetime
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Code:
    """What a fault does when it is switched on, and off on its target."""

    on: Callable[[Throw], Made]
    off: Callable[[Throw, str | None], None]


@dataclass(frozen=True)
class Switch:
    kind: str
    section: str  # of the emergency plan, where it is handled
    parameters: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, list[str]]  # by language: its name, and what it does
    page: Mapping[str, Any]
    target: str | None = None  # the parameter that says what it is on
    does: str | None = None
    plants: tuple[Mapping[str, Any], ...] = ()

    @property
    def code(self) -> Code:
        return _DOES[self.does] if self.does is not None else _planting(self)

    def defaults(self) -> dict[str, Any]:
        return {
            name: rule.get("default", rule.get("flag")) for name, rule in self.parameters.items()
        }

    def read(self, body: Body) -> dict[str, Any]:
        """What is set, each by its rule. Raises Problem 422."""
        return {name: _read(body, name, rule) for name, rule in self.parameters.items()}


def _read(body: Body, name: str, rule: Mapping[str, Any]) -> Any:
    if "flag" in rule:
        return body.flag(name, rule["flag"])
    if rule["default"] is None and not body.has(name):
        return None
    if "choice" in rule:
        return body.choice(name, rule["choice"], rule["default"])
    kind = "number" if "number" in rule else "whole"
    least, most = rule[kind]
    if kind == "number":
        return body.number(name, least=least, most=most, default=rule["default"])
    return body.whole(name, least=least, most=most, default=rule["default"])


def read_switches(text: str | None = None) -> dict[str, Switch]:
    """The faults of the file. Raises FaultsError for a name that there is not."""
    file = resources.files("sandbox.shop").joinpath("data", "faults.yaml")
    data = yaml.safe_load(text if text is not None else file.read_text(encoding="utf-8"))
    return {kind: _switch(kind, row) for kind, row in data["faults"].items()}


def _switch(kind: str, row: Mapping[str, Any]) -> Switch:
    known = {"section", "does", "plants", "target", "parameters", "page", "words"}
    parameters = row.get("parameters") or {}
    target = row.get("target")
    wrong = [f"“{name}” is no key" for name in row.keys() - known]
    if ("does" in row) == ("plants" in row):
        wrong.append("give “does” or “plants”")
    if "does" in row and row["does"] not in _DOES:
        wrong.append(f"there is no code “{row['does']}”")
    wrong += [
        f"{name} needs one rule of {', '.join(_RULES)}"
        for name, rule in parameters.items()
        if len([one for one in _RULES if one in rule]) != 1
    ]
    if target is not None and target not in {*parameters, "standby"}:
        wrong.append(f"its target “{target}” is no parameter")
    if wrong:
        raise FaultsError(f"faults.yaml: {kind}: {'; '.join(wrong)}")
    return Switch(
        kind,
        row["section"],
        parameters,
        row["words"],
        row.get("page") or {},
        target,
        row.get("does"),
        tuple(row.get("plants") or ()),
    )


@cache
def _switches() -> dict[str, Switch]:
    return read_switches()


def _target(switch: Switch, given: Mapping[str, Any]) -> str | None:
    if switch.target is None:
        return None
    if switch.target == "standby":  # a channel or a server that should take over
        return str(given["channel"] or given["server"])
    return str(given[switch.target])


def throw(thrown: Throw, kind: str) -> Made:
    """Switches a fault on or off. Raises Problem for what it does not know."""
    known = _require(kind)
    _only_known(thrown.body, known)
    given = known.read(thrown.body)
    switch = Throw(thrown.c, thrown.rng, thrown.body, thrown.now, given)
    target = _target(known, given)
    if not switch.body.flag("on", True):
        known.code.off(switch, target)
        board.turn(switch.c, kind, target, False, switch.now)
        return {"kind": kind, "target": target, "on": False}
    made = known.code.on(switch)
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
            known.code.off(switch, fault["target"])
            board.turn(switch.c, kind, fault["target"], False, switch.now)


def recover_all(switch: Throw) -> None:
    for kind in {str(fault["kind"]) for fault in board.switched(switch.c).values()}:
        recover(switch, kind)


def describe(c: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every switch with what is on and what it says, for the page and for testers."""
    faults = list(board.switched(c).values())
    return [
        {
            "kind": kind,
            "on": any(fault["kind"] == kind for fault in faults),
            "active": [fault for fault in faults if fault["kind"] == kind],
            "parameters": switch.defaults(),
            "section": switch.section,
            "page": switch.page,
            "words": switch.words,
        }
        for kind, switch in _switches().items()
    ]


def _require(kind: str) -> Switch:
    switch = _switches().get(kind)
    if switch is None:
        names = ", ".join(_switches())
        raise Problem(
            422, "unknown_fault", f"There is no fault “{kind[:40]}”: give one of {names}."
        )
    return switch


def _nothing(_switch: Throw) -> Made:
    return {}


def _forget(switch: Throw, _target: str | None) -> None:
    channels.restart_counts(switch.c)


def _give_up_repair(switch: Throw, target: str | None) -> None:
    servers.give_up_repair(switch.c, servers.require(target or "primary"))


def _half(switch: Throw) -> Made:
    given = switch.given
    charged = given["charged"]
    if not switch.body.has("charged"):
        charged = min(charged, given["unanswered"])
    if charged > given["unanswered"]:
        raise Problem(422, "invalid_field", "“charged” is not valid: at most “unanswered”.")
    made = outage.shape(given["share"], given["unanswered"], charged)
    if not made.possible:
        raise Problem(422, "invalid_field", "“unanswered” is too large for this share.")
    outage.write(switch.c, switch.rng, given["channel"], made, switch.now)
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
    return {"missing": planted.lose(switch.c, switch.given["orders"])}


def _find_lost(switch: Throw, _target: str | None) -> None:
    planted.recover_lost(switch.c)


def _stick(switch: Throw) -> Made:
    given, status = switch.given, switch.given["status"]
    hours = given["hours"] if switch.body.has("hours") else planted.STUCK_HOURS[status]
    made = planted.stick(switch.c, switch.rng, given["count"], hours, status, switch.now)
    return {"orders": made}


def _release(switch: Throw, _target: str | None) -> None:
    planted.release(switch.c, switch.now)


def _transition(switch: Throw) -> Made:
    given = switch.given
    start, end = given["from"], given["to"]
    if start == end:
        raise Problem(422, "invalid_field", "“from” and “to” are the same status.")
    numbers = planted.transition(switch.c, switch.rng, given["count"], start, end, switch.now)
    return {"orders": numbers}


def _mismatch(switch: Throw) -> Made:
    given = switch.given
    over, under = given["over"], given["under"]
    if over + under == 0:
        raise Problem(422, "invalid_field", "“over” and “under” are both 0: give one of them.")
    made = planted.mismatch(switch.c, switch.rng, over, under, given["minor"], switch.now)
    return {"orders": made}


def _correct(switch: Throw, _target: str | None) -> None:
    planted.correct_amounts(switch.c, switch.now)


def _planting(known: Switch) -> Code:
    """Rows alone: written when it is on, taken away when it ends."""

    def on(switch: Throw) -> Made:
        scope = {**switch.given, "now": switch.now}
        return {"rows": rows_given.plant(switch.c, known.kind, known.plants, scope)}

    def off(switch: Throw, _target: str | None) -> None:
        rows_given.take_away(switch.c, known.kind)

    return Code(on, off)


_DOES: Mapping[str, Code] = {
    "nothing": Code(_nothing, _forget),
    "half": Code(_half, _forget),
    "crash": Code(_crash, _uncrash),
    "repair": Code(_nothing, _give_up_repair),
    "lose": Code(_lose, _find_lost),
    "stick": Code(_stick, _release),
    "transition": Code(_transition, _release),
    "mismatch": Code(_mismatch, _correct),
}
