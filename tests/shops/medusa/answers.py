"""Answers of somebody who knows the shop to what inspect may ask of it."""

from __future__ import annotations

from typing import Any

_LINKED = """
{order_payment_collection} l join {payment_collection} c
  on c.{payment_collection.id} = l.{order_payment_collection.payment_collection_id}
where l.{order_payment_collection.order_id} = t.{order.id}
"""
_SENT = """
{order_fulfillment} l join {fulfillment} f
  on f.{fulfillment.id} = l.{order_fulfillment.fulfillment_id}
where l.{order_fulfillment.order_id} = t.{order.id} and f.{fulfillment.canceled_at} is null
"""
# Where an order stands is kept in no column: it follows from its payments and its fulfilments.
_STATE = f"""
case
  when t.{{order.status}} in ('canceled', 'draft') then cast(t.{{order.status}} as text)
  when exists (select 1 from {_LINKED} and c.{{payment_collection.captured_amount}} > 0
      and c.{{payment_collection.refunded_amount}} >= c.{{payment_collection.captured_amount}})
    then 'refunded'
  when t.{{order.status}} = 'completed' then 'completed'
  when exists (select 1 from {_SENT}
      and coalesce(f.{{fulfillment.shipped_at}}, f.{{fulfillment.delivered_at}}) is not null)
    then case when exists (select 1 from {_SENT} and f.{{fulfillment.delivered_at}} is null)
      then 'shipped' else 'delivered' end
  when exists (select 1 from {_LINKED} and c.{{payment_collection.status}} = 'completed')
    then 'captured'
  else 'not captured'
end
"""
_SINCE = f"""
greatest(t.{{order.created_at}}, t.{{order.canceled_at}},
  (select max(c.{{payment_collection.completed_at}}) from {_LINKED}),
  (select max(greatest(f.{{fulfillment.shipped_at}}, f.{{fulfillment.delivered_at}})) from {_SENT}))
"""
ANSWERS: dict[str, Any] = {
    "zone": "UTC",
    "orders.fields.state.words": {
        "sql": _STATE,
        "words": {
            "awaiting_payment": ["not captured"],
            "paid": ["captured"],
            "dispatched": ["shipped"],
            "delivered": ["delivered"],
            "completed": ["completed"],
            "cancelled": ["canceled"],
            "refunded": ["refunded"],
        },
        "ignore": ["draft"],
    },
    "orders.fields.state_since": {"sql": _SINCE, "form": "native", "zone": "UTC"},
    # This shop captures at once what is authorised.
    "payments.fields.state.words": {
        "words": {"captured": ["authorized"], "failed": ["error"], "created": ["pending"]},
    },
}
