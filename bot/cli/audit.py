"""`muster audit verify`: the audit log is whole, or the first entry that is not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from bot.cli.errors import UserError
from bot.cli.options import config_option, database_of, settings_of
from bot.cli.terminal import say
from storage import audit_proof
from storage.audit_proof import Head
from storage.continuity import another_record, record_of


@click.group("audit")
def command() -> None:
    """The append-only audit log."""


@command.command("verify")
@click.option("--head", "kept", help="A head that was kept elsewhere: of the log, a heartbeat.")
@config_option
def verify_command(kept: str | None, config: Path) -> int:
    """Follow every chain, in the database that Muster last wrote; 0 whole, 1 broken."""
    try:
        head = None if kept is None else Head.parse(kept)
    except ValueError:
        raise UserError(
            "--head is no head: write it as it stands in the log, like 412:5c1f-09ab…."
        ) from None
    settings = settings_of(config)
    beside = record_of(settings.database.url)  # before the database: it is never ahead of it
    database = database_of(settings)
    another = database.read_now(partial(another_record, beside))
    if another is not None:
        say(f"The audit log is not the one that was written last: {another}")
        return 1
    if head is None and beside is not None and beside.head is not None:
        head = Head.parse(beside.head)
    broken = database.read_now(partial(audit_proof.verify, kept=head))
    if broken is None:
        now = database.read_now(audit_proof.head)
        beyond = "" if kept is not None or now is None else f" Its head is {now}."
        say(f"The audit log is whole.{beyond}")
        return 0
    say(f"The audit log is broken at {broken}.")
    return 1
