"""`muster doctor` against a workspace that is not as the configuration takes it to be."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.cli.doctor import examine
from bot.cli.manifest import manifest_of
from bot.cli.stack import demo_environment, demo_settings
from sandbox.slack.config import AppConfig
from sandbox.slack.server import SlackSandbox

_NOWHERE = dict.fromkeys(("control", "primary", "standby"), "http://127.0.0.1:9")
Change = Callable[[dict[str, Any]], None]


@dataclass
class Operator:
    """Somebody who has written muster.yaml and asks doctor."""

    folder: Path
    slack: SlackSandbox
    http: httpx.AsyncClient

    async def hand(self, path: str, **wish: Any) -> None:
        answer = (await self.http.post(f"/hand/{path}", json=wish)).json()
        assert answer["ok"], answer

    def writes(self, change: Change) -> Path:
        """muster.yaml: a shop of which nothing is read, and all else that the demo has."""
        shop = {**_NOWHERE, "database": f"sqlite:///{self.folder}/shop.db"}
        data = demo_settings({"url": self.slack.url}, shop, self.folder)
        data["checks"] = []
        del data["shop"]["mapping"], data["shop"]["database_url"]
        change(data)
        config = self.folder / "muster.yaml"
        config.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
        return config

    async def asks(self, change: Change = lambda _: None) -> tuple[int, list[str]]:
        """doctor's exit code, and its lines."""
        said = await examine(self.writes(change))
        lines = [f"{mark:5} {sentence}" for mark, sentence in said]
        return int(any(mark == "wrong" for mark, _ in said)), lines

    async def runs(self, change: Change = lambda _: None) -> tuple[int, list[str]]:
        """The same, by the program itself."""
        command = (sys.executable, "-m", "bot.cli", "doctor", "--config", str(self.writes(change)))
        asked = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "COLUMNS": "400"},
            stdout=asyncio.subprocess.PIPE,
        )
        said = (await asked.communicate())[0].decode()
        return asked.returncode or 0, said.splitlines()


@pytest.fixture
async def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    for name, value in demo_environment().items():
        monkeypatch.setenv(name, value)
    slack = SlackSandbox(0, AppConfig.from_manifest(manifest_of({})))
    await slack.start()
    async with httpx.AsyncClient(base_url=slack.url) as http:
        yield Operator(tmp_path, slack, http)
    await slack.stop()


def only(lines: list[str], part: str) -> str:
    """The one line that speaks of it."""
    [found] = [line for line in lines if part in line]
    return found


async def test_a_first_start_is_nothing_wrong(operator: Operator) -> None:
    """No database yet, and everybody where they should be."""
    code, lines = await operator.runs()
    assert code == 0, lines
    assert "That is right before the first start." in only(lines, "muster.db")
    assert not [line for line in lines if line.startswith("wrong")]
    assert not (operator.folder / "muster.db").exists()


async def test_who_has_a_role_and_is_not_in_its_channel_is_named(operator: Operator) -> None:
    await operator.hand("channel", id="C0INCIDENTS", remove=["U0MEI"])
    code, lines = await operator.asks()
    assert code == 0
    line = only(lines, "Not in #order-incidents")
    assert re.match(r"look +Not in #order-incidents: Mei \(oncall[^)]*\)\. They are rung by", line)
    assert "Kai" not in line


async def test_a_role_of_a_private_channel_cannot_open_its_threads(operator: Operator) -> None:
    await operator.hand("channel", id="C0CSINC", remove=["U0LIN"])
    line = only((await operator.asks())[1], "Not in #cs-incidents")
    assert "Lin (cs)" in line
    assert "cannot open its threads" in line


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"private": False}, "is public, and slack.channels promises a private one"),
        ({"shared": True}, "is shared with another organisation (Slack Connect)"),
        ({"shared": "pending"}, "is shared with another organisation (Slack Connect)"),
    ],
)
async def test_a_promise_of_privacy_that_is_not_kept_is_wrong(
    operator: Operator, wish: dict[str, Any], said: str
) -> None:
    await operator.hand("channel", id="C0CSINC", **wish)
    code, lines = await operator.asks()
    assert code == 1
    line = only(lines, said)
    assert line.startswith("wrong")
    assert "nothing is posted there" in line


async def test_a_public_channel_that_is_shared_is_looked_at(operator: Operator) -> None:
    await operator.hand("channel", id="C0INCIDENTS", shared=True)
    code, lines = await operator.asks()
    assert code == 0
    assert only(lines, "#order-incidents) is shared").startswith("look")


async def test_a_private_channel_without_the_bot_says_how_it_comes_in(operator: Operator) -> None:
    await operator.hand("channel", id="C0CSINC", remove=["U0MUSTER"])
    code, lines = await operator.asks()
    assert code == 1
    assert "invite the bot there (/invite)" in only(lines, "Channel private (C0CSINC)")


async def test_a_group_that_does_not_exist_is_named_with_its_roles(operator: Operator) -> None:
    def misspelt(data: dict[str, Any]) -> None:
        data["roles"]["oncall"]["group"] = "S0ONCAL"

    code, lines = await operator.asks(misspelt)
    assert code == 1
    line = only(lines, "S0ONCAL,")
    assert line.startswith("wrong roles.oncall: there is no user group S0ONCAL")
    assert "are not rung" in line


async def test_a_group_of_nobody_is_named(operator: Operator) -> None:
    await operator.hand("group", id="S0CSDESK", users=[])
    code, lines = await operator.asks()
    assert code == 1
    assert "group S0CSDESK has nobody in it" in only(lines, "S0CSDESK")


async def test_people_who_are_no_members_are_named(operator: Operator) -> None:
    """A guest, somebody of another organisation, somebody who left, and an id of nobody."""
    await operator.hand("person", id="U0ANN", name="ann", guest="multi", channels=["C0GENERAL"])
    await operator.hand("person", id="U0BEN", name="ben", team="T0POST", channels=["C0INCIDENTS"])
    await operator.hand("people", id="U0SAM", deleted=True)

    def named(data: dict[str, Any]) -> None:
        data["roles"]["finance"] = {"people": ["U0ANN", "U0BEN", "U0SAM", "U0NOBODY"]}

    code, lines = await operator.asks(named)
    assert code == 1
    assert "roles.finance: Ann (U0ANN) is a guest" in only(lines, "U0ANN")
    assert "roles.finance: Ben (U0BEN) belongs to another organisation" in only(lines, "U0BEN")
    assert "Sam (U0SAM) has left the workspace" in only(lines, "U0SAM")
    assert "is not known to Slack (user_not_found)" in only(lines, "U0NOBODY")


async def test_an_app_token_without_its_scope_is_named(operator: Operator) -> None:
    operator.slack.world.app_scopes = frozenset({"authorizations:read"})
    code, lines = await operator.asks()
    assert code == 1
    assert "missing_scope" in (line := only(lines, "app token"))
    assert "connections:write" in line
    assert "MUSTER_SLACK_APP_TOKEN" in line


async def test_a_token_of_a_whole_organisation_is_refused_with_a_sentence(
    operator: Operator,
) -> None:
    operator.slack.world.org_install = True
    code, lines = await operator.asks()
    assert code == 1
    assert "whole organisation (Enterprise Grid)" in only(lines, "organisation")


async def test_a_section_says_what_it_cannot_offer_and_that_is_not_wrong(
    operator: Operator,
) -> None:
    def without_doors(data: dict[str, Any]) -> None:
        data["shop"]["actions"], data["shop"]["looks"] = {}, {}

    code, lines = await operator.asks(without_doors)
    assert code == 0, lines
    line = only(lines, "§3.3 ")
    assert line.startswith("look")
    assert "without shop.actions.switch_payment_channel no “Switch payment channel”" in line


async def test_the_start_says_the_same(operator: Operator) -> None:
    """The bot asks Slack as doctor does, and its log has the sentences."""
    await operator.hand("channel", id="C0CSINC", shared=True)
    await operator.hand("channel", id="C0INCIDENTS", remove=["U0MEI"])
    _, lines = await operator.asks()
    said = {re.sub(r"^\w+ +", "", line) for line in lines if re.match("look|wrong", line)}
    wanted = {line for line in said if "#cs-incidents" in line or "#order-incidents" in line}
    assert len(wanted) == 3, lines  # who is not in the one, nor in the other, and who else reads it
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "run", "--config", str(operator.folder / "muster.yaml")),
        env=dict(os.environ),
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stderr is not None
    try:
        async with asyncio.timeout(30):
            while wanted:
                line = json.loads(await running.stderr.readline())
                wanted.discard(str(line.get("sentence")))
    finally:
        running.terminate()
        await running.wait()
