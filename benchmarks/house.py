"""The real bot for the benchmarks: the demo's shop and configuration, in twenty channels.

An incident's channel is its type's audience in the plan, so the plan gets a folder of the shop's
own (as any shop may have one): section 3.3 with a hundred types, each of which can be declared in
one line and goes to one of twenty channels that a manager made in the sandbox Slack. They are of
SEV2.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.common import database_of, free_port
from bot.cli.stack import Program, Stack, stack
from plan.sources import DATA

SECTION = DATA / "sections" / "3.3.yaml"


@dataclass(frozen=True)
class Running:
    """The trio with its database's address, its channels, and the types that can be declared."""

    stack: Stack
    database: str
    channels: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def bot(self) -> Program:
        assert self.stack.bot is not None
        return self.stack.bot

    def options(self, **options: Any) -> None:
        """Slack's speed and limits."""
        answer = httpx.post(f"{self.stack.slack_url}/hand/options", json=options).json()
        assert answer["ok"], answer


@contextmanager
def house(
    folder: Path,
    *,
    postgres: bool = False,
    mode: str = "socket",
    channels: int = 20,
    types: int = 100,
    bulk_cases: int = 50,
    bot_options: tuple[str, ...] = (),
) -> Iterator[Running]:
    """The running trio; the bot has joined its channels. Everything ends with the block.

    `bulk_cases`: a press for more of them needs a second person.
    """
    names = tuple(f"bench_{number:03}" for number in range(types))
    port = free_port()
    http = f"http://127.0.0.1:{port}/slack/events"
    slack_options = ("--http-events", http) if mode == "http" else ()
    with (
        database_of(postgres) as database,
        stack(
            folder, shop_options=("--rate", "0"), slack_options=slack_options, with_bot=False
        ) as running,
    ):
        made = _channels(running.slack_url, channels)
        _write_plan(folder / "plan", names, channels)
        data = yaml.safe_load(running.config.read_text("utf-8"))
        _configure(data, folder, database, made)
        data["limits"]["bulk_cases"] = bulk_cases
        if mode == "http":
            data["slack"]["mode"], data["web"]["port"] = "http", port
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
        running.config.write_text(text, "utf-8")
        running.start_bot(*bot_options)
        yield Running(running, database, made, names)


def _channels(slack_url: str, count: int) -> tuple[str, ...]:
    made = []
    for number in range(count):
        name = {"name": f"incidents-{number:02}"}
        made.append(str(httpx.post(f"{slack_url}/hand/channels", json=name).json()["id"]))
    return tuple(made)


def _configure(
    data: dict[str, Any], folder: Path, database: str, channels: tuple[str, ...]
) -> None:
    data["database"] = {"url": database}
    data["plan"] = {"extra": str(folder / "plan")}
    # At any hour the same is rung, so that a night's run is like a day's.
    data["quiet_hours"] = {"from": "00:00", "to": "00:00", "zone": "UTC"}
    for number, channel in enumerate(channels):
        data["slack"]["channels"][f"bench_{number:02}"] = {"id": channel, "language": "en"}


def _write_plan(folder: Path, names: tuple[str, ...], channels: int) -> None:
    """Section 3.3 with its type as often as there are names, spread over the channels."""
    data = yaml.safe_load(SECTION.read_text("utf-8"))
    original = data["section"]["types"][0]
    for number, name in enumerate(names):
        one = copy.deepcopy(original)
        one |= {"id": name, "audience": f"bench_{number % channels:02}"}
        one |= {"severity": 2, "severity_rules": []}  # at SEV1 a command in one line asks first
        data["section"]["types"].append(one)
    folder.mkdir()
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    (folder / "section.yaml").write_text(text, "utf-8")
