"""The work table: the same bodies on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage import work
from storage.database import Database
from storage.models import WorkItem, WorkState
from storage.work import LEASE_SECONDS, NewWork

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


async def add(database: Database, key: str, **values: Any) -> int | None:
    defaults: dict[str, Any] = {"kind": "message", "payload": {}, "due": NOW, "now": NOW}

    def unit(session: Session) -> int | None:
        return work.enqueue(session, key=key, **(defaults | values))

    return await database.write(unit)


async def claim(database: Database, owner: str = "a", **values: Any) -> list[WorkItem]:
    defaults: dict[str, Any] = {"now": NOW, "limit": 10}
    return await database.write(
        lambda s: work.claim(s, "message", owner=owner, **(defaults | values))
    )


async def row(database: Database, item_id: int) -> WorkItem:
    return await database.read(
        lambda s: s.execute(select(WorkItem).filter_by(id=item_id)).scalar_one()
    )


async def expire_leases(database: Database) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    await database.write(
        lambda s: (
            s.execute(update(WorkItem).where(WorkItem.state == "claimed").values(lease_until=past))
            and None
        )
    )


async def test_a_key_is_taken_once_even_after_it_is_done(database: Database) -> None:
    assert await add(database, "INC-1/card") is not None
    assert await add(database, "INC-1/card") is None
    [item] = await claim(database)
    assert await database.write(lambda s: work.complete(s, item.id, item.epoch, NOW))
    assert await add(database, "INC-1/card") is None


async def test_claimed_by_priority_then_due_and_only_what_is_due(database: Database) -> None:
    await add(database, "log", priority=5)
    await add(database, "card", priority=1)
    await add(database, "older log", priority=5, due=NOW - timedelta(seconds=1))
    await add(database, "tomorrow", priority=0, due=LATER)
    assert [i.key for i in await claim(database, limit=2)] == ["card", "older log"]
    assert [i.key for i in await claim(database, owner="b")] == ["log"]
    assert await claim(database) == []
    assert [i.key for i in await claim(database, now=LATER)] == ["tomorrow"]


async def test_one_order_key_runs_in_order_and_a_parked_item_does_not_block(
    database: Database,
) -> None:
    for key in ("first", "second", "third"):
        await add(database, key, order_key="INC-1")
    await add(database, "other", order_key="INC-2")
    first, other = await claim(database)
    assert (first.key, other.key) == ("first", "other")
    assert await claim(database) == []
    # not yet: the retried one is still the older of its thread
    assert await database.write(lambda s: work.retry(s, first.id, first.epoch, LATER, "429"))
    assert await claim(database) == []
    [again] = await claim(database, now=LATER)
    assert (again.key, again.epoch, again.attempts) == ("first", 2, 2)
    assert await database.write(lambda s: work.park(s, again.id, again.epoch, "channel gone"))
    [second] = await claim(database)
    assert second.key == "second"
    assert await database.write(
        lambda s: work.unclear(s, second.id, second.epoch, LATER, "no reply")
    )
    assert await claim(database) == []  # an unclear one blocks until it was looked up


async def test_a_stale_epoch_changes_nothing(database: Database) -> None:
    item_id = await add(database, "x")
    [mine] = await claim(database, owner="slow")
    await expire_leases(database)
    [theirs] = await claim(database, owner="quick")
    assert (theirs.id, theirs.epoch, theirs.owner) == (item_id, 2, "quick")
    for settle in (
        lambda s: work.complete(s, mine.id, mine.epoch, NOW, {"late": True}),
        lambda s: work.retry(s, mine.id, mine.epoch, LATER, "late"),
        lambda s: work.unclear(s, mine.id, mine.epoch, LATER, "late"),
        lambda s: work.park(s, mine.id, mine.epoch, "late"),
    ):
        assert await database.write(settle) is False
    await database.write(lambda s: work.renew(s, [(mine.id, mine.epoch)]))
    found = await row(database, theirs.id)
    assert (found.state, found.owner, found.epoch) == (WorkState.CLAIMED, "quick", 2)
    assert found.last_error is None


async def test_what_this_process_holds_is_not_claimed_again(database: Database) -> None:
    await add(database, "x")
    [mine] = await claim(database)
    await expire_leases(database)
    assert await claim(database, held=[mine.id]) == []
    await database.write(lambda s: work.renew(s, [(mine.id, mine.epoch)]))
    assert await claim(database, owner="b") == []


async def test_known_and_unknown_outcomes_are_told_apart(database: Database) -> None:
    await add(database, "x")
    [one] = await claim(database)
    assert one.epoch - 1 == one.settled_epoch
    await database.write(lambda s: work.retry(s, one.id, one.epoch, NOW, "429"))
    [two] = await claim(database)
    assert two.epoch - 1 == two.settled_epoch
    await database.write(lambda s: work.unclear(s, two.id, two.epoch, NOW, "timeout"))
    [three] = await claim(database)
    assert three.epoch - 1 != three.settled_epoch
    await expire_leases(database)
    [four] = await claim(database)
    assert four.epoch - 1 != four.settled_epoch


async def refresh(database: Database, value: int, priority: int = 5) -> bool:
    def unit(session: Session) -> bool:
        item = work.refresh(
            session,
            kind="message",
            key="INC-1/card",
            payload={"value": value},
            due=NOW,
            now=NOW,
            order_key="INC-1/card",
            priority=priority,
        )
        return item is not None

    return await database.write(unit)


async def test_refreshes_coalesce_while_pending_and_follow_what_is_being_sent(
    database: Database,
) -> None:
    assert await refresh(database, 1)
    assert not await refresh(database, 2, priority=2)
    [item] = await claim(database)
    assert (item.payload, item.priority) == ({"value": 2}, 2)
    assert await refresh(database, 3)  # the claimed one may have read the older state
    assert not await refresh(database, 4)
    assert await claim(database) == []  # in order
    assert await database.write(lambda s: work.complete(s, item.id, item.epoch, NOW))
    [successor] = await claim(database)
    assert successor.payload == {"value": 4}
    assert await database.write(lambda s: work.complete(s, successor.id, successor.epoch, NOW))
    assert await refresh(database, 5)


async def test_a_refresh_that_is_retried_takes_over_its_successor(database: Database) -> None:
    await refresh(database, 1)
    [item] = await claim(database)
    await refresh(database, 2)
    assert await database.write(lambda s: work.retry(s, item.id, item.epoch, LATER, "429"))
    assert await claim(database) == []
    [again] = await claim(database, now=LATER)
    assert (again.id, again.payload) == (item.id, {"value": 2})
    assert await database.write(lambda s: work.complete(s, again.id, again.epoch, NOW))
    assert await claim(database, now=LATER) == []


async def test_a_restart_frees_what_the_dead_process_had(database: Database) -> None:
    await add(database, "x")
    await refresh(database, 1)
    assert len(await claim(database, owner="dead")) == 2
    await refresh(database, 2)
    assert await database.write(lambda s: work.release_stale(s, "new")) == 2
    again = await claim(database, owner="new")
    assert {i.key.split("#")[0]: i.payload for i in again} == {"x": {}, "INC-1/card": {"value": 2}}
    assert await database.write(lambda s: work.release_stale(s, "new")) == 0


async def test_an_operator_has_a_parked_item_tried_again(database: Database) -> None:
    item_id = await add(database, "x")
    assert item_id is not None
    [item] = await claim(database)
    await database.write(lambda s: work.park(s, item.id, item.epoch, "is_archived"))
    assert (await row(database, item_id)).last_error == "is_archived"
    assert await database.write(lambda s: work.unpark(s, item_id, LATER))
    assert not await database.write(lambda s: work.unpark(s, item_id, LATER))
    [again] = await claim(database, now=LATER)
    assert again.id == item_id


async def test_what_may_have_happened_before_it_was_parked_is_looked_for_first(
    database: Database,
) -> None:
    """An operator's “try again” must not repeat blindly."""
    await add(database, "known")
    await add(database, "unknown")
    for item in await claim(database):
        await database.write(
            lambda s, i=item: work.park(s, i.id, i.epoch, "failed", unclear=i.key == "unknown")
        )
        assert await database.write(lambda s, i=item: work.unpark(s, i.id, NOW))
    again = {item.key: item.epoch - 1 != item.settled_epoch for item in await claim(database)}
    assert again == {"known": False, "unknown": True}


async def test_what_was_secret_goes_when_the_work_is_done(database: Database) -> None:
    """Nobody needs the address of an answer any more; a delivery is kept for some days."""
    await add(database, "answer", secret={"url": "https://hooks.slack.com/x"})
    await add(database, "press", kind="intake", secret={"text": "my card is lost"})
    for kind in ("message", "intake"):
        [item] = await database.write(
            lambda s, k=kind: work.claim(s, k, owner="a", now=NOW, limit=1)
        )
        await database.write(lambda s, i=item: work.complete(s, i.id, i.epoch, NOW))
    rows = await database.read(lambda s: list(s.scalars(select(WorkItem).order_by(WorkItem.id))))
    assert [(row.key, row.state, row.secret) for row in rows] == [
        ("answer", "done", None),
        ("press", "done", {"text": "my card is lost"}),
    ]


async def test_a_commit_that_enqueued_wakes_the_workers(database: Database) -> None:
    woken: list[frozenset[str]] = []
    database.listen(woken.append)
    await add(database, "x")
    await add(database, "x")  # nothing new
    await database.read(lambda s: s.scalars(select(WorkItem.id)).all())
    assert woken == [frozenset({"message"})]


async def test_stored_deliveries_are_born_claimed_and_deduplicated(database: Database) -> None:
    def new(key: str) -> NewWork:
        return NewWork(
            kind="intake", key=key, payload={}, now=NOW, owner="me", secret={"text": "王小明"}
        )

    import asyncio

    ids = await asyncio.gather(*(database.store(new(f"k{n % 40}")) for n in range(50)))
    assert len({i for i in ids if i is not None}) == 40
    assert ids.count(None) == 10
    assert await database.store(new("k1")) is None
    first = ids[0]
    assert first is not None
    found = await row(database, first)
    assert (found.state, found.owner, found.epoch) == (WorkState.CLAIMED, "me", 1)
    assert found.lease_until is not None
    left = found.lease_until - datetime.now(UTC)  # the server's clock, which is this machine's
    assert timedelta(seconds=20) < left <= timedelta(seconds=LEASE_SECONDS)
    assert found.secret == {"text": "王小明"}


async def test_the_figures_are_the_same_on_both_engines(database: Database) -> None:
    """What is due, what waits, what is set aside."""
    now = datetime(2026, 11, 11, 3, 7, tzinfo=UTC)

    def fill(session: Session) -> None:
        for number, minutes in enumerate((0, -1, 5)):
            due = now + timedelta(minutes=minutes)
            work.enqueue(session, kind="timer", key=f"t{number}", payload={}, due=due, now=now)
        work.enqueue(session, kind="message", key="m", payload={}, due=now, now=now)
        [item] = work.claim(session, "message", owner="a", now=now, limit=1)
        work.park(session, item.id, item.epoch, "no channel")

    await database.write(fill)
    found = await database.read(lambda session: work.depths(session, now))
    assert [(d.kind, d.due, d.waiting, d.parked) for d in found] == [
        ("message", 0, 0, 1),
        ("timer", 2, 1, 0),
    ]


async def test_the_table_in_figures(database: Database) -> None:
    """Due, waiting and parked of each kind, and the oldest that is due."""
    await add(database, "old", due=NOW - timedelta(minutes=3))
    await add(database, "new")
    await add(database, "later", due=LATER)
    bad = await add(database, "bad", kind="action", due=NOW - timedelta(hours=1))
    [item] = await database.write(lambda s: work.claim(s, "action", owner="a", now=NOW, limit=1))
    assert item.id == bad
    assert await database.write(lambda s: work.park(s, item.id, item.epoch, "no door"))
    assert await database.read(lambda s: work.depths(s, NOW)) == [
        work.Depth("action", due=0, waiting=0, parked=1, oldest=None),
        work.Depth("message", due=2, waiting=1, parked=0, oldest=NOW - timedelta(minutes=3)),
    ]


async def test_a_renewal_tells_what_another_has_claimed(database: Database) -> None:
    """What was settled meanwhile is nobody else's; what was taken over is."""
    for key in ("mine", "done", "theirs"):
        await add(database, key)
    items = {item.key: item for item in await claim(database)}
    done = items["done"]
    await database.write(lambda s: work.complete(s, done.id, done.epoch, NOW))
    await database.write(lambda s: work.renew(s, [(items["theirs"].id, 1)], lease_seconds=-1))
    assert [item.key for item in await claim(database, owner="b")] == ["theirs"]
    claims = [(item.id, item.epoch) for item in items.values()]
    ours = await database.write(lambda s: work.renew(s, claims))
    assert sorted(ours) == sorted([items["mine"].id, done.id])
