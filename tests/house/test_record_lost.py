"""The database of a running bot is removed, loses its log or is written over, under an open
incident: nothing has its effect twice, no number is given out twice, and each is said."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text

from bot.cli.stack import stack
from sandbox.drills.hands import Json, elements, wait_for, words
from storage.engines import database_url
from tests.house.steps import effects, health, note, notes_fail, ready, switch
from tests.journeys.invariants import attempts, kill, no_message_twice, one_effect_a_key
from tests.journeys.workspace import INCIDENTS, MEI, Workspace, daytime
from tests.replicas.conftest import channel_card, over_postgres

pytestmark = pytest.mark.programs

ELSEWHERE = "its message is older than the record, or was posted anew"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """One bot on SQLite."""
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        found = Workspace(running)
        found.restart()
        yield found
        found.close()


def muster(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as an operator types it."""
    at = workspace.stack
    command = [sys.executable, "-m", "bot.cli", *arguments, "--config", str(at.config)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment(workspace)
    )


def environment(workspace: Workspace) -> dict[str, str]:
    return {**os.environ, **workspace.stack.environment}


def directly(workspace: Workspace) -> str:
    """What the bot told the first on call by direct message."""
    said = [
        words(message.get("blocks") or []) or str(message["text"])
        for channel in workspace.slack.direct_channels(MEI)
        for message in workspace.slack.messages(MEI, channel)
    ]
    return "\n".join(said)


def log_of(workspace: Workspace) -> str:
    return workspace.stack.bots["bot"].log.read_text("utf-8")


def noticed(workspace: Workspace, sentence: str) -> None:
    """Readiness, the log, the terminal and who is on duty say it; nothing is taken in."""

    def failing() -> Any:
        status, said = health(workspace)
        part = said["parts"]["record"]
        return part if status == 503 and not part["ok"] else None

    part = wait_for(failing, "readiness that fails")
    assert sentence in part["problem"]
    assert health(workspace, "/healthz")[0] == 200
    notes_fail(workspace, "into the void")
    wait_for(lambda: "Muster writes nothing any more" in directly(workspace) or None, "a message")
    assert directly(workspace).count("Muster writes nothing any more") == 1
    assert "record_lost" in log_of(workspace)
    assert "Muster writes nothing any more" in log_of(workspace)


def told_at_start(workspace: Workspace, sentence: str) -> None:
    """What the next start finds, said once: on the terminal, to who is on duty, in the channel."""
    wait_for(lambda: sentence in directly(workspace) or None, "a message to who is on duty")
    workspace.settled()
    channel = [words(m.get("blocks") or []) for m in workspace.slack.messages(MEI, INCIDENTS)]
    assert sum(sentence in one for one in channel) == 1
    assert directly(workspace).count(sentence) == 1
    assert sentence in log_of(workspace)
    assert ready(workspace)


def pressed(workspace: Workspace, card: Json, step: str, button: str) -> str:
    """What Mei is told for pressing a step's button of that card's thread."""
    message, element = wait_for(lambda: workspace.at(card).find(step, button), "the button")
    click = lambda: workspace.slack.click(MEI, message, INCIDENTS, element)  # noqa: E731
    return workspace.answer_to(MEI, click, channel=INCIDENTS)


def given_twice(workspace: Workspace) -> None:
    """A number comes twice, in spite of everything: only the binding stands between the two."""
    with closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("update house set value = '{\"next\": 1}' where key = 'incident_number'")
        connection.commit()


def test_a_removed_database_is_said_and_an_old_button_acts_on_no_new_incident(
    workspace: Workspace,
) -> None:
    """The card, the card for one reader, and the form of an INC-1 of before: each is refused and
    recorded, while the new INC-1 is worked."""
    old = channel_card(workspace)
    shown = workspace.types(MEI, "/incident show 1")
    assert "Card payments" in shown
    alone = next(m for m in workspace.told(MEI) if elements(m))
    form = workspace.form(MEI, lambda: workspace.menu(MEI, old, "severity"))
    workspace.database.unlink()
    noticed(workspace, "muster.db was removed while Muster ran")
    workspace.stack.bots["bot"].stop()
    workspace.restart()
    told_at_start(workspace, "Muster's database was not there when it started")
    given_twice(workspace)
    new = workspace.until(
        lambda: [card for card in workspace.cards() if card["ts"] != old["ts"]], "a new card"
    )[-1]
    workspace.settled()
    assert workspace.one("select number from incidents") == 1
    before = workspace.frozen()()

    assert ELSEWHERE in pressed(workspace, old, "3.3.1.s2", "switch")
    take = next(e for e in elements(alone) if e["action_id"] == "incident.take")
    click = lambda: workspace.slack.click(MEI, alone, INCIDENTS, take)  # noqa: E731
    assert ELSEWHERE in workspace.answer_to(MEI, click)
    sent = workspace.send(MEI, form, {"severity": "2"})
    assert sent.get("ok"), sent
    wait_for(lambda: ELSEWHERE in words(workspace.views(MEI)[-1]["blocks"]) or None, "the refusal")
    workspace.settled()
    assert workspace.frozen()() == before
    recorded = workspace.rows("select object from audit where action = 'refused'")
    assert sorted(row["object"] for row in recorded) == [
        "action incident.take", "action step.run", "submission form.severity"
    ]  # fmt: skip
    workspace.close_views(MEI)

    switch(workspace, new, seconds=1.0)
    workspace.until(lambda: attempts(workspace) == {"done": 1}, "the outcome")
    one_effect_a_key(workspace)
    assert effects(workspace) == 1
    assert muster(workspace, "audit", "verify").returncode == 0


def _log_is_lost(workspace: Workspace) -> None:
    workspace.database.with_name("muster.db-wal").unlink()


def _written_over(workspace: Workspace) -> None:
    """By the copy that was made before the switch, with the database's own state behind it."""
    with closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("pragma wal_checkpoint(passive)").fetchall()
    note(workspace, "behind the checkpoint")
    shutil.copyfile(workspace.database.with_name("copy.db"), workspace.database)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lose", "while_running", "status", "said"),
    [
        (_log_is_lost, "muster.db-wal, the log of the database, was removed", 1, "older state"),
        (_written_over, "muster.db was written over by another program", 2, "another file was put"),
    ],
)
def test_an_older_state_under_an_open_incident_does_nothing_twice(
    workspace: Workspace,
    lose: Callable[[Workspace], None],
    while_running: str,
    status: int,
    said: str,
) -> None:
    """The bot is killed on it, as by a machine that fails, and starts on what is left."""
    card = channel_card(workspace)
    workspace.settled()
    with closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("pragma wal_checkpoint(passive)").fetchall()
    copy = muster(workspace, "db", "backup", str(workspace.database.with_name("copy.db")))
    assert copy.returncode == 0, copy.stderr
    assert note(workspace, "after the copy")["ok"]
    switch(workspace, card, seconds=1.0)
    workspace.until(lambda: attempts(workspace) == {"done": 1}, "the outcome")
    workspace.settled()
    lose(workspace)
    noticed(workspace, while_running)
    kill(workspace)
    verified = muster(workspace, "audit", "verify")
    assert (verified.returncode, said in verified.stdout + verified.stderr) == (status, True)
    workspace.restart()
    told_at_start(workspace, "Muster's database stood at an older state when it started")
    assert effects(workspace) == 1
    for _ in range(6):
        workspace.advance(5)
    workspace.settled()
    assert effects(workspace) == 1
    no_message_twice(workspace)
    assert workspace.one("select value from house where key = 'incident_number'") != '{"next": 1}'
    assert note(workspace, "again")["ok"]
    workspace.settled()
    assert muster(workspace, "audit", "verify").returncode == 0


@pytest.mark.slow
@pytest.mark.postgres
def test_a_dropped_database_is_said_and_its_numbers_are_asked_of_slack(
    tmp_path: Path, pg_server: str
) -> None:
    """On PostgreSQL nothing is kept beside it: the cards in Slack are what is left."""
    with over_postgres(tmp_path, pg_server) as workspace:
        workspace.restart()
        old = channel_card(workspace)
        workspace.settled()
        config = yaml.safe_load(workspace.stack.config.read_text("utf-8"))
        engine = create_engine(database_url(config["database"]["url"]))
        with engine.begin() as connection:
            connection.execute(text("drop schema public cascade"))
            connection.execute(text("create schema public"))
        engine.dispose()
        noticed(workspace, "is another one than Muster was started on")
        kill(workspace)
        workspace.restart()
        told_at_start(workspace, "Slack shows an incident that Muster's database does not know")
        workspace.until(
            lambda: [card for card in workspace.cards() if card["ts"] != old["ts"]], "a new card"
        )
        workspace.settled()
        assert [row["number"] for row in workspace.rows("select number from incidents")] == [2]
        message, element = wait_for(lambda: workspace.at(old).find("3.3.1.s2", "switch"), "it")
        click = lambda: workspace.slack.click(MEI, message, INCIDENTS, element)  # noqa: E731
        assert "There is no INC-1" in workspace.answer_to(MEI, click)
        assert effects(workspace) == 0


def test_a_second_run_through_a_link_is_refused(workspace: Workspace) -> None:
    """By either kind of link, with a sentence; the one that runs is not disturbed."""
    folder = workspace.database.parent
    text = workspace.stack.config.read_text("utf-8")
    for name, link in (("soft", Path.symlink_to), ("hard", Path.hardlink_to)):
        (folder / name).mkdir()
        link(folder / name / "muster.db", workspace.database)
        workspace.stack.config.write_text(
            text.replace(str(workspace.database), str(folder / name / "muster.db")), "utf-8"
        )
        second = muster(workspace, "run")
        assert second.returncode == 2
        assert ("another muster run" if name == "soft" else "under another name") in second.stderr
        assert "Traceback" not in second.stderr
    workspace.stack.config.write_text(text, "utf-8")
    assert ready(workspace)
