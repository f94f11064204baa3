"""An identifier is shown in its own characters, so that what is copied is found again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from handlers import cases
from handlers.typed import as_written
from incidents.doors import Doors
from message_templates.engine import Message
from message_templates.review import review_markdown
from tests.message_templates import builders
from tests.message_templates.everything import LANGUAGES, TEMPLATES
from tests.message_templates.test_hostile import VIEWS, poison

IDENTIFIERS = (
    "FG_10482_a", "TW:88", "A*7*", "a:b:c", "_FG_9", "FG_", "~8", "B`9`", "#FG-10482", "#1001",
    "@7", ">12", "EU[red]-1", "A&B<3>", ":tada:",
)  # fmt: skip
EXCHANGED = re.compile("[∗∼ˋˍ›\u2060]")
MARKER = "ZQ7"


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        literal = node.get("type") in ("plain_text", "raw_text", "text")
        if isinstance(node.get("text"), str):
            text = str(node["text"])
            unescaped = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            yield text if literal else unescaped
        for item in node.values():
            yield from _texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)


def _shown(message: Message) -> str:
    return "\n".join(_texts(message.view or message.blocks))


def _render(index: int, value: str, language: str) -> Message:
    name, view, params = VIEWS[index]
    return TEMPLATES.render(
        name, poison(view, value), language=language, params=poison(params, value)
    )


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_what_is_shown_can_be_copied(identifier: str) -> None:
    """Wherever a plain number would stand, this one stands, letter by letter."""
    for index in range(len(VIEWS)):
        for language in LANGUAGES:
            shown = _shown(_render(index, identifier, language))
            usual = _shown(_render(index, MARKER, language))
            assert not EXCHANGED.search(shown), shown
            there = shown.count(identifier)
            # a code without a word of ours, or a check's name, is put into words
            for said in {identifier.replace(mark, " ").strip() for mark in "_-"} - {identifier}:
                there += shown.count(said)
            cut = "…" in usual or "…" in shown
            assert cut or there >= usual.count(MARKER), (VIEWS[index][0], shown)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_the_review_holds_it_behind_markdowns_own_escape(identifier: str) -> None:
    view = poison(builders.review_view(), identifier)
    for language in LANGUAGES:
        written = review_markdown(TEMPLATES, view, language=language)
        assert not EXCHANGED.search(written)
        assert identifier in re.sub(r"\\(.)", r"\1", written)


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("A∗7∗", "A*7*"),
        ("ˍFG_9", "_FG_9"),
        ("a:\u2060b:c", "a:b:c"),
        ("#\u2060FG-1", "#FG-1"),
        ("∼8", "~8"),
        ("Bˋ9ˋ", "B`9`"),
        ("›12", ">12"),
        (" FG-10482\u200b ", "FG-10482"),
    ],
)
async def test_a_number_of_an_older_message_is_looked_up_as_it_was_written(
    pasted: str, meant: str
) -> None:
    """`/order` with what was copied from a message of an earlier version."""
    asked: list[str] = []

    async def look(number: str) -> None:
        asked.append(number)

    async def done(*_: Any, **__: Any) -> None: ...

    desk: Any = SimpleNamespace(
        order=look,
        say=done,
        act=done,
        actor=lambda _: SimpleNamespace(roles={"cs"}),
        house=SimpleNamespace(doors=Doors()),
    )
    interaction: Any = SimpleNamespace(text=pasted, user_id="U0LIN")
    await cases.order(interaction, desk)
    assert asked[0] == meant
    assert as_written(meant) == meant
