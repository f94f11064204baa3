"""`muster shop`: proposes a mapping of the shop's database, and tries the configured one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.cli.errors import UserError
from bot.cli.shop_alone import looking_options, looking_settings, next_steps
from bot.cli.terminal import say, text
from bot.cli.tried_checks import said_of_checks
from bot.settings import Settings
from bot.wiring.check_connections import Checking, open_checks
from checks.kinds.base import LookFailed
from checks.kinds.query_settings import QueryCheckSettings
from checks.registry import build
from checks.runner import run_check
from checks.shop.inspect import propose
from checks.shop.inspection.proposal import printed
from checks.shop.source import HIDDEN, ShopUnavailable
from checks.shop.verification import Seen, Tried, tried, verified, verified_listings

_ADDRESS = "  database_url:"
_HOW_TO_GIVE = (
    "  # its password is not printed: look with --shop URL beside --mapping, or write "
    "${env:SHOP_PASSWORD} in its place and set that variable"
)


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
        if line.startswith(_ADDRESS) and HIDDEN in line:
            say(_HOW_TO_GIVE)
    for line in next_steps(proposal.mapping, url):
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
    """1 if anything is to be put right."""
    try:
        async with open_checks(settings) as checking:
            if checking.shop is None and checking.listings is None:
                raise UserError("shop.database_url and shop.mapping are missing; add them.")
            seen = await _data(checking, settings)
            tries = await _tries(checking, settings)
            looks = [one async for one in _looks(checking, settings)]
    except ShopUnavailable as error:
        raise UserError(str(error)) from None
    now = datetime.now(UTC)
    wrong = 0
    for one in (*seen, *said_of_checks(tries, settings.off, now), *looks):
        wrong += one.wrong
        say(text(one.sentence, "red") if one.wrong else one.sentence)
    return 1 if wrong else 0


async def _data(checking: Checking, settings: Settings) -> list[Seen]:
    now, currency = datetime.now(UTC), settings.shop.currency
    seen: list[Seen] = []
    if checking.shop is not None:
        seen += await verified(checking.shop, currency, now)
    if checking.listings is not None:
        seen += await verified_listings(checking.listings, currency, now)
    return seen


async def _tries(checking: Checking, settings: Settings) -> list[Tried]:
    """Each check that reads the shop's data, asked once."""
    found = []
    for check in settings.checks:
        now = datetime.now(UTC)
        if isinstance(check, QueryCheckSettings):
            found.append(await tried(check, checking.context(now)))
        elif check.needs and not getattr(check, "probe_look", None):
            result = await run_check(build(check, settings.checks), checking.context(now))
            found.append(Tried(check.name, result.error, result.figures.get("rows")))
    return found


async def _looks(checking: Checking, settings: Settings) -> AsyncIterator[Seen]:
    context = checking.context(datetime.now(UTC))
    for look, declared in settings.shop.looks.items():
        if "{{" in declared.url or declared.method != "GET":
            continue  # it needs an incident's figures, or does something
        try:
            await context.look(look, {})
            yield Seen(f"look {look}: answers")
        except LookFailed as error:
            yield Seen(f"look {look}: {error.code}", wrong=True)
