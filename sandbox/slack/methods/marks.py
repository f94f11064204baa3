"""Marks: reactions.*, pins.*, bookmarks.*"""

from __future__ import annotations

import re
import secrets

from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.registry import Call, method
from sandbox.slack.reactions import react, unreact
from sandbox.slack.state import Channel, Message

_EMOJI = re.compile(r"[a-z0-9_+'\-一-鿿]+(::skin-tone-[2-6])?")


def _target(call: Call, ts: str = "timestamp") -> tuple[Channel, Message]:
    channel = call.live_channel()
    return channel, call.world.message(channel, call[ts])


def _emoji(call: Call) -> str:
    name = str(call["name"]).strip(":")
    if not _EMOJI.fullmatch(name):
        raise Refused("invalid_name")
    return name


@method("reactions.add", "channel! timestamp! name!", scopes=["reactions:write"], tier=3)
def add_reaction(call: Call) -> Json:
    channel, message = _target(call)
    react(call.world, channel, message, call.user, _emoji(call))
    return {}


@method("reactions.remove", "channel! timestamp! name!", scopes=["reactions:write"], tier=2)
def remove_reaction(call: Call) -> Json:
    channel, message = _target(call)
    unreact(call.world, channel, message, call.user, _emoji(call))
    return {}


@method("reactions.get", "channel! timestamp! full:boolean", scopes=["reactions:read"], tier=3)
def get_reactions(call: Call) -> Json:
    channel, message = _target(call)
    return {
        "type": "message",
        "channel": channel.id,
        "message": message.to_api(call.world.base_url),
    }


@method("pins.add", "channel! timestamp!", scopes=["pins:write"], tier=2)
def add_pin(call: Call) -> Json:
    channel, message = _target(call)
    if message.pinned:
        raise Refused("already_pinned")
    message.pinned = True
    channel.pins[message.ts] = int(call.world.clock.now())
    _pin_event(call, channel, message, "pin_added")
    return {}


@method("pins.remove", "channel! timestamp!", scopes=["pins:write"], tier=2)
def remove_pin(call: Call) -> Json:
    channel, message = _target(call)
    if not message.pinned:
        raise Refused("no_pin")
    message.pinned = False
    del channel.pins[message.ts]
    _pin_event(call, channel, message, "pin_removed")
    return {}


def _pin_event(call: Call, channel: Channel, message: Message, kind: str) -> None:
    world = call.world
    world.live.tell(
        world.audience(channel),
        {
            "type": "update",
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
            "user": call.user,
            "channel_id": channel.id,
            "item": {
                "type": "message",
                "channel": channel.id,
                "message": message.to_api(world.base_url),
            },
            "event_ts": world.clock.ts(),
        },
    )


@method("pins.list", "channel!", scopes=["pins:read"], tier=2)
def pins(call: Call) -> Json:
    channel = call.member_channel()
    return {
        "items": [
            {
                "type": "message",
                "channel": channel.id,
                "created": created,
                "created_by": call.user,
                "message": channel.messages[ts].to_api(call.world.base_url),
            }
            for ts, created in channel.pins.items()
        ]
    }


@method(
    "bookmarks.add",
    "channel_id! title! type! link emoji entity_id parent_id access_level",
    scopes=["bookmarks:write"],
    tier=2,
)
def add_bookmark(call: Call) -> Json:
    channel = call.live_channel("channel_id")
    if call["type"] != "link":
        raise Refused("invalid_bookmark_type")
    _check_link(call.get("link"))
    if len(channel.bookmarks) >= 100:
        raise Refused("too_many_bookmarks")
    now = int(call.world.clock.now())
    bookmark = {
        "id": f"Bk{secrets.token_hex(5).upper()}",
        "channel_id": channel.id,
        "title": call["title"],
        "link": call["link"],
        "emoji": call.get("emoji") or "",
        "type": "link",
        "date_created": now,
        "date_updated": now,
        "rank": "a",
        "last_updated_by_user_id": call.user,
        "app_id": None,
        "icon_url": None,
    }
    channel.bookmarks[str(bookmark["id"])] = bookmark
    call.world.live.everyone({"type": "channel", "channel": channel.id})
    return {"bookmark": bookmark}


def _check_link(link: str | None) -> None:
    if not link or not link.startswith(("http://", "https://")):
        raise Refused("invalid_link")


def _bookmark(call: Call) -> tuple[Channel, Json]:
    channel = call.live_channel("channel_id")
    bookmark = channel.bookmarks.get(call["bookmark_id"])
    if bookmark is None:
        raise Refused("not_found")
    return channel, bookmark


@method(
    "bookmarks.edit",
    "channel_id! bookmark_id! title link emoji",
    tier=2,
    scopes=["bookmarks:write"],
)
def edit_bookmark(call: Call) -> Json:
    _, bookmark = _bookmark(call)
    if "link" in call.args:
        _check_link(call["link"])
    bookmark |= {k: call[k] for k in ("title", "link", "emoji") if k in call.args}
    bookmark["date_updated"] = int(call.world.clock.now())
    return {"bookmark": bookmark}


@method(
    "bookmarks.remove",
    "channel_id! bookmark_id! quip_section_id",
    tier=2,
    scopes=["bookmarks:write"],
)
def remove_bookmark(call: Call) -> Json:
    channel, bookmark = _bookmark(call)
    del channel.bookmarks[bookmark["id"]]
    return {}


@method("bookmarks.list", "channel_id!", scopes=["bookmarks:read"], tier=3)
def bookmarks(call: Call) -> Json:
    return {"bookmarks": list(call.member_channel("channel_id").bookmarks.values())}
