"""The tester's side: faults, deliveries, the clock, the log."""

from __future__ import annotations

import secrets
from dataclasses import asdict

from sandbox.slack import cast
from sandbox.slack.channel_names import check_name
from sandbox.slack.errors import Json, Refused
from sandbox.slack.faults import KINDS
from sandbox.slack.state import Channel
from sandbox.slack.world import World


def add_fault(world: World, wish: Json) -> Json:
    fault = world.faults.add(wish)
    if fault.method == "socket" and fault.kind == "dead_socket":
        world.sockets.kill()
    if fault.method == "socket" and fault.kind == "down":
        world.sockets.drop()
    return {"id": fault.id, "fault": asdict(fault)}


def burst(world: World, wish: Json) -> Json:
    """The next `n` calls of a method are answered 429."""
    return add_fault(
        world,
        {
            "method": wish.get("method", "chat.postMessage"),
            "kind": "rate_limited",
            "times": int(wish.get("n", 5)),
            "retry_after": wish.get("retry_after", 1),
        },
    )


def faults(world: World) -> Json:
    return {"faults": world.faults.list(), "kinds": dict(KINDS)}


def remove_fault(world: World, fault_id: str | None) -> Json:
    world.faults.remove(fault_id)
    return {}


def delivery(world: World, wish: Json) -> Json:
    world.dispatcher.add_rule(wish)
    return {}


async def socket(world: World, wish: Json) -> Json:
    if wish.get("do") == "disconnect":
        await world.sockets.disconnect(
            str(wish.get("reason", "refresh_requested")), one=bool(wish.get("one"))
        )
    elif wish.get("do") == "cut":
        world.sockets.drop()
    else:
        raise Refused("invalid_arguments", messages=["do must be disconnect or cut"])
    return {"connections": len(world.sockets)}


def event(world: World, wish: Json) -> Json:
    """Any event, as it is; `event_id` to repeat one."""
    body = wish.get("event")
    if not isinstance(body, dict) or not body.get("type"):
        raise Refused("invalid_arguments", messages=["event must be an object with a type"])
    return {"event_id": world.send_event(body, wish.get("event_id"))}


def options(world: World, wish: Json) -> Json:
    unknown = set(wish) - {"latency", "rate_limits", "ack_seconds", "ack_lag", "share_lag"}
    if unknown:
        raise Refused("invalid_arguments", messages=[f"unknown field: {', '.join(unknown)}"])
    if "latency" in wish:
        world.latency = float(wish["latency"])
    world.ack_lag = float(wish.get("ack_lag", world.ack_lag))
    world.share_lag = float(wish.get("share_lag", world.share_lag))
    if "rate_limits" in wish:
        world.rates.on = bool(wish["rate_limits"])
    if "ack_seconds" in wish:
        world.patience.seconds = float(wish["ack_seconds"])
    return {
        "latency": world.latency,
        "ack_seconds": world.patience.seconds,
        "ack_lag": world.ack_lag,
        "share_lag": world.share_lag,
        "rate_limits": world.rates.on,
        "connections": len(world.sockets),
    }


def clock(world: World, wish: Json) -> Json:
    seconds = float(wish.get("advance", 0))
    if seconds < 0:
        raise Refused("invalid_arguments", messages=["the clock only moves forward"])
    return {"now": world.clock.advance(seconds)}


def make_channel(world: World, wish: Json) -> Json:
    """A public channel that a manager makes, with all people in it; the app joins by itself."""
    if unknown := set(wish) - {"name"}:
        raise Refused("invalid_arguments", messages=[f"unknown field: {', '.join(unknown)}"])
    name = str(wish.get("name") or "")
    check_name(world.workspace, name)
    channel = Channel(
        f"C0{secrets.token_hex(4).upper()}",
        name,
        int(world.clock.now()),
        creator="U0JO",
        members=dict.fromkeys(cast.EVERYONE),
    )
    world.workspace.channels[channel.id] = channel
    world.live.everyone({"type": "channel", "channel": channel.id})
    world.event(
        None,
        {
            "type": "channel_created",
            "channel": {
                "id": channel.id,
                "name": name,
                "created": channel.created,
                "creator": channel.creator,
            },
            "event_ts": world.clock.ts(),
        },
    )
    return {"id": channel.id, "name": name}


def set_channel(world: World, wish: Json) -> Json:
    """Archives, renames or shares a channel, makes it private, or lets people and the app in and
    out: what a manager could do."""
    channel = world.channel(wish.get("id"))
    unknown = set(wish) - {"id", "archived", "add", "remove", "name", "private", "shared"}
    if unknown:
        raise Refused("invalid_arguments", messages=[f"unknown field: {', '.join(unknown)}"])
    for user in wish.get("add", ()):
        world.enter(channel, str(user))
    for user in wish.get("remove", ()):
        channel.members.pop(str(user), None)
        world.event(
            channel,
            {
                "type": "member_left_channel",
                "user": user,
                "channel": channel.id,
                "event_ts": world.clock.ts(),
            },
        )
    if "name" in wish:
        check_name(world.workspace, str(wish["name"]))
        channel.name = str(wish["name"])
    channel.is_private = bool(wish.get("private", channel.is_private))
    shared = wish.get("shared", channel.is_ext_shared)  # "pending": they have been invited
    channel.is_ext_shared = shared is True
    channel.is_pending_ext_shared = shared == "pending" or (
        "shared" not in wish and channel.is_pending_ext_shared
    )
    if "archived" in wish:
        channel.is_archived = bool(wish["archived"])
        of = "group" if channel.is_private else "channel"
        kind = f"{of}_archive" if channel.is_archived else f"{of}_unarchive"
        world.event(
            channel,
            {"type": kind, "channel": channel.id, "user": "U0JO", "event_ts": world.clock.ts()},
        )
    world.live.everyone({"type": "channel", "channel": channel.id})
    return {"members": list(channel.members), "archived": channel.is_archived}


def set_group(world: World, wish: Json) -> Json:
    """Who belongs to a user group."""
    group = world.workspace.groups.get(str(wish.get("id")))
    if group is None:
        raise Refused("no_such_subteam")
    users = list(wish.get("users") or ())
    if any(user not in world.workspace.people for user in users):
        raise Refused("user_not_found")
    group.users = users
    world.event(
        None,
        {"type": "subteam_members_changed", "subteam_id": group.id, "event_ts": world.clock.ts()},
    )
    world.live.everyone({"type": "people"})
    return {"users": users}


def set_guide(world: World, wish: Json) -> Json:
    """What the page offers to try; whoever starts the sandbox knows."""
    world.guide = wish
    world.live.everyone({"type": "guide"})
    return {}
