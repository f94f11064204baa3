"""`muster manifest`: the Slack app manifest, with the configured command names and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import click
import yaml

from bot.cli.errors import UserError
from bot.cli.options import config_option, settings_of
from bot.intake.http import PATH
from plan.command_names import CommandNames


@click.command("manifest")
@config_option
def command(config: Path) -> None:
    """Print the manifest to paste at api.slack.com/apps."""
    if not config.exists():
        text = manifest_text()
        click.echo(text, nl=False)
        return
    settings = settings_of(config)
    url = None
    if settings.slack.mode == "http":
        if settings.web.public_url is None:
            raise UserError(
                "web.public_url is missing: in HTTP mode Slack must know where Muster is reached; "
                "add it, like https://muster.example."
            )
        url = settings.web.public_url
    data = manifest_of(settings.slack.commands, url)
    click.echo(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), nl=False)


def manifest_of(commands: Mapping[str, str], public_url: str | None = None) -> dict[str, Any]:
    """The manifest of a workspace. `public_url`: where others reach Muster; None: Socket Mode.

    Slack asks for the address of every command, of the events and of the interactions.
    """
    data: dict[str, Any] = yaml.safe_load(manifest_text())
    url = None if public_url is None else public_url.rstrip("/") + PATH
    shown = CommandNames(commands).shown
    for slash in data["features"]["slash_commands"]:
        slash["command"] = shown[slash["command"].lstrip("/")]
    settings = data["settings"]
    settings["socket_mode_enabled"] = url is None
    if url is not None:
        for part in (
            *data["features"]["slash_commands"],
            settings["event_subscriptions"],
            settings["interactivity"],
        ):
            part["url" if "command" in part else "request_url"] = url
    return data


def manifest_text() -> str:
    """The manifest as it stands in the repository (and in the wheel, beside this module)."""
    beside = Path(__file__).resolve().parents[2] / "manifest.yml"
    if beside.exists():
        return beside.read_text(encoding="utf-8")
    return resources.files("bot.cli").joinpath("manifest.yml").read_text(encoding="utf-8")
