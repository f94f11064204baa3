"""Each detection of the plan finds what was planted and nothing beside it, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.check import run_once
from bot.settings import Settings, parse_settings
from bot.settings_errors import SettingsError
from bot.wiring.check_connections import open_checks
from checks.model import CheckResult, Failed
from checks.registry import build
from checks.runner import run_check
from plan.check_files import check_files
from plan.loader import load_plan
from plan.sources import DATA
from tests.checks.conftest import ENGINES, address_of
from tests.checks.whole_shop import Shop, mapped

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(**how: float) -> datetime:
    return NOW - timedelta(**how)


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    found = Shop(address_of(request, tmp_path))
    yield found
    found.close()


def settings(url: str, **changed: Any) -> Settings:
    entities = changed.pop("entities", mapped())
    shop = {"name": "Laden", "currency": "TWD", "database_url": url, "mapping": entities}
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": shop,
            **changed,
        }
    )


def found_by(url: str, **changed: Any) -> dict[str, CheckResult]:
    return {one.name: one for one in asyncio.run(run_once(settings(url, **changed), ()))}


Planted = dict[str, set[tuple[str, str]]]  # by check: incident type and case


def addresses(shop: Shop) -> Planted:
    where = {"awaiting_payment": "order_info_error", "paid": "shipping_address_error"}
    where["dispatched"] = "delivery_address_error"
    planted = set()
    for key, (state, kind) in enumerate(where.items(), start=10):
        planted.add((kind, shop.order(key, state, placed_at=ago(hours=2), address="")))
    planted.add(("shipping_address_error", shop.order(20, "paid", postcode=None)))
    shop.order(21, "cancelled", address=None)
    phone = shop.order(22, "paid", phone="")
    shop.order(23, "dispatched", phone=None)
    return {
        "address-incomplete": planted,
        "phone-missing": {("order_info_error", phone)},
    }


def duplicates(shop: Shop) -> Planted:
    shop.order(1, "paid", customer=7, placed_at=ago(minutes=60))
    twin = shop.order(2, "awaiting_payment", customer=7, placed_at=ago(minutes=51))
    shop.order(3, "paid", customer=7, placed_at=ago(minutes=40))  # eleven minutes later
    shop.order(4, "paid", customer=8, placed_at=ago(minutes=60))
    shop.order(5, "paid", customer=8, placed_at=ago(minutes=59), total="99.00")
    shop.order(6, "cancelled", customer=8, placed_at=ago(minutes=58))
    shop.order(7, "paid", customer=None, placed_at=ago(minutes=60))
    shop.order(8, "paid", customer=None, placed_at=ago(minutes=60))
    return {"order-duplicate": {("order_duplicate", twin)}}


def cancellations(shop: Shop) -> Planted:
    asked = shop.order(1, "paid")
    for key, state in ((2, "cancelled"), (3, "paid")):
        shop.order(key, state)
    shop.add("cancel_requests", order_key=1, asked_at=ago(hours=5))
    shop.add("cancel_requests", order_key=2, asked_at=ago(hours=5))
    shop.add("cancel_requests", order_key=3, asked_at=ago(hours=3))
    return {"cancel-not-done": {("order_cancel_request", asked)}}


def payments(shop: Shop) -> Planted:
    def paid(key: int, order: int | None, state: str, amount: str = "100.00", **how: float) -> None:
        at = ago(**(how or {"hours": 2}))
        shop.add(
            "payments", key=key, order_key=order, state=state, amount=amount, currency="TWD",
            created_at=at,
        )  # fmt: skip

    not_booked = shop.order(1, "awaiting_payment")
    paid(1, 1, "captured")
    shop.order(2, "awaiting_payment")
    paid(2, 2, "captured", minutes=5)
    shop.order(3, "awaiting_payment")
    paid(3, 3, "captured", "60.00")  # a part: its amount is another matter
    shop.order(4, "paid")
    paid(4, 4, "captured")
    paid(5, 999, "captured")
    paid(6, 998, "failed")
    paid(7, 997, "captured", days=31)  # its order may have been put away since
    failed = set()
    for key in range(10, 15):
        failed.add(("payment_failed", shop.order(key, "awaiting_payment")))
        paid(key * 10, key, "failed", hours=3)
    shop.order(15, "awaiting_payment")  # tries again
    paid(150, 15, "failed", hours=3)
    paid(151, 15, "created", minutes=2)
    shop.order(16, "awaiting_payment")  # failed just now
    paid(160, 16, "failed", minutes=20)
    return {
        "payment-not-booked": {("payment_not_received", not_booked)},
        "payment-without-order": {("payment_without_order", "5")},
        "payment-failed": failed,
    }


def refunds(shop: Shop) -> Planted:
    def back(key: int, order: int, state: str, **how: float) -> None:
        shop.add(
            "refunds", key=key, order_key=order, state=state, amount="40.00", currency="TWD",
            created_at=ago(**how),
        )  # fmt: skip

    late, lost = shop.order(1, "refunded"), shop.order(2, "refunded")
    back(1, 1, "pending", hours=73)
    back(2, 2, "failed", hours=1)
    for key in (3, 4, 5):
        shop.order(key, "refunded")
    back(3, 3, "pending", hours=71)
    back(4, 4, "failed", hours=90)
    back(5, 4, "succeeded", hours=80)
    back(6, 5, "succeeded", hours=200)
    twice = shop.order(6, "refunded")
    back(7, 6, "succeeded", hours=50)
    back(8, 6, "pending", hours=49, minutes=10)
    shop.order(7, "refunded")
    back(9, 7, "succeeded", hours=50)
    back(10, 7, "succeeded", hours=48)  # two articles of one price, two hours apart
    shop.order(8, "refunded")
    back(11, 8, "failed", hours=50, minutes=5)
    back(12, 8, "succeeded", hours=50)
    return {
        "refund-stuck": {("refund_stuck", late), ("refund_stuck", lost)},
        "refund-twice": {("refund_duplicate", twice)},
    }


def stock(shop: Shop) -> Planted:
    shop.add("stock", sku="TEA-250", on_hand=3, reserved=10)
    shop.add("stock", sku="TEA-500", on_hand=3, reserved=3)
    return {"stock-short": {("stock_shortage", "TEA-250")}}


def parcels(shop: Shop) -> Planted:
    def sent(key: int, state: str, *events: tuple[str, float], shipped: float = 24) -> str:
        number = shop.order(key, "dispatched")
        shop.add("shipments", key=key, order_key=key, state=state, shipped_at=ago(hours=shipped))
        for what, hours in events:
            shop.add("tracking_events", shipment_key=key, state=what, at=ago(hours=hours))
        return number

    held = sent(1, "shipped", ("moved", 20), ("held", 5))
    sent(2, "shipped", ("held", 20), ("moved", 5))
    sent(3, "delivered", ("held", 5))
    gone = sent(4, "shipped", ("moved", 180), shipped=200)
    sent(5, "shipped", ("moved", 100), shipped=200)
    waits = sent(6, "shipped", ("offered", 130), shipped=140)
    sent(7, "shipped", ("offered", 100), shipped=140)
    sent(8, "shipped", ("offered", 130), ("delivered", 1), shipped=140)
    return {
        "parcel-held-up": {("logistics_exception", held)},
        "parcel-not-seen": {("shipment_lost", gone)},
        "parcel-not-taken": {("delivery_unsigned", waits)},
    }


def carriers(shop: Shop) -> Planted:
    """Of one carrier nothing is heard; of another few parcels are under way; the third is heard."""
    parcels = [("Cat", 50)] * 20 + [("Own", 90)] * 19 + [("Post", 50)] * 20 + [("Post", 3)]
    for key, (carrier, hours) in enumerate(parcels, start=1):
        shop.order(key, "dispatched")
        shop.add(
            "shipments", key=key, order_key=key, carrier=carrier, state="shipped",
            shipped_at=ago(hours=100),
        )  # fmt: skip
        shop.add("tracking_events", shipment_key=key, state="moved", at=ago(hours=hours))
    return {"carrier-silent": {("carrier_silent", "Cat")}}


def no_carrier_is_heard(shop: Shop) -> Planted:
    """All parcels seem lost when no news comes in: that is one finding, and not theirs."""
    for key in range(1, 21):
        shop.order(key, "dispatched")
        shop.add(
            "shipments", key=key, order_key=key, carrier="Cat", state="shipped",
            shipped_at=ago(hours=200),
        )  # fmt: skip
        shop.add("tracking_events", shipment_key=key, state="moved", at=ago(hours=190))
    return {"carrier-silent": {("carrier_silent", "Cat")}, "parcel-not-seen": set()}


def late(shop: Shop) -> Planted:
    found = shop.order(1, "paid", promised_at=ago(minutes=1))
    shop.order(2, "paid", promised_at=NOW + timedelta(hours=1))
    shop.order(3, "dispatched", promised_at=ago(hours=30))
    shop.order(4, "paid")
    return {"shipment-late": {("shipment_late", found)}}


def packed(shop: Shop) -> Planted:
    short = shop.order(1, "dispatched")
    for order, sku, quantity in ((1, "A", 2), (1, "B", 1), (2, "A", 2), (3, "A", 2)):
        shop.add("order_lines", order_key=order, sku=sku, quantity=quantity)
    shop.order(2, "dispatched")
    shop.order(3, "dispatched")  # nobody scanned it at all
    for order, sku, quantity in ((1, "A", 1), (1, "B", 1), (2, "A", 1), (2, "A", 1)):
        shop.add("scans", order_key=order, sku=sku, quantity=quantity)
    return {"goods-missing": {("goods_missing", short)}}


def returns(shop: Shop) -> Planted:
    def asked(
        key: int, order: int, state: str = "open", reason: str | None = "too small", **how: float
    ) -> None:
        at = ago(**(how or {"hours": 1}))
        shop.add(
            "return_requests", key=key, order_key=order, state=state, reason=reason, asked_at=at
        )

    numbers = {key: shop.order(key, "delivered") for key in range(1, 7)}
    for key in numbers:
        days = 40 if key == 4 else 3
        shop.add(
            "shipments", key=key, order_key=key, state="delivered", shipped_at=ago(days=days + 2),
            delivered_at=ago(days=days),
        )  # fmt: skip
    asked(1, 1)
    asked(2, 2, hours=5)
    asked(3, 2, hours=1)
    asked(4, 3, reason="")
    asked(5, 4)
    asked(6, 5, hours=80)
    asked(7, 6, state="done", reason=None, hours=500)
    return {
        "return-twice": {("return_request_duplicate", numbers[2])},
        "return-without-reason": {("return_request_incomplete", numbers[3])},
        "return-too-late": {("return_request_ineligible", numbers[4])},
        "return-overdue": {("return_request_overdue", numbers[5])},
    }


def tickets(shop: Shop) -> Planted:
    for key in range(1, 6):
        shop.add("tickets", key=key, state="open" if key % 2 else "waiting", opened_at=ago(hours=5))
    shop.add("tickets", key=6, state="open", opened_at=ago(hours=3))
    shop.add("tickets", key=7, state="open", opened_at=ago(hours=9), answered_at=ago(hours=8))
    shop.add("tickets", key=8, state="closed", opened_at=ago(hours=9))
    return {"ticket-waiting": {("service_slow", str(key)) for key in range(1, 6)}}


def no_ticket_comes(shop: Shop) -> Planted:
    for key in range(1, 101):
        shop.add(
            "tickets",
            key=key,
            state="closed",
            opened_at=ago(hours=37 + key),
            answered_at=ago(hours=36),
        )
    return {"tickets-silent": {("tickets_silent", "tickets")}, "ticket-waiting": set()}


def entered(shop: Shop) -> Planted:
    negative = shop.order(1, "paid", total="-5.00")
    without = shop.order(2, "paid")
    shop.order(3, "paid")
    shop.add("order_lines", order_key=2, sku="", quantity=1)
    shop.add("order_lines", order_key=3, sku="A", quantity=1)
    shop.order(4, "completed", total="-5.00")
    shop.order(5, "paid", number="K77")
    shop.order(6, "dispatched", number="K77")
    twice = {("data_entry_error", "K77")}
    kind = "data_entry_error"
    return {"order-impossible": {(kind, negative), (kind, without)}, "number-twice": twice}


def lost(shop: Shop) -> Planted:
    shop.order(1, "paid")
    for order in (1, 77, None):
        shop.add("order_lines", order_key=order, sku="A", quantity=1)
    return {"lines-without-order": {("db_inconsistent", "77")}}


def jobs(shop: Shop) -> Planted:
    def ran(key: int, name: str, kind: str, state: str, hours: float, **more: Any) -> None:
        shop.add(
            "jobs", key=key, name=name, kind=kind, state=state, started_at=ago(hours=hours + 1),
            ended_at=ago(hours=hours), **more,
        )  # fmt: skip

    ran(1, "to-warehouse", "transfer", "failed", 1)
    ran(2, "to-ledger", "transfer", "failed", 5)
    ran(3, "to-ledger", "transfer", "succeeded", 1, rows=500, expected=500)
    ran(4, "to-mail", "transfer", "succeeded", 1, rows=499, expected=500)
    ran(5, "nightly", "backup", "succeeded", 30)
    ran(6, "nightly", "backup", "failed", 2)
    ran(7, "hourly", "backup", "succeeded", 50)
    ran(8, "hourly", "backup", "succeeded", 1)
    return {
        "transfer-failed": {("transfer_interrupted", "1")},
        "transfer-differs": {("transfer_integrity", "4")},
        "backup-overdue": {("backup_overdue", "5")},
    }


PLANTS: tuple[Callable[[Shop], Planted], ...] = (
    addresses, duplicates, cancellations, payments, refunds, stock, parcels, carriers,
    no_carrier_is_heard, late, packed, returns, tickets, no_ticket_comes, entered, lost, jobs,
)  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_it_finds_what_was_planted_and_nothing_beside_it(
    shop: Shop, plant: Callable[[Shop], Planted]
) -> None:
    """All detections look, since a fault of one kind must be none of another."""
    planted = plant(shop)
    results = found_by(shop.url)
    assert {name: one.error for name, one in results.items() if one.error} == {}
    found = {
        name: {(f.incident_type, case.key) for f in one.findings for case in f.cases}
        for name, one in results.items()
    }
    for name, cases in planted.items():
        assert found[name] == cases, name
    # What is wrong in one way may be so in another: an order without an address has no line either.
    beside = {name for name, cases in found.items() if cases} - planted.keys()
    assert not beside, {name: found[name] for name in beside}


def test_every_detection_is_planted_and_runs_here(tmp_path: Path) -> None:
    """A detection that no row of this file plants proves nothing; each opens a type of the plan."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    every = {source.path.stem for source, _ in check_files() if source.path.is_relative_to(DATA)}
    found = settings(shop.url)
    assert {check.name for check in found.checks} == every
    assert found.off == {}
    types = {kind.id for section in load_plan().plan.sections.values() for kind in section.types}
    assert {kind for check in found.checks for kind in check.opens} <= types
    planted = {name for plant in PLANTS for name in plant(Shop(shop.url))}
    assert planted == every
    shop.close()


LATEST = {
    "having": """select e.shipment_key as k from tracking_events e group by e.shipment_key
        having coalesce(max(e.at), min(e.at)) < :late""",
    "of a query within": """select x.k from (select e.shipment_key as k, max(e.at) as last
        from tracking_events e group by e.shipment_key) x where x.last < :late""",
    "one value": """select s.key as k from shipments s where :late > (
        select max(e.at) from tracking_events e where e.shipment_key = s.key)""",
}


@pytest.mark.parametrize("within", LATEST.values(), ids=LATEST)
def test_the_latest_of_many_is_held_against_the_shops_own_clock(
    tmp_path: Path, within: str
) -> None:
    """A time in Taipei's clock that was worked out in the query is still in it."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    for key, hours in ((1, 11), (2, 9)):
        shop.add("shipments", key=key, order_key=key, state="shipped", shipped_at=ago(hours=30))
        shop.add("tracking_events", shipment_key=key, state="moved", at=ago(hours=hours))
    own = {
        "name": "own", "kind": "query", "incident_type": "shipment_late", "subject": "own",
        "find": f"select y.k as number from ({within}) y", "parameters": {"late": {"hours": 10}},
    }  # fmt: skip
    (finding,) = found_by(shop.url, checks=[own])["own"].findings
    assert [case.key for case in finding.cases] == ["1"]
    shop.close()


def test_what_is_not_mapped_switches_its_detections_off_by_name(tmp_path: Path) -> None:
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    entities = mapped(without={"tickets": (), "orders": ("promised_at",)})
    found = settings(shop.url, entities=entities)
    assert dict(found.off) == {
        "shipment-late": "orders.promised_at is not mapped: say where the shop keeps it",
        "ticket-waiting": "“tickets” is not mapped: say where the shop keeps it",
        "tickets-silent": "“tickets” is not mapped: say where the shop keeps it",
    }
    assert not {"shipment-late", "ticket-waiting"} & {check.name for check in found.checks}
    shop.close()


def test_a_detection_is_switched_off_or_said_otherwise_by_the_configuration(tmp_path: Path) -> None:
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    own = {
        "name": "shipment-late", "kind": "query", "incident_type": "shipment_late",
        "subject": "late-here", "find": "select o.number from orders o where o.state = 'paid'",
    }  # fmt: skip
    found = settings(shop.url, checks=[own], detections={"off": ["stock-short"]})
    by_name = {check.name: check for check in found.checks}
    assert "stock-short" not in by_name
    assert by_name["shipment-late"].find == own["find"]  # type: ignore[union-attr]
    shown = settings(shop.url, detections={"shadow": ["stock-short"]})
    assert [check.name for check in shown.checks if check.shadow] == ["stock-short"]
    for key in ("off", "shadow"):
        with pytest.raises(SettingsError, match=f"{key} names “stock-shrt”, which is no"):
            settings(shop.url, detections={key: ["stock-shrt"]})
    shop.close()


def test_what_was_found_does_not_recover_by_its_age(tmp_path: Path) -> None:
    """`held`: a payment without an order is found as long as it stands, however old it becomes."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    for key, days in ((1, 29), (2, 31)):
        shop.add(
            "payments", key=key, order_key=999, state="captured", amount="1.00",
            currency="TWD", created_at=ago(days=days),
        )  # fmt: skip

    async def look(later: int, first: int | None) -> list[str]:
        failed = (
            {}
            if first is None
            else {"payment-without-order": Failed(ago(days=-first), ago(days=-later))}
        )
        found = settings(shop.url)
        (check,) = (one for one in found.checks if one.name == "payment-without-order")
        async with open_checks(found) as checking:
            at = ago(days=-later)
            result = await run_check(build(check), checking.context(at, failed=failed))
        return [case.key for finding in result.findings for case in finding.cases]

    assert asyncio.run(look(0, None)) == ["1"]
    assert asyncio.run(look(40, None)) == []
    assert asyncio.run(look(40, 0)) == ["1"]
    shop.close()


def test_of_few_rows_a_pattern_is_none_and_one_that_stood_ends_with_the_last(
    tmp_path: Path,
) -> None:
    """`at_least`: four waiting customers are no incident."""
    shop = Shop(f"sqlite:///{tmp_path / 'laden.db'}")
    for key in range(1, 5):
        shop.add("tickets", key=key, state="open", opened_at=ago(hours=5))
    assert found_by(shop.url)["ticket-waiting"].findings == ()
    shop.add("tickets", key=5, state="open", opened_at=ago(hours=5))
    (finding,) = found_by(shop.url)["ticket-waiting"].findings
    assert finding.count == 5
    shop.close()
