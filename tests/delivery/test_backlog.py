"""A backlog of thousands: Slack is back, what matters goes first, within Slack's limits."""

from __future__ import annotations

import os
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from bot.delivery.audiences import Audience, Audiences
from storage import outbox
from storage.models import Incident
from tests.delivery.builders import open_incident
from tests.delivery.conftest import Postbox

CHANNELS = 6
STANDING = range(1, 13)  # incidents that were told before Slack went away
WAITING = range(13, 25)  # and those whose first post waits
LINES = 200 if os.environ.get("MUSTER_FULL") else 50  # in each thread
SECONDS = 30  # of the drain, less than a minute
LIMIT = 300  # Slack: several hundred posts a minute for a workspace


async def rooms(postbox: Postbox) -> None:
    """A channel for every few incidents."""
    audiences = {}
    for number in range(CHANNELS):
        made = await postbox.people.post("/hand/channels", json={"name": f"room-{number}"})
        audiences[f"room-{number}"] = Audience(f"room-{number}", made.json()["id"])
    postbox.with_office(audiences=Audiences(audiences))


def say(session: Session, number: int, name: str, now: datetime) -> None:
    incident = session.query(Incident).filter_by(number=number).one()
    root = name == "card"
    outbox.post(
        session,
        key=f"INC-{number}/{name}",
        template=name.split("/")[0],
        incident=incident,
        audience=f"room-{number % CHANNELS}",
        thread_key=None if root else f"INC-{number}/card",
        priority=outbox.CARD_PRIORITY if root else 5,
        now=now,
    )


async def commit(postbox: Postbox, *wanted: tuple[int, str]) -> None:
    def unit(session: Session) -> None:
        for number, name in wanted:
            say(session, number, name, postbox.clock.now())

    await postbox.database.write(unit)


def posts(postbox: Postbox) -> list[tuple[float, str]]:
    """What Slack took, in its order: when, and which message."""
    return [
        (entry.time, str(entry.args["text"]).split()[1])
        for entry in postbox.sandbox.world.log.requests
        if entry.method == "chat.postMessage" and entry.status == 200
    ]


async def test_a_backlog_drains_in_order_first_posts_first_within_slacks_limits(
    postbox: Postbox,
) -> None:
    """Thousands of log lines wait in many threads; the threads that nobody has seen yet come first,
    then all go on, as fast as Slack takes them and no faster, each in its order."""
    await rooms(postbox)
    await postbox.database.write(
        lambda s: [open_incident(s, postbox.clock.now(), number=n) for n in (*STANDING, *WAITING)]
    )
    await commit(postbox, *((number, "card") for number in STANDING))
    await postbox.run(60)
    assert len(posts(postbox)) == len(STANDING)
    postbox.fault("*", "down")
    await commit(
        postbox,
        *((n, f"log/{line}") for line in range(LINES) for n in STANDING),
        *((number, "card") for number in WAITING),
        *((n, f"log/{line}") for line in range(LINES) for n in WAITING),
    )
    await postbox.run(30)
    assert len(posts(postbox)) == len(STANDING)
    before = len(postbox.sandbox.world.log.requests)
    postbox.sandbox.world.rates.on = True
    await postbox.people.delete("/hand/faults")
    await postbox.run(SECONDS)
    taken = posts(postbox)[len(STANDING) :]
    names = [name for _, name in taken]
    # A line that was begun beside the first posts may be there before one that is looked for first.
    first = names[: len(WAITING) + postbox.concurrency]
    assert {f"INC-{number}/card" for number in WAITING} <= set(first)
    for _, lines in groupby(sorted(names, key=_thread), key=_thread):
        found = [int(name.rpartition("/")[2]) for name in lines if "/log/" in name]
        assert found == list(range(len(found)))
    refused = [e for e in list(postbox.sandbox.world.log.requests)[before:] if e.status == 429]
    assert refused == []
    assert 0.5 * LIMIT * SECONDS / 60 < len(taken) <= LIMIT


def _thread(name: str) -> str:
    return name.partition("/")[0]
