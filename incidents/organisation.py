"""Organisation: what the domain knows of the house it works in, plan, roles, duty, limits, quiet
hours.

Handed in by the composition root; made of the configuration and of what Slack says about user
groups. Nothing here reads a setting or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from incidents.doors import Doors
from incidents.sources import alert_of, by_itself
from plan.languages import DEFAULT, LANGUAGES, ORIGINAL
from plan.loader import LoadedPlan
from plan.model import Plan
from storage.money import Money

SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Who does something, with the roles they have at that moment."""

    user_id: str
    roles: frozenset[str] = frozenset()
    # Whether Slack said at this very press who is in the user groups; None: it was not asked.
    confirmed: bool | None = None

    @property
    def is_person(self) -> bool:
        return self.user_id != SYSTEM and not by_itself(self.user_id)


SYSTEM_ACTOR = Actor(SYSTEM)


@dataclass(frozen=True)
class Role:
    """Who has a role. `people`: everybody, members of the group included."""

    group: str | None = None  # Slack's id of the user group
    people: tuple[str, ...] = ()
    duty: tuple[str, ...] = ()  # in the order in which they are rung
    channel: str | None = None  # key of the audience where a department is told
    members: frozenset[str] | None = None  # of the group, as Slack says; None: everybody here
    named: frozenset[str] = frozenset()  # by the configuration itself, whatever Slack says

    @property
    def nobody(self) -> bool:
        """Whether nobody would be rung for it: it has nobody, or a group that has nobody."""
        return not self.chain and (self.group is None or self.members == frozenset())

    @property
    def by_group(self) -> tuple[str, ...]:
        """Whom a mention of the group names."""
        if self.group is None:
            return ()
        return tuple(p for p in self.chain if self.members is None or p in self.members)

    @property
    def beside_group(self) -> tuple[str, ...]:
        """Who has the role and is in no group of it: rung directly."""
        named = self.by_group
        return tuple(person for person in self.chain if person not in named)

    def by_group_alone(self, person: str) -> bool:
        """Whether nothing but Slack's user group gives the person this role."""
        return self.members is not None and person in self.members and person not in self.named

    @property
    def chain(self) -> tuple[str, ...]:
        """Who is rung, one after the other: the duty first, then everybody else."""
        return self.duty + tuple(person for person in self.people if person not in self.duty)


@dataclass(frozen=True)
class Audience:
    """A channel that the house posts in."""

    key: str
    channel: str
    language: str = DEFAULT
    private: bool = False


@dataclass(frozen=True)
class QuietHours:
    """The night: a SEV3 or SEV4 rings nobody in it."""

    start: time = time(22)
    end: time = time(8)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Taipei"))

    def holds(self, now: datetime) -> bool:
        local = now.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def next_end(self, now: datetime) -> datetime:
        """The end of the present or the coming night, in UTC as `now` is."""
        local = now.astimezone(self.zone)
        end = local.replace(
            hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0, fold=0
        )
        if end <= local:
            end = (local + timedelta(days=1)).replace(
                hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0, fold=0
            )
        return end.astimezone(now.tzinfo)


@dataclass(frozen=True)
class EscalationTimes:
    """How long nobody may have a SEV1 or SEV2 before each step, from the opening on."""

    remind_after: timedelta = timedelta(minutes=5)
    second_after: timedelta = timedelta(minutes=10)
    page_after: timedelta = timedelta(minutes=15)


_FIRST_RESPONSE = {
    1: timedelta(minutes=5),
    2: timedelta(minutes=15),
    3: timedelta(hours=4),
    4: timedelta(days=1),
}


_FIRST_SOLUTION = {
    1: timedelta(minutes=30),
    2: timedelta(hours=1),
    3: timedelta(hours=4),
    4: timedelta(days=1),
}


@dataclass(frozen=True)
class House:
    """Everything of the configuration that the domain needs."""

    loaded: LoadedPlan
    roles: Mapping[str, Role]
    audiences: Mapping[str, Audience]
    currency: str = "TWD"
    customer_language: str = ORIGINAL  # of customers whose own is not known
    limits: Mapping[str, Money] = field(default_factory=dict)  # by the plan's name
    bulk_cases: int = 50  # a press for more cases needs a second person
    person_day: Money | None = None  # what one person may move in a day; None: five single limits
    approval_within: timedelta = timedelta(hours=1)  # then it goes to the deputy; SEV1, SEV2: next
    approval_within_urgent: timedelta = timedelta(minutes=10)
    first_response: Mapping[int, timedelta] = field(default_factory=lambda: dict(_FIRST_RESPONSE))
    # 1.2.1: until the first customer is offered a solution, per severity.
    first_solution: Mapping[int, timedelta] = field(default_factory=lambda: dict(_FIRST_SOLUTION))
    quiet: QuietHours = field(default_factory=QuietHours)
    escalation: EscalationTimes = field(default_factory=EscalationTimes)
    checks: frozenset[str] | None = None  # and doors that are configured; None: not known
    desk: str | None = None  # key of the service desk's audience
    page: bool = False  # a page webhook is configured
    customer_update: timedelta = timedelta(hours=1)  # until an affected customer hears (1.2.1)
    unknown_rings_after: timedelta = timedelta(minutes=1)
    standstill_after: timedelta = timedelta(days=1)  # of a complaint between two steps
    dismissed_for: timedelta = timedelta(days=1)  # at most, what was called no incident is silent
    blind_after: timedelta = timedelta(minutes=5)  # a check cannot look, until the house is told
    storm_after: int = 10  # incidents that one run of a check opens, before the rest are one
    storm_within: timedelta = timedelta(minutes=5)  # the same for many checks, by section
    doors: Doors = field(default_factory=Doors)  # what of the shop can be done and looked at
    shop_names: frozenset[str] = frozenset()  # fields of answers that the configuration speaks of
    follow_up_after: timedelta = timedelta(days=7)  # day of an open item nobody gave a day

    def watches(self, name: str) -> bool:
        """Whether a check or a door of that name is configured (`checks.model`: `alert:ids`)."""
        return self.checks is None or (alert_of(name) or name) in self.checks

    @property
    def plan(self) -> Plan:
        return self.loaded.plan

    def roles_of(self, user_id: str) -> frozenset[str]:
        return frozenset(name for name, role in self.roles.items() if user_id in role.chain)

    def actor(self, user_id: str, *, confirmed: bool | None = None) -> Actor:
        return Actor(user_id, self.roles_of(user_id), confirmed)

    def names(self, user_id: str) -> bool:
        """Whether the configuration itself names the person for a role."""
        return any(user_id in role.named for role in self.roles.values())

    def role(self, name: str) -> Role:
        """The role; one that is not configured has nobody."""
        return self.roles.get(name, Role())

    def asked(self, role: str) -> Role:
        """The role that is rung for a section's; where nobody has it, on-call."""
        found = self.role(role)
        return self.role("oncall") if found.nobody else found

    def audience(self, key: str) -> Audience | None:
        return self.audiences.get(key)

    def audience_of(self, wanted: str, *, private: bool) -> str:
        """The audience an incident is posted to. A private one never falls to a public channel."""
        if private:
            found = next((a.key for a in self.audiences.values() if a.private), None)
            return found or "private"
        return wanted if wanted in self.audiences else "incidents"

    def other_languages(self, audience: str) -> tuple[str, ...]:
        found = self.audiences.get(audience)
        spoken = found.language if found else DEFAULT
        return tuple(language for language in LANGUAGES if language != spoken)
