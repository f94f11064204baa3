"""Numbers of incidents: the next one, which none was ever given before.

The row of the database alone does not hold that: a database can be lost, or put back to an older
state. The highest number is kept beside the database as well (`storage.record_file`), and asked of
Slack at the start.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.dialect import insert_into, is_postgres
from storage.models import HouseFact

FACT = "incident_number"
GIVEN = "incident_number_given"  # in a session's info: what its commit gives out


def take(session: Session) -> int:
    """The next number, with its row locked until the commit; `give` uses it up."""
    return int(_row(session).value["next"])


def give(session: Session, number: int) -> None:
    """The number that was taken is an incident's from now on."""
    session.get_one(HouseFact, FACT).value = {"next": number + 1}
    session.info[GIVEN] = number


def highest(session: Session) -> int:
    """The highest number that the database has given out; 0: none."""
    found = session.get(HouseFact, FACT)
    return 0 if found is None else int(found.value["next"]) - 1


def raise_to(session: Session, number: int) -> bool:
    """Nothing up to this number is given out any more. False: so it was already."""
    row = _row(session)
    if int(row.value["next"]) > number:
        return False
    row.value = {"next": number + 1}
    return True


def _row(session: Session) -> HouseFact:
    session.execute(
        insert_into(HouseFact, postgres=is_postgres(session))
        .values(key=FACT, value={"next": 1})
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(HouseFact)
        .where(HouseFact.key == FACT)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
