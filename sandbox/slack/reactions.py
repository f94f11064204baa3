"""Reactions, by the app or by a person."""

from __future__ import annotations

from sandbox.slack.errors import Refused
from sandbox.slack.state import Channel, Message
from sandbox.slack.world import World


def react(world: World, channel: Channel, message: Message, user: str, name: str) -> None:
    users = message.reactions.setdefault(name, [])
    if user in users:
        raise Refused("already_reacted")
    users.append(user)
    _tell(world, channel, message, user, name, "reaction_added")


def unreact(world: World, channel: Channel, message: Message, user: str, name: str) -> None:
    users = message.reactions.get(name, [])
    if user not in users:
        raise Refused("no_reaction")
    users.remove(user)
    if not users:
        del message.reactions[name]
    _tell(world, channel, message, user, name, "reaction_removed")


def _tell(
    world: World, channel: Channel, message: Message, user: str, name: str, kind: str
) -> None:
    world.live.tell(
        world.audience(channel),
        {
            "type": "reaction",
            "channel": channel.id,
            "ts": message.ts,
            "thread_ts": message.thread_ts,
            "message": world.shown(message),
        },
    )
    world.event(
        channel,
        {
            "type": kind,
            "user": user,
            "reaction": name,
            "item_user": message.user,
            "item": {"type": "message", "channel": channel.id, "ts": message.ts},
            "event_ts": world.clock.ts(),
        },
    )
