"""Words: what a person types, as Slack sends it on."""

from __future__ import annotations

import re

from sandbox.slack.state import Workspace

_TOKEN = re.compile(r"<(@[UW][A-Z0-9]+|#C[A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel|!everyone)>")
_NAME = re.compile(r"(?<![\w@/])@([\w.-]+)")
_PLACE = re.compile(r"(?<![\w#&])#([\w-]+)")


def typed_text(workspace: Workspace, text: str, *, names: bool = False) -> str:
    """`& < >` are escaped. What the composer put in as a mention (<@U…>) stays one, and so does
    @name of a person or group and @here, @channel; with `names`, mentions carry the name."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group(0))
        return f"\0{len(kept) - 1}\0"

    text = _TOKEN.sub(keep, text.replace("\0", ""))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _NAME.sub(lambda match: _mention(workspace, match, names=names), text)
    text = _PLACE.sub(lambda match: _channel(workspace, match, names=names), text)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match.group(1))], text)


def _mention(workspace: Workspace, match: re.Match[str], *, names: bool) -> str:
    name = match.group(1).lower()
    if name in ("here", "channel", "everyone"):
        return f"<!{name}>"
    for person in workspace.people.values():
        if person.name == name:
            return f"<@{person.id}|{name}>" if names else f"<@{person.id}>"
    for group in workspace.groups.values():
        if group.handle == name:
            return f"<!subteam^{group.id}>"
    return match.group(0)


def _channel(workspace: Workspace, match: re.Match[str], *, names: bool) -> str:
    channel = workspace.named(match.group(1))
    if channel is None:
        return match.group(0)
    return f"<#{channel.id}|{channel.name}>" if names else f"<#{channel.id}>"
