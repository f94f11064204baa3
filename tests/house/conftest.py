"""One bot on SQLite whose disk can be full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import Json
from tests.journeys.workspace import Workspace, daytime
from tests.replicas.conftest import channel_card


@dataclass(frozen=True)
class Disk:
    """Full for as long as its file is there."""

    file: Path

    def fill(self) -> None:
        self.file.touch()

    def make_room(self) -> None:
        self.file.unlink()


@dataclass(frozen=True)
class Embedded:
    """A running bot on SQLite, its disk, and the card of its one incident (3.3)."""

    workspace: Workspace
    disk: Disk
    card: Json


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Started once for the modules that ask for it."""
    folder = tmp_path_factory.mktemp("embedded")
    with stack(folder, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        found, disk = Workspace(running), Disk(folder / "full")
        module = ("tests.house.full_disk_bot", str(found.database), str(disk.file))
        found.restart(module=module)
        yield Embedded(found, disk, channel_card(found))
        found.close()
