"""Presence: who somebody is to Slack, language, zone, name, whether they can be rung, who is in a
channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.delivery.errors import SlackError, SlackRefused
from bot.delivery.membership import Membership
from bot.delivery.sender import Sender
from handlers.identity import Identity
from incidents.people import Standing
from plan.languages import DEFAULT, of_tag
from storage.database import Database
from storage.models import Person

log = structlog.get_logger(__name__)

_FRESH = timedelta(days=1)  # names and zones change seldom
_UNKNOWN_ZONE = "UTC"
_SKEW = timedelta(minutes=1)  # between Slack's clock and ours


@dataclass(frozen=True)
class DoNotDisturb:
    """`until`: when the person can be rung again; None while they can be."""

    user_id: str
    until: datetime | None

    @property
    def resting(self) -> bool:
        return self.until is not None


def language_of_locale(locale: str | None) -> str:
    """Slack's IETF tag to a language of the product: Chinese readers get Traditional Chinese."""
    return of_tag(locale) or DEFAULT


class Presence:
    """Asks Slack about people and keeps what it says in `people`."""

    def __init__(
        self, sender: Sender, database: Database, clock: Clock, identity: Identity | None = None
    ) -> None:
        self._identity = identity or Identity()
        self._sender = sender
        self._database = database
        self._clock = clock
        self._membership = Membership(sender, clock)

    async def members_of(self, channel: str) -> frozenset[str] | None:
        """Who is in the channel; None when Slack cannot say."""
        return await self._membership.of(channel)

    async def language_of(self, user_id: str) -> str:
        """The person's own choice, first from Slack's locale; English when Slack cannot say."""
        person = await self._database.read(lambda s: _language(s, user_id))
        if person is not None:
            return person
        found = await self.refresh(user_id)
        return found or DEFAULT

    async def refresh(self, user_id: str) -> str | None:
        """Takes name, zone and locale over from users.info. None: Slack could not say."""
        try:
            user = await user_of(self._sender, user_id)
        except SlackError as error:
            log.info("person_unknown", user=user_id, error=str(error))
            return None
        now, standing = self._clock.now(), standing_of(user, self._identity)
        return await self._database.write(lambda s: _keep(s, user_id, user, standing, now))

    async def ask_standing(self, user_id: str) -> Standing:
        """What somebody is in the workspace, as Slack says now. UNKNOWN: it cannot say."""
        try:
            user = await user_of(self._sender, user_id, urgent=True)
        except SlackRefused as error:
            log.info("person_unknown", user=user_id, error=str(error))
            said = _REFUSED.get(error.code, Standing.UNKNOWN)
            if said is not Standing.UNKNOWN:
                now = self._clock.now()
                await self._database.write(lambda s: _stands(s, user_id, said, now))
            return said
        except SlackError as error:
            log.info("person_unknown", user=user_id, error=str(error))
            return Standing.UNKNOWN
        now, standing = self._clock.now(), standing_of(user, self._identity)
        await self._database.write(lambda s: _keep(s, user_id, user, standing, now))
        return standing

    async def refresh_stale(self, user_id: str) -> None:
        """The same, if what is known is older than a day."""
        limit = self._clock.now() - _FRESH
        known = await self._database.read(
            lambda s: s.scalar(select(Person.refreshed_at).where(Person.user_id == user_id))
        )
        if known is None or known < limit:
            await self.refresh(user_id)

    async def do_not_disturb(self, user_id: str) -> DoNotDisturb:
        """Whether the person is in Do Not Disturb right now (Slack: dnd.info, snooze included).

        When Slack cannot say, the person counts as reachable: a ring too many beats one too few.
        """
        try:
            answer = await self._sender.call("dnd.info", {"user": user_id}, urgent=True)
        except SlackError as error:
            log.info("dnd_unknown", user=user_id, error=str(error))
            return DoNotDisturb(user_id, None)
        return DoNotDisturb(user_id, _resting_until(answer, self._clock.now()))


def _stands(session: Session, user_id: str, standing: Standing, now: datetime) -> None:
    """Kept of who was known: what is read again later must not be what Slack said before."""
    person = session.get(Person, user_id)
    if person is not None:
        person.standing, person.refreshed_at = standing, now


async def user_of(sender: Sender, user_id: str, *, urgent: bool = False) -> Mapping[str, Any]:
    """The person as Slack knows them. Raises SlackError."""
    args = {"user": user_id, "include_locale": "true"}
    answer = await sender.call("users.info", args, urgent=urgent)
    found: Mapping[str, Any] = answer.get("user") or {}
    return found


def _resting_until(answer: Mapping[str, Any], now: datetime) -> datetime | None:
    ends: list[datetime] = []
    if answer.get("snooze_enabled") and answer.get("snooze_endtime"):
        ends.append(_moment(answer["snooze_endtime"]))
    if answer.get("dnd_enabled"):
        start = _moment(answer.get("next_dnd_start_ts") or 0)
        end = _moment(answer.get("next_dnd_end_ts") or 0)
        if start - _SKEW <= now < end:
            ends.append(end)
    resting = [end for end in ends if end > now]
    return max(resting) if resting else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _language(session: Session, user_id: str) -> str | None:
    person = session.get(Person, user_id)
    return person.language if person is not None else None


def plain_name(user: Mapping[str, Any], user_id: str) -> str:
    """What colleagues call somebody: the display name, unless it only repeats the handle."""
    handle, profile = user.get("name"), user.get("profile") or {}
    display = profile.get("display_name")
    if display and display != handle:
        return str(display)
    return str(user.get("real_name") or display or handle or user_id)


_REFUSED = {
    "user_not_found": Standing.GONE,
    "user_not_visible": Standing.EXTERNAL,
    "users_not_found": Standing.GONE,
}


def standing_of(user: Mapping[str, Any], identity: Identity) -> Standing:
    """What the user object of users.info says somebody is."""
    if user.get("deleted") or user.get("is_bot") or not user:
        return Standing.GONE
    spread = user.get("enterprise_user")
    teams = [user.get("team_id"), *(spread.get("teams") or () if isinstance(spread, dict) else ())]
    at_home = identity.team_id is None or identity.team_id in teams
    organisation = spread.get("enterprise_id") if isinstance(spread, dict) else None
    if identity.enterprise_id is not None and organisation == identity.enterprise_id:
        at_home = True
    if user.get("is_stranger") or not at_home:
        return Standing.EXTERNAL
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER


def _keep(
    session: Session,
    user_id: str,
    user: Mapping[str, Any],
    standing: Standing,
    now: datetime,
) -> str:
    person = session.get(Person, user_id)
    if person is None:
        person = Person(user_id=user_id, language=language_of_locale(user.get("locale")))
        session.add(person)
    elif not person.language_chosen:
        person.language = language_of_locale(user.get("locale"))
    person.name = plain_name(user, user_id)
    person.time_zone = str(user.get("tz") or _UNKNOWN_ZONE)
    person.refreshed_at = now
    person.standing = standing
    return person.language
