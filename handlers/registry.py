"""Registry: the dictionary that finds the handler of what Slack sent, and the right it asks for.

One dictionary look-up per payload instead of Bolt's matching of listener after listener
(docs/decisions/0001). A submission has two halves: `answer`, pure and immediate, stands in the
acknowledgement; the handler does the work afterwards, from the stored delivery, behind the gate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from handlers.interaction import SHORTCUTS, Interaction, Kind, Progress, pressed_name, read
from plan.command_names import CommandNames

__all__ = ["Asks", "Interaction", "NotNow", "Progress", "Registry"]


class NotNow(Exception):
    """Slack could not be asked at this moment: nothing was done, it is worked again later."""

    def __init__(self, code: str, until: datetime | None = None) -> None:
        super().__init__(code)
        self.until = until


Handler = Callable[[Interaction, Any], Awaitable[None]]
Answer = Callable[[Interaction, Any], dict[str, Any] | None]
Opens = Callable[[str], bool]
"""Whether a command with this text behind it opens a modal."""
About = Callable[[Interaction], int | None]
"""The number of the incident that an interaction names; None: it names none that there may be."""
Gate = Callable[["Interaction", "Asks", Any], Awaitable[bool]]
"""Whether the handler may be called; if not, who pressed was told and it is on record."""


@dataclass(frozen=True)
class Asks:
    """The right that an entry asks for, by its name in the table of rights.

    `about`: of which incident it is asked at the gate, before anything is looked at. Without it a
    right of an incident is asked by what the handler calls, which knows the step or the item.
    `late`: the handler has the gate judge it, once it has seen that it is about an incident.
    """

    right: str
    about: About | None = None
    late: bool = False


H = TypeVar("H", bound=Handler)
A = TypeVar("A", bound=Answer)


class Registry:
    """Handlers by kind and name. `commands`: what they are called in this workspace."""

    def __init__(self, commands: CommandNames | None = None) -> None:
        self._commands = commands or CommandNames()
        self._handlers: dict[tuple[Kind, str], Handler] = {}
        self._answers: dict[tuple[Kind, str], Answer] = {}
        self._opens: dict[tuple[Kind, str], Opens] = {}
        self._asks: dict[tuple[Kind, str], Asks] = {}
        self.waiting: Answer | None = None  # of a form that is acted on: it says what came of it
        self.gate: Gate | None = None  # before every handler

    def command(
        self, name: str, *, opens: Opens | None = None, asks: Asks | None = None
    ) -> Callable[[H], H]:
        return self._add("command", name, opens, asks)

    def action(
        self, name: str, *, opens: bool = False, asks: Asks | None = None
    ) -> Callable[[H], H]:
        return self._add("action", name, _always if opens else None, asks)

    def view(self, name: str, *, asks: Asks | None = None) -> Callable[[H], H]:
        return self._add("submission", name, asks=asks)

    def shortcut(
        self, name: str, *, opens: bool = False, asks: Asks | None = None
    ) -> Callable[[H], H]:
        return self._add("shortcut", name, _always if opens else None, asks)

    def event(self, name: str, *, asks: Asks | None = None) -> Callable[[H], H]:
        return self._add("event", name, asks=asks)

    def answer(self, name: str, kind: Kind = "submission") -> Callable[[A], A]:
        """What stands in the acknowledgement: errors by field, a view, or None when nothing is
        wrong so far; a form then shows `waiting` until its result comes.

        Pure: it looks at nothing but the submission (rule 7).
        """

        def add(answer: A) -> A:
            self._answers[kind, name] = answer
            return answer

        return add

    def _add(
        self, kind: Kind, name: str, opens: Opens | None = None, asks: Asks | None = None
    ) -> Callable[[H], H]:
        def add(handler: H) -> H:
            if (kind, name) in self._handlers:
                raise ValueError(f"two handlers for {kind} {name}")
            self._handlers[kind, name] = handler
            if opens is not None:
                self._opens[kind, name] = opens
            if asks is not None:
                self._asks[kind, name] = asks
            return handler

        return add

    async def work(self, interaction: Interaction, desk: Any) -> bool:
        """Has it done, where it may be; False: there is no handler for it."""
        handler = self.find(interaction)
        if self.gate is not None and (handler is not None or interaction.flaw is not None):
            asks = self._look(self._asks, interaction.kind, interaction.name) or NOBODY
            if not await self.gate(interaction, asks, desk):
                return True
        if handler is None:
            return False
        await handler(interaction, desk)
        return True

    def rights(self) -> dict[tuple[Kind, str], Asks]:
        """What every entry asks for; ValueError where one asks for nothing."""
        silent = [
            f"{kind} {name}" for kind, name in self._handlers if (kind, name) not in self._asks
        ]
        if silent:
            raise ValueError(f"asks for no right: {', '.join(silent)}")
        return dict(self._asks)

    def find(self, interaction: Interaction) -> Handler | None:
        """The handler, or that of the name's family ("cases.page" → "cases.*")."""
        return self._look(self._handlers, interaction.kind, interaction.name)

    def acknowledgement(self, interaction: Interaction, desk: Any) -> dict[str, Any] | None:
        """What the acknowledgement holds; None: nothing, which closes a form."""
        if interaction.flaw is not None:
            return None
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
            return self._opening("action", pressed_name(body))
        if kind in SHORTCUTS:
            return self._opening("shortcut", str(body.get("callback_id", "")))
        return False

    def _opening(self, kind: Kind, name: str, text: str = "") -> bool:
        opens = self._look(self._opens, kind, name)
        return opens is not None and opens(text)

    def read(self, body: Mapping[str, Any], delivery: str) -> Interaction | None:
        """The interaction of a payload as Slack (or Bolt's `body`) gives it; None: not ours."""
        return read(body, delivery, self._commands)

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


NOBODY = Asks("")  # a right that there is not: what asks for nothing is refused


def _always(_: str) -> bool:
    return True
