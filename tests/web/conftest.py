"""The real bot in this process, in front of the sandbox Slack, asked over its own HTTP side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from bot.application import Muster
from bot.clock import DrivenClock
from bot.settings import Secrets, parse_settings
from sandbox.slack import cast
from sandbox.slack.server import SlackSandbox
from tests.conftest import KEY
from tests.faults import outages
from tests.incidents.conftest import world
from tests.sandbox_slack.conftest import Hand, until

SETTINGS = """
slack:
  channels: {incidents: {id: C0INCIDENTS}, private: {id: C0CSINC, private: true}}
shop: {name: Formosa Goods, currency: TWD}
roles:
  oncall: {people: [U0MEI, U0KAI], duty: [U0MEI, U0KAI]}
  cs: {people: [U0LIN]}
  managers: {people: [U0JO]}
web: {port: 0}
quiet_hours: {from: "00:00", to: "00:00", zone: UTC}
"""


@dataclass
class Running:
    """The bot, its Slack, and what is done to them."""

    muster: Muster
    clock: DrivenClock
    sandbox: SlackSandbox
    hand: Hand
    session: aiohttp.ClientSession
    url: str  # of its database

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self.session.get(f"{self.muster.addresses()['web']}{path}") as answer:
            return answer.status, await answer.json()

    async def metrics(self) -> str:
        async with self.session.get(f"{self.muster.addresses()['web']}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    async def ready(self) -> bool:
        return (await self.get("/readyz"))[0] == 200

    def failing(self, *names: str) -> Callable[[], Awaitable[bool]]:
        """A condition: /readyz says 503 and names just these parts."""

        async def look() -> bool:
            status, said = await self.get("/readyz")
            return status == 503 and said["failing"] == list(names)

        return look

    async def declare(self, text: str, person: str = "U0MEI") -> None:
        """Opens an incident by one line; one that would ring somebody asks first, and rings."""
        who = {"as": person}
        said = await self.hand.post(
            "command", **who, channel="C0INCIDENTS", command="/incident", text=text
        )
        assert said["ok"], said

        async def asked() -> tuple[str, dict[str, Any]] | None:
            found = await self.hand.get("messages", **who, channel="C0INCIDENTS")
            for message in found["messages"]:
                for block in message.get("blocks") or ():
                    for element in block.get("elements") or ():
                        if element.get("action_id") == "line.ring":
                            return message["ts"], {**element, "block_id": block["block_id"]}
            return None

        ts, button = await until(asked, seconds=20)
        pressed = await self.hand.post(
            "click",
            **who,
            channel="C0INCIDENTS",
            ts=ts,
            block_id=button["block_id"],
            action_id=button["action_id"],
            value=button.get("value"),
        )
        assert pressed["ok"], pressed

    async def fault(self, method: str, kind: str, **more: Any) -> None:
        answer = await self.hand.post("faults", method=method, kind=kind, **more)
        assert answer["ok"], answer

    def no_faults(self) -> None:
        self.sandbox.world.faults.remove(None)

    def locked(self) -> AbstractContextManager[None]:
        """Somebody else holds the bot's database."""
        return outages.locked(self.url)

    def full(self) -> AbstractContextManager[None]:
        """The disk of the bot's database has no room."""
        return outages.full(self.url)


@asynccontextmanager
async def running(
    folder: Path,
    session: aiohttp.ClientSession,
    url: str | None = None,
    furnish: Callable[[SlackSandbox], None] = lambda _: None,
    **changes: Any,
) -> AsyncIterator[Running]:
    """Starts it with these parts of the configuration changed; stops it at the end.

    `url`: of its database; a new one on SQLite, where none is named. `furnish`: the workspace,
    before the bot is there.
    """
    sandbox = SlackSandbox()
    await sandbox.start()
    furnish(sandbox)
    data = yaml.safe_load(SETTINGS)
    url = url or f"sqlite:///{folder / 'muster.db'}"
    data["database"] = {"url": url}
    data["slack"]["base_url"] = f"{sandbox.url}/api/"
    for key, value in changes.items():
        data[key] = {**data[key], **value} if isinstance(data.get(key), dict) else value
    clock = DrivenClock()
    secrets = Secrets(cast.BOT_TOKEN, cast.APP_TOKEN, cast.SIGNING_SECRET, KEY)
    muster = Muster(parse_settings(data), secrets, clock)
    try:
        await muster.start()
        hand = Hand(sandbox.url, session)
        yield Running(muster, clock, sandbox, hand, session, url)
    finally:
        await muster.stop()
        await sandbox.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def bot(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Running]:
    async with running(tmp_path, session) as started:
        yield started


@pytest.fixture
async def either(
    tmp_path: Path, session: aiohttp.ClientSession, database_url: str
) -> AsyncIterator[Running]:
    """The same on SQLite and on PostgreSQL."""
    async with running(tmp_path, session, database_url) as started:
        yield started


class Silent:
    """A service on a real socket that takes a request and answers it when it is let go."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self.answers = asyncio.Event()

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        await self.answers.wait()
        return web.Response(text="well")


@pytest.fixture
async def silent() -> AsyncIterator[Silent]:
    made = Silent()
    app = web.Application()
    app.router.add_get("/", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    made.answers.set()
    await runner.cleanup()


class Service:
    """A dead-man service on a real socket: what it was asked for, and what it answers."""

    def __init__(self) -> None:
        self.pings: list[str] = []
        self.status = 200
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.pings.append(request.path)
        return web.Response(status=self.status)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    app = web.Application()
    app.router.add_get("/ping/{key}", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/secret-key"
    yield made
    await runner.cleanup()


__all__ = ["SETTINGS", "Running", "Service", "Silent", "running", "world"]
