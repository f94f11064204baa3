"""The app's configuration, read from a Slack app manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.slack.errors import Json
from sandbox.slack.manifest import EVENT_SCOPES, problems

ALL_BOT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "bookmarks:read",
        "bookmarks:write",
        "channels:history",
        "channels:join",
        "channels:manage",
        "channels:read",
        "chat:write",
        "chat:write.customize",
        "chat:write.public",
        "commands",
        "dnd:read",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "groups:write",
        "im:history",
        "im:read",
        "im:write",
        "metadata.message:read",
        "mpim:history",
        "mpim:read",
        "mpim:write",
        "pins:read",
        "pins:write",
        "reactions:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)
ALL_EVENTS = frozenset(EVENT_SCOPES)


class ManifestError(ValueError):
    """The manifest cannot be used; the message names the place."""


@dataclass(frozen=True)
class Command:
    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class Shortcut:
    name: str
    type: str  # "message" | "global"
    callback_id: str
    description: str = ""


@dataclass(frozen=True)
class AppConfig:
    """What the workspace knows about the app."""

    name: str = "Muster"
    scopes: frozenset[str] = ALL_BOT_SCOPES
    events: frozenset[str] = ALL_EVENTS
    commands: tuple[Command, ...] = field(
        default=(
            Command("/incident", "Declare, list and show incidents", "[what happened]"),
            Command("/order", "Look up an order", "[number]"),
            Command("/complaint", "Record a complaint", "[order]"),
        )
    )
    shortcuts: tuple[Shortcut, ...] = ()
    socket_mode: bool = True
    home_tab: bool = True
    messages_tab: bool = True
    messages_read_only: bool = False  # people cannot write to the app
    request_url: str | None = None  # HTTP mode: events
    interactivity_url: str | None = None
    options_url: str | None = None
    interactivity: bool = True

    @classmethod
    def read(cls, path: Path) -> AppConfig:
        text = path.read_text(encoding="utf-8")
        try:
            manifest = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:
            raise ManifestError(f"{path.name} is no valid manifest: {error}") from error
        return cls.from_manifest(manifest)

    @classmethod
    def from_manifest(cls, manifest: Any) -> AppConfig:
        """Raises ManifestError when a part that the sandbox needs is missing or misspelt."""
        if not isinstance(manifest, Mapping):
            raise ManifestError("the manifest must be an object")
        features = _part(manifest, "features")
        settings = _part(manifest, "settings")
        interactivity = _part(settings, "interactivity")
        events = _part(settings, "event_subscriptions")
        home = _part(features, "app_home")
        scopes = _part(_part(manifest, "oauth_config"), "scopes")
        name = _part(manifest, "display_information").get("name")
        if not isinstance(name, str) or not name:
            raise ManifestError("display_information.name is missing")
        granted = frozenset([*scopes.get("bot", ()), *scopes.get("bot_optional", ())])
        unknown = granted - ALL_BOT_SCOPES
        found = [
            *(f"the scope {scope} is unknown to the sandbox" for scope in sorted(unknown)),
            *problems(manifest, granted),
        ]
        if found:
            raise ManifestError("; ".join(found))
        return cls(
            name=_part(features, "bot_user").get("display_name", name),
            scopes=granted,
            events=frozenset(events.get("bot_events", ())),
            commands=tuple(_command(item) for item in features.get("slash_commands", ())),
            shortcuts=tuple(_shortcut(item) for item in features.get("shortcuts", ())),
            socket_mode=bool(settings.get("socket_mode_enabled", False)),
            home_tab=bool(home.get("home_tab_enabled", False)),
            messages_tab=bool(home.get("messages_tab_enabled", False)),
            messages_read_only=bool(home.get("messages_tab_read_only_enabled", False)),
            request_url=events.get("request_url"),
            interactivity_url=interactivity.get("request_url"),
            options_url=interactivity.get("message_menu_options_url"),
            interactivity=bool(interactivity.get("is_enabled", False)),
        )

    def hand(self) -> Json:
        """What the page needs of it."""
        return {
            "name": self.name,
            "commands": [
                {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
                for c in self.commands
            ],
            "shortcuts": [
                {
                    "name": s.name,
                    "type": s.type,
                    "callback_id": s.callback_id,
                    "description": s.description,
                }
                for s in self.shortcuts
            ],
            "home_tab": self.home_tab,
            "messages_tab": self.messages_tab,
            "messages_read_only": self.messages_read_only,
        }


def _part(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = parent.get(name, {})
    if not isinstance(part, Mapping):
        raise ManifestError(f"{name} must be an object")
    return part


def _command(item: Mapping[str, Any]) -> Command:
    command = str(item.get("command", ""))
    if not command.startswith("/") or " " in command or command != command.lower():
        raise ManifestError(f"features.slash_commands: “{command}” is no command name")
    return Command(
        command,
        str(item.get("description", "")),
        str(item.get("usage_hint", "")),
        bool(item.get("should_escape", False)),
    )


def _shortcut(item: Mapping[str, Any]) -> Shortcut:
    kind, callback_id = str(item.get("type", "")), str(item.get("callback_id", ""))
    if kind not in ("message", "global") or not callback_id:
        raise ManifestError(f"features.shortcuts: “{item.get('name')}” needs type and callback_id")
    return Shortcut(str(item.get("name", "")), kind, callback_id, str(item.get("description", "")))
