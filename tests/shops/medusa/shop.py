"""A Medusa 2 shop for tests: its packages installed by npm, its tables made by its own migrations,
its orders, payments, fulfilments, returns and stock by its own module services.

Times cannot be given to these, so what has an age is made older by SQL afterwards.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.shops.trading import Bought

HERE = Path(__file__).parent
VERSION = "2.21.2"
PACKAGES = tuple(f"@medusajs/{name}@{VERSION}" for name in ("medusa", "framework", "cli"))
_NODE = 20

# What of an order is made older.
_OF_ORDER = "(select payment_collection_id from order_payment_collection where order_id = :order)"
_FULFILLED = "(select fulfillment_id from order_fulfillment where order_id = :order)"
_PAID = f"(select id from payment where payment_collection_id in {_OF_ORDER})"
_OLDER = (  # table, column, which rows
    ('"order"', "created_at", "id = :order"),
    ('"order"', "canceled_at", "id = :order"),
    ("payment_collection", "completed_at", f"id in {_OF_ORDER}"),
    ("payment_session", "created_at", f"payment_collection_id in {_OF_ORDER}"),
    ("capture", "created_at", f"payment_id in {_PAID}"),
    ("payment", "created_at", f"payment_collection_id in {_OF_ORDER}"),
    ("payment", "captured_at", f"payment_collection_id in {_OF_ORDER}"),
    ("payment_collection", "created_at", f"id in {_OF_ORDER}"),
    ("order_item", "created_at", "order_id = :order"),
    (
        "order_line_item",
        "created_at",
        "id in (select item_id from order_item where order_id = :order)",
    ),
    ("order_summary", "created_at", "order_id = :order"),
    ("order_shipping", "created_at", "order_id = :order"),
    ("order_payment_collection", "created_at", "order_id = :order"),
    ("fulfillment", "created_at", f"id in {_FULFILLED}"),
    ("fulfillment", "shipped_at", f"id in {_FULFILLED}"),
    ("fulfillment", "delivered_at", f"id in {_FULFILLED}"),
)


def missing() -> str | None:
    """What this machine lacks to run Medusa; None: nothing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node and npm are not installed"
    return None


def installed(folder: Path) -> None:
    """Medusa and its configuration, in that folder; with a Node where the machine's is too old."""
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "shop", "private": true}', encoding="utf-8")
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    packages = PACKAGES if _new_enough() else (*PACKAGES, f"{_node_package()}@22")
    subprocess.run(["npm", "install", *options, *packages], cwd=folder, check=True)
    for name in ("medusa-config.js", "plant.js"):
        shutil.copy(HERE / name, folder / name)


def _new_enough() -> bool:
    said = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    return int(said.strip().removeprefix("v").partition(".")[0]) >= _NODE


def _node_package() -> str:
    """The package that holds the program alone, for this machine."""
    return f"node-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}"


@dataclass
class Order:
    """One order; hours are before now. `total` is what is asked for and paid, the lines are what it
    costs."""

    name: str
    currency: str = "eur"
    customer: str = ""  # each a customer of their own, where nothing else is said
    locale: str | None = None
    lines: list[tuple[str, int, float]] = field(default_factory=lambda: [("A-1", 2, 50)])
    shipped_goods: bool = True
    address: str = "Kouter 1"
    postcode: str = "9000"
    total: float = 100
    captured: list[float] = field(default_factory=lambda: [100])
    refunded: list[float] = field(default_factory=list)
    failed: int = 0
    fulfilled: list[str] = field(default_factory=list)  # shipped_at, delivered_at, or "": packed
    returns: list[dict[str, Any]] = field(default_factory=list)  # status, note, hours
    cancelled: bool = False
    hours: float = 6
    shipping: float = 0
    phone: str = "+32 9 212 34 56"
    mail: str = ""
    provider: str = "pp_system_default"

    def __post_init__(self) -> None:
        self.customer = self.customer or f"cus_{self.name}"
        self.mail = self.mail or f"{self.customer}@shop.example"


def trade(orders: list[Bought]) -> list[Order]:
    """Months of orders that are in order; a discount is in the price."""
    return [_traded(one) for one in orders]


def _traded(one: Bought) -> Order:
    """Medusa works out what it costs from the lines and the shipping."""
    total = one.goods + one.shipping
    sent = {"completed": ["delivered_at" if one.number % 2 else "shipped_at"]}
    first = [one.paid[0]] if len(one.paid) > 1 else []
    paid = [*first, total - sum(first)] if one.paid else []
    return Order(
        f"T-{one.number}", currency=one.currency.lower(), customer=f"cus_{one.customer:026d}",
        locale=("fr-BE", "nl-BE", "en")[one.customer % 3],
        lines=[(line.sku, line.pieces, float(line.gross)) for line in one.lines],
        address=one.street, postcode=one.postcode, total=float(total), phone=one.phone,
        captured=[float(amount) for amount in paid], mail=one.mail,
        refunded=[float(total if one.fate == "refunded" else back) for back in one.refunded],
        failed=one.failed, fulfilled=sent.get(one.fate, []), hours=one.hours,
        cancelled=one.fate == "cancelled", shipping=float(one.shipping),
    )  # fmt: skip


@dataclass
class MedusaShop:
    """The shop in its folder, on an empty PostgreSQL database that listens at a port."""

    folder: Path
    url: str  # as SQLAlchemy has it
    port: int

    def migrated(self) -> None:
        self._medusa("db:migrate", "--skip-scripts")

    def written(
        self, orders: list[Order], lost: list[dict[str, Any]], articles: list[dict[str, Any]]
    ) -> dict[str, str]:
        """What people call each order or payment, by the name that the plan gives it."""
        plan, made = self.folder / "plan.json", self.folder / "made.json"
        wanted = {"orders": [asdict(one) for one in orders], "lost": lost, "articles": articles}
        plan.write_text(json.dumps(wanted), encoding="utf-8")
        self._medusa("exec", "./plant.js", SHOP_PLAN=str(plan), SHOP_MADE=str(made))
        there = json.loads(made.read_text(encoding="utf-8"))
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for one in orders:
                ids = there["orders"][one.name]
                self._older(connection, one, ids)
            for given in lost:
                connection.execute(
                    text(
                        "update capture set created_at = now() - :hours * interval '1 hour' "
                        "where payment_id = :id"
                    ),
                    {"hours": given["hours"], "id": there["payments"][given["name"]]},
                )
            captures = connection.execute(text("select payment_id, id from capture"))
            capture_of = {row[0]: row[1] for row in captures}
        engine.dispose()
        return {
            **{name: str(one["number"]) for name, one in there["orders"].items()},
            **{name: capture_of[payment] for name, payment in there["payments"].items()},
        }

    def changed(self, statement: str, **values: Any) -> None:
        """Something that no service of Medusa's does: a fault."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            assert connection.execute(text(statement), values).rowcount
        engine.dispose()

    @staticmethod
    def _older(connection: Any, one: Order, ids: dict[str, Any]) -> None:
        ago = "now() - :hours * interval '1 hour'"
        for table, column, rows in _OLDER:
            statement = f"update {table} set {column} = {ago} where {rows} and {column} is not null"
            connection.execute(text(statement), {"hours": one.hours, "order": ids["id"]})
        back = text(
            "update refund set created_at = now() - :hours * interval '30 minutes' "
            f"where payment_id in {_PAID}"
        )
        connection.execute(back, {"hours": one.hours, "order": ids["id"]})
        for asked, made in zip(one.returns, ids["returns"], strict=True):
            at = text(f'update "return" set requested_at = {ago} where id = :id')
            connection.execute(at, {"hours": asked["hours"], "id": made})

    def _medusa(self, *words: str, **more: str) -> None:
        done = subprocess.run(
            [self._node(), "node_modules/@medusajs/cli/cli.js", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                **more,
                "MEDUSA_DISABLE_TELEMETRY": "true",
                "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.port}/{self._name}",
            },
        )
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]

    def _node(self) -> str:
        own = self.folder / "node_modules" / _node_package() / "bin" / "node"
        return str(own) if own.exists() else "node"

    @property
    def _name(self) -> str:
        return str(make_url(self.url).database)
