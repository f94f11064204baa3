"""`muster audit verify`: the audit log is whole, or the first entry that is not."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.options import config_option, database_of, settings_of
from bot.cli.terminal import say
from storage import audit


@click.group("audit")
def command() -> None:
    """The append-only audit log."""


@command.command("verify")
@config_option
def verify_command(config: Path) -> int:
    """Follow every chain; 0 whole, 1 broken."""
    database = database_of(settings_of(config))
    broken = database.read_now(audit.verify)
    if broken is None:
        say("The audit log is whole.")
        return 0
    say(f"The audit log is broken at {broken}.")
    return 1
