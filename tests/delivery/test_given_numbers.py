"""Numbers that stand in Slack: asked at the start, and not given out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bot import given_numbers
from bot.given_numbers import GivenNumbers
from storage import continuity, numbers
from storage.database import Database
from tests.conftest import KEY
from tests.delivery.conftest import Postbox

CHANNELS = ["C0INCIDENTS", "C0CSDESK", "C0NOWHERE"]


@pytest.fixture
async def posted(postbox: Postbox) -> Postbox:
    """The card of INC-412, and a line in its thread."""
    await postbox.post("card", thread=None)
    await postbox.post("log/1")
    await postbox.run(10)
    return postbox


@pytest.fixture
def empty(tmp_path: Path, _sqlite_template: Path) -> Database:
    """A database that knows nothing."""
    file = tmp_path / "empty" / "muster.db"
    file.parent.mkdir()
    shutil.copy(_sqlite_template, file)
    return Database.start(f"sqlite:///{file}", key=KEY)


def _given(postbox: Postbox, database: Database, bot: str | None = None) -> GivenNumbers:
    return GivenNumbers(CHANNELS, postbox.office.sender, database, postbox.clock, lambda: bot)


def _next(database: Database) -> int:
    return database.read_now(numbers.highest) + 1


async def test_what_slack_shows_and_the_database_does_not_know_is_left_out_and_noted(
    posted: Postbox, empty: Database
) -> None:
    given = _given(posted, empty)
    await given.ask()
    await given.begin()
    assert _next(empty) == 413
    untold = empty.read_now(continuity.untold)
    assert untold is not None
    assert (untold["kind"], untold["unknown"]) == ("behind", [412])
    await _given(posted, empty).ask()  # the next start has nothing new to note
    assert _next(empty) == 413
    empty.close_now()


async def test_what_the_database_knows_is_no_news(posted: Postbox) -> None:
    def known(session: Session) -> None:
        numbers.raise_to(session, 412)

    await posted.database.write(known)
    await _given(posted, posted.database).ask()
    assert await posted.database.read(continuity.untold) is None


async def test_another_apps_card_counts_for_nothing(posted: Postbox, empty: Database) -> None:
    """Anybody's app may write the same metadata."""
    await _given(posted, empty, bot="B0ANOTHER").ask()
    assert _next(empty) == 1
    empty.close_now()


@pytest.mark.parametrize("kind", ["http_503", "error"])
async def test_a_slack_that_does_not_say_it_leaves_a_gap(
    posted: Postbox, empty: Database, kind: str
) -> None:
    """A database that knows nothing begins far above what may have been given out."""
    posted.fault("conversations.history", kind, error="missing_scope", times=-1)
    given = _given(posted, empty)
    await given.ask()
    await given.begin()
    assert _next(empty) > 412
    empty.close_now()


async def test_a_slack_that_hangs_is_not_waited_for_where_the_numbers_are_known(
    posted: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a database that knows nothing has to wait."""
    monkeypatch.setattr(given_numbers, "PATIENCE", 3600.0)
    await posted.database.write(lambda s: numbers.raise_to(s, 7))
    given = _given(posted, posted.database)
    await given.begin()  # nobody has asked
    assert await posted.database.read(numbers.highest) == 7
