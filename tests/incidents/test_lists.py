"""Lists of incidents: what they cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from checks.model import CheckResult, Finding
from incidents import read
from incidents.detection.findings import take_check_result
from tests.incidents.world import World


def test_a_list_asks_the_database_as_often_for_twenty_as_for_two(world: World) -> None:
    """Apart, twenty incidents took a hundred questions: whoever asked kept the others waiting."""
    world.house = replace(world.house, storm_after=50)

    def asked() -> tuple[int, int]:
        statements: list[str] = []

        def look(session: Session) -> int:
            connection = session.connection()

            def count(*arguments: Any) -> None:
                statements.append(str(arguments[2]))

            event.listen(connection, "before_cursor_execute", count)
            try:
                return len(read.incident_list(session, world.house, world.now))
            finally:
                event.remove(connection, "before_cursor_execute", count)

        return world.read(look), len(statements)

    def find(count: int) -> None:
        found = tuple(
            Finding(f"order:FG-{number}", "order_state_stuck", facts={"state": "paid"})
            for number in range(count)
        )
        result = CheckResult("orders", world.now, findings=found)
        world.write(lambda s: take_check_result(s, world.house, result, world.now))

    find(2)
    few, questions = asked()
    find(20)
    many, same = asked()
    assert (few, many) == (2, 20)
    assert same == questions < 12
