"""The engine by itself: filters, marks, structure, notices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message_templates import datetimes, limits, notification_text, writers
from message_templates.engine import Templates
from message_templates.expansion import Pending
from message_templates.text_parts import Data, Link, Mention, Moment, Text, first_sentence, parse
from plan.languages import row
from tests.message_templates import builders

TAIPEI = ZoneInfo("Asia/Taipei")
TEMPLATES = Templates(TAIPEI)


def said(leaf: str, language: str = "en", zone: ZoneInfo | None = None, **scope: Any) -> str:
    return TEMPLATES.words(builders.words(leaf, leaf), scope, language=language, zone=zone)


@pytest.mark.parametrize(
    ("minor", "currency", "wanted"),
    [
        (8642000, "TWD", "NT$86,420"),
        (8642050, "TWD", "NT$86,420.50"),
        (-12500, "TWD", "-NT$125"),
        (1980, "JPY", "JP¥1,980"),
        (1980, "USD", "US$19.80"),
        (1234500, "KWD", "KWD 1,234.500"),
        (0, "EUR", "€0"),
    ],
)
def test_money_is_written_as_people_write_it(minor: int, currency: str, wanted: str) -> None:
    """The currency's sign, and its small units only where there are any."""
    amount = {"minor": minor, "currency": currency}
    assert said("{{ a | money }}", a=amount) == wanted
    assert said("{{ a }}", a=amount) == wanted


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 seconds", "0 秒"),
        (45, "45 seconds", "45 秒"),
        (60, "1 minute", "1 分鐘"),
        (480, "8 minutes", "8 分鐘"),
        (7500, "2 hours 5 minutes", "2 小時 5 分鐘"),
        (86400 * 3, "3 days", "3 天"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: int, english: str, chinese: str) -> None:
    assert said("{{ s | duration }}", s=seconds) == english
    assert said("{{ s | duration }}", "zh-Hant", s=seconds) == chinese


def test_counts_have_their_noun() -> None:
    """One order, two orders, and a thousand with its comma; Chinese takes the number alone."""
    assert said("{{ n(1, 'order') }}") == "1 order"
    assert said("{{ n(41, 'order') }}") == "41 orders"
    assert said("{{ n(1204, 'is', 'are') }}") == "1,204 are"
    assert said("{{ n(41) }} 筆", "zh-Hant") == "41 筆"


def test_what_is_not_known_says_so() -> None:
    """A fact that is missing is a word, in every filter and in arithmetic."""
    for leaf in (
        "{{ facts.a.b }}",
        "{{ facts.a | money }}",
        "{{ facts.a | time }}",
        "{{ n(facts.a, 'order') }}",
        "{{ facts.a - facts.b }}",
        "{{ minutes(facts.a, facts.b) }}",
        "{{ facts.a | word }}",
    ):
        assert said(leaf, facts={}) == "not known"
        assert said(leaf, "zh-Hant", facts={}) == "未知"
    assert said("{% if facts.a > 3 or facts.a < 3 %}yes{% else %}no{% endif %}", facts={}) == "no"


def test_times_are_shown_in_the_readers_zone() -> None:
    """The element carries the moment; the plain words are in the zone that is handed in."""
    at = datetime(2026, 11, 10, 19, 2, tzinfo=UTC).isoformat()
    assert said("{{ at | time }}", at=at) == "03:02"
    assert said("{{ at | time }}", zone=ZoneInfo("America/New_York"), at=at) == "14:02"
    assert said("{{ at | date }}", at=at) == "11 Nov 03:02"
    assert said("{{ at | date }}", "zh-Hant", at=at) == "11/11 03:02"
    assert said("{{ day | day }}", day="2026-12-04") == "4 Dec"
    assert Templates().words(builders.words("{{ at|time }}", ""), {"at": at}, language="en") == (
        "19:02 UTC"
    )


def test_a_later_day_is_named() -> None:
    """In an incident of several days a time of another day carries its date."""
    first = datetime(2026, 11, 10, 19, 2, tzinfo=UTC)
    later = datetime(2026, 11, 12, 2, 20, tzinfo=UTC)
    assert said("{{ at | when(since) }}", at=first, since=first) == "03:02"
    assert said("{{ at | when(since) }}", at=later, since=first) == "12 Nov 10:20"


@pytest.mark.parametrize(
    ("name", "words"),
    [("Asia/Kolkata", "UTC+5:30"), ("UTC", "UTC"), ("America/St_Johns", "UTC-3:30")],
)
def test_a_zone_is_named_by_its_offset(name: str, words: str) -> None:
    moment = datetime(2026, 11, 11, tzinfo=ZoneInfo(name))
    assert datetimes.zone_words(moment) == words


def test_a_code_has_its_word_and_an_unknown_code_is_shown() -> None:
    assert said("{{ 'timeout' | word }}") == "no answer in time"
    assert said("{{ 'timeout' | word }}", "zh-Hant") == "逾時"
    assert said("{{ c | word }}", c="brand_new") == "brand new"


def test_a_fact_called_like_a_function_stays_a_fact() -> None:
    """Names of facts and of our functions do not meet; a mapping's methods do not show."""
    assert said("{{ items }} {{ facts.items }}", items="a", facts={"items": "b"}) == "a b"
    assert said("{% if name %}yes{% else %}no{% endif %}") == "no"


@pytest.mark.parametrize(
    "value",
    [
        "*x*",
        "_y_",
        "_FG_9",
        "FG_",
        "~z~",
        "`c`",
        "http://e.x",
        "mailto:a",
        ":tada:",
        "a:b:c",
        "@all",
        "#general",
        ">all",
    ],
)
def test_a_value_that_mrkdwn_would_format_is_drawn_literally(value: str) -> None:
    """`*bold*` of the template stands, the value's own characters stand as well: as rich text."""
    block = {"type": "section", "text": Pending("mrkdwn", [Text("*Owner* "), Data(value)])}
    assert limits.message([block]) == [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "Owner", "style": {"bold": True}},
                        {"type": "text", "text": f" {value}"},
                    ],
                }
            ],
        }
    ]


@pytest.mark.parametrize("value", ["FG_10_482", "TW:88", "#1001", "FG-1 <x> & y", "a > b"])
def test_a_value_that_mrkdwn_leaves_alone_stays_there(value: str) -> None:
    assert not writers.formats([Text("*Owner* "), Data(value)])


def test_what_has_no_rich_text_is_plain_and_makes_no_emoji() -> None:
    """A confirm dialog and a button hold no blocks."""
    confirm = {"confirm": {"text": Pending("mrkdwn", [Text("*Refund* "), Data("A*7*:tada:")])}}
    assert limits.finish(confirm)["confirm"]["text"] == {
        "type": "plain_text",
        "text": "Refund A*7*:tada:",
        "emoji": False,
    }


def test_a_mention_that_is_no_id_is_a_name() -> None:
    """Only an id of Slack's rings; a group is mentioned as a group."""
    assert writers.mrkdwn([Mention("U0MEI", "Mei")]) == "<@U0MEI>"
    assert writers.mrkdwn([Mention("S0ONCALL", "on-call")]) == "<!subteam^S0ONCALL>"
    assert writers.mrkdwn([Mention("!channel", "everybody")]) == "everybody"


def test_a_link_that_is_no_address_is_its_label() -> None:
    assert writers.mrkdwn([Link("https://a.example/x", "INC-1")]) == "<https://a.example/x|INC-1>"
    assert writers.mrkdwn([Link("javascript:alert(1)", "INC-1")]) == "INC-1"


def test_rich_text_keeps_data_as_it_is() -> None:
    """Text elements are literal, so nothing has to be changed in what people wrote."""
    parts = [Text("Found: _check_ "), Data("*a* <!channel>"), Moment(1, "{time}", "f", "p")]
    assert writers.rich(parts) == [
        {"type": "text", "text": "Found: "},
        {"type": "text", "text": "check", "style": {"italic": True}},
        {"type": "text", "text": " *a* <!channel>"},
        {"type": "date", "timestamp": 1, "format": "{time}", "fallback": "f"},
    ]


def test_the_first_sentence_cuts_no_date() -> None:
    text = said("{{ x }}", x="a")
    assert text == "a"
    assert first_sentence("30 now, 9 later. Nobody else.") == "30 now, 9 later"
    assert first_sentence("現在告知 30 筆。其餘稍後。") == "現在告知 30 筆"
    assert first_sentence("no end") == "no end"


@given(text=st.text(max_size=300), language=st.sampled_from(("en", "zh-Hant")))
def test_a_notice_fits_and_keeps_its_number(text: str, language: str) -> None:
    """However long the text, the number of the incident is still on the lock screen."""
    made = notification_text.shorten(text, "INC-412", language)
    bare = made.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert writers.size(bare) <= row(language).notice
    assert "INC-412" in made


def test_a_notice_is_cut_at_a_word_and_never_inside_a_figure() -> None:
    long = "🔴 SEV1 Card payments failing: " + "57 of 118 and " * 20
    made = notification_text.shorten(long, "INC-412", "en")
    assert made.endswith("… INC-412")
    assert len(made) <= 110
    assert not made.removesuffix("… INC-412")[-1].isdigit()


def test_the_number_is_not_said_twice() -> None:
    assert notification_text.shorten("Standby is ready. INC-412", "INC-412", "en") == (
        "Standby is ready. INC-412"
    )
    assert notification_text.shorten("INC-412 mitigated", "INC-412", "en") == "INC-412 mitigated"


def test_what_the_customer_feels_is_the_first_sentence() -> None:
    """Reminders repeat it without severity and without what can be done."""
    assert notification_text.feeling(
        "🔴 SEV1 Card payments failing: 57 of 118. Standby is ready."
    ) == ("Card payments failing: 57 of 118")


def test_a_broken_text_of_the_plan_does_not_break_the_message() -> None:
    """A plan's text that cannot be worked out is "not known", and the log says which."""
    assert said("{{ 1 / zero }}", zero=0) == "not known"


def test_marks_inside_a_render_survive_joining() -> None:
    """A date joined with data in an expression is still a date."""
    at = datetime(2026, 11, 10, 19, 2, tzinfo=UTC)
    state = TEMPLATES.state("en")
    parts = parse(state.leaf("{{ (at | time) ~ ' *x*' }}", {"at": at}))
    assert writers.rich(parts)[1:] == [{"type": "text", "text": " *x*"}]


@pytest.mark.parametrize(
    ("language", "name", "said"),
    [
        ("en", "northpay", "check payment channel Northpay"),
        ("zh-Hant", "northpay", "檢查「Northpay 金流」"),
        ("en", "stuck-orders", "check stuck orders"),  # without a title: its name
    ],
)
def test_a_check_is_called_as_configured_in_the_readers_language(
    language: str, name: str, said: str
) -> None:
    titles = {"northpay": {"en": "payment channel Northpay", "zh-Hant": "Northpay 金流"}}
    templates = Templates(checks=titles)
    text = templates.text("log.found", language=language, check=name, failures=3)
    assert said in text.replace("_", "")
