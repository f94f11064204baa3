"""People at work in many threads at once: interactions at an even rate, of a realistic mix.

Everything goes through the sandbox Slack's hand API, as a person's client does it, so each press is
of a button that stands in a card, and each payload has the size that Slack gives it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.drills.forms import state_values

Json = dict[str, Any]
ON_CALL = ("U0MEI", "U0KAI")  # may change severity and take steps
PEOPLE = (*ON_CALL, "U0LIN", "U0JO")
PLACE = "C0GENERAL"  # where commands are typed
_PRESSED = ("step.run", "incident.take", "step.done")
_LOOK_EVERY = 0.25  # seconds between two looks at a channel; each is seen every few seconds
_FORM_WITHIN = 2.0  # seconds after which a person no longer waits for a form

# How often each comes, in a hundred interactions. A form is opened at most once a second in all,
# because Slack takes no more than 100 views.open a minute; what is left over becomes a note.
MIX = {"press": 25, "note": 28, "show": 20, "list": 2, "language": 17, "severity": 8}
_FORM_EVERY = 1.0


@dataclass
class Card:
    """An incident's card as a person last saw it."""

    channel: str
    ts: str
    number: int
    message: Json

    def element(self, *action_ids: str) -> Json | None:
        for block in self.message.get("blocks", ()):
            for one in (*block.get("elements", ()), block.get("accessory") or {}):
                if str(one.get("action_id", "")).partition("#")[0] in action_ids:
                    return {**one, "block_id": block.get("block_id")}
        return None


@dataclass
class Crowd:
    """Who acts, where, and what came of it. `done` counts by kind, `refused` by Slack's reason."""

    http: aiohttp.ClientSession
    slack: str
    cards: list[Card] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(3))
    _forms: deque[tuple[str, Json]] = field(default_factory=deque)
    _busy: set[str] = field(default_factory=set)
    _form_at: float = 0.0

    async def call(self, path: str, body: Json | None = None, **query: str) -> Json:
        method = "GET" if body is None else "POST"
        async with self.http.request(
            method, f"{self.slack}/hand/{path}", json=body, params=query
        ) as response:
            answer: Json = await response.json()
        return answer

    async def command(self, person: str, text: str) -> Json:
        wish = {"as": person, "channel": PLACE, "command": "/incident", "text": text}
        return await self.call("command", wish)

    async def see(self, channel: str) -> list[Card]:
        """The cards of a channel as they stand now."""
        found = await self.call("messages", None, channel=channel, **{"as": ON_CALL[0]})
        return [
            Card(channel, m["ts"], _number(m), m)
            for m in found["messages"]
            if m.get("bot") and _number(m)
        ]

    async def work(self, rate: float, seconds: float) -> None:
        """`rate` interactions a second for so long, each begun in time whatever the others do."""
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        looking = asyncio.create_task(self._keep_looking())
        pending: set[asyncio.Task[None]] = set()
        try:
            while number < rate * seconds:
                number += 1
                await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
                task = asyncio.create_task(self._one())
                pending.add(task)
                task.add_done_callback(pending.discard)
            await asyncio.gather(*pending)
        finally:  # also where it is told to end before its time: what was begun is ended
            looking.cancel()
            await asyncio.gather(looking, *pending, return_exceptions=True)

    async def _keep_looking(self) -> None:
        """Channels one after the other, as people read them."""
        while True:
            for channel in sorted({card.channel for card in self.cards}):
                await asyncio.sleep(_LOOK_EVERY)
                seen = {card.ts: card.message for card in await self.see(channel)}
                for card in self.cards:
                    card.message = seen.get(card.ts, card.message)

    async def _one(self) -> None:
        if self._forms:
            await self._submit(*self._forms.popleft())
            return
        kind = self.chance.choices(list(MIX), list(MIX.values()))[0]
        acts: dict[str, Callable[[Card], Awaitable[Json | None]]] = {
            "press": self._press,
            "note": self._note,
            "show": self._show,
            "list": self._list,
            "language": self._language,
            "severity": self._severity,
        }
        card = self.chance.choice(self.cards)
        answer = await acts[kind](card)
        if answer is None:  # nothing of that kind can be done now
            kind, answer = "note", await self._note(card)
        self._count(kind, answer)

    def _count(self, kind: str, answer: Json) -> None:
        self.done[kind] += 1
        if not answer.get("ok"):
            self.refused[str(answer.get("error"))] += 1

    async def _click(self, person: str, card: Card, element: Json, **choice: Any) -> Json:
        wish = {"as": person, "channel": card.channel, "ts": card.ts}
        return await self.call("click", wish | {"action_id": element["action_id"]} | choice)

    async def _press(self, card: Card) -> Json | None:
        """The card's next button, by somebody who may not be the first."""
        element = card.element(*_PRESSED)
        return element and await self._click(self.chance.choice(PEOPLE), card, element)

    async def _note(self, card: Card) -> Json:
        words = f"note {card.number} the vendor called back, {self.chance.randint(1, 99)} in line"
        return await self.command(self.chance.choice(PEOPLE), words)

    async def _show(self, card: Card) -> Json:
        return await self.command(self.chance.choice(PEOPLE), f"show {card.number}")

    async def _list(self, _: Card) -> Json:
        return await self.command(self.chance.choice(PEOPLE), "list")

    async def _language(self, card: Card) -> Json | None:
        return await self._menu(self.chance.choice(PEOPLE), card, "lang")

    async def _severity(self, card: Card) -> Json | None:
        """Opens the form; it is sent when it has come."""
        now = asyncio.get_running_loop().time()
        free = [person for person in ON_CALL if person not in self._busy]
        if now < self._form_at or not free:
            return None
        self._form_at = now + _FORM_EVERY
        person = self.chance.choice(free)
        self._busy.add(person)
        answer = await self._menu(person, card, "severity")
        if answer is None or not answer.get("ok"):
            self._busy.discard(person)
            return answer
        view = await self._form(person)
        if view is None:
            self._busy.discard(person)
            self.refused["no form came"] += 1
        else:
            self._forms.append((person, view))
        return answer

    async def _menu(self, person: str, card: Card, verb: str) -> Json | None:
        menu = card.element("more")
        for option in menu["options"] if menu else ():
            if option["value"].split(":")[2] == verb:
                return await self._click(person, card, menu or {}, selected_option=option)
        return None

    async def _form(self, person: str) -> Json | None:
        end = asyncio.get_running_loop().time() + _FORM_WITHIN
        while asyncio.get_running_loop().time() < end:
            views: list[Json] = (await self.call("views", None, **{"as": person}))["views"]
            if views and views[-1].get("submit"):
                return views[-1]
            await asyncio.sleep(0.1)
        return None

    async def _submit(self, person: str, view: Json) -> None:
        values = state_values(view, {"severity": str(self.chance.randint(1, 4))})
        wish = {"as": person, "view_id": view["id"], "values": values}
        self._count("submit", await self.call("submit", wish))
        await self.call("close", {"as": person, "view_id": view["id"], "clear": True})
        self._busy.discard(person)


def _number(message: Json) -> int:
    """The incident of a card: its buttons name it (`INC-412:7`)."""
    for block in message.get("blocks", ()):
        for one in (*block.get("elements", ()), block.get("accessory") or {}):
            for holder in (one, *one.get("options", ())):
                value = str(holder.get("value", ""))
                if value.startswith("INC-"):
                    return int(value.partition(":")[0].removeprefix("INC-"))
    return 0
