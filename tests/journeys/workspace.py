"""The running trio as a test sees it: people's hands in Slack, the shop, the bot's database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from bot.cli.stack import Program, Stack, control_of
from sandbox.drills.forms import state_values
from sandbox.drills.hands import Json, Seen, Shop, Slack, elements, wait_for, words
from sandbox.drills.responder import Responder
from tests.journeys.records import Line, Records, moment

MEI, KAI, LIN, JO, SAM = "U0MEI", "U0KAI", "U0LIN", "U0JO", "U0SAM"
PEOPLE = (MEI, KAI, LIN, JO, SAM)
INCIDENTS, CS, PRIVATE, GENERAL = "C0INCIDENTS", "C0CSDESK", "C0CSINC", "C0GENERAL"
CHANNELS = (INCIDENTS, CS)
_DRIVEN = ("--control", "0")


def daytime(data: dict[str, Any]) -> None:
    """No quiet hours: a test must not depend on the hour at which it is run."""
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}


class Workspace:
    """One running stack with everything that a test does to it and asks of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.slack, self.shop = Slack(stack.slack_url), Shop(stack.shop_url)
        self.hand = httpx.Client(base_url=stack.slack_url, timeout=30)
        self.database = stack.folder / "muster.db"  # where it is SQLite
        config = yaml.safe_load(stack.config.read_text(encoding="utf-8"))
        self.records = Records(config["database"]["url"])
        self.every = {check["name"]: float(check["every"]) for check in config["checks"]}  # seconds
        self._driven = 0.0  # seconds by which the clocks are ahead

    def close(self) -> None:
        self.slack.close()
        self.shop.close()
        self.hand.close()

    # Slack

    def post(self, path: str, **data: Any) -> Json:
        answer: Json = self.hand.post(path, json=data).json()
        return answer

    def log(self) -> Json:
        """Every call of the bot, and every payload that was sent to it."""
        found: Json = self.hand.get("/hand/log").json()
        return found

    def at(self, card: Json | str, person: str = MEI, channel: str = INCIDENTS) -> Responder:
        """Somebody who works the incident of this card."""
        found = Responder(
            self.slack, self.shop, self.advance, channel=channel, person=person, tell=_quiet
        )
        found.card_ts = card if isinstance(card, str) else str(card["ts"])
        return found

    def cards(self, channel: str = INCIDENTS) -> list[Json]:
        return self.at("", channel=channel).cards()

    def told(self, person: str, channel: str = INCIDENTS, thread: str | None = None) -> list[Json]:
        """What only this person sees."""
        return [m for m in self.slack.messages(person, channel, thread) if m.get("ephemeral")]

    def answer_to(
        self,
        person: str,
        do: Callable[[], Json],
        *,
        channel: str = INCIDENTS,
        thread: str | None = None,
    ) -> str:
        """Does something, and returns what this person alone is told for it."""
        before = len(self.told(person, channel, thread))
        done = do()
        assert done.get("ok"), done
        said = wait_for(
            lambda: self.told(person, channel, thread)[before:] or None, f"an answer to {person}"
        )
        return words(said[-1].get("blocks") or []) or str(said[-1]["text"])

    def types(self, person: str, line: str, channel: str = INCIDENTS) -> str:
        """A slash command, and its answer."""
        command, _, text = line.partition(" ")
        return self.answer_to(
            person, lambda: self.slack.command(person, channel, command, text), channel=channel
        )

    def form(self, person: str, do: Callable[[], Json]) -> Json:
        """Does something that opens a form, and returns the form."""
        before = {view["id"] for view in self.views(person)}
        done = do()
        assert done.get("ok"), done
        return wait_for(
            lambda: next(
                (v for v in self.views(person) if v["id"] not in before and v.get("submit")), None
            ),
            "a form",
        )

    def views(self, person: str) -> list[Json]:
        found: list[Json] = self.hand.get("/hand/views", params={"as": person}).json()["views"]
        return found

    def close_views(self, person: str) -> None:
        for view in self.views(person)[-1:]:
            self.slack.close_view(person, view["id"])

    def send(self, person: str, view: Json, answers: Json) -> Json:
        return self.slack.submit(person, view["id"], state_values(view, answers))

    def menu(self, person: str, card: Json, verb: str, channel: str = INCIDENTS) -> Json:
        """Chooses an entry of the card's menu."""
        seen = self.at(card, person, channel).card()
        found = [e for e in elements(seen) if str(e["action_id"]).split("#")[0] == "more"]
        assert found, f"the card has no menu: {words(seen['blocks'])}"
        chosen = next((o for o in found[0]["options"] if o["value"].split(":")[2] == verb), None)
        verbs = [o["value"] for o in found[0]["options"]]
        assert chosen is not None, f"the menu has no {verb}: {verbs}"
        return self.slack.click(person, seen, channel, found[0], selected_option=chosen)

    def card_words(self, card: Json, channel: str = INCIDENTS) -> str:
        return words(self.at(card, channel=channel).card().get("blocks") or [])

    def rung(self) -> dict[str, int]:
        """How often each person's lock screen has made a sound."""
        return {
            who: sum(1 for ring in self.slack.rings(who) if ring.get("sound")) for who in PEOPLE
        }

    def fault(self, method: str, kind: str, **more: Any) -> None:
        answer = self.post("/hand/faults", method=method, kind=kind, **more)
        assert answer.get("ok"), answer

    def no_faults(self) -> None:
        self.hand.delete("/hand/faults").raise_for_status()

    # the clock, and the bot's state

    def now(self) -> datetime:
        """What time it is for a bot that runs."""
        alive = next(bot for bot in self.stack.bots.values() if bot.running and not bot.frozen)
        return datetime.fromisoformat(httpx.get(f"{control_of(alive)}/clock").json()["now"])

    def advance(self, seconds: float, *, settle: float = 10.0) -> None:
        self.stack.advance(seconds, settle=settle)
        self._driven += seconds

    def pass_by(self, seconds: float) -> None:
        """Moves every clock forward and waits for nothing: for times in which nothing settles."""
        for url in (self.stack.shop_url, f"{self.stack.slack_url}/hand", self.stack.bot_url):
            httpx.post(f"{url}/clock", json={"advance": seconds}, timeout=30).raise_for_status()
        self._driven += seconds

    def until(self, look: Callable[[], Any], what: str, *, driven: float = 120.0) -> Any:
        """Waits for it while the clock moves on, by 5 s at a time, `driven` seconds at most."""
        waited = 0.0
        while True:
            try:
                return wait_for(lambda: look() or None, what, within=0.5)
            except Exception:
                if waited >= driven:
                    raise
            self.advance(5.0)
            waited += 5.0

    def rows(self, query: str, *values: Any) -> list[Line]:
        """What the bot's database holds, read beside it."""
        return self.records.rows(query, *values)

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def settled(self) -> None:
        """Waits until nothing that is due is left to do: no delivery, message or action."""
        try:
            wait_for(lambda: not self.busy() or None, "the end of the work")
        except Seen as error:
            raise Seen(f"{error}; left: {self.busy()}") from None

    def busy(self) -> list[tuple[str, str, str]]:
        now = self.now()
        rows = self.rows(
            "select kind, key, state, due from work where kind in ('intake', 'message', 'action')"
            " and state in ('pending', 'claimed', 'unclear')"
        )
        return [
            (row["kind"], row["key"], row["state"])
            for row in rows
            if row["state"] == "claimed" or moment(row["due"]) <= now
        ]

    def restart(self, name: str = "bot", *, module: tuple[str, ...] = ("bot.cli",)) -> Program:
        """Starts the bot again; its clock is put where those of the others are."""
        bot = self.stack.start_bot(*_DRIVEN, name=name, module=module)
        self.same_time(bot)
        return bot

    def same_time(self, bot: Program | None = None) -> None:
        """A bot that was just started keeps real time."""
        url = self.stack.bot_url if bot is None else control_of(bot)
        moved = httpx.post(f"{url}/clock", json={"advance": self._driven})
        moved.raise_for_status()

    def catch_up(self, bot: Program) -> None:
        """A bot that was frozen while the clocks were driven is put where the others are."""
        url = control_of(bot)
        told = [
            datetime.fromisoformat(httpx.get(f"{control_of(one)}/clock").json()["now"])
            for one in (bot, *(b for b in self.stack.bots.values() if b.running and b is not bot))
        ]
        behind = max(0.0, (max(told) - told[0]).total_seconds())
        httpx.post(f"{url}/clock", json={"advance": behind}).raise_for_status()

    def frozen(self) -> Callable[[], tuple[Any, ...]]:
        """What must not change by something that is refused."""
        return lambda: (
            self.shop.mutations(),
            [
                tuple(r)
                for r in self.rows(
                    "select id, status, severity, owner, version, section from incidents"
                )
            ],
            [tuple(r) for r in self.rows("select id, state from steps")],
            [tuple(r) for r in self.rows("select id, state from action_attempts")],
            self.one("select count(*) from timeline"),
            self.rung(),
        )


def _quiet(_: str) -> None:
    """A test tells by its result alone."""


def demo_line(folder: Path) -> str:
    """The end of the bot's log, for a failure's message."""
    lines = (folder / "bot.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return json.dumps(lines[-5:])
