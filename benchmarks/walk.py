"""Walk of a unit of work: through how many modules, how often back, and how many statements.

    python -m benchmarks.walk [--cases 40] [--json FILE]

A finding that opens an incident, a form, a press for all its cases and the settling of one of them,
each as one unit over a real SQLite database, profiled call by call. A click is what its button asks
for, read first, and then the press, as `handlers.buttons` does it.

*Modules*: those of the domain that the walk enters by a function of theirs, each function counted
when it is entered for the first time, as somebody reads it. What the walk has in hand (a method or
property of an object) is no visit, and coming back from a call is none. *Returns*: how often a
module is entered so after it was left. *All calls*: the same with every call, also the hundredth,
and with the tables. *Scopes*: how often the scope of the plan's texts is put together; *reads of
the cases* and *steps worked out*: how often what is dear in it is read.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from actions.model import Settled
from benchmarks.common import prepare, write_json
from benchmarks.settle import KEY, START, WHO, house_of, stuck
from handlers.action_values import Target
from handlers.step_forms import asked
from incidents.detection.findings import take_check_result
from incidents.shop_actions.action_attempts import AttemptBook
from incidents.step_press import Press, press
from storage.database import Database
from storage.models import ActionAttempt, AttemptState, Incident
from storage.upgrade import upgrade

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
PACKAGES = ("actions", "handlers", "incidents", "plan", "storage")
DOMAIN = ("handlers", "incidents", "plan")
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

    def pressed(step: str, button: str, values: dict[str, str] | None, version: int) -> None:
        wish = Press(1, version, step, button, house.actor(WHO), values)
        outcome = _unit(database, lambda s: press(s, house, wish, START))
        assert outcome.ok, outcome

    def clicked(step: str, button: str, version: int) -> None:
        target = Target(1, version, step, button)
        wanted = _unit(database, lambda s: asked(s, house, target, START))
        assert wanted is not None
        assert wanted.form is None
        pressed(step, button, None, version)

    def drawn() -> int:
        return database.read_now(lambda s: s.scalars(select(Incident.version)).one())

    version = drawn()
    rows.append(_walked("a form is recorded", lambda: pressed("2.2.s2", "cause", cause, version)))
    version = drawn()
    rows.append(_walked("a click acts", lambda: clicked("2.2.s3", "redispatch", version)))
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


@dataclass
class Walk:
    """What was called, in its order."""

    visits: list[str] = field(default_factory=list)  # modules entered by a function, each once
    entered: list[str] = field(default_factory=list)  # modules, at every call
    counted: Counter[str] = field(default_factory=Counter)
    statements: int = 0
    _stack: list[str] = field(default_factory=list)
    _known: set[CodeType] = field(default_factory=set)

    def seen(self, frame: FrameType, what: str, _: Any) -> None:
        code = frame.f_code
        module = code.co_filename.removeprefix(f"{ROOT}/")
        if module == code.co_filename or not module.startswith(PACKAGES):
            return
        if what == "return" and self._stack:
            self._stack.pop()
        if what != "call":
            return
        caller = self._stack[-1] if self._stack else None
        self._stack.append(module)
        if caller != module:
            self.entered.append(module)
            function = code.co_qualname.isidentifier()  # no method, lambda or comprehension
            if function and code not in self._known and module.startswith(DOMAIN):
                self.visits.append(module)
        self._known.add(code)
        label = COUNTED.get((module, code.co_name))
        if label:
            self.counted[label] += 1

    def asked(self, *_: Any) -> None:
        self.statements += 1


def _walked(name: str, unit: Callable[[], object]) -> dict[str, Any]:
    walk = Walk()
    event.listen(Engine, "before_cursor_execute", walk.asked)
    sys.setprofile(walk.seen)
    try:
        unit()
    finally:
        sys.setprofile(None)
        event.remove(Engine, "before_cursor_execute", walk.asked)
    return {
        "unit": name,
        "modules": len(set(walk.visits)),
        "returns": len(walk.visits) - len(set(walk.visits)),
        "all calls": len(walk.entered) - len(set(walk.entered)),
        "statements": walk.statements,
        **{label: walk.counted[label] for label in COUNTED.values()},
    }


if __name__ == "__main__":
    main()
