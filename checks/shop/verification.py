"""Verification of a mapping: what stands in each mapped field, and whether the checks can ask it.

Rows, the shop's words by ours, ranges of amounts, the newest time beside now, how many orders hold
what they cost: a wrong unit, zone or word is seen here, before it hides a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, select, text, true

from checks.kinds.base import CheckContext
from checks.kinds.query_settings import QueryCheckSettings
from checks.listings.listings import Listings
from checks.queries.compiled_query import QueryError
from checks.queries.entity import entities
from checks.shop.logical_table import LogicalTable
from checks.shop.source import ShopDatabase, ShopUnavailable
from checks.shop.stamp_verification import stamp_of
from storage.money import Money

_NAMED = 5  # orders that are told by name
_AHEAD = timedelta(minutes=30)  # a newest row further in the future than this is a wrong zone
_TELL_THEIR_ZONE = ("aware", "iso_z", "epoch", "epoch_ms")  # forms in which an instant is one
_WORDS = 12  # of one field, that are told by name


@dataclass(frozen=True)
class Seen:
    """One sentence. `wrong`: it is to be put right before anything is believed."""

    sentence: str
    wrong: bool = False


async def verified(shop: ShopDatabase, currency: str, now: datetime) -> list[Seen]:
    """What stands in every mapped entity. Never raises: what cannot be read is a sentence too."""
    found: list[Seen] = []
    for entity in shop.mapping.entities:
        try:
            found += await shop.read(lambda c, e=entity: list(_entity(c, shop, e, currency, now)))  # type: ignore[misc]
        except ShopUnavailable as error:
            found.append(Seen(f"{entity}: {error}", wrong=True))
    if {"orders", "payments"} <= shop.mapping.entities.keys():
        try:
            found += await shop.read(lambda c: list(_agreeing(c, shop, currency)))
        except ShopUnavailable as error:
            found.append(Seen(f"orders and payments: {error}", wrong=True))
    return found


async def verified_listings(listings: Listings, currency: str, now: datetime) -> list[Seen]:
    """The same of what stands beside the database, read now."""
    found: list[Seen] = []
    for name in listings.names:
        fetch = await listings.fetched(name, now)
        if fetch.fault is not None:
            found.append(Seen(fetch.fault, wrong=True))
            continue
        found.append(Seen(f"{name}: read from {listings.place(name)}, pages: {fetch.pages}"))
        if fetch.unread is not None:
            found.append(Seen(f"  {fetch.unread}", wrong=True))
        shop = await listings.read([name], now)
        found += await shop.read(lambda c, s=shop, e=name: list(_entity(c, s, e, currency, now)))  # type: ignore[misc]
    return found


async def tried(check: QueryCheckSettings, context: CheckContext) -> Seen:
    """The query of a check, sent once for a single row."""
    try:
        shop = await context.place_of_query(check.find)
        query = shop.query(check.find, context.currency)
        given = check.given(context.now, calendar=context.calendar)

        def one_row(connection: Connection) -> None:
            engine = connection.dialect.name
            sql = f"SELECT * FROM ({query.sql(engine)}) AS found LIMIT 1"  # noqa: S608 - compiled
            connection.execute(text(sql), query.bound(given, engine)).first()

        await shop.read(one_row)
    except (QueryError, ShopUnavailable) as error:
        return Seen(f"check {check.name}: {error}", wrong=True)
    return Seen(f"check {check.name}: can be asked")


def _entity(
    connection: Connection, shop: ShopDatabase, entity: str, currency: str, now: datetime
) -> Iterator[Seen]:
    table = shop.table(entity)
    rows = connection.scalar(select(func.count()).select_from(table.source)) or 0
    yield Seen(f"{entity}: {rows} rows of {table.mapping.place}")
    if not rows:
        return
    for name, field in entities()[entity].fields.items():
        if not table.has(name):
            continue
        if field.type == "word":
            yield from _words(connection, table, name)
        elif field.type == "money":
            yield from _range(connection, table, name, currency)
        elif field.type == "instant":
            yield from _newest(connection, table, name, now)
    yield from (Seen(said, wrong) for said, wrong in stamp_of(connection, table))


def _words(connection: Connection, table: LogicalTable, name: str) -> Iterator[Seen]:
    own, mapped = table.col(name), table.field(name)
    counted = connection.execute(
        select(own, func.count()).group_by(own).order_by(func.count().desc()).limit(_WORDS + 1)
    ).all()
    known = {str(word) for word in mapped.known()}
    ours = dict.fromkeys(entities()[table.entity].fields[name].words, 0)
    strange: list[str] = []
    for word, count in counted[:_WORDS]:
        told = "nothing" if word in (None, "") else mapped.ours(word)
        if told not in ours and word not in (None, "") and str(word) not in known:
            strange.append(f"“{word}” ({count})")
        else:
            ours[told] = ours.get(told, 0) + int(count)
    said = (
        ", ".join(f"{count} {word}" for word, count in ours.items() if count) or "no word of ours"
    )
    yield Seen(f"  {name}: {said}")
    if strange:
        yield Seen(
            f"  {name}: {', '.join(strange)} is not known: say in words what it means, or in "
            "ignore that no check has to do with it",
            wrong=True,
        )


def _range(connection: Connection, table: LogicalTable, name: str, currency: str) -> Iterator[Seen]:
    amount = table.minor(name, currency)
    unit = table.currency(currency) if table.has("currency") else None
    if unit is None:
        least, most = connection.execute(select(func.min(amount), func.max(amount))).one()
        rows = [(table.mapping.currency or currency, least, most)]
    else:
        asked = select(unit, func.min(amount), func.max(amount)).group_by(unit).limit(_WORDS)
        rows = [(str(row[0] or ""), row[1], row[2]) for row in connection.execute(asked)]
    for code, least, most in rows:
        if least is None or not code:
            continue
        low, high = Money(int(least), code), Money(int(most), code)
        yield Seen(f"  {name}: from {low.decimal} to {high.decimal} {code}")


def _newest(
    connection: Connection, table: LogicalTable, name: str, now: datetime
) -> Iterator[Seen]:
    newest = connection.scalar(select(func.max(table.col(name))))
    at = table.read_time(newest, name)
    if at is None:
        said = "holds nothing" if newest is None else f"“{newest}” is no time in this form"
        yield Seen(f"  {name}: {said}", wrong=newest is not None)
        return
    planned = name in ("promised_at",)
    if at - now > _AHEAD and not planned:
        ahead = (at - now).total_seconds() / 3600
        yield Seen(
            f"  {name}: the newest is {ahead:.1f} h in the future: is that its zone, and its form?",
            wrong=True,
        )
        return
    hours = (now - at).total_seconds() / 3600
    ago = f", {hours:.1f} h ago" if hours >= 0 else ""
    mapped = table.field(name)
    told = mapped.zone is not None or mapped.form in _TELL_THEIR_ZONE
    zone = "" if told else "; no zone is said for it, so it is read as UTC"
    yield Seen(f"  {name}: the newest is of {at:%Y-%m-%d %H:%M} UTC{ago}{zone}")


def _agreeing(connection: Connection, shop: ShopDatabase, currency: str) -> Iterator[Seen]:
    """How many paid orders hold what they cost: that says whether units agree."""
    orders, payments = shop.orders(), shop.payments()
    wanted = ("key", "state", "total")
    if not all(map(orders.has, wanted)) or not all(map(payments.has, ("order_key", "amount"))):
        return
    paid = (
        select(
            payments.col("order_key").label("of_order"),
            func.sum(payments.minor("amount", currency)).label("paid"),
        )
        .where(payments.is_state("captured") if payments.has("state") else true())
        .group_by(payments.col("order_key"))
        .subquery("paid")
    )
    held = and_(
        orders.is_state("paid", "dispatched", "delivered", "completed"),
        paid.c.of_order == orders.col("key"),
    )
    source = orders.source.join(paid, held)
    equal = case((paid.c.paid == orders.minor("total", currency), 1))
    total, same = connection.execute(
        select(func.count(), func.count(equal)).select_from(source)
    ).one()
    if not total:
        yield Seen("No paid order has a captured payment: is the state of payments mapped?", True)
        return
    share = 100 * int(same or 0) / total
    if share < 50:
        yield Seen(f"{share:.1f} % of {total} paid orders hold their cost: do units agree?", True)
        return
    others = _others(connection, orders, source, equal)
    yield Seen(f"{share:.1f} % of {total} paid orders hold what they cost{others}")


def _others(connection: Connection, orders: LogicalTable, source: Any, equal: Any) -> str:
    """Some of those that do not, and the check that watches them."""
    name = orders.col("number" if orders.has("number") else "key")
    wrong = connection.scalars(
        select(name).select_from(source).where(equal.is_(None)).order_by(name).limit(_NAMED)
    ).all()
    if not wrong:
        return ""
    named = ", ".join(map(str, wrong))
    more = " …" if len(wrong) == _NAMED else ""
    return f"; not {named}{more} (a check of kind amount_mismatch watches that)"
