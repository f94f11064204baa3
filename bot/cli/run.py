"""`muster run`: the bot against a workspace, in Socket Mode or HTTP mode."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import click

from bot import logs
from bot.application import Muster
from bot.cli.errors import UserError
from bot.cli.options import config_option, secrets_of, settings_of
from bot.cli.signals import Ending
from bot.cli.terminal import say
from bot.clock import DrivenClock, SystemClock
from bot.gc_tuning import none_until_loaded
from bot.settings_errors import SettingsError
from plan.sources import PlanError
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
    none_until_loaded()
    clock = SystemClock() if control is None else DrivenClock()

    async def serve() -> None:
        ending = Ending()
        ending.listen()
        muster = Muster(settings, secrets, clock, partial(say, error=True))
        asked = asyncio.ensure_future(ending.asked())
        starting = asyncio.ensure_future(muster.start(control_port=control))
        try:
            await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                if ready:
                    click.echo(json.dumps(muster.addresses()))
                await asked
        finally:
            for task in (starting, asked):
                task.cancel()
            await asyncio.gather(starting, asked, return_exceptions=True)
            await muster.stop()

    try:
        asyncio.run(serve())
    except SettingsError as error:
        raise UserError(*error.problems) from None
    except (StorageError, PlanError) as error:
        raise UserError(*str(error).splitlines()) from None
    return 0
