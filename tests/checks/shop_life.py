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
Found = dict[str, set[tuple[str, str]]]
ORDERS = 260
_ARTICLES = [f"SKU-{number:03d}" for number in range(31)]
_PRICES = {one: Decimal(random.Random(one).randint(190, 9990)) / 100 for one in _ARTICLES}
_STREETS = ("Zhongxiao Rd", "Main Street", "Lindenweg", "Rue du Lac")
_CHANNELS = ("northpay", "adyen", "linepay")


class Life:
    """Writes it down row by row; keys count up as a database would count them."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.rows: list[Row] = []
        self._rng = random.Random(7)
        self._keys: dict[str, int] = {}

    def add(self, entity: str, *, key: bool = True, **values: Any) -> int:
        self._keys[entity] = self._keys.get(entity, 0) + 1
        made = {"key": self._keys[entity], **values} if key else values
        self.rows.append((entity, made))
        return self._keys[entity]

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

    def order(self, hours: float, **changed: Any) -> tuple[int, str]:
        """One order of so long ago, as it went; its key and number."""
        rng = self._rng
        chosen = rng.sample(_ARTICLES, rng.randint(1, 3))
        lines = [(article, rng.choice((1, 1, 1, 2, 3))) for article in chosen]
        total = sum((_PRICES[article] * pieces for article, pieces in lines), Decimal(0))
        fate = rng.random()
        steps = self._steps(hours, fate)
        since = steps[-1][1] if steps else self.ago(hours)
        state = steps[-1][0] if steps else "awaiting_payment"
        number = f"W{self._keys.get('orders', 0) + 1 + 26000}"
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
                created_at=reached["refunded"], payment_key=self._keys["payments"],
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


def plant(life: Life) -> Iterator[tuple[str, str, str]]:
    """Faults beside the life: the check that must find each, the incident, and the order."""
    key, number = life.order(30, state="paid", state_since=life.ago(29))
    yield "late", "order_state_stuck", number
    _, number = life.order(0.3, phone="", state="paid", state_since=life.ago(0.2))
    yield "phone-missing", "order_info_error", number
    key, number = life.order(0.4, state="awaiting_payment")
    total = next(v["total"] for e, v in reversed(life.rows) if e == "orders" and v["key"] == key)
    life.payment(key, total, "captured", 0.35)
    yield "payment-not-booked", "payment_not_booked", number
