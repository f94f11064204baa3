"""Shop of a million orders or more, made where it stands, with the indexes that a shop has.

Nearly all of its orders are long done. It grows in one of two ways: as a shop that is so much
*larger* (more orders a day, more of them open), or as the same shop so much *older* (as many orders
a day and as many open ones as with the first million, and more that are done).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from benchmarks.common import database_of
from bot.settings import Settings, parse_settings
from tests import clickhouse

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
MILLION = 1_000_000
ENGINES = ("sqlite", "postgresql", "mariadb", "clickhouse")
_TABLES = (
    """create table shop_order (id int primary key, number varchar(20), buyer int, state int,
       moved int, placed int, leaves int, gross int, cur varchar(3), phone varchar(20),
       street varchar(40), zip varchar(10), touched int)""",
    """create table charge (id int primary key, order_id int, state int, amount int,
       cur varchar(3), at int, touched int)""",
    """create table credit (id int primary key, order_id int, state int, amount int, at int,
       touched int)""",
)
_INDEXES = (
    "create index order_state on shop_order (state, moved)",
    "create index order_moved on shop_order (moved)",
    "create index order_buyer on shop_order (buyer)",
    "create index order_number on shop_order (number)",
    "create index order_touched on shop_order (touched)",
    "create index charge_order on charge (order_id)",
    "create index charge_state on charge (state, at)",
    "create index charge_touched on charge (touched)",
    "create index credit_order on credit (order_id)",
    "create index credit_state on credit (state, at)",
    "create index credit_touched on credit (touched)",
)
# State 0 waits for payment, 1 is paid, 2 is on its way, 3 is done, 4 was cancelled: of a million
# 300 wait, 2,000 are paid, 8,000 are on their way. Those of an older shop's first years are done,
# and of other customers.
_ORDERS = f"""
insert into shop_order
select n, concat('K', n), n % 200000 + (n - 1) / {{first}} * 200000,
       case when n > {{first}} then case when n % 90 = 3 then 4 else 3 end
            when n % 3333 = 0 then 0 when n % 500 = 1 then 1 when n % 125 = 2 then 2
            when n % 90 = 3 then 4 else 3 end,
       {AT} - {{day}} * 86400 - n % 80000, {AT} - {{day}} * 86400 - 90000,
       {AT} + 86400, 1000 + n % 900, 'TWD', '02 2345', 'Zhongxiao', '106',
       {AT} - {{day}} * 86400 - n % 80000
from numbers
"""
_CHARGES = f"""
insert into charge
select n, n, case when n % 3333 = 0 and n <= {{first}} then 3 else 1 end, 1000 + n % 900, 'TWD',
       {AT} - {{day}} * 86400 - 80000, {AT} - {{day}} * 86400 - n % 80000
from numbers where n % 90 <> 3 or (n <= {{first}} and (n % 500 = 1 or n % 125 = 2))
"""
_CREDITS = f"""
insert into credit select n, n * 40, 1, 0, {AT} - 4000000, {AT} - {{day}} * 86400 - n % 80000
from numbers where n <= {{credits}}
"""
MAPPING: dict[str, Any] = {
    "orders": {
        "from": "shop_order", "unit": "minor", "form": "epoch",
        "fields": {
            "key": "id", "number": "number", "customer": "buyer", "state_since": "moved",
            "placed_at": "placed", "promised_at": "leaves", "total": "gross", "currency": "cur",
            "phone": "phone", "address": "street", "postcode": "zip",
            "state": {"column": "state", "words": {"awaiting_payment": [0], "paid": [1],
                      "dispatched": [2], "completed": [3], "cancelled": [4]}},
        },
    },
    "payments": {
        "from": "charge", "unit": "minor", "form": "epoch",
        "fields": {
            "key": "id", "order_key": "order_id", "amount": "amount", "currency": "cur",
            "created_at": "at",
            "state": {"column": "state",
                      "words": {"created": [3], "captured": [1], "failed": [2], "unknown": [4]}},
        },
    },
    "refunds": {
        "from": "credit", "unit": "minor", "form": "epoch", "currency": "TWD",
        "fields": {
            "key": "id", "order_key": "order_id", "amount": "amount", "created_at": "at",
            "state": {"column": "state", "words": {"pending": [0], "succeeded": [1],
                      "failed": [2]}},
        },
    },
}  # fmt: skip


def settings(url: str, *, followed: bool = False) -> Settings:
    """The shop with every detection that it maps, and the two kinds that are code.

    `followed`: it is said by which column a row tells that it changed.
    """
    stamp = {"changed_at": "touched"} if followed else {}
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "S",
                "currency": "TWD",
                "database_url": url,
                "mapping": {name: {**entity, **stamp} for name, entity in MAPPING.items()},
            },
            "checks": [
                {"name": "stuck", "kind": "stuck_orders", "limits": {"paid": 100_000}},
                {"name": "amounts", "kind": "amount_mismatch"},
            ],
        }
    )


def made(url: str, orders: int, *, older: bool = False) -> Engine:
    """The shop with so many orders; its engine knows what its tables hold."""
    engine = create_engine(url)
    with engine.begin() as connection:
        _fill(connection, orders, older)
    _settled(engine)
    return engine


def _fill(connection: Connection, orders: int, older: bool) -> None:
    for name in ("shop_order", "charge", "credit", "numbers"):
        connection.execute(text(f"drop table if exists {name}"))
    connection.execute(text("create table numbers (n int primary key)"))
    connection.execute(text("insert into numbers values (1)"))
    count = 1
    while count < orders:  # doubled until there are enough
        more = min(count, orders - count)
        connection.execute(
            text(f"insert into numbers select n + {count} from numbers where n <= {more}")
        )
        count += more
    day = "(n % 900)"
    if older:
        day = f"(case when n > {MILLION} then 900 + n % 3600 else n % 900 end)"
    first = MILLION if older else orders
    engine = connection.dialect.name
    # ClickHouse is read by the order of its tables and has no such indexes.
    indexes = () if engine == clickhouse.NAME else _INDEXES
    for statement in (*_TABLES, _ORDERS, _CHARGES, _CREDITS, *indexes):
        written = statement.format(day=day, first=first, credits=orders // 40)
        if engine == "sqlite":
            written = written.replace("concat('K', n)", "'K' || n")
        elif engine != "postgresql":
            written = written.replace(f"(n - 1) / {first}", f"floor((n - 1) / {first})")
        connection.execute(text(written))


def _settled(engine: Engine) -> None:
    """As an engine that has run for a while knows its tables."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.execute(text("analyze table shop_order, charge, credit"))
        elif engine.dialect.name != clickhouse.NAME:
            connection.execute(text("analyze"))


@contextmanager
def database(engine: str) -> Iterator[str]:
    """The address of an empty database of that engine."""
    if engine == "clickhouse":
        with tempfile.TemporaryDirectory() as data:
            yield clickhouse.in_process(Path(data))
        return
    if engine != "mariadb":
        with database_of(engine == "postgresql") as url:
            yield url.replace("postgresql://", "postgresql+psycopg://")
        return
    from tests import mariadb

    with tempfile.TemporaryDirectory() as folder, mariadb.running(Path(folder)) as socket:
        yield mariadb.empty(socket)
