"""The commands, loaded only when they are called: `muster --help` must not import the world."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence

import click

from bot import logs
from bot.cli.errors import UserError, tell
from bot.gc_tuning import none_while_loading
from storage.errors import StorageError

_COMMANDS = {
    "demo": ("bot.cli.demo", "the whole thing to try: sandbox Slack, demo shop and bot"),
    "run": ("bot.cli.run", "the bot against a real workspace"),
    "check": ("bot.cli.check", "run checks once and print what they find"),
    "drill": ("bot.cli.drill", "inject a fault in the sandbox and work its runbook"),
    "plan": ("bot.cli.plan", "the plan: show, lint, coverage"),
    "shop": ("bot.cli.shop", "the shop's database: inspect, verify"),
    "incidents": ("bot.cli.incidents", "the record: list, show, review"),
    "work": ("bot.cli.work", "what could not be delivered or done: list, retry"),
    "audit": ("bot.cli.audit", "verify the audit log"),
    "key": ("bot.cli.key", "the key of the bot's data: rotate"),
    "db": ("bot.cli.db", "the bot's own data: upgrade, backup, restore, restored"),
    "doctor": ("bot.cli.doctor", "what is in order and what to do"),
    "manifest": ("bot.cli.manifest", "the Slack app manifest"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = _COMMANDS.get(cmd_name)
        if found is None:
            return None
        with none_while_loading():
            command: click.Command = importlib.import_module(found[0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="muster")
def cli() -> None:
    """Muster: the incident bot for order operations in Slack."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point. What a user can cause is one sentence and exit code 2, no traceback."""
    logs.configure(level=logging.WARNING, console=True)
    try:
        code = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except UserError as error:
        tell(error)
        sys.exit(2)
    except StorageError as error:  # each says in one sentence what to do
        tell(UserError(str(error)))
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)
