"""A bot of intake, Bolt and workers with small handlers, in front of the sandbox Slack."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.bolt_app import Identity, build_app
from bot.clock import DrivenClock
from bot.intake.dispatch import Dispatcher
from bot.intake.http import HttpIntake
from bot.intake.receive import Intake
from bot.intake.socket_mode import SocketMode
from bot.schedule.workers import Workers
from handlers.registry import Interaction, Registry
from sandbox.slack import cast
from sandbox.slack.config import AppConfig, Shortcut
from sandbox.slack.server import SlackSandbox
from storage import work
from storage.database import Database
from storage.models import HouseFact, WorkItem
from tests.conftest import KEY
from tests.sandbox_slack.conftest import Hand

CONFIG = AppConfig(shortcuts=(Shortcut("Note", "message", "incident.note"),))
MODAL = {
    "type": "modal",
    "callback_id": "form.note",
    "title": {"type": "plain_text", "text": "Note"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Text"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "o",
            "optional": True,
            "label": {"type": "plain_text", "text": "Order"},
            "element": {
                "type": "external_select",
                "action_id": "order",
                "min_query_length": 0,
            },
        },
    ],
}


@dataclass
class Bot:
    """What a running `muster run` has of intake, and what its handlers saw."""

    database: Database
    registry: Registry = field(default_factory=Registry)
    clock: DrivenClock = field(default_factory=DrivenClock)
    done: list[tuple[str, str]] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    owner: str = field(default_factory=lambda: secrets.token_hex(4))
    concurrency: int = 4

    def compose(self, client: AsyncWebClient) -> None:
        app = build_app(self.registry, self, client, Identity("T0SHOP", "B0MUSTER", "U0MUSTER"))

        async def tell(interaction: Interaction, code: str) -> None:
            self.told.append((interaction.name, code))

        dispatcher = Dispatcher(app, self.registry, self.database, self.clock, tell=tell)
        self.workers = Workers(self.database, self.clock, self.owner)
        self.clock.on_advance(self.workers.wake)
        self.intake = Intake(
            self.database,
            self.clock,
            owner=self.owner,
            answering=dispatcher,
            take=self.workers.take,
        )
        self.workers.add(
            "intake", dispatcher.run, concurrency=self.concurrency, gate=self.intake.quiet
        )

    async def do_once(self, interaction: Interaction) -> None:
        """One unit of work: the delivery is marked as done where it is done."""

        def unit(session: Session) -> None:
            work.once(session, interaction.delivery, self.clock.now())
            session.add(HouseFact(key=f"effect:{interaction.delivery}", value={}))

        await self.database.write(unit)
        self.done.append((interaction.name, interaction.value))

    async def rows(self) -> list[WorkItem]:
        return await self.database.read(
            lambda s: list(
                s.scalars(select(WorkItem).filter_by(kind="intake").order_by(WorkItem.id))
            )
        )

    async def effects(self) -> int:
        return await self.database.read(
            lambda s: len(
                s.scalars(select(HouseFact.key).where(HouseFact.key.like("effect:%"))).all()
            )
        )

    async def settled(self) -> bool:
        return all(row.state in ("done", "parked") for row in await self.rows())


@pytest.fixture
async def bot(database: Database) -> Bot:
    bot = Bot(database)

    @bot.registry.action("step.run")
    async def run(interaction: Interaction, desk: Bot) -> None:
        await desk.do_once(interaction)

    return bot


@dataclass
class Workspace:
    """The sandbox Slack with a bot connected to it."""

    sandbox: SlackSandbox
    hand: Hand
    client: AsyncWebClient
    mode: str
    socket_mode: SocketMode | None = None
    http: HttpIntake | None = None
    http_url: str = ""

    async def card(self, *action_ids: str) -> str:
        """A message with buttons; its ts."""
        posted = await self.client.chat_postMessage(
            channel="C0INCIDENTS",
            text="card",
            blocks=[
                {
                    "type": "actions",
                    "block_id": "b",
                    "elements": [
                        {
                            "type": "button",
                            "action_id": action_id,
                            "text": {"type": "plain_text", "text": "x"},
                            "value": "INC-412:7",
                        }
                        for action_id in action_ids
                    ],
                }
            ],
        )
        return str(posted["ts"])

    async def restart(self, bot: Bot) -> None:
        """The process ends in good order, and another takes its place."""
        assert self.socket_mode is not None
        await self.socket_mode.stop()
        await bot.workers.stop(within=1.0)
        bot.owner = secrets.token_hex(4)
        bot.compose(self.client)
        await bot.workers.start()
        await self.connect_again(bot)

    async def connect_again(self, bot: Bot, *, connections: int = 2) -> None:
        """Socket Mode for the bot as it is now."""
        self.socket_mode = SocketMode(
            self.client,
            bot.intake,
            app_token=cast.APP_TOKEN,
            connections=connections,
            clock=bot.clock,
        )
        await self.socket_mode.start()
        await asyncio.wait_for(self.socket_mode.ready(), 5)

    async def click(self, ts: str, action_id: str = "step.run") -> dict[str, Any]:
        return await self.hand.post(
            "click",
            **{"as": "U0MEI"},
            channel="C0INCIDENTS",
            ts=ts,
            block_id="b",
            action_id=action_id,
        )


Connect = Callable[..., Any]


@pytest.fixture(params=["socket", "http"])
def mode(request: pytest.FixtureRequest) -> str:
    """The same body over both transports."""
    return str(request.param)


@pytest.fixture
async def connect(mode: str, bot: Bot) -> AsyncIterator[Connect]:
    """Starts the bot (after the test has registered its handlers) and the sandbox."""
    runner: web.AppRunner | None = None
    session = aiohttp.ClientSession()
    port_free = web.Application()
    handle: dict[str, HttpIntake] = {}

    async def forward(request: web.Request) -> web.Response:
        return await handle["http"].handle(request)

    port_free.router.add_post("/slack/events", forward)
    runner = web.AppRunner(port_free, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    sandbox = SlackSandbox(app_config=CONFIG, http_events=url if mode == "http" else None)
    await sandbox.start()
    workspace: Workspace | None = None

    async def start(*, connections: int = 2) -> Workspace:
        nonlocal workspace
        client = AsyncWebClient(cast.BOT_TOKEN, base_url=f"{sandbox.url}/api/", session=session)
        bot.compose(client)
        await bot.workers.start()
        await bot.intake.warm_up()
        workspace = Workspace(sandbox, Hand(sandbox.url, session), client, mode, http_url=url)
        if mode == "socket":
            await workspace.connect_again(bot, connections=connections)
        else:
            workspace.http = HttpIntake(bot.intake, signing_secret=cast.SIGNING_SECRET)
            handle["http"] = workspace.http
        return workspace

    yield start
    if workspace is not None:
        if workspace.socket_mode is not None:
            await workspace.socket_mode.stop()
        await bot.workers.stop(within=1.0)
    await sandbox.stop()
    await runner.cleanup()
    await session.close()


__all__ = ["KEY", "MODAL", "Bot", "Connect", "Workspace"]
