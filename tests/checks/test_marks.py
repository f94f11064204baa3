"""A check that follows what changed finds what a look at the whole does; a sweep finds the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from sqlalchemy import select

from bot.cli.check import run_once
from bot.wiring.check_connections import open_checks
from checks.model import CheckResult
from checks.registry import build
from checks.runner import run_check
from storage.models import CheckMark, CheckState
from storage.upgrade import upgrade
from tests.checks.stamped_shop import (
    FOLLOWED,
    MAPPING,
    Bot,
    Shop,
    cases,
    history,
    lines,
    orders,
    payments,
    refunds,
    settings,
    whole,
)
from tests.incidents.world import KEY, World

DAY_AND_A_HALF = 36 * 60


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    found = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    yield found
    found.close()


@pytest.fixture
def bot(shop: Shop, sqlite_url: str) -> Bot:
    """Five orders of the morning, and one of now: it alone is within the overlap of a mark."""
    shop.clock.moment -= timedelta(hours=3)
    for key in range(1, 6):
        shop.in_order(key)
    shop.clock.moment += timedelta(hours=3)
    shop.in_order(6)
    return Bot(shop, sqlite_url)


def looked_among(bot: Bot, name: str) -> Any:
    """How many rows; None: it looked at the whole."""
    return bot.look(name)[name].figures.get("changed")


def test_after_the_first_run_only_what_changed_is_looked_at(bot: Bot) -> None:
    for name in FOLLOWED:
        assert looked_among(bot, name) is None
        assert looked_among(bot, name) == 1


def test_a_fault_among_what_changed_is_found_and_recovers_when_it_is_put_right(bot: Bot) -> None:
    assert bot.cases("address-incomplete") == []
    bot.shop.order(3, strasse="")
    assert bot.cases("address-incomplete") == ["K3"]
    assert bot.cases("address-incomplete", minutes=60) == ["K3"], "it stands, though no row changed"
    bot.shop.order(3)
    result = bot.look("address-incomplete")["address-incomplete"]
    assert (cases(result), result.healthy_subjects[-1:]) == (
        [],
        ("address-incomplete=shipping_address_error",),
    )


@pytest.mark.slow
def test_what_was_found_is_looked_at_again_whatever_its_stamp_says(bot: Bot) -> None:
    bot.shop.order(3, strasse="")
    assert bot.cases("address-incomplete") == ["K3"]
    bot.shop.order(3, touched=1)
    assert bot.cases("address-incomplete") == []


def test_what_becomes_late_is_found_though_no_row_changed(bot: Bot) -> None:
    assert bot.cases("shipment-late") == []
    assert bot.cases("shipment-late", minutes=25 * 60) == [f"K{key}" for key in range(1, 7)]


def test_a_row_that_another_table_leads_to_is_found(bot: Bot) -> None:
    for name in ("amounts", "order-impossible", "number-twice", "order-duplicate"):
        assert bot.cases(name) == []
    bot.shop.paid(50, 2, 7)
    bot.shop.write(lines, 1, kopf=4, artikel="A", n=0)
    bot.shop.order(9, nr="K5", kunde=1)
    bot.shop.paid(9, 9)
    assert bot.cases("amounts") == ["K2"]
    assert bot.cases("order-impossible") == ["K4"]
    assert bot.cases("number-twice") == ["K5", "K5"]


def test_it_goes_on_from_its_mark_after_a_restart(bot: Bot) -> None:
    """Each look of this bot is a process of its own; what it knows stands in its database."""
    bot.look("amounts")
    bot.shop.paid(50, 2, 7)
    again = Bot(bot.shop, bot.database_url)
    assert again.look("amounts")["amounts"].figures["changed"] is not None
    assert again.cases("amounts") == ["K2"]


def test_what_was_not_written_down_is_looked_at_again(bot: Bot) -> None:
    """Of two replicas one looked, and lost its claim before it wrote."""
    bot.look("address-incomplete")
    bot.shop.order(3, strasse="")
    for minutes in (1, 120):
        assert bot.cases("address-incomplete", take=False, minutes=minutes) == ["K3"]
    bot.shop.in_order(7)
    assert bot.cases("address-incomplete", minutes=120) == ["K3"]


@pytest.mark.slow
def test_the_mark_is_written_with_what_was_found(bot: Bot) -> None:
    bot.shop.order(3, strasse="")
    bot.look("address-incomplete")
    world = World.open(bot.database_url)
    kept = world.read(lambda s: s.scalars(select(CheckMark)).one())
    subjects = world.read(lambda s: list(s.scalars(select(CheckState.subject))))
    world.close()
    assert kept.seen["found"] == [3]
    assert "address-incomplete=shipping_address_error" in subjects


def test_a_stamp_of_the_future_hides_nothing(bot: Bot) -> None:
    """The shop's clock jumped ahead for a moment, and came back."""
    ahead = int(bot.shop.clock.moment.timestamp()) + 9 * 86400
    bot.shop.order(1, touched=ahead)
    bot.look("address-incomplete")
    bot.shop.order(3, strasse="")
    assert bot.cases("address-incomplete") == ["K3"]
    bot.shop.order(4, strasse="")
    assert bot.cases("address-incomplete", minutes=60) == ["K3", "K4"]


def test_a_stamp_that_was_set_back_is_found_by_the_sweep_of_the_night(bot: Bot) -> None:
    bot.look("address-incomplete")
    bot.shop.order(3, strasse="", touched=1)
    assert bot.cases("address-incomplete") == []
    assert bot.cases("address-incomplete", minutes=15 * 60) == [], "it is not yet three at night"
    assert bot.cases("address-incomplete", minutes=2 * 60) == ["K3"]


@pytest.mark.slow
def test_what_was_committed_late_is_seen_within_a_quarter_of_an_hour(bot: Bot) -> None:
    bot.look("address-incomplete")
    then = int(bot.shop.clock.moment.timestamp()) - 600
    bot.shop.in_order(7)
    bot.look("address-incomplete")
    bot.shop.order(3, strasse="", touched=then)
    assert bot.cases("address-incomplete") == ["K3"]


@pytest.mark.slow
def test_what_was_deleted_is_found_by_the_sweep_of_the_night(bot: Bot) -> None:
    bot.look("amounts")
    bot.shop.take_away(payments, 2)
    assert bot.cases("amounts") == []
    assert bot.cases("amounts", minutes=DAY_AND_A_HALF) == ["K2"]


@pytest.mark.slow
def test_rows_without_a_stamp_are_always_looked_at(bot: Bot) -> None:
    bot.look("address-incomplete")
    bot.shop.order(3, strasse="", touched=None)
    assert bot.cases("address-incomplete", minutes=300) == ["K3"]


@pytest.mark.slow
def test_a_shop_that_was_set_back_is_looked_at_whole(bot: Bot) -> None:
    """A backup was put in place: what stands there now is older than what was seen."""
    bot.look("address-incomplete")
    for key in range(1, 7):
        bot.shop.order(key, strasse="", touched=1000)
    assert len(bot.cases("address-incomplete")) == 6


def test_another_question_begins_anew(bot: Bot) -> None:
    """An order in a state that meant nothing is a fault once the mapping says what it means."""
    bot.changed = {"shop": {"mapping": _states(paid=[], ignore=["bezahlt"])}}
    bot.shop.order(3, strasse="", touched=1)
    assert bot.cases("address-incomplete") == []
    bot.changed = {}
    assert bot.cases("address-incomplete") == ["K3"]


def _states(**changed: Any) -> dict[str, Any]:
    state = MAPPING["orders"]["fields"]["state"]
    words = {**state["words"], "paid": changed["paid"]}
    fields = {
        **MAPPING["orders"]["fields"],
        "state": {**state, "words": words, "ignore": changed["ignore"]},
    }
    return {**MAPPING, "orders": {**MAPPING["orders"], "fields": fields}}


@pytest.mark.slow
def test_more_than_can_be_followed_is_looked_at_whole(bot: Bot) -> None:
    """Every row was written again, by a migration of the shop."""
    bot.look("address-incomplete")
    with bot.shop.engine.begin() as connection:
        now = int(bot.shop.clock.moment.timestamp())
        rows = [
            {"id": key, "nr": f"M{key}", "stand": "fertig", "seit": now, "am": now, "touched": now}
            for key in range(100, 2_200)
        ]
        connection.execute(orders.insert(), rows)
    bot.shop.order(3, strasse="", touched=1)
    assert bot.cases("address-incomplete") == ["K3"]


@pytest.mark.slow
def test_an_order_with_a_payment_under_way_is_not_forgotten(bot: Bot) -> None:
    """Its difference is hidden while the payment is being booked, and then is one."""
    bot.look("amounts")
    soon = int(bot.shop.clock.moment.timestamp()) + 3600
    bot.shop.paid(50, 2, 7, um=soon)
    assert bot.cases("amounts") == []
    assert bot.cases("amounts", minutes=120) == ["K2"]


def test_orders_that_went_a_wrong_way_while_it_was_off_are_found(bot: Bot) -> None:
    """Of what came before its first look it knows nothing; from then on it misses nothing."""
    assert bot.cases("states") == []
    bot.shop.clock.moment += timedelta(hours=12)
    at = int(bot.shop.clock.moment.timestamp())
    bot.shop.write(history, 1, kopf=3, von="weg", nach="bezahlt", um=at)
    assert bot.cases("states", minutes=3 * 24 * 60) == ["K3"]
    assert bot.cases("states", minutes=3 * 24 * 60) == ["K3"]


@pytest.mark.slow
def test_the_command_line_looks_at_the_whole(bot: Bot) -> None:
    bot.look("amounts")
    bot.shop.take_away(payments, 2)
    found = asyncio.run(run_once(settings(bot.shop.url), ("amounts",)))
    assert cases(found[0]) == ["K2"]


@pytest.mark.slow
def test_a_shop_whose_rows_tell_nothing_is_swept_each_time(bot: Bot) -> None:
    silent = {
        name: {key: value for key, value in entity.items() if key != "changed_at"}
        for name, entity in MAPPING.items()
    }
    bot.changed = {"shop": {"mapping": silent}}
    bot.look("address-incomplete", "amounts")
    bot.shop.order(3, strasse="", touched=1)
    assert bot.cases("address-incomplete") == ["K3"]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "payment", "line", "refund", "gone"]),
        st.integers(1, 4),
        st.integers(0, 3),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=8,
)


def change(shop: Shop, kind: str, key: int, how: int) -> None:
    if kind == "order":
        stand = ("neu", "bezahlt", "storno", "weg")[how]
        shop.order(key, stand=stand, nr=f"K{min(key, 3)}", kunde=how % 2, am=1000 * how,
                   strasse=None if how == key - 1 else "Zhongxiao")  # fmt: skip
    elif kind == "payment":
        shop.paid(10 * key + how, key, (100, 50, 200, 0)[how])
    elif kind == "line":
        shop.write(lines, 10 * key + how, kopf=key, artikel="A", n=how)
    elif kind == "refund":
        stand = ("nein", "ok")[how % 2]
        shop.write(refunds, 10 * key + how, geld=10 * key + how, kopf=key, betrag=20, stand=stand)
    elif how == 0:  # a payment that turned out to be none
        for payment in shop.keys(payments):
            if payment // 10 == key:
                shop.paid(payment, key, stand="nein")


FIXED = [
    ("order", 1, 1, 1), ("payment", 1, 0, 5), ("refund", 1, 0, 30), ("order", 1, 2, 20),
    ("payment", 2, 1, 1), ("line", 1, 0, 20), ("order", 3, 1, 20), ("order", 4, 1, 40),
    ("refund", 1, 0, 1), ("order", 1, 1, 60), ("gone", 1, 0, 1), ("order", 2, 3, 90),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_on_each_engine_it_says_what_a_look_at_the_whole_says(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str
) -> None:
    fixture = {"postgresql": "pg_url", "mariadb": "mariadb_url"}.get(engine)
    url = str(request.getfixturevalue(fixture)) if fixture else f"sqlite:///{tmp_path / 'l.db'}"
    found = _agrees(Shop(url), sqlite_url, FIXED)
    assert found == {"amounts", "number-twice", "order-impossible", "refund-lost"} | found


@pytest.mark.slow
@tried(max_examples=25, deadline=None)
@given(changes=CHANGES)
def test_whatever_changes_it_says_what_a_look_at_the_whole_says(
    tmp_path_factory: pytest.TempPathFactory, changes: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    upgrade(f"sqlite:///{folder / 'muster.db'}", KEY)
    shop = Shop(f"sqlite:///{folder / 'laden.db'}")
    _agrees(shop, f"sqlite:///{folder / 'muster.db'}", changes)


def _agrees(shop: Shop, database_url: str, changes: list[Any]) -> set[str]:
    """After each change the checks say what the whole says; which of them ever found something."""
    shop.in_order(1)
    follows = Bot(shop, database_url)
    found = set()
    for kind, key, how, minutes in changes:
        change(shop, kind, key, how)
        seen = follows.look(*FOLLOWED, minutes=minutes)
        for name in FOLLOWED:
            assert whole(seen[name])[0] == whole(_swept(shop, name))[0], (name, kind, key, how)
            found |= {name} if seen[name].findings else set()
    shop.close()
    return found


def _swept(shop: Shop, name: str) -> CheckResult:
    """What the check says of the whole at this moment."""

    async def run() -> CheckResult:
        found = settings(shop.url)
        async with open_checks(found) as checking:
            settled = next(one for one in found.checks if one.name == name)
            return await run_check(build(settled), checking.context(shop.clock.moment))

    return asyncio.run(run())
