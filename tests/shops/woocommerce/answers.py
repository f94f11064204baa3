"""Answers of somebody who knows the shop to what inspect may ask of it."""

from __future__ import annotations

from typing import Any

_SINCE = """
case when t.{wp_wc_orders.status} in ('wc-pending', 'wc-on-hold')
     then t.{wp_wc_orders.date_created_gmt}
     else coalesce((
       select case t.{wp_wc_orders.status}
                when 'wc-processing' then p.{wp_wc_order_operational_data.date_paid_gmt}
                when 'wc-completed' then p.{wp_wc_order_operational_data.date_completed_gmt} end
       from {wp_wc_order_operational_data} p
       where p.{wp_wc_order_operational_data.order_id} = t.{wp_wc_orders.id}),
       case when t.{wp_wc_orders.status} = 'wc-processing' then t.{wp_wc_orders.date_created_gmt}
            else t.{wp_wc_orders.date_updated_gmt} end) end
"""
_PAID = """
select o.{wp_wc_orders.id} as id, o.{wp_wc_orders.payment_method} as method,
       o.{wp_wc_orders.total_amount} as amount, o.{wp_wc_orders.currency} as currency,
       o.{wp_wc_orders.date_created_gmt} as at,
       case when p.{wp_wc_order_operational_data.date_paid_gmt} is not null then 'paid'
            when o.{wp_wc_orders.status} = 'wc-failed' then 'failed' else 'waiting' end as status
from {wp_wc_orders} o
  left join {wp_wc_order_operational_data} p
    on p.{wp_wc_order_operational_data.order_id} = o.{wp_wc_orders.id}
where o.{wp_wc_orders.type} = 'shop_order' and o.{wp_wc_orders.payment_method} <> ''
  and o.{wp_wc_orders.status} <> 'wc-checkout-draft'
"""
ANSWERS: dict[str, Any] = {
    "zone": "UTC",
    "orders.fields.state.words": {
        "words": {
            "awaiting_payment": ["wc-pending", "wc-on-hold", "wc-failed"],
            "paid": ["wc-processing"],
            "completed": ["wc-completed"],
            "cancelled": ["wc-cancelled"],
            "refunded": ["wc-refunded"],
        },
        "ignore": ["wc-checkout-draft"],
    },
    "orders.fields.state_since": {"sql": _SINCE, "form": "native", "zone": "UTC"},
    # WooCommerce has no table of them: what was paid is the order's own total.
    "payments": {
        "select": _PAID,
        "unit": "major",
        "form": "native",
        "zone": "UTC",
        "fields": {
            "key": "id",
            "order_key": "id",
            "channel": "method",
            "amount": "amount",
            "currency": "currency",
            "state": {
                "column": "status",
                "words": {"captured": ["paid"], "failed": ["failed"], "created": ["waiting"]},
            },
            "created_at": "at",
        },
    },
}
