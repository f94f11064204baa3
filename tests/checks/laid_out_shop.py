"""A shop that is laid out in one of many ways: the same trade, in tables as shop software has them.

Orders by number, by random text or by a word of their own; payments of their own or through a table
of references; articles with a code, by their number or as names and values; addresses within the
order, referred to, or one of each kind; refunds beside the payments, among them or among the
orders; amounts a second time in the shop's own currency. What it means is known for each.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.shops.meaning import Meaning
from tests.shops.trading import Bought, Line

_STATES = {"waiting": "N", "paid": "P", "completed": "F", "cancelled": "X", "refunded": "R"}
_FIRST = "waiting"


@dataclass(frozen=True)
class Layout:
    """One way. `starts`: where each table's numbers begin; 1 everywhere, they are keys of all."""

    keys: str = "number"  # number, random
    declared: bool = True  # foreign keys
    payments: str = "own"  # own, through, none
    failed: bool = True  # payments that failed stand there too
    lines: str = "code"  # code, article, names, pieces (a row for each of them)
    address: str = "within"  # within, referred, kinds
    refunds: str = "own"  # own, among (the payments), below (the orders), none
    history: str = "both"  # both, reached, none
    doubles: bool = False  # amounts in the shop's own currency beside
    minor: bool = False
    starts: bool = True


class LaidOutShop:
    """The tables in a file of SQLite's, and what they mean."""

    def __init__(self, path: Path, layout: Layout, trade: Sequence[Bought]) -> None:
        self.layout, self._trade = layout, trade
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._rng = random.Random(4)
        self._numbers: dict[str, int] = {}
        self.truth: Meaning = {"orders": {}, "payments": {}, "order_lines": {}, "refunds": {},
                               "state_changes": {}, "stock": {}, "customers": {}}  # fmt: skip
        self._shop = sqlite3.connect(path)
        for statement in self._tables().split(";"):
            self._shop.execute(statement)
        self._written()
        self._shop.commit()
        self._shop.close()

    def _tables(self) -> str:
        one = self.layout
        key = "integer" if one.keys == "number" else "varchar(40)"

        def to(table: str) -> str:
            return f"references {table} (id)" if one.declared else ""

        money = "integer" if one.minor else "numeric(12, 2)"
        within = "street text, postcode text, phone text," if one.address == "within" else ""
        referred = f"address_id integer {to('places')}," if one.address == "referred" else ""
        double = f"own_total {money}, own_currency text," if one.doubles else ""
        code = "code text," if one.lines in ("code", "pieces") else ""
        article = f"article integer {to('articles')}," if one.lines == "article" else ""
        pieces = f"pieces integer, price {money}, amount {money},"
        pieces = {"names": "", "pieces": f"price {money},"}.get(one.lines, pieces)
        paid = f"order_id {key} {to('orders')}," if one.payments == "own" else ""
        paid = paid or f"collection_id integer {to('collections')},"
        back = f"order_id {key} {to('orders')}," if one.payments != "through" else ""
        before = "before text," if one.history == "both" else ""
        own = f"own_amount {money}," if one.doubles else ""
        order = f"order_id {key} {to('orders')}"
        return f"""
            create table people (id integer primary key, mail text, tongue text, since timestamp);
            create table articles (id integer primary key, code text, title text, there integer,
              held integer);
            create table places (id integer primary key, street text, postcode text, phone text);
            create table orders (id {key} primary key, kind text, parent {key}, number text,
              state text, person integer {to("people")}, total {money}, {double}
              shipping {money}, currency text, {within} {referred} placed timestamp,
              touched timestamp, cart integer);
            create table order_places (id integer primary key, {order}, kind text, street text,
              postcode text, phone text, unique (order_id, kind));
            create table lines (id integer primary key, {order}, {code} {article} {pieces}
              kind text);
            create table line_values (id integer primary key, line_id integer {to("lines")},
              name text, value text);
            create table collections (id integer primary key, method text, opened timestamp);
            create table order_collections ({order}, collection_id integer {to("collections")},
              primary key (order_id, collection_id));
            create table payments (id integer primary key, {paid} gateway text, state text,
              amount {money}, {own} currency text, reason text, made timestamp);
            create table refunds (id integer primary key, payment_id integer {to("payments")},
              {back} state text, amount {money}, currency text, asked timestamp);
            create table changes (id integer primary key, {order}, {before} reached text,
              note text, at timestamp);
            create table visits (id integer primary key, person integer, page text, at timestamp,
              length integer)
        """

    def _put(self, table: str, **values: Any) -> int:
        given = {name: value for name, value in values.items() if name in self._columns(table)}
        if "id" in self._columns(table) and "id" not in given:
            self._numbers[table] = self._numbers.get(table, self._begin(table)) + 1
            given["id"] = self._numbers[table]
        names = ", ".join(given)
        marks = ", ".join("?" * len(given))
        rows = [_kept(value) for value in given.values()]
        self._shop.execute(f"insert into {table} ({names}) values ({marks})", rows)
        return int(given["id"]) if isinstance(given.get("id"), int) else 0

    def _begin(self, table: str) -> int:
        return 0 if self.layout.starts else 1000 * (1 + sum(map(ord, table)) % 89)

    def _columns(self, table: str) -> list[str]:
        return [row[1] for row in self._shop.execute(f"pragma table_info({table})")]

    def _money(self, amount: Decimal) -> Any:
        return int(amount * 100) if self.layout.minor else amount

    def _ago(self, hours: float) -> datetime:
        return (self._now - timedelta(hours=hours)).replace(microsecond=0, tzinfo=None)

    def _written(self) -> None:
        for person in range(1, 46):
            tongue = ("en", "fr", "nl")[person % 3]
            number = self._put("people", mail=f"person-{person}@people.example", tongue=tongue,
                               since=self._ago(2600 - person))  # fmt: skip
            self.truth["customers"][str(number)] = {"key": str(number), "language": tongue}
        for article in range(1, 31):
            there, held = self._rng.randint(30, 99), self._rng.randint(0, 9)
            code = f"SKU-{article:03d}"
            self._put("articles", code=code, title=f"A fine thing of kind {article}",
                      there=there, held=held)  # fmt: skip
            self.truth["stock"][code] = {"sku": code, "on_hand": Decimal(there).normalize(),
                                         "reserved": Decimal(held).normalize()}  # fmt: skip
        for one in self._trade:
            self._order(one)
        for at in range(400):
            self._put("visits", person=self._rng.randint(1, 45), page=f"/p/{at % 37}",
                      at=self._ago(2400 - 6 * at), length=self._rng.randint(1, 900))  # fmt: skip

    def _key(self) -> Any:
        if self.layout.keys == "number":
            self._numbers["orders"] = self._numbers.get("orders", self._begin("orders")) + 1
            return self._numbers["orders"]
        return f"ord_{self._rng.getrandbits(110):028x}"

    def _order(self, one: Bought) -> None:
        key, layout = self._key(), self.layout
        where = {"street": one.street, "postcode": one.postcode, "phone": one.phone}
        place = self._put("places", **where) if layout.address == "referred" else None
        own = (one.total / one.rate).quantize(Decimal("0.01"))
        number = f"W{10_000 + 3 * one.number}"
        self._put(
            "orders", id=key, kind="order", number=number, state=_STATES[one.fate],
            person=self._begin("people") + one.customer, total=self._money(one.total),
            own_total=self._money(own), own_currency="EUR", shipping=self._money(one.shipping),
            currency=one.currency, address_id=place, placed=self._ago(one.hours),
            touched=self._ago(one.hours * 0.4), cart=7 * one.number + self._rng.randint(0, 5),
            **where,
        )  # fmt: skip
        self.truth["orders"][str(key)] = {
            "key": str(key), "number": number, "total": _minor(one.total),
            "shipping": _minor(one.shipping), "currency": one.currency,
            "customer": str(self._begin("people") + one.customer),
            "placed_at": self._ago(one.hours).replace(tzinfo=UTC),
            "address": one.street, "postcode": one.postcode, "phone": one.phone,
        }  # fmt: skip
        if layout.address == "kinds":
            other = {**where, "street": f"Elsewhere {one.number}", "postcode": "1000"}
            for kind, told in (("shipping", where), ("billing", other)):
                self._put("order_places", order_id=key, kind=kind, **told)
        self._lines(one, key)
        self._history(one, key)
        self._paid(one, key)

    def _lines(self, one: Bought, key: Any) -> None:
        for line in one.lines:
            for _ in range(line.pieces if self.layout.lines == "pieces" else 1):
                self._line(one, line, key)

    def _line(self, one: Bought, line: Line, key: Any) -> None:
        number = self._put(
            "lines", order_id=key, code=line.sku, article=self._begin("articles") + line.article,
            pieces=line.pieces, price=self._money(line.gross),
            amount=self._money(line.gross * line.pieces), kind="article",
        )  # fmt: skip
        told = {"key": str(number), "order_key": str(key), "sku": line.sku,
                "quantity": Decimal(line.pieces).normalize(),
                "amount": _minor(line.gross * line.pieces), "currency": one.currency}  # fmt: skip
        if self.layout.lines == "pieces":
            told |= {"quantity": Decimal(1), "amount": _minor(line.gross)}
        if self.layout.lines == "names":
            values = {"code": line.sku, "how_many": line.pieces, "cost": line.gross * line.pieces}
            for name, value in values.items():
                self._put("line_values", line_id=number, name=name, value=str(value))
        self.truth["order_lines"][str(number)] = told

    def _history(self, one: Bought, key: Any) -> None:
        if self.layout.history == "none":
            return
        steps = [(_FIRST, one.hours)]
        if one.fate in ("paid", "completed", "refunded"):
            steps.append(("paid", one.settled))
        if one.fate in ("completed", "refunded", "cancelled"):
            steps.append((one.fate, one.hours * 0.5))
        self.truth["orders"][str(key)]["state_since"] = self._ago(steps[-1][1]).replace(tzinfo=UTC)
        for at, (state, hours) in enumerate(steps):
            before = steps[at - 1][0] if at else None
            if before is None and self.layout.history == "both":
                continue
            number = self._put("changes", order_id=key, before=before and _STATES[before],
                               reached=_STATES[state], at=self._ago(hours))  # fmt: skip
            if before is not None:
                self.truth["state_changes"][str(number)] = {
                    "key": str(number), "order_key": str(key),
                    "at": self._ago(hours).replace(tzinfo=UTC),
                }  # fmt: skip
        if one.remark and self.layout.history == "reached":
            self._put("changes", order_id=key, reached=_STATES[steps[-1][0]], note="called back",
                      at=self._ago(one.hours * 0.3))  # fmt: skip

    def _paid(self, one: Bought, key: Any) -> None:
        layout, collection = self.layout, None
        if layout.payments == "through":
            collection = self._put("collections", method="card", opened=self._ago(one.hours))
            self._put("order_collections", order_id=key, collection_id=collection)
        payment = None
        tries = [("9", one.paid[0], 0.02)] * one.failed if layout.failed and one.paid else []
        for state, amount, later in [*tries, *(("2", amount, 0.01) for amount in one.paid)]:
            if layout.payments == "none":
                continue
            hours = one.settled - later
            payment = self._put(
                "payments", order_id=key, collection_id=collection, state=state,
                gateway=("northpay", "adyen")[one.number % 2], amount=self._money(amount),
                own_amount=self._money((amount / one.rate).quantize(Decimal("0.01"))),
                currency=one.currency, reason="declined" if state == "9" else None,
                made=self._ago(hours),
            )  # fmt: skip
            self._told("payments", payment, key, one, amount, hours)
            self.truth["payments"][str(payment)] |= {
                "channel": ("northpay", "adyen")[one.number % 2],
                "stage": "declined" if state == "9" else None,
            }
        for amount in one.refunded:
            hours = one.hours * 0.5
            if layout.refunds == "own" and payment is not None:
                number = self._put("refunds", payment_id=payment, order_id=key, state="5",
                                   amount=self._money(amount), currency=one.currency,
                                   asked=self._ago(hours))  # fmt: skip
                self._told("refunds", number, key, one, amount, hours)
                self.truth["refunds"][str(number)]["payment_key"] = str(payment)
            elif layout.refunds == "among" and payment is not None:
                number = self._put(
                    "payments", order_id=key, collection_id=collection, state="4",
                    gateway="northpay", amount=self._money(-amount), currency=one.currency,
                    own_amount=self._money(-(amount / one.rate).quantize(Decimal("0.01"))),
                    made=self._ago(hours),
                )  # fmt: skip
                self._told("refunds", number, key, one, amount, hours)
                # Where its words are not known, it is a payment like others.
                self._told("payments", number, key, one, -amount, hours)
                self.truth["payments"][str(number)]["channel"] = "northpay"
            elif layout.refunds == "below":
                number = self._key()
                self._put("orders", id=number, kind="refund", parent=key, state="F",
                          number=f"B{10_000 + 3 * one.number}", total=self._money(-amount),
                          currency=one.currency, placed=self._ago(hours), cart=0,
                          touched=self._ago(hours))  # fmt: skip
                self._told("refunds", number, key, one, amount, hours)

    def _told(
        self, entity: str, number: Any, key: Any, one: Bought, amount: Decimal, hours: float
    ) -> None:
        self.truth[entity][str(number)] = {
            "key": str(number), "order_key": str(key), "amount": _minor(amount),
            "currency": one.currency, "created_at": self._ago(hours).replace(tzinfo=UTC),
        }  # fmt: skip


def _minor(amount: Decimal) -> Decimal:
    return (amount * 100).normalize()


def _kept(value: Any) -> Any:
    """As SQLite keeps it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value
