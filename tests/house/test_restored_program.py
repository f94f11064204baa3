"""An older backup is restored under open incidents: no effect twice, no number twice, each said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.drills.hands import Json, wait_for, words
from sandbox.drills.responder import Responder
from tests.conftest import pg_database
from tests.house.restored_stack import (
    REFUND,
    Story,
    complain,
    direct_words,
    effects,
    labels,
    press,
    restored,
)
from tests.journeys.workspace import CS, KAI, LIN, MEI

_RESTORED = "Record restored to"


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])],
)
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("restored")
    if request.param == "sqlite":
        with restored(folder, None) as found:
            yield found
        return
    with pg_database(request.getfixturevalue("pg_server")) as url, restored(folder, url) as found:
        yield found


def _asked(who: Responder, step: str) -> Json:
    """The message with the buttons by which a person says whether the step was done."""
    found: Json = wait_for(lambda: who.find(step, "happened"), f"the question of {step}")[0]
    return found


def _thread_says(who: Responder, text: str) -> None:
    wait_for(lambda: text in who.thread_words() or None, f"“{text}” in the thread")


def _say(who: Responder, step: str, answer: str) -> None:
    message, element = wait_for(lambda: who.find(step, answer), f"{answer} of {step}")
    who.slack.click(who.person, message, who.channel, element)
    wait_for(lambda: who.find(step, answer) is None or None, f"the end of the question of {step}")


def test_the_command_says_up_to_when_the_record_reaches_and_nothing_that_it_does_not_know(
    story: Story,
) -> None:
    assert "The record reaches to" in story.said
    assert "how much that was is not known here" in story.said
    assert "2 open incidents say so" in story.said
    assert "0 actions" not in story.said


def test_each_incident_that_was_open_says_so_in_thread_and_card(story: Story) -> None:
    for who in (story.mei(), story.lin()):
        in_card = _RESTORED if who.channel != CS else "紀錄已還原到"
        assert in_card in words(who.card()["blocks"])
        _thread_says(who, "look before you press" if who.channel != CS else "按下前請先確認")


def test_a_thread_that_is_newer_is_listed_to_who_is_on_duty_and_to_nobody_else(
    story: Story,
) -> None:
    told = wait_for(
        lambda: (
            [
                one
                for one in direct_words(story.workspace, MEI)
                if "of which it knows nothing" in one
            ]
            or None
        ),
        "the list of newer threads",
    )
    assert len(told) == 1
    assert "INC-3" in told[0]
    assert "INC-1" not in told[0]
    assert "INC-2" not in told[0]
    assert not [
        one for one in direct_words(story.workspace, KAI) if "of which it knows nothing" in one
    ]


def test_who_presses_in_a_thread_that_is_newer_is_told_so_and_nothing_is_done(
    story: Story,
) -> None:
    lin = story.lin(story.newer)
    message, element = wait_for(lambda: lin.find("7.2.s2", "classify"), "the button of INC-3")
    root = str(story.newer["ts"])
    said = story.workspace.answer_to(
        LIN,
        lambda: lin.slack.click(LIN, message, CS, element),
        channel=CS,
        thread=None if message["ts"] == root else root,
    )
    assert "比紀錄新：紀錄已還原" in said
    assert story.effects_since() == []


def test_a_number_that_was_seen_is_not_given_out_again(story: Story) -> None:
    card = complain(story.workspace, 2)
    numbers = [row["number"] for row in story.workspace.rows("select number from incidents")]
    assert len(numbers) == len(set(numbers))
    assert max(numbers) > 3
    assert f"INC-{max(numbers)}" in words(card["blocks"])


def test_a_switch_that_was_done_is_seen_and_not_sent_again(story: Story) -> None:
    mei = story.mei()
    press(mei, "3.3.1.s2", "switch")
    message = _asked(mei, "3.3.1.s2")
    assert "Since then the shop shows its effect" in words(message["blocks"])
    assert {"It was done", "It was not done"} <= set(labels(message))
    assert story.effects_since() == []
    _say(mei, "3.3.1.s2", "happened")
    story.workspace.settled()
    assert story.effects_since() == []
    assert story.state(1, "3.3.1.s2") == "done"
    _thread_says(mei, "says it was done before the record was restored")


def test_money_is_looked_for_at_the_shop_before_it_goes_out_a_second_time(story: Story) -> None:
    lin = story.lin()
    press(lin, "7.2.s3", "refund", form=REFUND)
    shown = words(_asked(lin, "7.2.s3")["blocks"])
    assert "退款 1 筆：NT$100" in shown
    assert [one for one in story.effects_since() if one["path"] == "/refunds"] == []
    _say(lin, "7.2.s3", "happened")
    story.workspace.settled()
    refunds = [one for one in effects(story.workspace) if one["path"] == "/refunds"]
    assert len(refunds) == 1
    assert story.state(2, "7.2.s3") == "done"


def test_what_the_shop_does_not_show_is_sent_once_a_person_has_said_that_it_was_not_done(
    story: Story,
) -> None:
    """Nobody was told before the backup was restored: the shop shows no message since then."""
    mei = story.mei()
    press(mei, "3.3.4.s1", "tell", shown=True)
    assert "The shop shows nothing of it since then" in words(_asked(mei, "3.3.4.s1")["blocks"])
    _say(mei, "3.3.4.s1", "not_happened")
    before = len(effects(story.workspace))
    press(mei, "3.3.4.s1", "tell", shown=True)
    story.workspace.settled()
    assert len(effects(story.workspace)) > before


def test_who_has_looked_confirms_the_record_and_the_card_says_it_no_more(story: Story) -> None:
    lin = story.lin()
    found = wait_for(lambda: lin.find_action("incident.confirm_record"), "the button")
    lin.slack.click(LIN, found[0], lin.channel, found[1])
    wait_for(
        lambda: "紀錄已還原到" not in words(lin.card()["blocks"]) or None, "the card without it"
    )
    _thread_says(lin, "Lin 已比對並確認紀錄")
    rows = story.workspace.rows(
        "select actor, action from audit where action = 'confirm_record' and result = 'done'"
    )
    assert [row["actor"] for row in rows] == [LIN]
