"""conversations.*: channels and what stands in them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sandbox.slack.channel_names import check_name
from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.registry import Call, method
from sandbox.slack.state import Channel, Message, span
from sandbox.slack.world import channel_type

_READ = {"channel": "channels:read", "group": "groups:read", "im": "im:read", "mpim": "mpim:read"}
_HISTORY = {
    "channel": "channels:history",
    "group": "groups:history",
    "im": "im:history",
    "mpim": "mpim:history",
}
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def readable(call: Call) -> Channel:
    channel = call.channel()
    call.need(_READ[channel_type(channel)])
    return channel


def _history_channel(call: Call) -> Channel:
    channel = call.channel()
    call.need(_HISTORY[channel_type(channel)])
    if call.user not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _managed(call: Call) -> Channel:
    """A channel that the app may change."""
    channel = call.live_channel()
    if channel.is_im:
        raise Refused("method_not_supported_for_channel_type")
    call.need("groups:write" if channel.is_private else "channels:manage")
    return channel


@method(
    "conversations.list",
    "types:list exclude_archived:boolean limit:integer cursor",
    tier=2,
    scopes=["channels:read", "groups:read", "im:read", "mpim:read"],
)
def list_(call: Call) -> Json:
    return _listed(call, call.get("types"), members_only=False)


@method(
    "users.conversations",
    "user types:list exclude_archived:boolean limit:integer cursor",
    tier=3,
    scopes=["channels:read", "groups:read", "im:read", "mpim:read"],
)
def of_user(call: Call) -> Json:
    return _listed(call, call.get("types"), members_only=True)


def _listed(call: Call, types: Iterable[str] | None, *, members_only: bool) -> Json:
    wanted = list(types or ["public_channel"])
    if any(name not in _TYPES for name in wanted):
        raise Refused("invalid_types")
    kinds = {_TYPES[name] for name in wanted}
    for kind in kinds:
        call.need(_READ[kind])
    user = call.get("user") or call.user
    channels = [
        channel.to_api(viewer=call.user, count_members=True)
        for channel in call.world.workspace.channels.values()
        if channel_type(channel) in kinds
        and call.world.sees(call.user, channel)
        and not (call.get("exclude_archived") and channel.is_archived)
        and (not members_only or user in channel.members)
    ]
    page, metadata = call.page(channels)
    return {"channels": page, "response_metadata": metadata}


@method("conversations.info", "channel! include_locale:boolean include_num_members:boolean", tier=3)
def info(call: Call) -> Json:
    channel = readable(call)
    count = bool(call.get("include_num_members"))
    return {"channel": channel.to_api(viewer=call.user, count_members=count)}


@method("conversations.members", "channel! limit:integer cursor", tier=4)
def members(call: Call) -> Json:
    channel = readable(call)
    if channel.is_private and call.user not in channel.members:
        raise Refused("channel_not_found")
    page, metadata = call.page([{"id": user} for user in channel.members])
    return {"members": [item["id"] for item in page], "response_metadata": metadata}


@method("conversations.join", "channel!", scopes=["channels:join"], tier=3)
def join(call: Call) -> Json:
    channel = call.channel()
    if channel.is_private or channel.is_im or channel.is_mpim:
        raise Refused("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refused("is_archived")
    already = call.user in channel.members
    if not already:
        call.world.enter(channel, call.user)
    answer: Json = {"channel": channel.to_api(viewer=call.user)}
    if already:
        return {
            **answer,
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    return answer


@method("conversations.leave", "channel!", scopes=["channels:manage", "groups:write"], tier=3)
def leave(call: Call) -> Json:
    channel = call.channel()
    if channel.is_general:
        raise Refused("cant_leave_general")
    if call.user not in channel.members:
        return {"not_in_channel": True}
    del channel.members[call.user]
    call.world.live.everyone({"type": "channel", "channel": channel.id})
    return {}


@method(
    "conversations.open",
    "channel users:list return_im:boolean prevent_creation:boolean",
    tier=3,
    scopes=["im:write", "mpim:write"],
)
def open_(call: Call) -> Json:
    world = call.world
    if call.get("channel"):
        channel = call.channel()
        if not (channel.is_im or channel.is_mpim):
            raise Refused("method_not_supported_for_channel_type")
        return _opened(call, channel)
    users = call.get("users")
    if not users:
        raise Refused("users_list_not_supplied")
    if any(user not in world.workspace.people for user in users):
        raise Refused("user_not_found")
    if call.user in users and len(users) == 1:
        raise Refused("cannot_dm_bot")
    if any(world.workspace.people[user].deleted for user in users):
        raise Refused("user_disabled")
    if len(users) > 8:
        raise Refused("too_many_users")
    if len(users) == 1:
        call.need("im:write")
        return _opened(call, world.workspace.direct(users[0], int(world.clock.now())))
    call.need("mpim:write")
    return _opened(call, _group_direct(call, sorted({*users, call.user})))


def _opened(call: Call, channel: Channel) -> Json:
    full = channel.to_api(viewer=call.user)
    return {"channel": full if call.get("return_im") else {"id": channel.id}}


def _group_direct(call: Call, users: list[str]) -> Channel:
    world = call.world
    name = "mpdm-" + "--".join(world.workspace.people[user].name for user in users) + "-1"
    channel = world.workspace.named(name)
    if channel is None:
        channel = Channel(
            f"G0{secrets.token_hex(4).upper()}",
            name,
            int(world.clock.now()),
            is_mpim=True,
            members=dict.fromkeys(users),
        )
        world.workspace.channels[channel.id] = channel
    return channel


@method(
    "conversations.history",
    "channel! cursor latest oldest limit:integer inclusive:boolean include_all_metadata:boolean",
    tier=3,
)
def history(call: Call) -> Json:
    channel = _history_channel(call)
    first, last = channel.between(
        call.get("oldest"), call.get("latest"), inclusive=bool(call.get("inclusive"))
    )
    newest_first = channel.roots[first:last][::-1]
    page, metadata = call.page([{"ts": ts} for ts in newest_first], most=999)
    shown = [_shown(call, channel.messages[item["ts"]]) for item in page]
    return {
        "messages": shown,
        "has_more": bool(metadata["next_cursor"]),
        "pin_count": len(channel.pins),
        "response_metadata": metadata,
    }


@method(
    "conversations.replies",
    "channel! ts! cursor latest oldest limit:integer inclusive:boolean "
    "include_all_metadata:boolean",
    tier=3,
)
def replies(call: Call) -> Json:
    channel = _history_channel(call)
    root = channel.messages.get(call["ts"])
    if root is None:
        raise Refused("thread_not_found")
    first, last = span(
        root.replies, call.get("oldest"), call.get("latest"), inclusive=bool(call.get("inclusive"))
    )
    page, metadata = call.page([{"ts": ts} for ts in root.replies[first:last]], default=1000)
    shown = [_shown(call, channel.messages[item["ts"]]) for item in page]
    if not call.get("cursor"):  # Slack: the root comes first, whatever the bounds
        shown = [_shown(call, root), *shown]
    return {
        "messages": shown,
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


def _shown(call: Call, message: Message) -> Json:
    metadata = bool(call.get("include_all_metadata"))
    return message.to_api(call.world.base_url, metadata=metadata)


@method(
    "conversations.create",
    "name! is_private:boolean",
    tier=2,
    scopes=["channels:manage", "groups:write"],
)
def create(call: Call) -> Json:
    world, name = call.world, call["name"]
    private = bool(call.get("is_private"))
    call.need("groups:write" if private else "channels:manage")
    check_name(call.world.workspace, name)
    channel = Channel(
        f"C0{secrets.token_hex(4).upper()}",
        name,
        int(world.clock.now()),
        creator=call.user,
        is_private=private,
        members={call.user: None},
    )
    world.workspace.channels[channel.id] = channel
    world.live.everyone({"type": "channel", "channel": channel.id})
    return {"channel": channel.to_api(viewer=call.user)}


@method(
    "conversations.invite",
    "channel! users!:list force:boolean",
    tier=3,
    scopes=["channels:manage", "groups:write", "channels:write.invites"],
)
def invite(call: Call) -> Json:
    channel = _managed(call)
    users = call["users"]
    if any(user not in call.world.workspace.people for user in users):
        raise Refused("user_not_found")
    if call.user in users:
        raise Refused("cant_invite_self")
    if all(user in channel.members for user in users):
        raise Refused("already_in_channel")
    for user in users:
        if user not in channel.members:
            call.world.enter(channel, user)
    return {"channel": channel.to_api(viewer=call.user)}


@method("conversations.kick", "channel! user!", tier=3, scopes=["channels:manage", "groups:write"])
def kick(call: Call) -> Json:
    channel = _managed(call)
    if call["user"] == call.user:
        raise Refused("cant_kick_self")
    if call["user"] not in channel.members:
        raise Refused("not_in_channel")
    del channel.members[call["user"]]
    call.world.live.everyone({"type": "channel", "channel": channel.id})
    return {}


@method("conversations.archive", "channel!", tier=2, scopes=["channels:manage", "groups:write"])
def archive(call: Call) -> Json:
    channel = call.channel()
    if channel.is_archived:
        raise Refused("already_archived")
    channel = _managed(call)
    if channel.is_general:
        raise Refused("cant_archive_general")
    channel.is_archived = True
    _changed(call, channel, "channel_archive")
    return {}


@method("conversations.unarchive", "channel!", tier=2, scopes=["channels:manage", "groups:write"])
def unarchive(call: Call) -> Json:
    channel = call.channel()
    if not channel.is_archived:
        raise Refused("not_archived")
    channel.is_archived = False
    _changed(call, channel, "channel_unarchive")
    return {}


@method(
    "conversations.rename", "channel! name!", tier=2, scopes=["channels:manage", "groups:write"]
)
def rename(call: Call) -> Json:
    channel = _managed(call)
    check_name(call.world.workspace, call["name"])
    channel.name = call["name"]
    _changed(call, channel, "channel_rename")
    return {"channel": channel.to_api(viewer=call.user)}


@method(
    "conversations.setTopic", "channel! topic!", tier=2, scopes=["channels:manage", "groups:write"]
)
def set_topic(call: Call) -> Json:
    channel = _managed(call)
    if len(call["topic"]) > 250:
        raise Refused("too_long")
    channel.topic = call["topic"]
    _changed(call, channel, None)
    return {"channel": channel.to_api(viewer=call.user)}


@method(
    "conversations.setPurpose",
    "channel! purpose!",
    tier=2,
    scopes=["channels:manage", "groups:write"],
)
def set_purpose(call: Call) -> Json:
    channel = _managed(call)
    if len(call["purpose"]) > 250:
        raise Refused("too_long")
    channel.purpose = call["purpose"]
    _changed(call, channel, None)
    return {"channel": channel.to_api(viewer=call.user)}


def _changed(call: Call, channel: Channel, event: str | None) -> None:
    call.world.live.everyone({"type": "channel", "channel": channel.id})
    if event is not None:
        kind = event.replace("channel_", "group_") if channel.is_private else event
        call.world.event(
            channel,
            {
                "type": kind,
                "channel": channel.id,
                "user": call.user,
                "event_ts": call.world.clock.ts(),
            },
        )
