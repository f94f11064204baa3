"""The manager's week, her lists and her home tab: every figure against a count of its own."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bot.schedule.weekly import weekly
from checks.model import CaseFound, CheckResult, Finding
from incidents import read
from incidents.change import Change
from incidents.lifecycle import commands, follow_ups
from incidents.read.week import bounds, due_for
from message_templates.engine import Templates
from storage.models import ActionAttempt, Case, Incident
from storage.money import Money
from tests.incidents.slack_story import Story, StoryClock, language, story
from tests.incidents.world import (
    DAY,
    JO,
    KAI,
    LIN,
    MEI,
    World,
    money,
    orders,
)

TAIPEI = ZoneInfo("Asia/Taipei")
MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # 09:00 in Taipei, week 47
LAST_WEEK = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)


def amounts(world: World, subject: str, *cases: CaseFound) -> None:
    finding = Finding(
        subject,
        "payment_amount_mismatch",
        facts={"orders": len(cases), "over": {"orders": len(cases)}},
        cases=cases,
    )
    world.check(CheckResult(f"amounts-{subject}", world.now, findings=(finding,), open_after=1))


def order(key: str, amount: Money) -> CaseFound:
    return CaseFound("order", key, amount, f"c-{key}", facts={"delta": amount.as_json()})


def lived(world: World) -> None:
    """Two weeks: one order that two incidents name, two currencies, a false alarm, one ended."""
    world.now = LAST_WEEK
    amounts(world, "orders:before", order("FG-1", money(100)))
    world.now = DAY
    world.channel_fails(3, every=0)
    world.advance(120)
    assert world.take(MEI, 2).ok
    same = order(orders()[0].key, money(2000))
    amounts(world, "orders:two", same, order("EU-7", Money(4550, "EUR")), order("FG-20", money(5)))
    amounts(world, "orders:none", order("FG-9", money(9)))
    alarm = world.write(
        lambda s: commands.dismiss(s, world.house, 4, world.actor(LIN), "a test", world.now)
    )
    assert alarm.ok, alarm
    world.advance(3600)


def counted(world: World, since: datetime, until: datetime) -> tuple[int, dict[str, int]]:
    """Orders and open money by hand: the rows of the database, put together in Python."""
    rows = world.read(
        lambda s: s.execute(
            text(
                "select i.detected_at, i.status, c.key, c.amount_minor, c.amount_currency, c.state"
                " from cases c join incidents i on i.id = c.incident_id where c.kind = 'order'"
            )
        ).all()
    )
    keys: set[str] = set()
    money_of: dict[tuple[str, str], int] = {}
    for detected, status, key, minor, currency, state in rows:
        at = detected if isinstance(detected, datetime) else datetime.fromisoformat(str(detected))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        if status in ("dismissed", "merged") or not since <= at < until:
            continue
        keys.add(key)
        if state != "settled":
            money_of[key, currency] = max(money_of.get((key, currency), 0), minor)
    sums: defaultdict[str, int] = defaultdict(int)
    for (_, currency), minor in money_of.items():
        sums[currency] += minor
    return len(keys), dict(sums)


def minors(values: Any) -> dict[str, int]:
    return {one["currency"]: one["minor"] for one in values}


def test_every_figure_is_the_whole_that_a_count_by_hand_gives(world: World) -> None:
    lived(world)
    view = world.read(lambda s: read.week(s, world.house, JO, MONDAY, TAIPEI))
    start, end = bounds(MONDAY, TAIPEI)
    touched, lost = counted(world, start, end)
    assert (view.reach.orders, minors(view.reach.lost)) == (touched, lost)
    assert (touched, lost["EUR"]) == (43, 4550)  # 41 of 3.3, one of them named twice, and two
    truth = sum(case.amount.minor for case in orders() if case.amount)
    assert lost["TWD"] == truth + 500
    before, lost_before = counted(world, start - timedelta(days=7), start)
    assert (
        (view.before.orders, minors(view.before.lost))
        == (before, lost_before)
        == (
            1,
            {"TWD": 10_000},
        )
    )
    assert (view.number, view.incidents) == (46, 2)
    assert {s: n for s, n in view.severities.items() if n} == {1: 1, 3: 1}
    assert view.owner_after == 120
    assert (view.kept, view.owned_of) == (1, 2)  # taken within 5 min; the other by nobody


def test_what_is_settled_is_no_longer_lost(world: World) -> None:
    lived(world)
    world.write(lambda s: s.execute(text("update cases set state = 'settled' where key = 'EU-7'")))
    view = world.read(lambda s: read.week(s, world.house, JO, MONDAY, TAIPEI))
    assert set(minors(view.reach.lost)) == {"TWD"}
    assert set(minors(view.reach.amounts)) == {"EUR", "TWD"}


def test_a_private_incident_counts_for_those_who_may_see_it(world: World) -> None:
    lived(world)
    world.write(lambda s: s.execute(text("update incidents set private = true where number = 3")))
    for person, incidents in ((JO, 2), (KAI, 1)):
        view = world.read(
            lambda s, p=person: read.week(s, world.house, p, MONDAY, TAIPEI)  # type: ignore[misc]
        )
        assert view.incidents == incidents


def late(world: World, owner: str, days: int, number: int = 2) -> None:
    def unit(session: Any) -> None:
        incident = session.query(Incident).filter_by(number=number).one()
        change = Change(session, world.house, incident, world.actor(MEI), world.now)
        due = world.now + timedelta(hours=1)
        follow_ups.add(change, "prevention", "Ask for a status feed", owner=owner, due=due)

    world.write(unit)
    world.now += timedelta(days=days, hours=1)


async def monday(told: Story, person: str = JO) -> list[str]:
    """What the person's lock screen showed of the week."""
    job = weekly(StoryClock(told.world), told.world.house, lambda _: TAIPEI)
    for _ in range(2):  # the look is repeated every few minutes
        finish = await job.job()
        if callable(finish):
            told.world.write(finish)
        await told.told()
    return [ring.text for ring in told.rings(person) if ring.text.startswith(("Week", "第"))]


async def test_it_is_told_once_on_monday_at_nine(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        lived(told.world)
        told.world.now = MONDAY - timedelta(minutes=1)
        assert await monday(told) == []
        told.world.now = MONDAY
        [text_] = await monday(told)
        assert text_ == "Week 46: 2 incidents, 1 SEV1. €45.50 + NT$82,825 not recovered."
        told.world.now = MONDAY + timedelta(days=1)
        assert len(await monday(told)) == 1
        assert [r for r in told.rings(LIN) if r.text.startswith(("Week", "第"))] == []


async def test_it_is_one_screen_in_each_ones_language(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        lived(told.world)
        late(told.world, MEI, 9)
        language(told.world, JO, "zh-Hant")
        told.world.now = MONDAY + timedelta(days=7)
        week_later = await monday(told)
        told.world.now = MONDAY
        view = told.world.read(lambda s: read.week(s, told.world.house, JO, told.world.now, TAIPEI))
        for lang in ("en", "zh-Hant"):
            drawn = Templates(TAIPEI).render("week", view, language=lang)
            assert len(drawn.blocks) <= 8
        assert week_later
        assert week_later[0].startswith("第 47 週：")


def test_a_check_in_shadow_opens_nothing_and_the_week_says_what_it_would_have(
    world: World,
) -> None:
    """Two cases three times in a row are one incident; what recurs is a second; a gap is none."""

    def look(*keys: str, error: str | None = None) -> None:
        cases = tuple(CaseFound("order", key, None) for key in keys)
        found = (Finding("late", "shipment_late", cases=cases),) if keys else ()
        healthy = () if keys or error else ("late",)
        world.check(
            CheckResult("late", world.now, found, healthy, error=error, open_after=3, shadow=True)
        )
        world.advance(300)

    world.now = LAST_WEEK
    for keys in (["A"], ["A", "B"], ["A", "B"], ["A", "B"], []):
        look(*keys)
    look(error="no answer")
    for keys in (["C"], ["C"], [], ["C"]):
        look(*keys)
    for keys in (["C"], ["C", "D", "E"]):
        look(*keys)
    assert world.all(Incident) == []
    assert world.messages() == []
    view = world.read(lambda s: read.week(s, world.house, JO, MONDAY - timedelta(days=7), TAIPEI))
    assert [(one.check, one.opened, one.cases, one.now) for one in view.shadows] == [
        ("late", 2, 5, 3)
    ]
    after = world.read(lambda s: read.week(s, world.house, JO, MONDAY, TAIPEI))
    assert after.shadows == ()  # it has not looked since
    said = {
        "en": "In shadow: late would have opened 2 incidents with 5 cases; it finds 3 now.",
        "zh-Hant": "僅觀察：late 原會開立 2 件事件，共 5 筆；目前發現 3 筆。",
    }
    for lang, words in said.items():
        assert words in str(Templates(TAIPEI).render("week", view, language=lang).blocks)


def test_nine_is_nine_in_their_own_zone() -> None:
    london = ZoneInfo("Europe/London")
    assert due_for(MONDAY, TAIPEI) == "2026-W46"
    assert due_for(MONDAY, london) is None
    assert due_for(MONDAY + timedelta(hours=8), london) == "2026-W46"
    assert due_for(MONDAY + timedelta(days=1), TAIPEI) == "2026-W46"  # made up for after downtime
    assert due_for(MONDAY + timedelta(days=2), TAIPEI) is None


def test_the_home_tab_shows_first_what_waits_and_what_is_at_stake(world: World) -> None:
    lived(world)
    late(world, MEI, 3)
    for person, count in ((MEI, 1), (KAI, 0)):
        view = world.read(
            lambda s, p=person: read.home(s, world.house, p, world.now)  # type: ignore[misc]
        )
        assert len(view.late) == count
        assert view.at_stake is not None
        assert view.at_stake.orders == 44  # with last week's, which is open still
        assert minors(view.at_stake.lost)["EUR"] == 4550
        for lang in ("en", "zh-Hant"):
            drawn = Templates(TAIPEI).render("home", view, language=lang)
            assert drawn.view is not None
            ids = [block.get("block_id") for block in drawn.view["blocks"]]
            assert "stake" in ids
            assert ("waits" in ids) == bool(count)
            assert ids.index("stake") < ids.index("open")


def test_an_approval_waits_for_who_may_give_it(world: World) -> None:
    lived(world)
    world.write(
        lambda s: s.execute(
            text(
                "insert into action_attempts (key, incident_id, press, action, params, state,"
                " requested_by, requested_at, looks) values ('k', 2, 'p', 'refund',"
                ' \'{"amount": {"minor": 1250000, "currency": "TWD"}}\','
                " 'awaiting_approval', :who, :at, 0)"
            ),
            {"who": MEI, "at": world.now.isoformat(sep=" ")},
        )
    )
    for person, count in ((KAI, 1), (JO, 1), (MEI, 0), (LIN, 0)):
        view = world.read(
            lambda s, p=person: read.home(s, world.house, p, world.now)  # type: ignore[misc]
        )
        assert len(view.approvals) == count, person
        if count:
            assert minors(view.approvals[0].amounts) == {"TWD": 1_250_000}
            drawn = Templates(TAIPEI).render("home", view, language="en")
            assert "INC-2" in repr(drawn.view)
            assert "NT$12,500" in repr(drawn.view)


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("", [2, 3, 1]),
        ("all", [4, 3, 2, 1]),
        ("week", [4, 3, 2]),
        ("3.3", [2]),
        ("§3.2", [4, 3, 1]),
        ("channel", [2]),
        ("dismissed", [4]),
        ("付款金額", [4, 3, 1]),
    ],
)
def test_a_list_takes_a_word_for_what_it_means(
    world: World, typed: str, numbers: list[int]
) -> None:
    lived(world)
    wanted = read.select_by(world.house.plan, typed, world.now)
    assert wanted is not None
    found = world.read(lambda s: read.listing(s, world.house, wanted, world.now, user_id=JO))
    assert [item.number for item in found.items] == numbers
    few = world.read(lambda s: read.listing(s, world.house, wanted, world.now, user_id=JO, limit=1))
    assert (len(few.items), few.total) == (1, len(numbers))


@pytest.mark.parametrize("typed", ["wekk", "99.9", "everything", "; drop table"])
def test_a_list_refuses_what_it_does_not_know(world: World, typed: str) -> None:
    assert read.select_by(world.house.plan, typed, world.now) is None


def test_two_currencies_are_never_added(world: World) -> None:
    lived(world)
    view = world.read(lambda s: read.week(s, world.house, JO, MONDAY, TAIPEI))
    for lang in ("en", "zh-Hant"):
        said = repr(Templates(TAIPEI).render("week", view, language=lang).blocks)
        assert "€45.50" in said
        assert "NT$" in said


def said_of_the_week(world: World, language: str) -> str:
    view = world.read(lambda s: read.week(s, world.house, JO, MONDAY, TAIPEI))
    return repr(Templates(TAIPEI).render("week", view, language=language).blocks)


@pytest.mark.parametrize(
    ("states", "english", "chinese"),
    [
        (("open", "open", "settled"), "3 orders touched; 2 orders still open", "尚有 2 筆未處理"),
        (("waiting",), "1 order touched; 1 order still open", "尚有 1 筆未處理"),
        (("settled", "settled"), "2 orders touched; all settled", "均已處理"),
        ((), "No order known", "沒有已知受影響的訂單"),
    ],
)
def test_orders_without_an_amount_are_not_called_settled_while_they_are_open(
    world: World, states: tuple[str, ...], english: str, chinese: str
) -> None:
    world.now = DAY
    world.channel_fails(3, cases=tuple(CaseFound("order", f"FG-{n}") for n in range(len(states))))
    for n, state in enumerate(states):
        world.write(
            lambda s, n=n, state=state: s.execute(  # type: ignore[misc]
                text("update cases set state = :state where key = :key"),
                {"state": state, "key": f"FG-{n}"},
            )
        )
    assert english in said_of_the_week(world, "en")
    assert chinese in said_of_the_week(world, "zh-Hant")


def message(world: World, number: int, action: str, template: str) -> None:
    """A message about FG-1 that went out in that incident."""

    def unit(session: Any) -> None:
        incident = session.query(Incident).filter_by(number=number).one()
        case = session.query(Case).filter_by(incident_id=incident.id, key="FG-1").one()
        session.add(
            ActionAttempt(
                key=uuid4().hex,
                incident_id=incident.id,
                case_id=case.id,
                action=action,
                params={"template": template, "text": "Dear customer"},
                state="done",
                requested_by=LIN,
                requested_at=world.now,
                settled_at=world.now,
            )
        )

    world.write(unit)


@pytest.mark.parametrize(
    ("messages", "twice"),
    [
        (((1, "notify_customer", "payment_failed"), (1, "notify_customer", "difference")), 0),
        (((1, "notify_customer", "payment_failed"), (2, "notify_customer", "payment_failed")), 1),
        (((1, "tell_complainant", "complaint"), (2, "tell_complainant", "complaint")), 0),
        (((1, "tell_complainant", "complaint"), (1, "tell_complainant", "complaint")), 1),
    ],
)
def test_said_twice_is_the_same_message_about_one_order(
    world: World, messages: tuple[tuple[int, str, str], ...], twice: int
) -> None:
    world.now = DAY
    for subject in ("orders:one", "orders:two"):
        amounts(world, subject, order("FG-1", money(100)))
    for number, action, template in messages:
        message(world, number, action, template)
    view = world.read(lambda s: read.week(s, world.house, JO, MONDAY, TAIPEI))
    assert view.said_twice == twice
