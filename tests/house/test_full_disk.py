"""The disk of the running bot is full for a while: said loudly, and then it goes on by itself."""

from __future__ import annotations

from tests.house.conftest import Embedded
from tests.house.steps import outlasts
from tests.journeys.invariants import attempts


def test_the_disk_is_full_while_an_action_is_under_way(embedded: Embedded) -> None:
    """What cannot be written is not acknowledged, nothing is half done, and no start is needed."""
    workspace, disk = embedded.workspace, embedded.disk
    before: list[int] = []

    def fill() -> None:
        before.append(entries())
        disk.fill()

    def entries() -> int:
        return int(workspace.one("select count(*) from timeline"))

    def half_done() -> None:
        assert entries() == before[0]
        assert attempts(workspace) == {"sent": 1}

    outlasts(
        workspace,
        embedded.card,
        begin=fill,
        meanwhile=half_done,
        end=disk.make_room,
        problem="disk is full",
    )
    assert "database or disk is full" in workspace.stack.bots["bot"].log.read_text("utf-8")
