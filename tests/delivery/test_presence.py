"""Who somebody is to Slack, and whether they can be rung."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery.presence import Presence, _resting_until, language_of_locale
from bot.people import PeopleDirectory
from storage.models import Person
from tests.delivery.conftest import Postbox

NOW = datetime(2026, 11, 11, 3, 7, tzinfo=UTC)


def _presence(postbox: Postbox) -> Presence:
    return Presence(postbox.office.sender, postbox.database, postbox.clock)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh_TW", "zh-Hant"),
        ("zh-Hant-TW", "zh-Hant"),
        ("en-US", "en"),
        ("ja-JP", "en"),
        (None, "en"),
    ],
)
def test_the_locale_chooses_the_first_language(locale: str | None, language: str) -> None:
    assert language_of_locale(locale) == language


async def test_it_keeps_what_slack_says(postbox: Postbox) -> None:
    presence = _presence(postbox)
    assert await presence.language_of("U0LIN") == "zh-Hant"
    assert await presence.language_of("U0LIN") == "zh-Hant"
    assert postbox.calls("users.info") == 1
    person = await postbox.database.read(
        lambda s: (s.get_one(Person, "U0LIN").name, s.get_one(Person, "U0LIN").time_zone)
    )
    assert person == ("Lin", "Asia/Taipei")


async def test_an_own_choice_is_not_overwritten(postbox: Postbox) -> None:
    presence = _presence(postbox)
    await presence.refresh("U0LIN")

    def choose(session) -> None:  # type: ignore[no-untyped-def]
        person = session.get_one(Person, "U0LIN")
        person.language, person.language_chosen = "en", True

    await postbox.database.write(choose)
    postbox.advance(2 * 86_400)
    await presence.refresh_stale("U0LIN")
    assert postbox.calls("users.info") == 2
    assert await presence.language_of("U0LIN") == "en"


async def test_an_own_choice_survives_a_restart(postbox: Postbox) -> None:
    """The next process and the other replicas speak as the person has chosen."""

    def people() -> PeopleDirectory:
        presence = Presence(postbox.office.sender, postbox.database, postbox.clock)
        return PeopleDirectory(presence, postbox.database, postbox.clock)

    here, replica = people(), people()
    assert await replica.language_of("U0MEI") == "en"
    await here.choose_language("U0MEI", "zh-Hant")
    assert replica.known_language("U0MEI") == "en"
    await replica.reload()
    assert replica.known_language("U0MEI") == "zh-Hant"
    asked = postbox.calls("users.info")
    await postbox.restart()
    started = people()
    await started.load()
    assert started.known_language("U0MEI") == "zh-Hant"
    assert postbox.calls("users.info") == asked
    postbox.advance(2 * 24 * 3600)
    await started.zone_of("U0MEI")
    assert await started.language_of("U0MEI") == "zh-Hant"


async def test_without_an_answer_english_is_spoken(postbox: Postbox) -> None:
    postbox.fault("users.info", "http_503")
    assert await _presence(postbox).language_of("U0LIN") == "en"


async def test_do_not_disturb_is_seen(postbox: Postbox) -> None:
    until = postbox.clock.now() + timedelta(hours=5)
    await postbox.people.post("/hand/people", json={"id": "U0MEI", "dnd_until": until.timestamp()})
    resting = await _presence(postbox).do_not_disturb("U0MEI")
    assert resting.until is not None
    assert abs((resting.until - until).total_seconds()) < 2
    assert not (await _presence(postbox).do_not_disturb("U0KAI")).resting


async def test_when_slack_cannot_say_they_count_as_reachable(postbox: Postbox) -> None:
    postbox.fault("dnd.info", "http_503")
    assert not (await _presence(postbox).do_not_disturb("U0MEI")).resting


def _seconds(**delta: float) -> float:
    return (NOW + timedelta(**delta)).timestamp()


@pytest.mark.parametrize(
    ("answer", "hours"),
    [
        ({"dnd_enabled": False}, None),
        (
            {
                "dnd_enabled": True,
                "next_dnd_start_ts": _seconds(hours=-1),
                "next_dnd_end_ts": _seconds(hours=5),
            },
            5,
        ),
        (
            {
                "dnd_enabled": True,
                "next_dnd_start_ts": _seconds(hours=2),
                "next_dnd_end_ts": _seconds(hours=9),
            },
            None,
        ),
        ({"snooze_enabled": True, "snooze_endtime": _seconds(hours=1)}, 1),
        ({"snooze_enabled": True, "snooze_endtime": _seconds(hours=-1)}, None),
    ],
)
def test_night_and_snooze_are_told_apart_from_later(
    answer: dict[str, object], hours: int | None
) -> None:
    """A night that begins in two hours keeps nobody from being rung now."""
    until = _resting_until(answer, NOW)
    assert until == (None if hours is None else NOW + timedelta(hours=hours))
