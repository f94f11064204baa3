"""A house with something of everything that can be pressed, and a desk that counts what is done."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from checks.model import CheckResult
from handlers import register_all
from handlers.context import Desk
from handlers.identity import Identity
from handlers.registry import Interaction, Registry
from incidents.change import Change
from incidents.doors import Doors
from incidents.lifecycle import declaring, follow_ups
from incidents.lifecycle.declaring import Declaration
from incidents.organisation import Role
from incidents.people import Standing
from incidents.runbooks import follow_up_prompts
from incidents.shop_actions.looks import GuardLooks
from message_templates.engine import Templates
from plan.loader import LoadedPlan, load_plan
from storage.models import (
    AuditEntry,
    Incident,
    Person,
    Restoration,
    RestoredIncident,
    SlackMessage,
    WorkItem,
    WorkState,
)
from storage.work import enqueue
from tests.incidents.test_approvals import overpaid, ready, refund
from tests.incidents.world import DAY, JO, KAI, LIN, MEI, World, channel_down, money

TEAM, APP = "T0SHOP", "A0MUSTER"
OWNER = "U0OWN"  # owns INC-1, and has no role any more
LEFT = "U0LEFT"  # was in the group of on-call
BY_GROUP = "U0GROUP"  # may approve and refund by a group alone
GUEST, STRANGER, OUTSIDE, UNHEARD = "U0GUEST", "U0NOBODY", "U0OUTSIDE", "U0UNHEARD"
STANDINGS = {
    GUEST: Standing.GUEST,
    STRANGER: Standing.GONE,
    OUTSIDE: Standing.EXTERNAL,
    UNHEARD: Standing.UNKNOWN,
}
PAYMENTS, REFUNDS, PRIVATE, SECOND = 1, 2, 3, 4  # the numbers of what is open
RESOLVED = 5
ZONE = ZoneInfo("Asia/Taipei")
# Besides the record of refusals, and the answers to who pressed: everything.
_EXCLUDED = frozenset({"audit", "work", "sqlite_sequence", "alembic_version", "changes"})


def roles() -> dict[str, Role]:
    """As on a house whose groups Slack has told of; the cast is named by the configuration too."""
    return {
        "oncall": Role(
            "S0ONCALL", (MEI, KAI), (MEI, KAI), None, frozenset((MEI,)), frozenset((MEI, KAI))
        ),
        "approver": Role(
            "S0APPROVE",
            (KAI, LIN, BY_GROUP),
            (),
            None,
            frozenset((BY_GROUP,)),
            frozenset((KAI, LIN)),
        ),
        "cs": Role("S0CSDESK", (LIN,), (LIN,), "cs", frozenset((LIN,)), frozenset((LIN,))),
        "finance": Role("S0APPROVE", (BY_GROUP,), (), None, frozenset((BY_GROUP,)), frozenset()),
        "managers": Role("S0MGRS", (JO,), (JO,), None, frozenset((JO,)), frozenset((JO,))),
    }


def furnish(folder: Path) -> Path:
    """The database of the scene; every test works on a copy."""
    world = World.create(folder, roles=roles())
    world.now = DAY
    world.write(_strangers)
    world.channel_fails(3)  # INC-1, 3.3
    overpaid(world, {"FG-1": money(20_000)})
    assert world.incident(REFUNDS).section == "3.2"
    ready(world, REFUNDS)
    assert refund(world, LIN, REFUNDS).code == "approval_needed"
    attitude = Declaration(
        "service_attitude",
        {"channel": "phone", "reason": "after_sales", "text": "The agent shouted."},
        world.actor(LIN),
        source="complaint",
    )
    assert world.write(lambda s: declaring.declare(s, world.house, attitude, world.now)).ok
    world.check(_second(world.now))
    assert world.press(MEI, "3.3.1.s2", "switch", number=SECOND).ok
    world.run_actions()
    overpaid(world, {"FG-7": money(5)}, subject="orders:seven")
    world.write(lambda s: _the_rest(s, world))
    world.close()
    path = folder / "muster.db"
    _count_changes(path)
    return path


def _count_changes(path: Path) -> None:
    """From now on the database itself counts every row that is written, changed or taken away."""
    with closing(sqlite3.connect(path)) as connection, connection:
        found = connection.execute("select name from sqlite_master where type = 'table'")
        tables = {name for (name,) in found} - _EXCLUDED
        connection.execute("create table changes (what text)")
        for table, does in itertools.product(tables, ("insert", "update", "delete")):
            connection.execute(
                f"create trigger changed_{does}_{table} after {does} on {table} "
                f"begin insert into changes values ('{does} {table}'); end"
            )
        # Of the work, what a press causes beside its answer: actions, timers, and what was parked.
        connection.execute(
            "create trigger changed_work after insert on work "
            "when new.kind not in ('intake', 'message') "
            "begin insert into changes values ('insert work ' || new.kind); end"
        )
        connection.execute(
            "create trigger changed_work_again after update on work when old.kind <> 'intake' "
            "begin insert into changes values ('update work ' || old.kind); end"
        )


@lru_cache(maxsize=1)
def _loaded() -> LoadedPlan:
    return load_plan()


@lru_cache(maxsize=1)
def _doors() -> Doors:
    """The shop has every door but one: its step is done by hand."""
    known = _loaded().plan.actions
    return Doors(actions=frozenset(known) - {"offer_alternative_payment"})


def _strangers(session: Session) -> None:
    for user in (OWNER, LEFT, BY_GROUP, *STANDINGS):
        session.add(
            Person(
                user_id=user, name=user, language="en", language_chosen=True,
                time_zone="Asia/Taipei", refreshed_at=DAY,
            )
        )  # fmt: skip


def _second(now: datetime) -> CheckResult:
    first = channel_down(now)
    finding = replace(first.findings[0], subject="channel:thirdpay", cases=())
    return replace(first, name="other", findings=(finding,), open_after=1)


LIST = "1700000009.000009"  # a message of no incident


def _the_rest(session: Session, world: World) -> None:
    numbers = {one.number: one for one in session.scalars(select(Incident))}
    numbers[PAYMENTS].owner = OWNER
    done = numbers[RESOLVED]
    done.status, done.resolved_at = "resolved", world.now
    change = Change(session, world.house, done, world.actor(JO), world.now)
    follow_ups.add(change, "prevention", "Test it", owner=MEI, due=world.now + timedelta(days=9))
    asking = Change(session, world.house, numbers[SECOND], world.actor(MEI), world.now)
    asking.incident.recovered_at = world.now
    assert follow_up_prompts.ask_due(asking)
    asking.incident.recovered_at = None
    for number, ts in ((PAYMENTS, "1700000001.000001"), (REFUNDS, "1700000002.000002")):
        key = f"INC-{number}/card"
        found = session.scalar(select(SlackMessage).where(SlackMessage.key == key))
        if found is None:
            found = SlackMessage(key=key, delivery_id=key)
            session.add(found)
        found.incident_id = numbers[number].id
        found.channel, found.ts = "C0INCIDENTS", ts
    session.add(SlackMessage(key="week/1", delivery_id="week/1", channel="C0INCIDENTS", ts=LIST))
    _restored(session, numbers[PRIVATE])
    enqueue(session, kind="message", key="message:stuck", payload={"do": "post"}, due=DAY, now=DAY)
    session.flush()
    stuck = session.scalars(select(WorkItem).where(WorkItem.key == "message:stuck")).one()
    stuck.state = WorkState.PARKED


def _restored(session: Session, incident: Incident) -> None:
    """Its record was restored some weeks ago, and nobody has confirmed it."""
    then = DAY - timedelta(days=20)
    made = Restoration(reaches_to=then, restored_at=then, told_at=then, looked_at=then)
    session.add(made)
    session.flush()
    session.add(RestoredIncident(restoration_id=made.id, incident_id=incident.id))


# --- pressing


@dataclass
class Slack:
    """Of the Slack that is asked while a person waits: which forms it opened, and for whom."""

    opened: list[str] = field(default_factory=list)

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        self.opened.append(str(view.get("callback_id")))
        return "V0OPENED"

    async def push_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        return await self.open_view(trigger_id, view)

    async def update_view(self, view_id: str, view: Mapping[str, Any], **_: Any) -> bool:
        self.opened.append(str(view.get("callback_id")))
        return True

    async def permalink(self, channel: str, ts: str) -> str:
        return f"https://formosa.slack.com/archives/{channel}/p{ts.replace('.', '')}"

    async def message_text(self, channel: str, ts: str) -> tuple[str, str | None]:
        return "They call back at 15:00", "1700000001.000001"


class People:
    """Who somebody is, as Slack has said."""

    def known_language(self, _: str) -> str:
        return "en"

    async def language_of(self, _: str) -> str:
        return "en"

    def known_zone(self, _: str) -> ZoneInfo:
        return ZONE

    async def zone_of(self, _: str) -> ZoneInfo:
        return ZONE

    async def standing_of(self, user_id: str) -> Standing:
        return STANDINGS.get(user_id, Standing.MEMBER)

    async def choose_language(self, user_id: str, language: str) -> None:
        self.chosen = (user_id, language)


@dataclass
class Result:
    """What came of one press."""

    refusals: list[tuple[str, str]]  # entries of the audit: who, and what
    changes: list[str]  # rows of the database
    told: list[WorkItem]  # messages that are on their way because of it
    opened: list[str]  # forms
    shop: int  # questions to the shop
    error: BaseException | None


class Scene:
    """The house, behind the product's own registry, gate and handlers."""

    def __init__(self, url: str) -> None:
        self.world = World.open_as_is(url, loaded=_loaded(), roles=roles(), doors=_doors())
        self.world.now = DAY + timedelta(hours=1)
        self.slack, self.people = Slack(), People()
        self.shop_calls = 0
        self.says_groups = False  # whether Slack can say now who is in the user groups
        self.registry = Registry()
        register_all(self.registry)
        self.identity = Identity(TEAM, "B0MUSTER", "U0MUSTER", APP)
        self.desk = Desk(
            database=self.world.database,
            house=self.world.house,
            templates=Templates(ZONE),
            slack=self.slack,
            people=self.people,
            clock=SimpleNamespace(now=lambda: self.world.now),  # type: ignore[arg-type]
            guard_looks=self._looks,
            order=self._order,
            identity=self.identity,
            confirm=self._confirm,
        )
        self._count = itertools.count(1)
        self._loop = asyncio.new_event_loop()

    async def _looks(self, number: int) -> GuardLooks:
        self.shop_calls += 1
        return GuardLooks(self.world.now, ())

    async def _order(self, number: str) -> Mapping[str, Any] | None:
        self.shop_calls += 1
        return {"number": number, "id": 1, "status": "paid", "total_minor": 100, "currency": "TWD"}

    async def _confirm(self) -> bool:
        return self.says_groups

    def close(self) -> None:
        self._loop.close()
        self.world.close()

    def press(self, body: Mapping[str, Any]) -> Result:
        """One signed payload, from its storing on; what the acknowledgement holds included."""
        key = f"trigger:{next(self._count)}"
        audited, changed, last = self.world.write(lambda s: self._store(s, key))
        opened, asked = len(self.slack.opened), self.shop_calls
        error: BaseException | None = None
        try:
            self._loop.run_until_complete(self._work(body, key))
        except Exception as raised:  # the attack counts it
            error = raised
        refusals, changes, told = self.world.read(
            lambda s: (_refusals(s, audited), _changes(s, changed), _messages(s, last))
        )
        return Result(
            refusals=refusals,
            changes=changes,
            told=told,
            opened=self.slack.opened[opened:],
            shop=self.shop_calls - asked,
            error=error,
        )

    def stored(self, body: Mapping[str, Any]) -> Interaction:
        """The interaction of a payload that has been stored."""
        key = f"trigger:{next(self._count)}"
        self.world.write(lambda s: self._store(s, key))
        found = self.registry.read(body, key)
        assert found is not None
        return found

    def _store(self, session: Session, key: str) -> tuple[int, int, int]:
        now = self.world.now
        enqueue(session, kind="intake", key=key, payload={}, due=now, now=now)
        changed = session.scalar(text("select max(rowid) from changes")) or 0
        audited = session.scalar(select(func.max(AuditEntry.id))) or 0
        return audited, changed, session.scalar(select(func.max(WorkItem.id))) or 0

    async def _work(self, body: Mapping[str, Any], key: str) -> None:
        interaction = self.registry.read(body, key)
        assert interaction is not None
        self.registry.opens_view(body)
        if interaction.kind == "submission":
            self.registry.acknowledgement(interaction, self.desk)
        assert await self.registry.work(interaction, self.desk), "no handler"


def _refusals(session: Session, after: int) -> list[tuple[str, str]]:
    found = session.scalars(
        select(AuditEntry).where(AuditEntry.id > after, AuditEntry.result == "refused")
    )
    return [(one.actor, one.object) for one in found]


def _changes(session: Session, after: int) -> list[str]:
    return list(
        session.scalars(text("select what from changes where rowid > :after"), {"after": after})
    )


def _messages(session: Session, after: int) -> list[WorkItem]:
    found = list(session.scalars(select(WorkItem).where(WorkItem.id > after)))
    session.expunge_all()
    return found
