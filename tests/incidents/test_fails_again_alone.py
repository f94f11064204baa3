"""An order that fails again alone, while others of its incident never were in order."""

from __future__ import annotations

from checks.model import CaseFound, CheckResult, Finding
from message_templates.engine import Templates
from storage.models import Case
from tests.incidents.test_wholes import card_text
from tests.incidents.world import DAY, MEI, World, case_rows, money


def stuck(world: World, *numbers: int, seconds: float = 30) -> None:
    """The check finds just these; then time passes until its next look."""
    world.now = max(world.now, DAY)
    finding = Finding(
        "orders:paid",
        "order_state_stuck",
        facts={"state": "paid", "orders": len(numbers), "limit_hours": 48},
        cases=tuple(
            CaseFound("order", f"FG-{n}", amount=money(8), customer_key=f"c{n}") for n in numbers
        ),
    )
    world.check(CheckResult("stuck-orders", world.now, findings=(finding,), open_after=1))
    world.advance(seconds)


def states(world: World) -> dict[str, str]:
    return {row.key: row.state for row in case_rows(world)}


def settled_by_a_person(world: World, key: str) -> None:
    def unit(session: object) -> None:
        row = session.query(Case).filter_by(key=key).one()  # type: ignore[attr-defined]
        row.state, row.updated_at = "settled", world.now

    world.write(unit)
    world.advance(1)


def test_an_order_that_is_stuck_again_alone_is_open_again(world: World) -> None:
    stuck(world, 1, 2)
    world.press(MEI, "2.2.s2", "cause", values={"root_cause": "logistics", "finding": "Hub closed"})
    world.press(MEI, "2.2.s3", "redispatch")
    first, _ = world.pending_attempts()
    world.settle(first, response={}, after={"status": "dispatched"})
    assert states(world) == {"FG-1": "settled", "FG-2": "open"}
    stuck(world, 1, 2)  # the look that was begun before the shop had it
    assert states(world)["FG-1"] == "settled"
    stuck(world, 2)
    stuck(world, 1, 2)
    assert states(world) == {"FG-1": "open", "FG-2": "open"}
    assert "2 paid orders are not shipped" in card_text(world, Templates())


def test_what_a_person_decided_to_leave_stays_while_it_is_found(world: World) -> None:
    stuck(world, 1, 2)
    settled_by_a_person(world, "FG-1")
    for _ in range(4):
        stuck(world, 1, 2)
    assert states(world) == {"FG-1": "settled", "FG-2": "open"}
