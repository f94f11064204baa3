"""Rows seen by a check: how many it went over, and how many of them it could not judge, and which.

A check that leaves rows out in silence says of them that they are in order. So they are counted,
within bounds whatever the shop's size, and what was counted stands for a thousand times as long as
that took: one part in a thousand of the shop's time at most, for each check.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select, true

from checks.model import Finding
from checks.queries.entity import entities
from checks.queries.looked_rows import LookedRows
from checks.shop.logical_table import LogicalTable
from checks.shop.query_place import QueryPlace
from checks.shop.source import ShopDatabase, ShopUnavailable
from checks.shop.unread_values import unread

MOST = 1_000_000  # rows of the first table that are counted
_NEWEST = 200_000  # rows of a table that is looked at beside the first
_WITHIN = 10.0  # seconds for all tables of a check, or half of what it has left
_NAMED = 3  # of the rows that cannot be judged, that are told by name
_SPARED = 1_000  # times as long as counting took, what was counted stands
_LONGEST = timedelta(hours=1)
_AGAIN = timedelta(minutes=10)  # until what could not be counted is tried once more
_OWN = ("key", "currency")  # a row is one by its key, and without a currency it is the shop's


_Key = tuple[LookedRows, bool, str]  # which rows, whether of the first table, how far back


@dataclass(frozen=True)
class Unread:
    """So many rows hold nothing in this field that can be read; `some` of them by name."""

    entity: str
    field: str
    kind: str  # of the field: instant, money, text …
    rows: int
    of: int
    some: tuple[str, ...] = ()

    @property
    def too_many(self) -> bool:
        """Whether nothing can be said of the rest. Of what a row may lack, that is all of them."""
        return self.rows >= self.of if self.may_be else 2 * self.rows >= self.of

    @property
    def may_be(self) -> bool:
        """Whether a row may hold nothing there, and is none the worse for it."""
        return entities()[self.entity].fields[self.field].may_lack

    @property
    def weighs(self) -> bool:
        """Whether people are told of it beside a finding: on a card nothing stands for nothing."""
        return self.too_many or not self.may_be

    def as_fact(self) -> dict[str, Any]:
        return {
            "entity": self.entity,
            "field": self.field,
            "kind": self.kind,
            "rows": self.rows,
            "of": self.of,
            "some": list(self.some),
        }


@dataclass(frozen=True)
class Seen:
    """What a check went over: so many rows of its first table, from a time on if it has a window.

    `why`: they could not be counted, and so nothing is known of those that it left out.
    """

    entity: str = ""
    rows: int | None = None
    since: datetime | None = None
    unread: tuple[Unread, ...] = ()
    why: str | None = None

    @property
    def sure(self) -> bool:
        """Whether what was not found may be called in order."""
        return self.why is None and not any(one.too_many for one in self.unread)

    def figures(self) -> dict[str, Any]:
        """As the run keeps it, and shows it when asked."""
        if not self.entity:
            return {}
        since = None if self.since is None else self.since.isoformat()
        rows = {"entity": self.entity, "count": self.rows, "since": since}
        return {
            "rows": {**rows, **({"not_counted": self.why} if self.why else {})},
            "unread": self.facts(),
        }

    def recovered(self, subjects: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The same of what is in order again, by subject: fresh facts of their incidents."""
        return {subject: {"unread": self._weighing()} for subject in subjects}

    def told(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings with what was left out beside them."""
        facts = self._weighing()
        return tuple(replace(one, facts={**one.facts, "unread": facts}) for one in findings)

    def _weighing(self) -> list[dict[str, Any]]:
        return [one.as_fact() for one in self.unread if one.weighs]

    def facts(self) -> list[dict[str, Any]]:
        return [one.as_fact() for one in self.unread]


@dataclass(frozen=True)
class Counted:
    """Of one table: what was seen, and until when that stands."""

    rows: int
    unread: tuple[Unread, ...]
    at: datetime
    until: datetime
    why: str | None = None

    def stands(self, now: datetime) -> bool:
        return self.at <= now < self.until


async def rows_seen(
    place: QueryPlace,
    looked: Sequence[LookedRows],
    given: Mapping[str, Any],
    now: datetime,
    left: float = _WITHIN,
    *,
    fresh: bool = False,
) -> Seen:
    """What a check goes over that looks at these rows. Never raises for what a database says.

    `left`: seconds that the check has; what it found is not to be lost for what is said beside.
    `fresh`: nothing that was counted before counts, for something is about to be called well again.
    """
    if not looked:
        return Seen()
    first, within = looked[0], max(0.0, min(_WITHIN, left / 2))
    since = None if first.since is None else given[first.since[1]]
    counts: list[Counted] = []
    try:
        async with asyncio.timeout(within):
            for rows in looked:
                if rows is first or _judged(rows):
                    key = (rows, rows is first, _window(rows, given, now))
                    counts.append(await _counted(place, key, given, now, fresh=fresh))
    except TimeoutError:
        why = f"that took longer than {within:.1f} s"
        key = (rows, rows is first, _window(rows, given, now))
        counts.append(_not_counted(place.home(rows.entity), key, why, now))
    faults = [one.why for one in counts if one.why is not None]
    count = None if faults else counts[0].rows
    return Seen(first.entity, count, since, _together(counts), faults[0] if faults else None)


def _window(rows: LookedRows, given: Mapping[str, Any], now: datetime) -> str:
    """How far back it goes, by two digits: what was counted of a month says nothing of an hour."""
    if rows.since is None:
        return ""
    return f"{(now - given[rows.since[1]]).total_seconds():.1e}"


async def _counted(
    place: QueryPlace, key: _Key, given: Mapping[str, Any], now: datetime, *, fresh: bool
) -> Counted:
    rows, first, _ = key
    shop = place.home(rows.entity)
    known: Counted | None = shop.counts.get(key)
    if known is not None and known.stands(now) and not fresh:
        return known
    try:
        found = await shop.read(
            lambda connection: _count(connection, shop, rows, given, now, first=first)
        )
    except ShopUnavailable as error:
        return _not_counted(shop, key, str(error), now)
    if shop.counts_stand:
        shop.counts[key] = found
    return found


def _not_counted(shop: ShopDatabase, key: _Key, why: str, now: datetime) -> Counted:
    """It is not tried in each run: a slow shop would be slowed down by it."""
    found = Counted(0, (), now, now + _AGAIN, why)
    if shop.counts_stand:
        shop.counts[key] = found
    return found


def _judged(rows: LookedRows) -> tuple[str, ...]:
    """The fields by which its rows are judged, of those that may be missing."""
    return tuple(name for name in rows.fields if name not in _OWN)


def _count(
    connection: Connection,
    shop: ShopDatabase,
    rows: LookedRows,
    given: Mapping[str, Any],
    now: datetime,
    *,
    first: bool,
) -> Counted:
    """The rows of one table, and those that cannot be judged."""
    began = time.monotonic()
    since = () if rows.since is None else (rows.since[0],)
    names = (*rows.fields, *(name for name, _ in rows.words), *since, "key", "number")
    table = shop.table(rows.entity).only(names)
    if not first:
        table = table.newest(_NEWEST)
    inside, looked = _conditions(table, rows, given, connection.dialect.name)
    seen, found = unread_of(connection, table, _judged(rows), inside, looked, most=MOST + 1)
    took = timedelta(seconds=time.monotonic() - began)
    return Counted(seen, found, now, now + min(_LONGEST, took * _SPARED))


def unread_of(
    connection: Connection,
    table: LogicalTable,
    names: Iterable[str],
    inside: Any = None,
    looked: Any = None,
    *,
    most: int | None = None,
) -> tuple[int, tuple[Unread, ...]]:
    """How many rows there are `inside`, and which of those `looked` at hold nothing in a field."""
    engine, looked = connection.dialect.name, true() if looked is None else looked
    gaps = {name: unread(table, name, engine) for name in names if table.has(name)}
    asked = [true() if inside is None else inside, *gaps.values()]
    flags = [case((one, 1), else_=0).label(f"n{number}") for number, one in enumerate(asked)]
    counted = select(*flags).select_from(table.source).where(looked)
    if most is not None and table.has("key"):  # of more than can be counted, the newest
        counted = counted.order_by(table.col("key").desc())
    within = counted.limit(most).subquery("w")
    whole, *sums = connection.execute(
        select(func.count(), *(func.sum(column) for column in within.c))
    ).one()
    seen, *missing = (int(one or 0) for one in sums)
    kinds = entities()[table.entity].fields
    found = tuple(
        Unread(
            table.entity,
            name,
            kinds[name].type,
            count,
            int(whole),
            _some(connection, table, and_(looked, gaps[name])),
        )
        for name, count in zip(gaps, missing, strict=True)
        if count
    )
    return seen, found


def _conditions(
    table: LogicalTable, rows: LookedRows, given: Mapping[str, Any], engine: str
) -> tuple[Any, Any]:
    """The rows that it goes over, and these with those of which nobody can tell."""
    inside: list[Any] = []
    names: list[str] = []
    for name, ours in rows.words:
        inside.append(table.is_word(name, *ours))
        names.append(name)
    if rows.since is not None:
        name, moment = rows.since
        inside.append(table.col(name) >= table.bind_time(given[moment], name))
        names.append(name)
    if not inside:
        return true(), true()
    either = [
        or_(asked, unread(table, name, engine)) for name, asked in zip(names, inside, strict=True)
    ]
    return and_(*inside), and_(*either)


def _some(connection: Connection, table: LogicalTable, which: Any) -> tuple[str, ...]:
    """A few of them, as people call them; where that is missing, by their key."""
    names = [table.col(name) for name in ("number", "key") if table.has(name)]
    if not names:
        return ()
    asked = select(*names).select_from(table.source).where(which).limit(_NAMED)
    rows = connection.execute(asked).all()
    found = (next((one for one in row if one not in (None, "")), None) for row in rows)
    return tuple(str(one) for one in found if one is not None)


def _together(counts: Iterable[Counted]) -> tuple[Unread, ...]:
    """Of each field once, by the table in which most rows lack it."""
    found: dict[tuple[str, str], Unread] = {}
    for one in (each for count in counts for each in count.unread):
        before = found.get((one.entity, one.field))
        if before is None or (one.too_many, one.rows) > (before.too_many, before.rows):
            found[one.entity, one.field] = one
    return tuple(found.values())


def unread_sentence(unread: Mapping[str, Any]) -> str:
    """One of `Seen.figures`, for a terminal."""
    some = ", ".join(unread["some"])
    more = " …" if unread["rows"] > len(unread["some"]) and some else ""
    named = f" ({some}{more})" if some else ""
    rows, of, what = unread["rows"], unread["of"], unread["entity"].replace("_", " ")
    whole = f"{of:,}" if of not in (MOST + 1, _NEWEST) else f"the newest {min(of, MOST):,}"
    return f"no {unread['field']} that can be read in {rows:,} of {whole} {what}{named}"


def looked_at(rows: Mapping[str, Any], now: datetime) -> str:
    """How many rows a check went over, for a terminal."""
    what, count = rows["entity"].replace("_", " "), rows["count"]
    if count is None:
        return f"its {what} were not counted: {rows['not_counted']}"
    number = f"{count:,}" if count <= MOST else f"more than {MOST:,}"
    since = rows["since"]
    window = "" if since is None else f" of the last {_long(now - datetime.fromisoformat(since))}"
    return f"{what}{window}: {number} looked at"


def _long(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{round(hours / 24)} days" if hours >= 48 else f"{hours} hours"


def why_not_known(figures: Mapping[str, Any]) -> str:
    """Why a check that found nothing says nothing, for a terminal."""
    if (figures.get("rows") or {}).get("not_counted"):
        return "what it left out was not counted"
    return "too much is left out" if figures.get("unread") else "nothing to look at"
