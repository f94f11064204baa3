"""Interaction: what a person did in Slack, in one form, read from a payload as Slack gives it.

What is signed is not therefore well-formed: a value of another kind than Slack sends, a number
beyond all bounds, half a character make the interaction flawed. It is then refused as a whole
(handlers.gate), and no handler meets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from handlers.action_values import action_name, read_metadata
from handlers.typed import as_typed
from plan.command_names import CommandNames

Kind = Literal["command", "action", "submission", "closed", "shortcut", "event", "options"]
SHORTCUTS = ("shortcut", "message_action")
_ID = re.compile(r"[A-Z0-9]{2,30}")
_TS = re.compile(r"[0-9]{1,16}\.[0-9]{1,9}")
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_LARGEST = 999_999_999  # of a number that a modal remembers
_LATEST = 2**33  # of a moment, in seconds


@dataclass
class Progress:
    """What became of the stored delivery in this turn."""

    settled: bool = False  # the unit of work that it led to has marked it as done
    confirmed: bool | None = None  # whether Slack said just now who is in the user groups


@dataclass(frozen=True)
class Interaction:
    """One thing that a person did in Slack."""

    kind: Kind
    name: str  # incident; step.run; form.skip; incident.note; app_home_opened
    delivery: str  # the stored delivery's key: units of work mark it as done by it
    user_id: str
    channel_id: str | None = None
    message_ts: str | None = None
    thread_ts: str | None = None
    trigger_id: str | None = None
    response_url: str | None = None
    value: str = ""  # of the button, or of the option that was chosen
    text: str = ""  # behind a command; of the message under a shortcut
    view: Mapping[str, Any] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress, compare=False)
    body: Mapping[str, Any] = field(default_factory=dict)  # the whole that Slack sent
    flaw: str | None = None  # what of it Slack would not have sent: nothing of it is looked at

    @property
    def root_ts(self) -> str | None:
        """The thread's root: of a card itself, its own ts."""
        return self.thread_ts or self.message_ts

    @property
    def memory(self) -> dict[str, Any]:
        """What the modal remembered (its private_metadata)."""
        return read_metadata(str(self.view.get("private_metadata", "")))

    @property
    def state(self) -> dict[str, dict[str, Any]]:
        """block_id → action_id → the element's state."""
        return _state_of(self.view, self.payload)


def read(body: Mapping[str, Any], delivery: str, commands: CommandNames) -> Interaction | None:
    """The interaction of a payload; None: it is of a kind that is not ours."""
    try:
        found = _from_body(body, delivery, commands)
    except _Malformed as error:
        return _flawed(body, delivery, str(error), *_kind_and_name(body, commands))
    if found is None:
        return None
    flaw = next(_flaws(found), None)
    if flaw is not None:
        return _flawed(body, delivery, flaw, found.kind, found.name)
    return replace(found, body=body)


def _from_body(
    body: Mapping[str, Any], delivery: str, commands: CommandNames
) -> Interaction | None:
    if "command" in body:
        return Interaction(
            kind="command",
            name=commands.ours(_text(body, "command")),
            delivery=delivery,
            user_id=str(body.get("user_id", "")),
            channel_id=body.get("channel_id"),
            trigger_id=body.get("trigger_id"),
            response_url=body.get("response_url"),
            text=as_typed(_text(body, "text")),
            payload=body,
        )
    if "event" in body:
        event = _object(body, "event")
        item = _object(event, "item")
        return Interaction(
            kind="event",
            name=_text(event, "type"),
            delivery=delivery,
            user_id=str(event.get("user", "")),
            channel_id=event.get("channel") or item.get("channel"),
            message_ts=item.get("ts") or event.get("ts"),
            payload=event,
        )
    readers = {
        "block_actions": _action,
        "view_submission": _view,
        "view_closed": _view,
        **dict.fromkeys(SHORTCUTS, _shortcut),
        "block_suggestion": _suggestion,
    }
    reader = readers.get(_text(body, "type"))
    return reader(body, delivery) if reader else None


def pressed_name(body: Mapping[str, Any]) -> str:
    """The name of what was pressed, as far as there is one."""
    try:
        return _pressed_name(_first_action(body) or {})
    except _Malformed:
        return ""


def _first_action(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    actions = body.get("actions") or []
    if not isinstance(actions, list):
        raise _Malformed("actions")
    if not actions:
        return None
    if not isinstance(actions[0], Mapping):
        raise _Malformed("actions")
    return actions[0]


def _pressed_name(action: Mapping[str, Any]) -> str:
    return action_name(_text(action, "action_id"))


def _user(body: Mapping[str, Any]) -> str:
    return str(_object(body, "user").get("id", ""))


def _action(body: Mapping[str, Any], delivery: str) -> Interaction | None:
    action = _first_action(body)
    if action is None:
        return None
    message, container = _object(body, "message"), _object(body, "container")
    pressed = message.get("ts") or container.get("message_ts")
    thread = message.get("thread_ts") or container.get("thread_ts")
    return Interaction(
        kind="action",
        name=_pressed_name(action),
        delivery=delivery,
        user_id=_user(body),
        channel_id=_object(body, "channel").get("id") or container.get("channel_id"),
        message_ts=pressed,
        # A card is its own thread's root and stands in the channel: an answer in the thread
        # would not be seen by the one who pressed there.
        thread_ts=thread if thread != pressed else None,
        trigger_id=body.get("trigger_id"),
        response_url=body.get("response_url"),
        value=_chosen(action),
        view=_object(body, "view"),
        payload=body,
    )


def _chosen(action: Mapping[str, Any]) -> str:
    """What was pressed or chosen, whatever the element."""
    if action.get("selected_option"):
        return _text(_object(action, "selected_option"), "value")
    for name in ("value", "selected_user", "selected_date", "selected_conversation"):
        if action.get(name):
            return _text(action, name)
    return ""


def _view(body: Mapping[str, Any], delivery: str) -> Interaction:
    view = _object(body, "view")
    return Interaction(
        kind="submission" if body.get("type") == "view_submission" else "closed",
        name=_text(view, "callback_id"),
        delivery=delivery,
        user_id=_user(body),
        trigger_id=body.get("trigger_id"),
        view=view,
        payload=body,
    )


def _shortcut(body: Mapping[str, Any], delivery: str) -> Interaction:
    message = _object(body, "message")
    return Interaction(
        kind="shortcut",
        name=_text(body, "callback_id"),
        delivery=delivery,
        user_id=_user(body),
        channel_id=_object(body, "channel").get("id"),
        message_ts=message.get("ts"),
        thread_ts=message.get("thread_ts"),
        trigger_id=body.get("trigger_id"),
        response_url=body.get("response_url"),
        text=_text(message, "text"),
        payload=body,
    )


def _suggestion(body: Mapping[str, Any], delivery: str) -> Interaction:
    return Interaction(
        kind="options",
        name=action_name(_text(body, "action_id")),
        delivery=delivery,
        user_id=_user(body),
        value=_text(body, "value"),
        view=_object(body, "view"),
        payload=body,
    )


# --- what Slack would not have sent


class _Malformed(Exception):
    """A part of the payload is of another kind than Slack sends."""


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _Malformed(name)
    return found


def _text(body: Mapping[str, Any], name: str) -> str:
    """Slack sends a text there, or nothing; Bolt matches it by its form without looking."""
    found = body.get(name)
    if not isinstance(found, str | None):
        raise _Malformed(name)
    return found or ""


def _flawed(
    body: Mapping[str, Any], delivery: str, flaw: str, kind: Kind, name: str
) -> Interaction:
    """What is left of it: who sent it, and where they can be told."""
    user, channel = body.get("user"), body.get("channel")
    event = body.get("event") if isinstance(body.get("event"), Mapping) else {}
    who = _found(body, user, "user_id", "id") or _found(event, None, "user", "")
    return Interaction(
        kind=kind,
        name=name if _clean(name) else "",
        delivery=delivery,
        user_id=who if _ID.fullmatch(who) else "",
        channel_id=_found(body, channel, "channel_id", "id") or None,
        body=body,
        flaw=flaw,
    )


def _kind_and_name(body: Mapping[str, Any], commands: CommandNames) -> tuple[Kind, str]:
    """What it would be, as far as that can be told."""
    if "command" in body:
        return "command", commands.ours(str(body["command"]))
    if "event" in body:
        event = body["event"]
        return "event", str(event.get("type", "")) if isinstance(event, Mapping) else ""
    view = body.get("view")
    callback = str(view.get("callback_id", "")) if isinstance(view, Mapping) else ""
    kinds: Mapping[str, tuple[Kind, str]] = {
        "view_submission": ("submission", callback),
        "view_closed": ("closed", callback),
        **dict.fromkeys(SHORTCUTS, ("shortcut", str(body.get("callback_id", "")))),
        "block_suggestion": ("options", ""),
    }
    return kinds.get(str(body.get("type", "")), ("action", pressed_name(body)))


def _found(body: Any, part: Any, own: str, inner: str) -> str:
    value = body.get(own) or (part.get(inner) if isinstance(part, Mapping) else None)
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _flaws(found: Interaction) -> Iterator[str]:
    """Each part that is of another kind, size or form than what Slack sends."""
    for name in ("team", "enterprise", "user", "channel", "message", "container", "view"):
        if name in found.payload and not isinstance(found.payload[name], Mapping | str | None):
            yield name
    nobody = found.kind == "event" and not found.user_id  # some events are nobody's
    if not nobody and not _ID.fullmatch(found.user_id):
        yield "user"
    if not (found.channel_id is None or _is_id(found.channel_id)):
        yield "channel"
    for name in ("message_ts", "thread_ts"):
        ts = getattr(found, name)
        if not (ts is None or (isinstance(ts, str) and _TS.fullmatch(ts))):
            yield name
    for name in ("trigger_id", "response_url"):
        if not isinstance(getattr(found, name), str | None):
            yield name
    if not (_clean(found.name) and _clean(found.value) and _clean(found.text)):
        yield "text"
    yield from _flaws_of_memory(found.view)
    yield from _flaws_of_state(found.view, found.payload)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _clean(text: str) -> bool:
    """Whether every database and every wire takes the text: no NUL, no half of a pair."""
    return _UNKEPT.search(text) is None


_NUMBERS = frozenset({"incident", "version", "page", "upto"})


def _flaws_of_memory(view: Mapping[str, Any]) -> Iterator[str]:
    for name, value in read_metadata(str(view.get("private_metadata") or "")).items():
        number = isinstance(value, int) and not isinstance(value, bool)
        if name in _NUMBERS:
            wrong = not (number and 0 <= value <= _LARGEST)
        else:
            wrong = not isinstance(value, str | bool | None)
        if wrong or (isinstance(value, str) and not _clean(value)):
            yield f"memory: {name}"[:60]


def _state_of(view: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """block_id → action_id → element; raises _Malformed."""
    state = _object(view, "state") or _object(payload, "state")
    return dict(_object(state, "values"))


def _flaws_of_state(view: Mapping[str, Any], payload: Mapping[str, Any]) -> Iterator[str]:
    try:
        blocks = _state_of(view, payload)
        for block in blocks:
            for element in _object(blocks, block).values():
                if not isinstance(element, Mapping) or not _well_formed(element):
                    raise _Malformed(block)
    except _Malformed as error:
        yield f"state: {error}"[:60]


def _well_formed(element: Mapping[str, Any]) -> bool:
    """Whether the state of an element is such as Slack sends, as far as anybody looks at it."""
    chosen = element.get("selected_options")
    options = [element.get("selected_option"), *(chosen if isinstance(chosen, list) else [])]
    moment, day = element.get("selected_date_time"), element.get("selected_date")
    return (
        (chosen is None or isinstance(chosen, list))
        and all(_is_text(element.get(name)) for name in ("type", "value", "selected_user"))
        and all(one is None or _is_option(one) for one in options)
        and (moment is None or (type(moment) is int and 0 <= moment <= _LATEST))
        and (day is None or _is_day(day))
    )


def _is_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and _clean(value))


def _is_option(option: Any) -> bool:
    return isinstance(option, Mapping) and isinstance(option.get("value"), str)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False
