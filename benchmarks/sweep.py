"""Sweep of the order checks over a large shop, beside reference SQL in the same engine.

    python -m benchmarks.sweep [--orders 1000000] [--engine sqlite|postgresql|mariadb] [--json FILE]

A shop of so many orders, nearly all of them long done, with the indexes that a shop has. Each
check runs whole as the bot runs it (figures, page, evidence), in turn with SQL that was written by
hand for that shop and that engine and finds the same orders; of each the median of the runs. The
reference knows the shop's own tables and nothing of the checks.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from benchmarks.common import database_of, prepare, write_json
from bot.settings import Settings, parse_settings
from bot.wiring.check_connections import open_checks
from checks.registry import build
from checks.runner import run_check

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
RUNS = 5
TABLES = (
    """create table shop_order (id int primary key, number varchar(20), buyer int, state int,
       moved int, placed int, leaves int, gross int, cur varchar(3), phone varchar(20),
       street varchar(40), zip varchar(10))""",
    """create table charge (id int primary key, order_id int, state int, amount int,
       cur varchar(3), at int)""",
    "create table credit (id int primary key, order_id int, state int, amount int, at int)",
)
INDEXES = (
    "create index order_state on shop_order (state, moved)",
    "create index order_moved on shop_order (moved)",
    "create index order_buyer on shop_order (buyer)",
    "create index order_number on shop_order (number)",
    "create index charge_order on charge (order_id)",
    "create index charge_state on charge (state, at)",
    "create index credit_order on credit (order_id)",
    "create index credit_state on credit (state, at)",
)
# State 0 waits for payment, 1 is paid, 2 is on its way, 3 is done, 4 was cancelled: of a million
# 300 wait, 2,000 are paid, 8,000 are on their way.
ORDERS = f"""
insert into shop_order
select n, concat('K', n), n % 200000,
       case when n % 3333 = 0 then 0 when n % 500 = 1 then 1 when n % 125 = 2 then 2
            when n % 90 = 3 then 4 else 3 end,
       {AT} - (n % 900) * 86400 - n % 80000, {AT} - (n % 900) * 86400 - 90000,
       {AT} + 86400, 1000 + n % 900, 'TWD', '02 2345', 'Zhongxiao', '106'
from numbers
"""
CHARGES = f"""
insert into charge
select n, n, case when n % 3333 = 0 then 3 else 1 end, 1000 + n % 900, 'TWD',
       {AT} - (n % 900) * 86400 - 80000
from numbers where n % 90 <> 3 or n % 500 = 1 or n % 125 = 2
"""
CREDITS = "insert into credit select n, n * 40, 1, 0, 1000 from numbers where n <= {credits}"
_PAID = "select sum(c.amount) from charge c where c.order_id = o.id and c.state = 1"
# What a person who knows this shop would write, for each check of the sweep.
REFERENCE = {
    "address-incomplete": """select o.number, o.buyer, o.gross from shop_order o
        where o.state in (0, 1, 2) and (o.street is null or o.street = '' or o.zip is null
        or o.zip = '')""",
    "phone-missing": """select o.number, o.buyer, o.gross from shop_order o
        where o.state in (0, 1) and (o.phone is null or o.phone = '')""",
    "order-duplicate": """select o.number, o.buyer, o.gross from shop_order o
        where o.state in (0, 1) and exists (select 1 from shop_order e where e.buyer = o.buyer
        and e.id <> o.id and e.gross = o.gross and e.cur = o.cur and e.state in (0, 1, 2)
        and (e.placed < o.placed or (e.placed = o.placed and e.id < o.id))
        and o.placed - e.placed <= 600)""",
    "payment-not-booked": f"""select o.number, o.buyer, o.gross from shop_order o
        where o.state = 0 and exists (select 1 from charge c where c.order_id = o.id
        and c.state = 1 and c.at < {AT - 900} and c.amount >= o.gross)""",
    "payment-failed": f"""select o.number, o.buyer, o.gross from shop_order o where o.state = 0
        and exists (select 1 from charge c where c.order_id = o.id and c.state = 2
        and c.at < {AT - 3600}) and not exists (select 1 from charge d
        where d.order_id = o.id and (d.state <> 2 or d.at >= {AT - 3600}))""",
    "payment-without-order": f"""select c.id, c.amount from charge c where c.state = 1
        and c.at < {AT - 900} and c.at >= {AT - 30 * 86400} and not exists (select 1
        from shop_order o where o.id = c.order_id)""",
    "refund-stuck": f"""select o.number, r.amount from credit r join shop_order o
        on o.id = r.order_id where (r.state = 0 and r.at < {AT - 72 * 3600}) or (r.state = 2
        and not exists (select 1 from credit s where s.order_id = r.order_id
        and s.state in (0, 1) and s.at > r.at))""",
    "shipment-late": f"""select o.number, o.buyer, o.gross from shop_order o
        where o.state = 1 and o.leaves < {AT}""",
    "number-twice": """select o.number, o.buyer from shop_order o where o.state in (0, 1, 2)
        and exists (select 1 from shop_order e where e.number = o.number and e.id <> o.id)""",
    "stuck": f"""select o.number, o.buyer, o.gross, o.moved from shop_order o
        where o.state = 1 and o.moved < {AT - 100000 * 3600}""",
    "amounts": f"""select o.number, o.gross from shop_order o
        where o.moved >= {AT - 30 * 86400}
        and case when o.state in (1, 2, 3) then o.gross else 0 end
            <> coalesce(({_PAID}), 0)
               - case when o.state in (1, 2, 3) then 0 else coalesce((select sum(r.amount)
                 from credit r where r.order_id = o.id and r.state = 1), 0) end""",
}
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--engine", default="sqlite", choices=("sqlite", "postgresql", "mariadb"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    with _database(options.engine) as url:
        found = run(url, options.orders)
    for name, row in found["checks"].items():
        print(f"{name}: {row['check']:.1f} ms, by hand {row['by_hand']:.1f} ms")
    print(f"whole: {found['check']:.0f} ms, by hand {found['by_hand']:.0f}, {found['ratio']:.2f} ×")
    write_json(options.json, found)


def run(url: str, orders: int) -> dict[str, Any]:
    """Milliseconds of each check and of its reference, and of all together."""
    engine = create_engine(url)
    with engine.begin() as connection:
        _fill(connection, orders)
    _settled(engine)
    rows = asyncio.run(_measured(engine, settings(url)))
    engine.dispose()
    whole = {side: sum(row[side] for row in rows.values()) for side in ("check", "by_hand")}
    return {"orders": orders, "checks": rows, **whole, "ratio": whole["check"] / whole["by_hand"]}


def settings(url: str) -> Settings:
    """The shop with every detection that it maps, and the two kinds that are code."""
    return parse_settings(
        {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {"name": "S", "currency": "TWD", "database_url": url, "mapping": MAPPING},
            "checks": [
                {"name": "stuck", "kind": "stuck_orders", "limits": {"paid": 100_000}},
                {"name": "amounts", "kind": "amount_mismatch"},
            ],
        }
    )


async def _measured(engine: Engine, found: Settings) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    async with open_checks(found) as checking:
        for settled in found.checks:
            if settled.name not in REFERENCE:
                continue
            check = build(settled)

            async def looks(check: Any = check) -> None:
                result = await run_check(check, checking.context(NOW))
                if result.error is not None:
                    raise SystemExit(f"{result.name}: {result.error}")

            sql = REFERENCE[settled.name]

            async def by_hand(sql: str = sql) -> None:
                await asyncio.to_thread(_rows, engine, sql)

            rows[settled.name] = await _in_turn(looks, by_hand)
    return rows


async def _in_turn(
    looks: Callable[[], Awaitable[None]], by_hand: Callable[[], Awaitable[None]]
) -> dict[str, float]:
    """The medians of both, one after the other, so that a busy moment meets both."""
    taken: dict[str, list[float]] = {"check": [], "by_hand": []}
    for number in range(RUNS + 1):
        for side, work in (("by_hand", by_hand), ("check", looks)):
            began = time.perf_counter()
            await work()
            if number:  # the first one warms what both read
                taken[side].append((time.perf_counter() - began) * 1000)
    return {side: statistics.median(each) for side, each in taken.items()}


def _rows(engine: Engine, sql: str) -> int:
    with engine.connect() as connection:
        return len(connection.execute(text(sql)).all())


def _fill(connection: Connection, orders: int) -> None:
    """The shop's rows, made where they stand."""
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
    concat = connection.dialect.name == "sqlite"
    for statement in (*TABLES, ORDERS, CHARGES, CREDITS.format(credits=orders // 40), *INDEXES):
        made = statement.replace("concat('K', n)", "'K' || n") if concat else statement
        connection.execute(text(made))


def _settled(engine: Engine) -> None:
    """The engine knows what its tables hold, as one that has run for a while does."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.execute(text("analyze table shop_order, charge, credit"))
        else:
            connection.execute(text("analyze"))


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine != "mariadb":
        with database_of(engine == "postgresql") as url:
            yield url.replace("postgresql://", "postgresql+psycopg://")
        return
    from tests import mariadb

    with tempfile.TemporaryDirectory() as folder, mariadb.running(Path(folder)) as socket:
        yield mariadb.empty(socket)


if __name__ == "__main__":
    main()
