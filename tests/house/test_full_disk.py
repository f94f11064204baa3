"""The disk of the running bot is full for a while: said loudly, and then it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.stack import stack
from tests.house.steps import outlasts
from tests.journeys.invariants import attempts
from tests.journeys.workspace import Workspace, daytime


class Disk:
    """Full for as long as its file is there."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def fill(self) -> None:
        self.file.touch()

    def make_room(self) -> None:
        self.file.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "full")


@pytest.fixture
def workspace(tmp_path: Path, disk: Disk) -> Iterator[Workspace]:
    with stack(tmp_path, shop_options=("--rate", "0"), change=daytime, with_bot=False) as running:
        found = Workspace(running)
        module = ("tests.house.full_disk_bot", str(found.database), str(disk.file))
        found.restart(module=module)
        yield found
        found.close()


def test_the_disk_is_full_while_an_action_is_under_way(workspace: Workspace, disk: Disk) -> None:
    """What cannot be written is not acknowledged, nothing is half done, and no start is needed."""
    before: list[int] = []

    def fill() -> None:
        before.append(entries())
        disk.fill()

    def entries() -> int:
        return int(workspace.one("select count(*) from timeline"))

    def half_done() -> None:
        assert entries() == before[0]
        assert attempts(workspace) == {"sent": 1}

    outlasts(workspace, begin=fill, meanwhile=half_done, end=disk.make_room, problem="disk is full")
    assert "database or disk is full" in workspace.stack.bots["bot"].log.read_text("utf-8")
