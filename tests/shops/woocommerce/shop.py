"""A WooCommerce shop's tables for tests, filled as WooCommerce fills them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.shops.tables import Tables

SCHEMA = Path(__file__).parent / "schema.sql"


class WooShop:
    """Its orders by number; hours are before now."""

    def __init__(self, url: str, prefix: str = "wp_") -> None:
        self._engine = create_engine(url)
        self.tables = Tables(self._engine, SCHEMA, "wp_", prefix)
        self._now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        self._number = 100
        self._product = 10

    def close(self) -> None:
        self._engine.dispose()

    def order(
        self,
        status: str = "wc-processing",
        *,
        hours: float = 6,
        total: str = "100.00",
        currency: str = "EUR",
        method: str = "stripe",
        paid: bool = True,
        email: str | None = None,
        street: str = "Kouter 1",
        postcode: str = "9000",
        phone: str = "+32 9 000 00 00",
        sent_by: str | None = "flat_rate",
        quantity: str = "1",
        refunds: Sequence[str] = (),
        refunded_hours: float = 2,
    ) -> str:
        """Its number. `paid`: the gateway said so; `sent_by` None: nothing is sent."""
        self._number += 1
        number, at = self._number, self._ago(hours)
        called = f"customer-{number}@shop.example" if email is None else email
        self._row(number, "shop_order", status, at, total, currency, payment_method=method,
                  billing_email=called)  # fmt: skip
        done = at if status == "wc-completed" else None
        self.tables.add(
            "wp_wc_order_operational_data",
            order_id=number,
            date_paid_gmt=at if paid else None,
            date_completed_gmt=done,
            shipping_total_amount="5.00",
            shipping_tax_amount="0",
            discount_total_amount="0",
            discount_tax_amount="0",
        )
        where = {"address_1": street, "postcode": postcode, "country": "BE"}
        self.tables.add(
            "wp_wc_order_addresses", order_id=number, address_type="billing", phone=phone, **where
        )
        sent = where if sent_by == "flat_rate" else {"address_1": "", "postcode": "", "country": ""}
        self.tables.add("wp_wc_order_addresses", order_id=number, address_type="shipping", **sent)
        self._line(number, quantity, total)
        if sent_by is not None:
            self._item(number, "shipping", {"method_id": sent_by, "cost": "5.00"})
        for amount in refunds:
            self._number += 1
            self._row(self._number, "shop_order_refund", "wc-completed",
                      self._ago(refunded_hours), f"-{amount}", currency,
                      parent_order_id=number)  # fmt: skip
            self._line(self._number, "-1", f"-{amount}")
        return str(number)

    def article(
        self, sku: str, there: float | None, promised: Sequence[float] = (), *,
        counted: bool = True, beyond: str = "no", minutes: int = 30,
    ) -> None:  # fmt: skip
        """An article; each promise ends so many minutes from now, by the server's clock."""
        self._product += 1
        product = self._product
        self.tables.add(
            "wp_wc_product_meta_lookup", product_id=product, sku=sku, stock_quantity=there
        )
        for key, value in (("_manage_stock", "yes" if counted else "no"), ("_backorders", beyond)):
            self.tables.add("wp_postmeta", post_id=product, meta_key=key, meta_value=value)
        reserved = self.tables.called("wp_wc_reserved_stock")
        with self._engine.begin() as connection:
            for at, quantity in enumerate(promised):
                connection.execute(
                    text(
                        f"insert into {reserved} values "
                        "(:order, :product, :n, now(), now() + interval :minutes minute)"
                    ),
                    {"order": at, "product": product, "n": quantity, "minutes": minutes},
                )

    def _row(
        self, number: int, kind: str, status: str, at: datetime, total: str, currency: str,
        **more: Any,
    ) -> None:  # fmt: skip
        self.tables.add(
            "wp_wc_orders", id=number, type=kind, status=status, currency=currency,
            total_amount=total, date_created_gmt=at, date_updated_gmt=at, **more,
        )  # fmt: skip

    def _line(self, number: int, quantity: str, total: str) -> None:
        meta = {"_product_id": "11", "_variation_id": "0", "_qty": quantity}
        self._item(number, "line_item", {**meta, "_line_total": total, "_line_tax": "0"})

    def _item(self, number: int, kind: str, meta: dict[str, str]) -> None:
        item = self.tables.add(
            "wp_woocommerce_order_items", order_id=number, order_item_type=kind, order_item_name="x"
        )
        for key, value in meta.items():
            self.tables.add(
                "wp_woocommerce_order_itemmeta", order_item_id=item, meta_key=key, meta_value=value
            )

    def _ago(self, hours: float) -> datetime:
        return self._now - timedelta(hours=hours)
