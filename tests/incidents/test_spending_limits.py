"""Limits hold however a sum is split: by presses, cases, currencies, incidents, people and days.

A reference of its own keeps what went out without a second person; it knows nothing of how the
domain counts. After each press: no press, order, customer or incident moved more than its limit
within 24 hours, and no person more than theirs.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from checks.model import CaseFound
from incidents import loading
from incidents.change import Change
from incidents.lifecycle.opening import Opening, open_incident
from incidents.shop_actions import approval_rules, requests
from plan.model import Action, Words
from storage.database import Database
from storage.models import ActionAttempt, Case
from storage.money import Money
from tests.incidents.world import DAY, JO, KEY, LIN, MEI, World, house

LIMIT, PERSON = 10_000, 50_000
WORDS = Words(en="Give back", **{"zh-Hant": "退款"})
GIVE = Action(
    id="refund_difference",
    title=WORDS,
    kind="mutate",
    roles=("cs",),
    approval_above="refund",
    cases="case.facts.give",
    params={"order": "{{ case.key }}", "amount": "{{ case.facts.give }}"},
    log=WORDS,
)
ORDERS, CUSTOMERS, INCIDENTS = 4, 3, 3


@dataclass(frozen=True)
class Give:
    """One press: what each order of an incident is given, by whom, and how long after the last."""

    incident: int
    who: str
    amounts: tuple[tuple[int, int], ...]  # order → major units
    hours: int
    currency: str
    fails: bool


@dataclass
class Out:
    """The reference: everything that went out with one signature alone."""

    rows: list[tuple[datetime, str, int, int, int, str, int, str]] = field(default_factory=list)

    def add(self, now: datetime, press: str, give: Give, order: int, major: int) -> None:
        customer = order % CUSTOMERS
        row = (now, press, give.incident, order, customer, give.who, major, give.currency)
        self.rows.append(row)

    def check(self, now: datetime) -> None:
        day = [row for row in self.rows if row[0] > now - timedelta(hours=24)]
        for place in (1, 2, 3, 4, 5):
            sums: dict[Any, int] = {}
            for row in day:
                sums[row[place]] = sums.get(row[place], 0) + row[6]
            most = PERSON if place == 5 else LIMIT
            assert max(sums.values(), default=0) <= most, (place, sums, day)
        assert all(row[7] == "TWD" for row in day)


GIVES = st.builds(
    Give,
    incident=st.integers(0, INCIDENTS - 1),
    who=st.sampled_from([LIN, JO, MEI]),
    amounts=st.dictionaries(
        st.integers(0, ORDERS - 1),
        st.sampled_from([1, 999, 2500, 4999, 5000, 5001, 9000, 9999, 10_000, 10_001]),
        min_size=1,
        max_size=ORDERS,
    ).map(lambda found: tuple(sorted(found.items()))),
    hours=st.sampled_from([0, 0, 0, 1, 7, 23, 24, 25]),
    currency=st.sampled_from(["TWD", "TWD", "TWD", "TWD", "USD"]),
    fails=st.sampled_from([False, False, False, True]),
)


def incidents(world: World) -> None:
    """The same orders stand in every incident: by number in some, with the shop's id in others."""

    def unit(session: Session) -> None:
        for number in range(INCIDENTS):
            cases = tuple(
                CaseFound(
                    "order",
                    f"#fg-{n}" if number == 1 else f"FG-{n}",
                    customer_key=f"c{n % CUSTOMERS}",
                    facts={"order_id": f"FG-{n}"} if number == 2 else {},
                )
                for n in range(ORDERS)
            )
            opening = Opening(
                incident_type="payment_amount_mismatch",
                subject=f"orders:{number}",
                source="test",
                facts={},
                cases=cases,
            )
            open_incident(session, world.house, opening, world.now)

    world.write(unit)


def press(world: World, give: Give, out: Out) -> None:
    """The press, as the domain takes it; what is sent without an approval is noted."""

    def unit(session: Session) -> str:
        incident = loading.incident_of(session, give.incident + 1, lock=True)
        assert incident is not None
        wanted = dict(give.amounts)
        cases = session.scalars(
            select(Case).where(Case.incident_id == incident.id).order_by(Case.id)
        ).all()
        for order, case in enumerate(cases):
            amount = (
                Money(wanted[order] * 100, give.currency).as_json() if order in wanted else None
            )
            case.facts = {**case.facts, "give": amount}
        session.flush()
        change = Change(session, world.house, incident, world.actor(give.who), world.now)
        asked = requests.request_action(change, requests.Wish(GIVE))
        assert isinstance(asked, list)
        return asked[0].press

    name = world.write(unit)
    attempts = world.all(ActionAttempt, ActionAttempt.press == name)
    for (order, major), attempt in zip(give.amounts, attempts, strict=True):
        if attempt.state != "awaiting_approval" and not give.fails:
            out.add(world.now, name, give, order, major)
        if attempt.state != "awaiting_approval" and give.fails:
            world.write(lambda s, i=attempt.id: _failed(s, i))


def _failed(session: Session, attempt_id: int) -> None:
    session.get_one(ActionAttempt, attempt_id).state = "failed"


def play(world: World, gives: list[Give]) -> None:
    out = Out()
    for give in gives:
        world.now += timedelta(hours=give.hours)
        press(world, give, out)
        out.check(world.now)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded database with three open incidents, copied for each example."""
    folder = tmp_path_factory.mktemp("empty")
    world = World.create(folder)
    world.now = DAY
    incidents(world)
    world.close()
    return folder


def opened(empty: Path, folder: Path) -> World:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(empty, folder)
    return World(Database.open(f"sqlite:///{folder}/muster.db", key=KEY), house(), now=DAY)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(gives=st.lists(GIVES, min_size=2, max_size=9))
def test_no_split_of_a_sum_goes_past_a_limit(
    empty: Path, tmp_path: Path, gives: list[Give]
) -> None:
    world = opened(empty, tmp_path / "world")
    try:
        play(world, gives)
    finally:
        world.close()


SPLITS = {
    "one press of many cases": [Give(0, LIN, ((0, 9000), (1, 9000)), 0, "TWD", False)],
    "one order, press after press": [Give(0, LIN, ((0, 6000),), 1, "TWD", False)] * 2,
    "one order, in two incidents": [
        Give(0, LIN, ((0, 6000),), 0, "TWD", False),
        Give(1, LIN, ((0, 6000),), 0, "TWD", False),
    ],
    "one customer, two orders": [
        Give(0, LIN, ((0, 6000),), 0, "TWD", False),
        Give(1, LIN, ((3, 6000),), 0, "TWD", False),
    ],
    "one incident, two orders": [
        Give(0, LIN, ((0, 6000),), 0, "TWD", False),
        Give(0, JO, ((1, 6000),), 0, "TWD", False),
    ],
    "another currency": [Give(0, LIN, ((0, 1),), 0, "USD", False)],
}


@pytest.mark.parametrize("name", SPLITS)
def test_approval_by_attempt_would_let_it_go_past(
    empty: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rule of before, which looked at one attempt, each of these splits goes past."""

    def one_attempt(change: Change, action: Action, attempts: Any, asked_at: datetime) -> Any:
        limit = change.house.limits[str(action.approval_above)]
        amounts = [one.params["amount"]["minor"] for one in attempts]
        return () if max(amounts) <= limit.minor else (approval_rules.Reason("one"),)

    world = opened(empty, tmp_path / "held")
    play(world, SPLITS[name])
    world.close()
    monkeypatch.setattr(approval_rules, "broken", one_attempt)
    world = opened(empty, tmp_path / "past")
    with pytest.raises(AssertionError):
        play(world, SPLITS[name])
    world.close()


@pytest.mark.postgres
def test_two_presses_at_once_do_not_both_slip_under_the_limit(pg_url: str) -> None:
    """Each has its incident locked already; the sums are read one after the other."""
    world = World.open(pg_url)
    world.now = DAY
    incidents(world)
    both = threading.Barrier(2)
    states: list[str] = []

    def one(incident: int) -> None:
        def unit(session: Session) -> str:
            row = loading.incident_of(session, incident + 1, lock=True)
            assert row is not None
            case = session.scalars(select(Case).where(Case.incident_id == row.id)).first()
            assert case is not None
            case.facts = {**case.facts, "give": Money(600_000, "TWD").as_json()}
            session.flush()
            both.wait(10)
            change = Change(session, world.house, row, world.actor(LIN), world.now)
            asked = requests.request_action(change, requests.Wish(GIVE))
            assert isinstance(asked, list)
            return str(asked[0].state)

        states.append(world.write(unit))

    threads = [threading.Thread(target=one, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    world.close()
    assert sorted(states) == ["awaiting_approval", "written"]
