"""Walk of a unit of work: through how many modules, how often back, and how many statements.

    python -m benchmarks.walk [--cases 40] [--json FILE]

A finding that opens an incident, a form, a press for all its cases and the settling of one of them,
each as one unit over a real SQLite database, profiled call by call. *Modules*: those of the product
that are entered. *Returns*: how often the walk enters a module anew that it had entered before.
*Scopes*: how often the scope of the plan's texts is put together; *reads of the cases* and *steps
worked out*: how often what is dear in it is read.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from actions.model import Settled
from benchmarks.common import prepare, write_json
from benchmarks.settle import KEY, START, WHO, house_of, stuck
from incidents.detection.findings import take_check_result
from incidents.outcome import Outcome
from incidents.shop_actions.action_attempts import AttemptBook
from incidents.step_press import Press, press
from storage.database import Database
from storage.models import ActionAttempt, AttemptState, Incident
from storage.upgrade import upgrade

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
PACKAGES = ("actions", "handlers", "incidents", "plan", "storage")
COUNTED = {
    ("incidents/scope.py", "_whole"): "scopes",
    ("incidents/scope.py", "step_scope"): "steps worked out",
    ("incidents/case_totals.py", "_told"): "reads of the cases",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    rows = run(options.cases)
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items()))
    write_json(options.json, {"rows": rows})


def run(cases: int) -> list[dict[str, Any]]:
    """A row for each unit."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/muster.db"
        upgrade(url, KEY)
        database = Database.open(url, key=KEY)
        try:
            return _units(database, cases)
        finally:
            database.close_now()


def _units(database: Database, cases: int) -> list[dict[str, Any]]:
    house = house_of(cases)
    rows = [
        _walked(
            "a finding opens",
            lambda: _unit(database, lambda s: take_check_result(s, house, stuck(cases), START)),
        )
    ]
    cause = {"root_cause": "logistics", "finding": "the queue stood still"}

    def pressed(step: str, button: str, values: dict[str, str] | None) -> None:
        def work(session: Session) -> Outcome:
            version = session.scalars(select(Incident.version)).one()
            wish = Press(1, version, step, button, house.actor(WHO), values)
            return press(session, house, wish, START)

        outcome = _unit(database, work)
        assert outcome.ok, outcome

    rows.append(_walked("a form is recorded", lambda: pressed("2.2.s2", "cause", cause)))
    rows.append(_walked("a press acts", lambda: pressed("2.2.s3", "redispatch", None)))
    book = AttemptBook(house)
    first = database.read_now(lambda s: s.scalars(select(ActionAttempt.id)).first())
    assert first is not None
    seen = {"status": "dispatched", "status_since": START.isoformat()}
    settled = Settled(AttemptState.DONE, after=seen, response=seen)
    _unit(database, lambda s: book.sent(s, first, {"status": "paid"}, START))
    rows.append(
        _walked(
            "an attempt settles",
            lambda: _unit(database, lambda s: book.settle(s, first, settled, START)),
        )
    )
    return rows


def _unit(database: Database, work: Callable[[Session], T]) -> T:
    """A unit of work in this thread, which is the one that is profiled."""
    with Session(database.writing_engine) as session, session.begin():
        return work(session)


def _walked(name: str, unit: Callable[[], None]) -> dict[str, Any]:
    entered: list[str] = []
    stack: list[str] = []
    counted: Counter[str] = Counter()
    statements = 0

    def seen(frame: FrameType, what: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if not file.startswith(str(ROOT)):
            return
        module = file.removeprefix(f"{ROOT}/")
        if not module.startswith(PACKAGES):
            return
        if what == "call":
            if not stack or stack[-1] != module:
                entered.append(module)
            stack.append(module)
            label = COUNTED.get((module, frame.f_code.co_name))
            if label:
                counted[label] += 1
        elif what == "return" and stack:
            stack.pop()

    def asked(*_: Any) -> None:
        nonlocal statements
        statements += 1

    event.listen(Engine, "before_cursor_execute", asked)
    sys.setprofile(seen)
    try:
        unit()
    finally:
        sys.setprofile(None)
        event.remove(Engine, "before_cursor_execute", asked)
    again = len(entered) - len(set(entered))
    return {
        "unit": name,
        "modules": len(set(entered)),
        "returns": again,
        "statements": statements,
        **{label: counted[label] for label in COUNTED.values()},
    }


if __name__ == "__main__":
    main()
