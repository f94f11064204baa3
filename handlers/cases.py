"""The affected cases: pages of ten with a filter, an export, and one order's standing."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.errors import ShopError
from handlers.action_values import Target, whole
from handlers.context import Desk, Shown
from handlers.gate import named, remembered
from handlers.registry import Asks, Interaction, Registry
from handlers.show import incident_id, may_see
from handlers.typed import looked_up, numbers
from incidents import cases, loading, read
from incidents.organisation import House
from incidents.outcome import Outcome
from incidents.read.notices import desk_words
from incidents.read.reader import Reader
from incidents.rights import Right
from incidents.scope import snapshot
from storage import outbox
from storage.models import LIVE_STATUSES, Case, Incident


def register(registry: Registry) -> None:
    registry.action("cases.open", opens=True, asks=Asks(Right.CASES, named))(open_cases)
    registry.action("cases.filter", asks=Asks(Right.CASES, remembered))(page)
    registry.action("cases.page", asks=Asks(Right.CASES, remembered))(page)
    registry.action("cases.export", asks=Asks(Right.EXPORT, remembered))(export)


async def open_cases(interaction: Interaction, desk: Desk) -> None:
    """The list as a modal."""
    target = Target.parse(interaction.value)
    if target is None:
        await desk.say(interaction, "form_gone")
        return
    view = await _view(desk, target.number, target.step or cases.ALL, 1)
    if view is None:
        await desk.say(interaction, "not_found", reference=f"INC-{target.number}")
        return
    await desk.open(
        interaction,
        "cases",
        view,
        metadata={
            "incident": target.number,
            "tag": target.tag,
            "filter": view.filter,
            "page": 1,
            "channel": interaction.channel_id,
            "thread": interaction.thread_ts,
        },
    )


async def _view(desk: Desk, number: int, wanted: str, at_page: int) -> Any:
    now = desk.clock.now()

    def find(session: Session) -> Any:
        found = incident_id(session, number)
        if found is None:
            return None
        return read.cases_page(session, desk.house, found, now, wanted=wanted, page=at_page)

    return await desk.read(find)


async def page(interaction: Interaction, desk: Desk) -> None:
    """Another page, or another filter."""
    memory = interaction.memory
    wanted, at_page = str(memory.get("filter") or cases.ALL), int(memory.get("page") or 1)
    if interaction.name == "cases.filter":
        wanted, at_page = interaction.value, 1
    else:
        at_page = whole(interaction.value) or 0
    if wanted not in cases.FILTERS or not at_page:
        await desk.say(interaction, "form_gone")
        return
    number = int(memory.get("incident", 0))
    remembered = {**memory, "filter": wanted, "page": at_page}

    def shown(session: Session, _: datetime) -> Shown:
        incident = loading.incident_of(session, number)
        if incident is None:
            return Shown("result", {"code": "not_found", "params": {}})
        return Shown("cases", {"memory": remembered}, incident)

    await desk.show(
        interaction,
        str(interaction.view.get("id")),
        shown,
        view_hash=str(interaction.view.get("hash") or "") or None,
    )


async def export(interaction: Interaction, desk: Desk) -> None:
    """The cases as CSV, as a file to the one who asked: references and figures only."""
    memory = interaction.memory
    number = int(memory.get("incident", 0))
    wanted = interaction.value
    if wanted not in cases.FILTERS:
        await desk.say(interaction, "form_gone")
        return
    actor = desk.actor(interaction)

    def work(session: Session, now: datetime) -> Outcome:
        outcome = cases.export(session, desk.house, number, actor, wanted, now)
        if outcome.ok:
            incident = loading.incident_of(session, number)
            outbox.file(
                session,
                key=f"INC-{number}/export/{interaction.delivery}",
                template="cases_csv",
                incident=incident,
                person=interaction.user_id,
                params={"filter": wanted},
                now=now,
            )
            return Outcome.done("export_sent")
        return outcome

    await desk.act(interaction, work)


def csv_text(rows: list[tuple[str, ...]]) -> str:
    """RFC 4180, with a mark that makes spreadsheets read UTF-8."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return "\ufeff" + buffer.getvalue()


async def first_known(desk: Desk, meant: Sequence[str]) -> Mapping[str, Any] | None:
    """The order of the first of these numbers that the shop has. Raises ShopError."""
    for number in meant:
        known = await desk.order(number)
        if known is not None:
            return known
    return None


async def order(interaction: Interaction, desk: Desk) -> None:
    """`/order FG-10482`: whether it is part of an open incident, and what may be said."""
    meant = numbers(interaction.text)
    if not meant or looked_up(interaction.text).lower() in ("help", "說明", "幫助"):
        await desk.inform(interaction, "usage_order")
        return
    number, known, unreachable = meant[-1], None, False
    connected = desk.house.doors.knows_orders
    try:
        known = await first_known(desk, meant) if connected else None
    except ShopError:
        unreachable = True

    def work(session: Session, now: datetime) -> Outcome:
        keys = [str(known["number"])] if known else [one.upper() for one in meant]
        found = _affected(session, desk.house, interaction.user_id, keys)
        if found is not None:
            return _standing(session, desk.house, *found, now)
        if unreachable:
            return Outcome.refused("shop_unreachable")
        if not connected:
            return Outcome.done("order_not_looked_up", order=number)
        if known is None:
            return Outcome.refused("order_unknown", order=number)
        return Outcome.done("order_clear", order=keys[0], state=known.get("status"))

    await desk.act(interaction, work)


def _affected(
    session: Session, house: House, user_id: str, keys: Sequence[str]
) -> tuple[Incident, Case] | None:
    rows = session.execute(
        select(Incident, Case)
        .join(Case, Case.incident_id == Incident.id)
        .where(Case.kind == "order", Case.key.in_(keys), Incident.status.in_(LIVE_STATUSES))
        .order_by(Incident.severity, Incident.number.desc())
    ).all()
    return next(((i, c) for i, c in rows if may_see(house, user_id, i)), None)


def _standing(
    session: Session, house: House, incident: Incident, case: Case, now: datetime
) -> Outcome:
    """What may be said of this one order, as things stand now."""
    reader = Reader(session, house, incident, now)
    words = desk_words(reader)
    mine = next(line for line in reader.cases if line.id == case.id)
    return Outcome.done(
        "order_affected",
        order=case.key,
        reference=incident.reference,
        say=words.order if words is not None else None,
        scope={**snapshot(reader.scope), "case": mine.scope()},
    )
