"""A django-oscar shop for tests: the package installed by pip into an environment of its own, its
tables made by its own migrations, its orders by its own models."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from tests.shops.trading import Bought

HERE = Path(__file__).parent
PACKAGES = ("django-oscar==4.2.1", "pymysql", "psycopg[binary]")
_ENGINES = {"sqlite": "sqlite3", "postgresql": "postgresql", "mysql": "mysql"}


def installed(folder: Path) -> Path:
    """The Python of a fresh environment that has django-oscar."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return python


@dataclass
class Order:
    """One order. Hours are before now; `through` and `wrong` are its changes of status."""

    number: str
    total: str = "100.00"
    currency: str = "EUR"
    line1: str | None = "Kouter 1"
    postcode: str = "9000"
    user: str | None = None  # each a customer of their own, where nothing else is said
    guest: str = ""
    shipping_code: str = "parcel"
    placed: float = 6
    lines: list[tuple[str, int]] = field(default_factory=lambda: [("A-1", 1)])
    amounts: list[dict[str, str]] = field(default_factory=list)  # of each line; else: the total's
    total_net: str | None = None
    shipping: tuple[str, str] = ("0", "0")  # with its tax, and without
    phone: str = "+32 9 212 34 56"
    channel: str = "Card"
    status: str = ""  # what the gateway says beside each transaction
    paid: list[str] = field(default_factory=lambda: ["100.00"])
    paid_hours: float = 5
    refunded: list[str] = field(default_factory=list)
    through: list[tuple[str, float]] = field(default_factory=lambda: [("Being processed", 5)])
    wrong: list[tuple[str, str, float]] = field(default_factory=list)
    sent: float | None = None  # hours ago

    def __post_init__(self) -> None:
        if self.user is None and not self.guest:
            self.user = f"customer-{self.number}"


def trade(orders: list[Bought]) -> list[Order]:
    """Months of orders that are in order."""
    return [_traded(one) for one in orders]


def articles() -> list[dict[str, Any]]:
    """The stock of what is traded."""
    rng = random.Random(8)
    return [
        {"sku": f"SKU-{number:03d}", "there": rng.randint(20, 90), "promised": rng.randint(0, 9)}
        for number in range(1, 31)
    ]


def _traded(one: Bought) -> Order:
    settled = one.settled
    through = {
        "waiting": [],
        "paid": [("Being processed", settled)],
        "completed": [("Being processed", settled), ("Complete", one.sent or 0.7 * one.hours)],
        "cancelled": [("Cancelled", 0.8 * one.hours)],
        "refunded": [("Being processed", settled), ("Cancelled", 0.5 * one.hours)],
    }
    amounts = []
    for at, line in enumerate(one.lines):
        off = one.discount if at == 0 else Decimal(0)
        before, net = line.gross * line.pieces, line.net * line.pieces
        less = (off / Decimal("1.21")).quantize(Decimal("0.01"))
        amounts.append({
            "line_price_incl_tax": before - off, "line_price_excl_tax": net - less,
            "unit_price_incl_tax": line.gross, "unit_price_excl_tax": line.net,
            "line_price_before_discounts_incl_tax": before,
            "line_price_before_discounts_excl_tax": net,
        })  # fmt: skip
    return Order(
        f"{100_000 + one.number}", total=str(one.total), currency=one.currency, line1=one.street,
        postcode=one.postcode, user=None if one.guest else f"person-{one.customer}",
        guest=one.mail if one.guest else "", placed=one.hours, phone=one.phone,
        lines=[(line.sku, line.pieces) for line in one.lines],
        amounts=[{name: str(value) for name, value in line.items()} for line in amounts],
        total_net=str(one.total - one.tax), shipping=(str(one.shipping), str(one.shipping_net)),
        paid=[str(amount) for amount in one.paid], paid_hours=settled, status="",
        refunded=[str(amount) for amount in one.refunded], through=through[one.fate],
        channel=("Card", "Transfer", "Wallet")[one.number % 3], sent=one.sent,
    )  # fmt: skip


@dataclass
class OscarShop:
    """The shop at an address of SQLAlchemy's. `written` once: the migrations go with it."""

    python: Path
    url: str

    def written(self, orders: list[Order], articles: list[dict[str, Any]]) -> None:
        plan = {"orders": [asdict(one) for one in orders], "articles": articles}
        done = subprocess.run(
            [str(self.python), "-W", "ignore", str(HERE / "plant.py")],
            input=json.dumps(plan),
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "shop_settings",
                "SHOP_DATABASE": json.dumps(self._database()),
            },
        )
        assert done.returncode == 0, done.stderr[-2_000:]

    def _database(self) -> dict[str, Any]:
        """The same address in Django's words."""
        url = make_url(self.url)
        options = {"unix_socket": url.query["unix_socket"]} if "unix_socket" in url.query else {}
        return {
            "ENGINE": f"django.db.backends.{_ENGINES[url.get_backend_name()]}",
            "NAME": url.database,
            "USER": url.username or "",
            "PASSWORD": url.password or "",
            "HOST": str(url.query.get("host", "")),
            "OPTIONS": options,
        }
