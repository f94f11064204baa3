"""What may work beside the running bot on the same SQLite file, and what may not."""

from __future__ import annotations

import base64
import os
import subprocess
import sys

from sqlalchemy import func, select

from storage.database import Database
from storage.models import Incident
from tests.house.conftest import Embedded
from tests.journeys.workspace import INCIDENTS, MEI, Workspace


def muster(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real command line with the running bot's configuration and environment."""
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments, "--config", str(workspace.stack.config)],
        env={**os.environ, **workspace.stack.environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_bot_is_refused_in_a_sentence(embedded: Embedded) -> None:
    workspace = embedded.workspace
    bot = workspace.stack.bots["bot"]
    refused = muster(workspace, "run")
    assert (refused.returncode, refused.stdout) == (2, "")
    [sentence] = refused.stderr.splitlines()
    assert sentence.startswith(f"muster: another muster run (process {bot.process.pid}) has ")
    assert sentence.endswith("stop it first, or use PostgreSQL, which several may share.")


def test_looking_and_looking_after_work_beside_it(embedded: Embedded) -> None:
    """Each does its work, and the bot goes on as if nothing had been."""
    workspace = embedded.workspace
    said = "select count(*) from timeline where kind = 'note'"
    notes = workspace.one(said)
    listed = muster(workspace, "incidents", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "INC-1" in listed.stdout
    waiting = muster(workspace, "work", "list")
    assert (waiting.returncode, waiting.stdout) == (0, "Nothing waits for an operator.\n")
    told = muster(workspace, "doctor")
    assert told.returncode == 0, told.stdout
    assert "Database" in told.stdout
    assert "wrong" not in told.stdout
    copy = workspace.stack.folder / "copy.db"
    backed_up = muster(workspace, "db", "backup", str(copy))
    assert backed_up.returncode == 0, backed_up.stderr
    key = workspace.stack.environment["MUSTER_KEY"]
    assert _incidents(f"sqlite:///{copy}", key) == 1
    answer = workspace.slack.command(MEI, INCIDENTS, "/incident", "note 1 it went on")
    assert answer["ok"], answer
    workspace.settled()
    assert workspace.one(said) == notes + 1
    assert workspace.stack.bots["bot"].running


def _incidents(url: str, key: str) -> int:
    """How many incidents a copy holds."""
    database = Database.open(url, key=base64.b64decode(key))
    try:
        return int(database.read_now(lambda s: s.scalar(select(func.count(Incident.id)))) or 0)
    finally:
        database.close_now()
