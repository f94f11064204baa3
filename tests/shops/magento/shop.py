"""A Magento 2 shop's tables for tests, filled as Magento fills them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from tests.shops.tables import Tables
from tests.shops.trading import Bought

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

    def trade(self, orders: Sequence[Bought]) -> None:
        """Months of orders that are in order, with the people and the stock that they speak of."""
        people = {
            person: self.tables.add(
                "customer_entity", email=f"person-{person}@people.example", website_id=1,
                group_id=1, created_at=self._ago(2600), updated_at=self._ago(person),
            )
            for person in range(1, 46)
        }  # fmt: skip
        for article in range(1, 31):
            self.article(f"SKU-{article:03d}", [40 + article, 7 * (article % 3)], [article % 5])
        for one in orders:
            self._traded(one, None if one.guest else people[one.customer])

    def _traded(self, one: Bought, person: int | None) -> None:
        self._number += 1
        stood = _through(one)
        status = stood[-1][0]
        settled = sum(one.paid, Decimal(0))
        back = sum(one.refunded, Decimal(0)) or None
        key = self.tables.add(
            "sales_order", increment_id=f"1{self._number:08d}", store_id=1, state=STATUSES[status],
            status=status, is_virtual=0, customer_id=person, customer_is_guest=int(person is None),
            customer_email=one.mail, customer_firstname="A", customer_lastname="B",
            order_currency_code=one.currency, base_currency_code="EUR", store_currency_code="EUR",
            global_currency_code="EUR", base_to_global_rate=1, base_to_order_rate=one.rate,
            store_to_base_rate=0, store_to_order_rate=0, quote_id=self._number + 400,
            shipping_method="flatrate_flatrate", shipping_description="Flat Rate - Fixed",
            store_name="Main Website\nMain Store\nDefault", total_item_count=len(one.lines),
            total_qty_ordered=sum(line.pieces for line in one.lines),
            total_due=one.total - settled, base_total_due=_base(one, one.total - settled),
            subtotal_invoiced=one.goods_net if settled else None,
            tax_invoiced=one.tax if settled else None,
            shipping_invoiced=one.shipping_net if settled else None,
            remote_ip=f"10.1.{one.customer}.{one.number % 250}",
            created_at=self._ago(one.hours),
            updated_at=self._ago(min(stood[-1][1], one.hours) * 0.98),
            **_both(one, grand_total=one.total, subtotal=one.goods_net,
                    subtotal_incl_tax=one.goods, discount_amount=-one.discount,
                    shipping_amount=one.shipping_net, shipping_incl_tax=one.shipping,
                    shipping_tax_amount=one.shipping - one.shipping_net, tax_amount=one.tax,
                    total_paid=settled or None, total_invoiced=settled or None,
                    total_refunded=back),
        )  # fmt: skip
        places = [
            self.tables.add(
                "sales_order_address", parent_id=key, address_type=kind, street=one.street,
                postcode=one.postcode, country_id="BE", telephone=one.phone, city="Ghent",
                firstname="A", lastname="B", email=one.mail, customer_id=person,
            )
            for kind in ("billing", "shipping")
        ]  # fmt: skip
        billing, shipping = places
        self.tables.change("sales_order", "entity_id", key, shipping_address_id=shipping,
                           billing_address_id=billing)  # fmt: skip
        for name, since in stood:
            self._history(key, name, since)
        if one.remark:
            self._history(key, status, stood[-1][1] * 0.9)
        for at, line in enumerate(one.lines):
            self._item(key, one, line, one.discount if at == 0 else Decimal(0))
        self.tables.add(
            "sales_order_payment", parent_id=key, method=("checkmo", "braintree")[one.number % 2],
            amount_refunded=back, last_trans_id=f"x{one.number * 7919:08d}",
            base_amount_ordered=_base(one, one.total), amount_ordered=one.total,
            base_amount_paid=_base(one, settled) if settled else None,
            amount_paid=settled or None, shipping_amount=one.shipping_net,
            base_shipping_amount=_base(one, one.shipping_net),
        )  # fmt: skip
        money = {
            "order_id": key, "store_id": 1, "order_currency_code": one.currency,
            "base_currency_code": "EUR", "base_to_order_rate": one.rate,
        }  # fmt: skip
        for at, amount in enumerate(one.paid):
            whole = len(one.paid) == 1
            self.tables.add(
                "sales_invoice", state=2, created_at=self._ago(one.settled - 0.01 * at),
                updated_at=self._ago(one.hours * 0.9), global_currency_code="EUR",
                store_currency_code="EUR", increment_id=f"2{self._number:06d}{at}",
                total_qty=sum(line.pieces for line in one.lines),
                subtotal_incl_tax=one.goods if whole else amount,
                discount_amount=-one.discount if whole else 0, **money,
                **_both(one, grand_total=amount, subtotal=one.goods_net if whole else amount,
                        shipping_amount=one.shipping_net if whole else Decimal(0),
                        tax_amount=one.tax if whole else Decimal(0)),
            )  # fmt: skip
        for at, amount in enumerate(one.refunded):
            self.tables.add(
                "sales_creditmemo", state=2, created_at=self._ago(one.hours * 0.5),
                updated_at=self._ago(one.hours * 0.5), increment_id=f"3{self._number:06d}{at}",
                tax_amount=amount - (amount / Decimal("1.21")), **money,
                **_both(one, grand_total=amount, subtotal=amount / Decimal("1.21")),
            )  # fmt: skip
        if one.sent is not None:
            sent = self.tables.add(
                "sales_shipment", order_id=key, total_qty=sum(line.pieces for line in one.lines),
                increment_id=f"4{self._number:07d}", created_at=self._ago(one.sent),
                shipping_address_id=shipping, store_id=1, customer_id=person,
            )  # fmt: skip
            self.tables.add(
                "sales_shipment_track", parent_id=sent, order_id=key, title="Parcel service",
                track_number=f"3S{one.number * 104729:010d}", created_at=self._ago(one.sent),
                carrier_code=("dhl", "ups", "custom")[one.number % 3],
            )  # fmt: skip

    def _item(self, key: int, one: Bought, line: Any, discount: Decimal) -> None:
        amounts = {
            "qty_ordered": line.pieces, "qty_invoiced": line.pieces if one.paid else 0,
            "qty_shipped": line.pieces if one.sent else 0, "price_incl_tax": line.gross,
            "original_price": line.net, "tax_percent": 21, "weight": line.article % 7,
            "row_invoiced": line.net * line.pieces if one.paid else 0,
            **_both(one, price=line.net, row_total=line.net * line.pieces,
                    row_total_incl_tax=line.gross * line.pieces, discount_amount=discount,
                    tax_amount=(line.gross - line.net) * line.pieces),
        }  # fmt: skip
        both = line.article % 4 == 0  # a configurable article, and the simple one that it became
        own = {"order_id": key, "store_id": 1, "sku": line.sku, "name": f"Article {line.article}",
               "product_id": line.article, "created_at": self._ago(one.hours)}  # fmt: skip
        item = self.tables.add(
            "sales_order_item", product_type="configurable" if both else "simple", **own, **amounts
        )
        if both:
            self.tables.add(
                "sales_order_item", parent_item_id=item, product_type="simple",
                qty_ordered=line.pieces, **{**own, "product_id": 100 + line.article},
            )  # fmt: skip


def _through(one: Bought) -> list[tuple[str, float]]:
    """The statuses of an order, each with its hours."""
    stood = [("pending", one.hours)]
    if one.fate == "cancelled":
        return [*stood, ("canceled", one.hours * 0.8)]
    if one.fate == "waiting":
        return stood
    stood.append(("processing", one.settled))
    if one.fate == "completed":
        stood.append(("complete", one.sent or one.hours * 0.7))
    if one.fate == "refunded":
        stood.append(("closed", one.hours * 0.5))
    return stood


def _base(one: Bought, amount: Decimal) -> Decimal:
    """The same in the shop's own currency."""
    return (amount / one.rate).quantize(Decimal("0.01"))


def _both(one: Bought, **amounts: Decimal | None) -> dict[str, Decimal | None]:
    """Each amount in the order's currency and, called `base_`, in the shop's own."""
    base = {
        f"base_{name}": None if value is None else _base(one, value)
        for name, value in amounts.items()
    }
    return {**amounts, **base}
