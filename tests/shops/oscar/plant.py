"""Planting in a django-oscar shop, with its own models; it runs in the shop's own environment.

Reads from standard input what there should be (JSON: articles and orders), migrates and writes it.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pymysql

pymysql.version_info = (2, 2, 7, "final", 0)  # Django asks for mysqlclient, whose place this takes
pymysql.install_as_MySQLdb()

import django  # noqa: E402

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

Order, Line = get_model("order", "Order"), get_model("order", "Line")
NOW = datetime.now(UTC)
AMOUNTS = (
    "line_price_incl_tax", "line_price_excl_tax", "unit_price_incl_tax", "unit_price_excl_tax",
    "line_price_before_discounts_incl_tax", "line_price_before_discounts_excl_tax",
)  # fmt: skip


def ago(hours):
    return NOW - timedelta(hours=hours)


def order(given, kinds, shipped):
    """One order with its lines, payments, refunds, changes of status and shipping event."""
    address = None
    if given["line1"] is not None:
        address = get_model("order", "ShippingAddress").objects.create(
            first_name="A", last_name="B", line1=given["line1"], line4="Ghent",
            postcode=given["postcode"], country=get_model("address", "Country").objects.get(),
            phone_number=given["phone"],
        )  # fmt: skip
    user = None
    if given["user"]:
        user, _ = get_user_model().objects.get_or_create(
            username=given["user"], defaults={"email": f"{given['user']}@people.example"}
        )
    total, net = Decimal(given["total"]), Decimal(given["total_net"] or given["total"])
    shipping, shipping_net = map(Decimal, given["shipping"])
    placed = Order.objects.create(
        number=given["number"], user=user, guest_email=given["guest"], currency=given["currency"],
        total_incl_tax=total, total_excl_tax=net, shipping_address=address,
        shipping_incl_tax=shipping, shipping_excl_tax=shipping_net,
        shipping_code=given["shipping_code"], shipping_method="Parcel", status="Pending",
        date_placed=ago(given["placed"]),
    )  # fmt: skip
    for at, (sku, quantity) in enumerate(given["lines"]):
        amounts = given["amounts"][at] if given["amounts"] else dict.fromkeys(AMOUNTS, total)
        stock = get_model("partner", "StockRecord").objects.filter(partner_sku=sku).first()
        Line.objects.create(
            order=placed, title=f"Article {sku[-3:]}" if given["amounts"] else sku,
            partner_sku=sku, quantity=quantity, num_allocated=0,
            stockrecord=stock, product=stock and stock.product, partner=stock and stock.partner,
            partner_name=stock.partner.name if stock else "",
            **{name: Decimal(value) for name, value in amounts.items()},
        )  # fmt: skip
    source = get_model("payment", "Source").objects.create(
        order=placed, source_type=kinds[given["channel"]], currency=given["currency"]
    )
    for amount in given["paid"]:
        if given["amounts"]:  # first held for the shop, as most gateways do it
            source.allocate(Decimal(amount))
        source.debit(Decimal(amount), status=given["status"])
    for amount in given["refunded"]:
        source.refund(Decimal(amount), status=given["status"])
    source.transactions.update(date_created=ago(given["paid_hours"]))
    for status, hours in given["through"]:
        placed.set_status(status)
        placed.status_changes.filter(new_status=status).update(date_created=ago(hours))
    for old, new, hours in given["wrong"]:  # by another door than the pipeline's
        placed.status_changes.create(old_status=old, new_status=new)
        placed.status_changes.filter(old_status=old, new_status=new).update(date_created=ago(hours))
        Order.objects.filter(pk=placed.pk).update(status=new)
    if given["sent"] is not None:
        sent = get_model("order", "ShippingEvent").objects.create(order=placed, event_type=shipped)
        type(sent).objects.filter(pk=sent.pk).update(date_created=ago(given["sent"]))


def main():
    call_command("migrate", verbosity=0)
    plan = json.load(sys.stdin)
    get_model("address", "Country").objects.create(
        iso_3166_1_a2="BE", iso_3166_1_a3="BEL", iso_3166_1_numeric="056", name="Belgium",
        printable_name="Belgium", is_shipping_country=True,
    )  # fmt: skip
    product_class = get_model("catalogue", "ProductClass").objects.create(name="Things")
    partner = get_model("partner", "Partner").objects.create(name="Warehouse")
    for article in plan["articles"]:
        product = get_model("catalogue", "Product").objects.create(
            title=article["sku"], product_class=product_class, slug=article["sku"]
        )
        get_model("partner", "StockRecord").objects.create(
            product=product, partner=partner, partner_sku=article["sku"],
            num_in_stock=article["there"], num_allocated=article["promised"],
        )  # fmt: skip
    kinds = {
        name: get_model("payment", "SourceType").objects.create(name=name)
        for name in ("Card", "Transfer", "Wallet")
    }
    shipped = get_model("order", "ShippingEventType").objects.create(name="Shipped")
    for given in plan["orders"]:
        order(given, kinds, shipped)


if __name__ == "__main__":
    main()
