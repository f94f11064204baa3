"""Workers: the loops that claim work and have it done, one for each kind of the work table.

They are woken by the commit that enqueued work, by the scheduler and by the clock; the `due` time
in the database decides (decision 7). What a handler settles is conditional on its claim's epoch.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.schedule.claiming import Claims
from bot.schedule.outcomes import Park, Retry, Run, Turn, Unclear, nothing_sent, settle
from storage import work
from storage.database import Database
from storage.errors import StorageError
from storage.models import WorkItem
from storage.work import AlreadyDone, Lease, LeaseOver, running_time, under

log = structlog.get_logger(__name__)

RENEW_SECONDS = 10.0  # a third of a lease, so that two renewals may fail
_PATIENCE = 30.0  # longest wait without looking: other replicas enqueue without waking this one
_BETWEEN_LOOKS = 0.015  # seconds
_TRIES = 8  # turns that fail by an error of the program, before an item is set aside
_BACKOFF = 60.0
_STORED_BEFORE = 2.0  # seconds at most that a delivery handed to `take` is claimed already


@dataclass(eq=False)
class _Lane:
    """One kind of work in this process."""

    kind: str
    run: Run
    concurrency: int
    deadline: float | None
    unclear_on_error: bool
    gate: Callable[[], Awaitable[None]] | None
    urgent: bool
    ready: list[tuple[int, int, WorkItem]] = field(default_factory=list)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.Task[None] | None = None
    looked: float = field(default_factory=time.monotonic)  # when it last looked for work
    asked: float = -math.inf  # when it last asked the database, by time.monotonic()
    look: bool = True  # there may be work that it has not seen
    next_look: datetime | None = None  # when what it has seen becomes due
    coming: asyncio.TimerHandle | None = None  # a look that was put off for a moment


class Workers:
    """All kinds of work of this process, under one owner (its boot id)."""

    def __init__(self, database: Database, clock: Clock, owner: str) -> None:
        self._database = database
        self._clock = clock
        self.owner = owner
        self._claims = Claims(database, owner)
        self._lanes: dict[str, _Lane] = {}
        self._held: dict[int, WorkItem] = {}
        self._leases: dict[int, Lease] = {}  # of what is held, by this machine's own clock
        self._order = itertools.count()
        self._stop_asked = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._asyncio: asyncio.AbstractEventLoop | None = None

    def add(
        self,
        kind: str,
        run: Run,
        *,
        concurrency: int,
        deadline: float | None = None,
        unclear_on_error: bool = False,
        gate: Callable[[], Awaitable[None]] | None = None,
        urgent: bool = False,
    ) -> None:
        """`deadline`: seconds after which a turn is broken off. `unclear_on_error`: a turn that
        raises may have had its effect. `gate` is awaited before each turn. `urgent`: how it ended
        is written before other units, as what it did was."""
        self._lanes[kind] = _Lane(kind, run, concurrency, deadline, unclear_on_error, gate, urgent)

    async def start(self) -> None:
        """Frees what an earlier process left behind (SQLite), then begins to work."""
        self._asyncio = asyncio.get_running_loop()
        if self._database.embedded:
            freed = await self._database.write(lambda s: work.release_stale(s, self.owner))
            if freed:
                log.info("work_taken_over", items=freed)
        self._database.listen(self._committed)
        for lane in self._lanes.values():
            lane.loop = asyncio.create_task(self._keep_claiming(lane), name=f"work-{lane.kind}")
        self._renewing = asyncio.create_task(self._renew(), name="work-renew")

    def wake(self, kinds: Iterable[str] | None = None) -> None:
        """Look again, now (from the event loop's thread)."""
        for kind in self._lanes if kinds is None else kinds:
            lane = self._lanes.get(kind)
            if lane is not None:
                lane.look = True
                lane.wake.set()

    def take(self, item: WorkItem) -> None:
        """An item that was stored as this process's own claim; it need not be read again."""
        self._hold(self._lanes[item.kind], item, running_time() - _STORED_BEFORE)
        self._lanes[item.kind].wake.set()

    @property
    def in_hand(self) -> dict[str, int]:
        """How many items of each kind this process is working on."""
        counts = dict.fromkeys(self._lanes, 0)
        for item in self._held.values():
            counts[item.kind] += 1
        return counts

    @property
    def ended(self) -> list[str]:
        """The loops that run no more although nobody stopped them: a fault of the program."""
        loops = {lane.kind: lane.loop for lane in self._lanes.values()} | {"renew": self._renewing}
        return [name for name, loop in loops.items() if loop is None or loop.done()]

    def looked(self) -> dict[str, float]:
        """Seconds since each kind last looked for work (real time: it is woken every second)."""
        now = time.monotonic()
        return {lane.kind: now - lane.looked for lane in self._lanes.values()}

    async def pending(self) -> dict[str, int]:
        """Due and unfinished work of each kind, this process's own included; for "idle"."""
        now = self._clock.now()
        depths = await self._database.read(lambda session: work.depths(session, now))
        return dict.fromkeys(self._lanes, 0) | {
            depth.kind: depth.due for depth in depths if depth.kind in self._lanes
        }

    async def stop(self, *, within: float = 8.0) -> None:
        """Claims nothing more and lets what runs come to its end, for `within` seconds.

        What was taken and not begun is given back. What is broken off then keeps its claim, marked
        as ended: another process looks first whether it happened.
        """
        self._stop_asked.set()
        end = time.monotonic() + within
        self.wake()
        # A claim that is being committed is seen to its end: nobody else would know of its items.
        await _ended_by(end, [lane.loop for lane in self._lanes.values() if lane.loop is not None])
        for lane in self._lanes.values():
            for _, _, item in lane.ready:
                await self._give_back(item)
            lane.ready.clear()
        await _ended_by(end, [task for lane in self._lanes.values() for task in lane.running])
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        with contextlib.suppress(StorageError):
            ended = await self._database.write(lambda s: work.end_leases(s, self.owner))
            if ended:
                log.warning("work_broken_off", items=ended)

    def _committed(self, kinds: frozenset[str]) -> None:
        """In the writer's thread."""
        if self._asyncio is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._asyncio.call_soon_threadsafe(self.wake, kinds)

    def _hold(self, lane: _Lane, item: WorkItem, asked: float) -> None:
        """`asked`: the running time at which its claim was asked for."""
        self._held[item.id] = item
        # On SQLite a claim is void at the next start and not before: there is no other process.
        self._leases[item.id] = Lease.endless() if self._database.embedded else Lease.since(asked)
        heapq.heappush(lane.ready, (item.priority, next(self._order), item))

    async def _keep_claiming(self, lane: _Lane) -> None:
        failures = 0
        while not self._stop_asked.is_set():
            lane.wake.clear()
            try:
                wait_until = await self._claim_and_start(lane)
                lane.looked = time.monotonic()
                failures = 0
            except StorageError as error:
                failures += 1
                log.warning("claim_failed", kind=lane.kind, error=str(error))
                await self._rest(pause_after(failures))
                continue
            except Exception:
                failures += 1
                log.exception("claim_failed", kind=lane.kind)
                await self._rest(pause_after(failures))
                continue
            if wait_until is not None:
                await self._wait(lane, wait_until)

    async def _claim_and_start(self, lane: _Lane) -> datetime | None:
        """Starts what it can. The moment to look again, or None: at once."""
        self._start_ready(lane)
        # One moment and one read for both questions: what falls due between them must not be
        # missed.
        now = self._clock.now()
        horizon = now + timedelta(seconds=_PATIENCE)
        wanted = lane.concurrency - len(lane.running)
        if wanted <= 0:
            return horizon
        if not lane.look and lane.next_look is not None and now < lane.next_look:
            return lane.next_look  # what was handed over has been started
        if self._asked_just_now(lane):
            return horizon
        lane.look, lane.asked, asked = False, time.monotonic(), running_time()
        try:
            held = [item.id for item in self._held.values() if item.kind == lane.kind]
            items, full, due = await self._claims.take(lane.kind, now, wanted, held)
        except BaseException:
            lane.look = True
            raise
        for item in items:
            self._hold(lane, item, asked)
        self._start_ready(lane)
        lane.look = lane.look or full
        lane.next_look = horizon if due is None else min(horizon, due)
        if full and len(lane.running) < lane.concurrency:
            return None
        return horizon if full else lane.next_look

    def _start_ready(self, lane: _Lane) -> None:
        while lane.ready and len(lane.running) < lane.concurrency and not self._stop_asked.is_set():
            _, _, item = heapq.heappop(lane.ready)
            task = asyncio.create_task(self._turn(lane, item), name=f"{lane.kind}-{item.id}")
            lane.running.add(task)
            task.add_done_callback(lambda done: self._ended(lane, done))

    def _asked_just_now(self, lane: _Lane) -> bool:
        """Under load commits come by the hundred a second: one look finds the work of several."""
        rest = lane.asked + _BETWEEN_LOOKS - time.monotonic()
        if rest <= 0:
            return False
        if lane.coming is None:

            def wake() -> None:
                lane.coming = None
                lane.wake.set()

            lane.coming = asyncio.get_running_loop().call_later(rest, wake)
        return True

    def _ended(self, lane: _Lane, task: asyncio.Task[None]) -> None:
        was_full = len(lane.running) >= lane.concurrency
        lane.running.discard(task)
        if was_full or lane.ready:
            lane.wake.set()

    async def _rest(self, seconds: float) -> None:
        """After a claim that failed; a stop does not wait for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop_asked.wait()

    async def _wait(self, lane: _Lane, until: datetime) -> None:
        due = asyncio.ensure_future(self._clock.sleep_until(until))
        woken = asyncio.ensure_future(lane.wake.wait())
        try:
            # Bounded by real time too: a system clock that was set back must not stop the work.
            await asyncio.wait({due, woken}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            lane.look = lane.look or not woken.done()
        finally:
            due.cancel()
            woken.cancel()

    async def _turn(self, lane: _Lane, item: WorkItem) -> None:
        try:
            if lane.gate is not None:
                await lane.gate()
            with under(self._leases[item.id]):
                turn = await self._run(lane, item)
            if turn is not None:
                await self._settle(lane, item, turn)
        finally:
            # A turn that was broken off stays held, so that `stop` marks its claim as ended.
            current = asyncio.current_task()
            if current is None or not current.cancelling():
                self._let_go(item)

    def _let_go(self, item: WorkItem) -> None:
        self._held.pop(item.id, None)
        self._leases.pop(item.id, None)

    async def _run(self, lane: _Lane, item: WorkItem) -> Turn:
        now = self._clock.now()
        pause = timedelta(seconds=min(_BACKOFF, 2.0 ** min(item.attempts, 10)))
        try:
            async with asyncio.timeout(lane.deadline):
                return await lane.run(item)
        except AlreadyDone:
            return None
        except LeaseOver as error:
            # Nothing was sent. If nobody has taken it over, it is worked on again.
            log.warning("lease_over", kind=lane.kind, item=item.id)
            return nothing_sent(item, now, str(error))
        except StorageError as error:
            # Nothing is wrong with the item itself; but the effect may have come before it.
            soon, text = now + timedelta(seconds=1), f"database: {error}"
            end = Unclear if lane.unclear_on_error else Retry
            return end(soon, text, waited=True)
        except TimeoutError:
            error_text = f"broken off after {lane.deadline} s"
            log.warning("turn_timed_out", kind=lane.kind, item=item.id)
        except Exception as error:
            error_text = f"{type(error).__name__}: {error}"
            log.exception("turn_failed", kind=lane.kind, item=item.id, attempts=item.attempts)
        if item.attempts >= _TRIES:
            return Park(error_text, unclear=lane.unclear_on_error)
        if lane.unclear_on_error:
            return Unclear(now + pause, error_text)
        return Retry(now + pause, error_text)

    async def _settle(self, lane: _Lane, item: WorkItem, turn: Turn) -> None:
        """Tries until the database takes it: a settled turn must not be done again."""
        pause = 0.1
        while True:
            try:
                settled = await self._database.write(
                    lambda s: settle(s, item, turn, self._clock.now()), urgent=lane.urgent
                )
            except StorageError as error:
                if self._stop_asked.is_set():
                    raise
                log.warning("settle_failed", kind=lane.kind, item=item.id, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            if isinstance(turn, Park) and settled:
                log.error("work_parked", kind=lane.kind, item=item.id, why=turn.error)
            return

    async def _give_back(self, item: WorkItem) -> None:
        now = self._clock.now()
        turn = nothing_sent(item, now, "not begun before the stop")
        with contextlib.suppress(StorageError):
            await self._database.write(lambda s: settle(s, item, turn, now))
            self._let_go(item)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            claims = [(item.id, item.epoch) for item in self._held.values()]
            if not claims:
                continue
            asked = running_time()
            try:
                ours = set(await self._database.write(lambda s, c=claims: work.renew(s, c)))  # type: ignore[misc]
            except StorageError as error:
                log.warning("leases_not_renewed", items=len(claims), error=str(error))
                continue
            for item_id, epoch in claims:
                held = self._held.get(item_id)
                if held is None or held.epoch != epoch:
                    continue
                lease = self._leases[item_id]
                if item_id not in ours:  # another has it now
                    lease.until = min(lease.until, asked)
                elif not self._database.embedded:
                    lease.until = Lease.since(asked).until


def pause_after(failures: int) -> float:
    """Seconds until work is looked for again, after so many failures in a row."""
    return min(0.2 * 2.0 ** min(failures, 10), 5.0)  # a database may be away for days


async def _ended_by(end: float, tasks: list[asyncio.Task[None]]) -> None:
    """Returns when they have ended, or have been broken off at `end` (time.monotonic())."""
    if not tasks:
        return
    _, left = await asyncio.wait(tasks, timeout=max(0.0, end - time.monotonic()))
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
