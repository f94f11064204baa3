"""Limits: Slack's sizes, and the finishing of an expanded structure to them (Slack: block
limits).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from message_templates import writers
from message_templates.expansion import Pending

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 12_000  # all blocks of a message; Slack refuses about 13,000
TEXT = 3000

# (what holds the text, under which key) → characters
LIMITS: Mapping[tuple[str, str], int] = {
    ("section", "text"): 3000,
    ("section", "fields"): 2000,
    ("header", "text"): 150,
    ("container", "title"): 150,
    ("container", "subtitle"): 150,
    ("button", "text"): 75,
    ("option", "text"): 75,
    ("option", "description"): 75,
    ("confirm", "title"): 100,
    ("confirm", "text"): 300,
    ("confirm", "confirm"): 30,
    ("confirm", "deny"): 30,
    ("modal", "title"): 24,
    ("modal", "submit"): 24,
    ("modal", "close"): 24,
    ("input", "label"): 2000,
    ("input", "hint"): 2000,
}
_PLACEHOLDER = 150
_CAPS = (TEXT, 1000, 400, 200)
# Objects that carry no type of their own, by the key they stand under.
_UNTYPED = {"confirm": "confirm", "options": "option", "initial_option": "option"}


def message(nodes: list[Any]) -> list[dict[str, Any]]:
    """A message's blocks within Slack's sizes; where all are too long, each is cut shorter."""
    for cap in _CAPS:
        blocks = fit(finish(nodes, cap))
        if text_size(blocks) <= MESSAGE_TEXT:
            break
    return blocks


def finish(node: Any, cap: int = TEXT, holder: str = "", key: str = "") -> Any:
    """Texts written within the limit of their place, action ids made unique in their block."""
    if isinstance(node, Pending):
        limit = _PLACEHOLDER if key == "placeholder" else LIMITS.get((holder, key), TEXT)
        return _text(node, min(limit, cap))
    if isinstance(node, list):
        drawn = (block for item in node for block in _literal(item))
        return [finish(item, cap, holder, key) for item in drawn]
    if isinstance(node, Mapping):
        name = str(node.get("type") or _UNTYPED.get(key, holder))
        made = {at: finish(item, cap, name, at) for at, item in node.items()}
        if "elements" in made and name == "actions":
            _unique(made["elements"])
        return made
    return node


def _literal(node: Any) -> Iterator[Any]:
    """The block; where mrkdwn would format one of its values, as rich text with its button below.

    A value is never exchanged for one that looks like it: people copy it from here.
    """
    if not isinstance(node, Mapping) or node.get("type") not in ("section", "context"):
        yield node
        return
    inside = [node.get("text"), *node.get("fields", ()), *node.get("elements", ())]
    texts = [one for one in inside if isinstance(one, Pending)]
    if not any(one.kind == "mrkdwn" and writers.formats(one.parts) for one in texts):
        yield node
        return
    rest = [one for one in inside if one is not None and not isinstance(one, Pending)]
    if rest:
        yield {"type": "context", "elements": rest}
    named = {"block_id": node["block_id"]} if "block_id" in node else {}
    accessory = node.get("accessory")
    yield {
        "type": "rich_text",
        **({} if accessory else named),
        "elements": [
            {"type": "rich_text_section", "elements": Pending("rich", writers.literally(one.parts))}
            for one in texts
        ],
    }
    if accessory:
        yield {"type": "actions", **named, "elements": [accessory]}


def _text(node: Pending, limit: int) -> Any:
    match node.kind:
        case "rich":
            return writers.rich(node.parts, limit) or [{"type": "text", "text": "–"}]
        case "plain":
            return _plain(node, limit)
        case "notice":
            return writers.notice(node.parts)
        case _ if writers.formats(node.parts):
            return _plain(node, limit)
        case _:
            text = writers.mrkdwn(node.parts, limit) or "–"
            return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(node: Pending, limit: int) -> dict[str, Any]:
    text = writers.plain(node.parts, limit) or "–"
    made: dict[str, Any] = {"type": "plain_text", "text": text}
    return {**made, "emoji": False} if writers.has_emoji(node.parts) else made


def _unique(elements: list[Any]) -> None:
    seen: dict[str, int] = {}
    for element in elements:
        identifier = element.get("action_id")
        if identifier is None:
            continue
        seen[identifier] = seen.get(identifier, 0) + 1
        if seen[identifier] > 1:
            element["action_id"] = f"{identifier}#{seen[identifier]}"


def text_size(node: Any) -> int:
    """Characters of all texts of a structure, as Slack adds them up for a message."""
    if isinstance(node, Mapping):
        own = node.get("text")
        counted = writers.size(own) if isinstance(own, str) else 0
        return counted + sum(text_size(item) for item in node.values())
    if isinstance(node, list):
        return sum(text_size(item) for item in node)
    return 0


def fit(blocks: list[dict[str, Any]], limit: int = MESSAGE_BLOCKS) -> list[dict[str, Any]]:
    """The blocks within Slack's count: the first and the last are kept, the middle goes first."""
    if len(blocks) <= limit:
        return blocks
    tail = limit // 2
    return blocks[: limit - tail] + blocks[len(blocks) - tail :]
