"""Typed text: what people wrote, out of the form in which Slack sends it, and as it is looked up.

Slack escapes `& < >` and wraps what it understands: `<@U012|mei>`, `<#C01|general>`,
`<https://a.example|a.example>`, `<!subteam^S01|@oncall>`. A person wrote none of that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

Names = Callable[[str], str | None]
"""What a person is called, by the id that Slack has for them."""

_WRAPPED = re.compile(r"<([@#!][^<>\n]*|[a-z][a-z0-9+.-]*:[^<>\n]*)>", re.IGNORECASE)
_QUOTES = "\"'`´‘’‚‛“”„‟«»‹「」『』〈〉《》＂＇"
_LINK = re.compile(r"<?(https?://[^\s|<>]+)(?:\|([^<>]+))?>?")
_MARKS = ".,;:!?。、"  # as NFKC leaves them
_HYPHENS = re.compile("[‐-―−﹘﹣－]")  # ‐ ‑ ‒ – — ―, the minus, small and full width
# Letters of earlier versions that only looked like those of a number, and what cannot be seen.
_TWINS = str.maketrans({"∗": "*", "∼": "~", "ˋ": "`", "ˍ": "_"})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def _nobody(_: str) -> None:
    return None


def as_typed(text: str, names: Names = _nobody) -> str:
    """The words as the person typed them, with mentions by name."""
    read = _WRAPPED.sub(lambda found: _unwrapped(found[1], names), text)
    return read.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _unwrapped(inside: str, names: Names) -> str:
    target, _, label = inside.partition("|")
    if target[0] == "@":
        return f"@{(label or names(target[1:]) or target[1:]).lstrip('@')}"
    if target[0] == "#":
        return f"#{label or target[1:]}"
    if target[0] == "!":
        return label or f"@{target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (address, target) or address.endswith(f"//{label}"):
        return label or address
    return f"{label} ({address})"


def as_written(text: str) -> str:
    """An identifier in its own characters, whatever an earlier version showed for them."""
    plain = _INVISIBLE.sub("", text).translate(_TWINS).strip()
    return f">{plain[1:]}" if plain.startswith("›") else plain


def looked_up(text: str) -> str:
    """A number or a name as it is looked up: full width, quotes, dashes of any kind, a leading #,
    a mark behind it, white space of any kind and what cannot be seen make no difference."""
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    plain = _HYPHENS.sub("-", " ".join(plain.split()))
    around = f"{_QUOTES} "
    return plain.strip(around).removeprefix("#").strip(around).rstrip(_MARKS).rstrip(around)


def numbers(text: str) -> tuple[str, ...]:
    """The numbers that may be meant, the one that was typed first: a shop's own may begin with a #
    or hold a quote, and another's is pasted with one."""
    meant = [text]
    if link := _LINK.fullmatch(text.strip()):  # a pasted one: by its label, else by where it ends
        meant.append(link[2] or unquote(urlsplit(link[1]).path.rstrip("/").rpartition("/")[2]))
    found = (form(one).split()[:1] for one in meant for form in (as_written, looked_up))
    return tuple(dict.fromkeys(one[0][:60] for one in found if one))


def split_word(text: str) -> tuple[str, str]:
    """The first word and the rest, whatever white space stands between them."""
    word, _, rest = unicodedata.normalize("NFC", text).strip().replace("\u3000", " ").partition(" ")
    first, *more = word.split(None, 1) or [""]
    return first, " ".join([*more, rest]).strip()
