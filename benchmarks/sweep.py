"""Sweep of the order checks over a large shop, beside reference SQL in the same engine.

    python -m benchmarks.sweep [--orders 1000000] [--engine NAME] [--json FILE]

A shop of so many orders, nearly all of them long done, with the indexes that a shop has. Each
check runs whole as the bot runs it (figures, page, evidence), in turn with SQL that was written by
hand for that shop and that engine and finds the same orders; of each the median of the runs. The
reference knows the shop's own tables and nothing of the checks.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks.common import prepare, write_json
from benchmarks.large_shop import AT, ENGINES, MILLION, NOW, database, made, settings
from bot.settings import Settings
from bot.wiring.check_connections import open_checks
from checks.registry import build
from checks.runner import run_check
from tests import clickhouse

RUNS = 5
_HELD = """coalesce((select sum(c.amount) from charge c
        where c.order_id = o.id and c.state = 1 and c.cur = o.cur), 0)"""
_BACK = "coalesce((select sum(r.amount) from credit r where r.order_id = o.id and r.state = 1), 0)"
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
        and (case when o.state = 4 then {_HELD} <> {_BACK}
                  when o.state = 0 then {_HELD} not in (0, o.gross)
                  else {_HELD} <> o.gross or {_BACK} > o.gross end
             or exists (select 1 from charge c where c.order_id = o.id and c.state = 1
                        and c.cur <> o.cur))""",
}
# Where a value of a row is not asked for so, what a person would write there.
ON_CLICKHOUSE = {
    "amounts": f"""select o.number, o.gross from shop_order o
        left join (select p.id as id, sumIf(c.amount, c.cur = p.cur) as paid,
                          countIf(c.cur <> p.cur) as n
            from charge c join (select id, cur from shop_order where moved >= {AT - 30 * 86400}) p
            on p.id = c.order_id where c.state = 1 group by p.id) c on c.id = o.id
        left join (select order_id, sum(amount) as back from credit where state = 1
            and order_id in (select id from shop_order where moved >= {AT - 30 * 86400})
            group by order_id) r on r.order_id = o.id
        where o.moved >= {AT - 30 * 86400}
        and (multiIf(o.state = 4, c.paid <> r.back, o.state = 0, c.paid not in (0, o.gross),
                     c.paid <> o.gross or r.back > o.gross) or c.n > 0)""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=MILLION)
    parser.add_argument("--engine", default="sqlite", choices=ENGINES)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    with database(options.engine) as url:
        found = run(url, options.orders)
    for name, row in found["checks"].items():
        print(f"{name}: {row['check']:.1f} ms, by hand {row['by_hand']:.1f} ms")
    print(f"whole: {found['check']:.0f} ms, by hand {found['by_hand']:.0f}, {found['ratio']:.2f} ×")
    write_json(options.json, found)


def run(url: str, orders: int) -> dict[str, Any]:
    """Milliseconds of each check and of its reference, and of all together."""
    engine = made(url, orders)
    rows = asyncio.run(_measured(engine, settings(url)))
    engine.dispose()
    whole = {side: sum(row[side] for row in rows.values()) for side in ("check", "by_hand")}
    return {"orders": orders, "checks": rows, **whole, "ratio": whole["check"] / whole["by_hand"]}


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

            own = ON_CLICKHOUSE if engine.dialect.name == clickhouse.NAME else {}
            sql = own.get(settled.name, REFERENCE[settled.name])

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


if __name__ == "__main__":
    main()
