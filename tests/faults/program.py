"""The bot's parts in a process of their own, which kills itself at a named commit when asked.

    python -m tests.faults.program '{"url": …, "slack": …, "shop": …}'

Delivery, intake and actions as the composition root puts them together, with the small renderer and
handlers of the tests; so a kill hits exactly the class that a cell is about. The product knows
nothing of it. `kill`: "before:2" or "after:2", counted from the start, or from SIGUSR1 on with
`armed_later`. It prints one line, `{"control": …}`, and runs until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from actions.connectors.http import ShopClient, open_http
from actions.runner import ActionRunner
from bot.clock import DrivenClock
from bot.clock_control import ControlPort
from bot.delivery.audiences import Audiences
from bot.delivery.context import Office
from bot.delivery.presence import Presence
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, open_client
from bot.delivery.worker import Deliverer
from bot.intake.socket_mode import SocketMode
from handlers.registry import Interaction
from sandbox.slack import cast
from storage.database import Database
from tests.actions.book import LedgerBook, switch
from tests.actions.conftest import LOOKS, declared
from tests.conftest import KEY
from tests.delivery.conftest import AUDIENCES, Drawings
from tests.faults.classes import ModalDrawings
from tests.faults.intakes import register
from tests.faults.product import ProductBot
from tests.intake.conftest import Bot


class Killer:
    """Counts commits, and ends the process at the one that it was told."""

    def __init__(self, point: str | None, *, armed: bool) -> None:
        self._where, _, number = (point or "never:0").partition(":")
        self._number = int(number)
        self._count = 0
        self._armed = armed

    def arm(self) -> None:
        self._armed = True

    def listen(self) -> None:
        event.listen(Session, "before_commit", lambda _: self._meet("before"))
        event.listen(Session, "after_commit", lambda _: self._meet("after"))

    def _meet(self, where: str) -> None:
        if not self._armed:
            return
        self._count += where == "before"
        if where == self._where and self._count == self._number:
            os.kill(os.getpid(), signal.SIGKILL)


async def run(wish: dict[str, Any]) -> None:
    killer = Killer(wish.get("kill"), armed=not wish.get("armed_later"))
    killer.listen()
    clock = DrivenClock()
    clock.advance(float(wish.get("ahead", 0)))
    database = Database.open(wish["url"], key=KEY)
    database.run_alone()
    bot = ProductBot(database, clock=clock) if wish.get("product") else Bot(database, clock=clock)
    intake_client = AsyncWebClient(cast.BOT_TOKEN, base_url=f"{wish['slack']}/api/")

    async def once(interaction: Interaction, desk: Bot) -> None:
        await desk.do_once(interaction)

    if not wish.get("product"):
        bot.registry.action("step.run")(once)
        register(bot)
    bot.compose(intake_client)
    sender = Sender(
        open_client(cast.BOT_TOKEN, f"{wish['slack']}/api/", timeout=1.0),
        budget=Budget(),
        clock=clock,
    )
    office = Office(
        database=database,
        sender=sender,
        renderer=ModalDrawings() if wish.get("modal") else Drawings(),
        audiences=Audiences(AUDIENCES),
        clock=clock,
        people=Presence(sender, database, clock),
    )
    http = open_http()
    contract = wish.get("contract", "keys")
    shop = ShopClient(
        http,
        base_url=wish.get("shop"),
        looks=LOOKS,
        actions={"switch_channel": declared(contract, lookup=contract != "neither")},
    )
    runner = ActionRunner(database=database, shop=shop, book=LedgerBook(switch()), clock=clock)
    if not wish.get("product"):  # which has its own
        bot.workers.add("message", Deliverer(office).run, concurrency=16, unclear_on_error=True)
    bot.workers.add("action", runner.run, concurrency=8, unclear_on_error=True)
    if wish.get("socket"):
        await bot.intake.warm_up()
    await bot.workers.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, killer.arm)

    async def pending() -> dict[str, int]:
        return {"receiving": bot.intake.busy, **await bot.workers.pending()}

    control = ControlPort(clock, pending)
    url = await control.start(0)
    if wish.get("socket"):
        socket = SocketMode(
            intake_client, bot.intake, app_token=cast.APP_TOKEN, connections=1, clock=clock
        )
        await socket.start()
        await socket.ready()
    print(json.dumps({"control": url}), flush=True)  # noqa: T201 - the line that is waited for
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
