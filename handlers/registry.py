"""Registry: what Slack sent, in one form, and the dictionary that finds its handler.

One dictionary look-up per payload instead of Bolt's matching of listener after listener
(docs/decisions/0001). A submission has two halves: `answer`, pure and immediate, stands in the
acknowledgement; the handler does the work afterwards, from the stored delivery.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from handlers.action_values import action_name, read_metadata
from handlers.typed import as_typed
from plan.command_names import CommandNames

Kind = Literal["command", "action", "submission", "closed", "shortcut", "event", "options"]
_SHORTCUTS = ("shortcut", "message_action")


@dataclass
class Progress:
    """What became of the stored delivery in this turn."""

    settled: bool = False  # the unit of work that it led to has marked it as done


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
        found = (self.view.get("state") or self.payload.get("state") or {}).get("values", {})
        return dict(found)


class NotNow(Exception):
    """Slack could not be asked at this moment: nothing was done, it is worked again later."""

    def __init__(self, code: str, until: datetime | None = None) -> None:
        super().__init__(code)
        self.until = until


Handler = Callable[[Interaction, Any], Awaitable[None]]
Answer = Callable[[Interaction, Any], dict[str, Any] | None]
Opens = Callable[[str], bool]
"""Whether a command with this text behind it opens a modal."""
H = TypeVar("H", bound=Handler)
A = TypeVar("A", bound=Answer)


class Registry:
    """Handlers by kind and name. `commands`: what they are called in this workspace."""

    def __init__(self, commands: CommandNames | None = None) -> None:
        self._commands = commands or CommandNames()
        self._handlers: dict[tuple[Kind, str], Handler] = {}
        self._answers: dict[tuple[Kind, str], Answer] = {}
        self._opens: dict[tuple[Kind, str], Opens] = {}
        self.waiting: Answer | None = None  # of a form that is acted on: it says what came of it

    def command(self, name: str, *, opens: Opens | None = None) -> Callable[[H], H]:
        return self._add("command", name, opens)

    def action(self, name: str, *, opens: bool = False) -> Callable[[H], H]:
        return self._add("action", name, _always if opens else None)

    def view(self, name: str) -> Callable[[H], H]:
        return self._add("submission", name)

    def shortcut(self, name: str, *, opens: bool = False) -> Callable[[H], H]:
        return self._add("shortcut", name, _always if opens else None)

    def event(self, name: str) -> Callable[[H], H]:
        return self._add("event", name)

    def answer(self, name: str, kind: Kind = "submission") -> Callable[[A], A]:
        """What stands in the acknowledgement: errors by field, a view, or None when nothing is
        wrong so far; a form then shows `waiting` until its result comes.

        Pure: it looks at nothing but the submission (rule 7).
        """

        def add(answer: A) -> A:
            self._answers[kind, name] = answer
            return answer

        return add

    def _add(self, kind: Kind, name: str, opens: Opens | None = None) -> Callable[[H], H]:
        def add(handler: H) -> H:
            if (kind, name) in self._handlers:
                raise ValueError(f"two handlers for {kind} {name}")
            self._handlers[kind, name] = handler
            if opens is not None:
                self._opens[kind, name] = opens
            return handler

        return add

    def find(self, interaction: Interaction) -> Handler | None:
        """The handler, or that of the name's family ("cases.page" → "cases.*")."""
        return self._look(self._handlers, interaction.kind, interaction.name)

    def acknowledgement(self, interaction: Interaction, desk: Any) -> dict[str, Any] | None:
        """What the acknowledgement holds; None: nothing, which closes a form."""
        answer = self._look(self._answers, interaction.kind, interaction.name)
        found = answer(interaction, desk) if answer is not None else None
        if found is None and interaction.kind == "submission" and self.waiting is not None:
            return self.waiting(interaction, desk) if self.find(interaction) else None
        return found

    def opens_view(self, body: Mapping[str, Any]) -> bool:
        """Whether the payload's handler opens a modal: it goes first, a trigger_id lives 3 s.

        Asked before the acknowledgement, so nothing of the payload is looked at but its name, and
        the text behind a command: whoever writes a note must not go before a press.
        """
        if "command" in body:
            return self._opening(
                "command", self._commands.ours(str(body["command"])), str(body.get("text") or "")
            )
        kind = body.get("type")
        if kind == "block_actions":
            actions = body.get("actions") or [{}]
            return self._opening("action", _pressed_name(actions[0]))
        if kind in _SHORTCUTS:
            return self._opening("shortcut", str(body.get("callback_id", "")))
        return False

    def _opening(self, kind: Kind, name: str, text: str = "") -> bool:
        opens = self._look(self._opens, kind, name)
        return opens is not None and opens(text)

    def read(self, body: Mapping[str, Any], delivery: str) -> Interaction | None:
        """The interaction of a payload as Slack (or Bolt's `body`) gives it; None: not ours."""
        return _from_body(body, delivery, self._commands)

    def names(self, kind: Kind) -> set[str]:
        """Every name that is handled: documentation and manifest are compared with it."""
        return {name for found, name in self._handlers if found == kind}

    @staticmethod
    def _look(table: Mapping[tuple[Kind, str], T], kind: Kind, name: str) -> T | None:
        found = table.get((kind, name))
        if found is None and "." in name:
            found = table.get((kind, name.split(".", 1)[0] + ".*"))
        return found


T = TypeVar("T")


def _always(_: str) -> bool:
    return True


def _from_body(
    body: Mapping[str, Any], delivery: str, commands: CommandNames
) -> Interaction | None:
    if "command" in body:
        return Interaction(
            kind="command",
            name=commands.ours(str(body["command"])),
            delivery=delivery,
            user_id=str(body.get("user_id", "")),
            channel_id=body.get("channel_id"),
            trigger_id=body.get("trigger_id"),
            response_url=body.get("response_url"),
            text=as_typed(str(body.get("text") or "")),
            payload=body,
        )
    if "event" in body:
        event = body["event"]
        item = event.get("item") or {}
        return Interaction(
            kind="event",
            name=str(event.get("type", "")),
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
        **dict.fromkeys(_SHORTCUTS, _shortcut),
        "block_suggestion": _suggestion,
    }
    reader = readers.get(str(body.get("type", "")))
    return reader(body, delivery) if reader else None


def _pressed_name(action: Mapping[str, Any]) -> str:
    return action_name(str(action.get("action_id", "")))


def _user(body: Mapping[str, Any]) -> str:
    return str((body.get("user") or {}).get("id", ""))


def _action(body: Mapping[str, Any], delivery: str) -> Interaction | None:
    actions = body.get("actions") or []
    if not actions:
        return None
    action = actions[0]
    message, container = body.get("message") or {}, body.get("container") or {}
    pressed = message.get("ts") or container.get("message_ts")
    thread = message.get("thread_ts") or container.get("thread_ts")
    return Interaction(
        kind="action",
        name=_pressed_name(action),
        delivery=delivery,
        user_id=_user(body),
        channel_id=(body.get("channel") or {}).get("id") or container.get("channel_id"),
        message_ts=pressed,
        # A card is its own thread's root and stands in the channel: an answer in the thread
        # would not be seen by the one who pressed there.
        thread_ts=thread if thread != pressed else None,
        trigger_id=body.get("trigger_id"),
        response_url=body.get("response_url"),
        value=_chosen(action),
        view=body.get("view") or {},
        payload=body,
    )


def _chosen(action: Mapping[str, Any]) -> str:
    """What was pressed or chosen, whatever the element."""
    if action.get("selected_option"):
        return str(action["selected_option"].get("value", ""))
    for name in ("value", "selected_user", "selected_date", "selected_conversation"):
        if action.get(name):
            return str(action[name])
    return ""


def _view(body: Mapping[str, Any], delivery: str) -> Interaction:
    view = body.get("view") or {}
    return Interaction(
        kind="submission" if body.get("type") == "view_submission" else "closed",
        name=str(view.get("callback_id", "")),
        delivery=delivery,
        user_id=_user(body),
        trigger_id=body.get("trigger_id"),
        view=view,
        payload=body,
    )


def _shortcut(body: Mapping[str, Any], delivery: str) -> Interaction:
    message = body.get("message") or {}
    return Interaction(
        kind="shortcut",
        name=str(body.get("callback_id", "")),
        delivery=delivery,
        user_id=_user(body),
        channel_id=(body.get("channel") or {}).get("id"),
        message_ts=message.get("ts"),
        thread_ts=message.get("thread_ts"),
        trigger_id=body.get("trigger_id"),
        response_url=body.get("response_url"),
        text=str(message.get("text") or ""),
        payload=body,
    )


def _suggestion(body: Mapping[str, Any], delivery: str) -> Interaction:
    return Interaction(
        kind="options",
        name=action_name(str(body.get("action_id", ""))),
        delivery=delivery,
        user_id=_user(body),
        value=str(body.get("value") or ""),
        view=body.get("view") or {},
        payload=body,
    )
