"""Executor: the threads in which the database is touched, each with a connection of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage.availability import is_away
from storage.errors import DiskFull, StorageUnavailable, TooLate
from storage.work import NewWork, enqueued_kinds, insert_group, void

log = structlog.get_logger(__name__)
T = TypeVar("T")

_GROUP = 500  # rows of one group commit
_HELD_AT_MOST = 0.05  # seconds that units give way to acknowledgements
_TRIES = 5
# PostgreSQL: serialization failure, deadlock, and a row that another replica was quicker to
# insert: the unit, run again, sees that row and decides anew.
_RUN_AGAIN = {"40001", "40P01", "23505"}
_TOO_LONG_IDLE = "25P03"  # the server rolled it back: this process was frozen amid it
_DISK_FULL = "53100"  # PostgreSQL's code of it


@dataclass(slots=True)
class _Unit:
    work: Callable[[Session], Any]
    future: Future[Any]


@dataclass(eq=False, slots=True)
class StoreRequest:
    """One delivery on its way into a group commit."""

    new: NewWork
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[int | None]
    within: float
    asked: float = field(default_factory=time.monotonic)
    _taken: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """The writer takes it into a group, unless the caller gave up."""
        with self._guard:
            if self.outcome.done() or self.late:
                return False
            self._taken = True
            return True

    def refuse(self, error: BaseException) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)

    @property
    def late(self) -> bool:
        return time.monotonic() - self.asked > self.within

    def give_up(self) -> None:
        """The caller's time is over. A request that is in a group waits for that group's end."""
        with self._guard:
            if not self._taken and not self.outcome.done():
                self.outcome.set_exception(TooLate("the delivery was not stored in time"))


class Lane:
    """A queue and its threads: deliveries first, then urgent units, then the others.

    `before` each unit and `committing` its session are called in the thread; what they raise, the
    unit raises.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        threads: int,
        committed: Callable[[set[str]], None],
        *,
        reads: bool = False,
        before: Callable[[], None] = lambda: None,
        committing: Callable[[Session], None] = lambda _session: None,
        took: Callable[[str, float], None] = lambda _name, _seconds: None,
    ) -> None:
        self._name = name
        self._engine = engine
        self._count = threads
        self._committed = committed
        self._reads = reads
        self._before = before
        self._committing = committing
        self._took = took
        self._stores: deque[StoreRequest] = deque()
        self._urgent: deque[_Unit] = deque()
        self._units: deque[_Unit] = deque()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._held_until = 0.0
        self._late: set[int] = set()  # rows of deliveries that nobody acknowledged

    def submit(self, work: Callable[[Session], T], *, urgent: bool = False) -> Future[T]:
        future: Future[T] = Future()
        with self._wake:
            self._start()
            (self._urgent if urgent else self._units).append(_Unit(work, future))
            self._wake.notify()
        return future

    def store(self, requests: Collection[StoreRequest]) -> None:
        with self._wake:
            self._start()
            self._stores.extend(requests)
            self._wake.notify()

    def hold(self) -> None:
        """Units give way for a moment: each would take the interpreter from an acknowledgement."""
        self._held_until = time.monotonic() + _HELD_AT_MOST

    def let_go(self) -> None:
        """The acknowledgements are out."""
        self._held_until = 0.0
        if self._urgent or self._units:
            with self._wake:
                self._wake.notify_all()

    def close(self) -> None:
        """Ends the threads after what is queued. Safe to call twice."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        if self._closing:
            raise StorageUnavailable("the database is closed")
        if not self._threads:
            self._threads = [
                threading.Thread(
                    target=self._run, name=f"muster-{self._name}-{number}", daemon=True
                )
                for number in range(self._count)
            ]
            for thread in self._threads:
                thread.start()

    def _run(self) -> None:
        own = _OwnConnection(self._engine)
        try:
            while True:
                with self._wake:
                    self._wait()
                    group: list[StoreRequest] = []
                    while self._stores and len(group) < _GROUP:
                        group.append(self._stores.popleft())
                    unit = None
                    if not group:
                        waiting = self._urgent or self._units
                        if not waiting:
                            return
                        unit = waiting.popleft()
                started = time.monotonic()
                if group:
                    self._store_group(own, group)
                elif unit is not None and unit.future.set_running_or_notify_cancel():
                    self._run_unit(own, unit)
                else:
                    continue  # whoever asked has given up
                self._took("store" if group else self._name, time.monotonic() - started)
        finally:
            own.drop()

    def _wait(self) -> None:
        """Returns when there is something to do, or nothing more will come."""
        while not (self._stores or self._closing):
            held = None
            if self._urgent or self._units:
                held = self._held_until - time.monotonic()
                if held <= 0:
                    return
            self._wake.wait(held)

    def _run_unit(self, own: _OwnConnection, unit: _Unit) -> None:
        try:
            result, kinds = self._transaction(own, unit.work)
        except BaseException as error:
            unit.future.set_exception(error)
            return
        if kinds:
            self._tell(kinds)
        unit.future.set_result(result)

    def _transaction(self, own: _OwnConnection, work: Callable[[Session], T]) -> tuple[T, set[str]]:
        for attempt in range(1, _TRIES + 1):
            committing = False
            session: Session | None = None
            try:
                self._before()
                session = Session(own.get(), expire_on_commit=False)
                result = work(session)
                session.flush()
                kinds = enqueued_kinds(session)
                committing = True
                if not self._reads:
                    self._committing(session)
                    session.commit()
                session.close()  # what was read stays as it was read, detached
            except BaseException as error:
                own.clean(session, error)
                if attempt < _TRIES and _worth_repeating(error, committing=committing):
                    log.info("unit_again", attempt=attempt, why=str(error).splitlines()[0][:200])
                    time.sleep(0.002 * attempt)
                    continue
                if isinstance(error, DBAPIError) and is_away(error):
                    raise _unavailable(error) from error
                raise
            return result, kinds
        raise AssertionError("the last try returns or raises")

    def _store_group(self, own: _OwnConnection, group: list[StoreRequest]) -> None:
        taken: list[StoreRequest] = []
        outcomes: list[tuple[StoreRequest, int | BaseException | None]] = []
        for request in group:
            if request.take():
                taken.append(request)
            else:
                outcomes.append((request, TooLate("the delivery was not stored in time")))
        if taken:
            outcomes += self._without_late(own, self._insert(own, taken))
        _resolve(outcomes)

    def _without_late(
        self,
        own: _OwnConnection,
        outcomes: list[tuple[StoreRequest, int | BaseException | None]],
    ) -> list[tuple[StoreRequest, int | BaseException | None]]:
        """Takes back what was committed after Slack's patience: the person was told that it failed.

        A copy in the same group is refused with it, or it would count as done by the first.
        """
        late = {r.new.key: row for r, row in outcomes if isinstance(row, int) and r.late}
        self._late.update(late.values())
        if self._late:
            try:
                self._transaction(own, lambda session: void(session, self._late))
                self._late.clear()
            except Exception:  # tried again with the next group
                log.exception("late_deliveries_not_voided", count=len(self._late))
        if not late:
            return outcomes
        refusal = TooLate("the delivery was stored too late")
        return [(r, refusal if r.new.key in late else outcome) for r, outcome in outcomes]

    def _insert(
        self, own: _OwnConnection, taken: list[StoreRequest]
    ) -> list[tuple[StoreRequest, int | BaseException | None]]:
        try:
            ids, _ = self._transaction(
                own, lambda session: insert_group(session, [r.new for r in taken])
            )
        except StorageUnavailable as error:
            return [(request, error) for request in taken]
        except Exception as error:
            if len(taken) == 1:
                return [(taken[0], error)]
            # One row spoils the group: each by itself, so that only that one fails.
            return [pair for request in taken for pair in self._insert(own, [request])]
        return list(zip(taken, ids, strict=True))

    def _tell(self, kinds: set[str]) -> None:
        try:
            self._committed(kinds)
        except Exception:
            log.exception("commit_listener_failed", kinds=sorted(kinds))


class _OwnConnection:
    """The thread's connection, opened when needed and again after it was lost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def get(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def clean(self, session: Session | None, error: BaseException) -> None:
        """Rolls back; a connection that may be broken is closed."""
        try:
            if session is not None:
                session.rollback()
                session.close()
        except Exception as second:
            log.warning("rollback_failed", error=str(second))
            self.drop()
            return
        if is_away(error) or _sqlstate(error) == _TOO_LONG_IDLE:
            self.drop()

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception as error:
                log.warning("connection_not_closed", error=str(error))


def _sqlstate(error: BaseException) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def _unavailable(error: DBAPIError) -> StorageUnavailable:
    """What stands in the way, in the database's own words."""
    original = error.orig
    reason = (str(original).strip() or "no answer").splitlines()[0]
    full = _sqlstate(error) == _DISK_FULL
    full = full or getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return DiskFull(reason) if full else StorageUnavailable(reason)


def _worth_repeating(error: BaseException, *, committing: bool) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    code = _sqlstate(error)
    if code in _RUN_AGAIN or code == _TOO_LONG_IDLE:
        return True
    # A connection that was lost between two units: nothing of this one can stand yet.
    return error.connection_invalidated and not committing


def _resolve(outcomes: list[tuple[StoreRequest, int | BaseException | None]]) -> None:
    """Wakes each loop once for its whole group."""
    loops = {request.loop for request, _ in outcomes}
    for loop in loops:
        mine = [(r, outcome) for r, outcome in outcomes if r.loop is loop]
        try:
            loop.call_soon_threadsafe(_settle, mine)
        except RuntimeError:
            log.warning("loop_gone", deliveries=len(mine))


def _settle(outcomes: list[tuple[StoreRequest, int | BaseException | None]]) -> None:
    for request, outcome in outcomes:
        if request.outcome.done():
            continue
        if isinstance(outcome, BaseException):
            request.outcome.set_exception(outcome)
        else:
            request.outcome.set_result(outcome)
