"""Answers of the app: in the acknowledgement of a command or a submission, by response_url."""

from __future__ import annotations

from typing import Any, Final

from sandbox.slack import cast, limits
from sandbox.slack.blocks.validate import check_view
from sandbox.slack.errors import Json, Refused
from sandbox.slack.methods.content import CONTENT, read_content, read_metadata
from sandbox.slack.methods.registry import ArgumentTable
from sandbox.slack.response_urls import ResponseUrl
from sandbox.slack.stacks import View
from sandbox.slack.state import Channel, Message
from sandbox.slack.world import World

_ARGUMENTS: Final = ArgumentTable.of(
    f"{CONTENT} response_type replace_original:boolean delete_original:boolean metadata:json "
    "unfurl_links:boolean unfurl_media:boolean"
)
_RESPONSE_TYPES: Final = ("ephemeral", "in_channel")


def respond(world: World, url: ResponseUrl, given: Json) -> Message | None:
    """What a response_url, or a command's acknowledgement, brings about."""
    args = _ARGUMENTS.read(given)
    channel = world.channel(url.channel)
    original = _original(world, url, channel)
    if args.get("delete_original"):
        if original is not None:
            _take_away(world, channel, original)
        return None
    kind = args.get("response_type", "ephemeral")
    if kind not in _RESPONSE_TYPES:
        raise Refused("invalid_response_type")
    content = read_content(args)
    metadata = read_metadata(args["metadata"]) if "metadata" in args else None
    # Slack: an in_channel answer to a message replaces it unless replace_original is false.
    if original is not None and args.get("replace_original", kind == "in_channel"):
        return _replace(world, channel, original, content)
    # Slack: a response_url reaches into a thread with in_channel alone.
    thread_ts = args.get("thread_ts") if kind == "in_channel" else None
    message = Message(
        world.clock.ts(),
        channel.id,
        cast.BOT_USER,
        content["text"],
        content["blocks"] or [],
        content["attachments"] or [],
        bot=True,
        metadata=metadata,
        thread_ts=thread_ts,
        reader=url.user if kind == "ephemeral" else None,
    )
    if kind == "ephemeral":
        return world.whisper(channel, message)
    return world.post(channel, message)


def _original(world: World, url: ResponseUrl, channel: Channel) -> Message | None:
    if url.ts is None:
        return None
    if url.ephemeral:
        return channel.ephemerals.get(url.user, {}).get(url.ts)
    message = channel.messages.get(url.ts)
    return message if message is not None and message.bot else None


def _replace(world: World, channel: Channel, original: Message, content: Json) -> Message:
    before = original.to_api(world.base_url)
    original.text = content["text"]
    original.blocks = content["blocks"] or []
    original.attachments = content["attachments"] or []
    if original.reader is not None:
        return world.whisper(channel, original)
    world.edit(channel, original, cast.BOT_USER, before)
    return original


def _take_away(world: World, channel: Channel, original: Message) -> None:
    if original.reader is not None:
        world.unwhisper(channel, original)
    else:
        world.remove(channel, original)


def answer_command(world: World, user: str, channel: Channel, payload: Any) -> Json | None:
    """The message that a command's acknowledgement may carry. Raises what Slack refuses."""
    if payload in (None, "", {}):
        return None
    if isinstance(payload, str):
        payload = {"text": payload}
    if not isinstance(payload, dict):
        raise Refused("invalid_payload")
    message = respond(world, ResponseUrl(user, channel.id, world.clock.now()), payload)
    return world.shown(message) if message is not None else None


_SUBMISSION_FIELDS: Final = {
    "errors": {"response_action", "errors"},
    "update": {"response_action", "view"},
    "push": {"response_action", "view"},
    "clear": {"response_action"},
}


def answer_submission(world: World, view: View, payload: Any) -> Json:
    """What becomes of a submitted view. Raises what Slack's client cannot use: the person then
    reads "We had some trouble connecting" and the view stays as it is."""
    if payload in (None, "", {}):
        world.views.pop(view)
        _tell(world, view, "view_closed")
        return {"response_action": None}
    if not isinstance(payload, dict):
        raise Refused("invalid_payload")
    action = payload.get("response_action")
    fields = _SUBMISSION_FIELDS.get(str(action))
    if fields is None or set(payload) != fields:
        raise Refused("invalid_response_action")
    if action == "errors":
        return {"response_action": "errors", "errors": _checked_errors(view, payload["errors"])}
    if action == "clear":
        for closed in world.views.clear(view.user):
            _tell(world, closed, "view_closed")
        return {"response_action": "clear"}
    check_view(payload["view"], kind="modal")
    if action == "update":
        world.views.update(view, payload["view"], None)
        shown = view
    else:
        shown = world.views.push(view.user, payload["view"])
    _tell(world, shown, "view")
    return {"response_action": action, "view": shown.to_api()}


def _checked_errors(view: View, errors: Any) -> Json:
    """Slack: errors belong to input blocks of the view, each a sentence."""
    inputs = {b["block_id"] for b in view.body["blocks"] if b["type"] == "input"}
    if not isinstance(errors, dict) or not errors:
        raise Refused("invalid_errors")
    for block_id, sentence in errors.items():
        if block_id not in inputs:
            raise Refused("invalid_errors", messages=[f"no input block {block_id}"])
        if not isinstance(sentence, str) or not 0 < len(sentence) <= limits.INPUT_HINT:
            raise Refused("invalid_errors", messages=[f"{block_id}: must be a sentence"])
    return errors


def _tell(world: World, view: View, kind: str) -> None:
    world.live.tell([view.user], {"type": kind, "view_id": view.id, "hash": view.hash})
