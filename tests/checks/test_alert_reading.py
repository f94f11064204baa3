"""How a door's mapping reads a body: values, times and facts, and what does not fit."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.alerts.reading import Reader, Unreadable, as_fact, moment
from checks.alerts.settings import DoorSettings
from checks.alerts.texts import Lacking, NotAText, text
from plan.model import Fact

ALERT = {"a": {"b": "x", "n": 7, "t": True, "none": None, "list": [{"c": "deep"}]}, "p/q": "slash"}
FACTS = {
    "crash": {
        "service": Fact(kind="text", says=""),
        "code": Fact(kind="code", says=""),
        "count": Fact(kind="number", says=""),
        "part": Fact(kind="flag", says=""),
        "since": Fact(kind="time", says=""),
    }
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("literal", "literal"),
        ("{a.b}", "x"),
        ("{a.n}", 7),
        ("{a.t}", True),
        ("{a.list[0].c}", "deep"),
        ('{["p/q"]}', "slash"),
        ("{$.top}", "whole"),
        ("n={a.n}, t={a.t}", "n=7, t=true"),
        ("{a.gone|else}", "else"),
        ("{a.none|else}", "else"),
        ("{a.list|else}", "else"),
        ("{a.gone|}", ""),
        ("{{a.b}}", "{a.b}"),
    ],
)
def test_a_text_gives_what_stands_there(source: str, value: object) -> None:
    assert text(source).value(ALERT, {"top": "whole"}) == value


@pytest.mark.parametrize("source", ["{a.gone}", "{a}", "{a.none}", "{a.list[9].c}", "{a.b.c}"])
def test_what_does_not_stand_there_is_lacking(source: str) -> None:
    with pytest.raises(Lacking):
        text(source).value(ALERT, ALERT)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-11-11T03:02:00Z", datetime(2026, 11, 11, 3, 2, tzinfo=UTC)),
        ("2026-11-11T11:02:00.123456789+08:00", datetime(2026, 11, 11, 3, 2, 0, 123456, UTC)),
        (1794366120, datetime(2026, 11, 11, 3, 2, tzinfo=UTC)),
        (1794366120000, datetime(2026, 11, 11, 3, 2, tzinfo=UTC)),
        ("1794366120", datetime(2026, 11, 11, 3, 2, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),  # Alertmanager's "not yet"
        ("2026-11-11T03:02:00", None),  # of no zone
        ("yesterday", None),
        (True, None),
        (float("inf"), None),
        (1e300, None),
    ],
)
def test_a_time_is_read_or_not_known(value: Any, at: datetime | None) -> None:
    assert moment(value) == at


@pytest.mark.parametrize(
    ("kind", "value", "fact"),
    [
        ("text", "a\x00\n b", "a b"),
        ("text", True, "true"),
        ("code", "Says Down", "says_down"),
        ("code", "服務", None),
        ("number", "17", 17),
        ("number", 0.5, 0.5),
        ("number", True, None),
        ("number", "1e400", None),
        ("number", "many", None),
        ("flag", "TRUE", True),
        ("flag", 1, None),
        ("time", "2026-11-11T03:02:00Z", "2026-11-11T03:02:00+00:00"),
        ("money", "100", None),
    ],
)
def test_a_fact_has_its_form_or_is_not_known(kind: str, value: Any, fact: object) -> None:
    assert as_fact(kind, value) == fact


def reader(**more: Any) -> Reader:
    door = {"auth": "bearer", "secret": "s" * 24, "key": "{id}", "incident_type": "crash"}
    return Reader("ids", DoorSettings.model_validate({**door, **more}), FACTS)


def test_a_word_that_is_not_known_is_told_without_being_shown() -> None:
    """The answer names the key; what the body held stands in no answer and no log."""
    by = {"from": "{kind}", "words": {"disk": "crash"}}
    with pytest.raises(Unreadable, match=r"alerts\.ids\.incident_type") as caught:
        reader(incident_type=by).read(b'{"id": "1", "kind": "secret"}')
    assert "secret" not in str(caught.value)


def test_facts_that_do_not_fit_keep_nothing_back() -> None:
    facts = {"service": "{s}", "count": "{n}", "part": "{p}", "since": "{t}", "code": "{c|slow}"}
    (alert,) = reader(facts=facts).read(b'{"id": 1, "n": "many", "p": false, "t": 0}').alerts
    assert alert.facts == {"part": False, "code": "slow"}


def test_two_long_subjects_are_two() -> None:
    one, other = (
        reader(subject="{id}").read(json.dumps({"id": "x" * 200 + end}).encode()).alerts[0].subject
        for end in "ab"
    )
    assert len(one) <= 120
    assert one != other


@given(st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    for one in (reader(), reader(each="a"), reader(resolved={"from": "{s}", "is": "x"})):
        with contextlib.suppress(Unreadable):
            one.read(raw)


@given(st.text(max_size=30))
def test_no_text_makes_the_compiler_fail(source: str) -> None:
    with contextlib.suppress(NotAText):
        text(source)
