"""Text parts: what a rendered leaf is made of, our own words, data, and elements such as dates and
mentions.

While Jinja renders, data and elements travel inside the text between characters of Unicode's
private area; whatever is handed in is cleaned of them first, so nobody else can write one. At the
end `parse` turns the text into parts, and `outputs` writes the parts for their place: mrkdwn,
plain text, rich text, Markdown or HTML. So escaping happens once, at the very end.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DATA, END, ELEMENT, STOP, FIELD = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
NOT_KNOWN = "\ue005"  # stands for the catalogue's "not known" until the language is at hand
GLUE = "\ue006"  # swallows the space after it: Chinese joins what English sets apart

_PRIVATE = re.compile("[\ue000-\ue006]")
# Control characters and the marks that turn the reading direction around: never part of a fact.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_TOKEN = re.compile(f"[{DATA}{END}]|{ELEMENT}[^{STOP}]*{STOP}")


class Ours(str):
    """Text of the product, possibly with marks inside; everything else that is printed is data."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the product: their `*bold*` and `_italic_` is meant."""

    text: str


@dataclass(frozen=True, slots=True)
class Data:
    """A value from outside: literal, whatever it looks like."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, shown in each reader's own zone by Slack's date element."""

    epoch: int
    format: str
    fallback: str  # with its zone, for where Slack does not draw the element
    plain: str  # in the reader's zone, for plain text


@dataclass(frozen=True, slots=True)
class Mention:
    """Names a person (U…), a user group (S…), both of which it rings, or a channel (C…, G…), of
    which Slack shows its own name, and to nobody who may not see it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    label: str


Part = Text | Data | Moment | Mention | Link
_KINDS: dict[str, type[Moment] | type[Mention] | type[Link]] = {
    "moment": Moment,
    "mention": Mention,
    "link": Link,
}


def element(part: Moment | Mention | Link) -> Ours:
    """The element as it travels inside a text."""
    match part:
        case Moment():
            fields = ["moment", str(part.epoch), part.format, part.fallback, part.plain]
        case Mention():
            fields = ["mention", part.id, part.name]
        case Link():
            fields = ["link", part.url, part.label]
    return Ours(ELEMENT + FIELD.join(fields) + STOP)


def data(value: str) -> Ours:
    """A value from outside, marked as literal."""
    return Ours(DATA + value + END)


class Clean(dict[Any, Any]):
    """A mapping that has been cleaned, through and through."""


def clean(value: Any) -> Any:
    """The value without private and control characters: mappings, lists and views as a whole.

    Whatever is rendered passes here once, on its way in.
    """
    return _clean(value, {})


def _clean(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, (Ours, Clean)):
        return value
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else _cleaned(value)
    if isinstance(value, (Mapping, list, tuple)) or dataclasses.is_dataclass(value):
        known = seen.get(id(value))
        if known is None:
            known = seen[id(value)] = _clean_whole(value, seen)
        return known
    return value


def _clean_whole(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, Mapping):
        return Clean((key, _clean(item, seen)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        made = [_clean(item, seen) for item in value]
        return made if isinstance(value, list) else tuple(made)
    if isinstance(value, type):
        return value
    fields = {one.name: _clean(getattr(value, one.name), seen) for one in dataclasses.fields(value)}
    return dataclasses.replace(value, **fields)


def _cleaned(text: str) -> str:
    return _INVISIBLE.sub("", _PRIVATE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def parse(text: str) -> list[Part]:
    """The parts of a rendered leaf, in order."""
    return list(_parts(text.replace(GLUE + " ", "").replace(GLUE, "")))


def _parts(text: str) -> Iterator[Part]:
    depth = 0
    position = 0
    for token in _TOKEN.finditer(text):
        if token.start() > position:
            run = text[position : token.start()]
            yield Data(run) if depth else Text(run)
        position = token.end()
        found = token.group()
        if found == DATA:
            depth += 1
        elif found == END:
            depth = max(0, depth - 1)
        else:
            yield _element(found)
    if position < len(text):
        yield Data(text[position:]) if depth else Text(text[position:])


def _element(found: str) -> Part:
    kind, *fields = found[1:-1].split(FIELD)
    if kind == "moment":
        return Moment(int(fields[0]), *fields[1:])
    return _KINDS[kind](*fields)  # type: ignore[arg-type]


def plain(text: str) -> str:
    """A rendered leaf as literal text, for identifiers and values."""
    return "".join(literal(part) for part in parse(text))


def literal(part: Part) -> str:
    match part:
        case Text(text) | Data(text):
            return text
        case Moment():
            return part.plain
        case Mention():
            return part.name if part.name != part.id else ""
        case Link():
            return part.label


_SENTENCE_END = re.compile(f"{ELEMENT}[^{STOP}]*{STOP}|[。！？]|[.!?](?=\\s|$)")


def first_sentence(text: str) -> str:
    """The text up to its first full stop, which is left out; elements are passed over whole."""
    for found in _SENTENCE_END.finditer(text):
        if not found.group().startswith(ELEMENT):
            return text[: found.start()]
    return text
