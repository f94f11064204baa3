"""Identity: which record a database is, and how far it has come.

The name goes along into every copy; what is put back from a copy gets another one, since what was
written after the copy is no part of it. The beat grows while there is something to write, so of two
states of one record the older one is told.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storage.dialect import insert_into, is_postgres
from storage.models import HouseFact

FACT = "record"


@dataclass(frozen=True)
class Stamp:
    """The identity in the header of a SQLite file (application_id and user_version), where it can
    be read of the file alone, without its log: a checkpoint may have written some pages and not
    others, so what else stands in the file is not to be relied on."""

    name: int
    beat: int

    def follows(self, other: Stamp) -> bool:
        """Whether this may be what that has become."""
        return self.name == other.name and self.beat >= other.beat


@dataclass(frozen=True)
class Identity:
    """`record`: the name; `beat`: how far it has come."""

    record: str
    beat: int

    def follows(self, other: Identity) -> bool:
        """Whether this may be what that has become."""
        return self.record == other.record and self.beat >= other.beat

    @property
    def stamp(self) -> Stamp:
        """What stands of it in the header of a SQLite file."""
        return Stamp(int(self.record[:7], 16), self.beat)


def read(session: Session) -> Identity | None:
    """None: a database of an earlier version, or one that holds nothing yet."""
    value = session.scalar(select(HouseFact.value).where(HouseFact.key == FACT))
    return None if value is None else of_value(value)


def of_value(value: dict[str, object]) -> Identity:
    """As it stands in its row."""
    return Identity(str(value["name"]), int(str(value["beat"])))


def name_it(session: Session) -> Identity:
    """Its identity; one that has none is named now."""
    session.execute(
        insert_into(HouseFact, postgres=is_postgres(session))
        .values(key=FACT, value={"name": uuid.uuid4().hex, "beat": 1})
        .on_conflict_do_nothing()
    )
    found = read(session)
    assert found is not None  # noqa: S101 - the row was written above
    _write_stamp(session, found)
    return found


def rename(session: Session) -> Identity:
    """Another record from now on; the beat goes on."""
    before = name_it(session)
    return _write(session, Identity(uuid.uuid4().hex, before.beat + 1))


def beat(session: Session, found: Identity) -> Identity:
    """One further than what was found."""
    return _write(session, Identity(found.record, found.beat + 1))


def locked(session: Session) -> Identity | None:
    """`read`, with the row locked until the commit."""
    row = session.scalar(_LOCKED)
    return None if row is None else of_value(row.value)


def _write(session: Session, now: Identity) -> Identity:
    row = session.scalars(_LOCKED).one()
    row.value = {"name": now.record, "beat": now.beat}
    _write_stamp(session, now)
    return now


def _write_stamp(session: Session, now: Identity) -> None:
    if not is_postgres(session):
        session.execute(text(f"pragma application_id = {now.stamp.name}"))
        session.execute(text(f"pragma user_version = {now.stamp.beat}"))


_LOCKED = (
    select(HouseFact)
    .where(HouseFact.key == FACT)
    .with_for_update()
    .execution_options(populate_existing=True)
)
