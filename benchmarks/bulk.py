"""One press for 600 stuck orders of 2.2, while people go on clicking and typing.

    python -m benchmarks.bulk                    # three pairs, about five minutes
    python -m benchmarks.bulk --orders 100 --runs 1 --phase 10

The real bot, the sandbox shop and the sandbox Slack. The shop has so many paid orders that are not
shipped; the bot's check finds them, the cause is entered, and *Redispatch* is pressed once. The
same traffic runs throughout (`benchmarks/traffic.py`, over other incidents). Measured: how long an
acknowledgement takes while the press is worked through, beside the same load just before and just
after it (the ratio of each run, and the median of the ratios: what else the machine does falls on
both sides); how long the press took, until the shop had the last order. What the shop did comes
from its own log: each order once. Goals: p50 and p99 at most 1.3 times those of the same load
without the press.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from benchmarks.common import cpu_seconds, database_name, figures, prepare, write_json
from benchmarks.house import Running, house
from benchmarks.sustained import declare
from benchmarks.traffic import ON_CALL, Crowd
from benchmarks.watch import Watch, beside
from sandbox.drills.hands import Shop, Slack, wait_for
from sandbox.drills.responder import Responder
from storage.models import ActionAttempt, AttemptState

GOAL = 1.3  # an acknowledgement during the press, in those of the same load without it
INCIDENTS, CHANNELS = 20, 4  # in which the people work
PLACE = "C0INCIDENTS"  # where the stuck orders are told of
WARM = 10.0  # seconds of the same traffic before anything is measured
FOUND_WITHIN = 120.0
PATIENCE = 600.0
_ENDED = (AttemptState.DONE, AttemptState.FAILED, AttemptState.REFUSED)
_CAUSE = {"root_cause": "logistics", "finding": "The warehouse feed stopped on Sunday"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=600)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=20.0, help="interactions a second")
    parser.add_argument("--phase", type=float, default=30.0, help="seconds before, and after")
    parser.add_argument("--slack-ms", type=float, default=150.0)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    found = run(options)
    show(found)
    write_json(options.json, found)
    sys.exit(0 if found["met"] else 1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Each run against programs started anew; the medians, and whether all was done once."""
    runs = [_run(options) for _ in range(options.runs)]
    ratio = {name: statistics.median(one["ratio"][name] for one in runs) for name in ("p50", "p99")}
    once = all(one["once"] for one in runs)
    acked = all(one[side]["acked"] == one[side]["sent"] for one in runs for side in _SIDES)
    return {
        "database": database_name(options.postgres),
        "orders": options.orders,
        "rate": options.rate,
        "slack_ms": options.slack_ms,
        "runs": runs,
        "ratio": ratio,
        "took_s": statistics.median(one["took_s"] for one in runs),
        "once": once,
        "acked": acked,
        "met": once and acked and max(ratio.values()) <= GOAL,
    }


_SIDES = ("without", "during")


def _run(options: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as folder,
        house(
            Path(folder),
            postgres=options.postgres,
            channels=CHANNELS,
            types=INCIDENTS,
            bulk_cases=options.orders,  # the second person is not what is measured
        ) as running,
        beside(running.database) as engine,
    ):
        found = asyncio.run(_measure(running, engine, options))
        one = {side: found[side] for side in _SIDES}
        print(
            f"{options.orders} orders in {found['took_s']:.0f} s, each once: {found['once']};"
            + "".join(
                f"  {side} p50 {acks['p50']:.1f} p99 {acks['p99']:.1f} ms of {acks['sent']}"
                for side, acks in one.items()
            ),
            flush=True,
        )
        return found


async def _measure(running: Running, engine: Engine, options: argparse.Namespace) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        crowd = Crowd(http, running.stack.slack_url)
        watch = Watch(engine, http, running.stack.slack_url)
        await declare(crowd, running)
        running.options(latency=options.slack_ms / 1000, rate_limits=True)
        hand = _Hand(running)
        await asyncio.to_thread(hand.prepare, options.orders)
        traffic = asyncio.create_task(crowd.work(options.rate, 3600))
        pid = running.bot.process.pid
        try:
            await asyncio.sleep(WARM)
            before = await _phase(watch, options.phase)
            await watch.begin()
            used, began = cpu_seconds(pid), time.monotonic()
            await asyncio.to_thread(hand.redispatch)
            await _worked_through(engine, options.orders)
            took = time.monotonic() - began
            cpu = (cpu_seconds(pid) - used) / took
            await watch.read_acks()
            during = list(watch.acks)
            after = await _phase(watch, options.phase)
        finally:
            traffic.cancel()
            await asyncio.gather(traffic, return_exceptions=True)
        sides = {"without": figures([*before, *after]), "during": figures(during)}
        ratio = {name: sides["during"][name] / sides["without"][name] for name in ("p50", "p99")}
        done = await asyncio.to_thread(hand.redispatched)
        once = len(done) == options.orders and set(done.values()) == {1}
        return {**sides, "ratio": ratio, "took_s": took, "bot_cpu": cpu, "once": once}


async def _phase(watch: Watch, seconds: float) -> list[float | None]:
    """The acknowledgements of so long."""
    await watch.begin()
    await asyncio.sleep(seconds)
    await watch.read_acks()
    return list(watch.acks)


async def _worked_through(engine: Engine, orders: int) -> None:
    end = time.monotonic() + PATIENCE
    while await asyncio.to_thread(_ended, engine) < orders:
        assert time.monotonic() < end, "the press was not worked through"
        await asyncio.sleep(0.5)


def _ended(engine: Engine) -> int:
    """Attempts of the press that have their outcome."""
    with Session(engine) as session:
        wanted = select(func.count()).where(
            ActionAttempt.action == "redispatch_order", ActionAttempt.state.in_(_ENDED)
        )
        return session.scalar(wanted) or 0


class _Hand:
    """Who works the stuck orders, and the shop where they stand."""

    def __init__(self, running: Running) -> None:
        self._slack = Slack(running.stack.slack_url)
        self._shop = Shop(running.stack.shop_url)
        self._person = Responder(
            self._slack,
            self._shop,
            lambda _seconds: None,  # time passes by itself
            channel=PLACE,
            person=ON_CALL[1],
            tell=lambda _said: None,
        )

    def prepare(self, orders: int) -> None:
        """Orders stick, the check finds them, and the cause is entered."""
        fault = {"kind": "orders_stuck", "on": True, "count": orders, "hours": 60, "status": "paid"}
        self._shop.post("/faults", fault)
        found = wait_for(
            lambda: self._person.cards() or None, "the card of the stuck orders", FOUND_WITHIN
        )
        self._person.card_ts = found[-1]["ts"]
        self._person.press({"step": "2.2.s2", "button": "cause", "form": _CAUSE})

    def redispatch(self) -> None:
        self._person.press({"step": "2.2.s3", "button": "redispatch", "waits": True})

    def redispatched(self) -> Counter[str]:
        """By order, how often the shop did it."""
        return Counter(
            str(one["path"])
            for one in self._shop.look("/mutations?limit=10000")["mutations"]
            if one["effect"] and str(one["path"]).endswith("/redispatch")
        )


def show(found: dict[str, Any]) -> None:
    ratio = found["ratio"]
    print(
        f"{found['database']}, {found['rate']:g} interactions/s, medians of {len(found['runs'])}:"
    )
    print(f"  {found['orders']} orders in {found['took_s']:.0f} s, each once: {found['once']}")
    print(f"  acknowledgements during : without, p50 {ratio['p50']:.2f}, p99 {ratio['p99']:.2f}")


if __name__ == "__main__":
    main()
