"""What cannot be delivered is shown to an operator, told to on-call, and tried again."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.doctor import _check_times, _waiting
from bot.cli.main import cli
from bot.settings import parse_settings
from checks.model import CheckResult
from incidents.alerting import dead_letters
from incidents.detection.findings import take_check_result
from storage import work
from storage.database import Database
from storage.models import WorkItem
from storage.models.record import AuditEntry
from tests.conftest import KEY
from tests.incidents.world import World, house
from tests.sandbox_slack.conftest import until
from tests.web.conftest import SETTINGS, Running

MEI, LIN = "U0MEI", "U0LIN"


async def _declare(bot: Running) -> None:
    """An incident whose card Slack will not take."""
    here = {"channel": "C0INCIDENTS"}  # on a Monday the week's message is posted too
    await bot.fault("chat.postMessage", "error", error="invalid_arguments", times=1, match=here)
    await bot.declare("3.3 northpay")


async def _directs(bot: Running, person: str) -> list[str]:
    params = {"as": person, "channel": f"D0{person[2:]}"}
    found = await bot.hand.get("messages", **params)
    return [str(message["text"]) for message in found["messages"]]


async def _told(bot: Running, person: str = MEI) -> list[str]:
    return [text for text in await _directs(bot, person) if "could not be delivered" in text]


async def _home(bot: Running, person: str) -> dict[str, Any]:
    await bot.hand.post("home/open", **{"as": person}, tab="home")
    found = await bot.hand.get("home", **{"as": person})
    return dict(found.get("view") or {})


async def _button(bot: Running, person: str = MEI) -> bool:
    blocks = (await _home(bot, person)).get("blocks", [])
    return any(block["block_id"] == "stuck.how" for block in blocks)


async def _parked(bot: Running) -> int:
    _, said = await bot.get("/readyz")
    return int(said["parts"]["deliveries"]["parked"])


async def _none_parked(bot: Running) -> bool:
    return await _parked(bot) == 0


async def test_on_call_is_told_once_and_tries_it_again(bot: Running) -> None:
    """The card is set aside: a direct message, the App Home with its button, and it goes out."""
    await _declare(bot)
    await until(lambda: _told(bot), seconds=20)
    assert await bot.ready()  # what waits for a person is no reason not to be ready
    assert await _parked(bot) > 0
    assert "muster_work_parked 0.0" not in await bot.metrics()
    await until(lambda: _button(bot), seconds=10)
    view = await _home(bot, MEI)
    pressed = await bot.hand.post(
        "click",
        **{"as": MEI},
        view_id=view["id"],
        block_id="stuck.how",
        action_id="home.retry",
        value="all",
    )
    assert pressed["ok"], pressed
    await until(lambda: _none_parked(bot), seconds=20)
    await until(lambda: _cards(bot), seconds=20)
    assert len(await _told(bot)) == 1


async def _cards(bot: Running) -> bool:
    found = await bot.hand.get("messages", **{"as": MEI}, channel="C0INCIDENTS")
    return any("INC-1" in str(message["text"]) for message in found["messages"])


async def test_the_home_of_others_shows_nothing_of_it(bot: Running) -> None:
    await _declare(bot)
    await until(lambda: _told(bot), seconds=20)
    await until(lambda: _home(bot, LIN), seconds=10)
    assert not await _button(bot, LIN)


def _set_aside(session: Session, bot_now: datetime) -> int:
    item = work.enqueue(
        session,
        kind="message",
        key="message:INC-9/card",
        payload={"do": "post", "template": "card", "incident": None},
        due=bot_now,
        now=bot_now,
    )
    assert item is not None
    row = session.get_one(WorkItem, item)
    row.state = "parked"
    row.last_error = "KeyError: 0912 345 678"
    return item


@pytest.fixture
def stuck(sqlite_url: str) -> Iterator[tuple[Database, int]]:
    """A database in which one message waits for an operator."""
    database = Database.open(sqlite_url, key=KEY)
    now = datetime.now(UTC)
    yield database, database.write_now(lambda s: _set_aside(s, now))
    database.close_now()


def test_only_on_call_may_try_it_again(stuck: tuple[Database, int], world: World) -> None:
    """Checked where it happens, and written to the audit log (rule 10)."""
    database, number = stuck
    now = datetime.now(UTC)
    for who, may in ((LIN, False), (MEI, True)):
        outcome = database.write_now(
            lambda s, who=who: dead_letters.retry(
                s, world.house, world.house.actor(who), [number], now
            )
        )
        assert outcome.ok is may, who
    entries = database.read_now(
        lambda s: [(e.actor, e.action, e.result) for e in s.scalars(select(AuditEntry))]
    )
    assert (LIN, "refused", "refused") in entries
    assert (MEI, "work.retried", "done") in entries
    assert database.read_now(lambda s: s.get_one(WorkItem, number).state) == "pending"


def _muster(folder: Path, url: str, *arguments: str) -> Result:
    config = folder / "muster.yaml"
    config.write_text(SETTINGS + f"database: {{url: '{url}'}}\n", encoding="utf-8")
    environment = {
        "MUSTER_SLACK_BOT_TOKEN": "xoxb-x",
        "MUSTER_SLACK_APP_TOKEN": "xapp-x",
        "MUSTER_KEY": base64.b64encode(KEY).decode(),
    }
    return CliRunner().invoke(cli, [*arguments, "--config", str(config)], env=environment)


def test_the_command_line_lists_and_retries(
    stuck: tuple[Database, int], sqlite_url: str, tmp_path: Path
) -> None:
    """Beside an open database: by name and reason, without what looks personal."""
    database, number = stuck
    said = _muster(tmp_path, sqlite_url, "work", "list", "--json")
    assert said.exit_code == 0, said.output
    [row] = json.loads(said.output)["work"]
    assert (row["id"], row["kind"], row["what"], row["state"]) == (
        number, "message", "card", "parked",
    )  # fmt: skip
    assert row["why"] == "KeyError: •••"
    assert _muster(tmp_path, sqlite_url, "work", "retry").exit_code != 0
    said = _muster(tmp_path, sqlite_url, "work", "retry", str(number), "77")
    assert "Tried again: 1." in said.output
    assert "Not parked, so left alone: 77." in said.output
    assert database.read_now(lambda s: s.get_one(WorkItem, number).state) == "pending"
    assert json.loads(_muster(tmp_path, sqlite_url, "work", "list", "--json").output) == {
        "work": []
    }


async def test_a_running_bot_takes_up_what_the_command_line_retries(
    bot: Running, tmp_path: Path
) -> None:
    """`muster work retry --all` beside it, on SQLite: it goes out within seconds."""
    await _declare(bot)
    await until(lambda: _told(bot), seconds=20)
    said = await asyncio.to_thread(_muster, tmp_path, bot.url, "work", "retry", "--all")
    assert said.exit_code == 0, said.output
    await until(lambda: _none_parked(bot), seconds=20)
    await until(lambda: _cards(bot), seconds=20)


def test_the_doctor_says_what_waits(stuck: tuple[Database, int]) -> None:
    database, _ = stuck
    lines = _waiting(database)
    assert [mark for mark, _ in lines] == ["look", "ok"]
    assert lines[0][1].startswith("Not delivered or done: 1, the oldest of ")


def test_the_doctor_names_a_check_that_nears_its_deadline(stuck: tuple[Database, int]) -> None:
    """As its last run by the bot took, whichever replica ran it."""
    database, _ = stuck
    check = {"name": "stuck", "kind": "http_probe", "url": "http://x/", "service": "x"}
    settings = parse_settings({**yaml.safe_load(SETTINGS), "checks": [check]})
    assert list(_check_times(settings, database)) == []
    for took, marks in ((0.4, ["ok"]), (16.0, ["look", "ok"])):
        result = CheckResult("stuck", datetime.now(UTC), took=took)
        database.write_now(lambda s, r=result: take_check_result(s, house(), r, r.ran_at))
        lines = list(_check_times(settings, database))
        assert [mark for mark, _ in lines] == marks
    assert lines[0][1].startswith("Check stuck took 16.0 s of its 30 s: ")


async def test_a_message_in_plain_words_is_seen_and_no_reason_to_be_not_ready(
    bot: Running,
) -> None:
    """Slack refuses the card's blocks: the words went out, and the template is named."""
    await bot.fault("chat.postMessage", "error", error="invalid_blocks", times=1)
    await bot.declare("3.3 northpay")
    await until(lambda: _plain(bot), seconds=20)
    assert await bot.ready()
    assert 'why="blocks"} 1.0' in await bot.metrics()


async def _plain(bot: Running) -> bool:
    _, said = await bot.get("/readyz")
    templates = said["parts"]["templates"]
    return templates["sent_plain"] == 1 and bool(templates["last_template"])
