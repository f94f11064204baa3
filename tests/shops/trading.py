"""Trading of some months, as it is in a shop: what each of the four schemas is filled with.

Several articles in an order and several pieces of one, prices with and without tax, shipping,
discounts, a second currency, guests, people who come again, payments in parts, refunds in part and
whole, cancelled orders. Nothing in it is a fault.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

_TAX = Decimal("1.21")
_CENT = Decimal("0.01")
_STREETS = ("Kouter", "Lange Munt", "Veldstraat", "Coupure Links", "Korenmarkt")
_SHIPPING = (Decimal("0.00"), Decimal("4.95"), Decimal("7.43"), Decimal("12.10"))
Fate = str


@dataclass(frozen=True)
class Line:
    """So many pieces of an article; amounts of one piece."""

    article: int
    pieces: int
    net: Decimal
    gross: Decimal

    @property
    def sku(self) -> str:
        return f"SKU-{self.article:03d}"


@dataclass
class Bought:
    """One order: `fate` is where it stands (waiting, paid, completed, cancelled, refunded)."""

    number: int
    hours: float
    lines: list[Line]
    shipping_net: Decimal
    shipping: Decimal
    discount: Decimal
    currency: str
    rate: Decimal  # of the shop's own currency
    customer: int
    guest: bool
    fate: Fate
    street: str
    postcode: str
    phone: str
    paid: list[Decimal] = field(default_factory=list)
    refunded: list[Decimal] = field(default_factory=list)
    sent: float | None = None  # hours ago
    failed: int = 0
    remark: bool = False

    @property
    def goods(self) -> Decimal:
        return sum((one.gross * one.pieces for one in self.lines), Decimal(0))

    @property
    def goods_net(self) -> Decimal:
        return sum((one.net * one.pieces for one in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.goods - self.discount + self.shipping

    @property
    def tax(self) -> Decimal:
        """Of the whole, as if the discount were without."""
        return self.goods - self.goods_net + self.shipping - self.shipping_net

    @property
    def settled(self) -> float:
        """How many hours ago it was paid."""
        return self.hours - min(0.8, 0.03 * self.hours)

    @property
    def mail(self) -> str:
        return f"person-{self.customer}@people.example"


def traded(
    orders: int = 160,
    *,
    seed: int = 3,
    currency: str = "EUR",
    other: tuple[str, str] = ("USD", "1.17"),
) -> list[Bought]:
    """The oldest first. `other`: a second currency, and how much of it one of the shop's own is."""
    rng = random.Random(seed)
    prices = {
        number: (Decimal(rng.randint(150, 9900)) / 100).quantize(_CENT) for number in range(1, 31)
    }
    ages = sorted((rng.uniform(1, 100 * 24) for _ in range(orders - orders // 6)), reverse=True)
    ages += sorted((rng.uniform(1, 40) for _ in range(orders // 6)), reverse=True)
    return [
        _bought(rng, number, hours, prices, currency, other)
        for number, hours in enumerate(sorted(ages, reverse=True), start=1)
    ]


def _bought(
    rng: random.Random,
    number: int,
    hours: float,
    prices: dict[int, Decimal],
    currency: str,
    other: tuple[str, str],
) -> Bought:
    away = rng.random() < 0.15
    rate = Decimal(other[1]) if away else Decimal(1)
    whole = other[0] in ("JPY", "KRW")
    digit = Decimal(1) if away and whole else _CENT
    lines = []
    for article in rng.sample(sorted(prices), rng.choice((1, 1, 2, 2, 3, 4))):
        net = (prices[article] * rate).quantize(digit)
        lines.append(
            Line(article, rng.choice((1, 1, 1, 2, 3, 5)), net, (net * _TAX).quantize(digit))
        )
    shipping = (rng.choice(_SHIPPING) * rate).quantize(digit)
    made = Bought(
        number, hours, lines, (shipping / _TAX).quantize(digit), shipping, Decimal(0),
        other[0] if away else currency, rate, rng.randint(1, 45), rng.random() < 0.2,
        _fate(rng, hours), f"{rng.choice(_STREETS)} {rng.randint(1, 250)}",
        str(rng.randint(1000, 9999)),
        f"+32 9 {rng.randint(100, 999)} {rng.randint(10, 99)} 7{rng.randint(0, 9)}",
        remark=rng.random() < 0.3,
    )  # fmt: skip
    if rng.random() < 0.25:
        made.discount = (lines[0].gross * lines[0].pieces / 5).quantize(digit)
    _paid(rng, made, digit)
    return made


def _fate(rng: random.Random, hours: float) -> Fate:
    drawn = rng.random()
    if hours < 20:
        return "waiting" if drawn < 0.25 else "paid"
    if hours < 42:
        return "paid" if drawn < 0.5 else "completed"
    return "cancelled" if drawn < 0.08 else "refunded" if drawn < 0.14 else "completed"


def _paid(rng: random.Random, made: Bought, digit: Decimal) -> None:
    if made.fate in ("waiting", "cancelled"):
        return
    first = (made.total * Decimal("0.4")).quantize(digit) if rng.random() < 0.1 else Decimal(0)
    made.paid = [one for one in (first, made.total - first) if one]
    made.failed = 1 if rng.random() < 0.1 else 0
    if made.fate == "completed":
        made.sent = (
            made.hours * rng.uniform(0.6, 0.9)
            if made.hours < 50
            else made.hours - rng.uniform(3, 40)
        )
    if made.fate == "refunded":
        made.refunded = [made.total]
    elif rng.random() < 0.08:
        made.refunded = [(made.lines[0].gross * made.lines[0].pieces / 2).quantize(digit)]
