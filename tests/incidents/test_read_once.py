"""What a unit of work has read is read again after a write of its own, by whatever way it wrote."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from incidents import scope
from incidents.case_totals import read_cases
from storage.models import Case, Incident, Step, StepState, ToldOrder
from storage.session_cache import version_of
from tests.incidents.world import DAY, World


def _by_object(session: Session) -> None:
    case = session.scalars(select(Case).order_by(Case.id)).first()
    assert case is not None
    case.state = "settled"


def _by_statement(session: Session) -> None:
    first = select(Case.id).order_by(Case.id).limit(1).scalar_subquery()
    session.execute(update(Case).where(Case.id == first).values(state="settled"))


def _by_rows(session: Session) -> None:
    first = session.scalars(select(Case.id).order_by(Case.id)).first()
    session.execute(update(Case), [{"id": first, "state": "settled"}])


@pytest.mark.parametrize("write", [_by_object, _by_statement, _by_rows])
def test_the_cases_are_those_of_now(world: World, write: Callable[[Session], None]) -> None:
    world.channel_fails(3)

    def unit(session: Session) -> tuple[int, bool, int]:
        before = read_cases(session, 1)
        same = read_cases(session, 1) is before
        write(session)
        after = read_cases(session, 1)
        return (
            sum(one.state == "settled" for one in before),
            same,
            sum(one.state == "settled" for one in after),
        )

    assert world.write(unit) == (0, True, 1)


def test_a_case_that_is_added_and_what_an_order_was_told(world: World) -> None:
    world.channel_fails(3)

    def unit(session: Session) -> tuple[int, int]:
        before = read_cases(session, 1)
        case = session.get_one(Case, before[0].id)
        added = {
            column.name: getattr(case, column.key)
            for column in Case.__table__.columns
            if column.name not in ("id", "amount_minor", "amount_currency")
        }
        session.execute(insert(Case), [{**added, "key": "FG-NEW"}])
        version = version_of(session, ToldOrder.__tablename__)
        session.execute(update(ToldOrder).values(at=DAY))
        assert version_of(session, ToldOrder.__tablename__) != version
        return len(before), len(read_cases(session, 1))

    before, after = world.write(unit)
    assert after == before + 1


def test_the_steps_are_those_of_now_also_before_they_are_written(world: World) -> None:
    world.channel_fails(3)

    def unit(session: Session) -> list[str]:
        incident = session.get_one(Incident, 1)
        seen = [scope.steps_scope(session, incident)["3.3.2.s1"]["state"]]
        step = session.scalars(select(Step).where(Step.step_id == "3.3.2.s1")).one()
        step.state = StepState.SKIPPED
        seen.append(scope.steps_scope(session, incident)["3.3.2.s1"]["state"])
        session.flush()
        seen.append(scope.steps_scope(session, incident)["3.3.2.s1"]["state"])
        return seen

    assert world.write(unit) == ["pending", "skipped", "skipped"]


def test_what_is_rolled_back_is_forgotten(world: World) -> None:
    world.channel_fails(3)

    def unit(session: Session) -> tuple[int, int]:
        read_cases(session, 1)
        with session.begin_nested() as savepoint:
            _by_statement(session)
            during = sum(one.state == "settled" for one in read_cases(session, 1))
            savepoint.rollback()
        return during, sum(one.state == "settled" for one in read_cases(session, 1))

    assert world.write(unit) == (1, 0)
