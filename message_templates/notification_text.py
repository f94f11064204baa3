"""The text of a lock screen: at most 110 characters (55 in Chinese), the number kept at the end."""

from __future__ import annotations

import re

from message_templates.text_parts import first_sentence
from message_templates.writers import ELLIPSIS, escape, size
from plan.languages import row

MARKS = {1: "🔴", 2: "🟠", 3: "🟡", 4: "⚪"}

_LEAD = re.compile(r"^[🔴🟠🟡⚪]?\s*SEV[1-4][:：,，]?\s*")
_STOPS = "。！？；，、：,;:.!? "


def shorten(text: str, reference: str | None, language: str) -> str:
    """The text cut at a word so that it fits with its number; escaped for `text` of a message."""
    body = text.strip()
    if reference is None:
        return escape(_within(body, row(language).notice))
    body = re.sub(rf"\s*\b{re.escape(reference)}\b[.。]?$", "", body).rstrip(" :：")
    if re.search(rf"\b{re.escape(reference)}\b", body):
        return escape(_within(body, row(language).notice))
    tail = row(language).full_stop + row(language).space + reference
    fitted = _within(body, row(language).notice - size(tail))
    if fitted and fitted[-1] in "…。.!?！？":
        tail = ("" if fitted.endswith("。") else " ") + reference
    return escape((fitted + tail).strip())


def _within(body: str, room: int) -> str:
    return body if size(body) <= room else _cut(body, room - 1) + ELLIPSIS


def _cut(body: str, room: int) -> str:
    while size(body) > room:
        body = body[:-1]
    position = max((body.rfind(stop) for stop in _STOPS), default=-1)
    kept = body[:position] if position > room // 2 else body
    return kept.rstrip(_STOPS + "0123456789")  # a figure that lost its end is another figure


def feeling(text: str) -> str:
    """What the customer feels: a notice's first sentence without severity and full stop."""
    return first_sentence(_LEAD.sub("", text.strip())).strip()
