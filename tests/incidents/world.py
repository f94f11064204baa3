"""A house with its database, its clock and a shop that answers as told: the domain's own world.

The runner of actions is played through the same `AttemptBook` that the real one calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.model import Settled
from checks.model import CaseFound, CheckResult, Finding
from incidents import step_press, timers
from incidents.detection.findings import Taken, take_check_result
from incidents.lifecycle import commands
from incidents.organisation import Actor, Audience, House, Role
from incidents.outcome import Outcome
from incidents.shop_actions.action_attempts import AttemptBook
from incidents.shop_actions.looks import GuardLook, GuardLooks, WantedLook
from incidents.step_press import Press
from plan.loader import load_plan
from storage import audit_proof, work
from storage.database import Database
from storage.models import (
    ActionAttempt,
    AttemptState,
    Case,
    Incident,
    Person,
    Ring,
    RunbookRun,
    Step,
    TimelineEntry,
    WorkItem,
    WorkKind,
)
from storage.money import Money
from storage.upgrade import upgrade

T = TypeVar("T")
KEY = bytes(range(32))  # as the databases of tests/conftest.py
MEI, KAI, LIN, JO, SAM = "U0MEI", "U0KAI", "U0LIN", "U0JO", "U0SAM"
NAMES = {MEI: "Mei", KAI: "Kai", LIN: "Lin", JO: "Jo", SAM: "Sam"}
ALL = "all"  # in a form that holds case by case: every case of the incident is ticked
NIGHT = datetime(2026, 11, 10, 19, 7, tzinfo=UTC)  # 03:07 in Taipei
DAY = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)  # 11:00 in Taipei


STANDS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "routing": lambda scope: {"channel": scope["params"]["channel"]},
    "channel_test": lambda _: {"ok": True},
    "checkout_methods": lambda scope: {"methods": scope["params"]["methods"]},
    "servers": lambda scope: {
        "traffic": scope["params"]["server"],
        "servers": [{"id": scope["params"]["server"], "healthy": True, "state": "running"}],
    },
}


def no_answer(_: Mapping[str, Any]) -> Any:
    return {"error": "no_answer"}


def house(**changed: Any) -> House:
    given: dict[str, Any] = {
        "loaded": changed.get("loaded") or load_plan(),
        "roles": {
            "oncall": Role("S0ONCALL", (MEI, KAI), (MEI, KAI)),
            "approver": Role(None, (KAI,)),
            "cs": Role("S0CSDESK", (LIN,), (LIN,), "cs"),
            "managers": Role("S0MGRS", (JO,), (JO,)),
        },
        "audiences": {
            "incidents": Audience("incidents", "C0INCIDENTS"),
            "cs": Audience("cs", "C0CSDESK", "zh-Hant"),
            "private": Audience("private", "C0CSINC", "en", True),
        },
        "limits": {
            "refund": money(10_000),
            "compensation": money(3000),
            "complaint_cost": money(3000),
        },
        "desk": "cs",
        "page": True,
    }
    return House(**{**given, **changed})


def money(major: int) -> Money:
    return Money(major * 100, "TWD")


@dataclass
class World:
    """Everything a test needs; `now` is driven by hand."""

    database: Database
    house: House
    now: datetime = NIGHT
    boot: str = "boot"
    presence: dict[str, datetime | None] = field(default_factory=dict)
    present: set[str] | None = field(default_factory=lambda: set(NAMES))  # in the channel
    looks: dict[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    """What the shop shows, by the look's name; without one, what was done stands."""

    @classmethod
    def open(cls, url: str, **changed: Any) -> World:
        """On an upgraded database, with the people of the workspace."""
        world = cls(Database.open(url, key=KEY), house(**changed))
        world.write(world._people)
        return world

    @classmethod
    def open_as_is(cls, url: str, **changed: Any) -> World:
        """On a database that has its people already."""
        return cls(Database.open(url, key=KEY), house(**changed))

    @classmethod
    def create(cls, folder: Path, **changed: Any) -> World:
        url = f"sqlite:///{folder}/muster.db"
        upgrade(url, KEY)
        return cls.open(url, **changed)

    def _people(self, session: Session) -> None:
        for user_id, name in NAMES.items():
            session.add(
                Person(
                    user_id=user_id,
                    name=name,
                    language="zh-Hant" if user_id == LIN else "en",
                    language_chosen=False,
                    time_zone="Asia/Taipei",
                    refreshed_at=self.now,
                )
            )

    def close(self) -> None:
        self.database.close_now()

    # --- the database

    def write(self, unit: Callable[[Session], T]) -> T:
        return self.database.write_now(unit)

    def read(self, unit: Callable[[Session], T]) -> T:
        return self.database.read_now(unit)

    def incident(self, number: int = 1) -> Incident:
        def unit(session: Session) -> Incident:
            found = session.scalars(select(Incident).where(Incident.number == number)).one()
            session.refresh(found)
            session.expunge(found)
            return found

        return self.read(unit)

    def all(self, kind: type[T], *where: Any) -> list[T]:
        def unit(session: Session) -> list[T]:
            found = list(session.scalars(select(kind).where(*where).order_by(kind.id)))  # type: ignore[attr-defined]
            session.expunge_all()
            return found

        return self.read(unit)

    def step(self, step_id: str, number: int = 1) -> Step:
        def unit(session: Session) -> Step:
            found = session.scalars(
                select(Step)
                .join(RunbookRun)
                .join(Incident)
                .where(
                    Incident.number == number,
                    Step.step_id == step_id,
                    RunbookRun.state != "replaced",
                )
            ).one()
            session.expunge(found)
            return found

        return self.read(unit)

    def entries(self, number: int = 1) -> list[TimelineEntry]:
        incident = self.incident(number)
        return self.all(TimelineEntry, TimelineEntry.incident_id == incident.id)

    def kinds(self, number: int = 1, *, posted: bool = False) -> list[str]:
        return [one.kind for one in self.entries(number) if not posted or one.data.get("posted")]

    def messages(self, do: str | None = None) -> list[WorkItem]:
        items = self.all(WorkItem, WorkItem.kind == WorkKind.MESSAGE)
        return [item for item in items if do is None or item.payload["do"] == do]

    def rings(self, person: str | None = None, number: int = 1) -> list[Ring]:
        incident = self.incident(number)
        members = {role.group: role.chain for role in self.house.roles.values() if role.group}
        return [
            ring
            for ring in self.all(Ring, Ring.incident_id == incident.id)
            if ring.outcome == "sent"
            and (person is None or person in members.get(ring.target, (ring.target,)))
        ]

    def broken(self) -> object:
        return self.read(audit_proof.verify)

    # --- time

    def advance(self, seconds: float) -> None:
        """Time passes; timers that come due fire in their order, at their time."""
        end = self.now + timedelta(seconds=seconds)
        while True:
            due = self.read(
                lambda s: s.scalar(
                    select(func.min(WorkItem.due)).where(
                        WorkItem.kind == WorkKind.TIMER,
                        WorkItem.state == "pending",
                        WorkItem.due <= end,
                    )
                )
            )
            if due is None:
                break
            self.now = max(self.now, due)
            self.fire_due()
        self.now = end

    def fire_due(self) -> int:
        """Everything that is due at this moment, as the worker of timers does it."""
        items = self.write(
            lambda s: [
                (item.id, item.epoch, dict(item.payload))
                for item in work.claim(s, "timer", owner=self.boot, now=self.now, limit=100)
            ]
        )
        for item_id, epoch, payload in items:

            def unit(
                session: Session, p: dict[str, Any] = payload, i: int = item_id, e: int = epoch
            ) -> None:
                wanted = timers.presence_wanted(session, self.house, p, self.now)
                seen = {one: self.presence.get(one) for one in wanted}
                looks = self.look(timers.looks_wanted(session, self.house, p, self.now))
                timers.fire(session, self.house, p, self.now, seen, self.present, looks=looks)
                assert work.complete(session, i, e, self.now)

            self.write(unit)
        return len(items)

    def look(self, wanted: Sequence[WantedLook]) -> GuardLooks:
        """The looks, as the bot takes them before the unit of work."""
        seen = {**STANDS, **self.looks}
        found = [
            GuardLook(one.guard, one.case, seen.get(one.look, no_answer)(one.scope))
            for one in wanted
        ]
        return GuardLooks(self.now, tuple(found))

    # --- people

    def actor(self, user_id: str) -> Actor:
        return self.house.actor(user_id)

    def press(
        self,
        who: str,
        step_id: str,
        button: str,
        *,
        values: Mapping[str, Any] | None = None,
        version: int | None = None,
        number: int = 1,
    ) -> Outcome:
        incident = self.incident(number)
        if values is not None and values.get("cases") == ALL:
            cases = self.all(Case, Case.incident_id == incident.id)
            values = {**values, "cases": [one.id for one in cases]}
        wish = Press(number, version or incident.version, step_id, button, self.actor(who), values)
        return self.write(lambda s: step_press.press(s, self.house, wish, self.now))

    def answer(self, who: str, later: str, button: str, number: int = 1) -> Outcome:
        wish = Press(number, 1, later, button, self.actor(who))
        return self.write(lambda s: step_press.answer_question(s, self.house, wish, self.now))

    def take(self, who: str, number: int = 1) -> Outcome:
        return self.write(lambda s: commands.take(s, self.house, number, self.actor(who), self.now))

    def resolve(self, who: str, number: int = 1, looks: Any = None, **form: Any) -> Outcome:
        filled = commands.ResolveForm(**{"cause": "vendor", **form})
        return self.write(
            lambda s: commands.resolve(
                s, self.house, number, self.actor(who), filled, looks, self.now
            )
        )

    # --- the shop, as the runner of actions reports it

    def pending_attempts(self) -> list[ActionAttempt]:
        return self.all(
            ActionAttempt,
            ActionAttempt.state.in_(
                (AttemptState.WRITTEN, AttemptState.SENT, AttemptState.UNKNOWN)
            ),
        )

    def settle(
        self, attempt: ActionAttempt, state: AttemptState = AttemptState.DONE, **given: Any
    ) -> None:
        book = AttemptBook(self.house)
        if attempt.state == AttemptState.WRITTEN and state != AttemptState.REFUSED:
            before = given.pop("before", {})
            self.write(lambda s: book.sent(s, attempt.id, before, self.now))
        settled = Settled(state, **given)
        self.write(lambda s: book.settle(s, attempt.id, settled, self.now))

    def run_actions(self, **responses: Callable[[ActionAttempt], Mapping[str, Any]]) -> int:
        """Every written attempt is done by the shop; responses by the action's name."""
        count = 0
        while attempts := self.pending_attempts():
            for attempt in attempts:
                answer = responses.get(attempt.action, lambda _: {})(attempt)
                self.settle(attempt, response=dict(answer), after=dict(answer))
                count += 1
        return count

    # --- checks

    def check(self, result: CheckResult) -> Taken:
        return self.write(lambda s: take_check_result(s, self.house, result, self.now))

    def channel_fails(self, times: int = 1, every: float = 10, **facts: Any) -> Taken:
        taken = Taken()
        for _ in range(times):
            taken = self.check(channel_down(self.now, **facts))
            self.advance(every)
        return taken

    def channel_healthy(self, times: int = 1, every: float = 10) -> Taken:
        taken = Taken()
        for _ in range(times):
            taken = self.check(
                CheckResult(
                    "payment-channel-northpay",
                    self.now,
                    healthy_subjects=("channel:northpay",),
                    open_after=3,
                    recover_after=3,
                    every=10,
                    recovered_facts={"channel:northpay": {"now": {"attempts": 12, "captured": 12}}},
                )
            )
            self.advance(every)
        return taken


def orders(count: int = 41, unknown: int = 9, customers: int = 39) -> tuple[CaseFound, ...]:
    return tuple(
        CaseFound(
            "order",
            f"FG-{10400 + n}",
            amount=money(2000 + n),
            customer_key=f"c{min(n, customers - 1)}",
            state="unknown" if n < unknown else "open",
            facts={"order_id": n, "payment_id": f"pay_{n}", "language": "zh-Hant"},
        )
        for n in range(count)
    )


def channel_down(
    now: datetime,
    /,
    *,
    cases: Sequence[CaseFound] | None = None,
    severity: int | None = None,
    felt: bool = True,
    **facts: Any,
) -> CheckResult:
    finding = Finding(
        "channel:northpay",
        "payment_channel_down",
        facts={
            "channel": {"id": "northpay", "name": "Northpay"},
            "standby": {
                "id": "harborpay",
                "name": "Harborpay",
                "ok": True,
                "tested_at": now.isoformat(),
            },
            "vendor": "Northpay",
            "window_minutes": 5,
            "attempts": 118,
            "failed": 57,
            "usual_failed_per_100": 3,
            "failing_since": (now - timedelta(minutes=5)).isoformat(),
            "stage": {"code": "3ds_timeout", "count": 54},
            "banks": 14,
            **facts,
        },
        cases=tuple(orders() if cases is None else cases),
        severity=severity,
        felt=felt,
        started_at=now - timedelta(minutes=5),
    )
    return CheckResult(
        "payment-channel-northpay",
        now,
        findings=(finding,),
        open_after=3,
        recover_after=3,
        every=10,
    )


def case_rows(world: World, number: int = 1) -> list[Case]:
    return world.all(Case, Case.incident_id == world.incident(number).id)
