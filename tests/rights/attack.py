"""The attack: every entry of the product pressed by every kind of person, with forged payloads.

An honest payload is such that somebody who may would be obeyed (test_matrix holds that); the kinds
of persons may not; the forgeries change one part of it. Signed they are all: the signature is
Slack's, what stands in a payload is whatever an insider can make Slack send.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from incidents.rights import BY_THE_PLAN, TABLE, Rule
from tests.incidents.world import JO, KAI, LIN, MEI, SAM
from tests.rights.scene import (
    APP,
    BY_GROUP,
    GUEST,
    LEFT,
    LIST,
    OUTSIDE,
    OWNER,
    PAYMENTS,
    PRIVATE,
    REFUNDS,
    RESOLVED,
    SECOND,
    STRANGER,
    TEAM,
    UNHEARD,
)

Body = dict[str, Any]
Entry = tuple[str, str]
_triggers = itertools.count(1)


@dataclass(frozen=True)
class Honest:
    """What one entry is sent by somebody who may (`by`)."""

    by: str
    value: str = ""
    text: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ts: str | None = None  # of the message that a button stands in
    roles: tuple[str, ...] | None = None  # of the plan, where its step or action asks for them
    about: int | None = None  # the incident
    heeds: bool = True  # what its value is; a button that only opens a form does not


def typed(**values: str) -> dict[str, dict[str, Any]]:
    return {name: {"type": "plain_text_input", "value": text} for name, text in values.items()}


def chosen(name: str, value: str) -> dict[str, dict[str, Any]]:
    return {name: {"type": "static_select", "selected_option": {"value": value}}}


def person(name: str, user: str) -> dict[str, dict[str, Any]]:
    return {name: {"type": "users_select", "selected_user": user}}


def _of(number: int, step: str = "", button: str = "", version: int = 1, **more: Any) -> Body:
    return {"incident": number, "version": version, "step": step, "button": button, **more}


CARD = {PAYMENTS: "1700000001.000001", REFUNDS: "1700000002.000002"}
ONCALL, CS, APPROVER = ("oncall",), ("cs",), ("approver", "managers")
P, R, S = f"INC-{PAYMENTS}", f"INC-{REFUNDS}", f"INC-{SECOND}"
_SWITCH = f"{P}:1:3.3.1.s2:switch"
_ANSWER = {**typed(cause="The certificate store is empty"),
    "expected_recovery_time": {"type": "datetimepicker", "selected_date_time": 1_900_000_000}
}  # fmt: skip
_DECLARE = {
    "channel": {"type": "plain_text_input", "value": "Northpay"},
    "what": {"type": "plain_text_input", "value": "Cards fail"},
}

HONEST: dict[Entry, Honest] = {
    ("action", "step.run"): Honest(MEI, _SWITCH, ts=CARD[PAYMENTS], roles=ONCALL),
    ("action", "step.done"): Honest(MEI, _SWITCH, ts=CARD[PAYMENTS], roles=ONCALL),
    ("action", "step.branch"): Honest(MEI, _SWITCH, ts=CARD[PAYMENTS], roles=ONCALL),
    ("action", "step.form"): Honest(MEI, f"{S}:6:3.3.2.s1:answer", roles=ONCALL),
    ("action", "step.skip"): Honest(MEI, f"{P}:1:3.3.1.s2:skip", ts=CARD[PAYMENTS], roles=ONCALL),
    ("action", "step.by_hand"): Honest(MEI, f"{P}:1:3.3.1.s2:by_hand", roles=ONCALL),
    ("action", "step.undo"): Honest(MEI, f"{S}:6:3.3.1.s2:undo", roles=ONCALL),
    ("action", "later.run"): Honest(MEI, f"{S}:6:switch_back:switch_back:5", roles=ONCALL),
    ("action", "incident.show"): Honest(SAM, f"{P}:1"),
    ("action", "language.show"): Honest(SAM, f"{P}:1:zh-Hant"),
    ("action", "ask.role"): Honest(SAM, f"{P}:1:{MEI}:3.3.1.s2"),
    ("action", "approval.grant"): Honest(KAI, f"{R}:12:1:1", roles=APPROVER, about=REFUNDS),
    ("action", "approval.refuse"): Honest(KAI, f"{R}:12:1:1", roles=APPROVER, about=REFUNDS),
    ("action", "cases.open"): Honest(MEI, f"{P}:1:all", ts=CARD[PAYMENTS]),
    ("action", "cases.filter"): Honest(MEI, "open", memory=_of(PAYMENTS, filter="all", page=1)),
    ("action", "cases.page"): Honest(MEI, "2", memory=_of(PAYMENTS, filter="all", page=1)),
    ("action", "cases.export"): Honest(MEI, "all", memory=_of(PAYMENTS, filter="all", page=1)),
    ("action", "line.ring"): Honest(SAM, "3.3 card payments fail"),
    ("action", "line.quiet"): Honest(SAM, "3.3 card payments fail"),
    ("action", "week.list"): Honest(SAM, "2026-W46"),
    ("action", "week.ask"): Honest(JO, "1"),
    ("action", "more"): Honest(MEI, f"{P}:1:resolve", ts=CARD[PAYMENTS], about=PAYMENTS),
    ("action", "home.declare"): Honest(SAM, "declare", heeds=False),
    ("action", "home.complaint"): Honest(LIN, "complaint", heeds=False),
    ("action", "home.language"): Honest(SAM, "zh-Hant"),
    ("action", "home.show"): Honest(SAM, str(PAYMENTS)),
    ("action", "home.follow_up"): Honest(MEI, "1", about=RESOLVED),
    ("action", "home.retry"): Honest(MEI, "all"),
    ("action", "incident.take"): Honest(LIN, f"INC-{PRIVATE}:1"),
    ("action", "incident.reopen"): Honest(LIN, f"INC-{RESOLVED}:1"),
    ("action", "incident.review"): Honest(JO, f"INC-{RESOLVED}:1"),
    ("action", "incident.reveal"): Honest(LIN, f"INC-{PRIVATE}:1"),
    ("action", "incident.confirm_record"): Honest(LIN, f"INC-{PRIVATE}:1"),
    **{
        ("action", f"incident.{name}"): Honest(MEI, f"{P}:1", ts=CARD[PAYMENTS])
        for name in (
            "dismiss",
            "escalate",
            "hand_over",
            "merge",
            "note",
            "resolve",
            "section",
            "severity",
            "wait",
        )
    },
    ("submission", "form.step"): Honest(
        MEI, memory=_of(SECOND, "3.3.2.s1", "answer", 6), state=_ANSWER, roles=ONCALL
    ),
    ("submission", "form.skip"): Honest(
        MEI, memory=_of(PAYMENTS, "3.3.1.s2"), state=typed(reason="Not now"), roles=ONCALL
    ),
    ("submission", "form.by_hand"): Honest(
        MEI, memory=_of(PAYMENTS, "3.3.3.s1"), state=typed(reason="Done"), roles=ONCALL
    ),
    ("submission", "form.send"): Honest(
        MEI, memory=_of(PAYMENTS, "3.3.1.s2", "switch", upto=9), roles=ONCALL
    ),
    ("submission", "form.declare"): Honest(
        SAM, memory={"type": "payment_channel_down", "channel": "C0INCIDENTS"}, state=_DECLARE
    ),
    ("submission", "form.complaint"): Honest(
        LIN,
        memory={"type": "complaint", "channel": "C0INCIDENTS"},
        state={
            **chosen("channel", "phone"),
            **chosen("reason", "goods"),
            **typed(order="FG-1", text="The box was empty"),
        },
    ),
    ("submission", "form.dismiss"): Honest(
        MEI, memory=_of(PAYMENTS), state=typed(reason="A test of the vendor")
    ),
    ("submission", "form.escalate"): Honest(MEI, memory=_of(PAYMENTS), state=person("person", KAI)),
    ("submission", "form.hand_over"): Honest(
        MEI, memory=_of(PAYMENTS), state=person("person", KAI)
    ),
    ("submission", "form.merge"): Honest(
        MEI, memory=_of(PAYMENTS), state={**chosen("other", str(SECOND)), **chosen("how", "link")}
    ),
    ("submission", "form.note"): Honest(
        MEI, memory=_of(PAYMENTS), state=typed(note="They call back")
    ),
    ("submission", "form.reopen"): Honest(
        LIN, memory=_of(RESOLVED), state=typed(reason="It is back")
    ),
    ("submission", "form.resolve"): Honest(
        MEI, memory=_of(SECOND), state=chosen("cause", "vendor"), about=SECOND
    ),
    ("submission", "form.section"): Honest(
        MEI, memory=_of(PAYMENTS), state=chosen("section", "system_crash")
    ),
    ("submission", "form.severity"): Honest(
        MEI, memory=_of(PAYMENTS), state=chosen("severity", "2")
    ),
    ("submission", "form.wait"): Honest(
        MEI,
        memory=_of(PAYMENTS),
        state={
            "until": {"type": "datetimepicker", "selected_date_time": 1_900_000_000},
            **typed(reason="The vendor works on it"),
        },
    ),
    ("command", "incident"): Honest(SAM, text="list"),
    ("command", "complaint"): Honest(LIN, text="FG-1"),
    ("command", "order"): Honest(LIN, text="FG-1"),
    ("shortcut", "incident.declare"): Honest(SAM),
    ("shortcut", "complaint.create"): Honest(LIN, text="The box was empty"),
    ("shortcut", "incident.note"): Honest(MEI, text="They call back", ts=CARD[PAYMENTS]),
    ("shortcut", "message.isolate"): Honest(MEI, text="She lives here", ts="1700000001.000009"),
    ("event", "app_home_opened"): Honest(SAM),
    ("event", "channel_unarchive"): Honest(SAM),
    ("event", "group_unarchive"): Honest(SAM),
    ("event", "reaction_added"): Honest(MEI, ts="1700000001.000009"),
}

# Behind /incident each word is a command of its own, with a right of its own.
COMMANDS: dict[str, tuple[str, str]] = {
    "": ("declare", SAM),
    "report": ("declare", SAM),
    "3.3 card payments fail": ("declare", SAM),
    "7.2 the box was empty": ("complaint", LIN),
    "list": ("list", SAM),
    "list all": ("list", SAM),
    "week": ("week", JO),
    f"show {PAYMENTS}": ("show", SAM),
    f"note {PAYMENTS} they call back": ("note", MEI),
    f"review {RESOLVED}": ("read_review", MEI),
    "language zh-Hant": ("own", SAM),
    "help": ("own", SAM),
}


# --- payloads


def body_of(entry: Entry, honest: Honest, who: str) -> Body:
    """The payload as Slack builds it."""
    kind, name = entry
    base: Body = {
        "team": {"id": TEAM, "domain": "formosa-goods"},
        "user": {"id": who, "team_id": TEAM},
        "api_app_id": APP,
        "trigger_id": f"t{next(_triggers)}",
    }
    if kind == "command":
        return {
            "team_id": TEAM, "api_app_id": APP, "user_id": who, "channel_id": "C0INCIDENTS",
            "command": f"/{name}", "text": honest.text, "trigger_id": base["trigger_id"],
            "response_url": "http://127.0.0.1:9/response/x",
        }  # fmt: skip
    if kind == "event":
        return _event(name, honest, who)
    view = {
        "id": "V0FORM", "hash": "h1", "type": "modal", "callback_id": name,
        "private_metadata": json.dumps({"channel": "C0INCIDENTS", **honest.memory}),
        "state": {"values": {block: {"value": {**e}} for block, e in honest.state.items()}},
    }  # fmt: skip
    if kind == "submission":
        return {**base, "type": "view_submission", "view": view}
    channel = {"id": "C0INCIDENTS", "name": "order-incidents"}
    if kind == "shortcut":
        message = {"ts": "1700000001.000009", "thread_ts": honest.ts, "text": honest.text}
        of_message = {"channel": channel, "message": message} if honest.ts or honest.text else {}
        kind_of = "message_action" if of_message else "shortcut"
        return {**base, "type": kind_of, "callback_id": name, **of_message}
    action = {"action_id": name, "block_id": "b", "type": "button", "value": honest.value}
    pressed = {**base, "type": "block_actions", "actions": [action]}
    if honest.memory:
        return {**pressed, "view": view, "container": {"type": "view", "view_id": view["id"]}}
    ts = honest.ts or LIST
    return {
        **pressed,
        "channel": channel,
        "message": {"ts": ts},
        "container": {"type": "message", "message_ts": ts, "channel_id": channel["id"]},
    }


def _event(name: str, honest: Honest, who: str) -> Body:
    event: Body = {"type": name, "user": who, "user_team": TEAM, "event_ts": "1700000010.000010"}
    if name == "reaction_added":
        item = {"type": "message", "channel": "C0INCIDENTS", "ts": honest.ts}
        event |= {"reaction": "pushpin", "item": item}
    else:
        event |= {"tab": "home", "channel": f"D{who[1:]}"}
        if "unarchive" in name:
            event |= {"channel": "C0INCIDENTS"}
    return {
        "type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event": event,
        "event_id": f"Ev{next(_triggers)}",
    }  # fmt: skip


# --- kinds of persons


@dataclass(frozen=True)
class Kind:
    """Somebody, and what they may nevertheless: `may` judges a right of the table."""

    name: str
    who: str
    may: Callable[[Entry, str, Honest], bool] = lambda _entry, _right, _honest: False
    changes: Callable[[Body], None] = lambda _body: None  # of the payload
    foreign: bool = False  # not from our workspace, or not for our app


def _rule(right: str) -> Rule:
    return TABLE.get(right, Rule())


def _anyone(_: Entry, right: str, honest: Honest) -> bool:
    return _rule(right).anyone


def _owner(_: Entry, right: str, honest: Honest) -> bool:
    number = honest.about or _number(honest)
    return _rule(right).anyone or (_rule(right).owner and number == PAYMENTS)


def _number(honest: Honest) -> int | None:
    if honest.memory.get("incident"):
        return int(honest.memory["incident"])
    head = honest.value.partition(":")[0]
    if head.startswith("INC-"):
        return int(head.removeprefix("INC-"))
    return PAYMENTS if honest.ts in (CARD[PAYMENTS], "1700000001.000009") else None


def _service(_: Entry, right: str, honest: Honest) -> bool:
    """What the lead of the service desk may by the table and the plan: the incidents of 3.3 are
    none of hers, the refund and the private complaint are."""
    if right in BY_THE_PLAN:
        return honest.roles is not None and "cs" in honest.roles
    rule, number = _rule(right), honest.about or _number(honest)
    if rule.anyone or "any" in rule.roles or "cs" in rule.roles:
        return True
    return number in (REFUNDS, PRIVATE, RESOLVED) and bool({"handler", "owners"} & set(rule.roles))


def _asker(entry: Entry, right: str, honest: Honest) -> bool:
    return _service(entry, right, honest) if right != "approve" else False


def _money(entry: Entry, right: str, honest: Honest) -> bool:
    """Everything but approving: there Slack has to say that the group still has them."""
    return right != "approve"


def _elsewhere(body: Body) -> None:
    if "team_id" in body:
        body["team_id"] = "T0OTHER"
    else:
        body["team"]["id"] = "T0OTHER"


def _other_app(body: Body) -> None:
    body["api_app_id"] = "A0OTHER"


def _of_another(body: Body) -> None:
    if "event" in body:
        body["event"]["user_team"] = "T0OTHER"
    elif "user" in body:
        body["user"]["team_id"] = "T0OTHER"
    else:
        body["team_id"] = "T0OTHER"


KINDS = (
    Kind("not a member", STRANGER),
    Kind("guest", GUEST),
    Kind("external person of a shared channel", OUTSIDE),
    Kind("external person, as the payload says", MEI, changes=_of_another),
    Kind("somebody of whom Slack cannot say who they are", UNHEARD),
    Kind("member without a role", SAM, _anyone),
    Kind("role by a user group that was taken away", LEFT, _anyone),
    Kind("role of another part of the house", LIN, _service),
    Kind("who asked, as approver", LIN, _asker),
    Kind("approver by a group, while Slack cannot say who is in it", BY_GROUP, _money),
    Kind("owner without a role", OWNER, _owner),
    Kind("on-call, from another workspace", MEI, changes=_elsewhere, foreign=True),
    Kind("on-call, with another app's payload", MEI, changes=_other_app, foreign=True),
)
ONLY_APPROVING = ("who asked, as approver", KINDS[9].name)


# --- forgeries


Forgery = Callable[[Body], Body]


def _value(text: Any) -> Forgery:
    def forge(body: Body) -> Body:
        if "actions" in body:
            body["actions"][0]["value"] = text
        elif "command" in body:
            body["text"] = text
        elif "view" in body:
            body["view"]["private_metadata"] = json.dumps({"incident": text, "version": 1})
        return body

    return forge


def _incident(number: int) -> Forgery:
    def forge(body: Body) -> Body:
        for action in body.get("actions", ()):
            head, _, rest = str(action["value"]).partition(":")
            if head.startswith("INC-"):
                action["value"] = f"INC-{number}:{rest}"
        if "view" in body:
            memory = json.loads(body["view"]["private_metadata"])
            if "incident" in memory:
                memory["incident"] = number
            body["view"]["private_metadata"] = json.dumps(memory)
        return body

    return forge


def _message(ts: Any) -> Forgery:
    def forge(body: Body) -> Body:
        for part, name in (("message", "ts"), ("container", "message_ts")):
            if name in body.get(part, {}):
                body[part][name] = ts
        return body

    return forge


def _button(step: str, button: str) -> Forgery:
    def forge(body: Body) -> Body:
        for action in body.get("actions", ()):
            parts = str(action["value"]).split(":")
            if parts[0].startswith("INC-"):
                action["value"] = ":".join([*parts[:2], step, button])
        if "view" in body:
            memory = json.loads(body["view"]["private_metadata"])
            memory |= {"step": step, "button": button}
            body["view"]["private_metadata"] = json.dumps(memory)
        return body

    return forge


def _person(user: str) -> Forgery:
    """Another person in what was chosen, and as the author of the message."""

    def forge(body: Body) -> Body:
        for block in body.get("view", {}).get("state", {}).get("values", {}).values():
            for element in block.values():
                if "selected_user" in element:
                    element["selected_user"] = user
        if "message" in body:
            body["message"]["user"] = user
        return body

    return forge


def _part(*path: str, to: Any) -> Forgery:
    def forge(body: Body) -> Body:
        at: Any = body
        for name in path[:-1]:
            at = at.get(name) if isinstance(at, dict) else None
        if isinstance(at, dict) and path[-1] in at:
            at[path[-1]] = to
        return body

    return forge


FORGED: dict[str, Forgery] = {
    "as it is": lambda body: body,
    "another incident": _incident(SECOND),
    "a private incident": _incident(PRIVATE),
    "an incident that there is not": _incident(999),
    "another message": _message(CARD[REFUNDS]),
    "another button": _button("3.3.1.s2", "switch"),
    "a button that there is not": _button("9.9.9.s9", "drop"),
    "another person": _person(STRANGER),
}
TARGETS = {"another incident": SECOND, "a private incident": PRIVATE}
OF_VALUE = {
    "no value", "a number beyond all bounds", "digits that are none",
    "an incident that is no number",
}  # fmt: skip
_NESTED: Any = "[" * 500 + "]" * 500
MALFORMED: dict[str, Forgery] = {
    "no value": _value(""),
    "a value of another kind": _value(["INC-1", 1]),
    "a number beyond all bounds": _value("INC-1:99999999999999999999:3.3.1.s2:switch"),
    "digits that are none": _value("INC-²:¹:3.3.1.s2:switch"),
    "half a character": _value("INC-1:1:\ud800"),
    "a NUL": _value("INC-1:1:3.3.1.s2:switch\0"),
    "an incident that is no number": _value("x"),
    "a huge incident": _value(10**30),
    "actions that are none": _part("actions", to={"0": 1}),
    "an action that is none": _part("actions", to=["step.run"]),
    "a channel that is none": _part("channel", to=["C0INCIDENTS"]),
    "a place that is none": _message({"ts": 1}),
    "a message that is none": _part("message", to="1700000001.000001"),
    "an event that is none": _part("event", to=["reaction_added"]),
    "an item that is none": _part("event", "item", to="C0INCIDENTS"),
    "memory that is no JSON": _part("view", "private_metadata", to="{'incident': 1}"),
    "memory that is a list": _part("view", "private_metadata", to="[1, 2]"),
    "memory nested without end": _part("view", "private_metadata", to=_NESTED),
    "a state that is none": _part("view", "state", to=["reason"]),
    "values that are none": _part("view", "state", "values", to="reason"),
    "a user that is none": _part("user", to="U0MEI"),
    "no user": _part("user", to=None),
}


_PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| the (?:house|incident) \| ([^|]+) \|$", re.MULTILINE)
_KINDS_OF_NAMES = {"/": "command", "shortcut ": "shortcut", "event ": "event"}


def documented() -> dict[Entry, str]:
    """Which right each entry asks for, as people read it: not what the code happens to ask."""
    found: dict[Entry, str] = {}
    for right, entries in _ROW.findall(_PAGE.read_text("utf-8")):
        for name in re.findall(r"`([^`]+)`", entries):
            start = next((one for one in _KINDS_OF_NAMES if name.startswith(one)), "")
            kind = "submission" if name.startswith("form.") else "action"
            found[_KINDS_OF_NAMES.get(start, kind), name.removeprefix(start)] = right
    return found


def presses(
    kinds: tuple[Kind, ...], forgeries: Mapping[str, Forgery]
) -> Iterator[tuple[Kind, Entry, str, Body]]:
    """Every press that must come to nothing."""
    asks = documented()
    for kind in kinds:
        for entry, honest in HONEST.items():
            right = _right(asks[entry], honest)
            if kind.name in ONLY_APPROVING and right != "approve":
                continue
            if _rule(right).slack and not kind.foreign:
                continue  # nobody asks for it: Slack says that it has happened
            yield from _forged(kind, entry, honest, forgeries, right)
        if kind.name in ONLY_APPROVING or "as it is" not in forgeries:
            continue
        for text, (right, _) in COMMANDS.items():
            about = PAYMENTS if right == "note" else None
            honest = Honest(kind.who, text=text, about=about)
            yield from _forged(kind, ("command", "incident"), honest, {"as it is": _same}, right)


def _same(body: Body) -> Body:
    return body


def _right(right: str, honest: Honest) -> str:
    """Behind the menu stands the right of what was chosen in it."""
    chosen_verb = honest.value.split(":")[2:3]
    return chosen_verb[0] if right == "show" and chosen_verb and chosen_verb[0] in TABLE else right


def _forged(
    kind: Kind, entry: Entry, honest: Honest, forgeries: Mapping[str, Forgery], right: str
) -> Iterator[tuple[Kind, Entry, str, Body]]:
    seen: set[str] = set()
    body = body_of(entry, honest, kind.who)
    kind.changes(body)
    if "as it is" not in forgeries:
        seen.add(_shape(body))
    for name, forge in forgeries.items():
        if name in OF_VALUE and (not honest.heeds or entry[0] == "command"):
            continue
        forged = forge(copy.deepcopy(body))
        shape = _shape(forged)
        if shape in seen:  # a forgery of a part that the payload has not is no other press
            continue
        seen.add(shape)
        about = TARGETS.get(name) if _number(honest) or honest.about else None
        if not kind.may(entry, right, replace(honest, about=about) if about else honest):
            yield kind, entry, name, forged


def _shape(body: Body) -> str:
    return json.dumps({**body, "trigger_id": ""}, sort_keys=True)
