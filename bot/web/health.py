"""Health: whether the bot is alive, and whether it can do its work, what `/healthz` and `/readyz`
say.

Alive: the event loop answers and the workers' loops run; a process that is not is restarted.
Ready: the database writes a row within a bound and is the one that was opened, Slack is connected
and answers, nothing waits for its delivery too long, every check runs, the roles' people are known,
and the bot is not stopping.
Each part has a name; what is said of it are figures and fixed sentences, never a reference and
never customer data.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.clock import Clock
from bot.delivery.errors import SlackError
from bot.delivery.fallback_text import PlainForms
from bot.delivery.sender import Sender
from bot.schedule.workers import Workers
from bot.web.figures import Figures, read_figures
from storage.database import Database
from storage.errors import DiskFull, RecordLost, StorageError
from storage.trace import leave_trace

DATABASE_SECONDS = 2.0  # as long as a delivery may take to be stored
_LOOKED_SECONDS = 60.0  # a kind of work looks every second
_SILENT_SECONDS = 90.0  # without any answer of Slack; it is asked before that (Probe)
_TICKED_SECONDS = 15.0  # it ticks every second
_SKEW = timedelta(seconds=2)  # between the clocks of replicas
_FRESH_SECONDS = 0.5  # an answer is given again for so long, whoever asks


class Groups(Protocol):
    """Who is in the roles' user groups (bot.groups)."""

    @property
    def unknown(self) -> list[str]: ...


class Sockets(Protocol):
    """Socket Mode's connections (bot.intake.socket_mode)."""

    @property
    def connected(self) -> int: ...

    problem: str | None


class Ticking(Protocol):
    """What wakes the workers (bot.schedule.scheduler)."""

    @property
    def seconds_since_tick(self) -> float: ...


class Watch(Protocol):
    """The watch over the system clock (bot.schedule.clock_watch)."""

    @property
    def ended(self) -> bool: ...

    @property
    def seconds_since_set(self) -> float: ...


@dataclass(frozen=True)
class Limits:
    """What still counts as ready. `checks`: seconds between two runs of each check."""

    undelivered: timedelta
    missed_runs: int
    checks: Mapping[str, int]

    def overdue_after(self, check: str) -> timedelta:
        return timedelta(seconds=self.checks[check] * self.missed_runs + _LOOKED_SECONDS)


@dataclass(frozen=True)
class Part:
    """One part of the answer. `problem`: None when it is in order."""

    problem: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        told = {} if self.problem is None else {"problem": self.problem}
        return {"ok": self.problem is None, **told, **self.figures}


@dataclass(frozen=True)
class Report:
    """What is said to whoever asks."""

    parts: Mapping[str, Part]

    @property
    def failing(self) -> list[str]:
        return [name for name, part in self.parts.items() if part.problem is not None]

    @property
    def ok(self) -> bool:
        return not self.failing

    def as_json(self) -> dict[str, Any]:
        parts = {name: part.as_json() for name, part in self.parts.items()}
        return {"ok": self.ok, "failing": self.failing, "parts": parts}


class Health:
    """Looks at the parts of one running bot."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        sender: Sender,
        workers: Workers,
        plain: PlainForms,
        limits: Limits,
        sockets: bool,
        groups: Groups,
        ticking: Ticking,
        watch: Watch,
    ) -> None:
        """`sockets`: the bot is connected by Socket Mode, and `connect` will hand it in."""
        self._database = database
        self._clock = clock
        self._sender = sender
        self._workers = workers
        self._plain = plain
        self._limits = limits
        self._needs_sockets = sockets
        self._groups = groups
        self._ticking = ticking
        self._watch = watch
        self._sockets: Sockets | None = None
        self._started = clock.now()
        self._stopping = False
        self._asking = asyncio.Lock()
        self._last: tuple[float, Report] | None = None
        self.figures: Figures | None = None  # of the last look that the database answered

    def connect(self, sockets: Sockets) -> None:
        """From now on these are Slack's connections."""
        self._sockets = sockets

    def stopping(self) -> None:
        """From now on the bot is not ready."""
        self._stopping = True
        self._last = None

    @property
    def connections(self) -> int:
        return 0 if self._sockets is None else self._sockets.connected

    def live(self) -> Report:
        """Nothing is waited for: that it is answered at all says that the event loop runs."""
        ended = [*self._workers.ended, *(["clock"] if self._watch.ended else [])]
        problem = None
        if ended and not self._stopping:
            problem = f"these loops have ended: {', '.join(ended)}; restart the bot"
        return Report({"loops": Part(problem, {"ended": ended})})

    async def ready(self) -> Report:
        """Every part, each looked at within its bound. Many who ask at once cost one look."""
        async with self._asking:
            if self._last is not None and time.monotonic() - self._last[0] < _FRESH_SECONDS:
                return self._last[1]
            report = await self._look()
            self._last = (time.monotonic(), report)
            return report

    async def _look(self) -> Report:
        database = await self._ask_database()
        figures, now = self.figures, self._clock.now()
        parts = {"process": self._process(), "database": database, "slack": self._slack(now)}
        if figures is not None and database.problem is None:
            parts["deliveries"] = self._deliveries(figures, now)
            parts["checks"] = self._checks(figures, now)
        parts["record"] = self._record()
        parts["schedule"] = self._schedule()
        parts["people"] = self._people()
        parts["templates"] = self._templates()
        return Report(parts)

    def _process(self) -> Part:
        live = self.live()
        looked = self._workers.looked()
        figures = {"seconds_since_work_was_looked_for": {k: round(s, 1) for k, s in looked.items()}}
        if self._stopping:
            return Part("the bot is stopping", figures)
        if not live.ok:
            return Part(live.parts["loops"].problem, figures)
        late = [kind for kind, seconds in looked.items() if seconds > _LOOKED_SECONDS]
        if late:
            return Part(f"no work is looked for: {', '.join(late)}", figures)
        return Part(None, figures)

    async def _ask_database(self) -> Part:
        """A unit that writes, since a full disk is still read, and the figures."""
        started = time.monotonic()
        self.figures, problem = None, None
        now = self._clock.now()

        async def ask() -> None:
            await self._database.write(lambda s: leave_trace(s, now), urgent=True)
            self.figures = await self._database.read(lambda s: read_figures(s, now))

        try:
            await _within(DATABASE_SECONDS, ask)
        except TimeoutError:
            problem = f"the database does not answer within {DATABASE_SECONDS:g} s"
        except DiskFull:
            problem = "the database's disk is full: make room, the bot goes on by itself"
        except RecordLost:
            problem = "the database is not the one that was opened"
        except StorageError:
            problem = "the database cannot be used"
        except Exception as error:  # whatever stands in the way, it is not ready
            problem = f"the database cannot be used ({type(error).__name__})"
        took = round((time.monotonic() - started) * 1000, 1)
        return Part(problem, {"milliseconds": took})

    def _record(self) -> Part:
        """Whether the database is the one that was opened; as of the last unit."""
        keeper, noticed = self._database.keeper, self._database.change
        told = {} if noticed is None else {"noticed_at_start": noticed}
        if keeper is None or keeper.problem is None:
            return Part(None, told)
        return Part(f"{keeper.problem}: stop Muster, put the database back, and start it", told)

    def _slack(self, now: datetime) -> Part:
        sender = self._sender
        silent = self._since(now, sender.answered_at or self._started)
        figures: dict[str, Any] = {"seconds_since_answer": round(max(0.0, silent), 1)}
        if self._needs_sockets:
            figures["connections"] = self.connections
        held = sender.held()
        if held:
            figures["held"] = {m: round((at - now).total_seconds(), 1) for m, at in held.items()}
        return Part(self._slack_problem(silent), figures)

    def _slack_problem(self, silent: float) -> str | None:
        if self._sender.stopped:
            return f"Slack refuses the bot token ({self._sender.stopped})"
        if self._sockets is not None and self._sockets.problem is not None:
            return self._sockets.problem
        if self._needs_sockets and not self.connections:
            return "no Socket Mode connection is open"
        if self._sender.suspect:
            return "Slack gives no answer"
        if silent > _SILENT_SECONDS:
            return f"Slack has not answered for {_SILENT_SECONDS:g} s"
        return None

    def _deliveries(self, figures: Figures, now: datetime) -> Part:
        oldest, limit = figures.undelivered.since, self._limits.undelivered.total_seconds()
        age = 0.0 if oldest is None else self._since(now, oldest)
        told = {
            "undelivered": figures.undelivered.count,
            "oldest_seconds": round(age, 1),
            "limit_seconds": limit,
            "parked": figures.parked,
        }
        if age > limit:
            return Part(f"a message has waited for more than {limit:g} s", told)
        return Part(None, told)

    def _checks(self, figures: Figures, now: datetime) -> Part:
        """A check that never ran, or not since this start, has its time from the start on.

        A last run in the future is none: it counts from the moment at which the clock was set.
        """
        ages: dict[str, float | None] = {}
        overdue: list[str] = []
        for name in self._limits.checks:
            found = figures.check(name)
            last = found.last_run_at if found is not None else None
            if last is not None and last > now + _SKEW:
                last = None
            ages[name] = None if last is None else round((now - last).total_seconds(), 1)
            waited = self._since(now, self._started)
            if last is not None:
                waited = min((now - last).total_seconds(), waited)
            if timedelta(seconds=waited) > self._limits.overdue_after(name):
                overdue.append(name)
        told = {"seconds_since_run": ages}
        if overdue:
            return Part(f"these checks do not run: {', '.join(overdue)}", told)
        return Part(None, told)

    def _since(self, now: datetime, moment: datetime) -> float:
        """Seconds since then; of a moment before the clock was set back, at least since that."""
        seconds = (now - moment).total_seconds()
        if moment > now + _SKEW or moment == self._started:
            return max(seconds, self._watch.seconds_since_set)
        return max(0.0, seconds)

    def _schedule(self) -> Part:
        """Both by a clock that nobody sets."""
        ticked = self._ticking.seconds_since_tick
        told = {
            "seconds_since_tick": round(ticked, 1),
            "seconds_since_clock_was_set": round(self._watch.seconds_since_set, 1),
        }
        if ticked > _TICKED_SECONDS:
            return Part("the scheduler does not wake the work", told)
        return Part(None, told)

    def _people(self) -> Part:
        """A role whose group Slack has never told has nobody: it is rung by nothing."""
        unknown = len(self._groups.unknown)
        told = {"unknown_groups": unknown}
        if not unknown:
            return Part(None, told)
        return Part(f"Slack has not told who is in {unknown} of the roles' user groups", told)

    def _templates(self) -> Part:
        """Never a reason not to be ready: the incident was told, in plain words."""
        plain = self._plain
        last_at = None if plain.last_at is None else plain.last_at.isoformat(timespec="seconds")
        sent_plain = {"sent_plain": plain.counts.total()}
        told = {} if plain.last is None else {"last_template": plain.last, "last_at": last_at}
        return Part(None, sent_plain | told)


class Probe:
    """Asks Slack whether it is there, when nothing else has had an answer for a while."""

    EVERY = 5.0  # seconds between looks whether it must be asked
    QUIET = timedelta(seconds=30)

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock

    async def ask(self) -> None:
        """One look; what came of it is kept by the sender."""
        sender = self._sender
        answered, now = sender.answered_at, self._clock.now()
        quiet = answered is None or not -_SKEW < now - answered < self.QUIET
        if quiet or sender.suspect or sender.stopped:
            with contextlib.suppress(SlackError):
                await sender.call("auth.test", {})


async def _within(seconds: float, ask: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(seconds):
        await ask()
