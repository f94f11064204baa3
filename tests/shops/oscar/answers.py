"""Answers of somebody who knows the shop to what inspect may ask of it."""

from __future__ import annotations

from typing import Any

ANSWERS: dict[str, Any] = {
    "zone": "UTC",
    "orders.fields.address": {
        "sql": "(select nullif(trim(a.{order_shippingaddress.line1}), '') "
        "from {order_shippingaddress} a "
        "where a.{order_shippingaddress.id} = t.{order_order.shipping_address_id})"
    },
    # Held for the shop by the gateway, and no money yet.
    "payments.fields.state.words": {
        "words": {"captured": ["Debit"]},
        "ignore": ["Authorise", "Refund"],
    },
}
