"""`muster run`: the bot against a workspace, in Socket Mode or HTTP mode."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import click

from bot import logs
from bot.cli.errors import UserError
from bot.cli.options import config_option, secrets_of, settings_of
from bot.clock import DrivenClock, SystemClock
from bot.muster import Muster
from plan.loader import PlanError
from storage.errors import StorageError


@click.command("run")
@config_option
@click.option("--ready", is_flag=True, help="Print one line of JSON when ready.")
@click.option("--control", type=int, default=None, hidden=True, help="Drive the clock (tests).")
def command(config: Path, ready: bool, control: int | None) -> int:
    """Run the bot until Ctrl-C or SIGTERM."""
    settings = settings_of(config)
    secrets = secrets_of(settings)
    logs.configure()
    clock = SystemClock() if control is None else DrivenClock()

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        muster = Muster(settings, secrets, clock)
        try:
            await muster.start(control_port=control)
            if ready:
                click.echo(json.dumps(muster.addresses()))
            await stop.wait()
        finally:
            await muster.stop()

    try:
        asyncio.run(serve())
    except (StorageError, PlanError) as error:
        raise UserError(*str(error).splitlines()) from None
    return 0
