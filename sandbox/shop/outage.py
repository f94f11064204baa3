"""Outage: a payment channel that half fails, five minutes of payments with exact figures, at
once.
"""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.shop import channels, orders, payments
from sandbox.shop.channels import Outcome
from sandbox.shop.clock import moment, stamp
from sandbox.shop.store import Row, rows

__all__ = ["Shape", "shape", "write"]

_WINDOW = 300.0  # seconds that a check looks back
_BEGAN = 235.0  # seconds ago; young enough that the figures hold while three checks look
_LATEST = 3.0
_ATTEMPTS = 118
_ORDERS_MINOR = 8_642_000  # NT$86,420
_NEVER_PAID = (12, 2_527_000)  # orders, NT$25,270


@dataclass(frozen=True)
class Shape:
    """How the attempts are made up. Every order pays in full or not at all."""

    attempts: int
    failed: int
    elsewhere: int  # of the failed, those that did not fail at the 3-D Secure page
    unanswered: int
    charged: int  # of the unanswered
    lost: int  # orders whose every try failed
    tried_again: int  # second failures of these
    recovered: int  # failed tries of orders that then went through

    @property
    def possible(self) -> bool:
        return self.failed + self.unanswered <= self.attempts

    @property
    def smooth(self) -> int:
        """Orders paid at the first try."""
        return self.attempts - self.failed - self.unanswered - self.recovered


def shape(share: float, unanswered: int, charged: int) -> Shape:
    """At a share of 0.5 with 9 unanswered: 57 failed, 54 of them at the page, 41 orders unpaid."""
    failed = round(_ATTEMPTS * share * 57 / 59)
    lost = round(failed * 32 / 57)
    # Whoever fails tries again; at a high share there are not enough successes for all of them.
    recovered = min(failed - lost - round(failed * 12 / 57), _ATTEMPTS - failed - unanswered)
    return Shape(
        attempts=_ATTEMPTS,
        failed=failed,
        elsewhere=round(failed * 3 / 57),
        unanswered=unanswered,
        charged=charged,
        lost=lost,
        tried_again=failed - lost - recovered,
        recovered=recovered,
    )


def write(
    c: sqlite3.Connection, rng: random.Random, channel: str, plan: Shape, now: datetime
) -> None:
    """Writes the payments. What the channel took in these minutes before is moved further back."""
    _make_room(c, channel, now)
    attempts = _attempts(c, rng, plan, now)
    elsewhere = _spread(plan.elsewhere, plan.failed)
    failures = 0
    for at, order, outcome in sorted(attempts, key=lambda item: item[0]):
        result = outcome
        if outcome is channels.THREE_D_SECURE:
            if failures in elsewhere:
                result = channels.DECLINED
            failures += 1
        payments.attempt(c, order, at, channel=channel, outcome=result)


def _spread(count: int, among: int) -> set[int]:
    """`count` places, evenly among 0 … among−1 and never the first."""
    return {(index + 1) * among // (count + 1) for index in range(count)}


def _attempts(
    c: sqlite3.Connection, rng: random.Random, plan: Shape, now: datetime
) -> list[tuple[datetime, Row, Outcome]]:
    start = now - timedelta(seconds=_BEGAN)
    span = _BEGAN - _LATEST
    firsts = plan.lost + plan.unanswered + plan.recovered + plan.smooth
    # First tries leave the last half minute to second ones, so that all lie inside the window.
    moments = [start + timedelta(seconds=index * (span - 30) / firsts) for index in range(firsts)]
    kinds = (
        ["unanswered"] * plan.unanswered
        + ["recovered"] * plan.recovered
        + ["smooth"] * plan.smooth
        + ["lost"] * (plan.lost - 1)
    )
    rng.shuffle(kinds)
    if plan.lost:
        kinds.insert(0, "lost")  # the outage begins with a failure
    buyers = _Buyers(c, plan)
    totals = _Totals(rng, plan)
    found: list[tuple[datetime, Row, Outcome]] = []
    seen = {"lost": 0, "unanswered": 0}
    for at, kind in zip(moments, kinds, strict=True):
        number = seen[kind] = seen.get(kind, 0) + 1
        total, pays = totals.of(kind, number)
        new = orders.draw(rng, buyers.of(kind, number), total)
        order = orders.insert(c, rng, new, at - timedelta(seconds=2), pays_link=pays)
        later = at + timedelta(seconds=rng.uniform(12, 28))
        if kind == "lost":
            found.append((at, order, channels.THREE_D_SECURE))
            if number <= plan.tried_again:
                found.append((later, order, channels.THREE_D_SECURE))
        elif kind == "recovered":
            found.append((at, order, channels.THREE_D_SECURE))
            found.append((later, order, channels.CAPTURED))
        elif kind == "unanswered":
            charged = number <= plan.charged
            found.append(
                (at, order, channels.NO_ANSWER_CHARGED)
                if charged
                else (at, order, channels.NO_ANSWER_NOT_CHARGED)
            )
        else:
            found.append((at, order, channels.CAPTURED))
    return found


class _Buyers:
    """Two customers have two failed orders each; otherwise every order is somebody else's.

    Of the thirty who can be told at once, nineteen have LINE; those whose card was not charged
    after all have it, too.
    """

    def __init__(self, c: sqlite3.Connection, plan: Shape) -> None:
        line = [r["id"] for r in rows(c, "SELECT id FROM customers WHERE line_id IS NOT NULL")]
        mail = [r["id"] for r in rows(c, "SELECT id FROM customers WHERE line_id IS NULL")]
        known = min(plan.unanswered, len(line))
        self._unanswered = line[-known:] if known else []
        distinct = max(plan.lost - 2, 1)
        by_line = round(distinct * 19 / 30)
        self._lost = line[:by_line] + mail[: distinct - by_line]

    def of(self, kind: str, number: int) -> int | None:
        if kind == "lost":
            return int(self._lost[(number - 1) % len(self._lost)])
        if kind == "unanswered":
            return int(self._unanswered[(number - 1) % len(self._unanswered)])
        return None


class _Totals:
    """Amounts (minor units) of the orders that stay unpaid; which of their customers come back."""

    def __init__(self, rng: random.Random, plan: Shape) -> None:
        self._lost = plan.lost
        stay, stay_minor = _NEVER_PAID
        stay = min(stay, plan.lost)
        come = plan.lost + plan.unanswered - stay
        self._stay = _split(rng, stay_minor, stay)
        self._come = _split(rng, _ORDERS_MINOR - stay_minor, come)

    def of(self, kind: str, number: int) -> tuple[int | None, bool]:
        if kind == "lost":
            if number <= len(self._stay):
                return self._stay[number - 1], False
            return self._come[number - 1 - len(self._stay)], True
        if kind == "unanswered":
            return self._come[self._lost - len(self._stay) + number - 1], True
        return None, True


def _split(rng: random.Random, minor: int, parts: int) -> list[int]:
    """Uneven amounts in whole NT$10 that add up exactly."""
    if parts == 0:
        return []
    mean = minor // parts // 1000
    found = [(mean + rng.randint(-mean // 2, mean // 2)) * 1000 for _ in range(parts)]
    rest = minor - sum(found)
    for index in range(parts):
        share = rest // (parts - index) // 1000 * 1000
        found[index] += share
        rest -= share
    found[-1] += rest
    return found


def _make_room(c: sqlite3.Connection, channel: str, now: datetime) -> None:
    """The channel's payments of the window move back by its length, with all of their orders."""
    border = stamp(now - timedelta(seconds=_WINDOW))
    touched = rows(
        c,
        "SELECT DISTINCT order_id FROM payments WHERE channel = ? AND created_at >= ?",
        (channel, border),
    )
    for row in touched:
        _move(c, int(row["order_id"]), timedelta(seconds=-_WINDOW - 10))


def _move(c: sqlite3.Connection, order_id: int, by: timedelta) -> None:
    for table, key, columns in (
        ("orders", "id", ("status_since", "created_at")),
        ("order_events", "order_id", ("at",)),
        ("payments", "order_id", ("created_at", "settled_at")),
    ):
        for row in rows(
            c,
            f"SELECT rowid AS place, * FROM {table} WHERE {key} = ?",  # noqa: S608 - our own names
            (order_id,),
        ):
            for column in columns:
                if row[column] is not None:
                    c.execute(
                        f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608
                        (stamp(moment(row[column]) + by), row["place"]),
                    )
