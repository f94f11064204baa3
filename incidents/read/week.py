"""Week of a manager: what reached customers, what needs her, whether the plan was followed.

Every figure is the whole of what the database holds for the incidents that the reader may see;
an order that two incidents name is one order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from incidents import people
from incidents.alerting import oncall
from incidents.detection import shadow
from incidents.organisation import House
from incidents.read.open_items import words_of_item
from incidents.read.reader import Reader
from incidents.read.review import review_of
from incidents.read.selection import hidden_of
from incidents.shop_actions.approval_requests import approvers
from incidents.views import AskedApproval, LateItem, Reach, ShadowView, WeekView
from plan.expressions import names
from storage.models import (
    LIVE_STATUSES,
    ActionAttempt,
    AttemptState,
    Case,
    CaseState,
    FollowUp,
    Incident,
    Status,
)
from storage.money import Money

_NO_INCIDENT = (Status.DISMISSED, Status.MERGED)
_NINE = time(9)
_ORDER = "order"  # kind of a case
MANAGERS = "managers"


def bounds(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The last whole week, Monday to Monday in that zone."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    end = datetime.combine(monday, time(), zone)
    return datetime.combine(monday - timedelta(days=7), time(), zone), end


def due_for(now: datetime, zone: tzinfo) -> str | None:
    """The week that is to be told now, Monday from nine on; made up for until Wednesday's nine."""
    local = now.astimezone(zone)
    since = datetime.combine(local.date() - timedelta(days=local.weekday()), _NINE, zone)
    if not since <= local < since + timedelta(days=2):
        return None
    return key_of(bounds(now, zone)[0])


def key_of(start: datetime) -> str:
    year, number, _ = start.isocalendar()
    return f"{year}-W{number:02}"


def start_of(key: str, zone: tzinfo) -> datetime:
    """Monday of that week. ValueError for what is no week."""
    year, _, number = key.partition("-W")
    return datetime.combine(datetime.fromisocalendar(int(year), int(number), 1), time(), zone)


def week(
    session: Session,
    house: House,
    user_id: str,
    now: datetime,
    zone: tzinfo,
    *,
    start: datetime | None = None,
) -> WeekView:
    """The week that begins there, else the last whole one."""
    begin, end = bounds(now, zone) if start is None else (start, start + timedelta(days=7))
    found = _incidents(session, house, user_id, begin, end)
    before = _incidents(session, house, user_id, begin - timedelta(days=7), begin)
    ids = [one.id for one in found]
    taken = [after for one in found if (after := _owned_after(one)) is not None]
    kept = [_kept(house, one, now) for one in found]
    ended, exceptions = _followed(session, house, found, now)
    return WeekView(
        number=begin.isocalendar().week,
        start=begin,
        end=end,
        code=key_of(begin),
        incidents=len(found),
        severities={s: sum(one.severity == s for one in found) for s in (1, 2, 3, 4)},
        reach=reach(session, ids),
        before=reach(session, [one.id for one in before]),
        owner_after=median(taken) if taken else None,
        kept=sum(one is True for one in kept),
        owned_of=sum(one is not None for one in kept),
        approvals=approvals(session, house, user_id, now),
        late=late_items(session, house, user_id, now, whole=MANAGERS in house.roles_of(user_id)),
        followed=ended - len(exceptions),
        ended=ended,
        exceptions=exceptions,
        said_twice=_said_twice(session, house, ids),
        told_late=_told_late(session, house, found),
        left_open=_left_open(session, ids),
        shadows=tuple(
            ShadowView(one.check, one.opened, one.cases, one.now, one.below)
            for one in shadow.of_time(session, begin, end)
        ),
    )


def _incidents(
    session: Session, house: House, user_id: str, start: datetime, end: datetime
) -> list[Incident]:
    where: tuple[ColumnElement[bool], ...] = (
        Incident.detected_at >= start,
        Incident.detected_at < end,
        Incident.status.not_in(_NO_INCIDENT),
    )
    hidden = hidden_of(session, house, where, user_id)
    query = select(Incident).where(*where, Incident.id.not_in(hidden)).order_by(Incident.number)
    return list(session.scalars(query))


def at_stake(session: Session, house: House, user_id: str) -> Reach:
    """The orders of open incidents, and what of their money is not settled."""
    where = (Incident.status.in_(LIVE_STATUSES),)
    hidden = hidden_of(session, house, where, user_id)
    ids = session.scalars(select(Incident.id).where(*where, Incident.id.not_in(hidden)))
    return reach(session, list(ids))


def reach(session: Session, ids: Sequence[int]) -> Reach:
    """Each order once, whichever of the incidents name it; money for each currency apart."""
    one = (
        select(
            Case.key,
            Case.amount_currency.label("currency"),
            func.max(Case.amount_minor).label("minor"),
            func.max(case((Case.state != CaseState.SETTLED, Case.amount_minor), else_=None)).label(
                "open"
            ),
            func.max(case((Case.state != CaseState.SETTLED, 1), else_=0)).label("unsettled"),
        )
        .where(Case.incident_id.in_(ids), Case.kind == _ORDER)
        .group_by(Case.key, Case.amount_currency)
        .subquery()
    )
    session.flush()
    orders = session.scalar(select(func.count(one.c.key.distinct()))) or 0
    unsettled = session.scalar(select(func.count(one.c.key.distinct())).where(one.c.unsettled == 1))
    sums = session.execute(
        select(one.c.currency, func.sum(one.c.minor), func.sum(one.c.open))
        .where(one.c.currency.is_not(None))
        .group_by(one.c.currency)
        .order_by(one.c.currency)
    ).all()
    return Reach(
        orders,
        tuple(Money(int(whole), currency).as_json() for currency, whole, _ in sums),
        tuple(Money(int(left), currency).as_json() for currency, _, left in sums if left),
        unsettled or 0,
    )


def _owned_after(incident: Incident) -> float | None:
    if incident.acknowledged_at is None:
        return None
    return max(0.0, (incident.acknowledged_at - incident.detected_at).total_seconds())


def _kept(house: House, incident: Incident, now: datetime) -> bool | None:
    """Whether somebody had it within its severity's limit; None while that may still come."""
    limit = house.first_response.get(incident.severity)
    if limit is None:
        return None
    after = _owned_after(incident)
    if after is not None:
        return after <= limit.total_seconds()
    return None if now - incident.detected_at <= limit and incident.live else False


def approvals(
    session: Session, house: House, user_id: str, now: datetime
) -> tuple[AskedApproval, ...]:
    """The presses that wait for this person's yes, the oldest first."""
    presses: dict[str, list[ActionAttempt]] = {}
    for attempt in session.scalars(
        select(ActionAttempt)
        .where(ActionAttempt.state == AttemptState.AWAITING_APPROVAL)
        .order_by(ActionAttempt.id)
    ):
        presses.setdefault(attempt.press or attempt.key, []).append(attempt)
    found: list[AskedApproval] = []
    for attempts in presses.values():
        first = attempts[0]
        reader = Reader(session, house, session.get_one(Incident, first.incident_id), now)
        if user_id not in approvers(reader.change(), first.requested_by):
            continue
        found.append(
            AskedApproval(
                reference=reader.incident.reference,
                number=reader.incident.number,
                what=reader.plan.actions[first.action].title,
                scope=reader.scope,
                count=len(attempts),
                amounts=_sums(one.params.get("amount") for one in attempts),
                who=people.person(session, first.requested_by),
                since=first.requested_at,
            )
        )
    return tuple(found)


def _sums(amounts: Iterable[Any]) -> tuple[Mapping[str, Any], ...]:
    sums: dict[str, int] = {}
    for amount in amounts:
        if isinstance(amount, dict) and "currency" in amount:
            money = Money.from_json(amount)
            sums[money.currency] = sums.get(money.currency, 0) + money.minor
    return tuple(Money(minor, currency).as_json() for currency, minor in sorted(sums.items()))


def late_items(
    session: Session, house: House, user_id: str, now: datetime, *, whole: bool = False
) -> tuple[LateItem, ...]:
    """Follow-ups whose day has passed: the person's own, or (`whole`) everybody's, theirs first."""
    query = (
        select(FollowUp, Incident)
        .join(Incident, Incident.id == FollowUp.incident_id)
        .where(FollowUp.done_at.is_(None), FollowUp.due.is_not(None), FollowUp.due < now)
        .order_by(FollowUp.due, FollowUp.id)
    )
    if not whole:
        query = query.where(FollowUp.owner == user_id)
    hidden = set(hidden_of(session, house, (), user_id)) if whole else set()
    rows = [(item, incident) for item, incident in session.execute(query)]
    found = [_late(session, house, i, item, now) for item, i in rows if i.id not in hidden]
    mine = [one for one in found if one.owner is not None and one.owner.user_id == user_id]
    return (*mine, *(one for one in found if one not in mine))


def _late(
    session: Session, house: House, incident: Incident, item: FollowUp, now: datetime
) -> LateItem:
    reader = Reader(session, house, incident, now)
    due = item.due or now
    return LateItem(
        id=item.id,
        reference=incident.reference,
        number=incident.number,
        text=words_of_item(reader, item),
        scope=reader.scope,
        owner=people.person(session, item.owner),
        due=due,
        days=max(1, (now - due).days),
    )


def _followed(
    session: Session, house: House, found: Sequence[Incident], now: datetime
) -> tuple[int, tuple[tuple[str, tuple[str, ...]], ...]]:
    """How many have ended, and those of them in which the plan was not followed, with why."""
    ended = [one for one in found if one.status in (Status.RESOLVED, Status.REVIEWED)]
    whys = {one.reference: departures(Reader(session, house, one, now)) for one in ended}
    return len(ended), tuple((name, why) for name, why in whys.items() if why)


def departures(reader: Reader) -> tuple[str, ...]:
    """In which points the plan was not followed, as the review sees it; none: it was."""
    view = review_of(reader)
    found: list[str] = []
    if not view.in_order:
        found.append("order")
    if view.steps_done == 0:
        found.append("nothing_done")
    if view.acknowledged_after is None:
        found.append("nobody")
    elif view.acknowledge_limit is not None and view.acknowledged_after > view.acknowledge_limit:
        found.append("late")
    return tuple(found)


def _contacts(session: Session, ids: Sequence[int]) -> list[ActionAttempt]:
    """What was sent to customers, done."""
    return list(
        session.scalars(
            select(ActionAttempt).where(
                ActionAttempt.incident_id.in_(ids),
                ActionAttempt.state == AttemptState.DONE,
                ActionAttempt.case_id.is_not(None),
                ActionAttempt.undoes_id.is_(None),
            )
        )
    )


def _said_twice(session: Session, house: House, ids: Sequence[int]) -> int:
    """Orders whose customer got the same kind of message more than once."""
    told: dict[tuple[str, str, int | None], int] = {}
    keys = _keys(session, ids)
    for attempt in _contacts(session, ids):
        if not _is_message(attempt):
            continue
        for case_id in attempt.covers or (attempt.case_id,):
            place = (keys.get(int(case_id or 0), ""), *_message(house, attempt))
            told[place] = told.get(place, 0) + 1
    return len({key for (key, *_), times in told.items() if times > 1})


def _message(house: House, attempt: ActionAttempt) -> tuple[str, int | None]:
    """What the message says, and its incident where the plan says it once in each."""
    action = house.plan.actions.get(attempt.action)
    tells = "" if action is None else action.tells or ""
    apart = attempt.incident_id if "incident" in names(tells, expression=False) else None
    return str(attempt.params.get("template") or attempt.action), apart


def _is_message(attempt: ActionAttempt) -> bool:
    return "template" in attempt.params or "text" in attempt.params


def _keys(session: Session, ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(Case.id, Case.kind, Case.key).where(Case.incident_id.in_(ids)))
    return {row.id: f"{row.kind}:{row.key}" for row in rows}


def _told_late(session: Session, house: House, found: Sequence[Incident]) -> int:
    """Incidents whose first message to a customer came after the limit."""
    first: dict[int, datetime] = {}
    for attempt in _contacts(session, [one.id for one in found]):
        if _is_message(attempt) and attempt.settled_at is not None:
            known = first.get(attempt.incident_id, attempt.settled_at)
            first[attempt.incident_id] = min(known, attempt.settled_at)
    late = 0
    for incident in found:
        told = first.get(incident.id)
        if told is not None and told - incident.detected_at > house.customer_update:
            late += 1
    return late


def _left_open(session: Session, ids: Sequence[int]) -> int:
    """What was open when its incident was resolved, and still is."""
    return (
        session.scalar(
            select(func.count())
            .select_from(FollowUp)
            .where(
                FollowUp.incident_id.in_(ids),
                FollowUp.kind == "open_item",
                FollowUp.done_at.is_(None),
            )
        )
        or 0
    )


def readers_of(house: House, now: datetime) -> tuple[str, ...]:
    """Who gets the week."""
    return oncall.in_role(house, MANAGERS, now)
