"""A responder: reads the card, presses its buttons, answers its forms, and looks at the shop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sandbox.drills.forms import state_values
from sandbox.drills.hands import Json, Seen, Shop, Slack, elements, wait_for, words

_TRIES = 3
_PATIENCE = 2.0  # seconds after which a person who waits lets time pass
_WATCHED = ("watched until", "looking until", "looking every", "觀察到")
_CALM = 0.3  # seconds in which nothing moved: less than a person needs to find the button


class Responder:
    """Works one incident through Slack. `advance(seconds)` moves everybody's clock."""

    def __init__(
        self,
        slack: Slack,
        shop: Shop,
        advance: Callable[[float], None],
        *,
        channel: str,
        person: str,
        tell: Callable[[str], None],
    ) -> None:
        self.slack = slack
        self.shop = shop
        self.advance = advance
        self.channel = channel
        self.person = person
        self.tell = tell
        self.card_ts = ""
        self.remembered: dict[str, list[Any]] = {}

    # what is seen

    def cards(self) -> list[Json]:
        """Root messages with a card's buttons, newest last."""
        return [
            message
            for message in self.slack.messages(self.person, self.channel)
            if not message.get("ephemeral")
            and any(b.get("block_id") == "identity" for b in message.get("blocks") or [])
        ]

    def card(self) -> Json:
        return next(m for m in self.cards() if m["ts"] == self.card_ts)

    def thread(self) -> list[Json]:
        """The replies, without what only this person sees."""
        found = self.slack.messages(self.person, self.channel, self.card_ts)
        return [m for m in found if m["ts"] != self.card_ts and not m.get("ephemeral")]

    def thread_words(self) -> str:
        return "\n".join(words(m.get("blocks") or []) or m.get("text", "") for m in self.thread())

    def only_to(self, person: str) -> list[Json]:
        """Ephemeral answers that this person has got."""
        found = self.slack.messages(person, self.channel, self.card_ts)
        found += self.slack.messages(person, self.channel)
        return [m for m in found if m.get("ephemeral")]

    def find(self, step: str, button: str) -> tuple[Json, Json] | None:
        """The button of the step, on the card or in the thread: (message, element)."""
        wanted = [step, button]
        for message in [self.card(), *reversed(self.thread())]:
            for element in elements(message):
                if str(element.get("value", "")).split(":")[2:4] == wanted:
                    return message, element
        return None

    def find_action(self, action_id: str) -> tuple[Json, Json] | None:
        for message in [self.card(), *reversed(self.thread())]:
            for element in elements(message):
                if str(element["action_id"]).split("#")[0] == action_id:
                    return message, element
        return None

    # what is done

    def press(self, work: Json) -> None:
        """Presses a button and answers the form that opens, if answers are given.

        Who is told that the card has moved on looks again and presses what stands there now.
        """
        for attempt in range(_TRIES):
            if self._press(work, last=attempt == _TRIES - 1):
                return

    def _press(self, work: Json, *, last: bool) -> bool:
        person = work.get("as", self.person)
        step, button = work.get("step", ""), work.get("button", "")
        what = f"the button “{button or work.get('action')}” of step {step or '–'}"

        def look() -> tuple[Json, Json] | None:
            if "action" in work:
                return self.find_action(work["action"])
            return self.find(step, button)

        wait_for(look, what)
        self.wait_until_calm()
        message, element = wait_for(look, what)
        label = element.get("text", {}).get("text", button) if "text" in element else button
        self.tell(f"{person} presses “{label}”")
        before, answers = self.slack.view(person), len(self.only_to(person))
        answer = self.slack.click(
            person, message, self.channel, element, **self._choice(element, button)
        )
        if not answer.get("ok"):
            if answer.get("error") == "element_not_found" and not last:
                return False  # it was drawn anew under the finger
            raise Seen(f"{what}: Slack shows {answer.get('error')}")
        if "form" in work:
            self.fill(person, work["form"], before)
        if work.get("shown"):
            self.send_what_is_shown(person, before, wait=True)
        if work.get("refused") or work.get("waits"):  # what comes next in the story is the answer
            return True
        said = self.answered(person, message["ts"], element, answers, what, before)
        if said is not None and last:
            raise Seen(f"{what}: {person} was told “{said}”")
        if said is not None:
            self.tell(f"  {person} is told “{said}”")
        return said is None

    @staticmethod
    def _choice(element: Json, button: str) -> Json:
        if element["type"] != "overflow":
            return {}
        for option in element["options"]:
            if option["value"].endswith(f":{button}"):
                return {"selected_option": option}
        raise Seen(f"the menu has no “{button}”")

    def wait_until_calm(self) -> None:
        """Nobody presses while the card says that something runs, or while it is being redrawn."""
        seen: list[Any] = [None, time.monotonic()]
        waiting = [time.monotonic()]

        def calm() -> bool | None:
            shown = [words(m.get("blocks") or []) for m in [self.card(), *self.thread()]]
            values = [e.get("value") for m in [self.card(), *self.thread()] for e in elements(m)]
            # What works and is only watched keeps nobody from going on.
            running = any(under_way(text) for text in shown)
            if running and time.monotonic() - waiting[0] > _PATIENCE:
                self.advance(5)  # the next look at the shop is a matter of time
                waiting[0] = time.monotonic()
            if running or (shown, values) != seen[0]:
                seen[:] = [(shown, values), time.monotonic()]
            return True if time.monotonic() - seen[1] >= _CALM else None

        try:
            wait_for(calm, "the end of what is running")
        except Seen as late:
            raise Seen(f"{late}: {self._running()}") from None

    def _running(self) -> str:
        """The lines that say that something runs."""
        shown = [words(m.get("blocks") or []) for m in [self.card(), *self.thread()]]
        return " / ".join(line for text in shown for line in text.splitlines() if "⏳" in line)

    def answered(
        self,
        person: str,
        ts: str,
        element: Json,
        answers: int,
        what: str,
        before: Json | None = None,
    ) -> str | None:
        """None once the pressed button is gone or drawn anew; else what the person was told.

        A modal that only shows what will be sent is read, and sent.
        """

        def told() -> str | None:
            found = self.only_to(person)
            return words(found[-1].get("blocks") or []) if len(found) > answers else None

        def changed() -> bool | None:
            self.send_what_is_shown(person, before)
            shown = next((m for m in [self.card(), *self.thread()] if m["ts"] == ts), None)
            values = [_drawn(e) for e in elements(shown or {})]
            return True if _drawn(element) not in values or told() else None

        wait_for(changed, f"anything after pressing {what}")
        self.wait_until_calm()
        return told()

    def send_what_is_shown(self, person: str, before: Json | None, *, wait: bool = False) -> None:
        """What will be sent is read, and the modal's button pressed. `wait`: it will be shown."""

        def sent() -> Json | None:
            return self.slack.send_shown(person, before)

        answer = wait_for(sent, "what will be sent") if wait else sent()
        if answer is None:
            return
        self.tell(f"  {person} reads what will be sent, and sends it")
        if not answer.get("ok") or answer.get("response_action") == "errors":
            raise Seen(f"what was shown was not sent: {answer.get('error')}")

    def fill(self, person: str, answers: Json, before: Json | None = None) -> None:
        """Fills in the modal that opens and sends it; what is asked twice is answered twice."""

        def opened() -> Json | None:
            view = self.slack.view(person)
            if view is None or (before is not None and view["id"] == before["id"]):
                return None
            return view if view.get("submit") else None

        view = wait_for(opened, "a form")
        answer = self.slack.submit(person, view["id"], state_values(view, answers))
        if not answer.get("ok") or answer.get("response_action") == "errors":
            raise Seen(f"the form was refused: {answer.get('errors') or answer.get('error')}")
        shown = self.slack.view(person)
        if answer.get("response_action") == "update" and shown is not None and shown.get("submit"):
            return  # what was chosen has a form of its own, in its place

        def closed() -> bool:
            shown = self.slack.view(person)
            return shown is None or shown["id"] != view["id"] or not shown.get("submit")

        wait_for(closed, "the end of the form")
        left = self.slack.view(person)
        if left is not None and left["id"] == view["id"]:
            self.slack.close_view(person, view["id"])

    def do(self, work: Json) -> None:
        """One entry of a story's work."""
        if "press" in work:
            self.press(work["press"])
        elif "approve" in work:
            self.approve(work["approve"])
        elif "shop" in work:
            asked = work["shop"]
            send = self.shop.patch if "patch" in asked else self.shop.post
            send(asked.get("patch") or asked["post"], asked.get("data", {}))
        elif "advance" in work:
            self.advance(float(work["advance"]))
        elif "until" in work:
            self.until(work["until"])
        elif "card_says" in work:
            wait_for(
                lambda: work["card_says"] in words(self.card().get("blocks") or []) or None,
                f"the card saying “{work['card_says']}”",
            )
        elif "thread_says" in work:
            wait_for(
                lambda: work["thread_says"] in self.thread_words() or None,
                f"the thread saying “{work['thread_says']}”",
            )
        elif "shop_shows" in work:
            wait_for(lambda: not self.differs(work["shop_shows"]), f"{work['shop_shows']}")
        elif "refused" in work:
            self.refused(work["refused"])
        elif "customers_pay" in work:
            self.customers_pay()
        elif "remember" in work:
            self.remember(work["remember"])
        else:
            raise Seen(f"the story asks for something unknown: {work}")

    def until(self, work: Json) -> None:
        """Lets time pass until it is seen: {card_says | offered, by, within} in seconds."""

        def seen() -> bool:
            if "offered" in work:
                return self.find(work["offered"]["step"], work["offered"]["button"]) is not None
            return work["card_says"] in words(self.card().get("blocks") or [])

        waited = 0.0
        while not seen():
            if waited >= work["within"]:
                raise Seen(f"did not come within {waited:g} s of the drill's clock: {work}")
            self.advance(float(work.get("by", 10)))
            waited += float(work.get("by", 10))

    def approve(self, work: Json) -> None:
        """A second person decides what waits for them, in their direct messages."""
        person, wanted = work["as"], f"approval.{work.get('answer', 'grant')}"

        def asked() -> tuple[str, Json, Json] | None:
            for channel in self.slack.direct_channels(person):
                for message in reversed(self.slack.messages(person, channel)):
                    for element in elements(message):
                        if element["action_id"] == wanted:
                            return channel, message, element
            return None

        channel, message, element = wait_for(asked, f"a request for approval to {person}")
        self.tell(f"{person} is asked “{words(message['blocks']).splitlines()[0]}”, and decides")
        for part in work.get("says", []):
            if part not in words(message["blocks"]):
                raise Seen(f"the request does not say “{part}”: {words(message['blocks'])}")
        answer = self.slack.click(person, message, channel, element)
        if not answer.get("ok"):
            raise Seen(f"the request for approval: Slack shows {answer.get('error')}")
        wait_for(lambda: asked() is None or None, "the end of the request")

    def customers_pay(self) -> None:
        """Every customer who got a link uses it."""
        orders = {
            m["path"].strip("/").split("/")[1]
            for m in self.shop.mutations()
            if m["effect"] and m["path"].endswith("/payment-links")
        }
        self.tell(f"{len(orders)} customers pay by their links")
        for order in sorted(orders):
            for link in self.shop.look(f"/payment-links?order={order}")["payment_links"]:
                if link["status"] == "open":
                    self.shop.post(f"/payment-links/{link['id']}/pay", {})

    def remember(self, work: Json) -> None:
        """Notes what the shop shows now: {as, look, list, field, count}."""
        found = [entry[work["field"]] for entry in dig(self.shop.look(work["look"]), work["list"])]
        if len(found) != work["count"]:
            raise Seen(f"{work['look']} shows {len(found)}, not {work['count']}")
        self.remembered[work["as"]] = found

    def refused(self, work: Json) -> None:
        """Presses without the right: told to their eyes only, and the shop untouched."""
        person = work["as"]
        before, answers = len(self.shop.mutations()), len(self.only_to(person))
        self.press({**work, "refused": True})
        wait_for(lambda: len(self.only_to(person)) > answers or None, f"an answer to {person}")
        if len(self.shop.mutations()) != before:
            raise Seen("the shop was changed by somebody without the right")

    def differs(self, look: Json) -> list[str]:
        """Where a fresh look at the shop shows something else than it must."""
        seen = self.shop.look(look["look"])
        wrong = []
        for path, wanted in look.get("where", {}).items():
            value = dig(seen, path)
            if value != wanted:
                wrong.append(f"{look['look']} {path} is {value!r}, not {wanted!r}")
        return wrong


def dig(data: Any, path: str) -> Any:
    """A value by its path: `servers.1.state`, `orders.#` (how many)."""
    for part in path.split("."):
        if part == "#":
            return len(data)
        if isinstance(data, list):
            data = data[int(part)] if part.isdigit() and int(part) < len(data) else None
        elif isinstance(data, dict):
            data = data.get(part)
        else:
            return None
    return data


def under_way(text: str) -> bool:
    """Whether a message says that something runs; what works and is only watched does not."""
    return "⏳" in text and not any(watched in text for watched in _WATCHED)


def _drawn(element: Json) -> Any:
    """What changes when an element is drawn anew: its value, or those of a menu's options."""
    return element.get("value") or [option["value"] for option in element.get("options") or ()]
