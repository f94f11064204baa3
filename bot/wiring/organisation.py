"""Organisation: the domain's House out of the configuration, the plan and Slack's user groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from bot.delivery.audiences import Audience as DeliveryAudience
from bot.delivery.audiences import Audiences, Gate
from bot.intake import refused_requests
from bot.settings import Settings
from bot.web.health import Limits
from bot.wiring.table_looks import answered_by_tables
from incidents.doors import Doors
from incidents.organisation import Audience, EscalationTimes, House, QuietHours, Role
from plan import answer_fields
from plan.loader import LoadedPlan
from storage.money import Money, exponent

_LIMITS = {"refund": 10_000, "complaint_cost": 3_000}  # major units, where none is configured


def build_roles(settings: Settings, members: Mapping[str, tuple[str, ...]]) -> dict[str, Role]:
    """`members`: people of each user group, as Slack says."""
    return {
        name: Role(
            group=role.group,
            people=tuple(dict.fromkeys([*role.people, *members.get(role.group or "", ())])),
            duty=tuple(role.duty),
            channel=role.channel,
            members=_members(role.group, members),
            named=frozenset((*role.people, *role.duty)),
        )
        for name, role in settings.roles.items()
    }


def build_house(settings: Settings, loaded: LoadedPlan, roles: Mapping[str, Role]) -> House:
    """`roles`: the mapping itself is kept, so what is changed in it is known everywhere."""
    answer_fields.names_of(loaded.plan)  # read now, not amid the first action
    doors = (settings.shop.actions, settings.shop.looks)
    return House(
        loaded=loaded,
        doors=Doors(
            actions=frozenset(settings.shop.actions),
            looks=frozenset(settings.shop.looks) | answered_by_tables(settings),
        ),
        shop_names=answer_fields.names(
            *({k: d.model_dump() for k, d in door.items()} for door in doors)
        ),
        roles=roles,
        audiences={
            key: Audience(key, channel.id, channel.language, channel.private)
            for key, channel in settings.slack.channels.items()
        },
        currency=settings.shop.currency,
        limits=build_limits(settings),
        bulk_cases=settings.limits.bulk_cases,
        person_day=_money(settings, settings.limits.person_day),
        customer_language=settings.shop.customer_language,
        first_response={
            severity: timedelta(seconds=seconds)
            for severity, seconds in settings.limits.acknowledge.items()
        },
        first_solution={
            severity: timedelta(seconds=seconds)
            for severity, seconds in settings.limits.first_solution.items()
        },
        quiet=QuietHours(
            _time(settings.quiet_hours.from_),
            _time(settings.quiet_hours.to),
            ZoneInfo(settings.quiet_hours.zone),
        ),
        escalation=EscalationTimes(
            timedelta(seconds=settings.escalation.remind_after),
            timedelta(seconds=settings.escalation.second_after),
            timedelta(seconds=settings.escalation.page_after),
        ),
        checks=frozenset(watching(settings)),
        desk=settings.slack.desk,
        page=settings.page is not None,
        customer_update=timedelta(seconds=settings.limits.customer_update),
        blind_after=timedelta(seconds=settings.limits.blind_check),
        standstill_after=timedelta(seconds=settings.limits.complaint_standstill),
        dismissed_for=timedelta(seconds=settings.limits.not_an_incident),
    )


def build_limits(settings: Settings) -> dict[str, Money]:
    """Above what a second person approves, by the names that the plan uses."""
    currency = settings.shop.currency
    given = {"refund": settings.limits.refund, "complaint_cost": settings.limits.complaint_cost}
    found = {
        name: _money(settings, given[name]) or Money(major * 10 ** exponent(currency), currency)
        for name, major in _LIMITS.items()
    }
    found["compensation"] = found["complaint_cost"]
    for name, amount in settings.limits.own.items():
        found[name] = _money(settings, amount) or Money(0, currency)
    return found


def _money(settings: Settings, amount: Money | int | None) -> Money | None:
    return Money(amount, settings.shop.currency) if isinstance(amount, int) else amount


def build_audiences(settings: Settings, gate: Callable[[str], Gate]) -> Audiences:
    """The channels as delivery knows them. `gate`: whether one may be posted in."""
    return Audiences(
        {
            key: DeliveryAudience(
                key, channel.id, channel.language, channel.private, channel.fallback
            )
            for key, channel in settings.slack.channels.items()
        },
        gate,
    )


def _members(group: str | None, members: Mapping[str, tuple[str, ...]]) -> frozenset[str] | None:
    """Who is in the group; None where Slack has never said."""
    known = members.get(group) if group is not None else None
    return frozenset(known) if known is not None else None


def _time(text: str) -> time:
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))


def watching(settings: Settings) -> Iterator[str]:
    """Everything that finds by itself, as incidents know it: checks, doors, and what is counted at
    a door."""
    yield from (check.name for check in settings.checks)
    for name, door in settings.alerts.items():
        yield name
        if door.refused is not None:
            yield refused_requests.check_name(name)


def check_titles(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """What each check and each door is called, by language."""
    titles = {check.name: check.title for check in settings.checks}
    titles |= {name: door.title for name, door in settings.alerts.items()}
    return {
        name: {str(language): text for language, text in title.items()}
        for name, title in titles.items()
    }


def health_limits(settings: Settings) -> Limits:
    """What still counts as ready."""
    return Limits(
        undelivered=timedelta(seconds=settings.health.undelivered_after),
        missed_runs=settings.health.missed_runs,
        checks={check.name: check.every for check in settings.checks},
    )
