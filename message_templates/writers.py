"""Parts written for their place: mrkdwn, plain text, rich text, Markdown, HTML.

Each writer escapes exactly once, keeps to a limit without cutting an entity or an element, and
makes sure that data formats nothing, links nothing and rings nobody.
"""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Callable, Iterable
from typing import Any

from message_templates.text_parts import Data, Link, Mention, Moment, Part, Text, literal

ELLIPSIS = "…"
DATA = 150  # a name, a number, a code: longer ones would push the facts off the card
JOINER = "\u2060"  # word joiner: no width, no line break, no word boundary that a reader sees

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TO_ESCAPE = re.compile("([&<>])")
# Slack has no escape for its formatting characters, and a value is never altered: it is copied from
# here into the shop's search. What would format stands in an element that takes it literally. So
# this is found: between letters and digits an underscore does nothing; also at the edges of what
# comes from outside, for our own words go on there.
_FORMATS = re.compile(
    r"[*~`]|(?<![A-Za-z0-9_])_|_(?![A-Za-z0-9_])|:(?=//)|mailto:|@\w|#(?!\d)\w|^\s*>"
    r"|:[a-z0-9_+'\-]+:|(?<!\w):[a-z0-9_+'\-]+$",
    re.IGNORECASE,
)
_LINK = re.compile(r":(?=//)|(?<=mailto):", re.IGNORECASE)
_MENTIONED = re.compile(r"[USWCG][A-Z0-9]{2,}")  # a person, a user group, a channel
_EMOJI = re.compile(r":[a-z0-9_+'\-]+:", re.IGNORECASE)

_MARKDOWN = re.compile(r"([\\`*_\[\]#|~<>&])")


def size(text: str) -> int:
    """Length as Slack may count it at worst: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def escape(text: str) -> str:
    """The one escape of mrkdwn (Slack: `&`, `<`, `>` must be escaped)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def value(text: str) -> str:
    """Data on one line, within the length that leaves room for the facts beside it."""
    text = " ".join(text.split()) if any(char in text for char in "\n\t") else text
    return text if len(text) <= DATA else text[: DATA - 1] + ELLIPSIS


def formats(parts: Iterable[Part]) -> bool:
    """Whether mrkdwn would read a value among the parts as formatting, an emoji or a call.

    Such a text is written by `rich` or `plain`, whose characters are literal.
    """
    for part in parts:
        match part:
            case Data(text) if _FORMATS.search(value(text)):
                return True
            case Link(_, label) if _FORMATS.search(value(label)):
                return True
            case Mention(whom, name) if not _MENTIONED.fullmatch(whom) and _FORMATS.search(name):
                return True
    return False


def literally(parts: Iterable[Part]) -> list[Part]:
    """The parts for `rich` in the place of mrkdwn: values on one line, as mrkdwn has them."""
    return [Data(value(part.text)) if isinstance(part, Data) else part for part in parts]


def has_emoji(parts: Iterable[Part]) -> bool:
    """Whether a value holds what a plain text shows as an emoji unless it is told not to."""
    return any(_EMOJI.search(literal(part)) for part in parts if not isinstance(part, Text))


def _cut(pieces: Iterable[tuple[str, bool]], limit: int) -> str:
    """Pieces joined within the limit; a piece that is whole is never cut, only left out."""
    kept: list[tuple[str, bool]] = []
    room = limit
    for piece, whole in pieces:
        length = size(piece)
        if length <= room:
            kept.append((piece, whole))
            room -= length
            continue
        return _shortened(kept, piece, whole, room)
    return "".join(piece for piece, _ in kept)


def _shortened(kept: list[tuple[str, bool]], piece: str, whole: bool, room: int) -> str:
    while room < 1 and kept:
        piece, whole = kept.pop()
        room += size(piece)
    made = [text for text, _ in kept]
    if not whole:
        for char in piece:
            if size(char) > room - 1:
                break
            made.append(char)
            room -= size(char)
    return "".join(made).rstrip() + (ELLIPSIS if room >= 1 else "")


def _escaped_pieces(text: str) -> Iterable[tuple[str, bool]]:
    for run in _TO_ESCAPE.split(text):
        if run:
            yield (_ESCAPES[run], True) if run in _ESCAPES else (run, False)


def mrkdwn(parts: Iterable[Part], limit: int = 3000) -> str:
    """Slack's mrkdwn, escaped once. Only for parts that are not `formats`."""

    def pieces() -> Iterable[tuple[str, bool]]:
        for part in parts:
            match part:
                case Text(text):
                    yield from _escaped_pieces(text)
                case Data(text):
                    yield from _escaped_pieces(value(text))
                case Moment():
                    fallback = escape(part.fallback).replace("|", "/")
                    yield f"<!date^{part.epoch}^{part.format}|{fallback}>", True
                case Mention():
                    yield mention(part), True
                case Link():
                    yield link(part), True

    return _cut(pieces(), limit).strip("\n")


def mention(part: Mention) -> str:
    """`<@U…>`, `<!subteam^S…>` or `<#C…>`; anything that is no id of Slack's is only a name."""
    if not _MENTIONED.fullmatch(part.id):
        return escape(value(part.name))
    mark = {"S": "!subteam^", "C": "#", "G": "#"}.get(part.id[0], "@")
    return f"<{mark}{part.id}>"


def link(part: Link) -> str:
    if not re.fullmatch(r"https?://[^\s<>|]+", part.url):
        return escape(value(part.label))
    return f"<{escape(part.url)}|{escape(value(part.label)).replace('|', '/')}>"


_OWN_MARKS = re.compile(r"[*_]")


def plain(parts: Iterable[Part], limit: int = 3000) -> str:
    """Plain text: literal, without the formatting of our own words."""

    def pieces() -> Iterable[tuple[str, bool]]:
        for part in parts:
            if isinstance(part, Text):
                yield unformatted(part.text), False
            else:
                yield literal(part), False

    return _cut(pieces(), limit).strip("\n")


def unformatted(text: str) -> str:
    """Our own words without their bold and italic marks; an underscore inside a word stays."""
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", "", text.replace("*", ""))


def notice(parts: Iterable[Part]) -> str:
    """The text of a lock screen, not yet shortened and not yet escaped; it leads nowhere."""
    written = (
        unformatted(part.text)
        if isinstance(part, Text)
        else literal(part)
        if isinstance(part, Moment)
        else _LINK.sub(":" + JOINER, value(literal(part)))
        for part in parts
    )
    return " ".join("".join(written).split())


class _Style:
    """Which of our own marks are open."""

    def __init__(self) -> None:
        self.bold = False
        self.italic = False

    def as_json(self) -> dict[str, bool]:
        return {name: True for name, on in (("bold", self.bold), ("italic", self.italic)) if on}


def rich(parts: Iterable[Part], limit: int = 3000) -> list[dict[str, Any]]:
    """Elements of a rich_text section: text is literal, `*` and `_` of our own words are styles."""
    style = _Style()
    made: list[dict[str, Any]] = []
    room = limit
    for part in parts:
        for element in _rich_part(part, style):
            text = element.get("text", "")
            if element["type"] == "text" and size(text) > room:
                cut = _cut(((char, False) for char in text), room)
                if cut:
                    made.append({**element, "text": cut})
                return made
            room -= size(text)
            _append(made, element)
    return made


def _append(made: list[dict[str, Any]], element: dict[str, Any]) -> None:
    last = made[-1] if made else None
    if (
        last is not None
        and last["type"] == element["type"] == "text"
        and last.get("style") == element.get("style")
    ):
        last["text"] += element["text"]
    else:
        made.append(element)


def _rich_part(part: Part, style: _Style) -> Iterable[dict[str, Any]]:
    match part:
        case Text(text):
            yield from _styled(text, style)
        case Data(text):
            yield from _rich_text(text, style)
        case Moment():
            yield {
                "type": "date",
                "timestamp": part.epoch,
                "format": part.format,
                "fallback": part.fallback,
            } | ({"style": style.as_json()} if style.as_json() else {})
        case Mention():
            yield _rich_mention(part, style)
        case Link():
            if re.fullmatch(r"https?://[^\s<>|]+", part.url):
                yield {"type": "link", "url": part.url, "text": part.label}
            else:
                yield from _rich_text(part.label, style)


def _rich_mention(part: Mention, style: _Style) -> dict[str, Any]:
    if not _MENTIONED.fullmatch(part.id):
        return {"type": "text", "text": part.name}
    if part.id.startswith("S"):
        return {"type": "usergroup", "usergroup_id": part.id}
    if part.id[0] in "CG":
        return {"type": "channel", "channel_id": part.id}
    return {"type": "user", "user_id": part.id}


def _rich_text(text: str, style: _Style) -> Iterable[dict[str, Any]]:
    if text:
        yield {"type": "text", "text": text} | (
            {"style": style.as_json()} if style.as_json() else {}
        )


def _styled(text: str, style: _Style) -> Iterable[dict[str, Any]]:
    position = 0
    for found in _OWN_MARKS.finditer(text):
        at = found.start()
        if found.group() == "_" and _inside_word(text, at):
            continue
        yield from _rich_text(text[position:at], style)
        if found.group() == "*":
            style.bold = not style.bold
        else:
            style.italic = not style.italic
        position = at + 1
    yield from _rich_text(text[position:], style)


def _inside_word(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return before.isalnum() and after.isalnum()


def _markup(
    parts: Iterable[Part],
    ours: Callable[[str], str],
    theirs: Callable[[str], str],
    bold: tuple[str, str],
    italic: tuple[str, str],
) -> str:
    """Parts as a markup language: our own marks become its marks, data stays literal."""
    made: list[str] = []
    style = _Style()
    for part in parts:
        if not isinstance(part, Text):
            made.append(theirs(literal(part)))
            continue
        position = 0
        for found in _OWN_MARKS.finditer(part.text):
            at = found.start()
            if found.group() == "_" and _inside_word(part.text, at):
                continue
            made.append(ours(part.text[position:at]))
            if found.group() == "*":
                made.append(bold[style.bold])
                style.bold = not style.bold
            else:
                made.append(italic[style.italic])
                style.italic = not style.italic
            position = at + 1
        made.append(ours(part.text[position:]))
    return "".join(made)


def markdown_literal(text: str) -> str:
    """Data in Markdown, on one line: nothing formats, links or quotes."""
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    return _LINK.sub(r"\\:", escaped)


def markdown(parts: Iterable[Part]) -> str:
    """Markdown; data at the beginning starts no list and no heading."""
    listed = list(parts)
    text = _markup(listed, lambda own: own, markdown_literal, ("**", "**"), ("*", "*")).strip()
    if listed and not isinstance(listed[0], Text):
        text = re.sub(r"^([-=+])|^(\d+)([.)])", _literal_start, text)
    return text


def _literal_start(found: re.Match[str]) -> str:
    sign, number, dot = found.groups()
    return f"\\{sign}" if sign else f"{number}\\{dot}"


def html(parts: Iterable[Part]) -> str:
    return _markup(
        parts,
        html_module.escape,
        html_module.escape,
        ("<strong>", "</strong>"),
        ("<em>", "</em>"),
    )
