"""The steady stream: customers order and pay, parcels go out, vendors answer, links are paid."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.shop import channels, customer_care, lifecycle, orders, payments, servers, vendors
from sandbox.shop.board import condition
from sandbox.shop.channels import METHODS
from sandbox.shop.clock import moment, stamp
from sandbox.shop.problems import Problem
from sandbox.shop.store import Row, get, put

__all__ = ["Checkout", "catch_up", "checkout", "taking_orders"]

_DENSE = timedelta(minutes=10)  # of a jump of the clock only this much is filled at the full rate
_THIN = 100  # orders that stand for the time before it
_LINK_PAID_AFTER = timedelta(minutes=3)


@dataclass(frozen=True)
class Checkout:
    """An order placed and tried to pay."""

    order: Row
    payment: Row

    @property
    def paid(self) -> bool:
        return bool(self.payment["status"] == "captured")


def taking_orders(c: sqlite3.Connection) -> str | None:
    """The server that takes orders now; None while the one with the traffic is out of order."""
    found = servers.status(c)
    for server in found["servers"]:
        if server["id"] == found["traffic"]:
            return str(server["id"]) if server["healthy"] else None
    return None


def checkout(c: sqlite3.Connection, rng: random.Random, at: datetime) -> Checkout:
    """One customer orders and pays through the routed channel; a declined card is tried again."""
    order = orders.insert(c, rng, orders.draw(rng), at)
    method = _method(c, rng)
    channel = channels.carrier(c, method)
    payment = payments.attempt(c, order, at, channel=channel, method=method)
    if payment["stage"] == channels.DECLINED.stage:  # another card of the same customer
        payment = payments.attempt(
            c,
            order,
            at + timedelta(seconds=1),
            channel=channel,
            method=method,
            outcome=channels.CAPTURED,
        )
    return Checkout(order, payment)


def _method(c: sqlite3.Connection, rng: random.Random) -> str:
    """Most pay by card while it is offered."""
    offered = [name for name in METHODS if name in get(c, "checkout.methods", ["card"])]
    if "card" in offered and (len(offered) == 1 or rng.random() < 0.8):
        return "card"
    return rng.choice(offered)


def due(c: sqlite3.Connection, rate: float, now: datetime) -> bool:
    """Whether there is anything to write. Asked of the reader: an idle shop writes nothing."""
    last = get(c, "stream.until")
    if rate > 0 and (last is None or now - moment(last) >= timedelta(seconds=60 / rate)):
        return True
    return lifecycle.waiting(c, now) or vendors.waiting(c, now)


def catch_up(c: sqlite3.Connection, rng: random.Random, rate: float, now: datetime) -> int:
    """Everything that should have happened until now, at its time. Gives how many orders came."""
    placed = 0
    if rate > 0:
        last = get(c, "stream.until")
        start = now if last is None else moment(last)
        step = timedelta(seconds=60 / rate)
        taking = taking_orders(c) is not None
        until = start
        for at in _moments(start, now, step):
            until = at
            if taking:
                checkout(c, rng, at)
                placed += 1
        put(c, "stream.until", stamp(until))
        _pay_links(c, now)
    lifecycle.advance(c, now)
    vendors.answer_tickets(c, now)
    return placed


def _moments(start: datetime, now: datetime, step: timedelta) -> Iterator[datetime]:
    """When orders come. A long jump is thin at first, so that a day does not take a minute."""
    dense = now - _DENSE
    if start < dense:
        gap = max((dense - start) / _THIN, step)
        at = start + gap
        while at < dense:
            yield at
            at += gap
        start = dense
    at = start + step
    while at <= now:
        yield at
        at += step


def rest(c: sqlite3.Connection, now: datetime) -> None:
    """The stream begins (again) now: what was not ordered meanwhile is not made up for."""
    put(c, "stream.until", stamp(now))


def _pay_links(c: sqlite3.Connection, now: datetime) -> None:
    """Customers who got a link pay by and by, while card payments work; some never do."""
    if not condition(c, channels.carrier(c, "card")).healthy:
        return
    for link in customer_care.links_waiting(c, now - _LINK_PAID_AFTER)[:2]:
        try:
            customer_care.pay_link(c, link, now)
        except Problem:  # it was paid in another way: the link is of no use any more
            c.execute("UPDATE payment_links SET status = 'expired' WHERE id = ?", (link["id"],))
