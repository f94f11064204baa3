"""Muster's database off the event loop: units of work, reads, group-committed deliveries.

Decision 2 of the architecture: a unit of work is a plain function of a session, run in one writer
thread on SQLite and in a small pool of threads on PostgreSQL. It is committed before the awaiting
caller goes on, and it cannot wait for Slack or the shop even by mistake.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage import continuity, numbers
from storage.cipher import AesCipher, Keys
from storage.continuity import Found
from storage.engines import database_url, reading_engine, sqlite_path, writing_engine
from storage.errors import CannotOpen, NotThere, StorageError
from storage.executor import Lane, StoreRequest
from storage.key import check_key
from storage.lock import InstanceLock
from storage.record_file import Kept
from storage.record_keeper import RecordKeeper
from storage.schema import check_schema
from storage.upgrade import upgrade
from storage.work import NewWork

log = structlog.get_logger(__name__)
T = TypeVar("T")
CommitListener = Callable[[frozenset[str]], None]
Timing = Callable[[str, float], None]
"""Told of each unit that was run: write, store (a group of deliveries) or read; its seconds."""

_POSTGRES_WRITERS = 4
_READERS = 2


class Database:
    """One open database. Its threads start with the first use and end with `close`."""

    def __init__(self, url: str, *, cipher: AesCipher) -> None:
        self.url = database_url(url)
        self.embedded = self.url.get_backend_name() == "sqlite"
        self._cipher = cipher
        self._writing = writing_engine(self.url, cipher)
        self._reading = reading_engine(self.url, cipher)
        self._listeners: list[CommitListener] = []
        self._timings: list[Timing] = []
        self.change: str | None = None  # kind of what was noticed at the start
        self.known_again = False  # by what was kept beside it
        self._keeper: RecordKeeper | None = None  # of a running bot
        threads = 1 if self.embedded else _POSTGRES_WRITERS
        units = partial(
            Lane,
            before=partial(self._before_unit, writer=True),
            committing=self._before_commit,
            took=self._took,
        )
        self._units = units("write", self._writing, threads, self._committed)
        # On SQLite the one writer does both, deliveries first; PostgreSQL gives them their own.
        self._stores = (
            self._units if self.embedded else units("store", self._writing, 1, self._committed)
        )
        self._reads = Lane(
            "read",
            self._reading,
            _READERS,
            self._committed,
            reads=True,
            before=partial(self._before_unit, writer=False),
            took=self._took,
        )
        self._lanes = {self._stores, self._units, self._reads}
        self._lock: InstanceLock | None = None
        self._gathered: list[StoreRequest] = []

    @classmethod
    def open(cls, url: str, *, key: bytes | Keys) -> Database:
        """Opens and checks it; makes nothing.

        Raises CannotOpen, WrongSchema or WrongKey, each one sentence with a remedy.
        """
        database = cls(url, cipher=AesCipher(key))
        path = sqlite_path(database.url).absolute()
        if database.embedded and not path.exists():
            there = NotThere if path.parent.is_dir() else CannotOpen
            raise there(
                f"database.url: {path} does not exist; muster run makes it, or name another."
            )
        if database.embedded:
            continuity.refuse_mixture(path)
        check_schema(database.writing_engine)
        check_key(database.writing_engine, database._cipher)
        return database

    @classmethod
    def start(cls, url: str, *, key: bytes | Keys) -> Database:
        """For a bot that is to run: claimed, brought to this version's schema, opened, held against
        what was kept of it (`change`), and watched from then on.

        Claimed first: a second `muster run` must not change the schema under a running one.
        Raises AlreadyRunning, CannotOpen, WrongSchema or WrongKey.
        """
        database = cls(url, cipher=AesCipher(key))
        database.run_alone()
        try:
            file = sqlite_path(database.url).absolute() if database.embedded else None
            found = Found() if file is None else continuity.look(file)
            upgrade(url, key)
            check_key(database.writing_engine, database._cipher)
            database._go_on(file, found)
        except BaseException:
            database.close_now()
            raise
        return database

    def _go_on(self, file: Path | None, found: Found) -> None:
        try:
            with Session(self._writing) as session, session.begin():
                continuity.check_whole(session, found)
                seen, self.change = continuity.go_on(session, found, datetime.now(UTC))
                highest = numbers.highest(session)
            kept = Kept(seen.record, seen.beat, highest=highest)
            name = self.url.database or ""
            self._keeper = RecordKeeper(kept, name=name, file=file)
        except (sqlite3.Error, DBAPIError) as error:
            lines = str(error).splitlines() or ["no answer"]
            raise CannotOpen(
                f"database.url: the database cannot be read ({lines[0]}); put the newest backup in "
                "its place: muster db restore FILE."
            ) from error
        self.known_again = found.kept is not None
        if self.change is not None:
            log.warning("record_changed", what=self.change, highest=highest, aside=found.aside)

    @property
    def keeper(self) -> RecordKeeper | None:
        """Of a running bot: whether the database is still the one that it opened."""
        return self._keeper

    def _before_unit(self, *, writer: bool) -> None:
        if self._keeper is not None:
            self._keeper.before_unit(writer=writer)

    def _before_commit(self, session: Session) -> None:
        if self._keeper is not None:
            self._keeper.before_commit(session)

    async def watch(self) -> None:
        """Once a second: whether the record is still the one that was opened, and what is kept
        beside it. Raises RecordLost, or StorageUnavailable while nobody answers."""
        keeper = self._keeper
        if keeper is not None:
            seen = await self.write(keeper.look, urgent=True)
            await self.read(lambda session: keeper.keep(session, seen))

    @property
    def writing_engine(self) -> Engine:
        """For migrations and the few places that need a connection of their own."""
        return self._writing

    @property
    def cipher(self) -> AesCipher:
        """What it was opened with."""
        return self._cipher

    def run_alone(self) -> None:
        """Claims this SQLite database for one running bot. Raises AlreadyRunning."""
        if self.embedded and self._lock is None:
            self._lock = InstanceLock.take(sqlite_path(self.url))

    def listen(self, callback: CommitListener) -> None:
        """`callback(kinds)` after each commit that enqueued work, in the writer's thread."""
        self._listeners.append(callback)

    def time_units(self, callback: Timing) -> None:
        """`callback(what, seconds)` after each unit, in the thread that ran it."""
        self._timings.append(callback)

    def _took(self, what: str, seconds: float) -> None:
        for timing in self._timings:
            timing(what, seconds)

    def _committed(self, kinds: Iterable[str]) -> None:
        found = frozenset(kinds)
        for listener in self._listeners:
            listener(found)

    async def write(self, work: Callable[[Session], T], *, urgent: bool = False) -> T:
        """One unit of work, one transaction; committed when this returns.

        What `work` raises is raised here after a rollback. StorageUnavailable: the database was
        locked, full or gone; whether a commit that was under way stands is then unknown, so units
        are written to be repeatable.
        """
        return await asyncio.wrap_future(self._units.submit(work, urgent=urgent))

    async def read(self, work: Callable[[Session], T]) -> T:
        """A consistent look at the committed state; never waits for the writer."""
        return await asyncio.wrap_future(self._reads.submit(work))

    async def store(self, new: NewWork, *, within: float = 2.0) -> int | None:
        """Stores one delivery, together with all others that wait (rule 7). Its row's id.

        None when a row of that key exists already. TooLate after `within` seconds: then nothing
        was written, or what was written has been voided.
        """
        loop = asyncio.get_running_loop()
        request = StoreRequest(new, loop, loop.create_future(), within)
        if not self._gathered:
            loop.call_soon(self._store_gathered)
        self._gathered.append(request)
        return await request.outcome

    def _store_gathered(self) -> None:
        """What came in in one turn of the loop wakes the writer once, and waits equally long."""
        requests, self._gathered = self._gathered, []
        try:
            self._stores.store(requests)
        except StorageError as error:
            for request in requests:
                request.refuse(error)
            return
        loop = requests[0].loop
        for within in {request.within for request in requests}:
            loop.call_later(within, _give_up, [r for r in requests if r.within == within])

    def hold_units(self) -> None:
        """From now on, for a few hundredths of a second at most, units give way to deliveries.

        Called when a delivery comes in, `let_units_go` when all are acknowledged.
        """
        for lane in self._lanes:
            lane.hold()

    def let_units_go(self) -> None:
        for lane in self._lanes:
            lane.let_go()

    def write_now(self, work: Callable[[Session], T]) -> T:
        """`write` for the command line, which has no event loop."""
        return self._units.submit(work).result()

    def read_now(self, work: Callable[[Session], T]) -> T:
        """`read` for the command line."""
        return self._reads.submit(work).result()

    async def ping(self) -> bool:
        """Whether the database answers at this moment."""
        try:
            await self.read(lambda session: session.execute(text("select 1")).scalar_one())
        except Exception:  # whatever stands in the way, the answer is no
            return False
        return True

    async def close(self) -> None:
        """Finishes what is queued, then ends the threads and gives the lock back."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """`close` for the command line."""
        for lane in self._lanes:
            lane.close()
        self._writing.dispose()
        self._reading.dispose()
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _give_up(requests: list[StoreRequest]) -> None:
    for request in requests:
        request.give_up()
