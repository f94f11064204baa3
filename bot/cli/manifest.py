"""`muster manifest`: the Slack app manifest, with the configured command names."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click
import yaml

from bot.cli.options import config_option, settings_of


@click.command("manifest")
@config_option
def command(config: Path) -> None:
    """Print the manifest to paste at api.slack.com/apps."""
    text = manifest_text()
    if not config.exists():
        click.echo(text, nl=False)
        return
    settings = settings_of(config)
    data = yaml.safe_load(text)
    for slash in data["features"]["slash_commands"]:
        name = slash["command"].lstrip("/")
        slash["command"] = settings.slack.commands.get(name, slash["command"])
    data["settings"]["socket_mode_enabled"] = settings.slack.mode == "socket"
    click.echo(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), nl=False)


def manifest_text() -> str:
    """The manifest as it stands in the repository (and in the wheel, beside this module)."""
    beside = Path(__file__).resolve().parents[2] / "manifest.yml"
    if beside.exists():
        return beside.read_text(encoding="utf-8")
    return resources.files("bot.cli").joinpath("manifest.yml").read_text(encoding="utf-8")
