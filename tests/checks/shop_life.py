"""Life of a shop over two months, in canonical rows: orders that go their way, and planted faults.

Rows are `(entity, values)`: words of ours, aware times, amounts as decimals. Nothing in it is wrong
but what `plant` adds, which says what the checks must find.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

Row = tuple[str, dict[str, Any]]
Way = list[tuple[str, float]]  # a state, and after how many hours it came into it
ORDERS = 260
_ARTICLES = [f"SKU-{number:03d}" for number in range(31)]
_PRICES = {one: Decimal(random.Random(one).randint(190, 9990)) / 100 for one in _ARTICLES}
_STREETS = ("Zhongxiao Rd", "Main Street", "Lindenweg", "Rue du Lac")
_CHANNELS = ("northpay", "adyen", "linepay")


class Life:
    """Writes it down row by row; keys count up as a database would count them."""

    def __init__(self, now: datetime, seed: int = 7) -> None:
        self.now = now
        self.rows: list[Row] = []
        self._rng = random.Random(seed)
        self.keys: dict[str, int] = {}

    def add(self, entity: str, *, key: bool = True, **values: Any) -> int:
        self.keys[entity] = self.keys.get(entity, 0) + 1
        made = {"key": self.keys[entity], **values} if key else values
        self.rows.append((entity, made))
        return self.keys[entity]

    def whole(self) -> list[Row]:
        """The life without a fault."""
        for number in range(60):
            self.add("customers", language=("en", "zh-TW", "de", "zh_Hant")[number % 4])
        ages = sorted((self._rng.uniform(0.2, 60 * 24) for _ in range(ORDERS)), reverse=True)
        for hours in ages:
            self.order(hours)
        for article in _ARTICLES:
            on_hand = self._rng.randint(20, 90)
            reserved = self._rng.randint(0, 20)
            self.add("stock", key=False, sku=article, on_hand=on_hand, reserved=reserved)
        for day in range(40, -1, -1):
            for kind, name in (("backup", "nightly dump"), ("transfer", "orders to ledger")):
                began = self.ago(24 * day + 6)
                moved = self._rng.randint(900, 4000)
                self.add(
                    "jobs", name=name, kind=kind, state="succeeded", started_at=began,
                    ended_at=began + timedelta(minutes=9), rows=moved, expected=moved,
                )  # fmt: skip
        for _ in range(40):
            opened = self.ago(self._rng.uniform(30, 1000))
            answered = opened + timedelta(hours=self._rng.uniform(0.2, 3))
            state = self._rng.choice(("answered", "closed"))
            self.add("tickets", state=state, opened_at=opened, answered_at=answered)
        self.add("tickets", state="open", opened_at=self.ago(1), answered_at=None)
        return self.rows

    def ago(self, hours: float) -> datetime:
        return (self.now - timedelta(hours=hours)).replace(microsecond=0)

    def total(self, key: int) -> Decimal:
        found = (one for entity, one in self.rows if entity == "orders" and one["key"] == key)
        return Decimal(next(found)["total"])

    def order(self, hours: float, way: Way | None = None, **changed: Any) -> tuple[int, str]:
        """One order of so long ago, as it went or the given way; its key and number."""
        rng = self._rng
        chosen = rng.sample(_ARTICLES, rng.randint(1, 3))
        lines = [(article, rng.choice((1, 1, 1, 2, 3))) for article in chosen]
        total = sum((_PRICES[article] * pieces for article, pieces in lines), Decimal(0))
        fate = rng.random()
        steps = self._steps(hours, fate)
        if way is not None:
            steps = [(state, self.ago(hours - after)) for state, after in way]
        since = steps[-1][1] if steps else self.ago(hours)
        state = steps[-1][0] if steps else "awaiting_payment"
        number = f"W{self.keys.get('orders', 0) + 1 + 26000}"
        phone = f"+886 9{rng.randint(10, 99)} {rng.randint(100, 999)} {rng.randint(100, 999)}"
        values: dict[str, Any] = {
            "number": number, "state": state, "state_since": since, "placed_at": self.ago(hours),
            "promised_at": self.ago(hours - 72), "total": total, "discount": Decimal(0),
            "currency": "EUR", "customer": rng.randint(1, 60), "phone": phone,
            "address": f"{rng.choice(_STREETS)} {rng.randint(1, 300)}",
            "postcode": str(rng.randint(10000, 10050)),
        }  # fmt: skip
        values |= changed
        key = self.add("orders", **values)
        for article, pieces in lines:
            self.add(
                "order_lines", order_key=key, sku=article, quantity=pieces,
                amount=_PRICES[article] * pieces, currency="EUR",
            )  # fmt: skip
        self._went(key, hours, values["state"], steps, lines, total)
        return key, str(values["number"])

    def _steps(self, hours: float, fate: float) -> list[tuple[str, datetime]]:
        """The states that it came into, and when."""
        if hours < 0.5 or fate < 0.02:
            return []
        if fate < 0.07:
            return [("cancelled", self.ago(hours - 0.4))]
        way = [("paid", 0.1), ("dispatched", 20), ("delivered", 60), ("completed", 300)]
        if fate > 0.95:
            way[3:] = [("refunded", 200)]
        return [(state, self.ago(hours - after)) for state, after in way if hours > after]

    def _went(
        self,
        key: int,
        hours: float,
        state: str,
        steps: list[tuple[str, datetime]],
        lines: list[tuple[str, int]],
        total: Decimal,
    ) -> None:
        before = "awaiting_payment"
        for to, at in steps:
            self.add("state_changes", order_key=key, from_state=before, to_state=to, at=at)
            before = to
        reached = dict(steps)
        if self._rng.random() < 0.12 and "paid" in reached:
            self.payment(key, total, "failed", hours - 0.02, stage="3ds")
        if "paid" in reached:
            self.payment(key, total, "captured", hours - 0.08)
        elif "cancelled" not in reached and hours < 0.5:
            self.payment(key, total, "created", hours)
        if "refunded" in reached:
            self.add(
                "refunds", order_key=key, state="succeeded", amount=total, currency="EUR",
                created_at=reached["refunded"], payment_key=self.keys["payments"],
            )  # fmt: skip
        if "dispatched" in reached:
            self._sent(key, reached, lines)
        if state == "cancelled" and steps and self._rng.random() < 0.8:
            self.add("cancel_requests", key=False, order_key=key, asked_at=self.ago(hours - 0.2))
        if "completed" in reached and self._rng.random() < 0.2:
            asked = reached["delivered"] + timedelta(hours=50)
            self.add(
                "return_requests", order_key=key, state=self._rng.choice(("done", "refused")),
                reason=self._rng.choice(("too small", "broken", "other colour")), asked_at=asked,
            )  # fmt: skip

    def payment(
        self, key: int | None, amount: Decimal, state: str, hours: float, stage: str | None = None
    ) -> int:
        channel = self._rng.choice(_CHANNELS)
        return self.add(
            "payments", order_key=key, channel=channel, state=state, stage=stage, amount=amount,
            currency="EUR", created_at=self.ago(hours),
        )  # fmt: skip

    def _sent(self, key: int, reached: dict[str, datetime], lines: list[tuple[str, int]]) -> None:
        left, came = reached["dispatched"], reached.get("delivered")
        for article, pieces in lines:
            at = left - timedelta(minutes=30)
            self.add("scans", key=False, order_key=key, sku=article, quantity=pieces, at=at)
        parcel = self.add(
            "shipments", order_key=key, carrier=self._rng.choice(("dhl", "blackcat")),
            tracking=f"TW{self._rng.randint(10**9, 10**10)}",
            state="delivered" if came else "shipped", shipped_at=left, delivered_at=came,
        )  # fmt: skip
        for after, state in ((2, "moved"), (9, "moved")):
            at = left + timedelta(hours=after)
            if at < self.now:
                self.add("tracking_events", key=False, shipment_key=parcel, state=state, at=at)
        if came is not None:
            self.add("tracking_events", key=False, shipment_key=parcel, state="delivered", at=came)


def plant(life: Life, *, declared: bool) -> Iterator[tuple[str, str]]:
    """Faults beside the life: the check that must find each, and the case.

    `declared`: a payment of an order that is not there cannot be written.
    """
    paid = [("paid", 0.1)]
    _, number = life.order(30, way=paid)
    yield "late", number
    _, number = life.order(0.3, way=paid, phone="")
    yield "phone-missing", number
    key, number = life.order(0.8, way=[])
    life.payment(key, life.total(key), "captured", 0.6)
    yield "payment-not-booked", number
    _, number = life.order(5, way=paid, total=Decimal("812.50"))
    yield "amounts", number
    _, number = life.order(4, way=paid, address=None)
    yield "address-incomplete", number
    key, number = life.order(200, way=[*paid, ("dispatched", 20), ("delivered", 60)])
    life.add(
        "refunds", order_key=key, state="pending", amount=Decimal("3.10"), currency="EUR",
        created_at=life.ago(80), payment_key=life.keys["payments"],
    )  # fmt: skip
    yield "refund-stuck", number
    life.add(
        "return_requests", order_key=key, state="open", reason="too small",
        asked_at=life.ago(24 * 4),
    )  # fmt: skip
    yield "return-overdue", number
    key, number = life.order(6, way=paid)
    life.add("cancel_requests", key=False, order_key=key, asked_at=life.ago(5))
    yield "cancel-not-done", number
    life.order(7, way=paid, number=number)
    yield "number-twice", number
    life.add("stock", key=False, sku="SKU-099", on_hand=3, reserved=10)
    yield "stock-short", "SKU-099"
    if not declared:
        paid_for_none = life.payment(99_999, Decimal("19.99"), "captured", 3)
        yield "payment-without-order", str(paid_for_none)
