"""The payloads that Slack builds when a person does something."""

from __future__ import annotations

from typing import Any

from sandbox.slack import cast
from sandbox.slack.errors import Json
from sandbox.slack.stacks import View
from sandbox.slack.state import Channel, Message, Person
from sandbox.slack.world import World


def channel_name(channel: Channel) -> str:
    """Slack names a private place only by its kind."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private or channel.is_mpim else channel.name


def response_url(
    world: World, person: str, channel: Channel, message: Message | None = None
) -> str:
    key = world.responses.issue(
        person,
        channel.id,
        ts=message.ts if message else None,
        thread_ts=message.thread_ts if message else None,
        ephemeral=message is not None and message.reader is not None,
    )
    return f"{world.base_url}/response/{key}"


def command(
    world: World, person: Person, channel: Channel, name: str, text: str, trigger_id: str
) -> Json:
    return {
        "token": cast.VERIFICATION_TOKEN,
        "team_id": person.team,
        "team_domain": cast.TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": cast.APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url(world, person.id, channel),
        "trigger_id": trigger_id,
    }


def _base(kind: str, person: Person, trigger_id: str | None) -> Json:
    body: Json = {
        "type": kind,
        "team": {"id": cast.TEAM_ID, "domain": cast.TEAM_DOMAIN},
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": person.team,
        },
        "api_app_id": cast.APP_ID,
        "token": cast.VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if trigger_id is not None:
        body["trigger_id"] = trigger_id
    return body


def _place(channel: Channel) -> Json:
    return {"id": channel.id, "name": channel_name(channel)}


def _message_container(channel: Channel, message: Message) -> Json:
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.reader is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return container


def message_action(
    world: World,
    person: Person,
    channel: Channel,
    message: Message,
    action: Json,
    state: Any,
    trigger_id: str,
) -> Json:
    """A block_actions payload from a message. Slack: an ephemeral message itself is not in it."""
    body = _base("block_actions", person, trigger_id)
    body |= {
        "container": _message_container(channel, message),
        "channel": _place(channel),
        "state": {"values": state},
        "actions": [action],
        "response_url": response_url(world, person.id, channel, message),
    }
    if message.reader is None:
        body["message"] = message.to_api(world.base_url, metadata=True)
    return body


def view_action(person: Person, view: View, action: Json, trigger_id: str) -> Json:
    body = _base("block_actions", person, trigger_id)
    return body | {
        "container": {"type": "view", "view_id": view.id},
        "view": view.to_api(),
        "actions": [action],
    }


def submission(person: Person, view: View, trigger_id: str) -> Json:
    return _base("view_submission", person, trigger_id) | {
        "view": view.to_api(),
        "response_urls": [],
    }


def closed(person: Person, view: View, *, cleared: bool) -> Json:
    return _base("view_closed", person, None) | {"view": view.to_api(), "is_cleared": cleared}


def global_shortcut(person: Person, callback_id: str, trigger_id: str, now: float) -> Json:
    return _base("shortcut", person, trigger_id) | {
        "callback_id": callback_id,
        "action_ts": f"{now:.6f}",
    }


def message_shortcut(
    world: World,
    person: Person,
    channel: Channel,
    message: Message,
    callback_id: str,
    trigger_id: str,
) -> Json:
    return _base("message_action", person, trigger_id) | {
        "callback_id": callback_id,
        "action_ts": f"{world.clock.now():.6f}",
        "message_ts": message.ts,
        "channel": _place(channel),
        "message": message.to_api(world.base_url, metadata=True),
        "response_url": response_url(world, person.id, channel, message),
    }


def suggestion(
    person: Person,
    action_id: str,
    block_id: str,
    value: str,
    *,
    view: View | None,
    channel: Channel | None,
    message: Message | None,
) -> Json:
    body = _base("block_suggestion", person, None) | {
        "action_id": action_id,
        "block_id": block_id,
        "value": value,
    }
    if view is not None:
        body |= {"container": {"type": "view", "view_id": view.id}, "view": view.to_api()}
    elif channel is not None and message is not None:
        body |= {"container": _message_container(channel, message), "channel": _place(channel)}
    return body
