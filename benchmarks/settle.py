"""Press settled case by case: CPU of the one writer for each case, at 50 and at 800 cases.

    python -m benchmarks.settle [--cases 50 800] [--runs 3] [--json FILE]

The product's own book over a real SQLite database: what the runner of actions has it do for each
attempt (load, sent, settled), without the shop between them. Linear means that a case costs the
same in a small press and in a large one: goal, a ratio of at most 1.3.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.model import Settled
from benchmarks.common import prepare, write_json
from checks.model import CaseFound, CheckResult, Finding
from incidents import step_press
from incidents.detection.findings import take_check_result
from incidents.organisation import Audience, House, Role
from incidents.shop_actions.action_attempts import AttemptBook
from incidents.step_press import Press
from plan.loader import load_plan
from storage.database import Database
from storage.models import ActionAttempt, AttemptState, Case, Incident
from storage.money import Money
from storage.upgrade import upgrade

GOAL = 1.3  # CPU a case of the largest press, in that of the smallest
KEY, WHO = bytes(range(32)), "U0MEI"
START = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, nargs=2, default=[50, 800])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    found = run(options.cases, options.runs)
    for row in found["rows"]:
        print(f"{row['cases']:5} cases: {row['cpu_ms']:.2f} ms of CPU a case")
    print(f"ratio {found['ratio']:.2f}, goal {GOAL}")
    write_json(options.json, found)
    sys.exit(0 if found["met"] else 1)


def run(sizes: list[int], runs: int) -> dict[str, Any]:
    """Milliseconds of CPU a case, the median of the runs, and their ratio."""
    took = {size: statistics.median(_measured(size) for _ in range(runs)) for size in sizes}
    small, large = sizes
    ratio = took[large] / took[small]
    rows = [{"cases": size, "cpu_ms": round(ms, 2)} for size, ms in took.items()]
    return {"rows": rows, "ratio": round(ratio, 2), "met": ratio <= GOAL}


def _measured(size: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/muster.db"
        upgrade(url, KEY)
        database = Database.open(url, key=KEY)
        try:
            return _settled(database, size)
        finally:
            database.close_now()


def house_of(size: int) -> House:
    """A house in which one person may press for so many cases alone."""
    return House(
        loaded=load_plan(),
        roles={name: Role(None, (WHO,)) for name in ("oncall", "cs", "managers")},
        audiences={"incidents": Audience("incidents", "C0INCIDENTS")},
        bulk_cases=size,  # the second person is not what is measured
    )


def _settled(database: Database, size: int) -> float:
    house = house_of(size)
    database.write_now(lambda s: take_check_result(s, house, stuck(size), START))
    cause = {"root_cause": "logistics", "finding": "the queue stood still"}
    for step, button, values in (("2.2.s2", "cause", cause), ("2.2.s3", "redispatch", None)):

        def press(session: Session, s: str = step, b: str = button, v: Any = values) -> Any:
            version = session.scalars(select(Incident.version)).one()
            wish = Press(1, version, s, b, house.actor(WHO), v)
            return step_press.press(session, house, wish, START)

        outcome = database.write_now(press)
        assert outcome.ok, outcome
    numbers = database.read_now(lambda s: list(s.scalars(select(ActionAttempt.id))))
    assert len(numbers) == size
    book, now = AttemptBook(house), START
    began = time.process_time()
    for number in numbers:
        now += timedelta(milliseconds=20)
        _one(database, book, number, now)
    used = time.process_time() - began
    left = database.read_now(lambda s: len(s.scalars(select(Case).where(_OPEN)).all()))
    assert left == 0
    return used * 1000 / size


_OPEN = Case.state != "settled"


def _one(database: Database, book: AttemptBook, number: int, now: datetime) -> None:
    """What the runner has the domain do for one attempt, each in its transaction."""
    database.read_now(lambda s: book.load(s, number))
    database.write_now(lambda s: book.sent(s, number, {"status": "paid"}, now))
    seen = {"status": "dispatched", "status_since": now.isoformat()}
    settled = Settled(AttemptState.DONE, after=seen, response=seen)
    database.write_now(lambda s: book.settle(s, number, settled, now))


def stuck(size: int) -> CheckResult:
    cases = tuple(
        CaseFound("order", f"FG-{n}", amount=Money(100_00, "TWD"), customer_key=f"c{n}")
        for n in range(size)
    )
    facts = {"state": "paid", "orders": size, "limit_hours": 48}
    finding = Finding("orders:paid", "order_state_stuck", facts=facts, cases=cases)
    return CheckResult("stuck-orders", START, findings=(finding,), open_after=1)


if __name__ == "__main__":
    main()
