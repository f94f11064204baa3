"""A subject that failed: each later run says that it fails, that it is well, or that it did not
look. Truth comes from the shop's tables, what is asserted from the bot's incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import insert, select, update

from bot.cli.doctor import _fallen_back
from checks.kinds.base import Check, CheckContext, LookFailed
from checks.model import CheckResult
from checks.queries.entity_mapping import EntitiesMapping
from checks.registry import AnyCheckSettings, build
from checks.runner import run_check
from checks.shop.source import ShopDatabase
from incidents.cases import awaited
from incidents.detection.earlier_failures import failed_before
from incidents.detection.findings import NOT_LOOKED_AT, in_parts, take_check_result
from incidents.lifecycle import commands
from storage.models import Case, CheckState, Incident
from tests.checks.foreign_shop import MAPPING, ForeignShop, bestellungen, verlauf, zahlungen
from tests.incidents.world import DAY, MEI, World

STATES = {
    "name": "states",
    "kind": "stuck_orders",
    "recover_after": 2,
    "limits": {"paid": 480},
    "transitions": {
        "awaiting_payment": ["paid", "cancelled"],
        "paid": ["dispatched"],
        "dispatched": [],
    },
}
AMOUNTS = {"name": "amounts", "kind": "amount_mismatch", "recover_after": 1, "settle": 60}
CHANNEL = {
    "name": "card",
    "kind": "payment_channel",
    "open_after": 1,
    "recover_after": 2,
    "channel": {"id": "karte", "name": "Karte"},
}


class Watched:
    """A shop, and a house that looks at it with one check whenever a test says so."""

    def __init__(self, world: World, shop: ForeignShop) -> None:
        self.world, self.shop = world, shop
        self.source = ShopDatabase(shop.url, EntitiesMapping.model_validate({"entities": MAPPING}))
        self.tests: dict[str, bool] = {}  # what a test payment through a channel says
        self.route = "karte"
        self.last: CheckResult | None = None

    async def _look(self, name: str, params: dict[str, Any]) -> Any:
        if name == "route":
            if self.route == "away":
                raise LookFailed("timeout")
            return {"method": params["method"], "channel": self.route}
        return {"ok": self.tests[params["channel"]]}

    def look(self, settings: dict[str, Any], times: int = 1, every: float = 60) -> None:
        """So many runs, as the bot makes them."""
        adapter: TypeAdapter[AnyCheckSettings] = TypeAdapter(AnyCheckSettings)
        check: Check = build(adapter.validate_python(settings))
        for _ in range(times):
            self.world.now += timedelta(seconds=every)
            now = self.world.now
            context = CheckContext(
                ask=None,  # type: ignore[arg-type]
                shop=self.source,
                currency="EUR",
                now=now,
                look=self._look,
                awaited=self.world.read(awaited),
                failed=self.world.read(lambda s: failed_before(s, check.settings.name)),
            )
            result = asyncio.run(run_check(check, context))
            assert result.error is None
            self.last = result
            for part in in_parts(result):
                self.world.write(
                    lambda s, p=part: take_check_result(s, self.world.house, p, self.world.now)
                )
        self.shop.now = self.world.now.replace(tzinfo=None)

    def put(self, number: str, state: str, *, noted: bool = False) -> None:
        """The order stands in that state now; `noted` in its history too."""
        order = int(number.removeprefix("B"))
        with self.shop._engine.begin() as connection:
            before = connection.scalar(
                select(bestellungen.c.zustand).where(bestellungen.c.lfd == order)
            )
            connection.execute(
                update(bestellungen)
                .where(bestellungen.c.lfd == order)
                .values(zustand=state, zustand_seit=self.shop.now)
            )
            if noted:
                row = {"bestellung": order, "von": before, "nach": state, "um": self.shop.now}
                connection.execute(insert(verlauf), [row])

    def pay(self, number: str, amount: str = "100.00", channel: str = "karte") -> None:
        order = int(number.removeprefix("B"))
        with self.shop._engine.begin() as connection:
            known = connection.scalars(select(zahlungen.c.nr)).all()
            row = {
                "nr": f"n{len(known)}",
                "bestellung": order,
                "weg": channel,
                "betrag": amount,
                "ergebnis": "ok",
                "um": self.shop.now,
            }
            connection.execute(insert(zahlungen), [row])

    def word(self, subject: str) -> str:
        """What the house knows of a subject by the last run."""
        state = self.world.read(
            lambda s: s.scalars(select(CheckState).where(CheckState.subject == subject)).one()
        )
        if state.last_error is not None:
            return state.last_error
        return "fails" if state.failures else "well"

    def incident_subjects(self) -> list[str]:
        return [one.subject for one in self.world.all(Incident)]

    def open_orders(self) -> list[str]:
        return sorted(self.world.read(awaited))

    @property
    def status(self) -> str:
        return str(self.world.incident().status)

    @property
    def recovered(self) -> bool:
        return self.world.incident().recovered_at is not None


@pytest.fixture
def watched(world: World, tmp_path: Path) -> Iterator[Watched]:
    world.now = DAY
    shop = ForeignShop(f"sqlite:///{tmp_path / 'laden.db'}")
    shop.now = DAY.replace(tzinfo=None)
    shop.create()
    found = Watched(world, shop)
    yield found
    found.source.close()
    shop.close()


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    made = World.open(sqlite_url)
    yield made
    made.close()


WRONG = "orders:dispatched>paid"


def test_an_order_that_was_put_right_recovers_the_incident_of_its_own_name(
    watched: Watched,
) -> None:
    number = watched.shop.order("bezahlt", came_from="versandt")
    watched.look(STATES)
    assert (watched.word(WRONG), watched.status) == ("fails", "open")
    watched.put(number, "versandt")
    watched.look(STATES)
    assert (watched.word(WRONG), watched.recovered) == ("well", False)
    watched.look(STATES)
    assert (watched.recovered, watched.status) == (True, "mitigated")


def test_another_wrong_pair_does_not_hide_that_the_first_is_right(watched: Watched) -> None:
    first = watched.shop.order("bezahlt", came_from="versandt")
    watched.look(STATES)
    watched.put(first, "versandt")
    watched.shop.order("offen", came_from="versandt")
    watched.look(STATES, 2)
    assert watched.word(WRONG) == "well"
    assert watched.recovered
    assert watched.word("orders:dispatched>awaiting_payment") == "fails"


def test_a_wrong_state_does_not_become_right_by_its_age(watched: Watched) -> None:
    number = watched.shop.order("bezahlt", came_from="versandt")
    watched.look(STATES)
    watched.look(STATES, 5, every=20 * 3600)
    assert (watched.word(WRONG), watched.recovered) == ("fails", False)
    watched.put(number, "versandt")
    watched.look(STATES, 2)
    assert watched.recovered


def test_an_order_that_went_on_rightly_is_not_held_to_an_old_transition(
    watched: Watched,
) -> None:
    """Back by hand, then through the allowed states to where it had wrongly been."""
    number = watched.shop.order("bezahlt", came_from="versandt")
    watched.look(STATES)
    for state in ("versandt", "offen", "bezahlt"):
        watched.shop.now += timedelta(seconds=5)
        watched.put(number, state, noted=True)
    watched.look(STATES, 2)
    assert (watched.word(WRONG), watched.recovered) == ("well", True)


def test_a_state_that_is_not_looked_at_any_more_is_not_said_to_be_right(
    watched: Watched,
) -> None:
    watched.shop.order("bezahlt", hours=500)
    watched.look(STATES)
    assert watched.word("orders:paid") == "fails"
    watched.look({**STATES, "limits": {"dispatched": 1}}, 5)
    assert (watched.word("orders:paid"), watched.recovered) == (NOT_LOOKED_AT, False)
    watched.look(STATES)
    assert watched.word("orders:paid") == "fails"


def test_merged_states_do_not_settle_each_others_orders(watched: Watched) -> None:
    """Each has left the other's state, or never stood in it: it stands still all the same."""
    both = {**STATES, "limits": {"paid": 480, "dispatched": 480}}
    left, stays = (watched.shop.order("bezahlt", hours=500) for _ in range(2))
    other = watched.shop.order("versandt", hours=500)
    watched.look(both)
    world = watched.world
    merged = world.write(
        lambda s: commands.merge(s, world.house, 2, world.actor(MEI), 1, world.now)
    )
    assert merged.ok
    watched.look(both, 2)
    assert watched.open_orders() == sorted([left, stays, other])
    watched.put(left, "versandt")
    watched.look(both, 2)
    assert watched.open_orders() == sorted([stays, other])


def test_a_difference_does_not_become_right_by_its_age(watched: Watched) -> None:
    watched.shop.order("bezahlt", paid=("90.00",))
    watched.look(AMOUNTS)
    watched.look(AMOUNTS, 3, every=20 * 86400)
    assert (watched.word("orders:amount"), watched.recovered) == ("fails", False)


def test_a_payment_that_is_being_booked_is_no_right_amount(watched: Watched) -> None:
    number = watched.shop.order("bezahlt", paid=("90.00",))
    watched.look(AMOUNTS)
    watched.pay(number, "5.00")
    watched.look(AMOUNTS, every=10)
    assert (watched.word("orders:amount"), watched.recovered) == (NOT_LOOKED_AT, False)
    watched.look(AMOUNTS, every=120)
    assert watched.word("orders:amount") == "fails"
    watched.pay(number, "5.00")
    watched.look(AMOUNTS, every=10)
    assert watched.recovered


SUBJECT = "channel:karte"


def failing(watched: Watched) -> None:
    for _ in range(12):
        watched.shop.order("offen", hours=0.01, result="abgelehnt", paid_hours=0.01)
    watched.look(CHANNEL)
    assert watched.word(SUBJECT) == "fails"


def test_a_channel_has_not_recovered_because_nobody_pays(watched: Watched) -> None:
    failing(watched)
    watched.look(CHANNEL, 3, every=600)
    assert (watched.word(SUBJECT), watched.recovered) == (NOT_LOOKED_AT, False)
    watched.shop.order("bezahlt", hours=0.001, paid_hours=0.001)
    watched.look(CHANNEL, 2, every=5)
    assert (watched.word(SUBJECT), watched.recovered) == ("well", True)


def test_a_test_payment_does_not_stand_for_what_customers_pay(watched: Watched) -> None:
    watched.tests = {"karte": True, "zweit": True}
    probed = {**CHANNEL, "probe_look": "test", "standby": {"id": "zweit", "name": "Zweit"}}
    failing(watched)
    watched.look(probed, 3, every=600)
    assert not watched.recovered


def test_while_the_traffic_goes_elsewhere_its_test_payment_is_what_can_be_seen(
    watched: Watched,
) -> None:
    watched.tests = {"karte": True, "zweit": True}
    probed = {**CHANNEL, "probe_look": "test", "standby": {"id": "zweit", "name": "Zweit"}}
    failing(watched)
    watched.look(probed, every=600)
    watched.shop.order("bezahlt", hours=0.001, channel="zweit", paid_hours=0.001)
    watched.look(probed, 2, every=5)
    assert (watched.word(SUBJECT), watched.recovered) == ("well", True)


# --- the route: the channel that carries the traffic is watched, whichever it is

STANDBY = "channel:zweit"
ROUTED = {
    **CHANNEL,
    "probe_look": "test",
    "route_look": "route",
    "standby": {"id": "zweit", "name": "Zweit"},
}


def pays(watched: Watched, channel: str, *, failed: int = 0, captured: int = 0) -> None:
    """Customers who try to pay right now."""
    for _ in range(captured):
        watched.shop.order("bezahlt", hours=0, channel=channel, paid_hours=0)
    for _ in range(failed):
        watched.shop.order("offen", hours=0, channel=channel, result="abgelehnt", paid_hours=0)


def switched(watched: Watched) -> None:
    """The card channel has failed; the traffic goes through the other one, and works there."""
    watched.tests = {"karte": False, "zweit": True}
    pays(watched, "karte", failed=12)
    watched.look(ROUTED)
    assert watched.incident_subjects() == [SUBJECT]
    watched.route = "zweit"
    pays(watched, "zweit", captured=12)
    watched.look(ROUTED, 2)


def test_what_fails_beside_the_traffic_rings_nobody_and_is_not_over(watched: Watched) -> None:
    switched(watched)
    facts = watched.world.incident().facts
    assert (facts["check"]["felt"], facts["now"]["captured"], facts["now"]["failed"]) == (
        False,
        12,
        0,
    )
    assert (watched.word(SUBJECT), watched.recovered) == ("fails", False)
    watched.tests["karte"] = True
    watched.look(ROUTED, 2, every=400)
    assert watched.recovered
    watched.tests["karte"] = False
    before = len(watched.world.rings())
    watched.look(ROUTED, 3)
    assert "came_back" not in watched.world.kinds()
    assert not watched.recovered
    assert len(watched.world.rings()) == before


def test_after_the_switch_the_new_channel_is_watched_for_the_same_incident(
    watched: Watched,
) -> None:
    switched(watched)
    watched.tests["karte"] = True
    watched.look(ROUTED, 2, every=400)
    assert (watched.recovered, watched.status) == (True, "mitigated")
    pays(watched, "zweit", failed=12)
    watched.look(ROUTED)
    facts = watched.world.incident().facts
    assert watched.incident_subjects() == [SUBJECT], "no second incident of the same outage"
    assert (watched.recovered, watched.status) == (False, "open")
    assert "came_back" in watched.world.kinds()
    assert (facts["now"]["channel"]["id"], facts["now"]["failed"]) == ("zweit", 12)
    assert (facts["channel"]["id"], facts["standby"]["id"]) == ("zweit", "karte")
    assert facts["standby"]["ok"] is True, "the way out is the channel that works"
    assert facts["failed"] == 12


def test_a_standby_that_carries_the_traffic_has_an_incident_of_its_own(
    watched: Watched,
) -> None:
    """Nothing is open, and the traffic was left there."""
    watched.tests = {"karte": True, "zweit": True}
    watched.route = "zweit"
    pays(watched, "zweit", failed=12)
    watched.look(ROUTED)
    assert watched.incident_subjects() == [STANDBY]
    facts = watched.world.incident().facts
    assert (facts["channel"]["name"], facts["standby"]["name"]) == ("Zweit", "Karte")
    watched.route = "karte"
    pays(watched, "karte", captured=3)
    watched.look(ROUTED, 2, every=400)
    assert (watched.word(STANDBY), watched.recovered) == ("well", True)


def test_an_idle_channel_that_fails_its_test_opens_nothing(watched: Watched) -> None:
    watched.tests = {"karte": False, "zweit": True}
    watched.route = "zweit"
    pays(watched, "zweit", captured=12)
    watched.look(ROUTED, 3)
    assert watched.incident_subjects() == []
    watched.route = "karte"
    watched.look(ROUTED)
    assert watched.incident_subjects() == [SUBJECT]


def test_a_route_that_the_shop_does_not_tell_is_seen_by_its_payments(watched: Watched) -> None:
    watched.tests = {"karte": True, "zweit": True}
    pays(watched, "zweit", failed=12)
    watched.look({name: value for name, value in ROUTED.items() if name != "route_look"})
    assert watched.incident_subjects() == [STANDBY]


@pytest.mark.parametrize(("route", "said"), [("away", "(timeout)"), ("", "(no_channel)")])
def test_a_route_look_that_does_not_answer_is_named_by_doctor(
    watched: Watched, route: str, said: str
) -> None:
    watched.tests = {"karte": True, "zweit": True}
    watched.look(ROUTED)
    assert watched.last is not None
    assert list(_fallen_back(watched.last)) == []
    watched.route = route
    watched.look(ROUTED)
    [(mark, sentence)] = _fallen_back(watched.last)
    assert mark == "look"
    assert said in sentence


def _cases(watched: Watched) -> dict[str, tuple[str, str | None]]:
    rows = watched.world.all(Case)
    return {row.key: (row.state, row.outcome) for row in rows}


def test_an_order_that_is_paid_and_sent_is_not_counted_as_standing_still(watched: Watched) -> None:
    """It went on by itself; the other one still stands, and a third was given up."""
    first, second, third = (watched.shop.order("bezahlt", hours=900) for _ in "123")
    watched.look(STATES)
    assert set(_cases(watched).values()) == {("open", None)}
    watched.put(first, "versandt")
    watched.put(third, "storniert")
    watched.look(STATES)
    assert _cases(watched) == {
        first: ("settled", None),
        second: ("open", None),
        third: ("settled", "cancelled"),
    }


def test_a_wrong_state_that_was_put_right_by_hand_is_put_right_here(watched: Watched) -> None:
    number = watched.shop.order("bezahlt", came_from="versandt")
    watched.look(STATES)
    watched.put(number, "versandt")
    watched.look(STATES)
    assert _cases(watched) == {number: ("settled", None)}
