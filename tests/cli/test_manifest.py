"""The manifest has every command, shortcut, event and scope that the code uses, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.cli.manifest import manifest_of, manifest_text
from handlers import register_all
from handlers.registry import Registry
from sandbox.slack.config import AppConfig, ManifestError
from sandbox.slack.methods.registry import METHODS

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load(manifest_text())
# What Slack asks beyond the methods' own scopes: the commands themselves, posting to public
# channels without joining first, and by the kind of conversation that is looked at.
BESIDE = {
    "commands",
    "chat:write.public",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:history",
}


def registry() -> Registry:
    found = Registry()
    register_all(found)
    return found


def test_commands_shortcuts_and_events_are_those_of_the_code() -> None:
    """What the manifest offers is handled, and what is handled is offered."""
    handled = registry()
    features = MANIFEST["features"]
    assert {c["command"].lstrip("/") for c in features["slash_commands"]} == handled.names(
        "command"
    )
    assert {s["callback_id"] for s in features["shortcuts"]} == handled.names("shortcut")
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert set(events) == handled.names("event")


def test_in_http_mode_it_has_every_address_that_slack_asks_for() -> None:
    """Slack: each command, the events and the interactions; without one it refuses the manifest."""
    made = manifest_of({"order": "/auftrag"}, "https://muster.example")
    assert str(made).count("https://muster.example/slack/events") == 5
    taken = AppConfig.from_manifest(made)
    assert [one.command for one in taken.commands] == ["/incident", "/complaint", "/auftrag"]
    bare = manifest_of({})
    bare["settings"]["socket_mode_enabled"] = False
    with pytest.raises(ManifestError, match="slash_commands /incident needs an https url"):
        AppConfig.from_manifest(bare)


def methods_used() -> set[str]:
    """Every Web API method that the product's code names."""
    used = set()
    for folder in ("bot", "handlers"):
        for source in (ROOT / folder).rglob("*.py"):
            text = source.read_text(encoding="utf-8")
            used |= {
                name for name in re.findall(r'"([a-z]+\.[a-zA-Z.]+)"', text) if name in METHODS
            }
            used |= {
                m.replace("_", ".", 1) for m in re.findall(r"client\.([a-z]+_[a-z_]+)\(", text)
            }
    return used & set(METHODS)


def test_scopes_are_those_of_the_methods() -> None:
    """No method without its scope, no scope without a use."""
    granted = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    useful: set[str] = set(BESIDE)
    for name in methods_used():
        needs = set(METHODS[name].scopes)
        if needs and METHODS[name].token == "bot":
            assert needs & granted, (name, needs)
            useful |= needs
    events = {"reaction_added": "reactions:read", "app_home_opened": None}
    useful |= {s for e, s in events.items() if s}
    assert granted <= useful, granted - useful
