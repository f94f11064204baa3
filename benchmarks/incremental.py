"""Incremental run of the order checks: what one costs that finds nothing new, beside a larger shop.

    python -m benchmarks.incremental [--engine sqlite|postgresql|mariadb] [--json FILE]

Two shops in one engine, one of a million orders and one of five million, that is five times as old
or (`--larger`) five times as large. Each check runs once as a sweep, and then again and again a
minute later, with the mark that the run before left, in turn over the two shops; of each the median
of its runs. `--without` measures the same where no column tells when a row changed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text

from benchmarks.common import prepare, write_json
from benchmarks.large_shop import ENGINES, MILLION, NOW, database, made, settings
from bot.wiring.check_connections import Checking, open_checks
from checks.kinds.base import Check
from checks.mark import Following, Mark
from checks.registry import build
from checks.runner import run_check

RUNS = 7
ZONE = ZoneInfo("Asia/Taipei")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=MILLION)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--engine", default="sqlite", choices=ENGINES)
    parser.add_argument("--larger", action="store_true", help="five times the orders a day")
    parser.add_argument("--without", action="store_true", help="no column tells what changed")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    with _shops(options.engine) as (small, large):
        made(small, options.orders).dispose()
        made(large, options.orders * options.times, older=not options.larger).dispose()
        found = asyncio.run(_measured((small, large), followed=not options.without))
    for name, row in found.items():
        print(f"{name}: {row['small']:.1f} ms, {row['large']:.1f} ms; sweep {row['sweep']:.0f} ms")
    whole = {side: sum(row[side] for row in found.values()) for side in ("small", "large")}
    ratio = whole["large"] / whole["small"]
    print(f"whole: {whole['small']:.1f} ms, {whole['large']:.1f} ms, {ratio:.2f} ×")
    write_json(options.json, {"checks": found, **whole, "ratio": ratio})


@contextmanager
def _shops(engine: str) -> Iterator[tuple[str, str]]:
    """The addresses of two empty databases of one server."""
    with database(engine) as url:
        if engine == "sqlite":
            yield url, url.replace("bench.db", "bench5.db")
            return
        server = create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text("create database larger"))
        other = server.url.set(database="larger").render_as_string(hide_password=False)
        server.dispose()
        yield url, other


async def _measured(urls: tuple[str, str], *, followed: bool) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    async with AsyncExitStack() as stack:
        shops = [
            await stack.enter_async_context(open_checks(settings(url, followed=followed)))
            for url in urls
        ]
        for settled in settings(urls[0], followed=followed).checks:
            rows[settled.name] = await _one(build(settled), shops)
    return rows


async def _one(check: Check, shops: list[Checking]) -> dict[str, float]:
    """The medians of a run with nothing new over each shop, and the sweep of the larger."""
    marks: list[Mark | None] = [None, None]
    taken: list[list[float]] = [[], []]
    for number in range(RUNS + 2):  # a sweep, and one that warms what the others read
        now = NOW + timedelta(minutes=number)
        for at, checking in enumerate(shops):
            before = marks[at]
            due = before is not None and before.sweep_due(now, ZONE)
            context = checking.context(now, following=Following(before, sweep=due))
            began = time.perf_counter()
            result = await run_check(check, context)
            took = (time.perf_counter() - began) * 1000
            if result.error is not None:
                raise SystemExit(f"{result.name}: {result.error}")
            marks[at] = result.mark or before
            taken[at].append(took)
    small, large = (statistics.median(each[2:]) for each in taken)
    return {"small": small, "large": large, "sweep": taken[1][0]}


if __name__ == "__main__":
    main()
