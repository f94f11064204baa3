"""Settings: `muster.yaml`, and secrets from the environment or by reference.

A wrong key or value is one sentence that names the place and the remedy. `docs/configuration.md`
lists every key; a test compares it with these classes.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
)

from actions.declarations import ActionDeclaration, LookDeclaration
from actions.errors import NotSent
from actions.paging.registry import AnyPagerSettings
from actions.requests import require_safe
from bot.alert_settings import door_faults
from bot.amount_settings import Amount
from bot.check_settings import (
    detections,
    hasty_checks,
    query_faults,
    quorum_faults,
    state_faults,
    why_off,
    with_check_files,
)  # fmt: skip
from bot.secret_references import resolve
from bot.settings_errors import SettingsError, sentences
from bot.settings_file import read_data
from bot.workspace_settings import GroupId, Part, PersonId, SlackPart, WebPart
from checks.alerts.settings import DoorSettings
from checks.calendar.calendar import Calendar
from checks.calendar.settings import CalendarSettings
from checks.listings.kept_mapping import in_database, standing_apart
from checks.queries.entity_mapping import Entities, EntitiesMapping, Zone
from checks.registry import AnyCheckSettings
from checks.shop import old_mapping
from plan.languages import ORIGINAL, Code
from storage.cipher import Keys
from storage.money import Money


def _clock_time(value: str) -> str:
    hours, _, minutes = value.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError(f"“{value}” is not a time of day; write it like 22:00")
    return value


DoorName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
TimeOfDay = Annotated[str, AfterValidator(_clock_time)]


class DatabasePart(Part):
    url: str = Field(default="sqlite:///muster.db", repr=False)  # may hold a password


class HealthPart(Part):
    """From when on `/readyz` says that the bot is not ready."""

    undelivered_after: Annotated[int, Field(ge=1)] = 300  # seconds a message may wait
    missed_runs: Annotated[int, Field(ge=1)] = 3  # of a check, before it counts as not running


class HeartbeatPart(Part):
    """A dead-man service outside, which is asked for a ping while the bot is ready."""

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+", repr=False)]
    every: Annotated[int, Field(ge=1)] = 60  # seconds


class ShopPart(Part):
    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    customer_language: Code = ORIGINAL  # of customers whose own is not known
    control_url: str | None = None
    database_url: str | None = Field(default=None, repr=False)  # may hold a password
    mapping: Entities = {}  # where its database keeps what checks ask of, by entity
    looks: dict[str, LookDeclaration] = {}
    actions: dict[str, ActionDeclaration] = {}


class Role(Part):
    """Who has a role: a Slack user group, people, or both. `duty`: in the order to be rung."""

    group: GroupId | None = None
    people: list[PersonId] = []
    duty: list[PersonId] = []
    channel: str | None = None  # where a department is told


class Escalation(Part):
    """How long nobody may have a SEV1 or SEV2, in seconds, before each step."""

    remind_after: Annotated[int, Field(ge=30)] = 300
    second_after: Annotated[int, Field(ge=30)] = 600
    page_after: Annotated[int, Field(ge=30)] = 900


class QuietHours(Part):
    from_: TimeOfDay = Field("22:00", alias="from")
    to: TimeOfDay = "08:00"
    zone: Zone = "Asia/Taipei"


class DetectionsPart(Part):
    """The product's own checks, which run on every shop that maps what they ask of."""

    off: list[str] = []  # names of those that are not to run
    shadow: list[str] = []  # names of those that look and open nothing


class PlanPart(Part):
    extra: Path | None = None  # a folder with the shop's own sections


class Limits(Part):
    """Amounts with their currency, and times in seconds."""

    refund: Amount | None = None  # above it a second person approves; 10,000 of the currency
    complaint_cost: Amount | None = None  # vouchers, points, money back; 3,000 of the currency
    person_day: Amount | None = None  # what one person may move in a day
    own: dict[str, Amount] = {}  # further limits, which the shop's own plan files name
    bulk_cases: Annotated[int, Field(ge=1)] = 50  # a press for more needs a second person
    acknowledge: dict[int, int] = {1: 300, 2: 900, 3: 14_400, 4: 86_400}  # per severity
    first_solution: dict[int, int] = {1: 1800, 2: 3600, 3: 14_400, 4: 86_400}  # per severity
    customer_update: Annotated[int, Field(ge=60)] = 3600
    blind_check: Annotated[int, Field(ge=0)] = 300
    complaint_standstill: Annotated[int, Field(ge=60)] = 86_400
    not_an_incident: Annotated[int, Field(ge=60, le=7 * 86_400)] = 86_400
    # Slack delivers an event again for a day: what is forgotten sooner would be new then.
    keep_deliveries_days: Annotated[int, Field(ge=2)] = 7


class Settings(Part):
    """The whole of `muster.yaml`."""

    slack: SlackPart
    shop: ShopPart
    roles: dict[str, Role] = Field(min_length=1)
    checks: list[AnyCheckSettings] = []
    alerts: dict[DoorName, DoorSettings] = {}  # doors for other systems, by name
    database: DatabasePart = DatabasePart()
    web: WebPart = WebPart()
    health: HealthPart = HealthPart()
    heartbeat: HeartbeatPart | None = None
    escalation: Escalation = Escalation()
    quiet_hours: QuietHours = Field(default_factory=lambda: QuietHours.model_validate({}))
    page: AnyPagerSettings | None = None
    limits: Limits = Limits()
    plan: PlanPart = PlanPart()
    time_zone: Zone = "Asia/Taipei"  # of the reports and of fallback times
    detections: DetectionsPart = DetectionsPart()
    calendar: CalendarSettings = CalendarSettings()
    _off: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def off(self) -> Mapping[str, str]:
        """The detections that cannot run here, each with what the shop does not map."""
        return self._off

    def without(self, off: Mapping[str, str]) -> Settings:
        """Without these checks, each with why it is off."""
        kept = [check for check in self.checks if check.name not in off]
        made = self.model_copy(update={"checks": kept})
        made._off = dict(off)  # noqa: SLF001 - of the copy
        return made


@dataclass(frozen=True)
class Secrets:
    """From the environment; `repr` shows none of them."""

    bot_token: str
    app_token: str
    signing_secret: str
    key: Keys

    def __repr__(self) -> str:
        return "Secrets(•••)"


def load_settings(path: Path) -> Settings:
    """Reads the file. SettingsError holds one sentence for each mistake."""
    return parse_settings(read_data(path), source=path.name)


def parse_settings(
    data: Mapping[str, Any],
    *,
    source: str = "muster.yaml",
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of the given data. SettingsError holds one sentence for each mistake.

    Secrets by reference are read from `environ` (this process's, if none is given) and files.
    """
    resolved = resolve(dict(data), os.environ if environ is None else environ)
    if resolved.problems:
        raise SettingsError([f"{source}: {problem}" for problem in resolved.problems])
    shop = resolved.data.get("shop")
    if isinstance(shop, dict) and old_mapping.is_old(shop.get("mapping")):
        raise SettingsError([f"{source}: {old_mapping.told_anew(shop['mapping'])}"])
    whole, ours = with_check_files(resolved.data)
    try:
        settings = Settings.model_validate(whole)
    except ValidationError as error:
        said = [resolved.masked(sentence) for sentence in sentences(error, Settings, source)]
        raise SettingsError(said) from None
    settings = _without_unmapped(settings, ours)
    problems = [resolved.masked(f"{source}: {problem}") for problem in _references(settings)]
    if problems:
        raise SettingsError(problems)
    return settings


def mapping_of(settings: Settings) -> EntitiesMapping:
    """All that the shop maps."""
    return EntitiesMapping(entities=settings.shop.mapping)


def calendar_of(settings: Settings) -> Calendar:
    """Days and hours, in the calendar's own zone or that of the reports."""
    calendar = settings.calendar
    return Calendar(ZoneInfo(calendar.zone or settings.time_zone), calendar)


def _without_unmapped(settings: Settings, detections: frozenset[str]) -> Settings:
    """Without the detections that ask for what this shop does not map: they are off, by name."""
    shop, off = settings.shop, dict[str, str]()
    for check in settings.checks:
        if check.name in detections and check.kind == "query":
            why = why_off(check, mapping_of(settings), shop.currency)
            if why is not None:
                off[check.name] = why
    return settings.without(off)


def load_secrets(environ: Mapping[str, str], settings: Settings) -> Secrets:
    """The secrets of the environment. SettingsError names each variable that is missing."""
    problems: list[str] = []

    def need(name: str, what: str) -> str:
        value = environ.get(name, "")
        if not value:
            problems.append(f"The environment lacks {name}: set it to {what}.")
        return value

    bot_token = need("MUSTER_SLACK_BOT_TOKEN", "the bot token (xoxb-…) of the Slack app")
    socket = settings.slack.mode == "socket"
    app_token = (
        need("MUSTER_SLACK_APP_TOKEN", "the app-level token (xapp-…) for Socket Mode")
        if socket
        else environ.get("MUSTER_SLACK_APP_TOKEN", "")
    )
    signing = (
        environ.get("MUSTER_SLACK_SIGNING_SECRET", "")
        if socket
        else need("MUSTER_SLACK_SIGNING_SECRET", "the signing secret of the Slack app")
    )
    key_text = need("MUSTER_KEY", "32 random bytes in base64 (openssl rand -base64 32)")
    key = _key("MUSTER_KEY", key_text, problems) if key_text else b""
    old = environ.get("MUSTER_OLD_KEYS", "").replace(",", " ").split()
    keys = Keys(key, tuple(_key("MUSTER_OLD_KEYS", one, problems) for one in old))
    if problems:
        raise SettingsError(problems)
    return Secrets(bot_token, app_token, signing, keys)


def _key(name: str, text: str, problems: list[str]) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        problems.append(f"{name} is not 32 bytes in base64: make one with openssl rand -base64 32.")
    return key


def _references(settings: Settings) -> list[str]:
    """What the parts say about each other must fit."""
    problems: list[str] = []
    channels = settings.slack.channels
    if "incidents" not in channels:
        problems.append("slack.channels lacks “incidents”: name the channel for incident threads.")
    for key, channel in channels.items():
        fallback = channel.fallback
        if fallback is None:
            continue
        if fallback not in channels:
            problems.append(
                f"slack.channels.{key}.fallback names “{fallback}”, which is no channel."
            )
        elif channel.private and not channels[fallback].private:
            problems.append(
                f"slack.channels.{key}.fallback: “{fallback}” is public and {key} is private; "
                "a fallback has the same or a narrower audience."
            )
    if settings.slack.desk is not None and settings.slack.desk not in channels:
        problems.append(
            f"slack.desk names “{settings.slack.desk}”, which is not in slack.channels."
        )
    mapping = mapping_of(settings)
    if settings.shop.database_url is None and in_database(mapping).entities:
        problems.append("shop.database_url is missing: shop.mapping needs the database's address.")
    problems += list(_unsafe(mapping))
    if settings.shop.control_url is None and (below := _below_control_url(settings.shop)):
        problems.append(f"shop.control_url is missing: {below} stands below it; add it.")
    names = [check.name for check in settings.checks]
    for name in sorted({n for n in names if names.count(n) > 1}):
        problems.append(f"checks: the name “{name}” stands twice; give each check its own name.")
    for check in settings.checks:
        for field in ("probe_look", "route_look", "standby_look"):
            look = getattr(check, field, None)
            if look is not None and look not in settings.shop.looks:
                problems.append(
                    f"checks.{check.name}.{field} names “{look}”, which is not in shop.looks."
                )
        shop = settings.shop
        if shop.mapping:
            if check.kind == "query":
                problems += query_faults(check, mapping, shop.currency, settings.calendar)
            beside = {e: f for e, f in check.needs_beside.items() if e in mapping.entities}
            lacking = mapping.lacks({**check.needs, **beside})
            problems += [f"checks.{check.name}: {said}" for said in lacking]
            problems += list(state_faults(check, mapping))
            if (apart := standing_apart(check.reads, mapping)) is not None:
                problems.append(f"checks.{check.name}: {apart}.")
        elif check.kind not in ("http_probe", "quorum"):
            problems.append(
                f"checks.{check.name} reads the shop's orders: add shop.database_url and "
                "shop.mapping (muster shop inspect proposes one)."
            )
    problems += door_faults(settings.alerts, names)
    problems += quorum_faults(settings.checks, settings.shop.looks)
    problems += hasty_checks(settings.checks, settings.shop.looks)
    known = detections()
    problems += [
        f"detections.{key} names “{name}”, which is no detection; there are {', '.join(known)}."
        for key in ("off", "shadow")
        for name in getattr(settings.detections, key)
        if name not in known
    ]
    problems.extend(_bare_amounts(settings))
    for key, role in settings.roles.items():
        if role.channel is not None and role.channel not in channels:
            problems.append(f"roles.{key}.channel names “{role.channel}”, which is no channel.")
    return problems


def _below_control_url(shop: ShopPart) -> str | None:
    """The first look or action whose address is not absolute."""
    doors = {
        **{f"shop.looks.{name}": look.url for name, look in shop.looks.items()},
        **{f"shop.actions.{name}": action.url for name, action in shop.actions.items()},
    }
    relative = (at for at, url in doors.items() if not url.startswith(("http://", "https://")))
    return next(relative, None)


def _unsafe(mapping: EntitiesMapping) -> Iterator[str]:
    """Listings that would be asked in the clear, with whatever token they need."""
    for name, one in mapping.entities.items():
        if one.http is not None:
            try:
                require_safe(one.http.url)
            except NotSent as error:
                yield f"shop.mapping.{name}.http.url: {error}."


def amounts_of(limits: Limits) -> dict[str, Money | int]:
    """Every amount among the limits, by the name under which it stands there."""
    named = {name: getattr(limits, name) for name in ("refund", "complaint_cost", "person_day")}
    own = {f"own.{name}": amount for name, amount in limits.own.items()}
    return {name: amount for name, amount in {**named, **own}.items() if amount is not None}


def _bare_amounts(settings: Settings) -> list[str]:
    """A plain number is the shop's currency only where the shop has no other."""
    several = any("currency" in one.fields for one in settings.shop.mapping.values())
    return [
        f"limits.{name} has no currency, and the shop's orders have one each; write it like "
        f"{settings.shop.currency} {Money(amount, settings.shop.currency).decimal:f}."
        for name, amount in amounts_of(settings.limits).items()
        if several and isinstance(amount, int)
    ]
