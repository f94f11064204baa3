"""Whatever stands in the data: nothing formats, links, rings, breaks out or grows too large."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from message_templates import limits, writers
from message_templates.engine import Message
from message_templates.review import review_html, review_json, review_markdown
from message_templates.text_parts import Data, Moment, Text, clean, data, parse
from plan.model import Words
from sandbox.slack.blocks.validate import message_problems, view_problems
from storage.types import Personal
from tests.message_templates import builders
from tests.message_templates.everything import LANGUAGES, TEMPLATES

HOSTILE = (
    "*bold* _italic_ ~struck~ `code`",
    "<!channel> <!here> <@U0MEI> <!subteam^S0ONCALL> <#C0GENERAL>",
    "<https://evil.example|click> https://evil.example mailto:a@b.example",
    "@channel @here #general :tada: :+1:",
    "> quoted\n>>> all\n• *Owner* somebody else",
    "&lt;!channel&gt; &amp; <b>&</b>",
    "\ue000\ue001\ue002mention\ue004U0MEI\ue004Mei\ue003\ue005\ue006",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "x" * 5000,
    "🔥" * 2000,
    "字" * 4000,
    "\u202egnp.exe \u2066x\u2069 \x00\x1b[31m",
    "```code``` ***x*** <!date^1^{time}|now>",
    "<script>alert(1)</script> | | [x](javascript:alert(1)) ![](http://x)",
    "*", "_", "~", "`", "&", "<", ">", "",
)  # fmt: skip

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(
        alphabet=st.sampled_from("*_~`<>&|!@#:^{}%/\n ab1Uhttp字🔥\ue000\ue002\ue003"), max_size=60
    ),
    st.text(max_size=40),
)

_PERSON = re.compile(r"^[USWCB]0[A-Z0-9]+$")
_OURS = {  # identifiers and codes, which decide and are never shown as data
    "reference", "kind", "catalogue", "style", "mood", "lead", "value", "user_id", "state",
    "action_id", "actor_kind", "status", "family", "ring_group", "ring_people", "mention",
    "filter", "step_id",
    "url", "code", "event", "why", "callback", "archives", "started_at", "detected_at",
    "mitigated_at", "resolved_at", "tested_at", "failing_since", "since", "first_at", "last_at",
    "at", "verified_at", "currency", "day", "plan_hash", "cause_code", "type", "types", "causes",
    "link", "role", "roles", "improvement_needed_for", "ring", "more", "language", "merged_into",
    "markdown", "expected_recovery_time", "number", "now", "outcome", "action", "counts", "stage",
    "other_languages", "sections", "verbs", "times", "rings", "end", "outages",
}  # fmt: skip


def poison(value: Any, text: str, name: str = "") -> Any:
    """The view with every piece of data in it replaced by the text."""
    if isinstance(value, Words) or name in _OURS:
        return value
    if isinstance(value, str):
        return value if _PERSON.match(value) else text
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: poison(getattr(value, field.name), text, field.name)
            for field in dataclasses.fields(value)
        }
        return type(value)(**changed)
    if isinstance(value, Mapping):
        return {key: poison(item, text, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(poison(item, text) for item in value)
    return value


_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_TOKEN = re.compile(r"<([^<>]*)>")
_ALLOWED = re.compile(
    r"!date\^\d+\^[^|^<>]+\|[^<>|]*|@U0(?:MEI|KAI|LIN)|!subteam\^S0ONCALL"
    r"|https://formosa\.slack\.com/archives/C0INCIDENTS/p\d+\|INC-\d+"
)
_OWN_LINK = re.compile(r"https://formosa\.slack\.com/archives/C0INCIDENTS/p\d+")
_OWN_STYLE = re.compile(r"\*[^*\n]*\*|^_[^\n]*_$", re.MULTILINE)


def mrkdwn_texts(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if node.get("type") == "mrkdwn":
            assert node["verbatim"] is True, node  # no channel, name or address becomes a link
            yield str(node["text"])
        for item in node.values():
            yield from mrkdwn_texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from mrkdwn_texts(item)


def check_mrkdwn(text: str) -> None:
    """Only our own dates and mentions are tokens, only our own words are bold."""
    for token in _TOKEN.findall(text):
        assert _ALLOWED.fullmatch(token), token
    bare = _ENTITY.sub(" ", _TOKEN.sub(" ", text))
    assert not re.search("[<>&]", bare), text
    assert "`" not in bare
    assert "~" not in bare
    assert "://" not in bare
    assert not re.search(r"(?m)^&gt;", text)
    assert not re.search(r"@\w|#(?!\d)\w", bare), text
    assert not re.search(r":[a-z0-9_+'\-]+:", bare, re.IGNORECASE), text
    assert not re.search("[\ue000-\ue006\u202a-\u202e\u2066-\u2069]", text)


def rich_elements(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        if node.get("type") in ("user", "usergroup", "link", "broadcast", "emoji", "channel"):
            yield node
        for item in node.values():
            yield from rich_elements(item)
    elif isinstance(node, list):
        for item in node:
            yield from rich_elements(item)


def check(message: Message, plain: Message) -> None:
    shown = message.view or message.blocks
    problems = view_problems(message.view) if message.view else message_problems(message.blocks)
    assert problems == []
    for text in mrkdwn_texts(shown):
        check_mrkdwn(text)
    assert sum(text.count("*") for text in mrkdwn_texts(shown)) <= sum(
        text.count("*") for text in mrkdwn_texts(plain.view or plain.blocks)
    )
    for element in rich_elements(shown):
        if element["type"] == "link":
            assert _OWN_LINK.fullmatch(element["url"]), element
            continue
        called = element.get("user_id", element.get("usergroup_id", element.get("channel_id")))
        assert called in ("U0MEI", "U0KAI", "U0LIN", "S0ONCALL", "C0CSINC"), element
    assert not re.search("[<>]|&(?!(?:amp|lt|gt);)", message.text)
    assert "://" not in message.text
    assert limits.text_size(message.blocks) <= limits.MESSAGE_TEXT


def views() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    yield "card", builders.card_open(), {}
    yield "card", builders.card_passed_over(), {}
    yield "card", builders.card_waiting(), {}
    for card in builders.card_closed():
        yield "card", card, {}
    yield "runbook", builders.runbook_skipped(), {}
    yield "runbook", builders.runbook_all_states(), {}
    for line in builders.log_lines():
        yield "log", line, {}
    for name, (view, params) in (builders.modals() | builders.notices()).items():
        yield name, view, params


VIEWS = list(views())


@cache
def harmless(index: int, language: str) -> Message:
    name, view, params = VIEWS[index]
    return TEMPLATES.render(name, view, language=language, params=params)


def attack(index: int, text: str) -> None:
    name, view, params = VIEWS[index]
    for language in LANGUAGES:
        message = TEMPLATES.render(
            name, poison(view, text), language=language, params=poison(params, text)
        )
        check(message, harmless(index, language))


@pytest.mark.parametrize("index", range(len(VIEWS)), ids=[f"{n}" for n, _, _ in VIEWS])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=texts)
def test_hostile_data_does_nothing(index: int, text: str) -> None:
    """Any text in any value: valid, within Slack's sizes, no ping, no link, no formatting."""
    attack(index, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_known_attacks_do_nothing(text: str) -> None:
    """The list of what customers and vendors have written into names before."""
    for index in range(len(VIEWS)):
        attack(index, text)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


def tags(page: str) -> tuple[set[str], set[str]]:
    parser = _Tags()
    parser.feed(page)
    return parser.seen, parser.attributes


@settings(max_examples=25, deadline=None)
@given(text=texts)
def test_hostile_data_in_the_review_does_nothing(text: str) -> None:
    """No tag, no link and no table cell comes out of data; the JSON holds it as it was."""
    view = builders.review_view()
    poisoned = poison(view, text)
    for language in LANGUAGES:
        page = review_html(TEMPLATES, poisoned, language=language)
        assert tags(page) == tags(review_html(TEMPLATES, view, language=language))
        written = review_markdown(TEMPLATES, poisoned, language=language)
        for line in written.splitlines():
            bare = re.sub(r"\\.", "", line)
            assert not re.search(r"\[[^\]]*\]\(|<[a-z!/]|://|`", bare), line
            if line.startswith("| "):
                assert bare.count("|") in (2, 3, 4, 5, 6, 7)
        plain = review_markdown(TEMPLATES, view, language=language)
        assert len(written.splitlines()) == len(plain.splitlines())
    assert review_json(TEMPLATES, poisoned)["timeline"][3]["written"] == text


def test_personal_data_masks_itself() -> None:
    """A Personal that slips into a scope is shown as dots, and no template can reveal it."""
    secret = Personal("0912-345-678")
    scope = {"facts": {"channel": {"name": secret}}}
    word = builders.words("{{ facts.channel.name }}", "{{ facts.channel.name.reveal() }}")
    for language in LANGUAGES:
        assert "0912" not in TEMPLATES.words(word, scope, language=language)
    assert TEMPLATES.words(word, scope, language="en") == "•••"


@pytest.mark.parametrize(
    "leaf",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ facts.__class__ }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ words.__globals__ }}",
        "{{ render__.catalogue.entries }}",
    ],
)
def test_a_plan_text_reaches_nothing_but_its_scope(leaf: str) -> None:
    """A shop's own plan text cannot reach into the program."""
    said = TEMPLATES.words(builders.words(leaf, leaf), {"facts": {}}, language="en")
    assert "class" not in said
    assert "object at" not in said
    assert "answers" not in said


@given(text=st.text(), limit=st.integers(min_value=8, max_value=300))
def test_a_cut_leaves_entities_and_dates_whole(text: str, limit: int) -> None:
    """However short the place: never half an entity, never half a date element."""
    moment = Moment(1794337320, "{time}", "03:02 UTC+8", "03:02")
    parts = [Text("Since & <"), moment, Data(clean(text)), Text("&" * 100), moment]
    written = writers.mrkdwn(parts, limit)
    assert writers.size(written) <= limit
    bare = re.sub(r"<!date\^1794337320\^\{time\}\|03:02 UTC\+8>", "", written)
    assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", bare), written


@given(text=st.text())
def test_what_is_cleaned_carries_no_mark(text: str) -> None:
    """Nobody outside can write a mention, a date or the end of data."""
    parts = parse(data(clean(text)))
    assert all(isinstance(part, Data) for part in parts)
