"""The bot's side of `benchmarks.ack`: the product's own intake with handlers of known weight."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import secrets
import signal
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.orm import Session

from benchmarks.ack import APP_TOKEN, BOT_TOKEN, CHANNEL, SECRET
from bot import logs
from bot.bolt_app import Identity, build_app
from bot.clock import SystemClock
from bot.gc_tuning import avoid_pauses
from bot.intake.dispatch import Dispatcher
from bot.intake.front import Front
from bot.intake.http import HttpIntake
from bot.intake.receive import Intake
from bot.intake.socket_mode import SocketMode
from bot.schedule.outcomes import Done
from bot.schedule.workers import Workers
from handlers.registry import Interaction, Registry
from storage import audit, work
from storage.database import Database
from storage.models import WorkItem, WorkKind
from storage.upgrade import upgrade

KEY = b"0" * 32
LISTENERS = 60


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slack", required=True)
    parser.add_argument("--sockets", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rate", type=float, required=True)
    logs.configure(level=logging.WARNING)
    asyncio.run(run(parser.parse_args()))


async def run(options: argparse.Namespace) -> None:
    upgrade(options.database, KEY)
    database = Database.open(options.database, key=KEY)
    clock, owner = SystemClock(), secrets.token_hex(4)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(BOT_TOKEN, base_url=f"{options.slack}/api/", session=session)
        registry = handlers(database)
        dispatcher = Dispatcher(
            build_app(registry, None, client, Identity()), registry, database, clock
        )
        workers = Workers(database, clock, owner)
        intake = Intake(database, clock, owner=owner, answering=dispatcher, take=workers.take)
        workers.add(WorkKind.INTAKE, dispatcher.run, concurrency=8, gate=intake.quiet)
        workers.add(WorkKind.MESSAGE, poster(client), concurrency=8)
        await workers.start()
        await intake.warm_up()
        avoid_pauses()
        listening = await listen(options, client, intake)
        load = asyncio.create_task(other_work(database, options.rate))
        print(json.dumps({"ready": True}), flush=True)
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        await stopped.wait()
        load.cancel()
        await listening.stop()
        await workers.stop(within=2.0)
    await database.close()


async def listen(
    options: argparse.Namespace, client: AsyncWebClient, intake: Intake
) -> SocketMode | Front:
    if options.mode == "socket":
        opener = AsyncWebClient(base_url=f"{options.sockets}/api/", session=client.session)
        socket_mode = SocketMode(opener, intake, app_token=APP_TOKEN, connections=2)
        await socket_mode.start()
        await socket_mode.ready()
        return socket_mode
    server = web.Server(_nothing_else)
    front = Front(HttpIntake(intake, signing_secret=SECRET), server)
    front.start("127.0.0.1", options.port)
    return front


async def _nothing_else(_: web.BaseRequest) -> web.Response:
    return web.Response(status=404)


def handlers(database: Database) -> Registry:
    """60 handlers, each a transaction of a step's weight: done, audited, a card to refresh."""
    registry = Registry()

    async def press(interaction: Interaction, _: Any) -> None:
        now = datetime.now(UTC)

        def unit(session: Session) -> None:
            work.once(session, interaction.delivery, now)
            entry(session, interaction.value, interaction.user_id, now)
            work.refresh(
                session, kind=WorkKind.MESSAGE, key=f"card/{interaction.name}", payload={},
                due=now, now=now,
            )  # fmt: skip

        await database.write(unit)

    for number in range(LISTENERS):
        registry.action(f"bench.{number}")(press)
    return registry


def entry(session: Session, value: str, actor: str, now: datetime) -> None:
    audit.record(
        session, chain=value.split(":")[0], incident_id=None, actor=actor, roles=["oncall"],
        action="step.run", object="switch_channel", result="allowed", data={}, now=now,
    )  # fmt: skip


def poster(client: AsyncWebClient) -> Any:
    async def post(item: WorkItem) -> Done:
        await client.chat_postMessage(channel=CHANNEL, text=item.key)
        return Done()

    return post


async def other_work(database: Database, rate: float) -> None:
    """Transactions like those of checks, timers and deliveries, at an even rate."""
    loop = asyncio.get_running_loop()
    started, number = loop.time(), 0
    pending: set[asyncio.Task[None]] = set()
    while True:
        number += 1
        await asyncio.sleep(max(0.0, started + number / rate - loop.time()))
        task = asyncio.create_task(database.write(lambda s, n=number: _other(s, n)))
        pending.add(task)
        task.add_done_callback(pending.discard)


def _other(session: Session, number: int) -> None:
    now = datetime.now(UTC)
    entry(session, f"other-{number % 50}", "system", now)
    work.enqueue(
        session, kind="other", key=f"other/{number}/{secrets.token_hex(4)}", payload={"n": number},
        due=now, now=now,
    )  # fmt: skip


if __name__ == "__main__":
    main()
