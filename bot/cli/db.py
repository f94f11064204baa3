"""`muster db`: the bot's own data, beside a running bot where that is safe."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.errors import UserError
from bot.cli.options import config_option, secrets_of, settings_of
from bot.cli.terminal import say
from storage.backup import BackupError, backup, older_copies, restore, restored_elsewhere
from storage.restore_marks import Marked
from storage.upgrade import upgrade


@click.group("db")
def command() -> None:
    """Upgrade, back up and restore Muster's own database."""


@command.command("upgrade")
@config_option
def upgrade_command(config: Path) -> None:
    """Bring the database to this version's schema."""
    settings = settings_of(config)
    revision = upgrade(settings.database.url, key=secrets_of(settings).key)
    say(f"The database is at {revision}.")
    for file in older_copies(settings.database.url):
        say(
            f"{file} is of an earlier version, which kept the shop's answers about customers in "
            "clear: delete it, or keep it as you keep customers' data."
        )


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def backup_command(file: Path, config: Path) -> None:
    """Write a consistent copy to FILE while the bot runs."""
    settings = settings_of(config)
    try:
        size = backup(settings.database.url, file)
    except BackupError as error:
        raise UserError(str(error)) from None
    say(
        f"Backed up to {file} ({size:,} bytes), readable by you alone. What people wrote and what "
        "the shop said of customers is encrypted in it by MUSTER_KEY; order numbers, amounts, "
        "states and times are not. Keep the key too, but in another place."
    )


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def restore_command(file: Path, yes: bool, config: Path) -> None:
    """Replace the database by FILE. The bot must be stopped."""
    settings = settings_of(config)
    if not yes:
        click.confirm(f"Replace {settings.database.url} by {file}?", abort=True)
    try:
        marked = restore(settings.database.url, file, key=secrets_of(settings).key)
    except BackupError as error:
        raise UserError(str(error)) from None
    _say(marked)


@command.command("restored")
@config_option
def restored_command(config: Path) -> None:
    """Say that PostgreSQL's own tools have restored it. Every bot must be stopped."""
    settings = settings_of(config)
    _say(restored_elsewhere(settings.database.url, key=secrets_of(settings).key))


def _say(marked: Marked) -> None:
    say(
        f"Restored. The record reaches to {marked.reaches_to:%Y-%m-%d %H:%M:%S} UTC; what was done "
        "after that is not in it, and how much that was is not known here."
    )
    say(
        "Start the bot. "
        + (
            f"{_counted(marked.incidents, 'open incident says', 'open incidents say')} so in thread"
            " and card until somebody confirms: the first press of an action there looks at the "
            "shop and asks. "
            if marked.incidents
            else "No incident is open in it. "
        )
        + "Threads that are newer are listed to who is on duty."
    )
    unfinished = [
        _counted(number, one, one + "s")
        for number, one in ((marked.messages, "message"), (marked.actions, "action"))
        if number
    ]
    if unfinished:
        say(
            f"Unfinished at that time, and looked up before it is repeated: "
            f"{' and '.join(unfinished)}."
        )
    if marked.presses:
        say(
            f"{_counted(marked.presses, 'press or command was', 'presses and commands were')} "
            "under way at that time and set aside; who pressed may press again."
        )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
