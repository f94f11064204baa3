"""Content: what a message consists of, text, blocks, metadata, checked as Slack does."""

from __future__ import annotations

import json
from typing import Any

from sandbox.slack import cast, limits
from sandbox.slack.blocks.validate import require_message_blocks
from sandbox.slack.errors import Json, Refused
from sandbox.slack.state import Channel, Message

CONTENT = (
    "text blocks:json attachments:json markdown_text thread_ts parse link_names:boolean "
    "mrkdwn:boolean as_user:boolean username icon_emoji icon_url"
)


def read_content(args: Json, *, needed: bool = True) -> Json:
    """{text, blocks, attachments} as they will stand. Raises `no_text`, `invalid_blocks`, …"""
    text = args.get("text") or ""
    blocks = args.get("blocks")
    attachments = args.get("attachments")
    markdown = args.get("markdown_text")
    if markdown is not None:
        if blocks or text:
            raise Refused("markdown_text_conflict")
        if len(markdown) > limits.MESSAGE_MARKDOWN:
            raise Refused("msg_too_long")
        blocks, text = [{"type": "markdown", "text": markdown}], markdown
    if blocks is not None:
        require_message_blocks(blocks)
    if attachments is not None:
        _check_attachments(attachments)
    if needed and not text.strip() and not blocks and not attachments:
        raise Refused("no_text")
    return {"text": text[: limits.MESSAGE_TEXT_CUT], "blocks": blocks, "attachments": attachments}


def _check_attachments(attachments: Any) -> None:
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise Refused("invalid_attachments")
    if len(attachments) > limits.ATTACHMENTS:
        raise Refused("too_many_attachments")
    for attachment in attachments:
        if "blocks" in attachment:
            require_message_blocks(attachment["blocks"])


def read_metadata(metadata: Any) -> Json | None:
    """Message metadata. Slack: an empty object removes it; null is no value anywhere in it."""
    if metadata == {}:
        return None
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    event_type, payload = metadata["event_type"], metadata["event_payload"]
    if not isinstance(event_type, str) or not 0 < len(event_type) <= limits.METADATA_EVENT_TYPE:
        raise Refused("invalid_metadata_format")
    if not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    if _has_null(payload):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(payload, ensure_ascii=False).encode()) > limits.METADATA_BYTES:
        raise Refused("metadata_too_large")
    return metadata


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_null(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_null(item) for item in value)
    return value is None


def thread_root(channel: Channel, thread_ts: str | None) -> Message | None:
    """The message that a reply hangs on. Slack: a reply's own ts is no thread."""
    if thread_ts is None:
        return None
    root = channel.messages.get(thread_ts)
    if root is None:
        raise Refused("thread_not_found")
    if root.thread_ts and root.thread_ts != root.ts:
        raise Refused("cannot_reply_to_message")
    return root


def own(message: Message, refusal: str) -> Message:
    """Raises the refusal unless the app wrote the message."""
    if not message.bot or message.user != cast.BOT_USER:
        raise Refused(refusal)
    return message
