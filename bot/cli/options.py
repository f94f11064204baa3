"""Options and openings that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.cli.errors import UserError
from bot.settings import Secrets, Settings, load_secrets, load_settings
from bot.settings_errors import SettingsError
from storage.database import Database

F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    """`--config FILE`, muster.yaml here by default."""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("muster.yaml"),
        show_default=True,
        envvar="MUSTER_CONFIG",
        help="The configuration.",
    )(function)


def settings_of(config: Path) -> Settings:
    """The settings, or UserError."""
    try:
        return load_settings(config)
    except SettingsError as error:
        raise UserError(*error.problems) from None


def secrets_of(settings: Settings) -> Secrets:
    """The secrets of this process's environment, or UserError."""
    try:
        return load_secrets(os.environ, settings)
    except SettingsError as error:
        raise UserError(*error.problems) from None


def database_of(settings: Settings) -> Database:
    """Muster's own database, for commands that work beside a running bot."""
    secrets = secrets_of(settings)
    return Database.open(settings.database.url, key=secrets.key)
