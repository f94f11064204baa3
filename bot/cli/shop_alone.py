"""Shop alone: settings of a database and its mapping, to look before anything else is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.cli.errors import UserError
from bot.cli.options import config_option, settings_of
from bot.settings import Settings, mapping_of, parse_settings
from bot.settings_errors import SettingsError
from bot.settings_file import read_data
from checks.kinds.amount_mismatch import AmountMismatchSettings

F = TypeVar("F", bound=Callable[..., Any])

# Nothing is posted and nobody is rung by a look: these stand where the bot would need its own.
_NOBODY: Mapping[str, Any] = {
    "slack": {"channels": {"incidents": {"id": "C0NOWHERE"}}},
    "roles": {"oncall": {"people": ["U0NOBODY"]}},
}
_AMOUNTS = {"name": "amounts", "kind": "amount_mismatch"}


def looking_options(function: F) -> F:
    """`--config FILE`, or `--mapping FILE` with `--shop URL`: what is looked at."""
    for option in (
        click.option("--currency", help="The shop's, where --mapping says none."),
        click.option("--shop", "shop", metavar="URL", help="The shop's database."),
        click.option(
            "--mapping",
            type=click.Path(path_type=Path, dir_okay=False),
            help="What `muster shop inspect` prints: no other settings are needed.",
        ),
        config_option,
    ):
        function = option(function)
    return function


def looking_settings(
    config: Path, mapping: Path | None, shop: str | None, currency: str | None
) -> Settings:
    """The settings by which it is looked. UserError for what cannot be read."""
    if mapping is None and shop is None and currency is None:
        return settings_of(config)
    if mapping is None:
        raise UserError("--shop and --currency belong to --mapping: name the mapping's file.")
    try:
        return _alone(read_data(mapping), mapping.name, shop, currency)
    except SettingsError as error:
        raise UserError(*error.problems) from None


def next_steps(mapping: Mapping[str, Any], url: str) -> Iterator[str]:
    """What follows a proposal, as comments below it: which checks look by it, and the commands."""
    if not mapping:
        return
    with suppress(SettingsError):
        settings = _alone(mapping, "", url, "EUR")
        ready = [check.name for check in settings.checks]
        yield f"# Checks that can look by this mapping: {', '.join(ready) or 'none yet'}."
        for why in dict.fromkeys(settings.off.values()):
            names = ", ".join(name for name, other in settings.off.items() if other == why)
            yield f"#   off: {names}; {why}"
    yield "# Next, with this in shop.yaml and what is open answered:"
    yield '#   muster shop verify --mapping shop.yaml --shop "$URL"'
    yield '#   muster check --mapping shop.yaml --shop "$URL"'


def _alone(data: Mapping[str, Any], source: str, url: str | None, currency: str | None) -> Settings:
    whole = dict(data) if "shop" in data else {"shop": {"mapping": dict(data)}}
    given = whole["shop"] if isinstance(whole["shop"], Mapping) else {}
    more = {"database_url": url, "currency": currency}
    made = {"name": "shop", **given, **{k: v for k, v in more.items() if v is not None}}
    if "currency" not in made:
        raise UserError(f"{source} says no currency of the shop: say it with --currency.")
    settings = parse_settings({**_NOBODY, **whole, "shop": made}, source=source)
    amounts = AmountMismatchSettings(**_AMOUNTS)  # type: ignore[arg-type]
    mapping = mapping_of(settings)
    beside = {e: f for e, f in amounts.needs_beside.items() if e in mapping.entities}
    if "checks" in whole or mapping.lacks({**amounts.needs, **beside}):
        return settings
    return parse_settings({**_NOBODY, **whole, "shop": made, "checks": [_AMOUNTS]}, source=source)
