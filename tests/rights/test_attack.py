"""The whole attack, over sockets: a running bot, the sandbox Slack and a shop that counts.

Every payload is signed with the app's own secret. It prints its counts (`pytest -s`).
"""

from __future__ import annotations

import asyncio
import copy
import hmac
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from bot.intake.deliveries import delivery_key
from incidents.lifecycle.opening import Opening, open_incident
from incidents.runbooks.by_hand import BY_HAND
from incidents.step_press import SKIP, UNDO
from plan.loader import load_plan
from plan.model import Plan
from sandbox.slack import cast
from sandbox.slack.server import SlackSandbox
from sandbox.slack.state import Group, Message, Person
from tests.incidents.world import DAY, MEI, World
from tests.rights.attack import (
    CARD,
    FORGED,
    HONEST,
    KINDS,
    MALFORMED,
    OF_VALUE,
    Body,
    Honest,
    Kind,
    body_of,
    presses,
)
from tests.rights.count import sender
from tests.rights.scene import (
    BY_GROUP,
    GUEST,
    LEFT,
    OUTSIDE,
    OWNER,
    PAYMENTS,
    UNHEARD,
    furnish,
    roles,
)
from tests.sandbox_slack.conftest import until
from tests.web.conftest import Running, running

pytestmark = pytest.mark.slow
AT_ONCE = 40  # payloads under way
PATIENCE = 100  # tries of one that the bot did not take in
ROLES = {
    "oncall": {"group": "S0ONCALL", "people": [MEI, "U0KAI"], "duty": [MEI, "U0KAI"]},
    "approver": {"group": "S0APPROVE", "people": ["U0KAI", "U0LIN"]},
    "cs": {"group": "S0CSDESK", "people": ["U0LIN"], "duty": ["U0LIN"]},
    "finance": {"group": "S0APPROVE"},
    "managers": {"group": "S0MGRS", "people": ["U0JO"], "duty": ["U0JO"]},
}
CHANNELS = {
    "incidents": {"id": "C0INCIDENTS"},
    "cs": {"id": "C0CSDESK"},
    "private": {"id": "C0CSINC", "private": True},
}


@dataclass
class Shop:
    """Whatever it is asked, it is counted."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        return web.json_response({"number": "FG-1", "id": 1, "status": "paid"})


@asynccontextmanager
async def opened_shop() -> AsyncIterator[Shop]:
    made = Shop()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def house(folder: Path) -> Path:
    """The scene, an incident of every type of the plan beside it, and nothing that comes due."""
    path = furnish(folder)
    world = World.open_as_is(f"sqlite:///{path}", roles=roles())
    world.now = DAY

    def open_all(session: Any) -> None:
        for section in world.house.plan.sections.values():
            for kind in section.types:
                opening = Opening(kind.id, f"attack:{kind.id}", "check:attack")
                open_incident(session, world.house, opening, world.now)

    world.write(open_all)
    world.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("delete from work where kind <> 'message' or state <> 'parked'")
        connection.execute("delete from changes")
    return path


def on_every_step(plan: Plan, path: Path) -> Iterator[tuple[Kind, Body]]:
    """Every button of every step and action of the plan, by those who have no role at all."""
    with closing(sqlite3.connect(path)) as connection:
        numbers = dict(
            connection.execute("select incident_type, number from incidents where subject like ?",
                               ("attack:%",))
        )  # fmt: skip
    for kind in KINDS:
        if kind.name not in ("member without a role", KINDS[6].name, "guest", KINDS[2].name):
            continue
        for section in plan.sections.values():
            for of_type in section.types:
                number = numbers.get(of_type.id)
                for step in section.steps if number is not None else ():
                    for button in (*(b.id for b in step.buttons), SKIP, BY_HAND, UNDO):
                        press = Honest(kind.who, f"INC-{number}:1:{step.id}:{button}")
                        yield kind, body_of(("action", "step.run"), press, kind.who)
                        memory = {"incident": number, "step": step.id, "button": button}
                        form = Honest(kind.who, memory={**memory, "version": 1})
                        yield kind, body_of(("submission", "form.step"), form, kind.who)


def attacks() -> Iterator[tuple[Kind, Body]]:
    for kind, _, _, body in presses(KINDS, {**FORGED, **MALFORMED}):
        yield kind, body
    everybody = (Kind("on-call, a malformed value", MEI),)
    for kind, entry, name, body in presses(everybody, MALFORMED):
        # A form's text is text, whatever it was before it was encoded.
        if entry[0] != "command" and not (name in OF_VALUE and entry not in HONEST):
            yield kind, body


class Attacker:
    """Has payloads signed, and sends them."""

    def __init__(self, bot: Running) -> None:
        self._bot = bot
        self.kinds: set[str] = set()
        self.sent: dict[str, str] = {}  # key of the delivery: who pressed
        self.nameless = 0  # of whom the payload does not say who they are
        self.answers: Counter[int] = Counter()

    async def send(self, kind: Kind, body: Body) -> None:
        number = len(self.sent)
        body = copy.deepcopy(body)
        if "event" in body:
            body["event_id"] = f"EvA{number}"
        else:
            body["trigger_id"] = f"A{number}"
        who = str(sender(body) or "")
        self.sent[delivery_key(body)] = who
        self.nameless += not who
        self.kinds.add(kind.name)
        content, raw = _encoded(body)
        url = f"{self._bot.muster.addresses()['web']}/slack/events"
        for _ in range(PATIENCE):
            async with self._bot.session.post(url, data=raw, headers=_signed(content, raw)) as got:
                status = got.status
            if status != 503:  # the machine stood still: Slack would have the person press again
                break
            await asyncio.sleep(0.1)
        self.answers[status] += 1


def _encoded(body: Body) -> tuple[str, bytes]:
    if "event" in body:
        return "application/json", json.dumps(body).encode()
    form = "application/x-www-form-urlencoded"
    if "command" in body:
        return form, urlencode(
            {name: str(value) for name, value in body.items()}, errors="surrogatepass"
        ).encode()
    return form, urlencode({"payload": json.dumps(body)}).encode()


def _signed(content: str, raw: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    tag = hmac.new(cast.SIGNING_SECRET.encode(), b"v0:" + stamp.encode() + b":" + raw, "sha256")
    return {
        "Content-Type": content,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={tag.hexdigest()}",
    }


def furnish_slack(sandbox: SlackSandbox) -> None:
    workspace = sandbox.world.workspace
    workspace.groups["S0APPROVE"] = Group("S0APPROVE", "approvers", "Approvers", [BY_GROUP])
    incidents = workspace.channels["C0INCIDENTS"]
    incidents.add(Message(CARD[PAYMENTS], incidents.id, cast.BOT_USER, "The card", bot=True))
    said = HONEST["event", "reaction_added"].ts or ""
    incidents.add(Message(said, incidents.id, MEI, "They call back", thread_ts=CARD[PAYMENTS]))
    for user, more in (
        (OWNER, {}), (LEFT, {}), (BY_GROUP, {}), (UNHEARD, {}),
        (GUEST, {"guest": True}), (OUTSIDE, {"team": "T0OTHER"}),
    ):  # fmt: skip
        name = user[2:].lower()
        person = Person(user, name, name.title(), "", "en-US", "Asia/Taipei", **more)
        workspace.people[user] = person
        for channel in ("C0INCIDENTS", "C0CSDESK"):
            workspace.channels[channel].members[user] = None


async def test_nobody_gets_anything_by_what_they_press(
    tmp_path: Path, session: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    path = house(tmp_path)
    every = [*attacks(), *on_every_step(load_plan().plan, path)]
    async with opened_shop() as shop:
        looks = {"order": {"url": "/orders/{{ params.order }}"}}
        configured = {
            "slack": {"mode": "http", "channels": CHANNELS},
            "roles": ROLES,
            "shop": {"control_url": shop.url, "looks": looks},
        }
        url = f"sqlite:///{path}"
        async with running(tmp_path, session, url, furnish_slack, **configured) as bot:
            unheard = {"user": UNHEARD}
            await bot.fault("users.info", "error", times=-1, match=unheard)
            # Slack cannot say who is in a group, while who is there by a group alone approves.
            await bot.fault("usergroups.list", "error", times=-1)
            before = _one(path, _REFUSED)
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("delete from changes")  # what the start has written
            shop.asked.clear()
            attacker = Attacker(bot)
            for first in range(0, len(every), AT_ONCE):
                part = every[first : first + AT_ONCE]
                await asyncio.gather(*(attacker.send(kind, body) for kind, body in part))
            await until(lambda: _all_worked(path), seconds=600)
            found = Found(path, before, bot, shop)
            with capsys.disabled():
                sys.stdout.write(
                    f"\n{len(attacker.kinds)} kinds of persons x {found.line(attacker)}"
                )
            found.judge(attacker)


async def test_who_leaves_a_group_has_no_right_by_it_a_minute_later(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Slack is asked again and again; nothing is pressed that moves money."""

    def furnished(sandbox: SlackSandbox) -> None:
        furnish_slack(sandbox)
        sandbox.world.workspace.groups["S0ONCALL"].users.append(LEFT)

    configured = {"slack": {"mode": "http", "channels": CHANNELS}, "roles": ROLES}
    url = f"sqlite:///{tmp_path}/muster.db"
    async with running(tmp_path, session, url, furnished, **configured) as bot:
        attacker, path = Attacker(bot), tmp_path / "muster.db"
        kind, entry = Kind("was on call", LEFT), ("action", "home.retry")

        async def refused() -> bool:
            await attacker.send(kind, body_of(entry, HONEST[entry], LEFT))
            await until(lambda: _all_worked(path), seconds=30)
            query = "select count(*) from audit where object = 'retry'"  # lacks the role
            return _one(path, query) > 0

        assert not await refused()
        bot.sandbox.world.workspace.groups["S0ONCALL"].users.remove(LEFT)
        left = time.monotonic()
        await until(refused, seconds=90)
        assert time.monotonic() - left < 60


_REFUSED = "select count(*) from audit where result = 'refused'"
_PARKED = "select count(*) from work where kind = 'intake' and state = 'parked'"
# What the bot learns of people, its recurring work, and how far its own answers have come.
_ITS_OWN = frozenset({"update work message", "update work timer", "insert slack_messages"})


class Found:
    """What came of it, by the database, the shop's book and Slack's log."""

    def __init__(self, path: Path, before: int, bot: Running, shop: Shop) -> None:
        self.refused = _one(path, _REFUSED) - before
        self.parked = _one(path, _PARKED)
        self.asked = shop.asked
        with closing(sqlite3.connect(path)) as connection:
            self.changes = Counter(
                what
                for (what,) in connection.execute("select what from changes")
                if what.split()[1] not in ("people", "house") and what not in _ITS_OWN
            )
            query = "select key, payload from work where key like 'message:answer/%'"
            self.told = {
                key.removeprefix("message:answer/"): json.loads(payload)
                for key, payload in connection.execute(query)
            }
        self.seen_by_others = [
            one.method
            for one in bot.sandbox.world.log.requests
            if one.method in ("chat.postMessage", "chat.update", "views.open", "views.push")
            and not str(one.args.get("channel")).startswith(("D", "U"))
        ]

    def line(self, attacker: Attacker) -> str:
        return (
            f"{len(HONEST)} controls and every step: {len(attacker.sent)} presses, "
            f"{self.refused} refusals on record, {sum(self.changes.values())} changes, "
            f"{len(self.asked)} shop calls, {self.parked} set aside, {len(self.told)} answers to "
            f"the presser alone, {attacker.nameless} of nobody\n"
        )

    def judge(self, attacker: Attacker) -> None:
        assert set(attacker.answers) == {200}
        assert (self.changes, self.asked, self.parked) == (Counter(), [], 0)
        assert self.refused == len(attacker.sent)
        others = {
            key: payload
            for key, payload in self.told.items()
            if payload["do"] not in ("ephemeral", "view", "respond", "direct")
            or payload["person"] != attacker.sent.get(key)
        }
        assert others == {}
        assert self.seen_by_others == []
        assert len(self.told) == len(attacker.sent) - attacker.nameless


async def _all_worked(path: Path) -> bool:
    left = "select count(*) from work where kind = 'intake' and state in ('pending', 'claimed')"
    await asyncio.sleep(0.2)
    return _one(path, left) == 0


def _one(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(query).fetchone()[0])
