"""People's side of the workspace: what a person sees and does, as JSON over HTTP."""

from __future__ import annotations

import re

from sandbox.slack import cast, interactions
from sandbox.slack.errors import Json, Refused
from sandbox.slack.reactions import react, unreact
from sandbox.slack.state import Channel, File, Message, Person
from sandbox.slack.uploads import file_from_person
from sandbox.slack.words import typed_text
from sandbox.slack.world import World

_ZONE = "Asia/Taipei"
_PERSON_FIELDS = ("locale", "tz", "title", "real_name", "presence")


def workspace(world: World) -> Json:
    now = world.clock.now()
    return {
        "team": {"id": cast.TEAM_ID, "name": cast.TEAM_NAME, "domain": cast.TEAM_DOMAIN},
        "people": [
            {
                "id": p.id,
                "name": p.name,
                "real_name": p.real_name,
                "locale": p.locale,
                "tz": p.tz,
                "title": p.title,
                "is_bot": p.is_bot,
                "presence": p.presence,
                "guest": p.guest,
                "team": p.team,
                "dnd_until": p.dnd_until if p.in_dnd(now) else None,
            }
            for p in world.workspace.people.values()
        ],
        "channels": [_channel(channel) for channel in world.workspace.channels.values()],
        "groups": [
            {"id": g.id, "handle": g.handle, "name": g.name, "users": g.users}
            for g in world.workspace.groups.values()
        ],
        "app": {
            "id": cast.APP_ID,
            "bot_user_id": cast.BOT_USER,
            **world.config.hand(),
            "connections": len(world.sockets),
        },
        "time": now,
    }


def _channel(channel: Channel) -> Json:
    body: Json = {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_im": channel.is_im,
        "is_mpim": channel.is_mpim,
        "is_archived": channel.is_archived,
        "members": list(channel.members),
        "topic": channel.topic,
        "purpose": channel.purpose,
        "bookmarks": list(channel.bookmarks.values()),
        "pins": list(channel.pins),
    }
    if channel.is_im:
        body["im_user"] = channel.im_user
    return body


def channels(world: World, user: str) -> Json:
    person = interactions.person_of(world, user)
    return {
        "channels": [
            {
                **_channel(channel),
                "is_member": person.id in channel.members,
                "unread": channel.unread(person.id),
                "mentions": channel.mentions.get(person.id, 0),
                "last_read": channel.read.get(person.id),
                "latest": channel.roots[-1] if channel.roots else None,
            }
            for channel in world.workspace.channels.values()
            if channel.sees(person)
        ]
    }


def read(world: World, wish: Json) -> Json:
    person = interactions.person_of(world, wish.get("as"))
    channel = world.channel_for_person(person.id, wish.get("channel"))
    channel.read[person.id] = world.clock.ts()
    channel.mentions[person.id] = 0
    world.live.tell([person.id], {"type": "read", "channel": channel.id})
    return {}


def messages(world: World, user: str, channel_id: str, thread_ts: str | None, limit: int) -> Json:
    """Roots of a channel, or a thread with its root first; oldest first, the newest `limit`."""
    person = interactions.person_of(world, user)
    channel = world.channel_for_person(person.id, channel_id)
    own = list(channel.ephemerals.get(person.id, {}).values())
    if thread_ts is None:
        shown = [channel.messages[ts] for ts in channel.roots[-limit:]]
        own = [message for message in own if not message.thread_ts]
    else:
        root = world.message(channel, thread_ts)
        shown = [root, *(channel.messages[ts] for ts in root.replies[-limit:])]
        own = [message for message in own if message.thread_ts == thread_ts]
    if own and shown:  # an ephemeral message older than what is shown would stand alone
        oldest = shown[0].ts if thread_ts is None and len(channel.roots) > limit else ""
        own = [message for message in own if message.ts > oldest]
    return {"messages": [world.shown(m) for m in sorted([*shown, *own], key=lambda m: m.ts)]}


def join(world: World, wish: Json) -> Json:
    """Joins a public channel. Slack: a guest, or who is from outside, is let in by others."""
    person = interactions.person_of(world, wish.get("as"))
    channel = world.channel_for_person(person.id, wish.get("channel"))
    if channel.is_archived:
        raise Refused("is_archived")
    world.enter(channel, person.id)
    return {"members": list(channel.members)}


def say(world: World, wish: Json) -> Json:
    person = interactions.person_of(world, wish.get("as"))
    channel = world.channel_of_member(person.id, wish.get("channel"))
    if channel.is_archived:
        raise Refused("is_archived")
    if channel.is_im and (world.config.messages_read_only or not world.config.messages_tab):
        raise Refused(
            "restricted_action", messages=["Sending messages to this app has been turned off."]
        )
    text = typed_text(world.workspace, str(wish.get("text") or ""))
    files = [file_from_person(world, person.id, item) for item in wish.get("files") or []]
    if not text.strip() and not files:
        raise Refused("no_text")
    thread_ts = wish.get("thread_ts")
    if thread_ts is not None:
        world.message(channel, thread_ts)
    message = Message(
        world.clock.ts(), channel.id, person.id, text, thread_ts=thread_ts, files=files
    )
    for file in files:
        file.shares.append((channel.id, message.ts, thread_ts))
    world.post(channel, message)
    return {"ts": message.ts, "message": world.shown(message)}


def edit(world: World, wish: Json) -> Json:
    person = interactions.person_of(world, wish.get("as"))
    channel = world.channel_for_person(person.id, wish.get("channel"))
    message = world.message(channel, wish.get("ts"))
    if message.user != person.id:
        raise Refused("cant_update_message")
    if wish.get("delete"):
        world.remove(channel, message)
        return {}
    before = message.to_api(world.base_url)
    message.text = typed_text(world.workspace, str(wish.get("text") or ""))
    world.edit(channel, message, person.id, before)
    return {"message": world.shown(message)}


def react_(world: World, wish: Json) -> Json:
    person = interactions.person_of(world, wish.get("as"))
    channel = world.channel_of_member(person.id, wish.get("channel"))
    message = world.message(channel, wish.get("ts"))
    name = str(wish.get("name", "")).strip(":")
    (unreact if wish.get("remove") else react)(world, channel, message, person.id, name)
    return {}


def views(world: World, user: str) -> Json:
    person = interactions.person_of(world, user)
    return {"views": [view.to_api() for view in world.views.stack(person.id)]}


def home(world: World, user: str) -> Json:
    view = world.views.home(interactions.person_of(world, user).id)
    return {"view": view.to_api() if view else None}


def rings(world: World, user: str) -> Json:
    person = interactions.person_of(world, user)
    return {"rings": [ring.to_json() for ring in world.rings[person.id]]}


def set_person(world: World, wish: Json) -> Json:
    """Do Not Disturb until a time (`dnd_until`, seconds since the epoch, or null), language, …"""
    person = interactions.person_of(world, wish.get("id"))
    unknown = set(wish) - {"id", "dnd_until", "deleted", *_PERSON_FIELDS}
    if unknown:
        raise Refused("invalid_arguments", messages=[f"unknown field: {', '.join(unknown)}"])
    if "dnd_until" in wish:
        until = wish["dnd_until"]
        person.dnd_until = float(until) if until else None
        person.dnd_since = world.clock.now() if until else None
    person.deleted = bool(wish.get("deleted", person.deleted))
    for name in _PERSON_FIELDS:
        if name in wish:
            setattr(person, name, str(wish[name]))
    world.live.everyone({"type": "people", "id": person.id})
    world.event(
        None,
        {
            "type": "user_change",
            "user": person.to_api(locale=True, now=world.clock.now()),
            "event_ts": world.clock.ts(),
        },
    )
    return {}


def add_person(world: World, wish: Json) -> Json:
    """Somebody new: a colleague, a `guest` ("multi" or "single"), or of another `team`."""
    unknown = set(wish) - {"id", "name", "real_name", "guest", "team", "channels"}
    if unknown:
        raise Refused("invalid_arguments", messages=[f"unknown field: {', '.join(unknown)}"])
    id_, name = str(wish.get("id") or ""), str(wish.get("name") or "")
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", id_) or not name:
        raise Refused("invalid_arguments", messages=["id must be like U0ANN, and name be given"])
    if id_ in world.workspace.people:
        raise Refused("already_exists")
    if wish.get("guest", "") not in ("", "multi", "single"):
        raise Refused("invalid_arguments", messages=["guest must be multi or single"])
    person = Person(id_, name, str(wish.get("real_name") or name.title()), "", "en-US", _ZONE)
    person.guest, person.team = wish.get("guest", ""), str(wish.get("team") or cast.TEAM_ID)
    channels = [world.channel(channel) for channel in wish.get("channels") or ()]
    if person.guest == "single" and len(channels) > 1:
        raise Refused("invalid_arguments", messages=["a single-channel guest has one channel"])
    world.workspace.people[id_] = person
    for channel in channels:
        channel.is_ext_shared = channel.is_ext_shared or person.team != cast.TEAM_ID
        world.enter(channel, id_)
    if person.team == cast.TEAM_ID:
        world.workspace.direct(id_, int(world.clock.now()))
    world.live.everyone({"type": "people", "id": id_})
    return {"id": id_}


def file_of(world: World, user: str, file_id: str) -> File:
    """A file that the person can see. Raises `file_not_found`."""
    file = world.workspace.files.get(file_id)
    if file is None or not file.completed:
        raise Refused("file_not_found")
    places = [world.channel(channel) for channel, _, _ in file.shares]
    if not any(world.sees(user, place) for place in places):
        raise Refused("file_not_found")
    return file
