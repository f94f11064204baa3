"""Seed: a week of history, orders by day and night, three failed payments in a hundred."""

from __future__ import annotations

import random
import sqlite3
from datetime import datetime, timedelta, timezone

from sandbox.shop import channels, lifecycle, orders, payments
from sandbox.shop.channels import METHODS
from sandbox.shop.clock import stamp
from sandbox.shop.people import insert_customers
from sandbox.shop.store import get, put

__all__ = ["seed"]

_WEEK_ORDERS = 340
_LAST_HOURS_ORDERS = 60
_LAST_MINUTES = 10
_PER_MINUTE = 12
_TAIPEI = timezone(timedelta(hours=8))
# Taipei's hours and how much is ordered in them.
_BY_HOUR = (4, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 12, 10, 8, 8, 8, 9, 10, 12, 14, 14, 12, 8)


def seed(c: sqlite3.Connection, rng: random.Random, now: datetime) -> None:
    """Fills an empty shop; one that has been filled before stays as it is."""
    if get(c, "seeded") is not None:
        return
    insert_customers(c, rng)
    settings = {
        "routing.card": {"channel": "northpay", "previous": None, "changed_at": stamp(now)},
        "checkout.methods": ["card"],
        "traffic": "primary",
        "servers": {"primary": "running", "standby": "stopped"},
        "faults": {},
        "seeded": stamp(now),
    }
    for key, value in settings.items():
        put(c, key, value)
    for method in METHODS[1:]:
        put(c, f"method.{method}", {"offered": False})
    for index, at in enumerate(_moments(rng, now)):
        # Nothing failed in the last hours: what fails from here on is the tester's doing.
        fails = index % 33 == 32 and at < now - timedelta(hours=8)
        _order(c, rng, at, now, fails=fails)
    lifecycle.advance(c, now)
    channels.restart_counts(c)


def _moments(rng: random.Random, now: datetime) -> list[datetime]:
    weights = [
        _BY_HOUR[(now - timedelta(hours=hour)).astimezone(_TAIPEI).hour] for hour in range(3, 168)
    ]
    hours = rng.choices(range(3, 168), weights, k=_WEEK_ORDERS)
    found = [now - timedelta(hours=hour, minutes=rng.uniform(0, 60)) for hour in hours]
    found += [
        now - timedelta(minutes=rng.uniform(_LAST_MINUTES, 180)) for _ in range(_LAST_HOURS_ORDERS)
    ]
    found += [
        now - timedelta(seconds=60 * _LAST_MINUTES * (index + 0.5) / (_LAST_MINUTES * _PER_MINUTE))
        for index in range(_LAST_MINUTES * _PER_MINUTE)
    ]
    return sorted(found)


def _order(
    c: sqlite3.Connection, rng: random.Random, at: datetime, now: datetime, *, fails: bool
) -> None:
    order = orders.insert(c, rng, orders.draw(rng), at)
    tries = [channels.DECLINED, channels.CAPTURED] if fails else [channels.CAPTURED]
    # Some went through the standby, long enough ago not to be taken for what a switch brought.
    before = at < now - timedelta(hours=2)
    channel = "harborpay" if before and order["id"] % 10 == 0 and not fails else "northpay"
    for index, outcome in enumerate(tries):
        payments.attempt(
            c, order, at + timedelta(seconds=1 + 25 * index), channel=channel, outcome=outcome
        )
