"""Recurring: what is done again and again, checks and the house's own jobs, once across all
replicas.

Each is one item of the work table that is never finished, only due again. After a downtime it
runs once, not once for each turn that was missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.schedule.gathered_units import GatheredUnits
from bot.schedule.outcomes import Done, Turn
from storage import work
from storage.database import Database
from storage.errors import StorageError
from storage.models import WorkItem

log = structlog.get_logger(__name__)

Finish = Callable[[Session], None]
"""What is written in the transaction that makes the item due again."""
Job = Callable[[], Awaitable[Finish | Sequence[Finish] | None]]
"""Of several, each is a transaction of its own, the last one makes the item due again. If the
process ends between two, the item is not due again but taken over, and the job is done anew."""


@dataclass(frozen=True)
class Short:
    """A finish of a statement or two, which is written together with others of its moment."""

    finish: Finish

    def __call__(self, session: Session) -> None:
        self.finish(session)


Instead = Callable[[str], Finish]
"""What is written when a run failed, and by which error."""


@dataclass(frozen=True)
class Recurring:
    """One thing that recurs. `job` looks outside of any transaction and returns what to write.

    `instead`: what is written when the job, or the writing of what it found, failed.
    """

    name: str
    every: timedelta
    job: Job
    deadline: timedelta | None = None
    instead: Instead | None = None


class RecurringWork:
    """The handler of one kind of recurring items."""

    def __init__(
        self, kind: str, database: Database, clock: Clock, recurring: Mapping[str, Recurring]
    ) -> None:
        self.kind = kind
        self._database = database
        self._clock = clock
        self._recurring = recurring
        self._short = GatheredUnits(database.write)

    async def plan(self) -> None:
        """Sees to it that each has its item; a new one is due at once."""

        def unit(session: Session) -> None:
            now = self._clock.now()
            for name in self._recurring:
                work.ensure(
                    session,
                    kind=self.kind,
                    key=f"{self.kind}:{name}",
                    payload={"recurring": name},
                    due=now,
                    now=now,
                )
            self.bring_near(session)

        await self._database.write(unit)

    def bring_near(self, session: Session, by: timedelta = timedelta()) -> None:
        """None waits longer than its own interval, though the clock was set back (`by` so much)."""
        now = self._clock.now()
        for name, recurring in self._recurring.items():
            work.nearer(session, f"{self.kind}:{name}", recurring.every, now, by)

    async def run(self, item: WorkItem) -> Turn:
        """One turn. An error of the job or of its writing does not end the recurring."""
        recurring = self._recurring.get(str(item.payload.get("recurring")))
        if recurring is None:  # taken out of the configuration
            return Done({"gone": True})
        *parts, last = await self._look(recurring) or [None]
        try:
            for part in parts:
                if part is not None and not await self._write_part(item, part):
                    return None  # another has taken it over and does it all
            await self._write(item, recurring, last)
        except StorageError:
            raise
        except Exception as error:
            log.exception("recurring_not_written", name=recurring.name)
            await self._write_instead(item, recurring, _named(error))
        return None

    async def _write_instead(self, item: WorkItem, recurring: Recurring, error: str) -> None:
        """That it failed; if not even that can be written, only that it is due again."""
        try:
            await self._write(item, recurring, _instead(recurring, error))
        except StorageError:
            raise
        except Exception:
            log.exception("recurring_failed_unsaid", name=recurring.name)
            await self._write(item, recurring, None)

    async def _write(self, item: WorkItem, recurring: Recurring, last: Finish | None) -> None:
        """The last part, or all there is, and when it is due again."""

        def unit(session: Session) -> None:
            due = work.following(item.due, recurring.every, self._clock.now())
            if work.reschedule(session, item.id, item.epoch, due) and last is not None:
                last(session)

        if isinstance(last, Short):
            await self._short.do(unit)
        else:
            await self._database.write(unit)

    async def _write_part(self, item: WorkItem, part: Finish) -> bool:
        """One part before the last. False: the claim is not ours any more, nothing was written."""

        def unit(session: Session) -> bool:
            ours = item.id in work.renew(session, [(item.id, item.epoch)])
            if ours:
                part(session)
            return ours

        return await self._database.write(unit)

    async def _look(self, recurring: Recurring) -> Sequence[Finish | None]:
        seconds = None if recurring.deadline is None else recurring.deadline.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                found = await recurring.job()
                return found if isinstance(found, Sequence) else [found]
        except StorageError:
            raise  # nothing is wrong with the job: again when the database is back
        except TimeoutError:
            log.error("recurring_broken_off", name=recurring.name, after=seconds)
            after = "" if seconds is None else f" after {seconds:g} s"
            return [_instead(recurring, f"broken off{after}")]
        except Exception as error:
            log.exception("recurring_failed", name=recurring.name)
            return [_instead(recurring, _named(error))]


def _instead(recurring: Recurring, error: str) -> Finish | None:
    return None if recurring.instead is None else recurring.instead(error)


def _named(error: Exception) -> str:
    """Without its text, which may hold what the shop says of a customer."""
    return f"an error of Muster, {type(error).__name__}"
