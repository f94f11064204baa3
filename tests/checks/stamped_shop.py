"""A small shop in which each row tells when it changed, and a bot that looks at it again and again.

`Shop.write` stamps what it writes as a shop does; a test that wants another stamp gives it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, create_engine, select
from sqlalchemy.dialects import mysql, postgresql, sqlite

from bot.settings import Settings, parse_settings
from bot.wiring.check_connections import open_checks
from bot.wiring.check_jobs import recurring_checks
from checks.model import CheckResult
from storage.database import Database
from tests.incidents.world import KEY, house

DAY = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)  # 11:00 in Taipei
metadata = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    key: Column[Any] = Column("id", Integer, primary_key=True, autoincrement=False)
    return Table(name, metadata, key, *columns, Column("touched", BigInteger, index=True))


orders = _table(
    "kopf",
    Column("nr", String(20)),
    Column("stand", String(10)),
    Column("seit", BigInteger),
    Column("am", BigInteger),
    Column("bis", BigInteger),
    Column("summe", Integer),
    Column("kunde", Integer),
    Column("strasse", String(40)),
)
payments = _table(
    "geld",
    Column("kopf", Integer),
    Column("betrag", Integer),
    Column("stand", String(10)),
    Column("um", BigInteger),
)
lines = _table(
    "zeile", Column("kopf", Integer), Column("artikel", String(10)), Column("n", Integer)
)
refunds = _table(
    "zurueck",
    Column("geld", Integer),
    Column("kopf", Integer),
    Column("betrag", Integer),
    Column("stand", String(10)),
)
history = _table(
    "verlauf",
    Column("kopf", Integer),
    Column("von", String(10)),
    Column("nach", String(10)),
    Column("um", BigInteger),
)
ONCE = {"unit": "minor", "form": "epoch", "changed_at": "touched"}
_STATES = {
    "awaiting_payment": ["neu"], "paid": ["bezahlt"], "cancelled": ["storno"],
    "dispatched": ["weg"], "completed": ["fertig"],
}  # fmt: skip
MAPPING: dict[str, Any] = {
    "orders": {
        "from": "kopf",
        **ONCE,
        "fields": {
            "key": "id", "number": "nr", "state_since": "seit", "placed_at": "am",
            "promised_at": "bis", "total": "summe", "customer": "kunde", "address": "strasse",
            "postcode": "strasse",
            "state": {"column": "stand", "words": _STATES},
        },
    },
    "payments": {
        "from": "geld",
        **ONCE,
        "fields": {
            "key": "id", "order_key": "kopf", "amount": "betrag", "created_at": "um",
            "state": {"column": "stand", "words": {"captured": ["ok"], "failed": ["nein"]}},
        },
    },
    "order_lines": {
        "from": "zeile",
        **ONCE,
        "fields": {"key": "id", "order_key": "kopf", "sku": "artikel", "quantity": "n"},
    },
    "state_changes": {
        "from": "verlauf",
        **ONCE,
        "fields": {
            "key": "id", "order_key": "kopf", "at": "um",
            "from_state": {"column": "von", "words": _STATES},
            "to_state": {"column": "nach", "words": _STATES},
        },
    },
    "refunds": {
        "from": "zurueck",
        **ONCE,
        "fields": {
            "key": "id", "payment_key": "geld", "order_key": "kopf", "amount": "betrag",
            "state": {"column": "stand", "words": {"succeeded": ["ok"], "failed": ["nein"]}},
        },
    },
}  # fmt: skip
WRONG_WAY = {
    "name": "states",
    "kind": "stuck_orders",
    "limits": {"paid": 1_000_000},
    "transitions": {"paid": ["dispatched"], "dispatched": ["completed"]},
}
# The order of a refund is two tables away, by names of its own.
REFUND_LOST = {
    "name": "refund-lost",
    "kind": "query",
    "incident_type": "refund_stuck",
    "subject": "refund-lost",
    "find": """select o.number, r.amount as total, r.currency from refunds r
        join payments p on p.key = r.payment_key join orders o on o.key = p.order_key
        where r.state = 'failed' and o.state = 'cancelled'""",
}
FOLLOWED = (
    "address-incomplete",
    "order-duplicate",
    "number-twice",
    "order-impossible",
    "refund-lost",
    "amounts",
)


@dataclass
class Time:
    """A clock that a test moves."""

    moment: datetime = DAY

    def now(self) -> datetime:
        return self.moment


@dataclass
class Shop:
    """Its tables, written as the shop writes them."""

    url: str
    clock: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.engine = create_engine(self.url)
        metadata.drop_all(self.engine)
        metadata.create_all(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    def write(self, table: Table, key: int, **values: Any) -> None:
        """Makes the row or changes it. `touched`: its stamp, if it is not that of now."""
        now = int(self.clock.moment.timestamp())
        row = {"id": key, "touched": now, **values}
        insert = {"sqlite": sqlite, "postgresql": postgresql}.get(self.engine.dialect.name, mysql)
        statement = insert.insert(table).values(row)
        if insert is mysql:
            statement = statement.on_duplicate_key_update(**row)
        else:
            statement = statement.on_conflict_do_update(index_elements=["id"], set_=row)
        with self.engine.begin() as connection:
            connection.execute(statement)

    def order(self, key: int, **changed: Any) -> None:
        """One that is paid, to a known address, in time, unless it is said otherwise."""
        now = int(self.clock.moment.timestamp())
        usual = {
            "nr": f"K{key}", "stand": "bezahlt", "seit": now, "am": now - 60 * key,
            "bis": now + 86400, "summe": 100, "kunde": key, "strasse": "Zhongxiao 1",
        }  # fmt: skip
        self.write(orders, key, **{**usual, **changed})

    def paid(self, key: int, order: int, amount: int = 100, **changed: Any) -> None:
        an_hour_ago = int(self.clock.moment.timestamp()) - 3600
        usual = {"kopf": order, "betrag": amount, "stand": "ok", "um": an_hour_ago}
        self.write(payments, key, **{**usual, **changed})

    def in_order(self, key: int) -> None:
        self.order(key)
        self.paid(key, key)

    def take_away(self, table: Table, key: int) -> None:
        with self.engine.begin() as connection:
            connection.execute(table.delete().where(table.c.id == key))

    def keys(self, table: Table) -> list[int]:
        with self.engine.connect() as connection:
            return list(connection.scalars(select(table.c.id)))


def settings(url: str, **changed: Any) -> Settings:
    shop = {"name": "Laden", "currency": "TWD", "database_url": url, "mapping": MAPPING}
    part = changed.pop("shop", {})
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {**shop, **part},
            "checks": [{"name": "amounts", "kind": "amount_mismatch"}, WRONG_WAY, REFUND_LOST],
            **changed,
        }
    )


@dataclass
class Bot:
    """The checks of a bot as it runs them: its marks stand in its own database."""

    shop: Shop
    database_url: str
    changed: Mapping[str, Any] = field(default_factory=dict)

    def look(self, *names: str, take: bool = True, minutes: float = 1) -> dict[str, CheckResult]:
        """One run of each, a minute later. `take`: what it found is written down."""
        self.shop.clock.moment += timedelta(minutes=minutes)
        return asyncio.run(self._look(names, take))

    async def _look(self, names: tuple[str, ...], take: bool) -> dict[str, CheckResult]:
        found = settings(self.shop.url, **self.changed)
        results: dict[str, CheckResult] = {}
        with _opened(self.database_url) as database:
            async with open_checks(found) as checking:
                jobs = recurring_checks(
                    found, checking, house(), self.shop.clock, database,  # type: ignore[arg-type]
                    ran=lambda result: results.update({result.name: result}),
                )  # fmt: skip
                for name in names:
                    finishes = await jobs[name].job()
                    assert isinstance(finishes, list)
                    for finish in finishes if take else []:
                        await database.write(finish)
        for result in results.values():
            assert result.error is None, result.error
        return results

    def cases(self, name: str, **how: Any) -> list[str]:
        return cases(self.look(name, **how)[name])


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database.open(url, key=KEY)
    try:
        yield database
    finally:
        database.close_now()


def cases(result: CheckResult) -> list[str]:
    return sorted(case.key for finding in result.findings for case in finding.cases)


def whole(result: CheckResult) -> Any:
    """All that a result says, without how it came about."""
    findings = [(f.subject, f.incident_type, f.count, f.facts, f.cases) for f in result.findings]
    return findings, result.healthy_subjects
