"""A shop that looks nothing like the demo: German table names, other status words, decimals.

`plant` writes orders in order, and beside them exactly the faults that the tests name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
)

from tests import clickhouse

metadata = MetaData()
bestellungen = Table(
    "bestellungen",
    metadata,
    Column("lfd", Integer, primary_key=True),
    Column("bestellnr", String(20)),
    Column("kunde", Integer),
    Column("zustand", String(20)),
    Column("zustand_seit", DateTime),
    Column("angelegt", DateTime),
    Column("brutto", Numeric(12, 2)),
    Column("rabatt", Numeric(12, 2)),
)
kunden = Table(
    "kunden",
    metadata,
    Column("nr", Integer, primary_key=True, autoincrement=False),
    Column("sprache", String(20)),
)
zahlungen = Table(
    "zahlungen",
    metadata,
    Column("nr", String(20), primary_key=True),
    Column("bestellung", Integer),
    Column("weg", String(20)),
    Column("betrag", Numeric(12, 2)),
    Column("ergebnis", String(20)),
    Column("grund", String(40)),
    Column("um", DateTime),
)
gutschriften = Table(
    "gutschriften",
    metadata,
    Column("nr", Integer, primary_key=True),
    Column("bestellung", Integer),
    Column("betrag", Numeric(12, 2)),
    Column("ergebnis", String(20)),
)
verlauf = Table(
    "verlauf",
    metadata,
    Column("nr", Integer, primary_key=True),
    Column("bestellung", Integer),
    Column("von", String(20)),
    Column("nach", String(20)),
    Column("um", DateTime),
)

MAPPING: dict[str, Any] = {
    "orders": {
        "from": "bestellungen",
        "unit": "major",
        "form": "native",
        "currency": "EUR",
        "fields": {
            "key": "lfd",
            "number": "bestellnr",
            "customer": "kunde",
            "state": {
                "column": "zustand",
                "words": {
                    "awaiting_payment": ["offen"],
                    "paid": ["bezahlt", "gezahlt"],
                    "dispatched": ["versandt"],
                    "cancelled": ["storniert"],
                    "refunded": ["erstattet"],
                },
                "ignore": ["entwurf"],
            },
            "state_since": "zustand_seit",
            "total": "brutto",
            "discount": "rabatt",
        },
    },
    "payments": {
        "from": "zahlungen",
        "unit": "major",
        "form": "native",
        "fields": {
            "key": "nr",
            "order_key": "bestellung",
            "channel": "weg",
            "amount": "betrag",
            "state": {
                "column": "ergebnis",
                "words": {
                    "captured": ["ok"],
                    "failed": ["abgelehnt", "fehler"],
                    "unknown": ["unklar"],
                    "created": ["neu"],
                },
            },
            "stage": "grund",
            "created_at": "um",
        },
    },
    "refunds": {
        "from": "gutschriften",
        "unit": "major",
        "fields": {
            "order_key": "bestellung",
            "amount": "betrag",
            "state": {"column": "ergebnis", "words": {"succeeded": ["ok"]}},
        },
    },
    "state_changes": {
        "from": "verlauf",
        "form": "native",
        "fields": {
            "order_key": "bestellung",
            "from_state": {
                "column": "von",
                "words": {
                    "awaiting_payment": ["offen"],
                    "paid": ["bezahlt", "gezahlt"],
                    "dispatched": ["versandt"],
                    "cancelled": ["storniert"],
                },
            },
            "to_state": {
                "column": "nach",
                "words": {
                    "awaiting_payment": ["offen"],
                    "paid": ["bezahlt", "gezahlt"],
                    "dispatched": ["versandt"],
                    "cancelled": ["storniert"],
                },
            },
            "at": "um",
        },
    },
    "customers": {
        "from": "kunden",
        "fields": {"key": "nr", "language": {"column": "sprache", "words": {"en": ["ENGL"]}}},
    },
}

# The shop's own words by customer (an order's number modulo 7), and what they mean.
LANGUAGES = {0: "ENGL", 1: "en-GB", 2: "zh_TW", 3: "de", 4: None, 5: "ZH-Hant-TW", 6: "EN"}
MEANT = {0: "en", 1: "en", 2: "zh-Hant", 3: None, 4: None, 5: "zh-Hant", 6: "en"}


class ForeignShop:
    """Writes the shop's tables; `planted` says what a check must find."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = create_engine(url)
        self._next = 1
        self.now = datetime.now(UTC).replace(tzinfo=None)

    def create(self) -> None:
        if self._engine.dialect.name == clickhouse.NAME:
            clickhouse.create(self._engine, metadata)
        else:
            metadata.drop_all(self._engine)
            metadata.create_all(self._engine)
        for number, word in LANGUAGES.items():
            self._write((kunden, {"nr": number, "sprache": word}))

    def _write(self, *rows: tuple[Table, dict[str, Any]]) -> None:
        """These rows together, where the engine knows such a thing."""
        if self._engine.dialect.name == clickhouse.NAME:
            for table, row in rows:
                clickhouse.insert(self._engine, table, [row])
            return
        with self._engine.begin() as connection:
            for table, row in rows:
                connection.execute(table.insert().values(**row))

    def close(self) -> None:
        self._engine.dispose()

    def order(
        self,
        state: str,
        *,
        hours: float = 1,
        total: str = "100.00",
        paid: tuple[str, ...] = ("100.00",),
        refunded: tuple[str, ...] = (),
        came_from: str | None = None,
        channel: str = "karte",
        result: str = "ok",
        paid_hours: float | None = None,
    ) -> str:
        """One order with its payments; returns its number."""
        number, lfd = f"B{self._next:05d}", self._next
        self._next += 1
        at = self.now - timedelta(hours=hours)
        paid_at = at if paid_hours is None else self.now - timedelta(hours=paid_hours)
        order = {
            "lfd": lfd, "bestellnr": number, "kunde": lfd % 7, "zustand": state,
            "zustand_seit": at, "angelegt": at, "brutto": Decimal(total), "rabatt": Decimal("0"),
        }  # fmt: skip
        rows: list[tuple[Table, dict[str, Any]]] = [(bestellungen, order)]
        for n, amount in enumerate(paid):
            payment = {
                "nr": f"z{lfd}-{n}", "bestellung": lfd, "weg": channel, "betrag": Decimal(amount),
                "ergebnis": result, "grund": "3ds" if result != "ok" else None, "um": paid_at,
            }  # fmt: skip
            rows.append((zahlungen, payment))
        rows += [
            (gutschriften, {"bestellung": lfd, "betrag": Decimal(amount), "ergebnis": "ok"})
            for amount in refunded
        ]
        if came_from is not None:
            step = {"bestellung": lfd, "von": came_from, "nach": state, "um": at}
            rows.append((verlauf, step))
        self._write(*rows)
        return number
