"""What cannot be delivered is shown to an operator, told to on-call, and tried again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.main import cli
from incidents import parked
from incidents.house import Actor
from storage import work
from storage.database import Database
from storage.models import WorkItem
from storage.models.record import AuditEntry
from tests.conftest import KEY
from tests.sandbox_slack.conftest import until
from tests.web.conftest import Running, running

MEI, LIN = "U0MEI", "U0LIN"


async def _declare(bot: Running) -> None:
    """An incident whose card Slack will not take."""
    await bot.fault("chat.postMessage", "error", error="invalid_arguments", times=1)
    said = await bot.hand.post(
        "command", **{"as": MEI}, channel="C0INCIDENTS", command="/incident", text="3.3 northpay"
    )
    assert said["ok"], said


async def _directs(bot: Running, person: str) -> list[str]:
    params = {"as": person, "channel": f"D0{person[2:]}"}
    found = await bot.hand.get("messages", **params)
    return [str(message["text"]) for message in found["messages"]]


async def _told(bot: Running, person: str = MEI) -> list[str]:
    return [text for text in await _directs(bot, person) if "could not be delivered" in text]


async def _home(bot: Running, person: str) -> list[dict[str, Any]]:
    await bot.hand.post("home/open", **{"as": person}, tab="home")
    found = await bot.hand.get("home", **{"as": person})
    view = found.get("home") or found.get("view") or {}
    return list(view.get("blocks", []))


async def _stuck_in_home(bot: Running, person: str = MEI) -> bool:
    return any(block["block_id"] == "stuck.how" for block in await _home(bot, person))


async def _parked(bot: Running) -> int:
    _, said = await bot.get("/readyz")
    return int(said["parts"]["deliveries"]["parked"])


async def test_on_call_is_told_once_and_tries_it_again(bot: Running) -> None:
    """The card is set aside: a direct message, the App Home with its button, and it goes out."""
    await _declare(bot)
    await until(lambda: _told(bot), seconds=20)
    assert await bot.ready()  # what waits for a person is no reason not to be ready
    assert await _parked(bot) > 0
    assert "muster_work_parked 0.0" not in await bot.metrics()
    await until(lambda: _stuck_in_home(bot), seconds=10)
    assert not await _stuck_in_home(bot, LIN)
    await _press(bot, MEI)
    await until(lambda: _no_more(bot), seconds=20)
    assert len(await _told(bot)) == 1


async def _press(bot: Running, person: str) -> None:
    view_id = bot.sandbox.world.homes[person].id if hasattr(bot.sandbox.world, "homes") else ""
    answer = await bot.hand.post(
        "click", **{"as": person}, view_id=view_id, action_id="home.retry", value="all"
    )
    assert answer["ok"], answer


async def _no_more(bot: Running) -> bool:
    return await _parked(bot) == 0
