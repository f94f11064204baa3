"""Memory of the order checks: the peak of a run, beside more orders and beside more findings.

    python -m benchmarks.check_memory [--engine sqlite|postgresql|mariadb] [--json FILE]

Each run is a process of its own, whose peak is read from /proc: over 100,000 and over a million
orders in order, then over a million of which each of three checks (addresses, amounts, numbers)
finds a page, and 200,000.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks.common import peak_mb, prepare, write_json
from benchmarks.large_shop import AT, ENGINES, MILLION, NOW, database, made, settings
from bot.wiring.check_connections import open_checks
from checks.registry import build
from checks.runner import run_check

PAGE, FOUND = 3_000, 200_000  # a little more than is shown of one incident, and many more
CHECKS = ("address-incomplete", "amounts", "number-twice")
# What each of the checks finds: open orders without an address and with a wrong amount, in pairs
# that share a number.
_BROKEN = f"""update shop_order set state = 1, street = '', moved = {AT - 3600}, gross = gross + 5,
    number = concat('D', floor(id / 2)) where id <= {{found}}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", default="sqlite", choices=ENGINES)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run", help=argparse.SUPPRESS)  # the address: one run, in this process
    options = parser.parse_args()
    if options.run:
        print(json.dumps(asyncio.run(_peaks(options.run))))
        return
    prepare()
    found: dict[str, Any] = {}
    with database(options.engine) as url:
        for name, orders, broken in _SHOPS:
            engine = made(url, orders)
            _broken(engine, broken)
            engine.dispose()
            found[name] = _run(url)
            said = ", ".join(f"{one}: {n}" for one, n in found[name]["counts"].items())
            print(f"{name}: peak {found[name]['peak']:.1f} MB ({said})")
    few, more, page, many = (one["peak"] for one in found.values())
    print(f"ten times the orders: {more / few:.2f} ×; {FOUND // PAGE} times: {many / page:.2f} ×")
    write_json(options.json, found)


def _broken(engine: Engine, found: int) -> None:
    written = _BROKEN.format(found=found)
    if engine.dialect.name == "sqlite":
        written = written.replace("concat('D', floor(id / 2))", "'D' || (id / 2)")
    with engine.begin() as connection:
        connection.execute(text(written))


_SHOPS = (
    ("100,000 orders", 100_000, 0),
    ("1,000,000 orders", MILLION, 0),
    (f"1,000,000 orders, {PAGE:,} found by each", MILLION, PAGE),
    (f"1,000,000 orders, {FOUND:,} found by each", MILLION, FOUND),
)


def _run(url: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.check_memory", "--run", url]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    read: dict[str, Any] = json.loads(answer.stdout)
    return read


async def _peaks(url: str) -> dict[str, Any]:
    """The peak of a process that runs the checks, and how many rows each found."""
    counts: dict[str, int] = {}
    found = settings(url)
    async with open_checks(found) as checking:
        for settled in found.checks:
            if settled.name not in CHECKS:
                continue
            slow = settled.model_copy(update={"deadline": 300.0})
            result = await run_check(build(slow), checking.context(NOW))
            if result.error is not None:
                raise SystemExit(f"{result.name}: {result.error}")
            one = result.findings[0] if result.findings else None
            counts[result.name] = 0 if one is None else one.count or len(one.cases)
    return {"peak": peak_mb(os.getpid()), "counts": counts}


if __name__ == "__main__":
    main()
