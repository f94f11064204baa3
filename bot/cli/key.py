"""`muster key`: the key with which Muster's own data is encrypted."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.errors import UserError
from bot.cli.options import config_option, database_of, settings_of
from bot.cli.terminal import say
from storage.rotation import rotate


@click.group("key")
def command() -> None:
    """The key of Muster's own data."""


@command.command("rotate")
@config_option
def rotate_command(config: Path) -> None:
    """Write all that older keys encrypted anew with MUSTER_KEY, beside a running bot.

    Before it: set MUSTER_KEY to the new key and MUSTER_OLD_KEYS to the old one, and restart every
    bot. After it MUSTER_OLD_KEYS can go.
    """
    database = database_of(settings_of(config))
    if not database.cipher.old_keys:
        raise UserError(
            "MUSTER_OLD_KEYS is empty: set MUSTER_KEY to the new key and MUSTER_OLD_KEYS to the "
            "old one, restart every bot, and rotate then."
        )
    written = rotate(database)
    say(
        f"{written:,} values were written anew with the new key; nothing is left of an older one. "
        "MUSTER_OLD_KEYS can go, with the next restart. A backup of before needs the old key."
    )
