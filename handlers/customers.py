"""Customers' own data in the shop's answer about an order: looked at, never stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ABOUT = ("customer", "recipient", "shipping_address", "billing_address", "shipping", "billing")
_FIELDS = (
    "name", "first_name", "last_name", "full_name", "phone", "mobile", "email", "line", "line_id",
    "address", "address1", "address2", "street", "company", "tax_id", "identity",
)  # fmt: skip


def personal_of(order: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What the shop knows of the order's customer, to screen by it what is typed about them."""
    return tuple(dict.fromkeys(_values(order or {}, inside=False)))


def _values(node: Mapping[str, Any], *, inside: bool) -> Iterator[str]:
    for name, value in node.items():
        if isinstance(value, Mapping):
            if inside or name in _ABOUT:
                yield from _values(value, inside=True)
        elif isinstance(value, str) and value.strip():
            own = name in _FIELDS if inside else name.startswith(("customer_", "recipient"))
            if own and name not in ("customer_id", "customer_key"):
                yield value
