"""Verification of a mapping: what stands in each mapped field, and whether the checks can ask it.

Rows, the shop's words by ours, ranges of amounts, the newest time beside now, how many orders hold
what they cost: a wrong unit, zone or word is seen here, before it hides a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, text

from checks.kinds.base import CheckContext
from checks.kinds.query_settings import QueryCheckSettings
from checks.listings.listings import Listings
from checks.queries.compiled_query import QueryError
from checks.queries.entity import entities
from checks.shop.logical_table import LogicalTable
from checks.shop.payment_agreement import agreement
from checks.shop.rows_seen import Unread, rows_seen, unread_of, unread_sentence
from checks.shop.source import ShopDatabase, ShopUnavailable
from checks.shop.stamp_verification import stamp_of
from storage.money import Money

_AHEAD = timedelta(minutes=30)  # a newest row further in the future than this is a wrong zone
_TELL_THEIR_ZONE = ("aware", "iso_z", "epoch", "epoch_ms")  # forms in which an instant is one
_WORDS = 12  # currencies of one amount, that are told
_MOST_WORDS = 1_000  # of one field, that are counted; what the mapping does not know is named
_PLANNED = ("promised_at",)  # times that lie ahead by their nature
_MOST_HOURS = 14  # by which a zone is from UTC
_KNOWN_ZONES = (  # that are named where their offset would explain times that lie ahead
    "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
    "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Istanbul",
    "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Taipei",
    "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip


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
            found += await shop.read(
                lambda c: [Seen(*told) for told in agreement(c, shop, currency)]
            )
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


@dataclass(frozen=True)
class Tried:
    """What came of a check's first question. `fault`: it cannot be asked; one sentence."""

    name: str
    fault: str | None = None
    rows: Mapping[str, Any] | None = None  # what it goes over (checks.shop.rows_seen)


async def tried(check: QueryCheckSettings, context: CheckContext) -> Tried:
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
        windowed = query.looked[:1] if query.looked and query.looked[0].since else ()
        seen = await rows_seen(shop, windowed, given, context.now)
    except (QueryError, ShopUnavailable) as error:
        return Tried(check.name, str(error))
    return Tried(check.name, rows=seen.figures().get("rows"))


def _entity(
    connection: Connection, shop: ShopDatabase, entity: str, currency: str, now: datetime
) -> Iterator[Seen]:
    table = shop.table(entity)
    rows = connection.scalar(select(func.count()).select_from(table.source)) or 0
    yield Seen(f"{entity}: {rows:,} rows of {table.mapping.place}")
    if not rows:
        return
    found = unread_of(connection, table, table.mapping.fields)[1]
    unread = {one.field: one for one in found}
    for name, field in entities()[entity].fields.items():
        if not table.has(name):
            continue
        if field.type == "word":
            yield from _words(connection, table, name)
        elif field.type == "money":
            yield from _range(connection, table, name, currency)
        elif field.type == "instant":
            yield from _newest(connection, table, name, now)
        if name in unread and unread[name].rows < rows:  # of all it is said already
            yield Seen(f"  {_gap(unread[name])}", _is_no_field(unread[name]))
    yield from (Seen(said, wrong) for said, wrong in stamp_of(connection, table))


def _gap(unread: Unread) -> str:
    """How many rows hold nothing there, and what that means for the checks."""
    said = unread_sentence(unread.as_fact())
    if entities()[unread.entity].fields[unread.field].may_lack:
        return said
    return f"{said}: no check that asks for it can judge them"


def _is_no_field(unread: Unread) -> bool:
    """Whether so many rows hold nothing there that no check by it may say that all is well."""
    return unread.too_many and not entities()[unread.entity].fields[unread.field].may_lack


def _words(connection: Connection, table: LogicalTable, name: str) -> Iterator[Seen]:
    own, mapped = table.col(name), table.field(name)
    counted = connection.execute(
        select(own, func.count()).group_by(own).order_by(func.count().desc()).limit(_MOST_WORDS)
    ).all()
    known = {str(word) for word in mapped.known()}
    ours = dict.fromkeys(entities()[table.entity].fields[name].words, 0)
    strange: list[str] = []
    for word, count in counted:
        told = "nothing" if word in (None, "") else mapped.ours(word)
        if told in ours or word in (None, "") or told in mapped.own:
            ours[told] = ours.get(told, 0) + int(count)
        elif str(word) in known:
            ours[f"“{word}” (left out by ignore)"] = int(count)
        else:
            strange.append(f"“{word}” ({count:,})")
    said = (
        ", ".join(f"{count:,} {word}" for word, count in ours.items() if count) or "no word of ours"
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
    mapped = table.field(name)
    told = mapped.zone is not None or mapped.form in _TELL_THEIR_ZONE
    zone = "" if told else "; no zone is said for it, so it is read as UTC"
    if at - now > _AHEAD and name not in _PLANNED:
        yield from _ahead(connection, table, name, now, at)
        return
    hours = (now - at).total_seconds() / 3600
    ago = f", {hours:.1f} h ago" if hours >= 0 else ""
    yield Seen(f"  {name}: the newest is of {at:%Y-%m-%d %H:%M} UTC{ago}{zone}")


def _ahead(
    connection: Connection, table: LogicalTable, name: str, now: datetime, newest: datetime
) -> Iterator[Seen]:
    """Times that have not come yet, where a row tells what was."""
    later = table.col(name) > table.bind_time(now + _AHEAD, name)
    count = connection.scalar(select(func.count()).select_from(table.source).where(later))
    mapped = table.field(name)
    ahead = (newest - now).total_seconds() / 3600
    asked = "is that its form?"
    if mapped.form not in _TELL_THEIR_ZONE:
        asked = f"is that its form, and its zone? {_zones(mapped.zone, now, newest)}"
    said = f"{count:,} lie ahead of now, the newest is {ahead:.1f} h in the future"
    yield Seen(f"  {name}: {said}: {asked}", wrong=True)


def _zones(zone: str | None, now: datetime, newest: datetime) -> str:
    """Zones in which the newest would be of just now, or of some time ago."""
    own = now.astimezone(ZoneInfo(zone or "UTC")).utcoffset() or timedelta()
    halves = -(-(newest - now) // timedelta(minutes=30))
    offset = own + halves * timedelta(minutes=30)
    like = [one for one in _KNOWN_ZONES if now.astimezone(ZoneInfo(one)).utcoffset() == offset]
    hours = offset.total_seconds() / 3600
    if abs(hours) > _MOST_HOURS:
        return "No zone is so far from UTC."
    read = zone or "UTC, as none is said"
    named = f" (as {', '.join(like)})" if like else ""
    return f"Read in {read}; one of UTC{hours:+g}{named} would explain it."
