"""The calendar: a limit in working time becomes the instant before which something is late."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.settings import calendar_of, parse_settings
from bot.settings_errors import SettingsError
from bot.wiring.check_connections import open_checks
from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.calendar.settings import CalendarSettings
from checks.kinds.parameters import Age, ByPeak, values_at
from checks.registry import build
from checks.runner import run_check
from tests.checks.whole_shop import Shop, mapped

TAIPEI = ZoneInfo("Asia/Taipei")
MINUTE = timedelta(minutes=1)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def calendar(zone: str = "Asia/Taipei", **given: Any) -> Calendar:
    return Calendar(ZoneInfo(zone), CalendarSettings.model_validate(given))


def taipei(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI).astimezone(UTC)


OFFICE = calendar(
    hours={"mon-fri": ["09:00-12:00", "13:00-18:00"]},
    holidays={"country": "TW"},
    days={"2026-02-13": "closed", "2026-02-28": "fri", "2026-03-07": ["10:00-12:00"]},
)


@pytest.mark.parametrize(
    ("now", "hours", "since"),
    [
        ("2026-03-04 11:30", 2, "2026-03-04 09:30"),  # a Wednesday
        ("2026-03-04 10:00", 2, "2026-03-03 17:00"),
        ("2026-03-04 14:00", 2, "2026-03-04 11:00"),  # over noon
        ("2026-03-04 13:00", 3, "2026-03-03 18:00"),  # as what came at night
        ("2026-03-04 20:00", 0, "2026-03-04 18:00"),
        ("2026-03-02 10:00", 2, "2026-02-28 17:00"),  # a Saturday that is worked as a Friday
        ("2026-03-09 09:30", 2, "2026-03-07 10:30"),  # hours of its own
        ("2026-02-23 10:00", 2, "2026-02-12 17:00"),  # over the new year and a day of our own
    ],
)  # fmt: skip
def test_working_hours_leave_out_what_is_closed(now: str, hours: float, since: str) -> None:
    found = OFFICE.working_hours_before(taipei(now), timedelta(hours=hours))
    assert found == taipei(since), found.astimezone(TAIPEI)


@pytest.mark.parametrize(
    ("now", "days", "since"),
    [
        ("2026-03-04 11:00", 2, "2026-03-02 11:00"),
        ("2026-03-02 11:00", 2, "2026-02-26 11:00"),  # Friday is the holiday, Saturday is worked
        ("2026-03-08 15:00", 1, "2026-03-07 00:00"),  # Sunday counts as the beginning of Monday
        ("2026-03-08 15:00", 2, "2026-03-06 00:00"),
        ("2026-03-15 15:00", 5, "2026-03-08 00:00"),  # a Sunday before counts as well
        ("2026-02-23 08:00", 1, "2026-02-12 08:00"),
    ],
)
def test_working_days_keep_the_time_of_day(now: str, days: int, since: str) -> None:
    found = OFFICE.working_days_before(taipei(now), days)
    assert found == taipei(since), found.astimezone(TAIPEI)


# -- against a walk from minute to minute

HOURS = st.sampled_from(
    [
        ("00:00", "24:00"),
        ("09:00", "18:00"),
        ("01:30", "03:00"),
        ("02:15", "02:45"),
        ("22:00", "24:00"),
    ]
)
# Each zone with a night in which its clock is put on or back: by an hour, at midnight, by half one.
NIGHTS = st.sampled_from(
    [
        ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"),
        ("America/Havana", "2026-03-08"), ("America/Havana", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"),
        ("Asia/Taipei", "2026-05-05"),
    ]
)  # fmt: skip


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, list[tuple[str, str]]]:
    found = {name: draw(st.lists(HOURS, max_size=1)) for name in NAMES}
    return found if any(found.values()) else {**found, "wed": [("09:00", "18:00")]}


def is_worked(week: dict[str, list[tuple[str, str]]], closed: date | None, wall: datetime) -> bool:
    clock = wall.strftime("%H:%M")
    spans = week[NAMES[wall.weekday()]]
    return wall.date() != closed and any(start <= clock < end for start, end in spans)


@settings(max_examples=60, deadline=None)
@given(
    week=weeks(),
    night=NIGHTS,
    closed=st.none() | st.integers(-3, 1),
    after=st.integers(-600, 4000),
    limit=st.integers(0, 2500),
    back=st.integers(0, 5 * 1440),
)
@example(
    week={name: [("01:30", "03:00")] for name in NAMES},
    night=("Europe/Berlin", "2026-10-25"), closed=None, after=300, limit=149, back=450,
)  # fmt: skip
def test_it_is_what_counting_minutes_says(
    week: dict[str, list[tuple[str, str]]],
    night: tuple[str, str],
    closed: int | None,
    after: int,
    limit: int,
    back: int,
) -> None:
    zone, day = ZoneInfo(night[0]), date.fromisoformat(night[1])
    shut = None if closed is None else day + timedelta(days=closed)
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) + after * MINUTE
    own = {shut: "closed"} if shut else {}
    hours = {name: [f"{a}-{b}" for a, b in spans] for name, spans in week.items()}
    house = calendar(night[0], hours=hours, days=own)
    asked = now - back * MINUTE
    worked = sum(
        is_worked(week, shut, (asked + minute * MINUTE).astimezone(zone)) for minute in range(back)
    )
    late = asked < house.working_hours_before(now, limit * MINUTE)
    assert late == (worked > limit)


@settings(max_examples=60, deadline=None)
@given(
    week=weeks(),
    night=NIGHTS,
    after=st.integers(0, 5000),
    days=st.integers(1, 4),
    back=st.integers(0, 20 * 1440),
)
def test_days_are_counted_as_on_fingers(
    week: dict[str, list[tuple[str, str]]], night: tuple[str, str], after: int, days: int, back: int
) -> None:
    zone, first = ZoneInfo(night[0]), date.fromisoformat(night[1]) + timedelta(days=1)
    now = datetime(first.year, first.month, first.day, 12, tzinfo=zone) + after * MINUTE
    hours = {name: [f"{a}-{b}" for a, b in spans] for name, spans in week.items()}
    house = calendar(night[0], hours=hours)
    asked = (now.astimezone(UTC) - back * MINUTE).astimezone(zone)
    due = asked.replace(tzinfo=None)
    while not week[NAMES[due.weekday()]]:
        due = datetime.combine(due.date() + timedelta(days=1), datetime.min.time())
    for _ in range(days):
        due += timedelta(days=1)
        while not week[NAMES[due.weekday()]]:
            due += timedelta(days=1)
    late = asked < house.working_days_before(now.astimezone(UTC), days)
    assert late == (due < now.replace(tzinfo=None))


# -- what a check says


def at(one: Age | ByPeak, now: str, house: Calendar, first: str | None = None) -> Any:
    moment = taipei(now)
    return values_at({"x": one}, moment, taipei(first or now), house)["x"]


def test_a_limit_in_working_time_is_an_instant() -> None:
    late = Age.model_validate({"working_hours": 2, "without_calendar": {"hours": 4}})
    assert at(late, "2026-03-04 10:00", OFFICE) == taipei("2026-03-03 17:00")
    assert at(late, "2026-03-04 10:00", NO_CALENDAR) == taipei("2026-03-04 06:00")
    held = Age(working_days=1, held=True)
    assert at(held, "2026-03-06 10:00", OFFICE, "2026-03-04 10:00") == taipei("2026-03-03 10:00")


def test_a_number_may_be_another_one_in_peak_hours() -> None:
    most = ByPeak(in_peak=900, otherwise=300)
    house = calendar(
        peak={"mon-fri": ["20:00-22:00"]},
        campaigns=[{"name": "Spring", "from": "2026-03-07 12:00", "to": "2026-03-08"}],
    )
    assert at(most, "2026-03-04 21:00", house) == 900
    assert at(most, "2026-03-04 22:00", house) == 300
    assert at(most, "2026-03-07 11:59", house) == 300
    assert at(most, "2026-03-08 23:59", house) == 900
    assert at(most, "2026-03-09 00:00", house) == 300


# -- what is written

YAML = {
    "slack": {"channels": {"incidents": {"id": "C0INCIDENTS"}}},
    "roles": {"oncall": {"people": ["U0ONCALL"]}},
    "shop": {"name": "Till", "currency": "TWD"},
}
LATE = {
    "name": "late", "kind": "query", "incident_type": "shipment_late", "subject": "late",
    "find": "select o.number from orders o where o.promised_at < :late",
    "parameters": {"late": {"working_hours": 4}},
}  # fmt: skip
MAPPED = {
    "database_url": "sqlite:////nowhere.db",
    "mapping": {
        "orders": {
            "from": "o", "form": "iso", "zone": "UTC",
            "fields": {"number": "n", "promised_at": "p"},
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"holidays": {"country": "Taiwan"}},
            "calendar.holidays: holidays of “Taiwan” are not known",
        ),
        (
            {"holidays": {"country": "TW", "subdivision": "TPE"}},
            "calendar.holidays: TW has no part “TPE”",
        ),
        ({"hours": {"mon": "09:00-18:00"}}, "calendar.hours: write hours as a list"),
        ({"hours": {"mon": ["9-18"]}}, "calendar.hours: “9-18” is no stretch of hours"),
        (
            {"hours": {"mon": ["22:00-02:00"]}},
            "calendar.hours: “22:00-02:00” ends before it begins",
        ),
        ({"hours": {"mon": ["09:00-25:00"]}}, "calendar.hours: “09:00-25:00” is not of one day"),
        (
            {"hours": {"mon": ["09:00-13:00", "12:00-18:00"]}},
            "calendar.hours: two stretches of the same day",
        ),
        ({"hours": {"mon-fri": [], "fri": []}}, "calendar.hours: “fri” stands twice"),
        ({"hours": {"sat-mon": []}}, "calendar.hours: “sat-mon” ends before it begins"),
        ({"hours": {"monday": []}}, "calendar.hours: “monday” is no day of the week"),
        ({"hours": {"mon": []}}, "calendar.hours: no day of the week has an hour"),
        ({"days": {"2026-02-30": "closed"}}, "calendar.days: “2026-02-30” is no day"),
        ({"days": {"2026-02-13": "off"}}, "calendar.days: 2026-02-13 is “off”"),
        (
            {"days": {"2026-02-13": "fri"}},
            "calendar: days: 2026-02-13 is open, and there are no hours",
        ),
        (
            {"campaigns": [{"name": "A", "from": "2026-11-12", "to": "2026-11-11"}]},
            "the campaign “A” ends before",
        ),
        (
            {
                "campaigns": [
                    {"name": "A", "from": "2026-11-11", "to": "2026-11-12"},
                    {"name": "B", "from": "2026-11-12", "to": "2026-11-13"},
                ]
            },
            "“A” and “B” overlap",
        ),
        (
            {"campaigns": [{"name": "A", "from": 20261111, "to": "2026-11-12"}]},
            "calendar.campaigns[1].from: “20261111” is no day",
        ),
        (
            {"campaigns": [{"name": "A", "from": "2026-11-11T00:00+08:00", "to": "2026-11-12"}]},
            "names a zone",
        ),
        ({"hour": {}}, "calendar.hour is not a key here; did you mean “hours”?"),
        ({"zone": "Taipei"}, "calendar.zone: “Taipei” is not a time zone"),
    ],
)
def test_what_is_wrong_is_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings({**YAML, "calendar": given})
    (problem,) = caught.value.problems
    assert said in problem
    assert problem.endswith((".", "?"))


def test_working_time_without_hours_is_refused_and_said() -> None:
    data = {**YAML, "shop": {**YAML["shop"], **MAPPED}, "checks": [LATE]}
    with pytest.raises(SettingsError, match=r"late.parameters.late counts working time, and there"):
        parse_settings(data)
    parse_settings({**data, "calendar": {"hours": {"mon-fri": ["09:00-18:00"]}}})
    plain = {"late": {"working_hours": 4, "without_calendar": {"hours": 4}}}
    parse_settings({**data, "checks": [{**LATE, "parameters": plain}]})


def test_the_calendar_is_in_the_zone_of_the_reports_or_its_own() -> None:
    assert calendar_of(parse_settings({**YAML, "time_zone": "Europe/Berlin"})).zone.key == (
        "Europe/Berlin"
    )
    own = parse_settings({**YAML, "calendar": {"zone": "Asia/Tokyo"}})
    assert calendar_of(own).zone.key == "Asia/Tokyo"


# -- the detections of the plan


LATE_BY_DAYS = ("shipment-late", "return-overdue", "ticket-waiting")


def found_on(
    shop: Shop, now: datetime, wanted: tuple[str, ...] = LATE_BY_DAYS, **changed: Any
) -> dict[str, set[str]]:
    """What the detections that count working time find, by name."""
    settings = parse_settings(
        {**YAML, "shop": {**YAML["shop"], "database_url": shop.url, "mapping": mapped()}, **changed}
    )

    async def run() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        async with open_checks(settings) as checking:
            for check in settings.checks:
                if check.name in wanted:
                    result = await run_check(build(check), checking.context(now))
                    assert result.error is None
                    cases = (case for finding in result.findings for case in finding.cases)
                    found[check.name] = {case.key for case in cases}
        return found

    return asyncio.run(run())


def test_what_waits_over_the_weekend_is_late_by_working_time(tmp_path: Path) -> None:
    """Without hours in the calendar they are as late as ever."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    noon = taipei("2026-03-15 12:00")  # a Sunday
    promised = shop.order(1, "paid", promised_at=noon - timedelta(hours=3))
    friday = shop.order(2, "paid", promised_at=noon - timedelta(hours=45))
    for key in (1, 2):
        asked = noon - timedelta(days=3, hours=key)  # Thursday before noon
        shop.add(
            "return_requests", key=key, order_key=key, state="open", reason="x", asked_at=asked
        )
    for key in range(10, 15):
        opened = noon - timedelta(hours=20)
        shop.add("tickets", key=key, state="open", opened_at=opened, answered_at=None)
    tickets = {str(key) for key in range(10, 15)}
    hours = {"hours": {"mon-fri": ["09:00-18:00"]}}
    whole = {"shipment-late": {promised, friday}, "return-overdue": {promised, friday}}
    nothing = {"shipment-late": {friday}, "return-overdue": set(), "ticket-waiting": set()}
    assert found_on(shop, noon) == {**whole, "ticket-waiting": tickets}
    assert found_on(shop, noon, calendar=hours) == nothing
    monday = taipei("2026-03-16 09:01")
    assert found_on(shop, monday, calendar=hours) == {
        **nothing,
        "shipment-late": {promised, friday},
    }
    assert found_on(shop, taipei("2026-03-16 13:01"), calendar=hours)["ticket-waiting"] == tickets
    overdue = found_on(shop, taipei("2026-03-17 10:30"), calendar=hours)["return-overdue"]
    assert overdue == {friday}
    shop.close()


def test_who_is_silent_over_the_weekend_is_not_silent(tmp_path: Path) -> None:
    """A carrier and the customers were last heard of on Friday afternoon: two working days later
    they are silent, and without hours in the calendar two days later, or one and a half."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    last = taipei("2026-03-13 16:00")  # a Friday
    for key in range(1, 21):
        shop.order(key, "dispatched")
        shop.add(
            "shipments", key=key, order_key=key, carrier="Cat", state="shipped",
            shipped_at=last - timedelta(hours=9),
        )  # fmt: skip
        shop.add("tracking_events", shipment_key=key, state="moved", at=last)
    for key in range(1, 101):
        shop.add(
            "tickets", key=key, state="closed", opened_at=last - timedelta(hours=key - 1),
            answered_at=last,
        )  # fmt: skip
    hours = {"hours": {"mon-fri": ["09:00-18:00"]}}
    wanted = ("carrier-silent", "tickets-silent")
    both: dict[str, set[str]] = {"carrier-silent": {"Cat"}, "tickets-silent": {"tickets"}}
    nothing: dict[str, set[str]] = {"carrier-silent": set(), "tickets-silent": set()}
    monday = taipei("2026-03-16 12:00")
    assert found_on(shop, monday, wanted) == both
    assert found_on(shop, monday, wanted, calendar=hours) == nothing
    tuesday = taipei("2026-03-17 16:01")
    assert found_on(shop, tuesday, wanted, calendar=hours) == both
    shop.close()
