"""Runner: one written attempt is checked, sent once, looked at and settled (rule 6).

1. The attempt stands in the database as WRITTEN before anything is asked of the shop.
2. Preconditions are looked at; one that does not hold ends it as REFUSED, nothing was sent.
3. The state before is looked at and committed together with SENT; only then the request goes out,
   with the attempt's idempotency key.
4. An answer is kept and verified by looking; a 4xx is FAILED, and so is what the shop itself says
   went wrong (Verification.fails), at once; no answer is UNKNOWN.
5. UNKNOWN, and SENT found after a restart, are resolved by looking (actions.contracts).

Each turn of a work item ends in one transaction that settles the item and the attempt together,
conditional on the item's epoch: a process that wakes late changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions import contracts, queries
from actions.connectors.base import Connector
from actions.contracts import Next, Times, Trace, Verdict
from actions.declarations import ActionDeclaration
from actions.errors import NoAnswer, NotSent, Refused, ShopError
from actions.model import Assignment, Book, Doubt, Settled
from plan import answer_fields
from storage import work
from storage.database import Database
from storage.models import ActionAttempt, AttemptState, WorkItem, WorkState
from storage.restore_marks import MAY_BE_SENT

log = structlog.get_logger(__name__)

_NOT_SENT_TRIES = 3
_NOT_SENT_WAIT = 1.0  # seconds between tries that certainly had no effect
_BUSY_WAIT = 30.0  # seconds, when a 429 names none
_READ_AS: Mapping[Verdict, tuple[AttemptState, str | None]] = {
    Verdict.SEEN: (AttemptState.DONE, None),
    Verdict.NOT_SEEN: (AttemptState.FAILED, "not_verified"),
    Verdict.FAILED: (AttemptState.FAILED, "effect_failed"),
}
_STILL_TO_RESOLVE = frozenset({AttemptState.SENT, AttemptState.UNKNOWN})


class Clock(Protocol):
    """The clock that is handed in (bot.clock)."""

    def now(self) -> datetime: ...

    async def sleep_until(self, moment: datetime) -> None: ...


class ActionRunner:
    """The handler of work items of kind `action`."""

    def __init__(self, *, database: Database, shop: Connector, book: Book, clock: Clock) -> None:
        self._database = database
        self._shop = shop
        self._book = book
        self._clock = clock

    async def run(self, item: WorkItem) -> None:
        """One turn of the item. It settles itself: done, or due again for the next look."""
        attempt_id = int(item.payload["attempt"])
        assignment = await self._database.read(lambda s: self._book.load(s, attempt_id))
        if assignment.doubt is not None and await self._doubted(item, assignment, assignment.doubt):
            return
        if assignment.state is AttemptState.WRITTEN:
            await self._begin(item, assignment)
        elif assignment.state in _STILL_TO_RESOLVE and assignment.action.kind == "read":
            await self._read(item, assignment)  # restored from a backup: looking is free
        elif assignment.state in _STILL_TO_RESOLVE:
            await self._resolve(item, assignment)
        else:
            await self._complete(item)

    # --- after a restore

    async def _doubted(self, item: WorkItem, assignment: Assignment, doubt: Doubt) -> bool:
        """Looks whether the shop shows it already; whether the attempt ends with that.

        Only what the shop was seen not to show goes on by itself, and only where nobody is asked.
        """
        seen = await queries.earlier(self._shop, assignment, doubt.since)
        if not doubt.asks and seen["shows"] == queries.NOTHING:
            return False
        settled = Settled(AttemptState.UNKNOWN, response={"look": seen}, problem=doubt.problem)
        await self._settle(item, assignment, settled)
        return True

    async def _begin_anew(self, item: WorkItem, assignment: Assignment) -> None:
        """It was written down before the record was restored, and the shop knows nothing of it: it
        begins with its looks beforehand, of which the record may hold none."""

        def commit(session: Session) -> bool:
            if not _owned(session, item):
                return False
            attempt = session.get_one(ActionAttempt, assignment.attempt_id)
            attempt.state, attempt.problem, attempt.sent_at = AttemptState.WRITTEN, None, None
            return True

        if await self._database.write(commit):
            await self.run(item)

    # --- a fresh attempt

    async def _begin(self, item: WorkItem, assignment: Assignment) -> None:
        if assignment.action.kind == "read":
            await self._read(item, assignment)
            return
        if self._shop.action(assignment.action.id) is None:
            await self._settle(item, assignment, Settled(AttemptState.REFUSED, problem="no_door"))
            return
        failed = await queries.failed_precondition(self._shop, assignment)
        if failed is not None:
            problem, seen = failed
            settled = Settled(AttemptState.REFUSED, response=seen, problem=problem)
            await self._settle(item, assignment, settled)
            return
        before: Mapping[str, Any] | None = None
        if assignment.action.before is not None:
            now_seen = await queries.look(self._shop, assignment.action.before, assignment)
            if not now_seen.answered:
                # Without the state before there is no way back to offer.
                asked = queries.unseen(self._shop, assignment.action.before, assignment, now_seen)
                settled = Settled(AttemptState.REFUSED, response=asked, problem="before_unseen")
                await self._settle(item, assignment, settled)
                return
            before = queries.as_figures(now_seen.value)
        orders, unseen = await queries.orders_read(self._shop, assignment)
        if unseen is not None:
            # Who has paid meanwhile must not be asked to: what cannot be read is not sent.
            settled = Settled(
                AttemptState.REFUSED, response={"code": unseen}, problem="order_unseen"
            )
            await self._settle(item, assignment, settled)
            return
        now = self._clock.now()

        def commit(session: Session) -> Mapping[str, Any] | None:
            if not _owned(session, item):
                return None
            params = assignment.params
            if orders is not None:
                params = self._book.word(session, assignment.attempt_id, orders)
            self._book.sent(session, assignment.attempt_id, before, now)
            return params

        params = await self._database.write(commit, urgent=True)
        if params is not None:
            sent = replace(
                assignment, state=AttemptState.SENT, before=before, sent_at=now, params=params
            )
            await self._send(item, sent, repeated=False)

    async def _read(self, item: WorkItem, assignment: Assignment) -> None:
        """An action that only looks: nothing is sent, what is seen is its answer."""
        verdict, seen = await queries.verified(self._shop, assignment)
        if not seen.answered:
            # Nothing has happened, so nothing is unknown; the person can look again.
            settled = Settled(AttemptState.FAILED, problem="no_answer", detail=seen.problem)
        else:
            found = queries.as_figures(seen.value)
            state, problem = _READ_AS[verdict]
            settled = Settled(state, after=found, response=found, problem=problem)
        await self._settle(item, assignment, settled)

    async def _send(self, item: WorkItem, assignment: Assignment, *, repeated: bool) -> None:
        action, key = assignment.action.id, assignment.key
        scope = queries.scope_of(assignment)
        for left in reversed(range(_NOT_SENT_TRIES)):
            try:
                answer = await self._shop.act(action, key, scope)
                break
            except NotSent as error:
                log.warning("action_not_sent", action=action, key=key, code=error.code)
                if not left or error.code not in ("refused", "timeout"):
                    await self._not_sent(item, assignment, error, repeated=repeated)
                    return
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=_NOT_SENT_WAIT))
            except Refused as error:
                await self._refused(item, assignment, error, repeated=repeated)
                return
            except NoAnswer as error:
                log.warning("action_without_answer", action=action, key=key, code=error.code)
                await self._unknown(item, assignment)
                return
        response = queries.as_figures(answer.body)
        answered = replace(assignment, response=response)
        if assignment.action.verify is None:
            settled = Settled(AttemptState.DONE, before=assignment.before, response=response)
            await self._settle(item, answered, settled)
            return
        await self._note(item, answered, response=response)
        await self._resolve(item, answered)

    async def _not_sent(
        self, item: WorkItem, assignment: Assignment, error: ShopError, *, repeated: bool
    ) -> None:
        if repeated:  # the first request may still have had its effect
            await self._unknown(item, assignment)
            return
        settled = Settled(
            AttemptState.FAILED,
            before=assignment.before,
            problem="not_sent",
            detail=error.detail or error.code,
        )
        await self._settle(item, assignment, settled)

    async def _refused(
        self, item: WorkItem, assignment: Assignment, error: Refused, *, repeated: bool
    ) -> None:
        if error.status == 429 and await self._asked_to_wait(item, assignment, error, repeated):
            return
        if repeated and error.status == 409:  # the first request is still being worked on
            await self._unknown(item, assignment)
            return
        settled = Settled(
            AttemptState.FAILED,
            before=assignment.before,
            response={"status": error.status},
            problem="refused",
            detail=error.detail,
        )
        await self._settle(item, assignment, settled)

    async def _asked_to_wait(
        self, item: WorkItem, assignment: Assignment, error: Refused, repeated: bool
    ) -> bool:
        """The shop had no time for it (429): it did nothing, and is asked again when it says.

        False: that would be later than an outcome is waited for; the person decides anew.
        """
        now = self._clock.now()
        due = now + timedelta(seconds=error.retry_after or _BUSY_WAIT)
        within = timedelta(seconds=contracts.times_of(assignment.action.verify).within)
        if due > item.created_at + within:
            return False

        def commit(session: Session) -> None:
            again = work.retry(session, item.id, item.epoch, due, "the shop is busy", waited=True)
            if again and not repeated:
                # Nothing of it has left a trace: it begins anew, with its looks beforehand.
                attempt = session.get_one(ActionAttempt, assignment.attempt_id)
                attempt.state = AttemptState.WRITTEN

        await self._database.write(commit)
        return True

    # --- what became of it

    async def _resolve(self, item: WorkItem, assignment: Assignment) -> None:
        """One round of looking at an attempt that was sent."""
        declaration = self._shop.action(assignment.action.id)
        trace = Trace.NOT_SEEN
        if assignment.response is None and declaration is not None and declaration.lookup:
            trace, response = await queries.remembered(self._shop, assignment)
            if trace is Trace.REFUSED:
                settled = Settled(
                    AttemptState.FAILED,
                    before=assignment.before,
                    response=response,
                    problem="refused",
                )
                await self._settle(item, assignment, settled)
                return
            if trace is Trace.EFFECT:
                assignment = replace(assignment, response=response)
                if assignment.action.verify is None:
                    await self._done(item, assignment, None)
                    return
                await self._note(item, assignment, response=response)
            elif trace is Trace.NO_EFFECT and declaration.contract == "keys":
                # What the look would show now is not of our doing.
                await self._by_rule(item, assignment, declaration, trace)
                return
        verdict, seen = await queries.verified(self._shop, assignment)
        if verdict is Verdict.SEEN:
            await self._done(item, assignment, queries.as_figures(seen.value))
        elif verdict is Verdict.FAILED:
            await self._went_wrong(item, assignment, seen)
        elif assignment.response is not None:
            await self._answered_but_not_seen(item, assignment)
        elif declaration is None:
            await self._ask_a_person(item, assignment, "person_decides")
        else:
            if declaration.lookup is None and seen.answered:
                trace = Trace.NO_EFFECT
            await self._by_rule(item, assignment, declaration, trace)

    async def _by_rule(
        self,
        item: WorkItem,
        assignment: Assignment,
        declaration: ActionDeclaration,
        trace: Trace,
    ) -> None:
        now = self._clock.now()
        times = _times(item, assignment, now)
        verification = assignment.action.verify
        step = contracts.next_step(declaration, verification, trace, times, now)
        if item.payload.get("later"):
            await self._look_later(item, now)
        elif step is Next.SEND_AGAIN and assignment.problem == MAY_BE_SENT:
            await self._begin_anew(item, assignment)
        elif step is Next.SEND_AGAIN:
            if await self._note(item, assignment, sent_at=now):
                log.info("action_sent_again", key=assignment.key)
                await self._send(item, replace(assignment, sent_at=now), repeated=True)
        elif step is Next.NO_EFFECT:
            settled = Settled(AttemptState.FAILED, before=assignment.before, problem="no_effect")
            await self._settle(item, assignment, settled)
        elif step is Next.ASK_A_PERSON:
            await self._ask_a_person(item, assignment, "person_decides")
        else:
            await self._unknown(item, assignment)

    async def _answered_but_not_seen(self, item: WorkItem, assignment: Assignment) -> None:
        """The shop said yes, but its effect does not show yet: never "done" before it was seen."""
        now = self._clock.now()
        within = timedelta(seconds=contracts.times_of(assignment.action.verify).within)
        if item.payload.get("later"):
            await self._look_later(item, now)
        elif now >= item.created_at + within:
            await self._ask_a_person(item, assignment, "not_verified")
        else:
            await self._look_again(item, assignment, None)

    # --- how a turn ends, each in one transaction

    async def _done(
        self, item: WorkItem, assignment: Assignment, after: Mapping[str, Any] | None
    ) -> None:
        settled = Settled(
            AttemptState.DONE,
            before=assignment.before,
            after=after,
            response=assignment.response,
        )
        await self._settle(item, assignment, settled)

    async def _went_wrong(self, item: WorkItem, assignment: Assignment, seen: queries.Seen) -> None:
        """The shop says that it failed: final, whatever was answered before."""
        settled = Settled(
            AttemptState.FAILED,
            before=assignment.before,
            after=queries.as_figures(seen.value) if seen.answered else None,
            response=assignment.response,
            problem="effect_failed",
        )
        await self._settle(item, assignment, settled)

    async def _unknown(self, item: WorkItem, assignment: Assignment) -> None:
        """Shown as unknown (said once), and looked at again."""
        first = assignment.state is not AttemptState.UNKNOWN
        unsent = assignment.problem == MAY_BE_SENT  # to be known once the shop answers
        problem = MAY_BE_SENT if unsent else "no_answer"
        settled = (
            Settled(AttemptState.UNKNOWN, before=assignment.before, problem=problem)
            if first
            else None
        )
        await self._look_again(item, assignment, settled)

    async def _look_again(
        self, item: WorkItem, assignment: Assignment, settled: Settled | None
    ) -> None:
        now = self._clock.now()
        if item.payload.get("later"):
            await self._look_later(item, now)
            return
        times = _times(item, assignment, now)
        due = contracts.next_look(assignment.action.verify, times, now)

        def commit(session: Session) -> None:
            if not work.retry(session, item.id, item.epoch, due, "looking", waited=True):
                return
            attempt = session.get_one(ActionAttempt, assignment.attempt_id)
            attempt.looks += 1
            if settled is not None:
                self._book.settle(session, assignment.attempt_id, settled, now)

        await self._database.write(commit)

    async def _ask_a_person(self, item: WorkItem, assignment: Assignment, problem: str) -> None:
        """Stays unknown. Other actions go on; a seldom look of its own keeps watching."""
        now = self._clock.now()
        settled = Settled(
            AttemptState.UNKNOWN,
            before=assignment.before,
            response=assignment.response,
            problem=problem,
        )

        def also(session: Session) -> None:
            self._book.settle(session, assignment.attempt_id, settled, now)
            work.enqueue(
                session,
                kind="action",
                key=f"{item.key}/later",
                payload={"attempt": assignment.attempt_id, "later": True},
                due=contracts.later_look(now, now) or now,
                now=now,
                priority=7,
            )

        await self._complete(item, also)

    async def _look_later(self, item: WorkItem, now: datetime) -> None:
        due = contracts.later_look(item.created_at, now)
        if due is None:
            await self._complete(item)
            return
        again = due

        def commit(session: Session) -> None:
            work.retry(session, item.id, item.epoch, again, "looking seldom", waited=True)

        await self._database.write(commit)

    async def _settle(self, item: WorkItem, assignment: Assignment, settled: Settled) -> None:
        now = self._clock.now()
        log.info(
            "action_settled",
            action=assignment.action.id,
            key=assignment.key,
            state=str(settled.state),
            problem=settled.problem,
        )
        await self._complete(
            item, lambda s: self._book.settle(s, assignment.attempt_id, settled, now)
        )

    async def _complete(
        self, item: WorkItem, also: Callable[[Session], object] | None = None
    ) -> None:
        now = self._clock.now()

        def commit(session: Session) -> None:
            if work.complete(session, item.id, item.epoch, now) and also is not None:
                also(session)

        await self._database.write(commit)

    async def _note(
        self,
        item: WorkItem,
        assignment: Assignment,
        *,
        response: Mapping[str, Any] | None = None,
        sent_at: datetime | None = None,
    ) -> bool:
        """Keeps what is known so far, so that a restart need not find it out again."""

        def commit(session: Session) -> bool:
            if not _owned(session, item):
                return False
            attempt = session.get_one(ActionAttempt, assignment.attempt_id)
            if response is not None:
                attempt.response = answer_fields.only(response, assignment.kept)
            if sent_at is not None:
                attempt.sent_at = sent_at
            return True

        return await self._database.write(commit)


def _owned(session: Session, item: WorkItem) -> bool:
    """Whether this claim still stands; a lease that ran out has given the work to another."""
    return (
        session.scalar(
            select(WorkItem.id).where(
                WorkItem.id == item.id,
                WorkItem.epoch == item.epoch,
                WorkItem.state == WorkState.CLAIMED,
            )
        )
        is not None
    )


def _times(item: WorkItem, assignment: Assignment, now: datetime) -> Times:
    return Times(began=item.created_at, sent=assignment.sent_at or now, looks=assignment.looks)
