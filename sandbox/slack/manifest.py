"""Manifest: what Slack refuses in an app manifest, missing scopes, names that are too long,
doubles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

EVENT_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "channel_archive": ("channels:read",),
    "channel_created": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "dnd_updated_user": ("dnd:read",),
    "file_shared": ("files:read",),
    "group_archive": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "message_metadata_posted": ("metadata.message:read",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
    "user_change": ("users:read",),
}
_LENGTHS: Final = {
    ("display_information", "name"): 35,
    ("display_information", "description"): 140,
    ("display_information", "long_description"): 4000,
}
_SHORTCUT_NAME: Final = 24
_SHORTCUTS: Final = 10
_COMMAND: Final = 32
_COMMANDS: Final = 50
_LONG_DESCRIPTION_LEAST: Final = 174


def problems(manifest: Mapping[str, Any], scopes: frozenset[str]) -> Iterator[str]:
    """One sentence for each fault. The form of the parts is known to be right."""
    for (part, name), longest in _LENGTHS.items():
        value = str(manifest.get(part, {}).get(name, ""))
        if len(value) > longest:
            yield f"{part}.{name} has {len(value)} characters, at most {longest} are allowed"
    long_description = manifest.get("display_information", {}).get("long_description")
    if long_description and len(long_description) < _LONG_DESCRIPTION_LEAST:
        yield (
            "display_information.long_description needs at least "
            f"{_LONG_DESCRIPTION_LEAST} characters"
        )
    features = manifest.get("features", {})
    commands = [str(item.get("command")) for item in features.get("slash_commands", ())]
    shortcuts = list(features.get("shortcuts", ()))
    yield from _commands(commands)
    yield from _shortcuts(shortcuts)
    if (commands or shortcuts) and "commands" not in scopes:
        yield "commands and shortcuts need the scope commands"
    yield from _events(manifest, scopes)
    yield from _addresses(manifest)
    if features.get("bot_user") is None and scopes:
        yield "bot scopes need features.bot_user"


def _commands(commands: list[str]) -> Iterator[str]:
    yield from (f"the command {name} is named twice" for name in _doubles(commands))
    yield from (
        f"the command {name} is longer than {_COMMAND} characters"
        for name in commands
        if len(name) > _COMMAND
    )
    if len(commands) > _COMMANDS:
        yield f"at most {_COMMANDS} commands are allowed"


def _shortcuts(shortcuts: list[Mapping[str, Any]]) -> Iterator[str]:
    ids = [str(item.get("callback_id")) for item in shortcuts]
    yield from (f"the shortcut {name} is named twice" for name in _doubles(ids))
    for item in shortcuts:
        if len(str(item.get("name", ""))) > _SHORTCUT_NAME:
            yield f"the shortcut “{item['name']}” is longer than {_SHORTCUT_NAME} characters"
        if not item.get("description"):
            yield f"the shortcut “{item.get('name')}” needs a description"
    if len(shortcuts) > _SHORTCUTS:
        yield f"at most {_SHORTCUTS} shortcuts are allowed"


def _events(manifest: Mapping[str, Any], scopes: frozenset[str]) -> Iterator[str]:
    settings = manifest.get("settings", {})
    for event in settings.get("event_subscriptions", {}).get("bot_events", ()):
        needed = EVENT_SCOPES.get(event)
        if needed is None:
            yield f"settings.event_subscriptions: {event} is no event that the sandbox knows"
        elif needed and not scopes.intersection(needed):
            yield f"the event {event} needs the scope {' or '.join(needed)}"


def _addresses(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Without Socket Mode Slack sends each kind of request to an address of its own."""
    settings = manifest.get("settings", {})
    if settings.get("socket_mode_enabled"):
        return
    parts = [
        (f"features.slash_commands {item.get('command')}", "url", item)
        for item in manifest.get("features", {}).get("slash_commands", ())
    ]
    for name, when in (("event_subscriptions", "bot_events"), ("interactivity", "is_enabled")):
        if settings.get(name, {}).get(when):
            parts.append((f"settings.{name}", "request_url", settings[name]))
    for place, key, part in parts:
        if not str(part.get(key, "")).startswith(("https://", "http://127.0.0.1:")):
            yield f"{place} needs an https {key} where socket_mode_enabled is false"


def _doubles(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
