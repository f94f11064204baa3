"""Selection of a list: what somebody who typed `/incident list WORD` means by that word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from incidents.authorise import may_see
from incidents.organisation import House
from incidents.read.lists import list_items
from incidents.views import ListItem
from plan.model import IncidentType, Plan, Section
from storage.models import LIVE_STATUSES, Incident, Status

_WEEK = timedelta(days=7)
_SHOWN = 20


@dataclass(frozen=True)
class Selection:
    """Which incidents: `where` narrows them; `newest`: by their number, else the gravest first."""

    kind: Literal["open", "all", "week", "section", "word", "between"]
    word: str
    where: tuple[ColumnElement[bool], ...]
    newest: bool = True


@dataclass(frozen=True)
class Listing:
    """What is shown of them, and how many there are."""

    items: tuple[ListItem, ...]
    total: int


def select_by(plan: Plan, typed: str, now: datetime) -> Selection | None:
    """None: the word names nothing."""
    word = typed.strip()
    plain = word.casefold().removeprefix("§").strip()
    if not plain:
        return Selection("open", "", (Incident.status.in_(LIVE_STATUSES),), newest=False)
    if plain in ("all", "全部"):
        return Selection("all", "", ())
    if plain in ("week", "本週"):
        return Selection("week", "", (Incident.detected_at >= now - _WEEK,))
    if plain in plan.sections:
        return Selection("section", plain, (Incident.section == plain,))
    if plain in set(Status):
        return Selection("word", word, (Incident.status == plain,))
    types = sorted(kind.id for kind in _of_word(plan, plain))
    if types:
        return Selection("word", word, (Incident.incident_type.in_(types),))
    return None


def between(start: datetime, end: datetime) -> Selection:
    """What was found in that time."""
    return Selection("between", "", (Incident.detected_at >= start, Incident.detected_at < end))


def _of_word(plan: Plan, word: str) -> Iterator[IncidentType]:
    """Types that go by that word: their name, family or title, or their section's."""
    for section in plan.sections.values():
        for kind in section.types:
            if any(word in text.casefold() for text in _texts(section, kind)):
                yield kind


def _texts(section: Section, kind: IncidentType) -> Iterator[str]:
    yield from (kind.id, kind.id.replace("_", " "), kind.family)
    for words in (kind.title, section.title, section.short):
        yield from (text for _, text in words.items())


def listing(
    session: Session,
    house: House,
    wanted: Selection,
    now: datetime,
    *,
    user_id: str | None,
    limit: int = _SHOWN,
) -> Listing:
    """Those that the reader may see; all of them are counted, the first are put into words."""
    order = (
        (Incident.number.desc(),) if wanted.newest else (Incident.severity, Incident.number.desc())
    )
    seen = (*wanted.where, Incident.id.not_in(hidden_of(session, house, wanted.where, user_id)))
    total = session.scalar(select(func.count()).select_from(Incident).where(*seen)) or 0
    found = session.scalars(select(Incident).where(*seen).order_by(*order).limit(limit)).all()
    return Listing(list_items(session, house, found, now), total)


def hidden_of(
    session: Session, house: House, where: Sequence[ColumnElement[bool]], user_id: str | None
) -> list[int]:
    """Private incidents among these that are kept from the reader."""
    private = session.scalars(select(Incident).where(*where, Incident.private))
    return [one.id for one in private if not may_see(house, one, user_id)]
