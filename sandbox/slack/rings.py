"""Rings: who is rung by a message, what shows on a person's lock screen.

Slack: a direct message, a mention of the person, of one of their groups, of the channel, and a
reply in a thread that they follow. Edits, ephemeral messages and App Home ring nobody. With
blocks, the mention must stand in a block; in the top-level text alone it is no mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.slack.errors import Json
from sandbox.slack.state import Channel, Message, Workspace

_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")
_BROADCAST = re.compile(r"<!(here|channel|everyone)(?:\|[^>]*)?>")


@dataclass(frozen=True)
class Ring:
    time: float
    channel: str
    channel_name: str
    ts: str
    thread_ts: str | None
    text: str
    why: str  # "direct" | "mention" | "group" | "thread"
    sound: bool

    def to_json(self) -> Json:
        return asdict(self)


@dataclass
class Mentions:
    users: set[str]
    groups: set[str]
    broadcast: bool


def mentions_of(message: Message) -> Mentions:
    found = Mentions(set(), set(), False)
    if message.blocks:
        _in_blocks(message.blocks, found)
    else:
        _in_text(message.text, found)
    return found


def _in_text(text: str, found: Mentions) -> None:
    found.users.update(_USER.findall(text))
    found.groups.update(_GROUP.findall(text))
    found.broadcast = found.broadcast or _BROADCAST.search(text) is not None


def _in_blocks(value: Any, found: Mentions) -> None:
    if isinstance(value, list):
        for item in value:
            _in_blocks(item, found)
        return
    if not isinstance(value, dict):
        return
    kind, text = value.get("type"), value.get("text")
    if kind in ("mrkdwn", "markdown") and isinstance(text, str):
        _in_text(text, found)
    elif kind == "user":
        found.users.add(value["user_id"])
    elif kind == "usergroup":
        found.groups.add(value["usergroup_id"])
    elif kind == "broadcast":
        found.broadcast = True
    for item in value.values():
        if isinstance(item, dict | list):
            _in_blocks(item, found)


def follow(channel: Channel, message: Message, mentions: Mentions) -> None:
    """Whoever wrote or was mentioned in a thread follows it."""
    root = channel.messages.get(message.thread_ts or "", message)
    root.followers.update({message.user, root.user, *mentions.users})


def rung(
    workspace: Workspace, channel: Channel, message: Message, mentions: Mentions, now: float
) -> Iterator[tuple[str, Ring]]:
    """Every (person, ring) of a new message."""
    groups = {
        user
        for group in mentions.groups
        if group in workspace.groups
        for user in workspace.groups[group].users
    }
    root = channel.messages.get(message.thread_ts or "")
    following: Sequence[str] | set[str] = root.followers if root is not None else ()
    for user in channel.members:
        person = workspace.people.get(user)
        if person is None or person.is_bot or user == message.user:
            continue
        if channel.is_im or channel.is_mpim:
            why = "direct"
        elif user in mentions.users:
            why = "mention"
        elif user in groups or mentions.broadcast:
            why = "group"
        elif user in following:
            why = "thread"
        else:
            continue
        yield (
            user,
            Ring(
                now,
                channel.id,
                channel.name,
                message.ts,
                message.thread_ts,
                message.text,
                why,
                sound=not person.in_dnd(now),
            ),
        )
