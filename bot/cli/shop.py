"""`muster shop`: proposes a mapping of the shop's database, and tries the configured one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click
import yaml
from sqlalchemy import func, select

from bot.cli.errors import UserError
from bot.cli.options import config_option, settings_of
from bot.cli.terminal import say
from bot.settings import Settings
from bot.wiring.check_connections import open_checks
from checks.kinds.base import LookFailed
from checks.shop.inspect import propose
from checks.shop.mapping import LogicalTable
from checks.shop.source import ShopDatabase, ShopUnavailable


@click.group("shop")
def command() -> None:
    """The shop's database and controls."""


@command.command("inspect")
@click.argument("url")
def inspect_command(url: str) -> None:
    """Propose a mapping for the database at URL; nothing is written."""
    try:
        proposal = propose(url)
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    data = {"shop": {"database_url": url, "mapping": proposal.mapping}}
    click.echo(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), nl=False)
    for question in proposal.questions:
        say(f"# {question}")


@command.command("verify")
@config_option
def verify_command(config: Path) -> int:
    """Try the configured mapping and looks. 0 if all answer."""
    settings = settings_of(config)
    return asyncio.run(_verify(settings))


async def _verify(settings: Settings) -> int:
    problems = 0
    try:
        async with open_checks(settings) as checking:
            if checking.shop is None:
                raise UserError("shop.database_url and shop.mapping are missing; add them.")
            for name in ("orders", "payments", "refunds", "history"):
                if getattr(checking.shop.mapping, name) is None:
                    say(f"{name}: not mapped")
                    continue
                try:
                    say(f"{name}: {await _counts(checking.shop, name)}")
                except ShopUnavailable as error:
                    problems += 1
                    say(f"{name}: {error}")
            context = checking.context(datetime.now(UTC))
            for look, declared in settings.shop.looks.items():
                if "{{" in declared.url or declared.method != "GET":
                    continue  # it needs an incident's figures, or does something
                try:
                    await context.look(look, {})
                    say(f"look {look}: answers")
                except LookFailed as error:
                    problems += 1
                    say(f"look {look}: {error.code}")
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    return 1 if problems else 0


async def _counts(shop: ShopDatabase, name: str) -> str:
    table: LogicalTable = getattr(shop, name)()
    if not table.has("status"):
        total = await shop.read(lambda c: c.scalar(select(func.count()).select_from(table.source)))
        return f"{total} rows"
    rows = await shop.read(
        lambda c: c.execute(
            select(table.col("status"), func.count()).group_by(table.col("status"))
        ).all()
    )
    return ", ".join(f"{count} {table.logical_status(word)}" for word, count in rows) or "empty"
