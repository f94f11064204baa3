"""Every unit locks an incident first and its attempts after it: none waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from actions.model import Settled
from incidents.shop_actions.action_attempts import AttemptBook
from sandbox.drills.hands import wait_for
from storage.models import ActionAttempt, AttemptState, Incident
from tests.incidents.world import MEI, World

pytestmark = pytest.mark.postgres

Do = Callable[[AttemptBook, Session, int, World], None]


def send(book: AttemptBook, session: Session, attempt_id: int, world: World) -> None:
    book.sent(session, attempt_id, None, world.now)


def settle(book: AttemptBook, session: Session, attempt_id: int, world: World) -> None:
    book.settle(session, attempt_id, Settled(AttemptState.DONE), world.now)


@pytest.fixture
def world(pg_url: str) -> Iterator[World]:
    found = World.open(pg_url)
    yield found
    found.close()


def waits(session: Session) -> bool | None:
    waiting = text("select count(*) from pg_locks where not granted")
    return bool(session.execute(waiting).scalar()) or None


@pytest.mark.parametrize("do", [send, settle])
def test_the_attempt_is_free_while_its_incident_is_waited_for(world: World, do: Do) -> None:
    """Somebody has the incident: who wants to write to its attempt waits with empty hands."""
    world.channel_fails(3)
    assert world.press(MEI, "3.3.1.s2", "switch").code == "requested"
    [attempt] = world.all(ActionAttempt)
    engine = world.database.writing_engine
    holder, writer, other = Session(engine), Session(engine), Session(engine)
    holder.execute(select(Incident.id).with_for_update())
    book = AttemptBook(world.house)
    thread = threading.Thread(target=do, args=(book, writer, attempt.id, world), daemon=True)
    thread.start()
    wait_for(lambda: waits(other), "the writer, behind the incident")
    free = select(ActionAttempt.id).with_for_update(nowait=True)
    assert other.scalars(free).all() == [attempt.id]
    other.rollback()
    holder.rollback()
    thread.join(10)
    writer.commit()
    for session in (holder, writer, other):
        session.close()
    [after] = world.all(ActionAttempt)
    assert after.state in (AttemptState.SENT, AttemptState.DONE)
