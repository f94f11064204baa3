"""Stacks over PostgreSQL. A pair of replicas is started once for each module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import Json
from tests.conftest import pg_database
from tests.journeys.workspace import Workspace, daytime

PAIR = ("one", "two")


@contextmanager
def over_postgres(folder: Path, server: str) -> Iterator[Workspace]:
    """Sandbox Slack and shop beside an empty database; no bot runs yet."""
    with pg_database(server) as url:

        def change(data: dict[str, Any]) -> None:
            daytime(data)
            data["database"]["url"] = url

        with stack(folder, shop_options=("--rate", "0"), change=change, with_bot=False) as running:
            workspace = Workspace(running)
            yield workspace
            workspace.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, pg_server: str) -> Iterator[Workspace]:
    """Everything but the bots."""
    with over_postgres(tmp_path_factory.mktemp("replicas"), pg_server) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def pair(house: Workspace) -> Workspace:
    """Two replicas; the first one makes the schema."""
    for name in PAIR:
        house.restart(name)
    return house


def channel_card(workspace: Workspace) -> Json:
    """The card of the payment channel that half fails (3.3), with its thread."""
    workspace.shop.post("/faults", {"kind": "channel_half", "on": True, "channel": "northpay"})
    for _ in range(3):  # the check has its turn every 10 s, and wants three in a row
        workspace.advance(10)
    card: Json = workspace.until(lambda: workspace.cards(), "the card of 3.3")[0]
    workspace.until(lambda: workspace.at(card).thread(), "its runbook")
    workspace.settled()
    return card
