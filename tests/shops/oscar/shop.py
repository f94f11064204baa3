"""A django-oscar shop for tests: the package installed by pip into an environment of its own, its
tables made by its own migrations, its orders by its own models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

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
    paid: list[str] = field(default_factory=lambda: ["100.00"])
    paid_hours: float = 5
    refunded: list[str] = field(default_factory=list)
    through: list[tuple[str, float]] = field(default_factory=lambda: [("Being processed", 5)])
    wrong: list[tuple[str, str, float]] = field(default_factory=list)
    sent: bool = False

    def __post_init__(self) -> None:
        if self.user is None and not self.guest:
            self.user = f"customer-{self.number}"


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
