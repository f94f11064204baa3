"""Shown text of a message: that of its blocks, with dates as their fallback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from message_templates.engine import Message

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")


def _readable(text: str) -> str:
    text = _DATE.sub(lambda found: found.group(1).removesuffix(" UTC+8"), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _rich(elements: list[dict[str, Any]]) -> str:
    written: list[str] = []
    for element in elements:
        match element["type"]:
            case "text" | "link":
                written.append(str(element["text"]))
            case "date":
                written.append(str(element["fallback"]).removesuffix(" UTC+8"))
            case "user":
                written.append(f"<@{element['user_id']}>")
            case "usergroup":
                written.append(f"<!subteam^{element['usergroup_id']}>")
            case "channel":
                written.append(f"<#{element['channel_id']}>")
    return "".join(written)


def _button(element: dict[str, Any]) -> str:
    style = {"primary": "!", "danger": "!!"}.get(element.get("style", ""), "")
    return f"[{style} {element['text']['text']} ]"


def _block(block: dict[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "section" | "header":
            text = _readable(block["text"]["text"])
            accessory = block.get("accessory", {})
            if accessory.get("type") == "overflow":
                text += "\n⋯ " + " · ".join(
                    option["text"]["text"] for option in accessory["options"]
                )
            elif accessory.get("type") == "button":
                text += f" {_button(accessory)}"
            yield text
        case "context":
            for element in block["elements"]:
                yield _readable(element["text"])
        case "actions":
            yield " ".join(
                _button(element) for element in block["elements"] if element["type"] == "button"
            )
        case "rich_text":
            for part in block["elements"]:
                quote = "> " if part["type"] == "rich_text_quote" else ""
                yield quote + _rich(part["elements"])
        case "markdown":
            yield block["text"]
        case "data_visualization":
            yield f"[ {block['title']} ]"
            for series in block["chart"]["series"]:
                points = " ".join(f"{p['label']}={p['value']}" for p in series["data"])
                yield f"[ {series['name']}: {points} ]"


def lines(message: Message) -> str:
    """The message as one text: its lock screen, then its blocks."""
    shown = [f"({message.text})"]
    for block in message.blocks:
        shown.extend(_block(block))
    return "\n".join(shown)
