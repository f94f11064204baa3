"""A Magento 2 shop's tables for tests, filled as Magento fills them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from tests.shops.tables import Tables

SCHEMA = Path(__file__).parent / "schema.sql"
# Each status with the state that it is one of; the last is the shop's own.
STATUSES = {
    "pending": "new",
    "pending_payment": "pending_payment",
    "processing": "processing",
    "complete": "complete",
    "closed": "closed",
    "canceled": "canceled",
    "holded": "holded",
    "picking": "processing",
}


class MagentoShop:
    """Its orders by increment id; hours are before now."""

    def __init__(self, url: str, prefix: str = "") -> None:
        self._engine = create_engine(url)
        self.tables = Tables(self._engine, SCHEMA, "", prefix)
        self._now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        self._number = 0
        for code in ("default", "second"):
            self.tables.add("store", code=code, website_id=1, name=code)
        for status, state in STATUSES.items():
            self.tables.add("sales_order_status", status=status, label=status)
            self.tables.add("sales_order_status_state", status=status, state=state)

    def close(self) -> None:
        self._engine.dispose()

    def order(
        self,
        *through: tuple[str, float],
        hours: float = 6,
        total: str = "100.00",
        currency: str = "EUR",
        email: str | None = None,
        number: str | None = None,
        store: int = 1,
        virtual: bool = False,
        street: str = "Kouter 1",
        postcode: str = "9000",
        country: str = "BE",
        phone: str = "+32 9 000 00 00",
        sku: str | None = "A-1",
        quantity: int = 1,
        invoices: Sequence[tuple[str, int]] = (("100.00", 2),),
        refunds: Sequence[tuple[str, int]] = (),
        refunded_hours: float = 2,
        remarks: int = 0,
    ) -> str:
        """Its increment id. `through`: its statuses after "pending", each with its hours;
        `invoices` and `refunds`: amounts with Magento's number of their state."""
        self._number += 1
        called = number or f"{store}{self._number:08d}"
        stood = [("pending", hours), *(through or (("processing", hours - 1),))]
        key = self.tables.add(
            "sales_order", increment_id=called, store_id=store, state=STATUSES[stood[-1][0]],
            status=stood[-1][0], is_virtual=int(virtual), grand_total=total, base_grand_total=total,
            subtotal=total, subtotal_incl_tax=total, discount_amount="0", shipping_amount="0",
            shipping_incl_tax="0", order_currency_code=currency, base_currency_code="EUR",
            customer_email=email or f"customer-{self._number}@shop.example",
            created_at=self._ago(hours),
        )  # fmt: skip
        if not virtual:
            address = self.tables.add(
                "sales_order_address", parent_id=key, address_type="shipping", street=street,
                postcode=postcode, country_id=country, telephone=phone,
            )  # fmt: skip
            self.tables.change("sales_order", "entity_id", key, shipping_address_id=address)
        for status, since in stood:
            self._history(key, status, since)
        for _ in range(remarks):  # a remark repeats the status that the order has
            self._history(key, stood[-1][0], 0.5)
        bundle = self.tables.add(
            "sales_order_item", order_id=key, sku=sku, product_type="configurable",
            qty_ordered=quantity, row_total=total, row_total_incl_tax=total,
        )  # fmt: skip
        self.tables.add(
            "sales_order_item", order_id=key, parent_item_id=bundle, sku=sku,
            product_type="simple", qty_ordered=quantity,
        )  # fmt: skip
        self.tables.add("sales_order_payment", parent_id=key, method="checkmo")
        money = {"order_id": key, "store_id": store, "order_currency_code": currency}
        for amount, state in invoices:
            at = self._ago(hours - 1)
            self.tables.add(
                "sales_invoice", grand_total=amount, state=state, created_at=at, **money
            )
        for amount, state in refunds:
            at = self._ago(refunded_hours)
            self.tables.add(
                "sales_creditmemo", grand_total=amount, state=state, created_at=at, **money
            )
        return called

    def article(self, sku: str, there: Sequence[float], promised: Sequence[float] = ()) -> None:
        """What lies in each source, and each promise; one that was sent is given back."""
        for at, quantity in enumerate(there):
            self.tables.add(
                "inventory_source_item", sku=sku, source_code=f"source-{at}", quantity=quantity
            )
        for quantity in promised:
            self.tables.add("inventory_reservation", sku=sku, stock_id=1, quantity=-quantity)

    def _history(self, key: int, status: str, hours: float) -> None:
        self.tables.add(
            "sales_order_status_history", parent_id=key, status=status, entity_name="order",
            created_at=self._ago(hours),
        )  # fmt: skip

    def _ago(self, hours: float) -> Any:
        return self._now - timedelta(hours=hours)
