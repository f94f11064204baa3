"""A WooCommerce shop's tables for tests, filled as WooCommerce fills them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.shops.tables import Tables
from tests.shops.trading import Bought

_STATUS = {"waiting": "on-hold", "paid": "processing"}
SCHEMA = Path(__file__).parent / "schema.sql"


class WooShop:
    """Its orders by number; hours are before now."""

    def __init__(self, url: str, prefix: str = "wp_") -> None:
        self._engine = create_engine(url)
        self.tables = Tables(self._engine, SCHEMA, "wp_", prefix)
        self._now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        self._number = 100
        self._product = 10
        self.tables.add("wp_wc_product_meta_lookup", product_id=11, sku="T-1")

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
        self._product += 1 + self._product * 7 % 13  # pages and pictures take numbers as well
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

    def trade(self, orders: Sequence[Bought]) -> None:
        """Months of orders that are in order, with the people and the stock that they speak of."""
        people = {
            person: self.tables.add(
                "wp_users", user_login=f"person{person}", display_name="A B",
                user_email=f"person-{person}@people.example", user_registered=self._ago(2600),
            )
            for person in range(1, 46)
        }  # fmt: skip
        for person, number in people.items():
            for key, value in {"locale": ("", "fr_FR")[person % 2], "nickname": "A"}.items():
                self.tables.add("wp_usermeta", user_id=number, meta_key=key, meta_value=value)
        products = {}
        for article in range(1, 31):
            self.article(f"SKU-{article:03d}", 40 + article, [article % 5])
            products[article] = self._product
        for one in orders:
            self._traded(one, 0 if one.guest else people[one.customer], products)

    def _traded(self, one: Bought, person: int, products: dict[int, int]) -> None:
        self._number += 1 + one.number % 3  # pages and articles take numbers as well
        number, at = self._number, self._ago(one.hours)
        method = ("stripe", "paypal", "bacs")[one.number % 3]
        self._row(
            number, "shop_order", f"wc-{_STATUS.get(one.fate, one.fate)}", at, str(one.total),
            one.currency, payment_method=method, payment_method_title=method.title(),
            billing_email=one.mail, customer_id=person, parent_order_id=0, tax_amount=one.tax,
            transaction_id=f"ch_{one.number * 7919:08d}" if one.paid else "",
            ip_address=f"10.1.{one.customer}.{one.number % 250}", user_agent="Mozilla/5.0 (X11)",
        )  # fmt: skip
        self.tables.change("wp_wc_orders", "id", number, date_updated_gmt=self._ago(
            one.hours if one.fate == "waiting" else one.hours * 0.5))  # fmt: skip
        self.tables.add(
            "wp_wc_order_operational_data", order_id=number, created_via="checkout",
            woocommerce_version="10.3.0", prices_include_tax=0, order_key=f"wc_order_{number * 31}",
            date_paid_gmt=self._ago(one.settled) if one.paid else None,
            date_completed_gmt=self._ago(one.hours * 0.5) if one.fate == "completed" else None,
            shipping_total_amount=one.shipping_net,
            shipping_tax_amount=one.shipping - one.shipping_net,
            discount_total_amount=(one.discount / Decimal("1.21")).quantize(Decimal("0.01")),
            discount_tax_amount=one.discount
            - (one.discount / Decimal("1.21")).quantize(Decimal("0.01")),
        )  # fmt: skip
        where = {"address_1": one.street, "postcode": one.postcode, "country": "BE",
                 "first_name": "A", "last_name": "B", "city": "Ghent"}  # fmt: skip
        self.tables.add("wp_wc_order_addresses", order_id=number, address_type="billing",
                        phone=one.phone, email=one.mail, **where)  # fmt: skip
        self.tables.add("wp_wc_order_addresses", order_id=number, address_type="shipping", **where)
        for key, value in {"_billing_address_index": one.street, "is_vat_exempt": "no"}.items():
            self.tables.add("wp_wc_orders_meta", order_id=number, meta_key=key, meta_value=value)
        self._lines(number, one, products, 1)
        net, tax = one.shipping_net, one.shipping - one.shipping_net
        self._item(number, "shipping", {"method_id": "flat_rate", "instance_id": "1",
                                        "cost": f"{net}", "total_tax": f"{tax}"})  # fmt: skip
        self._item(number, "tax", {"rate_id": "1", "label": "VAT", "tax_amount": f"{one.tax - tax}",
                                   "shipping_tax_amount": f"{tax}"})  # fmt: skip
        for amount in one.refunded:
            self._number += 1
            self._row(
                self._number, "shop_order_refund", "wc-completed", self._ago(one.hours * 0.5),
                f"-{amount}", one.currency, parent_order_id=number, customer_id=0,
                payment_method="", billing_email="", tax_amount=0,
            )  # fmt: skip
            if amount == one.total:
                self._lines(self._number, one, products, -1)

    def _lines(self, number: int, one: Bought, products: dict[int, int], sign: int) -> None:
        for at, line in enumerate(one.lines):
            off = one.discount if at == 0 else Decimal(0)
            net_off = (off / Decimal("1.21")).quantize(Decimal("0.01"))
            net, gross = line.net * line.pieces, line.gross * line.pieces
            self._item(number, "line_item", {
                "_product_id": f"{products[line.article]}", "_variation_id": "0",
                "_qty": f"{sign * line.pieces}", "_tax_class": "",
                "_line_subtotal": f"{sign * net}", "_line_subtotal_tax": f"{sign * (gross - net)}",
                "_line_total": f"{sign * (net - net_off)}",
                "_line_tax": f"{sign * (gross - net - (off - net_off))}",
            })  # fmt: skip
