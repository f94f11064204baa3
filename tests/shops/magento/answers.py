"""Answers of somebody who knows the shop to what inspect may ask of it."""

from __future__ import annotations

from typing import Any

ANSWERS: dict[str, Any] = {
    "zone": "UTC",
    "orders.fields.state.words": {
        "words": {
            "awaiting_payment": ["pending", "pending_payment"],
            "paid": ["processing", "picking"],
            "completed": ["complete"],
            "cancelled": ["canceled"],
            "refunded": ["closed"],
        },
        "own": {"on_hold": ["holded"]},
    },
    "orders.fields.total": {"column": "{sales_order.grand_total}", "unit": "major"},
    "payments.fields.amount": {"column": "{sales_invoice.grand_total}", "unit": "major"},
    "payments.fields.state": {
        "column": "{sales_invoice.state}",
        "words": {"created": [1], "captured": [2]},
        "ignore": [3],
    },
    "order_lines.fields.amount": {
        "sql": "t.{sales_order_item.row_total_incl_tax} "
        "- coalesce(t.{sales_order_item.discount_amount}, 0)",
        "unit": "major",
    },
    "refunds.fields.amount": {"column": "{sales_creditmemo.grand_total}", "unit": "major"},
    "refunds.fields.state": {
        "column": "{sales_creditmemo.state}",
        "words": {"pending": [1], "succeeded": [2]},
        "ignore": [3],
    },
}
