"""Names of people as they stand in the words: plain names, never a ring."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from incidents.organisation import SYSTEM
from incidents.sources import by_itself
from incidents.views import PersonView
from storage.models import Person
from storage.session_cache import known


class Standing(StrEnum):
    """What somebody is in our workspace, as Slack says."""

    MEMBER = "member"
    GUEST = "guest"  # of one channel or several
    EXTERNAL = "external"  # of another workspace, in a shared channel
    GONE = "gone"  # deactivated, an app, or nobody that Slack would know
    UNKNOWN = "unknown"  # Slack cannot say now, and never did


_OURSELVES = "Muster"
_TABLE = Person.__table__
# Of the table itself: asked several times in a unit of work, and names are changed by none.
_NAME = select(_TABLE.c.name).where(_TABLE.c.user_id == bindparam("user_id"))


def person(session: Session, user_id: str | None) -> PersonView | None:
    """The person; who is not known yet is called by their Slack id. None: not a person."""
    if user_id is None or user_id == SYSTEM or by_itself(user_id):
        return None
    names: dict[str, PersonView] = known(session, "people")
    if user_id not in names:
        name = session.connection().scalar(_NAME, {"user_id": user_id})
        names[user_id] = PersonView(user_id, user_id if name is None else name)
    return names[user_id]


def people(session: Session, user_ids: Iterable[str]) -> tuple[PersonView, ...]:
    found = (person(session, user_id) for user_id in user_ids)
    return tuple(one for one in found if one is not None)


def plain_name(session: Session, user_id: str | None) -> str | None:
    """The name that stands in a text; what acted without a person is Muster."""
    if user_id is None:
        return None
    found = person(session, user_id)
    return found.name if found is not None else _OURSELVES
