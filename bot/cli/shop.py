"""`muster shop`: proposes a mapping of the shop's database, and tries the configured one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.cli.errors import UserError
from bot.cli.shop_alone import looking_options, looking_settings
from bot.cli.terminal import say, text
from bot.settings import Settings
from bot.wiring.check_connections import open_checks
from checks.kinds.base import LookFailed
from checks.kinds.query_settings import QueryCheckSettings
from checks.registry import build
from checks.runner import run_check
from checks.shop.inspect import propose
from checks.shop.inspection.proposal import printed
from checks.shop.source import ShopUnavailable
from checks.shop.verification import Seen, tried, verified, verified_listings


@click.group("shop")
def command() -> None:
    """The shop's database and controls."""


@command.command("inspect")
@click.argument("url")
@click.option(
    "--no-signatures",
    is_flag=True,
    help="Look at the tables themselves, also where the shop's software is known.",
)
def inspect_command(url: str, no_signatures: bool) -> None:
    """Propose a mapping for the database at URL; nothing is written."""
    try:
        proposal = propose(url, signatures=not no_signatures)
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    for line in printed(proposal, url):
        say(line)


@command.command("verify")
@looking_options
def verify_command(
    config: Path, mapping: Path | None, shop: str | None, currency: str | None
) -> int:
    """Say what stands in every mapped field, and try checks and looks. 0 if all is well."""
    settings = looking_settings(config, mapping, shop, currency)
    return asyncio.run(_verify(settings))


async def _verify(settings: Settings) -> int:
    problems, now, currency = 0, datetime.now(UTC), settings.shop.currency
    try:
        async with open_checks(settings) as checking:
            if checking.shop is None and checking.listings is None:
                raise UserError("shop.database_url and shop.mapping are missing; add them.")
            seen: list[Seen] = []
            if checking.shop is not None:
                seen += await verified(checking.shop, currency, now)
            if checking.listings is not None:
                seen += await verified_listings(checking.listings, currency, now)
            for check in settings.checks:
                if isinstance(check, QueryCheckSettings):
                    seen.append(await tried(check, checking.context(now)))
                elif check.needs and not getattr(check, "probe_look", None):
                    result = await run_check(build(check, settings.checks), checking.context(now))
                    said = result.error or "can be asked"
                    seen.append(Seen(f"check {check.name}: {said}", wrong=bool(result.error)))
            for one in seen:
                problems += one.wrong
                say(text(one.sentence, "red") if one.wrong else one.sentence)
            for why in dict.fromkeys(settings.off.values()):
                names = ", ".join(name for name, other in settings.off.items() if other == why)
                say(f"off: {names}; {why}")
            context = checking.context(now)
            for look, declared in settings.shop.looks.items():
                if "{{" in declared.url or declared.method != "GET":
                    continue  # it needs an incident's figures, or does something
                try:
                    await context.look(look, {})
                    say(f"look {look}: answers")
                except LookFailed as error:
                    problems += 1
                    say(text(f"look {look}: {error.code}", "red"))
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    return 1 if problems else 0
