"""A payment channel at any volume: busy, thin and silent; a year without an outage rings nobody."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter
from sqlalchemy import create_engine, text

from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.calendar.settings import CalendarSettings
from checks.kinds.base import CheckContext
from checks.kinds.channel_expectation import SURE, WEEK, WEEKS, may_tell
from checks.kinds.channel_history import ChannelHistory
from checks.model import CheckResult, Failed
from checks.queries.entity_mapping import EntitiesMapping
from checks.registry import AnyCheckSettings, build
from checks.runner import run_check
from checks.shop.source import ShopDatabase

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # a Wednesday, noon in Taipei
MAPPING = {
    "orders": {
        "from": "auftrag", "unit": "minor", "currency": "TWD", "form": "epoch",
        "fields": {"key": "id", "number": "id", "total": "summe", "placed_at": "am"},
    },
    "payments": {
        "from": "zahlung", "form": "epoch",
        "fields": {
            "key": "id", "order_key": "auftrag", "channel": "weg", "created_at": "am",
            "state": {"column": "stand", "words": {"captured": ["ok"], "failed": ["nein"],
                      "created": ["neu"], "unknown": ["?"]}},
        },
    },
}  # fmt: skip
CARD = {
    "name": "card", "kind": "payment_channel", "every": 60,
    "channel": {"id": "karte", "name": "Karte"},
}  # fmt: skip


class Till:
    """A shop with nothing but orders and their payments."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'kasse.db'}"
        self.engine = create_engine(url)
        self.orders = 0
        with self.engine.begin() as connection:
            connection.execute(text("create table auftrag (id integer primary key, summe, am)"))
            connection.execute(
                text("create table zahlung (id integer primary key, auftrag, weg, stand, am)")
            )
            connection.execute(text("create index zahlung_am on zahlung (weg, am)"))
        mapping = EntitiesMapping.model_validate({"entities": MAPPING})
        self.source = ShopDatabase(url, mapping)

    def pay(self, *moments: datetime, state: str = "ok", order: int | None = None) -> None:
        """A payment at each moment, each of an order of its own unless one is named."""
        orders, payments = [], []
        for moment in moments:
            if order is None:
                self.orders += 1
                orders.append({"id": self.orders, "summe": 100, "am": int(moment.timestamp())})
            payments.append({"a": order or self.orders, "s": state, "am": int(moment.timestamp())})
        with self.engine.begin() as connection:
            if orders:
                connection.execute(text("insert into auftrag values (:id, :summe, :am)"), orders)
            connection.execute(
                text("insert into zahlung (auftrag, weg, stand, am) values (:a, 'karte', :s, :am)"),
                payments,
            )

    def place(self, *moments: datetime) -> None:
        """Orders that nobody pays yet."""
        with self.engine.begin() as connection:
            for moment in moments:
                self.orders += 1
                connection.execute(
                    text("insert into auftrag values (:id, 100, :am)"),
                    {"id": self.orders, "am": int(moment.timestamp())},
                )

    def look(
        self,
        now: datetime,
        failed: dict[str, Failed] | None = None,
        calendar: Calendar = NO_CALENDAR,
    ) -> CheckResult:
        adapter: TypeAdapter[AnyCheckSettings] = TypeAdapter(AnyCheckSettings)
        context = CheckContext(
            ask=None,  # type: ignore[arg-type]
            shop=self.source,
            currency="TWD",
            now=now,
            look=None,  # type: ignore[arg-type]
            failed=failed or {},
            calendar=calendar,
        )
        result = asyncio.run(run_check(build(adapter.validate_python(CARD)), context))
        assert result.error is None
        return result

    def close(self) -> None:
        self.source.close()
        self.engine.dispose()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    found = Till(tmp_path)
    yield found
    found.close()


def every(seconds: float, start: datetime, end: datetime) -> list[datetime]:
    count = int((end - start).total_seconds() / seconds)
    return [start + timedelta(seconds=seconds * number) for number in range(count)]


def weeks_before(till: Till, seconds: float, weeks: int = WEEKS, hours: float = 8) -> None:
    """The same hours of each week before, and two more, a payment each so many seconds."""
    for number in range(1, weeks + 1):
        start = NOW - WEEK * number - timedelta(hours=hours)
        till.pay(*every(seconds, start, start + timedelta(hours=hours + min(hours, 2))))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_busy_channel_that_refuses_is_found_within_one_interval(till: Till) -> None:
    """Twenty of a hundred in five minutes are less than the share; of one minute they are all."""
    till.pay(*every(3, NOW - minutes(30), NOW))
    assert till.look(NOW).findings == ()
    till.pay(*every(3, NOW, NOW + minutes(1)), state="nein")
    (finding,) = till.look(NOW + minutes(1)).findings
    assert (finding.facts["failed"], finding.facts["window_minutes"]) == (20, 5)
    assert finding.facts["attempts"] == 100
    assert finding.sure  # one look is enough


def test_one_customer_who_tries_again_and_again_is_no_outage(till: Till) -> None:
    till.pay(*every(300, NOW - timedelta(hours=5), NOW))
    till.pay(*every(20, NOW - minutes(3), NOW), state="nein", order=1)
    till.pay(*every(60, NOW - minutes(3), NOW))
    result = till.look(NOW + minutes(6))
    assert result.findings == ()


def test_a_channel_of_twelve_payments_an_hour_is_watched_by_its_last_orders(till: Till) -> None:
    """Seven of the last ten are no chance where one in twenty fails; what is paid since ends it."""
    till.pay(*every(300, NOW - timedelta(hours=5), NOW))
    fails = every(300, NOW, NOW + minutes(35))
    till.pay(*fails[:6], state="nein")
    assert till.look(NOW + minutes(29)).findings == ()
    till.pay(fails[6], state="nein")
    then = NOW + minutes(31)
    (finding,) = till.look(then).findings
    assert (finding.facts["failed"], finding.facts["attempts"]) == (7, 10)
    assert finding.facts["window_minutes"] == 46
    assert finding.started_at == NOW
    assert len(finding.cases) == 7
    failed = {"channel:karte": Failed(then, then)}
    till.pay(then + minutes(4), state="nein")
    result = till.look(then + minutes(5), failed)
    assert (result.findings, result.healthy_subjects) == ((), ())
    till.pay(then + minutes(9))
    assert till.look(then + minutes(10), failed).healthy_subjects == ("channel:karte",)


@pytest.mark.parametrize(("seconds", "loud_after"), [(3, 1), (60, 20)])
def test_no_payment_where_twenty_usually_come_is_an_outage(
    till: Till, seconds: float, loud_after: int
) -> None:
    weeks_before(till, seconds)
    till.pay(*every(seconds, NOW - timedelta(hours=8), NOW))
    last = NOW - timedelta(seconds=seconds)
    assert till.look(NOW).findings == ()
    assert till.look(last + minutes(loud_after * 0.9)).findings == ()
    till.place(NOW + timedelta(seconds=1), NOW + timedelta(seconds=2))
    then = last + minutes(loud_after * 1.05)
    (finding,) = till.look(then).findings
    silent = finding.facts["silent"]
    assert (silent["minutes"], silent["usual"], silent["orders"]) == (int(loud_after * 1.05), 21, 2)
    assert finding.started_at == last
    assert finding.sure
    failed = {"channel:karte": Failed(then, then)}
    assert till.look(NOW + timedelta(hours=3), failed).findings
    till.pay(NOW + timedelta(hours=3, minutes=1))
    result = till.look(NOW + timedelta(hours=3, minutes=2), failed)
    assert result.healthy_subjects == ("channel:karte",)


def test_what_was_tried_and_failed_is_drawn_beside_the_usual_until_it_is_open(till: Till) -> None:
    weeks_before(till, 30, hours=1)
    till.pay(*every(30, NOW - timedelta(hours=1), NOW))
    till.pay(*every(6, NOW, NOW + minutes(5)), state="nein")
    then = NOW + minutes(5)
    (finding,) = till.look(then).findings
    drawn = finding.facts["picture"]
    assert (drawn["minutes"], drawn["since"]) == (5, (then - timedelta(hours=1)).isoformat())
    assert drawn["tried"] == [10] * 11 + [50]
    assert drawn["failed"] == [0] * 11 + [50]
    assert drawn["usual"] == [10] * 12
    (finding,) = till.look(then, {"channel:karte": Failed(NOW, NOW, live=True)}).findings
    assert "picture" not in finding.facts


def test_a_young_shop_has_a_picture_without_the_usual(till: Till) -> None:
    till.pay(*every(6, NOW, NOW + minutes(40)), state="nein")
    (finding,) = till.look(NOW + minutes(40)).findings
    drawn = finding.facts["picture"]
    assert (drawn["minutes"], drawn["usual"]) == (10, None)
    assert drawn["failed"] == drawn["tried"] == [0] * 8 + [100] * 4


def test_under_four_weeks_nothing_is_expected(till: Till) -> None:
    weeks_before(till, 3, weeks=3)
    till.pay(*every(3, NOW - timedelta(hours=8), NOW))
    assert till.look(NOW + timedelta(hours=1)).findings == ()


def test_a_quiet_night_is_quiet(till: Till) -> None:
    """The same hours bring nothing in any week."""
    weeks_before(till, 30)
    till.pay(*every(30, NOW - timedelta(hours=8), NOW + timedelta(hours=2)))
    assert till.look(NOW + timedelta(hours=9)).findings == ()


# -- with a calendar

BERLIN = ZoneInfo("Europe/Berlin")


def of_calendar(zone: str = "Asia/Taipei", **given: object) -> Calendar:
    return Calendar(ZoneInfo(zone), CalendarSettings.model_validate(given))


def test_a_silence_in_a_campaign_is_found_by_what_the_campaign_brings(till: Till) -> None:
    """Eight a minute are usual, twenty-four came by noon: a minute of silence is no chance."""
    weeks_before(till, 7.5, hours=0.5)
    till.pay(*every(7.5, NOW - minutes(30), NOW - minutes(10)))
    till.pay(*every(2.5, NOW - minutes(10), NOW))
    campaign = {"name": "Noon", "from": "2026-11-25 11:50", "to": "2026-11-25"}
    then = NOW + timedelta(seconds=60)
    assert till.look(then).findings == ()
    (finding,) = till.look(then, calendar=of_calendar(campaigns=[campaign])).findings
    assert finding.facts["silent"]["usual"] == 24
    early = {**campaign, "to": "2026-11-25 11:55"}  # over, and it goes on as ever
    assert till.look(then, calendar=of_calendar(campaigns=[early])).findings == ()


def test_a_campaign_that_begins_in_silence_is_judged_by_what_is_said_of_it(till: Till) -> None:
    weeks_before(till, 7.5, hours=0.5)
    till.pay(*every(7.5, NOW - minutes(30), NOW))
    campaign = {"name": "Noon", "from": "2026-11-25 12:00", "to": "2026-11-25"}
    then = NOW + timedelta(seconds=60)
    assert till.look(then, calendar=of_calendar(campaigns=[campaign])).findings == ()
    said = of_calendar(campaigns=[{**campaign, "factor": 3}])
    (finding,) = till.look(then, calendar=said).findings
    assert finding.facts["silent"]["usual"] == 24


def test_after_the_rush_of_its_first_minutes_a_campaign_may_be_quiet(till: Till) -> None:
    """Thirty came in three minutes and none in five: how it goes on is not known yet."""
    weeks_before(till, 60, hours=1)
    till.pay(*every(60, NOW - timedelta(hours=1), NOW))
    till.pay(*every(6, NOW, NOW + minutes(3)))
    campaign = {"name": "Noon", "from": "2026-11-25 12:00", "to": "2026-11-25", "factor": 5}
    result = till.look(NOW + minutes(8), calendar=of_calendar(campaigns=[campaign]))
    assert result.findings == ()


def test_weeks_with_a_holiday_or_campaign_are_left_out_of_the_usual(till: Till) -> None:
    """Half of the weeks brought nearly twice as much: by themselves they only blur the usual."""
    fast = (1, 2, 3, 5)
    for number in range(1, WEEKS + 1):
        start = NOW - WEEK * number - timedelta(hours=1)
        till.pay(*every(32 if number in fast else 60, start, start + timedelta(hours=2)))
    till.pay(*every(60, NOW - timedelta(hours=1), NOW))
    days = {number: str((NOW - WEEK * number).date()) for number in fast}
    campaigns = [{"name": f"{n}", "from": days[n], "to": days[n]} for n in (1, 5)]
    named = of_calendar(campaigns=campaigns, days={days[n]: "closed" for n in (2, 3)})
    assert till.look(NOW + minutes(22)).findings == ()
    till.source.usual.clear()  # as another start would
    (finding,) = till.look(NOW + minutes(22), calendar=named).findings
    assert finding.facts["silent"]["usual"] == 23


def test_weeks_are_laid_by_the_clock_on_the_wall(till: Till) -> None:
    """On the Monday after the clocks were put back a shop that opens at nine is quiet before it."""
    monday = datetime(2026, 10, 26, 9, tzinfo=BERLIN)
    days = [(monday - DAY * day).astimezone(UTC) for day in range(1, 7 * WEEKS + 3)]
    till.pay(*(one for opens in days for one in every(30, opens, opens + timedelta(hours=1))))
    at_nine, later = (monday.replace(minute=minute).astimezone(UTC) for minute in (0, 20))
    assert till.look(at_nine).findings  # as if it were ten
    in_berlin = of_calendar("Europe/Berlin")
    assert till.look(at_nine, calendar=in_berlin).findings == ()
    assert till.look(later, calendar=in_berlin).findings


# -- a year ---------------------------------------------------------------------------------------

WEEK_S = WEEK.total_seconds()
START = datetime(2026, 1, 5, tzinfo=UTC)
OF_DAY = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 13, 12, 12, 14, 15, 13, 9, 5, 2)


def year(
    seed: int, a_day: int, *, weeks: int = 52, named: dict[str, float] | None = None
) -> list[float]:
    """Payments of a year: hours and days of the week, holidays, campaigns, and days that differ.
    `named` is told which those days are, and how much they bring."""
    rng = random.Random(seed)
    found: list[float] = []
    for day in range(weeks * 7):
        level = rng.gammavariate(12, 1 / 12) * (0.7 if day % 7 >= 5 else 1.0)
        special = rng.choices((1, 0.35, 3), (350, 10, 5))[0]
        level *= special
        if special != 1 and named is not None:
            named[(START + DAY * day).date().isoformat()] = special
        for hour, share in enumerate(OF_DAY):
            rate = a_day * level * share / sum(OF_DAY) * rng.gammavariate(30, 1 / 30) / 3600
            at = (START + DAY * day + timedelta(hours=hour)).timestamp()
            end = at + 3600
            at += rng.expovariate(rate)
            while at < end:
                found.append(at)
                at += rng.expovariate(rate)
    return found


class History:
    """What the check would count of these payments."""

    def __init__(self, payments: list[float], calendar: Calendar = NO_CALENDAR) -> None:
        self.payments = payments
        self.history = ChannelHistory(self.counts, calendar)
        self.most = 20 if calendar.settings.campaigns else 1  # that a campaign brings

    def counts(self, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
        return [self.between(start.timestamp(), end.timestamp()) for start, end in spans]

    def between(self, start: float, end: float) -> int:
        return bisect_left(self.payments, end) - bisect_left(self.payments, start)

    def chance(self, newest: float, now: float) -> tuple[float, float]:
        """What should have come since, and how likely nothing is."""
        weeks = [(newest - WEEK_S * ago, now - WEEK_S * ago) for ago in range(1, WEEKS + 1)]
        if not may_tell([self.most * self.between(*week) for week in weeks]):
            return 0.0, 1.0  # as the history says; here for speed
        then, until = (datetime.fromtimestamp(one, UTC) for one in (newest, now))
        return self.history.nothing_since(then, until, self.history.usual)


def of_year(named: dict[str, float], factor: float) -> Calendar:
    """The calendar of such a year, in which campaigns are said to bring that."""
    campaigns = [
        {"name": day, "from": day, "to": day, "factor": factor}
        for day, level in named.items()
        if level > 1
    ]
    days = {day: "closed" for day, level in named.items() if level < 1}
    given = {"days": days, "campaigns": campaigns}
    return Calendar(ZoneInfo("UTC"), CalendarSettings.model_validate(given))


def alarms(history: History) -> list[str]:
    """Where the check would have said that no payment comes in."""
    since = (START + WEEK * (WEEKS + 1)).timestamp()
    return [
        datetime.fromtimestamp(before, UTC).isoformat()
        for before, after in pairwise(history.payments)
        if before >= since and after - before >= 60 and history.chance(before, after)[1] < SURE
    ]


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]


@pytest.mark.parametrize("a_day", [60, 400, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_without_an_outage_rings_at_most_once(seed: int, a_day: int) -> None:
    found = alarms(History(year(seed, a_day)))
    assert len(found) <= 1, found


@pytest.mark.slow
@pytest.mark.parametrize("a_day", [60, 400, 3000])
@pytest.mark.parametrize("seed", range(1, 9))
def test_a_year_with_its_calendar_rings_at_most_once(seed: int, a_day: int) -> None:
    """Holidays and campaigns are named, and campaigns bring what is said of them."""
    named: dict[str, float] = {}
    payments = year(seed, a_day, named=named)
    found = alarms(History(payments, of_year(named, 3)))
    assert len(found) <= 1, found


@pytest.mark.parametrize("level", [1, 3])
def test_an_outage_of_a_day_is_found_as_soon_as_it_is_no_chance(level: int) -> None:
    """On an ordinary day and on one of a campaign, at noon, with 3,000 payments a day."""
    payments = year(7, 3000, weeks=20)
    noon = (START + WEEK * 15 + timedelta(days=2, hours=12)).timestamp()
    rng = random.Random(8)
    before = [one for one in payments if one < noon]
    more = [one + rng.uniform(-60, 60) for one in before if one > noon - 43200]
    before = sorted(before + [one for one in more if one < noon] * (level - 1))
    history = History(before)
    newest = before[-1]
    for minute in range(1, 24 * 60):
        expected, chance = history.chance(newest, newest + 60 * minute)
        if chance < SURE:
            break
    assert minute <= 25
    assert expected >= 19
